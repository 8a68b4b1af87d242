// SPDX-License-Identifier: GPL-2.0-or-later
/* What pointers in data began with. */
#include "match/initial.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <inttypes.h>

/* Where orig has what lies at an address. */
struct origin {
	const struct uk_placement *placement; /* NULL: nowhere */
	const struct uk_section *section;
	uint64_t offset;
};

static struct origin find_in(const struct uk_placement *placement, uint64_t address)
{
	for (size_t i = 0; placement && i < placement->object->sections.len; i++) {
		const struct uk_section *section = placement->object->sections.data[i];
		const struct uk_place *place = &placement->places[section->index];
		uint64_t offset = address - place->base;
		if (place->known && (place->compared || place->kind == UK_PLACE_DATA) &&
		    offset < section->size && section->size - offset >= UK_POINTER_LEN)
			return (struct origin){ placement, section, offset };
	}
	return (struct origin){};
}

/* What updates before this one added is in the object that they left behind. */
static struct origin find_origin(const struct uk_placements *placements, size_t number,
				 uint64_t address)
{
	struct origin origin = find_in(placements->plain[number], address);
	return origin.placement ? origin : find_in(placements->prev[number], address);
}

static struct uk_error *resolve(const struct uk_match_request *request,
				const struct uk_placements *placements, const struct origin *origin,
				const struct uk_symbol *symbol, bool *known_ret, uint64_t *ret)
{
	struct uk_match_symbol named = {};
	*known_ret = true;
	if (symbol->place != UK_SYMBOL_UNDEFINED) {
		*known_ret = uk_placement_address(origin->placement, symbol, ret);
		return NULL;
	}
	const struct uk_map_entry *learned =
		uk_learned_find(&placements->learned, origin->placement->target, symbol->name);
	if (learned) {
		*ret = learned->num;
		return NULL;
	}
	struct uk_error *err = uk_resolve_symbol(request, placements, symbol->name, &named);
	if (!err)
		*ret = named.address;
	free(named.name);
	return err;
}

static struct uk_error *find_initial(const struct uk_match_request *request,
				     const struct uk_placements *placements,
				     const struct origin *origin, bool *known_ret, uint64_t *ret)
{
	const struct uk_section *section = origin->section;
	const struct uk_reloc *reloc = uk_section_reloc_at(section, origin->offset);
	*known_ret = true;
	if (!reloc) {
		*ret = section->data ? uk_get_u64(section->data + origin->offset) : 0;
		return NULL;
	}
	if (reloc->type != R_X86_64_64)
		return uk_error_create(UK_ERR_INVALID,
				       "%s: section %s+0x%" PRIx64
				       ": relocation of type %u where a pointer should be",
				       origin->placement->path, section->name, origin->offset,
				       reloc->type);
	struct uk_error *err = resolve(request, placements, origin, reloc->symbol, known_ret, ret);
	if (!err && *known_ret)
		*ret += (uint64_t)reloc->addend;
	return err;
}

/* "0xffffffff81234560 (foo)" */
static void add_value(struct uk_strbuf *text, const struct uk_kallsyms *kallsyms, uint64_t value)
{
	const struct uk_kallsym *symbol = value ? uk_kallsyms_at(kallsyms, value) : NULL;
	uk_strbuf_addf(text, "0x%" PRIx64, value);
	if (symbol)
		uk_strbuf_addf(text, " (%s+0x%" PRIx64 ", %s)", symbol->name,
			       value - symbol->address, symbol->module);
}

static struct uk_error *refuse(const struct uk_match_request *request,
			       const struct uk_update_pointer *pointer, uint64_t expected,
			       uint64_t found, const char *since)
{
	const char *path = request->update->objects.data[pointer->object].path;
	uk_auto_strbuf struct uk_strbuf text = {};
	uk_auto_free char *values = NULL;
	uk_strbuf_addstr(&text, "expected ");
	add_value(&text, request->kallsyms, expected);
	uk_strbuf_addstr(&text, ", found ");
	add_value(&text, request->kallsyms, found);
	struct uk_error *err = uk_strbuf_finish(&text, &values);
	return err ? err
		   : uk_error_create(UK_ERR_REFUSED,
				     "%s: symbol %s+0x%" PRIx64
				     ": %s: something has changed it since %s",
				     path, pointer->symbol, pointer->offset, values, since);
}

struct uk_error *uk_initial_check(const struct uk_match_request *request,
				  const struct uk_placements *placements,
				  const struct uk_update_pointer *pointer, uint64_t address,
				  uint64_t found)
{
	const char *path = request->update->objects.data[pointer->object].path;
	struct origin origin = find_origin(placements, pointer->object, address);
	bool known = false, compared = false;
	uint64_t expected = 0;
	struct uk_error *err = NULL;
	if (origin.placement) {
		compared = origin.placement->places[origin.section->index].compared;
		err = find_initial(request, placements, &origin, &known, &expected);
	}
	if (err)
		return uk_error_wrap(err, "%s: symbol %s+0x%" PRIx64, path, pointer->symbol,
				     pointer->offset);
	if (!known && !compared)
		return uk_error_create(UK_ERR_REFUSED,
				       "%s: symbol %s+0x%" PRIx64
				       ": what it was at boot cannot be told",
				       path, pointer->symbol, pointer->offset);
	return !known || found == expected ? NULL
					   : refuse(request, pointer, expected, found, "boot");
}

struct uk_error *uk_initial_check_written(const struct uk_match_request *request,
					  const struct uk_update_pointer *pointer, uint64_t address,
					  uint64_t found, const struct uk_match_written *before)
{
	uk_auto_free char *since = NULL;
	uint64_t expected = uk_get_u64(before->new_bytes);
	/* Else it was a number, of read-only data: nobody but updates writes there. */
	bool pointer_there = address == before->addr && before->len == UK_POINTER_LEN;
	if (!pointer_there || found == expected)
		return NULL;
	struct uk_error *err = uk_asprintf(&since, "update %s wrote it", before->id);
	return err ? err : refuse(request, pointer, expected, found, since);
}
