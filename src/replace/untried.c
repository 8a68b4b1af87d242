// SPDX-License-Identifier: GPL-2.0-or-later
/* What a trial leaves out. */
#include "replace/untried.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <linux/major.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

enum {
	QUICK_SECONDS = 10,	  /* that a service without memory worth a word may stand still */
	KIB_A_SECOND = 100 << 10, /* that are dumped at the least */
	MARGIN_KIB = 64 << 10,	  /* of criu, and of what it makes */
	MEMINFO_MAX = 64 << 10,
};

static uint64_t memory_kib(const struct uk_service *service)
{
	uint64_t sum = 0;
	uk_vec_for_each(task, &service->tasks)
		sum += task->rss_kib + task->swap_kib;
	return sum;
}

static bool has_sysv(const struct uk_service *service)
{
	uk_vec_for_each(task, &service->tasks) {
		uk_vec_for_each(mapping, &task->mappings) {
			if (mapping->kind == UK_MAPPING_SYSV && !(task->own_ns & (1u << UK_NS_IPC)))
				return true;
		}
	}
	return false;
}

uint64_t uk_untried_seconds(const char *text)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 } };
	uint64_t sum = 0;
	char *end;
	for (const char *at = text; *at; at = end + strcspn(end, " \n")) {
		uint64_t number = strtoul(at, &end, 10);
		size_t len = strcspn(end, " \n");
		if (end == at)
			break;
		for (size_t i = 0; i < UK_ARRAY_SIZE(units); i++) {
			if (strlen(units[i].unit) == len && !strncmp(end, units[i].unit, len))
				sum += number * units[i].seconds;
		}
	}
	return sum;
}

/* WatchdogSec= in seconds; 0 for none. systemd ends a service that is silent for so long. */
static uint64_t watchdog_of(const struct uk_service *service)
{
	uk_auto_free char *text = NULL;
	if (service->kind != UK_SERVICE_UNIT)
		return 0;
	uk_auto_error struct uk_error *silent =
		uk_process_call(&text, "systemctl", "show", "--value", "-p", "WatchdogUSec", "--",
				service->unit, NULL);
	return silent ? 0 : uk_untried_seconds(text);
}

struct uk_error *uk_untried_dump(const struct uk_service *service, char **ret)
{
	*ret = NULL;
	if (has_sysv(service))
		return uk_strdup("its shared memory of System V would have to be taken off while "
				 "it is dumped",
				 ret);
	uint64_t watchdog = watchdog_of(service);
	uint64_t needed = QUICK_SECONDS + memory_kib(service) / KIB_A_SECOND;
	if (watchdog && watchdog < needed)
		return uk_asprintf(ret,
				   "systemd would end it if it stood still for %ju s "
				   "(WatchdogSec=), and this may take up to %ju s",
				   (uintmax_t)watchdog, (uintmax_t)needed);
	return NULL;
}

/* --- not restored ---------------------------------------------------------------------- */

/* /dev/null, zero, full, random, urandom; kernel, drivers/char/mem.c. */
static bool is_nobodys(dev_t device)
{
	unsigned int number = minor(device);
	return major(device) == MEM_MAJOR &&
	       (number == 3 || number == 5 || number == 7 || number == 8 || number == 9);
}

static bool is_written(const struct uk_fd *fd)
{
	return fd->kind == UK_FD_FILE && !fd->deleted && (fd->flags & O_ACCMODE) != O_RDONLY;
}

/* What the stage cannot part from the machine. */
static const char *shared_with(const struct uk_fd *fd)
{
	if (fd->kind == UK_FD_TERMINAL)
		return "it would set a terminal of this machine";
	if (fd->kind == UK_FD_DEVICE && !is_nobodys(fd->rdev))
		return "it would open a device of this machine";
	if (fd->kind == UK_FD_FANOTIFY)
		return "it would be asked about files of this machine";
	uk_vec_for_each(lock, &fd->locks) {
		if (!strcmp(lock->kind, "LEASE") || !strcmp(lock->kind, "DELEG"))
			return "a copy of its file cannot be leased";
	}
	return NULL;
}

/*
 * Has lost the name by which it was opened, and has another one: criu gives it one more for the
 * dump, which does not stay (link_remap).
 */
static bool is_nameless_link(const struct uk_fd *fd)
{
	return fd->kind == UK_FD_FILE && !fd->deleted && uk_str_ends(fd->link, " (deleted)");
}

static struct uk_error *judge_fd(const struct uk_task *task, const struct uk_fd *fd, char **ret)
{
	const char *why = shared_with(fd);
	if (!why && is_nameless_link(fd))
		why = "its name is gone, but it has another one";
	return why ? uk_asprintf(ret, "fd %d of %d (%s) is %s: %s", fd->number, task->pid,
				 task->comm, fd->link, why)
		   : NULL;
}

static struct uk_error *judge_mapping(const struct uk_task *task, const struct uk_mapping *mapping,
				      char **ret)
{
	const char *why = NULL;
	if (mapping->kind == UK_MAPPING_HUGETLB)
		why = "it would take huge pages from who runs";
	if (mapping->kind == UK_MAPPING_DEVICE)
		why = "it would have memory of a device of this machine";
	return why ? uk_asprintf(ret, "mapping at %llx of %d (%s): %s",
				 (unsigned long long)mapping->start, task->pid, task->comm, why)
		   : NULL;
}

/* Each file is copied as a whole when it is opened for writing. */
uint64_t uk_untried_memory(const struct uk_service *service)
{
	uint64_t kib = memory_kib(service) + MARGIN_KIB;
	uk_vec_for_each(task, &service->tasks) {
		uk_vec_for_each(fd, &task->fds)
			kib += is_written(fd) ? fd->size / 1024 : 0;
	}
	return kib * 1024;
}

static uint64_t free_memory(void)
{
	uk_auto_free char *text = NULL;
	uk_auto_error struct uk_error *err =
		uk_file_read("/proc/meminfo", MEMINFO_MAX, &text, NULL);
	const char *line = err ? NULL : strstr(text, "\nMemAvailable:");
	return line ? strtoull(line + strlen("\nMemAvailable:"), NULL, 10) * 1024 : 0;
}

struct uk_error *uk_untried_restore(const struct uk_service *service, char **ret)
{
	struct uk_error *err = NULL;
	*ret = NULL;
	uk_vec_for_each(task, &service->tasks) {
		uk_vec_for_each(fd, &task->fds) {
			if (!err && !*ret)
				err = judge_fd(task, fd, ret);
		}
		uk_vec_for_each(mapping, &task->mappings) {
			if (!err && !*ret)
				err = judge_mapping(task, mapping, ret);
		}
	}
	uint64_t needed = uk_untried_memory(service), have = free_memory();
	if (err || *ret || needed < have / 2)
		return err;
	return uk_asprintf(ret,
			   "a copy of it, and of the files that it writes, would take %ju MiB, and "
			   "%ju MiB are free",
			   (uintmax_t)needed >> 20, (uintmax_t)have >> 20);
}
