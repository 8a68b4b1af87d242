/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an update is: the model behind manifest.json.
 *
 * `upkeep create` fills it, the bundle carries it, match and live act on it. Members
 * (object files, modules, patch text) are named by their path inside the bundle.
 * All strings are owned by the model.
 */
#ifndef UPKEEP_BUNDLE_UPDATE_H
#define UPKEEP_BUNDLE_UPDATE_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* The schema of manifest.json; one that is newer than ours is refused. */
#define UK_MANIFEST_SCHEMA 1

enum uk_change {
	UK_CHANGE_CHANGED, /* redirected: it exists in the running kernel */
	UK_CHANGE_NEW,	   /* only in the patched object: carried */
	UK_CHANGE_REMOVED, /* only in the orig object: nothing is done to it */
};

/* One function that differs between orig and patched. */
struct uk_update_function {
	enum uk_change change;
	unsigned int object;	     /* number of its object: index into uk_update.objects */
	char *name;		     /* as in the orig object; in the patched one when it is new */
	uint64_t old_size, new_size; /* bytes; 0 when there is none */
	/*
	 * Where the new code is: a section of the part's module file, unique in it, and
	 * the offset there. NULL when it was removed.
	 */
	char *section;
	uint64_t offset;
	/*
	 * Whether a redirect is written. Pieces such as foo.cold change with foo and
	 * block while a task is inside, but nothing enters them from elsewhere.
	 */
	bool redirect;
};

/* One object file that the update touches. */
struct uk_update_object {
	char *path;	   /* in the build tree: "fs/proc/cmdline.o" */
	unsigned int part; /* index into uk_update.parts */
	char *plain;	   /* member: orig as the kernel's own build compiles it, for matching;
			    * of an object that the patch adds, one with nothing in it */
	char *prev;	   /* member: the split orig object, when an update before this one
			    * (uk_update.after) changed functions of it; else NULL */
};

/* One kernel module file of new code, for one target. */
struct uk_update_part {
	char *target; /* "vmlinux" or the name of a module (with underscores) */
	char *module; /* name of the part's own module: "upkeep_<id>_<n>" */
	char *member; /* the module file: "parts/<n>.ko" */
};

enum uk_datum_change {
	UK_DATUM_NEW,	  /* carried */
	UK_DATUM_CARRIED, /* read-only, changed, reached only through changed code: carried */
	UK_DATUM_WRITTEN, /* changed in place with the same size: written */
	UK_DATUM_IGNORED, /* the change was accepted as having no effect on what runs */
};

struct uk_update_datum {
	enum uk_datum_change change;
	unsigned int object;
	char *name;
	uint64_t size;
};

/* Bytes to be written into the running kernel's read-only data at the safe moment. */
struct uk_update_write {
	unsigned int object;
	char *symbol;	 /* a symbol of the plain object */
	uint64_t offset; /* from the symbol */
	uint64_t len;
	uint8_t *old_bytes, *new_bytes;
};

/*
 * A pointer (8 bytes) in the running kernel's data, to be written at the safe moment if it is
 * still what it was at boot.
 * Its new value is what the loaded part has at @at of its section.
 */
struct uk_update_pointer {
	unsigned int object;
	char *symbol;	 /* a symbol of the plain object */
	uint64_t offset; /* from the symbol */
	char *section;	 /* of the part's module file, unique in it */
	uint64_t at;
};

/*
 * Something that only a person can judge. The name is what --accept takes: its kind and
 * its place, for instance "struct-layout:tcp_sock" or "initial-value:net/ipv4/tcp.o:limit".
 */
struct uk_finding {
	char *name;
	char *place;   /* where: object, symbol, source line if known */
	char *text;    /* what changed, and its consequence, in one or two sentences */
	bool accepted; /* the user took it by name, or it does no harm */
};

struct uk_update {
	char *id;	   /* 16 lower-case hex digits over everything that decides the content */
	char *release;	   /* uname -r of the kernel that it is for */
	char *version;	   /* uname -v of it, or NULL when not known */
	char *build_id;	   /* GNU build id of its vmlinux in hex, or NULL when not known */
	char *arch;	   /* "x86_64" */
	char *compiler;	   /* CONFIG_CC_VERSION_TEXT */
	char *source;	   /* where the source came from: "linux-source-6.1 6.1.170-3" or a path */
	char *description; /* or NULL */
	UK_VEC(char *) cves;
	UK_VEC(char *) after;	/* ids of the updates that must be applied before, oldest first */
	UK_VEC(char *) patches; /* members: "patches/<n>-<name>" */
	char *core;		/* member: the core module, "core/upkeep.ko" */
	bool ibt;		/* CONFIG_X86_KERNEL_IBT: functions may begin with endbr64 */
	UK_VEC(struct uk_update_part) parts;
	UK_VEC(struct uk_update_object) objects;
	UK_VEC(struct uk_update_function) functions;
	UK_VEC(struct uk_update_datum) data;
	UK_VEC(struct uk_update_write) writes;
	UK_VEC(struct uk_update_pointer) pointers;
	UK_VEC(struct uk_finding) findings;
};

struct uk_error *uk_update_create(struct uk_update **ret) uk_must_check;
void uk_update_destroy(struct uk_update *update);
UK_DEFINE_CLEANUP(update, struct uk_update *, uk_update_destroy)
#define uk_auto_update uk_cleanup(uk_cleanup_update)

/* Each releases what the element owns. */
void uk_update_function_deinit(struct uk_update_function *function);
void uk_update_object_deinit(struct uk_update_object *object);
void uk_update_part_deinit(struct uk_update_part *part);
void uk_update_datum_deinit(struct uk_update_datum *datum);
void uk_update_write_deinit(struct uk_update_write *write);
void uk_update_pointer_deinit(struct uk_update_pointer *pointer);
void uk_finding_deinit(struct uk_finding *finding);

/* Whether @text is 16 lower-case hex digits. */
bool uk_update_id_ok(const char *text);

/*
 * The names of all members that the update names, in order, without "manifest.json".
 * The names are borrowed; the array is the caller's.
 */
struct uk_error *uk_update_members(const struct uk_update *update, const char ***ret,
				   size_t *nr_ret) uk_must_check;

/*
 * manifest.json. Parsing checks everything: types, ranges, indices, lengths, member names
 * (relative, no "..", characters [A-Za-z0-9._/+-]); what it returns can be trusted in shape.
 * The text is deterministic. Caller frees it.
 */
struct uk_error *uk_update_to_json(const struct uk_update *update, char **ret) uk_must_check;
struct uk_error *uk_update_from_json(const char *text, size_t len,
				     struct uk_update **ret) uk_must_check;

#endif
