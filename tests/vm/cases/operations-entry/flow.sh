# SPDX-License-Identifier: GPL-2.0-or-later
exec 9</dev/zero
expect old "before"
apply 1
expect new "with the update"
exec 9<&-
exec 9</dev/zero
undo 1
expect old "after the undo, in a file that was opened before it"
exec 9<&-
