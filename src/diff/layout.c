// SPDX-License-Identifier: GPL-2.0-or-later
/* Types out of debug information, by libdw. DWARF Debugging Information Format, versions 4, 5. */
#include "diff/layout.h"

#include "base/strbuf.h"

#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* C types nest a few levels deep; what goes further is damaged. */
#define MAX_DEPTH 64

static struct uk_error *type_text(struct uk_layouts *layouts, Dwarf_Die *die, unsigned int depth,
				  const char **ret) uk_must_check;
static struct uk_error *add_members(struct uk_layouts *layouts, struct uk_layout *layout,
				    Dwarf_Die *die, const char *prefix, uint64_t base,
				    unsigned int depth) uk_must_check;

const char *uk_layout_word(enum uk_layout_kind kind)
{
	static const char *const words[] = {
		[UK_LAYOUT_STRUCT] = "struct",
		[UK_LAYOUT_UNION] = "union",
		[UK_LAYOUT_ENUM] = "enum",
	};
	return words[kind];
}

static bool is_composite(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type;
}

static bool is_qualifier(int tag)
{
	return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
	       tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type;
}

static enum uk_layout_kind kind_of(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_union_type:
		return UK_LAYOUT_UNION;
	case DW_TAG_enumeration_type:
		return UK_LAYOUT_ENUM;
	default:
		return UK_LAYOUT_STRUCT;
	}
}

static bool has_flag(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	bool value;
	return dwarf_attr_integrate(die, name, &attr) && !dwarf_formflag(&attr, &value) && value;
}

/* Whether only its name is known. */
static bool is_declaration(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_declaration);
}

static bool get_number(Dwarf_Die *die, unsigned int name, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;
	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &value))
		return false;
	*ret = value;
	return true;
}

static bool get_type(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

/* Peels qualifiers; false for void. */
static bool get_plain_type(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Die type = *die;
	unsigned int depth = 0;
	do {
		if (!get_type(&type, &type) || depth++ > MAX_DEPTH)
			return false;
	} while (is_qualifier(dwarf_tag(&type)));
	*ret = type;
	return true;
}

static struct uk_error *damaged(Dwarf_Die *die, const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "debug information at 0x%llx: %s",
			       (unsigned long long)dwarf_dieoffset(die), what);
}

/* Hands @text to the pool. */
static struct uk_error *keep(struct uk_layouts *layouts, char *text, const char **ret)
{
	if (!uk_vec_push(&layouts->pool, text)) {
		free(text);
		return uk_error_nomem();
	}
	*ret = text;
	return NULL;
}

/* Base types by what they are, not by how they were spelled. */
static void add_base_type(struct uk_strbuf *text, Dwarf_Die *die)
{
	uint64_t encoding = 0, size = 0;
	get_number(die, DW_AT_encoding, &encoding);
	get_number(die, DW_AT_byte_size, &size);
	static const char *const integers[] = {
		[1] = "char", [2] = "short", [4] = "int", [8] = "long", [16] = "__int128"
	};
	const char *integer = size < UK_ARRAY_SIZE(integers) ? integers[size] : NULL;
	const char *name = dwarf_diename(die);
	if (encoding == DW_ATE_boolean)
		uk_strbuf_addf(text, size == 1 ? "bool" : "bool%llu", (unsigned long long)size);
	else if (integer && (encoding == DW_ATE_unsigned || encoding == DW_ATE_unsigned_char))
		uk_strbuf_addf(text, "unsigned %s", integer);
	else if (integer && (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char))
		uk_strbuf_addstr(text, integer);
	else
		uk_strbuf_addstr(text, name ? name : "?");
}

/* "(T1, T2, ...)" of a function or of a function type. */
static struct uk_error *add_parameters(struct uk_layouts *layouts, struct uk_strbuf *text,
				       Dwarf_Die *die, unsigned int depth)
{
	Dwarf_Die child;
	const char *separator = "";
	uk_strbuf_addstr(text, "(");
	for (int more = dwarf_child(die, &child); !more; more = dwarf_siblingof(&child, &child)) {
		int tag = dwarf_tag(&child);
		if (tag != DW_TAG_formal_parameter && tag != DW_TAG_unspecified_parameters)
			continue;
		Dwarf_Die type;
		const char *type_name = tag == DW_TAG_formal_parameter ? "void" : "...";
		if (tag == DW_TAG_formal_parameter && get_type(&child, &type)) {
			struct uk_error *err = type_text(layouts, &type, depth + 1, &type_name);
			if (err)
				return err;
		}
		uk_strbuf_addf(text, "%s%s", separator, type_name);
		separator = ", ";
	}
	uk_strbuf_addstr(text, *separator ? ")" : "void)");
	return NULL;
}

static void add_dimensions(struct uk_strbuf *text, Dwarf_Die *die)
{
	Dwarf_Die child;
	for (int more = dwarf_child(die, &child); !more; more = dwarf_siblingof(&child, &child)) {
		uint64_t count;
		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (get_number(&child, DW_AT_count, &count))
			uk_strbuf_addf(text, "[%llu]", (unsigned long long)count);
		else if (get_number(&child, DW_AT_upper_bound, &count))
			uk_strbuf_addf(text, "[%llu]", (unsigned long long)count + 1);
		else
			uk_strbuf_addstr(text, "[]");
	}
}

static void layout_deinit(struct uk_layout *layout)
{
	uk_vec_deinit(&layout->members);
	uk_vec_deinit(&layout->enumerators);
}
#define auto_layout uk_cleanup(layout_deinit)

/* An anonymous type by its content; the constants of an anonymous enum are compared elsewhere. */
static struct uk_error *add_anonymous(struct uk_layouts *layouts, struct uk_strbuf *text,
				      Dwarf_Die *die, unsigned int depth)
{
	auto_layout struct uk_layout content = { .kind = kind_of(die) };
	uk_strbuf_addstr(text, uk_layout_word(content.kind));
	if (content.kind == UK_LAYOUT_ENUM)
		return NULL;
	struct uk_error *err = add_members(layouts, &content, die, "", 0, depth + 1);
	if (err)
		return err;
	uk_strbuf_addstr(text, " {");
	uk_vec_for_each(member, &content.members)
		uk_strbuf_addf(text, " %s %s@%llu:%llu;", member->type, member->name,
			       (unsigned long long)member->bit_offset,
			       (unsigned long long)member->bit_size);
	uk_strbuf_addstr(text, " }");
	return NULL;
}

static struct uk_error *add_composite(struct uk_layouts *layouts, struct uk_strbuf *text,
				      Dwarf_Die *die, unsigned int depth)
{
	const char *name = dwarf_diename(die);
	if (!name)
		return add_anonymous(layouts, text, die, depth);
	uk_strbuf_addf(text, "%s %s", uk_layout_word(kind_of(die)), name);
	return NULL;
}

/* A typedef is its target, but it lends its name to a target that has none. */
static struct uk_error *add_typedef(struct uk_layouts *layouts, struct uk_strbuf *text,
				    Dwarf_Die *die, unsigned int depth)
{
	Dwarf_Die target;
	const char *target_text = "void";
	if (get_type(die, &target)) {
		if (is_composite(dwarf_tag(&target)) && !dwarf_diename(&target)) {
			uk_strbuf_addstr(text, dwarf_diename(die) ?: "?");
			return NULL;
		}
		struct uk_error *err = type_text(layouts, &target, depth + 1, &target_text);
		if (err)
			return err;
	}
	uk_strbuf_addstr(text, target_text);
	return NULL;
}

/* The text of a type that is made of one other: pointer, qualifier, array, function. */
static struct uk_error *add_derived(struct uk_layouts *layouts, struct uk_strbuf *text,
				    Dwarf_Die *die, unsigned int depth)
{
	Dwarf_Die target;
	const char *target_text = "void";
	if (get_type(die, &target)) {
		struct uk_error *err = type_text(layouts, &target, depth + 1, &target_text);
		if (err)
			return err;
	}
	uk_strbuf_addstr(text, target_text);
	switch (dwarf_tag(die)) {
	case DW_TAG_pointer_type:
		uk_strbuf_addstr(text, uk_str_ends(target_text, "*") ? "*" : " *");
		break;
	case DW_TAG_array_type:
		add_dimensions(text, die);
		break;
	case DW_TAG_subroutine_type:
		return add_parameters(layouts, text, die, depth);
	}
	return NULL;
}

static struct uk_error *build_text(struct uk_layouts *layouts, struct uk_strbuf *text,
				   Dwarf_Die *die, unsigned int depth)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		add_base_type(text, die);
		return NULL;
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		return add_composite(layouts, text, die, depth);
	case DW_TAG_typedef:
		return add_typedef(layouts, text, die, depth);
	case DW_TAG_pointer_type:
	case DW_TAG_array_type:
	case DW_TAG_subroutine_type:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		return add_derived(layouts, text, die, depth);
	case DW_TAG_unspecified_type:
		uk_strbuf_addstr(text, "void");
		return NULL;
	default:
		return uk_error_create(UK_ERR_INVALID,
				       "debug information at 0x%llx: tag 0x%x is no type of C",
				       (unsigned long long)dwarf_dieoffset(die), dwarf_tag(die));
	}
}

static struct uk_error *type_text(struct uk_layouts *layouts, Dwarf_Die *die, unsigned int depth,
				  const char **ret)
{
	Dwarf_Off offset = dwarf_dieoffset(die);
	struct uk_map_entry *entry = uk_map_find_num(&layouts->texts, offset);
	if (entry) {
		*ret = entry->ptr;
		return NULL;
	}
	if (depth > MAX_DEPTH)
		return damaged(die, "types nest too deep");
	uk_auto_strbuf struct uk_strbuf text = {};
	char *finished;
	struct uk_error *err = build_text(layouts, &text, die, depth);
	if (!err)
		err = uk_strbuf_finish(&text, &finished);
	if (err)
		return err;
	entry = uk_map_insert_num(&layouts->texts, offset, NULL);
	if (!entry) {
		free(finished);
		return uk_error_nomem();
	}
	entry->ptr = finished;
	*ret = finished;
	return NULL;
}

static uint64_t type_bits(Dwarf_Die *type)
{
	Dwarf_Word size;
	return dwarf_aggregate_size(type, &size) ? 0 : size * 8;
}

/* Where a member lies; both ways of telling of a bitfield (DWARF 5, 5.7.6, and its footnote). */
static void get_extent(Dwarf_Die *die, Dwarf_Die *type, struct uk_layout_member *member)
{
	uint64_t at = 0, bits, storage, from_top;
	get_number(die, DW_AT_data_member_location, &at);
	member->bit_offset = at * 8;
	member->bit_size = type_bits(type);
	if (!get_number(die, DW_AT_bit_size, &bits))
		return;
	if (!get_number(die, DW_AT_byte_size, &storage))
		storage = member->bit_size / 8;
	if (get_number(die, DW_AT_data_bit_offset, &at))
		member->bit_offset = at;
	else if (get_number(die, DW_AT_bit_offset, &from_top))
		member->bit_offset += storage * 8 - from_top - bits;
	member->bit_size = bits;
	member->bitfield = true;
}

static struct uk_error *add_member(struct uk_layouts *layouts, struct uk_layout *layout,
				   Dwarf_Die *die, const char *prefix, uint64_t base,
				   unsigned int depth)
{
	Dwarf_Die type;
	if (!get_plain_type(die, &type))
		return damaged(die, "a member without a type");
	struct uk_layout_member member = { .name = dwarf_diename(die) };
	get_extent(die, &type, &member);
	member.bit_offset += base;
	bool anonymous = is_composite(dwarf_tag(&type)) && !dwarf_diename(&type);
	if (!member.name)
		return anonymous ? add_members(layouts, layout, &type, prefix, member.bit_offset,
					       depth + 1)
				 : NULL;
	struct uk_error *err = NULL;
	if (*prefix) {
		char *path;
		err = uk_asprintf(&path, "%s%s", prefix, member.name);
		if (!err)
			err = keep(layouts, path, &member.name);
	}
	if (!err && anonymous)
		member.type = uk_layout_word(kind_of(&type));
	else if (!err)
		err = type_text(layouts, &type, depth + 1, &member.type);
	if (err)
		return err;
	if (!uk_vec_push(&layout->members, member))
		return uk_error_nomem();
	if (!anonymous || kind_of(&type) == UK_LAYOUT_ENUM)
		return NULL;
	uk_auto_free char *inner = NULL;
	err = uk_asprintf(&inner, "%s.", member.name);
	return err ?: add_members(layouts, layout, &type, inner, member.bit_offset, depth + 1);
}

static struct uk_error *add_members(struct uk_layouts *layouts, struct uk_layout *layout,
				    Dwarf_Die *die, const char *prefix, uint64_t base,
				    unsigned int depth)
{
	if (depth > MAX_DEPTH)
		return damaged(die, "types nest too deep");
	Dwarf_Die child;
	struct uk_error *err = NULL;
	for (int more = dwarf_child(die, &child); !more && !err;
	     more = dwarf_siblingof(&child, &child)) {
		if (dwarf_tag(&child) == DW_TAG_member)
			err = add_member(layouts, layout, &child, prefix, base, depth);
	}
	return err;
}

static struct uk_error *add_enumerators(struct uk_layout *layout, Dwarf_Die *die)
{
	Dwarf_Die child;
	for (int more = dwarf_child(die, &child); !more; more = dwarf_siblingof(&child, &child)) {
		Dwarf_Attribute attr;
		Dwarf_Sword value;
		struct uk_enumerator enumerator = { .name = dwarf_diename(&child) };
		if (dwarf_tag(&child) != DW_TAG_enumerator)
			continue;
		if (!enumerator.name || !dwarf_attr(&child, DW_AT_const_value, &attr) ||
		    dwarf_formsdata(&attr, &value))
			return damaged(&child, "an enumerator without a name or a value");
		enumerator.value = value;
		if (!uk_vec_push(&layout->enumerators, enumerator))
			return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *fill_layout(struct uk_layouts *layouts, struct uk_layout *layout)
{
	get_number(&layout->die, DW_AT_byte_size, &layout->size);
	get_number(&layout->die, DW_AT_alignment, &layout->align);
	if (layout->kind == UK_LAYOUT_ENUM)
		return add_enumerators(layout, &layout->die);
	return add_members(layouts, layout, &layout->die, "", 0, 0);
}

/* Puts a layout behind those of the same name. */
static struct uk_error *index_layout(struct uk_layouts *layouts, struct uk_layout *layout,
				     const char *space)
{
	uk_auto_free char *key = NULL;
	struct uk_error *err = uk_asprintf(&key, "%s %s", space, layout->name);
	if (err)
		return err;
	bool added;
	struct uk_map_entry *entry = uk_map_insert_str(&layouts->named, key, &added);
	if (!entry)
		return uk_error_nomem();
	if (added) {
		entry->ptr = layout;
		return NULL;
	}
	struct uk_layout *last = entry->ptr;
	while (last->next)
		last = last->next;
	last->next = layout;
	return NULL;
}

/* @space: tags and typedefs have name spaces of their own (C11, 6.2.3). */
static struct uk_error *add_layout(struct uk_layouts *layouts, Dwarf_Die *die, const char *name,
				   const char *space, const char *function)
{
	if (!uk_vec_reserve(&layouts->all, 1))
		return uk_error_nomem();
	struct uk_layout *layout = calloc(1, sizeof(*layout));
	if (!layout)
		return uk_error_nomem();
	layouts->all.data[layouts->all.len++] = layout;
	layout->kind = kind_of(die);
	layout->name = name;
	layout->function = function;
	layout->die = *die;
	struct uk_error *err = fill_layout(layouts, layout);
	if (!err && name)
		err = index_layout(layouts, layout, space);
	return err;
}

static struct uk_error *visit_composite(struct uk_layouts *layouts, Dwarf_Die *die,
					const char *function)
{
	const char *name = dwarf_diename(die);
	if (is_declaration(die) || (!name && kind_of(die) != UK_LAYOUT_ENUM))
		return NULL;
	return add_layout(layouts, die, name, "struct", function);
}

static struct uk_error *visit_typedef(struct uk_layouts *layouts, Dwarf_Die *die,
				      const char *function)
{
	Dwarf_Die target;
	if (!get_type(die, &target) || !is_composite(dwarf_tag(&target)) ||
	    dwarf_diename(&target) || !dwarf_diename(die))
		return NULL;
	if (!uk_map_insert_num(&layouts->typedefs, dwarf_dieoffset(&target), NULL))
		return uk_error_nomem();
	return add_layout(layouts, &target, dwarf_diename(die), "typedef", function);
}

static struct uk_error *prototype_text(struct uk_layouts *layouts, Dwarf_Die *die, const char **ret)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	Dwarf_Die type;
	const char *type_name = "void";
	struct uk_error *err = NULL;
	if (get_type(die, &type))
		err = type_text(layouts, &type, 0, &type_name);
	uk_strbuf_addstr(&text, type_name);
	if (!err && dwarf_tag(die) == DW_TAG_subprogram)
		err = add_parameters(layouts, &text, die, 0);
	char *finished;
	if (!err)
		err = uk_strbuf_finish(&text, &finished);
	return err ?: keep(layouts, finished, ret);
}

/*
 * A definition, or the abstract instance of one. Out-of-line copies that refer to one by
 * DW_AT_abstract_origin may lack parameters that the compiler dropped.
 */
static struct uk_error *visit_symbol(struct uk_layouts *layouts, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	if (!name || is_declaration(die) || !has_flag(die, DW_AT_external) ||
	    dwarf_hasattr(die, DW_AT_abstract_origin))
		return NULL;
	bool added;
	struct uk_map_entry *entry = uk_map_insert_str(&layouts->prototypes, name, &added);
	if (!entry)
		return uk_error_nomem();
	if (!added)
		return NULL;
	struct uk_prototype *prototype = calloc(1, sizeof(*prototype));
	if (!prototype)
		return uk_error_nomem();
	entry->ptr = prototype;
	prototype->is_function = dwarf_tag(die) == DW_TAG_subprogram;
	prototype->die = *die;
	return prototype_text(layouts, die, &prototype->type);
}

static struct uk_error *visit_variable(struct uk_layouts *layouts, Dwarf_Die *die, bool outer)
{
	if (dwarf_diename(die) && !uk_vec_push(&layouts->variables, *die))
		return uk_error_nomem();
	return outer ? visit_symbol(layouts, die) : NULL;
}

/* Everything below a unit; types and variables also stand in functions and their blocks. */
static struct uk_error *visit_children(struct uk_layouts *layouts, Dwarf_Die *die,
				       const char *function, unsigned int depth)
{
	Dwarf_Die child;
	struct uk_error *err = NULL;
	if (depth > MAX_DEPTH * 4)
		return damaged(die, "blocks nest too deep");
	for (int more = dwarf_child(die, &child); !more && !err;
	     more = dwarf_siblingof(&child, &child)) {
		switch (dwarf_tag(&child)) {
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			err = visit_composite(layouts, &child, function);
			break;
		case DW_TAG_typedef:
			err = visit_typedef(layouts, &child, function);
			break;
		case DW_TAG_variable:
			err = visit_variable(layouts, &child, !function);
			break;
		case DW_TAG_subprogram:
			err = visit_symbol(layouts, &child);
			if (!err)
				err = visit_children(layouts, &child, dwarf_diename(&child) ?: "?",
						     depth + 1);
			break;
		case DW_TAG_lexical_block:
			err = visit_children(layouts, &child, function, depth + 1);
			break;
		}
	}
	return err;
}

static struct uk_error *visit_units(struct uk_layouts *layouts, Dwarf *dwarf)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	uint8_t unit_type;
	int status;
	while (!(status = dwarf_get_units(dwarf, unit, &unit, NULL, &unit_type, &die, NULL))) {
		struct uk_error *err = visit_children(layouts, &die, NULL, 0);
		if (err)
			return err;
	}
	if (status < 0)
		return uk_error_create(UK_ERR_INVALID, "debug information: %s", dwarf_errmsg(-1));
	return NULL;
}

/* The object itself is all there is: nothing is looked for elsewhere. */
static int find_nothing(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word crc, char **ret)
{
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = find_nothing,
	.section_address = dwfl_offline_section_address,
};

static struct uk_error *open_dwarf(struct uk_layouts *layouts, const char *path, Dwarf **ret)
{
	uk_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return uk_error_errno(errno, "open");
	layouts->dwfl = dwfl_begin(&callbacks);
	if (!layouts->dwfl)
		return uk_error_create(UK_ERR_SYSTEM, "libdw: %s", dwfl_errmsg(-1));
	Dwfl_Module *module = dwfl_report_offline(layouts->dwfl, "object", path, fd);
	if (!module)
		return uk_error_create(UK_ERR_INVALID, "not an object file: %s", dwfl_errmsg(-1));
	uk_take_fd(fd); /* libdw closes it */
	Dwarf_Addr bias;
	Dwarf *dwarf = NULL;
	if (!dwfl_report_end(layouts->dwfl, NULL, NULL))
		dwarf = dwfl_module_getdwarf(module, &bias);
	if (!dwarf)
		return uk_error_create(UK_ERR_INVALID,
				       "no debug information (%s): it must be compiled with -g",
				       dwfl_errmsg(-1));
	*ret = dwarf;
	return NULL;
}

struct uk_error *uk_layouts_load(const char *path, struct uk_layouts **ret)
{
	uk_auto_layouts struct uk_layouts *layouts = calloc(1, sizeof(*layouts));
	if (!layouts)
		return uk_error_nomem();
	Dwarf *dwarf = NULL;
	struct uk_error *err = open_dwarf(layouts, path, &dwarf);
	if (!err)
		err = visit_units(layouts, dwarf);
	if (err)
		return uk_error_wrap(err, "%s", path);
	*ret = uk_take(layouts);
	return NULL;
}

static void destroy_values(struct uk_map *map)
{
	uk_map_for_each(entry, map)
		free(entry->ptr);
	uk_map_deinit(map);
}

void uk_layouts_destroy(struct uk_layouts *layouts)
{
	if (!layouts)
		return;
	uk_vec_for_each(layout, &layouts->all) {
		layout_deinit(*layout);
		free(*layout);
	}
	uk_vec_deinit(&layouts->all);
	uk_vec_deinit(&layouts->variables);
	uk_vec_for_each(text, &layouts->pool)
		free(*text);
	uk_vec_deinit(&layouts->pool);
	destroy_values(&layouts->texts);
	destroy_values(&layouts->prototypes);
	uk_map_deinit(&layouts->named);
	uk_map_deinit(&layouts->typedefs);
	dwfl_end(layouts->dwfl);
	free(layouts);
}

struct uk_error *uk_layout_place(const Dwarf_Die *die, char **ret)
{
	Dwarf_Die self = *die, unit;
	const char *file = dwarf_decl_file(&self), *dir = NULL;
	int line = 0;
	Dwarf_Attribute attr;
	if (!file || dwarf_decl_line(&self, &line))
		return uk_strdup("?", ret);
	if (dwarf_diecu(&self, &unit, NULL, NULL) && dwarf_attr(&unit, DW_AT_comp_dir, &attr))
		dir = dwarf_formstring(&attr);
	if (dir && uk_str_starts(file, dir) && file[strlen(dir)] == '/')
		file += strlen(dir) + 1;
	while (uk_str_starts(file, "./"))
		file += 2;
	return uk_asprintf(ret, "%s:%d", file, line);
}
