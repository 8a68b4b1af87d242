# SPDX-License-Identifier: GPL-2.0-or-later
tracing=/sys/kernel/tracing

# Whether ftrace sees calls of the function now.
traced() {
	echo >$tracing/trace
	cat /proc/devices >/dev/null
	grep -q devinfo_show $tracing/trace
}

trace_on() {
	echo devinfo_show >$tracing/set_ftrace_filter
	echo function >$tracing/current_tracer
	traced || fail "$1: ftrace does not see the function"
}

trace_off() {
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
}

# A probe on the first instruction after the ftrace site, where the redirect would go.
echo "p:upkeep_test devinfo_show+5" >$tracing/kprobe_events 2>/dev/null ||
	echo "p:upkeep_test devinfo_show+9" >$tracing/kprobe_events || fail "no probe can be set"
echo 1 >$tracing/events/kprobes/upkeep_test/enable
upkeep_exits 2 apply 1.upk
said "probe"
said "devinfo_show"
expect old "with a probe in the way"
echo 0 >$tracing/events/kprobes/upkeep_test/enable
echo >$tracing/kprobe_events

trace_on "before"
apply 1
expect new "traced, with the update"
traced || fail "ftrace sees the function no more"
trace_off
expect new "no longer traced"
trace_on "with the update"
expect new "traced again"
undo 1
expect old "traced, after the undo"
traced || fail "ftrace sees the function no more after the undo"
trace_off
