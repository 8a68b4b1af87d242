# SPDX-License-Identifier: GPL-2.0-or-later
# One object counts how often /proc/interrupts is read from its start, the other shows the number.
shown() {
	tail -n +2 /proc/execdomains
}

case $1 in
old)
	grep -q '^0-0.*kernel' /proc/execdomains && [ -z "$(shown)" ]
	;;
new)
	before=$(shown)
	[ -n "$before" ] || exit 1
	number=${before% *}
	[ "$before" = "$number $((14 + number))" ] && [ "$number" -ge 1000 ] || exit 1
	head -n 1 /proc/interrupts >/dev/null
	[ "$(shown)" = "$((number + 1)) $((15 + number))" ]
	;;
esac
