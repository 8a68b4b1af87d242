// SPDX-License-Identifier: GPL-2.0-or-later
/* What a process is and may do. Most of it is kept as the text that /proc shows. */
#include "zoo.h"

#include <fcntl.h>
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
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child, second;

static void keep_status(const char *key)
{
	char line[512];

	zoo_status(getpid(), key, line, sizeof(line));
	zoo_kept(key, line);
}

/* --- groups and sessions
 * ----------------------------------------------------------------------------- */

static void idle_body(void)
{
	zoo_step(0, 1);
	for (;;)
		zoo_pause(20);
}

static void leader_body(void)
{
	zoo_sys(setsid());
	second = zoo_fork(idle_body);
	zoo_sys(setpgid(second, second));
	zoo.page->numbers[0] = second;
	idle_body();
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
	zoo.page->numbers[0] = zoo_fork(idle_body);
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
	second = zoo_fork(idle_body);
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
	keep_status("Uid");
	keep_status("Gid");
	keep_status("Groups");
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
	keep_status("CapInh");
	keep_status("CapPrm");
	keep_status("CapEff");
	keep_status("CapBnd");
	keep_status("CapAmb");
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
	keep_status("Seccomp");
	keep_status("Seccomp_filters");
}

static void seccomp_verify(void)
{
	int status;

	child = zoo_fork(uname_body);
	zoo_same("waitpid", child, waitpid(child, &status, 0));
	zoo_same("signal", SIGSYS, WTERMSIG(status));
}

/* --- limits, priorities
 * ---------------------------------------------------------------------------------- */

static void rlimits_setup(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;

		if (i == RLIMIT_AS || i == RLIMIT_CPU || i == RLIMIT_DATA || i == RLIMIT_STACK ||
		    i == RLIMIT_NPROC || i == RLIMIT_RTTIME || i == RLIMIT_FSIZE)
			continue;
		limit = (struct rlimit){ (rlim_t)(i + 100), (rlim_t)(i + 1000) };
		if (setrlimit((__rlimit_resource_t)i, &limit))
			zoo_skip("limit %d: %s", i, strerror(errno));
	}
	zoo_sys(setrlimit(RLIMIT_STACK, &(struct rlimit){ 4 << 20, 64 << 20 }));
	zoo_sys(setrlimit(RLIMIT_CPU, &(struct rlimit){ 1000, 2000 }));
}

static void rlimits_check(void)
{
	char text[4096];

	zoo_get("/proc/self/limits", text, sizeof(text));
	zoo_kept("limits", text);
}

static void rlimits_sabotage(void)
{
	zoo_sys(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 99, 1000 }));
}

static void nice_setup(void)
{
	zoo_sys(setpriority(PRIO_PROCESS, 0, 7));
	child = zoo_fork(idle_body);
	zoo_sys(setpriority(PRIO_PROCESS, (id_t)child, -5));
}

static void nice_check(void)
{
	zoo_same("nice value", 7, getpriority(PRIO_PROCESS, 0));
	zoo_same("child's nice value", -5, getpriority(PRIO_PROCESS, (id_t)child));
}

static void nice_sabotage(void)
{
	zoo_sys(setpriority(PRIO_PROCESS, 0, 8));
}

static void sched_setup(void)
{
	const struct sched_param param = { zoo.arg == SCHED_FIFO || zoo.arg == SCHED_RR ? 3 : 0 };

	if (sched_setscheduler(0, (int)zoo.arg, &param))
		zoo_skip("sched_setscheduler: %s", strerror(errno));
}

static void sched_check(void)
{
	struct sched_param param;

	zoo_same("class", zoo.arg, sched_getscheduler(0));
	zoo_sys(sched_getparam(0, &param));
	zoo_same("priority", zoo.arg == SCHED_FIFO || zoo.arg == SCHED_RR ? 3 : 0,
		 param.sched_priority);
}

static void sched_sabotage(void)
{
	zoo_sys(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 }));
}

/* The child of one whose class is not to be inherited has the ordinary one. */
static void reset_setup(void)
{
	zoo_sys(sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &(struct sched_param){ 3 }));
}

static void reset_check(void)
{
	zoo_same("class", SCHED_RR | SCHED_RESET_ON_FORK, sched_getscheduler(0));
}

struct deadline {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void deadline_setup(void)
{
	const struct deadline attr = { .size = sizeof(attr),
				       .policy = SCHED_DEADLINE,
				       .runtime = 20000000,
				       .deadline = 100000000,
				       .period = 200000000 };

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		zoo_skip("sched_setattr: %s", strerror(errno));
}

static void deadline_check(void)
{
	struct deadline found = { 0 };

	zoo_sys(syscall(SYS_sched_getattr, 0, &found, sizeof(found), 0));
	zoo_same("class", SCHED_DEADLINE, found.policy);
	zoo_same("runtime", 20000000, found.runtime);
	zoo_same("deadline", 100000000, found.deadline);
	zoo_same("period", 200000000, found.period);
}

static void affinity_setup(void)
{
	cpu_set_t cpus;

	zoo_sys(sched_getaffinity(0, sizeof(cpus), &cpus));
	if (CPU_COUNT(&cpus) < 2)
		zoo_skip("one processor only");
	for (int i = 0; CPU_COUNT(&cpus) > 1; i++)
		CPU_CLR(i, &cpus);
	zoo_sys(sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void affinity_check(void)
{
	keep_status("Cpus_allowed_list");
}

static void affinity_sabotage(void)
{
	cpu_set_t cpus;

	memset(&cpus, 0xff, sizeof(cpus));
	zoo_sys(sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void ioprio_setup(void)
{
	zoo_sys(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
}

static void ioprio_check(void)
{
	zoo_same("ioprio_get", 2 << 13 | 6, syscall(SYS_ioprio_get, 1, 0));
}

static void ioprio_sabotage(void)
{
	zoo_sys(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 1));
}

static void write_to(const char *path, const char *text)
{
	const int fd = (int)zoo_sys(open(path, O_WRONLY));

	zoo_write(fd, text);
	close(fd);
}

static void oom_setup(void)
{
	const int fd = (int)zoo_sys(open("/proc/self/oom_score_adj", O_WRONLY));

	if (write(fd, "-321", 4) != 4)
		zoo_skip("oom_score_adj: %s", strerror(errno));
	close(fd);
}

static void oom_check(void)
{
	char text[32];

	zoo_get("/proc/self/oom_score_adj", text, sizeof(text));
	zoo_text("oom_score_adj", "-321\n", text);
}

static void oom_sabotage(void)
{
	write_to("/proc/self/oom_score_adj", "0");
}

static void coredump_setup(void)
{
	write_to("/proc/self/coredump_filter", "0x7b");
}

static void coredump_check(void)
{
	char text[32];

	zoo_get("/proc/self/coredump_filter", text, sizeof(text));
	zoo_text("coredump_filter", "0000007b\n", text);
}

static void coredump_sabotage(void)
{
	write_to("/proc/self/coredump_filter", "0x33");
}

/* --- folders, umask
 * ---------------------------------------------------------------------------------------- */

static void cwd_setup(void)
{
	zoo_sys(mkdir(zoo_path("here"), 0755));
	zoo_sys(chdir(zoo_path("here")));
	if (zoo.arg)
		zoo_sys(rmdir(zoo_path("here")));
}

static void cwd_check(void)
{
	char found[512] = "", wanted[512];

	zoo_sys(readlink("/proc/self/cwd", found, sizeof(found) - 1));
	snprintf(wanted, sizeof(wanted), "%s%s", zoo_path("here"), zoo.arg ? " (deleted)" : "");
	zoo_text("cwd", wanted, found);
	if (zoo.arg)
		zoo_errno(ENOENT, open("x", O_CREAT | O_WRONLY, 0600));
	else
		close((int)zoo_sys(open("x", O_CREAT | O_WRONLY, 0600)));
}

static void cwd_sabotage(void)
{
	zoo_sys(chdir("/"));
}

/* Another root: the child's, so that the first process can still say what it found. */
static void root_body(void)
{
	zoo_sys(chroot(zoo_path("jail")));
	zoo_sys(chdir("/"));
	zoo_step(0, 1);
	while (zoo.page->steps[0] < 2)
		zoo_pause(20);
	zoo.page->numbers[0] = access("/inside", F_OK) == 0;
}

static void root_setup(void)
{
	zoo_sys(mkdir(zoo_path("jail"), 0755));
	zoo_put(zoo_path("jail/inside"), "x");
	child = zoo_fork(root_body);
	zoo_await_step(0, 1);
}

static void root_verify(void)
{
	zoo_step(0, 2);
	zoo_join(child);
	zoo_same("file of the root", 1, zoo.page->numbers[0]);
}

static void root_sabotage(void)
{
	unlink(zoo_path("jail/inside"));
}

static void umask_setup(void)
{
	umask(037);
}

static void umask_check(void)
{
	const mode_t found = umask(037);

	umask(found);
	zoo_same("umask", 037, found);
}

static void umask_sabotage(void)
{
	umask(0);
}

/* --- prctl
 * --------------------------------------------------------------------------------------------------
 */

static void name_setup(void)
{
	zoo_sys(prctl(PR_SET_NAME, "a name of it"));
}

static void name_check(void)
{
	char text[16];

	zoo_sys(prctl(PR_GET_NAME, text));
	zoo_text("name", "a name of it", text);
}

static void name_sabotage(void)
{
	zoo_sys(prctl(PR_SET_NAME, "another"));
}

static void dumpable_setup(void)
{
	zoo_sys(prctl(PR_SET_DUMPABLE, 0));
}

static void dumpable_check(void)
{
	zoo_same("PR_GET_DUMPABLE", 0, prctl(PR_GET_DUMPABLE));
}

static void dumpable_sabotage(void)
{
	zoo_sys(prctl(PR_SET_DUMPABLE, 1));
}

static void slack_setup(void)
{
	zoo_sys(prctl(PR_SET_TIMERSLACK, 123456));
}

static void slack_check(void)
{
	zoo_same("PR_GET_TIMERSLACK", 123456, prctl(PR_GET_TIMERSLACK));
}

static void slack_sabotage(void)
{
	zoo_sys(prctl(PR_SET_TIMERSLACK, 50000));
}

/* The child is told by a signal that its parent has ended. */
static volatile int told;

static void on_death(int number)
{
	told = 1;
}

static void grandchild_body(void)
{
	const struct sigaction action = { .sa_handler = on_death };

	zoo_sys(sigaction(SIGUSR2, &action, NULL));
	zoo_sys(prctl(PR_SET_PDEATHSIG, SIGUSR2));
	zoo_step(0, 1);
	while (zoo.page->steps[0] < 2)
		zoo_pause(20);
	if (zoo.kind)
		zoo_sys(prctl(PR_SET_PDEATHSIG, 0));
	zoo_step(0, 3);
	for (int i = 0; i < 50 && !told; i++)
		zoo_pause(20);
	zoo.page->numbers[1] = told;
	zoo_step(0, 4);
}

static void parent_body(void)
{
	zoo_fork(grandchild_body);
	while (zoo.page->steps[0] < 3)
		zoo_pause(20);
}

static void death_setup(void)
{
	child = zoo_fork(parent_body);
	zoo_await_step(0, 1);
}

static void death_verify(void)
{
	zoo_step(0, 2);
	zoo_join(child);
	zoo_await_step(0, 4);
	zoo_same("signals at the parent's end", 1, zoo.page->numbers[1]);
}

/* Reading the processor's clock is forbidden: in a child, for the vDSO reads it, too. */
static void tsc_body(void)
{
	int found = 0;

	zoo_sys(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	zoo_step(0, 1);
	while (zoo.page->steps[0] < 2)
		zoo_pause(20);
	if (zoo.kind)
		zoo_sys(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	zoo_sys(prctl(PR_GET_TSC, &found));
	zoo.page->numbers[0] = found;
}

static void tsc_setup(void)
{
	child = zoo_fork(tsc_body);
	zoo_await_step(0, 1);
}

static void tsc_verify(void)
{
	zoo_step(0, 2);
	zoo_join(child);
	zoo_same("PR_GET_TSC", PR_TSC_SIGSEGV, zoo.page->numbers[0]);
}

static void mce_setup(void)
{
	zoo_sys(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
}

static void mce_check(void)
{
	zoo_same("PR_MCE_KILL_GET", PR_MCE_KILL_EARLY, prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
}

static void mce_sabotage(void)
{
	zoo_sys(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
}

static void speculation_setup(void)
{
	if (prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE, 0, 0))
		zoo_skip("PR_SET_SPECULATION_CTRL: %s", strerror(errno));
}

static void speculation_check(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%d",
		 prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0));
	zoo_kept("PR_GET_SPECULATION_CTRL", text);
}

static void speculation_sabotage(void)
{
	zoo_sys(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_ENABLE, 0, 0));
}

static void personality_setup(void)
{
	zoo_sys(personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC));
}

static void personality_check(void)
{
	zoo_same("personality", ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC, personality(0xffffffff));
}

static void personality_sabotage(void)
{
	zoo_sys(personality(0));
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
		zoo_pause(20);
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
	child = zoo_fork(idle_body);
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
	{ "proc-rlimits", rlimits_setup, rlimits_check, NULL, rlimits_sabotage },
	{ "proc-nice", nice_setup, nice_check, NULL, nice_sabotage },
	{ "proc-sched-fifo", sched_setup, sched_check, NULL, sched_sabotage, .arg = SCHED_FIFO },
	{ "proc-sched-rr", sched_setup, sched_check, NULL, sched_sabotage, .arg = SCHED_RR },
	{ "proc-sched-batch", sched_setup, sched_check, NULL, sched_sabotage, .arg = SCHED_BATCH },
	{ "proc-sched-idle", sched_setup, sched_check, NULL, sched_sabotage, .arg = SCHED_IDLE },
	{ "proc-sched-reset", reset_setup, reset_check, NULL, sched_sabotage },
	{ "proc-sched-deadline", deadline_setup, deadline_check, NULL, sched_sabotage },
	{ "proc-affinity", affinity_setup, affinity_check, NULL, affinity_sabotage },
	{ "proc-ioprio", ioprio_setup, ioprio_check, NULL, ioprio_sabotage },
	{ "proc-oom-score", oom_setup, oom_check, NULL, oom_sabotage },
	{ "proc-coredump-filter", coredump_setup, coredump_check, NULL, coredump_sabotage },
	{ "proc-cwd", cwd_setup, cwd_check, NULL, cwd_sabotage },
	{ "proc-cwd-deleted", cwd_setup, cwd_check, NULL, cwd_sabotage, .arg = 1 },
	{ "proc-root", root_setup, NULL, root_verify, root_sabotage },
	{ "proc-umask", umask_setup, umask_check, NULL, umask_sabotage },
	{ "proc-name", name_setup, name_check, NULL, name_sabotage },
	{ "proc-dumpable", dumpable_setup, dumpable_check, NULL, dumpable_sabotage },
	{ "proc-timerslack", slack_setup, slack_check, NULL, slack_sabotage },
	{ "proc-pdeathsig", death_setup, NULL, death_verify, NULL },
	{ "proc-tsc", tsc_setup, NULL, tsc_verify, NULL },
	{ "proc-mce-kill", mce_setup, mce_check, NULL, mce_sabotage },
	{ "proc-speculation", speculation_setup, speculation_check, NULL, speculation_sabotage },
	{ "proc-personality", personality_setup, personality_check, NULL, personality_sabotage },
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
