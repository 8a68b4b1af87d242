// SPDX-License-Identifier: GPL-2.0-or-later
/* System V IPC: the objects made again in the new kernel. */
#include "replace/sysv.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/sysv_data.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PERMISSIONS = 0777 };

/* --- in the place of another process ------------------------------------------------------ */

/* What is done there: an errno, or 0. */
struct errand {
	pid_t pid; /* whose number; 0 for any */
	uid_t uid;
	gid_t gid;
	int (*run)(const void *arg);
	const void *arg;
};

/* As fork(), with that number if it is free. */
static pid_t fork_as(pid_t pid)
{
	uint64_t number = (uint64_t)pid;
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)&pid,
				   .set_tid_size = number ? 1 : 0 };
	pid_t child = number ? (pid_t)syscall(SYS_clone3, &args, sizeof(args)) : -1;
	return child < 0 ? fork() : child;
}

static void __attribute__((noreturn)) be_errand(const struct errand *errand)
{
	/* The call itself: that of libc would ask threads that a child does not have. */
	if (syscall(SYS_setresgid, -1, errand->gid, -1) < 0 ||
	    syscall(SYS_setresuid, -1, errand->uid, -1) < 0)
		_exit(errno);
	_exit(errand->run(errand->arg));
}

static struct uk_error *run_errand(const struct errand *errand)
{
	int status;
	pid_t child = fork_as(errand->pid);
	if (!child)
		be_errand(errand);
	if (child < 0)
		return uk_error_errno(errno, "fork");
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return uk_error_errno(errno, "wait for process %d", child);
	}
	if (!WIFEXITED(status))
		return uk_error_create(UK_ERR_SYSTEM, "process %d was killed", child);
	return WEXITSTATUS(status) ? uk_error_errno(WEXITSTATUS(status), "refused") : NULL;
}

/* --- the number ------------------------------------------------------------------------ */

/* The next object of that kind gets it, if it is free. */
static struct uk_error *ask_for(const char *kind, int id)
{
	char path[64], text[16];
	snprintf(path, sizeof(path), "/proc/sys/kernel/%s_next_id", kind);
	int len = snprintf(text, sizeof(text), "%d", id);
	uk_auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return uk_error_errno(errno, "%s", path);
	return NULL;
}

static struct uk_error *make(const char *kind, const struct uk_sysv_perm *perm, pid_t creator,
			     int (*run)(const void *), const void *arg)
{
	const struct errand errand = {
		.pid = creator, .uid = perm->cuid, .gid = perm->cgid, .run = run, .arg = arg
	};
	struct uk_error *err = ask_for(kind, perm->id);
	return err ? err : run_errand(&errand);
}

static int flags_of(const struct uk_sysv_perm *perm)
{
	return IPC_CREAT | IPC_EXCL | (int)(perm->mode & PERMISSIONS);
}

/* --- segments ------------------------------------------------------------------------ */

static int make_segment(const void *arg)
{
	const struct uk_sysv_segment *segment = arg;
	int id = shmget((key_t)segment->perm.key, segment->size, flags_of(&segment->perm));
	if (id < 0)
		return errno;
	if (id == segment->perm.id)
		return 0;
	shmctl(id, IPC_RMID, NULL);
	return EEXIST;
}

static struct uk_error *own_segment(const struct uk_sysv_segment *segment)
{
	struct shmid_ds about = { .shm_perm = { .uid = segment->perm.uid,
						.gid = segment->perm.gid,
						.mode = (unsigned short)(segment->perm.mode &
									 PERMISSIONS) } };
	int id = segment->perm.id;
	if (shmctl(id, IPC_SET, &about) < 0 ||
	    ((segment->perm.mode & UK_SYSV_LOCKED) && shmctl(id, SHM_LOCK, NULL) < 0))
		return uk_error_errno(errno, "set it up");
	return NULL;
}

static struct uk_error *open_note(const char *dir, const char *kind, int id, int *ret)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/sysv-%s-%d", dir, kind, id);
	if (err)
		return err;
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "%s", path) : NULL;
}

static struct uk_error *fill_segment(const struct uk_sysv_segment *segment, const char *dir)
{
	uk_cleanup(uk_sysv_close) struct uk_sysv_memory memory = { .fd = -1 };
	uk_auto_close int note = -1;
	struct uk_error *err = open_note(dir, "shm", segment->perm.id, &note);
	if (!err)
		err = uk_sysv_open(segment->perm.id, segment->size, true, &memory);
	return err ? err : uk_sysv_copy(note, memory.fd, segment->size);
}

static struct uk_error *restore_segment(const struct uk_sysv_segment *segment, const char *dir)
{
	struct uk_error *err = make("shm", &segment->perm, segment->creator, make_segment, segment);
	bool made = !err;
	if (!err)
		err = fill_segment(segment, dir);
	if (!err)
		err = own_segment(segment);
	/* Nobody may run on one that lacks what was in it. */
	if (err && made)
		shmctl(segment->perm.id, IPC_RMID, NULL);
	return uk_error_wrap(err, "segment %d", segment->perm.id);
}

/* --- semaphores ---------------------------------------------------------------------- */

static int make_set(const void *arg)
{
	const struct uk_sysv_set *set = arg;
	int id = semget((key_t)set->perm.key, (int)set->all.len, flags_of(&set->perm));
	if (id < 0)
		return errno;
	if (id == set->perm.id)
		return 0;
	semctl(id, 0, IPC_RMID);
	return EEXIST;
}

/* Those that one process was the last to change: SETVAL notes who asks (ipc/sem.c). */
struct turn {
	const struct uk_sysv_set *set;
	pid_t who;
};

static int set_values(const void *arg)
{
	const struct turn *turn = arg;
	int number = 0;
	uk_vec_for_each(semaphore, &turn->set->all) {
		if (semaphore->last == turn->who &&
		    semctl(turn->set->perm.id, number, SETVAL, (int)semaphore->value) < 0)
			return errno;
		number++;
	}
	return 0;
}

static bool is_first(const struct uk_sysv_set *set, const struct uk_sysv_semaphore *semaphore)
{
	uk_vec_for_each(other, &set->all) {
		if (other->last == semaphore->last)
			return other == semaphore;
	}
	return false;
}

/* One that nobody has changed has its first value, 0. */
static struct uk_error *fill_set(const struct uk_sysv_set *set)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(semaphore, &set->all) {
		const struct turn turn = { set, semaphore->last };
		const struct errand errand = { .pid = turn.who, .run = set_values, .arg = &turn };
		if (!err && is_first(set, semaphore) && (turn.who || semaphore->value))
			err = run_errand(&errand);
	}
	return err;
}

static struct uk_error *restore_set(const struct uk_sysv_set *set)
{
	struct semid_ds about = { .sem_perm = { .uid = set->perm.uid,
						.gid = set->perm.gid,
						.mode = (unsigned short)(set->perm.mode &
									 PERMISSIONS) } };
	struct uk_error *err = make("sem", &set->perm, 0, make_set, set);
	bool made = !err;
	if (!err)
		err = fill_set(set);
	if (!err && semctl(set->perm.id, 0, IPC_SET, &about) < 0)
		err = uk_error_errno(errno, "set it up");
	if (err && made)
		semctl(set->perm.id, 0, IPC_RMID);
	return uk_error_wrap(err, "set of semaphores %d", set->perm.id);
}

/* --- messages ------------------------------------------------------------------------ */

static int make_queue(const void *arg)
{
	const struct uk_sysv_queue *queue = arg;
	int id = msgget((key_t)queue->perm.key, flags_of(&queue->perm));
	if (id < 0)
		return errno;
	if (id == queue->perm.id)
		return 0;
	msgctl(id, IPC_RMID, NULL);
	return EEXIST;
}

static struct uk_error *own_queue(const struct uk_sysv_queue *queue, uint64_t limit)
{
	struct msqid_ds about = {
		.msg_perm = { .uid = queue->perm.uid,
			      .gid = queue->perm.gid,
			      .mode = (unsigned short)(queue->perm.mode & PERMISSIONS) },
		.msg_qbytes = limit,
	};
	return msgctl(queue->perm.id, IPC_SET, &about) < 0 ? uk_error_errno(errno, "set it up")
							   : NULL;
}

/* A message without a text, for the numbers of who sends and receives. */
static int send_nothing(const void *arg)
{
	const struct uk_sysv_queue *queue = arg;
	const struct msgbuf nothing = { .mtype = 1 };
	return msgsnd(queue->perm.id, &nothing, 0, IPC_NOWAIT) < 0 ? errno : 0;
}

static int receive_nothing(const void *arg)
{
	const struct uk_sysv_queue *queue = arg;
	struct msgbuf nothing;
	return msgrcv(queue->perm.id, &nothing, 0, 0, IPC_NOWAIT) < 0 ? errno : 0;
}

/* The one that is sent for the number of the sender is taken out by the last receiver. */
static struct uk_error *name_users(const struct uk_sysv_queue *queue)
{
	const struct errand sender = { .pid = queue->sender, .run = send_nothing, .arg = queue };
	const struct errand receiver = { .pid = queue->receiver,
					 .run = receive_nothing,
					 .arg = queue };
	if (!queue->receiver)
		return NULL; /* so all that was ever sent is in it */
	struct uk_error *err = run_errand(&sender);
	return err ? err : run_errand(&receiver);
}

struct sending {
	const struct uk_sysv_queue *queue;
	int note;
	struct msgbuf *buf; /* of the parent's making: a child like this may not ask for memory */
};

/* An errno, or 0. */
static int read_all(int fd, void *to, size_t len)
{
	ssize_t got = read(fd, to, len);
	return got < 0 ? errno : (size_t)got == len ? 0 : EINVAL;
}

static int send_next(const struct sending *sending)
{
	struct msgbuf *buf = sending->buf;
	struct uk_sysv_message message;
	int error = read_all(sending->note, &message, sizeof(message));
	if (!error && (message.type < 1 || message.len > sending->queue->bytes))
		error = EINVAL;
	if (!error)
		error = read_all(sending->note, buf->mtext, message.len);
	if (error)
		return error;
	buf->mtype = message.type;
	return msgsnd(sending->queue->perm.id, buf, message.len, IPC_NOWAIT) < 0 ? errno : 0;
}

static int send_all(const void *arg)
{
	const struct sending *sending = arg;
	int error = 0;
	for (uint64_t i = 0; !error && i < sending->queue->messages; i++)
		error = send_next(sending);
	return error;
}

static struct uk_error *fill_queue(const struct uk_sysv_queue *queue, const char *dir)
{
	uk_auto_close int note = -1;
	struct uk_error *err = open_note(dir, "msg", queue->perm.id, &note);
	uk_auto_free struct msgbuf *buf = malloc(sizeof(*buf) + queue->bytes);
	if (!err && !buf)
		err = uk_error_nomem();
	const struct sending sending = { queue, note, buf };
	const struct errand sender = { .pid = queue->sender, .run = send_all, .arg = &sending };
	if (!err && queue->messages)
		err = run_errand(&sender);
	return err;
}

/* Its limit may be below what is in it: it was lowered then. It holds for bytes and for messages.
 */
static uint64_t room_of(const struct uk_sysv_queue *queue)
{
	uint64_t room = queue->limit > queue->bytes ? queue->limit : queue->bytes;
	room = room > queue->messages ? room : queue->messages;
	return room ? room : 1;
}

static struct uk_error *restore_queue(const struct uk_sysv_queue *queue, const char *dir)
{
	struct uk_error *err = make("msg", &queue->perm, 0, make_queue, queue);
	bool made = !err;
	if (!err)
		err = own_queue(queue, room_of(queue));
	if (!err)
		err = name_users(queue);
	if (!err)
		err = fill_queue(queue, dir);
	if (!err)
		err = own_queue(queue, queue->limit);
	if (err && made)
		msgctl(queue->perm.id, IPC_RMID, NULL);
	return uk_error_wrap(err, "queue of messages %d", queue->perm.id);
}

/* --- all ----------------------------------------------------------------------------- */

static struct uk_error *set_limit(const struct uk_sysv_limit *limit)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "/proc/sys/kernel/%s", limit->name);
	if (err)
		return err;
	uk_auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(limit->value);
	if (fd < 0 || write(fd, limit->value, len) != (ssize_t)len)
		return uk_error_errno(errno, "%s", path);
	return NULL;
}

static void tell(const struct uk_sink *sink, struct uk_error *err)
{
	if (err)
		uk_remark(sink, UK_LEVEL_WARNING, "System V IPC: %s", uk_error_message(err));
	uk_error_destroy(err);
}

void uk_sysv_make(const struct uk_sysv *sysv, const char *dir, const struct uk_sink *sink)
{
	uk_vec_for_each(limit, &sysv->limits)
		tell(sink, set_limit(limit));
	uk_vec_for_each(segment, &sysv->segments)
		tell(sink, restore_segment(segment, dir));
	uk_vec_for_each(set, &sysv->sets)
		tell(sink, restore_set(set));
	uk_vec_for_each(queue, &sysv->queues)
		tell(sink, restore_queue(queue, dir));
}

void uk_sysv_settle(const struct uk_sysv *sysv, const struct uk_sink *sink)
{
	uk_vec_for_each(segment, &sysv->segments) {
		if ((segment->perm.mode & UK_SYSV_REMOVED) &&
		    shmctl(segment->perm.id, IPC_RMID, NULL) < 0)
			tell(sink, uk_error_errno(errno, "remove segment %d", segment->perm.id));
	}
}
