# SPDX-License-Identifier: GPL-2.0-or-later

.PHONY: help
help: ## List every target
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST) | sort
