// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* Datagrams that are sent to a name before anybody receives there, and after. */
#include "replace/receiver.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace_sample.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char dir[] = "/tmp/upkeep-receiver-XXXXXX";
static struct uk_plan plan;
static uk_receiver_fds fds;
static struct child sender;

/* At the name of the plan's only receiver. */
static struct sockaddr_un address(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	strncpy(name.sun_path, plan.receivers.data[0].path, sizeof(name.sun_path) - 1);
	return name;
}

static void send_line(int fd, const char *text)
{
	child_needs(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static int sender_fd;

/* It never connects again by itself. */
static void send_once(void)
{
	struct sockaddr_un name = address();
	sender_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	child_needs(sender_fd >= 0);
	child_needs(!connect(sender_fd, (struct sockaddr *)&name, sizeof(name)));
	send_line(sender_fd, "before");
}

/* When it is told to. */
static void send_again(void)
{
	char go;
	child_needs(read(3, &go, 1) == 1);
	send_line(sender_fd, "after");
	child_needs(write(3, &go, 1) == 1);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(uk_vec_push(&plan.receivers, (struct uk_plan_receiver){}));
	ck_ok(uk_asprintf(&plan.receivers.data[0].path, "%s/journal/dev-log", dir));
}

static void tear_down(void)
{
	child_stop(&sender);
	uk_receiver_fds_deinit(&fds);
	uk_plan_deinit(&plan);
	ck_ok(uk_tree_remove(dir));
}

/* As the real one does: in the place of what is there. */
static int receive_here(void)
{
	struct sockaddr_un name = address();
	int yes = 1, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	unlink(name.sun_path);
	ck_assert(!bind(fd, (struct sockaddr *)&name, sizeof(name)));
	ck_assert(!setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)));
	return fd;
}

static int passed; /* descriptors that came with the last line */

/* The next one, and by whom it was sent; "" for none. */
static const char *take_line(int fd, pid_t *pid_ret)
{
	static char text[64];
	_Alignas(struct cmsghdr) char control[256];
	struct iovec part = { text, sizeof(text) - 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(fd, &message, 0);
	struct cmsghdr *at = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
	struct ucred who = {};
	passed = 0;
	text[got < 0 ? 0 : got] = '\0';
	for (; at; at = CMSG_NXTHDR(&message, at)) {
		if (at->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(at), sizeof(who));
		passed += at->cmsg_type == SCM_RIGHTS;
	}
	*pid_ret = who.pid;
	return text;
}

static void add_service(pid_t pid)
{
	ck_assert(uk_vec_push(&plan.services, (struct uk_plan_service){ .main_pid = pid }));
}

START_TEST(nothing_that_is_sent_is_lost)
{
	int pair[2];
	char said = 'x';
	pid_t pid;
	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ck_ok(uk_receivers_stand_in(&plan, &fds));
	ck_assert_uint_eq(fds.len, 1);
	ck_assert_uint_ne(plan.receivers.data[0].ino, 0);
	ck_assert(child_start(&sender, send_once, send_again, pair[1]));
	add_service(sender.pid);
	uk_auto_close int real = receive_here();
	ck_ok(uk_receivers_hand_over(&plan));
	ck_assert_str_eq(take_line(real, &pid), "before");
	ck_assert_int_eq(pid, sender.pid);
	ck_assert_str_eq(take_line(real, &pid), "");
	/* Nobody holds the stand-in any more, and the sender's own socket goes to the real one. */
	uk_receiver_fds_deinit(&fds);
	fds = (uk_receiver_fds){};
	ck_assert_int_eq(write(pair[0], &said, 1), 1);
	ck_assert_int_eq(read(pair[0], &said, 1), 1);
	ck_assert_str_eq(take_line(real, &pid), "after");
	ck_assert_int_eq(pid, sender.pid);
	close(pair[0]);
}
END_TEST

/* What a sender passes goes along; one that has ended is named by nobody. */
START_TEST(descriptors_are_passed_on)
{
	struct sockaddr_un name = address();
	pid_t pid;
	ck_ok(uk_receivers_stand_in(&plan, &fds));
	pid_t child = fork();
	if (!child) {
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
		struct iovec part = { (char *)"file", 4 };
		struct msghdr message = { .msg_name = &name,
					  .msg_namelen = sizeof(name),
					  .msg_iov = &part,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		struct cmsghdr *first = CMSG_FIRSTHDR(&message);
		int file = open("/dev/null", O_RDONLY), to = socket(AF_UNIX, SOCK_DGRAM, 0);
		*first = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(first), &file, sizeof(file));
		_exit(sendmsg(to, &message, 0) == 4 ? 0 : 1);
	}
	int status;
	ck_assert(waitpid(child, &status, 0) == child && !status);
	uk_auto_close int real = receive_here();
	ck_ok(uk_receivers_hand_over(&plan));
	ck_assert_str_eq(take_line(real, &pid), "file");
	ck_assert_int_eq(passed, 1);
}
END_TEST

START_TEST(a_socket_that_came_with_the_files_is_no_receiver)
{
	struct stat st;
	ck_ok(uk_receivers_stand_in(&plan, &fds));
	uk_receiver_fds_deinit(&fds);
	fds = (uk_receiver_fds){};
	ck_ok(uk_receivers_stand_in(&plan, &fds));
	ck_assert(!stat(plan.receivers.data[0].path, &st) && S_ISSOCK(st.st_mode));
}
END_TEST

START_TEST(nobody_at_the_name_is_told)
{
	ck_ok(uk_receivers_stand_in(&plan, &fds));
	unlink(plan.receivers.data[0].path);
	ck_fails(uk_receivers_hand_over(&plan), UK_ERR_SYSTEM, "nobody receives at");
	/* With its holder a stand-in has ended. */
	uk_receiver_fds_deinit(&fds);
	fds = (uk_receiver_fds){};
	ck_ok(uk_receivers_hand_over(&plan));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_receiver");
	TCase *tcase = tcase_create("receiver");
	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, nothing_that_is_sent_is_lost);
	tcase_add_test(tcase, descriptors_are_passed_on);
	tcase_add_test(tcase, a_socket_that_came_with_the_files_is_no_receiver);
	tcase_add_test(tcase, nobody_at_the_name_is_told);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
