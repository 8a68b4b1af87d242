// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of /proc, and answers of sock_diag. The first byte says which. */
/* rooms: replace seat base */
#include "replace/diag.h"
#include "replace/pages.h"
#include "replace/procfs.h"
#include "replace/unfit.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct uk_error *read_fdinfo(const char *text)
{
	struct uk_fd fd = {};
	struct uk_error *err = uk_proc_parse_fdinfo(text, &fd);
	uk_fd_deinit(&fd);
	return err;
}

static struct uk_error *read_timers(const char *text)
{
	uk_posix_timers timers = {};
	struct uk_error *err = uk_proc_parse_timers(text, &timers);
	uk_vec_deinit(&timers);
	return err;
}

static struct uk_error *read_cgroup(const char *text)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_proc_parse_cgroup(text, &path);
	if (path && (*path != '/' || strchr(path, '\n')))
		abort();
	return err;
}

static struct uk_error *read_mounts(const char *text)
{
	uk_mounts mounts = {};
	struct uk_error *err = uk_proc_parse_mountinfo(text, &mounts);
	uk_mounts_deinit(&mounts);
	return err;
}

static struct uk_error *read_maps(const char *text)
{
	uk_mappings mappings = {};
	struct uk_error *err = uk_proc_parse_maps(text, &mappings);
	uk_mappings_deinit(&mappings);
	return err;
}

static struct uk_error *read_net(const char *text, enum uk_proc_net kind)
{
	uk_proc_sockets sockets = {};
	struct uk_error *err = uk_proc_parse_net(text, kind, &sockets);
	uk_vec_for_each(socket, &sockets) {
		if (!memchr(socket->local, '\0', sizeof(socket->local)))
			abort();
	}
	uk_vec_deinit(&sockets);
	return err;
}

static struct uk_error *read_answer(const char *message, size_t len)
{
	struct uk_socket socket;
	uk_diag_waitings waiting = {};
	(void)uk_diag_parse(message, len, IPPROTO_TCP, &socket, &waiting);
	uk_vec_deinit(&waiting);
	return NULL;
}

static struct uk_error *read_areas(const char *text)
{
	uk_areas areas = {};
	struct uk_error *err = uk_pages_parse(text, &areas);
	uk_vec_deinit(&areas);
	return err;
}

static struct uk_error *read_one(uint8_t kind, const char *text, size_t len)
{
	struct uk_proc_stat stat;
	struct uk_proc_status status;
	struct uk_thread thread;
	switch (kind) {
	case 's':
		return uk_proc_parse_stat(text, &stat);
	case 'u':
		return uk_proc_parse_status(text, &status);
	case 'f':
		return read_fdinfo(text);
	case 'c':
		return uk_proc_parse_syscall(text, &thread);
	case 't':
		return read_timers(text);
	case 'g':
		return read_cgroup(text);
	case 'm':
		return read_mounts(text);
	case 'M':
		return read_maps(text);
	case 'p':
		return read_areas(text);
	case 'v':
		(void)uk_unfit_mapping(text);
		return NULL;
	case 'l':
		(void)uk_proc_count_itimers(text);
		return NULL;
	case 'd':
		return read_answer(text, len);
	default:
		return read_net(text, (enum uk_proc_net)(kind % (UK_PROC_NETLINK + 1)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	uk_auto_free char *text = malloc(len);
	if (!text)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	uk_error_destroy(read_one(data[0], text, len - 1));
	return 0;
}
