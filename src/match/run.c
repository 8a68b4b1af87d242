// SPDX-License-Identifier: GPL-2.0-or-later
/* Run: the running kernel as the comparison asks for it. */
#include "match/run.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <inttypes.h>

bool uk_run_read(const struct uk_run *run, uint64_t addr, void *ret, size_t len)
{
	if (!uk_memory_has(run->memory, addr, len))
		return false;
	uk_auto_error struct uk_error *err = uk_memory_read(run->memory, addr, ret, len);
	return !err;
}

bool uk_run_read_u64(const struct uk_run *run, uint64_t addr, uint64_t *ret)
{
	uint8_t bytes[8];
	if (!uk_run_read(run, addr, bytes, sizeof(bytes)))
		return false;
	*ret = uk_get_u64(bytes);
	return true;
}

/* thunks_initialized of arch/x86/kernel/callthunks.c: set once calls have been rewritten. */
static bool has_call_depth(const struct uk_run *run)
{
	uint8_t value = 0;
	uint64_t addr = uk_kallsyms_unique(run->kallsyms, "thunks_initialized");
	return run->memory->live && addr && uk_rewrites_have(run->version, UK_REWRITE_CALL_DEPTH) &&
	       uk_run_read(run, addr, &value, 1) && value;
}

void uk_run_init(struct uk_run *run, const struct uk_match_request *request, uk_version version)
{
	*run = (struct uk_run){
		.memory = request->memory,
		.kallsyms = request->kallsyms,
		.holders = request->holders,
		.version = version,
		.pv_ops = uk_kallsyms_unique(request->kallsyms, "pv_ops"),
		.rodata_start = uk_kallsyms_unique(request->kallsyms, "__start_rodata"),
		.rodata_end = uk_kallsyms_unique(request->kallsyms, "__end_rodata"),
		.replaced = request->replaced,
		.nr_replaced = request->nr_replaced,
		.written = request->written,
		.nr_written = request->nr_written,
	};
	run->call_depth = has_call_depth(run);
}

/* sarq $5, %gs:call_depth(%rip), where call_depth is a field of the per-CPU pcpu_hot. */
bool uk_run_is_accounting(const struct uk_run *run, const uint8_t *code, uint64_t addr)
{
	static const uint8_t sarq[] = { 0x65, 0x48, 0xc1, 0x3d };
	enum { HOT_SIZE = 64 };
	if (!run->call_depth || memcmp(code, sarq, sizeof(sarq)) != 0 || code[8] != 5)
		return false;
	uint64_t variable = addr + UK_ACCOUNTING_LEN + (uint64_t)(int64_t)uk_get_s32(code + 4);
	uint64_t hot = uk_kallsyms_unique(run->kallsyms, "pcpu_hot");
	return variable - hot < HOT_SIZE;
}

uint64_t uk_run_call_target(const struct uk_run *run, uint64_t target)
{
	uint8_t code[UK_ACCOUNTING_LEN];
	if (!run->call_depth || !uk_run_read(run, target, code, sizeof(code)) ||
	    !uk_run_is_accounting(run, code, target))
		return target;
	return target + UK_ACCOUNTING_LEN;
}

static bool overlaps(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a - b < b_len || b - a < a_len;
}

static struct uk_error *add_held(struct uk_held_list *list, uint64_t addr, uint64_t len,
				 struct uk_error *err, char *holder)
{
	if (!err && uk_vec_push(&list->ranges, (struct uk_held){ addr, len, holder }))
		return NULL;
	free(holder);
	return err ? err : uk_error_nomem();
}

static struct uk_error *held_by_updates(const struct uk_run *run, uint64_t addr, uint64_t len,
					struct uk_held_list *ret)
{
	for (size_t i = 0; i < run->nr_replaced; i++) {
		const struct uk_match_replaced *replaced = &run->replaced[i];
		for (unsigned int j = 0; j < replaced->nr_jumps; j++) {
			char *holder = NULL;
			if (!overlaps(addr, len, replaced->jumps[j], UK_REDIRECT_LEN))
				continue;
			struct uk_error *err =
				uk_asprintf(&holder, "the redirect of update %s", replaced->id);
			err = add_held(ret, replaced->jumps[j], UK_REDIRECT_LEN, err, holder);
			if (err)
				return err;
		}
	}
	for (size_t i = 0; i < run->nr_written; i++) {
		const struct uk_match_written *written = &run->written[i];
		char *holder = NULL;
		if (!overlaps(addr, len, written->addr, written->len))
			continue;
		struct uk_error *err = uk_asprintf(&holder, "update %s", written->id);
		err = add_held(ret, written->addr, written->len, err, holder);
		if (err)
			return err;
	}
	return NULL;
}

struct uk_error *uk_run_held(const struct uk_run *run, uint64_t addr, uint64_t len,
			     struct uk_held_list *ret)
{
	struct uk_error *err = held_by_updates(run, addr, len, ret);
	if (err || !run->holders)
		return err;
	uk_vec_for_each(probe, &run->holders->probes) {
		uint64_t probe_len = uk_holder_probe_len(probe);
		char *holder = NULL;
		if (probe->ftrace || !overlaps(addr, len, probe->address, probe_len))
			continue;
		err = uk_strdup(probe->name, &holder);
		err = add_held(ret, probe->address, probe_len, err, holder);
		if (err)
			return err;
	}
	return NULL;
}

void uk_held_list_deinit(struct uk_held_list *list)
{
	uk_vec_for_each(held, &list->ranges)
		free(held->holder);
	uk_vec_deinit(&list->ranges);
}

/* Names that kallsyms gives to ftrace's entries and to trampolines made at run time. */
static bool is_tracer_name(const struct uk_kallsym *symbol, uint64_t target)
{
	static const char *const entries[] = { "ftrace_caller", "ftrace_regs_caller", "ftrace_stub",
					       "ftrace_stub_graph" };
	for (unsigned int i = 0; i < UK_ARRAY_SIZE(entries); i++)
		if (symbol->address == target && !strcmp(symbol->name, entries[i]))
			return true;
	return !strcmp(symbol->module, "__builtin__ftrace") ||
	       (!strcmp(symbol->module, "bpf") && uk_str_starts(symbol->name, "bpf_trampoline_"));
}

bool uk_run_is_tracer(const struct uk_run *run, uint64_t site, uint64_t target)
{
	if (!run->memory->live)
		return false;
	const struct uk_kallsym *symbol = uk_kallsyms_at(run->kallsyms, target);
	if (symbol && is_tracer_name(symbol, target))
		return true;
	/* A site stands at its function's first instruction or behind an endbr64. */
	for (uint64_t start = site; run->holders && start + 4 >= site; start -= 4) {
		const struct uk_kallsym *function = uk_kallsyms_at(run->kallsyms, start);
		if (!function || function->address != start)
			continue;
		uint64_t address = function->address;
		uk_vec_for_each(traced, &run->holders->traced)
			if (uk_kallsyms_has(run->kallsyms, traced->function, traced->module,
					    address))
				return true;
	}
	return false;
}
