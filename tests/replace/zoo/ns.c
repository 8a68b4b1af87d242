// SPDX-License-Identifier: GPL-2.0-or-later
/* Namespaces that a service brought: it is the tree's first process that is in them. */
#include "zoo.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static int listener;
static struct sockaddr_in bound = { .sin_family = AF_INET };

static void unshare_or_skip(int what)
{
	if (unshare(what))
		zoo_skip("unshare: %s", strerror(errno));
}

/*
 * The program again, within the mount namespace: what was executed and opened before belongs to
 * mounts of the old one. A service is executed there by who made the namespace.
 */
static void enter_mounts(void)
{
	char program[512] = "", kind[16];
	char *const arguments[] = {
		"zoo",		 zoo.kind ? "sabotage" : "run", (char *)zoo.now->name,
		(char *)zoo.dir, zoo.kind ? kind : NULL,	NULL
	};
	int null;

	if (!getenv("ZOO_INSIDE")) {
		unshare_or_skip(CLONE_NEWNS);
		zoo_sys(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
		zoo_sys(readlink("/proc/self/exe", program, sizeof(program) - 1));
		snprintf(kind, sizeof(kind), "%d", zoo.kind);
		zoo_sys(setenv("ZOO_INSIDE", "1", 1));
		zoo_sys(execv(program, arguments));
	}
	null = (int)zoo_sys(open("/dev/null", O_RDWR));
	for (int fd = 0; fd < 3; fd++)
		zoo_sys(dup2(null, fd));
	close(null);
}

/* --- host name
 * -------------------------------------------------------------------------------------- */

static void uts_setup(void)
{
	unshare_or_skip(CLONE_NEWUTS);
	zoo_sys(sethostname("kept", 4));
	zoo_sys(setdomainname("zoo.example", 11));
}

static void uts_check(void)
{
	struct utsname names;

	zoo_sys(uname(&names));
	zoo_text("host name", "kept", names.nodename);
	zoo_text("domain name", "zoo.example", names.domainname);
}

static void uts_sabotage(void)
{
	zoo_sys(sethostname("lost", 4));
}

/* --- mounts
 * ------------------------------------------------------------------------------------------ */

/* As PrivateTmp= does it: a folder that nobody else sees over a public one, and read-only places.
 */
static void mnt_setup(void)
{
	enter_mounts();
	zoo_sys(mkdir(zoo_path("public"), 0755));
	zoo_sys(mkdir(zoo_path("private"), 0700));
	zoo_put(zoo_path("private/file"), "behind the scenes");
	if (zoo.arg) {
		zoo_sys(mount("zoo", zoo_path("public"), "tmpfs", MS_NOSUID | MS_NODEV,
			      "size=1m,mode=0711"));
		zoo_put(zoo_path("public/file"), "behind the scenes");
	} else {
		zoo_sys(mount(zoo_path("private"), zoo_path("public"), NULL, MS_BIND, NULL));
	}
	zoo_sys(mkdir(zoo_path("fixed"), 0755));
	zoo_sys(mount(zoo_path("fixed"), zoo_path("fixed"), NULL, MS_BIND, NULL));
	zoo_sys(mount(NULL, zoo_path("fixed"), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

static void mnt_check(void)
{
	char text[64];

	zoo_get(zoo_path("public/file"), text, sizeof(text));
	zoo_text("file in the mount", "behind the scenes", text);
	zoo_errno(EROFS, open(zoo_path("fixed/x"), O_WRONLY | O_CREAT, 0600));
}

static void mnt_verify(void)
{
	struct statfs about;

	zoo_put(zoo_path("public/second"), "more");
	if (!zoo.arg)
		return;
	zoo_sys(statfs(zoo_path("public"), &about));
	zoo_same("blocks", (1 << 20) / about.f_bsize, about.f_blocks);
	zoo_same("flags", ST_NOSUID | ST_NODEV, about.f_flags & (ST_NOSUID | ST_NODEV));
}

static void mnt_sabotage(void)
{
	zoo_sys(umount2(zoo_path("public"), MNT_DETACH));
}

/* --- network
 * ------------------------------------------------------------------------------------------ */

static void up(const char *name, const char *address)
{
	const int fd = (int)zoo_sys(socket(AF_INET, SOCK_DGRAM, 0));
	struct ifreq request = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (address) {
		in->sin_family = AF_INET;
		zoo_same("inet_pton", 1, inet_pton(AF_INET, address, &in->sin_addr));
		zoo_sys(ioctl(fd, SIOCSIFADDR, &request));
	}
	zoo_sys(ioctl(fd, SIOCGIFFLAGS, &request));
	request.ifr_flags |= IFF_UP;
	zoo_sys(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static void net_setup(void)
{
	socklen_t size = sizeof(bound);

	unshare_or_skip(CLONE_NEWNET);
	up("lo", NULL);
	up("lo", "127.0.0.1");
	up("lo:7", "10.77.0.1");
	zoo_same("inet_pton", 1, inet_pton(AF_INET, "10.77.0.1", &bound.sin_addr));
	listener = (int)zoo_sys(socket(AF_INET, SOCK_STREAM, 0));
	zoo_sys(bind(listener, (struct sockaddr *)&bound, sizeof(bound)));
	zoo_sys(getsockname(listener, (struct sockaddr *)&bound, &size));
	zoo_sys(listen(listener, 5));
}

static void net_check(void)
{
	char text[4096];
	int fd;

	zoo_get("/proc/net/dev", text, sizeof(text));
	zoo_want(!strstr(text, "eth0"), "this is another network namespace");
	fd = (int)zoo_sys(socket(AF_INET, SOCK_STREAM, 0));
	zoo_sys(connect(fd, (struct sockaddr *)&bound, sizeof(bound)));
	close(fd);
	close((int)zoo_sys(accept(listener, NULL, NULL)));
}

static void net_sabotage(void)
{
	zoo_sys(unshare(CLONE_NEWNET));
}

/* A setting of the network namespace that was changed. */
static void sysctl_setup(void)
{
	int fd;

	net_setup();
	fd = (int)zoo_sys(open("/proc/sys/net/ipv4/ip_default_ttl", O_WRONLY));
	zoo_write(fd, "77");
	close(fd);
	fd = (int)zoo_sys(open("/proc/sys/net/ipv4/conf/lo/forwarding", O_WRONLY));
	zoo_write(fd, "1");
	close(fd);
}

static void sysctl_check(void)
{
	char text[16];

	zoo_get("/proc/sys/net/ipv4/conf/lo/forwarding", text, sizeof(text));
	zoo_text("forwarding", "1\n", text);
	zoo_get("/proc/sys/net/ipv4/ip_default_ttl", text, sizeof(text));
	zoo_text("ip_default_ttl", "77\n", text);
}

/* --- process ids
 * ----------------------------------------------------------------------------------------- */

/* The tree's first process is number 1 of its namespace; the one before it only tells who it is. */
static void pid_setup(void)
{
	char number[32];
	pid_t first;

	if (getenv("ZOO_INSIDE")) {
		enter_mounts();
		zoo_sys(mount("proc", "/proc", "proc", 0, NULL));
		return;
	}
	unshare_or_skip(CLONE_NEWPID);
	first = (pid_t)zoo_sys(fork());
	if (first) {
		snprintf(number, sizeof(number), "%d\n", first);
		zoo_put(zoo_path("pid"), number);
		zoo_step(15, 1);
		_exit(0);
	}
	zoo_await_step(15, 1);
	zoo_sys(setsid());
	if (zoo.arg)
		enter_mounts();
}

static pid_t child;

static void pid_body(void)
{
	zoo_await_go();
	zoo_same("parent", 1, getppid());
	zoo_same("own number", 2, getpid());
}

static void pid_setup_child(void)
{
	pid_setup();
	child = zoo_fork(pid_body);
}

static void pid_check(void)
{
	zoo_same("own number", 1, getpid());
	zoo_same("child's number", 2, child);
	zoo_same("session", 1, getsid(0));
}

static void pid_verify(void)
{
	zoo_join(child);
}

static void pid_sabotage(void)
{
	child = 3;
}

/* --- the others
 * -------------------------------------------------------------------------------------------- */

static void link_of(const char *kind, char *text, size_t size)
{
	char path[64];
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	got = zoo_sys(readlink(path, text, size - 1));
	text[got] = '\0';
}

static void write_map(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = (int)zoo_sys(open(path, O_WRONLY));
	zoo_write(fd, text);
	close(fd);
}

/* From outside: who is inside may map nobody but himself. */
static void map_body(void)
{
	zoo_await_step(0, 1);
	write_map(getppid(), "uid_map", "0 0 1000");
	write_map(getppid(), "gid_map", "0 0 1000");
}

static void user_setup(void)
{
	const pid_t mapper = zoo_fork(map_body);

	unshare_or_skip(CLONE_NEWUSER);
	zoo_step(0, 1);
	zoo_join(mapper);
}

static void user_check(void)
{
	char text[256];

	zoo_get("/proc/self/uid_map", text, sizeof(text));
	zoo_text("uid_map", "         0          0       1000\n", text);
	zoo_same("uid", 0, getuid());
	link_of("user", text, sizeof(text));
	zoo_want(strcmp(text, "user:[4026531837]"), "this is the first user namespace");
}

static void user_sabotage(void)
{
	zoo_sys(unshare(CLONE_NEWUSER));
}

/* All that a sandboxed service has. */
static void all_setup(void)
{
	mnt_setup();
	uts_setup();
	net_setup();
	zoo_sys(unshare(CLONE_NEWIPC));
}

static void all_check(void)
{
	uts_check();
	net_check();
	mnt_check();
}

const struct zoo_case zoo_ns[] = {
	{ "ns-uts", uts_setup, uts_check, NULL, uts_sabotage },
	{ "ns-mnt-bind", mnt_setup, mnt_check, mnt_verify, mnt_sabotage },
	{ "ns-mnt-tmpfs", mnt_setup, mnt_check, mnt_verify, mnt_sabotage, .arg = 1 },
	{ "ns-net", net_setup, net_check, NULL, net_sabotage },
	{ "ns-net-sysctl", sysctl_setup, sysctl_check, NULL, net_sabotage },
	{ "ns-pid", pid_setup_child, pid_check, pid_verify, pid_sabotage },
	{ "ns-pid-proc", pid_setup_child, pid_check, pid_verify, pid_sabotage, .arg = 1 },
	{ "ns-user", user_setup, user_check, NULL, user_sabotage },
	{ "ns-all", all_setup, all_check, mnt_verify, mnt_sabotage },
	{ NULL },
};
