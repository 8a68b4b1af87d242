# SPDX-License-Identifier: GPL-2.0-or-later
# The event with those who listen already, with two (the static call then goes to a function that
# calls both), with the other one alone, and as it was found.
main=/sys/kernel/tracing
other=$main/instances/upkeep
event=events/task/task_rename/enable

# A task takes a name (busybox's own tools do, too): the word that each listener got, or "-".
heard() {
	for listener in $main $other; do
		echo >"$listener/trace"
	done
	echo named-by-check >/proc/self/comm
	for listener in $main $other; do
		grep -m 1 -oE 'newcomm=(named-by-check|upkeep-renaming)' "$listener/trace" || echo "=-"
	done | cut -d= -f2 | tr '\n' ' '
}

case $1 in
old) word=named-by-check ;;
new) word=upkeep-renaming ;;
esac
found=$(cat $main/$event)
mkdir $other || exit 2
status=0
for listeners in "$found 0" "1 1" "0 1" "$found 0"; do
	echo "${listeners% *}" >$main/$event
	echo "${listeners#* }" >$other/$event
	wanted=$(for on in $listeners; do [ "$on" = 1 ] && echo "$word" || echo -; done | tr '\n' ' ')
	[ "$(heard)" = "$wanted" ] || status=1
done
rmdir $other
exit $status
