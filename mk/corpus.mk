# SPDX-License-Identifier: GPL-2.0-or-later
# Real patches, counted: see tests/corpus/run and docs/coverage.md.

CORPUS_LOAD := $(O)/tests/corpus/load
$(CORPUS_LOAD): tests/corpus/load.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(STATIC_CFLAGS) -o $@ $< -pthread

CHECK_PROGRAMS += $(CORPUS_LOAD)
TAP_SCRIPTS += tests/corpus/sample

# STEP=, CASES=regex, SAMPLE=n with SEED=s, JOBS=n, MINUTES=n, FRESH=1, RENEW=1
CORPUS_OPTIONS = $(if $(STEP),--step '$(STEP)') $(if $(CASES),--cases '$(CASES)') \
	$(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed '$(SEED)') \
	$(if $(JOBS),--jobs $(JOBS)) $(if $(MINUTES),--minutes $(MINUTES)) \
	$(if $(FRESH),--fresh) $(if $(RENEW),--renew)

.PHONY: corpus corpus-table corpus-sample
corpus: all $(CORPUS_LOAD) ## Count how many real patches apply (root; hours, resumable)
	tests/corpus/run $(CORPUS_OPTIONS)
corpus-table: all ## Write what `make corpus` has done so far into docs/coverage.md
	tests/corpus/run --table --write docs/coverage.md $(CORPUS_OPTIONS)
corpus-sample: all $(CORPUS_LOAD) ## Check 25 real patches (root)
	prove -v --exec '' tests/corpus/sample
