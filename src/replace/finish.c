// SPDX-License-Identifier: GPL-2.0-or-later
/* What remains to be done after a restore, whatever became of it. */
#include "replace/resume.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/adopt.h"
#include "replace/clear.h"
#include "replace/gate.h"
#include "replace/history.h"
#include "replace/home.h"
#include "replace/hooks.h"
#include "replace/journal.h"
#include "replace/paths.h"
#include "replace/plan.h"
#include "replace/receiver.h"
#include "replace/state.h"
#include "replace/store.h"
#include "replace/sysctl.h"

#include <string.h>
#include <unistd.h>

struct rest {
	const struct uk_sink *sink;
	struct uk_plan plan;
	char *folder; /* on the disk */
	struct uk_store store;
};

static void rest_deinit(struct rest *rest)
{
	uk_plan_deinit(&rest->plan);
	free(rest->folder);
	uk_store_close(&rest->store);
}

/* --- if the restore did not come to its end ------------------------------------------- */

static void clear_away(struct rest *rest, struct uk_plan_service *service, const char *why)
{
	uk_auto_free char *scratch = NULL;
	if (uk_state_is_restored(service))
		return;
	uk_remark_error(rest->sink,
			uk_asprintf(&service->trouble, "the program that restores %s", why));
	uk_remark_error(rest->sink, uk_clear_away(service));
	uk_remark_error(rest->sink, uk_asprintf(&scratch, "/run/upkeep/%s", service->images));
	if (scratch)
		rmdir(scratch);
}

static struct uk_error *read_id(char **ret)
{
	uk_auto_free char *id = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(UK_SWAP_ID, 64, &id, &len);
	if (!err && (len != UK_SWAP_ID_LEN || strspn(id, "0123456789abcdef") != len))
		err = uk_error_create(UK_ERR_INVALID, UK_SWAP_ID " does not hold the id of a swap");
	if (!err)
		*ret = uk_take(id);
	return err;
}

/* What was written down last; if there is nothing, nothing was done either. */
static struct uk_error *read_last_plan(struct rest *rest)
{
	uk_auto_free char *id = NULL;
	struct uk_error *err = uk_state_read_plan(&rest->plan);
	if (!err)
		return NULL;
	uk_error_destroy(err);
	err = read_id(&id);
	return err ? err : uk_state_empty_plan(id, &rest->plan);
}

struct uk_error *uk_resume_rescue(const char *program, const char *why, const struct uk_sink *sink)
{
	uk_cleanup(rest_deinit) struct rest rest = { .sink = sink, .store = { .fd = -1 } };
	uk_resume_set_path();
	if (!uk_file_exists(UK_SWAP_ID))
		return NULL;
	struct uk_error *err = uk_home_close();
	if (!err)
		err = read_last_plan(&rest);
	if (!err && !uk_state_has_begun())
		err = uk_asprintf(&rest.plan.trouble, "the program that restores %s", why);
	uk_vec_for_each(service, &rest.plan.services) {
		if (!err)
			clear_away(&rest, service, why);
	}
	if (!err)
		err = uk_gate_open();
	if (!err)
		err = uk_adopt_prepare(&rest.plan, program);
	return err ? err : uk_state_write_plan(&rest.plan);
}

/* --- when the system has started ------------------------------------------------------ */

static struct uk_error *read_state(struct rest *rest)
{
	uk_auto_free char *id = NULL;
	struct uk_error *err = read_id(&id);
	if (!err)
		err = uk_asprintf(&rest->folder, UK_SWAPS "/%s", id);
	return err ? err : uk_state_read_plan(&rest->plan);
}

/* Each service that was started afresh, with the reason. */
static void tell_troubles(const struct rest *rest)
{
	if (rest->plan.came_home)
		uk_remark(rest->sink, UK_LEVEL_WARNING,
			  "kernel %s restored nothing: this is the way home",
			  rest->plan.new_release);
	if (rest->plan.trouble)
		uk_remark(rest->sink, UK_LEVEL_WARNING, "nothing was restored: %s",
			  rest->plan.trouble);
	uk_vec_for_each(service, &rest->plan.services) {
		if (service->trouble)
			uk_remark(rest->sink, UK_LEVEL_WARNING,
				  "%s was not restored, its unit starts it afresh: %s",
				  service->name, service->trouble);
	}
}

/* If not one service was carried into the new kernel. */
static bool is_failed(const struct uk_plan *plan)
{
	if (plan->came_home)
		return true;
	uk_vec_for_each(service, &plan->services) {
		if (!service->trouble)
			return false;
	}
	return true;
}

static enum uk_swap_end end_of(const struct uk_plan *plan)
{
	return plan->came_home ? UK_SWAP_HOME : UK_SWAP_OVER;
}

/* systemd-sysctl has set those again that files name. */
static void set_again(struct rest *rest)
{
	struct uk_error *err = uk_store_open(rest->folder, &rest->store);
	if (!err)
		err = uk_sysctl_restore(NULL, rest->store.dir, NULL);
	uk_remark_error(rest->sink, err);
	uk_store_close(&rest->store);
}

static void remove_images(struct rest *rest)
{
	if (uk_store_is_marked(rest->folder))
		uk_remark_error(rest->sink, uk_store_wipe());
	uk_remark_error(rest->sink, uk_history_strip(rest->folder));
}

struct uk_error *uk_resume_finish(const struct uk_sink *sink)
{
	uk_cleanup(rest_deinit) struct rest rest = { .sink = sink, .store = { .fd = -1 } };
	unsigned int lost = 0;
	struct uk_error *err = read_state(&rest);
	if (!err) {
		tell_troubles(&rest);
		uk_remark_error(rest.sink, uk_journal_hand_over(NULL, &rest.plan));
		uk_remark_error(rest.sink, uk_receivers_hand_over(&rest.plan));
		err = uk_adopt_finish(&rest.plan, sink, &lost);
	}
	if (!err) {
		uk_remark_error(rest.sink, uk_plan_mark(&rest.plan, "hand back to systemd"));
		set_again(&rest);
		remove_images(&rest);
	}
	/* Behind that, for the images may have filled the disk. */
	if (!err) {
		uk_remark_error(rest.sink, uk_history_write(&rest.plan, end_of(&rest.plan),
							    rest.plan.trouble, rest.folder));
		uk_remark_error(rest.sink, uk_history_prune(UK_SWAPS));
		uk_hooks_tell(UK_HOOKS, is_failed(&rest.plan) ? "failed" : "restored", &rest.plan,
			      sink);
	}
	if (!err && lost)
		err = uk_error_create(UK_ERR_SYSTEM,
				      "%u of the kept services are not under their "
				      "units",
				      lost);
	uk_state_remove();
	uk_adopt_remove_unit();
	unlink(UK_SWAP_ID);
	rmdir("/run/upkeep");
	return err;
}
