// SPDX-License-Identifier: GPL-2.0-or-later
/* Collecting sites from an object: what each of its tables and relocations says. */
#include "match/sites.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	CALL = 0xe8,
	JMP32 = 0xe9,
	JMP8 = 0xeb,
	NOP = 0x90,
	CS_PREFIX = 0x2e,
	CALL_LEN = 5,
	JMP8_LEN = 2,
	TRAMPOLINE_LEN = 8, /* with the ud1 behind it */
	CALL_PADDING = 16,
	ENDBR_LEN = 4,
};

static const uint8_t endbr64[ENDBR_LEN] = { 0xf3, 0x0f, 0x1e, 0xfa };

const char *uk_site_class_name(enum uk_site_class class)
{
	static const char *const names[] = {
		[UK_SITE_ALTERNATIVE] = "alternative",
		[UK_SITE_PARAVIRT] = "paravirtual call",
		[UK_SITE_RETPOLINE] = "retpoline",
		[UK_SITE_RETURN] = "return",
		[UK_SITE_JUMP_LABEL] = "jump label",
		[UK_SITE_TRAMPOLINE] = "static call trampoline",
		[UK_SITE_STATIC_CALL] = "static call",
		[UK_SITE_FENTRY] = "ftrace site",
		[UK_SITE_LOCK] = "lock prefix",
		[UK_SITE_ENDBR] = "endbr",
		[UK_SITE_RUNTIME_PTR] = "runtime constant (pointer)",
		[UK_SITE_RUNTIME_SHIFT] = "runtime constant (shift)",
		[UK_SITE_CALL_PADDING] = "call padding",
		[UK_SITE_FTRACE_CALL] = "ftrace's call to its tracer",
		[UK_SITE_CALL] = "call with depth tracking",
	};
	return names[class];
}

bool uk_site_class_is_dynamic(enum uk_site_class class)
{
	switch (class) {
	case UK_SITE_JUMP_LABEL:
	case UK_SITE_STATIC_CALL:
	case UK_SITE_TRAMPOLINE:
	case UK_SITE_LOCK:
	case UK_SITE_FENTRY:
	case UK_SITE_FTRACE_CALL:
		return true;
	default:
		return false;
	}
}

static struct uk_error *add_site(struct uk_sites *sites, const struct uk_section *section,
				 struct uk_site site)
{
	if (!uk_section_is_text(section) || !section->data ||
	    !uk_range_ok(site.offset, site.len, section->size))
		return uk_error_create(UK_ERR_INVALID,
				       "%s: a %s of %" PRIu64 " bytes at %s+0x%" PRIx64
				       " does not lie in code",
				       sites->object->name, uk_site_class_name(site.class),
				       site.len, section->name, site.offset);
	return uk_vec_push(&sites->by_section[section->index].sites, site) ? NULL
									   : uk_error_nomem();
}

static struct uk_error *bad_table(const struct uk_sites *sites, const struct uk_section *table,
				  uint64_t offset, const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "%s: %s+0x%" PRIx64 ": %s", sites->object->name,
			       table->name, offset, what);
}

/* What a field of a table points at; tables use 32-bit relative or 64-bit absolute fields. */
struct pointer {
	struct uk_section *section; /* NULL: not in this object */
	uint64_t offset;
	struct uk_symbol *symbol;
	int64_t addend;
};

static struct uk_error *read_pointer(const struct uk_sites *sites, const struct uk_section *table,
				     uint64_t offset, struct pointer *ret)
{
	const struct uk_reloc *reloc = uk_section_reloc_at(table, offset);
	if (!reloc || reloc->offset != offset)
		return bad_table(sites, table, offset, "a field without a relocation");
	*ret = (struct pointer){ .symbol = reloc->symbol, .addend = reloc->addend };
	if (reloc->symbol->place == UK_SYMBOL_DEFINED) {
		ret->section = reloc->symbol->section;
		ret->offset = reloc->symbol->value + (uint64_t)reloc->addend;
	}
	return NULL;
}

static struct uk_error *read_code(const struct uk_sites *sites, const struct uk_section *table,
				  uint64_t offset, struct pointer *ret)
{
	struct uk_error *err = read_pointer(sites, table, offset, ret);
	if (err)
		return err;
	if (!ret->section || !uk_section_is_text(ret->section) || !ret->section->data ||
	    ret->offset >= ret->section->size)
		return bad_table(sites, table, offset, "does not point into this object's code");
	return NULL;
}

/* Sites that the symbol of a relocation tells. */

static bool is_call_or_jump(uint8_t byte)
{
	return byte == CALL || byte == JMP32;
}

static int register_number(const char *name)
{
	static const char *const names[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};
	for (unsigned int i = 0; i < UK_ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return (int)i;
	return -1;
}

static const char thunk_prefix[] = "__x86_indirect_thunk_";
static const char tramp_prefix[] = "__SCT__";

static struct uk_error *add_retpoline(struct uk_sites *sites, const struct uk_section *section,
				      const struct uk_reloc *reloc)
{
	int reg = register_number(reloc->symbol->name + sizeof(thunk_prefix) - 1);
	if (reg < 0)
		return NULL;
	struct uk_site site = { .class = UK_SITE_RETPOLINE,
				.offset = reloc->offset - 1,
				.len = CALL_LEN,
				.reg = (unsigned int)reg };
	/* -mindirect-branch-cs-prefix: for r8 to r15, and for them only. */
	if (reg >= 8 && site.offset && section->data[site.offset - 1] == CS_PREFIX) {
		site.offset--;
		site.len++;
	}
	return add_site(sites, section, site);
}

/* Jcc.d32 __SCT__name: a conditional tail call, six bytes. */
static bool is_conditional(const struct uk_section *section, const struct uk_reloc *reloc)
{
	return reloc->offset >= 2 && section->data[reloc->offset - 2] == 0x0f &&
	       (section->data[reloc->offset - 1] & 0xf0) == 0x80;
}

static struct uk_error *add_static_call(struct uk_sites *sites, const struct uk_section *section,
					const struct uk_reloc *reloc)
{
	unsigned int opcode_len = is_conditional(section, reloc) ? 2 : 1;
	struct uk_site site = { .class = UK_SITE_STATIC_CALL,
				.offset = reloc->offset - opcode_len,
				.len = opcode_len + 4,
				.name = reloc->symbol->name + sizeof(tramp_prefix) - 1 };
	return add_site(sites, section, site);
}

static struct uk_error *add_relocated(struct uk_sites *sites, const struct uk_section *section,
				      const struct uk_reloc *reloc)
{
	const char *name = reloc->symbol->name;
	if (!uk_reloc_is_pcrel(reloc->type) || uk_reloc_size(reloc->type) != 4 || !reloc->offset)
		return NULL;
	uint8_t opcode = section->data[reloc->offset - 1];
	if (uk_str_starts(name, tramp_prefix) && section->data[reloc->offset - 1] != 0x8d &&
	    (is_call_or_jump(opcode) || is_conditional(section, reloc)))
		return add_static_call(sites, section, reloc);
	if (!is_call_or_jump(opcode))
		return NULL;
	struct uk_site site = { .offset = reloc->offset - 1, .len = CALL_LEN };
	if (opcode == CALL && !strcmp(name, "__fentry__")) {
		site.class = UK_SITE_FENTRY;
		return add_site(sites, section, site);
	}
	if (opcode == JMP32 && !strcmp(name, "__x86_return_thunk")) {
		site.class = UK_SITE_RETURN;
		return add_site(sites, section, site);
	}
	if (uk_str_starts(name, thunk_prefix))
		return add_retpoline(sites, section, reloc);
	return NULL;
}

static struct uk_error *add_all_relocated(struct uk_sites *sites, const struct uk_section *section)
{
	uk_vec_for_each(reloc, &section->relocs) {
		struct uk_error *err = add_relocated(sites, section, reloc);
		if (err)
			return err;
	}
	return NULL;
}

/* Sites that the section's symbols tell. */

static bool is_static_call_text(const struct uk_section *section)
{
	return !strcmp(section->name, ".static_call.text") ||
	       uk_str_starts(section->name, ".static_call.text.");
}

static struct uk_error *add_trampoline(struct uk_sites *sites, const struct uk_symbol *symbol)
{
	if (!uk_str_starts(symbol->name, tramp_prefix))
		return NULL;
	struct uk_site site = { .class = UK_SITE_TRAMPOLINE,
				.offset = symbol->value,
				.len = TRAMPOLINE_LEN,
				.name = symbol->name + sizeof(tramp_prefix) - 1 };
	return add_site(sites, symbol->section, site);
}

static bool is_padding(const struct uk_section *section, uint64_t end)
{
	if (end < CALL_PADDING)
		return false;
	for (uint64_t i = end - CALL_PADDING; i < end; i++)
		if (section->data[i] != NOP)
			return false;
	return true;
}

static bool has_site(const struct uk_sites *sites, const struct uk_section *section,
		     enum uk_site_class class, uint64_t offset)
{
	uk_vec_for_each(site, &sites->by_section[section->index].sites)
		if (site->class == class && site->offset == offset)
			return true;
	return false;
}

static struct uk_error *add_entry(struct uk_sites *sites, const struct uk_symbol *symbol,
				  uk_version version)
{
	const struct uk_section *section = symbol->section;
	uint64_t at = symbol->value;
	struct uk_error *err = NULL;
	if (at > section->size)
		return NULL;
	if (uk_range_ok(at, ENDBR_LEN, section->size) &&
	    !memcmp(section->data + at, endbr64, ENDBR_LEN) &&
	    uk_rewrites_have(version, UK_REWRITE_ENDBR_SEAL) &&
	    !has_site(sites, section, UK_SITE_ENDBR, at))
		err = add_site(
			sites, section,
			(struct uk_site){ .class = UK_SITE_ENDBR, .offset = at, .len = ENDBR_LEN });
	if (!err && uk_rewrites_have(version, UK_REWRITE_CALL_DEPTH) && is_padding(section, at) &&
	    !has_site(sites, section, UK_SITE_CALL_PADDING, at - CALL_PADDING))
		err = add_site(sites, section,
			       (struct uk_site){ .class = UK_SITE_CALL_PADDING,
						 .offset = at - CALL_PADDING,
						 .len = CALL_PADDING });
	return err;
}

static struct uk_error *add_symbol(struct uk_sites *sites, const struct uk_symbol *symbol,
				   uk_version version)
{
	const struct uk_section *section = symbol->section;
	if (symbol->place != UK_SYMBOL_DEFINED || symbol->type == STT_SECTION ||
	    !uk_section_is_text(section) || !section->data)
		return NULL;
	if (is_static_call_text(section))
		return add_trampoline(sites, symbol);
	if (!strcmp(symbol->name, "ftrace_call") || !strcmp(symbol->name, "ftrace_regs_call"))
		return add_site(sites, section,
				(struct uk_site){ .class = UK_SITE_FTRACE_CALL,
						  .offset = symbol->value,
						  .len = CALL_LEN });
	return add_entry(sites, symbol, version);
}

/* Sites that tables list. */

typedef struct uk_error *add_table_fn(struct uk_sites *sites, const struct uk_section *table,
				      uk_version version);

/* .altinstructions: struct alt_instr, packed. */
struct alt_layout {
	uint64_t size, flags, instr_len, repl_len; /* flags: offset, or 0 if there are none */
};

enum { ALT_FLAG_DIRECT_CALL = 2 };

static struct uk_site *same_alternative(struct uk_sites *sites, const struct pointer *at)
{
	uk_vec_for_each(site, &sites->by_section[at->section->index].sites)
		if (site->class == UK_SITE_ALTERNATIVE && site->offset == at->offset)
			return site;
	return NULL;
}

static struct uk_error *read_replacement(struct uk_sites *sites, const struct uk_section *table,
					 uint64_t at, const struct alt_layout *layout,
					 struct uk_replacement *ret)
{
	*ret = (struct uk_replacement){ .len = table->data[at + layout->repl_len] };
	if (layout->flags)
		ret->direct_call =
			uk_get_u16(table->data + at + layout->flags) & ALT_FLAG_DIRECT_CALL;
	if (!ret->len)
		return NULL;
	struct pointer code;
	struct uk_error *err = read_code(sites, table, at + 4, &code);
	if (err)
		return err;
	if (!uk_range_ok(code.offset, ret->len, code.section->size))
		return bad_table(sites, table, at, "a replacement is longer than its section");
	ret->section = code.section;
	ret->offset = code.offset;
	return NULL;
}

/* Entries for one place follow each other; the longest says how far its padding goes. */
static struct uk_error *add_alternative(struct uk_sites *sites, const struct uk_section *table,
					uint64_t at, const struct alt_layout *layout)
{
	struct pointer code;
	struct uk_replacement replacement;
	struct uk_error *err = read_code(sites, table, at, &code);
	if (!err)
		err = read_replacement(sites, table, at, layout, &replacement);
	if (err)
		return err;
	uint64_t len = table->data[at + layout->instr_len];
	if (replacement.len > len)
		return bad_table(sites, table, at, "a replacement is longer than its place");
	if (!uk_vec_push(&sites->replacements, replacement))
		return uk_error_nomem();
	struct uk_site *site = same_alternative(sites, &code);
	if (!site)
		return add_site(sites, code.section,
				(struct uk_site){ .class = UK_SITE_ALTERNATIVE,
						  .offset = code.offset,
						  .len = len,
						  .first = sites->replacements.len - 1,
						  .nr = 1 });
	if (site->first + site->nr != sites->replacements.len - 1)
		return bad_table(sites, table, at, "entries for one place do not stand together");
	site->nr++;
	if (len > site->len)
		site->len = len;
	return uk_range_ok(site->offset, site->len, code.section->size)
		       ? NULL
		       : bad_table(sites, table, at, "a place is longer than its section");
}

static struct uk_error *add_alternatives(struct uk_sites *sites, const struct uk_section *table,
					 uk_version version)
{
	static const struct alt_layout old = { .size = 12, .instr_len = 10, .repl_len = 11 };
	static const struct alt_layout with_flags = {
		.size = 14, .flags = 10, .instr_len = 12, .repl_len = 13
	};
	const struct alt_layout *layout =
		uk_rewrites_have(version, UK_REWRITE_ALT_FLAGS) ? &with_flags : &old;
	if (table->size % layout->size)
		return bad_table(sites, table, table->size, "ends inside an entry");
	for (uint64_t at = 0; at < table->size; at += layout->size) {
		struct uk_error *err = add_alternative(sites, table, at, layout);
		if (err)
			return err;
	}
	return NULL;
}

/* .parainstructions: 8 bytes address, type, length, padding to 16. */
static struct uk_error *add_paravirt(struct uk_sites *sites, const struct uk_section *table,
				     uk_version version)
{
	enum { SIZE = 16, TYPE = 8, LEN = 9 };
	for (uint64_t at = 0; uk_range_ok(at, LEN + 1, table->size); at += SIZE) {
		struct pointer code;
		struct uk_error *err = read_code(sites, table, at, &code);
		if (!err)
			err = add_site(sites, code.section,
				       (struct uk_site){ .class = UK_SITE_PARAVIRT,
							 .offset = code.offset,
							 .type = table->data[at + TYPE],
							 .len = table->data[at + LEN] });
		if (err)
			return err;
	}
	return NULL;
}

/* __jump_table: s32 code, s32 target, s64 key. */
static struct uk_error *add_jump_label(struct uk_sites *sites, const struct uk_section *table,
				       uint64_t at)
{
	struct pointer code, target;
	struct uk_error *err = read_code(sites, table, at, &code);
	if (!err)
		err = read_pointer(sites, table, at + 4, &target);
	if (err)
		return err;
	struct uk_site site = { .class = UK_SITE_JUMP_LABEL,
				.offset = code.offset,
				.symbol = target.symbol,
				/* The field is 4 bytes behind the entry; it points from itself. */
				.addend = target.addend };
	uint8_t first = code.section->data[code.offset];
	if (first == JMP8 || first == 0x66)
		site.len = JMP8_LEN;
	else if (first == JMP32 || first == 0x0f)
		site.len = CALL_LEN;
	else
		return bad_table(sites, table, at, "its code is neither a jump nor a nop");
	return add_site(sites, code.section, site);
}

static struct uk_error *add_jump_labels(struct uk_sites *sites, const struct uk_section *table,
					uk_version version)
{
	enum { SIZE = 16 };
	if (table->size % SIZE)
		return bad_table(sites, table, table->size, "ends inside an entry");
	for (uint64_t at = 0; at < table->size; at += SIZE) {
		struct uk_error *err = add_jump_label(sites, table, at);
		if (err)
			return err;
	}
	return NULL;
}

/* Tables of 32-bit pointers, relative to themselves. */
static struct uk_error *add_pointers(struct uk_sites *sites, const struct uk_section *table,
				     struct uk_site site)
{
	if (table->size % 4)
		return bad_table(sites, table, table->size, "ends inside an entry");
	for (uint64_t at = 0; at < table->size; at += 4) {
		struct pointer code;
		struct uk_error *err = read_code(sites, table, at, &code);
		site.offset = code.offset;
		if (!err)
			err = add_site(sites, code.section, site);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *add_locks(struct uk_sites *sites, const struct uk_section *table,
				  uk_version version)
{
	return add_pointers(sites, table, (struct uk_site){ .class = UK_SITE_LOCK, .len = 1 });
}

static struct uk_error *add_runtime_ptrs(struct uk_sites *sites, const struct uk_section *table,
					 uk_version version)
{
	return add_pointers(sites, table,
			    (struct uk_site){ .class = UK_SITE_RUNTIME_PTR,
					      .len = 8,
					      .name = table->name + strlen("runtime_ptr_") });
}

static struct uk_error *add_runtime_shifts(struct uk_sites *sites, const struct uk_section *table,
					   uk_version version)
{
	return add_pointers(sites, table,
			    (struct uk_site){ .class = UK_SITE_RUNTIME_SHIFT,
					      .len = 1,
					      .name = table->name + strlen("runtime_shift_") });
}

static const struct table {
	const char *name;
	bool prefix;
	add_table_fn *add;
	bool always;
	enum uk_rewrite rewrite;
} tables[] = {
	{ .name = ".altinstructions", .add = add_alternatives, .always = true },
	{ .name = ".parainstructions", .add = add_paravirt, .rewrite = UK_REWRITE_PARAVIRT_TABLE },
	{ .name = "__jump_table", .add = add_jump_labels, .always = true },
	{ .name = ".smp_locks", .add = add_locks, .always = true },
	{ .name = "runtime_ptr_",
	  .prefix = true,
	  .add = add_runtime_ptrs,
	  .rewrite = UK_REWRITE_RUNTIME_CONST },
	{ .name = "runtime_shift_",
	  .prefix = true,
	  .add = add_runtime_shifts,
	  .rewrite = UK_REWRITE_RUNTIME_CONST },
};

static struct uk_error *add_table(struct uk_sites *sites, const struct uk_section *section,
				  uk_version version)
{
	if (!section->data)
		return NULL;
	for (unsigned int i = 0; i < UK_ARRAY_SIZE(tables); i++) {
		const struct table *table = &tables[i];
		bool named = table->prefix ? uk_str_starts(section->name, table->name)
					   : !strcmp(section->name, table->name);
		if (named && (table->always || uk_rewrites_have(version, table->rewrite)))
			return table->add(sites, section, version);
	}
	return NULL;
}

static int compare_sites(const void *a, const void *b)
{
	const struct uk_site *left = a, *right = b;
	if (left->offset != right->offset)
		return left->offset < right->offset ? -1 : 1;
	return (int)left->class - (int)right->class;
}

static struct uk_error *collect(struct uk_sites *sites, uk_version version)
{
	const struct uk_object *object = sites->object;
	uk_vec_for_each(section, &object->sections) {
		struct uk_error *err = add_table(sites, *section, version);
		if (!err && uk_section_is_text(*section) && (*section)->data)
			err = add_all_relocated(sites, *section);
		if (err)
			return err;
	}
	uk_vec_for_each(symbol, &object->symbols) {
		struct uk_error *err = add_symbol(sites, *symbol, version);
		if (err)
			return err;
	}
	for (size_t i = 0; i < object->sections.len; i++)
		if (sites->by_section[i].sites.len)
			qsort(sites->by_section[i].sites.data, sites->by_section[i].sites.len,
			      sizeof(struct uk_site), compare_sites);
	return NULL;
}

struct uk_error *uk_sites_collect(const struct uk_object *object, uk_version version,
				  struct uk_sites **ret)
{
	uk_auto_sites struct uk_sites *sites = calloc(1, sizeof(*sites));
	if (!sites)
		return uk_error_nomem();
	sites->object = object;
	sites->by_section = calloc(object->sections.len + 1, sizeof(*sites->by_section));
	if (!sites->by_section)
		return uk_error_nomem();
	struct uk_error *err = collect(sites, version);
	if (err)
		return err;
	*ret = uk_take(sites);
	return NULL;
}

void uk_sites_destroy(struct uk_sites *sites)
{
	if (!sites)
		return;
	for (size_t i = 0; sites->by_section && i < sites->object->sections.len; i++)
		uk_vec_deinit(&sites->by_section[i].sites);
	free(sites->by_section);
	uk_vec_deinit(&sites->replacements);
	free(sites);
}

size_t uk_sites_from(const struct uk_sites *sites, const struct uk_section *section,
		     uint64_t offset)
{
	const struct uk_site_list *list = &sites->by_section[section->index];
	size_t low = 0, high = list->sites.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (list->sites.data[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct uk_site *uk_sites_overlap(const struct uk_sites *sites,
				       const struct uk_section *section, uint64_t offset,
				       uint64_t len)
{
	uk_vec_for_each(site, &sites->by_section[section->index].sites)
		if (site->offset < offset + len && offset < site->offset + site->len)
			return site;
	return NULL;
}
