// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of section kinds. Names: include/asm-generic/vmlinux.lds.h of 6.1 and 6.12. */
#include "diff/sections.h"

#include "base/strbuf.h"

#include <string.h>

/* The first row that fits decides; a name that ends with '*' is a prefix. */
static const struct {
	const char *name;
	enum uk_section_kind kind;
} section_kinds[] = {
	{ ".altinstr_replacement", UK_SECTION_REPLACEMENT },
	{ ".altinstr_aux", UK_SECTION_HELPER },
	{ ".static_call.text", UK_SECTION_TRAMPOLINE },
	{ ".init.text*", UK_SECTION_INIT_TEXT },
	{ ".meminit.text", UK_SECTION_TEXT },
	{ ".exit.text*", UK_SECTION_EXIT_TEXT },
	{ ".text*", UK_SECTION_TEXT },
	{ ".sched.text*", UK_SECTION_TEXT },
	{ ".spinlock.text*", UK_SECTION_TEXT },
	{ ".cpuidle.text*", UK_SECTION_TEXT },
	{ ".kprobes.text*", UK_SECTION_TEXT },
	{ ".irqentry.text*", UK_SECTION_TEXT },
	{ ".softirqentry.text*", UK_SECTION_TEXT },
	{ ".noinstr.text*", UK_SECTION_TEXT },
	{ ".ref.text*", UK_SECTION_TEXT },

	{ ".orc_*", UK_SECTION_OBJTOOL },
	{ ".return_sites", UK_SECTION_OBJTOOL },
	{ ".retpoline_sites", UK_SECTION_OBJTOOL },
	{ ".static_call_sites", UK_SECTION_OBJTOOL },
	{ ".call_sites", UK_SECTION_OBJTOOL },
	{ ".ibt_endbr_seal", UK_SECTION_OBJTOOL },
	{ ".cfi_sites", UK_SECTION_OBJTOOL },

	{ ".discard.addressable", UK_SECTION_IGNORED },
	{ ".discard.ksym", UK_SECTION_IGNORED },
	{ ".discard", UK_SECTION_IGNORED },
	{ "__patchable_function_entries", UK_SECTION_IGNORED },
	{ ".debug_*", UK_SECTION_IGNORED },
	{ ".comment", UK_SECTION_IGNORED },
	{ ".modinfo", UK_SECTION_IGNORED },
	{ ".note.GNU-stack", UK_SECTION_VERBATIM },
	{ ".note.gnu.property", UK_SECTION_VERBATIM },

	{ "__dyndbg", UK_SECTION_DESCRIPTOR },

	{ ".initcall*", UK_SECTION_REGISTRATION },
	{ ".con_initcall.init", UK_SECTION_REGISTRATION },
	{ ".exitcall.exit", UK_SECTION_REGISTRATION },
	{ ".init.setup", UK_SECTION_REGISTRATION },
	{ "__param", UK_SECTION_REGISTRATION },
	{ "__modver", UK_SECTION_REGISTRATION },
	{ "__earlycon_table", UK_SECTION_REGISTRATION },
	{ "__*_of_table", UK_SECTION_REGISTRATION },
	{ "__*_acpi_probe_table", UK_SECTION_REGISTRATION },
	{ ".lsm_info.init", UK_SECTION_REGISTRATION },
	{ ".early_lsm_info.init", UK_SECTION_REGISTRATION },
	{ ".apicdrivers", UK_SECTION_REGISTRATION },
	{ ".x86_cpu_dev.init", UK_SECTION_REGISTRATION },
	{ ".pci_fixup*", UK_SECTION_REGISTRATION },
	{ ".builtin_fw", UK_SECTION_REGISTRATION },
	{ ".printk_index", UK_SECTION_REGISTRATION },
	{ ".static_call_tramp_key", UK_SECTION_REGISTRATION },
	{ "_ftrace_events", UK_SECTION_REGISTRATION },
	{ "_ftrace_eval_map", UK_SECTION_REGISTRATION },
	{ "__tracepoints", UK_SECTION_REGISTRATION },
	{ "__tracepoints_ptrs", UK_SECTION_REGISTRATION },
	{ "__tracepoints_strings", UK_SECTION_REGISTRATION },
	{ "__tracepoint_str", UK_SECTION_REGISTRATION },
	{ "__trace_printk_fmt", UK_SECTION_REGISTRATION },
	{ "__syscalls_metadata", UK_SECTION_REGISTRATION },
	{ "__bpf_raw_tp_map", UK_SECTION_REGISTRATION },
	{ "__dyndbg_classes", UK_SECTION_REGISTRATION },
	{ "___srcu_struct_ptrs", UK_SECTION_REGISTRATION },
	{ "_error_injection_whitelist", UK_SECTION_REGISTRATION },
	{ ".BTF_ids", UK_SECTION_REGISTRATION },
	{ ".note.*", UK_SECTION_REGISTRATION },

	{ "___ksymtab*", UK_SECTION_EXPORT },
	{ "__ksymtab_strings", UK_SECTION_EXPORT },
	{ "___kcrctab*", UK_SECTION_EXPORT },
	{ ".export_symbol", UK_SECTION_EXPORT },

	{ ".init.*", UK_SECTION_INIT_DATA },
	{ ".meminit.*", UK_SECTION_DATA },
	{ ".exit.*", UK_SECTION_EXIT_DATA },
	{ ".data..percpu*", UK_SECTION_PERCPU },
	{ ".data.rel.ro*", UK_SECTION_RODATA },
	{ ".data*", UK_SECTION_DATA },
	{ ".bss*", UK_SECTION_DATA },
	{ ".ref.data*", UK_SECTION_DATA },
	{ ".ref.rodata*", UK_SECTION_RODATA },
	{ ".rodata*", UK_SECTION_RODATA },
	{ "__*_sched_class", UK_SECTION_RODATA },
};

/*
 * Layouts: struct bug_entry, exception_table_entry, jump_entry, alt_instr (12 bytes in 6.1,
 * 14 in 6.12), paravirt_patch_site (6.1 only). What objtool reads (.discard.*) begins with
 * the address that it speaks of.
 */
static const struct uk_table_kind table_kinds[] = {
	{ .name = "__bug_table", .relocs = 2, .sizes = { 12 }, .ignore = 8, .ignore_len = 2 },
	{ .name = "__ex_table", .relocs = 2, .sizes = { 12 } },
	{ .name = "__jump_table", .relocs = 3, .sizes = { 16 } },
	{ .name = ".altinstructions", .relocs = 2, .sizes = { 12, 14 } },
	{ .name = ".parainstructions", .relocs = 1, .sizes = { 16 } },
	{ .name = ".smp_locks", .relocs = 1, .sizes = { 4 } },
	{ .name = "__mcount_loc", .relocs = 1, .sizes = { 8 } },
	{ .name = "_kprobe_blacklist", .relocs = 1, .sizes = { 8 } },
	{ .name = "runtime_ptr_*", .relocs = 1, .sizes = { 4 }, .drop = true },
	{ .name = "runtime_shift_*", .relocs = 1, .sizes = { 4 }, .drop = true },
	{ .name = ".discard.reachable", .relocs = 1, .behind = true },
	{ .name = ".discard.unreachable", .relocs = 1, .behind = true },
	{ .name = ".discard.*", .relocs = 1 },
};

/* A '*' stands for any text; there is one at most. */
static bool name_fits(const char *name, const char *pattern)
{
	const char *star = strchr(pattern, '*');
	if (!star)
		return strcmp(name, pattern) == 0;
	size_t head = (size_t)(star - pattern), tail = strlen(star + 1);
	return strlen(name) >= head + tail && strncmp(name, pattern, head) == 0 &&
	       uk_str_ends(name, star + 1);
}

const struct uk_table_kind *uk_table_kind_of(const struct uk_section *section)
{
	if (uk_section_kind_of(section) != UK_SECTION_TABLE)
		return NULL;
	for (size_t i = 0; i < UK_ARRAY_SIZE(table_kinds); i++)
		if (name_fits(section->name, table_kinds[i].name))
			return &table_kinds[i];
	return NULL;
}

static bool is_table(const struct uk_section *section)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(table_kinds); i++)
		if (name_fits(section->name, table_kinds[i].name))
			return true;
	return false;
}

/* A read-only section called .data... is still data of the running kernel. */
static enum uk_section_kind kind_by_flags(const struct uk_section *section,
					  enum uk_section_kind kind)
{
	bool readable = kind == UK_SECTION_RODATA;
	if (readable && (section->flags & SHF_MERGE) && !(section->flags & SHF_WRITE))
		return UK_SECTION_LITERAL;
	bool code = (section->flags & SHF_EXECINSTR) != 0;
	if (code != uk_section_kind_is_code(kind) && section->size)
		return UK_SECTION_UNKNOWN;
	return kind;
}

enum uk_section_kind uk_section_kind_of(const struct uk_section *section)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(section_kinds); i++)
		if (name_fits(section->name, section_kinds[i].name))
			return kind_by_flags(section, section_kinds[i].kind);
	return is_table(section) ? UK_SECTION_TABLE : UK_SECTION_UNKNOWN;
}

/* EXPORT_SYMBOL leaves a local symbol: __ksymtab_NAME in 6.1, __export_symbol_NAME in 6.12. */
const char *uk_exported_name(const struct uk_symbol *symbol)
{
	static const char *const prefixes[] = { "__ksymtab_", "__export_symbol_" };
	if (symbol->place != UK_SYMBOL_DEFINED || symbol->type == STT_SECTION ||
	    uk_section_kind_of(symbol->section) != UK_SECTION_EXPORT)
		return NULL;
	for (size_t i = 0; i < UK_ARRAY_SIZE(prefixes); i++)
		if (uk_str_starts(symbol->name, prefixes[i]))
			return symbol->name + strlen(prefixes[i]);
	return NULL;
}
