// SPDX-License-Identifier: GPL-2.0-or-later
/* What a process is set to: limits, priorities, folders, what prctl(2) changes. */
#include "zoo.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

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
	child = zoo_fork(zoo_idle_body);
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
	zoo_kept_status("Cpus_allowed_list");
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
		zoo_idle();
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
		zoo_idle();
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
		zoo_idle();
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
		zoo_idle();
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

const struct zoo_case zoo_settings[] = {
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
	{ NULL },
};
