/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orig against patched: what of an object changed, what has to be carried into the
 * running kernel for it, and what only a person can judge.
 *
 * One call per object file. Calls do not depend on each other: what an object takes from
 * others it names by symbol, and the link of the part (or match) brings them together.
 * An object that did not change gives an empty result (uk_diff_result_is_empty()); when
 * all results of a patch are empty there is nothing to do.
 *
 * The carried object
 *  - sections: ".text.upk.<number>.<symbol>", ".data.upk...", ".rodata.upk...",
 *    ".bss.upk..."; tables and helper code of the carried functions keep their names
 *    (__ex_table, __bug_table, .altinstructions, ...), because the module loader and objtool
 *    know them by name; no debug information;
 *  - symbols: carried copies of functions that exist are local, under their own names; new
 *    functions and data keep the binding they were compiled with;
 *  - undefined symbols, to be given run-time addresses before the module is loaded:
 *      NAME               a symbol that is global in the kernel
 *      .upk.<number>.NAME the symbol NAME (defined or not) of the *plain* object <number>
 *      .upk.value.NAME    not an address: the 8-byte value that the global variable NAME has in
 *                         the running kernel (6.12 runtime constants: kernel code has it
 *                         as an immediate);
 *      The same stands for a .upk.byte.NAME, a local symbol: the byte there is to become that
 *                         value before the module is loaded (a shift);
 *    some are referred to by no relocation (the __SCK__ keys of static calls, which objtool
 *    looks up by name).
 */
#ifndef UPKEEP_DIFF_DIFF_H
#define UPKEEP_DIFF_DIFF_H

#include "base/error.h"
#include "bundle/update.h"
#include "elf/object.h"

#include <stdbool.h>

/* How undefined symbols of a carried object begin when they are not plain names. */
#define UK_DIFF_LOCAL_PREFIX ".upk."
#define UK_DIFF_VALUE_PREFIX ".upk.value."
/* How local symbols begin that stand at one byte of code, to be filled in. */
#define UK_DIFF_BYTE_PREFIX ".upk.byte."

/*
 * One object file, compiled three times; all straight from the compiler, without objtool.
 * Everything is borrowed and must outlive the call only. The tags
 * of their symbols are used during the call and are NULL afterwards.
 */
struct uk_diff_input {
	unsigned int number;	   /* in uk_update.objects: goes into names and entries */
	const char *path;	   /* "fs/proc/cmdline.o": for messages and findings */
	const char *target;	   /* "vmlinux" or the name of a module */
	struct uk_object *orig;	   /* as the source is, -ffunction-sections -fdata-sections */
	struct uk_object *patched; /* with the patch, the same flags */
	struct uk_object *plain;   /* as the source is, the kernel's own flags */
};

/*
 * What became of it, if every finding is accepted. The caller looks through the findings
 * and refuses when one was not accepted by name. Kinds of finding, and what accepting means:
 *   initial-value:OBJ:NAME  writable data begins with another value: the running value stays (only
 *                           pointers to functions are written, if nothing has changed them
 *                           since boot)
 *   read-only-data:OBJ:NAME read-only data changes its size where it cannot be replaced and no
 *                           changed code uses it: it stays as it is; or a pointer in it becomes
 *                           empty: it is written
 *   operations:OBJ:NAME     a table of operations changes its size: only what changed code opens
 *                           or registers from now on has the new one; or it is written in place,
 *                           writable or not, and copies of it are not: accepted by itself
 *   init-code:OBJ:NAME      code or data used only at boot (or module load): no effect
 *   exit-code:OBJ:NAME      code that runs when a module is unloaded, which cannot happen while
 *                           an update holds it: no effect, accepted by itself
 *   registration:OBJ:SECTION  an entry of a table that is read at boot or module load
 *                           (initcalls, module parameters, trace events, ...) is new,
 *                           changed or gone: the running kernel keeps what it registered
 *   registration:OBJ:NAME   the same of a datum that only such code hands on
 *   export:OBJ:NAME         an exported symbol is new (modules cannot use it) or gone (they still
 *                           can): accepted by itself
 */
struct uk_diff_result {
	UK_VEC(struct uk_update_function) functions; /* in order of name */
	UK_VEC(struct uk_update_datum) data;
	UK_VEC(struct uk_update_write) writes;
	UK_VEC(struct uk_update_pointer) pointers;
	UK_VEC(struct uk_finding) findings;
	UK_VEC(char *) gone;	   /* global functions and data that are no longer in this object */
	struct uk_object *carried; /* NULL when there is no code or data to carry */
};

void uk_diff_result_destroy(struct uk_diff_result *result);
UK_DEFINE_CLEANUP(diff_result, struct uk_diff_result *, uk_diff_result_destroy)
#define uk_auto_diff_result uk_cleanup(uk_cleanup_diff_result)

/* Nothing changed in this object: no function, no datum, no write, no finding. It may still have
 * lost a global datum (gone). */
bool uk_diff_result_is_empty(const struct uk_diff_result *result);

/*
 * Compares. UK_ERR_REFUSED when the change cannot be carried out safely, or when it cannot
 * be proved what a reference means: the message names object, symbol, offset and reason;
 * UK_ERR_INVALID when an object is not what it should be.
 */
struct uk_error *uk_diff_object(const struct uk_diff_input *input,
				struct uk_diff_result **ret) uk_must_check;

/* What an object lost and what is carried for it: of uk_diff_result, borrowed. */
struct uk_diff_moves {
	const char *path;
	char *const *gone;
	size_t nr_gone;
	const struct uk_object *carried; /* or NULL */
};

/*
 * After all objects of a patch were compared: refuses when a global function or datum has
 * moved from one object to another. Unchanged code would go on using the old one, beside
 * the new one.
 */
struct uk_error *uk_diff_check_moves(const struct uk_diff_moves *moves, size_t nr) uk_must_check;

#endif
