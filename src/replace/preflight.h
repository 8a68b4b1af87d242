/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preflight: what a replacement would do to each resource, before anything is touched. */
#ifndef UPKEEP_REPLACE_PREFLIGHT_H
#define UPKEEP_REPLACE_PREFLIGHT_H

#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"
#include "replace/keep.h"
#include "replace/rules.h"
#include "replace/store.h"

#include <stdbool.h>

struct uk_preflight_finding {
	enum uk_fate verdict;
	const char *rule;		  /* "io-uring" */
	char *id;			  /* "io-uring:x.service:812:fd7": accepts just this one */
	const struct uk_service *service; /* NULL: of the machine */
	pid_t pid;			  /* 0: of none in particular */
	const char *kind;		  /* "pipe", "socket", "thread", "host": a noun */
	char *resource;			  /* "fd 7 of 812 (redis-server)" */
	char *what;			  /* NULL where the verdict says it all */
	const char *remedy, *source;	  /* remedy may be NULL */
	bool accepted;
};

/* What came of the trial of a service: see trial.h. */
enum uk_trial_end {
	UK_TRIAL_PASSED,
	UK_TRIAL_FAILED, /* a finding of rule UK_TRIAL_RULE says it, too */
	UK_TRIAL_SKIPPED,
};

#define UK_TRIAL_RULE "trial"

struct uk_trial {
	const struct uk_service *service;
	enum uk_trial_end end;
	char *why;	    /* it failed, or was not made; NULL if it passed */
	char *not_restored; /* why it was dumped, but no copy restored; NULL if one was */
	uint64_t restore_ns;
	uint64_t frozen_ns, dump_ns; /* how long it stood still, and was dumped; 0: it was not */
};

void uk_trial_deinit(struct uk_trial *trial);

struct uk_preflight_options {
	const struct uk_host_paths *paths; /* NULL for the usual */
	const char *const *keep;	   /* names of services */
	size_t nr_keep;
	const char *const *without; /* of those: names of what is left out */
	size_t nr_without;
	const char *kernel;	    /* release; NULL for the newest that is installed */
	const char *store;	    /* folder for the images, which need not exist */
	enum uk_store_kind where;   /* there, or in memory */
	const struct uk_sink *sink; /* or NULL */
};

struct uk_preflight {
	struct uk_keep keep;
	char *running, *target; /* releases; target may be NULL */
	char *criu;		/* version of CRIU; NULL when there is none */
	uint64_t needed, room;	/* bytes for the images at most; free in the store */
	char *memory;		/* the device for them, or NULL: they go to the disk */
	UK_VEC(struct uk_preflight_finding)
	findings; /* machine first, then by service; worst first */
	UK_VEC(struct uk_trial)
	trials; /* in the order of the services; none if none was asked for */
};

void uk_preflight_deinit(struct uk_preflight *preflight);
#define uk_auto_preflight uk_cleanup(uk_preflight_deinit)

/* Looks at everything. An error is about looking. @ret needs uk_preflight_deinit() also then. */
struct uk_error *uk_preflight_run(const struct uk_preflight_options *options,
				  struct uk_preflight *ret) uk_must_check;

/* Accepts the findings that @name means: an id, or a rule for all of its findings. */
size_t uk_preflight_accept(struct uk_preflight *preflight, const char *name);

/* How many findings of @service (NULL: of the machine) have a verdict. */
size_t uk_preflight_count(const struct uk_preflight *preflight, const struct uk_service *service,
			  enum uk_fate verdict);

/* The worst verdict that was not accepted. */
enum uk_fate uk_preflight_worst(const struct uk_preflight *preflight,
				const struct uk_service *service);

/* UK_ERR_REFUSED while something is impossible and not accepted; it counts them. */
struct uk_error *uk_preflight_verdict(const struct uk_preflight *preflight) uk_must_check;

/* Private to this room: findings of the machine, src/replace/host.c. */
struct uk_error *uk_preflight_host(const struct uk_preflight_options *options,
				   const struct uk_survey *survey,
				   struct uk_preflight *preflight) uk_must_check;

/* The same of where the images would lie, src/replace/host_store.c: chooses that. */
struct uk_error *uk_preflight_store(const struct uk_preflight_options *options,
				    const struct uk_survey *survey,
				    struct uk_preflight *preflight) uk_must_check;

/* The same of its network, src/replace/host_network.c. */
struct uk_error *uk_preflight_network(const struct uk_survey *survey,
				      struct uk_preflight *preflight) uk_must_check;

/* What ends with the kernel whatever is kept, src/replace/host_kernel.c. */
struct uk_error *uk_preflight_kernel(const struct uk_preflight_options *options,
				     struct uk_preflight *preflight) uk_must_check;

/*
 * Adds one of a service, to its place. @what is taken, NULL means no memory. The others are
 * borrowed; @remedy may be NULL.
 */
struct uk_error *uk_preflight_add_service(struct uk_preflight *preflight,
					  const struct uk_service *service, enum uk_fate verdict,
					  const char *rule, char *what, const char *remedy,
					  const char *source) uk_must_check;

/* Adds one of the machine. @what is taken, NULL means no memory. @remedy may be NULL. */
struct uk_error *uk_preflight_add_host(struct uk_preflight *preflight, enum uk_fate verdict,
				       const char *rule, const char *resource, char *what,
				       const char *remedy, const char *source) uk_must_check;

#endif
