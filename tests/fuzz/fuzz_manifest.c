// SPDX-License-Identifier: GPL-2.0-or-later
/* manifest.json from a stranger: what is accepted must be written back and read again alike. */
/* rooms: bundle base */
#include "bundle/update.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(struct uk_error *err)
{
	if (err)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_update struct uk_update *update = NULL, *again = NULL;
	uk_auto_free char *text = NULL, *second = NULL;
	struct uk_error *err = uk_update_from_json((const char *)data, len, &update);
	if (err) {
		uk_error_destroy(err);
		return 0;
	}
	must(uk_update_to_json(update, &text));
	must(uk_update_from_json(text, strlen(text), &again));
	must(uk_update_to_json(again, &second));
	if (strcmp(text, second))
		abort();
	return 0;
}
