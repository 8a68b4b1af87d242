# SPDX-License-Identifier: GPL-2.0-or-later
# Replacing the kernel under a whole Debian system in QEMU.

# What `make check' has. Most of it runs beside all others, one after the other; divided so that
# both sides should take about the same time.
REPLACE_BESIDE := tests/replace/check-swap tests/replace/check-faults tests/replace/check-session
REPLACE_CHECKS := $(REPLACE_BESIDE) tests/replace/check-home
# What is left out there, for its 45 minutes.
REPLACE_LONG := tests/replace/check-calls tests/replace/check-sysv tests/replace/check-seat \
	tests/replace/check-harness tests/replace/check-journal tests/replace/check-store \
	tests/replace/check-trial tests/replace/check-disks tests/replace/check-efi \
	tests/replace/check-programs
BESIDE_SCRIPTS += $(REPLACE_BESIDE)
TAP_SCRIPTS += $(filter-out $(REPLACE_BESIDE),$(REPLACE_CHECKS))

SEAT_PROGRAM := $(O)/tests/replace/seat/paint
CHECK_PROGRAMS += $(SEAT_PROGRAM)
$(SEAT_PROGRAM): tests/replace/seat/paint.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(STATIC_CFLAGS) -static -o $@ $<

.PHONY: check-replace check-programs check-zoo-swap check-long replace-image
check-replace: all zoo $(SEAT_PROGRAM) ## Swap kernels under services of a whole Debian system (root)
	prove -v --timer --exec '' $(REPLACE_CHECKS) $(filter-out %/check-programs,$(REPLACE_LONG))
check-programs: all ## Swap kernels under databases and a server with threads (root; long)
	prove -v --exec '' tests/replace/check-programs
# Hours under emulation: all cases over three swaps.
check-zoo-swap: all zoo ## Carry all of the zoo over kernel swaps, and write docs/replace-zoo.md (root)
	$(Q)status=0; for swap in "6.1.0-47 6.1.0-57" "6.1.0-47 6.12" "6.12 6.1.0-47"; do \
		tests/replace/zoo-swap $$swap || status=1; \
	done; tests/replace/zoo-table && exit $$status
check-long: check ## All of `make check', then what takes longer: hours (root)
	prove -v --timer --exec '' $(REPLACE_LONG)
	$(Q)$(MAKE) --no-print-directory check-zoo-swap
replace-image: ## Make the Debian system of check-replace, if it is not there
	tests/replace/image.py
