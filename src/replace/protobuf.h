/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An editor of protobuf messages that needs no description of them: a message is taken apart
 * into its fields, one level at a time, and put together again. What is not touched stays as it
 * was, also fields that nobody here knows. Format: protobuf's documentation, "Encoding". Groups
 * (wire types 3 and 4) are refused; nothing that proto2 or proto3 compilers write has them.
 */
#ifndef UPKEEP_REPLACE_PROTOBUF_H
#define UPKEEP_REPLACE_PROTOBUF_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uk_pb_wire {
	UK_PB_VARINT = 0, /* int32 and so on; a negative one as 64 bits, sint32 folded */
	UK_PB_FIXED64 = 1,
	UK_PB_BYTES = 2, /* bytes, a text, a message, packed numbers */
	UK_PB_FIXED32 = 5,
};

struct uk_pb_field {
	uint32_t number;
	enum uk_pb_wire wire;
	uint64_t value; /* of what is no UK_PB_BYTES */
	uint8_t *data;	/* of what is; its own copy, NULL for none */
	size_t len;
};

/* Fields in the order of the message; of a repeated one there are several. */
struct uk_pb {
	UK_VEC(struct uk_pb_field) fields;
};

void uk_pb_deinit(struct uk_pb *message);
#define uk_auto_pb uk_cleanup(uk_pb_deinit)

/* UK_ERR_INVALID tells at which byte. @ret needs uk_pb_deinit(), also after an error. */
struct uk_error *uk_pb_parse(const void *data, size_t len, struct uk_pb *ret) uk_must_check;
/* The bytes of the message; free them. @len_ret may be 0, *@ret is never NULL. */
struct uk_error *uk_pb_pack(const struct uk_pb *message, uint8_t **ret,
			    size_t *len_ret) uk_must_check;

/*
 * The one field of that number and type; NULL where there is none, where there are several, or
 * where it is of another type.
 */
struct uk_pb_field *uk_pb_find(const struct uk_pb *message, uint32_t number, enum uk_pb_wire wire);
/* A number; false as above. */
bool uk_pb_get(const struct uk_pb *message, uint32_t number, uint64_t *ret);
/* A message inside of a field; UK_ERR_INVALID where there is none. */
struct uk_error *uk_pb_get_message(const struct uk_pb *message, uint32_t number,
				   struct uk_pb *ret) uk_must_check;

/*
 * Puts a field in the place of the one of that number, or, where there is none, behind those of
 * smaller numbers. UK_ERR_INVALID where there are several.
 */
struct uk_error *uk_pb_set(struct uk_pb *message, uint32_t number, uint64_t value) uk_must_check;
struct uk_error *uk_pb_set_bytes(struct uk_pb *message, uint32_t number, const void *data,
				 size_t len) uk_must_check;
struct uk_error *uk_pb_set_message(struct uk_pb *message, uint32_t number,
				   const struct uk_pb *inner) uk_must_check;
/* Takes all fields of that number out. */
void uk_pb_remove(struct uk_pb *message, uint32_t number);

#endif
