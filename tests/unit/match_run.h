/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole update and the made-up kernel that it is matched against. */
#ifndef UPKEEP_TEST_MATCH_RUN_H
#define UPKEEP_TEST_MATCH_RUN_H

#include "golden.h"
#include "match_sample.h"

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

__attribute__((unused)) static void add_function(const char *name, bool redirect)
{
	functions[update.functions.len++] = (struct uk_update_function){
		.change = UK_CHANGE_CHANGED,
		.name = (char *)name,
		.redirect = redirect,
	};
}

__attribute__((unused)) static void setup(void)
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

__attribute__((unused)) static void teardown(void)
{
	uk_object_destroy(object);
	uk_object_destroy(prev);
	uk_match_destroy(match);
	uk_vec_deinit(&update.after);
	sample_deinit(&s);
}

/* The kernel's own symbols besides those of objects. */
__attribute__((unused)) static void externals(void)
{
	sample_known(&s, "external", EXTERNAL, 'T', NULL);
	sample_known(&s, "inner", EXTERNAL + 32, 'T', NULL);
	sample_known(&s, "__fentry__", EXTERNAL + 64, 'T', NULL);
}

__attribute__((unused)) static void kernel(void)
{
	externals();
	sample_list(&s, object, KERNEL, NULL);
	sample_start(&s);
	sample_link(&s, object, KERNEL);
}

__attribute__((unused)) static struct uk_error *run(void)
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

__attribute__((unused)) static void refused(const char *text)
{
	ck_fails(run(), UK_ERR_REFUSED, text);
	ck_assert_ptr_null(match);
}

/* Address of a symbol of an object linked at a base. */
__attribute__((unused)) static uint64_t addr_in(const struct uk_object *in, const char *name,
						uint64_t base)
{
	const struct uk_symbol *symbol = uk_object_symbol(in, name);
	ck_assert_ptr_nonnull(symbol);
	return sample_base(symbol->section, base) + symbol->value;
}

__attribute__((unused)) static uint64_t addr(const char *name)
{
	return addr_in(object, name, KERNEL);
}

#endif
