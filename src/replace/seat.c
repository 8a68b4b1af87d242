// SPDX-License-Identifier: GPL-2.0-or-later
/* Terminals and screens of a seat. */
#include "replace/seat.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/inject.h"
#include "replace/loan.h"
#include "replace/seat_state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <linux/major.h>
#include <linux/vt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum {
	ALIAS_MAX = 1 << 14,
	TEXT_MAX = 1 << 20,
	PIXELS_MAX = 256 << 20,
	STEP_MS = 20,
	WAIT_MS = 5000, /* for a device that is found late, or a terminal to be shown */
};

bool uk_seat_is_terminal(const struct uk_fd *fd)
{
	return fd->kind == UK_FD_TERMINAL && major(fd->rdev) == TTY_MAJOR && minor(fd->rdev) &&
	       minor(fd->rdev) <= MAX_NR_CONSOLES;
}

bool uk_seat_is_input(const struct uk_fd *fd)
{
	return fd->kind == UK_FD_DEVICE && major(fd->rdev) == INPUT_MAJOR &&
	       minor(fd->rdev) >= UK_SEAT_FIRST_EVDEV;
}

bool uk_seat_is_screen(const struct uk_fd *fd)
{
	return fd->kind == UK_FD_DEVICE && major(fd->rdev) == FB_MAJOR;
}

bool uk_seat_maps_screen(const struct uk_mapping *mapping, unsigned int *number_ret)
{
	int end = 0;
	return mapping->shared && sscanf(mapping->path, "/dev/fb%u%n", number_ret, &end) == 1 &&
	       !mapping->path[end];
}

/* --- noting: what is in use ------------------------------------------------------------- */

static struct uk_error *note_terminal(struct uk_seat_state *state, unsigned int number, pid_t user,
				      int descriptor)
{
	for (unsigned int i = 0; i < state->nr_terminals; i++) {
		struct uk_seat_terminal *known = &state->terminals[i];
		if (known->number != number)
			continue;
		if (user && known->owner && known->owner != user)
			known->shared = true;
		if (user && !known->owner) {
			known->owner = user;
			known->descriptor = descriptor;
		}
		return NULL;
	}
	if (state->nr_terminals == UK_SEAT_TERMINALS)
		return uk_error_create(UK_ERR_REFUSED, "more than %d virtual terminals are in use",
				       UK_SEAT_TERMINALS);
	state->terminals[state->nr_terminals++] = (struct uk_seat_terminal){
		.number = number, .owner = user, .descriptor = descriptor
	};
	return NULL;
}

/* What drives a device: the aliases of it and of all that it hangs on, the lowest first. */
static struct uk_error *note_drivers(struct uk_seat_state *state, const char *class,
				     unsigned int nr)
{
	uk_auto_free char *link = NULL;
	struct uk_error *err = uk_asprintf(&link, "/sys/class/%s%u/device", class, nr);
	uk_auto_free char *folder = err ? NULL : realpath(link, NULL);
	while (!err && folder && uk_str_starts(folder, "/sys/devices/")) {
		uk_auto_free char *path = NULL, *alias = NULL;
		err = uk_asprintf(&path, "%s/modalias", folder);
		if (!err && !access(path, F_OK))
			err = uk_file_read(path, ALIAS_MAX, &alias, NULL);
		/*
		 * That of an input device lists all its keys, for handlers of events: evdev is
		 * asked for by name.
		 */
		if (!err && alias && !uk_str_starts(alias, "input:"))
			err = uk_seat_state_add_alias(state, alias);
		*strrchr(folder, '/') = '\0';
	}
	return err;
}

static struct uk_error *note_input(struct uk_seat_state *state, unsigned int number)
{
	struct uk_seat_input input;
	char path[64];
	snprintf(path, sizeof(path), "/dev/input/event%u", number);
	uk_auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || !uk_seat_input_read(fd, &input))
		return uk_error_errno(errno, "%s", path);
	for (unsigned int i = 0; i < state->nr_inputs; i++) {
		if (!memcmp(&state->inputs[i], &input, sizeof(input)))
			return NULL;
	}
	if (state->nr_inputs == UK_SEAT_INPUTS)
		return uk_error_create(UK_ERR_REFUSED, "more than %d input devices are in use",
				       UK_SEAT_INPUTS);
	state->inputs[state->nr_inputs++] = input;
	return note_drivers(state, "input/event", number);
}

static struct uk_error *note_screen(struct uk_seat_state *state, unsigned int number)
{
	struct uk_seat_screen screen;
	struct stat st;
	char path[32];
	snprintf(path, sizeof(path), "/dev/fb%u", number);
	uk_auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !uk_seat_screen_read(fd, number, &screen))
		return uk_error_errno(errno, "%s", path);
	for (unsigned int i = 0; i < state->nr_screens; i++) {
		if (state->screen_numbers[i] == number)
			return NULL;
	}
	if (state->nr_screens == UK_SEAT_SCREENS)
		return uk_error_create(UK_ERR_REFUSED, "more than %d framebuffers are in use",
				       UK_SEAT_SCREENS);
	state->screen_numbers[state->nr_screens] = number;
	state->screen_rights[state->nr_screens] = st.st_mode & 0777;
	state->screen_owners[state->nr_screens] = st.st_uid;
	state->screen_groups[state->nr_screens] = st.st_gid;
	state->screens[state->nr_screens++] = screen;
	return note_drivers(state, "graphics/fb", number);
}

static struct uk_error *note_descriptor(struct uk_seat_state *state, const struct uk_task *task,
					const struct uk_fd *fd)
{
	if (uk_seat_is_terminal(fd))
		return note_terminal(state, minor(fd->rdev), task->pid, fd->number);
	if (uk_seat_is_screen(fd))
		return note_screen(state, minor(fd->rdev));
	if (!uk_seat_is_input(fd))
		return NULL;
	/* Their minors do not tell the numbers. */
	unsigned int number;
	const char *name = strrchr(fd->link, '/');
	if (!name || sscanf(name, "/event%u", &number) != 1)
		return uk_error_create(UK_ERR_REFUSED, "%s is no name of an input device",
				       fd->link);
	return note_input(state, number);
}

static struct uk_error *note_task(struct uk_seat_state *state, const struct uk_task *task)
{
	struct uk_error *err = NULL;
	unsigned int number;
	uk_vec_for_each(fd, &task->fds) {
		if (!err)
			err = note_descriptor(state, task, fd);
	}
	uk_vec_for_each(mapping, &task->mappings) {
		if (!err && uk_seat_maps_screen(mapping, &number))
			err = note_screen(state, number);
	}
	return err;
}

static struct uk_error *note_uses(const struct uk_keep *keep, struct uk_seat_state *ret)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(service, &keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			if (!err)
				err = note_task(ret, task);
		}
	}
	return err;
}

/* --- noting: how it is ------------------------------------------------------------------- */

static struct uk_error *open_terminal(unsigned int number, int *ret)
{
	char path[32];
	snprintf(path, sizeof(path), "/dev/tty%u", number);
	*ret = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return *ret < 0 ? uk_error_errno(errno, "%s", path) : NULL;
}

/* Files of vcs(4) do not tell their size. */
static struct uk_error *save_text(const char *dir, unsigned int number)
{
	uk_auto_free char *from = NULL, *to = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&from, "/dev/vcsa%u", number);
	if (!err)
		err = uk_asprintf(&to, "%s/seat-text-%u", dir, number);
	if (!err)
		err = uk_file_read(from, TEXT_MAX, &text, &len);
	return err ? err : uk_file_write(to, text, len, 0600);
}

static struct uk_error *save_terminal(const char *dir, struct uk_seat_terminal *terminal)
{
	struct vt_mode mode;
	uk_auto_close int fd = -1;
	struct uk_error *err = open_terminal(terminal->number, &fd);
	if (err)
		return err;
	if (ioctl(fd, KDGETMODE, &terminal->mode) < 0 ||
	    ioctl(fd, KDGKBMODE, &terminal->keyboard) < 0 ||
	    ioctl(fd, KDGKBMETA, &terminal->meta) < 0 ||
	    ioctl(fd, KDGKBLED, &terminal->locks) < 0 || ioctl(fd, VT_GETMODE, &mode) < 0)
		return uk_error_errno(errno, "/dev/tty%u", terminal->number);
	terminal->by_process = mode.mode == VT_PROCESS;
	terminal->waits = mode.waitv;
	terminal->release_signal = mode.relsig;
	terminal->acquire_signal = mode.acqsig;
	if (terminal->by_process && terminal->shared)
		return uk_error_create(UK_ERR_REFUSED,
				       "/dev/tty%u is switched by one of several processes that "
				       "have it open, and nothing tells by which",
				       terminal->number);
	return save_text(dir, terminal->number);
}

static struct uk_error *save_pixels(const char *dir, unsigned int nr, unsigned int number,
				    const struct uk_seat_screen *screen)
{
	uk_auto_free char *from = NULL, *to = NULL, *pixels = NULL;
	size_t len = 0, wanted = (size_t)screen->line * screen->mode.yres_virtual;
	if (!wanted || wanted > PIXELS_MAX)
		return uk_error_create(UK_ERR_REFUSED, "/dev/fb%u has %zu bytes of pixels", number,
				       wanted);
	pixels = malloc(wanted);
	if (!pixels)
		return uk_error_nomem();
	struct uk_error *err = uk_asprintf(&from, "/dev/fb%u", number);
	if (!err)
		err = uk_asprintf(&to, "%s/seat-pixels-%u", dir, nr);
	uk_auto_close int fd = err ? -1 : open(from, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;
	while (!err && got > 0 && len < wanted) {
		got = fd < 0 ? -1 : read(fd, pixels + len, wanted - len);
		len += got > 0 ? (size_t)got : 0;
		if (got < 0)
			err = uk_error_errno(errno, "read %s", from);
	}
	return err ? err : uk_file_write(to, pixels, len, 0600);
}

/* The one that is shown counts, too, even if it is nobody's. */
static struct uk_error *note_active(struct uk_seat_state *state)
{
	struct vt_stat now = {};
	uk_auto_close int fd = -1;
	struct uk_error *err = open_terminal(0, &fd);
	if (err)
		return err;
	if (ioctl(fd, VT_GETSTATE, &now) < 0)
		return uk_error_errno(errno, "/dev/tty0");
	state->active = now.v_active;
	return note_terminal(state, state->active, 0, -1);
}

struct uk_error *uk_seat_save(const struct uk_keep *keep, const char *dir)
{
	uk_auto_free struct uk_seat_state *state = uk_seat_state_new();
	if (!state)
		return uk_error_nomem();
	struct uk_error *err = note_uses(keep, state);
	if (err || !(state->nr_terminals + state->nr_inputs + state->nr_screens))
		return err;
	err = note_active(state);
	for (unsigned int i = 0; !err && i < state->nr_terminals; i++)
		err = save_terminal(dir, &state->terminals[i]);
	for (unsigned int i = 0; !err && i < state->nr_screens; i++)
		err = save_pixels(dir, i, state->screen_numbers[i], &state->screens[i]);
	return err ? err : uk_seat_state_write(state, dir);
}

/* --- in the new kernel ------------------------------------------------------------------- */

static void tell(const struct uk_sink *sink, struct uk_error *err)
{
	if (err)
		uk_remark(sink, UK_LEVEL_WARNING, "%s", uk_error_message(err));
	uk_error_destroy(err);
}

/* An alias that no module has is built in, or is not known here: who needs it will tell. */
static void load_drivers(const struct uk_seat_state *state)
{
	UK_VEC(const char *) words = {};
	static const char *const first[] = { "modprobe", "-a", "-q", "-b", "evdev" };
	bool good = true;
	for (size_t i = 0; i < UK_ARRAY_SIZE(first); i++)
		good = good && uk_vec_push(&words, first[i]);
	/* From the bus to what hangs on it. */
	for (unsigned int i = state->nr_aliases; i-- > 0;)
		good = good && uk_vec_push(&words, state->aliases[i]);
	if (good && uk_vec_push(&words, NULL)) {
		const struct uk_process process = { .argv = words.data };
		uk_error_destroy(uk_process_check(&process, NULL));
	}
	uk_vec_deinit(&words);
}

static void pause_step(void)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	nanosleep(&step, NULL);
}

/* USB devices, and some mice, are found a while after their driver has come. */
static struct uk_error *await_inputs(const struct uk_seat_state *state)
{
	char reason[UK_SEAT_REASON] = "";
	unsigned int there = 0;
	for (int waited = 0; waited < WAIT_MS && there < state->nr_inputs; waited += STEP_MS) {
		int fd = uk_seat_input_open(&state->inputs[there], O_RDONLY | O_NONBLOCK, reason);
		there += fd >= 0;
		if (fd >= 0)
			close(fd);
		else
			pause_step();
	}
	return there < state->nr_inputs ? uk_error_create(UK_ERR_NOTHING, "%s", reason) : NULL;
}

static struct uk_error *restore_text(const char *dir, unsigned int number)
{
	uk_auto_free char *from = NULL, *to = NULL, *text = NULL;
	unsigned char then[2], now[2];
	size_t len;
	struct uk_error *err = uk_asprintf(&from, "%s/seat-text-%u", dir, number);
	if (!err)
		err = uk_asprintf(&to, "/dev/vcsa%u", number);
	if (!err)
		err = uk_file_read(from, TEXT_MAX, &text, &len);
	if (err)
		return err;
	uk_auto_close int fd = open(to, O_RDWR | O_CLOEXEC);
	if (fd < 0 || len < sizeof(then) || pread(fd, now, sizeof(now), 0) != sizeof(now))
		return uk_error_errno(errno, "%s", to);
	memcpy(then, text, sizeof(then));
	if (memcmp(then, now, sizeof(then)) != 0)
		return uk_error_create(UK_ERR_SYSTEM,
				       "the text of /dev/tty%u had %u lines of %u, and the "
				       "terminal has %u of %u now: it is lost",
				       number, then[0], then[1], now[0], now[1]);
	if (pwrite(fd, text, len, 0) != (ssize_t)len)
		return uk_error_errno(errno, "write to %s", to);
	return NULL;
}

/* Graphics last: what is written to a terminal in text mode is drawn. */
static struct uk_error *restore_terminal(const char *dir, const struct uk_seat_terminal *terminal,
					 const struct uk_sink *sink)
{
	uk_auto_close int fd = -1;
	struct uk_error *err = open_terminal(terminal->number, &fd);
	if (err)
		return err;
	tell(sink, restore_text(dir, terminal->number));
	if (ioctl(fd, KDSKBMODE, (long)terminal->keyboard) < 0 ||
	    ioctl(fd, KDSKBMETA, (long)terminal->meta) < 0 ||
	    ioctl(fd, KDSKBLED, (long)terminal->locks) < 0 ||
	    ioctl(fd, KDSETMODE, (long)terminal->mode) < 0)
		return uk_error_errno(errno, "the modes of /dev/tty%u", terminal->number);
	return NULL;
}

static struct uk_error *show(unsigned int number)
{
	struct vt_stat now = {};
	uk_auto_close int fd = -1;
	struct uk_error *err = open_terminal(0, &fd);
	if (err)
		return err;
	if (ioctl(fd, VT_ACTIVATE, (long)number) < 0)
		return uk_error_errno(errno, "show /dev/tty%u", number);
	for (int waited = 0; waited < WAIT_MS && now.v_active != number; waited += STEP_MS) {
		if (ioctl(fd, VT_GETSTATE, &now) < 0)
			return uk_error_errno(errno, "/dev/tty0");
		if (now.v_active != number)
			pause_step();
	}
	return now.v_active == number
		       ? NULL
		       : uk_error_create(UK_ERR_SYSTEM, "/dev/tty%u is not shown after %d s",
					 number, WAIT_MS / 1000);
}

static struct uk_error *restore_screen(const char *dir, unsigned int nr,
				       const struct uk_seat_state *state)
{
	const struct uk_seat_screen *screen = &state->screens[nr];
	char reason[UK_SEAT_REASON];
	uk_auto_free char *from = NULL, *pixels = NULL;
	size_t len;
	uk_auto_close int fd = uk_seat_screen_open(screen, O_RDWR, reason);
	if (fd < 0)
		return uk_error_create(UK_ERR_SYSTEM, "%s", reason);
	if (fchown(fd, state->screen_owners[nr], state->screen_groups[nr]) < 0 ||
	    fchmod(fd, state->screen_rights[nr]) < 0)
		return uk_error_errno(errno, "the rights of %s", screen->device);
	struct uk_error *err = uk_asprintf(&from, "%s/seat-pixels-%u", dir, nr);
	if (!err)
		err = uk_file_read(from, PIXELS_MAX, &pixels, &len);
	for (size_t done = 0; !err && done < len;) {
		ssize_t put = write(fd, pixels + done, len - done);
		if (put <= 0)
			return uk_error_errno(errno, "the pixels of %s", screen->device);
		done += (size_t)put;
	}
	return err;
}

struct uk_error *uk_seat_restore(const char *dir, const struct uk_sink *sink)
{
	uk_auto_free struct uk_seat_state *state = NULL;
	struct uk_error *err = uk_seat_state_read(dir, &state);
	if (err || !state)
		return err;
	load_drivers(state);
	tell(sink, await_inputs(state));
	for (unsigned int i = 0; i < state->nr_terminals; i++)
		tell(sink, restore_terminal(dir, &state->terminals[i], sink));
	tell(sink, show(state->active));
	for (unsigned int i = 0; i < state->nr_screens; i++)
		tell(sink, restore_screen(dir, i, state));
	return NULL;
}

/* --- restored, and held -------------------------------------------------------------------- */

static struct uk_error *set_mode(struct uk_held *thread, const struct uk_seat_terminal *terminal)
{
	struct vt_mode mode = { .mode = VT_PROCESS,
				.waitv = terminal->waits,
				.relsig = terminal->release_signal,
				.acqsig = terminal->acquire_signal };
	struct uk_loan loan = {};
	int64_t status = 0;
	struct uk_error *err = uk_loan_take(thread, &mode, sizeof(mode), &loan);
	const struct uk_call call = { SYS_ioctl,
				      { (uint64_t)terminal->descriptor, VT_SETMODE, loan.at } };
	if (!err)
		err = uk_inject_call(thread, &call, &status);
	struct uk_error *second = uk_loan_return(&loan);
	if (!err && status < 0)
		err = uk_error_errno((int)-status, "/dev/tty%u cannot be switched by process %d",
				     terminal->number, terminal->owner);
	if (!err)
		return second;
	uk_error_destroy(second);
	return err;
}

struct uk_error *uk_seat_claim(const char *dir, struct uk_hold *hold)
{
	uk_auto_free struct uk_seat_state *state = NULL;
	struct uk_error *err = uk_seat_state_read(dir, &state);
	for (unsigned int i = 0; !err && state && i < state->nr_terminals; i++) {
		const struct uk_seat_terminal *terminal = &state->terminals[i];
		struct uk_held *thread = uk_hold_find(hold, terminal->owner);
		if (terminal->by_process && thread)
			err = set_mode(thread, terminal);
	}
	return err;
}
