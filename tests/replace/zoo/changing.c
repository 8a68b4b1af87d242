// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that does not hold still while somebody reads it from outside: all of it must be what it
 * is at the freeze, and nothing what it was before. A thread goes on with it up to .go, with rests
 * of all lengths, for what was not touched since a look is as good a test as what was; and keeps a
 * book in shared memory, which is dumped in another way.
 */
#include "zoo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	BLOCK = 2 << 20, /* what one entry of a table of page tables spans */
	BLOCKS = 4,
	PAGES = BLOCK / PAGE,
	SLOTS = 2 * BLOCKS,
};

/* What should be where. */
struct book {
	volatile bool stop;
	volatile uint32_t pages[BLOCKS * PAGES]; /* what is in each page */
	volatile int blocks[SLOTS];		 /* which block is in a slot; -1 for none */
	volatile uint32_t turns;
};

static struct book *book;
static uint8_t *area; /* SLOTS blocks, aligned */
static pthread_t worker;
static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void *map_at(void *where, size_t size, int flags)
{
	void *there = mmap(where, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			   -1, 0);

	zoo_want(there != MAP_FAILED, "mmap: %s", strerror(errno));
	return there;
}

/* Small pages: huge ones are moved, and noted, in another way. */
static void make_area(bool huge)
{
	uint8_t *all = map_at(NULL, (size_t)(SLOTS + 1) * BLOCK, MAP_NORESERVE);

	area = (uint8_t *)(((uintptr_t)all + BLOCK - 1) / BLOCK * BLOCK);
	zoo_sys(madvise(area, (size_t)SLOTS * BLOCK, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
	book = mmap(NULL, sizeof(*book), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	zoo_want(book != MAP_FAILED, "mmap: %s", strerror(errno));
}

static void fill(uint8_t *page, uint32_t what)
{
	for (size_t i = 0; i < PAGE; i += sizeof(what))
		memcpy(page + i, &what, sizeof(what));
}

static void compare(const uint8_t *page, uint32_t what, const char *name, int nr)
{
	for (size_t i = 0; i < PAGE; i += sizeof(what)) {
		uint32_t found;

		memcpy(&found, page + i, sizeof(found));
		if (found != what)
			zoo_fail("%s %d: byte %zu: wanted %#x, found %#x", name, nr, i, what,
				 found);
	}
}

static void *run(void *turn)
{
	while (!book->stop) {
		((void (*)(void))turn)();
		book->turns++;
		zoo_pause((int)chance(4) ? (int)chance(20) : (int)chance(1500));
	}
	return NULL;
}

static void begin(void (*turn)(void))
{
	zoo_want(!pthread_create(&worker, NULL, run, (void *)turn), "no thread");
}

/* For sabotage, too: what is broken stays so. */
static void end(void)
{
	if (book->stop)
		return;
	book->stop = true;
	zoo_want(!pthread_join(worker, NULL), "no end of the thread");
	zoo_want(book->turns > 1, "nothing was changed");
}

/* --- written ----------------------------------------------------------------------------- */

static void write_some(void)
{
	for (uint32_t i = 0, nr = 1 + chance(40); i < nr; i++) {
		const uint32_t page = chance(BLOCKS * PAGES);

		fill(area + (size_t)page * PAGE, book->pages[page] + 1);
		book->pages[page]++;
	}
}

static void writes_setup(void)
{
	make_area(zoo.arg);
	for (int i = 0; i < BLOCKS * PAGES; i++) {
		book->pages[i] = (uint32_t)i << 16;
		fill(area + (size_t)i * PAGE, book->pages[i]);
	}
	begin(write_some);
}

static void writes_verify(void)
{
	end();
	for (int i = 0; i < BLOCKS * PAGES; i++)
		compare(area + (size_t)i * PAGE, book->pages[i], "page", i);
}

static void writes_sabotage(void)
{
	end();
	area[PAGE * 3 + 5] ^= 1;
}

/* --- moved ------------------------------------------------------------------------------- */

static void move(int from, int to)
{
	uint8_t *source = area + (size_t)from * BLOCK, *target = area + (size_t)to * BLOCK;

	zoo_want(mremap(source, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target,
		 "mremap: %s", strerror(errno));
	book->blocks[to] = book->blocks[from];
	book->blocks[from] = -1;
}

/*
 * Two blocks change places by a slot far behind. Nothing is mapped anew beside them: the kernel
 * would call all of what it merges that with written.
 */
static void move_some(void)
{
	const int one = (int)chance(BLOCKS), other = (one + 1 + (int)chance(BLOCKS - 1)) % BLOCKS;

	move(one, SLOTS - 1);
	move(other, one);
	move(SLOTS - 1, other);
}

static void moves_setup(void)
{
	make_area(false);
	for (int i = 0; i < SLOTS; i++)
		book->blocks[i] = i < BLOCKS ? i : -1;
	for (int i = 0; i < BLOCKS * PAGES; i++)
		fill(area + (size_t)i * PAGE, (uint32_t)i + 1);
	zoo_sys(munmap(area + (size_t)BLOCKS * BLOCK, (size_t)(SLOTS - BLOCKS) * BLOCK));
	begin(move_some);
}

static void moves_verify(void)
{
	end();
	for (int i = 0; i < BLOCKS * PAGES; i++)
		compare(area + (size_t)i * PAGE,
			(uint32_t)(book->blocks[i / PAGES] * PAGES + i % PAGES + 1), "moved page",
			i);
}

/* --- given back, mapped anew -------------------------------------------------------------- */

/* The whole block, for only then may what is read be one huge page of zeroes. */
static void empty_one(void)
{
	const int block = (int)chance(BLOCKS);
	uint8_t *there = area + (size_t)block * BLOCK;

	if (book->blocks[block]) {
		book->blocks[block] = 0;
		if (chance(2))
			zoo_sys(madvise(there, BLOCK, MADV_DONTNEED));
		else
			map_at(there, BLOCK, MAP_FIXED);
		for (int i = 0; i < PAGES; i++)
			compare(there + (size_t)i * PAGE, 0, "emptied page", i);
		return;
	}
	book->blocks[block] = (int)chance(1 << 20) + 1;
	for (int i = 0; i < PAGES; i++)
		fill(there + (size_t)i * PAGE, (uint32_t)book->blocks[block]);
}

static void empties_setup(void)
{
	make_area(zoo.arg);
	for (int i = 0; i < BLOCKS; i++) {
		book->blocks[i] = i + 1;
		for (int n = 0; n < PAGES; n++)
			fill(area + ((size_t)i * PAGES + (size_t)n) * PAGE, (uint32_t)i + 1);
	}
	begin(empty_one);
}

static void empties_verify(void)
{
	end();
	for (int i = 0; i < BLOCKS * PAGES; i++)
		compare(area + (size_t)i * PAGE, (uint32_t)book->blocks[i / PAGES], "page", i);
}

/* --- processes that come and go ------------------------------------------------------------ */

/* One that lives for a while, and finds its own pages, not those of who had the number before. */
static void live(uint32_t number)
{
	for (int i = 0; i < PAGES; i++)
		fill(area + (size_t)i * PAGE, number << 12 | (uint32_t)i);
	zoo_pause((int)(2000 + number * 977 % 5000));
	for (int i = 0; i < PAGES; i++)
		compare(area + (size_t)i * PAGE, number << 12 | (uint32_t)i, "child's page", i);
	for (int i = PAGES; i < 2 * PAGES; i++)
		compare(area + (size_t)i * PAGE, (uint32_t)i, "page of before", i);
}

/* From a process without threads, for a child of one that has some is not all of it. */
static void breed(void)
{
	while (!book->stop && !zoo_gone()) {
		const uint32_t number = ++book->turns;
		int status;
		const pid_t child = fork();

		zoo_want(child >= 0, "fork: %s", strerror(errno));
		if (!child) {
			live(number);
			_exit(0);
		}
		zoo_want(waitpid(child, &status, 0) == child && !status, "status of a child: %#x",
			 (unsigned int)status);
	}
}

static pid_t breeder;

static void births_setup(void)
{
	make_area(false);
	for (int i = 0; i < 2 * PAGES; i++)
		fill(area + (size_t)i * PAGE, (uint32_t)i);
	breeder = zoo_fork(breed);
}

static void births_verify(void)
{
	zoo_join(breeder);
	for (int i = 0; i < 2 * PAGES; i++)
		compare(area + (size_t)i * PAGE, (uint32_t)i, "page", i);
}

static void births_sabotage(void)
{
	area[PAGE * 3 + 5] ^= 1;
}

const struct zoo_case zoo_changing[] = {
	{ "change-writes", writes_setup, NULL, writes_verify, writes_sabotage },
	{ "change-writes-huge", writes_setup, NULL, writes_verify, writes_sabotage, .arg = 1 },
	{ "change-moves", moves_setup, NULL, moves_verify, writes_sabotage },
	{ "change-empties", empties_setup, NULL, empties_verify, writes_sabotage },
	{ "change-empties-huge", empties_setup, NULL, empties_verify, writes_sabotage, .arg = 1 },
	{ "change-births", births_setup, NULL, births_verify, births_sabotage },
	{ NULL },
};
