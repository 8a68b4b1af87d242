// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules for whole processes: numbers, parents, namespaces, tracers. All that hold count. */
#include "replace/rules.h"

#include "base/file.h"
#include "replace/gather.h"
#include "replace/session.h"
#include "replace/view.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_traced(const struct uk_rule_subject *subject)
{
	return subject->task->tracer;
}

static void tell_traced(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addstr(what, "it is traced by ");
	uk_subject_name_process(subject, subject->task->tracer, what);
}

static bool has_own(const struct uk_task *task, enum uk_namespace ns)
{
	return task->own_ns & (1u << ns);
}

/* A number that a thread of the new kernel may have before the restore. */
static pid_t low_number(const struct uk_rule_subject *subject)
{
	const struct uk_task *task = subject->task;
	pid_t low = subject->survey->low;
	if (has_own(task, UK_NS_PID))
		return 0;
	if (task->pid <= low)
		return task->pid;
	if (task->sid > 0 && task->sid <= low)
		return task->sid;
	if (task->pgid > 0 && task->pgid <= low)
		return task->pgid;
	uk_vec_for_each(thread, &task->threads) {
		if (thread->tid <= low)
			return thread->tid;
	}
	return 0;
}

static bool is_low(const struct uk_rule_subject *subject)
{
	return low_number(subject);
}

static void tell_low(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	pid_t number = low_number(subject);
	const char *kind = number == subject->task->pid	   ? "number"
			   : number == subject->task->sid  ? "session"
			   : number == subject->task->pgid ? "process group"
							   : "thread";
	uk_strbuf_addf(what,
		       "its %s %d may be taken by a thread of the new kernel: those of this one "
		       "went up to %d as it booted, and up to %d is not safe",
		       kind, number, subject->survey->highest_thread, subject->survey->low);
}

static bool has_shadow_stack(const struct uk_rule_subject *subject)
{
	return subject->task->shadow_stack;
}

static const struct uk_task *root_of(const struct uk_service *service)
{
	uk_vec_for_each(task, &service->tasks) {
		if (task->pid == service->main_pid)
			return task;
	}
	return service->tasks.len ? &service->tasks.data[0] : NULL;
}

static bool is_of_service(const struct uk_service *service, pid_t pid)
{
	uk_vec_for_each(task, &service->tasks) {
		if (task->pid == pid)
			return true;
	}
	return false;
}

/* The session is somebody's who is there and not kept with it. */
static bool is_foreign_session(const struct uk_rule_subject *subject)
{
	const struct uk_task *task = subject->task;
	return task->sid > 0 && !has_own(task, UK_NS_PID) &&
	       !is_of_service(subject->service, task->sid) &&
	       *uk_owners_name(subject->survey->owners, task->sid);
}

static void tell_session(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addstr(what, "its session belongs to ");
	uk_subject_name_process(subject, subject->task->sid, what);
}

static bool is_second_tree(const struct uk_rule_subject *subject)
{
	const struct uk_task *root = root_of(subject->service);
	return root && subject->task->pid != root->pid &&
	       !is_of_service(subject->service, subject->task->ppid);
}

static bool is_gathered(const struct uk_rule_subject *subject)
{
	return is_second_tree(subject) && uk_gather_is_possible(subject->service);
}

static bool is_lost_tree(const struct uk_rule_subject *subject)
{
	return is_second_tree(subject) && !uk_gather_is_possible(subject->service);
}

/* In another one than the service's first process, which is the one that is made again. */
static bool has_odd_mounts(const struct uk_rule_subject *subject)
{
	const struct uk_task *root = root_of(subject->service);
	return root && subject->task->ns[UK_NS_MNT] &&
	       root->ns[UK_NS_MNT] != subject->task->ns[UK_NS_MNT];
}

/* Why its mounts cannot be made again; NULL when they can. Said once, of the first process. */
static struct uk_error *find_lost_view(const struct uk_rule_subject *subject)
{
	uk_plan_mounts view = {};
	if (!has_own(subject->task, UK_NS_MNT) || root_of(subject->service) != subject->task)
		return NULL;
	struct uk_error *err = uk_view_list(subject->task, subject->survey->mounts, "", &view);
	uk_plan_mounts_deinit(&view);
	return err;
}

static bool has_lost_view(const struct uk_rule_subject *subject)
{
	uk_auto_error struct uk_error *lost = find_lost_view(subject);
	return lost;
}

static void tell_lost_view(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_auto_error struct uk_error *lost = find_lost_view(subject);
	uk_strbuf_addstr(what, lost ? uk_error_message(lost) : "");
}

/*
 * criu works in there, and is started and finds its files by /proc/self. A /proc of another PID
 * namespace does not know it. Said once, of the first process.
 */
static bool has_foreign_proc(const struct uk_rule_subject *subject)
{
	char path[64], text[32];
	if (!has_own(subject->task, UK_NS_MNT) || root_of(subject->service) != subject->task)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/root/proc/self", subject->task->pid);
	return readlink(path, text, sizeof(text)) < 0 && errno == ENOENT;
}

static bool has_private_mounts(const struct uk_rule_subject *subject)
{
	return has_own(subject->task, UK_NS_MNT) && !has_odd_mounts(subject) &&
	       !has_lost_view(subject);
}

/* Said once, of its leader. */
static bool is_login_session(const struct uk_rule_subject *subject)
{
	return subject->service->kind == UK_SERVICE_SESSION &&
	       subject->task == root_of(subject->service);
}

static struct uk_error *find_lost_session(const struct uk_rule_subject *subject)
{
	uk_auto_free char *text = NULL;
	return uk_session_note(uk_host_paths_get(subject->survey->paths)->systemd,
			       subject->service->unit, &text);
}

static bool is_lost_session(const struct uk_rule_subject *subject)
{
	uk_auto_error struct uk_error *lost =
		is_login_session(subject) ? find_lost_session(subject) : NULL;
	return lost;
}

static bool is_known_session(const struct uk_rule_subject *subject)
{
	return is_login_session(subject) && !is_lost_session(subject);
}

static void tell_lost_session(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_auto_error struct uk_error *lost = find_lost_session(subject);
	uk_strbuf_addf(what, "a login session that logind cannot have back: %s",
		       lost ? uk_error_message(lost) : "");
}

static bool has_host_name(const struct uk_rule_subject *subject)
{
	return has_own(subject->task, UK_NS_UTS);
}

/* It works where the whole service lives in one, its first process among them as number 1. */
static bool is_odd_pid_namespace(const struct uk_rule_subject *subject)
{
	const struct uk_task *root = root_of(subject->service);
	return has_own(subject->task, UK_NS_PID) && root &&
	       (root->inner_pid != 1 || root->ns[UK_NS_PID] != subject->task->ns[UK_NS_PID]);
}

static bool is_pid_namespace(const struct uk_rule_subject *subject)
{
	return has_own(subject->task, UK_NS_PID) && !is_odd_pid_namespace(subject);
}

/* Whether the network namespace has more than its loopback: a line for each, two of heading. */
static bool has_interfaces(const struct uk_rule_subject *subject)
{
	uk_auto_free char *path = NULL, *text = NULL;
	const char *proc = uk_host_paths_get(subject->survey->paths)->proc;
	uk_auto_error struct uk_error *gone =
		uk_asprintf(&path, "%s/%d/net/dev", proc, subject->task->pid);
	if (!gone)
		gone = uk_file_read(path, 1 << 20, &text, NULL);
	size_t lines = 0;
	for (const char *at = text; !gone && (at = strchr(at, '\n')); at++)
		lines++;
	return lines > 3;
}

static bool is_connected_namespace(const struct uk_rule_subject *subject)
{
	return has_own(subject->task, UK_NS_NET) && has_interfaces(subject);
}

static bool is_network_namespace(const struct uk_rule_subject *subject)
{
	return has_own(subject->task, UK_NS_NET);
}

static bool is_user_namespace(const struct uk_rule_subject *subject)
{
	return has_own(subject->task, UK_NS_USER);
}

static bool is_odd_user_namespace(const struct uk_rule_subject *subject)
{
	return is_user_namespace(subject) && !subject->task->plain_users;
}

static bool is_plain_user_namespace(const struct uk_rule_subject *subject)
{
	return is_user_namespace(subject) && subject->task->plain_users;
}

static bool is_stopped(const struct uk_rule_subject *subject)
{
	return subject->task->state == 'T';
}

static bool has_own_processors(const struct uk_rule_subject *subject)
{
	uk_vec_for_each(thread, &subject->task->threads) {
		if (thread->own_processors)
			return true;
	}
	return false;
}

static bool is_without_huge(const struct uk_rule_subject *subject)
{
	return subject->task->no_huge;
}

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6 /* include/uapi/linux/sched.h */
#endif

/* ^Z and the like: refused, while SIGSTOP is not. From outside they look the same. */
static bool is_stopped_job(const struct uk_rule_subject *subject)
{
	return subject->task->state == 'T' && subject->task->tty;
}

static bool is_led_by_nobody(const struct uk_rule_subject *subject)
{
	const struct uk_task *task = subject->task;
	return task->state == 'Z' && task->threads.len > 1;
}

static bool has_odd_policy(const struct uk_rule_subject *subject)
{
	int policy = subject->task->policy;
	return policy >= 0 && ((policy & SCHED_RESET_ON_FORK) || policy == SCHED_DEADLINE);
}

static bool is_without_privileges(const struct uk_rule_subject *subject)
{
	return subject->task->no_new_privs;
}

static bool has_ambient(const struct uk_rule_subject *subject)
{
	return subject->task->ambient;
}

static bool is_bound(const struct uk_rule_subject *subject)
{
	int processors = subject->task->processors;
	return processors && processors < sysconf(_SC_NPROCESSORS_ONLN);
}

static bool has_personality(const struct uk_rule_subject *subject)
{
	return subject->task->personality;
}

/* 50 us is what processes begin with; those of real time have none. */
static bool has_slack(const struct uk_rule_subject *subject)
{
	uint64_t slack = subject->task->slack_ns;
	return slack && slack != 50000;
}

static bool has_mce_policy(const struct uk_rule_subject *subject)
{
	return subject->task->mce_policy;
}

static bool has_wiped_memory(const struct uk_rule_subject *subject)
{
	return subject->task->wiped;
}

static bool has_locked_all(const struct uk_rule_subject *subject)
{
	return subject->task->all_locked;
}

static bool is_confined(const struct uk_rule_subject *subject)
{
	const char *label = subject->task->label;
	return label && *label && strcmp(label, "unconfined") && strcmp(label, "kernel");
}

static void tell_confined(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what,
		       "it is confined by the profile %s, which must be loaded into the new "
		       "kernel before the restore",
		       subject->task->label);
}

static void tell_unknown(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	static const struct {
		unsigned int part;
		const char *name;
	} parts[] = {
		{ UK_TASK_FDS, "descriptors" },	      { UK_TASK_MAPPINGS, "mappings" },
		{ UK_TASK_SYSCALLS, "system calls" }, { UK_TASK_TIMERS, "timers" },
		{ UK_TASK_NAMESPACES, "namespaces" },
	};
	const char *comma = "";
	uk_strbuf_addstr(what, "these could not be read: ");
	for (size_t i = 0; i < UK_ARRAY_SIZE(parts); i++) {
		if (!(subject->task->unknown & parts[i].part))
			continue;
		uk_strbuf_addf(what, "%s%s", comma, parts[i].name);
		comma = ", ";
	}
}

static bool is_unknown(const struct uk_rule_subject *subject)
{
	return subject->task->unknown && subject->task->state != 'Z';
}

static bool is_untold_itimer(const struct uk_rule_subject *subject)
{
	const struct uk_task *root = root_of(subject->service);
	return root && subject->task->pid == root->pid &&
	       (!subject->survey->itimers_known || subject->survey->itimers);
}

static void tell_itimer(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	if (subject->survey->itimers_known)
		uk_strbuf_addf(what,
			       "%zu timers of alarm() or setitimer() run on this machine; whose",
			       subject->survey->itimers);
	else
		uk_strbuf_addstr(what, "whether it has a timer of alarm() or setitimer()");
	uk_strbuf_addstr(what, " cannot be told from outside. Those that fire once are set again");
}

static const struct uk_rule rules[] = {
	{ "traced", UK_RESOURCE_TASK, is_traced, UK_FATE_IMPOSSIBLE, NULL,
	  "end the debugger or strace", "ptrace(2): one tracer for each process", tell_traced },
	{ "low-number", UK_RESOURCE_TASK, is_low, UK_FATE_IMPOSSIBLE, NULL,
	  "echo 20000 >/proc/sys/kernel/ns_last_pid, then restart the service: its numbers are "
	  "high then",
	  "tried: the restore needs the same numbers, and fails where one is taken", tell_low },
	{ "shadow-stack", UK_RESOURCE_TASK, has_shadow_stack, UK_FATE_IMPOSSIBLE,
	  "it runs with a shadow stack of the processor", "restart it without (GLIBC_TUNABLES)",
	  "CRIU 3.17.1 knows none; criu/arch/x86/shstk.c came with 4.0" },
	{ "foreign-session", UK_RESOURCE_TASK, is_foreign_session, UK_FATE_IMPOSSIBLE, NULL,
	  "start the program with setsid, or as a service",
	  "CRIU 3.17.1, criu/pstree.c: the leader must be among what is dumped", tell_session },
	{ "second-tree", UK_RESOURCE_TASK, is_lost_tree, UK_FATE_IMPOSSIBLE,
	  "its parent is not of the service, which has namespaces or no cgroup of its own, and "
	  "only the "
	  "tree of the main process goes along",
	  "end it, or have the service start it anew",
	  "CRIU dumps one tree at a time; src/replace/gather.h" },
	{ "gathered-tree", UK_RESOURCE_TASK, is_gathered, UK_FATE_REPAIRED,
	  "its parent is not of the service; it is carried beside the main process, and process 1 "
	  "is its "
	  "parent then",
	  NULL, "CRIU dumps one tree at a time; src/replace/gather.h" },
	{ "login-session-lost", UK_RESOURCE_TASK, is_lost_session, UK_FATE_IMPOSSIBLE, NULL,
	  "keep what has to go on as a service", "src/replace/session.h", tell_lost_session },
	{ "login-session", UK_RESOURCE_TASK, is_known_session, UK_FATE_CHANGED,
	  "the login session is given back to logind, under its number; the number that the kernel "
	  "has for it (/proc/PID/sessionid, of audit) is another one",
	  NULL, "src/replace/session.h" },
	{ "mount-namespace-part", UK_RESOURCE_TASK, has_odd_mounts, UK_FATE_IMPOSSIBLE,
	  "it sees other mounts than the first process of the service", NULL,
	  "CRIU 3.17.1, criu/mount.c: nested mount namespaces under a root of another kind" },
	{ "mount-namespace-lost", UK_RESOURCE_TASK, has_lost_view, UK_FATE_IMPOSSIBLE, NULL,
	  "mount it on the host, too", "src/replace/view.h", tell_lost_view },
	{ "mount-namespace-proc", UK_RESOURCE_TASK, has_foreign_proc, UK_FATE_IMPOSSIBLE,
	  "in its own mounts there is no /proc of the host's PID namespace, by which CRIU works "
	  "there",
	  NULL, "tried: ns-pid-proc in docs/replace-criu.md" },
	{ "mount-namespace", UK_RESOURCE_TASK, has_private_mounts, UK_FATE_REPAIRED,
	  "its own mounts (PrivateTmp=, ProtectSystem= and the like) are made anew, the same", NULL,
	  "github.com/checkpoint-restore/criu issue 2576; src/replace/view.h" },
	{ "host-name", UK_RESOURCE_TASK, has_host_name, UK_FATE_EXACT, NULL, NULL, "tried" },
	{ "pid-namespace-part", UK_RESOURCE_TASK, is_odd_pid_namespace, UK_FATE_IMPOSSIBLE,
	  "it lives in a PID namespace whose first process is not the first of the service", NULL,
	  "CRIU 3.17.1, criu/namespaces.c: nested PID namespaces are refused" },
	{ "pid-namespace", UK_RESOURCE_TASK, is_pid_namespace, UK_FATE_CHANGED,
	  "a PID namespace of its own: what is said here to be repaired of its processes, timers "
	  "and "
	  "sockets is not, for their numbers outside are not kept",
	  NULL, "ns-pid in docs/replace-criu.md; src/replace/note.h" },
	{ "network-namespace-links", UK_RESOURCE_TASK, is_connected_namespace, UK_FATE_IMPOSSIBLE,
	  "its network namespace has interfaces whose other ends are outside of it", NULL,
	  "CRIU 3.17.1, criu/net.c: a veth needs its peer named with --external" },
	{ "network-namespace", UK_RESOURCE_TASK, is_network_namespace, UK_FATE_CHANGED,
	  "its network namespace is made anew with what CRIU knows of one: a loopback", NULL,
	  "CRIU 3.17.1, criu/net.c" },
	{ "user-namespace-left", UK_RESOURCE_TASK, is_plain_user_namespace, UK_FATE_CHANGED,
	  "it lives in the host's user namespace until its next start (PrivateUsers= is lost): the "
	  "same users, without capabilities as before",
	  NULL, "ns-user in docs/replace-criu.md; src/replace/image.h" },
	{ "user-namespace", UK_RESOURCE_TASK, is_odd_user_namespace, UK_FATE_IMPOSSIBLE,
	  "it has a user namespace of its own (PrivateUsers=): restoring it fails",
	  "turn it off in a drop-in of the unit and restart it, or let it be started afresh",
	  "tried: ns-user in docs/replace-criu.md" },
	{ "stopped-job", UK_RESOURCE_TASK, is_stopped_job, UK_FATE_IMPOSSIBLE,
	  "it is stopped at a terminal (^Z), which the checkpoint refuses",
	  "let it go on (fg, bg), or end it", "tried: pty-jobs in docs/replace-criu.md" },
	{ "dead-leader", UK_RESOURCE_TASK, is_led_by_nobody, UK_FATE_IMPOSSIBLE,
	  "its first thread has ended, and others run on", NULL,
	  "tried: proc-leader-gone in docs/replace-criu.md" },
	{ "policy", UK_RESOURCE_TASK, has_odd_policy, UK_FATE_IMPOSSIBLE,
	  "SCHED_DEADLINE or SCHED_RESET_ON_FORK: restoring it fails",
	  "chrt --other -p 0, until the swap is over",
	  "tried: proc-sched-deadline, proc-sched-reset in docs/replace-criu.md" },
	{ "no-new-privs", UK_RESOURCE_TASK, is_without_privileges, UK_FATE_REPAIRED,
	  "that it may gain no privileges (NoNewPrivileges=) is set again", NULL,
	  "proc-no-new-privs in docs/replace-criu.md; src/replace/note_inside.c" },
	{ "ambient-capabilities", UK_RESOURCE_TASK, has_ambient, UK_FATE_REPAIRED,
	  "its ambient capabilities are set again", NULL,
	  "proc-caps in docs/replace-criu.md; src/replace/note_inside.c" },
	{ "affinity", UK_RESOURCE_TASK, is_bound, UK_FATE_REPAIRED,
	  "it is bound to the same processors again", NULL,
	  "proc-affinity in docs/replace-criu.md; src/replace/note_task.c" },
	{ "personality", UK_RESOURCE_TASK, has_personality, UK_FATE_REPAIRED,
	  "its execution domain is set again (personality(2), setarch)", NULL,
	  "proc-personality in docs/replace-criu.md; src/replace/note_inside.c" },
	{ "timer-slack", UK_RESOURCE_TASK, has_slack, UK_FATE_REPAIRED,
	  "the slack of its timers is set again (PR_SET_TIMERSLACK)", NULL,
	  "proc-timerslack in docs/replace-criu.md; src/replace/note_task.c" },
	{ "stopped", UK_RESOURCE_TASK, is_stopped, UK_FATE_CHANGED,
	  "it is stopped, and its parent is told so once more", NULL,
	  "tried: sig-stopped in docs/replace-criu.md" },
	{ "processors", UK_RESOURCE_TASK, has_own_processors, UK_FATE_REPAIRED,
	  "threads that were bound to processors of their own are bound to them again", NULL,
	  "threads-own in docs/replace-criu.md; src/replace/note_task.c" },
	{ "no-huge-pages", UK_RESOURCE_TASK, is_without_huge, UK_FATE_REPAIRED,
	  "that it wants no huge pages (PR_SET_THP_DISABLE) is set again", NULL,
	  "mem-thp-disable in docs/replace-criu.md; src/replace/note_inside.c" },
	{ "mce-policy", UK_RESOURCE_TASK, has_mce_policy, UK_FATE_CHANGED,
	  "what it asked for when memory is found broken (PR_MCE_KILL) is as usual again", NULL,
	  "tried: proc-mce-kill in docs/replace-criu.md" },
	{ "wiped-memory", UK_RESOURCE_TASK, has_wiped_memory, UK_FATE_REPAIRED,
	  "that a fork finds memory empty (MADV_WIPEONFORK: keys, states of random numbers) is set "
	  "again",
	  NULL, "mem-wipeonfork in docs/replace-criu.md; src/replace/note_memory.c" },
	{ "locked-memory", UK_RESOURCE_TASK, has_locked_all, UK_FATE_CHANGED,
	  "it locked all of its memory (mlockall): what it maps from then on is not locked", NULL,
	  "tried: mem-mlockall in docs/replace-criu.md" },
	{ "profile", UK_RESOURCE_TASK, is_confined, UK_FATE_CHANGED, NULL, NULL,
	  "CRIU 3.17.1, criu/lsm.c, criu/apparmor.c", tell_confined },
	{ "itimer", UK_RESOURCE_TASK, is_untold_itimer, UK_FATE_REPAIRED, NULL, NULL,
	  "src/replace/note_timer.c; criu/cr-restore.c: decode_itimer() drops what has no interval",
	  tell_itimer },
	{ "unknown", UK_RESOURCE_TASK, is_unknown, UK_FATE_IMPOSSIBLE, NULL, "ask as root",
	  "proc(5): PTRACE_MODE_READ_FSCREDS", tell_unknown },
};

const struct uk_rule_table uk_rules_tasks = { rules, UK_ARRAY_SIZE(rules) };
