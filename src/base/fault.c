// SPDX-License-Identifier: GPL-2.0-or-later
/* Ending in the middle, for tests. */
#include "base/fault.h"

#include <stdlib.h>
#include <unistd.h>

void uk_fault_init(struct uk_fault *fault)
{
	const char *text = getenv("UPKEEP_FAULT");
	*fault = (struct uk_fault){ .stop_at = text ? (unsigned int)strtoul(text, NULL, 10) : 0 };
}

void uk_fault_step(struct uk_fault *fault)
{
	if (++fault->step == fault->stop_at)
		_exit(UK_FAULT_STATUS);
}
