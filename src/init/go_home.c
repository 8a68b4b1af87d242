// SPDX-License-Identifier: GPL-2.0-or-later
/* The way home: an ordinary boot after a new kernel that came to nothing. */
#include "init/init.h"

#include "replace/home.h"
#include "replace/paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* An initramfs has done so as a rule; a kernel that boots without one has not. */
static void mount_missing(void)
{
	struct stat root, run;
	if (access("/proc/self", F_OK) < 0)
		mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (access("/sys/kernel", F_OK) < 0)
		mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (access("/dev/null", F_OK) < 0)
		mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	if (!stat("/", &root) && !stat("/run", &run) && root.st_dev == run.st_dev)
		mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
}

static void make_writable(void)
{
	struct statvfs fs;
	if (!statvfs("/", &fs) && fs.f_flag & ST_RDONLY &&
	    mount(NULL, "/", NULL, MS_REMOUNT, NULL) < 0)
		say("make the root filesystem writable: %s", strerror(errno));
}

/* Before anything else, so that this is tried once. */
static bool close_behind(void)
{
	struct uk_error *err = uk_home_close();
	if (err)
		say("%s", uk_error_message(err));
	bool closed = !err;
	uk_error_destroy(err);
	return closed;
}

void go_home(struct boot *boot)
{
	mount_missing();
	make_writable();
	FILE *file = fopen(UK_HOME, "re");
	if (!file)
		say(UK_HOME ": %s", strerror(errno));
	if (!close_behind() || !file)
		return;
	say("the new kernel restored nothing: it is tried here");
	boot->home = true;
	if (run_steps(boot, file) && boot->next)
		supervise(boot);
	clock_stop(boot);
	run_later(boot);
}
