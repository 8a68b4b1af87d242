# SPDX-License-Identifier: GPL-2.0-or-later
# Replacing the kernel under a whole Debian system in QEMU.

REPLACE_CHECKS := tests/replace/check-harness tests/replace/check-swap tests/replace/check-journal
TAP_SCRIPTS += $(REPLACE_CHECKS)

.PHONY: check-replace replace-image
check-replace: all ## Swap kernels under services of a whole Debian system (root)
	prove -v --exec '' $(REPLACE_CHECKS)
replace-image: ## Make the Debian system of check-replace, if it is not there
	tests/replace/image.py
