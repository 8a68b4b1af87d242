// SPDX-License-Identifier: GPL-2.0-or-later
/* The way home. */
#include "replace/home.h"

#include "base/clock.h"
#include "base/file.h"
#include "replace/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUR_INIT UPKEEP_LIBDIR "/init"
#define INIT "/sbin/init"
#define INIT_SAVED "/sbin/init.upkeep"
#define INIT_NEW "/sbin/init.upkeep-new"
#define SEED "/var/lib/systemd/random-seed"

/* Where a link leads to; "" for what is none. */
static void read_link(const char *path, char *ret, size_t size)
{
	ssize_t len = readlink(path, ret, size - 1);
	ret[len > 0 ? len : 0] = '\0';
}

static bool is_diverted(void)
{
	char target[PATH_MAX];
	read_link(INIT, target, sizeof(target));
	return !strcmp(target, OUR_INIT);
}

static struct uk_error *check_init(void)
{
	char target[PATH_MAX];
	read_link(INIT, target, sizeof(target));
	if (!*target)
		return uk_error_create(UK_ERR_REFUSED,
				       INIT " is not a symbolic link: there is no way home if the "
					    "new kernel fails; --no-way-home goes without");
	return NULL;
}

uint64_t uk_home_last_start(void)
{
	struct stat st;
	if (stat(SEED, &st) < 0)
		return 0;
	return uk_clock_of(&st.st_mtim);
}

static struct uk_error *sync_folder(const char *path)
{
	uk_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return uk_error_errno(errno, "sync %s", path);
	return NULL;
}

static struct uk_error *make_link(const char *target, const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return uk_error_errno(errno, "remove %s", path);
	if (symlink(target, path) < 0)
		return uk_error_errno(errno, "link %s", path);
	return NULL;
}

struct uk_error *uk_home_write(const char *text)
{
	struct uk_error *err = check_init();
	if (!err)
		err = uk_dir_make(UK_HOME_FOLDER, 0755);
	return err ? err : uk_file_write(UK_HOME, text, strlen(text), 0600);
}

struct uk_error *uk_home_open(void)
{
	char target[PATH_MAX];
	struct uk_error *err = check_init();
	read_link(INIT, target, sizeof(target));
	if (!err)
		err = make_link(target, INIT_SAVED);
	if (!err)
		err = make_link(OUR_INIT, INIT_NEW);
	if (!err && rename(INIT_NEW, INIT) < 0)
		err = uk_error_errno(errno, "rename " INIT_NEW);
	return err;
}

bool uk_home_is_open(void)
{
	return is_diverted() || uk_file_exists(UK_HOME);
}

struct uk_error *uk_home_close(void)
{
	if (is_diverted() && rename(INIT_SAVED, INIT) < 0)
		return uk_error_errno(errno, "rename " INIT_SAVED);
	unlink(INIT_SAVED);
	unlink(INIT_NEW);
	struct uk_error *err = sync_folder("/sbin");
	if (!err && unlink(UK_HOME) < 0 && errno != ENOENT)
		err = uk_error_errno(errno, "remove " UK_HOME);
	if (!err && uk_file_exists(UK_HOME_FOLDER))
		err = sync_folder(UK_HOME_FOLDER);
	return uk_error_wrap(err, "close the way home");
}
