// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A .upk file from a stranger, taken unsigned. As it is, and with its header put right, so
 * that the hash does not keep everything out.
 */
/* rooms: bundle base */
#include "bundle/bundle.h"

#include "base/bytes.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void parse(const uint8_t *data, size_t len)
{
	static const struct uk_trust_policy policy = { .trusted_dir = "/nonexistent",
						       .allow_untrusted = true };
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	uk_auto_free const char **names = NULL;
	size_t nr;
	struct uk_error *err = uk_bundle_parse(data, len, "fuzz.upk", &policy, &bundle);
	if (!err)
		err = uk_update_members(uk_bundle_update(bundle), &names, &nr);
	if (err) {
		uk_error_destroy(err);
		return;
	}
	for (size_t i = 0; i < nr; i++) {
		const struct uk_member *member = uk_bundle_member(bundle, names[i]);
		if (!member || ((const char *)member->data)[member->len])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	parse(data, len);
	if (len < UK_BUNDLE_HEADER_LEN)
		return 0;
	uint8_t *fixed = malloc(len);
	if (!fixed)
		return 0;
	memset(fixed, 0, UK_BUNDLE_HEADER_LEN);
	memcpy(fixed, "\177UPKEEP\n", 8);
	uk_put_u32(fixed + 8, UK_BUNDLE_FORMAT);
	uk_put_u64(fixed + 16, len - UK_BUNDLE_HEADER_LEN);
	memcpy(fixed + UK_BUNDLE_HEADER_LEN, data + UK_BUNDLE_HEADER_LEN,
	       len - UK_BUNDLE_HEADER_LEN);
	crypto_hash_sha256(fixed + 32, data + UK_BUNDLE_HEADER_LEN, len - UK_BUNDLE_HEADER_LEN);
	parse(fixed, len);
	free(fixed);
	return 0;
}
