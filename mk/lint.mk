# SPDX-License-Identifier: GPL-2.0-or-later
# How the source is laid out, and what tools say of the scripts.

FORMATTED = $(shell git ls-files 'src/*.[ch]' 'tests/unit/*.[ch]' 'tests/fuzz/*.c' \
	'tests/match/*.c' 'tests/cli/*.c' 'tests/replace/zoo/*.[ch]')
SHELL_SCRIPTS = $(shell git grep -lE '^\#!/bin/sh|^\# shellcheck shell=sh' -- . ':!*.mk')

.PHONY: format lint
format: ## Lay out the C of src/ and tests/ with clang-format-14
	clang-format-14 -i $(FORMATTED)
lint: ## Check the layout of C and the shell scripts (clang-format-14, shellcheck)
	clang-format-14 --dry-run -Werror $(FORMATTED)
	shellcheck -x $(SHELL_SCRIPTS)
