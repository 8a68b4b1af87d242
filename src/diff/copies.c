// SPDX-License-Identifier: GPL-2.0-or-later
/* Who may hold a copy of a table. */
#include "diff/copies.h"

#include "base/strbuf.h"

#include <dwarf.h>
#include <string.h>

#define MAX_DEPTH 32

static bool get_type(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

/* The struct or union that something consists of, also as elements of an array. */
static bool get_struct(const Dwarf_Die *die, Dwarf_Die *ret, bool *const_ret)
{
	Dwarf_Die type = *die;
	*const_ret = false;
	for (unsigned int depth = 0; depth < MAX_DEPTH && get_type(&type, &type); depth++) {
		switch (dwarf_tag(&type)) {
		case DW_TAG_const_type:
			*const_ret = true;
			break;
		case DW_TAG_volatile_type:
		case DW_TAG_typedef:
		case DW_TAG_array_type:
			break;
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
			*ret = type;
			return true;
		default:
			return false;
		}
	}
	return false;
}

static bool same_type(Dwarf_Die *a, Dwarf_Die *b)
{
	const char *x = dwarf_diename(a), *y = dwarf_diename(b);
	return x && y ? !strcmp(x, y) : dwarf_dieoffset(a) == dwarf_dieoffset(b);
}

static bool is_of_type(const Dwarf_Die *die, Dwarf_Die *wanted, bool *const_ret)
{
	Dwarf_Die type;
	return get_struct(die, &type, const_ret) && same_type(&type, wanted);
}

/* A member of that type, also of an anonymous struct inside. */
static bool find_member(Dwarf_Die *in, Dwarf_Die *wanted, unsigned int depth, Dwarf_Die *ret)
{
	Dwarf_Die type;
	bool constant;
	if (depth > MAX_DEPTH)
		return false;
	for (int more = dwarf_child(in, ret); !more; more = dwarf_siblingof(ret, ret)) {
		if (dwarf_tag(ret) != DW_TAG_member || !get_struct(ret, &type, &constant))
			continue;
		if (same_type(&type, wanted))
			return true;
		Dwarf_Die inner;
		if (dwarf_diename(&type) || !find_member(&type, wanted, depth + 1, &inner))
			continue;
		*ret = inner;
		return true;
	}
	return false;
}

/* "spare.3" is the static variable spare of a function. */
static bool is_listed(const struct uk_copies_names *names, const char *name)
{
	size_t len = name ? strlen(name) : 0;
	for (size_t i = 0; len && i < names->nr; i++)
		if (uk_str_starts(names->data[i], name) &&
		    (!names->data[i][len] || names->data[i][len] == '.'))
			return true;
	return false;
}

/* @empty is NULL if the table is constant: any variable may be meant for a copy of it. */
static struct uk_error *find_holder(const struct uk_layouts *layouts, Dwarf_Die *wanted,
				    const struct uk_copies_names *empty, char **ret)
{
	uk_vec_for_each(item, &layouts->all) {
		struct uk_layout *layout = *item;
		Dwarf_Die member;
		if (layout->kind != UK_LAYOUT_ENUM && layout->name &&
		    find_member(&layout->die, wanted, 0, &member))
			return uk_asprintf(ret, "member %s of %s %s", dwarf_diename(&member) ?: "?",
					   uk_layout_word(layout->kind), layout->name);
	}
	uk_vec_for_each(variable, &layouts->variables) {
		bool constant;
		if (is_of_type(variable, wanted, &constant) && !constant &&
		    (!empty || is_listed(empty, dwarf_diename(variable))))
			return uk_asprintf(ret, "variable %s", dwarf_diename(variable) ?: "?");
	}
	return NULL;
}

struct uk_error *uk_copies_find(const struct uk_layouts *layouts, const char *name,
				const struct uk_copies_names *empty, char **ret,
				Dwarf_Die *place_ret)
{
	struct uk_error *err = NULL;
	*ret = NULL;
	uk_vec_for_each(variable, &layouts->variables) {
		Dwarf_Die type;
		bool constant;
		const char *known = dwarf_diename(variable);
		if (err || *ret || !known || strcmp(known, name) != 0 ||
		    !get_struct(variable, &type, &constant))
			continue;
		*place_ret = *variable;
		err = find_holder(layouts, &type, constant ? NULL : empty, ret);
	}
	return err;
}
