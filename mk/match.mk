# SPDX-License-Identifier: GPL-2.0-or-later
# The test that a match can fail. Which image and objects it flips is for who calls it.

FLIP := $(O)/tests/match/flip
CHECK_PROGRAMS += $(FLIP)
$(FLIP): $(O)/obj/tests/match/flip.o $(foreach r,$(call test_rooms,tests/match/flip.c),$(call room_lib,$(r)))
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(OPTIMISE) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

FLIP_CHECKS := tests/match/flips-6.1 tests/match/flips-6.12
TAP_SCRIPTS += $(FLIP_CHECKS)
.PHONY: check-flips
check-flips: $(FLIP) ## Flip bits in kernel images: each must be refused (after check-vm)
	prove -v --exec '' $(FLIP_CHECKS)
