# SPDX-License-Identifier: GPL-2.0-or-later
# Figures, each as a ratio inside one run: see tests/bench/run and docs/figures.md.

BENCH_PARTS := create call pause apply replace

# LINE=6.1 or LINE=6.12 for one kernel, ROUNDS=n
BENCH = $(if $(ROUNDS),ROUNDS=$(ROUNDS)) tests/bench/run $(if $(LINE),--kernel $(LINE))

.PHONY: bench figures $(addprefix bench-,$(BENCH_PARTS))
bench: all ## Measure all figures and write docs/figures.md (root; an hour and more)
	$(BENCH) $(BENCH_PARTS); status=$$?; tests/bench/figures && exit $$status
bench-create: all ## Measure making an update, over the plain compile (root)
bench-call: all ## Count what a call of a changed function costs (root)
bench-pause: all ## Measure how long the machine stands still (root)
bench-replace: all ## Measure the gap of a replacement, beside a reboot; draw it (root)
bench-apply: all ## Measure check and apply, and the memory of an update (root)
$(addprefix bench-,$(BENCH_PARTS)):
	$(BENCH) $(@:bench-%=%)
figures: ## Write the tables of docs/figures.md from what was measured last
	tests/bench/figures
