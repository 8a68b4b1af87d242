// SPDX-License-Identifier: GPL-2.0-or-later
/* Generated headers and units of a patched tree. */
#include "kbuild/regenerate.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/dump.h"
#include "kbuild/view_private.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

enum { HEADER_LIMIT = 16 << 20 };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_kconfig(const char *path)
{
	return uk_str_starts(base_name(path), "Kconfig");
}

bool uk_path_is_makefile(const char *path)
{
	const char *name = base_name(path);
	return uk_str_starts(name, "Makefile") || uk_str_starts(name, "Kbuild") ||
	       is_kconfig(path) || uk_str_ends(name, ".mk") ||
	       uk_str_starts(path, "scripts/Kconfig");
}

/* Headers are generated out of these: offsets of struct members, system calls, options. */
static bool feeds_headers(const char *path)
{
	return uk_path_is_makefile(path) || uk_str_starts(path, "include/") ||
	       uk_str_starts(path, "arch/x86/include/") || uk_str_ends(path, ".tbl") ||
	       uk_str_starts(path, "scripts/") || uk_str_starts(path, "arch/x86/tools/") ||
	       uk_str_starts(base_name(path), "asm-offsets") || !strcmp(path, "kernel/bounds.c") ||
	       uk_str_ends(path, ".bc") || uk_str_starts(path, "arch/x86/kvm/") ||
	       uk_str_starts(path, "security/selinux/include/");
}

/* Files that kbuild generates only when it builds some object. */
static const struct {
	const char *object; /* building it makes the file */
	const char *file;
	const char *from; /* what it is made from begins with this; NULL: any header */
} generated_late[] = {
	{ "arch/x86/kernel/cpu/capflags.o", "arch/x86/kernel/cpu/capflags.c",
	  "arch/x86/include/asm/" },
	{ "arch/x86/kvm/svm/vmenter.o", "arch/x86/kvm/kvm-asm-offsets.h", NULL },
	{ "security/selinux/avc.o", "security/selinux/flask.h", "security/selinux/include/" },
	{ "security/selinux/avc.o", "security/selinux/av_permissions.h",
	  "security/selinux/include/" },
};

static bool any_file(const struct uk_patch *patch, bool (*is)(const char *))
{
	uk_vec_for_each(file, &patch->files) {
		if (is(file->path) || (file->old_path && is(file->old_path)))
			return true;
	}
	return false;
}

static struct uk_error *make(const struct uk_view *view, const struct uk_overlay *overlay,
			     const char *const *targets)
{
	const struct uk_tree *tree = view->tree;
	return uk_make_run(overlay->dir, tree->make, tree->nr_make, targets, uk_overlay_enter,
			   (void *)overlay, NULL);
}

/* Takes a generated header into the view when it is not as it is below. */
static struct uk_error *take_header(struct uk_view *view, const char *file, const char *path)
{
	uk_auto_free char *data = NULL, *old = NULL;
	uk_auto_text struct uk_text *text = NULL;
	size_t len, old_len;
	struct uk_error *err = uk_file_read(file, HEADER_LIMIT, &data, &len);
	if (!err)
		err = uk_view_read(view, path, &old, &old_len);
	if (err || (old && len == old_len && !memcmp(data, old, len)))
		return err;
	err = uk_text_parse(data, len, path, &text);
	return err ? err : uk_view_set(view, path, uk_take(text), true);
}

static void cleanup_fts(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

static struct uk_error *take_headers(struct uk_view *view, const char *root, const char *folder)
{
	uk_auto_free char *dir = NULL;
	struct uk_error *err = uk_asprintf(&dir, "%s/%s", root, folder);
	if (err || !uk_file_exists(dir))
		return err;
	char *paths[] = { dir, NULL };
	uk_cleanup(cleanup_fts) FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return uk_error_errno(errno, "open %s", dir);
	for (FTSENT *entry; !err && (entry = fts_read(fts));) {
		if (entry->fts_info == FTS_F && uk_str_ends(entry->fts_name, ".h"))
			err = take_header(view, entry->fts_path,
					  entry->fts_path + strlen(root) + 1);
	}
	return err;
}

static bool any_below(const struct uk_patch *patch, const char *prefix)
{
	uk_vec_for_each(file, &patch->files) {
		if (!prefix || uk_str_starts(file->path, prefix))
			return true;
	}
	return false;
}

static struct uk_error *take_late(struct uk_view *view, const struct uk_patch *patch,
				  const struct uk_overlay *overlay, const char *written)
{
	char jobs[16];
	snprintf(jobs, sizeof(jobs), "-j%u", view->tree->jobs);
	for (size_t i = 0; i < UK_ARRAY_SIZE(generated_late); i++) {
		const char *const targets[] = { jobs, generated_late[i].object, NULL };
		uk_auto_free char *file = NULL;
		if (!any_below(patch, generated_late[i].from) ||
		    !uk_units_find(view->tree->units, generated_late[i].object))
			continue;
		struct uk_error *err = make(view, overlay, targets);
		if (!err)
			err = uk_asprintf(&file, "%s/%s", written, generated_late[i].file);
		if (!err && uk_file_exists(file))
			err = take_header(view, file, generated_late[i].file);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *prepare(struct uk_view *view, const struct uk_overlay *overlay,
				const char *written, const struct uk_patch *patch)
{
	char jobs[16];
	snprintf(jobs, sizeof(jobs), "-j%u", view->tree->jobs);
	const char *const olddefconfig[] = { "olddefconfig", NULL };
	const char *const targets[] = { jobs, "prepare", "modules_prepare", NULL };
	bool kconfig = any_file(patch, is_kconfig);
	struct uk_error *err = kconfig ? make(view, overlay, olddefconfig) : NULL;
	if (!err)
		err = make(view, overlay, targets);
	if (!err)
		err = take_headers(view, written, "include/generated");
	if (!err)
		err = take_headers(view, written, "arch/x86/include/generated");
	if (!err)
		err = take_late(view, patch, overlay, written);
	return uk_error_wrap(err, "preparing the patched tree");
}

static struct uk_error *list_units(struct uk_view *view, const struct uk_overlay *overlay)
{
	uk_auto_free char *text = NULL;
	const struct uk_tree *tree = view->tree;
	struct uk_error *err = uk_dump_run(tree->dir, tree->make, tree->nr_make, uk_overlay_enter,
					   (void *)overlay, &text);
	return err ? err
		   : uk_units_parse(text, strlen(text), "units of the patched tree", &view->units);
}

struct uk_error *uk_view_regenerate(struct uk_view *view, const struct uk_patch *patch)
{
	if (!any_file(patch, feeds_headers))
		return NULL;
	uk_cleanup(uk_overlay_deinit) struct uk_overlay overlay = {};
	uk_auto_free char *upper = NULL, *work = NULL, *copy = NULL, *written = NULL;
	uk_progress(view->tree->sink, "preparing the patched tree", 0, 1);
	struct uk_error *err = uk_view_write(view, "make-lower", false, &upper);
	if (!err)
		err = uk_asprintf(&work, "%s/make", view->work);
	if (!err)
		err = uk_asprintf(&copy, "%s/make-copy", view->work);
	if (!err)
		err = uk_tree_remove(work);
	if (!err)
		err = uk_overlay_init(&overlay, view->tree->dir, upper, work, copy);
	if (!err)
		err = overlay.options ? uk_asprintf(&written, "%s/upper", work)
				      : uk_strdup(copy, &written);
	if (!err)
		err = prepare(view, &overlay, written, patch);
	if (!err && any_file(patch, uk_path_is_makefile))
		err = list_units(view, &overlay);
	if (!err)
		uk_progress(view->tree->sink, "preparing the patched tree", 1, 1);
	return err;
}
