// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree, the patch, the views, and what identifies the update. */
#include "create/work.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "bundle/identity.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct uk_error *check_options(const struct uk_create_options *options)
{
	if (!options->release == !options->source)
		return uk_error_create(UK_ERR_USAGE,
				       "name one kernel: --kernel RELEASE, or --source DIR with "
				       "--config FILE");
	unsigned int inputs = !!options->nr_patches + !!options->patched + !!options->git_range;
	if (inputs != 1)
		return uk_error_create(UK_ERR_USAGE, "name one change: --patch FILE, --patched DIR "
						     "or --git RANGE");
	return NULL;
}

/* Where the update goes: known before anything costs time. */
static struct uk_error *check_output(const char *output)
{
	uk_auto_free char *folder = NULL;
	const char *slash = output ? strrchr(output, '/') : NULL;
	struct stat st;
	struct uk_error *err =
		slash ? uk_asprintf(&folder, "%.*s", (int)(slash - output) + 1, output)
		      : uk_strdup(".", &folder);
	if (!err && access(folder, W_OK | X_OK) < 0)
		return uk_error_errno(errno, "write the update to %s (see --output)", folder);
	if (!err && output && !stat(output, &st) && !S_ISREG(st.st_mode))
		return uk_error_create(UK_ERR_USAGE, "--output %s: it is there, and no plain file",
				       output);
	return err;
}

static struct uk_error *make_folder(struct uk_work *work)
{
	return work->options->keep ? uk_kept_dir(work->cache, &work->folder)
				   : uk_work_dir(work->cache, &work->folder);
}

/* A patch in a file, or of a repository, is read before anything costs time. */
static struct uk_error *read_patch(struct uk_work *work)
{
	const struct uk_create_options *options = work->options;
	if (options->nr_patches)
		return uk_patch_load(options->patches, options->nr_patches, &work->patch);
	if (options->git_range)
		return uk_patch_git(options->git_dir ? options->git_dir : ".", options->git_range,
				    &work->patch);
	return NULL;
}

struct uk_error *uk_work_open_tree(struct uk_work *work)
{
	const struct uk_create_options *options = work->options;
	struct uk_error *err = check_options(options);
	if (!err)
		err = check_output(options->output);
	/* First, so that a wrong key costs no build. */
	if (!err && options->key)
		err = uk_secret_key_load(options->key, &work->key);
	if (!err)
		err = read_patch(work);
	if (!err)
		err = uk_cache_open(options->cache, &work->cache);
	if (!err)
		err = make_folder(work);
	if (err)
		return err;
	struct uk_tree_options tree_options = {
		.release = options->release,
		.source = options->source,
		.config = options->config,
		.jobs = options->jobs,
		.sink = options->sink,
	};
	return uk_tree_open(work->cache, &tree_options, &work->tree);
}

/* The original that an edited tree is compared with. */
static struct uk_error *original_folder(struct uk_work *work, char **ret)
{
	if (work->options->source)
		return uk_strdup(work->options->source, ret);
	return uk_kernel_source(work->cache, work->tree->kernel, work->sink, ret);
}

/* An edited tree is compared when there is one to compare with. */
static struct uk_error *compare_trees(struct uk_work *work)
{
	uk_auto_free char *original = NULL;
	if (!work->options->patched)
		return NULL;
	struct uk_error *err = original_folder(work, &original);
	return err ? err : uk_patch_diff(original, work->options->patched, &work->patch);
}

/* Lays a patch over the topmost view. */
static struct uk_error *push_view(struct uk_work *work, const struct uk_patch *patch)
{
	uk_auto_free char *folder = NULL;
	struct uk_view *view = NULL;
	struct uk_error *err = uk_asprintf(&folder, "%s/view-%zu", work->folder, work->views.len);
	if (!err)
		err = uk_view_patched(work->views.data[work->views.len - 1], patch, folder, &view);
	if (!err && !uk_vec_push(&work->views, view)) {
		uk_view_close(view);
		err = uk_error_nomem();
	}
	return err;
}

static bool is_listed(const struct uk_work *work, const char *id)
{
	uk_vec_for_each(known, &work->update->after) {
		if (!strcmp(*known, id))
			return true;
	}
	return false;
}

static struct uk_error *push_string(void *vec, const char *text)
{
	UK_VEC(char *) *strings = vec;
	char *copy;
	struct uk_error *err = uk_strdup(text, &copy);
	if (!err && !uk_vec_push(strings, copy)) {
		free(copy);
		err = uk_error_nomem();
	}
	return err;
}

/* An update that comes before ours must be for this kernel, and so must those before it. */
static struct uk_error *check_before(const struct uk_work *work, const struct uk_update *before,
				     const char *path)
{
	if (strcmp(before->release, work->tree->release))
		return uk_error_create(UK_ERR_REFUSED, "%s is for kernel %s, not %s", path,
				       before->release, work->tree->release);
	if (is_listed(work, before->id))
		return uk_error_create(UK_ERR_USAGE, "%s is named twice", path);
	uk_vec_for_each(id, &before->after) {
		if (!is_listed(work, *id))
			return uk_error_create(UK_ERR_USAGE,
					       "%s stands on update %s: name that one too, before "
					       "it, with --after",
					       path, *id);
	}
	return NULL;
}

static struct uk_error *push_before_patches(struct uk_work *work, const struct uk_bundle *bundle)
{
	const struct uk_update *before = uk_bundle_update(bundle);
	uk_vec_for_each(name, &before->patches) {
		const struct uk_member *member = uk_bundle_member(bundle, *name);
		struct uk_patch *patch = NULL;
		struct uk_error *err = uk_patch_parse(member->data, member->len, *name, &patch);
		if (!err && !uk_vec_push(&work->patches, patch)) {
			uk_patch_destroy(patch);
			err = uk_error_nomem();
		}
		if (!err)
			err = push_view(work, patch);
		if (err)
			return uk_error_wrap(err, "%s", uk_bundle_name(bundle));
	}
	return NULL;
}

static struct uk_error *push_before(struct uk_work *work, const char *path)
{
	struct uk_bundle *bundle = NULL;
	struct uk_error *err = uk_bundle_open(path, work->options->trust, &bundle);
	if (!err && !uk_vec_push(&work->after, bundle)) {
		uk_bundle_destroy(bundle);
		err = uk_error_nomem();
	}
	if (!err)
		err = check_before(work, uk_bundle_update(bundle), path);
	if (!err)
		err = push_string(&work->update->after, uk_bundle_update(bundle)->id);
	return err ? err : push_before_patches(work, bundle);
}

static struct uk_error *describe_source(struct uk_work *work)
{
	const struct uk_kernel *kernel = work->tree->kernel;
	if (!kernel)
		return uk_asprintf(&work->update->source, "own tree %s", work->tree->version);
	return uk_asprintf(&work->update->source, "%s %s", kernel->source, kernel->version);
}

static struct uk_error *describe(struct uk_work *work)
{
	struct uk_update *update = work->update;
	const struct uk_create_options *options = work->options;
	struct uk_error *err = uk_strdup(work->tree->release, &update->release);
	if (!err && work->tree->banner)
		err = uk_strdup(work->tree->banner, &update->version);
	if (!err)
		err = uk_strdup("x86_64", &update->arch);
	if (!err)
		err = uk_strdup(work->tree->compiler, &update->compiler);
	if (!err)
		err = describe_source(work);
	if (!err && options->description)
		err = uk_strdup(options->description, &update->description);
	for (size_t i = 0; !err && i < options->nr_cves; i++)
		err = push_string(&update->cves, options->cves[i]);
	update->ibt = work->tree->ibt;
	return err ? err : uk_work_read_build_id(work);
}

static struct uk_error *compute_id(struct uk_work *work)
{
	const char *text = work->patch->text;
	struct uk_update *update = work->update;
	struct uk_update_identity identity = {
		.release = update->release,
		.version = update->version,
		.build_id = update->build_id,
		.compiler = update->compiler,
		.patches = &text,
		.nr_patches = 1,
		.after = (const char *const *)update->after.data,
		.nr_after = update->after.len,
		.accepted = work->options->accepted,
		.nr_accepted = work->options->nr_accepted,
	};
	update->id = calloc(1, UK_UPDATE_ID_LEN + 1);
	return update->id ? uk_update_id(&identity, update->id) : uk_error_nomem();
}

static struct uk_error *keep_patch(struct uk_work *work)
{
	static const char name[] = "patches/0-update.patch";
	char *text;
	struct uk_error *err = uk_strdup(work->patch->text, &text);
	if (!err)
		err = uk_work_add_member(work, name, text, strlen(work->patch->text));
	return err ? err : push_string(&work->update->patches, name);
}

struct uk_error *uk_work_open_views(struct uk_work *work)
{
	struct uk_view *base = NULL;
	struct uk_error *err = describe(work);
	if (!err)
		err = compare_trees(work);
	if (!err)
		err = uk_view_plain(work->tree, &base);
	if (!err && !uk_vec_push(&work->views, base)) {
		uk_view_close(base);
		err = uk_error_nomem();
	}
	for (size_t i = 0; !err && i < work->options->nr_after; i++)
		err = push_before(work, work->options->after[i]);
	if (!err)
		err = push_view(work, work->patch);
	if (!err)
		err = compute_id(work);
	return err ? err : keep_patch(work);
}
