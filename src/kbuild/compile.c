// SPDX-License-Identifier: GPL-2.0-or-later
/* Compiling units: the dumped command, with the output elsewhere. */
#include "kbuild/compile.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/dump.h"
#include "kbuild/pool.h"
#include "kbuild/view_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Raised when the same inputs would give another object than before. */
#define COMPILE_FORMAT "1"

/* The end of a compiler's complaint that a person is shown. */
enum { SHOWN = 3000 };

static void hash_job(const struct uk_compile_job *job, char ret[UK_HASH_HEX_LEN + 1])
{
	struct uk_hash hash;
	uk_hash_init(&hash);
	uk_hash_addstr(&hash, "object " COMPILE_FORMAT);
	uk_hash_addstr(&hash, uk_view_id(job->view));
	uk_hash_addstr(&hash, job->unit->source);
	uk_hash_addstr(&hash, job->unit->command);
	uk_hash_addstr(&hash, job->variant == UK_VARIANT_PLAIN ? "plain" : "split");
	uk_hash_hex(&hash, ret);
}

/* objects/ab/abcdef... without the suffix. */
static struct uk_error *object_base(const struct uk_compile_job *job, char **ret)
{
	char hex[UK_HASH_HEX_LEN + 1];
	uk_auto_free char *dir = NULL;
	hash_job(job, hex);
	struct uk_error *err =
		uk_cache_path(uk_view_tree(job->view)->cache, &dir, "objects/%.2s", hex);
	if (!err)
		err = uk_dir_make(dir, 0700);
	return err ? err : uk_asprintf(ret, "%s/%s", dir, hex);
}

struct command {
	char **words; /* of the dumped command */
	size_t nr;
	UK_VEC(const char *) argv; /* what is run; borrows from words */
};

static void command_deinit(struct command *command)
{
	uk_vec_deinit(&command->argv);
	uk_strv_destroy(command->words, command->nr);
}

/* Without the list of dependencies, which would be written into the tree. */
static struct uk_error *command_init(struct command *command, const struct uk_compile_job *job,
				     const char *out)
{
	struct uk_error *err = uk_command_split(job->unit->command, &command->words, &command->nr);
	if (err)
		return err;
	bool ok = true, replaced = false;
	for (size_t i = 0; ok && i < command->nr; i++) {
		const char *word = command->words[i];
		if (uk_str_starts(word, "-Wp,-M"))
			continue;
		if (!strcmp(word, "-c") && job->variant == UK_VARIANT_SPLIT)
			ok = uk_vec_push(&command->argv, "-ffunction-sections") &&
			     uk_vec_push(&command->argv, "-fdata-sections");
		ok = ok && uk_vec_push(&command->argv, word);
		if (ok && !strcmp(word, "-o") && i + 1 < command->nr) {
			ok = uk_vec_push(&command->argv, out);
			replaced = true;
			i++;
		}
	}
	if (ok && !replaced)
		return uk_error_create(UK_ERR_INVALID, "%s: no -o in its command",
				       job->unit->object);
	ok = ok && uk_vec_push(&command->argv, NULL);
	return ok ? NULL : uk_error_nomem();
}

static struct uk_error *run_compiler(const struct uk_compile_job *job,
				     const struct uk_overlay *overlay, const char *out,
				     struct uk_process_result *ret)
{
	uk_cleanup(command_deinit) struct command command = {};
	struct uk_error *err = command_init(&command, job, out);
	if (err)
		return err;
	struct uk_process process = {
		.argv = command.argv.data,
		.env = uk_build_env,
		.in_child = uk_overlay_enter,
		.in_child_arg = (void *)overlay,
	};
	return uk_process_run(&process, ret);
}

/*
 * Some headers and sources are generated when their object is built. kbuild knows how;
 * the object that it makes on the way is not used. Only the tree itself gets them: a patch
 * of what they are made from is refused (see touched.c).
 */
static struct uk_error *make_prerequisites(const struct uk_compile_job *job)
{
	const struct uk_tree *tree = uk_view_tree(job->view);
	uk_auto_close int lock = -1;
	char jobs[16];
	snprintf(jobs, sizeof(jobs), "-j%u", tree->jobs);
	const char *const targets[] = { jobs, job->unit->object, NULL };
	struct uk_error *err = uk_cache_lock(tree->cache, tree->dir + strlen(tree->cache->root) + 1,
					     tree->sink, &lock);
	if (!err)
		err = uk_make_run(tree->dir, tree->make, tree->nr_make, targets, NULL, NULL, NULL);
	return uk_error_wrap(err, "what %s is made from", job->unit->object);
}

static bool lacks_file(const struct uk_process_result *result)
{
	return result->status && (strstr(result->errout, "No such file or directory") ||
				  strstr(result->errout, "file not found"));
}

/* What the machine lacks is not the patch's fault; NULL when it is. */
static const char *find_lack(const struct uk_process_result *result)
{
	if (strstr(result->errout, "No space left on device"))
		return "no room where the cache or /tmp is (--cache and TMPDIR name others)";
	if (strstr(result->errout, "Killed signal terminated program") || result->status > 128)
		return "the compiler was killed; there may be too little memory for so many at "
		       "once (see --jobs)";
	return NULL;
}

/* Its first lines say what is wrong; what follows is mostly consequences. */
static struct uk_error *compile_error(const struct uk_compile_job *job,
				      const struct uk_process_result *result)
{
	const char *lack = find_lack(result);
	if (lack)
		return uk_error_create(UK_ERR_SYSTEM, "compiling %s: %s:\n%.*s", job->unit->source,
				       lack, SHOWN, result->errout);
	return uk_error_create(UK_ERR_INVALID, "%s does not compile:\n%.*s", job->unit->source,
			       SHOWN, result->errout_len ? result->errout : "no reason given");
}

static struct uk_error *compile_in(const struct uk_compile_job *job,
				   const struct uk_overlay *overlay, const char *out,
				   struct uk_process_result *ret)
{
	struct uk_error *err = run_compiler(job, overlay, out, ret);
	if (err || !lacks_file(ret))
		return err;
	const struct uk_unit *below =
		uk_units_find(uk_view_tree(job->view)->units, job->unit->object);
	if (!below)
		return NULL;
	err = make_prerequisites(job);
	if (err)
		return err;
	uk_process_result_deinit(ret);
	return run_compiler(job, overlay, out, ret);
}

/* With the numbers of the view below if that compiles, else with its own. */
static struct uk_error *compile(const struct uk_compile_job *job, const char *out,
				bool *own_lines_ret)
{
	uk_auto_process_result struct uk_process_result result = {};
	*own_lines_ret = false;
	struct uk_error *err = compile_in(job, &job->view->numbered, out, &result);
	if (err || !result.status)
		return err;
	if (!job->view->below)
		return compile_error(job, &result);
	uk_process_result_deinit(&result);
	*own_lines_ret = true;
	err = compile_in(job, &job->view->plain, out, &result);
	if (err)
		return err;
	return result.status ? compile_error(job, &result) : NULL;
}

/* The mark of an object that has its own line numbers. */
static struct uk_error *mark_own_lines(const char *base)
{
	uk_auto_free char *mark = NULL;
	struct uk_error *err = uk_asprintf(&mark, "%s.own-lines", base);
	return err ? err : uk_file_write(mark, "", 0, 0600);
}

static bool has_own_lines(const char *base)
{
	uk_auto_free char *mark = NULL;
	return asprintf(&mark, "%s.own-lines", base) >= 0 && uk_file_exists(mark);
}

static struct uk_error *compile_fresh(const struct uk_compile_job *job, const char *base,
				      const char *object)
{
	uk_auto_free char *dir = NULL, *out = NULL;
	bool own_lines;
	struct uk_error *err = uk_work_dir(uk_view_tree(job->view)->cache, &dir);
	if (err)
		return err;
	err = uk_asprintf(&out, "%s/out.o", dir);
	if (!err)
		err = compile(job, out, &own_lines);
	if (!err && own_lines)
		err = mark_own_lines(base);
	if (!err && rename(out, object) < 0)
		err = uk_error_errno(errno, "rename %s", out);
	struct uk_error *removed = uk_tree_remove(dir);
	if (!err)
		return removed;
	uk_error_destroy(removed);
	return err;
}

static struct uk_error *compile_one(void *ctx, size_t i)
{
	struct uk_compile_job *job = (struct uk_compile_job *)ctx + i;
	uk_auto_free char *base = NULL, *object = NULL;
	struct uk_error *err = object_base(job, &base);
	if (!err)
		err = uk_asprintf(&object, "%s.o", base);
	if (!err && !uk_file_exists(object))
		err = compile_fresh(job, base, object);
	if (err)
		return err;
	job->own_lines = has_own_lines(base);
	job->object = uk_take(object);
	return NULL;
}

struct uk_error *uk_compile_all(struct uk_compile_job *jobs, size_t nr, const struct uk_sink *sink)
{
	for (size_t i = 0; i < nr; i++)
		jobs[i].object = NULL;
	unsigned int at_once = nr ? uk_view_tree(jobs[0].view)->jobs : 1;
	struct uk_error *err = uk_pool_run(nr, at_once, compile_one, jobs, sink, "compiling");
	for (size_t i = 0; err && i < nr; i++) {
		free(jobs[i].object);
		jobs[i].object = NULL;
	}
	return err;
}
