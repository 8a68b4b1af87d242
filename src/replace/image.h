/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of criu's images (version 1.1; criu/image.c, criu/include/magic.h): two words of magic
 * numbers, one in the inventory, then messages of protobuf (images/NAME.proto), each behind its
 * length in a word; all little endian. Files with other data between the messages (what is
 * queued in a pipe, the contents of files) are refused here.
 *
 * And repairs by changing them. What cannot be read as that is UK_ERR_REFUSED: then the images
 * are not criu 3.17's.
 */
#ifndef UPKEEP_REPLACE_IMAGE_H
#define UPKEEP_REPLACE_IMAGE_H

#include "replace/protobuf.h"

/* The kinds that are read here, by their second word; of the inventory it is the first. */
enum uk_image_kind {
	UK_IMAGE_INVENTORY = 0x58313116,
	UK_IMAGE_PSTREE = 0x50273030,
	UK_IMAGE_CORE = 0x55053847,
	UK_IMAGE_IDS = 0x54432030,
	UK_IMAGE_FDINFO = 0x56213732,
	UK_IMAGE_FILES = 0x56303138,
	UK_IMAGE_TIMENS = 0x43114433,
	UK_IMAGE_PAGEMAP = 0x56084025,
	UK_IMAGE_TERMINALS = 0x59453036, /* TTY_INFO_MAGIC */
};

struct uk_image {
	char *path;
	enum uk_image_kind kind;
	UK_VEC(struct uk_pb) messages;
};

void uk_image_deinit(struct uk_image *image);
#define uk_auto_image uk_cleanup(uk_image_deinit)

/* File @name of the folder @images. @ret needs uk_image_deinit(), also after an error. */
struct uk_error *uk_image_read(const char *images, const char *name, enum uk_image_kind kind,
			       struct uk_image *ret) uk_must_check;
/* As a whole, in its place. */
struct uk_error *uk_image_write(const struct uk_image *image) uk_must_check;
/* That it is not as expected. */
struct uk_error *uk_image_unexpected(const struct uk_image *image, const char *what) uk_must_check;

/*
 * Takes the user namespace of a service away: its processes are restored in the host's. Only for
 * those that have no capability in theirs, and whose users are the same numbers outside. After
 * an error the images may be of no use any more.
 */
struct uk_error *uk_image_leave_users(const char *images) uk_must_check;

/*
 * Takes from the images how long open files are, without which criu does not compare it: they may
 * be longer by now where the service that was dumped runs on.
 */
struct uk_error *uk_image_forget_sizes(const char *images) uk_must_check;

#endif
