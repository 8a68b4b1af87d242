// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's own symbol table: the text of /proc/kallsyms, and look-ups. */
#include "match/kallsyms.h"

#include "match/kallsyms_build.h"

#include "base/file.h"

#include <string.h>

enum { KALLSYMS_MAX = 256 << 20 };

static const char vmlinux[] = "vmlinux";

/* FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ (offset basis and prime). */
static uint32_t hash_name(const char *name)
{
	uint32_t hash = 0x811c9dc5;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x01000193;
	return hash;
}

static size_t find_slot(const struct uk_kallsyms *kallsyms, const char *name)
{
	size_t mask = kallsyms->nr_slots - 1;
	size_t slot = hash_name(name) & mask;
	for (; kallsyms->slots[slot]; slot = (slot + 1) & mask)
		if (!strcmp(kallsyms->symbols.data[kallsyms->slots[slot] - 1].name, name))
			break;
	return slot;
}

/* Chains lead from the first symbol of a name to the last: so insert from the end. */
static struct uk_error *index_names(struct uk_kallsyms *kallsyms)
{
	kallsyms->nr_slots = 16;
	while (kallsyms->nr_slots < kallsyms->symbols.len * 2)
		kallsyms->nr_slots *= 2;
	kallsyms->slots = calloc(kallsyms->nr_slots, sizeof(*kallsyms->slots));
	if (!kallsyms->slots)
		return uk_error_nomem();
	for (size_t i = kallsyms->symbols.len; i-- > 0;) {
		struct uk_kallsym *symbol = &kallsyms->symbols.data[i];
		size_t slot = find_slot(kallsyms, symbol->name);
		symbol->next_same = kallsyms->slots[slot] ? kallsyms->slots[slot] - 1 : UINT32_MAX;
		kallsyms->slots[slot] = (uint32_t)i + 1;
	}
	return NULL;
}

static int compare_address(const void *a, const void *b, void *arg)
{
	const struct uk_kallsyms *kallsyms = arg;
	uint32_t ia = *(const uint32_t *)a, ib = *(const uint32_t *)b;
	uint64_t aa = kallsyms->symbols.data[ia].address, ab = kallsyms->symbols.data[ib].address;
	if (aa != ab)
		return aa < ab ? -1 : 1;
	return ia < ib ? -1 : 1;
}

static uint64_t address_of(const struct uk_kallsyms *kallsyms, size_t at)
{
	return kallsyms->symbols.data[kallsyms->by_address[at]].address;
}

/* How many of the first symbols, none of them a module's, are in order: as a rule, all those. */
static size_t count_sorted(const struct uk_kallsyms *kallsyms)
{
	const struct uk_kallsym *symbols = kallsyms->symbols.data;
	size_t nr = 1;
	while (nr < kallsyms->symbols.len && symbols[nr].address >= symbols[nr - 1].address)
		nr++;
	while (nr < kallsyms->symbols.len && nr > 1 && strcmp(symbols[nr - 1].module, vmlinux) != 0)
		nr--;
	return nr;
}

static void sort_from(struct uk_kallsyms *kallsyms, size_t from)
{
	qsort_r(kallsyms->by_address + from, kallsyms->symbols.len - from,
		sizeof(*kallsyms->by_address), compare_address, kallsyms);
}

/* Modules come last and lie, as a rule, behind all else: the few symbols of theirs are sorted. */
static struct uk_error *index_addresses(struct uk_kallsyms *kallsyms)
{
	size_t nr = kallsyms->symbols.len;
	kallsyms->by_address = malloc(nr * sizeof(*kallsyms->by_address));
	if (!kallsyms->by_address)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		kallsyms->by_address[i] = (uint32_t)i;
	size_t sorted = count_sorted(kallsyms);
	sort_from(kallsyms, sorted);
	if (sorted < nr && address_of(kallsyms, sorted) < address_of(kallsyms, sorted - 1))
		sort_from(kallsyms, 0);
	return NULL;
}

struct uk_error *uk_kallsyms_build(struct uk_kallsyms *kallsyms)
{
	if (!kallsyms->symbols.len || kallsyms->symbols.len >= UINT32_MAX / 4)
		return uk_error_create(UK_ERR_INVALID,
				       "a table of %zu kernel symbols cannot be right",
				       kallsyms->symbols.len);
	struct uk_error *err = index_names(kallsyms);
	return err ? err : index_addresses(kallsyms);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* "ffffffff81000000 T _text\t[module]"; NUL-terminates the words inside the line. */
static bool parse_line(char *line, char *end, struct uk_kallsym *ret)
{
	uint64_t address = 0;
	unsigned int digits = 0;
	for (; line < end && hex_digit(*line) >= 0; line++, digits++)
		address = address << 4 | (unsigned int)hex_digit(*line);
	if (!digits || digits > 16 || end - line < 4 || line[0] != ' ' || line[2] != ' ')
		return false;
	char type = line[1];
	char *name = line + 3;
	*end = '\0';
	const char *module = vmlinux;
	char *tab = memchr(name, '\t', (size_t)(end - name));
	if (tab) {
		if (tab[1] != '[' || end[-1] != ']' || end - tab < 4)
			return false;
		*tab = '\0';
		end[-1] = '\0';
		module = tab + 2;
	}
	*ret = (struct uk_kallsym){
		.name = name, .module = module, .address = address, .type = type
	};
	return *name != '\0';
}

static struct uk_error *parse_lines(struct uk_kallsyms *kallsyms, size_t len)
{
	char *line = kallsyms->text, *end = line + len;
	bool any_address = false;
	for (size_t number = 1; line < end; number++) {
		char *line_end = memchr(line, '\n', (size_t)(end - line));
		if (!line_end)
			line_end = end;
		struct uk_kallsym symbol;
		if (!parse_line(line, line_end, &symbol))
			return uk_error_create(UK_ERR_INVALID,
					       "kallsyms: line %zu is not \"ADDRESS TYPE NAME\"",
					       number);
		any_address |= symbol.address != 0;
		if (!uk_vec_push(&kallsyms->symbols, symbol))
			return uk_error_nomem();
		line = line_end + 1;
	}
	if (!any_address)
		return uk_error_create(
			UK_ERR_SYSTEM,
			"kallsyms: the kernel hides all addresses; run as root, and if that is "
			"so already: sysctl kernel.kptr_restrict=1");
	return NULL;
}

struct uk_error *uk_kallsyms_parse(const char *text, size_t len, struct uk_kallsyms **ret)
{
	uk_auto_kallsyms struct uk_kallsyms *kallsyms = calloc(1, sizeof(*kallsyms));
	if (!kallsyms || !(kallsyms->text = malloc(len + 1)))
		return uk_error_nomem();
	memcpy(kallsyms->text, text, len);
	kallsyms->text[len] = '\0';
	struct uk_error *err = parse_lines(kallsyms, len);
	if (!err)
		err = uk_kallsyms_build(kallsyms);
	if (err)
		return err;
	*ret = uk_take(kallsyms);
	return NULL;
}

struct uk_error *uk_kallsyms_load(struct uk_kallsyms **ret)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read("/proc/kallsyms", KALLSYMS_MAX, &text, &len);
	return err ? err : uk_kallsyms_parse(text, len, ret);
}

struct uk_error *uk_kallsyms_open(const struct uk_memory *memory, struct uk_kallsyms **ret)
{
	return memory->live ? uk_kallsyms_load(ret) : uk_kallsyms_find(memory, ret);
}

void uk_kallsyms_destroy(struct uk_kallsyms *kallsyms)
{
	if (!kallsyms)
		return;
	uk_vec_deinit(&kallsyms->symbols);
	free(kallsyms->by_address);
	free(kallsyms->slots);
	free(kallsyms->text);
	free(kallsyms);
}

const struct uk_kallsym *uk_kallsyms_lookup(const struct uk_kallsyms *kallsyms, const char *name)
{
	uint32_t found = kallsyms->slots[find_slot(kallsyms, name)];
	return found ? &kallsyms->symbols.data[found - 1] : NULL;
}

const struct uk_kallsym *uk_kallsyms_next(const struct uk_kallsyms *kallsyms,
					  const struct uk_kallsym *symbol)
{
	return symbol->next_same == UINT32_MAX ? NULL : &kallsyms->symbols.data[symbol->next_same];
}

/* Number of symbols whose address is below (or, with @equal, not above) an address. */
static size_t count_below(const struct uk_kallsyms *kallsyms, uint64_t address, bool equal)
{
	size_t low = 0, high = kallsyms->symbols.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t at = kallsyms->symbols.data[kallsyms->by_address[middle]].address;
		if (at < address || (equal && at == address))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct uk_kallsym *uk_kallsyms_at(const struct uk_kallsyms *kallsyms, uint64_t address)
{
	size_t nr = count_below(kallsyms, address, true);
	if (!nr)
		return NULL;
	const struct uk_kallsym *last = &kallsyms->symbols.data[kallsyms->by_address[nr - 1]];
	return &kallsyms->symbols
			.data[kallsyms->by_address[count_below(kallsyms, last->address, false)]];
}

bool uk_kallsyms_has(const struct uk_kallsyms *kallsyms, const char *name, const char *module,
		     uint64_t address)
{
	uk_kallsyms_for_each(symbol, kallsyms, name)
		if (symbol->address == address && (!module || !strcmp(symbol->module, module)))
			return true;
	return false;
}

uint64_t uk_kallsyms_unique(const struct uk_kallsyms *kallsyms, const char *name)
{
	uint64_t found = 0;
	uk_kallsyms_for_each(symbol, kallsyms, name) {
		if (strcmp(symbol->module, vmlinux) != 0)
			continue;
		if (found && found != symbol->address)
			return 0;
		found = symbol->address;
	}
	return found;
}
