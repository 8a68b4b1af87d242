// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs of the administrator's that are told of a replacement. */
#include "replace/hooks.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct environment {
	char *id, *old, *new, *services;
	const char *all[5];
};

static void environment_deinit(struct environment *env)
{
	free(env->id);
	free(env->old);
	free(env->new);
	free(env->services);
}

static struct uk_error *fill(const struct uk_plan *plan, struct environment *env)
{
	uk_auto_strbuf struct uk_strbuf names = {};
	uk_strbuf_addstr(&names, "UPKEEP_SERVICES=");
	uk_vec_for_each(service, &plan->services) {
		bool first = service == plan->services.data;
		uk_strbuf_addf(&names, "%s%s", first ? "" : " ", service->name);
	}
	struct uk_error *err = uk_strbuf_finish(&names, &env->services);
	if (!err)
		err = uk_asprintf(&env->id, "UPKEEP_ID=%s", plan->id);
	if (!err)
		err = uk_asprintf(&env->old, "UPKEEP_OLD=%s", plan->old_release);
	if (!err)
		err = uk_asprintf(&env->new, "UPKEEP_NEW=%s", plan->new_release);
	const char *const all[] = { env->id, env->old, env->new, env->services, NULL };
	memcpy(env->all, all, sizeof(all));
	return err;
}

/* *@ret: whether it is to be run. What root did not write, or others can change, is an error. */
static struct uk_error *check_program(const char *path, bool *ret)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return uk_error_errno(errno, "%s", path);
	*ret = S_ISREG(st.st_mode) && st.st_mode & 0111;
	if (*ret && (st.st_uid || st.st_mode & 022))
		return uk_error_create(UK_ERR_INVALID,
				       "%s: not run, for others than root may write to it", path);
	return NULL;
}

static struct uk_error *run_one(const char *path, const char *word, const struct environment *env)
{
	const char *const argv[] = { path, word, NULL };
	const struct uk_process process = { .argv = argv, .env = env->all, .dir = "/" };
	uk_auto_process_result struct uk_process_result result = {};
	struct uk_error *err = uk_process_run(&process, &result);
	if (err || !result.status)
		return err;
	const char *said = *result.errout ? result.errout : result.out;
	return uk_error_create(UK_ERR_REFUSED, "%s %s ended with status %d%s%.*s", path, word,
			       result.status, *said ? ": " : "", (int)strcspn(said, "\n"), said);
}

static struct uk_error *run_named(const char *dir, const char *name, const char *word,
				  const struct environment *env)
{
	uk_auto_free char *path = NULL;
	bool runs = false;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	if (!err)
		err = check_program(path, &runs);
	return err || !runs ? err : run_one(path, word, env);
}

/* With a sink errors are remarks, and the next one is run; else the first one ends it. */
static struct uk_error *run_all(const char *dir, const char *word, const struct uk_plan *plan,
				const struct uk_sink *sink)
{
	uk_cleanup(environment_deinit) struct environment env = {};
	char **names = NULL;
	size_t nr = 0;
	if (!uk_file_exists(dir))
		return NULL;
	struct uk_error *err = fill(plan, &env);
	if (!err)
		err = uk_dir_list(dir, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		err = run_named(dir, names[i], word, &env);
		if (err && sink) {
			uk_remark(sink, UK_LEVEL_WARNING, "%s", uk_error_message(err));
			uk_error_destroy(err);
			err = NULL;
		}
	}
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_hooks_ask(const char *dir, const struct uk_plan *plan)
{
	return run_all(dir, "prepare", plan, NULL);
}

void uk_hooks_tell(const char *dir, const char *word, const struct uk_plan *plan,
		   const struct uk_sink *sink)
{
	static const struct uk_sink nobody = {};
	struct uk_error *err = run_all(dir, word, plan, sink ? sink : &nobody);
	if (err)
		uk_remark(sink, UK_LEVEL_WARNING, "%s: %s", dir, uk_error_message(err));
	uk_error_destroy(err);
}
