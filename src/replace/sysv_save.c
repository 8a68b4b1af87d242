// SPDX-License-Identifier: GPL-2.0-or-later
/* System V IPC: what is in the objects of the old kernel. */
#include "replace/sysv.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/sysv_data.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SETTING_MAX = 256, CHUNK = 1 << 20 };

/* What bounds the objects, and may have been set; kernel, ipc/ipc_sysctl.c. */
static const char *const limits[] = { "shmmax", "shmall", "shmmni", "sem",
				      "msgmax", "msgmnb", "msgmni" };

/* --- segments ------------------------------------------------------------------------ */

void uk_sysv_close(struct uk_sysv_memory *memory)
{
	if (memory->at)
		shmdt(memory->at);
	memory->at = NULL;
	if (memory->fd >= 0)
		close(memory->fd);
	memory->fd = -1;
}

struct uk_error *uk_sysv_open(int id, uint64_t size, bool write, struct uk_sysv_memory *ret)
{
	char path[96];
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct statfs fs;
	void *at = shmat(id, NULL, write ? 0 : SHM_RDONLY);
	if (at == (void *)-1)
		return uk_error_errno(errno, "attach segment %d", id);
	ret->at = at;
	snprintf(path, sizeof(path), "/proc/self/map_files/%jx-%jx", (uintmax_t)at,
		 (uintmax_t)at + (size + page - 1) / page * page);
	ret->fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (ret->fd >= 0 && !fstatfs(ret->fd, &fs) && fs.f_type != HUGETLBFS_MAGIC)
		return NULL;
	/* Such an attachment ends at a border of huge pages, and has another name. */
	if (ret->fd >= 0 || errno == ENOENT)
		return uk_error_create(UK_ERR_REFUSED, "segment %d has huge pages", id);
	return uk_error_errno(errno, "open segment %d", id);
}

static struct uk_error *copy_bytes(int from, int to, off_t at, off_t end)
{
	uk_auto_free char *chunk = malloc(CHUNK);
	if (!chunk)
		return uk_error_nomem();
	while (at < end) {
		size_t len = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t got = pread(from, chunk, len, at);
		if (got > 0)
			got = pwrite(to, chunk, (size_t)got, at);
		if (got < 0)
			return uk_error_errno(errno, "copy");
		if (!got)
			return uk_error_create(UK_ERR_SYSTEM, "copy: it ends at byte %jd",
					       (intmax_t)at);
		at += got;
	}
	return NULL;
}

struct uk_error *uk_sysv_copy(int from, int to, uint64_t size)
{
	off_t at = 0, end = (off_t)size;
	while (at < end) {
		off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return NULL; /* nothing but a hole from here on */
		if (data < 0)
			return uk_error_errno(errno, "seek");
		off_t hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return uk_error_errno(errno, "seek");
		at = hole < end ? hole : end;
		struct uk_error *err = copy_bytes(from, to, data, at);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *make_file(const char *dir, const char *kind, int id, int *ret)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/sysv-%s-%d", dir, kind, id);
	if (err)
		return err;
	*ret = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return *ret < 0 ? uk_error_errno(errno, "%s", path) : NULL;
}

static struct uk_error *save_segment(const struct uk_sysv_segment *segment, const char *dir)
{
	uk_cleanup(uk_sysv_close) struct uk_sysv_memory memory = { .fd = -1 };
	uk_auto_close int file = -1;
	int id = segment->perm.id;
	struct uk_error *err = uk_sysv_open(id, segment->size, false, &memory);
	if (!err)
		err = make_file(dir, "shm", id, &file);
	if (!err && ftruncate(file, (off_t)segment->size) < 0)
		err = uk_error_errno(errno, "segment %d", id);
	return err ? err
		   : uk_error_wrap(uk_sysv_copy(memory.fd, file, segment->size), "segment %d", id);
}

/* --- semaphores, messages -------------------------------------------------------------- */

static struct uk_error *save_set(struct uk_sysv_set *set)
{
	int number = 0;
	uk_vec_for_each(semaphore, &set->all) {
		int value = semctl(set->perm.id, number, GETVAL);
		int last = semctl(set->perm.id, number, GETPID);
		if (value < 0 || last < 0)
			return uk_error_errno(errno, "semaphore %d of set %d", number,
					      set->perm.id);
		semaphore->value = (uint64_t)value;
		semaphore->last = last;
		number++;
	}
	return NULL;
}

/* MSG_COPY (CONFIG_CHECKPOINT_RESTORE) takes it by its place, and leaves it there; msgrcv(2). */
static struct uk_error *copy_message(const struct uk_sysv_queue *queue, long nr, struct msgbuf *buf,
				     int file)
{
	ssize_t len = msgrcv(queue->perm.id, buf, queue->bytes, nr, IPC_NOWAIT | MSG_COPY);
	if (len < 0)
		return uk_error_errno(errno, "message %ld of queue %d", nr, queue->perm.id);
	const struct uk_sysv_message message = { buf->mtype, (uint64_t)len };
	if (write(file, &message, sizeof(message)) != sizeof(message) ||
	    write(file, buf->mtext, (size_t)len) != len)
		return uk_error_errno(errno, "note queue %d", queue->perm.id);
	return NULL;
}

static struct uk_error *save_queue(struct uk_sysv_queue *queue, const char *dir)
{
	uk_auto_close int file = -1;
	struct msqid_ds about;
	uk_auto_free struct msgbuf *buf = malloc(sizeof(*buf) + queue->bytes);
	if (!buf)
		return uk_error_nomem();
	if (msgctl(queue->perm.id, IPC_STAT, &about) < 0)
		return uk_error_errno(errno, "queue %d", queue->perm.id);
	queue->limit = about.msg_qbytes;
	struct uk_error *err = make_file(dir, "msg", queue->perm.id, &file);
	for (uint64_t i = 0; !err && i < queue->messages; i++)
		err = copy_message(queue, (long)i, buf, file);
	return err;
}

/* --- all ----------------------------------------------------------------------------- */

static struct uk_error *save_limit(const char *name, struct uk_sysv *sysv)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "/proc/sys/kernel/%s", name);
	if (err || !uk_file_exists(path))
		return err;
	if (!uk_vec_push(&sysv->limits, (struct uk_sysv_limit){}))
		return uk_error_nomem();
	struct uk_sysv_limit *limit = &sysv->limits.data[sysv->limits.len - 1];
	err = uk_strdup(name, &limit->name);
	if (!err)
		err = uk_file_read(path, SETTING_MAX, &limit->value, NULL);
	if (!err)
		limit->value[strcspn(limit->value, "\n")] = '\0';
	return err;
}

struct uk_error *uk_sysv_save(struct uk_sysv *sysv, const char *dir)
{
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(limits); i++)
		err = save_limit(limits[i], sysv);
	uk_vec_for_each(segment, &sysv->segments) {
		if (!err)
			err = save_segment(segment, dir);
	}
	uk_vec_for_each(set, &sysv->sets) {
		if (!err)
			err = save_set(set);
	}
	uk_vec_for_each(queue, &sysv->queues) {
		if (!err)
			err = save_queue(queue, dir);
	}
	return uk_error_wrap(err, "System V IPC");
}
