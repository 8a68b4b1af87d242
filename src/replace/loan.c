// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory of processes that are held. */
#include "replace/loan.h"

#include "base/bytes.h"
#include "base/file.h"
#include "replace/inject.h"
#include "replace/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	MAPS_MAX = 64 << 20,
	RED_ZONE = 128,
	CHUNK = 1 << 16,
};

/* --- reading and writing ------------------------------------------------------------- */

static struct uk_error *open_memory(pid_t pid, int flags, int *ret)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	*ret = open(path, flags | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "open %s", path) : NULL;
}

static struct uk_error *cannot(const char *what, pid_t pid, uint64_t at, size_t len)
{
	return uk_error_errno(errno ? errno : EIO, "%s %zu bytes at 0x%llx of process %d", what,
			      len, (unsigned long long)at, pid);
}

struct uk_error *uk_loan_read(pid_t pid, uint64_t at, void *ret, size_t len)
{
	uk_auto_close int fd = -1;
	struct uk_error *err = open_memory(pid, O_RDONLY, &fd);
	if (err)
		return err;
	errno = 0;
	return pread(fd, ret, len, (off_t)at) == (ssize_t)len ? NULL : cannot("read", pid, at, len);
}

struct uk_error *uk_loan_write(pid_t pid, uint64_t at, const void *data, size_t len)
{
	uk_auto_close int fd = -1;
	struct uk_error *err = open_memory(pid, O_WRONLY, &fd);
	if (err)
		return err;
	errno = 0;
	return pwrite(fd, data, len, (off_t)at) == (ssize_t)len ? NULL
								: cannot("write", pid, at, len);
}

/* --- mappings ------------------------------------------------------------------------ */

struct range {
	uint64_t start, end;
	bool executable, lendable; /* lendable: private and writable */
};

/* "7f0000000000-7f0000021000 rw-p ...", proc(5). False at the end. */
static bool next_range(const char **at, struct range *ret)
{
	const char *line = *at;
	if (!*line || !uk_proc_number(&line, 16, &ret->start) || *line++ != '-' ||
	    !uk_proc_number(&line, 16, &ret->end) || *line++ != ' ' || strnlen(line, 4) < 4)
		return false;
	ret->executable = line[2] == 'x';
	ret->lendable = line[0] == 'r' && line[1] == 'w' && line[3] == 'p';
	const char *end = strchr(line, '\n');
	*at = end ? end + 1 : line + strlen(line);
	return ret->start < ret->end;
}

static struct uk_error *read_maps(pid_t pid, char **ret)
{
	char path[32];
	size_t len;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	return uk_file_read(path, MAPS_MAX, ret, &len);
}

/* --- the instruction ----------------------------------------------------------------- */

static const uint8_t instruction[] = { 0x0f, 0x05 }; /* syscall: Intel SDM, volume 2 */

/* Where it is read at all: parts of a mapping may lie behind the end of a file. */
static bool find_in(int memory, const struct range *range, uint8_t *buffer, uint64_t *ret)
{
	for (uint64_t at = range->start; at < range->end; at += CHUNK - 1) {
		uint64_t left = range->end - at;
		ssize_t got = pread(memory, buffer, left < CHUNK ? left : CHUNK, (off_t)at);
		const uint8_t *found =
			got > 0 ? memmem(buffer, (size_t)got, instruction, sizeof(instruction))
				: NULL;
		if (found) {
			*ret = at + (uint64_t)(found - buffer);
			return true;
		}
	}
	return false;
}

struct uk_error *uk_loan_find_gate(pid_t pid, uint64_t *ret)
{
	uk_auto_free char *maps = NULL;
	uk_auto_free uint8_t *buffer = malloc(CHUNK);
	uk_auto_close int memory = -1;
	struct range range;
	struct uk_error *err = buffer ? read_maps(pid, &maps) : uk_error_nomem();
	if (!err)
		err = open_memory(pid, O_RDONLY, &memory);
	if (err)
		return err;
	for (const char *at = maps; next_range(&at, &range);) {
		/* The page of vsyscalls at the very top is emulated: nobody enters there. */
		if (range.executable && range.end <= INT64_MAX &&
		    find_in(memory, &range, buffer, ret))
			return NULL;
	}
	return uk_error_create(UK_ERR_REFUSED,
			       "process %d has no instruction that enters the kernel", pid);
}

/* --- lending ------------------------------------------------------------------------- */

static struct uk_error *stack_of(const struct uk_held *thread, uint64_t *ret)
{
	struct user_regs_struct registers;
	struct uk_error *err = uk_inject_get_registers(thread, &registers);
	if (!err)
		*ret = registers.rsp;
	return err;
}

/* Below the stack, where that mapping goes on; else at the begin of it or of another one. */
static bool choose(const char *maps, uint64_t stack, size_t len, uint64_t *ret)
{
	struct range range;
	uint64_t below = (stack - RED_ZONE - len) & ~63ull;
	bool found = false;
	for (const char *at = maps; next_range(&at, &range);) {
		bool fits = range.lendable && range.end - range.start >= len;
		bool is_stack = fits && stack >= range.start && stack < range.end;
		if (is_stack) {
			*ret = below >= range.start && below < stack ? below : range.start;
			return true;
		}
		if (fits && !found)
			*ret = range.start;
		found |= fits;
	}
	return found;
}

struct uk_error *uk_loan_take(const struct uk_held *thread, const void *data, size_t len,
			      struct uk_loan *ret)
{
	uk_auto_free char *maps = NULL;
	uint64_t stack;
	struct uk_loan loan = { .pid = thread->pid, .len = len };
	if (!len || len > UK_LOAN_MAX)
		return uk_error_create(UK_ERR_INVALID, "%zu bytes are not lent", len);
	struct uk_error *err = stack_of(thread, &stack);
	if (!err)
		err = read_maps(thread->pid, &maps);
	if (!err && !choose(maps, stack, len, &loan.at))
		err = uk_error_create(UK_ERR_REFUSED, "process %d has no memory to lend",
				      thread->pid);
	uk_auto_free uint8_t *was = malloc(len);
	if (!err && !was)
		err = uk_error_nomem();
	if (!err)
		err = uk_loan_read(loan.pid, loan.at, was, len);
	if (!err && data)
		err = uk_loan_write(loan.pid, loan.at, data, len);
	if (err)
		return err;
	loan.was = uk_take(was);
	*ret = loan;
	return NULL;
}

struct uk_error *uk_loan_return(struct uk_loan *loan)
{
	if (!loan->was)
		return NULL;
	struct uk_error *err = uk_loan_write(loan->pid, loan->at, loan->was, loan->len);
	free(uk_take(loan->was));
	return err;
}
