/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel configurations: lines CONFIG_NAME=value. */
#ifndef UPKEEP_KBUILD_CONFIG_H
#define UPKEEP_KBUILD_CONFIG_H

#include "base/error.h"
#include "base/map.h"

struct uk_config {
	struct uk_map options; /* "CONFIG_NAME" -> its value (char *), never "n" */
};

/* Parses a .config; @name is for messages. */
struct uk_error *uk_config_parse(const char *text, const char *name,
				 struct uk_config *ret) uk_must_check;
struct uk_error *uk_config_load(const char *path, struct uk_config *ret) uk_must_check;
void uk_config_deinit(struct uk_config *config);
#define uk_auto_config uk_cleanup(uk_config_deinit)

/* The value as it is written ("y", "12", "\"text\""), or NULL when it is not set. */
const char *uk_config_get(const struct uk_config *config, const char *option);
/* The text in the quotes of a string option, owned by the caller; NULL when not set. */
struct uk_error *uk_config_string(const struct uk_config *config, const char *option,
				  char **ret) uk_must_check;

/*
 * UK_ERR_SYSTEM when @got differs from @wanted in anything that can change code; names the
 * options, and the packages whose tools they come from. What concerns signing keys, the build salt
 * and a Rust compiler that the kernel was built without does not count.
 */
struct uk_error *uk_config_check(const struct uk_config *wanted,
				 const struct uk_config *got) uk_must_check;

#endif
