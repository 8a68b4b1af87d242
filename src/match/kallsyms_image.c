// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The compressed symbol table inside a kernel image, found by its structure.
 *
 * Every table begins at a multiple of 8. Names are strings of tokens behind a length (ULEB128
 * of one or two bytes); a marker for each 256 names; 256 tokens, NUL-terminated, and their
 * offsets (16 bits each). Addresses are 32-bit offsets: not negative, the address itself
 * (per-CPU); negative, base - 1 - offset. The order of the tables (scripts/kallsyms.c):
 *
 *   to 6.3:   offsets, relative_base, num_syms, names, markers, [seqs_of_names,] token_table,
 *             token_index
 *   from 6.4: num_syms, names, markers, token_table, token_index, offsets, relative_base,
 *             seqs_of_names
 *
 * (404bad70fcf7 "scripts/kallsyms: change the output order", 6.4. seqs_of_names came with
 * 60443c88f3a8 "kallsyms: Improve the performance of kallsyms_lookup_name()", 6.2, and stands
 * in later 6.1 stable releases as well.)
 */
#include "match/kallsyms.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "match/kallsyms_build.h"

#include <inttypes.h>

enum {
	TOKENS = 256,
	TOKEN_TABLE_MAX = TOKENS * 64,
	NAME_MAX_LEN = 1024,
	SYMBOLS_MIN = 1000,
	SYMBOLS_MAX = 4000000,
	MARKER_STEP = 256,
};

#define KERNEL_MAP 0xffffffff80000000 /* the lowest address of the kernel's own mapping */

struct tables {
	const uint8_t *start, *end; /* the region that holds them */
	const uint8_t *token_table, *token_index;
	const uint8_t *names, *markers;
	uint32_t nr;
	const uint8_t *offsets;
	uint64_t base;
};

static size_t align8(size_t value)
{
	return (value + 7) & ~(size_t)7;
}

/* Whether 16-bit offsets at @index describe 256 strings, and where these would begin. */
static bool is_token_index(const uint8_t *start, const uint8_t *index, const uint8_t **table_ret)
{
	for (unsigned int i = 1; i < TOKENS; i++) {
		uint16_t before = uk_get_u16(index + 2 * (i - 1)), now = uk_get_u16(index + 2 * i);
		if (now <= before || now - before > 64)
			return false;
	}
	/* The last token ends within a few bytes of the index: try each aligned length. */
	size_t last = uk_get_u16(index + 2 * (TOKENS - 1));
	for (size_t len = align8(last + 1); len <= align8(last + 64); len += 8) {
		if (len > (size_t)(index - start))
			return false;
		const uint8_t *table = index - len;
		bool good = true;
		for (unsigned int i = 1; good && i < TOKENS; i++)
			good = table[uk_get_u16(index + 2 * i) - 1] == '\0';
		const uint8_t *nul = memchr(table + last, '\0', len - last);
		if (good && nul && align8((size_t)(nul - table) + 1) == len) {
			*table_ret = table;
			return true;
		}
	}
	return false;
}

static bool find_tokens(struct tables *tables, const uint8_t *from)
{
	const uint8_t *end = tables->end - 2 * TOKENS;
	for (const uint8_t *at = from; at <= end; at += 8) {
		uint16_t second = uk_get_u16(at + 2);
		if (uk_get_u16(at) != 0 || second < 1 || second > 64)
			continue;
		if (!is_token_index(tables->start, at, &tables->token_table))
			continue;
		tables->token_index = at;
		return true;
	}
	return false;
}

/* Steps over a name; NULL if it does not end before @end. */
static const uint8_t *skip_name(const uint8_t *at, const uint8_t *end)
{
	if (at >= end)
		return NULL;
	size_t len = *at++;
	if (len & 0x80) {
		if (at >= end)
			return NULL;
		len = (len & 0x7f) | (size_t)(*at++ & 0x7f) << 7;
	}
	if (!len || len > (size_t)(end - at))
		return NULL;
	return at + len;
}

/* Walks all names and compares the markers with where each 256th begins. */
static bool names_fit(const uint8_t *names, const uint8_t *markers, uint32_t nr)
{
	const uint8_t *at = names;
	for (uint32_t i = 0; i < nr; i++) {
		if (i % MARKER_STEP == 0 &&
		    uk_get_u32(markers + 4 * (i / MARKER_STEP)) != (size_t)(at - names))
			return false;
		at = skip_name(at, markers);
		if (!at)
			return false;
	}
	return align8((size_t)(at - names)) == (size_t)(markers - names);
}

/* Whether @count is num_syms: the names behind it are that many, and the markers behind them. */
static bool is_count(struct tables *tables, const uint8_t *count)
{
	uint32_t nr = uk_get_u32(count);
	if (nr < SYMBOLS_MIN || nr > SYMBOLS_MAX || uk_get_u32(count + 4) != 0)
		return false;
	const uint8_t *names = count + 8;
	size_t markers_len = align8(4 * (size_t)((nr + MARKER_STEP - 1) / MARKER_STEP));
	size_t seqs_len = align8(3 * (size_t)nr);
	size_t room = (size_t)(tables->token_table - names);
	/* Markers end where the tokens begin, or where the sequence numbers do. */
	const size_t behind[] = { markers_len, markers_len + seqs_len };
	for (unsigned int i = 0; i < UK_ARRAY_SIZE(behind); i++) {
		if (behind[i] >= room || room - behind[i] < 2 * (size_t)nr)
			continue;
		const uint8_t *markers = tables->token_table - behind[i];
		if (uk_get_u32(markers) || !names_fit(names, markers, nr))
			continue;
		tables->names = names;
		tables->markers = markers;
		tables->nr = nr;
		return true;
	}
	return false;
}

static bool find_names(struct tables *tables)
{
	for (const uint8_t *at = tables->token_table; at - tables->start >= 16;) {
		at -= 8;
		if (is_count(tables, at))
			return true;
	}
	return false;
}

static uint64_t decode_address(const struct tables *tables, uint32_t number)
{
	int32_t offset = uk_get_s32(tables->offsets + 4 * (size_t)number);
	if (offset >= 0)
		return (uint32_t)offset;
	return tables->base - 1 - (int64_t)offset;
}

/* Symbols stand in order of address; the kernel's own mapping holds nearly all of them. */
static bool addresses_fit(struct tables *tables, const uint8_t *offsets, const uint8_t *base)
{
	if (offsets < tables->start || base < tables->start || tables->end - base < 8)
		return false;
	tables->offsets = offsets;
	tables->base = uk_get_u64(base);
	if (tables->base < KERNEL_MAP)
		return false;
	uint64_t last = 0;
	for (uint32_t i = 0; i < tables->nr; i++) {
		uint64_t address = decode_address(tables, i);
		if (address < last)
			return false;
		last = address;
	}
	return last >= tables->base;
}

static bool find_addresses(struct tables *tables)
{
	size_t len = align8(4 * (size_t)tables->nr);
	const uint8_t *count = tables->names - 8;
	const uint8_t *behind = tables->token_index + 2 * TOKENS;
	if ((size_t)(count - tables->start) >= len + 8 &&
	    addresses_fit(tables, count - 8 - len, count - 8))
		return true;
	return (size_t)(tables->end - behind) >= len + 8 &&
	       addresses_fit(tables, behind, behind + len);
}

/* Appends the expansion of one name: its first character is the type. */
static bool expand_name(const struct tables *tables, const uint8_t **at, struct uk_strbuf *text)
{
	const uint8_t *code = *at;
	const uint8_t *next = skip_name(code, tables->markers);
	code += *code & 0x80 ? 2 : 1;
	size_t start = text->len;
	for (; code < next; code++) {
		const uint8_t *token =
			tables->token_table + uk_get_u16(tables->token_index + 2 * (size_t)*code);
		size_t len = strlen((const char *)token);
		if (!len) /* no name uses a token that stands for nothing */
			return false;
		uk_strbuf_add(text, token, len);
	}
	uk_strbuf_add(text, "", 1);
	*at = next;
	return text->len - start >= 3 && text->len - start <= NAME_MAX_LEN;
}

/* Names move while they grow: symbols first hold the offset of the name. */
static struct uk_error *decode_all(const struct tables *tables, struct uk_kallsyms *kallsyms,
				   const char *name)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	if (!uk_vec_reserve(&kallsyms->symbols, tables->nr))
		return uk_error_nomem();
	const uint8_t *at = tables->names;
	for (uint32_t i = 0; i < tables->nr; i++) {
		size_t start = text.len;
		if (!expand_name(tables, &at, &text))
			return text.failed ? uk_error_nomem()
					   : uk_error_create(UK_ERR_INVALID,
							     "%s: kernel symbol %" PRIu32
							     " has no valid name",
							     name, i);
		kallsyms->symbols.data[kallsyms->symbols.len++] = (struct uk_kallsym){
			.name = (const char *)start,
			.address = decode_address(tables, i),
			.module = "vmlinux",
		};
	}
	struct uk_error *err = uk_strbuf_finish(&text, &kallsyms->text);
	if (err)
		return err;
	uk_vec_for_each(symbol, &kallsyms->symbols) {
		const char *typed = kallsyms->text + (size_t)symbol->name;
		symbol->type = typed[0];
		symbol->name = typed + 1;
	}
	return NULL;
}

static bool find_tables(const struct uk_memory *image, struct tables *tables)
{
	uk_vec_for_each(region, &image->regions) {
		if (region->addr < KERNEL_MAP || region->len < TOKEN_TABLE_MAX)
			continue;
		size_t skip = (size_t)(-region->addr & 7);
		*tables = (struct tables){ .start = region->data + skip,
					   .end = region->data + region->len };
		/* A run of numbers elsewhere may look like a token index: try each. */
		for (const uint8_t *from = tables->start; find_tokens(tables, from);
		     from = tables->token_index + 8)
			if (find_names(tables) && find_addresses(tables))
				return true;
	}
	return false;
}

struct uk_error *uk_kallsyms_find(const struct uk_memory *image, struct uk_kallsyms **ret)
{
	struct tables tables;
	if (!find_tables(image, &tables))
		return uk_error_create(UK_ERR_INVALID,
				       "%s: no table of kernel symbols is found in it (a kernel "
				       "without CONFIG_KALLSYMS, or a damaged image)",
				       image->name);
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = calloc(1, sizeof(*kallsyms));
	if (!kallsyms)
		return uk_error_nomem();
	struct uk_error *err = decode_all(&tables, kallsyms, image->name);
	if (!err)
		err = uk_kallsyms_build(kallsyms);
	if (err)
		return err;
	*ret = uk_take(kallsyms);
	return NULL;
}
