// SPDX-License-Identifier: GPL-2.0-or-later
/* Repairs of criu's images. */
#include "replace/image.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	IMAGE_MAX = 1 << 20,
	HEAD = 12,	    /* two magic words, the length of the message */
	INVENTORY_HEAD = 8, /* that file has one: it tells of the others' */
	/* images/inventory.proto, images/ids.proto: inventory_entry.root_ids, ....user_ns_id */
	FIELD_ROOT_IDS = 3,
	FIELD_USER_NS = 10,
};

/* The wire types of protobuf (its documentation, "Encoding"); others are not in these messages. */
enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2 };

struct span {
	uint8_t *data;
	size_t len;
};

/* One of at most 32 bits; false at the end or if it is longer. */
static bool take_varint(struct span *span, uint32_t *ret)
{
	uint32_t value = 0;
	for (unsigned int shift = 0; shift < 32 && span->len; shift += 7) {
		uint8_t byte = *span->data++;
		span->len--;
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* A field of a message: of a number the bytes of it, of others what is in it. */
static bool find_field(struct span message, uint32_t wanted, enum wire wire, struct span *ret)
{
	uint32_t tag, len, number;
	while (take_varint(&message, &tag)) {
		struct span value = message;
		if ((tag & 7) == WIRE_VARINT) {
			if (!take_varint(&message, &number))
				return false;
			value.len -= message.len;
		} else if ((tag & 7) == WIRE_BYTES) {
			if (!take_varint(&message, &len) || len > message.len)
				return false;
			value = (struct span){ message.data, len };
			message.data += len;
			message.len -= len;
		} else {
			return false;
		}
		if (tag >> 3 == wanted) {
			*ret = value;
			return (tag & 7) == wire;
		}
	}
	return false;
}

/* The one message of a file. */
static bool find_message(char *file, size_t len, size_t head, struct span *ret)
{
	uint32_t size;
	if (len < head)
		return false;
	memcpy(&size, file + head - sizeof(size), sizeof(size));
	size = le32toh(size);
	*ret = (struct span){ (uint8_t *)file + head, size };
	return size == len - head;
}

/* A number of one byte. */
static bool find_small(struct span message, uint32_t wanted, uint8_t **ret)
{
	struct span value;
	if (!find_field(message, wanted, WIRE_VARINT, &value) || value.len != 1)
		return false;
	*ret = value.data;
	return true;
}

static struct uk_error *unexpected(const char *path)
{
	return uk_error_create(UK_ERR_REFUSED,
			       "%s is not as criu 3.17 writes it; the service's "
			       "user namespace cannot be taken out of it",
			       path);
}

static struct uk_error *read_host_users(const char *images, uint8_t *ret)
{
	uk_auto_free char *path = NULL, *file = NULL;
	size_t len = 0;
	struct span message, ids;
	uint8_t *number;
	struct uk_error *err = uk_asprintf(&path, "%s/inventory.img", images);
	if (!err)
		err = uk_file_read(path, IMAGE_MAX, &file, &len);
	if (err)
		return err;
	if (!find_message(file, len, INVENTORY_HEAD, &message) ||
	    !find_field(message, FIELD_ROOT_IDS, WIRE_BYTES, &ids) ||
	    !find_small(ids, FIELD_USER_NS, &number))
		return unexpected(path);
	*ret = *number;
	return NULL;
}

static struct uk_error *set_users(const char *images, const char *name, uint8_t users)
{
	uk_auto_free char *path = NULL, *file = NULL;
	size_t len = 0;
	struct span message;
	uint8_t *number;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", images, name);
	if (!err)
		err = uk_file_read(path, IMAGE_MAX, &file, &len);
	if (err)
		return err;
	if (!find_message(file, len, HEAD, &message) ||
	    !find_small(message, FIELD_USER_NS, &number))
		return unexpected(path);
	*number = users;
	return uk_file_write(path, file, len, 0600);
}

struct uk_error *uk_image_leave_users(const char *images)
{
	char **names = NULL;
	size_t nr = 0;
	uint8_t users = 0;
	struct uk_error *err = read_host_users(images, &users);
	if (!err)
		err = uk_dir_list(images, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		if (uk_str_starts(names[i], "ids-") && uk_str_ends(names[i], ".img"))
			err = set_users(images, names[i], users);
	}
	uk_strv_destroy(names, nr);
	return err;
}
