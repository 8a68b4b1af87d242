// SPDX-License-Identifier: GPL-2.0-or-later
/* One service at a time looks for the numbers of its ptys, and finds them. */
#include "replace/pty.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "replace/image.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	/* images/tty.proto: tty_info_entry, tty_pty_entry */
	FIELD_PTY = 12,
	FIELD_INDEX = 1,
	NUMBER_MAX = 1 << 20, /* NR_UNIX98_PTY_MAX */
};

#define TERMINALS "tty-info.img"

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int compare(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
	return (first > second) - (first < second);
}

/* Both ends of a pty are there, and have the same. */
static void sort(struct uk_ptys *ptys)
{
	size_t nr = 0;
	if (ptys->numbers.len)
		qsort(ptys->numbers.data, ptys->numbers.len, sizeof(*ptys->numbers.data), compare);
	uk_vec_for_each(number, &ptys->numbers) {
		if (!nr || ptys->numbers.data[nr - 1] != *number)
			ptys->numbers.data[nr++] = *number;
	}
	ptys->numbers.len = nr;
}

static struct uk_error *add_number(const struct uk_image *image, const struct uk_pb *terminal,
				   struct uk_ptys *to)
{
	uk_auto_pb struct uk_pb pty = {};
	uint64_t number;
	if (!uk_pb_find(terminal, FIELD_PTY, UK_PB_BYTES))
		return NULL; /* another kind */
	struct uk_error *err = uk_pb_get_message(terminal, FIELD_PTY, &pty);
	if (err)
		return err;
	if (!uk_pb_get(&pty, FIELD_INDEX, &number) || number >= NUMBER_MAX)
		return uk_image_unexpected(image, "a pty has no number");
	return uk_vec_push(&to->numbers, (uint32_t)number) ? NULL : uk_error_nomem();
}

struct uk_error *uk_ptys_read(const char *images, struct uk_ptys *ret)
{
	uk_auto_image struct uk_image image = {};
	uk_auto_free char *path = NULL;
	*ret = (struct uk_ptys){};
	struct uk_error *err = uk_asprintf(&path, "%s/" TERMINALS, images);
	/* Who has no terminal has no such file. */
	if (err || (access(path, F_OK) < 0 && errno == ENOENT))
		return err;
	err = uk_image_read(images, TERMINALS, UK_IMAGE_TERMINALS, &image);
	uk_vec_for_each(terminal, &image.messages) {
		if (!err)
			err = add_number(&image, terminal, ret);
	}
	sort(ret);
	return err;
}

static bool is_wanted(const struct uk_ptys *ptys, uint32_t number)
{
	return bsearch(&number, ptys->numbers.data, ptys->numbers.len, sizeof(number), compare);
}

struct uk_error *uk_ptys_begin(struct uk_ptys *ptys)
{
	UK_VEC(int) wanted = {};
	struct uk_error *err = NULL;
	if (!ptys->numbers.len)
		return NULL;
	pthread_mutex_lock(&one_at_a_time);
	ptys->alone = true;
	uint32_t highest = ptys->numbers.data[ptys->numbers.len - 1], number = 0;
	/* Each time it is the lowest that is free. */
	while (!err && number < highest) {
		int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (fd < 0) {
			err = uk_error_errno(errno, "open /dev/ptmx for number %u", highest);
		} else if (ioctl(fd, TIOCGPTN, &number) < 0) {
			err = uk_error_errno(errno, "the number of a pty");
			close(fd);
		} else if (is_wanted(ptys, number) || number > highest
				   ? !uk_vec_push(&wanted, fd)
				   : !uk_vec_push(&ptys->fillers, fd)) {
			err = uk_error_nomem();
			close(fd);
		}
	}
	uk_vec_for_each(fd, &wanted)
		close(*fd);
	uk_vec_deinit(&wanted);
	return err;
}

void uk_ptys_end(struct uk_ptys *ptys)
{
	uk_vec_for_each(fd, &ptys->fillers)
		close(*fd);
	if (ptys->alone)
		pthread_mutex_unlock(&one_at_a_time);
	uk_vec_deinit(&ptys->fillers);
	uk_vec_deinit(&ptys->numbers);
	*ptys = (struct uk_ptys){};
}
