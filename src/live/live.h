/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel: apply an update, undo it, say what is applied.
 *
 * Everything here needs root. Nothing is printed: what happened is in a report, what went
 * wrong in the error, long steps go to the sink.
 */
#ifndef UPKEEP_LIVE_LIVE_H
#define UPKEEP_LIVE_LIVE_H

#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"
#include "bundle/bundle.h"
#include "live/signer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the running kernel shows itself and where our own state is. */
struct uk_live_paths {
	const char *sys, *proc, *dev; /* "/sys", "/proc", "/dev" */
	const char *run;	      /* "/run": the lock */
	const char *state;	      /* "/var/lib/upkeep": copies of applied bundles */
};

enum { UK_LIVE_WAIT_DEFAULT_MS = 10000 };

struct uk_live_options {
	const struct uk_live_paths *paths; /* NULL: the usual ones; a test has its own */
	unsigned int wait_ms;		   /* how long to retry while tasks block */
	bool purge;			   /* undo: unload the part modules too */
	/* apply: if a target module is not loaded, wait for it and apply before any of its
	 * code runs. With several of them: as the last one comes in. */
	bool when_loaded;
	/* apply, check: signs every module before it is loaded; NULL: they are not signed */
	const struct uk_signer *signer;
	const struct uk_sink *sink; /* or NULL */
};

/* A step and what it took. */
struct uk_live_phase {
	const char *name; /* static */
	uint64_t ns;
};

/* A task that stands on code which the update changes. */
struct uk_live_blocker {
	int pid, tgid; /* pid 0 is an idle task */
	char comm[16];
	char name[128];	  /* the function */
	uint64_t addr;	  /* the address on its stack */
	uint64_t idle_ns; /* since it last ran; UINT64_MAX when not known */
	bool certain;	  /* false: found word by word on a stack that cannot be unwound */
};

struct uk_live_function {
	char *object; /* "vmlinux" or a module */
	char *name;
	uint64_t old_addr, new_addr;
	uint64_t old_size, new_size;
};

/*
 * What an apply, undo or check did. The caller zeroes it before and releases it after; it
 * is filled as far as things went, also when an error is returned (so that the blockers of
 * the last attempt can be shown).
 */
struct uk_live_report {
	char id[17];
	uint64_t pause_ns; /* all CPUs held */
	uint64_t stop_ns;  /* with the gathering of the CPUs before and after */
	uint64_t check_ns; /* looking at sleeping tasks before the stop */
	unsigned int tasks, tasks_before, tasks_inside, cpus;
	unsigned int attempts;
	size_t data_writes; /* stretches of read-only data that it writes to */
	UK_VEC(struct uk_live_phase) phases;
	UK_VEC(struct uk_live_function) functions;
	UK_VEC(struct uk_live_blocker) blockers;
};

void uk_live_report_deinit(struct uk_live_report *report);
#define uk_auto_live_report uk_cleanup(uk_live_report_deinit)

/*
 * Applies an update: all of it or nothing. UK_ERR_NOTHING when it is applied already;
 * UK_ERR_REFUSED when it does not fit this kernel; UK_ERR_BUSY when tasks still stood on
 * the code after options->wait_ms. On any error everything that was loaded is unloaded.
 */
struct uk_error *uk_live_apply(const struct uk_bundle *bundle,
			       const struct uk_live_options *options,
			       struct uk_live_report *report) uk_must_check;

/* Whether it would apply now, without loading or changing anything. */
struct uk_error *uk_live_check(const struct uk_bundle *bundle,
			       const struct uk_live_options *options,
			       struct uk_live_report *report) uk_must_check;

/*
 * Undoes an applied update. Its part modules stay loaded (a pointer into them may have
 * been kept somewhere), so that it can be applied again, unless options->purge asks to
 * unload them. UK_ERR_NOTHING when it is not applied and nothing of it is loaded (or it is
 * loaded and no purge was asked for).
 */
struct uk_error *uk_live_undo(const char *id, const struct uk_live_options *options,
			      struct uk_live_report *report) uk_must_check;

enum uk_live_state {
	UK_LIVE_APPLIED,
	UK_LIVE_UNDONE,	  /* not applied any more, but part modules of it are loaded */
	UK_LIVE_LEFTOVER, /* an apply was killed in the middle: modules loaded, nothing written */
};

#define UK_LIVE_WRITE_BYTES 16 /* as many as the core tells */

/* A place that an update wrote to. */
struct uk_live_write {
	uint64_t addr, len;
	bool text;				/* a redirect; else data */
	char *module;				/* "vmlinux" or the module that holds it */
	bool gone;				/* that module was unloaded by force */
	uint8_t new_bytes[UK_LIVE_WRITE_BYTES]; /* the first of what it wrote */
};

/* One update, as the running kernel and the kept copy of its bundle know it. */
struct uk_live_update {
	char *id;
	enum uk_live_state state;
	uint64_t order;	   /* of applies since the core was loaded; 0 when not applied */
	uint64_t pause_ns; /* of the apply */
	uint64_t stop_ns, tasks_checked;
	int64_t applied_at;	/* seconds since 1970; 0 when not applied */
	char *description;	/* from the kept bundle, or NULL */
	UK_VEC(char *) cves;	/* from the kept bundle */
	UK_VEC(char *) modules; /* part modules that are loaded */
	UK_VEC(struct uk_live_function) functions;
	UK_VEC(struct uk_live_write) writes;
	bool hidden; /* it is applied, and who asks may not know functions, writes and modules */
};

struct uk_live_status {
	bool core_loaded;
	char *core_version; /* NULL when it is not loaded */
	unsigned int core_abi;
	UK_VEC(struct uk_live_update) updates; /* applied ones first, oldest first */
};

/* @paths NULL: the usual ones. */
struct uk_error *uk_live_status_read(const struct uk_live_paths *paths,
				     struct uk_live_status **ret) uk_must_check;
void uk_live_status_destroy(struct uk_live_status *status);
UK_DEFINE_CLEANUP(live_status, struct uk_live_status *, uk_live_status_destroy)
#define uk_auto_live_status uk_cleanup(uk_cleanup_live_status)

/* The update whose id is @id or, when only one does, begins with it. Borrowed. */
struct uk_error *uk_live_status_find(const struct uk_live_status *status, const char *id,
				     const struct uk_live_update **ret) uk_must_check;

/* Opens the kept copy of the bundle of an applied or undone update. */
struct uk_error *uk_live_bundle_open(const struct uk_live_paths *paths, const char *id,
				     struct uk_bundle **ret) uk_must_check;

#endif
