// SPDX-License-Identifier: GPL-2.0-or-later
/* Code as a list of instructions, by Zydis. */
#include "cli/listing.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <Zydis/Zydis.h>
#include <ctype.h>
#include <string.h>

/* Cells of the table that aligns two listings; beyond, their middles just stand in a row. */
static const size_t max_cells = 32 << 20;

struct reader {
	const struct uk_object *object;
	const struct uk_section *section;
	uint64_t start, end; /* in the section */
	ZydisDecoder decoder;
	ZydisFormatter formatter;
	struct uk_listing *listing;
};

static void line_deinit(struct uk_listing_line *line)
{
	free(line->text);
	free(line->key);
}

void uk_listing_deinit(struct uk_listing *listing)
{
	uk_vec_for_each(line, &listing->lines)
		line_deinit(line);
	uk_vec_deinit(&listing->lines);
}

void uk_listing_table_deinit(struct uk_listing_table *table)
{
	uk_vec_deinit(&table->rows);
}

/* Symbols of the running kernel that are local to object N are named ".upk.N.NAME". */
static const char *natural_name(const char *name)
{
	if (!uk_str_starts(name, ".upk."))
		return name;
	const char *rest = name + strlen(".upk.");
	while (isdigit((unsigned char)*rest))
		rest++;
	return *rest == '.' && rest[1] ? rest + 1 : name;
}

/* A string constant by its content, cut where it gets long. */
static void add_string(struct uk_strbuf *text, const struct uk_section *section, uint64_t offset)
{
	enum { LIMIT = 40 };
	uk_strbuf_addstr(text, "\"");
	for (uint64_t i = offset; i < section->size && section->data[i]; i++) {
		unsigned char c = section->data[i];
		if (i - offset == LIMIT) {
			uk_strbuf_addstr(text, "...");
			break;
		}
		if (c == '"' || c == '\\')
			uk_strbuf_addf(text, "\\%c", c);
		else if (isprint(c))
			uk_strbuf_addf(text, "%c", c);
		else
			uk_strbuf_addf(text, "\\%03o", c);
	}
	uk_strbuf_addstr(text, "\"");
}

static void add_name(struct uk_strbuf *text, const char *name, uint64_t offset)
{
	for (const char *c = natural_name(name); *c; c++)
		uk_strbuf_add(text, isgraph((unsigned char)*c) ? c : "?", 1);
	if ((int64_t)offset < 0)
		uk_strbuf_addf(text, "-0x%llx", -(unsigned long long)offset);
	else if (offset)
		uk_strbuf_addf(text, "+0x%llx", (unsigned long long)offset);
}

/* What a relocation points at; @offset is counted from the end of the instruction. */
static void add_target(struct uk_strbuf *text, const struct reader *reader,
		       const struct uk_reloc *reloc, uint64_t offset)
{
	const struct uk_symbol *symbol = reloc->symbol;
	if (symbol->place == UK_SYMBOL_DEFINED && symbol->type == STT_SECTION) {
		const struct uk_section *section = symbol->section;
		offset += symbol->value;
		if (section->flags & SHF_STRINGS && section->data && offset < section->size) {
			add_string(text, section, offset);
			return;
		}
		const struct uk_symbol *inner =
			uk_object_symbol_at(reader->object, section, offset);
		if (inner) {
			symbol = inner;
			offset -= inner->value;
		}
	}
	add_name(text, symbol->name, offset);
}

/* The targets of all relocations inside an instruction. */
static void add_targets(struct uk_strbuf *text, const struct reader *reader, uint64_t at,
			uint64_t len, const char *before)
{
	const struct uk_reloc *last = NULL;
	for (uint64_t i = at; i < at + len; i++) {
		const struct uk_reloc *reloc = uk_section_reloc_at(reader->section, i);
		if (!reloc || reloc == last)
			continue;
		last = reloc;
		uint64_t offset = (uint64_t)reloc->addend;
		if (uk_reloc_is_pcrel(reloc->type))
			offset += at + len - reloc->offset;
		uk_strbuf_addstr(text, before);
		add_target(text, reader, reloc, offset);
	}
}

static bool is_relative_branch(const ZydisDecodedInstruction *insn,
			       const ZydisDecodedOperand *operands)
{
	return insn->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE &&
	       operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operands[0].imm.is_relative;
}

/* What lies at an offset of the section outside of the function: by name, if it has one. */
static void add_neighbour(struct uk_strbuf *text, const struct reader *reader, uint64_t at)
{
	const struct uk_symbol *symbol = uk_object_symbol_at(reader->object, reader->section, at);
	if (symbol)
		add_name(text, symbol->name, at - symbol->value);
	else
		add_name(text, reader->section->name, at);
}

/* Where a branch inside the function goes is told, but does not count when compared. */
static void describe_branch(const struct reader *reader, const ZydisDecodedInstruction *insn,
			    const ZydisDecodedOperand *operands, uint64_t at,
			    struct uk_strbuf *text, struct uk_strbuf *key)
{
	const char *mnemonic = ZydisMnemonicGetString(insn->mnemonic);
	uint64_t target = at + insn->length + operands[0].imm.value.u;
	uk_strbuf_addf(text, "%s ", mnemonic);
	size_t len = text->len;
	add_targets(text, reader, at, insn->length, "");
	if (text->len == len && (target < reader->start || target >= reader->end))
		add_neighbour(text, reader, target);
	if (text->len != len) {
		if (text->data)
			uk_strbuf_add(key, text->data, text->len);
		return;
	}
	uk_strbuf_addf(text, "+0x%llx", (unsigned long long)(target - reader->start));
	uk_strbuf_addstr(key, mnemonic);
}

static void describe(const struct reader *reader, const ZydisDecodedInstruction *insn,
		     const ZydisDecodedOperand *operands, uint64_t at, struct uk_strbuf *text,
		     struct uk_strbuf *key)
{
	char formatted[256];
	if (is_relative_branch(insn, operands)) {
		describe_branch(reader, insn, operands, at, text, key);
		return;
	}
	if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
		    &reader->formatter, insn, operands, insn->operand_count_visible, formatted,
		    sizeof(formatted), ZYDIS_RUNTIME_ADDRESS_NONE, NULL)))
		snprintf(formatted, sizeof(formatted), "?");
	uk_strbuf_addstr(text, formatted);
	add_targets(text, reader, at, insn->length, "  # ");
	if (text->data)
		uk_strbuf_add(key, text->data, text->len);
}

/* Takes both texts. */
static struct uk_error *add_line(struct reader *reader, uint64_t at, struct uk_strbuf *text,
				 struct uk_strbuf *key)
{
	struct uk_listing_line line = { .offset = at - reader->start };
	struct uk_error *err = uk_strbuf_finish(text, &line.text);
	if (!err)
		err = uk_strbuf_finish(key, &line.key);
	if (!err && !uk_vec_push(&reader->listing->lines, line))
		err = uk_error_nomem();
	if (err)
		line_deinit(&line);
	return err;
}

static struct uk_error *read_one(struct reader *reader, uint64_t *at)
{
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	uk_auto_strbuf struct uk_strbuf text = {}, key = {};
	const uint8_t *bytes = reader->section->data + *at;
	uint64_t len = 1;
	if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&reader->decoder, bytes, reader->end - *at, &insn,
						operands))) {
		describe(reader, &insn, operands, *at, &text, &key);
		len = insn.length;
	} else {
		uk_strbuf_addf(&text, ".byte 0x%02x", *bytes);
		uk_strbuf_addf(&key, ".byte 0x%02x", *bytes);
	}
	struct uk_error *err = add_line(reader, *at, &text, &key);
	*at += len;
	return err;
}

struct uk_error *uk_listing_read(const struct uk_object *object, const struct uk_section *section,
				 uint64_t offset, uint64_t size, struct uk_listing *ret)
{
	if (!section->data || !uk_range_ok(offset, size, section->size))
		return uk_error_create(UK_ERR_INVALID,
				       "%s: section %s has no bytes from 0x%llx to 0x%llx",
				       object->name, section->name, (unsigned long long)offset,
				       (unsigned long long)(offset + size));
	struct reader reader = {
		.object = object,
		.section = section,
		.start = offset,
		.end = offset + size,
		.listing = ret,
	};
	ZydisDecoderInit(&reader.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisFormatterInit(&reader.formatter, ZYDIS_FORMATTER_STYLE_ATT);
	ZydisFormatterSetProperty(&reader.formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, false);
	ZydisFormatterSetProperty(&reader.formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING,
				  ZYDIS_PADDING_DISABLED);
	ZydisFormatterSetProperty(&reader.formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING,
				  ZYDIS_PADDING_DISABLED);
	while (offset < reader.end) {
		struct uk_error *err = read_one(&reader, &offset);
		if (err)
			return err;
	}
	return NULL;
}

/* The part of two listings between an equal beginning and an equal end. */
struct middle {
	const struct uk_listing_line *old, *new;
	size_t nr_old, nr_new;
	uint16_t *common; /* [i][j]: longest common subsequence of what follows */
};

static bool same_line(const struct uk_listing_line *a, const struct uk_listing_line *b)
{
	return !strcmp(a->key, b->key);
}

static uint16_t *cell(const struct middle *middle, size_t i, size_t j)
{
	return &middle->common[i * (middle->nr_new + 1) + j];
}

static struct uk_error *fill_common(struct middle *middle)
{
	size_t cells = (middle->nr_old + 1) * (middle->nr_new + 1);
	if (middle->nr_old > UINT16_MAX || middle->nr_new > UINT16_MAX || cells > max_cells)
		return NULL;
	middle->common = calloc(cells, sizeof(*middle->common));
	if (!middle->common)
		return uk_error_nomem();
	for (size_t i = middle->nr_old; i-- > 0;) {
		for (size_t j = middle->nr_new; j-- > 0;) {
			uint16_t down = *cell(middle, i + 1, j), right = *cell(middle, i, j + 1);
			*cell(middle, i, j) = same_line(&middle->old[i], &middle->new[j])
						      ? *cell(middle, i + 1, j + 1) + 1
					      : down >= right ? down
							      : right;
		}
	}
	return NULL;
}

static bool add_row(struct uk_listing_table *table, const struct uk_listing_line *old,
		    const struct uk_listing_line *new, bool same)
{
	return uk_vec_push(&table->rows,
			   (struct uk_listing_row){ .old = old, .new = new, .same = same });
}

/* Whether line @i of the old and @j of the new listing belong side by side. */
static bool is_anchor(const struct middle *middle, size_t i, size_t j)
{
	return middle->common && i < middle->nr_old && j < middle->nr_new &&
	       same_line(&middle->old[i], &middle->new[j]);
}

/* Whether the way on leads over the next old line rather than the next new one. */
static bool goes_down(const struct middle *middle, size_t i, size_t j)
{
	if (i == middle->nr_old)
		return false;
	return j == middle->nr_new || !middle->common ||
	       *cell(middle, i + 1, j) >= *cell(middle, i, j + 1);
}

/* What differs between two anchors: as many as can be in pairs, the rest alone. */
static bool add_gap(struct uk_listing_table *table, const struct middle *middle, size_t i,
		    size_t to_i, size_t j, size_t to_j)
{
	bool fine = true;
	while (fine && (i < to_i || j < to_j)) {
		const struct uk_listing_line *old = i < to_i ? &middle->old[i++] : NULL;
		const struct uk_listing_line *new = j < to_j ? &middle->new[j++] : NULL;
		fine = add_row(table, old, new, false);
	}
	return fine;
}

static bool add_middle(struct uk_listing_table *table, const struct middle *middle)
{
	size_t i = 0, j = 0;
	while (i < middle->nr_old || j < middle->nr_new) {
		size_t from_i = i, from_j = j;
		while ((i < middle->nr_old || j < middle->nr_new) && !is_anchor(middle, i, j)) {
			if (goes_down(middle, i, j))
				i++;
			else
				j++;
		}
		if (!add_gap(table, middle, from_i, i, from_j, j))
			return false;
		for (; is_anchor(middle, i, j); i++, j++) {
			if (!add_row(table, &middle->old[i], &middle->new[j], true))
				return false;
		}
	}
	return true;
}

struct uk_error *uk_listing_align(const struct uk_listing *old, const struct uk_listing *new,
				  struct uk_listing_table *ret)
{
	const struct uk_listing_line *a = old->lines.data, *b = new->lines.data;
	size_t nr_a = old->lines.len, nr_b = new->lines.len;
	size_t shorter = nr_a < nr_b ? nr_a : nr_b, head = 0, tail = 0;
	while (head < shorter && same_line(&a[head], &b[head]))
		head++;
	while (tail < shorter - head && same_line(&a[nr_a - 1 - tail], &b[nr_b - 1 - tail]))
		tail++;

	/* A listing of nothing has no array to point into. */
	struct middle middle = { .old = head ? a + head : a,
				 .new = head ? b + head : b,
				 .nr_old = nr_a - head - tail,
				 .nr_new = nr_b - head - tail };
	struct uk_error *err = fill_common(&middle);
	if (err)
		return err;
	bool fine = true;
	for (size_t i = 0; fine && i < head; i++)
		fine = add_row(ret, &a[i], &b[i], true);
	fine = fine && add_middle(ret, &middle);
	for (size_t i = tail; fine && i > 0; i--)
		fine = add_row(ret, &a[nr_a - i], &b[nr_b - i], true);
	free(middle.common);
	return fine ? NULL : uk_error_nomem();
}
