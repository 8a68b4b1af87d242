// SPDX-License-Identifier: GPL-2.0-or-later
/* What processes look like from outside. */
#include "replace/likeness.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

void uk_likenesses_deinit(uk_likenesses *likenesses)
{
	uk_vec_for_each(one, likenesses)
		free(one->descriptors);
	uk_vec_deinit(likenesses);
}

static int compare_numbers(const void *a, const void *b)
{
	int one = atoi(*(char *const *)a), other = atoi(*(char *const *)b);
	return (one > other) - (one < other);
}

/* Numbers and names of files may differ: "socket:[31337]", "/tmp/x (deleted)". */
static void add_descriptor(struct uk_strbuf *buf, const char *folder, const char *name)
{
	char path[64 + NAME_MAX], link[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ssize_t len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return;
	link[len] = '\0';
	char *number = strstr(link, ":[");
	if (*link == '/')
		strcpy(link, "file");
	else if (number && !uk_str_starts(link, "anon_inode:"))
		*number = '\0';
	uk_strbuf_addf(buf, " %s:%s", name, link);
}

static struct uk_error *read_descriptors(pid_t pid, char **ret)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	char folder[32];
	char **names = NULL;
	size_t nr = 0;
	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	/* Who has ended, and waits for its parent to see it, has none. */
	struct uk_error *none = uk_dir_list(folder, &names, &nr);
	uk_error_destroy(none);
	if (nr)
		qsort(names, nr, sizeof(*names), compare_numbers);
	uk_strbuf_addstr(&buf, "");
	for (size_t i = 0; i < nr; i++)
		add_descriptor(&buf, folder, names[i]);
	uk_strv_destroy(names, nr);
	return uk_strbuf_finish(&buf, ret);
}

static size_t count_threads(pid_t pid)
{
	char folder[32];
	char **names = NULL;
	size_t nr = 0;
	snprintf(folder, sizeof(folder), "/proc/%d/task", pid);
	uk_error_destroy(uk_dir_list(folder, &names, &nr));
	uk_strv_destroy(names, nr);
	return nr;
}

static struct uk_error *read_one(pid_t pid, struct uk_likeness *ret)
{
	*ret = (struct uk_likeness){ .pid = pid, .threads = count_threads(pid) };
	return read_descriptors(pid, &ret->descriptors);
}

struct uk_error *uk_likenesses_read(const uk_pids *pids, uk_likenesses *ret)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(pid, pids) {
		struct uk_likeness one = {};
		if (!err)
			err = read_one(*pid, &one);
		if (!err && one.threads && uk_vec_push(ret, one))
			continue;
		if (!err && one.threads)
			err = uk_error_nomem();
		free(one.descriptors);
	}
	return err;
}

static struct uk_error *check_one(const struct uk_likeness *before)
{
	struct uk_likeness now;
	struct uk_error *err = read_one(before->pid, &now);
	if (!err && !now.threads)
		err = uk_error_create(UK_ERR_INVALID, "process %d is not there", before->pid);
	if (!err && before->threads && now.threads != before->threads)
		err = uk_error_create(UK_ERR_INVALID, "process %d has %zu threads and had %zu",
				      before->pid, now.threads, before->threads);
	if (!err && before->descriptors && strcmp(now.descriptors, before->descriptors) != 0)
		err = uk_error_create(UK_ERR_INVALID,
				      "process %d has other descriptors:%s; it had%s", before->pid,
				      now.descriptors, before->descriptors);
	free(now.descriptors);
	return err;
}

struct uk_error *uk_likenesses_check(const uk_likenesses *before)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(one, before) {
		if (!err)
			err = check_one(one);
	}
	return err;
}
