// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A header that thousands of units include takes minutes to be followed. What would refuse the
 * patch in the end shows in a few of them; so these are compiled and compared first.
 */
#include "create/work.h"

#include "base/strbuf.h"

static void trial_deinit(struct uk_work *trial)
{
	uk_work_drop_pairs(trial);
	uk_update_destroy(trial->update);
}

static struct uk_error *compare(struct uk_work *trial, const struct uk_work *work,
				const struct uk_touched *units, size_t nr)
{
	struct uk_error *err = uk_update_create(&trial->update);
	if (!err)
		err = uk_strdup(work->update->id, &trial->update->id);
	for (size_t i = 0; !err && i < nr; i++) {
		struct uk_pair pair = { .touched = &units[i] };
		if (!uk_vec_push(&trial->pairs, pair))
			err = uk_error_nomem();
	}
	if (!err)
		err = uk_work_compile(trial);
	if (!err)
		err = uk_work_compare(trial);
	return err ? err : uk_work_compare_types(trial);
}

/* Refused like everything else that was not accepted, all that was found with it. */
static struct uk_error *refuse(struct uk_work *work, struct uk_work *trial, size_t nr, size_t of)
{
	uk_auto_free char *more = NULL;
	struct uk_error *err = uk_asprintf(&more,
					   "\nThis is what the first %zu object%s told of about "
					   "%zu that the patch may change: "
					   "the others may have more.",
					   nr, nr == 1 ? "" : "s", of);
	uk_vec_for_each(finding, &trial->update->findings) {
		if (!err)
			err = uk_work_add_finding(work, finding);
	}
	work->report->units = nr;
	work->report->changed_units = trial->report->changed_units;
	return err ? err : uk_work_refuse_findings(work, more);
}

/* What is compiled here stays in the cache, and is compared again with the others. */
struct uk_error *uk_work_try_units(void *ctx, const struct uk_touched *units, size_t nr, size_t of)
{
	struct uk_work *work = ctx;
	struct uk_create_report report = {};
	uk_cleanup(trial_deinit) struct uk_work trial = {
		.options = work->options,
		.report = &report,
		.sink = work->sink,
		.cache = work->cache,
		.tree = work->tree,
		.folder = work->folder,
		.after = work->after,
		.views = work->views,
	};
	uk_progress(work->sink, "look at a few objects first", 0, nr);
	struct uk_error *err = compare(&trial, work, units, nr);
	if (err)
		return err;
	uk_vec_for_each(finding, &trial.update->findings) {
		if (!finding->accepted)
			return refuse(work, &trial, nr, of);
	}
	return NULL;
}
