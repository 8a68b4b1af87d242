// SPDX-License-Identifier: GPL-2.0-or-later
/* POSIX timers in /proc/timer_list. */
#include "replace/timerlist.h"

#include "base/strbuf.h"
#include "replace/procfs.h"

#include <string.h>

/* enum hrtimer_base_type in include/linux/hrtimer.h; the second of each is the soft one. */
enum base {
	BASE_MONOTONIC = 0,
	BASE_REALTIME = 1,
	BASE_MONOTONIC_SOFT = 4,
	BASE_REALTIME_SOFT = 5,
	BASE_NONE = 99,
};

/* " clock 1:" begins a base, on each processor anew. */
static bool take_base(const char *line, uint64_t *ret)
{
	line += strspn(line, " ");
	if (!uk_str_starts(line, "clock "))
		return false;
	line += strlen("clock ");
	return uk_proc_number(&line, 10, ret) && *line == ':';
}

/* " #0: <ffff888103a3bd60>, posix_timer_fn, S:01" */
static bool is_posix(const char *line)
{
	static const char name[] = ", posix_timer_fn,";
	line += strspn(line, " ");
	return *line == '#' && memmem(line, strcspn(line, "\n"), name, strlen(name));
}

/* " # expires at 1764480000000000000-1764480000000050000 nsecs [in ... nsecs]" */
static bool take_expiry(const char *line, uint64_t *ret)
{
	line += strspn(line, " ");
	if (!uk_str_starts(line, "# expires at "))
		return false;
	line += strlen("# expires at ");
	return uk_proc_number(&line, 10, ret);
}

static bool is_wall(uint64_t base)
{
	return base == BASE_REALTIME || base == BASE_REALTIME_SOFT;
}

static bool is_wanted(uint64_t base)
{
	return is_wall(base) || base == BASE_MONOTONIC || base == BASE_MONOTONIC_SOFT;
}

struct uk_error *uk_timerlist_parse(const char *text, uk_timerlist *ret)
{
	uint64_t base = BASE_NONE, expires, number;
	bool posix = false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (take_base(line, &number)) {
			base = number;
			posix = false;
		} else if (posix && is_wanted(base) && take_expiry(line, &expires)) {
			const struct uk_timerlist_entry entry = { is_wall(base), expires };
			if (!uk_vec_push(ret, entry))
				return uk_error_nomem();
			posix = false;
		} else {
			posix = is_posix(line);
		}
	}
	return NULL;
}

/* Of one of the two clocks. */
static enum uk_timerlist_match find(const uk_timerlist *list, bool wall, uint64_t left_ns,
				    uint64_t from, uint64_t to, uint64_t *ret)
{
	bool found = false;
	uk_vec_for_each(entry, list) {
		if (entry->wall != wall || entry->expires < left_ns ||
		    entry->expires - left_ns < from || entry->expires - left_ns > to)
			continue;
		if (found && *ret != entry->expires)
			return UK_TIMERLIST_MANY;
		*ret = entry->expires;
		found = true;
	}
	return found ? UK_TIMERLIST_ONE : UK_TIMERLIST_NONE;
}

enum uk_timerlist_match uk_timerlist_find_duration(const uk_timerlist *list, uint64_t left_ns,
						   const struct uk_timerlist_window *window,
						   uint64_t *ret)
{
	return find(list, false, left_ns, window->monotonic_from, window->monotonic_to, ret);
}

enum uk_timerlist_match uk_timerlist_find(const uk_timerlist *list, uint64_t left_ns,
					  const struct uk_timerlist_window *window, uint64_t *ret)
{
	uint64_t other;
	enum uk_timerlist_match wall =
		find(list, true, left_ns, window->wall_from, window->wall_to, ret);
	if (wall == UK_TIMERLIST_ONE &&
	    uk_timerlist_find_duration(list, left_ns, window, &other) != UK_TIMERLIST_NONE)
		return UK_TIMERLIST_MANY;
	return wall;
}
