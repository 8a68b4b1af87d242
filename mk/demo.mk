# SPDX-License-Identifier: GPL-2.0-or-later
# The demonstration: a real fix goes into a stock kernel and out again.

$(O)/tests/demo/%: tests/demo/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(STATIC_CFLAGS) -o $@ $< -pthread

.PHONY: demo
demo: ## Watch a real fix go into a running stock kernel and out again (root)
	@began=$$(date +%s); \
	echo "=== [1/6] Install what is missing"; \
	sh mk/deps.sh mk/packages.list && DEMO_BEGAN=$$began tests/demo/demo
