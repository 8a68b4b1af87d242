/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the core is asked to do, collected. Private to this room. */
#ifndef UPKEEP_LIVE_REQUEST_H
#define UPKEEP_LIVE_REQUEST_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdint.h>
#include <upkeep/abi.h>

struct uk_request {
	UK_VEC(struct upkeep_write) writes;
	UK_VEC(const char *) write_names; /* of what is written to; borrowed */
	UK_VEC(struct upkeep_range) ranges;
	UK_VEC(struct upkeep_module) modules;
	UK_VEC(struct upkeep_function) functions;
	struct uk_strbuf bytes;
};

void uk_request_deinit(struct uk_request *request);

/* The jump that takes a redirect to its new code; UK_ERR_REFUSED when it is too far. */
struct uk_error *uk_redirect_encode(const char *name, uint64_t at, uint64_t to,
				    uint8_t ret[5]) uk_must_check;

/* Bytes to be written; longer ones than the core takes are split. @name is borrowed. */
struct uk_error *uk_request_add_write(struct uk_request *request, enum upkeep_write_kind kind,
				      const char *name, uint64_t addr, const uint8_t *old_bytes,
				      const uint8_t *new_bytes, size_t len) uk_must_check;
struct uk_error *uk_request_add_range(struct uk_request *request, enum upkeep_range_when when,
				      const char *name, uint64_t start, uint64_t end) uk_must_check;
/* Each module once: a later role does not replace the first. */
struct uk_error *uk_request_add_module(struct uk_request *request, const char *name,
				       enum upkeep_module_role role) uk_must_check;
struct uk_error *uk_request_add_function(struct uk_request *request,
					 const struct upkeep_function *addresses,
					 const char *object, const char *name) uk_must_check;

/*
 * Makes it what the core takes: ranges of one kind that overlap become one, a write that is
 * there twice is there once. Refuses writes that overlap otherwise, and more than the core
 * takes.
 */
struct uk_error *uk_request_seal(struct uk_request *request,
				 const struct upkeep_info *limits) uk_must_check;

#endif
