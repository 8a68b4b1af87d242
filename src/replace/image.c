// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of criu's images, and a repair of them. */
#include "replace/image.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <endian.h>
#include <string.h>

enum {
	IMAGE_MAX = 64 << 20,
	COMMON_MAGIC = 0x54564319, /* IMG_COMMON_MAGIC */
	/* images/inventory.proto, images/core.proto: inventory_entry, task_kobj_ids_entry */
	FIELD_ROOT_IDS = 3,
	FIELD_USER_NS = 10,
	/* images/fdinfo.proto, images/regfile.proto: file_entry, reg_file_entry */
	FIELD_REG = 3,
	FIELD_SIZE = 8,
};

void uk_image_deinit(struct uk_image *image)
{
	uk_vec_for_each(message, &image->messages)
		uk_pb_deinit(message);
	uk_vec_deinit(&image->messages);
	free(image->path);
	image->path = NULL;
}

struct uk_error *uk_image_unexpected(const struct uk_image *image, const char *what)
{
	return uk_error_create(UK_ERR_REFUSED, "%s is not as criu 3.17 writes it: %s", image->path,
			       what);
}

/* --- files --------------------------------------------------------------------------- */

struct span {
	const char *data;
	size_t len;
};

static bool take_word(struct span *from, uint32_t *ret)
{
	if (from->len < sizeof(*ret))
		return false;
	memcpy(ret, from->data, sizeof(*ret));
	from->data += sizeof(*ret);
	from->len -= sizeof(*ret);
	*ret = le32toh(*ret);
	return true;
}

static bool take_head(struct span *from, enum uk_image_kind kind)
{
	uint32_t word;
	if (kind != UK_IMAGE_INVENTORY && (!take_word(from, &word) || word != COMMON_MAGIC))
		return false;
	return take_word(from, &word) && word == kind;
}

static struct uk_error *parse_messages(struct span file, struct uk_image *ret)
{
	uint32_t len;
	while (file.len) {
		if (!take_word(&file, &len) || len > file.len)
			return uk_image_unexpected(ret, "the length of a message is wrong");
		if (!uk_vec_push(&ret->messages, (struct uk_pb){}))
			return uk_error_nomem();
		struct uk_error *err =
			uk_pb_parse(file.data, len, &ret->messages.data[ret->messages.len - 1]);
		if (err) {
			struct uk_error *told = uk_image_unexpected(ret, uk_error_message(err));
			uk_error_destroy(err);
			return told;
		}
		file.data += len;
		file.len -= len;
	}
	return NULL;
}

struct uk_error *uk_image_read(const char *images, const char *name, enum uk_image_kind kind,
			       struct uk_image *ret)
{
	uk_auto_free char *text = NULL;
	size_t len = 0;
	ret->kind = kind;
	struct uk_error *err = uk_asprintf(&ret->path, "%s/%s", images, name);
	if (!err)
		err = uk_file_read(ret->path, IMAGE_MAX, &text, &len);
	if (err)
		return err;
	struct span file = { text, len };
	if (!take_head(&file, kind))
		return uk_image_unexpected(ret, "it begins with another number");
	return parse_messages(file, ret);
}

static void put_word(struct uk_strbuf *to, uint32_t word)
{
	word = htole32(word);
	uk_strbuf_add(to, &word, sizeof(word));
}

static struct uk_error *put_message(struct uk_strbuf *to, const struct uk_pb *message)
{
	uk_auto_free uint8_t *data = NULL;
	size_t len;
	struct uk_error *err = uk_pb_pack(message, &data, &len);
	if (err)
		return err;
	put_word(to, (uint32_t)len);
	uk_strbuf_add(to, data, len);
	return NULL;
}

struct uk_error *uk_image_write(const struct uk_image *image)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_auto_free char *file = NULL;
	size_t len;
	struct uk_error *err = NULL;
	if (image->kind != UK_IMAGE_INVENTORY)
		put_word(&buf, COMMON_MAGIC);
	put_word(&buf, image->kind);
	uk_vec_for_each(message, &image->messages) {
		if (!err)
			err = put_message(&buf, message);
	}
	if (!err)
		err = uk_strbuf_finish_len(&buf, &file, &len);
	return err ? err : uk_file_write(image->path, file, len, 0600);
}

/* --- user namespaces ----------------------------------------------------------------- */

/* The namespace that criu itself ran in. */
static struct uk_error *read_host_users(const char *images, uint64_t *ret)
{
	uk_auto_image struct uk_image image = {};
	uk_auto_pb struct uk_pb ids = {};
	struct uk_error *err = uk_image_read(images, "inventory.img", UK_IMAGE_INVENTORY, &image);
	if (err)
		return err;
	if (image.messages.len != 1)
		return uk_image_unexpected(&image, "it has not one message");
	err = uk_pb_get_message(&image.messages.data[0], FIELD_ROOT_IDS, &ids);
	if (!err && uk_pb_get(&ids, FIELD_USER_NS, ret))
		return NULL;
	uk_error_destroy(err);
	return uk_image_unexpected(&image, "it names no user namespace");
}

static struct uk_error *set_users(const char *images, const char *name, uint64_t users)
{
	uk_auto_image struct uk_image image = {};
	uint64_t old;
	struct uk_error *err = uk_image_read(images, name, UK_IMAGE_IDS, &image);
	if (err)
		return err;
	if (image.messages.len != 1 || !uk_pb_get(&image.messages.data[0], FIELD_USER_NS, &old))
		return uk_image_unexpected(&image, "it names no user namespace");
	err = uk_pb_set(&image.messages.data[0], FIELD_USER_NS, users);
	return err ? err : uk_image_write(&image);
}

struct uk_error *uk_image_leave_users(const char *images)
{
	char **names = NULL;
	size_t nr = 0;
	uint64_t users = 0;
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

/* --- sizes of files -------------------------------------------------------------------- */

static struct uk_error *forget_size(struct uk_pb *file)
{
	uk_auto_pb struct uk_pb reg = {};
	if (!uk_pb_find(file, FIELD_REG, UK_PB_BYTES))
		return NULL;
	struct uk_error *err = uk_pb_get_message(file, FIELD_REG, &reg);
	if (err)
		return err;
	uk_pb_remove(&reg, FIELD_SIZE);
	return uk_pb_set_message(file, FIELD_REG, &reg);
}

struct uk_error *uk_image_forget_sizes(const char *images)
{
	uk_auto_image struct uk_image image = {};
	struct uk_error *err = uk_image_read(images, "files.img", UK_IMAGE_FILES, &image);
	uk_vec_for_each(file, &image.messages) {
		if (!err)
			err = forget_size(file);
	}
	return err ? err : uk_image_write(&image);
}
