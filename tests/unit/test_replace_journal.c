// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/*
 * Connections to the journal over a swap, with a process that does what systemd and journald
 * do of it: it stores descriptors, and when it is restarted it reads those that it knows.
 */
#include "replace/holder.h"
#include "replace/journal.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LINES = 300,
	STREAMS_MAX = 8,
	SECOND_FD = 7,
};

static char dir[64], socket_path[128], streams_path[128], notify_path[128], alive_path[128];
static struct uk_journal_paths paths;
static pid_t fake;

static const char *in_dir(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void append(const char *name, const char *text, size_t len)
{
	int fd = open(in_dir(name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		_exit(1);
	close(fd);
}

static char *content(const char *name)
{
	char *text = NULL;
	if (uk_file_exists(in_dir(name)))
		ck_ok(uk_file_read(in_dir(name), 1 << 20, &text, NULL));
	else
		ck_ok(uk_strdup("", &text));
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t nr = 0;
	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		nr++;
	return nr;
}

/* Waits for @nr lines in a file; gives the file. */
static char *await_lines(const char *name, size_t nr)
{
	for (int i = 0; i < 12000; i++) {
		char *text = content(name);
		if (count(text, "\n") >= nr)
			return text;
		free(text);
		usleep(5000);
	}
	ck_abort_msg("%s never had %zu lines", name, nr);
}

/* --- systemd and journald ------------------------------------------------------------- */

struct fake {
	int fds[STREAMS_MAX];
	size_t nr;
	bool reads, drops;
};

union control {
	char buf[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(4 * sizeof(int))];
	struct cmsghdr align;
};

/* The sender and at most one descriptor of a message. */
static ssize_t receive(int from, char *text, size_t size, struct ucred *creds, int *fd)
{
	union control control = {};
	struct iovec part = { text, size };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.buf,
				  .msg_controllen = sizeof(control.buf) };
	ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head;
	     head = CMSG_NXTHDR(&message, head)) {
		if (head->cmsg_type == SCM_CREDENTIALS)
			memcpy(creds, CMSG_DATA(head), sizeof(*creds));
		else if (head->cmsg_type == SCM_RIGHTS)
			memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	}
	return got;
}

static void hear(struct fake *self, int notify)
{
	char text[256] = "";
	struct ucred creds = {};
	int fd = -1;
	ssize_t len = receive(notify, text, sizeof(text) - 2, &creds, &fd);
	for (char *at = text; *at; at++)
		*at = *at == '\n' ? ' ' : *at;
	strcpy(text + len, "\n");
	append(creds.pid == getpid() ? "heard" : "strangers", text, (size_t)len + 1);
	if (strncmp(text, "FDSTORE=1", 9) || self->nr == STREAMS_MAX)
		close(fd);
	else
		self->fds[self->nr++] = fd;
}

/* What is known of a connection is in its file. */
static void start_again(struct fake *self)
{
	char byte, path[160];
	struct stat st;
	int fifo = open(in_dir("restart"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (read(fifo, &byte, 1) != 1)
		_exit(1);
	close(fifo);
	self->reads = !self->drops;
	for (size_t i = 0; i < self->nr; i++) {
		if (fstat(self->fds[i], &st))
			_exit(1);
		snprintf(path, sizeof(path), "streams/%ju:%ju", (uintmax_t)st.st_dev,
			 (uintmax_t)st.st_ino);
		if (self->drops || !uk_file_exists(in_dir(path))) {
			close(self->fds[i]);
			self->fds[i] = -1;
		}
	}
	append("restarted", "", 0);
}

/* Lines as the journal has them, each with who wrote it. As journald it takes no errors. */
static void read_stream(int *fd, short events)
{
	char text[4096], line[4200], *save = NULL;
	struct ucred creds = {};
	int none = -1;
	ssize_t len = events & POLLERR ? -1 : receive(*fd, text, sizeof(text) - 1, &creds, &none);
	if (len <= 0) {
		close(*fd);
		*fd = -1;
		return;
	}
	text[len] = '\0';
	for (char *at = strtok_r(text, "\n", &save); at; at = strtok_r(NULL, "\n", &save)) {
		int n = snprintf(line, sizeof(line), "%d %s\n", creds.pid, at);
		append("lines", line, (size_t)n);
	}
}

static void fake_main(int notify, int fifo, bool drops)
{
	struct fake self = { .drops = drops };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct pollfd wait[2 + STREAMS_MAX] = { { notify, POLLIN }, { fifo, POLLIN } };
		for (size_t i = 0; i < self.nr; i++)
			wait[2 + i] = (struct pollfd){ self.reads ? self.fds[i] : -1, POLLIN };
		poll(wait, 2 + self.nr, -1);
		size_t nr = self.nr;
		if (wait[0].revents)
			hear(&self, notify);
		if (wait[1].revents)
			start_again(&self);
		for (size_t i = 0; i < nr; i++) {
			if (wait[2 + i].revents)
				read_stream(&self.fds[i], wait[2 + i].revents);
		}
	}
}

static void start_fake(bool drops)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int yes = 1, notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char pid[16];
	strcpy(address.sun_path, notify_path);
	ck_assert_int_eq(bind(notify, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setsockopt(notify, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)), 0);
	ck_assert_int_eq(mkfifo(in_dir("restart"), 0600), 0);
	int fifo = open(in_dir("restart"), O_RDWR | O_CLOEXEC);
	fake = fork();
	if (!fake)
		fake_main(notify, fifo, drops);
	ck_assert_int_gt(fake, 0);
	close(notify);
	close(fifo);
	snprintf(pid, sizeof(pid), "%d\n", fake);
	ck_ok(uk_file_write(in_dir("pid"), pid, strlen(pid), 0600));
}

/* In the place of the real one, first in PATH. */
static void write_systemctl(void)
{
	uk_auto_free char *text = NULL, *path = NULL;
	ck_ok(uk_asprintf(&text,
			  "#!/bin/sh\n"
			  "cd %s || exit 1\n"
			  "case $1 in\n"
			  "show) cat pid ;;\n"
			  "restart) echo \"$2\" >unit; printf x >restart\n"
			  "    while ! test -e restarted; do sleep 0.01; done ;;\n"
			  "*) exit 1 ;;\n"
			  "esac\n",
			  dir));
	ck_ok(uk_file_write(in_dir("systemctl"), text, strlen(text), 0755));
	ck_ok(uk_asprintf(&path, "%s:%s", dir, getenv("PATH")));
	setenv("PATH", path, 1);
}

static void set_up(void)
{
	strcpy(dir, "/tmp/upkeep-journal.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	strcpy(socket_path, in_dir("journal/stdout"));
	strcpy(streams_path, in_dir("streams"));
	strcpy(notify_path, in_dir("notify"));
	strcpy(alive_path, in_dir("alive"));
	paths = (struct uk_journal_paths){ socket_path, streams_path, notify_path };
	ck_ok(uk_file_write(alive_path, "", 0, 0600));
	write_systemctl();
}

static void tear_down(void)
{
	if (fake > 0) {
		kill(fake, SIGKILL);
		waitpid(fake, NULL, 0);
	}
	uk_error_destroy(uk_tree_remove(dir));
}

/* --- services ------------------------------------------------------------------------- */

/* Writes its lines by turns to two descriptors, the first of them at once. */
static void service_main(int from, int to)
{
	char line[32];
	for (int i = from; i < to; i++) {
		int n = snprintf(line, sizeof(line), "line %d\n", i);
		if (write(i % 2 ? 1 : SECOND_FD, line, (size_t)n) != n)
			_exit(1);
		if (i > to / 2)
			usleep(2000);
	}
}

static pid_t start_service(const struct uk_stand_in *stand_in, int from, int to, bool ends)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = fcntl(stand_in->service, F_DUPFD, 20);
	dup2(fd, 1);
	dup2(fd, SECOND_FD);
	close_range(2, SECOND_FD - 1, 0);
	close_range(SECOND_FD + 1, ~0u, 0);
	service_main(from, to);
	while (!ends)
		pause();
	_exit(0);
}

static void end(pid_t pid, int status_wanted)
{
	int status;
	if (status_wanted)
		kill(pid, status_wanted);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, status_wanted);
}

/* A plan with one service, which has @nr streams. */
static void plan_streams(struct uk_plan *plan, size_t nr)
{
	struct uk_plan_service service = {};
	for (size_t i = 0; i < nr; i++) {
		struct uk_plan_stream stream = { .ino = 100 + i };
		ck_ok(uk_asprintf(&stream.state, "IDENTIFIER=service %zu\n", i));
		ck_assert(uk_vec_push(&service.journal, stream));
	}
	ck_assert(uk_vec_push(&plan->services, service));
}

static struct uk_plan_stream *stream_of(struct uk_plan *plan, size_t i)
{
	return &plan->services.data[0].journal.data[i];
}

static void check_state(const struct uk_plan_stream *stream)
{
	char name[64];
	struct stat st;
	uk_auto_close int any = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(fstat(any, &st), 0);
	snprintf(name, sizeof(name), "streams/%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)stream->journal_end);
	uk_auto_free char *state = content(name);
	ck_assert_str_eq(state, stream->state);
}

/* Each line once, in order, by that process. */
static void check_lines(const char *text, pid_t pid, int from, int to)
{
	char line[64];
	for (int i = from; i < to; i++) {
		snprintf(line, sizeof(line), "%d line %d\n", pid, i);
		const char *at = strstr(text, line);
		ck_assert_msg(at != NULL, "missing, or not in order: %s", line);
		ck_assert_msg(!strstr(at + 1, line), "double: %s", line);
		text = at;
	}
}

/* --- tests ---------------------------------------------------------------------------- */

START_TEST(a_stand_in_is_like_a_connection_to_the_journal)
{
	struct uk_plan_stream stream = { .nonblock = _i };
	uk_cleanup(uk_stand_in_close) struct uk_stand_in made = { -1, -1 };
	struct sockaddr_un peer;
	socklen_t len = sizeof(peer);
	struct stat st;
	static char big[1 << 20];
	ck_ok(uk_journal_stand_in(&paths, &stream, &made));
	ck_assert_int_eq(fstat(made.service, &st), 0);
	ck_assert_uint_eq(st.st_ino, stream.service_end);
	ck_assert_int_eq(fstat(made.journal, &st), 0);
	ck_assert_uint_eq(st.st_ino, stream.journal_end);
	ck_assert_int_eq(getpeername(made.service, (struct sockaddr *)&peer, &len), 0);
	ck_assert_str_eq(peer.sun_path, socket_path);
	ck_assert(!uk_file_exists(socket_path));
	ck_assert_int_eq(!!(fcntl(made.service, F_GETFL) & O_NONBLOCK), _i);
	/* What a service says in the gap does not make it wait. */
	ck_assert_int_eq(send(made.service, big, sizeof(big), MSG_DONTWAIT), sizeof(big));
}
END_TEST

START_TEST(a_stand_in_lives_with_its_service_alone)
{
	struct uk_plan_stream stream = {};
	struct uk_stand_in made = { -1, -1 };
	ck_ok(uk_journal_stand_in(&paths, &stream, &made));
	close(made.journal);
	ck_assert_int_eq(send(made.service, "x", 1, MSG_NOSIGNAL), 1);
	close(made.service);
	int taken;
	ck_ok(uk_holder_take(stream.journal_end, &taken));
	ck_assert_int_eq(taken, -1);
}
END_TEST

START_TEST(the_keeper_holds_it_until_a_file_is_gone)
{
	struct uk_plan_stream stream = {};
	struct uk_stand_in made = { -1, -1 };
	int taken, pipes[2];
	char byte;
	ck_ok(uk_journal_stand_in(&paths, &stream, &made));
	ck_assert_int_eq(pipe(pipes), 0);
	ck_ok(uk_journal_keep(&made.journal, 1, alive_path));
	uk_stand_in_close(&made);
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 0); /* it has nothing else */
	ck_ok(uk_holder_take(stream.service_end, &taken));
	ck_assert_int_eq(taken, -1);
	ck_ok(uk_holder_take(stream.journal_end, &taken));
	ck_assert_int_ge(taken, 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);
	unlink(alive_path);
	ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
}
END_TEST

/* With a process that holds the stand-in, and without: then it is in flight alone. */
START_TEST(journald_takes_over_while_the_service_writes)
{
	uk_auto_plan struct uk_plan plan = {};
	struct uk_stand_in made = { -1, -1 };
	char byte;
	start_fake(false);
	plan_streams(&plan, 1);
	struct uk_plan_stream *stream = stream_of(&plan, 0);
	ck_ok(uk_journal_stand_in(&paths, stream, &made));
	pid_t service = start_service(&made, 0, LINES, false);
	if (_i)
		ck_ok(uk_journal_keep(&made.journal, 1, alive_path));
	uk_stand_in_close(&made);
	ck_ok(uk_journal_hand_over(&paths, &plan));
	uk_auto_free char *lines = await_lines("lines", LINES), *heard = content("heard");
	check_lines(lines, service, 0, LINES);
	ck_assert_uint_eq(count(lines, "\n"), LINES);
	check_state(stream);
	ck_assert(!uk_file_exists(in_dir("strangers")));
	ck_assert_str_eq(heard, "FDSTORE=1 FDPOLL=0 FDNAME=upkeep\nBARRIER=1\n"
				"FDSTOREREMOVE=1 FDNAME=upkeep\nFDSTORE=1\nBARRIER=1\n");
	uk_auto_free char *unit = content("unit");
	ck_assert_str_eq(unit, "systemd-journald.service\n");
	/* Nothing is left in the service's end. */
	ck_ok(uk_holder_take(stream->service_end, &made.service));
	ck_assert_int_eq(recv(made.service, &byte, 1, MSG_DONTWAIT), 0);
	uk_stand_in_close(&made);
	end(service, SIGKILL);
}
END_TEST

/* The keeper closes it when it gets to run. */
static void await_nobody(uint64_t ino)
{
	for (int i = 0; i < 12000; i++) {
		uk_auto_close int fd = -1;
		ck_ok(uk_holder_take(ino, &fd));
		if (fd < 0)
			return;
		usleep(5000);
	}
	ck_abort_msg("somebody still has socket %ju", (uintmax_t)ino);
}

START_TEST(last_words_of_who_ended_are_kept)
{
	uk_auto_plan struct uk_plan plan = {};
	struct uk_stand_in made[2] = { { -1, -1 }, { -1, -1 } };
	start_fake(false);
	plan_streams(&plan, 2);
	for (size_t i = 0; i < 2; i++)
		ck_ok(uk_journal_stand_in(&paths, stream_of(&plan, i), &made[i]));
	pid_t ended = start_service(&made[0], 0, 20, true);
	pid_t lives = start_service(&made[1], 50, 70, false);
	const int held[] = { made[0].journal, made[1].journal };
	ck_ok(uk_journal_keep(held, 2, alive_path));
	uk_stand_in_close(&made[0]);
	uk_stand_in_close(&made[1]);
	end(ended, 0);
	await_nobody(stream_of(&plan, 0)->service_end);
	ck_ok(uk_journal_hand_over(&paths, &plan));
	uk_auto_free char *lines = await_lines("lines", 40), *heard = content("heard");
	check_lines(lines, ended, 0, 20);
	check_lines(lines, lives, 50, 70);
	check_state(stream_of(&plan, 0));
	ck_assert_uint_eq(count(heard, "FDSTORE=1 FDPOLL=0"), 2);
	ck_assert_uint_eq(count(heard, "FDSTORE=1\n"), 1);
	end(lives, SIGKILL);
}
END_TEST

START_TEST(a_stand_in_that_is_not_taken_stays)
{
	uk_auto_plan struct uk_plan plan = {};
	struct uk_stand_in made = { -1, -1 };
	start_fake(true);
	plan_streams(&plan, 1);
	ck_ok(uk_journal_stand_in(&paths, stream_of(&plan, 0), &made));
	pid_t service = start_service(&made, 0, LINES, true);
	close(made.journal);
	made.journal = -1;
	ck_fails(uk_journal_hand_over(&paths, &plan), UK_ERR_SYSTEM,
		 "journald did not take socket");
	end(service, 0); /* not by a broken pipe */
	uk_stand_in_close(&made);
}
END_TEST

START_TEST(without_streams_journald_is_left_alone)
{
	uk_auto_plan struct uk_plan plan = {};
	plan_streams(&plan, 1);
	ck_ok(uk_journal_hand_over(&paths, &plan));
	stream_of(&plan, 0)->service_end = stream_of(&plan, 0)->journal_end = 1;
	ck_ok(uk_journal_hand_over(&paths, &plan));
	ck_assert(!uk_file_exists(in_dir("unit")));
}
END_TEST

START_TEST(systemd_that_is_not_there_is_an_error)
{
	uk_auto_plan struct uk_plan plan = {};
	uk_cleanup(uk_stand_in_close) struct uk_stand_in made = { -1, -1 };
	plan_streams(&plan, 1);
	ck_ok(uk_journal_stand_in(&paths, stream_of(&plan, 0), &made));
	ck_ok(uk_file_write(in_dir("pid"), "0\n", 2, 0600));
	ck_fails(uk_journal_hand_over(&paths, &plan), UK_ERR_SYSTEM, "does not run");
	ck_ok(uk_file_write(in_dir("pid"), "1\n", 2, 0600));
	ck_fails(uk_journal_hand_over(&paths, &plan), UK_ERR_SYSTEM, "FDSTORE=1");
}
END_TEST

/* A connection to what listens at that path, and what was noted of it there. */
START_TEST(what_journald_noted_is_taken_along)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct uk_keep keep = {};
	uk_auto_sockets struct uk_sockets *sockets = NULL;
	struct uk_plan_stream stream = {};
	struct stat st;
	char name[64], link[64];
	strcpy(address.sun_path, in_dir("stdout"));
	const struct uk_journal_paths here = { address.sun_path, streams_path, notify_path };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	int accepted = accept(listener, NULL, NULL);
	ck_ok(uk_sockets_read(NULL, &keep, &sockets));
	if (strstr(uk_sockets_lacking(sockets), "unix_diag"))
		return;
	ck_assert_int_eq(fstat(accepted, &st), 0);
	snprintf(name, sizeof(name), "streams/%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	ck_assert_int_eq(fstat(fd, &st), 0);
	snprintf(link, sizeof(link), "socket:[%ju]", (uintmax_t)st.st_ino);
	const struct uk_fd seen = { .ino = st.st_ino, .flags = O_RDWR | O_NONBLOCK, .link = link };
	ck_ok(uk_journal_note(&here, sockets, &seen, &stream));
	ck_assert_uint_eq(stream.ino, st.st_ino);
	ck_assert(stream.nonblock);
	ck_assert_ptr_null(stream.state);
	ck_ok(uk_dir_make(streams_path, 0755));
	ck_ok(uk_file_write(in_dir(name), "UNIT=x\n", 7, 0600));
	ck_ok(uk_journal_note(&here, sockets, &seen, &stream));
	ck_assert_str_eq(stream.state, "UNIT=x\n");
	free(stream.state);
	ck_fails(uk_journal_note(&paths, sockets, &seen, &stream), UK_ERR_INVALID,
		 "does not lead to the journal");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace/journal");
	TCase *tests = tcase_create("journal");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 150);
	tcase_add_loop_test(tests, a_stand_in_is_like_a_connection_to_the_journal, 0, 2);
	tcase_add_test(tests, a_stand_in_lives_with_its_service_alone);
	tcase_add_test(tests, the_keeper_holds_it_until_a_file_is_gone);
	tcase_add_loop_test(tests, journald_takes_over_while_the_service_writes, 0, 2);
	tcase_add_test(tests, last_words_of_who_ended_are_kept);
	tcase_add_test(tests, a_stand_in_that_is_not_taken_stays);
	tcase_add_test(tests, without_streams_journald_is_left_alone);
	tcase_add_test(tests, systemd_that_is_not_there_is_an_error);
	tcase_add_test(tests, what_journald_noted_is_taken_along);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
