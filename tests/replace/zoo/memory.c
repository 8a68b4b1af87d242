// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory of every kind: content, protection, what is shared with whom, flags. */
#include "zoo.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 64, SIZE = PAGES * PAGE };

static uint8_t *area;
static int fd = -1;
static pid_t child;

static void fill(uint8_t *where, size_t size, size_t seed)
{
	for (size_t i = 0; i < size; i++)
		where[i] = zoo_byte(i + seed);
}

static void compare(const char *what, const uint8_t *where, size_t size, size_t seed)
{
	for (size_t i = 0; i < size; i++)
		if (where[i] != zoo_byte(i + seed))
			zoo_fail("%s: byte %zu of %zu: wanted %#x, found %#x", what, i, size,
				 zoo_byte(i + seed), where[i]);
}

static uint8_t *map(size_t size, int prot, int flags, int from)
{
	void *where = mmap(NULL, size, prot, flags, from, 0);

	zoo_want(where != MAP_FAILED, "mmap: %s", strerror(errno));
	return where;
}

static void check_area(void)
{
	compare("content", area, SIZE, 0);
}

static void break_area(void)
{
	area[SIZE / 2] ^= 0x10;
}

static void private_setup(void)
{
	area = map(SIZE * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	fill(area, SIZE, 0);
}

static void private_check(void)
{
	static const uint8_t zero[SIZE];

	check_area();
	zoo_bytes("pages that were never written", zero, area + SIZE, SIZE);
}

/* Two processes write in turn, and each sees what the other one wrote. */
static void shared_body(void)
{
	zoo_await_go();
	zoo_await_step(0, 1);
	compare("the other one's pages", area, SIZE, 5);
	if (zoo.kind)
		area = map(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	fill(area, SIZE, 9);
	zoo_step(0, 2);
}

static void shared_setup(void)
{
	if (!area)
		area = map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	fill(area, SIZE, 0);
	child = zoo_fork(shared_body);
}

static void shared_verify(void)
{
	check_area();
	fill(area, SIZE, 5);
	zoo_step(0, 1);
	zoo_await_step(0, 2);
	compare("what the other one wrote", area, SIZE, 9);
	zoo_join(child);
}

static void devzero_setup(void)
{
	const int zero = open("/dev/zero", O_RDWR);

	zoo_sys(zero);
	area = map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, zero);
	close(zero);
	shared_setup();
}

/* The number of the physical page, 0 if it cannot be told. */
static uint64_t page_frame(const void *where)
{
	const int map_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (map_fd < 0 ||
	    pread(map_fd, &entry, 8, (off_t)((uintptr_t)where / PAGE * 8)) != sizeof(entry))
		entry = 0;
	close(map_fd);
	return entry >> 63 ? entry & 0x7fffffffffffff : 0;
}

/* Half of the pages are written after the fork: those differ, the others are one in memory. */
static void cow_body(void)
{
	fill(area + SIZE / 2, SIZE / 4, 77);
	zoo_step(0, 1);
	zoo_await_go();
	compare("child: pages of both", area, SIZE / 2, 0);
	compare("child: pages of its own", area + SIZE / 2, SIZE / 4, 77);
	compare("child: pages that the parent has changed", area + SIZE / 4 * 3, SIZE / 4,
		SIZE / 4 * 3);
	for (int i = 0; i < PAGES / 2; i += PAGES / 8)
		zoo.page->numbers[i / (PAGES / 8)] = (int)page_frame(area + i * PAGE);
	zoo_step(0, 2);
	zoo_await_step(0, 3);
	compare("child: after the parent's write", area, SIZE / 2, 0);
}

static void cow_setup(void)
{
	private_setup();
	child = zoo_fork(cow_body);
	zoo_await_step(0, 1);
	fill(area + SIZE / 4 * 3, SIZE / 4, 99);
}

static void cow_verify(void)
{
	compare("parent: pages of both", area, SIZE / 2, 0);
	compare("parent: pages that the child has changed", area + SIZE / 2, SIZE / 4, SIZE / 2);
	compare("parent: pages of its own", area + SIZE / 4 * 3, SIZE / 4, 99);
	zoo_await_step(0, 2);
	for (int i = 0; zoo.arg && i < PAGES / 2; i += PAGES / 8)
		zoo_same("physical page that both should have", zoo.page->numbers[i / (PAGES / 8)],
			 (int)page_frame(area + i * PAGE));
	fill(area, SIZE / 2, 3);
	zoo_step(0, 3);
	zoo_join(child);
}

static void cow_sabotage(void)
{
	area[zoo.arg ? 0 : 1] = zoo.arg ? area[0] : 9;
	if (zoo.arg)
		*(volatile uint8_t *)area = area[0];
}

enum { HUGE = 2 << 20 };

static void huge_setup(void)
{
	char said[64];

	area = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
		    (zoo.arg ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (area == MAP_FAILED) {
		/* A page for us; the machine's setting is left as it was found otherwise. */
		if (!access("/proc/sys/vm/nr_hugepages", W_OK)) {
			snprintf(said, sizeof(said), "%d\n", 8);
			fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY | O_CLOEXEC);
			if (fd >= 0)
				(void)!write(fd, said, strlen(said));
			close(fd);
		}
		area = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
			    (zoo.arg ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_HUGETLB, -1,
			    0);
	}
	if (area == MAP_FAILED)
		zoo_skip("no huge pages: %s", strerror(errno));
	fill(area, HUGE, 0);
}

/* A line of the area's entry in /proc/self/smaps. */
static void smaps_line(const void *where, const char *key, char *line, size_t size)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool inside = false;
	char text[512];

	zoo_want(smaps, "smaps: %s", strerror(errno));
	line[0] = '\0';
	while (fgets(text, sizeof(text), smaps)) {
		if (sscanf(text, "%lx-%lx ", &start, &end) == 2)
			inside = (uintptr_t)where >= start && (uintptr_t)where < end;
		else if (inside && !strncmp(text, key, strlen(key)))
			snprintf(line, size, "%.200s", text);
	}
	fclose(smaps);
	line[strcspn(line, "\n")] = '\0';
}

static void keep_flags(void)
{
	char line[256];

	smaps_line(area, "VmFlags:", line, sizeof(line));
	zoo_kept("VmFlags", line);
}

static void huge_check(void)
{
	char line[256];

	compare("content", area, HUGE, 0);
	smaps_line(area, "KernelPageSize:", line, sizeof(line));
	zoo_kept("page size", line);
}

static void huge_sabotage(void)
{
	uint8_t *fresh;

	munmap(area, HUGE);
	fresh = mmap(area, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		     -1, 0);
	zoo_want(fresh == area, "mmap");
	fill(area, HUGE, 0);
}

static void mlock_setup(void)
{
	private_setup();
	zoo_sys(mlock(area, SIZE));
}

static void mlock_check(void)
{
	char line[256];

	check_area();
	smaps_line(area, "VmFlags:", line, sizeof(line));
	zoo_want(strstr(line, " lo"), "the area is not locked: %s", line);
	zoo_status(getpid(), "VmLck", line, sizeof(line));
	zoo_kept("VmLck", line);
}

static void mlock_sabotage(void)
{
	munlock(area, SIZE);
}

/* mlockall() holds for what is mapped later, too. */
static void mlockall_setup(void)
{
	zoo_sys(mlockall(MCL_CURRENT | MCL_FUTURE));
}

static void mlockall_check(void)
{
	uint8_t *fresh = map(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char line[256];

	smaps_line(fresh, "VmFlags:", line, sizeof(line));
	zoo_want(strstr(line, " lo"), "what is mapped later is not locked: %s", line);
	munmap(fresh, SIZE);
}

static void mlockall_sabotage(void)
{
	munlockall();
}

static void memfd_setup(void)
{
	fd = (int)zoo_sys(memfd_create("zoo", MFD_ALLOW_SEALING));
	zoo_sys(ftruncate(fd, SIZE));
	area = map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	fill(area, SIZE, 0);
	zoo_sys(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	zoo_sys(lseek(fd, 12345, SEEK_SET));
}

static void memfd_check(void)
{
	char path[64], name[64] = "";
	uint8_t byte;

	check_area();
	zoo_same("seals", F_SEAL_SHRINK | F_SEAL_GROW, fcntl(fd, F_GET_SEALS));
	zoo_same("offset", 12345, lseek(fd, 0, SEEK_CUR));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	zoo_sys(readlink(path, name, sizeof(name) - 1));
	zoo_text("name", "/memfd:zoo (deleted)", name);
	area[7] ^= 0xff;
	zoo_same("pread", 1, pread(fd, &byte, 1, 7));
	area[7] ^= 0xff;
	zoo_same("byte through the descriptor", zoo_byte(7) ^ 0xff, byte);
	zoo_errno(EPERM, ftruncate(fd, SIZE * 2));
}

static void memfd_sabotage(void)
{
	zoo_sys(lseek(fd, 1, SEEK_SET));
}

static sigjmp_buf back;

static void on_segv(int number)
{
	siglongjmp(back, 1);
}

/* Whether an access is refused. */
static bool faults(volatile uint8_t *where, bool writes)
{
	struct sigaction action = { .sa_handler = on_segv }, old;
	volatile bool refused = true;

	sigaction(SIGSEGV, &action, &old);
	if (!sigsetjmp(back, 1)) {
		if (writes)
			*where = *where;
		else
			(void)*where;
		refused = false;
	}
	sigaction(SIGSEGV, &old, NULL);
	return refused;
}

static void mprotect_setup(void)
{
	private_setup();
	zoo_sys(mprotect(area, PAGE, PROT_READ));
	zoo_sys(mprotect(area + PAGE, PAGE, PROT_NONE));
	zoo_sys(mprotect(area + PAGE * 2, PAGE, PROT_READ | PROT_EXEC));
}

static void mprotect_check(void)
{
	zoo_same("read of a page to read", false, faults(area, false));
	zoo_same("write of a page to read", true, faults(area, true));
	zoo_same("read of a page for nothing", true, faults(area + PAGE, false));
	zoo_same("write of a page to execute", true, faults(area + PAGE * 2, true));
	zoo_same("write of an ordinary page", false, faults(area + PAGE * 3, true));
	compare("page to read", area, PAGE, 0);
	compare("page to execute", area + PAGE * 2, PAGE, PAGE * 2);
}

static void mprotect_verify(void)
{
	zoo_sys(mprotect(area + PAGE, PAGE, PROT_READ));
	check_area();
}

static void mprotect_sabotage(void)
{
	zoo_sys(mprotect(area, PAGE, PROT_READ | PROT_WRITE));
}

static void madvise_setup(void)
{
	static const int advice[] = { MADV_DONTFORK,   MADV_DONTDUMP, MADV_WIPEONFORK,
				      MADV_SEQUENTIAL, MADV_RANDOM,   MADV_NOHUGEPAGE };

	private_setup();
	if (zoo_sys(madvise(area, SIZE, advice[zoo.arg])) < 0)
		return;
}

static void madvise_check(void)
{
	check_area();
	keep_flags();
}

static void madvise_sabotage(void)
{
	static const int advice[] = { MADV_DOFORK, MADV_DODUMP, MADV_KEEPONFORK,
				      MADV_NORMAL, MADV_NORMAL, MADV_HUGEPAGE };

	zoo_sys(madvise(area, SIZE, advice[zoo.arg]));
}

static int data_file(void)
{
	uint8_t *content = malloc(SIZE);
	const int file = (int)zoo_sys(open(zoo_path("data"), O_RDWR | O_CREAT | O_TRUNC, 0600));

	fill(content, SIZE, 0);
	zoo_same("write", SIZE, write(file, content, SIZE));
	free(content);
	return file;
}

/* A private mapping of a file, of which some pages were written. */
static void fileprivate_setup(void)
{
	const int file = data_file();

	area = map(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	fill(area + PAGE * 3, PAGE, 55);
	close(file);
}

static void fileprivate_check(void)
{
	compare("pages of the file", area, PAGE * 3, 0);
	compare("page of our own", area + PAGE * 3, PAGE, 55);
	compare("pages of the file", area + PAGE * 4, SIZE - PAGE * 4, PAGE * 4);
}

/* A shared mapping of a file: what is written goes into the file. */
static void fileshared_setup(void)
{
	fd = data_file();
	area = map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	if (zoo.arg)
		zoo_sys(unlink(zoo_path("data")));
}

static void fileshared_check(void)
{
	uint8_t byte;

	check_area();
	area[PAGE + 1] = 0xaa;
	zoo_same("pread", 1, pread(fd, &byte, 1, PAGE + 1));
	zoo_same("byte through the descriptor", 0xaa, byte);
	area[PAGE + 1] = zoo_byte(PAGE + 1);
}

static void grows_setup(void)
{
	area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN,
		    -1, 0);
	zoo_want(area != MAP_FAILED, "mmap: %s", strerror(errno));
	fill(area, SIZE, 0);
}

static void grows_check(void)
{
	char line[256];

	check_area();
	smaps_line(area, "VmFlags:", line, sizeof(line));
	zoo_want(strstr(line, " gd"), "the area does not grow down: %s", line);
}

/*
 * What lies where [vvar] and [vdso] lay at the first look is the kernel's own. Behind a swap to
 * another kernel the old one's code stays there, which leads to the new one's elsewhere; the data
 * that it read has no name any more.
 */
static struct {
	unsigned long start, end;
	bool known;
} own = { .start = ULONG_MAX };

static bool is_own(const char *line)
{
	unsigned long start, end;

	if (sscanf(line, "%lx-%lx", &start, &end) != 2 || strstr(line, "[vsyscall]"))
		return true;
	if (strstr(line, "[v") && !own.known) {
		own.start = start < own.start ? start : own.start;
		own.end = end > own.end ? end : own.end;
	}
	return strstr(line, "[v") || (start >= own.start && end <= own.end);
}

/* The heap's end, the memory map as a whole, and what the kernel remembers of the program. */
static void layout_check(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	static char text[65536];
	char line[512], brk_text[32];
	size_t have = 0;

	zoo_want(maps, "maps: %s", strerror(errno));
	/* Addresses and rights; the names of shared areas without a file are the kernel's own. */
	while (fgets(line, sizeof(line), maps))
		if (have + 64 < sizeof(text) && !is_own(line))
			have += (size_t)sprintf(text + have, "%.*s\n", (int)strcspn(line, " ") + 5,
						line);
	fclose(maps);
	own.known = true;
	snprintf(brk_text, sizeof(brk_text), "%p", sbrk(0));
	zoo_kept("end of the heap", brk_text);
	zoo_kept("memory map", text);
}

static void layout_setup(void)
{
	void *end = sbrk(SIZE);

	zoo_want(end != (void *)-1, "sbrk: %s", strerror(errno));
	area = end;
	fill(area, SIZE, 0);
	free(malloc(100000));
	layout_check();
}

static void layout_verify(void)
{
	check_area();
	zoo_want(sbrk(PAGE) != (void *)-1, "sbrk: %s", strerror(errno));
}

static void layout_sabotage(void)
{
	zoo_want(sbrk(PAGE) != (void *)-1, "sbrk: %s", strerror(errno));
}

static void thp_setup(void)
{
	zoo_sys(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
}

static void thp_check(void)
{
	zoo_same("PR_GET_THP_DISABLE", 1, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

static void thp_sabotage(void)
{
	zoo_sys(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
}

/* Memory that the kernel itself cannot read; a refusal is the best that can be had. */
static void secret_setup(void)
{
	fd = (int)syscall(SYS_memfd_secret, 0);
	if (fd < 0)
		zoo_skip("memfd_secret: %s", strerror(errno));
	zoo_sys(ftruncate(fd, SIZE));
	area = map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	fill(area, SIZE, 0);
}

const struct zoo_case zoo_memory[] = {
	{ "mem-private", private_setup, private_check, NULL, break_area },
	{ "mem-shared", shared_setup, NULL, shared_verify, break_area },
	{ "mem-devzero", devzero_setup, NULL, shared_verify, break_area },
	{ "mem-cow", cow_setup, NULL, cow_verify, cow_sabotage },
	{ "mem-cow-one", cow_setup, NULL, cow_verify, cow_sabotage, .arg = 1 },
	{ "mem-huge-private", huge_setup, huge_check, NULL, huge_sabotage },
	{ "mem-huge-shared", huge_setup, huge_check, NULL, huge_sabotage, .arg = 1 },
	{ "mem-mlock", mlock_setup, mlock_check, NULL, mlock_sabotage },
	{ "mem-mlockall", mlockall_setup, mlockall_check, NULL, mlockall_sabotage },
	{ "mem-memfd", memfd_setup, memfd_check, NULL, memfd_sabotage },
	{ "mem-mprotect", mprotect_setup, mprotect_check, mprotect_verify, mprotect_sabotage },
	{ "mem-dontfork", madvise_setup, madvise_check, NULL, madvise_sabotage, .arg = 0 },
	{ "mem-dontdump", madvise_setup, madvise_check, NULL, madvise_sabotage, .arg = 1 },
	{ "mem-wipeonfork", madvise_setup, madvise_check, NULL, madvise_sabotage, .arg = 2 },
	{ "mem-sequential", madvise_setup, madvise_check, NULL, madvise_sabotage, .arg = 3 },
	{ "mem-random", madvise_setup, madvise_check, NULL, madvise_sabotage, .arg = 4 },
	{ "mem-nohugepage", madvise_setup, madvise_check, NULL, madvise_sabotage, .arg = 5 },
	{ "mem-file-private", fileprivate_setup, fileprivate_check, NULL, break_area },
	{ "mem-file-shared", fileshared_setup, fileshared_check, NULL, break_area },
	{ "mem-file-unlinked", fileshared_setup, fileshared_check, NULL, break_area, .arg = 1 },
	{ "mem-growsdown", grows_setup, grows_check, NULL, break_area },
	{ "mem-layout", layout_setup, layout_check, layout_verify, layout_sabotage },
	{ "mem-thp-disable", thp_setup, thp_check, NULL, thp_sabotage },
	{ "mem-secret", secret_setup, check_area, NULL, break_area },
	{ NULL },
};
