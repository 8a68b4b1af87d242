/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An update with one of everything, its members, and a folder of its own, for tests. */
#ifndef UPKEEP_TEST_BUNDLE_SAMPLE_H
#define UPKEEP_TEST_BUNDLE_SAMPLE_H

#include "base/file.h"
#include "base/strbuf.h"
#include "bundle/bundle.h"
#include "bundle/keys.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE_ID "0123456789abcdef"

static inline char *sample_copy(const char *text)
{
	char *copy = strdup(text);
	ck_assert_ptr_nonnull(copy);
	return copy;
}

static inline uint8_t *sample_bytes(const char *text)
{
	return (uint8_t *)sample_copy(text);
}

static inline void sample_changes(struct uk_update *update)
{
	struct uk_update_function changed = { .change = UK_CHANGE_CHANGED,
					      .object = 0,
					      .name = sample_copy("cmdline_proc_show"),
					      .old_size = 38,
					      .new_size = 45,
					      .section =
						      sample_copy(".text.upk.0.cmdline_proc_show"),
					      .offset = 16,
					      .redirect = true };
	struct uk_update_function added = { .change = UK_CHANGE_NEW,
					    .object = 1,
					    .name = sample_copy("helper.isra.0"),
					    .new_size = 7,
					    .section = sample_copy(".text.upk.1.helper.isra.0") };
	struct uk_update_function removed = {
		.change = UK_CHANGE_REMOVED, .object = 0, .name = sample_copy("gone"), .old_size = 9
	};
	ck_assert(uk_vec_push(&update->functions, changed));
	ck_assert(uk_vec_push(&update->functions, added));
	ck_assert(uk_vec_push(&update->functions, removed));
	struct uk_update_datum datum = {
		.change = UK_DATUM_WRITTEN, .object = 1, .name = sample_copy("table"), .size = 64
	};
	ck_assert(uk_vec_push(&update->data, datum));
	struct uk_update_write write = { .object = 1,
					 .symbol = sample_copy("table"),
					 .offset = 8,
					 .len = 3,
					 .old_bytes = sample_bytes("abc"),
					 .new_bytes = sample_bytes("xyz") };
	ck_assert(uk_vec_push(&update->writes, write));
	struct uk_update_pointer pointer = { .object = 1,
					     .symbol = sample_copy("table"),
					     .offset = 16,
					     .section = sample_copy(".rodata.upk.1.table"),
					     .at = 16 };
	ck_assert(uk_vec_push(&update->pointers, pointer));
	struct uk_finding finding = { .name = sample_copy("initial-value:net/foo.o:limit"),
				      .place = sample_copy("net/foo.c:12"),
				      .text = sample_copy(
					      "The value changes;\n\tnothing sets it again."),
				      .accepted = true };
	ck_assert(uk_vec_push(&update->findings, finding));
}

static inline struct uk_update *sample_update(void)
{
	struct uk_update *update = NULL;
	ck_ok(uk_update_create(&update));
	update->id = sample_copy(SAMPLE_ID);
	update->release = sample_copy("6.12.107+deb12-cloud-amd64");
	update->version = sample_copy("#1 SMP PREEMPT_DYNAMIC Debian 6.12.107-1~deb12u1");
	update->build_id = sample_copy("00112233445566778899aabbccddeeff00112233");
	update->arch = sample_copy("x86_64");
	update->compiler = sample_copy("gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0");
	update->source = sample_copy("linux-source-6.12 6.12.107-1~deb12u1");
	update->description = sample_copy("Shows \"more\" \xc3\xa4\nof it");
	update->core = sample_copy("core/upkeep.ko");
	update->ibt = true;
	ck_assert(uk_vec_push(&update->cves, sample_copy("CVE-2026-1234")));
	ck_assert(uk_vec_push(&update->after, sample_copy("fedcba9876543210")));
	ck_assert(uk_vec_push(&update->patches, sample_copy("patches/0-fix.patch")));
	struct uk_update_part core = { sample_copy("vmlinux"),
				       sample_copy("upkeep_" SAMPLE_ID "_0"),
				       sample_copy("parts/0.ko") };
	struct uk_update_part module = { sample_copy("nft_limit"),
					 sample_copy("upkeep_" SAMPLE_ID "_1"),
					 sample_copy("parts/1.ko") };
	ck_assert(uk_vec_push(&update->parts, core));
	ck_assert(uk_vec_push(&update->parts, module));
	struct uk_update_object first = { sample_copy("fs/proc/cmdline.o"), 0,
					  sample_copy("orig/fs/proc/cmdline.o"),
					  sample_copy("prev/fs/proc/cmdline.o") };
	struct uk_update_object second = { sample_copy("net/netfilter/nft_limit.o"), 1,
					   sample_copy("orig/net/netfilter/nft_limit.o"), NULL };
	ck_assert(uk_vec_push(&update->objects, first));
	ck_assert(uk_vec_push(&update->objects, second));
	sample_changes(update);
	return update;
}

enum { SAMPLE_MEMBERS = 7 };

/* In an order that is not that of names; content borrowed from string literals. */
static inline void sample_members(struct uk_member ret[SAMPLE_MEMBERS])
{
	static const char *const names[SAMPLE_MEMBERS] = { "parts/1.ko",
							   "parts/0.ko",
							   "core/upkeep.ko",
							   "patches/0-fix.patch",
							   "prev/fs/proc/cmdline.o",
							   "orig/fs/proc/cmdline.o",
							   "orig/net/netfilter/nft_limit.o" };
	static const char *const texts[SAMPLE_MEMBERS] = { "one one one",    "zero", "core",
							   "--- a\n+++ b\n", "",     "orig orig",
							   "limit" };
	for (size_t i = 0; i < SAMPLE_MEMBERS; i++)
		ret[i] = (struct uk_member){ (char *)names[i], (char *)texts[i], strlen(texts[i]) };
}

/* A new folder under /tmp. */
static inline char *sample_dir(void)
{
	char *dir = sample_copy("/tmp/upkeep-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

static inline char *sample_path(const char *dir, const char *name)
{
	char *path = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	return path;
}

#endif
