# SPDX-License-Identifier: GPL-2.0-or-later
# The command line's own tests, and what is read beside it: manual pages, completion.

CLI_TESTS := $(sort $(wildcard tests/cli/*.t))
TAP_SCRIPTS += $(CLI_TESTS)
CHECK_PROGRAMS += $(O)/tests/cli/pack

$(O)/tests/cli/pack: $(O)/obj/tests/cli/pack.o $(call room_lib,bundle) $(call room_lib,base)
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(OPTIMISE) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

.PHONY: check-cli
check-cli: $(O)/upkeep $(O)/tests/cli/pack ## Run the tests of the command line
	prove --exec '' $(CLI_TESTS)
