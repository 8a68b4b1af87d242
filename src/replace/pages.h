/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The private memory of a process, seen from outside: which pages there are, what is in them, and
 * whether they were written to. Nothing is stopped, and no call of the process is interrupted.
 *
 * Everything but the content is bound to the memory that the process had when this was opened:
 * behind its end or its execve(2) nothing is read any more.
 */
#ifndef UPKEEP_REPLACE_PAGES_H
#define UPKEEP_REPLACE_PAGES_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { UK_PAGE = 4096 };

/* Words of /proc/PID/pagemap: Documentation/admin-guide/mm/pagemap.rst. */
#define UK_PAGE_PRESENT (1ull << 63)
#define UK_PAGE_SWAPPED (1ull << 62)
#define UK_PAGE_FILE (1ull << 61)
#define UK_PAGE_WRITTEN (1ull << 55) /* soft-dirty */
#define UK_PAGE_FRAME ((1ull << 55) - 1)

/* A private mapping that can be read. */
struct uk_area {
	uint64_t start, end;
	bool file; /* it maps one */
	bool vdso;
};

typedef UK_VEC(struct uk_area) uk_areas;

struct uk_pages {
	pid_t pid;
	int maps, pagemap, flags; /* flags: /proc/kpageflags */
	uint64_t zero; /* the frame of the page of zeroes, in place of what was never written */
};

/* UK_ERR_SYSTEM also where this kernel does not tell frames. Close it in any case. */
struct uk_error *uk_pages_open(pid_t pid, struct uk_pages *ret) uk_must_check;
void uk_pages_close(struct uk_pages *pages);

/*
 * In ascending order. @ret is the caller's, also after an error; none at all: the memory is gone.
 * UK_ERR_BUSY where it is too much to look at.
 */
struct uk_error *uk_pages_areas(const struct uk_pages *pages, uk_areas *ret) uk_must_check;
/* The same of a text of /proc/PID/maps. UK_ERR_INVALID names a bad line. */
struct uk_error *uk_pages_parse(const char *text, uk_areas *ret) uk_must_check;

/*
 * UK_ERR_NOTHING if process @pages->pid, which is frozen, has other mappings than these: it
 * executed another program, and somebody else just holds on to the memory that it had.
 */
struct uk_error *uk_pages_check(const struct uk_pages *pages, const uk_areas *areas) uk_must_check;

/* The words of @nr pages; UK_ERR_NOTHING when the memory is gone. */
struct uk_error *uk_pages_look(const struct uk_pages *pages, uint64_t start, size_t nr,
			       uint64_t *ret) uk_must_check;

/*
 * Reads those of @nr pages of which @wanted says so into @to, each to its place; of others, and of
 * those that cannot be read, nothing is told: *@wanted is false then. What is read is what the
 * process has there at this moment.
 */
void uk_pages_read(const struct uk_pages *pages, uint64_t start, size_t nr, bool *wanted,
		   uint8_t *to);

/*
 * UK_ERR_REFUSED where this kernel notes no writes (CONFIG_MEM_SOFT_DIRTY), or has no page of
 * zeroes for what was only read: tried by own memory.
 */
struct uk_error *uk_pages_probe(void) uk_must_check;

/*
 * Whether a frame, in that place, is of a huge page of zeroes: memory that was given back and only
 * read since. Nobody wrote to it, and it may be in the very frame that was there before. *@last is
 * the caller's, 0 at first.
 */
struct uk_zeroes {
	uint64_t first; /* frame */
	bool are;
};
struct uk_error *uk_pages_are_zeroes(const struct uk_pages *pages, uint64_t address, uint64_t frame,
				     struct uk_zeroes *last, bool *ret) uk_must_check;

/* From here on the kernel notes anew which pages are written to. */
struct uk_error *uk_pages_forget_writes(const struct uk_pages *pages) uk_must_check;

/*
 * Whether a dump has to have that page: it is there, and not just a page of a file or of zeroes. Of
 * the vDSO every page counts (criu: should_dump_page()).
 */
bool uk_pages_is_kept(const struct uk_pages *pages, const struct uk_area *area, uint64_t word);

#endif
