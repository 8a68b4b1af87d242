// SPDX-License-Identifier: GPL-2.0-or-later
/* What may stand at a site: one check for each class. */
#include "match/fragment.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "match/nops.h"

#include <stdio.h>

enum {
	CALL = 0xe8,
	JMP32 = 0xe9,
	JMP8 = 0xeb,
	RET = 0xc3,
	INT3 = 0xcc,
	NOP = 0x90,
	LOCK = 0xf0,
	DS_PREFIX = 0x3e,
	CS_PREFIX = 0x2e,
	BRANCH_LEN = 5,
	JMP8_LEN = 2,
	REGISTERS_PLAIN = 8, /* registers from r8 on need a REX prefix */
};

static const uint8_t return_now[] = { RET, INT3, INT3, INT3, INT3 };
static const uint8_t return_zero[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 }; /* xor %eax, %eax */

/* Everything that a class check looks at. */
struct place {
	struct uk_walk *walk;
	struct uk_fragment *fragment;
	const struct uk_site *site;
	const uint8_t *orig, *memory;
	uint64_t addr;
};

static bool as_compiled(const struct place *place)
{
	return uk_fragment_bytes(place->walk, place->fragment, place->site->offset,
				 place->site->offset + place->site->len);
}

static bool explained(const struct place *place)
{
	return uk_walk_explain(place->walk, place->site->class);
}

/* Target of the call or jump whose 32-bit displacement ends at @end of the site. */
static uint64_t branch_target(const struct place *place, uint64_t end)
{
	return place->addr + end + (uint64_t)(int64_t)uk_get_s32(place->memory + end - 4);
}

static bool is_named(const struct place *place, const char *name, uint64_t addr)
{
	return uk_kallsyms_has(place->walk->run->kallsyms, name, "vmlinux", addr);
}

static bool is_return_thunk(const struct place *place, uint64_t addr)
{
	static const char *const names[] = { "__x86_return_thunk",    "its_return_thunk",
					     "srso_return_thunk",     "srso_alias_return_thunk",
					     "retbleed_return_thunk", "call_depth_return_thunk" };
	for (unsigned int i = 0; i < UK_ARRAY_SIZE(names); i++)
		if (is_named(place, names[i], addr))
			return true;
	return false;
}

static bool check_return(const struct place *place)
{
	if (!memcmp(place->memory, return_now, sizeof(return_now)))
		return explained(place);
	if (place->memory[0] != JMP32)
		return false;
	uint64_t target = branch_target(place, BRANCH_LEN);
	if (!is_return_thunk(place, target))
		return false;
	return is_named(place, "__x86_return_thunk", target) || explained(place);
}

/* An indirect jump through the register and nothing else: a thunk made at run time for ITS. */
static bool is_jump_through(const struct place *place, uint64_t addr)
{
	unsigned int reg = place->site->reg;
	uint8_t code[3];
	if (!uk_run_read(place->walk->run, addr, code, sizeof(code)))
		return false;
	if (reg >= REGISTERS_PLAIN)
		return code[0] == 0x41 && code[1] == 0xff && code[2] == 0xe0 + reg - 8;
	return code[0] == 0xff && code[1] == 0xe0 + reg;
}

static bool is_retpoline_thunk(const struct place *place, uint64_t addr, bool call)
{
	enum { THUNK_SIZE = 32 };
	static const char *const registers[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp",
						 "rsi", "rdi", "r8",  "r9",  "r10", "r11",
						 "r12", "r13", "r14", "r15" };
	const char *const kinds[] = { "", call ? "call_" : "jump_" };
	unsigned int reg = place->site->reg;
	for (unsigned int i = 0; i < UK_ARRAY_SIZE(kinds); i++) {
		char name[64];
		snprintf(name, sizeof(name), "__x86_indirect_%sthunk_%s", kinds[i], registers[reg]);
		if (is_named(place, name, addr))
			return true;
		snprintf(name, sizeof(name), "__x86_indirect_%sthunk_array", kinds[i]);
		if (is_named(place, name, addr - (uint64_t)THUNK_SIZE * reg))
			return true;
	}
	return is_jump_through(place, addr);
}

/* [lfence] call/jmp *%reg, an int3 behind a jump if there is room, nops. */
static bool is_indirect_branch(const struct place *place, bool call)
{
	static const uint8_t lfence[] = { 0x0f, 0xae, 0xe8 };
	const uint8_t *at = place->memory, *end = at + place->site->len;
	unsigned int reg = place->site->reg;
	if (!memcmp(at, lfence, sizeof(lfence)))
		at += sizeof(lfence);
	if (reg >= REGISTERS_PLAIN && *at++ != 0x41)
		return false;
	if (end - at < 2 || at[0] != 0xff || at[1] != (call ? 0xd0 : 0xe0) + reg % REGISTERS_PLAIN)
		return false;
	at += 2;
	if (!call && at < end && *at++ != INT3)
		return false;
	return uk_nops_fill(at, (size_t)(end - at), false);
}

static bool check_retpoline(const struct place *place)
{
	uint64_t len = place->site->len;
	uint8_t opcode = place->orig[len - BRANCH_LEN];
	bool call = opcode == CALL;
	if (place->memory[len - BRANCH_LEN] == opcode &&
	    (len == BRANCH_LEN || place->memory[0] == CS_PREFIX) &&
	    is_retpoline_thunk(place, branch_target(place, len), call))
		return true;
	return is_indirect_branch(place, call) && explained(place);
}

/* A call through pv_ops became a direct call of what the slot holds, or nothing. */
static bool check_paravirt(const struct place *place)
{
	const struct uk_run *run = place->walk->run;
	uint64_t len = place->site->len, function;
	if (place->memory[0] == 0xff)
		return as_compiled(place);
	if (!run->memory->live || !run->pv_ops ||
	    !uk_run_read_u64(run, run->pv_ops + 8 * (uint64_t)place->site->type, &function))
		return false;
	if (is_named(place, "_paravirt_nop", function))
		return uk_nops_fill(place->memory, len, false) && explained(place);
	return len >= BRANCH_LEN && place->memory[0] == CALL &&
	       branch_target(place, BRANCH_LEN) == function &&
	       uk_nops_fill(place->memory + BRANCH_LEN, len - BRANCH_LEN, false) &&
	       explained(place);
}

/* A nop, or a jump to the entry's target; as long as it was compiled. */
static bool check_jump_label(const struct place *place)
{
	uint64_t len = place->site->len, target;
	if (uk_nop_len(place->memory, len) == len)
		return uk_nop_len(place->orig, len) == len || explained(place);
	if (len == JMP8_LEN && place->memory[0] == JMP8)
		target = place->addr + len + (uint64_t)(int64_t)(int8_t)place->memory[1];
	else if (len == BRANCH_LEN && place->memory[0] == JMP32)
		target = branch_target(place, len);
	else
		return false;
	if (uk_nop_len(place->orig, len) == len)
		explained(place);
	return uk_walk_use(place->walk, place->fragment,
			   (struct uk_use){ .symbol = place->site->symbol,
					    .addend = place->site->addend,
					    .value = target - (uint64_t)place->site->addend,
					    .target = target,
					    .offset = place->site->offset,
					    .len = (uint8_t)len });
}

/* Whether a static call of this name now leads to @function (0: to nothing). */
static bool is_key_value(const struct place *place, uint64_t function)
{
	char name[256];
	if (snprintf(name, sizeof(name), "__SCK__%s", place->site->name) >= (int)sizeof(name))
		return false;
	uk_kallsyms_for_each(key, place->walk->run->kallsyms, name) {
		uint64_t value;
		if (uk_run_read_u64(place->walk->run, key->address, &value) && value == function)
			return true;
	}
	return false;
}

static bool is_return_zero(const struct place *place)
{
	uint64_t function = uk_kallsyms_unique(place->walk->run->kallsyms, "__static_call_return0");
	return function && is_key_value(place, function);
}

/* A tail call of nothing: a return, in one of its two forms. */
static bool is_null_tail(const struct place *place)
{
	bool returns = !memcmp(place->memory, return_now, sizeof(return_now)) ||
		       (place->memory[0] == JMP32 &&
			is_return_thunk(place, branch_target(place, BRANCH_LEN)));
	return returns && is_key_value(place, 0);
}

static bool check_static_call(const struct place *place)
{
	uint64_t len = place->site->len;
	uint8_t opcode = place->orig[0];
	bool conditional = opcode == 0x0f;
	if (place->memory[0] == opcode && (!conditional || place->memory[1] == place->orig[1])) {
		uint64_t target = branch_target(place, len);
		if (opcode == CALL)
			target = uk_run_call_target(place->walk->run, target);
		if (is_key_value(place, target))
			return explained(place);
		if (conditional && is_key_value(place, 0) &&
		    (is_return_thunk(place, target) ||
		     is_named(place, "__static_call_return", target)))
			return explained(place);
		if (opcode == JMP32 && is_null_tail(place))
			return explained(place);
		return as_compiled(place);
	}
	if (opcode == JMP32)
		return is_null_tail(place) && explained(place);
	if (opcode != CALL)
		return false;
	if (uk_nop_len(place->memory, BRANCH_LEN) == BRANCH_LEN)
		return is_key_value(place, 0) && explained(place);
	return !memcmp(place->memory, return_zero, sizeof(return_zero)) && is_return_zero(place) &&
	       explained(place);
}

static bool check_trampoline(const struct place *place)
{
	uint64_t tail = place->site->len - BRANCH_LEN;
	if (memcmp(place->memory + BRANCH_LEN, place->orig + BRANCH_LEN, tail) != 0)
		return false;
	if (place->memory[0] == JMP32 && is_key_value(place, branch_target(place, BRANCH_LEN)))
		return explained(place);
	if (is_null_tail(place))
		return explained(place);
	return as_compiled(place);
}

/* Untraced: a nop. Traced: a call to the tracer. Never reached by ftrace: as compiled. */
static bool check_fentry(const struct place *place)
{
	if (uk_nop_len(place->memory, BRANCH_LEN) == BRANCH_LEN)
		return explained(place);
	if (place->memory[0] != CALL)
		return false;
	uint64_t target = branch_target(place, BRANCH_LEN);
	if (is_named(place, "__fentry__", target))
		return true;
	return uk_run_is_tracer(place->walk->run, place->addr, target) && explained(place);
}

static bool check_lock(const struct place *place)
{
	if (place->orig[0] != LOCK)
		return false;
	return place->memory[0] == LOCK || (place->memory[0] == DS_PREFIX && explained(place));
}

static bool check_endbr(const struct place *place)
{
	static const uint8_t sealed[] = { 0x66, 0x0f, 0x1f, 0x00 };
	if (!memcmp(place->memory, place->orig, place->site->len))
		return true;
	return !memcmp(place->memory, sealed, sizeof(sealed)) && explained(place);
}

/* Both kinds: as many bytes of the variable as the site has. */
static bool check_runtime_const(const struct place *place)
{
	uint8_t value[8];
	uint64_t len = place->site->len;
	if (!memcmp(place->memory, place->orig, len))
		return true;
	uint64_t variable = uk_kallsyms_unique(place->walk->run->kallsyms, place->site->name);
	return variable && uk_run_read(place->walk->run, variable, value, len) &&
	       !memcmp(place->memory, value, len) && explained(place);
}

static bool check_call_padding(const struct place *place)
{
	uint64_t len = place->site->len;
	if (!memcmp(place->memory, place->orig, len))
		return true;
	uint64_t start = len - UK_ACCOUNTING_LEN;
	return !memcmp(place->memory, place->orig, start) &&
	       uk_run_is_accounting(place->walk->run, place->memory + start, place->addr + start) &&
	       explained(place);
}

static bool check_ftrace_call(const struct place *place)
{
	return place->memory[0] == CALL && explained(place);
}

bool uk_fragment_site(struct uk_walk *walk, struct uk_fragment *fragment,
		      const struct uk_site *site, size_t index)
{
	typedef bool check_fn(const struct place *place);
	static check_fn *const checks[UK_SITE_CLASSES] = {
		[UK_SITE_TRAMPOLINE] = check_trampoline,
		[UK_SITE_PARAVIRT] = check_paravirt,
		[UK_SITE_RETPOLINE] = check_retpoline,
		[UK_SITE_RETURN] = check_return,
		[UK_SITE_JUMP_LABEL] = check_jump_label,
		[UK_SITE_STATIC_CALL] = check_static_call,
		[UK_SITE_FENTRY] = check_fentry,
		[UK_SITE_LOCK] = check_lock,
		[UK_SITE_ENDBR] = check_endbr,
		[UK_SITE_RUNTIME_PTR] = check_runtime_const,
		[UK_SITE_RUNTIME_SHIFT] = check_runtime_const,
		[UK_SITE_CALL_PADDING] = check_call_padding,
		[UK_SITE_FTRACE_CALL] = check_ftrace_call,
	};
	if (site->class == UK_SITE_ALTERNATIVE)
		return uk_fragment_alternative(walk, fragment, site, index);
	struct place place = {
		.walk = walk,
		.fragment = fragment,
		.site = site,
		.orig = fragment->section->data + site->offset,
		.memory = uk_fragment_memory(fragment, site->offset),
		.addr = uk_fragment_addr(fragment, site->offset),
	};
	return checks[site->class](&place);
}
