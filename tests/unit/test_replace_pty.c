// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* The numbers of ptys: read from images, and left free for who is restored. */
#include "replace/pty.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

static char dir[64];

static void make_dir(void)
{
	strcpy(dir, "/tmp/upkeep-pty.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	uk_error_destroy(uk_tree_remove(dir));
}

/* With a devpts of our own, in which nobody else takes numbers. */
static void set_up(void)
{
	make_dir();
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("devpts", dir, "devpts", 0, "newinstance,ptmxmode=666"), 0);
	char ptmx[80];
	snprintf(ptmx, sizeof(ptmx), "%s/ptmx", dir);
	ck_assert_int_eq(mount(ptmx, "/dev/ptmx", NULL, MS_BIND, NULL), 0);
}

static void tear_down(void)
{
	umount("/dev/ptmx");
	umount(dir);
	remove_dir();
}

/* The next that somebody gets; closed again. */
static int next_number(void)
{
	int number = -1;
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, TIOCGPTN, &number), 0);
	close(fd);
	return number;
}

static struct uk_ptys wants(const uint32_t *numbers, size_t nr)
{
	struct uk_ptys ptys = {};
	for (size_t i = 0; i < nr; i++)
		ck_assert(uk_vec_push(&ptys.numbers, numbers[i]));
	return ptys;
}

/* criu/tty.c: it gives up at once where its own is 32 or more above. */
START_TEST(a_high_number_is_the_next)
{
	struct uk_ptys ptys = wants((const uint32_t[]){ 40 }, 1);
	ck_assert_int_eq(next_number(), 0);
	ck_ok(uk_ptys_begin(&ptys));
	ck_assert_int_eq(next_number(), 40);
	uk_ptys_end(&ptys);
	ck_assert_int_eq(next_number(), 0);
}
END_TEST

START_TEST(all_that_are_wanted_are_free)
{
	static const uint32_t all[] = { 0, 3, 40 };
	struct uk_ptys ptys = wants(all, 3);
	ck_ok(uk_ptys_begin(&ptys));
	int fds[3];
	uint32_t number = 0;
	for (int i = 0; i < 3; i++) {
		fds[i] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
		ck_assert_int_eq(ioctl(fds[i], TIOCGPTN, &number), 0);
		ck_assert_uint_eq(number, all[i]);
	}
	uk_ptys_end(&ptys);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}
END_TEST

/* It is criu that says so. */
START_TEST(a_number_that_is_taken_is_not_waited_for)
{
	struct uk_ptys ptys = wants((const uint32_t[]){ 0 }, 1);
	struct uk_ptys more = wants((const uint32_t[]){ 0, 1 }, 2);
	int fds[2] = { open("/dev/ptmx", O_RDWR | O_NOCTTY), open("/dev/ptmx", O_RDWR | O_NOCTTY) };
	ck_assert_int_ge(fds[1], 0);
	ck_ok(uk_ptys_begin(&ptys));
	uk_ptys_end(&ptys);
	ck_ok(uk_ptys_begin(&more));
	uk_ptys_end(&more);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static atomic_bool second_began;

static void *begin_second(void *arg)
{
	struct uk_ptys ptys = wants((const uint32_t[]){ 1 }, 1);
	ck_ok(uk_ptys_begin(&ptys));
	second_began = true;
	uk_ptys_end(&ptys);
	return NULL;
}

START_TEST(one_looks_at_a_time)
{
	pthread_t thread;
	struct uk_ptys first = wants((const uint32_t[]){ 0 }, 1), none = {};
	ck_ok(uk_ptys_begin(&first));
	ck_assert_int_eq(pthread_create(&thread, NULL, begin_second, NULL), 0);
	usleep(100000);
	ck_assert(!second_began);
	/* Who has none does not wait. */
	ck_ok(uk_ptys_begin(&none));
	uk_ptys_end(&none);
	uk_ptys_end(&first);
	pthread_join(thread, NULL);
	ck_assert(second_began);
}
END_TEST

/* Two words of magic numbers; then messages behind their lengths, see tty.proto. */
static void put_image(const void *messages, size_t len)
{
	static const uint8_t magic[] = { 0x19, 0x43, 0x56, 0x54, 0x36, 0x30, 0x45, 0x59 };
	uk_auto_strbuf struct uk_strbuf file = {};
	uk_auto_free char *path = NULL;
	uk_strbuf_add(&file, magic, sizeof(magic));
	uk_strbuf_add(&file, messages, len);
	ck_ok(uk_asprintf(&path, "%s/tty-info.img", dir));
	ck_ok(uk_file_write(path, file.data, file.len, 0600));
}

START_TEST(numbers_are_read_from_images)
{
	/* { id 1, pty { index 5 } }, the other end of it, { id 3, a console }, { pty { index 2 } }
	 */
	static const uint8_t terminals[] = { 6,	   0, 0,    0, 0x08, 1, 0x62, 2, 0x08, 5, 6,	0,
					     0,	   0, 0x08, 2, 0x62, 2, 0x08, 5, 4,    0, 0,	0,
					     0x08, 3, 0x10, 2, 4,    0, 0,    0, 0x62, 2, 0x08, 2 };
	struct uk_ptys ptys;
	put_image(terminals, sizeof(terminals));
	ck_ok(uk_ptys_read(dir, &ptys));
	ck_assert_uint_eq(ptys.numbers.len, 2);
	ck_assert_uint_eq(ptys.numbers.data[0], 2);
	ck_assert_uint_eq(ptys.numbers.data[1], 5);
	uk_ptys_end(&ptys);
}
END_TEST

START_TEST(without_terminals_nothing_is_wanted)
{
	struct uk_ptys ptys;
	ck_ok(uk_ptys_read(dir, &ptys));
	ck_assert_uint_eq(ptys.numbers.len, 0);
	uk_ptys_end(&ptys);
}
END_TEST

START_TEST(other_images_are_refused)
{
	static const uint8_t nothing[] = { 2, 0, 0, 0, 0x62, 0 };
	static const uint8_t high[] = { 7, 0, 0, 0, 0x62, 5, 0x08, 0xff, 0xff, 0xff, 0x7f };
	static const uint8_t cut[] = { 9, 0, 0, 0, 0x62 };
	struct uk_ptys ptys;
	put_image(nothing, sizeof(nothing));
	ck_fails(uk_ptys_read(dir, &ptys), UK_ERR_REFUSED, "tty-info.img is not as criu");
	uk_ptys_end(&ptys);
	put_image(high, sizeof(high));
	ck_fails(uk_ptys_read(dir, &ptys), UK_ERR_REFUSED, "a pty has no number");
	uk_ptys_end(&ptys);
	put_image(cut, sizeof(cut));
	ck_fails(uk_ptys_read(dir, &ptys), UK_ERR_REFUSED, "tty-info.img");
	uk_ptys_end(&ptys);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace-pty");
	TCase *tcase = tcase_create("numbers");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_high_number_is_the_next);
	tcase_add_test(tcase, all_that_are_wanted_are_free);
	tcase_add_test(tcase, a_number_that_is_taken_is_not_waited_for);
	tcase_add_test(tcase, one_looks_at_a_time);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("images");
	tcase_add_checked_fixture(tcase, make_dir, remove_dir);
	tcase_add_test(tcase, numbers_are_read_from_images);
	tcase_add_test(tcase, without_terminals_nothing_is_wanted);
	tcase_add_test(tcase, other_images_are_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
