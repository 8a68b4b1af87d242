// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the VM cases look at and busybox cannot: one static program in the guest.
 *
 *	probe eventfd N		puts N into an eventfd, prints what a read gives
 *	probe sleeper		sleeps in the read of an eventfd; SIGUSR1 puts 7 into it;
 *				prints what the read gave
 *	probe sysinfo		prints the uptime that sysinfo() gives, in seconds
 *	probe boottime		the same from the clock_gettime() system call
 *	probe qdisc		gives lo a queueing discipline, prints the number of the handle
 *				that the kernel chose for it, takes it away again
 *	probe redirect [N]	sets the console that kernel messages go to, or prints it
 *	probe msr REGISTER	prints the lower half of a register of the first processor
 *	probe waitid		prints how waitid() ends for a child that ended with 7: the status
 *				that it gives, and the error if it must write where nothing is
 *	probe futex N		two processes of which each does N FUTEX_WAKE_OPs that add 1 to one
 *				number: prints it; and the error of one where nothing is
 *	probe filter		prints how much a socket's filter leaves of a message, if the
 *				filter says "3 times 5 bytes"
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tiocl.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	return 1;
}

static int show_read(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return fail("read of an eventfd");
	printf("%" PRIu64 "\n", count);
	return 0;
}

static int probe_eventfd(const char *number)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t count = number ? strtoull(number, NULL, 10) : 0;

	if (fd < 0 || write(fd, &count, sizeof(count)) != sizeof(count))
		return fail("eventfd");
	return show_read(fd);
}

static int sleeper_fd;

static void wake_sleeper(int signal)
{
	const uint64_t seven = 7;

	if (write(sleeper_fd, &seven, sizeof(seven)) != sizeof(seven))
		_exit(1);
}

static int probe_sleeper(const char *unused)
{
	/* With SA_RESTART the read goes on where the signal met it, and finds the 7. */
	struct sigaction action = { .sa_handler = wake_sleeper, .sa_flags = SA_RESTART };

	sleeper_fd = eventfd(0, EFD_CLOEXEC);
	if (sleeper_fd < 0 || sigaction(SIGUSR1, &action, NULL))
		return fail("eventfd");
	return show_read(sleeper_fd);
}

static int probe_sysinfo(const char *unused)
{
	struct sysinfo info;

	if (sysinfo(&info))
		return fail("sysinfo");
	printf("%ld\n", info.uptime);
	return 0;
}

static int probe_boottime(const char *unused)
{
	struct timespec now;

	/* The C library would ask the vDSO. */
	if (syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now))
		return fail("clock_gettime");
	printf("%lld\n", (long long)now.tv_sec);
	return 0;
}

struct qdisc_request {
	struct nlmsghdr head;
	struct tcmsg tc;
	char attributes[64];
};

static void fill_request(struct qdisc_request *request, int type, int flags)
{
	static const char kind[] = "pfifo";
	struct rtattr *attribute;

	*request = (struct qdisc_request){ 0 };
	request->head.nlmsg_type = type;
	request->head.nlmsg_flags = NLM_F_REQUEST | flags;
	request->head.nlmsg_len = NLMSG_LENGTH(sizeof(request->tc));
	request->tc.tcm_family = AF_UNSPEC;
	request->tc.tcm_ifindex = if_nametoindex("lo");
	request->tc.tcm_parent = TC_H_ROOT;
	if (type != RTM_NEWQDISC)
		return;
	attribute = (struct rtattr *)request->attributes;
	attribute->rta_type = TCA_KIND;
	attribute->rta_len = RTA_LENGTH(sizeof(kind));
	memcpy(RTA_DATA(attribute), kind, sizeof(kind));
	request->head.nlmsg_len += RTA_ALIGN(attribute->rta_len);
}

/* Sends a request and waits for its acknowledgement. */
static bool ask(int fd, int type, int flags)
{
	struct qdisc_request request;
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[256];
	} answer;

	fill_request(&request, type, flags | NLM_F_ACK);
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)))
		return false;
	errno = -answer.error.error;
	return answer.head.nlmsg_type == NLMSG_ERROR && errno == 0;
}

/* The handle of the root discipline of lo, 0 when it cannot be told. */
static uint32_t read_handle(int fd)
{
	char buffer[16384] __attribute__((aligned(8)));
	struct qdisc_request request;
	uint32_t handle = 0;

	fill_request(&request, RTM_GETQDISC, NLM_F_DUMP);
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0)
		return 0;
	for (;;) {
		ssize_t left = recv(fd, buffer, sizeof(buffer), 0);
		struct nlmsghdr *head = (struct nlmsghdr *)buffer;

		if (left <= 0)
			return 0;
		for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
			const struct tcmsg *tc = NLMSG_DATA(head);

			if (head->nlmsg_type != RTM_NEWQDISC)
				return handle;
			if (tc->tcm_ifindex == request.tc.tcm_ifindex &&
			    tc->tcm_parent == TC_H_ROOT)
				handle = tc->tcm_handle;
		}
	}
}

static int probe_qdisc(const char *unused)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint32_t handle;

	if (fd < 0 || !ask(fd, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE))
		return fail("adding a queueing discipline");
	handle = read_handle(fd);
	if (!ask(fd, RTM_DELQDISC, 0))
		return fail("deleting a queueing discipline");
	printf("%" PRIu32 "\n", handle >> 16);
	return handle == 0;
}

static int probe_redirect(const char *number)
{
	char request[2] = { TIOCL_GETKMSGREDIRECT, 0 };
	int fd = open("/dev/tty1", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (number) {
		request[0] = TIOCL_SETKMSGREDIRECT;
		request[1] = (char)atoi(number);
	}
	if (fd < 0 || ioctl(fd, TIOCLINUX, request))
		return fail("TIOCLINUX on /dev/tty1");
	if (!number)
		printf("%d\n", request[0]);
	return 0;
}

static int probe_msr(const char *number)
{
	/* eax, ecx, edx, ebx, esp, ebp, esi, edi */
	uint32_t registers[8] = { 0, number ? (uint32_t)strtoul(number, NULL, 0) : 0 };
	int fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, _IOWR('c', 0xA0, uint32_t[8]), registers))
		return fail("reading a register of the processor");
	printf("%08" PRIx32 "\n", registers[0]);
	return 0;
}

/* An address that a process may have, but nothing is there. */
static void *const nowhere = (void *)0x10000;

static int probe_waitid(const char *unused)
{
	siginfo_t info = { 0 };
	pid_t child = fork();

	if (child == 0)
		_exit(7);
	if (child < 0 || waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT))
		return fail("waitid");
	if (syscall(SYS_waitid, P_PID, child, nowhere, WEXITED, NULL) != -1)
		errno = 0;
	printf("%d %s\n", info.si_status, errno ? strerror(errno) : "no error");
	return 0;
}

static int wake_op(uint32_t *from, uint32_t *word)
{
	return (int)syscall(SYS_futex, from, FUTEX_WAKE_OP, 1, 1, word,
			    FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0));
}

static bool wake_often(uint32_t *words, long count)
{
	while (count-- > 0) {
		if (wake_op(&words[0], &words[1]) < 0)
			return false;
	}
	return true;
}

static int probe_futex(const char *number)
{
	const long count = number ? atol(number) : 1;
	uint32_t *words =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 1;
	pid_t child;

	if (words == MAP_FAILED)
		return fail("mmap");
	child = fork();
	if (child == 0)
		_exit(!wake_often(words, count));
	if (child < 0 || !wake_often(words, count) || waitpid(child, &status, 0) != child || status)
		return fail("FUTEX_WAKE_OP");
	if (wake_op(words, nowhere) != -1)
		errno = 0;
	printf("%" PRIu32 " %s\n", words[1], errno ? strerror(errno) : "no error");
	return 0;
}

static int probe_filter(const char *unused)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_IMM, 3),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 5),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };
	char message[100] = { 0 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) ||
	    setsockopt(ends[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ||
	    send(ends[0], message, sizeof(message), 0) != sizeof(message))
		return fail("a socket with a filter");
	printf("%zd\n", recv(ends[1], message, sizeof(message), MSG_DONTWAIT));
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const char *argument);
} probes[] = {
	{ "eventfd", probe_eventfd },	{ "sleeper", probe_sleeper },
	{ "sysinfo", probe_sysinfo },	{ "qdisc", probe_qdisc },
	{ "boottime", probe_boottime }, { "redirect", probe_redirect },
	{ "msr", probe_msr },		{ "waitid", probe_waitid },
	{ "futex", probe_futex },	{ "filter", probe_filter },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(probes) / sizeof(*probes); i++)
		if (!strcmp(argv[1], probes[i].name))
			return probes[i].run(argv[2]);
	fprintf(stderr, "probe: which one?\n");
	return 1;
}
