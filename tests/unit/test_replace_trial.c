// SPDX-License-Identifier: GPL-2.0-or-later
/* What a trial leaves out, and how it looks at what was restored. */
/* rooms: replace seat base */
#include "replace_sample.h"

#include "replace/likeness.h"
#include "replace/untried.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>

/* --- times of systemd ------------------------------------------------------------------ */

START_TEST(times_are_read)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} times[] = { { "3min\n", 180 },   { "1min 30s\n", 90 }, { "20s\n", 20 },
		      { "infinity\n", 0 }, { "0\n", 0 },	 { "", 0 },
		      { "500ms\n", 0 },	   { "2s 500ms", 2 },	 { "1h 1min", 3660 },
		      { "1d 2h", 93600 },  { "1w", 604800 },	 { "x", 0 } };
	for (size_t i = 0; i < UK_ARRAY_SIZE(times); i++)
		ck_assert_msg(uk_untried_seconds(times[i].text) == times[i].seconds, "%s",
			      times[i].text);
}
END_TEST

/* --- what is not restored -------------------------------------------------------------- */

/* A service of one process, this one, with one descriptor. */
struct sample {
	struct uk_service service;
	struct uk_task task;
	struct uk_fd fd;
	struct uk_mapping mapping;
};

static void make_sample(struct sample *sample)
{
	*sample = (struct sample){};
	sample->task = (struct uk_task){ .pid = getpid(), .comm = (char *)"sample" };
	sample->fd = (struct uk_fd){ .number = 5, .link = (char *)"/x" };
	sample->task.fds.data = &sample->fd;
	sample->task.fds.len = 1;
	sample->task.mappings.data = &sample->mapping;
	sample->service.tasks.data = &sample->task;
	sample->service.tasks.len = 1;
}

/* NULL: it is. */
static void check_restore(const struct sample *sample, const char *why)
{
	uk_auto_free char *told = NULL;
	ck_ok(uk_untried_restore(&sample->service, &told));
	if (!why)
		ck_assert_ptr_null(told);
	else
		ck_assert_ptr_nonnull(strstr(told ? told : "", why));
}

START_TEST(what_is_of_this_machine_is_not_restored)
{
	struct sample sample;
	make_sample(&sample);
	check_restore(&sample, NULL);
	sample.fd.kind = UK_FD_DEVICE;
	sample.fd.rdev = makedev(1, 3);
	check_restore(&sample, NULL);
	sample.fd.rdev = makedev(1, 1);
	check_restore(&sample, "fd 5 of ");
	check_restore(&sample, "is /x: it would open a device of this machine");
	sample.fd.kind = UK_FD_TERMINAL;
	check_restore(&sample, "it would set a terminal of this machine");
	sample.fd.kind = UK_FD_PTY;
	check_restore(&sample, NULL);
	sample.fd.kind = UK_FD_FANOTIFY;
	check_restore(&sample, "it would be asked about files of this machine");
}
END_TEST

START_TEST(a_lease_is_not_restored_and_a_lock_is)
{
	struct uk_fd_lock lock = { .kind = "FLOCK" };
	struct sample sample;
	make_sample(&sample);
	sample.fd.locks.data = &lock;
	sample.fd.locks.len = 1;
	check_restore(&sample, NULL);
	strcpy(lock.kind, "LEASE");
	check_restore(&sample, "a copy of its file cannot be leased");
}
END_TEST

START_TEST(huge_pages_are_not_taken)
{
	struct sample sample;
	make_sample(&sample);
	sample.task.mappings.len = 1;
	sample.mapping = (struct uk_mapping){ .kind = UK_MAPPING_HUGETLB, .start = 0x200000 };
	check_restore(&sample, "mapping at 200000 of ");
	sample.mapping.kind = UK_MAPPING_DELETED;
	check_restore(&sample, NULL);
}
END_TEST

START_TEST(a_file_with_another_name_is_not_restored)
{
	struct sample sample;
	make_sample(&sample);
	sample.fd.link = (char *)"/x (deleted)";
	check_restore(&sample, "its name is gone, but it has another one");
	/* It has no name at all: its content is in the images. */
	sample.fd.deleted = true;
	check_restore(&sample, NULL);
}
END_TEST

START_TEST(it_must_fit_into_memory)
{
	struct sample sample;
	make_sample(&sample);
	uint64_t before = uk_untried_memory(&sample.service);
	sample.fd.size = 1ull << 50;
	ck_assert_uint_eq(uk_untried_memory(&sample.service), before);
	check_restore(&sample, NULL);
	sample.fd.flags = O_RDWR;
	check_restore(&sample, "and of the files that it writes, would take 1073741888 MiB, and ");
	sample.fd.size = 0;
	sample.task.rss_kib = 1ull << 40;
	check_restore(&sample, "would take 1073741888 MiB");
}
END_TEST

START_TEST(shared_memory_of_the_host_is_not_taken_off)
{
	struct sample sample;
	uk_auto_free char *why = NULL, *none = NULL;
	make_sample(&sample);
	sample.service.kind = UK_SERVICE_TREE;
	sample.task.mappings.len = 1;
	sample.mapping.kind = UK_MAPPING_SYSV;
	ck_ok(uk_untried_dump(&sample.service, &why));
	ck_assert_ptr_nonnull(strstr(why ? why : "", "shared memory of System V"));
	sample.task.own_ns = 1u << UK_NS_IPC;
	ck_ok(uk_untried_dump(&sample.service, &none));
	ck_assert_ptr_null(none);
}
END_TEST

/* --- what processes look like ---------------------------------------------------------- */

static void look_at(pid_t pid, uk_likenesses *ret)
{
	uk_pids pids = {};
	*ret = (uk_likenesses){};
	ck_assert(uk_vec_push(&pids, pid));
	ck_ok(uk_likenesses_read(&pids, ret));
	uk_vec_deinit(&pids);
}

static void make_some(void)
{
	int ends[2];
	child_needs(!pipe(ends) && epoll_create1(0) >= 0 && open("/dev/null", O_RDONLY) >= 0);
	child_needs(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

START_TEST(descriptors_are_told_by_number_and_kind)
{
	uk_likenesses all;
	struct child child;
	ck_assert(child_start(&child, make_some, NULL, -1));
	look_at(child.pid, &all);
	ck_assert_uint_eq(all.len, 1);
	ck_assert_uint_eq(all.data[0].threads, 1);
	ck_assert_str_eq(all.data[0].descriptors,
			 " 0:pipe 1:pipe 2:anon_inode:[eventpoll] 3:file 4:socket");
	ck_ok(uk_likenesses_check(&all));
	/* Not the same numbers. */
	struct child other;
	ck_assert(child_start(&other, NULL, NULL, -1));
	all.data[0].pid = other.pid;
	ck_fails(uk_likenesses_check(&all), UK_ERR_INVALID,
		 "has other descriptors:; it had 0:pipe");
	child_stop(&other);
	all.data[0].pid = child.pid;
	all.data[0].threads = 2;
	ck_fails(uk_likenesses_check(&all), UK_ERR_INVALID, "has 1 threads and had 2");
	child_stop(&child);
	ck_fails(uk_likenesses_check(&all), UK_ERR_INVALID, "is not there");
	uk_likenesses_deinit(&all);
}
END_TEST

static void *wait_long(void *arg)
{
	pause();
	return arg;
}

START_TEST(threads_are_counted)
{
	uk_likenesses all;
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_long, NULL), 0);
	look_at(getpid(), &all);
	ck_assert_uint_eq(all.data[0].threads, 2);
	uk_likenesses_deinit(&all);
}
END_TEST

START_TEST(nobody_is_nothing)
{
	uk_likenesses all;
	look_at(4194303, &all);
	ck_assert_uint_eq(all.len, 0);
	uk_likenesses_deinit(&all);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_trial");
	TCase *tcase = tcase_create("trial");
	tcase_add_test(tcase, times_are_read);
	tcase_add_test(tcase, what_is_of_this_machine_is_not_restored);
	tcase_add_test(tcase, a_lease_is_not_restored_and_a_lock_is);
	tcase_add_test(tcase, huge_pages_are_not_taken);
	tcase_add_test(tcase, a_file_with_another_name_is_not_restored);
	tcase_add_test(tcase, it_must_fit_into_memory);
	tcase_add_test(tcase, shared_memory_of_the_host_is_not_taken_off);
	tcase_add_test(tcase, descriptors_are_told_by_number_and_kind);
	tcase_add_test(tcase, threads_are_counted);
	tcase_add_test(tcase, nobody_is_nothing);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
