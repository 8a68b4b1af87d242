// SPDX-License-Identifier: GPL-2.0-or-later
/* What a process is and may do. Most of it is kept as the text that /proc shows. */
#include "zoo.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child, second;

/* --- groups and sessions
 * ----------------------------------------------------------------------------- */

static void leader_body(void)
{
	zoo_sys(setsid());
	second = zoo_fork(zoo_idle_body);
	zoo_sys(setpgid(second, second));
	zoo.page->numbers[0] = second;
	zoo_idle_body();
}

static void group_setup(void)
{
	child = zoo_fork(leader_body);
	zoo_await_step(0, 1);
	second = zoo.page->numbers[0];
}

static void group_check(void)
{
	zoo_same("own session", getpid(), getsid(0));
	zoo_same("own group", getpid(), getpgid(0));
	zoo_same("session of the child", child, getsid(child));
	zoo_same("group of the child", child, getpgid(child));
	zoo_same("session of the grandchild", child, getsid(second));
	zoo_same("group of the grandchild", second, getpgid(second));
}

static void group_verify(void)
{
	int status;

	zoo_sys(kill(-second, SIGKILL));
	zoo_sys(kill(-child, SIGTERM));
	zoo_same("waitpid", child, waitpid(child, &status, 0));
	zoo_same("signal that ended it", SIGTERM, WTERMSIG(status));
}

static void group_sabotage(void)
{
	kill(second, SIGKILL);
	zoo_pause(100);
	child = second;
}

/* A process whose parent has ended belongs to another one. */
static void orphan_body(void)
{
	zoo.page->numbers[0] = zoo_fork(zoo_idle_body);
}

static void orphan_setup(void)
{
	zoo_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
	zoo_join(zoo_fork(orphan_body));
	zoo_await_step(0, 1);
	child = zoo.page->numbers[0];
}

static void orphan_check(void)
{
	int on = 0;
	char line[64], wanted[64];

	zoo_sys(prctl(PR_GET_CHILD_SUBREAPER, &on));
	zoo_same("PR_GET_CHILD_SUBREAPER", 1, on);
	zoo_status(child, "PPid", line, sizeof(line));
	snprintf(wanted, sizeof(wanted), "PPid:\t%d", getpid());
	zoo_text("parent of the orphan", wanted, line);
}

/* Those that are orphaned later come here, too. */
static void orphan_verify(void)
{
	zoo_join(zoo_fork(orphan_body));
	child = zoo.page->numbers[0];
	orphan_check();
}

static void orphan_sabotage(void)
{
	zoo_sys(prctl(PR_SET_CHILD_SUBREAPER, 0));
}

/* Ended and not waited for: by itself, and by a signal. */
static void exit_body(void)
{
	_exit(42);
}

static void zombie_setup(void)
{
	siginfo_t info;

	child = zoo_fork(exit_body);
	second = zoo_fork(zoo_idle_body);
	zoo_await_step(0, 1);
	zoo_sys(kill(second, SIGUSR2));
	zoo_sys(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
	zoo_sys(waitid(P_PID, (id_t)second, &info, WEXITED | WNOWAIT));
}

static void zombie_verify(void)
{
	int status = 0;

	zoo_same("waitpid", child, waitpid(child, &status, WNOHANG));
	zoo_want(WIFEXITED(status), "it did not end by itself: %#x", status);
	zoo_same("exit status", 42, WEXITSTATUS(status));
	zoo_same("waitpid", second, waitpid(second, &status, WNOHANG));
	zoo_want(WIFSIGNALED(status), "it did not end by a signal: %#x", status);
	zoo_same("signal", SIGUSR2, WTERMSIG(status));
}

static void zombie_sabotage(void)
{
	waitpid(child, NULL, 0);
}

/* --- who it is
 * -------------------------------------------------------------------------------------------- */

/* Parts that are different for each other: real, effective, saved, for files; groups. */
static void creds_setup(void)
{
	const gid_t groups[] = { 100, 200, 300 };

	zoo_sys(setgroups(3, groups));
	zoo_sys(setresgid(1001, 0, 1003));
	zoo_sys(setfsgid(1004));
	zoo_sys(prctl(PR_SET_KEEPCAPS, 1));
	zoo_sys(setresuid(2001, 0, 2003));
	zoo_sys(setfsuid(0));
}

static void creds_check(void)
{
	zoo_kept_status("Uid");
	zoo_kept_status("Gid");
	zoo_kept_status("Groups");
	zoo_same("PR_GET_KEEPCAPS", 1, prctl(PR_GET_KEEPCAPS));
}

static void creds_sabotage(void)
{
	zoo_sys(setfsgid(1005));
}

static void caps_call(uint32_t effective, uint32_t permitted, uint32_t inheritable)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { effective, permitted, inheritable }, { 0 } };

	zoo_sys(syscall(SYS_capset, &head, data));
}

/* Root without most of its powers: what it keeps may be exercised, what it lacks is refused. */
static void caps_setup(void)
{
	const uint32_t kept = 1 << CAP_CHOWN | 1 << CAP_KILL | 1 << CAP_DAC_OVERRIDE |
			      1 << CAP_SETPCAP | 1 << CAP_FOWNER;

	zoo_sys(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0));
	zoo_sys(prctl(PR_CAPBSET_DROP, CAP_MKNOD, 0, 0, 0));
	caps_call(kept & ~(1U << CAP_FOWNER), kept, 1 << CAP_KILL);
	zoo_sys(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	zoo_sys(prctl(PR_SET_SECUREBITS, 1 << 4 | 1 << 2));
}

static void caps_check(void)
{
	zoo_kept_status("CapInh");
	zoo_kept_status("CapPrm");
	zoo_kept_status("CapEff");
	zoo_kept_status("CapBnd");
	zoo_kept_status("CapAmb");
	zoo_same("securebits", 1 << 4 | 1 << 2, prctl(PR_GET_SECUREBITS));
	zoo_errno(EPERM, sethostname("x", 1));
}

static void caps_sabotage(void)
{
	caps_call(1 << CAP_KILL, 1 << CAP_KILL, 1 << CAP_KILL);
}

static void nnp_setup(void)
{
	zoo_sys(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void nnp_check(void)
{
	zoo_same("PR_GET_NO_NEW_PRIVS", zoo.page->numbers[0] ? 0 : 1,
		 prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

/* It cannot be taken back; the expectation is damaged. */
static void expect_else(void)
{
	zoo.page->numbers[0] = 1;
}

/* --- seccomp
 * --------------------------------------------------------------------------------------------- */

/* Some call gets EXDEV, another one kills who does it. */
static void add_filter(uint32_t call, uint32_t verdict)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, verdict),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	zoo_sys(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void seccomp_setup(void)
{
	zoo_sys(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	add_filter(SYS_personality, SECCOMP_RET_ERRNO | EXDEV);
	add_filter(SYS_uname, SECCOMP_RET_KILL_PROCESS);
}

static void uname_body(void)
{
	char text[512];

	syscall(SYS_uname, text);
}

static void seccomp_check(void)
{
	zoo_errno(zoo.page->numbers[0] ? EPERM : EXDEV, syscall(SYS_personality, 0xffffffff));
	zoo_kept_status("Seccomp");
	zoo_kept_status("Seccomp_filters");
}

static void seccomp_verify(void)
{
	int status;

	child = zoo_fork(uname_body);
	zoo_same("waitpid", child, waitpid(child, &status, 0));
	zoo_same("signal", SIGSYS, WTERMSIG(status));
}

/* --- what the kernel remembers
 * ---------------------------------------------------------------------------- */

/* A field of /proc/self/stat, counted as in proc(5). */
static const char *stat_field(int number)
{
	static char text[1024];
	char *field;

	zoo_get("/proc/self/stat", text, sizeof(text));
	field = strrchr(text, ')');
	for (int i = 2; i < number; i++)
		field = strchr(field + 1, ' ');
	field++;
	field[strcspn(field, " ")] = '\0';
	return field;
}

static void self_check(void)
{
	char text[4096];
	ssize_t got = zoo_sys(readlink("/proc/self/exe", text, sizeof(text) - 1));

	text[got] = '\0';
	zoo_kept("exe", text);
	for (size_t i = 0, have = zoo_get("/proc/self/cmdline", text, sizeof(text)); i + 1 < have;
	     i++)
		text[i] = text[i] ? text[i] : ' ';
	zoo_kept("cmdline", text);
	for (size_t i = 0, have = zoo_get("/proc/self/environ", text, sizeof(text)); i + 1 < have;
	     i++)
		text[i] = text[i] ? text[i] : ' ';
	zoo_kept("environ", text);
	zoo_get("/proc/self/auxv", text, 8);
	zoo_kept("auxv", text);
	zoo_kept("start of the code", stat_field(26));
	zoo_kept("start of the stack", stat_field(28));
	zoo_kept("start of the data", stat_field(45));
	zoo_kept("start of the heap", stat_field(47));
	zoo_kept("start of the arguments", stat_field(48));
	zoo_kept("end of the environment", stat_field(51));
}

static void self_sabotage(void)
{
	char *arguments = (char *)strtoul(stat_field(48), NULL, 10);

	arguments[0] = 'Z';
}

static void start_check(void)
{
	zoo_kept("start time", stat_field(22));
}

static void start_sabotage(void)
{
	zoo_kept("start time", "0");
}

/* Time that was used stays used. */
static void usage_setup(void)
{
	const double end = zoo_now(CLOCK_PROCESS_CPUTIME_ID) + 0.7;
	struct rusage usage;

	while (zoo_now(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
	zoo_sys(getrusage(RUSAGE_SELF, &usage));
	zoo.page->numbers[0] = (int)(usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000);
}

static void usage_check(void)
{
	struct rusage usage;

	zoo_sys(getrusage(RUSAGE_SELF, &usage));
	zoo_near("milliseconds of user time", zoo.page->numbers[0],
		 (double)usage.ru_utime.tv_sec * 1000 + (double)usage.ru_utime.tv_usec / 1000, 1,
		 2000);
}

static void usage_sabotage(void)
{
	zoo.page->numbers[0] += 5000;
}

/* Keyrings: the session's, with a key. */
static long key;

static void key_setup(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "zoo") < 0)
		zoo_skip("keyctl: %s", strerror(errno));
	key = zoo_sys(
		syscall(SYS_add_key, "user", "zoo:key", "secret", 6, KEY_SPEC_SESSION_KEYRING));
}

static void key_check(void)
{
	char text[16] = "";

	zoo_same("keyctl", 6,
		 syscall(SYS_keyctl, KEYCTL_READ,
			 syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user",
				 "zoo:key", 0),
			 text, sizeof(text)));
	zoo_bytes("key", "secret", text, 6);
}

static void key_sabotage(void)
{
	zoo_sys(syscall(SYS_keyctl, KEYCTL_REVOKE, key));
}

/* The first thread has ended, another one lives. */
static void *rest_of_life(void *unused)
{
	zoo_step(0, 1);
	while (zoo.page->steps[0] < 2)
		zoo_idle();
	_exit(9);
}

static void leader_gone_body(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, rest_of_life, NULL);
	pthread_exit(NULL);
}

static void leader_gone_setup(void)
{
	child = zoo_fork(leader_gone_body);
	zoo_await_step(0, 1);
	zoo_pause(100);
}

static void leader_gone_verify(void)
{
	int status;

	zoo_step(0, 2);
	zoo_same("waitpid", child, waitpid(child, &status, 0));
	zoo_same("exit status", 9, WEXITSTATUS(status));
}

static void kill_sabotage(void)
{
	kill(child, SIGKILL);
}

/* One process traces another. */
static void traced_setup(void)
{
	child = zoo_fork(zoo_idle_body);
	zoo_await_step(0, 1);
	zoo_sys(ptrace(PTRACE_SEIZE, child, NULL, NULL));
}

static void traced_check(void)
{
	char line[64], wanted[64];

	zoo_status(child, "TracerPid", line, sizeof(line));
	snprintf(wanted, sizeof(wanted), "TracerPid:\t%d", getpid());
	zoo_text("tracer", wanted, line);
}

static void traced_sabotage(void)
{
	int status;

	zoo_sys(ptrace(PTRACE_INTERRUPT, child, NULL, NULL));
	waitpid(child, &status, __WALL);
	zoo_sys(ptrace(PTRACE_DETACH, child, NULL, NULL));
}

/* vfork: the parent waits in the kernel for its child. */
static void vfork_body(void)
{
	const pid_t pid = vfork();

	if (!pid) {
		zoo_step(0, 1);
		while (zoo.page->steps[0] < 2)
			syscall(SYS_nanosleep, &(struct timespec){ 0, 20000000 }, NULL);
		_exit(0);
	}
	zoo.page->numbers[0] = zoo.page->steps[0];
}

static void vfork_setup(void)
{
	child = zoo_fork(vfork_body);
	zoo_await_step(0, 1);
}

static void vfork_verify(void)
{
	zoo_same("parent that should wait for its child", 0, zoo.page->numbers[0]);
	zoo_step(0, 2);
	zoo_join(child);
	zoo_same("step at which the parent went on", 2, zoo.page->numbers[0]);
}

static void cgroup_check(void)
{
	char text[4096];

	zoo_get("/proc/self/cgroup", text, sizeof(text));
	zoo_kept("cgroup", text);
}

static void cgroup_sabotage(void)
{
	zoo_kept("cgroup", "0::/elsewhere\n");
}

const struct zoo_case zoo_process[] = {
	{ "proc-groups", group_setup, group_check, group_verify, group_sabotage },
	{ "proc-orphan", orphan_setup, orphan_check, orphan_verify, orphan_sabotage },
	{ "proc-zombie", zombie_setup, NULL, zombie_verify, zombie_sabotage },
	{ "proc-creds", creds_setup, creds_check, NULL, creds_sabotage },
	{ "proc-caps", caps_setup, caps_check, NULL, caps_sabotage },
	{ "proc-no-new-privs", nnp_setup, nnp_check, NULL, expect_else },
	{ "proc-seccomp", seccomp_setup, seccomp_check, seccomp_verify, expect_else },
	{ "proc-self", NULL, self_check, NULL, self_sabotage },
	{ "proc-start-time", NULL, start_check, NULL, start_sabotage },
	{ "proc-usage", usage_setup, usage_check, NULL, usage_sabotage },
	{ "proc-keyring", key_setup, key_check, NULL, key_sabotage },
	{ "proc-leader-gone", leader_gone_setup, NULL, leader_gone_verify, kill_sabotage },
	{ "proc-traced", traced_setup, traced_check, NULL, traced_sabotage },
	{ "proc-vfork", vfork_setup, NULL, vfork_verify, kill_sabotage },
	{ "proc-cgroup", NULL, cgroup_check, NULL, cgroup_sabotage },
	{ NULL },
};
