# SPDX-License-Identifier: GPL-2.0-or-later
# The demonstrations: a real fix goes into a stock kernel and out again; another kernel.

$(O)/tests/demo/%: tests/demo/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(STATIC_CFLAGS) -o $@ $< -pthread

.PHONY: demo
demo: ## Watch a real fix go into a running stock kernel and out again (root)
	@began=$$(date +%s); \
	echo "=== [1/6] Install what is missing"; \
	sh mk/deps.sh mk/packages.list && DEMO_BEGAN=$$began tests/demo/demo

.PHONY: demo-replace
demo-replace: ## Watch a kernel being replaced under nginx, Redis, memcached and a login (root)
	@sh mk/deps.sh mk/packages.list
	$(Q)$(MAKE) --no-print-directory all
	tests/demo/replace
