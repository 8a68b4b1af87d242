// SPDX-License-Identifier: GPL-2.0-or-later
/* Segments of System V shared memory in the processes that have them attached. */
#include "replace/attach.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/inject.h"
#include "replace/procfs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { SMAPS_MAX = 256 << 20, MAPS_MAX = 64 << 20 };

/* What smaps tells of a mapping (proc(5), VmFlags), and what makes it so again. */
static const struct {
	const char *name;
	int advice; /* of madvise(2) ... */
	bool lock;  /* ... or mlock(2) */
} flags[] = {
	{ "lo", 0, true },	   { "sr", MADV_SEQUENTIAL }, { "rr", MADV_RANDOM },
	{ "dc", MADV_DONTFORK },   { "dd", MADV_DONTDUMP },   { "hg", MADV_HUGEPAGE },
	{ "nh", MADV_NOHUGEPAGE },
};

/* --- listing ------------------------------------------------------------------------- */

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');
	return end ? end + 1 : line + strlen(line);
}

/* A mapping's first line begins with its address, the others with a name: "Size:". */
static bool is_first_line(const char *line)
{
	return *line && strchr("0123456789abcdef", *line);
}

static int protection_of(const char *text)
{
	return (text[0] == 'r' ? PROT_READ : 0) | (text[1] == 'w' ? PROT_WRITE : 0) |
	       (text[2] == 'x' ? PROT_EXEC : 0);
}

/* "7f0000000000-7f0000001000 rw-s 00000000 00:01 98307    /SYSV00001234 (deleted)" */
static bool read_first_line(const char *line, struct uk_sysv_attachment *ret, bool *is_ours)
{
	uint64_t id = 0;
	const char *at = line;
	if (!uk_proc_number(&at, 16, &ret->start) || *at++ != '-' ||
	    !uk_proc_number(&at, 16, &ret->end) || *at++ != ' ' || strnlen(at, 5) < 5)
		return false;
	ret->prot = protection_of(at);
	at += 5;
	if (!uk_proc_number(&at, 16, &ret->offset) || *at++ != ' ')
		return false;
	at += strcspn(at, " \n"); /* the device */
	at += *at == ' ';
	if (!uk_proc_number(&at, 10, &id))
		return false;
	ret->id = id <= INT_MAX ? (int)id : -1;
	at += strspn(at, " ");
	/* ipc/shm.c, newseg(): the name has the key, and the number is shown as inode. */
	*is_ours = uk_str_starts(at, "/SYSV") && strspn(at + 5, "0123456789abcdef") == 8 &&
		   uk_str_starts(at + 13, " (deleted)\n");
	return ret->start < ret->end;
}

/* "VmFlags: rd wr sh mr mw me ms sd" */
static void read_flags(const char *line, struct uk_sysv_attachment *ret)
{
	ret->read_only = true;
	for (line += strcspn(line, " \n"); *line == ' '; line += strcspn(line, " \n")) {
		line += strspn(line, " ");
		ret->read_only &= strncmp(line, "mw", 2) != 0; /* VM_MAYWRITE */
		for (size_t i = 0; i < UK_ARRAY_SIZE(flags); i++) {
			if (!strncmp(line, flags[i].name, 2))
				ret->flags |= 1ull << i;
		}
	}
}

struct uk_error *uk_attach_parse(pid_t pid, const char *text, struct uk_sysv *sysv)
{
	struct uk_sysv_attachment *last = NULL;
	for (const char *line = text; *line; line = next_line(line)) {
		struct uk_sysv_attachment found = { .pid = pid };
		bool is_ours = false;
		if (last && uk_str_starts(line, "VmFlags:"))
			read_flags(line, last);
		if (!is_first_line(line))
			continue;
		if (!read_first_line(line, &found, &is_ours))
			return uk_error_create(UK_ERR_INVALID,
					       "process %d: smaps: cannot read the line '%.*s'",
					       pid, (int)strcspn(line, "\n") % 60, line);
		last = NULL;
		if (!is_ours || !uk_sysv_find(sysv, found.id))
			continue;
		if (!uk_vec_push(&sysv->attachments, found))
			return uk_error_nomem();
		last = &sysv->attachments.data[sysv->attachments.len - 1];
	}
	return NULL;
}

/* --- pieces of one attachment --------------------------------------------------------------- */

/* Pieces that lie side by side, of one call of shmat(2): protections may differ. */
struct group {
	const struct uk_sysv_attachment *first;
	size_t nr;
};

static uint64_t base_of(const struct uk_sysv_attachment *piece)
{
	return piece->start - piece->offset;
}

/* The one that begins with element @at of the list. */
static struct group group_at(const struct uk_sysv *sysv, size_t at)
{
	const struct uk_sysv_attachment *all = sysv->attachments.data;
	struct group group = { &all[at], 1 };
	while (at + group.nr < sysv->attachments.len) {
		const struct uk_sysv_attachment *next = &all[at + group.nr];
		if (next->pid != all[at].pid || next->id != all[at].id ||
		    base_of(next) != base_of(&all[at]) || next[-1].end != next->start)
			break;
		group.nr++;
	}
	return group;
}

static bool is_whole(const struct group *group, const struct uk_sysv *sysv)
{
	const struct uk_sysv_segment *segment = uk_sysv_find(sysv, group->first->id);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t size = segment ? (segment->size + page - 1) / page * page : 0;
	return !group->first->offset &&
	       group->first[group->nr - 1].end - group->first->start == size;
}

/* Numbers of segments mean others in another namespace, which goes with CRIU. */
static bool is_in_our_namespace(pid_t pid)
{
	char path[32];
	struct stat ours, other;
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
	return stat("/proc/self/ns/ipc", &ours) < 0 || stat(path, &other) < 0 ||
	       ours.st_ino == other.st_ino;
}

struct uk_error *uk_attach_list(pid_t pid, struct uk_sysv *sysv)
{
	char path[32];
	uk_auto_free char *maps = NULL, *smaps = NULL;
	size_t at = sysv->attachments.len;
	if (!is_in_our_namespace(pid))
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	struct uk_error *err = uk_file_read(path, MAPS_MAX, &maps, NULL);
	if (err || !strstr(maps, "/SYSV")) /* smaps takes its time where there is much memory */
		return err;
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	err = uk_file_read(path, SMAPS_MAX, &smaps, NULL);
	if (!err)
		err = uk_attach_parse(pid, smaps, sysv);
	while (!err && at < sysv->attachments.len) {
		struct group group = group_at(sysv, at);
		if (!is_whole(&group, sysv))
			err = uk_error_create(UK_ERR_REFUSED,
					      "process %d has only a part of segment %d mapped, at "
					      "0x%llx",
					      pid, group.first->id,
					      (unsigned long long)group.first->start);
		at += group.nr;
	}
	return err;
}

/* --- calls in the process ------------------------------------------------------------------- */

static struct uk_error *refused(const struct group *group, int error, const char *what)
{
	return uk_error_errno(error, "%s segment %d at 0x%llx of process %d", what,
			      group->first->id, (unsigned long long)base_of(group->first),
			      group->first->pid);
}

/* An errno, or 0. */
static struct uk_error *call(struct uk_held *thread, const struct uk_call *call, int *ret)
{
	int64_t result = 0;
	struct uk_error *err = uk_inject_call(thread, call, &result);
	*ret = result < 0 && result > -4096 ? (int)-result : 0;
	return err;
}

static struct uk_error *take_off(struct uk_held *thread, const struct uk_sysv_attachment *piece)
{
	int error;
	const struct group group = { piece, 1 };
	const struct uk_call munmap = { SYS_munmap, { piece->start, piece->end - piece->start } };
	struct uk_error *err = call(thread, &munmap, &error);
	return err || !error ? err : refused(&group, error, "take off");
}

struct uk_error *uk_attach_take_off(struct uk_hold *hold, const struct uk_sysv *sysv)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(piece, &sysv->attachments) {
		struct uk_held *thread = uk_hold_find(hold, piece->pid);
		if (!err && thread)
			err = take_off(thread, piece);
	}
	return err;
}

/* The call. It may not be allowed any more what it was when it did this itself. */
static struct uk_error *attach(struct uk_held *thread, const struct group *group, int *ret)
{
	const struct uk_call shmat = { SYS_shmat,
				       { (uint64_t)group->first->id, base_of(group->first),
					 group->first->read_only ? SHM_RDONLY : 0 } };
	return call(thread, &shmat, ret);
}

/* Makes its user the owner for that moment: nobody else may do more meanwhile than before. */
static struct uk_error *attach_as_owner(struct uk_held *thread, const struct group *group, int *ret)
{
	struct shmid_ds was, lent;
	struct uk_task task = {};
	struct uk_error *err = uk_task_read_brief(NULL, thread->pid, &task);
	uid_t user = task.uid;
	uk_task_deinit(&task);
	if (err)
		return err;
	if (shmctl(group->first->id, IPC_STAT, &was) < 0)
		return uk_error_errno(errno, "segment %d", group->first->id);
	lent = was;
	lent.shm_perm.uid = user;
	lent.shm_perm.mode |= S_IRUSR | S_IWUSR;
	if (shmctl(group->first->id, IPC_SET, &lent) < 0)
		return uk_error_errno(errno, "segment %d", group->first->id);
	err = attach(thread, group, ret);
	if (shmctl(group->first->id, IPC_SET, &was) < 0 && !err)
		err = uk_error_errno(errno, "segment %d", group->first->id);
	return err;
}

static struct uk_error *advise(struct uk_held *thread, const struct uk_sysv_attachment *piece)
{
	const struct group group = { piece, 1 };
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(flags); i++) {
		const struct uk_call advice = { flags[i].lock ? SYS_mlock : SYS_madvise,
						{ piece->start, piece->end - piece->start,
						  (uint64_t)flags[i].advice } };
		int error = 0;
		if (!(piece->flags & (1ull << i)))
			continue;
		err = call(thread, &advice, &error);
		if (!err && error)
			err = refused(&group, error, flags[i].lock ? "lock" : "advise about");
	}
	return err;
}

static int usual_protection(const struct uk_sysv_attachment *piece)
{
	return PROT_READ | (piece->read_only ? 0 : PROT_WRITE);
}

static struct uk_error *protect(struct uk_held *thread, const struct uk_sysv_attachment *piece)
{
	int error;
	const struct group group = { piece, 1 };
	const struct uk_call mprotect = {
		SYS_mprotect, { piece->start, piece->end - piece->start, (uint64_t)piece->prot }
	};
	if (piece->prot == usual_protection(piece))
		return NULL;
	struct uk_error *err = call(thread, &mprotect, &error);
	return err || !error ? err : refused(&group, error, "protect");
}

static struct uk_error *put_back(struct uk_held *thread, const struct group *group)
{
	int error = 0;
	struct uk_error *err = attach(thread, group, &error);
	if (!err && error == EACCES)
		err = attach_as_owner(thread, group, &error);
	if (!err && error)
		err = refused(group, error, "attach");
	for (size_t i = 0; !err && i < group->nr; i++) {
		err = protect(thread, &group->first[i]);
		if (!err)
			err = advise(thread, &group->first[i]);
	}
	return err;
}

/* --- what is there already ---------------------------------------------------------------------
 */

static bool is_there(const struct uk_sysv_attachment *piece, const struct uk_sysv *now)
{
	uk_vec_for_each(other, &now->attachments) {
		if (other->pid == piece->pid && other->id == piece->id &&
		    other->start == piece->start && other->end == piece->end)
			return true;
	}
	return false;
}

/* All of it: nothing to do. A part, when it was not taken off to the end: that begins anew. */
static struct uk_error *put_back_missing(struct uk_held *thread, const struct group *group,
					 const struct uk_sysv *now)
{
	struct uk_error *err = NULL;
	size_t there = 0;
	for (size_t i = 0; i < group->nr; i++)
		there += is_there(&group->first[i], now);
	if (there == group->nr)
		return NULL;
	for (size_t i = 0; !err && i < group->nr; i++) {
		if (is_there(&group->first[i], now))
			err = take_off(thread, &group->first[i]);
	}
	return err ? err : put_back(thread, group);
}

/* Those of processes that are held, as they are now. */
static struct uk_error *list_now(struct uk_hold *hold, const struct uk_sysv *sysv,
				 struct uk_sysv *ret)
{
	struct uk_error *err = NULL;
	pid_t last = 0;
	uk_vec_for_each(segment, &sysv->segments) {
		if (!uk_vec_push(&ret->segments, *segment))
			return uk_error_nomem();
	}
	uk_vec_for_each(piece, &sysv->attachments) {
		uk_auto_error struct uk_error *in_part = NULL;
		if (piece->pid == last || !uk_hold_find(hold, piece->pid))
			continue;
		last = piece->pid;
		err = uk_attach_list(piece->pid, ret);
		if (err && uk_error_kind(err) == UK_ERR_REFUSED)
			in_part = uk_take(err);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_attach_put_back(struct uk_hold *hold, const struct uk_sysv *sysv)
{
	uk_auto_sysv struct uk_sysv now = {};
	struct uk_error *err = list_now(hold, sysv, &now), *next = NULL;
	if (err)
		return err;
	for (size_t at = 0; at < sysv->attachments.len;) {
		struct group group = group_at(sysv, at);
		struct uk_held *thread = uk_hold_find(hold, group.first->pid);
		at += group.nr;
		next = thread ? put_back_missing(thread, &group, &now) : NULL;
		if (err)
			uk_error_destroy(next);
		else
			err = next;
	}
	return err;
}
