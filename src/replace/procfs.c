// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsers of /proc: a process's own files. */
#include "replace/procfs.h"

#include "base/strbuf.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>

#define SHOWN_MAX 60 /* of a line in an error */

static struct uk_error *bad_line(const char *file, const char *line)
{
	int len = (int)strnlen(line, SHOWN_MAX);
	const char *end = memchr(line, '\n', (size_t)len);
	if (end)
		len = (int)(end - line);
	return uk_error_create(UK_ERR_INVALID, "%s: cannot read the line '%.*s'", file, len, line);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return INT_MAX;
}

bool uk_proc_number(const char **at, int base, uint64_t *ret)
{
	const char *text = *at;
	uint64_t value = 0;
	for (; digit_of(*text) < base; text++) {
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_of(*text), &value))
			return false;
	}
	if (text == *at)
		return false;
	*at = text;
	*ret = value;
	return true;
}

/* Blanks and a number, with a sign if need be, that fits an int. */
static bool read_int(const char **at, int *ret)
{
	uint64_t value;
	const char *text = *at + strspn(*at, " \t");
	bool minus = *text == '-';
	text += minus;
	if (!uk_proc_number(&text, 10, &value) || value > INT_MAX)
		return false;
	*at = text;
	*ret = minus ? -(int)value : (int)value;
	return true;
}

static bool read_u64(const char **at, int base, uint64_t *ret)
{
	const char *text = *at + strspn(*at, " \t");
	if (base == 16 && text[0] == '0' && text[1] == 'x')
		text += 2;
	if (!uk_proc_number(&text, base, ret))
		return false;
	*at = text;
	return true;
}

/* The start of the next line; the end of the text behind the last. */
static const char *next_line(const char *line)
{
	line = strchrnul(line, '\n');
	return line + (*line == '\n');
}

/* What follows "key" at the start of a line, or NULL. */
static const char *value_of(const char *line, const char *key)
{
	return uk_str_starts(line, key) ? line + strlen(key) : NULL;
}

/* The kernel's new_encode_dev(). */
static dev_t decode_device(unsigned int number)
{
	return makedev((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
}

/* Fields from "state" on, the third of the line. */
static bool read_stat_fields(const char *at, struct uk_proc_stat *stat)
{
	int tty, skipped;
	uint64_t value;
	stat->state = *at++;
	if (!read_int(&at, &stat->ppid) || !read_int(&at, &stat->pgid) ||
	    !read_int(&at, &stat->sid) || !read_int(&at, &tty) || !read_int(&at, &skipped) ||
	    !read_u64(&at, 10, &value))
		return false;
	stat->tty = decode_device((unsigned int)tty);
	stat->flags = (unsigned int)value;
	/* min_flt to itrealvalue: 9 to 20, some of which may be negative */
	for (int i = 10; i < 22; i++) {
		at += strspn(at, " ");
		at += strcspn(at, " \n");
	}
	return read_u64(&at, 10, &stat->started);
}

struct uk_error *uk_proc_parse_stat(const char *text, struct uk_proc_stat *ret)
{
	struct uk_proc_stat stat = {};
	const char *at = text, *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!read_int(&at, &stat.pid) || !open || !close || close < open || at + 1 != open ||
	    close[1] != ' ' || !close[2])
		return bad_line("stat", text);
	size_t len = (size_t)(close - open - 1);
	if (len >= sizeof(stat.comm) || !read_stat_fields(close + 2, &stat))
		return bad_line("stat", text);
	memcpy(stat.comm, open + 1, len);
	*ret = stat;
	return NULL;
}

static bool read_uid(const char *at, struct uk_proc_status *status)
{
	uint64_t real, effective;
	if (!read_u64(&at, 10, &real) || !read_u64(&at, 10, &effective) || effective > UINT32_MAX)
		return false;
	status->uid = (uid_t)effective;
	return true;
}

/* The last of the numbers: one for each PID namespace, outermost first. */
static bool read_inner_pid(const char *at, struct uk_proc_status *status)
{
	int pid = 0;
	while (read_int(&at, &pid))
		;
	status->inner_pid = pid;
	return pid > 0;
}

static bool add_kib(const char *at, uint64_t *sum)
{
	uint64_t kib;
	return read_u64(&at, 10, &kib) && !__builtin_add_overflow(*sum, kib, sum);
}

static bool add_pending(const char *at, struct uk_proc_status *status)
{
	uint64_t mask;
	if (!read_u64(&at, 16, &mask))
		return false;
	status->pending |= mask;
	return true;
}

/* A mask as text, which is only compared. One that is longer than any is cut. */
static void read_processors(const char *at, struct uk_proc_status *status)
{
	at += strspn(at, " \t");
	size_t len = strcspn(at, "\n");
	if (len >= sizeof(status->processors))
		len = sizeof(status->processors) - 1;
	memcpy(status->processors, at, len);
	status->processors[len] = '\0';
}

static bool read_status_line(const char *line, struct uk_proc_status *status)
{
	const char *at;
	if ((at = value_of(line, "Uid:")))
		return read_uid(at, status);
	if ((at = value_of(line, "TracerPid:")))
		return read_int(&at, &status->tracer);
	if ((at = value_of(line, "NSpid:")))
		return read_inner_pid(at, status);
	if ((at = value_of(line, "Seccomp:")))
		return read_int(&at, &status->seccomp);
	if ((at = value_of(line, "Seccomp_filters:")))
		return read_int(&at, &status->filters);
	if ((at = value_of(line, "RssAnon:")) || (at = value_of(line, "RssShmem:")))
		return add_kib(at, &status->rss_kib);
	if ((at = value_of(line, "VmSwap:")))
		return add_kib(at, &status->swap_kib);
	if ((at = value_of(line, "NoNewPrivs:")))
		status->no_new_privs = at[strspn(at, " \t")] == '1';
	if ((at = value_of(line, "CapInh:")) || (at = value_of(line, "CapPrm:")) ||
	    (at = value_of(line, "CapEff:")))
		status->capable |= at[strspn(at, " \t0")] != '\n';
	if ((at = value_of(line, "CapAmb:")))
		status->ambient = at[strspn(at, " \t0")] != '\n';
	if ((at = value_of(line, "THP_enabled:")))
		status->no_huge = at[strspn(at, " \t")] == '0';
	if ((at = value_of(line, "SigPnd:")) || (at = value_of(line, "ShdPnd:")))
		return add_pending(at, status);
	if ((at = value_of(line, "Cpus_allowed:")))
		read_processors(at, status);
	if ((at = value_of(line, "x86_Thread_features:")))
		status->shadow_stack = !strncmp(at + strspn(at, " \t"), "shstk", 5);
	return true;
}

bool uk_proc_is_plain_map(const char *text)
{
	bool plain = *text;
	for (const char *line = text; plain && *line; line = next_line(line)) {
		uint64_t inside, outside, count;
		const char *at = line + strspn(line, " ");
		plain = uk_proc_number(&at, 10, &inside);
		at += strspn(at, " ");
		plain = plain && uk_proc_number(&at, 10, &outside);
		at += strspn(at, " ");
		plain = plain && uk_proc_number(&at, 10, &count) && *at == '\n' &&
			inside == outside;
	}
	return plain;
}

struct uk_error *uk_proc_parse_status(const char *text, struct uk_proc_status *ret)
{
	struct uk_proc_status status = {};
	for (const char *line = text; *line; line = next_line(line)) {
		if (!read_status_line(line, &status))
			return bad_line("status", line);
	}
	*ret = status;
	return NULL;
}

/* "lock:\t1: FLOCK  ADVISORY  WRITE 812 fe:00:12 0 EOF" */
static struct uk_error *read_lock(const char *at, struct uk_fd *fd)
{
	struct uk_fd_lock lock = {};
	if (sscanf(at, " %*d: %15s %*15s %15s %d", lock.kind, lock.access, &lock.owner) != 3)
		return bad_line("fdinfo", at);
	return uk_vec_push(&fd->locks, lock) ? NULL : uk_error_nomem();
}

/* "(12, 345678901)": seconds and nanoseconds */
static bool read_time(const char *at, uint64_t *ret)
{
	uint64_t sec, nsec;
	at += strspn(at, " \t");
	if (*at++ != '(' || !uk_proc_number(&at, 10, &sec) || *at++ != ',' ||
	    !read_u64(&at, 10, &nsec) || *at != ')')
		return false;
	return !__builtin_mul_overflow(sec, (uint64_t)1000000000, &sec) &&
	       !__builtin_add_overflow(sec, nsec, ret);
}

static bool read_timer_line(const char *line, struct uk_timerfd *timer)
{
	const char *at;
	uint64_t value;
	if ((at = value_of(line, "clockid:")))
		return read_int(&at, &timer->clock);
	if ((at = value_of(line, "ticks:")))
		return read_u64(&at, 10, &timer->ticks);
	if ((at = value_of(line, "settime flags:"))) {
		if (!read_u64(&at, 8, &value) || value > UINT_MAX)
			return false;
		timer->flags = (unsigned int)value;
	}
	if ((at = value_of(line, "it_value:")))
		return read_time(at, &timer->left);
	if ((at = value_of(line, "it_interval:")))
		return read_time(at, &timer->interval);
	return true;
}

/* "tfd:        5 events: 80000019 data: ..." */
static void read_watch(const char *line, struct uk_fd *fd)
{
	uint64_t events;
	const char *at = memmem(line, strcspn(line, "\n"), "events:", strlen("events:"));
	fd->watches++;
	if (!value_of(line, "tfd:") || !at)
		return;
	at += strlen("events:");
	if (read_u64(&at, 16, &events))
		fd->edges |= events & EPOLLET;
}

static bool read_fdinfo_line(const char *line, struct uk_fd *fd)
{
	const char *at;
	uint64_t value;
	if ((at = value_of(line, "pos:"))) {
		/* What has no end may be at a negative place: /dev/mem. */
		at += strspn(at, " \t");
		fd->pos = *at == '-' ? 0 : fd->pos;
		return *at == '-' || read_u64(&at, 10, &fd->pos);
	}
	if ((at = value_of(line, "flags:"))) {
		if (!read_u64(&at, 8, &value) || value > UINT_MAX)
			return false;
		fd->flags = (unsigned int)value;
	}
	if ((at = value_of(line, "mnt_id:")))
		return read_int(&at, &fd->mount);
	if ((at = value_of(line, "Pid:")))
		return read_int(&at, &fd->pidfd);
	if ((at = value_of(line, "tty-index:")))
		return read_int(&at, &fd->tty);
	if (value_of(line, "tfd:") || value_of(line, "inotify wd:") ||
	    value_of(line, "fanotify ino:") || value_of(line, "fanotify mnt_id:"))
		read_watch(line, fd);
	if ((at = value_of(line, "eventfd-semaphore:"))) {
		fd->semaphore_told = read_u64(&at, 10, &value);
		fd->semaphore = fd->semaphore_told && value;
	}
	return read_timer_line(line, &fd->timer);
}

struct uk_error *uk_proc_parse_fdinfo(const char *text, struct uk_fd *fd)
{
	for (const char *line = text; *line; line = next_line(line)) {
		const char *lock = value_of(line, "lock:");
		struct uk_error *err = lock			    ? read_lock(lock, fd)
				       : read_fdinfo_line(line, fd) ? NULL
								    : bad_line("fdinfo", line);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_proc_parse_syscall(const char *text, struct uk_thread *thread)
{
	uint64_t number;
	const char *at = text;
	thread->syscall = -1;
	if (uk_str_starts(text, "running") || uk_str_starts(text, "-1"))
		return NULL;
	if (!uk_proc_number(&at, 10, &number) || number > INT_MAX)
		return bad_line("syscall", text);
	for (size_t i = 0; i < UK_ARRAY_SIZE(thread->args); i++) {
		if (!read_u64(&at, 16, &thread->args[i]))
			return bad_line("syscall", text);
	}
	if (!read_u64(&at, 16, &thread->sp) || !read_u64(&at, 16, &thread->ip))
		return bad_line("syscall", text);
	thread->syscall = (int64_t)number;
	return NULL;
}

static bool read_posix_timer_line(const char *line, struct uk_posix_timer *timer)
{
	const char *at;
	if ((at = value_of(line, "signal:")))
		return read_int(&at, &timer->signal);
	if ((at = value_of(line, "ClockID:")))
		return read_int(&at, &timer->clock);
	return true;
}

struct uk_error *uk_proc_parse_timers(const char *text, uk_posix_timers *ret)
{
	for (const char *line = text; *line; line = next_line(line)) {
		struct uk_posix_timer timer = {};
		const char *at = value_of(line, "ID:");
		if (at ? !read_int(&at, &timer.id)
		       : (ret->len && !read_posix_timer_line(line, &ret->data[ret->len - 1])))
			return bad_line("timers", line);
		if (at && !uk_vec_push(ret, timer))
			return uk_error_nomem();
	}
	return NULL;
}

struct uk_error *uk_proc_parse_cgroup(const char *text, char **ret)
{
	for (const char *line = text; *line; line = next_line(line)) {
		const char *path = value_of(line, "0::");
		if (!path)
			continue;
		if (*path != '/')
			return bad_line("cgroup", line);
		char *copy = strndup(path, strcspn(path, "\n"));
		if (!copy)
			return uk_error_nomem();
		*ret = copy;
		return NULL;
	}
	*ret = NULL;
	return NULL;
}

size_t uk_proc_count_itimers(const char *text)
{
	size_t nr = 0;
	for (const char *line = text; *line; line = next_line(line)) {
		size_t len = strcspn(line, "\n");
		const char *name = memmem(line, len, ", it_real_fn,", 13);
		nr += *line == ' ' && name;
	}
	return nr;
}
