// SPDX-License-Identifier: GPL-2.0-or-later
/* The course of a case, and what the cases share. */
#include "zoo.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct zoo zoo;

/* --- saying what is wrong -------------------------------------------------------------------- */

char *zoo_path(const char *suffix)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s.%s", zoo.dir, zoo.now->name, suffix) < 0)
		_exit(2);
	return path;
}

/* The first result stays: a link never replaces anything. */
static void write_result(const char *text)
{
	char *path = zoo_path("result");
	char *fresh = NULL;
	int fd;

	if (asprintf(&fresh, "%s.%d", path, getpid()) < 0)
		_exit(2);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || write(fd, "\n", 1) < 0)
		_exit(2);
	close(fd);
	if (link(fresh, path) && errno != EEXIST)
		_exit(2);
	unlink(fresh);
}

/* Ends all other processes of the tree, and this one. */
static void end_tree(int status)
{
	for (int i = 0; i < zoo.page->pid_count && i < ZOO_PIDS; i++) {
		const pid_t pid = zoo.page->pids[i];

		if (pid > 0 && pid != getpid())
			kill(pid, SIGKILL);
	}
	_exit(status);
}

void zoo_fail_at(const char *file, int line, const char *format, ...)
{
	char said[1024], text[1200];
	const char *name = strrchr(file, '/');
	va_list rest;

	va_start(rest, format);
	vsnprintf(said, sizeof(said), format, rest);
	va_end(rest);
	for (char *c = said; *c; c++)
		if (*c == '\n')
			*c = ' ';
	snprintf(text, sizeof(text), "FAILED: %s%s (%s:%d)",
		 zoo.page->ready ? "" : "before the swap: ", said, name ? name + 1 : file, line);
	write_result(text);
	dprintf(STDERR_FILENO, "%s: %s\n", zoo.now->name, text);
	end_tree(1);
	__builtin_unreachable();
}

void zoo_skip(const char *format, ...)
{
	char said[1024], text[1200];
	va_list rest;

	va_start(rest, format);
	vsnprintf(said, sizeof(said), format, rest);
	va_end(rest);
	snprintf(text, sizeof(text), "skip: %s", said);
	write_result(text);
	end_tree(0);
	__builtin_unreachable();
}

void zoo_same_at(const char *file, int line, const char *what, long long wanted, long long found)
{
	if (wanted != found)
		zoo_fail_at(file, line, "%s: wanted %lld, found %lld", what, wanted, found);
}

void zoo_bytes_at(const char *file, int line, const char *what, const void *wanted,
		  const void *found, size_t size)
{
	const uint8_t *a = wanted, *b = found;

	for (size_t i = 0; i < size; i++) {
		if (a[i] != b[i])
			zoo_fail_at(file, line, "%s: byte %zu of %zu: wanted %#x, found %#x", what,
				    i, size, a[i], b[i]);
	}
}

void zoo_text_at(const char *file, int line, const char *what, const char *wanted,
		 const char *found)
{
	if (strcmp(wanted, found))
		zoo_fail_at(file, line, "%s: wanted \"%s\", found \"%s\"", what, wanted, found);
}

void zoo_near_at(const char *file, int line, const char *what, double wanted, double found,
		 double early, double late)
{
	if (found < wanted - early || found > wanted + late)
		zoo_fail_at(file, line, "%s: wanted %.2f, found %.2f", what, wanted, found);
}

enum { KEPT = 64 };
static struct {
	const char *what;
	char *text;
} kept[KEPT];

/* The first difference of long texts, by lines. */
static void say_difference(const char *file, int line, const char *what, const char *wanted,
			   const char *found)
{
	while (*wanted && *found) {
		const int a = (int)strcspn(wanted, "\n"), b = (int)strcspn(found, "\n");

		if (a != b || strncmp(wanted, found, (size_t)a))
			break;
		wanted += a + (wanted[a] == '\n');
		found += b + (found[b] == '\n');
	}
	zoo_fail_at(file, line, "%s: wanted \"%.*s\", found \"%.*s\"", what,
		    (int)strcspn(wanted, "\n"), wanted, (int)strcspn(found, "\n"), found);
}

void zoo_kept_at(const char *file, int line, const char *what, const char *text)
{
	int i = 0;

	while (i < KEPT && kept[i].what && strcmp(kept[i].what, what))
		i++;
	if (i == KEPT)
		zoo_fail_at(file, line, "%s: too much to keep", what);
	if (!kept[i].what) {
		kept[i].what = strdup(what);
		kept[i].text = strdup(text);
	} else if (strcmp(kept[i].text, text)) {
		say_difference(file, line, what, kept[i].text, text);
	}
}

long zoo_sys_at(const char *file, int line, const char *what, long returned)
{
	if (returned < 0)
		zoo_fail_at(file, line, "%s: %s", what, strerror(errno));
	return returned;
}

void zoo_errno_at(const char *file, int line, const char *what, int wanted, long returned)
{
	if (returned >= 0)
		zoo_fail_at(file, line, "%s: wanted %s, found %ld", what, strerror(wanted),
			    returned);
	if (errno != wanted)
		zoo_fail_at(file, line, "%s: wanted %s, found %s", what, strerror(wanted),
			    strerror(errno));
}

/* --- waiting --------------------------------------------------------------------------------- */

double zoo_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double zoo_stood(void)
{
	char *path = zoo_path("stood");
	FILE *file = fopen(path, "re");
	double seconds = 0;

	if (file && fscanf(file, "%lf", &seconds) != 1)
		seconds = 0;
	if (file)
		fclose(file);
	free(path);
	return seconds;
}

double zoo_lasts(void)
{
	const char *said = getenv("ZOO_TIME");

	return said ? atof(said) : 8;
}

void zoo_over_at(double moment)
{
	if (!getenv("ZOO_SWAP"))
		return;
	zoo_want(zoo.page->gap_at > 0 && moment > zoo.page->gap_at - 1,
		 "not tested: its time was over before the swap, ZOO_TIME is too short");
}

/* Till a moment, not for a time: such a sleep is begun again by any kernel, and nobody can tell. */
void zoo_pause(int milliseconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += milliseconds % 1000 * 1000000L;
	until.tv_sec += milliseconds / 1000 + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

bool zoo_gone(void)
{
	char *path = zoo_path("go");
	struct stat about; /* access() would ask as the real user */
	const bool there = stat(path, &about) == 0;

	free(path);
	return there;
}

/* How far the clocks are apart; a jump in it is the time that the swap took. */
static double apart(void)
{
	return zoo_now(CLOCK_REALTIME) - zoo_now(CLOCK_MONOTONIC);
}

/* Where many cases wait at a time, on a slow machine, ZOO_STEP has them look less often. */
void zoo_idle(void)
{
	const char *said = getenv("ZOO_STEP");

	zoo_pause(said ? atoi(said) : 20);
}

void zoo_await_go(void)
{
	const double before = apart();
	bool gone;

	do {
		zoo_idle();
		gone = zoo_gone();
		if (zoo.page->gap_at == 0 && apart() > before + 0.3) {
			zoo.page->gap = apart() - before;
			zoo.page->gap_at = zoo_now(CLOCK_MONOTONIC);
		}
	} while (!gone);
}

void zoo_await_asleep(pid_t task, long nr)
{
	const double end = zoo_now(CLOCK_MONOTONIC) + ZOO_DEADLINE;
	char path[64], said[256];
	int seen = 0;

	snprintf(path, sizeof(path), "/proc/%d/syscall", task);
	while (seen < 3) {
		zoo_want(zoo_now(CLOCK_MONOTONIC) < end, "not asleep in system call %ld but in %s",
			 nr, said);
		zoo_get(path, said, sizeof(said));
		seen = said[0] >= '0' && said[0] <= '9' && atol(said) == nr ? seen + 1 : 0;
		zoo_pause(20);
	}
}

void zoo_step(int step, int value)
{
	zoo.page->steps[step] = value;
	__sync_synchronize();
}

void zoo_await_step(int step, int value)
{
	const double end = zoo_now(CLOCK_MONOTONIC) + ZOO_DEADLINE;

	while (zoo.page->steps[step] < value) {
		zoo_want(zoo_now(CLOCK_MONOTONIC) < end, "step %d: still at %d, not at %d", step,
			 zoo.page->steps[step], value);
		zoo_idle();
	}
}

/* --- processes, files ------------------------------------------------------------------------ */

void zoo_register(pid_t pid)
{
	const int slot = __sync_fetch_and_add(&zoo.page->pid_count, 1);

	if (slot < ZOO_PIDS)
		zoo.page->pids[slot] = pid;
}

pid_t zoo_fork(void (*body)(void))
{
	const pid_t pid = fork();

	zoo_want(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		body();
		_exit(0);
	}
	zoo_register(pid);
	return pid;
}

void zoo_join(pid_t pid)
{
	int status;

	zoo_same("waitpid", pid, waitpid(pid, &status, 0));
	zoo_want(status == 0, "process %d: wanted status 0, found %#x", pid, status);
}

void zoo_put(const char *path, const char *text)
{
	char *fresh = NULL;
	int fd;

	if (asprintf(&fresh, "%s.new", path) < 0)
		_exit(2);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	zoo_want(fd >= 0 && write(fd, text, strlen(text)) >= 0, "%s: %s", fresh, strerror(errno));
	close(fd);
	zoo_want(!rename(fresh, path), "%s: %s", path, strerror(errno));
	free(fresh);
}

size_t zoo_get(const char *path, char *buffer, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t got;

	zoo_want(fd >= 0, "%s: %s", path, strerror(errno));
	while (have < size - 1 && (got = read(fd, buffer + have, size - 1 - have)) > 0)
		have += (size_t)got;
	close(fd);
	buffer[have] = '\0';
	return have;
}

void zoo_status(pid_t pid, const char *key, char *buffer, size_t size)
{
	char path[64], text[8192];
	char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	zoo_get(path, text, sizeof(text));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			break;
	zoo_want(line, "%s has no %s", path, key);
	snprintf(buffer, size, "%s", line);
}

void zoo_kept_status(const char *key)
{
	char line[512];

	zoo_status(getpid(), key, line, sizeof(line));
	zoo_kept(key, line);
}

void zoo_idle_body(void)
{
	zoo_step(0, 1);
	for (;;)
		zoo_idle();
}

void zoo_write(int fd, const char *text)
{
	zoo_same("bytes written", strlen(text), zoo_sys(write(fd, text, strlen(text))));
}

void zoo_send(int fd, const char *text)
{
	zoo_same("bytes sent", strlen(text), zoo_sys(send(fd, text, strlen(text), MSG_NOSIGNAL)));
}

static void await_input(int fd)
{
	const double end = zoo_now(CLOCK_MONOTONIC) + ZOO_DEADLINE;
	struct pollfd about = { .fd = fd, .events = POLLIN };

	while (poll(&about, 1, 100) <= 0)
		zoo_want(zoo_now(CLOCK_MONOTONIC) < end, "descriptor %d: nothing to read", fd);
}

void zoo_read(int fd, const char *wanted)
{
	char buffer[4096] = "";
	const size_t size = strlen(wanted);
	size_t have = 0;

	zoo_want(size < sizeof(buffer), "too long a text");
	while (have < size) {
		ssize_t got;

		await_input(fd);
		got = zoo_sys(read(fd, buffer + have, size - have));
		if (got == 0)
			break;
		have += (size_t)got;
	}
	buffer[have] = '\0';
	zoo_text("read", wanted, buffer);
}

void zoo_empty(int fd)
{
	struct pollfd about = { .fd = fd, .events = POLLIN };

	zoo_same("poll for what should not be there", 0, poll(&about, 1, 0));
}

uint8_t zoo_byte(size_t position)
{
	return (uint8_t)(position * 7 + position / 251 + 1);
}

/* --- the course of a case -------------------------------------------------------------------- */

static void say_ready(void)
{
	char *path = zoo_path("ready");

	zoo.page->ready = 1;
	zoo_put(path, "ready\n");
	free(path);
}

static void on_interrupt(int number)
{
}

/* A signal is to interrupt the sleeper, if it is to be sabotaged so: none of the others does. */
static void allow_interrupt(void)
{
	const struct sigaction action = { .sa_handler = on_interrupt };

	if (zoo.kind == ZOO_BROKEN)
		zoo_sys(sigaction(SIGUSR1, &action, NULL));
}

static void body_of_waker(void)
{
	const double lasts = zoo.kind == ZOO_LOST ? 2 : ZOO_DEADLINE + zoo_lasts();
	double end;

	zoo_await_asleep(zoo.root, zoo.now->nr);
	say_ready();
	if (zoo.kind == ZOO_BROKEN)
		zoo_sys(kill(zoo.root, SIGUSR1));
	if (zoo.kind == ZOO_EARLY && zoo.now->wake)
		zoo.now->wake();
	zoo_await_go();
	zoo.page->woken = 1;
	__sync_synchronize();
	if (zoo.now->wake && zoo.kind != ZOO_LOST && zoo.kind != ZOO_EARLY)
		zoo.now->wake();
	end = zoo_now(CLOCK_MONOTONIC) + lasts;
	while (!zoo.page->done) {
		zoo_want(zoo_now(CLOCK_MONOTONIC) < end, "still asleep %.0f s after it was woken",
			 lasts);
		zoo_pause(20);
	}
}

static void course_of_sleeper(void)
{
	pid_t waker;

	allow_interrupt();
	waker = zoo_fork(body_of_waker);
	zoo.now->sleep();
	zoo.page->done = 1;
	zoo_join(waker);
}

static void course(void)
{
	if (zoo.now->setup)
		zoo.now->setup();
	zoo_register(getpid());
	zoo.root = getpid();
	if (zoo.now->check)
		zoo.now->check();
	if (zoo.now->sleep) {
		course_of_sleeper();
	} else {
		say_ready();
		zoo_await_go();
	}
	if (zoo.kind && zoo.now->sabotage)
		zoo.now->sabotage();
	if (zoo.now->check)
		zoo.now->check();
	if (zoo.now->verify)
		zoo.now->verify();
	write_result("ok");
	end_tree(0);
}

static int run_case(const struct zoo_case *one, const char *dir, enum zoo_kind kind)
{
	char number[32];

	zoo.now = one;
	zoo.arg = one->arg;
	zoo.kind = kind;
	zoo.dir = realpath(dir, NULL);
	if (!zoo.dir) {
		perror(dir);
		return 2;
	}
	zoo.page = mmap(NULL, sizeof(*zoo.page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (zoo.page == MAP_FAILED)
		return 2;
	if (getpid() != getsid(0) && setsid() < 0) {
		perror("setsid");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* a write that fails is told, not died of */
	snprintf(number, sizeof(number), "%d\n", getpid());
	if (!getenv("ZOO_INSIDE"))
		zoo_put(zoo_path("pid"), number);
	course();
	return 0;
}

static const struct zoo_case *find_case(const char *name)
{
	for (int f = 0; zoo_families[f]; f++)
		for (const struct zoo_case *c = zoo_families[f]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

static void list_cases(void)
{
	for (int f = 0; zoo_families[f]; f++)
		for (const struct zoo_case *c = zoo_families[f]; c->name; c++)
			puts(c->name);
}

/* The ways in which a case can be sabotaged, as numbers for `zoo sabotage'. */
static int list_kinds(const struct zoo_case *one)
{
	if (!one->sleep || !one->restarts)
		puts("1");
	if (one->sleep && one->wake)
		puts("2\n3");
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	const struct zoo_case *one = argc > 2 ? find_case(argv[2]) : NULL;

	if (!strcmp(verb, "list")) {
		list_cases();
		return 0;
	}
	if (argc > 2 && !one) {
		fprintf(stderr, "zoo: there is no case %s\n", argv[2]);
		return 2;
	}
	if (!strcmp(verb, "kinds") && one)
		return list_kinds(one);
	if (!strcmp(verb, "run") && argc == 4)
		return run_case(one, argv[3], ZOO_INTACT);
	if (!strcmp(verb, "sabotage") && (argc == 4 || argc == 5))
		return run_case(one, argv[3],
				argc == 5 ? (enum zoo_kind)atoi(argv[4]) : ZOO_BROKEN);
	fprintf(stderr, "usage: zoo list | run NAME DIR | kinds NAME | sabotage NAME DIR [KIND]\n");
	return 2;
}
