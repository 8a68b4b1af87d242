// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* Files that a service has mapped: noted, and missed when they are others. */
#include "replace/mapped.h"

#include "base/file.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "build/mapped.XXXXXX";
static char whole[4096];
static void *mapped;

static void map_file(void)
{
	strcpy(strrchr(path, '.'), ".XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "library", 7), 7);
	mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(mapped, MAP_FAILED);
	close(fd);
	ck_assert_ptr_nonnull(realpath(path, whole));
}

static void unmap_file(void)
{
	munmap(mapped, 4096);
	unlink(whole);
}

static void deinit(struct uk_plan_service *service)
{
	uk_vec_for_each(file, &service->mapped)
		free(file->path);
	uk_vec_deinit(&service->mapped);
}

static size_t count(const struct uk_plan_service *service)
{
	size_t nr = 0;
	uk_vec_for_each(file, &service->mapped)
		nr += !strcmp(file->path, whole);
	return nr;
}

START_TEST(a_mapped_file_is_noted_once)
{
	struct uk_plan_service service = {};
	ck_ok(uk_mapped_note(getpid(), &service));
	ck_ok(uk_mapped_note(getpid(), &service));
	ck_assert_uint_eq(count(&service), 1);
	ck_ok(uk_mapped_check(&service));
	deinit(&service);
}
END_TEST

START_TEST(a_file_that_was_written_to_is_told)
{
	struct uk_plan_service service = {};
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };
	ck_ok(uk_mapped_note(getpid(), &service));
	ck_assert_int_eq(utimensat(AT_FDCWD, whole, times, 0), 0);
	ck_fails(uk_mapped_check(&service), UK_ERR_INVALID, "changed since the freeze");
	deinit(&service);
}
END_TEST

START_TEST(a_file_that_is_gone_is_told)
{
	struct uk_plan_service service = {};
	ck_ok(uk_mapped_note(getpid(), &service));
	unlink(whole);
	ck_fails(uk_mapped_check(&service), UK_ERR_SYSTEM, whole);
	deinit(&service);
}
END_TEST

START_TEST(a_file_without_a_name_is_not_noted)
{
	struct uk_plan_service service = {};
	unlink(whole);
	ck_ok(uk_mapped_note(getpid(), &service));
	ck_assert_uint_eq(count(&service), 0);
	deinit(&service);
}
END_TEST

START_TEST(who_has_ended_has_nothing_mapped)
{
	struct uk_plan_service service = {};
	ck_ok(uk_mapped_note(1 << 30, &service));
	ck_assert_uint_eq(service.mapped.len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mapped");
	TCase *tc = tcase_create("mapped");
	tcase_add_checked_fixture(tc, map_file, unmap_file);
	tcase_add_test(tc, a_mapped_file_is_noted_once);
	tcase_add_test(tc, a_file_that_was_written_to_is_told);
	tcase_add_test(tc, a_file_that_is_gone_is_told);
	tcase_add_test(tc, a_file_without_a_name_is_not_noted);
	tcase_add_test(tc, who_has_ended_has_nothing_mapped);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
