# SPDX-License-Identifier: GPL-2.0-or-later
# Every parser of outside bytes, fuzzed with libFuzzer: make check-fuzz SECONDS=60
# `make check' does it, too, beside everything else (see tests/run.sh).

SECONDS ?= 60
FUZZ_SRCS := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%,$(FUZZ_SRCS) tests/fuzz/seed.c)

define fuzz_rules
$(O)/tests/fuzz/$(1): $(O)/obj/tests/fuzz/$(1).o \
		$(foreach r,$(call test_rooms,tests/fuzz/$(1).c),$(call room_lib,$(r)))
	$(say) LD $$@
	@mkdir -p $$(@D)
	$(Q)$(CC) $(OPTIMISE) $(LDFLAGS) $(if $(filter fuzz_%,$(1)),-fsanitize=fuzzer) -o $$@ $$^ \
		$$(PKG_LIBS) -lcheck -lsubunit -lm -lrt -lpthread
endef
$(foreach t,$(FUZZ_SRCS) tests/fuzz/seed.c,$(eval $(call fuzz_rules,$(basename $(notdir $(t))))))

# The programs of this O; what is built with libFuzzer has an O of its own.
.PHONY: fuzz-programs-here fuzz-programs check-fuzz
fuzz-programs-here: $(FUZZ_PROGRAMS)
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz-programs:
	$(Q)$(MAKE) --no-print-directory O=$(O)/fuzz CC=clang-14 OPTIMISE='-O1 -g' \
		WARNINGS='-Wall -Wno-gnu-folding-constant' \
		CFLAGS='-Itests/unit $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link' LDFLAGS='$(FUZZ_SANITIZE)' \
		fuzz-programs-here
check-fuzz: ## Fuzz each parser of outside bytes for SECONDS (60)
	@sh mk/deps.sh mk/packages.list mk/packages-fuzz.list
	prove -v --exec '' "tests/fuzz/run.sh $(SECONDS) $(O)"
