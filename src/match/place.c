// SPDX-License-Identifier: GPL-2.0-or-later
/* Placement: finding the sections of an object in memory. */
#include "match/place.h"

#include "base/strbuf.h"
#include "match/agree.h"
#include "match/refuse.h"

#include <inttypes.h>
#include <string.h>

/* A place that was tried: what the comparison gave, and what its uses lead to. */
struct trial {
	uint64_t base;
	struct uk_comparison comparison;
	uint64_t *bases; /* by uk_section.index */
	struct uk_dissent dissent;
	bool fits;
};

struct trials {
	UK_VEC(struct trial) tried;
};

static void trial_deinit(struct trial *trial)
{
	uk_comparison_deinit(&trial->comparison);
	free(trial->bases);
}

static void trials_deinit(struct trials *trials)
{
	uk_vec_for_each(trial, &trials->tried)
		trial_deinit(trial);
	uk_vec_deinit(&trials->tried);
}

struct addresses {
	UK_VEC(uint64_t) found;
};

static void addresses_deinit(struct addresses *addresses)
{
	uk_vec_deinit(&addresses->found);
}

bool uk_symbol_votes(const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_DEFINED && symbol->bind != STB_WEAK &&
	       (symbol->type == STT_FUNC || symbol->type == STT_OBJECT ||
		symbol->type == STT_NOTYPE) &&
	       symbol->name[0] && !uk_str_starts(symbol->name, ".L");
}

static bool starts_with_any(const char *name, const char *const *prefixes, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (uk_str_starts(name, prefixes[i]))
			return true;
	return false;
}

/*
 * What is freed after boot, dropped by the linker, or sorted by it or by the kernel. A
 * module keeps its exit code; vmlinux has no use for any.
 */
static bool is_gone(const struct uk_section *section, bool vmlinux)
{
	static const char *const gone[] = {
		".init.",	  ".initcall",	".con_initcall", ".altinstr",	  ".parainstr",
		".discard.",	  ".smp_locks", "__ex_table",	 "__mcount_loc",  ".modinfo",
		"__patchable_",	  ".orc_",	"__bug_table",	 "__jump_table",  ".export_symbol",
		"___ksymtab",	  "___kcrctab", ".note",	 ".static_call_", "runtime_ptr_",
		"runtime_shift_", ".exitcall",	".retpoline_",	 ".return_",	  ".call_sites",
		".ibt_",	  "__ksymtab",	"__kcrctab",	 ".eh_frame",
	};
	static const char *const gone_from_vmlinux[] = { ".exit." };
	if (!strcmp(section->name, ".static_call.text"))
		return false;
	return starts_with_any(section->name, gone, UK_ARRAY_SIZE(gone)) ||
	       (vmlinux && starts_with_any(section->name, gone_from_vmlinux,
					   UK_ARRAY_SIZE(gone_from_vmlinux)));
}

/* Read-only data for booting is gone from a running kernel, but an image still has it. */
static bool is_boot_rodata(const struct uk_section *section)
{
	return section->data && uk_str_starts(section->name, ".init.rodata");
}

static enum uk_place_kind kind_of(const struct uk_section *section, bool vmlinux, bool live)
{
	if (!(section->flags & SHF_ALLOC) || !section->size)
		return UK_PLACE_NONE;
	if (section->flags & SHF_MERGE)
		return UK_PLACE_MERGED;
	if (!live && is_boot_rodata(section))
		return UK_PLACE_RODATA;
	if (is_gone(section, vmlinux))
		return UK_PLACE_NONE;
	if (uk_section_is_text(section))
		return section->data ? UK_PLACE_CODE : UK_PLACE_NONE;
	if (section->data && uk_str_starts(section->name, ".rodata"))
		return UK_PLACE_RODATA;
	return UK_PLACE_DATA;
}

struct uk_error *uk_placement_create(const struct uk_run *run, const struct uk_object *object,
				     const char *path, const char *target, bool by_votes,
				     struct uk_learned *learned, struct uk_match *match,
				     size_t number, struct uk_placement **ret)
{
	uk_auto_placement struct uk_placement *placement = calloc(1, sizeof(*placement));
	if (!placement)
		return uk_error_nomem();
	*placement = (struct uk_placement){ .run = run,
					    .object = object,
					    .path = path,
					    .target = target,
					    .by_votes = by_votes,
					    .learned = learned,
					    .match = match,
					    .number = number };
	placement->places = calloc(object->sections.len + 1, sizeof(*placement->places));
	if (!placement->places)
		return uk_error_nomem();
	bool vmlinux = !strcmp(target, "vmlinux");
	for (size_t i = 0; i < object->sections.len; i++)
		placement->places[i].kind =
			kind_of(object->sections.data[i], vmlinux, run->memory->live);
	struct uk_error *err = uk_sites_collect(object, run->version, &placement->sites);
	if (err)
		return uk_error_wrap(err, "%s", path);
	*ret = uk_take(placement);
	return NULL;
}

void uk_placement_destroy(struct uk_placement *placement)
{
	if (!placement)
		return;
	uk_sites_destroy(placement->sites);
	uk_branches_destroy(placement->branches);
	uk_map_deinit(&placement->merged);
	free(placement->places);
	free(placement);
}

/* Votes. */

static bool has_symbol(const struct uk_placement *placement, const struct uk_symbol *symbol,
		       uint64_t base)
{
	return uk_kallsyms_has(placement->run->kallsyms, symbol->name, placement->target,
			       base + symbol->value);
}

static bool has_all(const struct uk_placement *placement, const struct uk_section *section,
		    uint64_t base)
{
	uk_vec_for_each(symbol, &placement->object->symbols)
		if ((*symbol)->section == section && uk_symbol_votes(*symbol) &&
		    !has_symbol(placement, *symbol, base))
			return false;
	return true;
}

static size_t count_known(const struct uk_placement *placement, const struct uk_symbol *symbol)
{
	size_t nr = 0;
	uk_kallsyms_for_each(known, placement->run->kallsyms, symbol->name)
		nr += !strcmp(known->module, placement->target);
	return nr;
}

/* The voter with the fewest addresses; @missing_ret: one that kallsyms does not have. */
static const struct uk_symbol *best_voter(const struct uk_placement *placement,
					  const struct uk_section *section,
					  const struct uk_symbol **missing_ret)
{
	const struct uk_symbol *best = NULL;
	size_t fewest = SIZE_MAX;
	uk_vec_for_each(symbol, &placement->object->symbols) {
		if ((*symbol)->section != section || !uk_symbol_votes(*symbol))
			continue;
		size_t nr = count_known(placement, *symbol);
		if (!nr)
			*missing_ret = *symbol;
		if (nr < fewest) {
			fewest = nr;
			best = *symbol;
		}
	}
	return best;
}

static bool contains(const struct addresses *addresses, uint64_t address)
{
	uk_vec_for_each(found, &addresses->found)
		if (*found == address)
			return true;
	return false;
}

/* Weak symbols may stand for themselves or not: they only say where to look. */
static struct uk_error *weak_candidates(const struct uk_placement *placement,
					const struct uk_section *section, struct addresses *ret)
{
	uk_vec_for_each(symbol, &placement->object->symbols) {
		if ((*symbol)->place != UK_SYMBOL_DEFINED || (*symbol)->section != section ||
		    (*symbol)->bind != STB_WEAK)
			continue;
		uk_kallsyms_for_each(known, placement->run->kallsyms, (*symbol)->name) {
			uint64_t base = known->address - (*symbol)->value;
			if (strcmp(known->module, placement->target) != 0 || contains(ret, base))
				continue;
			if (!uk_vec_push(&ret->found, base))
				return uk_error_nomem();
		}
	}
	return NULL;
}

static struct uk_error *find_candidates(const struct uk_placement *placement,
					const struct uk_section *section,
					const struct uk_symbol **missing_ret, struct addresses *ret)
{
	*missing_ret = NULL;
	const struct uk_symbol *voter = best_voter(placement, section, missing_ret);
	if (!voter)
		return uk_section_is_text(section) ? weak_candidates(placement, section, ret)
						   : NULL;
	uk_kallsyms_for_each(known, placement->run->kallsyms, voter->name) {
		uint64_t base = known->address - voter->value;
		if (strcmp(known->module, placement->target) != 0 ||
		    !has_all(placement, section, base) || contains(ret, base))
			continue;
		if (!uk_vec_push(&ret->found, base))
			return uk_error_nomem();
	}
	return NULL;
}

/*
 * A section whose symbols stand together at one place only is there, if it is anywhere. For
 * code and read-only data the content is to follow.
 */
static struct uk_error *place_by_votes(struct uk_placement *placement)
{
	uk_vec_for_each(section, &placement->object->sections) {
		struct uk_place *place = &placement->places[(*section)->index];
		if (place->kind == UK_PLACE_MERGED || !((*section)->flags & SHF_ALLOC))
			continue;
		uk_cleanup(addresses_deinit) struct addresses candidates = {};
		const struct uk_symbol *missing;
		struct uk_error *err = find_candidates(placement, *section, &missing, &candidates);
		if (err)
			return err;
		if (candidates.found.len == 1) {
			place->known = true;
			place->base = candidates.found.data[0];
		}
	}
	return NULL;
}

bool uk_placement_fits_names(const struct uk_placement *placement, const struct uk_section *section,
			     uint64_t base)
{
	uk_vec_for_each(symbol, &placement->object->symbols)
		if ((*symbol)->section == section && uk_symbol_votes(*symbol) &&
		    count_known(placement, *symbol) && !has_symbol(placement, *symbol, base))
			return false;
	return true;
}

/* Comparing. */

/* Nothing is learned from a function that someone holds. */
static struct uk_error *exclude_held(struct uk_placement *placement,
				     const struct uk_section *section, uint64_t base,
				     struct uk_comparison *comparison)
{
	uk_vec_for_each(held, &comparison->held.ranges) {
		uint64_t offset = held->addr > base ? held->addr - base : 0;
		const struct uk_symbol *function =
			uk_object_symbol_at(placement->object, section, offset);
		uint64_t start = function ? function->value : offset;
		uint64_t end = function ? start + function->size : offset + held->len;
		size_t kept = 0;
		uk_vec_for_each(use, &comparison->uses)
			if (use->offset < start || use->offset >= end)
				comparison->uses.data[kept++] = *use;
		comparison->uses.len = kept;
		if (!placement->match)
			continue;
		struct uk_match_excluded excluded = { .object = placement->number };
		struct uk_error *err =
			uk_strdup(function ? function->name : section->name, &excluded.function);
		if (!err)
			err = uk_strdup(held->holder, &excluded.holder);
		if (!err && !uk_vec_push(&placement->match->excluded, excluded))
			err = uk_error_nomem();
		if (err) {
			free(excluded.function);
			free(excluded.holder);
			return err;
		}
	}
	return NULL;
}

/*
 * A running kernel may be in the middle of rewriting a jump label, a static call or a traced
 * function: a breakpoint stands there for a moment. Such a site is worth another look.
 */
static bool is_moving(const struct uk_placement *placement, const struct uk_comparison *comparison)
{
	const struct uk_site *site = comparison->mismatch.site;
	return placement->run->memory->live && comparison->mismatch.found && site &&
	       uk_site_class_is_dynamic(site->class);
}

static struct uk_error *compare_settled(const struct uk_placement *placement,
					const struct uk_section *section, uint64_t base,
					struct uk_comparison *ret)
{
	enum { ATTEMPTS = 5, PAUSE_US = 20000 };
	for (unsigned int attempt = 1;; attempt++) {
		struct uk_error *err =
			uk_compare_section(placement->run, placement->sites, section, base, ret);
		if (err || attempt == ATTEMPTS || !is_moving(placement, ret))
			return err;
		uk_comparison_deinit(ret);
		usleep(PAUSE_US);
	}
}

static struct uk_error *try_place(const struct uk_placement *placement,
				  const struct uk_section *section, uint64_t base,
				  struct trial *ret)
{
	ret->base = base;
	ret->bases = calloc(placement->object->sections.len, sizeof(*ret->bases));
	if (!ret->bases)
		return uk_error_nomem();
	struct uk_error *err = compare_settled(placement, section, base, &ret->comparison);
	if (err || !ret->comparison.memory || ret->comparison.mismatch.found)
		return err;
	err = uk_agree_check(placement, section, base, &ret->comparison, ret->bases, &ret->dissent);
	ret->fits = !err && !ret->dissent.use;
	return err;
}

static struct uk_error *record_section(struct uk_placement *placement,
				       const struct uk_section *section, uint64_t base)
{
	struct uk_match_section placed = { .object = placement->number,
					   .address = base,
					   .size = section->size,
					   .compared = true };
	struct uk_error *err = uk_strdup(section->name, &placed.name);
	if (err)
		return err;
	if (uk_vec_push(&placement->match->sections, placed))
		return NULL;
	free(placed.name);
	return uk_error_nomem();
}

static struct uk_error *commit(struct uk_placement *placement, const struct uk_section *section,
			       struct trial *trial)
{
	struct uk_place *place = &placement->places[section->index];
	struct uk_error *err = exclude_held(placement, section, trial->base, &trial->comparison);
	if (!err)
		err = uk_agree_commit(placement, section, &trial->comparison, trial->bases);
	if (err)
		return err;
	place->known = place->compared = true;
	place->ambiguous = false;
	place->base = trial->base;
	placement->match->compared += section->size;
	placement->match->learned += trial->comparison.uses.len;
	for (unsigned int i = 0; i < UK_SITE_CLASSES; i++)
		placement->match->explained[i] += trial->comparison.explained[i];
	return record_section(placement, section, trial->base);
}

struct uk_error *uk_placement_take(struct uk_placement *placement, const struct uk_section *section,
				   uint64_t base)
{
	uk_cleanup(trial_deinit) struct trial trial = {};
	struct uk_error *err = try_place(placement, section, base, &trial);
	if (err)
		return err;
	if (!trial.fits)
		return uk_refuse_place(placement, section, base, &trial.comparison, &trial.dissent);
	return commit(placement, section, &trial);
}

/* Of several places at which the symbols stand, one must fit. */
static struct uk_error *choose(struct uk_placement *placement, const struct uk_section *section,
			       const struct addresses *candidates)
{
	uk_cleanup(trials_deinit) struct trials trials = {};
	struct trial *fitting = NULL;
	size_t nr_fitting = 0;
	if (!uk_vec_reserve(&trials.tried, candidates->found.len))
		return uk_error_nomem();
	uk_vec_for_each(base, &candidates->found) {
		struct trial *trial = &trials.tried.data[trials.tried.len++];
		*trial = (struct trial){};
		struct uk_error *err = try_place(placement, section, *base, trial);
		if (err)
			return err;
		if (trial->fits) {
			fitting = trial;
			nr_fitting++;
		}
	}
	if (nr_fitting == 1)
		return commit(placement, section, fitting);
	if (nr_fitting) {
		placement->places[section->index].ambiguous = true;
		return NULL;
	}
	struct trial *first = &trials.tried.data[0];
	return uk_refuse_places(placement, section, first->base, &first->comparison,
				&first->dissent, candidates->found.len);
}

static struct uk_error *place_code(struct uk_placement *placement, const struct uk_section *section)
{
	uk_cleanup(addresses_deinit) struct addresses candidates = {};
	const struct uk_symbol *missing;
	struct uk_error *err = find_candidates(placement, section, &missing, &candidates);
	if (err)
		return err;
	if (candidates.found.len)
		return choose(placement, section, &candidates);
	if (best_voter(placement, section, &missing))
		return uk_refuse_symbols(placement, section, missing);
	return NULL; /* no symbols: only uses can tell */
}

static bool is_code(const struct uk_placement *placement, const struct uk_section *section)
{
	return placement->places[section->index].kind == UK_PLACE_CODE;
}

struct uk_error *uk_placement_settle(struct uk_placement *placement)
{
	bool again = true;
	while (again) {
		again = false;
		uk_vec_for_each(section, &placement->object->sections) {
			struct uk_place *place = &placement->places[(*section)->index];
			bool compares = place->kind == UK_PLACE_RODATA ||
					(place->kind == UK_PLACE_CODE && placement->by_votes);
			if (!compares || !place->known || place->compared)
				continue;
			struct uk_error *err = uk_placement_take(placement, *section, place->base);
			if (err)
				return err;
			again = true;
		}
	}
	return NULL;
}

/* Places that more than one content fitted, now that more is known. */
static struct uk_error *retry_ambiguous(struct uk_placement *placement)
{
	uk_vec_for_each(section, &placement->object->sections) {
		struct uk_place *place = &placement->places[(*section)->index];
		if (!place->ambiguous || place->compared)
			continue;
		struct uk_error *err = place_code(placement, *section);
		if (!err && place->compared)
			err = uk_placement_settle(placement);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_placement_run(struct uk_placement *placement)
{
	struct uk_error *err = place_by_votes(placement);
	uk_vec_for_each(section, &placement->object->sections) {
		if (!err && is_code(placement, *section) &&
		    !placement->places[(*section)->index].known)
			err = place_code(placement, *section);
	}
	if (!err)
		err = uk_placement_settle(placement);
	if (!err)
		err = retry_ambiguous(placement);
	return uk_error_wrap(err, "%s", placement->path);
}

bool uk_placement_address(const struct uk_placement *placement, const struct uk_symbol *symbol,
			  uint64_t *ret)
{
	if (symbol->place == UK_SYMBOL_ABSOLUTE) {
		*ret = symbol->value;
		return true;
	}
	if (symbol->place != UK_SYMBOL_DEFINED)
		return false;
	const struct uk_place *place = &placement->places[symbol->section->index];
	if (place->kind == UK_PLACE_MERGED) {
		const struct uk_map_entry *entry =
			uk_map_find_num(&placement->merged, symbol->index);
		if (entry)
			*ret = entry->num;
		return entry;
	}
	bool content = place->kind == UK_PLACE_DATA || place->compared || !placement->by_votes;
	if (!place->known || !content)
		return false;
	*ret = place->base + symbol->value;
	return true;
}
