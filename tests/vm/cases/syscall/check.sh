# SPDX-License-Identifier: GPL-2.0-or-later
# The shell's own umask asks the kernel.
umask 0127
case $1 in
old) [ "$(umask)" = 0127 ] ;;
new) [ "$(umask)" = 0100 ] ;;
esac
