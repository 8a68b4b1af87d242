// SPDX-License-Identifier: GPL-2.0-or-later
/* Notes of what is set again after a restore: their text, and who makes and who uses them. */
#include "replace/note.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/image.h"
#include "replace/procfs.h"
#include "replace/task.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOTES "notes" /* in a service's folder of images */

enum {
	NOTES_MAX = 64 << 20,
	TIMERS_MAX = 64 << 20,
	/* images/pstree.proto: pstree_entry; images/timens.proto, images/time.proto */
	FIELD_PID = 1,
	FIELD_THREADS = 5,
	FIELD_MONOTONIC = 1,
	FIELD_BOOTTIME = 2,
	FIELD_SEC = 1,
	FIELD_NSEC = 2,
};

static const uint64_t any = UINT64_MAX;

static const struct kind {
	const char *name;
	uk_note_set *set;
	size_t nr;			/* numbers */
	bool data;			/* and bytes */
	uint64_t most[UK_NOTE_NUMBERS]; /* that the numbers may be */
} kinds[UK_NOTE_NR_KINDS] = {
	[UK_NOTE_TIMERFD] = { "timerfd",
			      uk_note_set_timerfd,
			      6,
			      false,
			      { INT_MAX, CLOCK_BOOTTIME, 3, INT64_MAX, INT64_MAX, any } },
	[UK_NOTE_SOCKET_OPTION] = { "socket-option",
				    uk_note_set_socket,
				    3,
				    true,
				    { INT_MAX, INT_MAX, INT_MAX } },
	[UK_NOTE_GROUP] = { "group", uk_note_set_group, 2, true, { INT_MAX, INT_MAX } },
	[UK_NOTE_AFFINITY] = { "affinity", uk_note_set_affinity, 0, true, {} },
	[UK_NOTE_IO_PRIORITY] = { "io-priority",
				  uk_note_set_io_priority,
				  1,
				  false,
				  { UINT16_MAX } },
	[UK_NOTE_TIMER_SLACK] = { "timer-slack", uk_note_set_slack, 1, false, { any } },
	[UK_NOTE_COREDUMP] = { "coredump-filter", uk_note_set_coredump, 1, false, { UINT32_MAX } },
	[UK_NOTE_NO_NEW_PRIVS] = { "no-new-privs", uk_note_set_no_new_privs, 0, false, {} },
	[UK_NOTE_AMBIENT] = { "ambient", uk_note_set_ambient, 1, false, { any } },
	[UK_NOTE_PERSONALITY] = { "personality",
				  uk_note_set_personality,
				  1,
				  false,
				  { UINT32_MAX } },
	[UK_NOTE_NO_HUGE] = { "no-huge-pages", uk_note_set_no_huge, 0, false, {} },
	[UK_NOTE_WIPE_ON_FORK] = { "wipe-on-fork",
				   uk_note_set_wipe_on_fork,
				   2,
				   false,
				   { any, any } },
	[UK_NOTE_ITIMER] = { "itimer", uk_note_set_itimer, 3, false, { 2, INT64_MAX, INT64_MAX } },
	[UK_NOTE_TIMER] = { "timer",
			    uk_note_set_timer,
			    6,
			    false,
			    { INT_MAX, CLOCK_BOOTTIME, 1, INT64_MAX, INT64_MAX, 64 } },
	[UK_NOTE_LISTENER] = { "listener", uk_note_set_listener, 2, false, { INT_MAX, INT_MAX } },
};

/* --- text ---------------------------------------------------------------------------- */

static void put(struct uk_strbuf *to, const struct uk_note *note)
{
	char hex[2 * UK_NOTE_DATA + 1];
	const struct kind *kind = &kinds[note->kind];
	uk_strbuf_addf(to, "%s %d", kind->name, note->pid);
	for (size_t i = 0; i < kind->nr; i++)
		uk_strbuf_addf(to, " %" PRIu64, note->numbers[i]);
	if (kind->data)
		uk_strbuf_addf(to, " %s", sodium_bin2hex(hex, sizeof(hex), note->data, note->len));
	uk_strbuf_addstr(to, "\n");
}

struct uk_error *uk_notes_format(const uk_notes *notes, char **ret)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_vec_for_each(note, notes)
		put(&buf, note);
	return uk_strbuf_finish(&buf, ret);
}

static bool take_kind(const char **at, enum uk_note_kind *ret)
{
	for (size_t i = 0; i < UK_NOTE_NR_KINDS; i++) {
		size_t len = strlen(kinds[i].name);
		if (strncmp(*at, kinds[i].name, len) || (*at)[len] != ' ')
			continue;
		*at += len;
		*ret = (enum uk_note_kind)i;
		return true;
	}
	return false;
}

static bool take_number(const char **at, uint64_t most, uint64_t *ret)
{
	if (**at != ' ')
		return false;
	++*at;
	return uk_proc_number(at, 10, ret) && *ret <= most;
}

static bool take_data(const char **at, struct uk_note *note)
{
	const char *end;
	if (**at != ' ')
		return false;
	++*at;
	if (sodium_hex2bin(note->data, sizeof(note->data), *at, strcspn(*at, "\n"), NULL,
			   &note->len, &end))
		return false;
	*at = end;
	return note->len;
}

/* A line with its end. */
static bool take_line(const char **at, struct uk_note *ret)
{
	uint64_t pid;
	*ret = (struct uk_note){};
	if (!take_kind(at, &ret->kind) || !take_number(at, INT_MAX, &pid) || pid < 2)
		return false;
	ret->pid = (pid_t)pid;
	const struct kind *kind = &kinds[ret->kind];
	for (size_t i = 0; i < kind->nr; i++) {
		if (!take_number(at, kind->most[i], &ret->numbers[i]))
			return false;
	}
	if (kind->data && !take_data(at, ret))
		return false;
	return *(*at)++ == '\n';
}

struct uk_error *uk_notes_parse(const char *text, uk_notes *ret)
{
	struct uk_note note;
	for (size_t line = 1; *text; line++) {
		if (!take_line(&text, &note))
			return uk_error_create(UK_ERR_INVALID, "line %zu is no note", line);
		if (!uk_vec_push(ret, note))
			return uk_error_nomem();
	}
	return NULL;
}

/* --- note ---------------------------------------------------------------------------- */

/* One number after the other, and all fit for a process. */
typedef UK_VEC(pid_t) pids;

static struct uk_error *add_pid(const struct uk_image *image, uint64_t number, pids *to)
{
	if (number < 1 || number > INT_MAX)
		return uk_image_unexpected(image, "a number is no process's");
	return uk_vec_push(to, (pid_t)number) ? NULL : uk_error_nomem();
}

/* One that was not waited for has nothing that could be noted. */
static bool has_ended(uint64_t pid)
{
	struct uk_task task = {};
	struct uk_error *err = pid <= INT_MAX ? uk_task_read_brief(NULL, (pid_t)pid, &task) : NULL;
	bool ended = !err && task.state == 'Z';
	uk_task_deinit(&task);
	uk_error_destroy(err);
	return ended;
}

/* Of one that has ended criu writes no number of a thread, but whatever was there before. */
static struct uk_error *list_task(const struct uk_image *image, const struct uk_pb *message,
				  pids *processes, pids *threads)
{
	uint64_t pid;
	if (!uk_pb_get(message, FIELD_PID, &pid))
		return uk_image_unexpected(image, "a process has no number");
	if (has_ended(pid))
		return NULL;
	struct uk_error *err = add_pid(image, pid, processes);
	uk_vec_for_each(field, &message->fields) {
		if (!err && field->number == FIELD_THREADS && field->wire == UK_PB_VARINT)
			err = add_pid(image, field->value, threads);
	}
	return err;
}

static struct uk_error *list_tasks(const char *images, pids *processes, pids *threads)
{
	uk_auto_image struct uk_image image = {};
	struct uk_error *err = uk_image_read(images, "pstree.img", UK_IMAGE_PSTREE, &image);
	uk_vec_for_each(message, &image.messages) {
		if (!err)
			err = list_task(&image, message, processes, threads);
	}
	return err;
}

static struct uk_error *get_time(const struct uk_image *image, uint32_t field, int64_t *ret)
{
	uk_auto_pb struct uk_pb time = {};
	uint64_t sec, nsec;
	struct uk_error *err = uk_pb_get_message(&image->messages.data[0], field, &time);
	if (!err && uk_pb_get(&time, FIELD_SEC, &sec) && uk_pb_get(&time, FIELD_NSEC, &nsec) &&
	    sec < INT64_MAX / 1000000000 && nsec < 1000000000) {
		*ret = (int64_t)(sec * 1000000000 + nsec);
		return NULL;
	}
	uk_error_destroy(err);
	return uk_image_unexpected(image, "a time is missing");
}

static struct uk_error *read_clocks(const char *images, const char *name,
				    struct uk_note_clocks *ret)
{
	uk_auto_image struct uk_image image = {};
	struct uk_error *err = uk_image_read(images, name, UK_IMAGE_TIMENS, &image);
	if (!err && image.messages.len != 1)
		err = uk_image_unexpected(&image, "it has not one message");
	if (!err)
		err = get_time(&image, FIELD_MONOTONIC, &ret->monotonic);
	return err ? err : get_time(&image, FIELD_BOOTTIME, &ret->boottime);
}

/* The image of the one time namespace; its number is criu's. */
static struct uk_error *find_clocks(const char *images, struct uk_note_clocks *ret)
{
	char **names = NULL;
	size_t nr = 0, found = 0;
	struct uk_error *err = uk_dir_list(images, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		if (!uk_str_starts(names[i], "timens-") || !uk_str_ends(names[i], ".img"))
			continue;
		found++;
		err = read_clocks(images, names[i], ret);
	}
	if (!err && found != 1)
		err = uk_error_create(UK_ERR_REFUSED, "%s: there are %zu images of time namespaces",
				      images, found);
	uk_strv_destroy(names, nr);
	return err;
}

static struct uk_error *note_descriptor(pid_t pid, const char *name, const char *link,
					const struct uk_note_clocks *clocks, uk_notes *to)
{
	int fd = atoi(name);
	if (uk_str_starts(link, "anon_inode:[timerfd]"))
		return uk_note_timerfd(pid, fd, clocks, to);
	if (!uk_str_starts(link, "socket:["))
		return NULL;
	struct uk_error *err = uk_note_socket(pid, fd, to);
	if (!err)
		err = uk_note_group(pid, fd, to);
	return err ? err : uk_note_listener(pid, fd, to);
}

static struct uk_error *note_descriptors(pid_t pid, const struct uk_note_clocks *clocks,
					 uk_notes *to)
{
	uk_auto_free char *folder = NULL;
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = uk_asprintf(&folder, "/proc/%d/fd", pid);
	if (!err)
		err = uk_dir_list(folder, &names, &nr);
	uk_auto_close int dir = err ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!err && dir < 0)
		err = uk_error_errno(errno, "%s", folder);
	for (size_t i = 0; !err && i < nr; i++) {
		char link[64];
		ssize_t len = readlinkat(dir, names[i], link, sizeof(link) - 1);
		if (len < 0)
			continue;
		link[len] = '\0';
		err = uk_error_wrap(note_descriptor(pid, names[i], link, clocks, to),
				    "descriptor %s", names[i]);
	}
	uk_strv_destroy(names, nr);
	return err;
}

/* What the parts look at. */
struct view {
	const char *images;
	struct uk_note_clocks clocks;
	struct uk_timerlist_window window;
	uk_timerlist timers;
	const struct uk_sink *sink;
};

/* All of a service are in one namespace of time: find_clocks(). */
static struct uk_error *read_offsets(pid_t pid, struct uk_note_clocks *clocks)
{
	int64_t boottime = (int64_t)uk_clock_read(CLOCK_BOOTTIME);
	int64_t between = boottime - (int64_t)uk_clock_read(CLOCK_MONOTONIC);
	struct uk_error *err = uk_note_clock_offset(pid, CLOCK_MONOTONIC, &clocks->monotonic_ahead);
	if (!err)
		err = uk_note_clock_offset(pid, CLOCK_BOOTTIME, &clocks->boottime_ahead);
	clocks->boottime_ahead += between;
	return err;
}

static struct uk_error *read_timers(struct view *view)
{
	struct uk_note_began now;
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_file_read("/proc/timer_list", TIMERS_MAX, &text, NULL);
	if (!err)
		err = uk_timerlist_parse(text, &view->timers);
	uk_note_begin(&now);
	view->window.monotonic_to = now.monotonic;
	view->window.wall_to = now.wall;
	return err;
}

static struct uk_error *note_process(const struct view *view, pid_t pid, uk_notes *to)
{
	struct uk_error *err = note_descriptors(pid, &view->clocks, to);
	if (!err)
		err = uk_note_process(pid, to);
	if (!err)
		err = uk_note_memory(pid, to);
	if (!err)
		err = uk_note_timers(view->images, pid, &view->clocks, &view->timers, &view->window,
				     view->sink, to);
	return uk_error_wrap(err, "process %d", pid);
}

static struct uk_error *note_all(struct view *view, uk_notes *to)
{
	pids processes = {}, threads = {};
	struct uk_error *err = list_tasks(view->images, &processes, &threads);
	if (!err)
		err = find_clocks(view->images, &view->clocks);
	if (!err && processes.len)
		err = read_offsets(processes.data[0], &view->clocks);
	if (!err)
		err = read_timers(view);
	uk_vec_for_each(pid, &processes) {
		if (!err)
			err = note_process(view, *pid, to);
	}
	uk_vec_for_each(tid, &threads) {
		if (!err)
			err = uk_error_wrap(uk_note_thread(*tid, to), "thread %d", *tid);
	}
	uk_vec_deinit(&processes);
	uk_vec_deinit(&threads);
	return err;
}

static bool has_own_pids(pid_t pid)
{
	char path[64];
	struct stat theirs, ours;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat(path, &theirs) < 0 || stat("/proc/self/ns/pid", &ours) < 0 ||
	       theirs.st_ino != ours.st_ino;
}

void uk_note_begin(struct uk_note_began *ret)
{
	*ret = (struct uk_note_began){ uk_clock_read(CLOCK_MONOTONIC),
				       uk_clock_read(CLOCK_REALTIME) };
}

struct uk_error *uk_notes_take(const struct uk_plan_service *service, const char *dir,
			       const struct uk_note_began *began, const struct uk_sink *sink)
{
	uk_auto_free char *images = NULL, *path = NULL, *text = NULL;
	uk_notes notes = {};
	struct view view = { .window = { .wall_from = began->wall,
					 .monotonic_from = began->monotonic },
			     .sink = sink };
	struct uk_error *err = uk_asprintf(&images, "%s/%s", dir, service->images);
	view.images = images;
	if (!err)
		err = uk_asprintf(&path, "%s/" NOTES, images);
	if (!err && !has_own_pids(service->main_pid))
		err = note_all(&view, &notes);
	if (!err)
		err = uk_notes_format(&notes, &text);
	if (!err)
		err = uk_file_write(path, text, strlen(text), 0600);
	uk_vec_deinit(&view.timers);
	uk_vec_deinit(&notes);
	return err;
}

/* --- set again ----------------------------------------------------------------------- */

static struct uk_error *set_one(const struct uk_note *note, struct uk_hold *hold)
{
	const struct kind *kind = &kinds[note->kind];
	return uk_error_wrap(kind->set(note, uk_hold_find(hold, note->pid)), "%s of %d", kind->name,
			     note->pid);
}

static struct uk_error *set_all(const uk_notes *notes, struct uk_hold *hold)
{
	struct uk_error *first = NULL;
	size_t failed = 0;
	uk_vec_for_each(note, notes) {
		struct uk_error *err = set_one(note, hold);
		failed += !!err;
		if (first)
			uk_error_destroy(err);
		else
			first = err;
	}
	return failed > 1 ? uk_error_wrap(first, "%zu repairs failed, the first is", failed)
			  : first;
}

struct uk_error *uk_notes_apply(const struct uk_plan_service *service, const char *dir,
				struct uk_hold *hold)
{
	uk_auto_free char *path = NULL, *text = NULL;
	uk_notes notes = {};
	struct uk_error *err = uk_asprintf(&path, "%s/%s/" NOTES, dir, service->images);
	if (!err)
		err = uk_file_read(path, NOTES_MAX, &text, NULL);
	if (!err)
		err = uk_error_wrap(uk_notes_parse(text, &notes), "%s", path);
	if (!err)
		err = set_all(&notes, hold);
	uk_vec_deinit(&notes);
	return err;
}
