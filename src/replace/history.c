// SPDX-License-Identifier: GPL-2.0-or-later
/* What became of earlier swaps: reports, written and read. */
#include "replace/history.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/strbuf.h"
#include "replace/fields.h"
#include "replace/paths.h"
#include "replace/plan_json.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define REPORT_MAX (16 << 20)
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* The moment at which packets go through again: see resume.c and back.c. */
static bool ends_gap(const char *phase)
{
	return !strcmp(phase, "open the gate");
}

static const char *const places[] = { [false] = "disk", [true] = "memory" };

static const char *const end_names[] = {
	[UK_SWAP_OPEN] = "open",      [UK_SWAP_OVER] = "over",	   [UK_SWAP_BACK] = "taken-back",
	[UK_SWAP_HOME] = "came-home", [UK_SWAP_CUT] = "cut-short",
};

static const char *const outcome_names[] = {
	[UK_OUTCOME_RESTORED] = "restored",
	[UK_OUTCOME_STRAY] = "stray",
	[UK_OUTCOME_AFRESH] = "afresh",
	[UK_OUTCOME_RAN_ON] = "ran-on",
};

const char *uk_swap_end_name(enum uk_swap_end end)
{
	return end_names[end];
}

const char *uk_outcome_name(enum uk_outcome outcome)
{
	return outcome_names[outcome];
}

static void deinit_swap(struct uk_history_swap *swap)
{
	free(swap->id);
	free(swap->old_release);
	free(swap->new_release);
	free(swap->why);
	free(swap->boot);
	uk_vec_for_each(phase, &swap->phases)
		free(phase->name);
	uk_vec_deinit(&swap->phases);
	uk_vec_for_each(service, &swap->services) {
		free(service->name);
		free(service->unit);
		free(service->why);
	}
	uk_vec_deinit(&swap->services);
}

void uk_history_deinit(struct uk_history *history)
{
	uk_vec_for_each(swap, &history->swaps)
		deinit_swap(swap);
	uk_vec_deinit(&history->swaps);
}

/* --- written ------------------------------------------------------------------------- */

static enum uk_outcome outcome_of(const struct uk_plan_service *service, enum uk_swap_end end)
{
	if (end == UK_SWAP_BACK)
		return UK_OUTCOME_RAN_ON;
	if (service->trouble)
		return UK_OUTCOME_AFRESH;
	return service->stray ? UK_OUTCOME_STRAY : UK_OUTCOME_RESTORED;
}

static bool put_service(struct json_object *to, const struct uk_plan_service *service,
			enum uk_swap_end end)
{
	return to && put_text(to, "name", service->name) && put_text(to, "unit", service->unit) &&
	       put_number(to, "pid", (uint64_t)service->main_pid) &&
	       put_text(to, "outcome", uk_outcome_name(outcome_of(service, end))) &&
	       put_text(to, "why", service->trouble);
}

static bool put_lists(struct json_object *to, const struct uk_plan *plan, enum uk_swap_end end)
{
	struct json_object *times = put_new(to, "times", json_object_new_array());
	struct json_object *services = put_new(to, "services", json_object_new_array());
	bool good = times && services;
	uk_vec_for_each(moment, &plan->times) {
		struct json_object *one = good ? append_new(times) : NULL;
		good = one && put_text(one, "phase", moment->phase) &&
		       put_number(one, "ns", moment->ns);
	}
	uk_vec_for_each(service, &plan->services)
		good = good && put_service(append_new(services), service, end);
	uk_vec_for_each(left, &plan->afresh) {
		char trouble[] = "it was left out (--without)";
		const struct uk_plan_service service = { .name = left->name,
							 .unit = left->unit,
							 .trouble = trouble };
		good = good && put_service(append_new(services), &service, end);
	}
	return good;
}

/* Which boot of the machine this is; NULL where /proc does not tell. */
static char *read_boot(void)
{
	char *text = NULL;
	uk_auto_error struct uk_error *silent = uk_file_read(BOOT_ID, 256, &text, NULL);
	if (!silent)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

bool uk_history_is_of_this_boot(const struct uk_history_swap *swap)
{
	uk_auto_free char *boot = read_boot();
	return boot && swap->boot && !strcmp(boot, swap->boot);
}

struct uk_error *uk_history_write(const struct uk_plan *plan, enum uk_swap_end end, const char *why,
				  const char *dir)
{
	uk_auto_free char *path = NULL, *boot = read_boot();
	struct json_object *root = json_object_new_object();
	bool good = root && put_number(root, "schema", UK_HISTORY_SCHEMA) &&
		    put_text(root, "id", plan->id) && put_text(root, "end", end_names[end]) &&
		    put_text(root, "why", why) && put_text(root, "boot", boot) &&
		    put_text(root, "old", plan->old_release) &&
		    put_text(root, "new", plan->new_release) &&
		    put_number(root, "frozen_ns", plan->frozen_ns) &&
		    put_text(root, "images", places[plan->in_memory]) &&
		    put_number(root, "ahead_ns", plan->ahead_ns) &&
		    put_number(root, "ahead_bytes", plan->ahead_bytes) &&
		    put_lists(root, plan, end);
	const char *text =
		good ? json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
								    JSON_C_TO_STRING_NOSLASHESCAPE)
		     : NULL;
	struct uk_error *err = text ? NULL : uk_error_nomem();
	if (!err)
		err = uk_asprintf(&path, "%s/%s", dir, UK_SWAP_REPORT);
	if (!err)
		err = uk_file_write(path, text, strlen(text), 0600);
	json_object_put(root);
	return err;
}

/* --- read ---------------------------------------------------------------------------- */

/* One of @nr names, as its number. */
static struct uk_error *get_name(struct json_object *from, const char *key,
				 const char *const *names, size_t nr, unsigned int *ret)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = get_text(from, key, &text);
	for (size_t i = 0; !err && i < nr; i++) {
		if (!strcmp(text, names[i])) {
			*ret = (unsigned int)i;
			return NULL;
		}
	}
	return err ? err : uk_error_create(UK_ERR_INVALID, "%s: %s is not known", key, text);
}

static struct uk_error *get_phase(struct json_object *from, struct uk_history_phase *phase)
{
	struct uk_error *err = get_text(from, "phase", &phase->name);
	return err ? err : get_number(from, "ns", &phase->ns);
}

static struct uk_error *get_service(struct json_object *from, struct uk_history_service *service)
{
	uint64_t pid = 0;
	unsigned int outcome = 0;
	struct uk_error *err = get_text(from, "name", &service->name);
	if (!err)
		err = get_text_if_there(from, "unit", &service->unit);
	if (!err)
		err = get_text_if_there(from, "why", &service->why);
	if (!err)
		err = get_number(from, "pid", &pid);
	if (!err && pid > INT_MAX)
		err = uk_error_create(UK_ERR_INVALID, "pid: %ju is none", (uintmax_t)pid);
	if (!err)
		err = get_name(from, "outcome", outcome_names, UK_ARRAY_SIZE(outcome_names),
			       &outcome);
	service->pid = (pid_t)pid;
	service->outcome = outcome;
	return err;
}

/* Earlier reports do not tell: it was the disk. */
static struct uk_error *get_place(struct json_object *root, bool *memory_ret)
{
	uk_auto_free char *place = NULL;
	struct uk_error *err = get_text_if_there(root, "images", &place);
	*memory_ret = place && !strcmp(place, places[true]);
	return err;
}

static struct uk_error *get_swap(struct json_object *root, struct uk_history_swap *swap)
{
	uint64_t schema = 0;
	unsigned int end = UK_SWAP_CUT;
	struct uk_error *err = get_number(root, "schema", &schema);
	if (!err && schema != UK_HISTORY_SCHEMA)
		err = uk_error_create(UK_ERR_INVALID, "schema %ju; this upkeep knows %d",
				      (uintmax_t)schema, UK_HISTORY_SCHEMA);
	if (!err)
		err = get_name(root, "end", end_names, UK_ARRAY_SIZE(end_names), &end);
	swap->end = end;
	if (!err)
		err = get_text_if_there(root, "why", &swap->why);
	if (!err)
		err = get_text_if_there(root, "boot", &swap->boot);
	if (!err)
		err = get_text(root, "old", &swap->old_release);
	if (!err)
		err = get_text(root, "new", &swap->new_release);
	if (!err)
		err = get_number(root, "frozen_ns", &swap->frozen_ns);
	if (!err)
		err = get_place(root, &swap->in_memory);
	if (!err)
		err = get_number_if_there(root, "ahead_ns", &swap->ahead_ns);
	if (!err)
		err = get_number_if_there(root, "ahead_bytes", &swap->ahead_bytes);
	if (!err)
		err = GET_ALL(root, "times", &swap->phases, get_phase);
	return err ? err : GET_ALL(root, "services", &swap->services, get_service);
}

/*
 * Moments become lengths. What ended before the freeze is no phase of the gap. The clock of
 * another kernel may be behind: its first phase took no time then.
 */
static void measure_phases(struct uk_history_swap *swap)
{
	size_t nr = 0;
	bool open = false;
	uint64_t before = swap->frozen_ns;
	uk_vec_for_each(phase, &swap->phases) {
		uint64_t end = phase->ns;
		if (end < swap->frozen_ns && !nr) {
			free(phase->name);
			continue;
		}
		phase->ns = end > before ? end - before : 0;
		before = end > before ? end : before;
		swap->gap_ns += open ? 0 : phase->ns;
		open |= ends_gap(phase->name);
		swap->phases.data[nr++] = *phase;
	}
	swap->phases.len = nr;
}

static struct uk_error *parse_report(const char *text, struct uk_history_swap *swap)
{
	struct json_object *root;
	struct uk_error *err = parse_object(text, &root);
	if (!err)
		err = get_swap(root, swap);
	json_object_put(root);
	if (!err)
		measure_phases(swap);
	return err;
}

/* Without a report: what the plan tells, if the swap got so far as to have one. */
static void read_plan(const char *dir, struct uk_history_swap *swap)
{
	uk_auto_free char *path = NULL, *text = NULL;
	uk_auto_plan struct uk_plan plan = {};
	uk_auto_error struct uk_error *err = uk_asprintf(&path, "%s/plan.json", dir);
	if (!err)
		err = uk_file_read(path, REPORT_MAX, &text, NULL);
	if (!err)
		err = uk_plan_from_json(text, &plan);
	if (err)
		return;
	swap->old_release = uk_take(plan.old_release);
	swap->new_release = uk_take(plan.new_release);
	swap->frozen_ns = plan.frozen_ns;
}

/* Whether services of this swap are being handed to systemd. */
static bool is_handed_over(const char *run, const char *id)
{
	uk_auto_free char *path = NULL, *text = NULL;
	uk_auto_error struct uk_error *err = uk_asprintf(&path, "%s/upkeep/replace.id", run);
	if (!err)
		err = uk_file_read(path, 64, &text, NULL);
	return !err && !strncmp(text, id, UK_SWAP_ID_LEN);
}

/* A report that was never finished, and none at all: somebody is at it, or nobody came to it. */
static struct uk_error *judge_open(const char *run, bool reported, struct uk_history_swap *swap)
{
	bool open = is_handed_over(run, swap->id) || (!reported && uk_lock_is_held(run));
	swap->end = open ? UK_SWAP_OPEN : UK_SWAP_CUT;
	if (open || swap->why)
		return NULL;
	return uk_strdup(reported ? "services were not all handed back to systemd"
				  : "there is no report: the new kernel did not come so far",
			 &swap->why);
}

static struct uk_error *read_swap(const char *folder, const char *run, const char *id,
				  struct uk_history_swap *swap)
{
	uk_auto_free char *dir = NULL, *path = NULL, *text = NULL;
	struct uk_error *err = uk_strdup(id, &swap->id);
	if (!err)
		err = uk_asprintf(&dir, "%s/%s", folder, id);
	if (!err)
		err = uk_asprintf(&path, "%s/%s", dir, UK_SWAP_REPORT);
	if (err)
		return err;
	if (!uk_file_exists(path)) {
		read_plan(dir, swap);
		return judge_open(run, false, swap);
	}
	uk_auto_error struct uk_error *bad = uk_file_read(path, REPORT_MAX, &text, NULL);
	if (!bad)
		bad = parse_report(text, swap);
	if (bad) {
		/* Half of it may have been read, and none of that can be relied on. */
		char *kept = uk_take(swap->id);
		deinit_swap(swap);
		*swap = (struct uk_history_swap){ .id = kept, .end = UK_SWAP_CUT };
		return uk_asprintf(&swap->why, "%s: %s", path, uk_error_message(bad));
	}
	return swap->end == UK_SWAP_OPEN ? judge_open(run, true, swap) : NULL;
}

static bool is_id(const char *name)
{
	return strlen(name) == UK_SWAP_ID_LEN && strspn(name, "0123456789abcdef") == UK_SWAP_ID_LEN;
}

/* What is under way comes first, then the last; those of which nobody knows when at the end. */
static int compare_swaps(const void *a, const void *b)
{
	const struct uk_history_swap *one = a, *other = b;
	bool open = one->end == UK_SWAP_OPEN;
	if (open != (other->end == UK_SWAP_OPEN))
		return open ? -1 : 1;
	if (one->frozen_ns != other->frozen_ns)
		return one->frozen_ns > other->frozen_ns ? -1 : 1;
	return strcmp(one->id, other->id);
}

struct uk_error *uk_history_read(const char *folder, const char *run, struct uk_history *ret)
{
	char **names = NULL;
	size_t nr = 0;
	folder = folder ? folder : UK_SWAPS;
	if (access(folder, R_OK | X_OK) < 0)
		return errno == ENOENT
			       ? uk_error_create(UK_ERR_NOTHING, "no kernel was replaced yet")
			       : uk_error_errno(errno, "%s, which is for root alone", folder);
	struct uk_error *err = uk_dir_list(folder, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		if (!is_id(names[i]))
			continue;
		if (!uk_vec_push(&ret->swaps, (struct uk_history_swap){}))
			err = uk_error_nomem();
		else
			err = read_swap(folder, run, names[i],
					&ret->swaps.data[ret->swaps.len - 1]);
	}
	uk_strv_destroy(names, nr);
	if (!err && ret->swaps.len)
		qsort(ret->swaps.data, ret->swaps.len, sizeof(*ret->swaps.data), compare_swaps);
	return err;
}

/* --- removed ------------------------------------------------------------------------- */

struct uk_error *uk_history_strip(const char *dir)
{
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = uk_dir_list(dir, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		uk_auto_free char *path = NULL;
		if (!strcmp(names[i], UK_SWAP_REPORT))
			continue;
		err = uk_asprintf(&path, "%s/%s", dir, names[i]);
		if (!err)
			err = uk_tree_remove(path);
	}
	uk_strv_destroy(names, nr);
	return err;
}

/* A folder in which images were left stays as it is. */
static struct uk_error *forget(const char *folder, const char *id)
{
	uk_auto_free char *dir = NULL, *path = NULL;
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = uk_asprintf(&dir, "%s/%s", folder, id);
	if (!err)
		err = uk_asprintf(&path, "%s/%s", dir, UK_SWAP_REPORT);
	if (!err)
		err = uk_dir_list(dir, &names, &nr);
	if (!err && nr == 1 && !unlink(path))
		rmdir(dir);
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_history_prune(const char *folder)
{
	uk_auto_history struct uk_history history = {};
	struct uk_error *err = uk_history_read(folder, "/run", &history);
	for (size_t i = UK_HISTORY_KEPT; !err && i < history.swaps.len; i++)
		err = forget(folder, history.swaps.data[i].id);
	return err;
}
