// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System V and POSIX IPC. The argument tells whether the case brings an IPC namespace of its own:
 * there is no other way in which CRIU takes shared memory of System V.
 */
#include "zoo.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

enum { SIZE = 65536, KEY = 0x5a001000, PAGE = 4096 };

/* Bits of the argument. */
enum { OWN = 1, REMOVED = 2, SEVERAL = 4 };

static int id, fd = -1;
static key_t key;
static uint8_t *area;
static pid_t child;
static char name[64];

static void own_ipc(void)
{
	key = zoo.arg & OWN ? KEY : KEY + getpid();
	if (zoo.arg & OWN)
		zoo_sys(unshare(CLONE_NEWIPC));
}

/* --- System V: shared memory
 * ---------------------------------------------------------------------- */

static void shm_body(void)
{
	zoo_await_go();
	zoo_await_step(0, 1);
	zoo_same("byte that the other one wrote", 0xaa, area[1]);
	area[2] = 0xbb;
	zoo_step(0, 2);
}

static void shm_setup(void)
{
	own_ipc();
	id = (int)zoo_sys(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0640));
	area = shmat(id, NULL, 0);
	zoo_want(area != (void *)-1, "shmat: %s", strerror(errno));
	for (size_t i = 0; i < SIZE; i++)
		area[i] = zoo_byte(i);
	child = zoo_fork(shm_body);
	if (zoo.arg & REMOVED)
		zoo_sys(shmctl(id, IPC_RMID, NULL));
}

static void shm_check(void)
{
	struct shmid_ds about;

	for (size_t i = 0; i < SIZE; i++)
		zoo_same("byte", zoo_byte(i), area[i]);
	zoo_sys(shmctl(id, IPC_STAT, &about));
	zoo_same("attached", 2, about.shm_nattch);
	zoo_same("size", SIZE, about.shm_segsz);
	zoo_same("mode", 0640, about.shm_perm.mode & 0777);
	zoo_same("creator", getpid(), about.shm_cpid);
	if (!(zoo.arg & REMOVED))
		zoo_same("id of the key", id, shmget(key, 0, 0));
}

static void shm_verify(void)
{
	area[1] = 0xaa;
	zoo_step(0, 1);
	zoo_await_step(0, 2);
	zoo_same("byte that the other one wrote", 0xbb, area[2]);
	zoo_join(child);
	zoo_sys(shmctl(id, IPC_RMID, NULL));
}

/* Attached in several ways. */
static uint8_t *for_reading, *in_parts;

static void ways_setup(void)
{
	own_ipc();
	id = (int)zoo_sys(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	area = shmat(id, NULL, 0);
	for_reading = shmat(id, NULL, SHM_RDONLY);
	in_parts = shmat(id, NULL, 0);
	zoo_want(area != (void *)-1 && for_reading != (void *)-1 && in_parts != (void *)-1,
		 "shmat: %s", strerror(errno));
	for (size_t i = 0; i < SIZE; i++)
		area[i] = zoo_byte(i);
	zoo_sys(mprotect(in_parts + PAGE, PAGE, PROT_READ));
	zoo_sys(mprotect(in_parts + 3 * PAGE, 2 * PAGE, PROT_NONE));
}

/* What the kernel says of writing there, by read(2) from a pipe: EFAULT where it may not be. */
static bool is_writable(uint8_t *at)
{
	int ends[2];
	uint8_t was = at == in_parts + 3 * PAGE ? 0 : *at;

	zoo_sys(pipe(ends));
	zoo_sys(write(ends[1], &was, 1));
	bool good = read(ends[0], at, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return good;
}

static void ways_check(void)
{
	for (size_t i = 0; i < SIZE; i++) {
		zoo_same("byte", zoo_byte(i), area[i]);
		zoo_same("byte for reading", zoo_byte(i), for_reading[i]);
	}
	zoo_same("writable", true, is_writable(area));
	zoo_same("writable where for reading", false, is_writable(for_reading));
	zoo_same("writable in the first part", true, is_writable(in_parts));
	zoo_same("writable in the second part", false, is_writable(in_parts + PAGE));
	zoo_same("byte of the second part", zoo_byte(PAGE), in_parts[PAGE]);
	zoo_same("writable in the third part", true, is_writable(in_parts + 2 * PAGE));
	zoo_same("writable in the fourth part", false, is_writable(in_parts + 3 * PAGE));
	zoo_same("byte of the last part", zoo_byte(5 * PAGE), in_parts[5 * PAGE]);
	zoo_errno(EACCES, mprotect(for_reading, PAGE, PROT_READ | PROT_WRITE));
}

static void ways_verify(void)
{
	area[9] = 0xaa;
	zoo_same("byte in the other one", 0xaa, in_parts[9]);
	zoo_same("byte in the one for reading", 0xaa, for_reading[9]);
	zoo_sys(shmctl(id, IPC_RMID, NULL));
}

static void ways_sabotage(void)
{
	zoo_sys(mprotect(in_parts + PAGE, PAGE, PROT_READ | PROT_WRITE));
	shmctl(id, IPC_RMID, NULL);
}

static void shm_sabotage(void)
{
	area[5] = 0;
	shmctl(id, IPC_RMID, NULL);
}

/* --- System V: semaphores
 * ------------------------------------------------------------------------- */

static int value_of(int number)
{
	return (int)zoo_sys(semctl(id, number, GETVAL));
}

/* By another process, which ends. */
static void give_one(void)
{
	struct sembuf operation = { 2, 1, 0 };

	zoo_sys(semop(id, &operation, 1));
}

static void sem_setup(void)
{
	unsigned short values[3] = { 5, 0, 7 };

	own_ipc();
	id = (int)zoo_sys(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
	zoo_sys(semctl(id, 0, SETALL, values));
	if (zoo.arg & SEVERAL)
		zoo_join(child = zoo_fork(give_one));
}

static void sem_check(void)
{
	zoo_same("value 0", 5, value_of(0));
	zoo_same("value 1", 0, value_of(1));
	zoo_same("value 2", zoo.arg & SEVERAL ? 8 : 7, value_of(2));
	if (zoo.arg & SEVERAL)
		zoo_same("who changed it", child, semctl(id, 2, GETPID));
	zoo_same("id of the key", id, semget(key, 0, 0));
}

static void sem_verify(void)
{
	struct sembuf operation = { 2, zoo.arg & SEVERAL ? -8 : -7, IPC_NOWAIT };

	zoo_sys(semop(id, &operation, 1));
	zoo_errno(EAGAIN, semop(id, &operation, 1));
	zoo_sys(semctl(id, 0, IPC_RMID));
}

static void sem_sabotage(void)
{
	zoo_sys(semctl(id, 1, SETVAL, 1));
	semctl(id, 0, IPC_RMID);
}

/* SEM_UNDO: when the process ends, what it took is given back. */
static void undo_body(void)
{
	struct sembuf operation = { 0, -2, SEM_UNDO };

	zoo_sys(semop(id, &operation, 1));
	zoo_step(0, 1);
	zoo_await_go();
	zoo_await_step(0, 2);
}

static void undo_setup(void)
{
	sem_setup();
	child = zoo_fork(undo_body);
	zoo_await_step(0, 1);
}

static void undo_verify(void)
{
	zoo_same("value before", 3, value_of(0));
	zoo_step(0, 2);
	zoo_join(child);
	zoo_same("value after the process ended", 5, value_of(0));
	zoo_sys(semctl(id, 0, IPC_RMID));
}

static void undo_sabotage(void)
{
	zoo_sys(semctl(id, 0, SETVAL, 1));
	semctl(id, 0, IPC_RMID);
}

/* --- System V: messages
 * ----------------------------------------------------------------------------- */

struct message {
	long type;
	char text[16];
};

static void msg_setup(void)
{
	const struct message messages[] = { { 3, "three" }, { 1, "one" }, { 3, "three again" } };

	own_ipc();
	id = (int)zoo_sys(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
	for (int i = 0; i < 3; i++)
		zoo_sys(msgsnd(id, &messages[i], strlen(messages[i].text), 0));
}

static void msg_check(void)
{
	struct msqid_ds about;

	zoo_sys(msgctl(id, IPC_STAT, &about));
	zoo_same("messages", 3, about.msg_qnum);
	zoo_same("bytes", 19, about.__msg_cbytes);
	zoo_same("pid of the last sender", getpid(), about.msg_lspid);
}

static void take(long type, const char *wanted)
{
	struct message message = { 0 };

	zoo_sys(msgrcv(id, &message, sizeof(message.text), type, IPC_NOWAIT));
	zoo_text("message", wanted, message.text);
}

static void msg_verify(void)
{
	take(1, "one");
	take(0, "three");
	take(3, "three again");
	zoo_sys(msgctl(id, IPC_RMID, NULL));
}

static void msg_sabotage(void)
{
	take(3, "three");
	msgctl(id, IPC_RMID, NULL);
}

/* --- POSIX
 * ---------------------------------------------------------------------------------------------- */

static void mq_setup(void)
{
	struct mq_attr attr = { .mq_maxmsg = 5, .mq_msgsize = 100 };

	own_ipc();
	snprintf(name, sizeof(name), "/zoo-%d", getpid());
	fd = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attr);
	if (fd < 0)
		zoo_skip("mq_open: %s", strerror(errno));
	zoo_sys(mq_send(fd, "low", 3, 1));
	zoo_sys(mq_send(fd, "high", 4, 9));
}

static void mq_check(void)
{
	struct mq_attr attr;

	zoo_sys(mq_getattr(fd, &attr));
	zoo_same("messages", 2, attr.mq_curmsgs);
	zoo_same("most messages", 5, attr.mq_maxmsg);
	zoo_same("size of a message", 100, attr.mq_msgsize);
}

static void mq_verify(void)
{
	char text[100] = "";
	unsigned int priority;

	zoo_same("mq_receive", 4, mq_receive(fd, text, sizeof(text), &priority));
	zoo_bytes("message", "high", text, 4);
	zoo_same("priority", 9, priority);
	zoo_sys(mq_unlink(name));
}

static void mq_sabotage(void)
{
	char text[100];

	mq_receive(fd, text, sizeof(text), NULL);
	mq_unlink(name);
}

/* Shared memory by name. */
static void posix_shm_setup(void)
{
	snprintf(name, sizeof(name), "/zoo-%d", getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		zoo_skip("shm_open: %s", strerror(errno));
	zoo_sys(ftruncate(fd, SIZE));
	area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	zoo_want(area != MAP_FAILED, "mmap: %s", strerror(errno));
	for (size_t i = 0; i < SIZE; i++)
		area[i] = zoo_byte(i);
	if (zoo.arg)
		zoo_sys(shm_unlink(name));
}

static void posix_shm_check(void)
{
	for (size_t i = 0; i < SIZE; i++)
		zoo_same("byte", zoo_byte(i), area[i]);
}

static void posix_shm_verify(void)
{
	uint8_t byte;

	area[9] = 0xcc;
	zoo_same("pread", 1, pread(fd, &byte, 1, 9));
	zoo_same("byte through the descriptor", 0xcc, byte);
	if (!zoo.arg)
		zoo_sys(shm_unlink(name));
}

static void posix_shm_sabotage(void)
{
	area[5] = 0;
	shm_unlink(name);
}

/* A semaphore by name, and one in shared memory; another process waits for it. */
static sem_t *sem;

static void posix_sem_body(void)
{
	zoo_step(0, 1);
	while (sem_wait(sem) && errno == EINTR)
		;
	zoo_step(0, 2);
}

static void posix_sem_setup(void)
{
	if (zoo.arg) {
		sem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		zoo_want(sem != MAP_FAILED, "mmap: %s", strerror(errno));
		zoo_sys(sem_init(sem, 1, 3));
	} else {
		snprintf(name, sizeof(name), "/zoo-%d", getpid());
		sem = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
		if (sem == SEM_FAILED)
			zoo_skip("sem_open: %s", strerror(errno));
	}
	for (int i = 0; i < 3; i++)
		zoo_sys(sem_wait(sem));
	child = zoo_fork(posix_sem_body);
	zoo_await_step(0, 1);
	zoo_pause(50);
}

static void posix_sem_verify(void)
{
	zoo_same("step of who waits", 1, zoo.page->steps[0]);
	zoo_sys(sem_post(sem));
	zoo_await_step(0, 2);
	zoo_join(child);
	zoo_errno(EAGAIN, sem_trywait(sem));
	if (!zoo.arg)
		zoo_sys(sem_unlink(name));
}

static void posix_sem_sabotage(void)
{
	zoo_sys(sem_post(sem));
	zoo_pause(300);
	sem_unlink(name);
}

const struct zoo_case zoo_ipc[] = {
	{ "sysv-shm", shm_setup, shm_check, shm_verify, shm_sabotage },
	{ "sysv-shm-own", shm_setup, shm_check, shm_verify, shm_sabotage, .arg = 1 },
	{ "sysv-shm-removed", shm_setup, shm_check, shm_verify, shm_sabotage,
	  .arg = OWN | REMOVED },
	{ "sysv-shm-host-removed", shm_setup, shm_check, shm_verify, shm_sabotage, .arg = REMOVED },
	{ "sysv-shm-ways", ways_setup, ways_check, ways_verify, ways_sabotage },
	{ "sysv-sem-users", sem_setup, sem_check, sem_verify, sem_sabotage, .arg = SEVERAL },
	{ "sysv-sem", sem_setup, sem_check, sem_verify, sem_sabotage },
	{ "sysv-sem-own", sem_setup, sem_check, sem_verify, sem_sabotage, .arg = 1 },
	{ "sysv-sem-undo", undo_setup, NULL, undo_verify, undo_sabotage, .arg = 1 },
	{ "sysv-sem-host-undo", undo_setup, NULL, undo_verify, undo_sabotage },
	{ "sysv-msg", msg_setup, msg_check, msg_verify, msg_sabotage },
	{ "sysv-msg-own", msg_setup, msg_check, msg_verify, msg_sabotage, .arg = 1 },
	{ "posix-mq", mq_setup, mq_check, mq_verify, mq_sabotage },
	{ "posix-mq-own", mq_setup, mq_check, mq_verify, mq_sabotage, .arg = 1 },
	{ "posix-shm", posix_shm_setup, posix_shm_check, posix_shm_verify, posix_shm_sabotage },
	{ "posix-shm-unlinked", posix_shm_setup, posix_shm_check, posix_shm_verify,
	  posix_shm_sabotage, .arg = 1 },
	{ "posix-sem", posix_sem_setup, NULL, posix_sem_verify, posix_sem_sabotage },
	{ "posix-sem-unnamed", posix_sem_setup, NULL, posix_sem_verify, posix_sem_sabotage,
	  .arg = 1 },
	{ NULL },
};
