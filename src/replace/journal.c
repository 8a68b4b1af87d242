// SPDX-License-Identifier: GPL-2.0-or-later
/* Connections to the journal, and what stands in for them. */
#include "replace/journal.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/holder.h"
#include "replace/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNALD "systemd-journald.service"
#define OUR_NAME "upkeep"

enum {
	QUEUE_SIZE = 8 << 20, /* of systemd 252: SNDBUF_SIZE in src/core/execute.c */
	STATE_MAX = 64 << 10,
	BARRIER_SECONDS = 30,
};

static const struct uk_journal_paths usual_paths = { .socket = UK_JOURNAL_SOCKET,
						     .streams = "/run/systemd/journal/streams",
						     .notify = UK_NOTIFY_SOCKET };

static const struct uk_journal_paths *get_paths(const struct uk_journal_paths *paths)
{
	return paths ? paths : &usual_paths;
}

/* --- on the old kernel ---------------------------------------------------------------- */

static const struct uk_socket *journal_end(const struct uk_journal_paths *paths,
					   const struct uk_sockets *sockets, uint64_t ino)
{
	const struct uk_socket *socket = uk_sockets_find(sockets, ino);
	const struct uk_socket *peer = socket ? uk_sockets_peer(sockets, socket) : NULL;
	bool is = peer && peer->family == AF_UNIX && !strcmp(peer->local, paths->socket);
	return is ? peer : NULL;
}

bool uk_journal_is_ours(const struct uk_sockets *sockets, uint64_t ino)
{
	return journal_end(&usual_paths, sockets, ino);
}

/* Sockets have one device number for all, which journald puts in front of the inode. */
static struct uk_error *state_path(const struct uk_journal_paths *paths, uint64_t ino, char **ret)
{
	struct stat st;
	uk_auto_close int any = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (any < 0 || fstat(any, &st) < 0)
		return uk_error_errno(errno, "a socket");
	return uk_asprintf(ret, "%s/%ju:%ju", paths->streams, (uintmax_t)st.st_dev, (uintmax_t)ino);
}

struct uk_error *uk_journal_note(const struct uk_journal_paths *paths,
				 const struct uk_sockets *sockets, const struct uk_fd *fd,
				 struct uk_plan_stream *ret)
{
	uk_auto_free char *path = NULL;
	const struct uk_socket *peer = journal_end(get_paths(paths), sockets, fd->ino);
	struct uk_plan_stream stream = { .ino = fd->ino, .nonblock = fd->flags & O_NONBLOCK };
	struct uk_error *err =
		peer ? state_path(get_paths(paths), peer->ino, &path)
		     : uk_error_create(UK_ERR_INVALID, "%s does not lead to the journal", fd->link);
	if (!err && uk_file_exists(path))
		err = uk_file_read(path, STATE_MAX, &stream.state, NULL);
	if (!err)
		*ret = stream;
	return err;
}

/* --- stand-ins ------------------------------------------------------------------------ */

void uk_stand_in_close(struct uk_stand_in *stand_in)
{
	uk_cleanup_close(&stand_in->service);
	uk_cleanup_close(&stand_in->journal);
	*stand_in = (struct uk_stand_in){ -1, -1 };
}

union fd_control {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* Sends @fd over @socket, with one byte to carry it. */
static bool send_fd(int socket, int fd)
{
	union fd_control control = {};
	char byte = 0;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.buf,
				  .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

/* The descriptor that waits in @socket, -1 for none. With MSG_PEEK it stays there, too. */
static int receive_fd(int socket, int flags)
{
	union fd_control control = {};
	char byte;
	int fd = -1;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.buf,
				  .msg_controllen = sizeof(control.buf) };
	if (recvmsg(socket, &message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* Gives a socket a name for whoever asks for it: nobody can connect there. */
static struct uk_error *name_socket(int socket, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *slash = strrchr(path, '/');
	uk_auto_free char *folder = NULL;
	if (!slash || strlen(path) >= sizeof(address.sun_path))
		return uk_error_errno(EINVAL, "%s", path);
	strcpy(address.sun_path, path);
	struct uk_error *err = uk_asprintf(&folder, "%.*s", (int)(slash - path), path);
	if (!err)
		err = uk_dir_make(folder, 0755);
	if (err)
		return err;
	if (bind(socket, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return uk_error_errno(errno, "bind to %s", path);
	unlink(path);
	return NULL;
}

/* As systemd leaves a connection to the journal: for writing alone, with a long queue. */
static bool set_service_end(int socket, bool nonblock)
{
	int size = QUEUE_SIZE;
	if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return !shutdown(socket, SHUT_RD) &&
	       (!nonblock || !fcntl(socket, F_SETFL, O_RDWR | O_NONBLOCK));
}

static struct uk_error *note_inodes(const struct uk_stand_in *stand_in,
				    struct uk_plan_stream *stream)
{
	struct stat service, journal;
	if (fstat(stand_in->service, &service) < 0 || fstat(stand_in->journal, &journal) < 0)
		return uk_error_errno(errno, "a socket");
	stream->service_end = service.st_ino;
	stream->journal_end = journal.st_ino;
	return NULL;
}

struct uk_error *uk_journal_stand_in(const struct uk_journal_paths *paths,
				     struct uk_plan_stream *stream, struct uk_stand_in *ret)
{
	int pair[2], yes = 1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return uk_error_errno(errno, "socketpair");
	uk_cleanup(uk_stand_in_close) struct uk_stand_in made = { pair[0], pair[1] };
	struct uk_error *err = name_socket(made.journal, get_paths(paths)->socket);
	if (err)
		return err;
	/* Before the first byte is written: what has no sender goes to nobody's journal. */
	if (setsockopt(made.journal, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0)
		return uk_error_errno(errno, "SO_PASSCRED");
	if (!send_fd(made.journal, made.journal))
		return uk_error_errno(errno, "keep a socket in flight");
	if (!set_service_end(made.service, stream->nonblock))
		return uk_error_errno(errno, "set a socket up");
	err = note_inodes(&made, stream);
	if (err)
		return err;
	*ret = made;
	made = (struct uk_stand_in){ -1, -1 };
	return NULL;
}

struct uk_error *uk_stand_ins_make(struct uk_plan_service *service, struct uk_stand_in **ret)
{
	size_t nr = service->journal.len;
	struct uk_error *err = NULL;
	struct uk_stand_in *all = malloc((nr + 1) * sizeof(*all));
	*ret = all;
	if (!all)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		all[i] = (struct uk_stand_in){ -1, -1 };
	for (size_t i = 0; !err && i < nr; i++)
		err = uk_journal_stand_in(NULL, &service->journal.data[i], &all[i]);
	return err;
}

void uk_stand_ins_destroy(const struct uk_plan_service *service, struct uk_stand_in *stand_ins)
{
	for (size_t i = 0; stand_ins && i < service->journal.len; i++)
		uk_stand_in_close(&stand_ins[i]);
	free(stand_ins);
}

/* --- kept in between ------------------------------------------------------------------ */

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_others(int *fds, size_t nr)
{
	unsigned int next = 0;
	qsort(fds, nr, sizeof(*fds), compare_fds);
	for (size_t i = 0; i < nr; i++) {
		if ((unsigned int)fds[i] > next)
			close_range(next, (unsigned int)fds[i] - 1, 0);
		next = (unsigned int)fds[i] + 1;
	}
	close_range(next, ~0u, 0);
}

static void wait_gone(const char *path)
{
	char events[4096];
	int watch = inotify_init1(IN_CLOEXEC);
	if (watch < 0 || inotify_add_watch(watch, path, IN_ATTRIB | IN_DELETE_SELF) < 0)
		return;
	while (!access(path, F_OK) && read(watch, events, sizeof(events)) > 0)
		;
}

struct uk_error *uk_journal_keep(const int *fds, size_t nr, const char *until)
{
	uk_auto_free int *kept = malloc(nr * sizeof(*kept) + 1);
	if (!kept)
		return uk_error_nomem();
	memcpy(kept, fds, nr * sizeof(*kept));
	pid_t child = fork();
	if (child < 0)
		return uk_error_errno(errno, "fork");
	if (child)
		return NULL;
	prctl(PR_SET_NAME, "upkeep-journal");
	close_others(kept, nr);
	if (chdir("/") == 0)
		wait_gone(until);
	_exit(0);
}

/* --- to journald ---------------------------------------------------------------------- */

/* Ours, of one stand-in: -1 where nobody has that end. */
struct ends {
	const struct uk_plan_stream *stream;
	struct uk_stand_in fds;
};

struct hand_over {
	const struct uk_journal_paths *paths;
	pid_t journald;
	UK_VEC(struct ends) ends;
};

static void hand_over_deinit(struct hand_over *work)
{
	uk_vec_for_each(ends, &work->ends)
		uk_stand_in_close(&ends->fds);
	uk_vec_deinit(&work->ends);
}

/*
 * A service's end that was closed with what is in flight in it left the other one a reset
 * (unix_release_sock() in net/unix/af_unix.c): journald would not read what is left there.
 */
static void clear_error(int socket)
{
	int error;
	socklen_t len = sizeof(error);
	getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &len);
}

/* If ours that held it has ended, it is still in flight. */
static struct uk_error *find_ends(struct hand_over *work, const struct uk_plan_stream *stream)
{
	struct ends ends = { stream, { -1, -1 } };
	struct uk_error *err = uk_holder_take(stream->service_end, &ends.fds.service);
	if (!err)
		err = uk_holder_take(stream->journal_end, &ends.fds.journal);
	if (!err && ends.fds.journal < 0 && ends.fds.service >= 0)
		ends.fds.journal = receive_fd(ends.fds.service, MSG_PEEK);
	clear_error(ends.fds.journal);
	if (!err && ends.fds.journal >= 0 && uk_vec_push(&work->ends, ends))
		return NULL;
	if (!err && ends.fds.journal >= 0)
		err = uk_error_nomem();
	if (!err && ends.fds.service >= 0)
		err = uk_error_create(UK_ERR_SYSTEM, "the other end of socket %ju is lost",
				      (uintmax_t)stream->service_end);
	uk_stand_in_close(&ends.fds);
	return err;
}

static struct uk_error *find_all(struct hand_over *work, const struct uk_plan *plan)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(service, &plan->services) {
		uk_vec_for_each(stream, &service->journal) {
			if (!err && stream->journal_end)
				err = find_ends(work, stream);
		}
	}
	return err;
}

/* What journald notes of a unit's connection by default. Its format: journald-stream.c. */
static const char usual_state[] = "PRIORITY=30\nLEVEL_PREFIX=1\n";

static struct uk_error *write_state(struct hand_over *work, const struct uk_plan_stream *stream)
{
	uk_auto_free char *path = NULL;
	const char *state = stream->state ? stream->state : usual_state;
	struct uk_error *err = state_path(work->paths, stream->journal_end, &path);
	if (!err)
		err = uk_dir_make(work->paths->streams, 0755);
	return err ? err : uk_file_write(path, state, strlen(state), 0600);
}

static struct uk_error *find_journald(struct hand_over *work)
{
	uk_auto_free char *pid = NULL;
	struct uk_error *err = uk_process_call(&pid, "systemctl", "show", "--value", "-p",
					       "MainPID", JOURNALD, NULL);
	if (err)
		return err;
	work->journald = (pid_t)strtol(pid, NULL, 10);
	return work->journald > 0 ? NULL : uk_error_create(UK_ERR_SYSTEM, JOURNALD " does not run");
}

/* Under a name of our own, and also if the service has ended: its last words are in there. */
static struct uk_error *store_all(struct hand_over *work)
{
	struct uk_error *err = find_journald(work);
	uk_vec_for_each(ends, &work->ends) {
		if (!err)
			err = write_state(work, ends->stream);
		if (!err)
			err = uk_notify_send(work->paths->notify, work->journald,
					     "FDSTORE=1\nFDPOLL=0\nFDNAME=" OUR_NAME,
					     &ends->fds.journal, 1);
	}
	return err ? err : uk_notify_wait(work->paths->notify, work->journald, BARRIER_SECONDS);
}

/* As long as we have the service's end journald does not see it closed, if it is. */
static struct uk_error *check_taken(const struct hand_over *work, const struct ends *ends)
{
	if (ends->fds.service < 0 || uk_holder_has(work->journald, ends->stream->journal_end))
		return NULL;
	return uk_error_create(UK_ERR_SYSTEM,
			       "journald did not take socket %ju: what is written to it waits, and "
			       "is lost when the service is restarted, which helps",
			       (uintmax_t)ends->stream->journal_end);
}

static struct uk_error *restart(struct hand_over *work)
{
	struct uk_error *err = uk_process_call(NULL, "systemctl", "restart", JOURNALD, NULL);
	if (!err)
		err = find_journald(work);
	uk_vec_for_each(ends, &work->ends) {
		if (!err)
			err = check_taken(work, ends);
	}
	return err;
}

/* In flight no more; and in the store as journald itself would have put it there. */
static struct uk_error *settle(struct hand_over *work)
{
	struct uk_error *err = uk_notify_send(work->paths->notify, work->journald,
					      "FDSTOREREMOVE=1\nFDNAME=" OUR_NAME, NULL, 0);
	uk_vec_for_each(ends, &work->ends) {
		if (ends->fds.service < 0)
			continue;
		uk_auto_close int in_flight = receive_fd(ends->fds.service, 0);
		if (!err)
			err = uk_notify_send(work->paths->notify, work->journald, "FDSTORE=1",
					     &ends->fds.journal, 1);
	}
	return err ? err : uk_notify_wait(work->paths->notify, work->journald, BARRIER_SECONDS);
}

struct uk_error *uk_journal_hand_over(const struct uk_journal_paths *paths,
				      const struct uk_plan *plan)
{
	uk_cleanup(hand_over_deinit) struct hand_over work = { .paths = get_paths(paths) };
	struct uk_error *err = find_all(&work, plan);
	if (!err && !work.ends.len)
		return NULL;
	if (!err)
		err = store_all(&work);
	if (!err)
		err = restart(&work);
	if (!err)
		err = settle(&work);
	return uk_error_wrap(err, "hand the services' output to the journal");
}
