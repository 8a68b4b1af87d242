// SPDX-License-Identifier: GPL-2.0-or-later
/* `upkeep inspect --disasm' of an update that nobody has verified: its code, instruction by
 * instruction. */
/* rooms: elf base */
#include "cli/listing.c" /* the command line is no library */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct uk_error *list(const struct uk_object *object, struct uk_listing *previous)
{
	uk_vec_for_each(pointer, &object->symbols) {
		const struct uk_symbol *symbol = *pointer;
		uk_auto_listing struct uk_listing listing = {};
		uk_auto_listing_table struct uk_listing_table table = {};
		if (!uk_symbol_is_function(symbol))
			continue;
		struct uk_error *err = uk_listing_read(object, symbol->section, symbol->value,
						       symbol->size, &listing);
		if (!err)
			err = uk_listing_align(previous, &listing, &table);
		if (err)
			return err;
	}
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_object struct uk_object *object = NULL;
	uk_auto_listing struct uk_listing first = {};
	struct uk_error *err = uk_object_parse(data, len, "fuzz.o", &object);
	if (!err && object->sections.len && object->sections.data[0]->data)
		err = uk_listing_read(object, object->sections.data[0], 0,
				      object->sections.data[0]->size, &first);
	if (!err)
		err = list(object, &first);
	uk_error_destroy(err);
	return 0;
}
