# SPDX-License-Identifier: GPL-2.0-or-later
more=$(tail -n +2 /proc/version)
case $1 in
old) grep -q ^Linux /proc/version && [ -z "$more" ] ;;
new) grep -q ^Linux /proc/version && [ "$more" = "for seq_read_iter" ] ;;
esac
