# SPDX-License-Identifier: GPL-2.0-or-later
#
# Upkeep: update a running Linux machine without rebooting it.
# `make help` lists every target.

include mk/config.mk
include mk/rooms.mk
include mk/tests.mk
include mk/cli.mk
include mk/vm.mk
include mk/zoo.mk
include mk/replace.mk
include mk/match.mk
include mk/demo.mk
include mk/corpus.mk
include mk/fuzz.mk
include mk/bench.mk
include mk/lint.mk
include mk/install.mk
include mk/help.mk
