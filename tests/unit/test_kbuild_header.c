// SPDX-License-Identifier: GPL-2.0-or-later
/* Changed headers: tokens, entities, who can tell the difference, what becomes code. */
/* rooms: kbuild base */
#include "base/strbuf.h"
#include "kbuild/entity.h"
#include "kbuild/prune.h"
#include "kbuild/taint.h"
#include "tap.h"

#include <string.h>

struct text_case {
	const char *name, *text;
	const char *wanted;
};

/* A letter for each kind of token: name, number, string, punctuation, hash, newline. */
static const struct text_case token_cases[] = {
	{ "names and punctuation", "int f(x_1);", "n:int n:f p:( n:x_1 p:) p:;" },
	{ "numbers", "0x1fUL 1.5e+3 .5 1-2 0xe+1", "d:0x1fUL d:1.5e+3 d:.5 d:1 p:- d:2 d:0xe+1" },
	{ "strings", "\"a \\\" b\" '\\'' L\"c\" \"/*\"",
	  "s:\"a \\\" b\" s:'\\'' n:L s:\"c\" s:\"/*\"" },
	{ "comments", "a/* b // \" */c // d /* e\nf/**/g", "n:a n:c n:f n:g" },
	{ "a comment without an end", "a /* b", "n:a" },
	{ "a // comment over two lines", "a // b \\\n c\nd", "n:a n:d" },
	{ "spliced lines", "a \\\n b \\\r\n c", "n:a n:b n:c" },
	{ "directives", "a\n # define X 1\nb", "n:a h:# n:define n:X d:1 e: n:b" },
	{ "a directive over two lines", "#define X \\\n 1\nb", "h:# n:define n:X d:1 e: n:b" },
	{ "a directive over a comment", "#define X /*\n*/ 1\nb", "h:# n:define n:X d:1 e: n:b" },
	{ "a directive behind a comment", "/* a */ #if b", "h:# n:if n:b e:" },
	{ "a directive at the end", "#endif", "h:# n:endif e:" },
	{ "no directive", "a # b ## c # # d", "n:a p:# n:b p:## n:c p:# p:# n:d" },
	{ "an open string ends with its line", "\"a\nb", "s:\"a n:b" },
	{ "nothing", " \t\n\n/* a */\\\n", "" },
};

START_TEST(text_becomes_tokens)
{
	const struct text_case *test = &token_cases[_i];
	uk_auto_tokens struct uk_tokens tokens = {};
	uk_auto_strbuf struct uk_strbuf out = {};
	ck_ok(uk_tokens_scan(test->text, &tokens));
	uk_vec_for_each(token, &tokens.all) {
		bool end = token->kind == UK_TOKEN_NEWLINE;
		uk_strbuf_addf(&out, "%s%c:%.*s", out.len ? " " : "", "ndsphe"[token->kind],
			       end ? 0 : (int)token->len, token->text);
	}
	uk_strbuf_addstr(&out, "");
	ck_assert_msg(!strcmp(out.data, test->wanted), "%s: got %s", test->name, out.data);
}
END_TEST

static const char *const kinds[] = {
	"macro",  "undef", "include", "inline", "function", "prototype",
	"extern", "enum",  "forward", "type",	"other",
};

/* "kind name" of each; a + for each #if around it; "odd" at the end. */
static const struct text_case entity_cases[] = {
	{ "directives",
	  "#define A 1\n#define F(x) x\n#undef A\n#include <a.h>\n#include_next \"b.h\"\n#pragma "
	  "x\n#error y",
	  "macro A,macro F,undef A,include,include,other,other," },
	{ "functions",
	  "static inline int f(int a)\n{ if (a) { return 1; } return 0; }\nint g(void);\nint "
	  "h(void) { return 1; }",
	  "inline f,prototype g,function h," },
	{ "words for inline",
	  "static __always_inline void f(void) { } static __inline__ int *g(void) { }",
	  "inline f,inline g," },
	{ "inline is not all", "inline int f(void) { } extern inline int g(void) { }",
	  "function f,inline g," },
	{ "attributes",
	  "__printf(1, 2) int f(const char *a, ...);\nextern int g(void) __attribute__((pure));\n"
	  "int __must_check h(int a) __acquires(x);",
	  "prototype f,prototype g,prototype h," },
	{ "variables",
	  "extern int a;\nextern const char *b[4];\nextern int c, d;\nextern int (*e)(void);\nint "
	  "x;\nstatic int y = 1;\nextern struct s z;",
	  "extern a,extern b,other,other,other,other,extern z," },
	{ "types",
	  "struct s;\nunion u;\nstruct t { int a; struct { int b; } c; };\ntypedef int v;\ntypedef "
	  "struct { int a; } w;\n"
	  "struct x { int a; } __aligned(8);\ntypedef int (*f)(int);",
	  "forward,forward,type,type,type,type,type," },
	{ "enums", "enum e { A, B = 2 };\nenum { C };\nenum f { D } g;", "enum,enum,other," },
	{ "a variable of a new type", "struct s { int a; } b;\nstruct s c = { 1 };",
	  "other,other," },
	{ "calls of macros", "DECLARE_X(a, b);\nint DEFINE_Y(a);", "other,other," },
	{ "semicolons alone", ";;int f(void);;", "prototype f," },
	{ "conditions",
	  "#ifndef H\n#define H\n#if A\nint f(void);\n#else\nint g(void);\n#endif\n#endif\nint "
	  "h(void);",
	  "+macro H,++prototype f,++prototype g,prototype h," },
	{ "a condition inside", "struct s {\n#if A\nint a;\n#else\nint b;\n#endif\n};", "type," },
	{ "a directive inside", "struct s {\n#define A 1\nint a;\n};", "type," },
	{ "a condition across the brace", "#if A\nstruct s {\n#endif\nint a;\n};", "+type,odd" },
	{ "a condition that is left in a type", "struct s {\n#if A\n};\n#endif", "type,odd" },
	{ "a condition that outlives its type", "struct s {\n#if A\n};", "type,odd" },
	{ "a closing brace and an opening one", "} a {;", "other,odd" },
	{ "no condition to end", "#endif\nint f(void);", "prototype f,odd" },
	{ "a condition without an end", "#if A\nint f(void);", "+prototype f,odd" },
	{ "a closing brace too many", "int a; }", "other,other,odd" },
	{ "an open end", "int f(", "prototype f,odd" },
	{ "nothing", "/* a */\n#\n", "" },
};

static unsigned int depth_of(const struct uk_entities *entities, size_t context)
{
	unsigned int depth = 0;
	for (; context; context = entities->contexts.data[context - 1].parent)
		depth++;
	return depth;
}

static char *describe(const struct uk_entities *entities)
{
	struct uk_strbuf out = {};
	uk_vec_for_each(entity, &entities->all) {
		const struct uk_token *name = entity->name == (size_t)-1
						      ? NULL
						      : &entities->tokens.all.data[entity->name];
		for (unsigned int i = depth_of(entities, entity->context); i > 0; i--)
			uk_strbuf_addstr(&out, "+");
		uk_strbuf_addf(&out, "%s%s%.*s,", kinds[entity->kind], name ? " " : "",
			       name ? (int)name->len : 0, name ? name->text : "");
	}
	uk_strbuf_addstr(&out, entities->odd ? "odd" : "");
	char *text;
	ck_ok(uk_strbuf_finish(&out, &text));
	return text;
}

START_TEST(headers_become_entities)
{
	const struct text_case *test = &entity_cases[_i];
	uk_auto_entities struct uk_entities entities = {};
	ck_ok(uk_entities_scan(test->text, &entities));
	uk_auto_free char *got = describe(&entities);
	ck_assert_msg(!strcmp(got, test->wanted), "%s: got %s", test->name, got);
}
END_TEST

static bool add_name(void *ctx, const struct uk_token *token)
{
	struct uk_strbuf *out = ctx;
	uk_strbuf_addf(out, "%.*s ", (int)token->len, token->text);
	return true;
}

START_TEST(entities_have_names)
{
	uk_auto_entities struct uk_entities entities = {};
	uk_auto_strbuf struct uk_strbuf names = {}, enumerators = {};
	ck_ok(uk_entities_scan("#if A\n#elif B\n#ifdef C\n#define D E(\"f\", 1)\n#endif\n#endif\n"
			       "enum g { H = I,\n#ifdef J\nK,\n#endif\nL };",
			       &entities));
	ck_assert_uint_eq(entities.all.len, 2);
	uk_entity_names(&entities, &entities.all.data[0], add_name, &names);
	ck_assert_str_eq(names.data, "D E C B A ");
	const struct uk_entity *entity = &entities.all.data[1];
	for (size_t i = entity->first; i < entity->first + entity->nr; i++) {
		if (uk_entity_is_enumerator(&entities, entity, i))
			add_name(&enumerators, &entities.tokens.all.data[i]);
	}
	ck_assert_str_eq(enumerators.data, "H K L ");
}
END_TEST

struct pair_case {
	const char *name, *one, *other;
	bool same;
};

static const struct pair_case hash_cases[] = {
	{ "layout", "int f(void);", "int\n\tf ( void ) /* x */ ;", true },
	{ "where it stands", "int f(void);", "\n\n\nint f(void);", true },
	{ "another word", "int f(void);", "long f(void);", false },
	{ "words run together", "int ab;", "int a b;", false },
	{ "a condition", "int f(void);", "#if A\nint f(void);\n#endif", false },
	{ "another condition", "#if B\nint f(void);\n#endif", "#if A\nint f(void);\n#endif",
	  false },
	{ "the same condition", "#if A\nint f(void);\n#endif", "# if  A\nint f(void);\n#endif",
	  true },
	{ "the other branch", "#if A\n#else\nint f(void);\n#endif", "#if A\nint f(void);\n#endif",
	  false },
	{ "another first branch", "#if B\n#else\nint f(void);\n#endif",
	  "#if A\n#else\nint f(void);\n#endif", false },
	{ "a condition further out", "#if B\n#if A\nint f(void);\n#endif\n#endif",
	  "#if A\nint f(void);\n#endif", false },
};

START_TEST(hashes_tell_entities_apart)
{
	const struct pair_case *test = &hash_cases[_i];
	uk_auto_entities struct uk_entities one = {};
	uk_auto_entities struct uk_entities other = {};
	ck_ok(uk_entities_scan(test->one, &one));
	ck_ok(uk_entities_scan(test->other, &other));
	ck_assert(one.all.len == 1 && other.all.len == 1);
	bool same = one.all.data[0].hash == other.all.data[0].hash;
	ck_assert_msg(same == test->same, "%s: %s", test->name, same ? "the same" : "different");
}
END_TEST

/* h.h changes; x.h and s.c are there too. */
struct taint_case {
	const char *name, *orig, *patched, *header, *source;
	const char *hit; /* each that is hit, with the reason; or (no newline) how that begins */
};

#define INLINE(name, body) "static inline int " name "(void) { return " body "; }\n"
#define TAGGED "struct s { int a[A]; };"

static const struct taint_case taint_cases[] = {
	{ "a macro", "#define A 1", "#define A 2", "", "int f(void) { return A; }",
	  "s.c uses A of h.h\n" },
	{ "a macro that nobody uses", "#define A 1", "#define A 2", INLINE("g", "1"),
	  "int f(void) { return B + g(); }", "" },
	{ "a new macro takes a name", "", "#define f(x) 0", "", "int g(void) { return f(1); }",
	  "s.c uses f of h.h\n" },
	{ "a macro goes", "#define A 1", "", "",
	  "#ifdef A\n#endif\nint f(void) { return 1; }\n#if A\nint a;\n#endif",
	  "s.c uses A of h.h\n" },
	{ "a comment", "#define A 1", "#define A 1 /* one */", "", "int a = A;", "" },
	{ "lines move", "#define A 1", "\n\n#define A 1", "", "int a = A;", "" },
	{ "a condition", "#define A 1", "#ifdef B\n#define A 1\n#endif", "", "int a = A;",
	  "s.c uses A of h.h\n" },
	{ "an inline function", INLINE("g", "1"), INLINE("g", "2"), "",
	  "int f(void) { return g(); }", "s.c uses g of h.h\n" },
	{ "through an inline function", "#define A 1", "#define A 2", INLINE("g", "A"),
	  "int f(void) { return g(); }", "s.c uses g of h.h\n" },
	{ "through two macros", "#define A 1", "#define A 2", "#define C B\n#define B (A + 1)",
	  "int f(void) { return C; }", "s.c uses C of h.h\n" },
	{ "not through another macro", "#define A 1", "#define A 2", "#define C B\n#define B 1",
	  "int f(void) { return C; }", "" },
	{ "a prototype", "int g(void);", "long g(void);", "", "int f(void) { return g(); }",
	  "s.c uses g of h.h\n" },
	{ "a variable", "extern int v;", "extern long v;", "", "int f(void) { return v; }",
	  "s.c uses v of h.h\n" },
	{ "an enumerator more", "enum e { A, B };", "enum e { A, N, B };", "", "int b = B;",
	  "s.c uses B of h.h\n" },
	{ "an enum that nobody uses", "enum e { A, B };", "enum e { A, N, B };", "", "int b = C;",
	  "" },
	{ "an enum through a name", "#define A 1", "#define A 2", "enum e { B = A, C };",
	  "int c = C;", "s.c uses C of h.h\n" },
	{ "struct foo;", "", "struct foo;", "", "struct foo *p;", "" },
	{ "a type", "struct s { int a; };", "struct s { long a; };", "", "", "h.h 'struct s" },
	{ "a type through a name", "#define A 1", "#define A 2", TAGGED, "",
	  "x.h x.h uses A of h.h\n" },
	{ "a condition through a name", "#define A 1", "#define A 2",
	  "#if A > 1\nstruct s { int a; };\n#endif", "", "x.h x.h uses A of h.h\n" },
	{ "the condition of a macro", "#define A 1", "#define A 2",
	  "#if A > 1\n#define B 1\n#endif", "int b = B;", "s.c uses B of h.h\n" },
	{ "a static function", "static int g(void) { return 1; }",
	  "static int g(void) { return 2; }", "", "", "h.h 'static int g" },
	{ "an inline function that others can call", "#define A 1", "#define A 2",
	  "inline int g(void) { return A; }", "", "x.h x.h uses A of h.h\n" },
	{ "an include", "", "#include <y.h>", "", "", "h.h '#include" },
	{ "the order", "#define A 1\n#undef A\n", "#undef A\n#define A 1\n", "", "",
	  "h.h the order of h.h changes\n" },
	{ "an odd header", "#if X\n#define A 1", "#if X\n#define A 2", "", "",
	  "h.h h.h changes\n" },
	{ "an odd header that uses a name", "#define A 1", "#define A 2", "#if X\n#define B A", "",
	  "x.h x.h uses A\n" },
	{ "a new header", NULL, "#define A 1", "", "", "h.h h.h is new\n" },
	{ "a header goes", "#define A 1", NULL, "", "", "h.h h.h is removed\n" },
	{ "a name put together", "#define X_A 1", "#define X_A 2", "#define MK(n) X_##n",
	  "int a = MK(A);", "s.c uses MK of h.h\n" },
	{ "a name put together further in", "#define X_A_Y 1", "#define X_A_Y 2",
	  "#define IN(n) X_##n##_Y\n#define MK(n) IN(n)", "int a = MK(A);",
	  "s.c uses MK of h.h\n" },
	{ "a name put together of a macro's value", "#define X_A 1", "#define X_A 2",
	  "#define IN(n) X_##n\n#define MK(n) IN(n)\n#define N A", "int a = MK(N);",
	  "s.c uses MK of h.h\n" },
	{ "a name that nobody puts together", "#define X_A 1", "#define X_A 2",
	  "#define MK(n) X_##n", "int b = MK(B);", "" },
	{ "another name put together", "#define Y_A 1", "#define Y_A 2", "#define MK(n) X_##n",
	  "int a = MK(A);", "" },
};

static void add_hit(struct uk_strbuf *out, const struct uk_taint *taint, const char *path)
{
	const char *reason;
	if (uk_taint_hits_includers(taint, path, &reason))
		uk_strbuf_addf(out, "%s %s\n", path, reason);
}

static struct uk_taint *make_taint(const struct taint_case *test)
{
	struct uk_taint *taint = NULL;
	ck_ok(uk_taint_create(&taint));
	ck_ok(uk_taint_add_change(taint, "h.h", test->orig, test->patched));
	ck_ok(uk_taint_add_file(taint, "x.h", test->header));
	ck_ok(uk_taint_add_file(taint, "s.c", test->source));
	const char *const texts[] = { test->orig, test->patched, test->header, test->source };
	for (size_t i = 0; i < UK_ARRAY_SIZE(texts); i++) {
		if (texts[i])
			ck_ok(uk_taint_add_uses(taint, texts[i]));
	}
	ck_ok(uk_taint_spread(taint));
	return taint;
}

START_TEST(taint_reaches_who_can_tell)
{
	const struct taint_case *test = &taint_cases[_i];
	uk_auto_taint struct uk_taint *taint = make_taint(test);
	uk_auto_strbuf struct uk_strbuf out = {};
	const char *reason;
	bool hit;
	add_hit(&out, taint, "h.h");
	add_hit(&out, taint, "x.h");
	ck_ok(uk_taint_hits_source(taint, "s.c", &hit, &reason));
	if (hit)
		uk_strbuf_addf(&out, "s.c %s\n", reason);
	uk_strbuf_addstr(&out, "");
	bool begins = *test->hit && !uk_str_ends(test->hit, "\n");
	bool good = begins ? uk_str_starts(out.data, test->hit) : !strcmp(out.data, test->hit);
	ck_assert_msg(good, "%s: got %s", test->name, out.data);
}
END_TEST

START_TEST(unknown_files_are_hit)
{
	uk_auto_taint struct uk_taint *taint = make_taint(&taint_cases[1]);
	const char *reason;
	bool hit;
	ck_assert(uk_taint_hits_includers(taint, "y.h", &reason));
	ck_assert_str_eq(reason, "a file that it includes cannot be read");
	ck_ok(uk_taint_hits_source(taint, "y.c", &hit, &reason));
	ck_assert(hit);
	ck_assert_str_eq(reason, "its source cannot be read");
}
END_TEST

#define F "int f(void) { return 1; }\n"

/* Preprocessed sources that do or do not become the same code. */
static const struct pair_case prune_cases[] = {
	{ "layout", F, "int f(void)\n{\n\treturn 1;\n}\n", true },
	{ "a function", F, "int f(void) { return 2; }", false },
	{ "a prototype that nobody uses", F, "int g(int);\n" F, true },
	{ "a prototype that is used", "int g(int); int f(void) { return g(1); }",
	  "int g(long); int f(void) { return g(1); }", false },
	{ "an inline function that nobody uses", INLINE("g", "1") F, INLINE("g", "2") F, true },
	{ "an inline function that is used", INLINE("g", "1") "int f(void) { return g(); }",
	  INLINE("g", "2") "int f(void) { return g(); }", false },
	{ "one that is used by another",
	  INLINE("g", "1") INLINE("h", "g()") "int f(void) { return h(); }",
	  INLINE("g", "2") INLINE("h", "g()") "int f(void) { return h(); }", false },
	{ "one that is used by an unused one", INLINE("g", "1") INLINE("h", "g()") F,
	  INLINE("g", "2") INLINE("h", "g()") F, true },
	{ "a static function", "static int g(void) { return 1; }\n" F,
	  "static int g(void) { return 2; }\n" F, false },
	{ "a variable", "int v = 1;\n" F, "int v = 2;\n" F, false },
	{ "a declared variable that nobody uses", "extern int v;\n" F, "extern long v;\n" F, true },
	{ "a declared variable that is used", "extern int v; int f(void) { return v; }",
	  "extern long v; int f(void) { return v; }", false },
	{ "a type that nobody uses", "struct s { int a; };\n" F, "struct s { long a; };\n" F,
	  true },
	{ "a type that is used", "struct s { int a; }; struct s v;",
	  "struct s { long a; }; struct s v;", false },
	{ "a type in a type", "struct s { int a; }; struct t { struct s b; }; struct t v;",
	  "struct s { long a; }; struct t { struct s b; }; struct t v;", false },
	{ "a tag inside of a type", "struct t { struct s { int a; } b; }; struct s v;",
	  "struct t { struct s { long a; } b; }; struct s v;", false },
	{ "a name that a member has too", "struct s { int a; }; int f(int a) { return a; }",
	  "struct s { long a; }; int f(int a) { return a; }", true },
	{ "a typedef", "typedef int t; t v;", "typedef long t; t v;", false },
	{ "a typedef that nobody uses", "typedef short t;\n" F, "typedef char t;\n" F, true },
	{ "a typedef of a word that is used", "typedef int t;\n" F, "typedef int u;\n" F, true },
	{ "another type than the one that is used",
	  "struct s { int a; }; struct t { int b; }; struct t v;",
	  "struct s { long a; }; struct t { int b; }; struct t v;", true },
	{ "an enumerator", "enum { A, B }; int v = B;", "enum { A, C, B }; int v = B;", false },
	{ "an enum that nobody uses", "enum { A, B };\n" F, "enum { A, C, B };\n" F, true },
	{ "an enumerator inside of a type", "struct t { enum { A, B } b; }; int v = B;",
	  "struct t { enum { B, A } b; }; int v = B;", false },
	{ "an inline function that others can call", "inline int g(void) { return 1; }\n" F,
	  "inline int g(void) { return 2; }\n" F, false },
	{ "an inline function that is there for others",
	  "extern inline int g(void) { return 1; }\n" F,
	  "extern inline int g(void) { return 2; }\n" F, true },
	{ "an inline function that is kept",
	  "static inline __attribute__((__used__)) int g(void) { return 1; }\n" F,
	  "static inline __attribute__((__used__)) int g(void) { return 2; }\n" F, false },
	{ "another name of a function", F "int g(void) __attribute__((alias(\"f\")));",
	  F "int h(void) __attribute__((alias(\"f\")));", false },
	{ "struct foo;", F, "struct foo;\n" F, true },
	{ "assembly at the top", F, "asm(\"nop\");\n" F, false },
	{ "what cannot be told apart", "int g(int);\n" F "}", "int g(long);\n" F "}", false },
};

START_TEST(only_code_counts)
{
	const struct pair_case *test = &prune_cases[_i];
	char one[UK_HASH_HEX_LEN + 1], other[UK_HASH_HEX_LEN + 1];
	ck_ok(uk_prune_hash(test->one, false, one));
	ck_ok(uk_prune_hash(test->other, false, other));
	ck_assert_msg(!strcmp(one, other) == test->same, "%s: %s", test->name,
		      test->same ? "different" : "the same");
}
END_TEST

START_TEST(everything_counts_on_demand)
{
	char one[UK_HASH_HEX_LEN + 1], other[UK_HASH_HEX_LEN + 1];
	ck_ok(uk_prune_hash("int g(int);\n" F, true, one));
	ck_ok(uk_prune_hash("int g(long);\n" F, true, other));
	ck_assert_str_ne(one, other);
	ck_ok(uk_prune_hash("int g(long); " F, true, one));
	ck_assert_str_eq(one, other);
}
END_TEST

/* Whatever a header has in it, something is said of it. */
START_TEST(any_text_is_taken)
{
	static const char *const pieces[] = {
		"#if A",     "\n",    "#else\n",  "#endif\n", "#define M(x) ",
		"x##y",	     "(",     ")",	  "{",	      "}",
		"[",	     "]",     ";",	  ",",	      "...",
		"struct s ", "enum ", "inline ",  "f",	      "\"",
		"'",	     "\\\n",  "/*",	  "*/",	      "#",
		"##",	     "= 1",   "typedef ", "extern ",  "#include <",
		"\\",
	};
	srandom(23);
	for (int round = 0; round < 3000; round++) {
		uk_auto_strbuf struct uk_strbuf one = {}, other = {};
		for (long i = random() % 40; i >= 0; i--) {
			struct uk_strbuf *to = random() % 2 ? &one : &other;
			uk_strbuf_addstr(to, pieces[(size_t)random() % UK_ARRAY_SIZE(pieces)]);
		}
		uk_strbuf_addstr(&one, "");
		uk_strbuf_addstr(&other, "");
		const struct taint_case test = {
			"", one.data, other.data, one.data, other.data, ""
		};
		uk_auto_taint struct uk_taint *taint = make_taint(&test);
		char hash[UK_HASH_HEX_LEN + 1];
		ck_ok(uk_prune_hash(one.data, false, hash));
		ck_assert_uint_eq(strlen(hash), UK_HASH_HEX_LEN);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kbuild: headers");
	TCase *tcase = tcase_create("headers");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, text_becomes_tokens, 0, UK_ARRAY_SIZE(token_cases));
	tcase_add_loop_test(tcase, headers_become_entities, 0, UK_ARRAY_SIZE(entity_cases));
	tcase_add_test(tcase, entities_have_names);
	tcase_add_loop_test(tcase, hashes_tell_entities_apart, 0, UK_ARRAY_SIZE(hash_cases));
	tcase_add_loop_test(tcase, taint_reaches_who_can_tell, 0, UK_ARRAY_SIZE(taint_cases));
	tcase_add_test(tcase, unknown_files_are_hit);
	tcase_add_loop_test(tcase, only_code_counts, 0, UK_ARRAY_SIZE(prune_cases));
	tcase_add_test(tcase, everything_counts_on_demand);
	tcase_add_test(tcase, any_text_is_taken);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
