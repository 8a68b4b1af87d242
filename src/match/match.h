/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The match of an update against a kernel: proof that what is in memory is the code that the
 * update was built from, and the run-time address of everything that its new code refers to.
 *
 * uk_match_run() compares every byte of each touched object's text and read-only data with
 * memory; each difference must be explained by a known site (match/sites.h) or the update is
 * refused (UK_ERR_REFUSED) with object, function, offset, expected and found bytes.
 */
#ifndef UPKEEP_MATCH_MATCH_H
#define UPKEEP_MATCH_MATCH_H

#include "base/error.h"
#include "base/vec.h"
#include "bundle/update.h"
#include "elf/object.h"
#include "match/holders.h"
#include "match/kallsyms.h"
#include "match/memory.h"
#include "match/sites.h"

#include <stdbool.h>
#include <stdint.h>

#define UK_REDIRECT_LEN 5   /* jmp rel32 */
#define UK_REDIRECT_JUMPS 4 /* at most, see match/redirect.h */
#define UK_POINTER_LEN 8

/*
 * A function that an applied update replaced, or brought: then there is no old code and no
 * redirect. Strings are borrowed.
 */
struct uk_match_replaced {
	const char *id;	      /* the update that did it */
	const char *object;   /* path of the object in the build tree: "fs/proc/cmdline.o" */
	const char *function; /* name in the orig object */
	uint64_t old_addr, old_size;
	uint64_t new_addr, new_size; /* its copy, in the update's part module */
	/* Where the jumps of its redirect stand: UK_REDIRECT_LEN bytes each. */
	uint64_t jumps[UK_REDIRECT_JUMPS];
	unsigned int nr_jumps;
};

/* Data that an applied update wrote to. */
struct uk_match_written {
	const char *id;
	uint64_t addr, len;
	uint8_t new_bytes[UK_POINTER_LEN]; /* the first of what it wrote */
};

/* What is to be matched, and against what. Everything is borrowed. */
struct uk_match_request {
	const struct uk_memory *memory;
	const struct uk_kallsyms *kallsyms;
	const struct uk_holders *holders; /* NULL: none (an image) */
	const struct uk_update *update;
	/* By number of object: update->objects.len each. */
	struct uk_object *const *plain;
	struct uk_object *const *prev; /* entries NULL where objects have none; may be NULL */
	/* Parts to leave out (true), by number: their module is not loaded. NULL: none. */
	const bool *skip_part;
	/*
	 * Names to be resolved: what the part modules leave undefined ("NAME" or
	 * ".upk.<object>.NAME"), without those that other parts define.
	 */
	const char *const *symbols;
	size_t nr_symbols;
	/* Those of them whose address the new code takes, and whether this processor wants a
	 * landing pad where such a pointer leads (IBT). */
	const char *const *taken;
	size_t nr_taken;
	bool ibt;
	/* What is applied now, oldest first. */
	const struct uk_match_replaced *replaced;
	size_t nr_replaced;
	const struct uk_match_written *written;
	size_t nr_written;
};

/* A jump to the new code is to be written here. */
struct uk_match_jump {
	uint64_t address;
	uint8_t old_bytes[UK_REDIRECT_LEN]; /* what memory holds there now */
};

/* A function of update->functions that changes; also those without a redirect (foo.cold). */
struct uk_match_function {
	size_t function;  /* index into update->functions */
	uint64_t address; /* of the code that is to be replaced: in the kernel, or in the copy
			   * that an update before this one made */
	uint64_t size;
	struct uk_match_jump jumps[UK_REDIRECT_JUMPS]; /* its redirect */
	unsigned int nr_jumps;			       /* 0 if it has none */
	const char *stands_on; /* id of the update whose copy it is, or NULL; borrowed */
	char *shared_with;     /* who uses the function's ftrace site (which stays his), or NULL */
};

enum uk_match_source {
	UK_MATCH_LEARNED,  /* from relocations of matched code */
	UK_MATCH_PLACED,   /* defined in a placed section of the object */
	UK_MATCH_KALLSYMS, /* by name alone */
};

struct uk_match_symbol {
	char *name;
	uint64_t address;
	enum uk_match_source source;
};

/* A write of update->writes: memory holds its old bytes at this address. */
struct uk_match_write {
	size_t write;
	uint64_t address;
};

/* A pointer of update->pointers: it is what it was at boot, or what an update before this one
 * made of it. */
struct uk_match_pointer {
	size_t pointer;
	uint64_t address;
	uint8_t old_bytes[UK_POINTER_LEN]; /* what memory holds there now */
};

/* A section of a plain object, found in memory. */
struct uk_match_section {
	size_t object;
	char *name;
	uint64_t address, size;
	bool compared; /* its content was compared */
};

/* A function in a compared section that someone holds; nothing was learned from it. */
struct uk_match_excluded {
	size_t object;
	char *function;
	char *holder;
};

struct uk_match {
	UK_VEC(struct uk_match_function) functions;
	UK_VEC(struct uk_match_symbol) symbols; /* in the order of the request */
	UK_VEC(struct uk_match_write) writes;
	UK_VEC(struct uk_match_pointer) pointers;
	UK_VEC(struct uk_match_section) sections;
	UK_VEC(struct uk_match_excluded) excluded;
	uint64_t compared;		     /* bytes of text and read-only data */
	uint64_t explained[UK_SITE_CLASSES]; /* sites that differ from orig, by class */
	uint64_t learned;		     /* uses of symbols that agree */
};

/* Refuses a kernel that is not the one the update was built for. Also part of uk_match_run(). */
struct uk_error *uk_match_identity(const struct uk_update *update,
				   const struct uk_memory *memory) uk_must_check;

struct uk_error *uk_match_run(const struct uk_match_request *request,
			      struct uk_match **ret) uk_must_check;

void uk_match_destroy(struct uk_match *match);
UK_DEFINE_CLEANUP(match, struct uk_match *, uk_match_destroy)
#define uk_auto_match uk_cleanup(uk_cleanup_match)

/* Address of a resolved name, or 0. */
uint64_t uk_match_address(const struct uk_match *match, const char *name);

#endif
