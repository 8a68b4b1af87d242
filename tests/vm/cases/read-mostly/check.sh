# SPDX-License-Identifier: GPL-2.0-or-later
# The limit follows the ratio that is set; the new code adds 1,000 pages for each per cent.
ratio=/proc/sys/vm/overcommit_ratio
was=$(cat $ratio)

kib_of() {
	sed -n "s/^$1: *\([0-9]*\) kB$/\1/p" /proc/meminfo
}

pages=$(($(kib_of MemTotal) / 4))
case $1 in
old) more=0 ;;
new) more=1000 ;;
esac
status=0
for percent in 0 10 37; do
	echo $percent >$ratio
	wanted=$(((pages * percent / 100 + more * percent) * 4))
	[ $percent = 0 ] || [ "$(kib_of CommitLimit)" -eq $wanted ] || status=1
done
echo "$was" >$ratio
exit $status
