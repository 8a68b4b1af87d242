// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin of criu that carries what a person sits in front of: keyboards and mice (evdev), and
 * framebuffers with their mappings. What is on the screen and the terminal's modes are carried by
 * src/replace/seat.c.
 *
 * criu loads it from the folder that --lib names, and calls it for devices which it does not know
 * (criu/files-ext.c) and for mappings of them (criu/proc_parse.c, criu/files-reg.c). A hook says
 * -ENOTSUP for what is not its own.
 */
#include "seat/device.h"
#include "seat/record.h"

#include <criu/criu-plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { OPEN_FLAGS = O_ACCMODE | O_NONBLOCK | O_APPEND | O_ASYNC };

/* Of criu itself, which exports it to plugins; its own header for it (log.h) is not installed. */
extern void print_on_level(unsigned int level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* As criu writes them: src/replace/criu.c looks for that. 1 is its LOG_ERROR. */
#define complain(format, ...)                                                                      \
	print_on_level(1, "Error (seat.c:%d): " format "\n", __LINE__, ##__VA_ARGS__)

/* --- records --------------------------------------------------------------------------- */

static int write_record(const char *name, const struct uk_seat_record *record)
{
	int fd = openat(criu_get_image_dir(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, record, sizeof(*record)) != sizeof(*record)) {
		complain("%s cannot be written: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return close(fd);
}

/* -ENOTSUP if there is none: then it is not ours. */
static int read_record(const char *name, struct uk_seat_record *ret)
{
	int fd = openat(criu_get_image_dir(), name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ENOTSUP;
	bool good = read(fd, ret, sizeof(*ret)) == sizeof(*ret) && ret->magic == UK_SEAT_MAGIC &&
		    uk_seat_input_valid(&ret->input) && uk_seat_screen_valid(&ret->screen);
	close(fd);
	if (!good)
		complain("%s is not as this version writes it", name);
	return good ? 0 : -1;
}

static bool begin_record(int fd, enum uk_seat_kind kind, struct uk_seat_record *ret)
{
	int flags = fcntl(fd, F_GETFL);
	ret->magic = UK_SEAT_MAGIC;
	ret->kind = kind;
	ret->flags = (uint32_t)(flags & OPEN_FLAGS);
	ret->position = lseek(fd, 0, SEEK_CUR);
	return flags >= 0;
}

/* --- keyboards and mice ------------------------------------------------------------------ */

static struct input_mask mask_of(struct uk_seat_client *client, uint32_t type)
{
	return (struct input_mask){ .type = type,
				    .codes_size = sizeof(client->masks[type]),
				    .codes_ptr = (uintptr_t)client->masks[type] };
}

/* To let go works for the one alone that has grabbed; it grabs again at once. */
static bool note_client(int fd, struct uk_seat_client *ret)
{
	for (uint32_t type = 0; type < EV_CNT; type++) {
		struct input_mask mask = mask_of(ret, type);
		ret->masked[type] = !ioctl(fd, EVIOCGMASK, &mask);
	}
	ret->grabbed = !ioctl(fd, EVIOCGRAB, 0);
	return !ret->grabbed || !ioctl(fd, EVIOCGRAB, 1);
}

static bool set_client(int fd, struct uk_seat_client *client)
{
	for (uint32_t type = 0; type < EV_CNT; type++) {
		struct input_mask mask = mask_of(client, type);
		if (client->masked[type] && ioctl(fd, EVIOCSMASK, &mask) < 0)
			return false;
	}
	return !client->grabbed || !ioctl(fd, EVIOCGRAB, 1);
}

static int dump_input(int fd, struct uk_seat_record *record)
{
	if (begin_record(fd, UK_SEAT_INPUT, record) && uk_seat_input_read(fd, &record->input) &&
	    note_client(fd, &record->client))
		return 0;
	complain("an input device does not answer: %s", strerror(errno));
	return -1;
}

static int restore_input(struct uk_seat_record *record)
{
	char reason[UK_SEAT_REASON];
	int fd = uk_seat_input_open(&record->input, (int)record->flags, reason);
	if (fd < 0) {
		complain("%s", reason);
	} else if (!set_client(fd, &record->client)) {
		complain("%s: it cannot be had as before: %s", record->input.name, strerror(errno));
		close(fd);
		fd = -1;
	}
	return fd;
}

/* --- screens ----------------------------------------------------------------------------- */

static int dump_screen(int fd, unsigned int number, struct uk_seat_record *record)
{
	if (begin_record(fd, UK_SEAT_SCREEN, record) &&
	    uk_seat_screen_read(fd, number, &record->screen))
		return 0;
	complain("framebuffer %u tells neither mode nor device: %s", number, strerror(errno));
	return -1;
}

static int restore_screen(const struct uk_seat_record *record)
{
	char reason[UK_SEAT_REASON];
	int fd = uk_seat_screen_open(&record->screen, (int)record->flags, reason);
	if (fd < 0)
		complain("%s", reason);
	else if (record->position > 0)
		lseek(fd, record->position, SEEK_SET);
	return fd;
}

/* --- the hooks --------------------------------------------------------------------------- */

static int dump_file(int fd, int id)
{
	struct uk_seat_record record = {};
	struct stat st;
	char name[32];
	int status = -ENOTSUP;
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return status;
	if (major(st.st_rdev) == INPUT_MAJOR && minor(st.st_rdev) >= UK_SEAT_FIRST_EVDEV)
		status = dump_input(fd, &record);
	else if (major(st.st_rdev) == FB_MAJOR)
		status = dump_screen(fd, minor(st.st_rdev), &record);
	snprintf(name, sizeof(name), "seat-%x.img", (unsigned int)id);
	return status ? status : write_record(name, &record);
}
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__DUMP_EXT_FILE, dump_file)

static int restore_file(int id)
{
	struct uk_seat_record record;
	char name[32];
	snprintf(name, sizeof(name), "seat-%x.img", (unsigned int)id);
	int status = read_record(name, &record);
	if (status)
		return status;
	return record.kind == UK_SEAT_INPUT ? restore_input(&record) : restore_screen(&record);
}
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESTORE_EXT_FILE, restore_file)

static int dump_mapping(int fd, const struct stat *st)
{
	struct uk_seat_record record = {};
	char name[32];
	if (!S_ISCHR(st->st_mode) || major(st->st_rdev) != FB_MAJOR)
		return -ENOTSUP;
	unsigned int number = minor(st->st_rdev);
	if (dump_screen(fd, number, &record))
		return -1;
	snprintf(name, sizeof(name), "seat-fb-%u.img", number);
	return write_record(name, &record);
}
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__HANDLE_DEVICE_VMA, dump_mapping)

/*
 * 1 tells that this is taken care of. criu then opens the file by its name: a descriptor that a
 * plugin hands over here stays open in the restored process.
 */
static int restore_mapping(const char *path, const uint64_t address, const uint64_t offset,
			   uint64_t *offset_ret, int *fd_ret)
{
	struct uk_seat_record record;
	char name[32], reason[UK_SEAT_REASON];
	unsigned int number;
	(void)address;
	(void)fd_ret;
	if (sscanf(path + (*path == '/'), "dev/fb%u", &number) != 1)
		return 0;
	snprintf(name, sizeof(name), "seat-fb-%u.img", number);
	int status = read_record(name, &record);
	if (status == -ENOTSUP)
		complain("%s is missing", name);
	if (status)
		return -1;
	int now = uk_seat_screen_find(&record.screen, reason);
	if (now < 0)
		complain("%s", reason);
	else if ((unsigned int)now != number)
		complain("the screen that was /dev/fb%u and is mapped is /dev/fb%d now", number,
			 now);
	*offset_ret = offset;
	return now >= 0 && (unsigned int)now == number ? 1 : -1;
}
CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__UPDATE_VMA_MAP, restore_mapping)

CR_PLUGIN_REGISTER_DUMMY("upkeep-seat")
