/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of each resource: a table of rules, each with what it rests on. The verdicts hold
 * for CRIU 3.17.1 and what this room repairs; when a repair is added, its rule changes with it.
 */
#ifndef UPKEEP_REPLACE_RULES_H
#define UPKEEP_REPLACE_RULES_H

#include "base/strbuf.h"
#include "replace/disk.h"
#include "replace/keep.h"
#include "replace/kernels.h"
#include "replace/owners.h"
#include "replace/socket.h"
#include "replace/sysv.h"

#include <stdbool.h>
#include <stddef.h>

enum uk_fate {
	UK_FATE_EXACT,
	UK_FATE_REPAIRED, /* CRIU alone would get it wrong; upkeep puts it right */
	UK_FATE_CHANGED,  /* it goes on, but a program can tell */
	UK_FATE_IMPOSSIBLE,
};

/* "exact", "repaired", "changed", "impossible" */
const char *uk_fate_name(enum uk_fate verdict);

enum uk_resource {
	UK_RESOURCE_FD, /* a descriptor that is no socket */
	UK_RESOURCE_SOCKET,
	UK_RESOURCE_LOCK,
	UK_RESOURCE_CALL, /* the system call that a thread sleeps in */
	UK_RESOURCE_MAPPING,
	UK_RESOURCE_TIMER,
	UK_RESOURCE_TASK, /* all rules that hold count; of the others the first */
};

/* What is known of the whole machine. All borrowed. */
struct uk_survey {
	const struct uk_host_paths *paths;
	const struct uk_keep *keep;
	const struct uk_owners *owners;
	const struct uk_sockets *sockets;
	const struct uk_boot_kernel *target; /* NULL when none is known */
	const uk_mounts *mounts;	     /* of PID 1 */
	const uk_disks *disks;		     /* what of them lies on disks */
	pid_t low;			     /* numbers up to here may be taken by kernel threads */
	pid_t highest_thread;		     /* what low was made of */
	bool itimers_known;
	const struct uk_sysv *sysv; /* System V IPC of the host */
	size_t itimers;		    /* of setitimer(2) and alarm(2), armed on this machine */
};

/* What a rule is asked about: the members of its kind of resource are there. */
struct uk_rule_subject {
	const struct uk_survey *survey;
	const struct uk_service *service;
	const struct uk_task *task;
	const struct uk_fd *fd;
	const struct uk_socket *socket; /* NULL for one that is neither bound nor connected */
	const struct uk_fd_lock *lock;
	const struct uk_thread *thread;
	const struct uk_mapping *mapping;
	const struct uk_posix_timer *timer;
};

struct uk_rule {
	const char *name; /* "io-uring": begins the names of its findings */
	enum uk_resource resource;
	bool (*holds)(const struct uk_rule_subject *subject);
	enum uk_fate verdict;
	const char *what;   /* NULL where tell() says it */
	const char *remedy; /* NULL when there is nothing to do */
	const char *source; /* what it rests on */
	void (*tell)(const struct uk_rule_subject *subject, struct uk_strbuf *what);
};

/* A table of rules; the order counts. */
struct uk_rule_table {
	const struct uk_rule *rules;
	size_t nr;
};

/*
 * The rule of @resource that holds, from *@at on, which moves behind it; NULL when there is no
 * other. Begin with *@at = 0.
 */
const struct uk_rule *uk_rules_next(enum uk_resource resource,
				    const struct uk_rule_subject *subject, size_t *at);

/* All rules by number, for documents and tests; NULL behind the last. */
const struct uk_rule *uk_rules_at(size_t nr);

/* The contents of a file without a name go into the image up to this size. */
#define UK_GHOST_LIMIT (1ull << 30)

/* How far a replacement moves the numbers of processes on: the kernel itself never leaps so far. */
#define UK_PID_LEAP 2000

/* The tables, one for each file. Private to this room. */
extern const struct uk_rule_table uk_rules_programs; /* the first */
extern const struct uk_rule_table uk_rules_terminals;
extern const struct uk_rule_table uk_rules_sysv;
extern const struct uk_rule_table uk_rules_files;
extern const struct uk_rule_table uk_rules_sockets;
extern const struct uk_rule_table uk_rules_tasks;
extern const struct uk_rule_table uk_rules_calls;

/* A private mapping of more pages than the checkpoint can look at, or than there is room for it. */
bool uk_rule_maps_too_much(const struct uk_rule_subject *subject);
void uk_rule_tell_too_much(const struct uk_rule_subject *subject, struct uk_strbuf *what);

/* The mount that a descriptor lies on; NULL when not known. */
const struct uk_mount *uk_subject_mount(const struct uk_rule_subject *subject);
/* "process 812 (dbus-daemon)" or "process 812 (dbus-daemon), which is kept with x.service" */
void uk_subject_name_process(const struct uk_rule_subject *subject, pid_t pid,
			     struct uk_strbuf *to);

#endif
