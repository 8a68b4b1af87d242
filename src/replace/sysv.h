/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System V IPC of the host: shared memory, sets of semaphores, queues of messages. They belong to
 * the host and end with its kernel. So they are noted in the old one while services are
 * frozen, and made again in the new one before anything is restored: with the same number, key,
 * mode, owner, creator and content.
 *
 * The same number is had by /proc/sys/kernel/{shm,sem,msg}_next_id (CONFIG_CHECKPOINT_RESTORE;
 * kernel, ipc/util.c: ipc_idr_alloc(): the number tells index and sequence). The numbers of the
 * processes that made a segment, or used a semaphore or queue last, are had by asking in a process
 * that has that number (clone3(2), set_tid); where it is taken, they are those of who asked.
 *
 * What no program can read or set does not go along: what SEM_UNDO would give back, the times, and
 * who used a segment last, which is whoever attaches it again.
 *
 * The notes lie in the folder of the swap: sysv.json, and a file for each content:
 *
 *	sysv-shm-ID   the segment, with holes where it has no memory
 *	sysv-msg-ID   of each message, first to last: type and length (64 bits of this machine
 *	              each), then its bytes
 */
#ifndef UPKEEP_REPLACE_SYSV_H
#define UPKEEP_REPLACE_SYSV_H

#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"
#include "replace/keep.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define UK_SYSV_NOTES "sysv.json"

/* Beside the permissions in the mode of a segment; kernel, include/linux/shm.h. */
enum {
	UK_SYSV_REMOVED = 01000, /* it ends with its last attachment */
	UK_SYSV_LOCKED = 02000,	 /* it is not swapped out */
};

struct uk_sysv_perm {
	int id;
	uint32_t key; /* 0 is none */
	unsigned int mode;
	uid_t uid, cuid; /* owner and creator */
	gid_t gid, cgid;
};

struct uk_sysv_segment {
	struct uk_sysv_perm perm;
	uint64_t size;
	uint64_t attached; /* how often */
	pid_t creator, last;
};

struct uk_sysv_semaphore {
	uint64_t value;
	pid_t last; /* who changed it; 0 for nobody */
};

struct uk_sysv_set {
	struct uk_sysv_perm perm;
	UK_VEC(struct uk_sysv_semaphore) all;
};

struct uk_sysv_queue {
	struct uk_sysv_perm perm;
	uint64_t limit;		  /* of its bytes */
	uint64_t messages, bytes; /* in it */
	pid_t sender, receiver;	  /* the last ones, or 0 */
};

/* A setting of /proc/sys/kernel that bounds the objects. */
struct uk_sysv_limit {
	char *name, *value;
};

/* A piece of a segment in a process, as /proc/PID/smaps tells of it. */
struct uk_sysv_attachment {
	pid_t pid;
	int id;
	uint64_t start, end, offset; /* offset: in the segment */
	int prot;		     /* PROT_READ, PROT_WRITE, PROT_EXEC */
	bool read_only;		     /* it was attached with SHM_RDONLY */
	uint64_t flags;		     /* bits of what smaps tells; attach.h */
};

struct uk_sysv {
	UK_VEC(struct uk_sysv_segment) segments;
	UK_VEC(struct uk_sysv_set) sets;
	UK_VEC(struct uk_sysv_queue) queues;
	UK_VEC(struct uk_sysv_limit) limits;
	UK_VEC(struct uk_sysv_attachment) attachments;
};

void uk_sysv_deinit(struct uk_sysv *sysv);
#define uk_auto_sysv uk_cleanup(uk_sysv_deinit)

/*
 * The objects of this process's IPC namespace by the tables of /proc/sysvipc, without what takes
 * more to know: values of semaphores, limits. A kernel without a table has none. @ret needs
 * uk_sysv_deinit(), also after an error.
 */
struct uk_error *uk_sysv_read(const struct uk_host_paths *paths, struct uk_sysv *ret) uk_must_check;

/* One table, "shm", "sem" or "msg", which adds to @ret. UK_ERR_INVALID names a bad line. */
struct uk_error *uk_sysv_parse(const char *table, const char *text,
			       struct uk_sysv *ret) uk_must_check;

/* NULL for a number that there is not. */
const struct uk_sysv_segment *uk_sysv_find(const struct uk_sysv *sysv, int id);

/* Whether that process was the last one to send to a queue, or to receive from it. */
bool uk_sysv_has_queue(const struct uk_sysv *sysv, pid_t pid);

/*
 * Leaves out segments that are others' alone: those that somebody has attached, who is not kept
 * (it is not in @sysv's attachments), and that nobody who is kept made or used last. Sets and
 * queues do not tell whose they are, and are small: they stay.
 */
void uk_sysv_choose(struct uk_sysv *sysv, const struct uk_keep *keep);

/*
 * Their contents go into @dir, root's alone, the rest into @sysv: who could use them is frozen.
 * UK_ERR_REFUSED for what cannot be carried (huge pages).
 */
struct uk_error *uk_sysv_save(struct uk_sysv *sysv, const char *dir) uk_must_check;

/* Writes the notes of what is known into UK_SYSV_NOTES. */
struct uk_error *uk_sysv_write(const struct uk_sysv *sysv, const char *dir) uk_must_check;

/* Reads the notes; none is as good as empty ones. @ret needs uk_sysv_deinit() in any case. */
struct uk_error *uk_sysv_load(const char *dir, struct uk_sysv *ret) uk_must_check;

/* UK_ERR_INVALID names what is wrong with the text of notes. */
struct uk_error *uk_sysv_from_json(const char *text, struct uk_sysv *ret) uk_must_check;

/*
 * Makes them again, or remarks why one is not: who had it attached is not restored then. Nobody
 * else may make any at this time.
 */
void uk_sysv_make(const struct uk_sysv *sysv, const char *dir, const struct uk_sink *sink);

/* When all is attached again that is to be: segments that were removed are so again. */
void uk_sysv_settle(const struct uk_sysv *sysv, const struct uk_sink *sink);

#endif
