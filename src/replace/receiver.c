// SPDX-License-Identifier: GPL-2.0-or-later
/* Stand-ins for who receives datagrams. */
#include "replace/receiver.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/borrow.h"
#include "replace/cgroup.h"
#include "replace/holder.h"
#include "replace/members.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 256 << 10, /* a sender's buffer is 208 KiB by default */
	CONTROL_MAX = 4096,	 /* 253 descriptors and credentials */
	PATIENCE_SECONDS = 10,
};

/* How much a socket keeps is set when it is made; this is systemd's own number (src/core/main.c).
 */
static const char long_queue[] = "512";
#define QUEUE "/proc/sys/net/unix/max_dgram_qlen"

static struct uk_error *address_of(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return uk_error_create(UK_ERR_INVALID, "%s is no name of a socket", path);
	strcpy(ret->sun_path, path);
	return NULL;
}

static int make_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* --- on the new kernel, first --------------------------------------------------------- */

static struct uk_error *make_folder(const char *path)
{
	uk_auto_free char *folder = NULL;
	struct uk_error *err = uk_strdup(path, &folder);
	if (err)
		return err;
	*strrchr(folder, '/') = '\0';
	return *folder ? uk_dir_make(folder, 0755) : NULL;
}

/* A socket may have come with the files in memory, but nobody behind it. */
static struct uk_error *stand_in(struct uk_plan_receiver *receiver, int *ret)
{
	struct sockaddr_un address;
	struct stat st;
	int yes = 1;
	struct uk_error *err = address_of(receiver->path, &address);
	if (!err)
		err = make_folder(receiver->path);
	if (err)
		return err;
	if (!lstat(receiver->path, &st) && S_ISSOCK(st.st_mode))
		unlink(receiver->path);
	uk_auto_close int fd = make_socket();
	/* All may send, as to the usual ones; whom the real one lets is its own matter. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(receiver->path, 0666) < 0 || fstat(fd, &st) < 0)
		return uk_error_errno(errno, "receive at %s", receiver->path);
	receiver->ino = st.st_ino;
	*ret = uk_take_fd(fd);
	return NULL;
}

/* What is sent beyond it only waits. */
static void lengthen_queues(void)
{
	uk_auto_close int fd = open(QUEUE, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, long_queue, strlen(long_queue)) < 0)
		return;
}

struct uk_error *uk_receivers_stand_in(struct uk_plan *plan, uk_receiver_fds *ret)
{
	struct uk_error *err = NULL;
	if (plan->receivers.len)
		lengthen_queues();
	uk_vec_for_each(receiver, &plan->receivers) {
		int fd = -1;
		if (!err)
			err = stand_in(receiver, &fd);
		if (!err && !uk_vec_push(ret, fd)) {
			close(fd);
			err = uk_error_nomem();
		}
	}
	return err;
}

void uk_receiver_fds_deinit(uk_receiver_fds *fds)
{
	uk_vec_for_each(fd, fds)
		close(*fd);
	uk_vec_deinit(fds);
}

/* --- when the system has started ------------------------------------------------------- */

static void close_passed(struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= part->cmsg_len;
		     at += sizeof(int)) {
			int fd;
			memcpy(&fd, CMSG_DATA(part) + at, sizeof(fd));
			close(fd);
		}
	}
}

/* The same without its sender, of whom the kernel tells first. */
static struct msghdr without_sender(const struct msghdr *message)
{
	struct msghdr bare = *message;
	struct cmsghdr *first = CMSG_FIRSTHDR(&bare);
	size_t len = first ? CMSG_ALIGN(first->cmsg_len) : 0;
	bare.msg_control = (char *)bare.msg_control + len;
	bare.msg_controllen = len < bare.msg_controllen ? bare.msg_controllen - len : 0;
	return bare;
}

/* With what came with it. Whoever has ended can be named by nobody as the sender. */
static bool pass_on(int to, const struct msghdr *message)
{
	if (sendmsg(to, message, MSG_NOSIGNAL) >= 0)
		return true;
	struct msghdr bare = without_sender(message);
	return errno == ESRCH && sendmsg(to, &bare, MSG_NOSIGNAL) >= 0;
}

/* All that waits in @from. */
static struct uk_error *drain(int from, int to, const char *path)
{
	uk_auto_free char *text = malloc(MESSAGE_MAX);
	if (!text)
		return uk_error_nomem();
	for (;;) {
		_Alignas(struct cmsghdr) char control[CONTROL_MAX];
		struct iovec part = { text, MESSAGE_MAX };
		struct msghdr message = { .msg_iov = &part,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got < 0)
			return errno == EAGAIN ? NULL : uk_error_errno(errno, "%s", path);
		part.iov_len = (size_t)got;
		message.msg_flags = 0;
		bool passed = pass_on(to, &message);
		int failed = errno;
		close_passed(&message);
		if (!passed)
			return uk_error_errno(failed, "pass on to %s what was sent there", path);
	}
}

static bool sends_to(int fd, const char *path)
{
	struct sockaddr_un peer = {};
	socklen_t len = sizeof(peer) - 1, size = sizeof(int);
	int type = 0;
	return !getpeername(fd, (struct sockaddr *)&peer, &len) && peer.sun_family == AF_UNIX &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_DGRAM &&
	       !strcmp(peer.sun_path, path);
}

/* Its sockets that send there; the descriptor is shared with it, so it need not do anything. */
static void connect_process(pid_t pid, const struct sockaddr_un *address)
{
	char folder[32], link[32];
	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	uk_auto_closedir DIR *dir = opendir(folder);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (readlinkat(dirfd(dir), entry->d_name, link, sizeof(link)) < 0 ||
		    strncmp(link, "socket:", strlen("socket:")))
			continue;
		uk_auto_close int fd = uk_borrow_fd(pid, (int)strtol(entry->d_name, NULL, 10));
		if (fd >= 0 && sends_to(fd, address->sun_path))
			connect(fd, (const struct sockaddr *)address, sizeof(*address));
	}
}

static struct uk_error *connect_all(const struct uk_plan *plan, const struct sockaddr_un *address)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(service, &plan->services) {
		uk_pids pids = {};
		if (!err)
			err = service->unit ? uk_cgroup_list(service->cgroup, &pids)
					    : uk_members_of_tree(NULL, service->main_pid, &pids);
		uk_vec_for_each(pid, &pids)
			connect_process(*pid, address);
		uk_vec_deinit(&pids);
	}
	return err;
}

static struct uk_error *hand_over(const struct uk_plan *plan,
				  const struct uk_plan_receiver *receiver)
{
	uk_auto_close int from = -1;
	struct sockaddr_un address;
	struct timeval patience = { PATIENCE_SECONDS, 0 };
	struct uk_error *err = address_of(receiver->path, &address);
	if (!err)
		err = uk_holder_take(receiver->ino, &from);
	if (err || from < 0)
		return err;
	uk_auto_close int to = make_socket();
	if (to < 0 || setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(to, (struct sockaddr *)&address, sizeof(address)) < 0)
		return uk_error_errno(errno, "nobody receives at %s", receiver->path);
	err = drain(from, to, receiver->path);
	if (!err)
		err = connect_all(plan, &address);
	/* What was sent until then. */
	return err ? err : drain(from, to, receiver->path);
}

struct uk_error *uk_receivers_hand_over(const struct uk_plan *plan)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(receiver, &plan->receivers) {
		if (receiver->ino)
			err = uk_error_first(err, hand_over(plan, receiver));
	}
	return err;
}
