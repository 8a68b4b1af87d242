#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The tests of upkeep.ko on one stock kernel: run.sh RELEASE [WORDS]. Prints TAP.
#
# The modules are built with the kernel's linux-headers package, which is fetched through apt
# and unpacked below build/vm, not installed. WORDS are more for the kernel's command line.
set -eu

release=$1
words=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
out=${UPKEEP_VM_BUILD:-$top/build/vm}/kmod/$release
headers=$out/headers

# The packages of one kernel: headers, what its architectures share, the build tools.
fetch_headers() {
	common=linux-headers-$(echo "$release" | sed 's/-\(cloud-\)\{0,1\}amd64$//')-common
	kbuild=$(apt-cache depends "linux-headers-$release" | sed -n 's/.*Depends: \(linux-kbuild-.*\)/\1/p')
	rm -rf "$headers" "$out/debs"
	mkdir -p "$headers.new" "$out/debs"
	(cd "$out/debs" && apt-get download -q "linux-headers-$release" "$common" "$kbuild")
	for deb in "$out/debs"/*.deb; do
		dpkg-deb -x "$deb" "$headers.new"
	done
	sed -i "s,/usr/src/,$headers/usr/src/," "$headers.new/usr/src/linux-headers-$release/Makefile"
	mv "$headers.new" "$headers"
}

# Symbols that the kernel does not export are resolved when the module is loaded.
build_modules() {
	rm -rf "${out:?}/$1"
	mkdir -p "$out/include"
	cp -r "$2" "$out/$1"
	if ! make -s -j2 -C "$headers/usr/src/linux-headers-$release" M="$out/$1" \
		KBUILD_MODPOST_WARN=1 modules >"$out/$1.log" 2>&1; then
		cat "$out/$1.log" >&2
		exit 1
	fi
	for module in "$out/$1"/*.ko; do
		strip -g "$module"
	done
}

[ -d "$headers" ] || fetch_headers >&2
rm -rf "$out/include"
cp -r "$top/include" "$out/include"
build_modules kmod "$top/kmod"
build_modules mod "$here/mod"
flags="-O2 -static -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror"
# shellcheck disable=SC2086 # a list of words is what is meant
gcc-12 $flags -I"$top/include" -o "$out/kt" "$here/kt.c" "$here/kt_guest.c" \
	"$here/kt_request.c" -lpthread
# shellcheck disable=SC2086
gcc-12 $flags -o "$out/koload" "$here/koload.c"

exec "$top/tests/vm/guest.py" "$release" "koload /kt/upkeep.ko && kt" \
	--append "log_buf_len=4M $words" --log "$out/console.log" --deadline "${UPKEEP_DEADLINE:-600}" \
	--memory 512 --add "$out/kmod/upkeep.ko:/kt/upkeep.ko" \
	--add "$out/mod/kt_target.ko:/kt/kt_target.ko" --add "$out/mod/kt_new.ko:/kt/kt_new.ko" \
	--add "$out/mod/kt_late.ko:/kt/kt_late.ko" \
	--add "$out/kt:/bin/kt" --add "$out/koload:/bin/koload"
