// SPDX-License-Identifier: GPL-2.0-or-later
/* Tar in zstd, by libarchive. */
#include "bundle/archive.h"

#include "base/map.h"
#include "base/strbuf.h"
#include "bundle/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static void free_writer(struct archive **archive)
{
	archive_write_free(*archive);
}

static void free_reader(struct archive **archive)
{
	archive_read_free(*archive);
}

static void free_entry(struct archive_entry **entry)
{
	archive_entry_free(*entry);
}

static struct uk_error *archive_error(struct archive *archive, const char *what)
{
	const char *text = archive_error_string(archive);
	return uk_error_create(UK_ERR_INVALID, "%s: %s", what, text ? text : "unknown error");
}

static la_ssize_t append(struct archive *archive, void *buf, const void *bytes, size_t len)
{
	uk_strbuf_add(buf, bytes, len);
	return ((struct uk_strbuf *)buf)->failed ? -1 : (la_ssize_t)len;
}

static struct uk_error *pack_member(struct archive *archive, const struct uk_member *member)
{
	uk_cleanup(free_entry) struct archive_entry *entry = archive_entry_new();
	if (!entry)
		return uk_error_nomem();
	archive_entry_set_pathname(entry, member->name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (la_int64_t)member->len);
	if (archive_write_header(archive, entry) != ARCHIVE_OK)
		return archive_error(archive, member->name);
	if (archive_write_data(archive, member->data, member->len) != (la_ssize_t)member->len)
		return archive_error(archive, member->name);
	return NULL;
}

/* The level is part of the format: the same members give the same bytes. */
static int set_up_writer(struct archive *archive)
{
	if (archive_write_set_format_pax_restricted(archive) == ARCHIVE_OK &&
	    archive_write_add_filter_zstd(archive) == ARCHIVE_OK &&
	    archive_write_set_filter_option(archive, "zstd", "compression-level", "12") ==
		    ARCHIVE_OK)
		return archive_write_set_bytes_in_last_block(archive, 1);
	return ARCHIVE_FATAL;
}

struct uk_error *uk_archive_pack(const struct uk_member *const *members, size_t nr, void **ret,
				 size_t *len_ret)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_cleanup(free_writer) struct archive *archive = archive_write_new();
	if (!archive)
		return uk_error_nomem();
	if (set_up_writer(archive) != ARCHIVE_OK ||
	    archive_write_open(archive, &buf, NULL, append, NULL) != ARCHIVE_OK)
		return archive_error(archive, "pack");
	for (size_t i = 0; i < nr; i++) {
		struct uk_error *err = pack_member(archive, members[i]);
		if (err)
			return err;
	}
	if (archive_write_close(archive) != ARCHIVE_OK)
		return archive_error(archive, "pack");
	char *data;
	struct uk_error *err = uk_strbuf_finish_len(&buf, &data, len_ret);
	if (!err)
		*ret = data;
	return err;
}

static struct uk_error *check_entry(struct archive_entry *entry, const char **name_ret)
{
	const char *name = archive_entry_pathname(entry);
	if (!name || !uk_member_name_ok(name))
		return uk_error_create(UK_ERR_INVALID, "a member has a name that is not allowed");
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return uk_error_create(UK_ERR_INVALID, "member %s is not a plain file", name);
	if (archive_entry_sparse_count(entry) || !archive_entry_size_is_set(entry))
		return uk_error_create(UK_ERR_INVALID, "member %s has holes", name);
	la_int64_t size = archive_entry_size(entry);
	if (size < 0 || size > UK_ARCHIVE_MEMBER_MAX)
		return uk_error_create(UK_ERR_INVALID, "member %s: %" PRId64 " bytes, more than %d",
				       name, (int64_t)size, UK_ARCHIVE_MEMBER_MAX);
	*name_ret = name;
	return NULL;
}

static struct uk_error *read_member(struct archive *archive, const char *name, size_t len,
				    struct uk_archive *ret)
{
	struct uk_member member = { .len = len };
	struct uk_error *err = uk_strdup(name, &member.name);
	if (err)
		return err;
	member.data = malloc(len + 1);
	if (!member.data || !uk_vec_push(&ret->members, member)) {
		free(member.name);
		free(member.data);
		return uk_error_nomem();
	}
	((char *)member.data)[len] = '\0';
	for (size_t at = 0; at < len;) {
		la_ssize_t got = archive_read_data(archive, (char *)member.data + at, len - at);
		if (got < 0)
			return archive_error(archive, name);
		if (!got)
			return uk_error_create(UK_ERR_INVALID,
					       "member %s ends after %zu of %zu "
					       "bytes",
					       name, at, len);
		at += (size_t)got;
	}
	return NULL;
}

static struct uk_error *add_entry(struct archive *archive, struct archive_entry *entry,
				  struct uk_map *seen, uint64_t *total, struct uk_archive *ret)
{
	const char *name = NULL;
	struct uk_error *err = check_entry(entry, &name);
	if (err)
		return err;
	size_t len = (size_t)archive_entry_size(entry);
	*total += len;
	if (*total > UK_ARCHIVE_TOTAL_MAX || ret->members.len >= UK_ARCHIVE_MEMBERS_MAX)
		return uk_error_create(UK_ERR_INVALID,
				       "unpacks to more than %d bytes or %d members",
				       UK_ARCHIVE_TOTAL_MAX, UK_ARCHIVE_MEMBERS_MAX);
	bool added;
	if (!uk_map_insert_str(seen, name, &added))
		return uk_error_nomem();
	if (!added)
		return uk_error_create(UK_ERR_INVALID, "member %s is there twice", name);
	return read_member(archive, name, len, ret);
}

struct uk_error *uk_archive_unpack(const void *data, size_t len, struct uk_archive *ret)
{
	uk_auto_archive struct uk_archive members = {};
	uk_auto_map struct uk_map seen = {};
	uk_cleanup(free_reader) struct archive *archive = archive_read_new();
	uint64_t total = 0;
	if (!archive)
		return uk_error_nomem();
	if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
	    archive_read_append_filter(archive, ARCHIVE_FILTER_ZSTD) != ARCHIVE_OK ||
	    archive_read_open_memory(archive, data, len) != ARCHIVE_OK)
		return archive_error(archive, "unpack");
	for (;;) {
		struct archive_entry *entry;
		int got = archive_read_next_header(archive, &entry);
		if (got == ARCHIVE_EOF)
			break;
		if (got != ARCHIVE_OK)
			return archive_error(archive, "unpack");
		struct uk_error *err = add_entry(archive, entry, &seen, &total, &members);
		if (err)
			return err;
	}
	*ret = members;
	members = (struct uk_archive){};
	return NULL;
}

void uk_archive_deinit(struct uk_archive *archive)
{
	uk_vec_for_each(member, &archive->members) {
		free(member->name);
		free(member->data);
	}
	uk_vec_deinit(&archive->members);
}
