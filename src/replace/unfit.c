// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes whose memory may change unnoted. */
#include "replace/unfit.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMAPS_MAX = 256 << 20 };

#ifndef O_DIRECT
#define O_DIRECT 040000
#endif

/* --- mappings ------------------------------------------------------------------------ */

/* Of the VmFlags in /proc/PID/smaps: fs/proc/task_mmu.c, show_smap_vma_flags(). */
static const struct {
	const char *flag, *why;
} flags[] = {
	/* clear_refs and the note itself pass them over. */
	{ " ht", "huge pages" },
	/* A page that is merged has a new entry, without the note (mm/ksm.c: replace_page()). */
	{ " mg", "memory that is merged with others' (KSM)" },
	{ " um", "a userfaultfd" },
	{ " uw", "a userfaultfd" },
	{ " ui", "a userfaultfd" },
};

static bool has_flag(const char *line, size_t len, const char *flag)
{
	const char *found = memmem(line, len, flag, strlen(flag));
	return found && (found + strlen(flag) == line + len || found[strlen(flag)] == ' ');
}

static const char *judge_line(const char *line, size_t len)
{
	static const char ring[] = "/[aio]";
	if (memmem(line, len, ring, strlen(ring)))
		return "a ring of io_setup(2), into which and by which the kernel writes";
	if (strncmp(line, "VmFlags:", strlen("VmFlags:")))
		return NULL;
	for (size_t i = 0; i < UK_ARRAY_SIZE(flags); i++) {
		if (has_flag(line, len, flags[i].flag))
			return flags[i].why;
	}
	return NULL;
}

const char *uk_unfit_mapping(const char *smaps)
{
	const char *why = NULL;
	while (*smaps && !why) {
		size_t len = strcspn(smaps, "\n");
		why = judge_line(smaps, len);
		smaps += len + (smaps[len] == '\n');
	}
	return why;
}

/* --- files --------------------------------------------------------------------------- */

/*
 * Their reads are copied into memory by the processor, which is noted, but with O_DIRECT. Those of
 * others (FUSE, 9p, CIFS) may go by the device to where memory was looked up before, and up to
 * 6.5 the kernel does not know by the page that it is waited for (FOLL_GET).
 */
static const uint32_t plain_fs[] = {
	EXT4_SUPER_MAGIC,    XFS_SUPER_MAGIC,	BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
	MSDOS_SUPER_MAGIC,   ISOFS_SUPER_MAGIC, SQUASHFS_MAGIC,	   OVERLAYFS_SUPER_MAGIC,
	TMPFS_MAGIC,	     RAMFS_MAGIC,	PROC_SUPER_MAGIC,  SYSFS_MAGIC,
	CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,	TRACEFS_MAGIC,	   SECURITYFS_MAGIC,
};

static bool is_plain(uint32_t fs)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(plain_fs); i++) {
		if (plain_fs[i] == fs)
			return true;
	}
	return false;
}

bool uk_unfit_file(const struct uk_fd *fd)
{
	return fd->kind == UK_FD_IO_URING ||
	       (fd->kind == UK_FD_FILE && ((fd->flags & O_DIRECT) || !is_plain(fd->fs)));
}

static struct uk_error *check_files(pid_t pid)
{
	char path[32];
	char **names = NULL;
	size_t nr = 0;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	uk_auto_close int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return uk_error_create(UK_ERR_BUSY, "process %d has ended", pid);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	struct uk_error *err = uk_dir_list(path, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		uk_cleanup(uk_fd_deinit) struct uk_fd fd = {};
		/* One that cannot be read was closed. */
		struct uk_error *gone = uk_fd_read(proc, atoi(names[i]), &fd);
		if (!gone && uk_unfit_file(&fd))
			err = uk_error_create(UK_ERR_BUSY,
					      "process %d has %s open, which may be read without "
					      "the kernel's note",
					      pid, fd.link);
		uk_error_destroy(gone);
	}
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_unfit_check(pid_t pid)
{
	uk_auto_free char *smaps = NULL;
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	struct uk_error *err = uk_file_read(path, SMAPS_MAX, &smaps, NULL);
	const char *why = err ? uk_error_message(err) : uk_unfit_mapping(smaps);
	struct uk_error *told =
		why ? uk_error_create(UK_ERR_BUSY, "process %d has %s", pid, why) : NULL;
	uk_error_destroy(err);
	return told ? told : check_files(pid);
}
