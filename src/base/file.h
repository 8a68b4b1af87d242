/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files, folders and trees. */
#ifndef UPKEEP_BASE_FILE_H
#define UPKEEP_BASE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a whole file, also one whose size is not known (/proc, /sys), refusing more
 * than @limit bytes. The result is owned by the caller and has a NUL behind it.
 */
struct uk_error *uk_file_read(const char *path, size_t limit, char **ret,
			      size_t *len_ret) uk_must_check;

/*
 * Writes a file with @mode, whatever the umask, in the place of one that may be there: also
 * when this process is killed, it is whole or as it was, and nothing else is left.
 */
struct uk_error *uk_file_write(const char *path, const void *data, size_t len,
			       mode_t mode) uk_must_check;
/* The same where no file may be yet: "create PATH: File exists". */
struct uk_error *uk_file_write_new(const char *path, const void *data, size_t len,
				   mode_t mode) uk_must_check;

struct uk_error *uk_file_copy(const char *from, const char *to, mode_t mode) uk_must_check;

bool uk_file_exists(const char *path);

/* The path itself, or the first folder above it that is there; false if it is longer than @size. */
bool uk_path_above(const char *path, char *above, size_t size);

/* Whether another file system begins at folder @path; not where a part of the same one does. */
bool uk_is_mount_point(const char *path);

/* mkdir -p: parents get @mode too. An existing folder is fine. */
struct uk_error *uk_dir_make(const char *path, mode_t mode) uk_must_check;

/* rm -rf without following links or leaving the file system. Missing is fine. */
struct uk_error *uk_tree_remove(const char *path) uk_must_check;

/* Names in a folder (without . and ..), sorted. Free each and the array. */
struct uk_error *uk_dir_list(const char *path, char ***ret, size_t *nr_ret) uk_must_check;
void uk_strv_destroy(char **strings, size_t nr);

#endif
