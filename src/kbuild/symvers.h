/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CRCs of exported symbols (CONFIG_MODVERSIONS), gathered from modules. */
#ifndef UPKEEP_KBUILD_SYMVERS_H
#define UPKEEP_KBUILD_SYMVERS_H

#include "base/error.h"
#include "base/map.h"
#include "base/progress.h"

/*
 * Reads __versions of every module (.ko, .ko.xz, ...) below @modules and writes what
 * they agree on to @path, sorted: lines "0xCRC NAME".
 */
struct uk_error *uk_symvers_gather(const char *modules, const char *path,
				   const struct uk_sink *sink) uk_must_check;

/* Adds the entries of a __versions section (64 bytes each: u64 CRC, name) to @map. */
struct uk_error *uk_symvers_parse(const void *data, size_t len, const char *name,
				  struct uk_map *map) uk_must_check;

/*
 * Writes the CRCs that kbuild noted in an object's .cmd file (lines "#SYMVER NAME 0xCRC") to
 * @path, as above.
 */
struct uk_error *uk_symvers_extract(const char *cmd, const char *path) uk_must_check;

/* Reads such a file, or a Module.symvers of kbuild: name -> CRC. */
struct uk_error *uk_symvers_load(const char *path, struct uk_map *map) uk_must_check;

#endif
