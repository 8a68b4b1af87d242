// SPDX-License-Identifier: GPL-2.0-or-later
/* Which modules of another kernel drive what this machine has. */
#include "replace/drivers.h"

#include "base/file.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "replace/kernels.h"
#include "base/vec.h"

#include <errno.h>
#include <libkmod.h>
#include <limits.h>
#include <string.h>

struct uk_drivers {
	char *modules;
	struct kmod_ctx *kmod;
	struct uk_map seen; /* names of modules that are in the list, or on their way */
	UK_VEC(char *) files;
};

struct uk_error *uk_drivers_open(const char *modules, struct uk_drivers **ret)
{
	uk_auto_drivers struct uk_drivers *drivers = calloc(1, sizeof(*drivers));
	if (!drivers)
		return uk_error_nomem();
	struct uk_error *err = uk_strdup(modules, &drivers->modules);
	if (err)
		return err;
	/* No configuration of modprobe's: what it blacklists is not what we ask for. */
	static const char *const no_config[] = { NULL };
	drivers->kmod = kmod_new(modules, no_config);
	if (!drivers->kmod)
		return uk_error_nomem();
	kmod_set_log_fn(drivers->kmod, NULL, NULL);
	kmod_set_log_priority(drivers->kmod, 0);
	*ret = uk_take(drivers);
	return NULL;
}

void uk_drivers_destroy(struct uk_drivers *drivers)
{
	if (!drivers)
		return;
	kmod_unref(drivers->kmod);
	uk_map_deinit(&drivers->seen);
	uk_vec_for_each(file, &drivers->files)
		free(*file);
	uk_vec_deinit(&drivers->files);
	free(drivers->modules);
	free(drivers);
}

static struct uk_error *add_module(struct uk_drivers *drivers, struct kmod_module *module);

static struct uk_error *add_all(struct uk_drivers *drivers, struct kmod_list *list)
{
	struct kmod_list *item;
	struct uk_error *err = NULL;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);
		if (!err)
			err = add_module(drivers, module);
		kmod_module_unref(module);
	}
	return err;
}

/* What it says that it needs before it, without linking to it. */
static struct uk_error *add_soft(struct uk_drivers *drivers, struct kmod_module *module)
{
	struct kmod_list *info = NULL, *item;
	struct uk_error *err = NULL;
	if (kmod_module_get_info(module, &info) < 0)
		return NULL;
	kmod_list_foreach(item, info)
	{
		const char *value = kmod_module_info_get_value(item);
		if (err || strcmp(kmod_module_info_get_key(item), "softdep") ||
		    !uk_str_starts(value, "pre:"))
			continue;
		uk_auto_free char *names = NULL;
		char *save = NULL;
		err = uk_strdup(value + strlen("pre:"), &names);
		for (char *name = err ? NULL : strtok_r(names, " ", &save); name && !err;
		     name = strtok_r(NULL, " ", &save)) {
			err = uk_drivers_add(drivers, name);
			if (err && uk_error_kind(err) == UK_ERR_NOTHING) {
				uk_error_destroy(err);
				err = NULL;
			}
		}
	}
	kmod_module_info_free_list(info);
	return err;
}

static struct uk_error *add_module(struct uk_drivers *drivers, struct kmod_module *module)
{
	bool added;
	const char *path = kmod_module_get_path(module);
	if (!uk_map_insert_str(&drivers->seen, kmod_module_get_name(module), &added))
		return uk_error_nomem();
	if (!added || !path)
		return NULL; /* in the list, or built in */
	struct uk_error *err = add_soft(drivers, module);
	if (!err) {
		struct kmod_list *needed = kmod_module_get_dependencies(module);
		err = add_all(drivers, needed);
		kmod_module_unref_list(needed);
	}
	char *copy = NULL;
	if (!err)
		err = uk_strdup(path, &copy);
	if (!err && !uk_vec_push(&drivers->files, copy)) {
		free(copy);
		err = uk_error_nomem();
	}
	return err;
}

bool uk_drivers_has(const struct uk_drivers *drivers, const char *name)
{
	struct kmod_list *found = NULL;
	if (kmod_module_new_from_lookup(drivers->kmod, name, &found) < 0)
		return false;
	bool has = found;
	kmod_module_unref_list(found);
	return has;
}

struct uk_error *uk_drivers_add(struct uk_drivers *drivers, const char *name)
{
	struct kmod_list *found = NULL;
	int status = kmod_module_new_from_lookup(drivers->kmod, name, &found);
	if (status < 0)
		return uk_error_errno(-status, "look up module %s in %s", name, drivers->modules);
	if (!found)
		return uk_error_create(UK_ERR_NOTHING, "%s has no module %s", drivers->modules,
				       name);
	struct uk_error *err = add_all(drivers, found);
	kmod_module_unref_list(found);
	return err;
}

static struct uk_error *add_alias_file(struct uk_drivers *drivers, const char *folder)
{
	uk_auto_free char *path = NULL, *alias = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&path, "%s/modalias", folder);
	if (err || !uk_file_exists(path))
		return err;
	err = uk_file_read(path, 4096, &alias, &len);
	if (err)
		return err;
	alias[strcspn(alias, "\n")] = '\0';
	err = *alias ? uk_drivers_add(drivers, alias) : NULL;
	if (err && uk_error_kind(err) == UK_ERR_NOTHING) {
		uk_error_destroy(err);
		err = NULL;
	}
	return err;
}

/* From the top, so that a bus comes before what hangs on it. */
static struct uk_error *add_levels(struct uk_drivers *drivers, char *folder)
{
	char *up = strrchr(folder, '/');
	if (!up || up == folder || !strcmp(folder, "/sys/devices"))
		return NULL;
	*up = '\0';
	struct uk_error *err = add_levels(drivers, folder);
	*up = '/';
	return err ? err : add_alias_file(drivers, folder);
}

struct uk_error *uk_drivers_add_device(struct uk_drivers *drivers, const char *sysfs)
{
	uk_auto_free char *folder = uk_device_folder(sysfs);
	if (!folder)
		return uk_error_errno(errno, "%s", sysfs);
	return add_levels(drivers, folder);
}

const char *const *uk_drivers_files(const struct uk_drivers *drivers, size_t *nr_ret)
{
	*nr_ret = drivers->files.len;
	return (const char *const *)drivers->files.data;
}
