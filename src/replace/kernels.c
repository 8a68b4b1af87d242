// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel that is installed, by its files: image, modules, configuration. */
#include "replace/kernels.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/drivers.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define CONFIG_LIMIT (4 << 20)

struct uk_boot_kernel {
	char *release;
	bool image, configured;
	struct uk_map config;	    /* "CONFIG_KEXEC" to 'y', 'm' or, for other values, 'v' */
	struct uk_drivers *drivers; /* NULL without modules */
};

void uk_boot_kernel_destroy(struct uk_boot_kernel *kernel)
{
	if (!kernel)
		return;
	uk_map_deinit(&kernel->config);
	uk_drivers_destroy(kernel->drivers);
	free(kernel->release);
	free(kernel);
}

/* "CONFIG_A=y" and the like; the rest is no option that is set. */
static struct uk_error *parse_config(const char *text, struct uk_map *config)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n"), name = strcspn(line, "=\n");
		if (uk_str_starts(line, "CONFIG_") && line[name] == '=') {
			struct uk_map_entry *entry = uk_map_insert(config, line, name, NULL);
			if (!entry)
				return uk_error_nomem();
			char value = line[name + 1];
			bool single = len == name + 2;
			entry->num =
				single && (value == 'y' || value == 'm') ? (uint64_t)value : 'v';
		}
		line += len + (line[len] == '\n');
	}
	return NULL;
}

static struct uk_error *read_config(const struct uk_host_paths *paths,
				    struct uk_boot_kernel *kernel)
{
	uk_auto_free char *path = NULL, *text = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/config-%s", paths->boot, kernel->release);
	if (err || !uk_file_exists(path))
		return err;
	err = uk_file_read(path, CONFIG_LIMIT, &text, NULL);
	if (!err)
		err = parse_config(text, &kernel->config);
	kernel->configured = !err && kernel->config.len;
	return err;
}

static struct uk_error *open_modules(const struct uk_host_paths *paths,
				     struct uk_boot_kernel *kernel)
{
	uk_auto_free char *dir = NULL, *table = NULL;
	struct uk_error *err = uk_asprintf(&dir, "%s/%s", paths->modules, kernel->release);
	if (!err)
		err = uk_asprintf(&table, "%s/modules.dep", dir);
	return err || !uk_file_exists(table) ? err : uk_drivers_open(dir, &kernel->drivers);
}

static bool is_release(const char *release)
{
	return *release && *release != '.' && !strchr(release, '/') && strlen(release) < 128;
}

struct uk_error *uk_boot_kernel_read(const struct uk_host_paths *paths, const char *release,
				     struct uk_boot_kernel **ret)
{
	uk_auto_free char *image = NULL;
	if (!is_release(release))
		return uk_error_create(UK_ERR_USAGE, "'%s' is no release of a kernel", release);
	paths = uk_host_paths_get(paths);
	uk_auto_boot_kernel struct uk_boot_kernel *kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return uk_error_nomem();
	struct uk_error *err = uk_strdup(release, &kernel->release);
	if (!err)
		err = uk_asprintf(&image, "%s/vmlinuz-%s", paths->boot, release);
	if (!err)
		err = read_config(paths, kernel);
	if (!err)
		err = open_modules(paths, kernel);
	if (err)
		return err;
	kernel->image = uk_file_exists(image);
	*ret = uk_take(kernel);
	return NULL;
}

struct uk_error *uk_boot_kernel_newest(const struct uk_host_paths *paths, char **ret)
{
	static const char prefix[] = "vmlinuz-";
	char **names;
	size_t nr;
	const char *newest = NULL;
	*ret = NULL;
	if (!uk_file_exists(uk_host_paths_get(paths)->boot))
		return NULL;
	struct uk_error *err = uk_dir_list(uk_host_paths_get(paths)->boot, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++) {
		if (!uk_str_starts(names[i], prefix) || uk_str_ends(names[i], ".old"))
			continue;
		const char *release = names[i] + strlen(prefix);
		if (is_release(release) && (!newest || strverscmp(release, newest) > 0))
			newest = release;
	}
	if (newest)
		err = uk_strdup(newest, ret);
	uk_strv_destroy(names, nr);
	return err;
}

const char *uk_boot_kernel_release(const struct uk_boot_kernel *kernel)
{
	return kernel->release;
}

bool uk_boot_kernel_has_image(const struct uk_boot_kernel *kernel)
{
	return kernel->image;
}

bool uk_boot_kernel_has_modules(const struct uk_boot_kernel *kernel)
{
	return kernel->drivers;
}

bool uk_boot_kernel_has_config(const struct uk_boot_kernel *kernel)
{
	return kernel->configured;
}

char uk_boot_kernel_option(const struct uk_boot_kernel *kernel, const char *option)
{
	struct uk_map_entry *entry = uk_map_find_str(&kernel->config, option);
	if (!kernel->configured)
		return '?';
	return entry ? (char)entry->num : 'n';
}

bool uk_boot_kernel_has_driver(const struct uk_boot_kernel *kernel, const char *name)
{
	return kernel->drivers && uk_drivers_has(kernel->drivers, name);
}

/* These are in every kernel that could restore anything, and have no alias to be found by. */
static const char *const always[] = {
	"proc",	   "sysfs",	 "tmpfs",	 "devtmpfs",  "devpts",	   "cgroup2",
	"cgroup",  "ramfs",	 "rootfs",	 "mqueue",    "hugetlbfs", "debugfs",
	"tracefs", "securityfs", "bpf",		 "pstore",    "efivarfs",  "sockfs",
	"pipefs",  "nsfs",	 "anon_inodefs", "selinuxfs", "configfs",
};

bool uk_boot_kernel_can_mount(const struct uk_boot_kernel *kernel, const char *type)
{
	char alias[80];
	size_t plain = strcspn(type, "."); /* "fuse.sshfs" */
	for (size_t i = 0; i < UK_ARRAY_SIZE(always); i++) {
		if (!strcmp(type, always[i]))
			return true;
	}
	if (plain > 60)
		return false;
	snprintf(alias, sizeof(alias), "fs-%.*s", (int)plain, type);
	return uk_boot_kernel_has_driver(kernel, alias) ||
	       uk_boot_kernel_has_driver(kernel, alias + 3);
}
