// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of keys, public and secret, that may be anything. */
/* rooms: bundle base */
#include "bundle/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_secret_key struct uk_secret_key *secret = NULL;
	struct uk_public_key key = {};
	char path[64];
	int fd = memfd_create("key", MFD_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct uk_error *err = uk_public_key_load(path, &key);
	if (!err)
		uk_public_key_deinit(&key);
	uk_error_destroy(err);
	uk_error_destroy(uk_secret_key_load(path, &secret));
	close(fd);
	return 0;
}
