// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of protobuf. What is read comes out as one that reads the same, and a change of one
 * field is the only change.
 */
/* rooms: replace seat base */
#include "replace/protobuf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_same(const struct uk_pb_field *a, const struct uk_pb_field *b)
{
	return a->number == b->number && a->wire == b->wire && a->value == b->value &&
	       a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static void compare(const struct uk_pb *a, const struct uk_pb *b)
{
	if (a->fields.len != b->fields.len)
		abort();
	for (size_t i = 0; i < a->fields.len; i++) {
		if (!is_same(&a->fields.data[i], &b->fields.data[i]))
			abort();
	}
}

static struct uk_error *read_again(const struct uk_pb *message, struct uk_pb *ret)
{
	uk_auto_free uint8_t *packed = NULL;
	size_t len = 0;
	struct uk_error *err = uk_pb_pack(message, &packed, &len);
	if (err)
		return err;
	err = uk_pb_parse(packed, len, ret);
	if (err && uk_error_kind(err) == UK_ERR_INVALID)
		abort();
	return err;
}

static struct uk_error *change(struct uk_pb *message, uint32_t number, uint64_t value)
{
	uint64_t got;
	struct uk_error *err = uk_pb_set(message, number, value);
	if (!err && (!uk_pb_get(message, number, &got) || got != value))
		abort();
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_pb struct uk_pb message = {}, same = {}, changed = {};
	if (len < 2)
		return 0;
	struct uk_error *err = uk_pb_parse(data + 2, len - 2, &message);
	if (!err)
		err = read_again(&message, &same);
	if (!err) {
		compare(&message, &same);
		err = change(&message, data[0] % 32 + 1u, data[1]);
	}
	if (!err)
		err = read_again(&message, &changed);
	if (!err)
		compare(&message, &changed);
	uk_error_destroy(err);
	return 0;
}
