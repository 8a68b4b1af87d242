# SPDX-License-Identifier: GPL-2.0-or-later
read -r word _ </proc/version
case $1 in
old) [ "$word" = Linux ] ;;
new) [ "$word" = Updated ] ;;
esac
