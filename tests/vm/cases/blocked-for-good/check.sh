# SPDX-License-Identifier: GPL-2.0-or-later
# The thread is there and sleeps where it always does; no update is there that says otherwise.
thread=$(pidof oom_reaper) || exit 2
case $1 in
old) grep -q " oom_reaper+" "/proc/$thread/stack" && [ ! -d "/sys/kernel/upkeep/$(cat 1.id 2>/dev/null || echo none)" ] ;;
new) [ -d "/sys/kernel/upkeep/$(cat 1.id 2>/dev/null || echo none)" ] ;;
esac
