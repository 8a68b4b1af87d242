// SPDX-License-Identifier: GPL-2.0-or-later
/* /dev/upkeep: requests, retries, and what refusals mean. */
#include "live/device.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "base/clock.h"
#include "live/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
	BLOCKERS_MAX = 64,
	BACK_OFF_FIRST_NS = 20 * 1000 * 1000,
	BACK_OFF_LAST_NS = 1000 * 1000 * 1000,
	BLOCKERS_NAMED = 5, /* in a message; the report has them all */
};

/* Opening */

/* Where no devtmpfs does it. */
static struct uk_error *make_node(const struct uk_live_paths *paths, const char *path)
{
	uk_auto_free char *text = NULL;
	unsigned int major, minor;
	struct uk_error *err = uk_live_read_line(&text, "%s/class/misc/upkeep/dev", paths->sys);
	if (err)
		return err;
	if (sscanf(text, "%u:%u", &major, &minor) != 2)
		return uk_error_create(UK_ERR_INVALID,
				       "%s/class/misc/upkeep/dev: '%s' is not a "
				       "device number",
				       paths->sys, text);
	if (mknod(path, S_IFCHR | 0600, makedev(major, minor)) < 0 && errno != EEXIST)
		return uk_error_errno(errno, "create %s", path);
	return NULL;
}

static struct uk_error *check_info(int fd, struct upkeep_info *info)
{
	*info = (struct upkeep_info){ .header = { .abi = UPKEEP_ABI, .size = sizeof(*info) } };
	if (ioctl(fd, UPKEEP_INFO, info) < 0)
		return uk_error_errno(errno, "ask upkeep.ko for its version");
	if (info->header.abi == UPKEEP_ABI)
		return NULL;
	info->version[sizeof(info->version) - 1] = '\0';
	return uk_error_create(UK_ERR_REFUSED,
			       "upkeep.ko %s is loaded, which speaks version %u of its interface; "
			       "this upkeep (%s) speaks %d: use the upkeep that loaded it, or undo "
			       "its %u updates and run rmmod upkeep",
			       info->version, info->header.abi, UPKEEP_VERSION, UPKEEP_ABI,
			       info->applied);
}

struct uk_error *uk_device_open(const struct uk_live_paths *paths, int *fd_ret,
				struct upkeep_info *info_ret)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/upkeep", paths->dev);
	if (!err && !uk_file_exists(path))
		err = make_node(paths, path);
	if (err)
		return err;
	uk_auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return uk_error_errno(errno, "open %s", path);
	err = check_info(fd, info_ret);
	if (!err)
		*fd_ret = uk_take_fd(fd);
	return err;
}

/* One request, to be sent as often as it takes. */
struct change {
	int fd;
	unsigned long code;
	void *request;
	struct upkeep_outcome *outcome;
	struct upkeep_blocker blockers[BLOCKERS_MAX];
	const char *id;
	const struct uk_request *asked; /* NULL for an undo */
};

/* Refusals */

static struct uk_error *say_blocked(const struct uk_live_report *report, unsigned int found)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	for (size_t i = 0; i < report->blockers.len && i < BLOCKERS_NAMED; i++) {
		const struct uk_live_blocker *blocker = &report->blockers.data[i];
		uk_strbuf_addf(&text, "%s%s (%d) in %s", i ? ", " : "", blocker->comm, blocker->pid,
			       blocker->name);
		if (blocker->idle_ns != UINT64_MAX)
			uk_strbuf_addf(&text, " for %.1f s", (double)blocker->idle_ns / 1e9);
		if (!blocker->certain)
			uk_strbuf_addstr(&text, " (perhaps)");
	}
	if (found > BLOCKERS_NAMED)
		uk_strbuf_addf(&text, " and %u more", found - BLOCKERS_NAMED);
	if (text.failed)
		return uk_error_nomem();
	return uk_error_create(UK_ERR_BUSY,
			       "blocked, nothing was changed: %s; let them finish, or wait longer "
			       "with --wait",
			       text.len ? text.data : "tasks stand on the code");
}

static void add_hex(struct uk_strbuf *text, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		uk_strbuf_addf(text, "%02x", bytes[i]);
}

static struct uk_error *say_bytes(const struct change *change)
{
	const struct upkeep_outcome *out = change->outcome;
	uk_auto_strbuf struct uk_strbuf text = {};
	const struct uk_request *asked = change->asked;
	if (asked && out->index < asked->writes.len) {
		const struct upkeep_write *write = &asked->writes.data[out->index];
		uk_strbuf_addf(&text, "%s at 0x%" PRIx64 ": expected ",
			       asked->write_names.data[out->index],
			       (uint64_t)write->addr + out->found_at);
		if (out->found_at + out->found_len <= write->len)
			add_hex(&text,
				(const uint8_t *)asked->bytes.data + write->old_at + out->found_at,
				out->found_len);
		uk_strbuf_addstr(&text, ", ");
	} else {
		uk_strbuf_addf(&text, "write %u of update %s: ", out->index, change->id);
	}
	uk_strbuf_addstr(&text, "found ");
	add_hex(&text, out->found, out->found_len <= sizeof(out->found) ? out->found_len : 0);
	if (text.failed)
		return uk_error_nomem();
	return uk_error_create(UK_ERR_REFUSED,
			       "memory changed meanwhile: %s; someone else writes there (kprobe, "
			       "ftrace, another patching tool)",
			       text.data);
}

static const char *place_name(const struct upkeep_outcome *out)
{
	switch (out->where) {
	case UPKEEP_AT_WRITES:
		return "write";
	case UPKEEP_AT_RANGES:
		return "range";
	case UPKEEP_AT_MODULES:
		return "module";
	case UPKEEP_AT_FUNCTIONS:
		return "function";
	default:
		return "request";
	}
}

/* The name of what the outcome points at, as far as it has one. */
static const char *thing_name(const struct change *change)
{
	const struct upkeep_outcome *out = change->outcome;
	const struct uk_request *asked = change->asked;
	if (asked && out->where == UPKEEP_AT_WRITES && out->index < asked->writes.len)
		return asked->write_names.data[out->index];
	if (asked && out->where == UPKEEP_AT_RANGES && out->index < asked->ranges.len)
		return asked->ranges.data[out->index].name;
	if (asked && out->where == UPKEEP_AT_MODULES && out->index < asked->modules.len)
		return asked->modules.data[out->index].name;
	return change->id;
}

static struct uk_error *say_refused(const struct change *change, int errnum,
				    const struct uk_live_report *report)
{
	struct upkeep_outcome *out = change->outcome;
	out->other[sizeof(out->other) - 1] = '\0';
	switch (out->refusal) {
	case UPKEEP_BLOCKED:
		return say_blocked(report, out->blockers);
	case UPKEEP_BYTES:
		return say_bytes(change);
	case UPKEEP_EXISTS:
		return uk_error_create(UK_ERR_NOTHING, "update %s is applied already", change->id);
	case UPKEEP_UNKNOWN:
		return uk_error_create(UK_ERR_NOTHING, "update %s is not applied", change->id);
	case UPKEEP_STOOD_ON:
		return uk_error_create(UK_ERR_BUSY, "update %s stands on it: undo that first",
				       out->other);
	case UPKEEP_NO_MODULE:
		return uk_error_create(UK_ERR_BUSY, "module %s is not loaded, or on its way out",
				       thing_name(change));
	case UPKEEP_BAD_ADDRESS:
		return uk_error_create(UK_ERR_REFUSED,
				       "%s %u (%s) does not lie where an update may write",
				       place_name(out), out->index, thing_name(change));
	case UPKEEP_OVERLAP:
	case UPKEEP_BAD_REQUEST:
		return uk_error_create(UK_ERR_INVALID,
				       "upkeep.ko cannot take the request: %s %u "
				       "(%s): %s",
				       place_name(out), out->index, thing_name(change),
				       strerror(errnum));
	default:
		return uk_error_errno(errnum, "upkeep.ko");
	}
}

/* Sending */

static void copy_text(char *to, size_t size, const char *from, size_t from_size)
{
	size_t len = strnlen(from, from_size < size ? from_size : size - 1);
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] >= ' ' && from[i] < 0x7f ? from[i] : '?';
	to[len < size ? len : size - 1] = '\0';
}

static struct uk_error *report_blockers(const struct change *change, struct uk_live_report *report)
{
	unsigned int nr = change->outcome->blockers;
	report->blockers.len = 0;
	for (unsigned int i = 0; i < nr && i < BLOCKERS_MAX; i++) {
		const struct upkeep_blocker *from = &change->blockers[i];
		struct uk_live_blocker blocker = {
			.pid = from->pid,
			.tgid = from->tgid,
			.addr = from->addr,
			.idle_ns = from->idle_ns,
			.certain = from->found_by == UPKEEP_UNWOUND,
		};
		copy_text(blocker.comm, sizeof(blocker.comm), from->comm, sizeof(from->comm));
		copy_text(blocker.name, sizeof(blocker.name), from->name, sizeof(from->name));
		if (!uk_vec_push(&report->blockers, blocker))
			return uk_error_nomem();
	}
	return NULL;
}

static struct uk_error *report_outcome(const struct change *change, struct uk_live_report *report)
{
	const struct upkeep_outcome *out = change->outcome;
	report->pause_ns = out->pause_ns;
	report->stop_ns = out->stop_ns;
	report->check_ns = out->check_ns;
	report->tasks = out->tasks;
	report->tasks_before = out->tasks_before;
	report->tasks_inside = out->tasks_inside;
	report->cpus = out->cpus;
	report->attempts++;
	return report_blockers(change, report);
}

static struct uk_error *send_change(struct change *change, const struct uk_live_options *options,
				    struct uk_live_report *report)
{
	uint64_t end = uk_clock_ns() + (uint64_t)options->wait_ms * 1000000;
	uint64_t pause = BACK_OFF_FIRST_NS;
	for (;;) {
		*change->outcome = (struct upkeep_outcome){};
		int errnum = ioctl(change->fd, change->code, change->request) < 0 ? errno : 0;
		struct uk_error *err = report_outcome(change, report);
		if (err || !errnum)
			return err;
		uint64_t now = uk_clock_ns();
		if (change->outcome->refusal != UPKEEP_BLOCKED || now >= end)
			return say_refused(change, errnum, report);
		uk_progress(options->sink, "wait for tasks to leave the code", report->attempts, 0);
		uk_clock_sleep(pause < end - now ? pause : end - now);
		pause = pause * 2 < BACK_OFF_LAST_NS ? pause * 2 : BACK_OFF_LAST_NS;
	}
}

struct uk_error *uk_device_apply(int fd, const char *id, const struct uk_request *request,
				 const struct uk_live_options *options,
				 struct uk_live_report *report)
{
	uk_auto_free struct change *change = calloc(1, sizeof(*change));
	if (!change)
		return uk_error_nomem();
	struct upkeep_apply apply = {
		.header = { .abi = UPKEEP_ABI, .size = sizeof(apply) },
		.writes = (uintptr_t)request->writes.data,
		.ranges = (uintptr_t)request->ranges.data,
		.modules = (uintptr_t)request->modules.data,
		.functions = (uintptr_t)request->functions.data,
		.bytes = (uintptr_t)request->bytes.data,
		.blockers = (uintptr_t)change->blockers,
		.nr_writes = (uint32_t)request->writes.len,
		.nr_ranges = (uint32_t)request->ranges.len,
		.nr_modules = (uint32_t)request->modules.len,
		.nr_functions = (uint32_t)request->functions.len,
		.nr_bytes = (uint32_t)request->bytes.len,
		.max_blockers = BLOCKERS_MAX,
	};
	snprintf(apply.id, sizeof(apply.id), "%s", id);
	change->fd = fd;
	change->code = UPKEEP_APPLY;
	change->request = &apply;
	change->outcome = &apply.outcome;
	change->id = id;
	change->asked = request;
	return send_change(change, options, report);
}

struct uk_error *uk_device_undo(int fd, const char *id, const struct uk_live_options *options,
				struct uk_live_report *report)
{
	uk_auto_free struct change *change = calloc(1, sizeof(*change));
	if (!change)
		return uk_error_nomem();
	struct upkeep_undo undo = {
		.header = { .abi = UPKEEP_ABI, .size = sizeof(undo) },
		.blockers = (uintptr_t)change->blockers,
		.max_blockers = BLOCKERS_MAX,
	};
	snprintf(undo.id, sizeof(undo.id), "%s", id);
	change->fd = fd;
	change->code = UPKEEP_UNDO;
	change->request = &undo;
	change->outcome = &undo.outcome;
	change->id = id;
	return send_change(change, options, report);
}
