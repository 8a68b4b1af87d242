# SPDX-License-Identifier: GPL-2.0-or-later
# Every name that is made and found again has gone through the table.
count() {
	awk '{ print $6 }' /proc/sys/fs/dentry-state
}
before=$(count)
for name in one two three four; do
	: >"/tmp/runtime-shift-$name" && [ -f "/tmp/runtime-shift-$name" ] || exit 1
	rm "/tmp/runtime-shift-$name" && [ ! -e "/tmp/runtime-shift-$name" ] || exit 1
done
case $1 in
old) [ "$(count)" = "$before" ] ;;
new) [ "$(count)" -gt "$before" ] ;;
esac
