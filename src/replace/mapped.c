// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs and libraries that a service has mapped. */
#include "replace/mapped.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { MAPS_MAX = 64 << 20 };

static uint64_t mtime_of(const struct stat *st)
{
	return uk_clock_of(&st->st_mtim);
}

static bool is_known(const struct uk_plan_service *service, const char *path)
{
	uk_vec_for_each(file, &service->mapped) {
		if (!strcmp(file->path, path))
			return true;
	}
	return false;
}

static struct uk_error *add(pid_t pid, const char *path, uint64_t ino,
			    struct uk_plan_service *service)
{
	struct stat st;
	struct statfs fs;
	uk_auto_free char *there = NULL, *copy = NULL;
	struct uk_error *err = uk_asprintf(&there, "/proc/%d/root%s", pid, path);
	/* Another file has that name, or none: criu finds that out. */
	if (err || stat(there, &st) < 0 || st.st_ino != ino)
		return err;
	/* In memory it goes along, and is another one then. */
	if (statfs(there, &fs) < 0 || fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
		return NULL;
	err = uk_strdup(path, &copy);
	if (err)
		return err;
	const struct uk_plan_mapped file = {
		.path = copy, .ino = ino, .size = (uint64_t)st.st_size, .mtime_ns = mtime_of(&st)
	};
	if (!uk_vec_push(&service->mapped, file))
		return uk_error_nomem();
	uk_take(copy);
	return NULL;
}

/* "7f00-7f01 r-xp 00000000 fe:00 131 /usr/lib/libm.so.6": proc(5) */
static struct uk_error *note_line(pid_t pid, const char *line, struct uk_plan_service *service)
{
	char perms[5];
	uintmax_t ino;
	int at = 0;
	if (sscanf(line, "%*x-%*x %4s %*x %*x:%*x %ju %n", perms, &ino, &at) != 2 || !at)
		return uk_error_create(UK_ERR_INVALID, "/proc/%d/maps: %s", pid, line);
	const char *path = line + at;
	if (perms[3] != 'p' || *path != '/' || uk_str_ends(path, " (deleted)") ||
	    is_known(service, path))
		return NULL;
	return add(pid, path, ino, service);
}

struct uk_error *uk_mapped_note(pid_t pid, struct uk_plan_service *service)
{
	uk_auto_free char *file = NULL, *text = NULL;
	char *save = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&file, "/proc/%d/maps", pid);
	if (err || !uk_file_exists(file)) /* it has ended before the freeze */
		return err;
	err = uk_file_read(file, MAPS_MAX, &text, &len);
	for (char *line = err ? NULL : strtok_r(text, "\n", &save); line && !err;
	     line = strtok_r(NULL, "\n", &save))
		err = note_line(pid, line, service);
	return err;
}

struct uk_error *uk_mapped_check(const struct uk_plan_service *service)
{
	uk_vec_for_each(file, &service->mapped) {
		struct stat st;
		if (stat(file->path, &st) < 0)
			return uk_error_errno(errno, "%s", file->path);
		if (st.st_ino != file->ino || (uint64_t)st.st_size != file->size ||
		    mtime_of(&st) != file->mtime_ns)
			return uk_error_create(UK_ERR_INVALID,
					       "%s: changed since the freeze, and mapped",
					       file->path);
	}
	return NULL;
}
