// SPDX-License-Identifier: GPL-2.0-or-later
/* What an apply or undo did. */
#include "base/strbuf.h"
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

struct uk_error *uk_report_add_function(struct uk_live_report *report,
					const struct uk_live_function *function)
{
	struct uk_live_function copy = *function;
	copy.object = copy.name = NULL;
	struct uk_error *err = uk_strdup(function->object, &copy.object);
	if (!err)
		err = uk_strdup(function->name, &copy.name);
	if (!err && uk_vec_push(&report->functions, copy))
		return NULL;
	uk_live_function_deinit(&copy);
	return err ? err : uk_error_nomem();
}
