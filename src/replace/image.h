/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Repairs of criu's images (version 1.1): files of protobuf messages, each behind its length and
 * all behind two words of magic numbers; see criu's documentation of its image format. Nothing
 * is moved in a file: only numbers of one byte are replaced by others.
 */
#ifndef UPKEEP_REPLACE_IMAGE_H
#define UPKEEP_REPLACE_IMAGE_H

#include "base/error.h"

/*
 * Takes the user namespace of a service away: its processes are restored in the host's. Only for
 * those that have no capability in theirs, and whose users are the same numbers outside.
 * UK_ERR_REFUSED where the images are not as expected; then they may be of no use any more.
 */
struct uk_error *uk_image_leave_users(const char *images) uk_must_check;

#endif
