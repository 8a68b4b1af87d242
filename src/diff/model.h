/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An object as functions, data and what they refer to.
 *
 * Every section that matters is cut into *entities*: what a symbol with a size covers,
 * and the unnamed stretches between. A reference is a relocation, or a relative branch
 * that the assembler resolved by itself, and it points at an entity and a distance into
 * it, whether it was written with a symbol or as section + offset.
 */
#ifndef UPKEEP_DIFF_MODEL_H
#define UPKEEP_DIFF_MODEL_H

#include "base/map.h"
#include "diff/sections.h"
#include "elf/object.h"

struct uk_entity;
struct uk_table;
struct uk_chunk;

#define UK_STORES_ANYWHERE UINT16_MAX

/* Where a reference points. */
struct uk_target {
	struct uk_entity *entity; /* NULL: another object's symbol, or an absolute one */
	struct uk_symbol *symbol; /* what the relocation names; NULL for a resolved branch */
	int64_t delta;		  /* from the entity's (or the symbol's) start */
	bool certain;		  /* false: section + offset that lies in no entity of several */
};

struct uk_ref {
	uint64_t offset; /* of the changed bytes, in the section */
	uint32_t type;	 /* R_X86_64_*; PC32 or PC8 for a resolved branch */
	uint8_t size;	 /* bytes */
	uint8_t bias;	 /* from the changed bytes to what they are relative to */
	bool branch;	 /* a call, jmp or jcc */
	bool access;	 /* of memory at the very place */
	bool inside;	 /* of memory, also by an index: the address itself goes nowhere */
	uint16_t stores; /* bytes that are written there; UK_STORES_ANYWHERE: by an index */
	bool resolved;	 /* by the assembler: there is no relocation */
	struct uk_target target;
};

struct uk_insn {
	uint32_t offset; /* from the entity */
	uint8_t length;
	uint8_t rel_offset, rel_size; /* the field relative to the next instruction; 0: none */
	uint8_t memory_offset;	      /* the displacement of a memory operand; 0: none, or lea */
	uint16_t stores;	      /* to that operand, as in struct uk_ref */
	bool branch;		      /* the field is a branch's */
	bool call;		      /* direct or not */
	bool access; /* reads or writes memory where the field points; lea does not */
	bool ends;   /* does not go on to the next instruction: jmp, ret, ud2, int3 */
};

/* An entry of a table of code: see struct uk_table_kind. */
struct uk_entry {
	struct uk_table *table;
	uint64_t offset; /* in the table's section */
	UK_VEC(struct uk_ref) refs;
};

struct uk_table {
	const struct uk_table_kind *kind;
	struct uk_section *section;
	uint64_t entsize;
};

struct uk_entity {
	size_t index;		  /* in uk_model.entities */
	const char *name;	  /* "" for an unnamed stretch */
	struct uk_symbol *symbol; /* NULL when unnamed */
	struct uk_section *section;
	enum uk_section_kind kind;
	uint64_t offset, size;
	uint64_t prefix; /* bytes before offset that belong to it: call padding */
	bool alone;	 /* the only one of its section */
	bool unique;	 /* no other entity of this object has its name */
	bool literal;	 /* compared and carried by content: strings, __func__, CSWTCH */
	bool decoded;	 /* code: insns covers all of it */
	UK_VEC(struct uk_insn) insns;
	UK_VEC(struct uk_ref) refs;	   /* in order of offset */
	UK_VEC(struct uk_entry *) entries; /* owned; in order of the tables */
	UK_VEC(struct uk_entity *) users;  /* who refer to it, each once */
	UK_VEC(uint64_t) marks;		   /* where it is referred to; sorted; unnamed ones only */

	/* What the comparison finds out */
	size_t group; /* of entities whose names differ in numbers only; 0: none */
	struct uk_entity *twin;
	bool settled;		 /* the twin, or that there is none, is certain */
	struct uk_entity *rival; /* why it is not: what else could be its twin */
	const char *changed;	 /* why it counts as changed (a static text), or NULL */
	struct uk_chunk *chunk;	 /* that it is carried in, or NULL */
	bool moved; /* a read-only datum whose new version is carried, for changed code only */
	/* A read-only datum that is written in place. What is carried of it are the new values of
	 * its pointers; references go to the running kernel's. */
	bool pattern;
};

struct uk_model {
	const char *path; /* for messages */
	const char *side; /* "orig" or "patched", for messages */
	struct uk_object *object;
	UK_VEC(struct uk_entity *) entities; /* in order of section and offset; owned */
	UK_VEC(struct uk_table *) tables;    /* owned */
	struct uk_map by_name;		     /* name -> entity; the first of that name */
};

/*
 * Cuts @object up. It is borrowed and its tags are in use until the model is destroyed.
 * Fails on an object that went through objtool, or one with a malformed table.
 */
struct uk_error *uk_model_create(struct uk_object *object, const char *path, const char *side,
				 struct uk_model **ret) uk_must_check;
void uk_model_destroy(struct uk_model *model);
UK_DEFINE_CLEANUP(model, struct uk_model *, uk_model_destroy)
#define uk_auto_model uk_cleanup(uk_cleanup_model)

/* The entity that covers @offset, that ends there, or NULL. @certain_ret may be NULL. */
struct uk_entity *uk_model_entity_at(const struct uk_model *model, const struct uk_section *section,
				     int64_t offset, bool *certain_ret);
struct uk_entity *uk_model_entity_named(const struct uk_model *model, const char *name);

static inline bool uk_entity_is_function(const struct uk_entity *entity)
{
	return uk_section_kind_is_text(entity->kind);
}

static inline bool uk_entity_is_global(const struct uk_entity *entity)
{
	return entity->symbol && entity->symbol->bind != STB_LOCAL;
}

static inline const uint8_t *uk_entity_data(const struct uk_entity *entity)
{
	return entity->section->data ? entity->section->data + entity->offset : NULL;
}

/* The entity's name, or "section+offset" of an unnamed one, for messages; static buffers
 * are not used: the text is put into @buf. */
const char *uk_entity_label(const struct uk_entity *entity, char *buf, size_t len);

/*
 * The length of the literal at @delta of an entity: to the end of the string, of the
 * constant, of the whole named datum, or to the next place that is referred to.
 */
uint64_t uk_literal_len(const struct uk_entity *entity, int64_t delta, uint64_t *start_ret);

#endif
