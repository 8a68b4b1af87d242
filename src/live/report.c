// SPDX-License-Identifier: GPL-2.0-or-later
/* What an apply or undo did. */
#include "live/live.h"
#include "live/status.h"

void uk_live_report_deinit(struct uk_live_report *report)
{
	uk_vec_for_each(function, &report->functions)
		uk_live_function_deinit(function);
	uk_vec_deinit(&report->functions);
	uk_vec_deinit(&report->phases);
	uk_vec_deinit(&report->blockers);
}
