// SPDX-License-Identifier: GPL-2.0-or-later
/* The ground floor: errors, containers, files, processes. */
/* rooms: base */
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(errors_wrap_and_map_to_exit_codes)
{
	struct uk_error *err = uk_error_create(UK_ERR_REFUSED, "relocation %d", 5);
	err = uk_error_wrap(err, "section %s", ".text");
	ck_assert_str_eq(uk_error_message(err), "section .text: relocation 5");
	ck_assert_int_eq(uk_error_exit_code(err), 2);
	ck_assert_int_eq(uk_error_exit_code(NULL), 0);
	uk_error_destroy(err);
	ck_assert_ptr_null(uk_error_wrap(NULL, "x"));
	err = uk_error_wrap(uk_error_nomem(), "x");
	ck_assert_str_eq(uk_error_message(err), "out of memory");
	uk_error_destroy(err);
}
END_TEST

START_TEST(vectors_grow)
{
	UK_VEC(int) vec = {};
	for (int i = 0; i < 1000; i++)
		ck_assert(uk_vec_push(&vec, i));
	int expected = 0;
	uk_vec_for_each(item, &vec)
		ck_assert_int_eq(*item, expected++);
	ck_assert_int_eq(expected, 1000);
	uk_vec_deinit(&vec);
	ck_assert(!uk_vec_reserve(&vec, (size_t)-1));
}
END_TEST

START_TEST(maps_find_what_was_put)
{
	uk_auto_map struct uk_map map = {};
	for (uint64_t i = 0; i < 5000; i++) {
		bool added;
		struct uk_map_entry *entry = uk_map_insert_num(&map, i * 7, &added);
		ck_assert(added);
		entry->num = i;
	}
	for (uint64_t i = 0; i < 5000; i++)
		ck_assert_uint_eq(uk_map_find_num(&map, i * 7)->num, i);
	ck_assert_ptr_null(uk_map_find_num(&map, 1));
	uint64_t expected = 0;
	uk_map_for_each(entry, &map)
		ck_assert_uint_eq(entry->num, expected++);
	ck_assert_uint_eq(expected, 5000);
	bool added;
	ck_assert_ptr_nonnull(uk_map_insert_num(&map, 7, &added));
	ck_assert(!added);
}
END_TEST

START_TEST(clocks_count_nanoseconds)
{
	const struct timespec time = uk_clock_spec(7000000009);
	ck_assert_int_eq(time.tv_sec, 7);
	ck_assert_int_eq(time.tv_nsec, 9);
	ck_assert_uint_eq(uk_clock_of(&time), 7000000009);
	uint64_t before = uk_clock_ns();
	uk_clock_sleep(2 * UK_MS_NS);
	ck_assert_uint_ge(uk_clock_ns() - before, 2 * UK_MS_NS);
}
END_TEST

START_TEST(strings_are_put_together)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_strbuf_addf(&buf, "%d-", 7);
	uk_strbuf_addstr(&buf, "x");
	uk_auto_free char *text = NULL;
	ck_ok(uk_strbuf_finish(&buf, &text));
	ck_assert_str_eq(text, "7-x");
	ck_assert(uk_str_starts(text, "7-") && !uk_str_starts("7", "7-"));
	ck_assert(uk_str_ends(text, "-x") && !uk_str_ends("x", "-x"));
}
END_TEST

START_TEST(files_are_whole_and_have_their_mode)
{
	char dir[] = "/tmp/upkeep-test-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	uk_auto_free char *deep = NULL, *path = NULL, *data = NULL;
	ck_ok(uk_asprintf(&deep, "%s/a/b", dir));
	ck_ok(uk_asprintf(&path, "%s/file", deep));
	ck_ok(uk_dir_make(deep, 0700));
	ck_ok(uk_file_write(path, "hello", 5, 0600));
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	size_t len;
	ck_ok(uk_file_read(path, 5, &data, &len));
	ck_assert_str_eq(data, "hello");
	char *more;
	ck_fails(uk_file_read(path, 4, &more, &len), UK_ERR_INVALID, "larger than 4 bytes");
	char **names;
	size_t nr;
	ck_ok(uk_dir_list(deep, &names, &nr));
	ck_assert_uint_eq(nr, 1);
	ck_assert_str_eq(names[0], "file");
	uk_strv_destroy(names, nr);
	ck_ok(uk_tree_remove(dir));
	ck_assert(!uk_file_exists(dir));
	ck_ok(uk_tree_remove(dir));
}
END_TEST

START_TEST(files_take_the_place_of_plain_files_only)
{
	char dir[] = "/tmp/upkeep-test-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	uk_auto_free char *path = NULL, *fifo = NULL, *none = NULL, *data = NULL;
	ck_ok(uk_asprintf(&path, "%s/file", dir));
	ck_ok(uk_asprintf(&fifo, "%s/fifo", dir));
	ck_ok(uk_asprintf(&none, "%s/none/file", dir));
	mode_t mask = umask(077);
	ck_ok(uk_file_write_new(path, "one", 3, 0644));
	umask(mask);
	ck_fails(uk_file_write_new(path, "two", 3, 0644), UK_ERR_SYSTEM, "File exists");
	size_t len;
	ck_ok(uk_file_read(path, 100, &data, &len));
	ck_assert_str_eq(data, "one");
	free(data);
	ck_ok(uk_file_write(path, "three", 5, 0600));
	ck_ok(uk_file_read(path, 100, &data, &len));
	ck_assert_str_eq(data, "three");
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_fails(uk_file_write(fifo, "x", 1, 0600), UK_ERR_INVALID, "no plain file");
	ck_fails(uk_file_write(none, "x", 1, 0600), UK_ERR_SYSTEM, "No such file or directory");
	char **names;
	size_t nr;
	ck_ok(uk_dir_list(dir, &names, &nr));
	ck_assert_uint_eq(nr, 2);
	uk_strv_destroy(names, nr);
	ck_ok(uk_tree_remove(dir));
}
END_TEST

START_TEST(programs_are_run_by_argument)
{
	uk_auto_free char *out = NULL;
	ck_ok(uk_process_call(&out, "printf", "%s", "$(false) ; `x`", NULL));
	ck_assert_str_eq(out, "$(false) ; `x`");
	ck_fails(uk_process_call(NULL, "ls", "/no/such/place", NULL), UK_ERR_SYSTEM,
		 "/no/such/place");
	ck_fails(uk_process_call(NULL, "no-such-program-here", NULL), UK_ERR_SYSTEM,
		 "no-such-program-here");
	const char *const argv[] = { "cat", NULL };
	size_t len = 300000;
	uk_auto_free char *big = malloc(len);
	memset(big, 'x', len);
	struct uk_process process = { .argv = argv, .input = big, .input_len = len };
	uk_auto_process_result struct uk_process_result result = {};
	ck_ok(uk_process_run(&process, &result));
	ck_assert_uint_eq(result.out_len, len);
	ck_assert_int_eq(result.status, 0);
}
END_TEST

START_TEST(programs_wait_for_their_input)
{
	static const char *const argv[] = { "sh", "-c", "cat; echo end >&2; exit 3", NULL };
	const struct uk_process process = { .argv = argv };
	uk_auto_process_result struct uk_process_result result = {};
	struct uk_process_begun begun;
	ck_ok(uk_process_begin(&process, &begun));
	struct pollfd said = { .fd = begun.out, .events = POLLIN };
	ck_assert_int_eq(poll(&said, 1, 100), 0);
	ck_ok(uk_process_finish(&begun, "words", 5, &result));
	ck_assert_int_eq(result.status, 3);
	ck_assert_str_eq(result.out, "words");
	ck_assert_str_eq(result.errout, "end\n");
	ck_assert_int_eq(kill(begun.pid, 0), -1);
}
END_TEST

START_TEST(programs_that_are_abandoned_have_done_nothing)
{
	char dir[] = "/tmp/upkeep-test-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	uk_auto_free char *name = NULL;
	ck_ok(uk_asprintf(&name, "%s/done", dir));
	const char *const argv[] = { "sh", "-c", "cat; echo >$0", name, NULL };
	const struct uk_process process = { .argv = argv };
	struct uk_process_begun begun;
	ck_ok(uk_process_begin(&process, &begun));
	int fd = begun.in;
	uk_process_abandon(&begun);
	ck_assert_int_eq(kill(begun.pid, 0), -1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert(!uk_file_exists(name));
	ck_ok(uk_tree_remove(dir));
}
END_TEST

/* Says its pid through a pipe that nobody else has, and sleeps. */
static void run_sleeper(int fd)
{
	const char *const argv[] = { "sh", "-c", "echo $$ >&$0; exec sleep 1000", "9", NULL };
	struct uk_process process = { .argv = argv };
	dup2(fd, 9);
	close(fd);
	uk_error_destroy(uk_process_check(&process, NULL));
	_exit(0);
}

START_TEST(programs_end_with_who_runs_them)
{
	int pipes[2];
	char pid[32];
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	pid_t runner = fork();
	if (!runner)
		run_sleeper(pipes[1]);
	close(pipes[1]);
	ck_assert_int_gt(read(pipes[0], pid, sizeof(pid)), 1);
	ck_assert_int_eq(kill(atoi(pid), 0), 0);
	ck_assert_int_eq(kill(runner, SIGKILL), 0);
	ck_assert_int_eq(waitpid(runner, NULL, 0), runner);
	/* The sleeper has the pipe's other end. */
	struct pollfd end = { .fd = pipes[0], .events = POLLIN };
	ck_assert_int_eq(poll(&end, 1, 10000), 1);
	ck_assert_int_eq(read(pipes[0], pid, sizeof(pid)), 0);
	close(pipes[0]);
}
END_TEST

/* The example of FIPS 180-4 for "abc". */
START_TEST(hash_is_sha256)
{
	struct uk_hash hash;
	char hex[UK_HASH_HEX_LEN + 1];
	uk_hash_init(&hash);
	uk_hash_add(&hash, "abc", 3);
	uk_hash_hex(&hash, hex);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

/* What becomes of a process that takes two steps. */
static int take_steps(const char *fault)
{
	struct uk_fault steps;
	int status = -1;
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		setenv("UPKEEP_FAULT", fault, 1);
		uk_fault_init(&steps);
		uk_fault_step(&steps);
		uk_fault_step(&steps);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
	if (WIFSTOPPED(status)) {
		int end;
		kill(child, SIGKILL);
		waitpid(child, &end, 0);
	}
	return status;
}

START_TEST(faults_end_a_process_in_their_way)
{
	ck_assert_int_eq(take_steps(""), 0);
	ck_assert_int_eq(take_steps("3"), 0);
	ck_assert_int_eq(WEXITSTATUS(take_steps("2")), UK_FAULT_STATUS);
	ck_assert_int_eq(WTERMSIG(take_steps("1:kill")), SIGKILL);
	ck_assert(WIFSTOPPED(take_steps("2:stop")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base");
	TCase *tcase = tcase_create("base");
	tcase_add_test(tcase, errors_wrap_and_map_to_exit_codes);
	tcase_add_test(tcase, vectors_grow);
	tcase_add_test(tcase, maps_find_what_was_put);
	tcase_add_test(tcase, clocks_count_nanoseconds);
	tcase_add_test(tcase, strings_are_put_together);
	tcase_add_test(tcase, files_are_whole_and_have_their_mode);
	tcase_add_test(tcase, files_take_the_place_of_plain_files_only);
	tcase_add_test(tcase, programs_are_run_by_argument);
	tcase_add_test(tcase, programs_wait_for_their_input);
	tcase_add_test(tcase, programs_that_are_abandoned_have_done_nothing);
	tcase_add_test(tcase, programs_end_with_who_runs_them);
	tcase_add_test(tcase, hash_is_sha256);
	tcase_add_test(tcase, faults_end_a_process_in_their_way);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
