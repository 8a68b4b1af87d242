// SPDX-License-Identifier: GPL-2.0-or-later
/* Where patches come from: files, two trees, a git repository. */
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/own.h"
#include "kbuild/patch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Told by its size alone: what is too large is not read. */
static struct uk_error *check_size(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return uk_error_errno(errno, "patch %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= UK_PATCH_LIMIT)
		return NULL;
	return uk_error_create(UK_ERR_REFUSED,
			       "patch %s: %lld MiB, and an update is made of at most %d: split it",
			       path, (long long)st.st_size >> 20, UK_PATCH_LIMIT >> 20);
}

/* One canonical text after the other. */
static struct uk_error *append_file(const char *path, struct uk_strbuf *text)
{
	uk_auto_free char *data = NULL;
	uk_auto_patch struct uk_patch *patch = NULL;
	size_t len;
	struct uk_error *err = check_size(path);
	if (!err)
		err = uk_file_read(path, UK_PATCH_LIMIT, &data, &len);
	if (!err)
		err = uk_patch_parse(data, len, path, &patch);
	if (!err)
		uk_strbuf_addstr(text, patch->text);
	return err;
}

struct uk_error *uk_patch_load(const char *const *paths, size_t nr, struct uk_patch **ret)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	if (!nr)
		return uk_error_create(UK_ERR_USAGE, "no patch is named");
	for (size_t i = 0; i < nr; i++) {
		struct uk_error *err = append_file(paths[i], &text);
		if (err)
			return err;
	}
	if (text.failed)
		return uk_error_nomem();
	return uk_patch_parse(text.data, text.len, nr == 1 ? paths[0] : "the patches", ret);
}

/* What editors and patch leave behind. */
static const char *const editors[] = { "*~", "*.orig", "*.rej", ".*.swp", ".*.d" };

/* Where configuring writes to; nothing there is source. */
static bool is_generated(const char *path)
{
	static const char *const places[] = {
		"include/config/",
		"include/generated/",
		"arch/x86/include/generated/",
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(places); i++) {
		if (uk_str_starts(path, places[i]))
			return true;
	}
	return uk_str_starts(path, ".config") || !strcmp(path, "System.map");
}

static struct uk_error *run_diff(const char *dir, struct uk_process_result *ret)
{
	UK_VEC(const char *) argv = {};
	bool ok = uk_vec_push(&argv, "diff") && uk_vec_push(&argv, "-urN") &&
		  uk_vec_push(&argv, "--no-dereference");
	for (size_t i = 0; ok && uk_build_leavings[i]; i++)
		ok = uk_vec_push(&argv, "-x") && uk_vec_push(&argv, uk_build_leavings[i]);
	for (size_t i = 0; ok && i < UK_ARRAY_SIZE(editors); i++)
		ok = uk_vec_push(&argv, "-x") && uk_vec_push(&argv, editors[i]);
	ok = ok && uk_vec_push(&argv, "--") && uk_vec_push(&argv, "a/") &&
	     uk_vec_push(&argv, "b/") && uk_vec_push(&argv, NULL);
	static const char *const env[] = { "LC_ALL=C", NULL };
	struct uk_process process = { .argv = argv.data, .dir = dir, .env = env };
	struct uk_error *err = ok ? uk_process_run(&process, ret) : uk_error_nomem();
	uk_vec_deinit(&argv);
	return err;
}

/* Links named a and b, so that the paths of the diff are as those of a patch. */
static struct uk_error *link_trees(const char *dir, const char *orig, const char *patched)
{
	uk_auto_free char *a = NULL, *b = NULL;
	uk_auto_free char *from = realpath(orig, NULL), *to = realpath(patched, NULL);
	if (!from || !to)
		return uk_error_errno(errno, "%s", from ? patched : orig);
	struct uk_error *err = uk_asprintf(&a, "%s/a", dir);
	if (!err)
		err = uk_asprintf(&b, "%s/b", dir);
	if (!err && (symlink(from, a) < 0 || symlink(to, b) < 0))
		err = uk_error_errno(errno, "link in %s", dir);
	return err;
}

struct uk_error *uk_patch_diff(const char *orig, const char *patched, struct uk_patch **ret)
{
	char dir[] = "/tmp/upkeep-diff-XXXXXX";
	uk_auto_process_result struct uk_process_result result = {};
	if (!mkdtemp(dir))
		return uk_error_errno(errno, "make %s", dir);
	struct uk_error *err = link_trees(dir, orig, patched);
	if (!err)
		err = run_diff(dir, &result);
	struct uk_error *removed = uk_tree_remove(dir);
	if (err) {
		uk_error_destroy(removed);
		return err;
	}
	if (removed)
		return removed;
	if (result.status > 1)
		return uk_error_create(UK_ERR_SYSTEM, "diff of %s and %s: %s", orig, patched,
				       result.errout);
	if (!result.out_len)
		return uk_error_create(UK_ERR_NOTHING, "%s and %s are the same", orig, patched);
	uk_auto_patch struct uk_patch *patch = NULL;
	err = uk_patch_parse(result.out, result.out_len, patched, &patch);
	if (!err)
		err = uk_patch_drop(patch, is_generated);
	if (!err)
		*ret = uk_take(patch);
	return err;
}

struct uk_error *uk_patch_git(const char *dir, const char *range, struct uk_patch **ret)
{
	uk_auto_free char *out = NULL;
	if (*range == '-' || !*range)
		return uk_error_create(UK_ERR_USAGE, "'%s' is not a range of commits", range);
	struct uk_error *err =
		uk_process_call(&out, "git", "-C", dir, "-c", "core.quotePath=false", "diff",
				"--no-color", "--no-ext-diff", "--no-textconv", "--no-renames",
				"--src-prefix=a/", "--dst-prefix=b/", "--patch", range, "--", NULL);
	if (err)
		return uk_error_wrap(err, "git diff %s", range);
	if (!*out)
		return uk_error_create(UK_ERR_NOTHING, "git diff %s: nothing differs", range);
	return uk_patch_parse(out, strlen(out), range, ret);
}
