/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacking Debian packages and tarballs. */
#ifndef UPKEEP_KBUILD_ARCHIVE_H
#define UPKEEP_KBUILD_ARCHIVE_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Unpacks the files of a .deb (an ar archive with a data.tar.*) into @dir. @inner, if not
 * NULL, names a tarball in it ("usr/src/linux-source-6.1.tar.xz"): then what lies in that
 * tarball is unpacked instead. With @strip the first folder of each path is left out.
 * Paths that would leave @dir are refused. Nobody is given ownership of anything.
 */
struct uk_error *uk_archive_unpack_deb(const char *deb, const char *inner, bool strip,
				       const char *dir) uk_must_check;

/* The same for a tarball. */
struct uk_error *uk_archive_unpack_tar(const char *tar, bool strip, const char *dir) uk_must_check;

#endif
