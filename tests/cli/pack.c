// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packs a bundle for the tests of the command line:
 *
 *	pack OUTPUT SECRET-KEY|- MANIFEST FOLDER
 *
 * The members that the manifest names are files of that folder.
 */
#include "base/file.h"
#include "base/strbuf.h"
#include "bundle/bundle.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT = 64 << 20 };

struct members {
	const char *dir;
	UK_VEC(struct uk_member) list;
};

static struct uk_error *add_member(struct members *members, const char *name)
{
	uk_auto_free char *path = NULL;
	char *data;
	size_t len;
	if (!name)
		return NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", members->dir, name);
	if (!err)
		err = uk_file_read(path, LIMIT, &data, &len);
	if (err)
		return err;
	if (uk_vec_push(&members->list, (struct uk_member){ (char *)name, data, len }))
		return NULL;
	free(data);
	return uk_error_nomem();
}

static struct uk_error *add_members(struct members *members, const struct uk_update *update)
{
	struct uk_error *err = add_member(members, update->core);
	for (size_t i = 0; !err && i < update->patches.len; i++)
		err = add_member(members, update->patches.data[i]);
	for (size_t i = 0; !err && i < update->parts.len; i++)
		err = add_member(members, update->parts.data[i].member);
	for (size_t i = 0; !err && i < update->objects.len; i++) {
		err = add_member(members, update->objects.data[i].plain);
		if (!err)
			err = add_member(members, update->objects.data[i].prev);
	}
	return err;
}

static void members_deinit(struct members *members)
{
	uk_vec_for_each(member, &members->list)
		free(member->data);
	uk_vec_deinit(&members->list);
}

static struct uk_error *pack(char **argv)
{
	uk_cleanup(members_deinit) struct members members = { .dir = argv[4] };
	uk_auto_secret_key struct uk_secret_key *key = NULL;
	uk_auto_update struct uk_update *update = NULL;
	uk_auto_free char *manifest = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(argv[3], LIMIT, &manifest, &len);
	if (!err)
		err = uk_update_from_json(manifest, len, &update);
	if (!err && strcmp(argv[2], "-"))
		err = uk_secret_key_load(argv[2], &key);
	if (!err)
		err = add_members(&members, update);
	if (!err)
		err = uk_bundle_pack(update, members.list.data, members.list.len, key, argv[1]);
	return err;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: pack OUTPUT SECRET-KEY|- MANIFEST FOLDER\n", stderr);
		return 1;
	}
	struct uk_error *err = pack(argv);
	if (err)
		fprintf(stderr, "pack: %s\n", uk_error_message(err));
	int status = uk_error_exit_code(err);
	uk_error_destroy(err);
	return status;
}
