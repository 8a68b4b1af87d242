/* SPDX-License-Identifier: GPL-2.0-or-later */
/* manifest.json: what update.c and manifest.c share. Private to this room. */
#ifndef UPKEEP_BUNDLE_MANIFEST_H
#define UPKEEP_BUNDLE_MANIFEST_H

#include "bundle/record.h"
#include "bundle/update.h"

#define UK_MANIFEST_NAME "manifest.json"

/* The fields of manifest.json but "schema". */
extern const struct uk_record uk_update_record;

/* A relative path of [A-Za-z0-9._/+-] without empty, "." and ".." parts. */
bool uk_member_name_ok(const char *text);

#endif
