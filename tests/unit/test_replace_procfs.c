// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsers of /proc: what the kernel writes, and what somebody may make it write. */
/* rooms: replace seat base */
#include "replace/procfs.h"
#include "replace/diag.h"
#include "tap.h"

#include <linux/inet_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#define STAT_TAIL " 0 -1 4194560 98 0 0 0 0 0 0 0 20 0 1 0 122391 3133440 390\n"

START_TEST(stat_has_names_of_all_kinds)
{
	struct uk_proc_stat stat;
	ck_ok(uk_proc_parse_stat("812 (a) b (c\n1 S 0) R 1 2 3" STAT_TAIL, &stat));
	ck_assert_int_eq(stat.pid, 812);
	ck_assert_str_eq(stat.comm, "a) b (c\n1 S 0");
	ck_assert_int_eq(stat.state, 'R');
	ck_assert_int_eq(stat.ppid, 1);
	ck_assert_int_eq(stat.pgid, 2);
	ck_assert_int_eq(stat.sid, 3);
	ck_assert_uint_eq(stat.started, 122391);
	ck_assert_uint_eq(stat.flags, 4194560);
	ck_ok(uk_proc_parse_stat("2 (k) S 0 0 0 34818 -1 2129984 0 0 0 0 0 0 0 -3 20 0 1 0 7 0\n",
				 &stat));
	ck_assert(stat.flags & UK_PF_KTHREAD);
	ck_assert_uint_eq(major(stat.tty), 136);
	ck_assert_uint_eq(minor(stat.tty), 2);
}
END_TEST

static const char *const bad_stats[] = {
	"",
	"812",
	"812 (a",
	"812 )a( R 1 2 3" STAT_TAIL,
	"812 (a)",
	"812 (a) ",
	"x (a) R 1 2 3 4",
	"812 (a) R",
	"812 (a) R 1 2",
	"812 (a) R 1 2 3 4 5 x",
	"99999999999 (a) R 1 2 3" STAT_TAIL,
	"812 (a) R 1 2 3 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 99999999999999999999 0\n",
	"812 (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) R 1 2 "
	"3" STAT_TAIL,
};

START_TEST(damaged_stat_is_refused)
{
	struct uk_proc_stat stat;
	ck_fails(uk_proc_parse_stat(bad_stats[_i], &stat), UK_ERR_INVALID, "stat: cannot read");
}
END_TEST

START_TEST(status_is_read)
{
	struct uk_proc_status status;
	ck_ok(uk_proc_parse_status("Name:\tx\nUid:\t1\t1000\t1\t1\nTracerPid:\t77\nNSpid:\t812\t5\n"
				   "RssAnon:\t  100 kB\nRssFile:\t 5 kB\nRssShmem:\t 20 kB\n"
				   "VmSwap:\t 7 kB\nSeccomp:\t2\nSeccomp_filters:\t3\n"
				   "x86_Thread_features:\tshstk wrss \nTHP_enabled:\t0\n"
				   "Cpus_allowed:\t3,ffffffff\n",
				   &status));
	ck_assert_uint_eq(status.uid, 1000);
	ck_assert_int_eq(status.tracer, 77);
	ck_assert_int_eq(status.inner_pid, 5);
	ck_assert_uint_eq(status.rss_kib, 120);
	ck_assert_uint_eq(status.swap_kib, 7);
	ck_assert_int_eq(status.seccomp, 2);
	ck_assert_int_eq(status.filters, 3);
	ck_assert(status.shadow_stack && status.no_huge);
	ck_assert_str_eq(status.processors, "3,ffffffff");

	ck_fails(uk_proc_parse_status("Uid:\t1\n", &status), UK_ERR_INVALID, "'Uid:\t1'");
	ck_fails(uk_proc_parse_status("NSpid:\n", &status), UK_ERR_INVALID, "status: cannot");
	ck_fails(uk_proc_parse_status("RssAnon:\t18446744073709551615 kB\nRssShmem:\t1 kB\n",
				      &status),
		 UK_ERR_INVALID, "RssShmem");
}
END_TEST

START_TEST(fdinfo_is_read)
{
	struct uk_fd fd = { .tty = -1 };
	ck_ok(uk_proc_parse_fdinfo("pos:\t123\nflags:\t0100002\nmnt_id:\t25\nino:\t9\n"
				   "lock:\t1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF\n"
				   "lock:\t2: OFDLCK ADVISORY  READ -1 00:13:11691 0 EOF\n",
				   &fd));
	ck_assert_uint_eq(fd.pos, 123);
	ck_assert_uint_eq(fd.flags, 0100002);
	ck_assert_int_eq(fd.mount, 25);
	ck_assert_uint_eq(fd.locks.len, 2);
	ck_assert_str_eq(fd.locks.data[0].kind, "FLOCK");
	ck_assert_str_eq(fd.locks.data[0].access, "WRITE");
	ck_assert_int_eq(fd.locks.data[0].owner, 359);
	ck_assert_int_eq(fd.locks.data[1].owner, -1);
	ck_assert(!fd.semaphore && !fd.semaphore_told);
	ck_ok(uk_proc_parse_fdinfo("clockid: 1\nticks: 18446744073709551615\nsettime flags: 03\n"
				   "it_value: (4, 5)\nit_interval: (0, 7000)\n",
				   &fd));
	ck_assert_int_eq(fd.timer.clock, 1);
	ck_assert_uint_eq(fd.timer.ticks, UINT64_MAX);
	ck_assert_uint_eq(fd.timer.flags, 3);
	ck_assert_uint_eq(fd.timer.left, 4000000005);
	ck_assert_uint_eq(fd.timer.interval, 7000);
	ck_ok(uk_proc_parse_fdinfo("pos:\t-4096\ntty-index:\t12\nPid:\t-1\n"
				   "tfd:        5 events: 80000019  data: 5\n"
				   "eventfd-semaphore: 1\ninotify wd:1 ino:2\n",
				   &fd));
	ck_assert_uint_eq(fd.pos, 0);
	ck_assert_int_eq(fd.tty, 12);
	ck_assert_int_eq(fd.pidfd, -1);
	ck_assert_uint_eq(fd.watches, 2);
	ck_assert(fd.edges && fd.semaphore && fd.semaphore_told);

	uk_fd_deinit(&fd);
}
END_TEST

static const char *const bad_fdinfos[] = {
	"pos:\n",
	"pos:\t99999999999999999999\n",
	"flags:\t9\n",
	"flags:\t77777777777777\n",
	"mnt_id:\tx\n",
	"lock:\tx\n",
	"it_value: (1)\n",
	"it_value: 1, 2\n",
	"it_value: (99999999999999, 0)\n",
	"ticks: -1\n",
	"clockid:\n",
	"tty-index:\t99999999999\n",
};

START_TEST(damaged_fdinfo_is_refused)
{
	struct uk_fd fd = {};
	ck_fails(uk_proc_parse_fdinfo(bad_fdinfos[_i], &fd), UK_ERR_INVALID, "fdinfo: cannot read");
	uk_fd_deinit(&fd);
}
END_TEST

START_TEST(calls_are_read)
{
	struct uk_thread thread = {};
	ck_ok(uk_proc_parse_syscall("running\n", &thread));
	ck_assert_int_eq(thread.syscall, -1);
	ck_ok(uk_proc_parse_syscall("-1 0x7ffe 0x55\n", &thread));
	ck_assert_int_eq(thread.syscall, -1);
	ck_ok(uk_proc_parse_syscall("202 0x1 0x80 0x3 0xffffffffffffffff 0x5 0x6 0x7 0x8\n",
				    &thread));
	ck_assert_int_eq(thread.syscall, 202);
	ck_assert_uint_eq(thread.args[1], 0x80);
	ck_assert_uint_eq(thread.args[3], UINT64_MAX);
	ck_assert_uint_eq(thread.sp, 7);
	ck_assert_uint_eq(thread.ip, 8);
	ck_fails(uk_proc_parse_syscall("202 0x1 0x80 0x3 0x4 0x5 0x6 0x7", &thread), UK_ERR_INVALID,
		 "syscall");
	ck_fails(uk_proc_parse_syscall("202 0x1 0x2", &thread), UK_ERR_INVALID, "syscall");
	ck_fails(uk_proc_parse_syscall("", &thread), UK_ERR_INVALID, "syscall");
	ck_fails(uk_proc_parse_syscall("202 0x1 0x80 0x3 0x10000000000000000 5 6 7 8\n", &thread),
		 UK_ERR_INVALID, "syscall");
}
END_TEST

START_TEST(timers_are_read)
{
	uk_posix_timers timers = {};
	ck_ok(uk_proc_parse_timers("ID: 3\nsignal: 14/00000000beef\nnotify: signal/pid.812\n"
				   "ClockID: 1\nID: 4\nsignal: 10/0\nnotify: none/tid.5\n"
				   "ClockID: -6\n",
				   &timers));
	ck_assert_uint_eq(timers.len, 2);
	ck_assert_int_eq(timers.data[0].id, 3);
	ck_assert_int_eq(timers.data[0].signal, 14);
	ck_assert_int_eq(timers.data[0].clock, 1);
	ck_assert_int_eq(timers.data[1].clock, -6);
	ck_fails(uk_proc_parse_timers("ID: x\n", &timers), UK_ERR_INVALID, "timers");
	uk_vec_deinit(&timers);
	static const char list[] = " #0: <00000000c6b2fd82>, it_real_fn, S:01\n"
				   " # expires at 1-2 nsecs [in 1 to 2 nsecs]\n"
				   " #1: <00000000c6b2fd83>, hrtimer_wakeup, S:01, it_real_fn,/7\n"
				   ", it_real_fn,\n #2: <00000000c6b2fd84>, it_real_fn, S:01\n";
	ck_assert_uint_eq(uk_proc_count_itimers(list), 3);
	ck_assert_uint_eq(uk_proc_count_itimers(""), 0);
}
END_TEST

START_TEST(cgroups_are_read)
{
	uk_auto_free char *path = NULL, *none = NULL;
	ck_ok(uk_proc_parse_cgroup("1:name=systemd:/x\n0::/system.slice/a b.service\n", &path));
	ck_assert_str_eq(path, "/system.slice/a b.service");
	ck_ok(uk_proc_parse_cgroup("1:name=systemd:/x\n", &none));
	ck_assert_ptr_null(none);
	ck_fails(uk_proc_parse_cgroup("0::x\n", &none), UK_ERR_INVALID, "cgroup");
}
END_TEST

START_TEST(mounts_are_read)
{
	uk_mounts mounts = {};
	ck_ok(uk_proc_parse_mountinfo("36 35 98:0 /mnt1 /mnt\\0402\\134 rw,noatime master:1 "
				      "shared:2 - ext3 /dev/root rw\n"
				      "37 36 0:33 / /run rw - tmpfs tmpfs rw,size=1k\n",
				      &mounts));
	ck_assert_uint_eq(mounts.len, 2);
	ck_assert_int_eq(mounts.data[0].id, 36);
	ck_assert_int_eq(mounts.data[0].parent, 35);
	ck_assert_uint_eq(mounts.data[0].dev, makedev(98, 0));
	ck_assert_str_eq(mounts.data[0].root, "/mnt1");
	ck_assert_str_eq(mounts.data[0].point, "/mnt 2\\");
	ck_assert_str_eq(mounts.data[0].type, "ext3");
	ck_assert_str_eq(mounts.data[0].source, "/dev/root");
	ck_assert_str_eq(mounts.data[1].type, "tmpfs");
	uk_mounts_deinit(&mounts);
}
END_TEST

static const char *const bad_mounts[] = {
	"36 35 98:0 / /x rw - ext3\n",
	"36 35 98 / /x rw - ext3 a b\n",
	"36 x 98:0 / /x rw - ext3 a b\n",
	"36 35 98:0 / - ext3 a b\n",
	"\n",
	"36 35 98:99999999999 / /x rw - ext3 a b\n",
	"36 35 98:0 / /x rw ext3 a b\n",
};

START_TEST(damaged_mounts_are_refused)
{
	uk_mounts mounts = {};
	ck_fails(uk_proc_parse_mountinfo(bad_mounts[_i], &mounts), UK_ERR_INVALID, "mountinfo");
	uk_mounts_deinit(&mounts);
}
END_TEST

static const struct {
	const char *path;
	int kind; /* -1: not worth a word */
} paths[] = {
	{ "", -1 },
	{ "[heap]", -1 },
	{ "[vvar]", -1 },
	{ "/usr/lib/libc.so.6", -1 },
	{ "/usr/lib/libc.so.6 (deleted)", UK_MAPPING_DELETED },
	{ "/memfd:x (deleted)", -1 },
	{ "/dev/zero (deleted)", -1 },
	{ "/dev/shm/x", -1 },
	{ "/dev/shm/x (deleted)", UK_MAPPING_DELETED },
	{ "/dev/mem", UK_MAPPING_DEVICE },
	{ "/sys/devices/pci0000:00/0000:00:02.0/resource0", UK_MAPPING_DEVICE },
	{ "/[aio] (deleted)", UK_MAPPING_AIO },
	{ "/SYSV00000000 (deleted)", UK_MAPPING_SYSV },
	{ "/anon_hugepage (deleted)", UK_MAPPING_HUGETLB },
	{ "/secretmem (deleted)", UK_MAPPING_SECRET },
	{ "anon_inode:[io_uring]", UK_MAPPING_IO_URING },
	{ "anon_inode:[perf_event]", UK_MAPPING_PERF },
	{ "anon_inode:kvm-vcpu:0", UK_MAPPING_DEVICE },
	{ "socket:[7]", UK_MAPPING_PACKET },
};

START_TEST(mappings_are_told_apart)
{
	char line[256];
	uk_mappings mappings = {};
	snprintf(line, sizeof(line), "7f00-7f10 rw-s 00001000 fe:01 1234    %s\n", paths[_i].path);
	ck_ok(uk_proc_parse_maps(line, &mappings));
	ck_assert_uint_eq(mappings.len, paths[_i].kind >= 0);
	if (mappings.len) {
		ck_assert_int_eq(mappings.data[0].kind, paths[_i].kind);
		ck_assert_str_eq(mappings.data[0].path, paths[_i].path);
		ck_assert_uint_eq(mappings.data[0].start, 0x7f00);
		ck_assert_uint_eq(mappings.data[0].dev, makedev(0xfe, 1));
		ck_assert_uint_eq(mappings.data[0].ino, 1234);
		ck_assert(mappings.data[0].shared && mappings.data[0].writable);
	}
	uk_mappings_deinit(&mappings);
}
END_TEST

START_TEST(vast_mappings_are_told)
{
	static const char maps[] = "100000000000-101000000000 ---p 00000000 00:00 0\n"
				   "200000000000-200fffff0000 rw-p 00000000 00:00 0 [heap]\n"
				   "300000000000-301000000000 rw-s 00000000 00:01 7 /dev/zero\n";
	uk_mappings mappings = {};
	ck_ok(uk_proc_parse_maps(maps, &mappings));
	ck_assert_uint_eq(mappings.len, 1);
	ck_assert_int_eq(mappings.data[0].kind, UK_MAPPING_VAST);
	ck_assert_uint_eq(mappings.data[0].start, 0x100000000000);
	uk_mappings_deinit(&mappings);
}
END_TEST

static const char *const bad_maps[] = {
	"7f00\n",
	"7f00-7f10 rw-\n",
	"7f00-7f10 rw-s 0 fe 1\n",
	"x-7f10 rw-s 0 fe:01 1\n",
	"7f00-7f10 rw-s 0 fe:01\n",
	"7f00-7f10 rw-s 0 fe:01 x\n",
	"10000000000000000-1 rw-s 0 0:0 0",
};

START_TEST(damaged_maps_are_refused)
{
	uk_mappings mappings = {};
	ck_fails(uk_proc_parse_maps(bad_maps[_i], &mappings), UK_ERR_INVALID, "maps: cannot read");
	uk_mappings_deinit(&mappings);
}
END_TEST

START_TEST(tables_of_sockets_are_read)
{
	uk_proc_sockets sockets = {};
	ck_ok(uk_proc_parse_net("  sl  local_address rem_address   st tx_queue rx_queue ...\n"
				"   0: 0100007F:07E8 00000000:0000 0A 00000001:0000000F "
				"00:00000000 00000000  0 0 1613 1 x\n",
				UK_PROC_INET, &sockets));
	ck_ok(uk_proc_parse_net("head\n"
				"   0: 00000000000000000000000001000000:0016 "
				"B80D01200000000000000000FF000000:D431 01 0:0 00:0 0 0 0 1614 1\n",
				UK_PROC_INET, &sockets));
	ck_ok(uk_proc_parse_net("Num RefCount Protocol Flags Type St Inode Path\n"
				"0: 00000003 00000000 00000000 0001 03 1610 /run/x\n"
				"0: 00000003 00000000 00010000 0002 01 1611\n",
				UK_PROC_UNIX, &sockets));
	ck_ok(uk_proc_parse_net("sk ...\n0 3 3 0003 2 1 0 0 1612\n", UK_PROC_PACKET, &sockets));
	ck_ok(uk_proc_parse_net("sk ...\n0 15 0 0 5 0 0 2 0 1615\n", UK_PROC_NETLINK, &sockets));
	ck_assert_uint_eq(sockets.len, 6);
	const struct uk_proc_socket *socket = sockets.data;
	ck_assert_str_eq(socket[0].local, "127.0.0.1:2024");
	ck_assert_str_eq(socket[0].remote, "0.0.0.0:0");
	ck_assert_int_eq(socket[0].state, 10);
	ck_assert_uint_eq(socket[0].sent, 1);
	ck_assert_uint_eq(socket[0].received, 15);
	ck_assert_uint_eq(socket[0].ino, 1613);
	ck_assert_str_eq(socket[1].local, "[::1]:22");
	ck_assert_str_eq(socket[1].remote, "[2001:db8::ff]:54321");
	ck_assert_str_eq(socket[2].local, "/run/x");
	ck_assert_int_eq(socket[3].type, 2);
	ck_assert_uint_eq(socket[4].ino, 1612);
	ck_assert_int_eq(socket[5].protocol, 15);
	ck_assert_uint_eq(socket[5].received, 5);
	uk_vec_deinit(&sockets);
}
END_TEST

static const struct {
	enum uk_proc_net kind;
	const char *line;
} bad_sockets[] = {
	{ UK_PROC_INET, "0: 0100007F 0:0 0A 0:0 0:0 0 0 0 1\n" },
	{ UK_PROC_INET, "0: 0100007F:10000 00000000:0 0A 0:0 0:0 0 0 0 1\n" },
	{ UK_PROC_INET, "0: 0100007F:1 00000000:0 0A 0 0:0 0 0 0 1\n" },
	{ UK_PROC_INET, "0: 0100007F:1 00000000:0 0A 0:0 0:0 0 0 0\n" },
	{ UK_PROC_UNIX, "0: 3 0 0 0001 03\n" },
	{ UK_PROC_UNIX, "0: 3 0 0 0001 03 x\n" },
	{ UK_PROC_PACKET, "0 3 x 3 2 1 0 0 1\n" },
	{ UK_PROC_NETLINK, "0 15 0 0 5 0 0 2 0\n" },
};

START_TEST(damaged_sockets_are_refused)
{
	char text[256];
	uk_proc_sockets sockets = {};
	snprintf(text, sizeof(text), "head\n%s", bad_sockets[_i].line);
	ck_fails(uk_proc_parse_net(text, bad_sockets[_i].kind, &sockets), UK_ERR_INVALID, "net:");
	uk_vec_deinit(&sockets);
}
END_TEST

START_TEST(short_answers_of_sock_diag_are_none)
{
	struct uk_socket socket;
	uk_diag_waitings waiting = {};
	struct inet_diag_msg inet = { .idiag_family = AF_INET6, .idiag_state = 200 };
	struct unix_diag_msg local = { .udiag_family = AF_UNIX, .udiag_ino = 7 };
	inet.id.idiag_src[2] = htonl(0xffff);
	inet.id.idiag_src[3] = htonl(0x7f000001);
	inet.id.idiag_sport = htons(80);
	ck_assert(!uk_diag_parse(&inet, 0, IPPROTO_TCP, &socket, &waiting));
	ck_assert(!uk_diag_parse(&inet, sizeof(inet) - 1, IPPROTO_TCP, &socket, &waiting));
	ck_assert(uk_diag_parse(&inet, sizeof(inet), IPPROTO_TCP, &socket, &waiting));
	ck_assert_str_eq(socket.local, "127.0.0.1:80");
	ck_assert_str_eq(socket.remote, "[::]:0");
	ck_assert_int_eq(socket.state, UK_SOCKET_UNKNOWN);
	ck_assert(!uk_diag_parse(&local, sizeof(local) - 1, 0, &socket, &waiting));
	ck_assert(uk_diag_parse(&local, sizeof(local), 0, &socket, &waiting));
	ck_assert_uint_eq(socket.ino, 7);
	ck_assert_uint_eq(waiting.len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_procfs");
	TCase *tcase = tcase_create("procfs");
	tcase_add_test(tcase, stat_has_names_of_all_kinds);
	tcase_add_loop_test(tcase, damaged_stat_is_refused, 0, UK_ARRAY_SIZE(bad_stats));
	tcase_add_test(tcase, status_is_read);
	tcase_add_test(tcase, fdinfo_is_read);
	tcase_add_loop_test(tcase, damaged_fdinfo_is_refused, 0, UK_ARRAY_SIZE(bad_fdinfos));
	tcase_add_test(tcase, calls_are_read);
	tcase_add_test(tcase, timers_are_read);
	tcase_add_test(tcase, cgroups_are_read);
	tcase_add_test(tcase, mounts_are_read);
	tcase_add_loop_test(tcase, damaged_mounts_are_refused, 0, UK_ARRAY_SIZE(bad_mounts));
	tcase_add_loop_test(tcase, mappings_are_told_apart, 0, UK_ARRAY_SIZE(paths));
	tcase_add_test(tcase, vast_mappings_are_told);
	tcase_add_loop_test(tcase, damaged_maps_are_refused, 0, UK_ARRAY_SIZE(bad_maps));
	tcase_add_test(tcase, tables_of_sockets_are_read);
	tcase_add_loop_test(tcase, damaged_sockets_are_refused, 0, UK_ARRAY_SIZE(bad_sockets));
	tcase_add_test(tcase, short_answers_of_sock_diag_are_none);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
