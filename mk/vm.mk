# SPDX-License-Identifier: GPL-2.0-or-later
# Cases that run in a guest with a stock kernel: one kernel of each line.

VM_CHECKS := tests/vm/check-6.1 tests/vm/check-6.12
VM_PROGRAMS := $(O)/tests/vm/probe
TAP_SCRIPTS += $(VM_CHECKS) tests/vm/check-killed
CHECK_PROGRAMS += $(VM_PROGRAMS)

# Programs of a guest are static, for there is little but busybox in it.
STATIC_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -static
$(O)/tests/vm/%: tests/vm/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(STATIC_CFLAGS) -o $@ $<

.PHONY: check-vm check-vm-stock
check-vm: all $(VM_PROGRAMS) ## Run the VM cases of both kernel lines (root)
	prove -v --exec '' $(VM_CHECKS)
check-vm-stock: $(VM_PROGRAMS) ## Check that each VM case sees the old behaviour on the stock kernels
	@for check in $(VM_CHECKS); do $$check --stock || exit 1; done
