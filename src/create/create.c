// SPDX-License-Identifier: GPL-2.0-or-later
/* Making an update: the steps, in their order. */
#include "create/work.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"

struct step {
	const char *name;
	struct uk_error *(*run)(struct uk_work *work);
};

static const struct step steps[] = {
	{ "prepare the source", uk_work_open_tree },
	{ "apply the patch", uk_work_open_views },
	{ "find what it touches", uk_work_find_units },
	{ "compile", uk_work_compile },
	{ "compare", uk_work_compare },
	{ "compare types", uk_work_compare_types },
	{ "judge", uk_work_judge },
	{ "link", uk_work_link_parts },
	{ "build the core module", uk_work_link_core },
	{ "pack", uk_work_pack },
	{ "match against the image", uk_work_verify },
	{ "deliver", uk_work_deliver },
};

static void pair_deinit(struct uk_pair *pair)
{
	free(pair->orig);
	free(pair->patched);
	free(pair->plain);
	uk_object_destroy(pair->carried);
	uk_strv_destroy(pair->gone.data, pair->gone.len);
}

void uk_work_drop_pairs(struct uk_work *work)
{
	uk_vec_for_each(pair, &work->pairs)
		pair_deinit(pair);
	uk_vec_deinit(&work->pairs);
	uk_vec_for_each(member, &work->members) {
		free(member->name);
		free(member->data);
	}
	uk_vec_deinit(&work->members);
}

/* Views lie on each other and on the tree: taken apart from the top. */
static void work_deinit(struct uk_work *work)
{
	uk_work_drop_pairs(work);
	uk_touched_list_destroy(work->touched);
	while (work->views.len)
		uk_view_close(work->views.data[--work->views.len]);
	uk_vec_deinit(&work->views);
	uk_patch_destroy(work->patch);
	uk_vec_for_each(patch, &work->patches)
		uk_patch_destroy(*patch);
	uk_vec_deinit(&work->patches);
	uk_vec_for_each(bundle, &work->after)
		uk_bundle_destroy(*bundle);
	uk_vec_deinit(&work->after);
	free(work->packed);
	uk_secret_key_destroy(work->key);
	uk_tree_close(work->tree);
	if (work->options->keep)
		work->report->work = uk_take(work->folder);
	free(work->folder);
	uk_cache_close(work->cache);
}

static struct uk_error *run_step(struct uk_work *work, const struct step *step)
{
	uint64_t start = uk_clock_ns();
	uk_progress(work->sink, step->name, 0, 0);
	struct uk_error *err = step->run(work);
	struct uk_create_phase phase = { step->name, uk_clock_ns() - start };
	if (!err && !uk_vec_push(&work->report->phases, phase))
		err = uk_error_nomem();
	return err;
}

struct uk_error *uk_create(const struct uk_create_options *options, struct uk_create_report *report)
{
	uk_cleanup(work_deinit) struct uk_work work = {
		.options = options,
		.report = report,
		.sink = options->sink,
	};
	struct uk_error *err = uk_update_create(&report->update);
	if (err)
		return err;
	work.update = report->update;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(steps); i++)
		err = run_step(&work, &steps[i]);
	return err;
}

void uk_create_report_deinit(struct uk_create_report *report)
{
	free(report->output);
	free(report->work);
	uk_update_destroy(report->update);
	uk_vec_deinit(&report->phases);
	*report = (struct uk_create_report){};
}
