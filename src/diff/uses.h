/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who comes to a datum, as far as its own object tells. */
#ifndef UPKEEP_DIFF_USES_H
#define UPKEEP_DIFF_USES_H

#include "diff/model.h"

struct uk_uses {
	bool running; /* code or data that stays, or another object */
	bool boot;    /* what is gone after boot, or after the module was loaded */
	bool exit;    /* what runs when the module is unloaded */
	bool address; /* its address is taken: someone may keep it */
};

/* Of the datum and its twin, if it has one. */
struct uk_uses uk_entity_uses(const struct uk_entity *entity);

/* Nothing that runs from now on comes to it by itself. */
static inline bool uk_uses_are_over(const struct uk_uses *uses)
{
	return !uses->running && (uses->boot || uses->exit);
}

#endif
