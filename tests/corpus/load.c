// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mixed load for a guest in which updates come and go: each worker does one kind of work over
 * and over, and checks what it gets.
 *
 *	load FILE	until SIGTERM; keeps a line "KIND ROUNDS ERRORS" for each kind in FILE;
 *			exits with 0 if there was no error
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 4096, PATIENCE_S = 20, PAUSE_MS = 15 };

struct kind {
	const char *name;
	bool (*work)(unsigned int *seed);
	atomic_ullong rounds, errors;
};

static atomic_bool stopping;

static void fill(char *data, size_t len, unsigned int *seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (char)rand_r(seed);
}

static bool read_all(int fd, char *data, size_t len)
{
	while (len) {
		ssize_t got = read(fd, data, len);

		if (got <= 0)
			return false;
		data += got;
		len -= (size_t)got;
	}
	return true;
}

/* What goes in at one end comes out at the other as it was. */
static bool passes(int in, int out, unsigned int *seed)
{
	char sent[MESSAGE / 2], got[MESSAGE / 2];

	fill(sent, sizeof(sent), seed);
	return write(in, sent, sizeof(sent)) == (ssize_t)sizeof(sent) &&
	       read_all(out, got, sizeof(got)) && !memcmp(sent, got, sizeof(sent));
}

static bool work_pipe(unsigned int *seed)
{
	int fds[2];

	if (pipe(fds))
		return false;
	bool good = passes(fds[1], fds[0], seed);

	close(fds[0]);
	close(fds[1]);
	return good;
}

static bool work_unix(unsigned int *seed)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return false;
	bool good = passes(fds[0], fds[1], seed) && passes(fds[1], fds[0], seed);

	close(fds[0]);
	close(fds[1]);
	return good;
}

static int loopback(int family, int type, struct sockaddr_storage *address, socklen_t *len)
{
	struct timeval limit = { .tv_sec = PATIENCE_S };
	int fd = socket(family, type, 0);

	memset(address, 0, sizeof(*address));
	address->ss_family = (sa_family_t)family;
	*len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (family == AF_INET)
		((struct sockaddr_in *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)address)->sin6_addr = in6addr_loopback;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static bool tcp(int family, unsigned int *seed)
{
	struct sockaddr_storage address;
	socklen_t len;
	int listener = loopback(family, SOCK_STREAM, &address, &len), far = -1;
	int near = socket(family, SOCK_STREAM, 0);
	bool good = listener >= 0 && near >= 0 &&
		    !bind(listener, (struct sockaddr *)&address, len) && !listen(listener, 1) &&
		    !getsockname(listener, (struct sockaddr *)&address, &len) &&
		    !connect(near, (struct sockaddr *)&address, len) &&
		    (far = accept(listener, NULL, NULL)) >= 0 && passes(near, far, seed) &&
		    passes(far, near, seed);

	close(far);
	close(near);
	close(listener);
	return good;
}

static bool work_tcp4(unsigned int *seed)
{
	return tcp(AF_INET, seed);
}

static bool work_tcp6(unsigned int *seed)
{
	return tcp(AF_INET6, seed);
}

static bool work_udp(unsigned int *seed)
{
	struct sockaddr_storage address;
	socklen_t len;
	int fd = loopback(AF_INET, SOCK_DGRAM, &address, &len);
	bool good = fd >= 0 && !bind(fd, (struct sockaddr *)&address, len) &&
		    !getsockname(fd, (struct sockaddr *)&address, &len) &&
		    !connect(fd, (struct sockaddr *)&address, len) && passes(fd, fd, seed);

	close(fd);
	return good;
}

static bool work_netlink(unsigned int *seed)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg what;
	} ask = { { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETLINK,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = (uint32_t)rand_r(seed) } };
	char answer[32768];
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	ssize_t got = fd >= 0 && send(fd, &ask, sizeof(ask), 0) == sizeof(ask)
			      ? recv(fd, answer, sizeof(answer), 0)
			      : -1;
	const struct nlmsghdr *head = (const void *)answer;

	close(fd);
	return got >= (ssize_t)sizeof(*head) && head->nlmsg_seq == ask.head.nlmsg_seq &&
	       head->nlmsg_type == RTM_NEWLINK;
}

static bool work_files(unsigned int *seed)
{
	char path[32], other[40], sent[MESSAGE], got[MESSAGE];

	snprintf(path, sizeof(path), "/tmp/load.%x", rand_r(seed));
	snprintf(other, sizeof(other), "%s.new", path);
	fill(sent, sizeof(sent), seed);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	bool good = fd >= 0 && write(fd, sent, sizeof(sent)) == (ssize_t)sizeof(sent) &&
		    !rename(path, other) && lseek(fd, 0, SEEK_SET) == 0 &&
		    read_all(fd, got, sizeof(got)) && !memcmp(sent, got, sizeof(sent)) &&
		    !ftruncate(fd, 100) && !fsync(fd) && lseek(fd, 0, SEEK_END) == 100;

	close(fd);
	return !unlink(other) && good;
}

static bool work_memory(unsigned int *seed)
{
	size_t len = 1 << 18;
	char *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return false;
	unsigned int first = *seed, check = first;
	for (size_t i = 0; i < len; i += 1024)
		map[i] = (char)rand_r(seed);
	bool good = !mprotect(map, len / 2, PROT_READ) &&
		    !mprotect(map, len / 2, PROT_READ | PROT_WRITE);
	map = mremap(map, len, 2 * len, MREMAP_MAYMOVE);
	if (map == MAP_FAILED)
		return false;
	for (size_t i = 0; i < len; i += 1024)
		good &= map[i] == (char)rand_r(&check);
	return !munmap(map, 2 * len) && good;
}

/* The shell is told a number and gives it back as its exit status. */
static bool work_processes(unsigned int *seed)
{
	char script[32];
	int want = rand_r(seed) % 100, status;
	pid_t pid;

	snprintf(script, sizeof(script), "exit %d", want);
	pid = fork();
	if (!pid) {
		execl("/bin/busybox", "sh", "-c", script, (char *)NULL);
		_exit(255);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == want;
}

static bool work_signals(unsigned int *seed)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid > 0 && !kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid &&
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool work_events(unsigned int *seed)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	struct epoll_event event = { .events = EPOLLIN };
	int poll_fd = epoll_create1(0), event_fd = eventfd(0, 0);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t number = 1 + (unsigned int)rand_r(seed), got = 0, ticks = 0;
	bool good = poll_fd >= 0 && event_fd >= 0 && timer >= 0 &&
		    !epoll_ctl(poll_fd, EPOLL_CTL_ADD, event_fd, &event) &&
		    write(event_fd, &number, sizeof(number)) == sizeof(number) &&
		    epoll_wait(poll_fd, &event, 1, PATIENCE_S * 1000) == 1 &&
		    read(event_fd, &got, sizeof(got)) == sizeof(got) && got == number &&
		    !timerfd_settime(timer, 0, &soon, NULL) &&
		    read(timer, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks >= 1;

	close(timer);
	close(event_fd);
	close(poll_fd);
	return good;
}

static bool work_proc(unsigned int *seed)
{
	static const char *const files[] = { "/proc/self/maps", "/proc/self/status", "/proc/meminfo",
					     "/proc/stat", "/proc/net/tcp", "/proc/self/smaps",
					     "/proc/interrupts", "/proc/mounts", "/proc/vmstat",
					     "/proc/net/dev" };
	const char *path = files[(size_t)rand_r(seed) % (sizeof(files) / sizeof(*files))];
	char text[16384];
	int fd = open(path, O_RDONLY);
	ssize_t got = fd >= 0 ? read(fd, text, sizeof(text)) : -1;

	close(fd);
	return got > 0;
}

#define KIND(name) { #name, work_##name }
static struct kind kinds[] = {
	KIND(pipe),  KIND(unix),   KIND(tcp4),	    KIND(tcp6),	   KIND(udp),	 KIND(netlink),
	KIND(files), KIND(memory), KIND(processes), KIND(signals), KIND(events), KIND(proc),
};
enum { NR_KINDS = sizeof(kinds) / sizeof(*kinds) };

static void *run(void *argument)
{
	struct kind *kind = argument;
	unsigned int seed = (unsigned int)(kind - kinds) + 1;

	while (!atomic_load(&stopping)) {
		bool good = kind->work(&seed);

		atomic_fetch_add(good ? &kind->rounds : &kind->errors, 1);
		poll(NULL, 0, PAUSE_MS);
	}
	return NULL;
}

static void tell(const char *path)
{
	char fresh[4096];

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	FILE *file = fopen(fresh, "w");
	bool good = file;

	for (size_t i = 0; good && i < NR_KINDS; i++)
		good = fprintf(file, "%s %llu %llu\n", kinds[i].name,
			       atomic_load(&kinds[i].rounds), atomic_load(&kinds[i].errors)) > 0;
	if (!file || fclose(file) || !good || rename(fresh, path)) {
		perror("load: telling");
		exit(1);
	}
}

static void stop(int signal)
{
	atomic_store(&stopping, true);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };
	pthread_t threads[NR_KINDS];

	if (argc != 2)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	/* Behind what the update itself needs: on a slow host each would else take half a minute. */
	if (setpriority(PRIO_PROCESS, 0, 19)) {
		perror("load: priority");
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	for (size_t i = 0; i < NR_KINDS; i++) {
		if (pthread_create(&threads[i], NULL, run, &kinds[i])) {
			perror("load: thread");
			return 1;
		}
	}
	while (!atomic_load(&stopping)) {
		tell(argv[1]);
		poll(NULL, 0, 50);
	}
	for (size_t i = 0; i < NR_KINDS; i++)
		pthread_join(threads[i], NULL);
	tell(argv[1]);
	for (size_t i = 0; i < NR_KINDS; i++) {
		if (atomic_load(&kinds[i].errors))
			return 1;
	}
	return 0;
}
