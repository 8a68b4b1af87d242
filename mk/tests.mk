# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests: one program per tests/unit/test_*.c, reporting TAP.

UNIT_SRCS := $(sort $(wildcard tests/unit/test_*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(UNIT_SRCS))

# A test names the rooms that it links in a line `/* rooms: diff elf base */`.
test_rooms = $(shell sed -n 's,^/\* rooms: \(.*\) \*/$$,\1,p' $(1))
define unit_rules
$(O)/tests/unit/$(1): $(O)/obj/tests/unit/$(1).o $(O)/obj/tests/unit/tap.o $(if $(filter elf,$(call test_rooms,tests/unit/$(1).c)),$(O)/obj/tests/unit/golden.o) \
		$(foreach r,$(call test_rooms,tests/unit/$(1).c),$(call room_lib,$(r)))
	$(say) LD $$@
	@mkdir -p $$(@D)
	$(Q)$(CC) $(OPTIMISE) $(LDFLAGS) -o $$@ $$^ $$(PKG_LIBS) -lcheck -lsubunit -lm -lrt -lpthread
endef
$(foreach t,$(UNIT_SRCS),$(eval $(call unit_rules,$(basename $(notdir $(t))))))

.PHONY: unit check-unit
unit: $(O)/tests/unit/$(T) ## Build and run one unit test: make unit T=test_strbuf
	prove -v --exec '' $<
check-unit: $(UNIT_TESTS) ## Build and run all unit tests
	prove --exec '' $^

# The same tests with AddressSanitizer and UndefinedBehaviorSanitizer.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ASAN_TESTS := $(patsubst $(O)/%,$(O)/asan/%,$(UNIT_TESTS))

.PHONY: unit-programs asan-programs check-asan
unit-programs: $(UNIT_TESTS)
asan-programs:
	$(Q)$(MAKE) --no-print-directory O=$(O)/asan CFLAGS='$(SANITIZE)' LDFLAGS='$(SANITIZE)' \
		unit-programs
check-asan: asan-programs ## Build and run all unit tests under ASan and UBSan
	prove --exec '' $(ASAN_TESTS)

# The test command of the README: installs what it needs, runs everything, counts.
.PHONY: check
check: ## Install what the tests need and run them all (root; 45 minutes at most)
	@sh mk/deps.sh mk/packages.list mk/packages-fuzz.list
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) all unit-programs asan-programs $(CHECK_PROGRAMS)
	@FUZZ=$(O) BESIDE="$(BESIDE_SCRIPTS)" sh tests/run.sh $(UNIT_TESTS) $(ASAN_TESTS) $(TAP_SCRIPTS)
