// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing code with memory: what each class of site accepts, and what it does not. */
/* rooms: match elf base */
#include "match_sample.h"

#define FUNC 0xffffffff81100000ul
#define OTHER 0xffffffff81110000ul
#define THUNK 0xffffffff81120000ul
#define KEY 0xffffffff82000000ul

static struct sample s;

static void start(uk_version version)
{
	sample_init(&s, version, true);
}

static void stop(void)
{
	sample_deinit(&s);
}

#define same(...) ck_assert(sample_explains(&s, BYTES(__VA_ARGS__), NULL))
#define other(...) ck_assert(!sample_explains(&s, BYTES(__VA_ARGS__), NULL))

/* Memory that begins with a branch and goes on with other bytes. */
static bool explains_branch(uint8_t opcode, uint64_t target, const uint8_t *rest, size_t len)
{
	uint8_t code[64] = {};
	sample_branch(code, opcode, TEXT_ADDR, target);
	if (len)
		memcpy(code + 5, rest, len);
	return sample_explains(&s, code, 5 + len, NULL);
}

START_TEST(plain_bytes_must_be_equal)
{
	start(6001);
	sample_text(&s, BYTES(0x53, 0x5b, 0xc3));
	sample_symbol(&s, "f", STT_FUNC, STB_GLOBAL, s.text, 0, 3);
	sample_start(&s);
	struct uk_comparison comparison;
	same(0x53, 0x5b, 0xc3);
	ck_assert(!sample_explains(&s, BYTES(0x53, 0x5f, 0xc3), &comparison));
	ck_assert_uint_eq(comparison.mismatch.offset, 1);
	ck_assert_uint_eq(comparison.mismatch.expected[0], 0x5b);
	ck_assert_uint_eq(comparison.mismatch.memory[0], 0x5f);
	ck_assert_uint_eq(comparison.mismatch.len, 2);
	uk_comparison_deinit(&comparison);
	stop();
}
END_TEST

START_TEST(relocations_yield_addresses)
{
	start(6001);
	/* call f; mov $g, %rdi; movabs $h, %rax; mov $i, %eax */
	sample_text(&s, BYTES(0xe8, 0, 0, 0, 0, 0x48, 0xc7, 0xc7, 0, 0, 0, 0, 0x48, 0xb8, 0, 0, 0,
			      0, 0, 0, 0, 0, 0xb8, 0, 0, 0, 0));
	sample_reloc(s.text, 1, R_X86_64_PLT32, sample_undefined(&s, "f"), -4);
	sample_reloc(s.text, 8, R_X86_64_32S, sample_undefined(&s, "g"), 16);
	sample_reloc(s.text, 14, R_X86_64_64, sample_undefined(&s, "h"), 0);
	sample_reloc(s.text, 23, R_X86_64_32, sample_undefined(&s, "i"), 1);
	sample_start(&s);
	uint8_t code[27];
	memcpy(code, s.text->data, sizeof(code));
	sample_branch(code, 0xe8, TEXT_ADDR, FUNC);
	uk_put_u32(code + 8, (uint32_t)(KEY + 16));
	uk_put_u64(code + 14, 0x1122334455667788);
	uk_put_u32(code + 23, 0x80000001);
	struct uk_comparison comparison;
	ck_assert(sample_explains(&s, code, sizeof(code), &comparison));
	ck_assert_uint_eq(comparison.uses.len, 4);
	ck_assert_uint_eq(comparison.uses.data[0].value, FUNC);
	ck_assert_uint_eq(comparison.uses.data[1].value, KEY);
	ck_assert_uint_eq(comparison.uses.data[2].value, 0x1122334455667788);
	ck_assert_uint_eq(comparison.uses.data[3].value, 0x80000000);
	uk_comparison_deinit(&comparison);
	stop();
}
END_TEST

START_TEST(unknown_relocations_are_refused)
{
	start(6001);
	sample_text(&s, BYTES(0xe8, 0, 0, 0, 0));
	sample_reloc(s.text, 1, R_X86_64_TPOFF32, sample_undefined(&s, "f"), -4);
	sample_start(&s);
	other(0xe8, 0, 0, 0, 0);
	stop();
}
END_TEST

START_TEST(fentry_is_a_nop_or_a_known_tracer)
{
	start(6001);
	sample_text(&s, BYTES(0xe8, 0, 0, 0, 0));
	sample_reloc(s.text, 1, R_X86_64_PLT32, sample_undefined(&s, "__fentry__"), -4);
	sample_known(&s, "__fentry__", FUNC, 'T', NULL);
	sample_known(&s, "ftrace_caller", OTHER, 'T', NULL);
	sample_known(&s, "ftrace_trampoline", 0xffffffffc0001000, 't', "__builtin__ftrace");
	sample_known(&s, "bpf_trampoline_1", 0xffffffffc0002000, 't', "bpf");
	sample_known(&s, "traced", TEXT_ADDR, 'T', NULL);
	sample_known(&s, "elsewhere", 0xffffffffc0003000, 't', "mod");
	sample_start(&s);
	same(0x0f, 0x1f, 0x44, 0, 0);
	other(0x0f, 0x1f, 0x44, 0, 1);
	other(0xe9, 0, 0, 0, 0);
	ck_assert(explains_branch(0xe8, FUNC, NULL, 0));
	ck_assert(explains_branch(0xe8, OTHER, NULL, 0));
	ck_assert(!explains_branch(0xe8, OTHER + 1, NULL, 0));
	ck_assert(explains_branch(0xe8, 0xffffffffc0001040, NULL, 0));
	ck_assert(explains_branch(0xe8, 0xffffffffc0002040, NULL, 0));
	ck_assert(!explains_branch(0xe8, 0xffffffffc0003000, NULL, 0));
	/* ftrace's own word for it. */
	struct uk_holder_traced traced = { strdup("traced"), strdup("vmlinux"), strdup("(1)") };
	ck_assert(uk_vec_push(&s.holders->traced, traced));
	ck_assert(explains_branch(0xe8, 0xffffffffc0003000, NULL, 0));
	/* An image is not traced. */
	s.memory->live = false;
	ck_assert(!explains_branch(0xe8, OTHER, NULL, 0));
	stop();
}
END_TEST

START_TEST(returns_are_returns)
{
	start(6001);
	sample_text(&s, BYTES(0xe9, 0, 0, 0, 0));
	sample_reloc(s.text, 1, R_X86_64_PLT32, sample_undefined(&s, "__x86_return_thunk"), -4);
	sample_known(&s, "__x86_return_thunk", FUNC, 'T', NULL);
	sample_known(&s, "its_return_thunk", FUNC + 64, 'T', NULL);
	sample_known(&s, "srso_return_thunk", FUNC + 128, 'T', NULL);
	sample_known(&s, "f", OTHER, 'T', NULL);
	sample_start(&s);
	same(0xc3, 0xcc, 0xcc, 0xcc, 0xcc);
	other(0xc3, 0xcc, 0xcc, 0xcc, 0x90);
	other(0xc2, 0xcc, 0xcc, 0xcc, 0xcc);
	ck_assert(explains_branch(0xe9, FUNC, NULL, 0));
	ck_assert(explains_branch(0xe9, FUNC + 64, NULL, 0));
	ck_assert(explains_branch(0xe9, FUNC + 128, NULL, 0));
	ck_assert(!explains_branch(0xe9, FUNC + 65, NULL, 0));
	ck_assert(!explains_branch(0xe9, OTHER, NULL, 0));
	ck_assert(!explains_branch(0xe8, FUNC, NULL, 0));
	stop();
}
END_TEST

static void retpoline(const char *thunk, const uint8_t *code, size_t len, uint64_t field)
{
	start(6001);
	sample_text(&s, code, len);
	sample_reloc(s.text, field, R_X86_64_PLT32, sample_undefined(&s, thunk), -4);
	sample_known(&s, "__x86_indirect_thunk_rax", THUNK, 'T', NULL);
	sample_known(&s, "__x86_indirect_thunk_rcx", THUNK + 32, 'T', NULL);
	sample_known(&s, "__x86_indirect_thunk_r11", THUNK + 11 * 32, 'T', NULL);
	sample_known(&s, "__x86_indirect_call_thunk_rax", THUNK + 1024, 'T', NULL);
	sample_known(&s, "__x86_indirect_jump_thunk_rax", THUNK + 2048, 'T', NULL);
	sample_start(&s);
}

START_TEST(retpoline_calls_keep_their_register)
{
	retpoline("__x86_indirect_thunk_rax", BYTES(0xe8, 0, 0, 0, 0), 1);
	same(0xff, 0xd0, 0x0f, 0x1f, 0x00);
	same(0x0f, 0xae, 0xe8, 0xff, 0xd0);
	same(0xff, 0xd0, 0x90, 0x90, 0x90);
	other(0xff, 0xd1, 0x0f, 0x1f, 0x00); /* another register */
	other(0xff, 0xe0, 0x0f, 0x1f, 0x00); /* a jump */
	other(0xff, 0xd0, 0x0f, 0x1f, 0x40); /* no nop */
	ck_assert(explains_branch(0xe8, THUNK, NULL, 0));
	ck_assert(explains_branch(0xe8, THUNK + 1024, NULL, 0));
	ck_assert(!explains_branch(0xe8, THUNK + 2048, NULL, 0));
	ck_assert(!explains_branch(0xe8, THUNK + 32, NULL, 0));
	/* A thunk made at run time: told by its code. */
	sample_memory(&s, OTHER, BYTES(0xff, 0xe0, 0xcc));
	sample_memory(&s, OTHER + 64, BYTES(0xff, 0xe1, 0xcc));
	ck_assert(explains_branch(0xe8, OTHER, NULL, 0));
	ck_assert(!explains_branch(0xe8, OTHER + 64, NULL, 0));
	stop();
}
END_TEST

START_TEST(retpoline_jumps_with_a_prefix)
{
	retpoline("__x86_indirect_thunk_r11", BYTES(0x2e, 0xe9, 0, 0, 0, 0), 2);
	same(0x41, 0xff, 0xe3, 0xcc, 0x66, 0x90);
	same(0x0f, 0xae, 0xe8, 0x41, 0xff, 0xe3);
	other(0x41, 0xff, 0xe3, 0x90, 0x66, 0x90); /* no int3 behind the jump */
	other(0x41, 0xff, 0xe2, 0xcc, 0x66, 0x90);
	other(0x41, 0xff, 0xd3, 0xcc, 0x66, 0x90);
	uint8_t code[6] = { 0x2e };
	sample_branch(code + 1, 0xe9, TEXT_ADDR + 1, THUNK + 11 * 32);
	ck_assert(sample_explains(&s, code, 6, NULL));
	code[0] = 0x3e;
	ck_assert(!sample_explains(&s, code, 6, NULL));
	stop();
}
END_TEST

/* One alternative at the start of .text with up to two replacements. */
static struct uk_section *alternative(uk_version version, const uint8_t *orig, size_t len,
				      const uint8_t *first, size_t first_len, const uint8_t *second,
				      size_t second_len, uint16_t flags)
{
	start(version);
	sample_text(&s, orig, len);
	uint8_t both[64], table[28] = {};
	size_t size = version >= 6003 ? 14 : 12;
	memcpy(both, first, first_len);
	if (second_len)
		memcpy(both + first_len, second, second_len);
	struct uk_section *code =
		sample_section(&s, ".altinstr_replacement", SHF_EXECINSTR, both,
			       first_len + second_len ? first_len + second_len : 1);
	for (size_t i = 0; i < 2; i++) {
		uint8_t *entry = table + i * size;
		if (size == 14)
			entry[10] = (uint8_t)flags;
		entry[size - 2] = (uint8_t)len;
		entry[size - 1] = (uint8_t)(i ? second_len : first_len);
	}
	size_t nr = second ? 2 : 1;
	struct uk_section *list = sample_section(&s, ".altinstructions", 0, table, nr * size);
	for (size_t i = 0; i < nr; i++) {
		sample_pointer(&s, list, i * size, R_X86_64_PC32, s.text, 0);
		sample_pointer(&s, list, i * size + 4, R_X86_64_PC32, code,
			       i ? (int64_t)first_len : 0);
	}
	return code;
}

START_TEST(alternatives_are_original_or_replacement)
{
	/* mov %eax, %ebx; nops / xor %eax, %eax (2) / lfence; nop (4) */
	alternative(6001, BYTES(0x89, 0xc3, 0x90, 0x90, 0x90, 0x90), BYTES(0x31, 0xc0),
		    BYTES(0x0f, 0xae, 0xe8, 0x90), 0);
	sample_start(&s);
	same(0x89, 0xc3, 0x90, 0x90, 0x90, 0x90);
	same(0x89, 0xc3, 0x0f, 0x1f, 0x40, 0x00);
	same(0x31, 0xc0, 0x0f, 0x1f, 0x40, 0x00);
	same(0x0f, 0xae, 0xe8, 0x0f, 0x1f, 0x00);
	same(0x0f, 0xae, 0xe8, 0x90, 0x66, 0x90);
	other(0x89, 0xc1, 0x0f, 0x1f, 0x40, 0x00);
	other(0x31, 0xc0, 0x0f, 0x1f, 0x44, 0x00);
	other(0x0f, 0xae, 0xe8, 0xff, 0xff, 0xff);
	stop();
}
END_TEST

START_TEST(an_empty_replacement_is_nops)
{
	alternative(6012, BYTES(0x89, 0xc3, 0x89, 0xc3), BYTES(0x31, 0xc0), (const uint8_t *)"", 0,
		    0);
	sample_start(&s);
	same(0x0f, 0x1f, 0x40, 0x00);
	same(0x89, 0xc3, 0x89, 0xc3);
	same(0x31, 0xc0, 0x66, 0x90);
	other(0x0f, 0x1f, 0x40, 0x01);
	stop();
}
END_TEST

static const uint8_t twenty_nops[20] = {
	0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
	0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90
};

START_TEST(long_padding_becomes_a_jump_from_6_5_on)
{
	uint8_t jump[20] = { 0xeb, 18 };
	memset(jump + 2, 0xcc, 18);
	alternative(6012, twenty_nops, 20, BYTES(0x31, 0xc0), NULL, 0, 0);
	sample_start(&s);
	ck_assert(sample_explains(&s, jump, 20, NULL));
	jump[1] = 17;
	ck_assert(!sample_explains(&s, jump, 20, NULL));
	jump[1] = 18;
	jump[19] = 0x90;
	ck_assert(!sample_explains(&s, jump, 20, NULL));
	stop();
	alternative(6001, twenty_nops, 20, BYTES(0x31, 0xc0), NULL, 0, 0);
	sample_start(&s);
	jump[19] = 0xcc;
	ck_assert(!sample_explains(&s, jump, 20, NULL));
	stop();
}
END_TEST

static bool explains_short(uint8_t displacement, const uint8_t filler[3])
{
	const uint8_t code[] = { 0xeb, displacement, filler[0], filler[1], filler[2] };
	return sample_explains(&s, code, sizeof(code), NULL);
}

/* A replacement that jumps to the function's own code, 16 bytes behind the site. */
static void short_jump(uk_version version)
{
	uint8_t orig[32];
	memset(orig, 0x53, sizeof(orig));
	memset(orig, 0x90, 5);
	struct uk_section *code =
		alternative(version, orig, 5, BYTES(0xe9, 0, 0, 0, 0), NULL, 0, 0);
	sample_pointer(&s, code, 1, R_X86_64_PC32, s.text, 0);
	sample_start(&s);
}

START_TEST(jumps_become_short)
{
	static const uint8_t nop3[] = { 0x0f, 0x1f, 0x00 }, int3[] = { 0xcc, 0xcc, 0xcc };
	/* To .text + 4 (addend 0 means 4 bytes behind the field): 2 bytes behind the jump. */
	short_jump(6001);
	ck_assert(explains_short(2, nop3));
	ck_assert(!explains_short(3, nop3));
	ck_assert(!explains_short(2, int3));
	ck_assert(explains_branch(0xe9, TEXT_ADDR + 4, NULL, 0));
	ck_assert(!explains_branch(0xe9, TEXT_ADDR + 5, NULL, 0));
	stop();
	short_jump(6012);
	ck_assert(explains_short(2, int3));
	ck_assert(!explains_short(2, nop3));
	stop();
}
END_TEST

START_TEST(calls_of_replacements_are_moved)
{
	struct uk_section *code = alternative(6012, BYTES(0x90, 0x90, 0x90, 0x90, 0x90, 0x90),
					      BYTES(0xe8, 0, 0, 0, 0), NULL, 0, 0);
	sample_reloc(code, 1, R_X86_64_PLT32, sample_undefined(&s, "f"), -4);
	sample_known(&s, "f", FUNC, 'T', NULL);
	sample_known(&s, "g", OTHER, 'T', NULL);
	sample_start(&s);
	ck_assert(explains_branch(0xe8, FUNC, BYTES(0x90)));
	ck_assert(!explains_branch(0xe8, OTHER, BYTES(0x90)));
	ck_assert(!explains_branch(0xe8, FUNC, BYTES(0xcc)));
	stop();
}
END_TEST

START_TEST(direct_calls_follow_pv_ops)
{
	alternative(6012, BYTES(0xff, 0x15, 0, 0, 0, 0), BYTES(0xe8, 0, 0, 0, 0), NULL, 0, 2);
	sample_reloc(s.text, 2, R_X86_64_PC32, sample_undefined(&s, "pv_ops"), 12);
	uint8_t ops[64] = {};
	uk_put_u64(ops + 16, FUNC);
	sample_known(&s, "pv_ops", KEY, 'D', NULL);
	sample_known(&s, "nop_func", OTHER, 'T', NULL);
	sample_memory(&s, KEY, ops, sizeof(ops));
	sample_start(&s);
	ck_assert(explains_branch(0xe8, FUNC, BYTES(0x90)));
	ck_assert(!explains_branch(0xe8, OTHER, BYTES(0x90)));
	other(0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00);
	uk_put_u64(uk_memory_bytes(s.memory, KEY + 16, 8), OTHER);
	same(0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00);
	stop();
}
END_TEST

START_TEST(paravirtual_calls_follow_pv_ops)
{
	start(6001);
	sample_text(&s, BYTES(0xff, 0x15, 0, 0, 0, 0));
	sample_reloc(s.text, 2, R_X86_64_PC32, sample_undefined(&s, "pv_ops"), 12);
	uint8_t entry[16] = { [8] = 2, [9] = 6 };
	struct uk_section *list = sample_section(&s, ".parainstructions", 0, entry, 16);
	sample_pointer(&s, list, 0, R_X86_64_64, s.text, 0);
	uint8_t ops[64] = {};
	uk_put_u64(ops + 16, FUNC);
	sample_known(&s, "pv_ops", KEY, 'D', NULL);
	sample_known(&s, "_paravirt_nop", OTHER, 'T', NULL);
	sample_memory(&s, KEY, ops, sizeof(ops));
	sample_start(&s);
	ck_assert(explains_branch(0xe8, FUNC, BYTES(0x90)));
	ck_assert(!explains_branch(0xe8, FUNC + 1, BYTES(0x90)));
	ck_assert(!explains_branch(0xe8, FUNC, BYTES(0x91)));
	other(0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00);
	uk_put_u64(uk_memory_bytes(s.memory, KEY + 16, 8), OTHER);
	same(0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00);
	stop();
}
END_TEST

START_TEST(jump_labels_are_a_nop_or_the_exact_jump)
{
	start(6001);
	uint8_t orig[16] = { 0xeb, 0x0c };
	memset(orig + 2, 0x53, 14);
	sample_text(&s, orig, 16);
	uint8_t entry[16] = {};
	struct uk_section *list = sample_section(&s, "__jump_table", SHF_WRITE, entry, 16);
	sample_pointer(&s, list, 0, R_X86_64_PC32, s.text, 0);
	sample_pointer(&s, list, 4, R_X86_64_PC32, s.text, 14);
	sample_start(&s);
	struct uk_comparison comparison;
	uint8_t code[16];
	memcpy(code, orig, 16);
	ck_assert(sample_explains(&s, code, 16, &comparison));
	ck_assert_uint_eq(comparison.uses.len, 1);
	ck_assert_uint_eq(comparison.uses.data[0].value, TEXT_ADDR);
	uk_comparison_deinit(&comparison);
	code[1] = 0x0b; /* elsewhere: its use says another address, and place.c refuses that */
	ck_assert(sample_explains(&s, code, 16, &comparison));
	ck_assert_uint_eq(comparison.uses.data[0].value, TEXT_ADDR - 1);
	uk_comparison_deinit(&comparison);
	memcpy(code, (const uint8_t[]){ 0x66, 0x90 }, 2);
	ck_assert(sample_explains(&s, code, 16, NULL));
	memcpy(code, (const uint8_t[]){ 0x90, 0x90 }, 2);
	ck_assert(!sample_explains(&s, code, 16, NULL));
	stop();
}
END_TEST

static void static_call(uint8_t opcode, uint64_t value)
{
	start(6001);
	sample_text(&s, (const uint8_t[]){ opcode, 0, 0, 0, 0 }, 5);
	sample_reloc(s.text, 1, R_X86_64_PLT32, sample_undefined(&s, "__SCT__x"), -4);
	sample_known(&s, "__SCT__x", THUNK, 'T', NULL);
	sample_known(&s, "__static_call_return0", OTHER, 'T', NULL);
	sample_known(&s, "__x86_return_thunk", THUNK + 64, 'T', NULL);
	sample_variable(&s, "__SCK__x", KEY, value);
	sample_start(&s);
}

START_TEST(static_calls_follow_their_key)
{
	static_call(0xe8, FUNC);
	ck_assert(explains_branch(0xe8, FUNC, NULL, 0));
	ck_assert(!explains_branch(0xe9, FUNC, NULL, 0));
	other(0x0f, 0x1f, 0x44, 0x00, 0x00);
	other(0x2e, 0x2e, 0x2e, 0x31, 0xc0);
	/* Not rewritten: what it says of the trampoline is for place.c to judge. */
	struct uk_comparison comparison;
	uint8_t code[5];
	sample_branch(code, 0xe8, TEXT_ADDR, THUNK + 3);
	ck_assert(sample_explains(&s, code, 5, &comparison));
	ck_assert_uint_eq(comparison.uses.data[0].value, THUNK + 3);
	uk_comparison_deinit(&comparison);
	stop();
	static_call(0xe8, 0);
	same(0x0f, 0x1f, 0x44, 0x00, 0x00);
	other(0x2e, 0x2e, 0x2e, 0x31, 0xc0);
	stop();
	static_call(0xe8, OTHER);
	same(0x2e, 0x2e, 0x2e, 0x31, 0xc0);
	other(0x2e, 0x2e, 0x2e, 0x31, 0xc8);
	other(0x0f, 0x1f, 0x44, 0x00, 0x00);
	stop();
	static_call(0xe9, 0);
	same(0xc3, 0xcc, 0xcc, 0xcc, 0xcc);
	ck_assert(explains_branch(0xe9, THUNK + 64, NULL, 0));
	other(0x0f, 0x1f, 0x44, 0x00, 0x00);
	stop();
	static_call(0xe9, FUNC);
	other(0xc3, 0xcc, 0xcc, 0xcc, 0xcc);
	stop();
}
END_TEST

static void trampoline(uint64_t value)
{
	start(6001);
	s.text = sample_section(&s, ".static_call.text", SHF_EXECINSTR,
				BYTES(0xe9, 0, 0, 0, 0, 0x0f, 0xb9, 0xcc));
	sample_reloc(s.text, 1, R_X86_64_PC32, sample_undefined(&s, "f"), -4);
	sample_symbol(&s, "__SCT__x", STT_FUNC, STB_GLOBAL, s.text, 0, 8);
	sample_known(&s, "f", OTHER, 'T', NULL);
	sample_known(&s, "__x86_return_thunk", THUNK, 'T', NULL);
	sample_variable(&s, "__SCK__x", KEY, value);
	sample_start(&s);
}

START_TEST(trampolines_follow_their_key)
{
	static const uint8_t ud1[] = { 0x0f, 0xb9, 0xcc };
	trampoline(FUNC);
	ck_assert(explains_branch(0xe9, FUNC, ud1, 3));
	ck_assert(explains_branch(0xe9, OTHER, ud1, 3)); /* as compiled */
	ck_assert(!explains_branch(0xe9, FUNC, BYTES(0x0f, 0xb9, 0xcd)));
	other(0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0x0f, 0xb9, 0xcc);
	stop();
	trampoline(0);
	same(0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0x0f, 0xb9, 0xcc);
	ck_assert(explains_branch(0xe9, THUNK, ud1, 3));
	stop();
}
END_TEST

START_TEST(lock_prefixes)
{
	start(6001);
	sample_text(&s, BYTES(0xf0, 0xff, 0x00));
	uint8_t entry[4] = {};
	struct uk_section *list = sample_section(&s, ".smp_locks", 0, entry, 4);
	sample_pointer(&s, list, 0, R_X86_64_PC32, s.text, 0);
	sample_start(&s);
	same(0xf0, 0xff, 0x00);
	same(0x3e, 0xff, 0x00);
	other(0x90, 0xff, 0x00);
	other(0x3e, 0xff, 0x01);
	stop();
}
END_TEST

START_TEST(endbr_may_be_sealed)
{
	start(6012);
	sample_text(&s, BYTES(0xf3, 0x0f, 0x1e, 0xfa, 0xc3, 0xf3, 0x0f, 0x1e, 0xfa));
	sample_symbol(&s, "f", STT_FUNC, STB_GLOBAL, s.text, 0, 5);
	sample_start(&s);
	same(0xf3, 0x0f, 0x1e, 0xfa, 0xc3, 0xf3, 0x0f, 0x1e, 0xfa);
	same(0x66, 0x0f, 0x1f, 0x00, 0xc3, 0xf3, 0x0f, 0x1e, 0xfa);
	other(0x66, 0x0f, 0x1f, 0x40, 0xc3, 0xf3, 0x0f, 0x1e, 0xfa);
	/* Not at a function's start. */
	other(0xf3, 0x0f, 0x1e, 0xfa, 0xc3, 0x66, 0x0f, 0x1f, 0x00);
	stop();
}
END_TEST

START_TEST(runtime_constants_are_their_variables)
{
	start(6012);
	sample_text(&s, BYTES(0x48, 0xb8, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0xc1,
			      0xe8, 0x0c));
	uint8_t entry[4] = {};
	struct uk_section *ptr = sample_section(&s, "runtime_ptr_table", 0, entry, 4);
	struct uk_section *shift = sample_section(&s, "runtime_shift_bits", 0, entry, 4);
	sample_pointer(&s, ptr, 0, R_X86_64_PC32, s.text, 2);
	sample_pointer(&s, shift, 0, R_X86_64_PC32, s.text, 12);
	sample_variable(&s, "table", KEY, 0x1122334455667788);
	sample_variable(&s, "bits", KEY + 8, 7);
	sample_start(&s);
	same(0x48, 0xb8, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0xc1, 0xe8, 0x0c);
	same(0x48, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xc1, 0xe8, 0x07);
	other(0x48, 0xb8, 0x89, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xc1, 0xe8, 0x07);
	other(0x48, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xc1, 0xe8, 0x08);
	stop();
}
END_TEST

#define HOT 0x1b440ul

enum { CALLER = 16, FIELD = CALLER + 6, CALLEE = 48, DEPTH_LEN = 49 };

/* Each with nops before it: a function that calls the next one, and f by a relocation. */
static void call_depth(bool active)
{
	static const uint8_t code[] = {
		0xe8, CALLEE - CALLER - 5, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0xc3
	};
	uint8_t orig[DEPTH_LEN];
	memset(orig, 0x90, sizeof(orig));
	memcpy(orig + CALLER, code, sizeof(code));
	orig[CALLEE] = 0xc3;
	start(6012);
	sample_text(&s, orig, sizeof(orig));
	sample_reloc(s.text, FIELD, R_X86_64_PLT32, sample_undefined(&s, "f"), -4);
	sample_symbol(&s, "caller", STT_FUNC, STB_GLOBAL, s.text, CALLER, sizeof(code));
	sample_symbol(&s, "callee", STT_FUNC, STB_GLOBAL, s.text, CALLEE, 1);
	sample_variable(&s, "thunks_initialized", KEY, active);
	sample_known(&s, "pcpu_hot", HOT, 'A', NULL);
	sample_known(&s, "f", FUNC, 'T', NULL);
	sample_start(&s);
}

static void put_accounting(uint8_t *code, uint64_t addr)
{
	static const uint8_t sarq[] = { 0x65, 0x48, 0xc1, 0x3d, 0, 0, 0, 0, 5 };
	memcpy(code, sarq, sizeof(sarq));
	uk_put_u32(code + 4, (uint32_t)(HOT + 16 - (addr + sizeof(sarq))));
}

/* What the kernel makes of it; the accounting of callee and f is in memory, too. */
static void tracked_code(uint8_t *code)
{
	uint8_t pad[UK_ACCOUNTING_LEN];
	memcpy(code, s.text->data, DEPTH_LEN);
	put_accounting(pad, FUNC - UK_ACCOUNTING_LEN);
	sample_memory(&s, FUNC - UK_ACCOUNTING_LEN, pad, sizeof(pad));
	put_accounting(code + CALLER - UK_ACCOUNTING_LEN, TEXT_ADDR + CALLER - UK_ACCOUNTING_LEN);
	put_accounting(code + CALLEE - UK_ACCOUNTING_LEN, TEXT_ADDR + CALLEE - UK_ACCOUNTING_LEN);
	sample_branch(code + CALLER, 0xe8, TEXT_ADDR + CALLER,
		      TEXT_ADDR + CALLEE - UK_ACCOUNTING_LEN);
	sample_branch(code + CALLER + 5, 0xe8, TEXT_ADDR + CALLER + 5, FUNC - UK_ACCOUNTING_LEN);
}

START_TEST(calls_with_depth_tracking)
{
	uint8_t code[DEPTH_LEN];
	struct uk_comparison comparison;
	call_depth(true);
	tracked_code(code);
	ck_assert(sample_explains(&s, code, sizeof(code), &comparison));
	ck_assert_uint_eq(comparison.uses.len, 1);
	ck_assert_uint_eq(comparison.uses.data[0].value, FUNC);
	ck_assert_uint_eq(comparison.explained[UK_SITE_CALL], 2);
	ck_assert_uint_eq(comparison.explained[UK_SITE_CALL_PADDING], 2);
	uk_comparison_deinit(&comparison);
	code[CALLER + 1]++; /* a call between accounting and function */
	ck_assert(!sample_explains(&s, code, sizeof(code), NULL));
	code[CALLER + 1]--;
	/* The accounting of another function. */
	uint8_t call[5];
	memcpy(call, code + CALLER, sizeof(call));
	sample_branch(code + CALLER, 0xe8, TEXT_ADDR + CALLER, FUNC - UK_ACCOUNTING_LEN);
	ck_assert(!sample_explains(&s, code, sizeof(code), NULL));
	memcpy(code + CALLER, call, sizeof(call));
	code[CALLER - 1] ^= 1; /* another shift */
	ck_assert(!sample_explains(&s, code, sizeof(code), NULL));
	code[CALLER - 1] ^= 1;
	code[CALLER - 5] ^= 0x80; /* another variable */
	ck_assert(!sample_explains(&s, code, sizeof(code), NULL));
	stop();
	call_depth(false);
	tracked_code(code);
	ck_assert(!sample_explains(&s, code, sizeof(code), NULL));
	stop();
}
END_TEST

START_TEST(what_others_hold_is_left_out)
{
	start(6001);
	sample_text(&s, BYTES(0x53, 0x5b, 0x53, 0x5b, 0x53, 0x5b, 0x53, 0x5b, 0x53, 0xc3));
	sample_symbol(&s, "f", STT_FUNC, STB_GLOBAL, s.text, 0, 10);
	struct uk_match_replaced replaced = { .id = "1234",
					      .jumps = { TEXT_ADDR + 4 },
					      .nr_jumps = 1 };
	ck_assert(uk_vec_push(&s.replaced, replaced));
	struct uk_holder_probe probe = { .address = TEXT_ADDR + 1, .name = strdup("kprobe f+0x1") };
	ck_assert(uk_vec_push(&s.holders->probes, probe));
	sample_start(&s);
	struct uk_comparison comparison;
	ck_assert(sample_explains(&s, BYTES(0x53, 0xcc, 0x53, 0x5b, 0xe9, 1, 2, 3, 4, 0xc3),
				  &comparison));
	ck_assert_uint_eq(comparison.held.ranges.len, 2);
	uk_comparison_deinit(&comparison);
	other(0x53, 0xcc, 0xcc, 0x5b, 0xe9, 1, 2, 3, 4, 0xc3);
	other(0x53, 0xcc, 0x53, 0x5b, 0xe9, 1, 2, 3, 4, 0xc2);
	other(0x53, 0xcc, 0x53, 0xcc, 0xe9, 1, 2, 3, 4, 0xc3);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match compare");
	TCase *tcase = tcase_create("sites");
	tcase_add_test(tcase, plain_bytes_must_be_equal);
	tcase_add_test(tcase, relocations_yield_addresses);
	tcase_add_test(tcase, unknown_relocations_are_refused);
	tcase_add_test(tcase, fentry_is_a_nop_or_a_known_tracer);
	tcase_add_test(tcase, returns_are_returns);
	tcase_add_test(tcase, retpoline_calls_keep_their_register);
	tcase_add_test(tcase, retpoline_jumps_with_a_prefix);
	tcase_add_test(tcase, alternatives_are_original_or_replacement);
	tcase_add_test(tcase, an_empty_replacement_is_nops);
	tcase_add_test(tcase, long_padding_becomes_a_jump_from_6_5_on);
	tcase_add_test(tcase, jumps_become_short);
	tcase_add_test(tcase, calls_of_replacements_are_moved);
	tcase_add_test(tcase, direct_calls_follow_pv_ops);
	tcase_add_test(tcase, paravirtual_calls_follow_pv_ops);
	tcase_add_test(tcase, jump_labels_are_a_nop_or_the_exact_jump);
	tcase_add_test(tcase, static_calls_follow_their_key);
	tcase_add_test(tcase, trampolines_follow_their_key);
	tcase_add_test(tcase, lock_prefixes);
	tcase_add_test(tcase, endbr_may_be_sealed);
	tcase_add_test(tcase, runtime_constants_are_their_variables);
	tcase_add_test(tcase, calls_with_depth_tracking);
	tcase_add_test(tcase, what_others_hold_is_left_out);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
