// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* System V IPC: noted in one namespace, made again in a fresh one; taken off and put back. */
#include "replace/attach.h"
#include "replace/rules.h"
#include "replace/sysv.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace_sample.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

enum { KEY = 0x75706b00, SIZE = 1 << 20, USER = 4711, GROUP = 4712, MAKER = 4713 };

static char dir[64];

static void told(void *ctx, enum uk_level level, const char *text)
{
	ck_abort_msg("%s", text);
}

static const struct uk_sink strict = { .remark = told };

static void make_dir(void)
{
	strcpy(dir, "/tmp/upkeep-sysv.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	uk_error_destroy(uk_tree_remove(dir));
}

/* --- the tables ---------------------------------------------------------------------- */

START_TEST(tables_are_read)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	ck_ok(uk_sysv_parse("shm",
			    "       key      shmid perms                  size  cpid  lpid nattch "
			    "  uid   gid  cuid  cgid      atime      dtime      ctime\n"
			    "-559038737      98307  3640    68719476736   812   813      2   117   "
			    "118     0     9 1796017013          0 1796017013\n",
			    &sysv));
	ck_ok(uk_sysv_parse("sem",
			    "key semid perms nsems uid gid cuid cgid otime ctime\n"
			    "5 32768 600 3 1 2 3 4 0 0\n",
			    &sysv));
	ck_ok(uk_sysv_parse("msg",
			    "key msqid perms cbytes qnum lspid lrpid uid gid cuid cgid stime\n"
			    "0 1 600 19 3 812 0 0 0 0 0 0\n0 2 600 0 0 0 900 0 0 0 0 0\n",
			    &sysv));
	const struct uk_sysv_segment *segment = uk_sysv_find(&sysv, 98307);
	ck_assert_ptr_nonnull(segment);
	ck_assert_uint_eq(segment->perm.key, 0xdeadbeef);
	ck_assert_uint_eq(segment->perm.mode, 0640 | UK_SYSV_REMOVED | UK_SYSV_LOCKED);
	ck_assert_uint_eq(segment->size, 68719476736);
	ck_assert_uint_eq(segment->attached, 2);
	ck_assert_int_eq(segment->creator, 812);
	ck_assert_int_eq(segment->last, 813);
	ck_assert_uint_eq(segment->perm.uid, 117);
	ck_assert_uint_eq(segment->perm.cgid, 9);
	ck_assert_uint_eq(sysv.sets.data[0].all.len, 3);
	ck_assert_uint_eq(sysv.queues.len, 2);
	ck_assert_uint_eq(sysv.queues.data[0].bytes, 19);
	ck_assert(uk_sysv_has_queue(&sysv, 812) && uk_sysv_has_queue(&sysv, 900));
	ck_assert(!uk_sysv_has_queue(&sysv, 813));
	ck_assert_ptr_null(uk_sysv_find(&sysv, 1));
}
END_TEST

static const struct {
	const char *table, *text, *said;
} bad_tables[] = {
	{ "shm", "key shmid\nx 1\n", "no key" },
	{ "shm", "key shmid perms\n1 2\n", "no perms" },
	{ "sem", "key semid perms nsems uid gid cuid cgid\n0 1 600 99999999 0 0 0 0\n",
	  "no nsems" },
	{ "msg", "key msqid perms\n0 -1 600\n", "no msqid" },
	{ "msg", "key msqid perms\n0 1 9\n", "no perms" },
	{ "pot", "key\n1\n", "no such table" },
};

START_TEST(bad_tables_are_refused)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	uk_auto_error struct uk_error *err =
		uk_sysv_parse(bad_tables[_i].table, bad_tables[_i].text, &sysv);
	ck_assert_ptr_nonnull(err);
	ck_assert_ptr_nonnull(strstr(uk_error_message(err), bad_tables[_i].said));
}
END_TEST

/* --- from one namespace to another ---------------------------------------------------------- */

static void enter_fresh(void)
{
	if (unshare(CLONE_NEWIPC) < 0)
		ck_abort_msg("unshare: %s", strerror(errno));
}

/* What is in this namespace goes to @dir, and from there into a fresh one. */
static void move(struct uk_sysv *before, struct uk_sysv *after)
{
	uk_auto_sysv struct uk_sysv read = {};
	ck_ok(uk_sysv_read(NULL, before));
	ck_ok(uk_sysv_save(before, dir));
	ck_ok(uk_sysv_write(before, dir));
	enter_fresh();
	ck_ok(uk_sysv_load(dir, &read));
	uk_sysv_make(&read, dir, &strict);
	ck_ok(uk_sysv_read(NULL, after));
}

static void same_perm(const struct uk_sysv_perm *one, const struct uk_sysv_perm *other)
{
	ck_assert_int_eq(one->id, other->id);
	ck_assert_uint_eq(one->key, other->key);
	ck_assert_uint_eq(one->mode, other->mode);
	ck_assert_uint_eq(one->uid, other->uid);
	ck_assert_uint_eq(one->gid, other->gid);
	ck_assert_uint_eq(one->cuid, other->cuid);
	ck_assert_uint_eq(one->cgid, other->cgid);
}

/* In a child, by its own user: what it makes, and has changed. */
static pid_t as_maker(void (*make)(void))
{
	int status;
	pid_t pid = fork();
	if (!pid) {
		child_needs(!setresgid(-1, MAKER, -1) && !setresuid(-1, MAKER, -1));
		make();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return pid;
}

static void make_segment(void)
{
	struct shmid_ds about = { .shm_perm = { .uid = USER, .gid = GROUP, .mode = 0604 } };
	int id = shmget(KEY, SIZE + 5, IPC_CREAT | IPC_EXCL | 0640);
	child_needs(id >= 0);
	char *at = shmat(id, NULL, 0);
	child_needs(at != (void *)-1);
	at[4096] = 'a';
	at[SIZE + 4] = 'z';
	child_needs(!shmctl(id, IPC_SET, &about));
}

START_TEST(a_segment_moves)
{
	uk_auto_sysv struct uk_sysv before = {}, after = {};
	struct stat st;
	uk_auto_free char *path = NULL;
	enter_fresh();
	shmctl(shmget(IPC_PRIVATE, 1, IPC_CREAT), IPC_RMID, NULL); /* so that the number is not 0 */
	pid_t maker = as_maker(make_segment);
	ck_assert_int_eq(shmctl(shmget(KEY, 0, 0), SHM_LOCK, NULL), 0);
	move(&before, &after);
	ck_assert_uint_eq(after.segments.len, 1);
	const struct uk_sysv_segment *segment = after.segments.data;
	same_perm(&segment->perm, &before.segments.data->perm);
	ck_assert_int_ne(segment->perm.id, 0);
	ck_assert_uint_eq(segment->perm.uid, USER);
	ck_assert_uint_eq(segment->perm.cuid, MAKER);
	ck_assert_uint_eq(segment->perm.mode, 0604 | UK_SYSV_LOCKED);
	ck_assert_uint_eq(segment->size, SIZE + 5);
	ck_assert_int_eq(segment->creator, maker);
	ck_assert_int_eq(shmget(KEY, 0, 0), segment->perm.id);
	const char *at = shmat(segment->perm.id, NULL, SHM_RDONLY);
	ck_assert(at[0] == 0 && at[4096] == 'a' && at[SIZE + 4] == 'z');
	/* Memory that it did not have is on no disk. */
	ck_ok(uk_asprintf(&path, "%s/sysv-shm-%d", dir, segment->perm.id));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, SIZE + 5);
	ck_assert_int_le(st.st_blocks, 2 * 4096 / 512);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

static void make_set(void)
{
	struct sembuf take = { 2, -3, 0 };
	int id = semget(KEY, 4, IPC_CREAT | IPC_EXCL | 0660);
	child_needs(id >= 0 && !semctl(id, 2, SETVAL, 10) && !semop(id, &take, 1));
}

START_TEST(semaphores_move)
{
	uk_auto_sysv struct uk_sysv before = {}, after = {};
	enter_fresh();
	pid_t maker = as_maker(make_set);
	int id = semget(KEY, 0, 0);
	ck_assert_int_eq(semctl(id, 1, SETVAL, 32767), 0);
	move(&before, &after);
	ck_assert_uint_eq(after.sets.len, 1);
	same_perm(&after.sets.data->perm, &before.sets.data->perm);
	ck_assert_uint_eq(after.sets.data->all.len, 4);
	ck_assert_uint_eq(after.sets.data->perm.cuid, MAKER);
	const int values[] = { 0, 32767, 7, 0 };
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(semctl(id, i, GETVAL), values[i]);
	ck_assert_int_eq(semctl(id, 0, GETPID), 0);
	ck_assert_int_eq(semctl(id, 2, GETPID), maker);
}
END_TEST

struct message {
	long type;
	char text[64];
};

static void put(int id, long type, const char *text)
{
	struct message message = { .type = type };
	strcpy(message.text, text);
	ck_assert_int_eq(msgsnd(id, &message, strlen(text), 0), 0);
}

static void take(int id, long type, const char *text)
{
	struct message message = {};
	ssize_t len = msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT);
	ck_assert_int_eq(len, (ssize_t)strlen(text));
	ck_assert_int_eq(message.type, type);
	ck_assert_str_eq(message.text, text);
}

static void send_and_take(void)
{
	struct message message = { 9, "" };
	int id = msgget(KEY, IPC_CREAT | 0600);
	child_needs(id >= 0 && !msgsnd(id, &message, 8, 0) &&
		    msgrcv(id, &message, sizeof(message.text), 0, 0) == 8);
}

START_TEST(messages_move)
{
	uk_auto_sysv struct uk_sysv before = {}, after = {};
	struct msqid_ds about;
	enter_fresh();
	pid_t maker = as_maker(send_and_take);
	int id = msgget(KEY, 0);
	put(id, 3, "three");
	put(id, 1, "");
	put(id, 3, "three again");
	/* Less than what is in it already. */
	ck_assert_int_eq(msgctl(id, IPC_STAT, &about), 0);
	about.msg_qbytes = 4;
	ck_assert_int_eq(msgctl(id, IPC_SET, &about), 0);
	move(&before, &after);
	ck_assert_uint_eq(before.queues.data->messages, 3); /* they were left there */
	ck_assert_uint_eq(after.queues.len, 1);
	same_perm(&after.queues.data->perm, &before.queues.data->perm);
	ck_assert_int_eq(after.queues.data->receiver, maker);
	ck_assert_int_eq(msgctl(id, IPC_STAT, &about), 0);
	ck_assert_uint_eq(about.msg_qbytes, 4);
	take(id, 3, "three");
	take(id, 1, "");
	take(id, 3, "three again");
}
END_TEST

/* Numbers of who sends and receives, of a queue that is empty. */
START_TEST(an_empty_queue_moves)
{
	uk_auto_sysv struct uk_sysv before = {}, after = {};
	enter_fresh();
	pid_t maker = as_maker(send_and_take);
	move(&before, &after);
	ck_assert_uint_eq(after.queues.len, 1);
	ck_assert_int_eq(before.queues.data->sender, maker);
	ck_assert_int_eq(after.queues.data->sender, maker);
	ck_assert_int_eq(after.queues.data->receiver, maker);
	ck_assert_uint_eq(after.queues.data->messages, 0);
	ck_assert_uint_eq(after.queues.data->perm.cuid, MAKER);
}
END_TEST

START_TEST(limits_move)
{
	uk_auto_sysv struct uk_sysv before = {}, after = {};
	uk_auto_free char *value = NULL;
	enter_fresh();
	int fd = open("/proc/sys/kernel/sem", O_WRONLY);
	ck_assert_int_eq(write(fd, "250 32000 32 300", 16), 16);
	close(fd);
	move(&before, &after);
	ck_ok(uk_file_read("/proc/sys/kernel/sem", 64, &value, NULL));
	ck_assert_str_eq(value, "250\t32000\t32\t300\n");
}
END_TEST

static void collect(void *arg, enum uk_level level, const char *text)
{
	strncat(arg, text, 255 - strlen(arg));
}

/* A number that is taken is no reason to leave the others, or to take another one. */
START_TEST(a_taken_number_is_told)
{
	uk_auto_sysv struct uk_sysv sysv = {}, after = {};
	char said[256] = "";
	const struct uk_sink sink = { .remark = collect, .ctx = said };
	enter_fresh();
	int one = shmget(KEY, 4096, IPC_CREAT | 0600), other = shmget(KEY + 1, 1, IPC_CREAT | 0600);
	ck_assert(one >= 0 && other >= 0);
	ck_ok(uk_sysv_read(NULL, &sysv));
	ck_ok(uk_sysv_save(&sysv, dir));
	enter_fresh();
	ck_assert_int_eq(shmget(IPC_PRIVATE, 1, IPC_CREAT), one);
	uk_sysv_make(&sysv, dir, &sink);
	ck_assert_ptr_nonnull(strstr(said, "segment"));
	ck_assert_ptr_nonnull(strstr(said, "File exists"));
	ck_ok(uk_sysv_read(NULL, &after));
	ck_assert_uint_eq(after.segments.len, 2);
	ck_assert_int_eq(shmget(KEY + 1, 0, 0), other);
	ck_assert_int_eq(shmget(KEY, 0, 0), -1);
}
END_TEST

/* Nobody shall run on memory, semaphores or messages that lack what was in them. */
START_TEST(what_cannot_be_filled_is_not_there)
{
	uk_auto_sysv struct uk_sysv sysv = {}, after = {};
	char said[256] = "", path[128];
	const struct uk_sink sink = { .remark = collect, .ctx = said };
	struct msgbuf message = { .mtype = 1, .mtext = "x" };
	enter_fresh();
	int segment = shmget(KEY, 4096, IPC_CREAT | 0600);
	int queue = msgget(KEY + 1, IPC_CREAT | 0600);
	char *memory = shmat(segment, NULL, 0);
	ck_assert(segment >= 0 && queue >= 0 && memory != (void *)-1);
	memory[0] = 'x';
	ck_assert_int_eq(msgsnd(queue, &message, 1, 0), 0);
	ck_ok(uk_sysv_read(NULL, &sysv));
	ck_ok(uk_sysv_save(&sysv, dir));
	snprintf(path, sizeof(path), "%s/sysv-shm-%d", dir, segment);
	ck_assert_int_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/sysv-msg-%d", dir, queue);
	ck_assert_int_eq(truncate(path, 3), 0);
	enter_fresh();
	uk_sysv_make(&sysv, dir, &sink);
	ck_assert_ptr_nonnull(strstr(said, "segment"));
	ck_ok(uk_sysv_read(NULL, &after));
	ck_assert_uint_eq(after.segments.len + after.queues.len, 0);
}
END_TEST

START_TEST(no_notes_are_none)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	ck_ok(uk_sysv_load(dir, &sysv));
	ck_assert_uint_eq(sysv.segments.len, 0);
}
END_TEST

static const struct {
	const char *text, *said;
} bad_notes[] = {
	{ "[]", "not a JSON object" },
	{ "{\"schema\":2}", "schema 2" },
	{ "{\"schema\":1}", "segments" },
	{ "{\"schema\":1,\"segments\":[],\"sets\":[],\"queues\":[],\"limits\":[{\"name\":"
	  "\"../x\",\"value\":\"1\"}]}",
	  "leads elsewhere" },
	{ "{\"schema\":1,\"segments\":[{\"id\":3000000000}]}", "too much" },
	{ "{\"schema\":1,\"segments\":[],\"sets\":[],\"queues\":[],\"limits\":[],\"attachments\":"
	  "[{\"pid\":7,\"id\":1,\"start\":8,\"end\":4,\"offset\":0,\"protection\":3,"
	  "\"read_only\":0,\"flags\":0}]}",
	  "no place" },
};

START_TEST(bad_notes_are_refused)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	uk_auto_free char *path = NULL;
	const char *text = bad_notes[_i].text;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, UK_SYSV_NOTES));
	ck_ok(uk_file_write(path, text, strlen(text), 0600));
	uk_auto_error struct uk_error *err = uk_sysv_load(dir, &sysv);
	ck_assert_ptr_nonnull(err);
	ck_assert_msg(strstr(uk_error_message(err), bad_notes[_i].said), "%s",
		      uk_error_message(err));
}
END_TEST

/* --- attachments --------------------------------------------------------------------- */

static const char smaps[] =
	"5500000000-5500001000 rw-s 00000000 00:01 7                       /SYSV75706b00 "
	"(deleted)\n"
	"Size:                  4 kB\n"
	"VmFlags: rd wr sh mr mw me ms lo hg sd \n"
	"5500001000-5500002000 r--s 00001000 00:01 7                       /SYSV75706b00 "
	"(deleted)\n"
	"VmFlags: rd sh mr mw me ms dd sd \n"
	"7f0000000000-7f0000001000 r-xs 00000000 00:01 9                 /SYSV00000000 (deleted)\n"
	"VmFlags: rd ex mr me ms sd\n"
	"7f0000001000-7f0000002000 rw-s 00000000 00:01 7                 /SYSVx\n"
	"VmFlags: rd wr sh mr mw me ms sd\n"
	"7f0000002000-7f0000003000 rw-s 00000000 00:01 8                 /SYSV00000000 (deleted)\n"
	"VmFlags: rd wr sh mr mw me ms sd\n"
	"7ffc00000000-7ffc00001000 rw-p 00000000 00:00 0                 [stack]\n"
	"VmFlags: rd wr mr mw me gd ac\n";

START_TEST(attachments_are_read)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	ck_assert(uk_vec_push(&sysv.segments, (struct uk_sysv_segment){ .perm = { .id = 7 } }));
	ck_assert(uk_vec_push(&sysv.segments, (struct uk_sysv_segment){ .perm = { .id = 9 } }));
	ck_ok(uk_attach_parse(812, smaps, &sysv));
	ck_assert_uint_eq(sysv.attachments.len, 3); /* of 8 nothing is known: it is another's */
	const struct uk_sysv_attachment *all = sysv.attachments.data;
	ck_assert_uint_eq(all[0].start, 0x5500000000);
	ck_assert_int_eq(all[0].prot, PROT_READ | PROT_WRITE);
	ck_assert(!all[0].read_only && !all[1].read_only && all[2].read_only);
	ck_assert_uint_eq(all[0].flags, 1 << 0 | 1 << 5);
	ck_assert_uint_eq(all[1].offset, 4096);
	ck_assert_int_eq(all[1].prot, PROT_READ);
	ck_assert_uint_eq(all[1].flags, 1 << 4);
	ck_assert_int_eq(all[2].prot, PROT_READ | PROT_EXEC);
	ck_assert_int_eq(all[2].id, 9);
	ck_assert_int_eq(all[2].pid, 812);
}
END_TEST

/* The child's segments: three times attached, in several ways; the last one without a name. */
static int ids[2];
static volatile char *counter;

static void attach_segments(void)
{
	child_needs(!setresuid(USER, USER, USER));
	char *whole = shmat(ids[0], NULL, 0), *twice = shmat(ids[0], NULL, SHM_RDONLY);
	char *gone = shmat(ids[1], NULL, 0);
	child_needs(whole != (void *)-1 && twice != (void *)-1 && gone != (void *)-1);
	child_needs(!mprotect(whole + 8192, 4096, PROT_NONE));
	child_needs(!madvise(whole, 4096, MADV_DONTDUMP) && !mlock(gone, 4096));
	strcpy(gone, "without a name");
	counter = shmat(ids[0], NULL, 0);
	child_needs(counter != (void *)-1);
}

static void count(void)
{
	for (;; usleep(1000))
		counter[0]++;
}

static char *mappings_of(pid_t pid)
{
	char path[32], *text;
	uk_auto_strbuf struct uk_strbuf lines = {};
	uk_auto_sysv struct uk_sysv sysv = {};
	ck_ok(uk_sysv_read(NULL, &sysv));
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	ck_ok(uk_file_read(path, 1 << 24, &text, NULL));
	ck_ok(uk_attach_parse(pid, text, &sysv));
	free(text);
	uk_vec_for_each(piece, &sysv.attachments)
		uk_strbuf_addf(&lines, "%d: %jx-%jx+%jx %d %d %jx\n", piece->id,
			       (uintmax_t)piece->start, (uintmax_t)piece->end,
			       (uintmax_t)piece->offset, piece->prot, piece->read_only,
			       (uintmax_t)piece->flags);
	uk_strbuf_addstr(&lines, "");
	ck_ok(uk_strbuf_finish(&lines, &text));
	return text;
}

static void start_attached(struct child *child)
{
	enter_fresh();
	ids[0] = shmget(KEY, 5 * 4096, IPC_CREAT | 0666);
	ids[1] = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666);
	ck_assert(child_start(child, attach_segments, count, -1));
	ck_assert_int_eq(shmctl(ids[1], IPC_RMID, NULL), 0);
	/* It may do less now than when it attached them. */
	struct shmid_ds about = { .shm_perm = { .mode = 0600 } };
	ck_assert_int_eq(shmctl(ids[0], IPC_SET, &about), 0);
}

START_TEST(attachments_are_taken_off_and_put_back)
{
	struct child child = {};
	uk_auto_sysv struct uk_sysv sysv = {};
	uk_auto_hold struct uk_hold hold = {};
	start_attached(&child);
	uk_auto_free char *before = mappings_of(child.pid);
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_ok(uk_sysv_read(NULL, &sysv));
	ck_ok(uk_attach_list(child.pid, &sysv));
	ck_assert_uint_eq(sysv.attachments.len, 7);
	char *held = shmat(ids[1], NULL, 0), *shared = shmat(ids[0], NULL, 0);
	ck_ok(uk_attach_take_off(&hold, &sysv));
	uk_auto_free char *between = mappings_of(child.pid);
	ck_assert_str_eq(between, "");
	ck_ok(uk_attach_put_back(&hold, &sysv));
	ck_assert_int_eq(shmdt(held), 0);
	uk_auto_free char *after = mappings_of(child.pid);
	ck_assert_str_eq(before, after);
	ck_ok(uk_attach_put_back(&hold, &sysv)); /* nothing to do */
	char was = shared[0];
	ck_ok(uk_hold_release(&hold, false));
	for (int i = 0; i < 1000 && shared[0] == was; i++)
		usleep(5000);
	ck_assert_int_ne(shared[0], was);
	struct shmid_ds about;
	ck_assert_int_eq(shmctl(ids[0], IPC_STAT, &about), 0);
	ck_assert_uint_eq(about.shm_perm.uid, 0); /* it was lent */
	ck_assert_uint_eq(about.shm_perm.mode, 0600);
	child_stop(&child);
}
END_TEST

/* What was taken off in part, when upkeep was killed, is whole again. */
START_TEST(what_was_begun_is_put_back)
{
	struct child child = {};
	uk_auto_sysv struct uk_sysv sysv = {};
	uk_auto_hold struct uk_hold hold = {};
	start_attached(&child);
	uk_auto_free char *before = mappings_of(child.pid);
	ck_ok(uk_hold_take_tree(child.pid, &hold));
	ck_ok(uk_sysv_read(NULL, &sysv));
	ck_ok(uk_attach_list(child.pid, &sysv));
	size_t all = sysv.attachments.len;
	ck_assert_ptr_ne(shmat(ids[1], NULL, 0), (void *)-1);
	sysv.attachments.len = 3;
	ck_ok(uk_attach_take_off(&hold, &sysv));
	sysv.attachments.len = all;
	ck_ok(uk_attach_put_back(&hold, &sysv));
	uk_auto_free char *after = mappings_of(child.pid);
	ck_assert_str_eq(before, after);
	ck_ok(uk_hold_release(&hold, false));
	child_stop(&child);
}
END_TEST

static void attach_a_part(void)
{
	char *at = shmat(ids[0], NULL, 0);
	child_needs(at != (void *)-1 && !munmap(at + 4096, 4096));
}

START_TEST(a_part_is_refused)
{
	struct child child = {};
	uk_auto_sysv struct uk_sysv sysv = {};
	enter_fresh();
	ids[0] = shmget(KEY, 3 * 4096, IPC_CREAT | 0600);
	ck_assert(child_start(&child, attach_a_part, NULL, -1));
	ck_ok(uk_sysv_read(NULL, &sysv));
	ck_fails(uk_attach_list(child.pid, &sysv), UK_ERR_REFUSED, "only a part of segment");
	child_stop(&child);
}
END_TEST

/* --- verdicts ------------------------------------------------------------------------ */

static const char *first_rule(struct child *child, enum uk_service_kind kind)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	struct uk_task task;
	const struct uk_survey survey = { .sysv = &sysv };
	struct uk_service service = { .kind = kind };
	struct uk_rule_subject subject = { .survey = &survey, .service = &service, .task = &task };
	size_t at = 0;
	ck_ok(uk_sysv_read(NULL, &sysv));
	ck_ok(uk_task_read(NULL, child->pid, &task));
	task.own_ns = 0; /* this test has a namespace of its own, too */
	const struct uk_rule *rule = NULL;
	uk_vec_for_each(mapping, &task.mappings) {
		if (!rule && mapping->kind == UK_MAPPING_SYSV) {
			subject.mapping = mapping;
			rule = uk_rules_next(UK_RESOURCE_MAPPING, &subject, &at);
		}
	}
	uk_task_deinit(&task);
	ck_assert_ptr_nonnull(rule);
	return rule->name;
}

START_TEST(attachments_are_judged)
{
	struct child whole = {}, part = {};
	start_attached(&whole);
	ck_assert_str_eq(first_rule(&whole, UK_SERVICE_UNIT), "sysv-shm");
	ck_assert_str_eq(first_rule(&whole, UK_SERVICE_TREE), "sysv-shm-tree");
	child_stop(&whole);
	ids[0] = shmget(KEY + 1, 3 * 4096, IPC_CREAT | 0600);
	ck_assert(child_start(&part, attach_a_part, NULL, -1));
	ck_assert_str_eq(first_rule(&part, UK_SERVICE_UNIT), "sysv-shm-part");
	child_stop(&part);
}
END_TEST

static void take_with_undo(void)
{
	struct sembuf operation = { 0, 1, SEM_UNDO };
	child_needs(!semop(ids[0], &operation, 1));
}

static void take_without(void)
{
	struct sembuf operation = { 0, 1, 0 };
	child_needs(!semop(ids[0], &operation, 1));
}

static bool is_said(const struct child *child, const char *name)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	struct uk_task task;
	const struct uk_survey survey = { .sysv = &sysv };
	struct uk_service service = { .kind = UK_SERVICE_UNIT };
	struct uk_rule_subject subject = { .survey = &survey, .service = &service, .task = &task };
	const struct uk_rule *rule;
	bool found = false;
	ck_ok(uk_sysv_read(NULL, &sysv));
	ck_ok(uk_task_read(NULL, child->pid, &task));
	task.own_ns = 0;
	for (size_t i = 0; (rule = uk_rules_at(i)); i++) {
		if (!strcmp(rule->name, name))
			found = rule->holds(&subject);
	}
	uk_task_deinit(&task);
	return found;
}

START_TEST(undo_is_told_where_it_may_be)
{
	struct child with = {}, without = {}, before = {};
	enter_fresh();
	ck_assert(child_start(&before, NULL, NULL, -1));
	ck_assert(!is_said(&before, "sysv-undo")); /* there are no semaphores at all */
	ids[0] = semget(KEY, 1, IPC_CREAT | 0600);
	ck_assert(child_start(&with, take_with_undo, NULL, -1));
	ck_assert(child_start(&without, take_without, NULL, -1));
	ck_assert(is_said(&with, "sysv-undo"));
	ck_assert(!is_said(&without, "sysv-undo"));
	ck_assert(!is_said(&before, "sysv-undo"));
	child_stop(&with);
	child_stop(&without);
	child_stop(&before);
}
END_TEST

/* Another's segment is left: one that is attached, and that no kept process made or used. */
START_TEST(others_segments_are_left)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	struct uk_keep keep = {};
	struct uk_service service = {};
	ck_assert(uk_vec_push(&service.tasks, (struct uk_task){ .pid = 812 }));
	ck_assert(uk_vec_push(&keep.services, service));
	const struct uk_sysv_segment segments[] = {
		{ .perm = { .id = 1 }, .attached = 1, .creator = 7, .last = 8 },
		{ .perm = { .id = 2 }, .attached = 1, .creator = 812, .last = 8 },
		{ .perm = { .id = 3 }, .attached = 1, .creator = 7, .last = 812 },
		{ .perm = { .id = 4 }, .attached = 0, .creator = 7, .last = 8 },
		{ .perm = { .id = 5 }, .attached = 1, .creator = 7, .last = 8 },
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(segments); i++)
		ck_assert(uk_vec_push(&sysv.segments, segments[i]));
	ck_assert(uk_vec_push(&sysv.attachments, (struct uk_sysv_attachment){ .id = 5 }));
	uk_sysv_choose(&sysv, &keep);
	ck_assert_uint_eq(sysv.segments.len, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(sysv.segments.data[i].perm.id, (int)i + 2);
	uk_vec_deinit(&service.tasks);
	uk_vec_deinit(&keep.services);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_sysv");
	TCase *tcase = tcase_create("sysv");
	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, make_dir, remove_dir);
	tcase_add_test(tcase, tables_are_read);
	tcase_add_loop_test(tcase, bad_tables_are_refused, 0, UK_ARRAY_SIZE(bad_tables));
	tcase_add_test(tcase, a_segment_moves);
	tcase_add_test(tcase, semaphores_move);
	tcase_add_test(tcase, messages_move);
	tcase_add_test(tcase, an_empty_queue_moves);
	tcase_add_test(tcase, limits_move);
	tcase_add_test(tcase, a_taken_number_is_told);
	tcase_add_test(tcase, what_cannot_be_filled_is_not_there);
	tcase_add_test(tcase, no_notes_are_none);
	tcase_add_loop_test(tcase, bad_notes_are_refused, 0, UK_ARRAY_SIZE(bad_notes));
	tcase_add_test(tcase, attachments_are_read);
	tcase_add_test(tcase, attachments_are_taken_off_and_put_back);
	tcase_add_test(tcase, what_was_begun_is_put_back);
	tcase_add_test(tcase, a_part_is_refused);
	tcase_add_test(tcase, attachments_are_judged);
	tcase_add_test(tcase, undo_is_told_where_it_may_be);
	tcase_add_test(tcase, others_segments_are_left);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
