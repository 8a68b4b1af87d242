// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of a real process is copied, in rounds, while it changes: what criu would take from the
 * layers is what the process has, to the byte. (What the kernel's note does to that is seen with
 * criu itself, by the zoo's cases change-*.)
 */
/* rooms: replace seat base */
#include "replace/ahead.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/image.h"
#include "replace/layer.h"
#include "replace/pages.h"
#include "replace/unfit.h"
#include "tap.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCK = 2 << 20, BLOCKS = 4, PAGES = BLOCKS * BLOCK / UK_PAGE };

enum word { NOTHING, WRITE_THREE, SWAP_BLOCKS, GIVE_BACK, GIVE_BACK_ALL, EXECUTE, MAP_MUCH };

/* What test and child both see. */
static struct page {
	volatile enum word word;
	volatile int done;
} * page;

static char dir[64];
static uint8_t *area; /* the child's, in the same place here */
static pid_t child;
static struct uk_service service;
static const struct uk_digest_key key = { { 1 }, { 2 } };
static struct uk_ahead *ahead;
static uint64_t room, written;

static void fill(uint8_t *where, uint32_t what)
{
	for (size_t i = 0; i < UK_PAGE; i += sizeof(what))
		memcpy(where + i, &what, sizeof(what));
}

static void move(uint8_t *from, uint8_t *to)
{
	if (mremap(from, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		_exit(1);
}

static void obey(enum word word)
{
	switch (word) {
	case NOTHING:
		break;
	case WRITE_THREE:
		for (int i = 0; i < 3; i++)
			fill(area + i * 100 * UK_PAGE, 0xabcd);
		break;
	case SWAP_BLOCKS:
		move(area, area + BLOCKS * BLOCK);
		move(area + BLOCK, area);
		move(area + BLOCKS * BLOCK, area + BLOCK);
		break;
	case GIVE_BACK:
		madvise(area, BLOCK, MADV_DONTNEED);
		break;
	case GIVE_BACK_ALL:
		madvise(area, BLOCK, MADV_DONTNEED);
		/* Only read: with huge pages it is one, of zeroes. */
		for (int i = 0; i < BLOCK; i += UK_PAGE)
			(void)*(volatile uint8_t *)(area + i);
		break;
	case MAP_MUCH:
		if (mmap(NULL, 2ull << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0) == MAP_FAILED)
			_exit(1);
		break;
	case EXECUTE:
		page->done++;
		execlp("sleep", "sleep", "1000", NULL);
		_exit(1);
	}
}

static void live(void)
{
	for (;;) {
		if (page->word != NOTHING) {
			obey(page->word);
			page->word = NOTHING;
			page->done++;
		}
		usleep(2000);
	}
}

static void tell(enum word word)
{
	int before = page->done;
	page->word = word;
	for (int i = 0; i < 5000 && page->done == before; i++)
		usleep(2000);
	ck_assert_int_gt(page->done, before);
}

static void begin(void)
{
	strcpy(dir, "/tmp/upkeep-ahead.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint8_t *all = mmap(NULL, (BLOCKS + 2) * BLOCK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(all, MAP_FAILED);
	area = (uint8_t *)(((uintptr_t)all + BLOCK - 1) / BLOCK * BLOCK);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		for (int i = 0; i < PAGES; i++)
			fill(area + i * UK_PAGE, (uint32_t)i + 1);
		page->done++;
		live();
	}
	for (int i = 0; i < 5000 && !page->done; i++)
		usleep(2000);
	struct uk_task task = { .pid = child, .inner_pid = 77, .state = 'S', .rss_kib = 9 << 10 };
	service = (struct uk_service){ .kind = UK_SERVICE_UNIT, .main_pid = child };
	ck_assert(uk_vec_push(&service.tasks, task));
	room = 1 << 30;
	ck_ok(uk_ahead_create(&service, dir, &key, 1 << 10, &ahead));
}

static void end(void)
{
	uk_ahead_destroy(ahead);
	uk_vec_deinit(&service.tasks);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	uk_error_destroy(uk_tree_remove(dir));
}

/* --- as criu reads layers -------------------------------------------------------------- */

static bool find_in(const char *images, uint64_t address, uint8_t *ret)
{
	uk_auto_image struct uk_image map = {};
	uk_auto_free char *below = NULL, *path = NULL;
	uint64_t number, start, nr, flags, before = 0;
	ck_ok(uk_image_read(images, "pagemap-77.img", UK_IMAGE_PAGEMAP, &map));
	ck_assert(uk_pb_get(&map.messages.data[0], 1, &number));
	ck_ok(uk_asprintf(&below, "%s/parent", images));
	ck_ok(uk_asprintf(&path, "%s/pages-%d.img", images, (int)number));
	for (size_t i = 1; i < map.messages.len; i++) {
		ck_assert(uk_pb_get(&map.messages.data[i], 1, &start));
		ck_assert(uk_pb_get(&map.messages.data[i], 2, &nr));
		ck_assert(uk_pb_get(&map.messages.data[i], 4, &flags));
		ck_assert(flags == 1 || flags == 4);
		if (address < start || address >= start + nr * UK_PAGE) {
			before += flags == 4 ? nr : 0;
			continue;
		}
		if (flags == 1)
			return find_in(below, address, ret);
		uk_auto_close int fd = open(path, O_RDONLY);
		off_t at = (off_t)(before * UK_PAGE + address - start);
		ck_assert_int_eq(pread(fd, ret, UK_PAGE, at), UK_PAGE);
		return true;
	}
	return false;
}

static void read_child(uint64_t address, uint8_t *ret)
{
	struct uk_pages pages = { .pid = child };
	bool wanted = true;
	uk_pages_read(&pages, address, 1, &wanted, ret);
	ck_assert(wanted);
}

/* How many pages of the area the layers have; those are right. */
static int compare(void)
{
	uk_auto_free char *top = NULL;
	int nr = 0;
	ck_ok(uk_asprintf(&top, "%s/parent", dir));
	for (int i = 0; i < PAGES; i++) {
		uint8_t copy[UK_PAGE], now[UK_PAGE];
		uint64_t address = (uintptr_t)area + (uint64_t)i * UK_PAGE;
		if (!find_in(top, address, copy))
			continue;
		nr++;
		read_child(address, now);
		ck_assert_msg(!memcmp(copy, now, UK_PAGE), "page %d is another one", i);
	}
	return nr;
}

static bool is_empty(void)
{
	return rmdir(dir) == 0;
}

/* --- copies ------------------------------------------------------------------------------ */

START_TEST(a_copy_is_what_the_process_has)
{
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	ck_assert_uint_ge(written, (uint64_t)PAGES * UK_PAGE);
	ck_assert_uint_eq(room, (1 << 30) - written);
	ck_ok(uk_ahead_settle(ahead));
	ck_assert_uint_eq(uk_ahead_count(ahead), 1);
	ck_assert_int_eq(compare(), PAGES);
}
END_TEST

START_TEST(only_what_changed_is_written_again)
{
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	tell(WRITE_THREE);
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	ck_assert_uint_ge(written, 3 * UK_PAGE);
	ck_assert_uint_le(written, 64 * UK_PAGE);
	ck_ok(uk_ahead_settle(ahead));
	ck_assert_int_ge(compare(), PAGES - 3);
}
END_TEST

START_TEST(a_page_that_lies_elsewhere_now_is_read_again)
{
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	tell(SWAP_BLOCKS);
	ck_ok(uk_ahead_settle(ahead));
	compare();
}
END_TEST

START_TEST(moves_between_rounds_are_seen)
{
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	tell(SWAP_BLOCKS);
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	ck_assert_uint_ge(written, 2 * BLOCK);
	ck_ok(uk_ahead_settle(ahead));
	compare();
}
END_TEST

START_TEST(what_was_given_back_is_not_there)
{
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	tell(GIVE_BACK);
	ck_ok(uk_ahead_settle(ahead));
	ck_assert_int_eq(compare(), PAGES - BLOCK / UK_PAGE);
}
END_TEST

/* Some kernels have none for what was only read; there nothing is copied, see uk_pages_probe(). */
static bool has_page_of_zeroes(void)
{
	uk_auto_error struct uk_error *err = uk_pages_probe();
	return !err || !strstr(uk_error_message(err), "a page of its own");
}

START_TEST(what_was_given_back_and_read_is_zero)
{
	if (!has_page_of_zeroes())
		return;
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	tell(GIVE_BACK_ALL);
	ck_ok(uk_ahead_settle(ahead));
	compare();
}
END_TEST

START_TEST(who_executes_another_program_is_left_out)
{
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	tell(EXECUTE);
	for (int i = 0; i < 1000; i++) {
		char path[64], name[64] = "";
		snprintf(path, sizeof(path), "/proc/%d/comm", child);
		uk_auto_close int fd = open(path, O_RDONLY);
		ck_assert_int_gt(read(fd, name, sizeof(name) - 1), 0);
		if (!strcmp(name, "sleep\n"))
			break;
		usleep(5000);
	}
	ck_ok(uk_ahead_settle(ahead));
	ck_assert_uint_eq(uk_ahead_count(ahead), 0);
	ck_assert(is_empty());
}
END_TEST

START_TEST(other_mappings_are_those_of_another_program)
{
	struct uk_pages pages;
	uk_areas areas = {};
	ck_ok(uk_pages_open(child, &pages));
	ck_ok(uk_pages_areas(&pages, &areas));
	ck_ok(uk_pages_check(&pages, &areas));
	areas.data[1].end += UK_PAGE;
	ck_fails(uk_pages_check(&pages, &areas), UK_ERR_NOTHING, "another program");
	areas.len--;
	ck_fails(uk_pages_check(&pages, &areas), UK_ERR_NOTHING, "another program");
	uk_vec_deinit(&areas);
	uk_pages_close(&pages);
}
END_TEST

START_TEST(who_has_ended_is_left_out)
{
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	ck_assert_uint_eq(uk_ahead_count(ahead), 0);
	ck_ok(uk_ahead_settle(ahead));
	ck_assert(is_empty());
}
END_TEST

/* To read the page map of all that would take minutes, whether there is anything or not. */
START_TEST(who_has_mapped_too_much_is_left_out)
{
	tell(MAP_MUCH);
	ck_ok(uk_ahead_copy(ahead, &room, &written));
	ck_assert_uint_eq(uk_ahead_count(ahead), 0);
	ck_assert(is_empty());
}
END_TEST

START_TEST(without_room_nothing_is_left)
{
	room = BLOCK;
	ck_fails(uk_ahead_copy(ahead, &room, &written), UK_ERR_REFUSED, "no room");
	ck_assert_uint_eq(uk_ahead_count(ahead), 0);
	ck_assert(is_empty());
}
END_TEST

START_TEST(the_files_are_hashed_as_they_are)
{
	char images[] = "images";
	const struct uk_plan_service planned = { .images = images };
	uk_auto_plan struct uk_plan plan = { .files_key = key };
	uk_auto_free char *here = NULL;
	uk_auto_free char *name = NULL;
	/* As in a swap: the folder of images in another one. */
	uk_ahead_destroy(ahead);
	ck_ok(uk_asprintf(&here, "%s/%s", dir, images));
	ck_ok(uk_dir_make(here, 0700));
	ck_ok(uk_ahead_create(&service, here, &plan.files_key, 0, &ahead));
	for (int i = 0; i < 2; i++)
		ck_ok(uk_ahead_copy(ahead, &room, &written));
	ck_ok(uk_ahead_settle(ahead));
	ck_ok(uk_ahead_list(ahead, images, &plan));
	ck_assert_uint_eq(plan.files.len, 3);
	ck_ok(uk_plan_verify(&plan, dir, &planned, UK_PLAN_PAGES | UK_PLAN_REST));
	/* The rest is found: three maps, an inventory. */
	ck_ok(uk_plan_list_files(&plan, dir));
	ck_assert_uint_eq(plan.files.len, 7);
	ck_ok(uk_plan_verify(&plan, dir, &planned, UK_PLAN_PAGES | UK_PLAN_REST));
	ck_ok(uk_asprintf(&name, "%s/parent/parent/parent/pages-%d.img", here, child));
	uk_auto_close int fd = open(name, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "!", 1, 5 * UK_PAGE), 1);
	ck_fails(uk_plan_verify(&plan, dir, &planned, UK_PLAN_PAGES | UK_PLAN_REST), UK_ERR_INVALID,
		 "changed since");
}
END_TEST

START_TEST(little_is_not_worth_it)
{
	ck_assert(uk_ahead_is_worth(&service, 9 << 10));
	ck_assert(!uk_ahead_is_worth(&service, 10 << 10));
	service.kind = UK_SERVICE_TREE;
	ck_assert(!uk_ahead_is_worth(&service, 0));
}
END_TEST

/* --- texts ------------------------------------------------------------------------------- */

START_TEST(private_mappings_that_can_be_read_are_areas)
{
	uk_areas areas = {};
	ck_ok(uk_pages_parse("00400000-00401000 r-xp 00000000 fe:00 131  /usr/bin/x y\n"
			     "00500000-00502000 rw-p 00000000 00:00 0    [heap]\n"
			     "00600000-00602000 ---p 00000000 00:00 0 \n"
			     "00700000-00702000 rw-s 00000000 00:01 9    /dev/zero (deleted)\n"
			     "7ffe0000-7ffe4000 r--p 00000000 00:00 0    [vvar]\n"
			     "7ffe4000-7ffe6000 r-xp 00000000 00:00 0    [vdso]\n"
			     "ffffffffff600000-ffffffffff601000 r-xp 00000000 00:00 0 [vsyscall]",
			     &areas));
	ck_assert_uint_eq(areas.len, 3);
	ck_assert_uint_eq(areas.data[0].start, 0x400000);
	ck_assert(areas.data[0].file && !areas.data[1].file);
	ck_assert_uint_eq(areas.data[1].end, 0x502000);
	ck_assert(areas.data[2].vdso && !areas.data[1].vdso);
	ck_fails(uk_pages_parse("00500000-00400000 rw-p 0 00:00 0 \n", &areas), UK_ERR_INVALID,
		 "a mapping that cannot be understood: 00500000");
	uk_vec_deinit(&areas);
}
END_TEST

START_TEST(pages_of_zeroes_and_of_files_are_not_kept)
{
	const struct uk_pages pages = { .zero = 5 };
	const struct uk_area plain = {}, file = { .file = true }, vdso = { .vdso = true };
	ck_assert(!uk_pages_is_kept(&pages, &plain, 0));
	ck_assert(!uk_pages_is_kept(&pages, &plain, UK_PAGE_PRESENT | 5));
	ck_assert(uk_pages_is_kept(&pages, &plain, UK_PAGE_PRESENT | 6));
	ck_assert(uk_pages_is_kept(&pages, &plain, UK_PAGE_SWAPPED | 5));
	ck_assert(!uk_pages_is_kept(&pages, &file, UK_PAGE_PRESENT | UK_PAGE_FILE | 6));
	ck_assert(uk_pages_is_kept(&pages, &file, UK_PAGE_PRESENT | 6));
	ck_assert(uk_pages_is_kept(&pages, &vdso, 0));
}
END_TEST

START_TEST(memory_that_changes_unnoted_is_told)
{
	ck_assert_ptr_null(uk_unfit_mapping("Size: 4 kB\nVmFlags: rd wr mr mw me ac sd \n"));
	ck_assert_ptr_nonnull(uk_unfit_mapping("VmFlags: rd wr de ht sd \n"));
	ck_assert_ptr_nonnull(uk_unfit_mapping("VmFlags: rd wr mg\n"));
	ck_assert_ptr_nonnull(uk_unfit_mapping("0-1 rw-s 0 00:0e 3 /[aio] (deleted)\n"));
	struct uk_fd fd = { .kind = UK_FD_FILE, .fs = EXT4_SUPER_MAGIC };
	ck_assert(!uk_unfit_file(&fd));
	fd.flags = O_RDWR | O_DIRECT;
	ck_assert(uk_unfit_file(&fd));
	fd = (struct uk_fd){ .kind = UK_FD_FILE, .fs = 0x65735546 }; /* FUSE */
	ck_assert(uk_unfit_file(&fd));
	fd = (struct uk_fd){ .kind = UK_FD_PIPE, .flags = O_DIRECT };
	ck_assert(!uk_unfit_file(&fd));
}
END_TEST

START_TEST(a_file_that_devices_read_into_memory_leaves_a_process_out)
{
	char path[] = "build/ahead.XXXXXX";
	int plain = mkstemp(path);
	ck_assert_int_ge(plain, 0);
	ck_ok(uk_unfit_check(getpid()));
	int fd = open(path, O_RDONLY | O_DIRECT);
	ck_assert_int_ge(fd, 0);
	ck_fails(uk_unfit_check(getpid()), UK_ERR_BUSY, path);
	close(fd);
	close(plain);
	unlink(path);
}
END_TEST

START_TEST(pages_that_cannot_be_read_are_told_one_by_one)
{
	struct uk_pages pages = { .pid = getpid() };
	static uint8_t to[8 * UK_PAGE];
	uint8_t *there =
		mmap(NULL, 8 * UK_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool wanted[8] = { true, true, true, true, true, false, true, true };
	for (int i = 0; i < 8; i++)
		fill(there + i * UK_PAGE, (uint32_t)i + 1);
	munmap(there + 2 * UK_PAGE, 2 * UK_PAGE);
	munmap(there + 7 * UK_PAGE, UK_PAGE);
	uk_pages_read(&pages, (uintptr_t)there, 8, wanted, to);
	for (int i = 0; i < 8; i++) {
		bool readable = i < 2 || i == 4 || i == 6;
		ck_assert_int_eq(wanted[i], readable);
		ck_assert_int_eq(to[i * UK_PAGE], readable ? i + 1 : 0);
	}
}
END_TEST

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

/* A process under the sanitizer has 20 TiB mapped, so that nothing of it is copied. */
static void add_copies(TCase *copies)
{
	tcase_add_test(copies, a_copy_is_what_the_process_has);
	tcase_add_test(copies, only_what_changed_is_written_again);
	tcase_add_test(copies, a_page_that_lies_elsewhere_now_is_read_again);
	tcase_add_test(copies, moves_between_rounds_are_seen);
	tcase_add_test(copies, what_was_given_back_is_not_there);
	tcase_add_test(copies, what_was_given_back_and_read_is_zero);
	tcase_add_test(copies, who_executes_another_program_is_left_out);
	tcase_add_test(copies, other_mappings_are_those_of_another_program);
	tcase_add_test(copies, who_has_ended_is_left_out);
	tcase_add_test(copies, without_room_nothing_is_left);
	tcase_add_test(copies, the_files_are_hashed_as_they_are);
}

int main(void)
{
	Suite *suite = suite_create("ahead");
	TCase *copies = tcase_create("copies"), *texts = tcase_create("texts");
	tcase_add_checked_fixture(copies, begin, end);
	tcase_set_timeout(copies, 120);
	if (!SANITIZED)
		add_copies(copies);
	tcase_add_test(copies, who_has_mapped_too_much_is_left_out);
	tcase_add_test(copies, little_is_not_worth_it);
	suite_add_tcase(suite, copies);
	tcase_add_test(texts, private_mappings_that_can_be_read_are_areas);
	tcase_add_test(texts, pages_of_zeroes_and_of_files_are_not_kept);
	tcase_add_test(texts, memory_that_changes_unnoted_is_told);
	tcase_add_test(texts, a_file_that_devices_read_into_memory_leaves_a_process_out);
	tcase_add_test(texts, pages_that_cannot_be_read_are_told_one_by_one);
	suite_add_tcase(suite, texts);
	return tap_run(suite);
}
