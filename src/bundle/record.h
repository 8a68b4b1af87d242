/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * C structures as JSON objects, described by tables: one table serves writing, strict
 * reading and releasing. Private to this room.
 *
 * Reading refuses a missing field, an unknown one, a wrong type, a number out of range and
 * a string that its check does not like, and says where in the text it stands.
 */
#ifndef UPKEEP_BUNDLE_RECORD_H
#define UPKEEP_BUNDLE_RECORD_H

#include "base/error.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uk_field_kind {
	UK_FIELD_TEXT,	  /* char * */
	UK_FIELD_BOOL,	  /* bool */
	UK_FIELD_NUMBER,  /* uint64_t, up to max */
	UK_FIELD_INDEX,	  /* unsigned int, up to max */
	UK_FIELD_ENUM,	  /* an enum; names[value] */
	UK_FIELD_HEX,	  /* uint8_t *, its uint64_t length at len_offset; 1 to max bytes */
	UK_FIELD_TEXTS,	  /* UK_VEC(char *) */
	UK_FIELD_RECORDS, /* UK_VEC(struct), described by record */
};

struct uk_field {
	const char *key; /* NULL ends the table */
	enum uk_field_kind kind;
	size_t offset;
	size_t len_offset;
	bool may_be_null; /* text: null stands for NULL */
	uint64_t max;
	const char *const *names; /* NULL-terminated */
	/* For each text: whether it is well formed; and what is expected, for the message. */
	bool (*check)(const char *text);
	const char *expected;
	const struct uk_record *record;
};

struct uk_record {
	size_t size;
	const struct uk_field *fields;
};

/* Where in the text: for messages. */
struct uk_spot {
	const struct uk_spot *up; /* NULL at the top */
	const char *key;	  /* of a field; NULL: element @index of a list */
	size_t index;
};

/* UK_ERR_INVALID "<path of the spot>: <formatted>". */
struct uk_error *uk_spot_error(const struct uk_spot *spot, const char *fmt, ...)
	uk_printf(2, 3) uk_must_check;

/* A new JSON object with every field of the table. */
struct uk_error *uk_record_write(const struct uk_record *record, const void *from,
				 struct json_object **ret) uk_must_check;

/*
 * Fills @to, which is zeroed. On failure it may be filled in part: release it.
 * A key in @extra (NULL-terminated, or NULL) may stand there too; it is the caller's.
 */
struct uk_error *uk_record_read(const struct uk_record *record, struct json_object *from,
				const struct uk_spot *spot, const char *const *extra,
				void *to) uk_must_check;

/* Frees what the fields own and zeroes them. */
void uk_record_deinit(const struct uk_record *record, void *from);

/* Lower-case hexadecimal. */
struct uk_error *uk_hex_encode(const uint8_t *bytes, size_t len, char **ret) uk_must_check;
/* False when @text is not 2 * @len such digits. */
bool uk_hex_decode(const char *text, uint8_t *ret, size_t len) uk_must_check;

#endif
