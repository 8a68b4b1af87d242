// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a redirect can stand in a function. */
#include "match/redirect.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <inttypes.h>

enum { ENDBR_LEN = 4, FENTRY_LEN = 5, CALL = 0xe8, INT3 = 0xcc, LOCK = 0xf0 };

static struct uk_error *refuse(const struct uk_placement *placement,
			       const struct uk_symbol *function, const char *fmt, ...)
	uk_printf(3, 4);

static struct uk_error *refuse(const struct uk_placement *placement,
			       const struct uk_symbol *function, const char *fmt, ...)
{
	va_list args;
	uk_auto_free char *why = NULL;
	va_start(args, fmt);
	if (vasprintf(&why, fmt, args) < 0)
		why = NULL;
	va_end(args);
	if (!why)
		return uk_error_nomem();
	return uk_error_create(UK_ERR_REFUSED, "%s: function %s: %s", placement->path,
			       function->name, why);
}

static bool has_endbr(const struct uk_symbol *function)
{
	static const uint8_t endbr64[ENDBR_LEN] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const struct uk_section *section = function->section;
	return uk_range_ok(function->value, ENDBR_LEN, section->size) &&
	       !memcmp(section->data + function->value, endbr64, ENDBR_LEN);
}

static bool has_fentry(const struct uk_placement *placement, const struct uk_symbol *function,
		       uint64_t offset)
{
	const struct uk_site_list *list = &placement->sites->by_section[function->section->index];
	size_t at = uk_sites_from(placement->sites, function->section, offset);
	for (; at < list->sites.len && list->sites.data[at].offset == offset; at++)
		if (list->sites.data[at].class == UK_SITE_FENTRY)
			return true;
	return false;
}

/* Offset in the section: behind endbr64 and the ftrace site, where they are. */
static uint64_t find_offset(const struct uk_placement *placement, const struct uk_symbol *function,
			    bool *fentry_ret)
{
	uint64_t offset = function->value;
	if (has_endbr(function))
		offset += ENDBR_LEN;
	*fentry_ret = has_fentry(placement, function, offset);
	return *fentry_ret ? offset + FENTRY_LEN : offset;
}

static bool is_another(const struct uk_symbol *symbol, const struct uk_symbol *function)
{
	return symbol->place == UK_SYMBOL_DEFINED && symbol->section == function->section &&
	       symbol->type != STT_SECTION && symbol->name[0];
}

/* Behind the end of a short function there may be int3 up to the next one, and only that. */
static struct uk_error *check_room(const struct uk_placement *placement,
				   const struct uk_symbol *function, uint64_t offset)
{
	uint64_t end = function->value + function->size, base;
	if (offset + UK_REDIRECT_LEN <= end)
		return NULL;
	uint8_t bytes[UK_REDIRECT_LEN];
	uint64_t from = end > offset ? end : offset;
	size_t len = offset + UK_REDIRECT_LEN - from;
	base = placement->places[function->section->index].base;
	bool free = offset <= end && uk_run_read(placement->run, base + from, bytes, len);
	for (size_t i = 0; free && i < len; i++)
		free = bytes[i] == INT3;
	uk_vec_for_each(symbol, &placement->object->symbols)
		if (is_another(*symbol, function) && (*symbol)->value >= end &&
		    (*symbol)->value < offset + UK_REDIRECT_LEN)
			free = false;
	const struct uk_kallsym *next =
		uk_kallsyms_at(placement->run->kallsyms, base + offset + UK_REDIRECT_LEN - 1);
	if (next && next->address >= base + end)
		free = false;
	if (free)
		return NULL;
	return refuse(placement, function,
		      "it is too short (%" PRIu64 " bytes) for a jump at +0x%" PRIx64
		      ", and the bytes behind it are not free; change its callers instead",
		      function->size, offset - function->value);
}

static bool has_one_processor(const struct uk_run *run)
{
	uint8_t bytes[4];
	uint64_t addr = uk_kallsyms_unique(run->kallsyms, "nr_cpu_ids");
	return run->memory->live && addr && uk_run_read(run, addr, bytes, sizeof(bytes)) &&
	       uk_get_u32(bytes) == 1;
}

/*
 * A lock prefix that was taken out for the only processor comes back with the second one, if there
 * can be one; one that is there is never taken out again (alternatives_enable_smp() of 6.1
 * and 6.12).
 */
static bool is_settled(const struct uk_placement *placement, const struct uk_symbol *function,
		       const struct uk_site *site)
{
	uint8_t byte;
	uint64_t base = placement->places[function->section->index].base;
	return site->class == UK_SITE_LOCK &&
	       uk_run_read(placement->run, base + site->offset, &byte, sizeof(byte)) &&
	       (byte == LOCK || has_one_processor(placement->run));
}

static struct uk_error *check_sites(const struct uk_placement *placement,
				    const struct uk_symbol *function, uint64_t offset)
{
	uk_vec_for_each(site, &placement->sites->by_section[function->section->index].sites) {
		if (site->offset >= offset + UK_REDIRECT_LEN ||
		    offset >= site->offset + site->len || !uk_site_class_is_dynamic(site->class) ||
		    is_settled(placement, function, site))
			continue;
		return refuse(placement, function,
			      "a jump at +0x%" PRIx64 " would overwrite a %s at +0x%" PRIx64
			      ", which the kernel may rewrite at any time; change its callers "
			      "instead",
			      offset - function->value, uk_site_class_name(site->class),
			      site->offset - function->value);
	}
	return NULL;
}

static struct uk_error *check_branches(struct uk_placement *placement,
				       const struct uk_symbol *function, uint64_t offset)
{
	const struct uk_branch *branch = NULL;
	struct uk_error *err = NULL;
	if (!placement->branches)
		err = uk_branches_collect(placement->object, &placement->branches);
	if (!err)
		err = uk_branches_into(placement->branches, function, offset + 1,
				       offset + UK_REDIRECT_LEN, &branch);
	if (err)
		return uk_error_wrap(err, "%s", placement->path);
	if (!branch)
		return NULL;
	return refuse(placement, function,
		      "a jump at +0x%" PRIx64 " would be entered in its middle: %s+0x%" PRIx64
		      " leads to +0x%" PRIx64 "; change its callers instead",
		      offset - function->value, branch->section->name, branch->offset,
		      branch->target - function->value);
}

static struct uk_error *check_holders(const struct uk_placement *placement,
				      const struct uk_symbol *function, uint64_t address)
{
	const struct uk_holders *holders = placement->run->holders;
	if (!holders)
		return NULL;
	const struct uk_holder_livepatch *livepatch =
		uk_holders_livepatch(holders, placement->target, function->name);
	if (livepatch)
		return refuse(placement, function,
			      "livepatch %s holds it; disable it first: echo 0 > "
			      "/sys/kernel/livepatch/%s/enabled",
			      livepatch->patch, livepatch->patch);
	uk_vec_for_each(probe, &holders->probes)
		if (!probe->ftrace && probe->address - address < function->size)
			return refuse(placement, function,
				      "%s stands in it and would no longer be reached; remove "
				      "it first",
				      probe->name);
	return NULL;
}

/* Who is called at the ftrace site now. He stays: the redirect stands behind it. */
static struct uk_error *name_tracer(const struct uk_placement *placement,
				    const struct uk_symbol *function, uint64_t site, char **ret)
{
	const struct uk_run *run = placement->run;
	uint8_t code[FENTRY_LEN];
	*ret = NULL;
	if (!run->memory->live || !uk_run_read(run, site, code, sizeof(code)) || code[0] != CALL)
		return NULL;
	uint64_t target = site + FENTRY_LEN + (uint64_t)(int64_t)uk_get_s32(code + 1);
	const struct uk_kallsym *symbol = uk_kallsyms_at(run->kallsyms, target);
	const struct uk_holder_traced *traced =
		run->holders ? uk_holders_traced(run->holders, placement->target, function->name)
			     : NULL;
	if (symbol && uk_str_starts(symbol->name, "bpf_trampoline_"))
		return uk_asprintf(ret, "BPF trampoline %s", symbol->name);
	if (traced)
		return uk_asprintf(ret, "ftrace: %s", traced->how);
	return uk_strdup("ftrace", ret);
}

/* The jump label that begins at an offset, if both of its ways stay in the function. */
static const struct uk_site *find_label(const struct uk_placement *placement,
					const struct uk_symbol *function, uint64_t offset)
{
	const struct uk_site_list *list = &placement->sites->by_section[function->section->index];
	size_t at = uk_sites_from(placement->sites, function->section, offset);
	for (; at < list->sites.len && list->sites.data[at].offset == offset; at++) {
		const struct uk_site *site = &list->sites.data[at];
		if (site->class == UK_SITE_JUMP_LABEL &&
		    site->symbol->section == function->section &&
		    site->symbol->value + (uint64_t)site->addend - function->value < function->size)
			return site;
	}
	return NULL;
}

static bool has_jump(const struct uk_match_function *found, uint64_t address)
{
	for (unsigned int i = 0; i < found->nr_jumps; i++)
		if (address == found->jumps[i].address)
			return true;
	return false;
}

/* Jumps cannot overlap: each way begins behind a label or is the target of one's branch. */
static struct uk_error *add_jump(struct uk_placement *placement, const struct uk_symbol *function,
				 uint64_t offset, struct uk_match_function *ret)
{
	uint64_t address = ret->address + (offset - function->value);
	if (has_jump(ret, address))
		return NULL;
	struct uk_error *err = check_room(placement, function, offset);
	if (!err)
		err = check_sites(placement, function, offset);
	if (!err)
		err = check_branches(placement, function, offset);
	if (err)
		return err;
	if (ret->nr_jumps == UK_REDIRECT_JUMPS)
		return refuse(
			placement, function,
			"more than %d ways lead from the jump labels at its entry; change its "
			"callers instead",
			UK_REDIRECT_JUMPS);
	struct uk_match_jump *jump = &ret->jumps[ret->nr_jumps++];
	jump->address = address;
	return uk_memory_read(placement->run->memory, address, jump->old_bytes, UK_REDIRECT_LEN);
}

/* One jump, or those on both ways from a jump label. */
static struct uk_error *add_jumps(struct uk_placement *placement, const struct uk_symbol *function,
				  uint64_t offset, unsigned int depth,
				  struct uk_match_function *ret)
{
	const struct uk_site *label = find_label(placement, function, offset);
	if (!label || depth == UK_REDIRECT_JUMPS)
		return add_jump(placement, function, offset, ret);
	struct uk_error *err = add_jumps(placement, function, offset + label->len, depth + 1, ret);
	return err ? err
		   : add_jumps(placement, function, label->symbol->value + (uint64_t)label->addend,
			       depth + 1, ret);
}

struct uk_error *uk_redirect_find(struct uk_placement *placement, const struct uk_symbol *function,
				  struct uk_match_function *ret)
{
	bool fentry;
	uint64_t offset = find_offset(placement, function, &fentry);
	struct uk_error *err = add_jumps(placement, function, offset, 0, ret);
	if (!err)
		err = check_holders(placement, function, ret->address);
	if (!err && fentry)
		err = name_tracer(placement, function,
				  ret->address + (offset - function->value) - FENTRY_LEN,
				  &ret->shared_with);
	return err;
}
