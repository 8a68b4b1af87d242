/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for target modules to be loaded; the core halts the load. Private to this room. */
#ifndef UPKEEP_LIVE_AWAIT_H
#define UPKEEP_LIVE_AWAIT_H

#include "base/error.h"
#include "live/live.h"

#include <upkeep/abi.h>

struct uk_await {
	int device;
	char halted[UPKEEP_MODULE_LEN]; /* whose load waits for the answer, or "" */
};

/*
 * Returns when every target module is there; the last of them may be halted in its load,
 * which then goes on at the answer, or when UK_AWAIT_HALT_MS have passed. The kernel is not
 * locked while it waits. Loads the core when needed.
 */
enum { UK_AWAIT_HALT_MS = 60000 };
struct uk_error *uk_await_targets(const struct uk_bundle *bundle,
				  const struct uk_live_options *options,
				  struct uk_live_report *report,
				  struct uk_await *ret) uk_must_check;

/* Lets a halted load go on. */
struct uk_error *uk_await_answer(struct uk_await *await) uk_must_check;
/* The same without asking, if it was not done. */
void uk_await_deinit(struct uk_await *await);

#endif
