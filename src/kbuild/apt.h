/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this room asks of apt: what a package is, and its file. */
#ifndef UPKEEP_KBUILD_APT_H
#define UPKEEP_KBUILD_APT_H

#include "kbuild/cache.h"

struct uk_apt_package {
	char *name;
	char *version;
	char *source;	      /* the source package that its code comes from */
	char *source_version; /* and that one's version */
};

/* The newest @name that apt knows of; UK_ERR_INVALID when there is none. */
struct uk_error *uk_apt_show(const char *name, struct uk_apt_package *ret) uk_must_check;
/* The parsing of it: one stanza as apt-cache show prints it. */
struct uk_error *uk_apt_parse(const char *stanza, struct uk_apt_package *ret) uk_must_check;
void uk_apt_package_deinit(struct uk_apt_package *package);
#define uk_auto_apt_package uk_cleanup(uk_apt_package_deinit)

/*
 * Fetches NAME=VERSION into the cache unless it is there; apt checks its hash.
 * *ret is the path of the .deb. *found_ret is false when apt knows no such version.
 */
struct uk_error *uk_apt_fetch(const struct uk_cache *cache, const char *name, const char *version,
			      const struct uk_sink *sink, bool *found_ret,
			      char **ret) uk_must_check;

/*
 * Fetches the source package @source of @version and unpacks it, patches applied, as the
 * new folder @dir. The system's apt configuration is read but not changed: the source
 * lists lie in the cache.
 */
struct uk_error *uk_apt_source(const struct uk_cache *cache, const char *source,
			       const char *version, const char *dir,
			       const struct uk_sink *sink) uk_must_check;

#endif
