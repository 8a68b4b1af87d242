// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel symbols: the text of /proc/kallsyms, and the table inside an image. */
/* rooms: match elf base */
#include "base/bytes.h"
#include "base/strbuf.h"
#include "match/kallsyms.h"
#include "tap.h"

#include <string.h>

#define BASE 0xffffffff81000000ul
#define TABLES 0xffffffff82000000ul

static struct uk_kallsyms *parse(const char *text)
{
	struct uk_kallsyms *kallsyms = NULL;
	ck_ok(uk_kallsyms_parse(text, strlen(text), &kallsyms));
	return kallsyms;
}

START_TEST(text_is_parsed_and_found)
{
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = parse("0000000000001000 A percpu\n"
							      "ffffffff81000000 T _text\n"
							      "ffffffff81000010 t twice\n"
							      "ffffffff81000020 T once\n"
							      "ffffffff81000020 t alias\n"
							      "ffffffffc0000000 t twice\t[mod]\n"
							      "ffffffff81000030 t twice\n");
	ck_assert_uint_eq(kallsyms->symbols.len, 7);
	const struct uk_kallsym *symbol = uk_kallsyms_lookup(kallsyms, "twice");
	ck_assert_uint_eq(symbol->address, 0xffffffff81000010);
	ck_assert_int_eq(symbol->type, 't');
	ck_assert_str_eq(symbol->module, "vmlinux");
	symbol = uk_kallsyms_next(kallsyms, symbol);
	ck_assert_str_eq(symbol->module, "mod");
	symbol = uk_kallsyms_next(kallsyms, symbol);
	ck_assert_uint_eq(symbol->address, 0xffffffff81000030);
	ck_assert_ptr_null(uk_kallsyms_next(kallsyms, symbol));
	ck_assert_ptr_null(uk_kallsyms_lookup(kallsyms, "none"));
	ck_assert(uk_kallsyms_has(kallsyms, "twice", "mod", 0xffffffffc0000000));
	ck_assert(uk_kallsyms_has(kallsyms, "twice", NULL, 0xffffffffc0000000));
	ck_assert(!uk_kallsyms_has(kallsyms, "twice", "vmlinux", 0xffffffffc0000000));
	ck_assert_uint_eq(uk_kallsyms_unique(kallsyms, "once"), 0xffffffff81000020);
	ck_assert_uint_eq(uk_kallsyms_unique(kallsyms, "twice"), 0);
	ck_assert_str_eq(uk_kallsyms_at(kallsyms, 0xffffffff8100002f)->name, "once");
	ck_assert_str_eq(uk_kallsyms_at(kallsyms, 0xffffffff81000030)->name, "twice");
	ck_assert_ptr_null(uk_kallsyms_at(kallsyms, 0xfff));
}
END_TEST

/* Whatever the order of the text is, each address is found. */
static void check_order(const char *text, size_t nr)
{
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = parse(text);
	ck_assert_uint_eq(kallsyms->symbols.len, nr);
	uk_vec_for_each(symbol, &kallsyms->symbols) {
		ck_assert_ptr_eq(uk_kallsyms_at(kallsyms, symbol->address), symbol);
		ck_assert_ptr_eq(uk_kallsyms_at(kallsyms, symbol->address + 0xf), symbol);
	}
}

START_TEST(any_order_is_sorted)
{
	check_order("1000 T a\n2000 T b\n3000 t c\n", 3);
	check_order("1000 T a\n3000 T b\n2000 t c\n4000 t d\n", 4);
	check_order("1000 T a\n2000 T b\n9000 t c\t[m]\n7000 t d\t[m]\n8000 t e\t[m]\n", 5);
	check_order("5000 T a\n6000 T b\n1000 t c\t[m]\n9000 t d\t[m]\n5500 t e\t[m]\n", 5);
	check_order("9000 t c\t[m]\n7000 t d\t[m]\n1000 T a\n2000 T b\n", 4);
	check_order("9000 T a\n", 1);
}
END_TEST

START_TEST(hidden_addresses_are_told)
{
	struct uk_kallsyms *kallsyms = NULL;
	const char *text = "0000000000000000 T _text\n0000000000000000 t f\n";
	ck_fails(uk_kallsyms_parse(text, strlen(text), &kallsyms), UK_ERR_SYSTEM,
		 "kernel.kptr_restrict");
	ck_assert_ptr_null(kallsyms);
}
END_TEST

START_TEST(damaged_text_is_refused)
{
	static const char *const bad[] = {
		"",
		"ffffffff81000000\n",
		"xyz T f\n",
		"ffffffff81000000 T \n",
		"ffffffff81000000 T f\tmod]\n",
		"ffffffff81000000 T f\t[mod\n",
		"ffffffff81000000ff T f\n",
		"ffffffff81000000 TT f\n",
		"ffffffff81000000 T f\t[]\n",
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(bad); i++) {
		struct uk_kallsyms *kallsyms = NULL;
		uk_auto_error struct uk_error *err =
			uk_kallsyms_parse(bad[i], strlen(bad[i]), &kallsyms);
		ck_assert_msg(err != NULL, "case %zu", i);
		ck_assert_ptr_null(kallsyms);
	}
}
END_TEST

/* The tables as scripts/kallsyms.c writes them. */
enum { NR = 2000 };

struct tables {
	struct uk_strbuf names, tokens;
	uint8_t markers[4 * ((NR + 255) / 256)], index[512], offsets[4 * NR], seqs[3 * NR];
};

/* Symbol i is "T" "sym_<i>_" with the digits as single tokens; token 200 is "sym_". */
static void make_tables(struct tables *tables)
{
	memset(tables, 0, sizeof(*tables));
	for (unsigned int i = 0; i < 256; i++) {
		uint16_t at = (uint16_t)tables->tokens.len;
		memcpy(tables->index + 2 * i, &at, 2);
		if (i == 200)
			uk_strbuf_addstr(&tables->tokens, "sym_");
		else if (i == 201)
			uk_strbuf_addstr(&tables->tokens, "long_long_long_");
		else if (i >= 33 && i < 127)
			uk_strbuf_addf(&tables->tokens, "%c", (int)i);
		uk_strbuf_add(&tables->tokens, "", 1);
	}
	for (unsigned int i = 0; i < NR; i++) {
		if (i % 256 == 0)
			uk_put_u32(tables->markers + 4 * (i / 256), (uint32_t)tables->names.len);
		char name[256];
		int len = snprintf(name, sizeof(name), "T\310%u_", i);
		if (i == 7) { /* more than 127 tokens */
			memset(name + len, 'x', 150);
			len += 150;
		}
		if (len > 127) {
			const uint8_t size[] = { (uint8_t)((len & 0x7f) | 0x80),
						 (uint8_t)(len >> 7) };
			uk_strbuf_add(&tables->names, size, 2);
		} else {
			const uint8_t size = (uint8_t)len;
			uk_strbuf_add(&tables->names, &size, 1);
		}
		uk_strbuf_add(&tables->names, name, (size_t)len);
		/* The first ones are per-CPU: absolute. */
		uk_put_u32(tables->offsets + 4 * i,
			   i < 10 ? i * 8 : (uint32_t)(-1 - (int)(i * 16)));
	}
}

static void put(struct uk_strbuf *out, const void *bytes, size_t len)
{
	uk_strbuf_add(out, bytes, len);
	while (out->len % 8)
		uk_strbuf_add(out, "", 1);
}

static void put_u64(struct uk_strbuf *out, uint64_t value)
{
	uint8_t bytes[8];
	uk_put_u64(bytes, value);
	put(out, bytes, 8);
}

static void put_addresses(struct uk_strbuf *out, const struct tables *tables)
{
	put(out, tables->offsets, sizeof(tables->offsets));
	put_u64(out, BASE);
}

enum order { OLD, OLD_WITH_SEQS, NEW };

/* Between other data, so that the search has something to get over. */
static struct uk_memory *make_image(enum order order, void (*damage)(struct tables *))
{
	static struct tables tables;
	struct uk_strbuf out = {};
	make_tables(&tables);
	if (damage)
		damage(&tables);
	for (unsigned int i = 0; i < 4000; i++)
		put_u64(&out, i * 0x10001);
	if (order != NEW)
		put_addresses(&out, &tables);
	put_u64(&out, NR);
	put(&out, tables.names.data, tables.names.len);
	put(&out, tables.markers, sizeof(tables.markers));
	if (order == OLD_WITH_SEQS)
		put(&out, tables.seqs, sizeof(tables.seqs));
	put(&out, tables.tokens.data, tables.tokens.len);
	put(&out, tables.index, sizeof(tables.index));
	if (order == NEW) {
		put_addresses(&out, &tables);
		put(&out, tables.seqs, sizeof(tables.seqs));
	}
	for (unsigned int i = 0; i < 1000; i++)
		put_u64(&out, ~(uint64_t)i);
	struct uk_memory *image = NULL;
	ck_ok(uk_memory_create("image", NULL, false, &image));
	ck_ok(uk_memory_add(image, TABLES, out.data, out.len));
	uk_strbuf_deinit(&out);
	uk_strbuf_deinit(&tables.names);
	uk_strbuf_deinit(&tables.tokens);
	return image;
}

START_TEST(every_order_of_tables_is_found)
{
	for (enum order order = OLD; order <= NEW; order++) {
		uk_auto_memory struct uk_memory *image = make_image(order, NULL);
		uk_auto_kallsyms struct uk_kallsyms *kallsyms = NULL;
		ck_ok(uk_kallsyms_open(image, &kallsyms));
		ck_assert_uint_eq(kallsyms->symbols.len, NR);
		ck_assert_uint_eq(uk_kallsyms_unique(kallsyms, "sym_3_"), 24);
		ck_assert_uint_eq(uk_kallsyms_unique(kallsyms, "sym_1999_"), BASE + 1999 * 16);
		ck_assert_int_eq(uk_kallsyms_lookup(kallsyms, "sym_300_")->type, 'T');
		ck_assert_uint_eq(strlen(kallsyms->symbols.data[7].name), 156);
	}
}
END_TEST

static void damage_marker(struct tables *tables)
{
	tables->markers[8] ^= 1;
}

static void damage_names(struct tables *tables)
{
	tables->names.data[5000] = 0;
}

static void damage_tokens(struct tables *tables)
{
	tables->index[100]++;
}

static void damage_offsets(struct tables *tables)
{
	uk_put_u32(tables->offsets + 4 * 500, 0x80000000);
}

static void damage_type(struct tables *tables)
{
	/* The first name becomes its type alone: one token and a token of nothing. */
	tables->names.data[2] = tables->names.data[3] = tables->names.data[4] = 1;
}

START_TEST(damaged_tables_are_refused)
{
	void (*const damages[])(struct tables *) = { damage_marker, damage_names, damage_tokens,
						     damage_offsets, damage_type };
	for (size_t i = 0; i < UK_ARRAY_SIZE(damages); i++)
		for (enum order order = OLD; order <= NEW; order++) {
			uk_auto_memory struct uk_memory *image = make_image(order, damages[i]);
			struct uk_kallsyms *kallsyms = NULL;
			uk_auto_error struct uk_error *err = uk_kallsyms_find(image, &kallsyms);
			ck_assert_msg(err != NULL, "damage %zu, order %d", i, (int)order);
			ck_assert_int_eq(uk_error_kind(err), UK_ERR_INVALID);
			ck_assert_ptr_null(kallsyms);
		}
}
END_TEST

START_TEST(cut_images_are_refused)
{
	uk_auto_memory struct uk_memory *image = make_image(NEW, NULL);
	struct uk_region *region = &image->regions.data[0];
	size_t whole = region->len;
	for (size_t len = 0; len < whole - 8 * 1000 - 3 * NR - 8; len += 997) {
		struct uk_kallsyms *kallsyms = NULL;
		region->len = len;
		ck_fails(uk_kallsyms_find(image, &kallsyms), UK_ERR_INVALID,
			 "no table of kernel symbols");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match kallsyms");
	TCase *tcase = tcase_create("symbols");
	tcase_add_test(tcase, text_is_parsed_and_found);
	tcase_add_test(tcase, any_order_is_sorted);
	tcase_add_test(tcase, hidden_addresses_are_told);
	tcase_add_test(tcase, damaged_text_is_refused);
	tcase_add_test(tcase, every_order_of_tables_is_found);
	tcase_add_test(tcase, damaged_tables_are_refused);
	tcase_add_test(tcase, cut_images_are_refused);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
