// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of processes and threads that criu's images lack and that are set from outside. */
#include "replace/note.h"

#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <string.h>
#include <sys/syscall.h>

enum { USUAL_SLACK = 50000 }; /* ns; kernel: init/init_task.c */

/* A file of /proc/@pid with one number; what cannot be read is of no use to anybody: false. */
static bool read_number(pid_t pid, const char *name, int base, uint64_t *ret)
{
	char path[64], *end;
	uk_auto_free char *text = NULL;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	uk_auto_error struct uk_error *err = uk_file_read(path, 256, &text, NULL);
	if (err)
		return false;
	*ret = strtoull(text, &end, base);
	return end != text;
}

static struct uk_error *write_text(pid_t pid, const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	FILE *file = fopen(path, "we");
	if (!file)
		return uk_error_errno(errno, "%s", path);
	bool good = fputs(text, file) >= 0;
	good &= !fclose(file);
	return good ? NULL : uk_error_errno(errno, "%s", path);
}

static struct uk_error *add(uk_notes *to, enum uk_note_kind kind, pid_t pid, uint64_t number)
{
	const struct uk_note note = { .kind = kind, .pid = pid, .numbers = { number } };
	return uk_vec_push(to, note) ? NULL : uk_error_nomem();
}

/* A line of /proc/@pid/status; false where there is none. */
static bool read_status(pid_t pid, const char *name, int base, uint64_t *ret)
{
	char path[64], *end;
	uk_auto_free char *text = NULL;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	uk_auto_error struct uk_error *err = uk_file_read(path, 1 << 16, &text, NULL);
	const char *line = err ? NULL : strstr(text, name);
	if (!line)
		return false;
	*ret = strtoull(line + strlen(name), &end, base);
	return end != line + strlen(name);
}

/* Without the bytes behind the last processor; false where it cannot be had. */
static bool read_affinity(pid_t tid, struct uk_note *ret)
{
	uint8_t mask[8192 / 8] = {}; /* CONFIG_NR_CPUS of Debian */
	long len = syscall(SYS_sched_getaffinity, tid, sizeof(mask), mask);
	while (len > 0 && !mask[len - 1])
		len--;
	*ret = (struct uk_note){ .kind = UK_NOTE_AFFINITY, .pid = tid };
	if (len <= 0 || (size_t)len > sizeof(ret->data))
		return false;
	memcpy(ret->data, mask, (size_t)len);
	ret->len = (size_t)len;
	return true;
}

/* Where it may not run on all that the first process may. */
static struct uk_error *note_affinity(pid_t tid, uk_notes *to)
{
	struct uk_note own, usual;
	if (!read_affinity(tid, &own) || !read_affinity(1, &usual))
		return NULL;
	if (own.len == usual.len && !memcmp(own.data, usual.data, own.len))
		return NULL;
	return uk_vec_push(to, own) ? NULL : uk_error_nomem();
}

/* Nobody can do anything to a zombie. */
static bool is_dead(pid_t tid)
{
	char path[64];
	uk_auto_free char *text = NULL;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	uk_auto_error struct uk_error *err = uk_file_read(path, 1 << 16, &text, NULL);
	return err || strstr(text, "\nState:\tZ");
}

static struct uk_error *note_rights(pid_t tid, uk_notes *to)
{
	uint64_t value;
	struct uk_error *err = NULL;
	if (read_status(tid, "\nNoNewPrivs:", 10, &value) && value)
		err = add(to, UK_NOTE_NO_NEW_PRIVS, tid, 0);
	if (!err && read_status(tid, "\nCapAmb:", 16, &value) && value)
		err = add(to, UK_NOTE_AMBIENT, tid, value);
	if (!err && read_number(tid, "personality", 16, &value) && value)
		err = add(to, UK_NOTE_PERSONALITY, tid, value);
	return err;
}

struct uk_error *uk_note_thread(pid_t tid, uk_notes *to)
{
	uint64_t slack;
	if (is_dead(tid))
		return NULL;
	long priority = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid);
	struct uk_error *err = note_affinity(tid, to);
	if (!err && priority > 0)
		err = add(to, UK_NOTE_IO_PRIORITY, tid, (uint64_t)priority);
	/* Threads of real time have none. */
	if (!err && read_number(tid, "timerslack_ns", 10, &slack) && slack && slack != USUAL_SLACK)
		err = add(to, UK_NOTE_TIMER_SLACK, tid, slack);
	return err ? err : note_rights(tid, to);
}

struct uk_error *uk_note_process(pid_t pid, uk_notes *to)
{
	uint64_t own, usual, huge;
	struct uk_error *err = NULL;
	if (read_number(pid, "coredump_filter", 16, &own) &&
	    read_number(1, "coredump_filter", 16, &usual) && own != usual)
		err = add(to, UK_NOTE_COREDUMP, pid, own);
	if (!err && read_status(pid, "\nTHP_enabled:", 10, &huge) && !huge)
		err = add(to, UK_NOTE_NO_HUGE, pid, 0);
	return err;
}

struct uk_error *uk_note_set_affinity(const struct uk_note *note, struct uk_held *thread)
{
	return syscall(SYS_sched_setaffinity, note->pid, note->len, note->data) < 0
		       ? uk_error_errno(errno, "sched_setaffinity")
		       : NULL;
}

struct uk_error *uk_note_set_io_priority(const struct uk_note *note, struct uk_held *thread)
{
	return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, note->pid, (int)note->numbers[0]) < 0
		       ? uk_error_errno(errno, "ioprio_set")
		       : NULL;
}

struct uk_error *uk_note_set_slack(const struct uk_note *note, struct uk_held *thread)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRIu64, note->numbers[0]);
	return write_text(note->pid, "timerslack_ns", text);
}

struct uk_error *uk_note_set_coredump(const struct uk_note *note, struct uk_held *thread)
{
	char text[32];
	snprintf(text, sizeof(text), "0x%" PRIx64, note->numbers[0]);
	return write_text(note->pid, "coredump_filter", text);
}
