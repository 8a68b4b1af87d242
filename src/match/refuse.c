// SPDX-License-Identifier: GPL-2.0-or-later
/* Refusals of a match, in words. */
#include "match/refuse.h"

#include "base/bytes.h"
#include "base/strbuf.h"

#include <inttypes.h>

/* "path_openat+0x12", or "section .text.unlikely+0x4" between functions. */
static void add_where(struct uk_strbuf *text, const struct uk_object *object,
		      const struct uk_section *section, uint64_t offset)
{
	const struct uk_symbol *symbol = uk_object_symbol_at(object, section, offset);
	if (symbol)
		uk_strbuf_addf(text, "%s %s+0x%" PRIx64,
			       uk_symbol_is_function(symbol) ? "function" : "symbol", symbol->name,
			       offset - symbol->value);
	else
		uk_strbuf_addf(text, "section %s+0x%" PRIx64, section->name, offset);
}

static void add_bytes(struct uk_strbuf *text, const char *before, const uint8_t *bytes, size_t len)
{
	uk_strbuf_addf(text, "%s", before);
	for (size_t i = 0; i < len; i++)
		uk_strbuf_addf(text, " %02x", bytes[i]);
}

static void add_mismatch(struct uk_strbuf *text, const struct uk_mismatch *mismatch)
{
	add_bytes(text, ": expected", mismatch->expected, mismatch->len);
	add_bytes(text, ", found", mismatch->memory, mismatch->len);
	if (mismatch->site)
		uk_strbuf_addf(text,
			       "; this is a known site (%s), but nothing that the kernel "
			       "writes there",
			       uk_site_class_name(mismatch->site->class));
	else if (mismatch->len && mismatch->memory[0] == 0xcc)
		uk_strbuf_addf(text, "; it looks like a breakpoint: a kprobe that "
				     "/sys/kernel/debug/kprobes/list does not show, or a debugger");
	else
		uk_strbuf_addf(text, "; no known rewriting explains it: this is not the code "
				     "that the update was built from");
}

/* What would stand in a relocated field if the symbol were where it should be. */
static void expected_field(const struct uk_use *use, uint64_t expected, const uint8_t *found,
			   uint8_t *ret)
{
	memcpy(ret, found, use->len);
	uint64_t more = expected - use->value;
	if (use->len == 4)
		uk_put_u32(ret, uk_get_u32(found) + (uint32_t)more);
	else if (use->len == 5) /* a jump: its displacement follows the opcode */
		uk_put_u32(ret + 1, uk_get_u32(found + 1) + (uint32_t)more);
	else if (use->len == 8)
		uk_put_u64(ret, uk_get_u64(found) + more);
	else if (use->len == 2)
		ret[1] = (uint8_t)(found[1] + more);
}

static const char *shown_name(const struct uk_symbol *symbol)
{
	return symbol->name[0] ? symbol->name : "a symbol without a name";
}

static void add_dissent(struct uk_strbuf *text, const struct uk_comparison *comparison,
			const struct uk_dissent *dissent)
{
	const struct uk_use *use = dissent->use;
	const uint8_t *found = comparison->memory + use->offset;
	uint8_t expected[8];
	if (dissent->expected && use->len && use->len <= sizeof(expected)) {
		expected_field(use, dissent->expected, found, expected);
		add_bytes(text, ": expected", expected, use->len);
		add_bytes(text, ", found", found, use->len);
	} else {
		uint64_t wanted = dissent->expected + (uint64_t)use->addend;
		if (dissent->expected)
			uk_strbuf_addf(text, ": expected a reference to 0x%" PRIx64, wanted);
		else
			uk_strbuf_addf(text, ": expected a reference to %s+0x%" PRIx64,
				       shown_name(use->symbol), (uint64_t)use->addend);
		add_bytes(text, ", found", found, use->len);
	}
	uk_strbuf_addf(text, ", which puts %s at 0x%" PRIx64, shown_name(use->symbol), use->value);
	if (dissent->expected)
		uk_strbuf_addf(text, " instead of 0x%" PRIx64, dissent->expected);
	uk_strbuf_addf(text, " (%s)", dissent->why);
}

static struct uk_error *finish(struct uk_strbuf *text)
{
	uk_auto_free char *message = NULL;
	struct uk_error *err = uk_strbuf_finish(text, &message);
	return err ? err : uk_error_create(UK_ERR_REFUSED, "%s", message);
}

/* Whose relocation led to a section, if its content turns out to be another. */
static void add_origin(struct uk_strbuf *text, const struct uk_placement *placement,
		       const struct uk_section *section)
{
	const struct uk_place *place = &placement->places[section->index];
	if (!place->learned_in)
		return;
	uk_strbuf_addf(text, " (its address comes from ");
	add_where(text, placement->object, place->learned_in, place->learned_at);
	uint8_t bytes[4];
	uint64_t at = placement->places[place->learned_in->index].base + place->learned_at;
	if (uk_run_read(placement->run, at, bytes, sizeof(bytes)))
		add_bytes(text, ", found", bytes, sizeof(bytes));
	uk_strbuf_addstr(text, ")");
}

struct uk_error *uk_refuse_place(const struct uk_placement *placement,
				 const struct uk_section *section, uint64_t base,
				 const struct uk_comparison *comparison,
				 const struct uk_dissent *dissent)
{
	return uk_refuse_places(placement, section, base, comparison, dissent, 1);
}

struct uk_error *uk_refuse_places(const struct uk_placement *placement,
				  const struct uk_section *section, uint64_t base,
				  const struct uk_comparison *comparison,
				  const struct uk_dissent *dissent, size_t nr)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	const struct uk_mismatch *mismatch = &comparison->mismatch;
	uint64_t offset = mismatch->found ? mismatch->offset
			  : dissent->use  ? dissent->use->offset
					  : 0;
	add_where(&text, placement->object, section, offset);
	uk_strbuf_addf(&text, " at 0x%" PRIx64, base + offset);
	if (!comparison->memory)
		uk_strbuf_addf(&text, ": %s has no memory there", placement->run->memory->name);
	else if (mismatch->found)
		add_mismatch(&text, mismatch);
	else
		add_dissent(&text, comparison, dissent);
	add_origin(&text, placement, section);
	if (nr > 1)
		uk_strbuf_addf(&text,
			       "; none of the %zu places with these symbols fits, this is "
			       "the first",
			       nr);
	return finish(&text);
}

struct uk_error *uk_refuse_symbols(const struct uk_placement *placement,
				   const struct uk_section *section,
				   const struct uk_symbol *missing)
{
	if (missing)
		return uk_error_create(UK_ERR_REFUSED,
				       "section %s: %s has no symbol %s: the running kernel was "
				       "built from other source, or with other options",
				       section->name, placement->target, missing->name);
	return uk_error_create(UK_ERR_REFUSED,
			       "section %s: there is no place in %s where all of its symbols "
			       "stand as they should: the running kernel was built from other "
			       "source, or with other options",
			       section->name, placement->target);
}
