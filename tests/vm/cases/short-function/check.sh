# SPDX-License-Identifier: GPL-2.0-or-later
case $1 in
old) grep -q CPU0 /proc/interrupts && ! grep -q '^the end$' /proc/interrupts ;;
new) grep -q CPU0 /proc/interrupts && grep -q '^the end$' /proc/interrupts ;;
esac
