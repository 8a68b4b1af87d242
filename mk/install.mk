# SPDX-License-Identifier: GPL-2.0-or-later
# Installing, and what has to be there first.

.PHONY: deps
deps: ## Install through apt what building and testing need (root)
	sh mk/deps.sh mk/packages.list
