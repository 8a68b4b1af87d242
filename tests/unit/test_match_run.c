// SPDX-License-Identifier: GPL-2.0-or-later
/* The match of whole updates against a made-up kernel: places, names, redirects, refusals. */
/* rooms: match elf base */
#include "golden.h"
#include "match_sample.h"

#include <pthread.h>
#include <unistd.h>

#define KERNEL 0xffffffff81200000ul /* where the object is linked */
#define DECOY 0xffffffff81400000ul  /* another object with the same names */
#define COPY 0xffffffffc0400000ul   /* the code of an update */
#define EXTERNAL 0xffffffff81300000ul

static const char source[] =
	"extern int external(int), inner(void);\n"
	"static int counter;\n"
	"int visible = 3;\n"
	"static const int lookup[8] = { 5, 6, 7, 8, 1, 2, 3, 4 };\n"
	"static const int lonely[8] = { 9, 9, 9 };\n"
	"__attribute__((noinline)) static int helper(int x) { return external(x) + inner() + "
	"++counter; }\n"
	"int first(int x) { visible += helper(x); return external(lookup[x & 7] + 1); }\n"
	"const char *second(int x) { return external(x) ? \"a string\" : \"another\"; }\n"
	"__attribute__((weak)) int maybe(int x) { return external(x) * 3; }\n"
	"const int *unused(void) { return lonely; }\n";

static const char *const ftraced[] = { "-pg", "-mfentry", NULL };

static struct sample s;
static struct uk_object *object, *prev;
static struct uk_update_part parts[1];
static struct uk_update_object objects[1];
static struct uk_update_function functions[4];
static struct uk_update update;
static struct uk_match *match;
static struct uk_object *plain_list[1], *prev_list[1];
static const char *names[8];

static void add_function(const char *name, bool redirect)
{
	functions[update.functions.len++] = (struct uk_update_function){
		.change = UK_CHANGE_CHANGED,
		.name = (char *)name,
		.redirect = redirect,
	};
}

static void setup(void)
{
	sample_init(&s, 6001, true);
	object = golden_compile(source, ftraced);
	prev = NULL;
	match = NULL;
	parts[0] = (struct uk_update_part){ .target = (char *)"vmlinux" };
	objects[0] = (struct uk_update_object){ .path = (char *)"dir/a.o" };
	update = (struct uk_update){
		.id = (char *)"cafe",
		.release = (char *)"6.1.0-1-amd64",
		.parts = { parts, 1, 1 },
		.objects = { objects, 1, 1 },
		.functions = { functions, 0, 4 },
	};
}

static void teardown(void)
{
	uk_object_destroy(object);
	uk_object_destroy(prev);
	uk_match_destroy(match);
	uk_vec_deinit(&update.after);
	sample_deinit(&s);
}

/* The kernel's own symbols besides those of objects. */
static void externals(void)
{
	sample_known(&s, "external", EXTERNAL, 'T', NULL);
	sample_known(&s, "inner", EXTERNAL + 32, 'T', NULL);
	sample_known(&s, "__fentry__", EXTERNAL + 64, 'T', NULL);
}

static void kernel(void)
{
	externals();
	sample_list(&s, object, KERNEL, NULL);
	sample_start(&s);
	sample_link(&s, object, KERNEL);
}

static struct uk_error *run(void)
{
	plain_list[0] = object;
	prev_list[0] = prev;
	s.request.update = &update;
	s.request.plain = plain_list;
	s.request.prev = prev_list;
	s.request.symbols = names;
	s.request.nr_symbols = 0;
	while (s.request.nr_symbols < UK_ARRAY_SIZE(names) && names[s.request.nr_symbols])
		s.request.nr_symbols++;
	s.request.replaced = s.replaced.data;
	s.request.nr_replaced = s.replaced.len;
	return uk_match_run(&s.request, &match);
}

static void refused(const char *text)
{
	ck_fails(run(), UK_ERR_REFUSED, text);
	ck_assert_ptr_null(match);
}

/* Address of a symbol of an object linked at a base. */
static uint64_t addr_in(const struct uk_object *in, const char *name, uint64_t base)
{
	const struct uk_symbol *symbol = uk_object_symbol(in, name);
	ck_assert_ptr_nonnull(symbol);
	return sample_base(symbol->section, base) + symbol->value;
}

static uint64_t addr(const char *name)
{
	return addr_in(object, name, KERNEL);
}

START_TEST(functions_and_names_are_found)
{
	add_function("first", true);
	add_function("helper", false);
	names[0] = ".upk.0.counter";
	names[1] = ".upk.0.lookup";
	names[2] = "external";
	names[3] = "visible";
	names[4] = "_text";
	kernel();
	ck_ok(run());
	ck_assert_uint_eq(match->functions.len, 2);
	const struct uk_match_function *first = &match->functions.data[0];
	ck_assert_uint_eq(first->address, addr("first"));
	ck_assert_uint_eq(first->size, uk_object_symbol(object, "first")->size);
	ck_assert_uint_eq(first->jumps[0].address, addr("first") + 5);
	ck_assert(!memcmp(first->jumps[0].old_bytes, sample_byte(&s, addr("first") + 5), 5));
	ck_assert_uint_eq(match->functions.data[1].address, addr("helper"));
	ck_assert_uint_eq(match->functions.data[1].nr_jumps, 0);
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.counter"), addr("counter"));
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.lookup"), addr("lookup"));
	ck_assert_uint_eq(uk_match_address(match, "external"), EXTERNAL);
	ck_assert_uint_eq(uk_match_address(match, "visible"), addr("visible"));
	ck_assert_uint_eq(uk_match_address(match, "_text"), 0xffffffff81000000);
	ck_assert_int_eq(match->symbols.data[0].source, UK_MATCH_PLACED);
	ck_assert_int_eq(match->symbols.data[2].source, UK_MATCH_LEARNED);
	ck_assert_int_eq(match->symbols.data[4].source, UK_MATCH_KALLSYMS);
	ck_assert_uint_gt(match->compared, 100);
}
END_TEST

START_TEST(changed_code_is_refused)
{
	kernel();
	*sample_byte(&s, addr("helper") + 5) ^= 1;
	refused("dir/a.o: function helper+0x5 at 0x");
	refused("expected ");
	*sample_byte(&s, addr("helper") + 5) ^= 1;
	*sample_byte(&s, addr("lookup") + 4) ^= 1;
	refused("symbol lookup+0x4 at 0x");
}
END_TEST

START_TEST(changed_references_are_refused)
{
	kernel();
	const struct uk_symbol *first = uk_object_symbol(object, "first");
	unsigned int tried = 0;
	uk_vec_for_each(reloc, &first->section->relocs) {
		uint64_t at = reloc->offset;
		if (at < first->value + 5 || at >= first->value + first->size)
			continue;
		uint8_t *byte = sample_byte(&s, sample_base(first->section, KERNEL) + at + 1);
		*byte ^= 0x40;
		refused("function first+0x");
		refused(", found ");
		*byte ^= 0x40;
		tried++;
	}
	ck_assert_uint_ge(tried, 3);
	ck_ok(run());
}
END_TEST

START_TEST(a_single_reference_must_agree_with_kallsyms)
{
	uk_object_destroy(object);
	object = golden_compile(
		"extern int external(int);\nint f(int x) { return external(x) + 1; }\n", NULL);
	kernel();
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	const struct uk_section *text = uk_object_section(object, ".text");
	*sample_byte(&s, sample_base(text, KERNEL) + text->relocs.data[0].offset) ^= 0x10;
	refused("function f+0x");
	refused("kallsyms does not have the symbol at that address");
}
END_TEST

START_TEST(changed_strings_are_refused)
{
	kernel();
	static const char text[] = "a string";
	bool found = false;
	uk_vec_for_each(region, &s.memory->regions) {
		uint8_t *at = memmem(region->data, region->len, text, sizeof(text));
		if (!at)
			continue;
		at[2] = 'S';
		found = true;
	}
	ck_assert(found);
	refused("function second+0x");
	refused("the string or constant that it refers to is another one");
}
END_TEST

START_TEST(missing_symbols_are_refused)
{
	externals();
	sample_known(&s, "first", KERNEL, 'T', NULL);
	sample_start(&s);
	sample_memory(&s, KERNEL, "", 1);
	refused("vmlinux has no symbol ");
}
END_TEST

START_TEST(ambiguous_names_are_told_apart_by_content)
{
	struct uk_object *decoy = golden_compile(source, ftraced);
	decoy->sections.data[0]->data[uk_object_symbol(decoy, "helper")->value + 5] ^= 1;
	externals();
	sample_list(&s, decoy, DECOY, NULL);
	sample_list(&s, object, KERNEL, NULL);
	sample_start(&s);
	sample_link(&s, decoy, DECOY);
	sample_link(&s, object, KERNEL);
	add_function("helper", true);
	names[0] = ".upk.0.counter";
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].address, addr("helper"));
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.counter"), addr("counter"));
	uk_match_destroy(match);
	match = NULL;
	/* Neither. */
	*sample_byte(&s, addr("helper") + 5) ^= 1;
	refused("none of the 2 places with these symbols fits");
	uk_object_destroy(decoy);
}
END_TEST

START_TEST(equal_twins_are_refused)
{
	externals();
	sample_list(&s, object, DECOY, NULL);
	sample_list(&s, object, KERNEL, NULL);
	sample_start(&s);
	sample_link(&s, object, DECOY);
	sample_link(&s, object, KERNEL);
	add_function("helper", true);
	refused("more than one place fits");
}
END_TEST

START_TEST(values_are_read_and_each_module_has_its_own_struct)
{
	sample_variable(&s, "USER_PTR_MAX", EXTERNAL + 4096, 0x7ffffffff000);
	sample_known(&s, "__this_module", EXTERNAL + 8192, 'd', "other");
	kernel();
	names[0] = ".upk.value.USER_PTR_MAX";
	ck_ok(run());
	ck_assert_uint_eq(uk_match_address(match, names[0]), 0x7ffffffff000);
	uk_match_destroy(uk_take(match));
	names[0] = ".upk.value.NOWHERE";
	refused("the running kernel has no symbol NOWHERE");
	names[0] = ".upk.0.__this_module"; /* the other module's */
	ck_fails(run(), UK_ERR_INVALID, "dir/a.o: has no symbol __this_module");
}
END_TEST

START_TEST(ambiguous_and_unknown_names_are_refused)
{
	sample_known(&s, "twice", EXTERNAL + 256, 'T', NULL);
	sample_known(&s, "twice", EXTERNAL + 512, 'T', "mod");
	sample_known(&s, "local_too", EXTERNAL + 256, 't', NULL);
	sample_known(&s, "local_too", EXTERNAL + 1024, 'T', "mod");
	kernel();
	names[0] = "twice";
	refused("symbol twice stands more than once in the running kernel");
	refused("0xffffffff81300100 (T, vmlinux), 0xffffffff81300200 (T, mod)");
	names[0] = "nowhere";
	refused("the running kernel has no symbol nowhere");
	names[0] = ".upk.0.nothing";
	ck_fails(run(), UK_ERR_INVALID, "dir/a.o: has no symbol nothing");
	names[0] = ".upk.9.counter";
	ck_fails(run(), UK_ERR_INVALID, "belongs to object 9");
	names[0] = ".upk.x.counter";
	ck_fails(run(), UK_ERR_INVALID, "names no symbol of an object");
	names[0] = "local_too"; /* the global one */
	ck_ok(run());
	ck_assert_uint_eq(uk_match_address(match, "local_too"), EXTERNAL + 1024);
}
END_TEST

START_TEST(other_kernels_are_refused)
{
	kernel();
	update.release = (char *)"6.1.0-2-amd64";
	refused("its release is \"6.1.0-2-amd64\", this one's is \"6.1.0-1-amd64\"");
	update.release = (char *)"6.1.0-1-amd64";
	update.version = (char *)"#2 SMP";
	refused("its version is");
	update.version = (char *)"#1 SMP";
	update.build_id = (char *)"abce";
	refused("its build id is");
	update.build_id = (char *)"abcd";
	ck_ok(run());
}
END_TEST

START_TEST(modules_must_be_loaded)
{
	externals();
	parts[0].target = (char *)"fat";
	sample_list(&s, object, KERNEL, NULL); /* vmlinux has the names, too */
	sample_start(&s);
	sample_link(&s, object, KERNEL);
	refused("module fat is not loaded");
	static const bool skip[] = { true };
	s.request.skip_part = skip;
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	s.request.skip_part = NULL;
	s.memory->live = false;
	refused("holds no modules");
}
END_TEST

START_TEST(modules_are_found_by_their_own_symbols)
{
	externals();
	sample_known(&s, "__this_module", EXTERNAL + 8192, 'd', "fat");
	sample_known(&s, "__this_module", EXTERNAL + 12288, 'd', "ext4");
	parts[0].target = (char *)"fat";
	sample_list(&s, object, DECOY, NULL);
	sample_list(&s, object, KERNEL, "fat");
	sample_start(&s);
	sample_link(&s, object, DECOY);
	sample_link(&s, object, KERNEL);
	add_function("helper", true);
	names[0] = ".upk.0.__this_module";
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].address, addr("helper"));
	ck_assert_uint_eq(uk_match_address(match, names[0]), EXTERNAL + 8192);
}
END_TEST

START_TEST(overridden_functions_are_refused)
{
	externals();
	uk_vec_for_each(symbol, &object->symbols)
		if (!strcmp((*symbol)->name, "maybe"))
			(*symbol)->name[0] = '.'; /* not to be listed */
	sample_list(&s, object, KERNEL, NULL);
	uk_vec_for_each(symbol, &object->symbols)
		if (!strcmp((*symbol)->name, ".aybe"))
			(*symbol)->name[0] = 'm';
	sample_known(&s, "maybe", EXTERNAL + 4096, 'T', NULL);
	sample_start(&s);
	sample_link(&s, object, KERNEL);
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	add_function("maybe", true);
	refused("function maybe is overridden by another definition");
}
END_TEST

/* Redirects. */

START_TEST(holders_of_a_function_are_named)
{
	kernel();
	add_function("first", true);
	struct uk_holder_probe probe = { .address = addr("first") + 9,
					 .name = strdup("kprobe first+0x9") };
	ck_assert(uk_vec_push(&s.holders->probes, probe));
	uint8_t old = *sample_byte(&s, addr("first") + 9);
	*sample_byte(&s, addr("first") + 9) = 0xcc;
	refused("function first: kprobe first+0x9 stands in it");
	*sample_byte(&s, addr("first") + 9) = old;
	/* On the ftrace site it harms nobody. */
	s.holders->probes.data[0].ftrace = true;
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	struct uk_holder_livepatch livepatch = { strdup("lp"), strdup("vmlinux"), strdup("first") };
	ck_assert(uk_vec_push(&s.holders->livepatches, livepatch));
	refused("livepatch lp holds it");
}
END_TEST

START_TEST(an_unknown_breakpoint_is_refused)
{
	kernel();
	*sample_byte(&s, addr("helper") + 5) = 0xcc;
	refused("it looks like a breakpoint");
}
END_TEST

START_TEST(a_probe_elsewhere_only_excludes_its_function)
{
	kernel();
	add_function("first", true);
	names[0] = "inner"; /* that only helper calls */
	ck_ok(run());
	ck_assert_int_eq(match->symbols.data[0].source, UK_MATCH_LEARNED);
	uk_match_destroy(match);
	match = NULL;
	struct uk_holder_probe probe = { .address = addr("helper") + 5,
					 .name = strdup("kprobe helper+0x5") };
	ck_assert(uk_vec_push(&s.holders->probes, probe));
	*sample_byte(&s, addr("helper") + 5) = 0xcc;
	ck_ok(run());
	ck_assert_int_eq(match->symbols.data[0].source, UK_MATCH_KALLSYMS);
	ck_assert_uint_eq(match->excluded.len, 1);
	ck_assert_str_eq(match->excluded.data[0].function, "helper");
	ck_assert_str_eq(match->excluded.data[0].holder, "kprobe helper+0x5");
	uk_match_destroy(match);
	match = NULL;
	*sample_byte(&s, addr("helper") + 6) ^= 1;
	refused("function helper+0x6");
}
END_TEST

/* The kernel puts a breakpoint where it rewrites, and takes it away again. */
static void *finish_rewriting(void *byte)
{
	usleep(30000);
	*(volatile uint8_t *)byte = 0xe8;
	return NULL;
}

START_TEST(a_site_that_is_being_rewritten_gets_another_look)
{
	pthread_t thread;
	kernel();
	uint8_t *byte = sample_byte(&s, addr("first"));
	ck_assert_uint_eq(*byte, 0xe8);
	*byte = 0xcc;
	refused("this is a known site (ftrace site), but nothing that the kernel writes there");
	ck_assert_int_eq(pthread_create(&thread, NULL, finish_rewriting, byte), 0);
	ck_ok(run());
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(tracers_are_named)
{
	sample_known(&s, "ftrace_caller", EXTERNAL + 128, 'T', NULL);
	kernel();
	add_function("first", true);
	sample_branch(sample_byte(&s, addr("first")), 0xe8, addr("first"), EXTERNAL + 128);
	ck_ok(run());
	ck_assert_str_eq(match->functions.data[0].shared_with, "ftrace");
	ck_assert_uint_eq(match->functions.data[0].jumps[0].address, addr("first") + 5);
}
END_TEST

/* Functions without an ftrace site. */
static void without_ftrace(const char *code)
{
	uk_object_destroy(object);
	object = golden_compile(code, NULL);
	kernel();
}

START_TEST(a_function_without_ftrace_is_redirected_at_its_entry)
{
	without_ftrace(source);
	add_function("first", true);
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].jumps[0].address, addr("first"));
}
END_TEST

START_TEST(short_functions_are_refused)
{
	without_ftrace("int tiny(void) { return 0; }\n"
		       "int next(int x) { return x * 3 + 1; }\n");
	add_function("tiny", true);
	refused("function tiny: it is too short (3 bytes)");
}
END_TEST

START_TEST(int3_behind_a_short_function_is_room)
{
	without_ftrace("asm(\".globl tiny; .type tiny, @function; tiny: xor %eax, %eax; ret;\"\n"
		       "    \".size tiny, . - tiny; .skip 5, 0xcc\");\n");
	add_function("tiny", true);
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].jumps[0].address, addr("tiny"));
	ck_assert(!memcmp(match->functions.data[0].jumps[0].old_bytes, "\x31\xc0\xc3\xcc\xcc", 5));
}
END_TEST

START_TEST(branches_into_the_redirect_are_refused)
{
	without_ftrace("asm(\".globl looped; .type looped, @function; looped: push %rbx;\"\n"
		       "    \"1: dec %edi; jnz 1b; pop %rbx; ret; .size looped, . - looped\");\n");
	add_function("looped", true);
	refused("a jump at +0x0 would be entered in its middle: .text+0x3 leads to +0x1");
}
END_TEST

START_TEST(relocated_branches_into_the_redirect_are_refused)
{
	without_ftrace("asm(\".globl far; .type far, @function; far: push %rbx; 1: dec %edi;\"\n"
		       "    \"pop %rbx; ret; nop; nop; .size far, . - far;\"\n"
		       "    \".section .text.unlikely; .type far.cold, @function;\"\n"
		       "    \"far.cold: jmp 1b; .size far.cold, . - far.cold; .text\");\n");
	add_function("far", true);
	refused("would be entered in its middle: .text.unlikely+0x1 leads to +0x1");
}
END_TEST

static void locked_function(void)
{
	without_ftrace("asm(\".globl locked; .type locked, @function; locked: nop;\"\n"
		       "    \"1: lock incl (%rdi); ret; .size locked, . - locked;\"\n"
		       "    \".section .smp_locks,\\\"a\\\"; .long 1b - .; .text\");\n");
	add_function("locked", true);
}

START_TEST(sites_under_the_redirect_are_refused)
{
	locked_function();
	*sample_byte(&s, addr("locked") + 1) = 0x3e;
	refused("a jump at +0x0 would overwrite a lock prefix at +0x1");
}
END_TEST

START_TEST(a_lock_is_gone_for_good_on_the_only_processor)
{
	sample_variable(&s, "nr_cpu_ids", EXTERNAL + 128, 1);
	locked_function();
	*sample_byte(&s, addr("locked") + 1) = 0x3e;
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].jumps[0].old_bytes[1], 0x3e);
}
END_TEST

START_TEST(a_lock_comes_back_with_a_second_processor)
{
	sample_variable(&s, "nr_cpu_ids", EXTERNAL + 128, 2);
	locked_function();
	*sample_byte(&s, addr("locked") + 1) = 0x3e;
	refused("a jump at +0x0 would overwrite a lock prefix at +0x1");
}
END_TEST

START_TEST(a_lock_that_stays_may_lie_under_the_redirect)
{
	locked_function();
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].jumps[0].address, addr("locked"));
	ck_assert_uint_eq(match->functions.data[0].jumps[0].old_bytes[1], 0xf0);
}
END_TEST

/* A label at +0 whose jump leads to +@to; nine bytes of nops between, and behind @to. */
static void labelled_function(const char *to)
{
	uk_auto_free char *text = NULL;
	ck_assert(
		asprintf(&text,
			 "asm(\".globl labelled; .type labelled, @function; labelled:\"\n"
			 "    \"1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00; nop; nop; nop; nop; ret;\"\n"
			 "    \"2: nop; nop; nop; nop; ret; .size labelled, . - labelled;\"\n"
			 "    \".section __jump_table,\\\"aw\\\"; .long 1b - ., labelled + %s - "
			 ".;\"\n"
			 "    \".quad key - .; .bss; key: .skip 16; .text\");\n",
			 to) > 0);
	without_ftrace(text);
	add_function("labelled", true);
}

START_TEST(a_jump_label_at_the_entry_gets_a_jump_on_each_way)
{
	labelled_function("10");
	ck_ok(run());
	const struct uk_match_function *found = &match->functions.data[0];
	ck_assert_uint_eq(found->nr_jumps, 2);
	ck_assert_uint_eq(found->jumps[0].address, addr("labelled") + 5);
	ck_assert(!memcmp(found->jumps[0].old_bytes, "\x90\x90\x90\x90\xc3", 5));
	ck_assert_uint_eq(found->jumps[1].address, addr("labelled") + 10);
}
END_TEST

START_TEST(the_ways_of_a_jump_label_must_have_room)
{
	labelled_function("8");
	refused("a jump at +0x5 would be entered in its middle: __jump_table+0x4 leads to +0x8");
}
END_TEST

START_TEST(a_jump_label_that_leads_behind_itself_has_one_way)
{
	labelled_function("5");
	ck_ok(run());
	ck_assert_uint_eq(match->functions.data[0].nr_jumps, 1);
}
END_TEST

START_TEST(a_jump_label_that_leads_out_is_refused)
{
	labelled_function("20");
	refused("a jump at +0x0 would overwrite a jump label at +0x0");
}
END_TEST

/* Updates on updates. */

static struct uk_match_replaced replace(const char *function, const char *id)
{
	struct uk_match_replaced replaced = {
		.id = id,
		.object = "dir/a.o",
		.function = function,
		.old_addr = addr(function),
		.old_size = uk_object_symbol(object, function)->size,
		.new_addr = addr_in(prev, function, COPY),
		.new_size = uk_object_symbol(prev, function)->size,
		.jumps = { addr(function) + 5 },
		.nr_jumps = 1,
	};
	ck_assert(uk_vec_push(&s.replaced, replaced));
	sample_branch(sample_byte(&s, replaced.jumps[0]), 0xe9, replaced.jumps[0],
		      replaced.new_addr);
	return replaced;
}

/* What update "beef" made of helper: another function, with a static variable of its own. */
static const char patched_source[] = "extern int external(int);\n"
				     "static int counter, added;\n"
				     "__attribute__((noinline)) int helper(int x) { added++; "
				     "return external(x - 1) + counter++; }\n";

static void stacked_kernel(void)
{
	static const char *const split[] = { "-pg", "-mfentry", "-ffunction-sections",
					     "-fdata-sections", NULL };
	prev = golden_compile(patched_source, split);
	externals();
	sample_list(&s, object, KERNEL, NULL);
	sample_list(&s, prev, COPY, "upkeep_beef_0");
	sample_start(&s);
	sample_link(&s, object, KERNEL);
	sample_link(&s, prev, COPY);
}

/* The copy uses the kernel's own counter. */
static void bind_counter(void)
{
	const struct uk_section *section = uk_object_section(prev, ".text.helper");
	uint64_t base = sample_base(section, COPY);
	uk_vec_for_each(reloc, &section->relocs) {
		if (reloc->symbol->place != UK_SYMBOL_DEFINED ||
		    strcmp(reloc->symbol->section->name, ".bss.counter") != 0)
			continue;
		uint64_t value = addr("counter") + (uint64_t)reloc->addend - (base + reloc->offset);
		uk_put_u32(sample_byte(&s, base + reloc->offset), (uint32_t)value);
	}
}

START_TEST(a_copy_is_matched_with_what_it_was_built_from)
{
	stacked_kernel();
	bind_counter();
	replace("helper", "beef");
	add_function("helper", true);
	ck_assert(uk_vec_push(&update.after, (char *)"beef"));
	names[0] = ".upk.0.counter";
	names[1] = ".upk.0.added";
	ck_ok(run());
	const struct uk_match_function *helper = &match->functions.data[0];
	ck_assert_uint_eq(helper->address, addr_in(prev, "helper", COPY));
	ck_assert_uint_eq(helper->jumps[0].address, helper->address + 5);
	ck_assert_str_eq(helper->stands_on, "beef");
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.counter"), addr("counter"));
	ck_assert_uint_eq(uk_match_address(match, ".upk.0.added"), addr_in(prev, "added", COPY));
	ck_assert_uint_eq(match->excluded.len, 1);
}
END_TEST

START_TEST(a_changed_copy_is_refused)
{
	stacked_kernel();
	bind_counter();
	replace("helper", "beef");
	add_function("helper", true);
	ck_assert(uk_vec_push(&update.after, (char *)"beef"));
	*sample_byte(&s, addr_in(prev, "helper", COPY) + 5) ^= 1;
	refused("dir/a.o: in the code of update beef: function helper+0x5");
}
END_TEST

START_TEST(updates_that_were_not_built_upon_are_named)
{
	stacked_kernel();
	bind_counter();
	replace("helper", "beef");
	add_function("helper", true);
	refused("function helper is replaced by update beef");
	/* On another function of the object they do not matter. */
	functions[0].name = (char *)"first";
	ck_ok(run());
	ck_assert_str_eq(match->excluded.data[0].holder, "the redirect of update beef");
}
END_TEST

/* Writes. */

START_TEST(writes_find_their_old_bytes)
{
	uint8_t old[4], new[4] = { 1 };
	struct uk_update_write write = { .symbol = (char *)"lookup",
					 .offset = 8,
					 .len = 4,
					 .old_bytes = old,
					 .new_bytes = new };
	uk_put_u32(old, 7);
	update.writes.data = &write;
	update.writes.len = 1;
	kernel();
	ck_ok(run());
	ck_assert_uint_eq(match->writes.data[0].address, addr("lookup") + 8);
	uk_match_destroy(match);
	match = NULL;
	uk_put_u32(old, 6);
	refused("symbol lookup+0x8: expected 06, found 07");
}
END_TEST

/* What a pointer becomes is known later; that it is the one that is meant is known now. */
START_TEST(pointers_are_found_in_compared_data)
{
	struct uk_update_pointer pointer = { .symbol = (char *)"ops", .offset = 8 };
	update.pointers.data = &pointer;
	update.pointers.len = 1;
	uk_object_destroy(object);
	object = golden_compile("extern int external(int);\n"
				"int (*const ops[2])(int) = { 0, external };\n"
				"int f(int x) { return ops[x](1) + 1; }\n",
				NULL);
	kernel();
	ck_ok(run());
	ck_assert_uint_eq(match->pointers.len, 1);
	ck_assert_uint_eq(match->pointers.data[0].address, addr("ops") + 8);
	ck_assert_uint_eq(uk_get_u64(match->pointers.data[0].old_bytes), EXTERNAL);
	uk_match_destroy(match);
	match = NULL;
	*sample_byte(&s, addr("ops") + 8) ^= 0x10;
	refused("symbol ops+0x8 at 0x");
}
END_TEST

/* A new pointer to a function that the kernel has sealed, or that never was a target. */
START_TEST(pointers_need_a_landing_pad)
{
	static const uint8_t sealed[] = { 0x66, 0x0f, 0x1f, 0x00 };
	static const char *const cf[] = { "-fcf-protection=branch", NULL };
	static const char *const taken[] = { "first", "visible" };
	uk_object_destroy(object);
	object = golden_compile(source, cf);
	names[0] = "first";
	names[1] = "visible";
	kernel();
	s.request.taken = taken;
	s.request.nr_taken = 2;
	s.request.ibt = true;
	ck_ok(run());
	uk_match_destroy(match);
	match = NULL;
	memcpy(sample_byte(&s, addr("first")), sealed, sizeof(sealed));
	refused("the new code has a pointer to function first, which has no landing pad");
	s.request.ibt = false;
	ck_ok(run());
}
END_TEST

/* In writable data nothing but the pointer itself tells that it is as it was. */
START_TEST(pointers_in_writable_data_are_as_they_were_at_boot)
{
	struct uk_update_pointer pointer = { .symbol = (char *)"ops", .offset = 16 };
	update.pointers.data = &pointer;
	update.pointers.len = 1;
	uk_object_destroy(object);
	object = golden_compile("extern int external(int), inner(void);\n"
				"static int own(int x) { return external(x); }\n"
				"struct { long n; int (*f)(int), (*g)(int), (*h)(int); } ops ="
				"{ 1, external, 0, own };\n"
				"int f(int x) { return ops.f(1) + inner() + ops.n++; }\n",
				NULL);
	kernel();
	uk_put_u64(sample_byte(&s, addr("ops")), 7);
	for (pointer.offset = 8; pointer.offset < 32; pointer.offset += 8) {
		static const char *const texts[] = {
			[1] = "symbol ops+0x8: expected 0xffffffff81300000 (external+0x0, "
			      "vmlinux), "
			      "found 0xffffffff81300020 (inner+0x0, vmlinux): something has "
			      "changed it since boot",
			[2] = "symbol ops+0x10: expected 0x0, found 0xffffffff81300020 (inner+0x0",
			[3] = "symbol ops+0x18: expected 0x",
		};
		uint8_t *at = sample_byte(&s, addr("ops") + pointer.offset);
		uint64_t was = uk_get_u64(at);
		ck_ok(run());
		ck_assert_uint_eq(match->pointers.data[0].address, addr("ops") + pointer.offset);
		ck_assert_uint_eq(uk_get_u64(match->pointers.data[0].old_bytes), was);
		uk_match_destroy(match);
		match = NULL;
		uk_put_u64(at, EXTERNAL + 32);
		refused(texts[pointer.offset / 8]);
		uk_put_u64(at, was);
	}
}
END_TEST

START_TEST(pointers_of_other_updates_are_refused)
{
	struct uk_update_pointer pointer = { .symbol = (char *)"ops" };
	struct uk_match_written written = { .id = "beef", .addr = 0, .len = 8 };
	update.pointers.data = &pointer;
	update.pointers.len = 1;
	uk_object_destroy(object);
	object = golden_compile("extern int external(int);\n"
				"int (*const ops[2])(int) = { external, external };\n"
				"int f(int x) { return ops[x](1) + 1; }\n",
				NULL);
	kernel();
	written.addr = addr("ops");
	s.request.written = &written;
	s.request.nr_written = 1;
	uk_put_u64(sample_byte(&s, written.addr), EXTERNAL + 0x1000);
	refused("symbol ops+0x0 is written by update beef, which this update was not built upon");
	ck_assert(uk_vec_push(&update.after, (char *)"beef"));
	uk_put_u64(written.new_bytes, EXTERNAL + 0x1000);
	ck_ok(run());
	ck_assert_uint_eq(uk_get_u64(match->pointers.data[0].old_bytes), EXTERNAL + 0x1000);
	uk_match_destroy(match);
	match = NULL;
	uk_put_u64(written.new_bytes, EXTERNAL);
	refused("symbol ops+0x0: expected 0xffffffff81300000 (external+0x0, vmlinux), found "
		"0xffffffff81301000 (__fentry__+0xfc0, vmlinux): something has changed it since "
		"update beef wrote it");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match run");
	TCase *tcase = tcase_create("updates");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, functions_and_names_are_found);
	tcase_add_test(tcase, changed_code_is_refused);
	tcase_add_test(tcase, changed_references_are_refused);
	tcase_add_test(tcase, a_single_reference_must_agree_with_kallsyms);
	tcase_add_test(tcase, changed_strings_are_refused);
	tcase_add_test(tcase, missing_symbols_are_refused);
	tcase_add_test(tcase, ambiguous_names_are_told_apart_by_content);
	tcase_add_test(tcase, equal_twins_are_refused);
	tcase_add_test(tcase, values_are_read_and_each_module_has_its_own_struct);
	tcase_add_test(tcase, ambiguous_and_unknown_names_are_refused);
	tcase_add_test(tcase, other_kernels_are_refused);
	tcase_add_test(tcase, modules_must_be_loaded);
	tcase_add_test(tcase, modules_are_found_by_their_own_symbols);
	tcase_add_test(tcase, overridden_functions_are_refused);
	tcase_add_test(tcase, holders_of_a_function_are_named);
	tcase_add_test(tcase, an_unknown_breakpoint_is_refused);
	tcase_add_test(tcase, a_probe_elsewhere_only_excludes_its_function);
	tcase_add_test(tcase, a_site_that_is_being_rewritten_gets_another_look);
	tcase_add_test(tcase, tracers_are_named);
	tcase_add_test(tcase, a_function_without_ftrace_is_redirected_at_its_entry);
	tcase_add_test(tcase, short_functions_are_refused);
	tcase_add_test(tcase, int3_behind_a_short_function_is_room);
	tcase_add_test(tcase, branches_into_the_redirect_are_refused);
	tcase_add_test(tcase, relocated_branches_into_the_redirect_are_refused);
	tcase_add_test(tcase, sites_under_the_redirect_are_refused);
	tcase_add_test(tcase, a_lock_that_stays_may_lie_under_the_redirect);
	tcase_add_test(tcase, a_jump_label_at_the_entry_gets_a_jump_on_each_way);
	tcase_add_test(tcase, the_ways_of_a_jump_label_must_have_room);
	tcase_add_test(tcase, a_jump_label_that_leads_behind_itself_has_one_way);
	tcase_add_test(tcase, a_jump_label_that_leads_out_is_refused);
	tcase_add_test(tcase, a_lock_is_gone_for_good_on_the_only_processor);
	tcase_add_test(tcase, a_lock_comes_back_with_a_second_processor);
	tcase_add_test(tcase, a_copy_is_matched_with_what_it_was_built_from);
	tcase_add_test(tcase, a_changed_copy_is_refused);
	tcase_add_test(tcase, updates_that_were_not_built_upon_are_named);
	tcase_add_test(tcase, writes_find_their_old_bytes);
	tcase_add_test(tcase, pointers_are_found_in_compared_data);
	tcase_add_test(tcase, pointers_need_a_landing_pad);
	tcase_add_test(tcase, pointers_in_writable_data_are_as_they_were_at_boot);
	tcase_add_test(tcase, pointers_of_other_updates_are_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
