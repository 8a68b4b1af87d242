// SPDX-License-Identifier: GPL-2.0-or-later
/* Has the next start of the machine keep memory for images. */
#include "replace/setup.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/ram.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define GRUB_FOLDER "/etc/default/grub.d"
#define GRUB_FILE GRUB_FOLDER "/upkeep.cfg"
#define ABOVE (4ull << 30) /* below it are firmware, boot loader and what they load */

enum { MIB = 20, QUARTER = 4 };

/* What of a piece of memory may be kept, in whole sections; 0 below 4 GiB. */
static struct uk_setup room_in(uint64_t start, uint64_t end)
{
	start = (start + UK_SETUP_ALIGN - 1) / UK_SETUP_ALIGN * UK_SETUP_ALIGN;
	end = end / UK_SETUP_ALIGN * UK_SETUP_ALIGN;
	if (start < ABOVE || end <= start)
		return (struct uk_setup){};
	return (struct uk_setup){ start, end - start };
}

/* Of all pieces the last one that has room for @size, else the one that has most. */
static struct uk_setup find_room(const char *iomem, uint64_t size)
{
	struct uk_setup best = {};
	struct uk_ram_piece piece;
	for (const char *line = iomem; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!uk_ram_parse_line(line, &piece))
			continue;
		struct uk_setup room = room_in(piece.start, piece.end);
		bool fits = room.size && room.size >= size;
		if (fits ? best.size < size || room.start > best.start : room.size > best.size)
			best = room;
	}
	return best;
}

static uint64_t count_memory(const char *iomem)
{
	struct uk_ram_piece piece;
	uint64_t sum = 0;
	for (const char *line = iomem; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (uk_ram_parse_line(line, &piece))
			sum += piece.end - piece.start;
	}
	return sum;
}

struct uk_error *uk_setup_choose(const char *iomem, uint64_t size, struct uk_setup *ret)
{
	uint64_t all = count_memory(iomem);
	size = size ? size : all / QUARTER;
	size = (size + UK_SETUP_ALIGN - 1) / UK_SETUP_ALIGN * UK_SETUP_ALIGN;
	struct uk_setup room = find_room(iomem, size);
	if (!room.size)
		return uk_error_create(
			UK_ERR_REFUSED,
			"this machine has no memory above 4 GiB, where no boot loader "
			"puts anything: keep images on the disk");
	if (room.size < size || size > all / 2)
		return uk_error_create(
			UK_ERR_REFUSED,
			"%ju MiB are too much: of %ju MiB of memory, half stays with the "
			"kernel, and %ju MiB lie above 4 GiB in one piece",
			(uintmax_t)size >> MIB, (uintmax_t)all >> MIB, (uintmax_t)room.size >> MIB);
	*ret = (struct uk_setup){ .start = room.start + room.size - size, .size = size };
	return NULL;
}

static struct uk_error *write_file(const char *path, const struct uk_setup *setup)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_asprintf(
		&text,
		"# Memory for the images of upkeep replace; written by upkeep replace --setup.\n"
		"GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX memmap=%juM!%juM upkeep.store=%juM\"\n",
		(uintmax_t)setup->size >> MIB, (uintmax_t)setup->start >> MIB,
		(uintmax_t)setup->start >> MIB);
	return err ? err : uk_file_write(path, text, strlen(text), 0644);
}

static struct uk_error *remove_file(const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return uk_error_errno(errno, "remove %s", path);
	return NULL;
}

struct uk_error *uk_setup_write(const char *root, const struct uk_setup *setup)
{
	uk_auto_free char *settings = NULL, *folder = NULL, *path = NULL;
	const char *below = root ? root : "";
	struct uk_error *err = uk_asprintf(&settings, "%s/etc/default/grub", below);
	if (!err)
		err = uk_asprintf(&folder, "%s" GRUB_FOLDER, below);
	if (!err)
		err = uk_asprintf(&path, "%s" GRUB_FILE, below);
	if (!err && !uk_file_exists(settings))
		err = uk_error_create(
			UK_ERR_REFUSED,
			"%s is not there: GRUB is not what starts this machine. Put "
			"memmap=SIZE!START and upkeep.store=START on the kernel's command "
			"line by hand",
			settings);
	if (!err)
		err = uk_dir_make(folder, 0755);
	if (!err)
		err = setup ? write_file(path, setup) : remove_file(path);
	if (err || root)
		return err;
	return uk_error_wrap(uk_process_call(NULL, "update-grub", NULL),
			     "%s is as it was asked for, but counts only when update-grub has "
			     "gone through: run it again",
			     path);
}
