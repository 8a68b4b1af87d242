/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel of the distribution: its image package and its source, fetched through apt. */
#ifndef UPKEEP_KBUILD_KERNEL_H
#define UPKEEP_KBUILD_KERNEL_H

#include "kbuild/cache.h"

struct uk_kernel {
	char *release;	 /* uname -r: "6.1.0-47-cloud-amd64" */
	char *series;	 /* "6.1" */
	char *version;	 /* of package and source: "6.1.170-3" */
	char *source;	 /* name of the source package: "linux" or "linux-6.12" */
	char *banner;	 /* uname -v: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.170-3 (2026-05-08)" */
	char *builder;	 /* user@host of the build: "debian-kernel@lists.debian.org" */
	char *image_dir; /* the extracted package */
	char *image;	 /* path of vmlinuz */
	char *config;	 /* path of its config */
	char *modules;	 /* path of lib/modules/RELEASE */
	char *symvers;	 /* path of the CRCs of its symbols: lines "0xCRC NAME" */
};

/*
 * Finds the linux-image package of exactly @release, fetches and unpacks it, and learns
 * what the struct says. Quick when it is in the cache already. UK_ERR_INVALID when no
 * such package is known to apt, with what to do.
 */
struct uk_error *uk_kernel_fetch(const struct uk_cache *cache, const char *release,
				 const struct uk_sink *sink, struct uk_kernel **ret) uk_must_check;
void uk_kernel_destroy(struct uk_kernel *kernel);
UK_DEFINE_CLEANUP(kernel, struct uk_kernel *, uk_kernel_destroy)
#define uk_auto_kernel uk_cleanup(uk_cleanup_kernel)

/* Whether its source is in the cache already. */
bool uk_kernel_has_source(const struct uk_cache *cache, const struct uk_kernel *kernel);

/*
 * Its source as the distribution compiled it (linux-source package of the same version,
 * or the source package with its patches). *ret is the folder, owned by the caller;
 * nothing may be changed in it.
 */
struct uk_error *uk_kernel_source(const struct uk_cache *cache, const struct uk_kernel *kernel,
				  const struct uk_sink *sink, char **ret) uk_must_check;

#endif
