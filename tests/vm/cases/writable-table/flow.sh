# SPDX-License-Identifier: GPL-2.0-or-later
expect old "before the updates"
upkeep_exits 0 check 1.upk
apply 1
expect new "with the first"
apply 2
expect newer "with the second"
upkeep_exits 2 apply 3.upk
said "symbol dummy_link_ops\+0x[0-9a-f]*: expected 0x0, found 0x[0-9a-f]* \(unregister_netdevice_queue\+0x0, vmlinux\): something has changed it since boot"
expect newer "after the refusal of the third"
undo 2
expect new "without the second"
undo 1
expect old "after the undo"
