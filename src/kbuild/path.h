/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths inside a tree. */
#ifndef UPKEEP_KBUILD_PATH_H
#define UPKEEP_KBUILD_PATH_H

#include "base/error.h"

/*
 * The shortest spelling of a relative path ("a/./b/../c" is "a/c"), owned by the caller;
 * UK_ERR_INVALID when it is empty, absolute or leaves the tree, or has a control character.
 */
struct uk_error *uk_path_normalise(const char *path, char **ret) uk_must_check;

#endif
