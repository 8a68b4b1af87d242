// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of sockets that criu does not carry: sockopt.h knows which. */
#include "replace/note.h"

#include "replace/sockopt.h"

#include <string.h>

enum number { FD, LEVEL, NAME };

static struct uk_error *note(pid_t pid, int fd, const struct uk_sockopt *option, uk_notes *to)
{
	struct uk_note note = { .kind = UK_NOTE_SOCKET_OPTION,
				.pid = pid,
				.numbers = { [FD] = (uint64_t)fd,
					     [LEVEL] = (uint64_t)option->level,
					     [NAME] = (uint64_t)option->name },
				.len = option->len };
	memcpy(note.data, option->value, option->len);
	return uk_vec_push(to, note) ? NULL : uk_error_nomem();
}

struct uk_error *uk_note_socket(pid_t pid, int fd, uk_notes *to)
{
	uk_sockopts options = {};
	struct uk_error *err = uk_sockopt_read_lost(pid, fd, &options);
	uk_vec_for_each(option, &options) {
		if (!err && option->len)
			err = note(pid, fd, option, to);
	}
	uk_vec_deinit(&options);
	return err;
}

struct uk_error *uk_note_set_socket(const struct uk_note *note, struct uk_held *thread)
{
	struct uk_sockopt option = { .level = (int)note->numbers[LEVEL],
				     .name = (int)note->numbers[NAME],
				     .len = note->len };
	if (!uk_sockopt_is_known(option.level, option.name) || note->len > sizeof(option.value))
		return uk_error_create(UK_ERR_INVALID, "no option that is known");
	memcpy(option.value, note->data, note->len);
	return uk_sockopt_set(note->pid, (int)note->numbers[FD], &option);
}
