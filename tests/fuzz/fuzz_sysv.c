// SPDX-License-Identifier: GPL-2.0-or-later
/* System V IPC: tables of the kernel, mappings of a process, notes of a swap. The first byte tells.
 */
/* rooms: replace seat base */
#include "replace/attach.h"
#include "replace/sysv.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct uk_error *read_one(char kind, const char *text, struct uk_sysv *sysv)
{
	switch (kind) {
	case 'm':
		return uk_sysv_parse("shm", text, sysv);
	case 'e':
		return uk_sysv_parse("sem", text, sysv);
	case 'g':
		return uk_sysv_parse("msg", text, sysv);
	case 'n':
		return uk_sysv_from_json(text, sysv);
	default:
		return uk_attach_parse(812, text, sysv);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	if (!len || !uk_vec_push(&sysv.segments, (struct uk_sysv_segment){ .perm = { .id = 7 } }))
		return 0;
	uk_auto_free char *text = strndup((const char *)data + 1, len - 1);
	if (text)
		uk_error_destroy(read_one((char)*data, text, &sysv));
	return 0;
}
