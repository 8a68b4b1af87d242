// SPDX-License-Identifier: GPL-2.0-or-later
/* System calls that do not go on as they would by themselves. */
#include "replace/call_kind.h"

#include "base/memory.h"

#include <stddef.h>
#include <sys/syscall.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static const struct uk_call_kind kinds[] = {
	{ SYS_epoll_wait, "epoll_wait", UK_LIMIT_MS, 3 },
	{ SYS_epoll_pwait, "epoll_pwait", UK_LIMIT_MS, 3 },
	{ SYS_epoll_pwait2, "epoll_pwait2", UK_LIMIT_SPEC, 3 },
	{ SYS_rt_sigtimedwait, "sigtimedwait", UK_LIMIT_SPEC, 2 },
	{ SYS_semop, "semop", UK_LIMIT_NEVER, 0 },
	{ SYS_semtimedop, "semtimedop", UK_LIMIT_SPEC, 3 },
	{ SYS_io_getevents, "io_getevents", UK_LIMIT_SPEC, 4 },
	{ SYS_ppoll, "ppoll", UK_LIMIT_LEFT_SPEC, 2 },
	{ SYS_select, "select", UK_LIMIT_LEFT_VAL, 4 },
	{ SYS_pselect6, "pselect", UK_LIMIT_LEFT_SPEC, 4 },
};

const struct uk_call_kind *uk_call_kind(uint64_t number)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(kinds); i++) {
		if (kinds[i].number == number)
			return &kinds[i];
	}
	return NULL;
}

bool uk_call_is_repeated(const struct uk_call_kind *kind)
{
	return kind->limit == UK_LIMIT_LEFT_SPEC || kind->limit == UK_LIMIT_LEFT_VAL;
}

bool uk_call_is_limited(const struct uk_call_kind *kind, const uint64_t *args)
{
	switch (kind->limit) {
	case UK_LIMIT_MS:
		return (int)args[kind->arg] >= 0;
	case UK_LIMIT_SPEC:
	case UK_LIMIT_LEFT_SPEC:
	case UK_LIMIT_LEFT_VAL:
		return args[kind->arg];
	default:
		return false;
	}
}
