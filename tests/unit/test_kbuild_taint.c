// SPDX-License-Identifier: GPL-2.0-or-later
/* Who can tell when a header changes: entities, taint, pasted names, pruning, includes. */
/* rooms: kbuild elf base */
#include "base/strbuf.h"
#include "kbuild/entity.h"
#include "kbuild/include.h"
#include "kbuild/prune.h"
#include "kbuild/taint.h"
#include "tap.h"

#include <string.h>

START_TEST(entities_are_told_by_their_shape)
{
	static const struct {
		const char *text;
		enum uk_entity_kind kind;
		const char *name;
	} cases[] = {
		{ "#define A(x) \\\n (x)\n", UK_ENTITY_MACRO, "A" },
		{ "# define B\n", UK_ENTITY_MACRO, "B" },
		{ "#undef A\n", UK_ENTITY_UNDEF, "A" },
		{ "#include <a.h>\n", UK_ENTITY_INCLUDE, NULL },
		{ "static inline int f(int a) { if (a) { } return 1; }", UK_ENTITY_INLINE, "f" },
		{ "static __always_inline __attribute__((x(1))) bool g(void)\n{\n}",
		  UK_ENTITY_INLINE, "g" },
		{ "int h(void) { return 0; }", UK_ENTITY_FUNCTION, "h" },
		{ "extern struct a *p(int (*fn)(int)) __printf(1, 2);", UK_ENTITY_PROTOTYPE, "p" },
		{ "extern int v[2 * MAX];", UK_ENTITY_EXTERN, "v" },
		{ "extern int v __read_mostly;", UK_ENTITY_OTHER, NULL },
		{ "extern int v, w;", UK_ENTITY_OTHER, NULL },
		{ "enum e { A, B = 2, };", UK_ENTITY_ENUM, NULL },
		{ "enum { A } v;", UK_ENTITY_OTHER, NULL },
		{ "struct s;", UK_ENTITY_FORWARD, NULL },
		{ "struct s { int a; struct { int b; } c; };", UK_ENTITY_TYPE, NULL },
		{ "typedef int (*fn_t)(int);", UK_ENTITY_TYPE, NULL },
		{ "struct s v = { .a = 1 };", UK_ENTITY_OTHER, NULL },
		{ "DECLARE_PER_CPU(int, v);", UK_ENTITY_OTHER, NULL },
		{ "static DEFINE_MUTEX(m);", UK_ENTITY_OTHER, NULL },
		{ "SYSCALL_DEFINE0(x) { return 0; }", UK_ENTITY_OTHER, NULL },
		{ "DECLARE(a)\nint f(void) { }", UK_ENTITY_OTHER, NULL },
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(cases); i++) {
		uk_auto_entities struct uk_entities entities = {};
		ck_ok(uk_entities_scan(cases[i].text, &entities));
		ck_assert_msg(entities.all.len == 1 && !entities.odd, "%s", cases[i].text);
		const struct uk_entity *entity = &entities.all.data[0];
		ck_assert_msg(entity->kind == cases[i].kind, "%s: kind %d", cases[i].text,
			      entity->kind);
		if (!cases[i].name) {
			ck_assert(entity->name == (size_t)-1);
			continue;
		}
		ck_assert(uk_token_is(&entities.tokens.all.data[entity->name], cases[i].name));
	}
}
END_TEST

static bool is_odd(const char *text)
{
	uk_auto_entities struct uk_entities entities = {};
	ck_ok(uk_entities_scan(text, &entities));
	return entities.odd;
}

START_TEST(crossing_braces_and_conditionals_are_odd)
{
	ck_assert(!is_odd("#ifdef A\nint f(void)\n{\n#if B\n#else\n#endif\n}\n#else\n#endif\n"));
	ck_assert(is_odd("#ifdef A\nint f(int a)\n#else\nint f(void)\n#endif\n{ }\n"));
	ck_assert(is_odd("int f(void) {\n#ifdef A\n}\n"));
	ck_assert(is_odd("struct s {"));
	ck_assert(is_odd("}"));
	ck_assert(is_odd("#endif\n"));
}
END_TEST

/* A change of h.h, and what it means for c.c, which includes it and i.h. */
struct verdict {
	bool hit;
	char reason[200];
};

static struct verdict judge(const char *orig, const char *patched, const char *other,
			    const char *source)
{
	uk_auto_taint struct uk_taint *taint = NULL;
	struct verdict verdict = {};
	const char *reason = NULL;
	ck_ok(uk_taint_create(&taint));
	ck_ok(uk_taint_add_change(taint, "h.h", orig, patched));
	ck_ok(uk_taint_add_file(taint, "i.h", other));
	ck_ok(uk_taint_add_file(taint, "c.c", source));
	ck_ok(uk_taint_add_uses(taint, orig));
	ck_ok(uk_taint_add_uses(taint, patched));
	ck_ok(uk_taint_add_uses(taint, other));
	ck_ok(uk_taint_add_uses(taint, source));
	ck_ok(uk_taint_spread(taint));
	ck_ok(uk_taint_hits_source(taint, "c.c", &verdict.hit, &reason));
	if (!verdict.hit)
		verdict.hit = uk_taint_hits_includers(taint, "h.h", &reason);
	if (!verdict.hit)
		verdict.hit = uk_taint_hits_includers(taint, "i.h", &reason);
	if (verdict.hit)
		snprintf(verdict.reason, sizeof(verdict.reason), "%s", reason);
	return verdict;
}

static void hits(const char *orig, const char *patched, const char *other, const char *source,
		 const char *reason)
{
	struct verdict verdict = judge(orig, patched, other, source);
	ck_assert_msg(verdict.hit, "%s | %s is not hit", patched, source);
	ck_assert_msg(strstr(verdict.reason, reason) != NULL, "'%s' lacks '%s'", verdict.reason,
		      reason);
}

static void spares(const char *orig, const char *patched, const char *other, const char *source)
{
	struct verdict verdict = judge(orig, patched, other, source);
	ck_assert_msg(!verdict.hit, "%s | %s: %s", patched, source, verdict.reason);
}

START_TEST(a_changed_name_hits_who_mentions_it)
{
	const char *one = "#define A 1\nstatic inline int f(void) { return 1; }\nint p(int);\n";
	const char *two = "#define A 2\nstatic inline int f(void) { return 1; }\nint p(int);\n";
	hits(one, two, "", "int x = A;", "uses A of h.h");
	spares(one, two, "", "int x = f() + AA; /* A */ char *s = \"A\";");
	const char *inlined = "#define A 1\nstatic inline int f(void) { return 2; }\nint p(int);\n";
	hits(one, inlined, "", "int y(void) { return f(); }", "uses f of h.h");
	const char *prototype =
		"#define A 1\nstatic inline int f(void) { return 1; }\nint p(long);\n";
	hits(one, prototype, "", "int y(void) { return p(1); }", "uses p of h.h");
	spares(one, prototype, "", "int y(void) { return f(); }");
	spares(one, "/* new */ #define A 1\n", "", "");
}
END_TEST

START_TEST(taint_spreads_through_headers)
{
	const char *one = "#define A 1\n", *two = "#define A 2\n";
	hits(one, two, "#define B(x) (x + A)\n#define C B(1)\n", "int x = C;", "uses C of h.h");
	hits(one, two, "static inline int g(void) { return A; }\n", "int x(void) { return g(); }",
	     "uses g of h.h");
	spares(one, two, "static inline int g(void) { return A; }\n", "int x;");
	hits(one, two, "enum e { X = A, Y };\n", "int x = Y;", "uses Y of h.h");
	spares(one, two, "enum e { X = A, Y };\nenum o { Z };\n", "int x = Z;");
	hits(one, two, "struct s { char a[A]; };\n", "int x;", "i.h uses A of h.h");
	hits(one, two, "static int g(void) { return A; }\n", "int x;", "i.h uses A of h.h");
	hits("int a;\n#define B 1\n", "int a;\n#define B 2\n",
	     "#if B > 1\nextern int h(void);\n#endif\n", "int x(void) { return h(); }",
	     "uses h of h.h");
	hits(one, two, "#if A\n#include <x.h>\n#endif\n", "int x;", "i.h uses A of h.h");
}
END_TEST

START_TEST(what_cannot_be_told_hits_every_includer)
{
	hits("struct s { int a; };\n", "struct s { long a; };\n", "", "int x;",
	     "'struct s' of h.h changes");
	hits("", "#include <a.h>\n", "", "int x;", "of h.h changes");
	hits("DECLARE(a);\n", "DECLARE(b);\n", "", "int x;", "of h.h changes");
	hits("int f(void) { }\n", "int f(void) { return 1; }\n", "", "int x;", "of h.h changes");
	hits("#define A 1\n#define B A\n", "#define B A\n#define A 1\n", "", "int x;",
	     "the order of h.h changes");
	hits("int a(void);\n", "#ifdef X\nint a(void) {\n#else\n{\n#endif\n", "", "int x;",
	     "h.h changes");
	/* Where braces and conditions cross, what mentions a name is not known. */
	hits("#define A 1\n", "#define A 2\n", "#endif\n#define B A\n", "int x;", "i.h uses A");
	spares("#define A 1\n", "#define A 2\n", "#define B A\n", "int x;");
	/* A declaration of a type that nobody knows changes nothing. */
	spares("int a(void);\n", "struct s;\nint a(void);\n", "", "int x = a();");
}
END_TEST

START_TEST(conditions_belong_to_what_they_hold)
{
	const char *one = "#ifdef X\n#define A 1\n#endif\n#define B 1\n";
	const char *two = "#ifndef X\n#define A 1\n#endif\n#define B 1\n";
	hits(one, two, "", "int x = A;", "uses A of h.h");
	spares(one, two, "", "int x = B;");
}
END_TEST

START_TEST(pasted_names_are_found)
{
	const char *one = "static inline int get_one(void) { return 1; }\n";
	const char *two = "static inline int get_one(void) { return 2; }\n";
	hits(one, two, "#define GET(what) get_##what()\n", "int x(void) { return GET(one); }",
	     "uses GET of h.h");
	spares(one, two, "#define GET(what) get_##what()\n", "int x(void) { return GET(two); }");
	hits(one, two, "#define CAT_(a, b) a##b\n#define CAT(a, b) CAT_(a, b)\n",
	     "int x(void) { return CAT(get_, one)(); }", "uses CAT");
	spares(one, two, "#define CAT_(a, b) a##b\n#define CAT(a, b) CAT_(a, b)\n",
	       "int x(void) { return CAT(get_, two)(one, get_); }");
	/* Through a list that calls its parameter, and through a macro's value. */
	hits(one, two, "#define LIST(F) F(one) F(two)\n#define CALL(n) get_##n();\n",
	     "void x(void) { LIST(CALL) }", "uses");
	hits(one, two, "#define PRE get_\n#define CAT_(a, b) a##b\n#define CAT(a, b) CAT_(a, b)\n",
	     "int x(void) { return CAT(PRE, one)(); }", "uses CAT");
}
END_TEST

static void prunes(const char *one, const char *other, bool same)
{
	char a[UK_HASH_HEX_LEN + 1], b[UK_HASH_HEX_LEN + 1];
	ck_ok(uk_prune_hash(one, false, a));
	ck_ok(uk_prune_hash(other, false, b));
	ck_assert_msg(!strcmp(a, b) == same, "%s | %s", one, other);
}

#define USER "int x(struct s *p) { return g(p); }\n"
#define INLINE "static inline int g(struct s *p) { return p->a; }\n"

START_TEST(what_code_does_not_reach_is_left_out)
{
	prunes("struct s { int a; };\n" INLINE USER, "struct s { int a; };\n" INLINE USER, true);
	prunes("struct s { int a; };\n" INLINE USER,
	       "struct s { int a; };\nstruct t { int b; };\nint q(void);\nextern int v;\n"
	       "static inline int unused(void) { return v; }\n" INLINE USER,
	       true);
	prunes("struct s { int a; };\n" INLINE USER, "struct s { long a; };\n" INLINE USER, false);
	prunes("typedef int t;\nstruct s { t a; };\n" INLINE USER,
	       "typedef long t;\nstruct s { t a; };\n" INLINE USER, false);
	prunes("enum e { A, B };\nint x = B;\n", "enum e { N, A, B };\nint x = B;\n", false);
	prunes("enum e { A, B };\nint x = 1;\n", "enum e { N, A, B };\nint x = 1;\n", true);
	prunes("int x;\n", "int x;\nint y;\n", false);
	prunes("int x;\n", "int x;\nint f(void) { return 0; }\n", false);
	prunes("void f(void);\nint x(void) { f(); }\n",
	       "void f(void) __attribute__((noreturn));\nint x(void) { f(); }\n", false);
}
END_TEST

START_TEST(assembly_is_compared_whole)
{
	char a[UK_HASH_HEX_LEN + 1], b[UK_HASH_HEX_LEN + 1];
	ck_ok(uk_prune_hash("struct s;\n", true, a));
	ck_ok(uk_prune_hash("struct t;\n", true, b));
	ck_assert_str_ne(a, b);
}
END_TEST

static const struct {
	const char *path, *text;
} tree[] = {
	{ "d/a.c", "#include \"b.h\"\n#  include <c.h>\n#if 0\n#include <hidden.h>\n#endif\n" },
	{ "d/b.h", "#include \"../e/deep.h\"\n" },
	{ "e/deep.h", "#include MACRO\n" },
	{ "inc/c.h", "#define MACRO <named.h>\n#include <c.h>\n" },
	{ "inc/hidden.h", "" },
	{ "inc/named.h", "" },
	{ "inc/forced.h", "" },
	{ "inc/unused.h", "" },
	{ "other/c.h", "#include <unused.h>\n" },
};

static struct uk_error *read_tree(void *ctx, const char *path, char **ret, size_t *len_ret)
{
	*ret = NULL;
	*len_ret = 0;
	for (size_t i = 0; i < UK_ARRAY_SIZE(tree); i++) {
		if (strcmp(path, tree[i].path))
			continue;
		*len_ret = strlen(tree[i].text);
		return uk_strdup(tree[i].text, ret);
	}
	return NULL;
}

static bool uncertain_c(void *ctx, const char *path)
{
	return strcmp(path, "inc/c.h") != 0;
}

static void closure_is(const struct uk_include_source *source, const char *command,
		       const char *object_source, const char *const *wanted, size_t nr_wanted,
		       bool complete_wanted)
{
	uk_auto_include_graph struct uk_include_graph *graph = NULL;
	struct uk_unit unit = { .object = (char *)"x.o",
				.source = (char *)object_source,
				.command = (char *)command };
	const uint32_t *files;
	size_t nr;
	bool complete;
	ck_ok(uk_include_graph_create(source, &graph));
	for (int again = 0; again < 2; again++) {
		ck_ok(uk_include_closure(graph, &unit, &files, &nr, &complete));
		ck_assert_int_eq(complete, complete_wanted);
		ck_assert_uint_eq(nr, nr_wanted);
		for (size_t i = 0; i < nr_wanted; i++) {
			int64_t number = uk_include_find(graph, wanted[i]);
			bool found = false;
			for (size_t f = 0; f < nr; f++)
				found |= files[f] == number;
			ck_assert_msg(found, "%s", wanted[i]);
		}
	}
}

START_TEST(every_include_counts)
{
	const struct uk_include_source source = { .read = read_tree };
	const char *const wanted[] = { "d/a.c",	       "d/b.h",	      "e/deep.h",    "inc/c.h",
				       "inc/hidden.h", "inc/named.h", "inc/forced.h" };
	closure_is(&source, "gcc -I./inc -I other -include ./inc/forced.h -c -o x.o d/a.c", "d/a.c",
		   wanted, UK_ARRAY_SIZE(wanted), true);
	const char *const forced[] = { "inc/forced.h" };
	closure_is(&source, "gcc -I./inc -include inc/forced.h", "gone.c", forced, 1, false);
}
END_TEST

/* A header that is there in one version only hides none further down the path. */
START_TEST(uncertain_headers_do_not_end_the_search)
{
	const struct uk_include_source source = { .read = read_tree, .is_certain = uncertain_c };
	const char *const wanted[] = { "d/a.c",	       "d/b.h",	      "e/deep.h",  "inc/c.h",
				       "inc/hidden.h", "inc/named.h", "other/c.h", "inc/unused.h" };
	closure_is(&source, "gcc -Iinc -Iother", "d/a.c", wanted, UK_ARRAY_SIZE(wanted), true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild taint");
	TCase *tcase = tcase_create("taint");
	tcase_add_test(tcase, entities_are_told_by_their_shape);
	tcase_add_test(tcase, crossing_braces_and_conditionals_are_odd);
	tcase_add_test(tcase, a_changed_name_hits_who_mentions_it);
	tcase_add_test(tcase, taint_spreads_through_headers);
	tcase_add_test(tcase, what_cannot_be_told_hits_every_includer);
	tcase_add_test(tcase, conditions_belong_to_what_they_hold);
	tcase_add_test(tcase, pasted_names_are_found);
	tcase_add_test(tcase, what_code_does_not_reach_is_left_out);
	tcase_add_test(tcase, assembly_is_compared_whole);
	tcase_add_test(tcase, every_include_counts);
	tcase_add_test(tcase, uncertain_headers_do_not_end_the_search);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
