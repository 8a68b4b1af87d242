// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules about System V IPC in the host's namespace; that of a service's own goes with CRIU. */
#include "replace/rules.h"

#include "base/strbuf.h"
#include "replace/attach.h"
#include "replace/sysv.h"

#include <linux/kcmp.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_in_host(const struct uk_rule_subject *subject)
{
	return !(subject->task->own_ns & (1u << UK_NS_IPC));
}

static bool maps_segment(const struct uk_rule_subject *subject)
{
	return subject->mapping->kind == UK_MAPPING_SYSV && is_in_host(subject);
}

/* Nobody holds the processes of a tree between the taking off and the checkpoint. */
static bool maps_in_tree(const struct uk_rule_subject *subject)
{
	return maps_segment(subject) && subject->service->kind == UK_SERVICE_TREE;
}

static bool maps_huge(const struct uk_rule_subject *subject)
{
	const struct uk_mapping *mapping = subject->mapping;
	uk_auto_free char *path = NULL;
	struct statfs fs;
	uk_auto_error struct uk_error *err = uk_asprintf(
		&path, "%s/%d/map_files/%jx-%jx", uk_host_paths_get(subject->survey->paths)->proc,
		subject->task->pid, (uintmax_t)mapping->start, (uintmax_t)mapping->end);
	return maps_segment(subject) && !err && !statfs(path, &fs) && fs.f_type == HUGETLBFS_MAGIC;
}

/* As the replacement itself will see it. */
static bool maps_part(const struct uk_rule_subject *subject)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	if (!maps_segment(subject))
		return false;
	uk_vec_for_each(segment, &subject->survey->sysv->segments) {
		if (!uk_vec_push(&sysv.segments, *segment))
			return false;
	}
	uk_auto_error struct uk_error *err = uk_attach_list(subject->task->pid, &sysv);
	return err && uk_error_kind(err) == UK_ERR_REFUSED;
}

static bool uses_object(const struct uk_rule_subject *subject)
{
	pid_t pid = subject->task->pid;
	uk_vec_for_each(segment, &subject->survey->sysv->segments) {
		if (is_in_host(subject) && (segment->creator == pid || segment->last == pid))
			return true;
	}
	return is_in_host(subject) && uk_sysv_has_queue(subject->survey->sysv, pid);
}

/*
 * The kernel tells nobody what SEM_UNDO would give back, but whether two processes have the same
 * list of it. A child that has just begun has none (kernel, ipc/sem.c: copy_semundo()).
 */
static bool shares_with_beginner(pid_t pid)
{
	int status;
	pid_t child = fork();
	if (!child)
		_exit(syscall(SYS_kcmp, getpid(), pid, KCMP_SYSVSEM, 0, 0) != 0);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

/* What sets an IPC namespace of its own has is not known. */
static bool may_undo(const struct uk_rule_subject *subject)
{
	return (!is_in_host(subject) || subject->survey->sysv->sets.len) &&
	       subject->task->state != 'Z' && !shares_with_beginner(subject->task->pid);
}

static const struct uk_rule rules[] = {
	{ "sysv-shm-tree", UK_RESOURCE_MAPPING, maps_in_tree, UK_FATE_IMPOSSIBLE,
	  "shared memory of shmget(2) in the host's IPC namespace is carried for units alone",
	  "run the program as a service (systemd-run)", "src/replace/attach.h" },
	{ "sysv-shm-huge", UK_RESOURCE_MAPPING, maps_huge, UK_FATE_IMPOSSIBLE,
	  "shared memory of shmget(2) with huge pages (SHM_HUGETLB), which the new kernel has not "
	  "reserved yet when it is made again",
	  "have the program use usual pages (PostgreSQL: huge_pages = off)",
	  "kernel, mm/hugetlb.c: vm.nr_hugepages is set when the system starts" },
	{ "sysv-shm-part", UK_RESOURCE_MAPPING, maps_part, UK_FATE_IMPOSSIBLE,
	  "only a part of a segment of shmget(2) is mapped, and shmat(2) attaches all of it", NULL,
	  "src/replace/attach.h" },
	{ "sysv-shm", UK_RESOURCE_MAPPING, maps_segment, UK_FATE_REPAIRED,
	  "shared memory of shmget(2) is made again, with its number and content, and attached to "
	  "the same place; its times are those of the swap",
	  NULL,
	  "CRIU 3.17.1, criu/cr-dump.c: a SysV mapping needs CLONE_NEWIPC; src/replace/attach.h" },
	{ "sysv-object", UK_RESOURCE_TASK, uses_object, UK_FATE_REPAIRED,
	  "System V IPC that it made or used last (messages, shared memory) goes along; its times "
	  "are those of the swap",
	  NULL, "/proc/sysvipc; src/replace/sysv.h" },
	{ "sysv-undo", UK_RESOURCE_TASK, may_undo, UK_FATE_CHANGED,
	  "what it would give back to semaphores of semop(2) when it ends (SEM_UNDO) is forgotten; "
	  "the kernel tells nobody whether that is anything. The semaphores themselves go along",
	  NULL, "kernel, ipc/sem.c: no call reads semadj; kcmp(2), KCMP_SYSVSEM" },
};

const struct uk_rule_table uk_rules_sysv = { rules, UK_ARRAY_SIZE(rules) };
