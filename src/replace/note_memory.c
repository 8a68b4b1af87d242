// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mappings that a child gets empty, madvise(2) with MADV_WIPEONFORK. criu 3.17.1 does not know
 * their flag in smaps: "wf" (criu/proc_parse.c: parse_vmflags(); kernel: fs/proc/task_mmu.c).
 */
#include "replace/note.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/procfs.h"

#include <string.h>

enum { SMAPS_MAX = 256 << 20 };

/* "7f0000000000-7f0000001000 rw-p ..." begins a mapping. */
static bool take_mapping(const char *line, uint64_t *start, uint64_t *end)
{
	return uk_proc_number(&line, 16, start) && *line++ == '-' &&
	       uk_proc_number(&line, 16, end) && *line == ' ';
}

/* "VmFlags: rd wr mr mw me ac wf sd " */
static bool is_wiped(const char *line)
{
	static const char flag[] = " wf ";
	return uk_str_starts(line, "VmFlags:") &&
	       memmem(line, strcspn(line, "\n"), flag, strlen(flag));
}

struct uk_error *uk_note_parse_smaps(const char *text, pid_t pid, uk_notes *to)
{
	uint64_t start = 0, end = 0, from, till;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (take_mapping(line, &from, &till)) {
			start = from;
			end = till;
		} else if (end > start && is_wiped(line)) {
			const struct uk_note note = { .kind = UK_NOTE_WIPE_ON_FORK,
						      .pid = pid,
						      .numbers = { start, end - start } };
			if (!uk_vec_push(to, note))
				return uk_error_nomem();
		}
	}
	return NULL;
}

struct uk_error *uk_note_memory(pid_t pid, uk_notes *to)
{
	char path[64];
	uk_auto_free char *text = NULL;
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	struct uk_error *err = uk_file_read(path, SMAPS_MAX, &text, NULL);
	return err ? err : uk_note_parse_smaps(text, pid, to);
}
