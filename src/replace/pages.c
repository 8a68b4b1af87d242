// SPDX-License-Identifier: GPL-2.0-or-later
/* The private memory of a process, seen from outside. */
#include "replace/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	MAPS_MAX = 64 << 20,
	HUGE = 512, /* pages */
};
#define MAPPED_MAX (1ull << 40)

/* include/uapi/linux/kernel-page-flags.h: KPF_ZERO_PAGE, also of the huge one */
#define FLAG_ZERO (1ull << 24)

/* What /proc says of a process that has ended is no trouble of the machine's. */
static struct uk_error *gone_or(int errnum, const char *path)
{
	if (errnum == ESRCH || errnum == ENOENT)
		return uk_error_create(UK_ERR_NOTHING, "%s: the process has ended", path);
	return uk_error_errno(errnum, "%s", path);
}

static struct uk_error *open_below(pid_t pid, const char *name, int flags, int *ret)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	*ret = open(path, flags | O_CLOEXEC);
	return *ret < 0 ? gone_or(errno, path) : NULL;
}

static struct uk_error *open_flags(int *ret)
{
	*ret = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "open /proc/kpageflags") : NULL;
}

static struct uk_error *read_flags(const struct uk_pages *pages, uint64_t frame, uint64_t *ret)
{
	if (pread(pages->flags, ret, sizeof(*ret), (off_t)(frame * sizeof(*ret))) != sizeof(*ret))
		return uk_error_errno(errno, "read /proc/kpageflags");
	return NULL;
}

struct uk_error *uk_pages_are_zeroes(const struct uk_pages *pages, uint64_t address, uint64_t frame,
				     struct uk_zeroes *last, bool *ret)
{
	uint64_t first = frame - address / UK_PAGE % HUGE, flags;
	*ret = false;
	/* A huge page is aligned in both places. */
	if (first % HUGE || first > frame)
		return NULL;
	if (first != last->first) {
		struct uk_error *err = read_flags(pages, first, &flags);
		if (err)
			return err;
		*last = (struct uk_zeroes){ first, flags & FLAG_ZERO };
	}
	*ret = last->are;
	return NULL;
}

/* One page of our own, for a look at how it is told. */
static struct uk_error *map_own(struct uk_pages *mine, volatile char **ret)
{
	*mine = (struct uk_pages){ .pid = getpid(), .maps = -1, .pagemap = -1, .flags = -1 };
	void *there =
		mmap(NULL, UK_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (there == MAP_FAILED)
		return uk_error_errno(errno, "mmap");
	*ret = there;
	return open_below(mine->pid, "pagemap", O_RDONLY, &mine->pagemap);
}

static void unmap_own(struct uk_pages *mine, volatile char *there)
{
	uk_pages_close(mine);
	if (there)
		munmap((void *)there, UK_PAGE);
}

/* One that was only read is the page of zeroes; without its number no frame is told at all. */
static struct uk_error *find_zero(uint64_t *ret)
{
	volatile char *there = NULL;
	struct uk_pages mine;
	uint64_t word = 0;
	struct uk_error *err = map_own(&mine, &there);
	if (!err) {
		(void)*there;
		err = uk_pages_look(&mine, (uintptr_t)there, 1, &word);
	}
	unmap_own(&mine, there);
	*ret = word & UK_PAGE_FRAME;
	if (!err && (!(word & UK_PAGE_PRESENT) || !*ret))
		err = uk_error_create(UK_ERR_SYSTEM, "/proc/PID/pagemap tells no frames here");
	return err;
}

static struct uk_error *probe_zero(void)
{
	struct uk_pages pages = { .maps = -1, .pagemap = -1 };
	uint64_t frame, flags = 0;
	struct uk_error *err = open_flags(&pages.flags);
	if (!err)
		err = find_zero(&frame);
	if (!err)
		err = read_flags(&pages, frame, &flags);
	uk_pages_close(&pages);
	if (!err && !(flags & FLAG_ZERO))
		err = uk_error_create(UK_ERR_REFUSED, "this kernel gives what was only read a page "
						      "of its own, without a note");
	return err;
}

struct uk_error *uk_pages_probe(void)
{
	volatile char *there = NULL;
	struct uk_pages mine;
	uint64_t words[2] = {};
	struct uk_error *err = probe_zero();
	if (err)
		return err;
	err = map_own(&mine, &there);
	if (!err) {
		*there = 1;
		err = uk_pages_forget_writes(&mine);
	}
	if (!err)
		err = uk_pages_look(&mine, (uintptr_t)there, 1, &words[0]);
	if (!err) {
		*there = 2;
		err = uk_pages_look(&mine, (uintptr_t)there, 1, &words[1]);
	}
	unmap_own(&mine, there);
	if (!err && ((words[0] & UK_PAGE_WRITTEN) || !(words[1] & UK_PAGE_WRITTEN)))
		err = uk_error_create(UK_ERR_REFUSED, "this kernel does not note which pages are "
						      "written to (CONFIG_MEM_SOFT_DIRTY)");
	return err;
}

struct uk_error *uk_pages_open(pid_t pid, struct uk_pages *ret)
{
	*ret = (struct uk_pages){ .pid = pid, .maps = -1, .pagemap = -1, .flags = -1 };
	struct uk_error *err = open_below(pid, "maps", O_RDONLY, &ret->maps);
	if (!err)
		err = open_below(pid, "pagemap", O_RDONLY, &ret->pagemap);
	if (!err)
		err = open_flags(&ret->flags);
	return err ? err : find_zero(&ret->zero);
}

void uk_pages_close(struct uk_pages *pages)
{
	uk_cleanup_close(&pages->maps);
	uk_cleanup_close(&pages->pagemap);
	uk_cleanup_close(&pages->flags);
	pages->maps = pages->pagemap = pages->flags = -1;
}

/* --- mappings ------------------------------------------------------------------------ */

/* "7f00-7f01 r-xp 00000000 fe:00 131 /usr/lib/libm.so.6": proc(5) */
static struct uk_error *parse_line(const char *line, uk_areas *ret)
{
	struct uk_area area = {};
	char perms[5];
	uint64_t ino;
	int at = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64 " %n", &area.start,
		   &area.end, perms, &ino, &at) < 4 ||
	    !at || area.start >= area.end || area.start % UK_PAGE || area.end % UK_PAGE)
		return uk_error_create(UK_ERR_INVALID, "a mapping that cannot be understood: %s",
				       line);
	area.file = ino;
	area.vdso = !strcmp(line + at, "[vdso]");
	/* The kernel's own, which nobody dumps. */
	bool kernel = !strncmp(line + at, "[vvar", 5) || !strcmp(line + at, "[vsyscall]");
	if (perms[0] != 'r' || perms[3] != 'p' || kernel)
		return NULL;
	return uk_vec_push(ret, area) ? NULL : uk_error_nomem();
}

struct uk_error *uk_pages_parse(const char *text, uk_areas *ret)
{
	struct uk_error *err = NULL;
	while (*text && !err) {
		char line[PATH_MAX + 128];
		size_t len = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s",
			 (int)(len < sizeof(line) ? len : sizeof(line) - 1), text);
		err = parse_line(line, ret);
		text += len + (text[len] == '\n');
	}
	return err;
}

/* The page map has a word for each page of an area, also of one that nobody ever touched. */
static uint64_t total(const uk_areas *areas)
{
	uint64_t sum = 0;
	uk_vec_for_each(area, areas)
		sum += area->end - area->start;
	return sum;
}

struct uk_error *uk_pages_areas(const struct uk_pages *pages, uk_areas *ret)
{
	UK_VEC(char) text = {};
	ssize_t got = 1;
	struct uk_error *err = NULL;
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/maps", pages->pid);
	if (lseek(pages->maps, 0, SEEK_SET) < 0)
		return uk_error_errno(errno, "%s", path);
	while (!err && got && text.len < MAPS_MAX) {
		if (!uk_vec_reserve(&text, 1 << 16))
			err = uk_error_nomem();
		else if ((got = read(pages->maps, text.data + text.len, (1 << 16) - 1)) < 0)
			err = gone_or(errno, path);
		else
			text.len += (size_t)got;
	}
	if (!err && got)
		err = uk_error_create(UK_ERR_INVALID, "%s is too long", path);
	if (!err) {
		text.data[text.len] = '\0';
		err = uk_pages_parse(text.data, ret);
	}
	uk_vec_deinit(&text);
	if (!err && total(ret) > MAPPED_MAX)
		err = uk_error_create(UK_ERR_BUSY, "%s: more than 1 TiB is mapped", path);
	return err;
}

static bool is_alike(const uk_areas *one, const uk_areas *other)
{
	bool alike = one->len == other->len;
	for (size_t i = 0; alike && i < one->len; i++)
		alike = one->data[i].start == other->data[i].start &&
			one->data[i].end == other->data[i].end;
	return alike;
}

struct uk_error *uk_pages_check(const struct uk_pages *pages, const uk_areas *areas)
{
	struct uk_pages now = { .pid = pages->pid, .maps = -1, .pagemap = -1, .flags = -1 };
	uk_areas found = {};
	struct uk_error *err = open_below(now.pid, "maps", O_RDONLY, &now.maps);
	if (!err)
		err = uk_pages_areas(&now, &found);
	if (!err && !is_alike(areas, &found))
		err = uk_error_create(UK_ERR_NOTHING, "process %d runs another program", now.pid);
	uk_vec_deinit(&found);
	uk_pages_close(&now);
	return err;
}

/* --- pages --------------------------------------------------------------------------- */

struct uk_error *uk_pages_look(const struct uk_pages *pages, uint64_t start, size_t nr,
			       uint64_t *ret)
{
	size_t done = 0, size = nr * sizeof(*ret);
	while (done < size) {
		ssize_t got = pread(pages->pagemap, (char *)ret + done, size - done,
				    (off_t)(start / UK_PAGE * sizeof(*ret) + done));
		if (got < 0)
			return uk_error_errno(errno, "read /proc/%d/pagemap", pages->pid);
		if (!got)
			return uk_error_create(UK_ERR_NOTHING, "the memory of process %d is gone",
					       pages->pid);
		done += (size_t)got;
	}
	return NULL;
}

/* Of neighbours that are wanted: how many were read. */
static size_t read_run(pid_t pid, uint64_t start, size_t nr, uint8_t *to)
{
	struct iovec here = { to, nr * UK_PAGE };
	struct iovec there = { (void *)(uintptr_t)start, nr * UK_PAGE };
	ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
	return got < 0 ? 0 : (size_t)got / UK_PAGE;
}

void uk_pages_read(const struct uk_pages *pages, uint64_t start, size_t nr, bool *wanted,
		   uint8_t *to)
{
	for (size_t at = 0, end; at < nr;) {
		for (end = at; end < nr && wanted[end]; end++)
			continue;
		size_t got = end > at ? read_run(pages->pid, start + at * UK_PAGE, end - at,
						 to + at * UK_PAGE)
				      : 0;
		/* The one where it ended; what is behind it is tried again. */
		if (at + got < end)
			wanted[at + got] = false;
		at += got + 1 - (got && at + got == end);
	}
}

struct uk_error *uk_pages_forget_writes(const struct uk_pages *pages)
{
	uk_auto_close int fd = -1;
	struct uk_error *err = open_below(pages->pid, "clear_refs", O_WRONLY, &fd);
	if (!err && write(fd, "4", 1) != 1)
		err = uk_error_errno(errno, "write to /proc/%d/clear_refs", pages->pid);
	return err;
}

bool uk_pages_is_kept(const struct uk_pages *pages, const struct uk_area *area, uint64_t word)
{
	if (area->vdso)
		return true;
	if (area->file && (word & UK_PAGE_FILE))
		return false;
	bool zero = (word & UK_PAGE_PRESENT) && (word & UK_PAGE_FRAME) == pages->zero;
	return (word & (UK_PAGE_PRESENT | UK_PAGE_SWAPPED)) && !zero;
}
