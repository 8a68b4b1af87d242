# SPDX-License-Identifier: GPL-2.0-or-later
# Every parser of outside bytes, fuzzed with libFuzzer: make check-fuzz SECONDS=60

SECONDS ?= 60
.PHONY: check-fuzz
check-fuzz: ## Fuzz each parser of outside bytes for SECONDS (60)
	@sh mk/deps.sh mk/packages.list mk/packages-fuzz.list
	prove -v --exec '' "tests/fuzz/run.sh $(SECONDS) $(O)/fuzz"
