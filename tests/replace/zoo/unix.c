// SPDX-License-Identifier: GPL-2.0-or-later
/* Unix sockets: pairs and named ones, with what is queued, descriptors under way included. */
#include "zoo.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2], listener = -1, third;
static pid_t child;

static struct sockaddr_un name_of(const char *suffix, socklen_t *size)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	if (suffix[0] == '@') {
		*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    (size_t)snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
						     "zoo-%s-%s", suffix + 1,
						     strrchr(zoo.dir, '/') + 1));
		return name;
	}
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", zoo_path(suffix));
	*size = sizeof(name);
	return name;
}

static void bind_to(int fd, const char *suffix)
{
	socklen_t size;
	struct sockaddr_un name = name_of(suffix, &size);

	zoo_sys(bind(fd, (struct sockaddr *)&name, size));
}

static void connect_to(int fd, const char *suffix)
{
	socklen_t size;
	struct sockaddr_un name = name_of(suffix, &size);

	zoo_sys(connect(fd, (struct sockaddr *)&name, size));
}

/* A message that must come whole; nothing if @wanted is "". */
static void recv_one(int fd, const char *wanted)
{
	char text[256] = "";
	const ssize_t got = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	zoo_want(got >= 0 || (errno == EAGAIN && !*wanted), "recv: %s", strerror(errno));
	zoo_text("message", wanted, text);
}

/* --- pairs: the kind is the case's argument -------------------------------------------------- */

static void pair_setup(void)
{
	zoo_sys(socketpair(AF_UNIX, (int)zoo.arg, 0, ends));
	zoo_send(ends[0], "to the right");
	zoo_send(ends[0], " and more");
	zoo_send(ends[1], "to the left");
}

static void pair_verify(void)
{
	if (zoo.arg == SOCK_STREAM) {
		zoo_read(ends[1], "to the right and more");
	} else {
		recv_one(ends[1], "to the right");
		recv_one(ends[1], " and more");
	}
	recv_one(ends[1], "");
	recv_one(ends[0], "to the left");
	recv_one(ends[0], "");
	zoo_send(ends[0], "again");
	recv_one(ends[1], "again");
}

static void pair_sabotage(void)
{
	zoo_send(ends[0], "x");
}

/* The ends in two processes, in steps. */
static void two_body(void)
{
	close(ends[0]);
	zoo_step(0, 1);
	zoo_await_go();
	zoo_await_step(0, 2);
	zoo_read(ends[1], "before");
	zoo_send(ends[1], "answer");
	zoo_read(ends[1], "after");
	close(ends[1]);
}

static void two_setup(void)
{
	zoo_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	child = zoo_fork(two_body);
	close(ends[1]);
	zoo_await_step(0, 1);
	zoo_send(ends[0], "before");
}

static void two_verify(void)
{
	char byte;

	zoo_step(0, 2);
	zoo_read(ends[0], "answer");
	zoo_send(ends[0], "after");
	zoo_join(child);
	zoo_same("read at the end", 0, read(ends[0], &byte, 1));
}

static void two_sabotage(void)
{
	zoo_send(ends[0], "x");
}

/* Half closed: one way is shut, the other one is not. */
static void half_setup(void)
{
	zoo_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	zoo_send(ends[0], "last words");
	zoo_sys(shutdown(ends[0], SHUT_WR));
}

static void half_verify(void)
{
	char byte;

	zoo_errno(EPIPE, send(ends[0], "x", 1, MSG_NOSIGNAL));
	zoo_read(ends[1], "last words");
	zoo_same("read at the end", 0, read(ends[1], &byte, 1));
	zoo_send(ends[1], "other way");
	zoo_read(ends[0], "other way");
}

static void half_sabotage(void)
{
	zoo_sys(shutdown(ends[1], SHUT_WR));
}

/* The other end is closed, and left something. */
static void gone_setup(void)
{
	zoo_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	zoo_send(ends[0], "last words");
	close(ends[0]);
}

static void gone_verify(void)
{
	char byte;

	zoo_read(ends[1], "last words");
	zoo_same("read at the end", 0, read(ends[1], &byte, 1));
	zoo_errno(EPIPE, send(ends[1], "x", 1, MSG_NOSIGNAL));
}

static void gone_sabotage(void)
{
	char byte;

	zoo_same("read", 1, read(ends[1], &byte, 1));
}

/* --- named ones ---------------------------------------------------------------------------------
 */

static const char *socket_name(void)
{
	return zoo.arg ? "@abstract" : "socket";
}

static void listen_setup(void)
{
	listener = (int)zoo_sys(socket(AF_UNIX, SOCK_STREAM, 0));
	bind_to(listener, socket_name());
	zoo_sys(listen(listener, 7));
}

static void listen_verify(void)
{
	third = (int)zoo_sys(socket(AF_UNIX, SOCK_STREAM, 0));
	connect_to(third, socket_name());
	ends[0] = (int)zoo_sys(accept(listener, NULL, NULL));
	zoo_send(third, "hello");
	zoo_read(ends[0], "hello");
}

static void listen_sabotage(void)
{
	if (!zoo.arg)
		unlink(zoo_path("socket"));
	close(listener);
}

/* Connected through the name; both ends know it. */
static void named_setup(void)
{
	listen_setup();
	third = (int)zoo_sys(socket(AF_UNIX, SOCK_STREAM, 0));
	connect_to(third, socket_name());
	ends[0] = (int)zoo_sys(accept(listener, NULL, NULL));
	zoo_send(third, "queued");
}

static void named_check(void)
{
	struct sockaddr_un found, wanted;
	socklen_t size = sizeof(found), wanted_size;

	wanted = name_of(socket_name(), &wanted_size);
	memset(&found, 0, sizeof(found));
	zoo_sys(getpeername(third, (struct sockaddr *)&found, &size));
	zoo_bytes("name of the peer", &wanted, &found, sizeof(wanted));
}

static void named_verify(void)
{
	zoo_read(ends[0], "queued");
	zoo_send(ends[0], "answer");
	zoo_read(third, "answer");
}

static void named_sabotage(void)
{
	zoo_send(third, "x");
	close(third);
	third = ends[0];
}

/* Connections that nobody has accepted yet, with what was sent on them. */
static void backlog_setup(void)
{
	listen_setup();
	for (int i = 0; i < 2; i++) {
		ends[i] = (int)zoo_sys(socket(AF_UNIX, SOCK_STREAM, 0));
		connect_to(ends[i], socket_name());
		zoo_send(ends[i], i ? "second" : "first");
	}
}

static void backlog_verify(void)
{
	for (int i = 0; i < 2; i++) {
		third = (int)zoo_sys(accept4(listener, NULL, NULL, SOCK_NONBLOCK));
		zoo_read(third, i ? "second" : "first");
		zoo_send(third, "welcome");
		zoo_read(ends[i], "welcome");
	}
}

static void backlog_sabotage(void)
{
	close((int)zoo_sys(accept(listener, NULL, NULL)));
}

/* Datagrams of several senders to a named socket: order, borders and addresses. */
static void dgram_setup(void)
{
	listener = (int)zoo_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
	bind_to(listener, socket_name());
	for (int i = 0; i < 2; i++) {
		ends[i] = (int)zoo_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
		connect_to(ends[i], socket_name());
	}
	bind_to(ends[1], zoo.arg ? "@sender" : "sender");
	zoo_send(ends[0], "first");
	zoo_send(ends[1], "second");
	zoo_send(ends[0], "third");
}

static void dgram_verify(void)
{
	struct sockaddr_un found, wanted;
	socklen_t size = sizeof(found), wanted_size;
	char text[64] = "";

	recv_one(listener, "first");
	memset(&found, 0, sizeof(found));
	zoo_same("recvfrom", 6,
		 recvfrom(listener, text, sizeof(text), MSG_DONTWAIT, (struct sockaddr *)&found,
			  &size));
	zoo_text("message", "second", text);
	wanted = name_of(zoo.arg ? "@sender" : "sender", &wanted_size);
	zoo_bytes("sender's name", &wanted, &found, sizeof(wanted));
	recv_one(listener, "third");
	zoo_send(ends[1], "fourth");
	recv_one(listener, "fourth");
}

static void dgram_sabotage(void)
{
	recv_one(listener, "first");
}

/* --- descriptors on their way
 * ----------------------------------------------------------------------- */

static void pass(int through, int what)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec data = { "fd", 2 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &what, sizeof(int));
	zoo_same("sendmsg", 2, zoo_sys(sendmsg(through, &message, 0)));
}

static int passed(int through)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, text[3] = "";
	struct iovec data = { text, 2 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head;
	int fd;

	zoo_same("recvmsg", 2, zoo_sys(recvmsg(through, &message, MSG_DONTWAIT)));
	zoo_text("message", "fd", text);
	head = CMSG_FIRSTHDR(&message);
	zoo_want(head && head->cmsg_type == SCM_RIGHTS, "the message has no descriptor");
	memcpy(&fd, CMSG_DATA(head), sizeof(int));
	return fd;
}

/* The sender has closed its own: the file lives in the message only. */
static void rights_setup(void)
{
	const int file = (int)zoo_sys(open(zoo_path("data"), O_RDWR | O_CREAT, 0600));
	int pipe_ends[2];

	zoo_sys(socketpair(AF_UNIX, (int)zoo.arg, 0, ends));
	zoo_write(file, "0123456789");
	zoo_sys(lseek(file, 4, SEEK_SET));
	pass(ends[0], file);
	close(file);
	zoo_sys(pipe(pipe_ends));
	zoo_write(pipe_ends[1], "in the pipe");
	pass(ends[0], pipe_ends[0]);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void rights_verify(void)
{
	zoo_read(passed(ends[1]), "456789");
	zoo_read(passed(ends[1]), "in the pipe");
}

static void rights_sabotage(void)
{
	close(passed(ends[1]));
}

/* Passed and received before. */
static void passed_setup(void)
{
	rights_setup();
	third = passed(ends[1]);
	listener = passed(ends[1]);
}

static void passed_verify(void)
{
	zoo_read(third, "456789");
	zoo_read(listener, "in the pipe");
}

static void passed_sabotage(void)
{
	zoo_sys(lseek(third, 0, SEEK_SET));
}

/* --- options, credentials
 * ------------------------------------------------------------------------------- */

static int option(int fd, int name)
{
	int found = -1;
	socklen_t size = sizeof(found);

	zoo_sys(getsockopt(fd, SOL_SOCKET, name, &found, &size));
	return found;
}

static void set_option(int fd, int name, int set)
{
	zoo_sys(setsockopt(fd, SOL_SOCKET, name, &set, sizeof(set)));
}

static void options_setup(void)
{
	const struct timeval patience = { 3, 500000 };

	zoo_sys(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
	set_option(ends[0], SO_PASSCRED, 1);
	set_option(ends[0], SO_SNDBUF, 30000);
	set_option(ends[0], SO_RCVBUF, 40000);
	zoo_sys(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
}

static void options_check(void)
{
	struct timeval patience;
	socklen_t size = sizeof(patience);

	zoo_same("SO_PASSCRED", 1, option(ends[0], SO_PASSCRED));
	zoo_same("SO_PASSCRED of the other", 0, option(ends[1], SO_PASSCRED));
	zoo_same("SO_SNDBUF", 60000, option(ends[0], SO_SNDBUF));
	zoo_same("SO_RCVBUF", 80000, option(ends[0], SO_RCVBUF));
	zoo_sys(getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, &size));
	zoo_same("SO_RCVTIMEO", 3500000, patience.tv_sec * 1000000 + patience.tv_usec);
	zoo_same("F_GETFL", O_RDWR | O_NONBLOCK, fcntl(ends[0], F_GETFL));
	zoo_same("F_GETFD", FD_CLOEXEC, fcntl(ends[0], F_GETFD));
}

static void options_sabotage(void)
{
	set_option(ends[0], SO_PASSCRED, 0);
}

/* Who connected: told by the kernel, and not what the process is now. */
static void become_user(void)
{
	zoo_sys(setresgid(4321, 4321, 4321));
	zoo_sys(setresuid(1234, 1234, 1234));
}

static void peer_body(void)
{
	become_user();
	close(third);
	third = (int)zoo_sys(socket(AF_UNIX, SOCK_STREAM, 0));
	connect_to(third, socket_name());
	zoo_idle_body();
}

static void peer_setup(void)
{
	third = (int)zoo_sys(open("/dev/null", O_RDONLY));
	listen_setup();
	child = zoo_fork(peer_body);
	ends[0] = (int)zoo_sys(accept(listener, NULL, NULL));
	zoo_await_step(0, 1);
}

static void peer_check(void)
{
	struct ucred found;
	socklen_t size = sizeof(found);

	zoo_sys(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &found, &size));
	zoo_same("uid of the peer", 1234, found.uid);
	zoo_same("gid of the peer", 4321, found.gid);
	zoo_same("pid of the peer", child, found.pid);
}

static void peer_sabotage(void)
{
	close(ends[0]);
	zoo_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

/* Who listens: told to those who connect later. */
static void listener_body(void)
{
	become_user();
	listen_setup();
	zoo_step(0, 1);
	for (;;)
		close((int)zoo_sys(accept(listener, NULL, NULL)));
}

static void listener_setup(void)
{
	child = zoo_fork(listener_body);
	zoo_await_step(0, 1);
}

static void listener_check(void)
{
	struct ucred found;
	socklen_t size = sizeof(found);

	third = (int)zoo_sys(socket(AF_UNIX, SOCK_STREAM, 0));
	connect_to(third, socket_name());
	zoo_sys(getsockopt(third, SOL_SOCKET, SO_PEERCRED, &found, &size));
	close(third);
	zoo_same("uid of who listens", 1234, found.uid);
	zoo_same("gid of who listens", 4321, found.gid);
	zoo_same("pid of who listens", child, found.pid);
}

static void listener_sabotage(void)
{
	zoo_sys(kill(child, SIGKILL));
	zoo_sys(waitpid(child, NULL, 0));
	listen_setup();
}

const struct zoo_case zoo_unix[] = {
	{ "unix-stream", pair_setup, NULL, pair_verify, pair_sabotage, .arg = SOCK_STREAM },
	{ "unix-dgram", pair_setup, NULL, pair_verify, pair_sabotage, .arg = SOCK_DGRAM },
	{ "unix-seqpacket", pair_setup, NULL, pair_verify, pair_sabotage, .arg = SOCK_SEQPACKET },
	{ "unix-two", two_setup, NULL, two_verify, two_sabotage },
	{ "unix-half-closed", half_setup, NULL, half_verify, half_sabotage },
	{ "unix-peer-gone", gone_setup, NULL, gone_verify, gone_sabotage },
	{ "unix-listen", listen_setup, NULL, listen_verify, listen_sabotage },
	{ "unix-listen-abstract", listen_setup, NULL, listen_verify, listen_sabotage, .arg = 1 },
	{ "unix-named", named_setup, named_check, named_verify, named_sabotage },
	{ "unix-named-abstract", named_setup, named_check, named_verify, named_sabotage, .arg = 1 },
	{ "unix-backlog", backlog_setup, NULL, backlog_verify, backlog_sabotage },
	{ "unix-dgram-named", dgram_setup, NULL, dgram_verify, dgram_sabotage },
	{ "unix-dgram-abstract", dgram_setup, NULL, dgram_verify, dgram_sabotage, .arg = 1 },
	{ "unix-rights-queued", rights_setup, NULL, rights_verify, rights_sabotage,
	  .arg = SOCK_STREAM },
	{ "unix-rights-dgram", rights_setup, NULL, rights_verify, rights_sabotage,
	  .arg = SOCK_DGRAM },
	{ "unix-rights-taken", passed_setup, NULL, passed_verify, passed_sabotage,
	  .arg = SOCK_STREAM },
	{ "unix-options", options_setup, options_check, NULL, options_sabotage },
	{ "unix-listen-user", listener_setup, listener_check, NULL, listener_sabotage, .arg = 1 },
	{ "unix-peercred", peer_setup, peer_check, NULL, peer_sabotage, .arg = 1 },
	{ NULL },
};
