#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the packages named in lists, if any of them is missing.
set -eu

packages=$(sed -e 's/#.*//' "$@")
missing=
for package in $packages; do
	status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
	[ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "missing packages:$missing" >&2
	echo "run as root: sudo make deps" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # a list of words is what is meant
apt-get install -q -y --no-install-recommends $missing
