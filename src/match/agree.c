// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether all uses agree. */
#include "match/agree.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <inttypes.h>
#include <string.h>

/* Addresses of names, for one check; what earlier checks learned is in uk_learned. */
struct check {
	const struct uk_placement *placement;
	const struct uk_section *section;
	uint64_t base;
	const uint64_t *bases;
	struct uk_map names, merged;
	uint8_t *answers; /* by section: whether kallsyms has its names at its base */
};

static void destroy_check(struct check *check)
{
	free(check->answers);
	uk_map_deinit(&check->names);
	uk_map_deinit(&check->merged);
}

/* An address of the symbol itself says nothing of its section if another may replace it. */
static bool is_by_name(const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_UNDEFINED || symbol->place == UK_SYMBOL_COMMON ||
	       (symbol->place == UK_SYMBOL_DEFINED && symbol->bind == STB_WEAK);
}

static bool is_merged(const struct uk_placement *placement, const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_DEFINED &&
	       placement->places[symbol->section->index].kind == UK_PLACE_MERGED;
}

static bool is_in_section(const struct uk_placement *placement, const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_DEFINED && !is_by_name(symbol) &&
	       !is_merged(placement, symbol);
}

/*
 * A function that an update replaced has two addresses: code of the same update calls the
 * copy, everything else still finds the old one.
 */
static bool is_replaced(const struct uk_placement *placement, const struct uk_use *use)
{
	const struct uk_run *run = placement->run;
	const struct uk_symbol *symbol = use->symbol;
	uint64_t addr = use->value;
	const char *name = symbol->name;
	if (symbol->place == UK_SYMBOL_DEFINED && symbol->type == STT_SECTION) {
		const struct uk_symbol *real =
			uk_object_symbol_at(placement->object, symbol->section, 0);
		if (!real)
			return false;
		name = real->name;
		addr += real->value;
	}
	for (size_t i = 0; i < run->nr_replaced; i++) {
		const struct uk_match_replaced *replaced = &run->replaced[i];
		if (!strcmp(replaced->function, name) &&
		    (addr == replaced->old_addr || addr == replaced->new_addr))
			return true;
	}
	return false;
}

/* Each section's most frequent base, if one has more than half of its uses. */
static void elect_bases(const struct uk_placement *placement,
			const struct uk_comparison *comparison, uint64_t *bases, size_t *counts)
{
	uk_vec_for_each(use, &comparison->uses) {
		if (!is_in_section(placement, use->symbol))
			continue;
		size_t index = use->symbol->section->index;
		uint64_t base = use->value - use->symbol->value;
		if (!counts[index]) {
			bases[index] = base;
			counts[index] = 1;
		} else if (bases[index] == base) {
			counts[index]++;
		} else {
			counts[index]--;
		}
	}
}

static bool in_scope(const struct uk_placement *placement, const struct uk_kallsym *symbol)
{
	/* Code in a module may refer to other modules; vmlinux only to itself. */
	return !placement->by_votes || strcmp(placement->target, "vmlinux") != 0 ||
	       !strcmp(symbol->module, "vmlinux");
}

/* All uses of one key say the same; @before is what is known of it from earlier. */
static bool check_same(const struct uk_map_entry *before, struct uk_map_entry *now, bool added,
		       const struct uk_use *use, struct uk_dissent *ret)
{
	if (now && added)
		now->num = before ? before->num : use->value;
	if (!now || now->num == use->value)
		return true;
	ret->expected = now->num;
	ret->why = "other uses of the symbol say another address";
	return false;
}

/* Whether kallsyms has the name at that address; @nr_ret: how many addresses it has for it. */
static bool is_known(const struct uk_placement *placement, const struct uk_use *use, size_t *nr_ret,
		     uint64_t *last_ret)
{
	uk_kallsyms_for_each(known, placement->run->kallsyms, use->symbol->name) {
		if (!in_scope(placement, known))
			continue;
		if (known->address == use->value)
			return true;
		*last_ret = known->address;
		++*nr_ret;
	}
	return false;
}

static bool check_name(struct check *check, const struct uk_use *use, struct uk_dissent *ret,
		       bool *no_memory)
{
	const struct uk_symbol *symbol = use->symbol;
	uint64_t last = 0;
	size_t nr = 0;
	if (!is_known(check->placement, use, &nr, &last)) {
		ret->expected = nr == 1 ? last : 0;
		ret->why = "kallsyms does not have the symbol at that address";
		if (nr)
			return false;
		if (symbol->bind == STB_WEAK && symbol->place == UK_SYMBOL_UNDEFINED)
			return true; /* nobody defines it */
	}
	bool added = false;
	struct uk_map_entry *now = uk_map_insert_str(&check->names, symbol->name, &added);
	*no_memory |= !now;
	return check_same(
		uk_learned_find(check->placement->learned, check->placement->target, symbol->name),
		now, added, use, ret);
}

/* Length of an entry of a merged section: a string with its end, or one constant. */
static uint64_t entry_len(const struct uk_section *section, uint64_t offset)
{
	uint64_t unit = section->entsize ? section->entsize : 1;
	if (!(section->flags & SHF_STRINGS))
		return unit - offset % unit;
	for (uint64_t at = offset; uk_range_ok(at, unit, section->size); at += unit) {
		bool zero = true;
		for (uint64_t i = 0; i < unit; i++)
			zero &= !section->data[at + i];
		if (zero)
			return at + unit - offset;
	}
	return section->size - offset;
}

/* The entry that a use means, and its address. Relocations relative to the place are 4 ahead. */
static bool find_entry(const struct uk_use *use, uint64_t *offset_ret, uint64_t *addr_ret)
{
	const struct uk_symbol *symbol = use->symbol;
	if (symbol->type != STT_SECTION) {
		*offset_ret = symbol->value;
		*addr_ret = use->value;
	} else {
		uint64_t ahead = use->pcrel ? 4 : 0;
		*offset_ret = (uint64_t)use->addend + ahead;
		*addr_ret = use->target + ahead;
	}
	return symbol->section->data && *offset_ret < symbol->section->size;
}

/* Merged read-only data lies in vmlinux's read-only part, aligned as its entries are. */
static bool is_rodata(const struct uk_placement *placement, const struct uk_section *section,
		      uint64_t offset, uint64_t addr)
{
	const struct uk_run *run = placement->run;
	uint64_t align = section->align && !(section->flags & SHF_STRINGS) ? section->align : 1;
	if ((addr - offset) % align)
		return false;
	return !placement->by_votes || strcmp(placement->target, "vmlinux") != 0 ||
	       !uk_str_starts(section->name, ".rodata") || !run->rodata_start ||
	       (addr >= run->rodata_start && addr < run->rodata_end);
}

static bool has_entry(const struct uk_placement *placement, const struct uk_use *use)
{
	const struct uk_section *section = use->symbol->section;
	uint64_t offset, addr;
	if (!find_entry(use, &offset, &addr))
		return false;
	uint64_t len = entry_len(section, offset);
	if (!uk_range_ok(offset, len, section->size) ||
	    !is_rodata(placement, section, offset, addr))
		return false;
	uk_auto_free uint8_t *memory = malloc(len);
	return memory && uk_run_read(placement->run, addr, memory, len) &&
	       !memcmp(memory, section->data + offset, len);
}

static bool check_merged(struct check *check, const struct uk_use *use, struct uk_dissent *ret,
			 bool *no_memory)
{
	ret->expected = 0;
	ret->why = "the string or constant that it refers to is another one";
	if (!has_entry(check->placement, use))
		return false;
	if (use->symbol->type == STT_SECTION)
		return true;
	bool added = false;
	struct uk_map_entry *now = uk_map_insert_num(&check->merged, use->symbol->index, &added);
	*no_memory |= !now;
	return check_same(uk_map_find_num(&check->placement->merged, use->symbol->index), now,
			  added, use, ret);
}

/* Whether a base that only uses speak for has the section's names; each is asked for once. */
static bool has_names(struct check *check, const struct uk_section *section)
{
	enum { UNASKED, GOOD, BAD };
	uint8_t *answer = &check->answers[section->index];
	if (*answer == UNASKED)
		*answer = !check->placement->by_votes ||
					  uk_placement_fits_names(check->placement, section,
								  check->bases[section->index])
				  ? GOOD
				  : BAD;
	return *answer == GOOD;
}

static bool check_place(struct check *check, const struct uk_use *use, struct uk_dissent *ret)
{
	const struct uk_section *section = use->symbol->section;
	const struct uk_place *place = &check->placement->places[section->index];
	if (section != check->section && !place->known && !has_names(check, section)) {
		ret->expected = 0;
		ret->why = "kallsyms has the names of that section elsewhere";
		return false;
	}
	uint64_t base = section == check->section ? check->base
			: place->known		  ? place->base
						  : check->bases[section->index];
	ret->expected = base + use->symbol->value;
	ret->why = section == check->section || place->known
			   ? "the section that it refers to is elsewhere"
			   : "other uses of the section say another address";
	return use->value == ret->expected;
}

static bool check_use(struct check *check, const struct uk_use *use, struct uk_dissent *ret,
		      bool *no_memory)
{
	const struct uk_placement *placement = check->placement;
	const struct uk_symbol *symbol = use->symbol;
	if (symbol->place == UK_SYMBOL_ABSOLUTE) {
		ret->expected = symbol->value;
		ret->why = "the symbol is a constant of another value";
		return use->value == symbol->value;
	}
	if (!placement->by_votes && is_replaced(placement, use))
		return true;
	if (is_by_name(symbol))
		return check_name(check, use, ret, no_memory);
	if (is_merged(placement, symbol))
		return check_merged(check, use, ret, no_memory);
	return check_place(check, use, ret);
}

struct uk_error *uk_agree_check(const struct uk_placement *placement,
				const struct uk_section *section, uint64_t base,
				const struct uk_comparison *comparison, uint64_t *bases,
				struct uk_dissent *ret)
{
	uk_auto_free size_t *counts = calloc(placement->object->sections.len, sizeof(*counts));
	if (!counts)
		return uk_error_nomem();
	elect_bases(placement, comparison, bases, counts);
	uk_cleanup(destroy_check) struct check check = {
		.placement = placement,
		.section = section,
		.base = base,
		.bases = bases,
		.answers = calloc(placement->object->sections.len, 1),
	};
	if (!check.answers)
		return uk_error_nomem();
	*ret = (struct uk_dissent){};
	bool no_memory = false;
	uk_vec_for_each(use, &comparison->uses) {
		if (!check_use(&check, use, ret, &no_memory)) {
			ret->use = use;
			break;
		}
		if (no_memory)
			return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *commit_use(struct uk_placement *placement, const struct uk_use *use)
{
	const struct uk_symbol *symbol = use->symbol;
	if (is_by_name(symbol)) {
		/* A weak symbol that nobody defines has no address worth knowing. */
		if (symbol->bind == STB_WEAK &&
		    !uk_kallsyms_lookup(placement->run->kallsyms, symbol->name))
			return NULL;
		return uk_learned_set(placement->learned, placement->target, symbol->name,
				      use->value);
	}
	if (!is_merged(placement, symbol) || symbol->type == STT_SECTION)
		return NULL;
	struct uk_map_entry *entry = uk_map_insert_num(&placement->merged, symbol->index, NULL);
	if (!entry)
		return uk_error_nomem();
	entry->num = use->value;
	return NULL;
}

struct uk_error *uk_agree_commit(struct uk_placement *placement, const struct uk_section *section,
				 const struct uk_comparison *comparison, const uint64_t *bases)
{
	uk_vec_for_each(use, &comparison->uses) {
		if (!placement->by_votes && is_replaced(placement, use))
			continue;
		struct uk_error *err = commit_use(placement, use);
		if (err)
			return err;
		if (!is_in_section(placement, use->symbol))
			continue;
		struct uk_place *place = &placement->places[use->symbol->section->index];
		if (place->known || use->symbol->section == section)
			continue;
		place->known = true;
		place->base = bases[use->symbol->section->index];
		place->learned_in = section;
		place->learned_at = use->offset;
	}
	return NULL;
}
