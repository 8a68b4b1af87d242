// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tests of upkeep.ko, run in a guest as root with upkeep.ko loaded and the test modules in
 * /kt. Prints TAP.
 */
#include "kt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYS "/sys/kernel/upkeep/"

/* Does memory hold the old (or the new) bytes of all writes? */
static bool memory_is(const struct kt_request *req, bool new)
{
	uint8_t have[KT_POOL];

	for (unsigned int i = 0; i < req->apply.nr_writes; i++) {
		const struct upkeep_write *write = &req->writes[i];

		kt_memory(write->addr, have, write->len);
		if (memcmp(have, req->pool + (new ? write->new_at : write->old_at), write->len))
			return false;
	}
	return true;
}

static void test_info(void)
{
	struct upkeep_info info = { .header = { 99, sizeof(info) } };

	kt_ok(!ioctl(kt_device, UPKEEP_INFO, &info) && info.header.abi == UPKEEP_ABI &&
	      info.max_writes && info.applied == 0, "info answers a caller of any version");
	kt_ok(kt_reads(SYS "abi", "1") && kt_reads(SYS "version", info.version),
	      "sysfs says the same");
}

static void test_redirect(void)
{
	struct kt_request *req = kt_start("a1");
	char before[4096];

	snprintf(before, sizeof(before), "%s", kt_read("/proc/cmdline"));
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, NULL, "cmdline_proc_show", "kt_new_cmdline_show");
	int err = kt_apply_soon(req, 10);

	kt_ok(!err, "a function of vmlinux is replaced (errno %d, refusal %u)", err,
	      req->out.refusal);
	kt_note("pause %llu ns, stop %llu ns, %u tasks, %u before, %u inside",
		req->out.pause_ns, req->out.stop_ns, req->out.tasks, req->out.tasks_before,
		req->out.tasks_inside);
	kt_ok(req->out.pause_ns && req->out.pause_ns <= req->out.stop_ns && req->out.cpus > 1 &&
	      req->out.tasks > 10 && req->out.tasks_before > 10 && req->out.tasks_inside >= 2,
	      "the figures make sense");
	kt_ok(kt_reads("/proc/cmdline", "new command line"), "it does the new thing");
	kt_ok(kt_reads(SYS "a1/state", "applied") && kt_reads(SYS "a1/modules", "kt_new part") &&
	      strstr(kt_read(SYS "a1/functions"), "vmlinux cmdline_proc_show 0x") &&
	      strstr(kt_read(SYS "a1/writes"), " 5 text vmlinux ") &&
	      strtoull(kt_read(SYS "a1/pause_ns"), NULL, 10) == req->out.pause_ns,
	      "sysfs shows it");
	kt_ok(kt_apply(req) == EEXIST && req->out.refusal == UPKEEP_EXISTS,
	      "it cannot be applied twice");
	kt_ok(kt_unload("kt_new") == EAGAIN && kt_unload("upkeep") == EAGAIN,
	      "its part and upkeep.ko stay loaded");

	err = kt_undo_soon(req, "a1", 10);
	kt_ok(!err && kt_reads("/proc/cmdline", before), "undone, it does the old thing");
	kt_ok(access(SYS "a1", F_OK) && errno == ENOENT, "and is gone from sysfs");
	kt_ok(kt_undo(req, "a1") == ENOENT && req->out.refusal == UPKEEP_UNKNOWN,
	      "it cannot be undone twice");
	kt_ok(!kt_unload("kt_new") && !kt_load("kt_new", ""), "its part is free again");
}

static void test_ftrace(void)
{
	const char *tracing = "/sys/kernel/tracing/";
	struct kt_request *req = kt_start("f1");
	char path[128];

	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, NULL, "cmdline_proc_show", "kt_new_cmdline_show");
	int err = kt_apply_soon(req, 10);

	snprintf(path, sizeof(path), "%sset_ftrace_filter", tracing);
	bool traced = !err && kt_write(path, "cmdline_proc_show");
	snprintf(path, sizeof(path), "%scurrent_tracer", tracing);
	traced = traced && kt_write(path, "function");
	bool new = kt_reads("/proc/cmdline", "new command line");
	char trace[128];
	snprintf(trace, sizeof(trace), "%strace", tracing);
	kt_ok(traced && new && strstr(kt_read(trace), "cmdline_proc_show"),
	      "a replaced function can be traced at its own name");
	err = kt_undo_soon(req, "f1", 10);
	kt_ok(!err && !kt_reads("/proc/cmdline", "new command line"),
	      "and undone while it is traced");
	kt_write(path, "nop");
}

/* A sleeper in an old function blocks, is named, and when it has left no longer blocks. */
static void test_sleeper(const char *file, const char *old, unsigned int found_by)
{
	struct kt_request *req = kt_start("b1");
	char path[64];

	snprintf(path, sizeof(path), "/proc/kt/%s", file);
	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_target", old, "kt_new_sleep");
	int pid = kt_spawn_reader_asleep(path);

	usleep(200000);
	int err = kt_apply(req);
	const struct upkeep_blocker *blocker = req->blockers;

	kt_ok(err == EBUSY && req->out.refusal == UPKEEP_BLOCKED && req->out.blockers == 1,
	      "%s: a sleeper blocks (errno %d, refusal %u, %u blockers)", old, err,
	      req->out.refusal, req->out.blockers);
	kt_note("pid %d tgid %d %s in %s at %llx, by %u, idle %llu us", blocker->pid,
		blocker->tgid, blocker->comm, blocker->name, blocker->addr, blocker->found_by,
		blocker->idle_ns / 1000);
	kt_ok(blocker->pid == pid && blocker->tgid == pid && !strcmp(blocker->name, old) &&
	      !strcmp(blocker->comm, "kt") && blocker->found_by == found_by &&
	      blocker->idle_ns > 100000000 && blocker->idle_ns < 10000000000,
	      "%s: with who, where, how found and how long", old);
	kt_ok(!blocker->inside && !req->out.pause_ns && !req->out.stop_ns,
	      "%s: found without stopping the machine", old);
	kt_ok(access(SYS "b1", F_OK) && memory_is(req, false), "%s: nothing was changed", old);
	(void)!kt_write("/proc/kt/release", "1");
	kt_ok(!kt_reap(pid), "%s: the sleeper ends well", old);
	err = kt_apply_soon(req, 10);
	kt_ok(!err, "%s: when it has left, the update is applied (errno %d)", old, err);
	err = kt_undo_soon(req, "b1", 10);
	kt_ok(!err, "%s: and undone", old);
}

/* The new code blocks an undo, as the part module's text if no range names it. */
static void test_undo_blocked(bool named)
{
	struct kt_request *req = kt_start("b2");

	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_target", "kt_sleep", "kt_new_sleep");
	if (!named)
		req->apply.nr_ranges--;
	int err = kt_apply_soon(req, 10);
	int pid = kt_spawn_reader_asleep("/proc/kt/sleep");

	usleep(100000);
	int undo = kt_undo(req, "b2");
	const char *name = named ? "kt_new_sleep" : "kt_new";

	kt_ok(!err && undo == EBUSY && req->out.refusal == UPKEEP_BLOCKED &&
	      req->blockers[0].pid == pid && !strcmp(req->blockers[0].name, name),
	      "a sleeper in the new code blocks the undo (%s in %s)", req->blockers[0].comm,
	      req->blockers[0].name);
	kt_ok(kt_reads(SYS "b2/state", "applied") && memory_is(req, true),
	      "the update stays as it was");
	kt_kill(pid);
	err = kt_undo_soon(req, "b2", 10);
	kt_ok(!err && memory_is(req, false), "when it has left, it is undone");
}

/* A task that is interrupted in the old function and so is always on a CPU or about to be. */
static void test_spinner(void)
{
	struct kt_request *req = kt_start("b3");
	unsigned int inside = 0, refused = 0;
	bool named = true;

	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_target", "kt_spin_inner", "kt_new_answer");
	int pid = kt_spawn_reader("/proc/kt/spin");

	usleep(200000);
	for (int i = 0; i < 20; i++) {
		refused += kt_apply(req) == EBUSY;
		inside += req->blockers[0].inside;
		named = named && req->blockers[0].pid == pid &&
			!strcmp(req->blockers[0].name, "kt_spin_inner");
		usleep(3000);
	}
	kt_ok(refused == 20 && named && memory_is(req, false),
	      "a task interrupted in the old function blocks (%u of 20, %u found in the stop)",
	      refused, inside);
	(void)!kt_write("/proc/kt/release", "1");
	kt_reap(pid);
	int err = kt_apply_soon(req, 10);
	kt_ok(!err && !kt_undo_soon(req, "b3", 10), "and no longer when it has left");
}

/* The return address of the old function is hidden by a tracer of the function it called. */
static void test_hidden(const char *how)
{
	struct kt_request *req = kt_start("b4");
	bool probe = !strcmp(how, "return probe"), set, named = true;
	unsigned int refused = 0, hidden = 0;

	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_target", "kt_spin", "kt_new_answer");
	if (probe)
		set = kt_write("/sys/kernel/tracing/kprobe_events",
			       "r:kt/inner kt_target:kt_spin_inner") &&
		      kt_write("/sys/kernel/tracing/events/kt/inner/enable", "1");
	else
		set = kt_write("/sys/kernel/tracing/set_graph_function", "kt_spin_inner") &&
		      kt_write("/sys/kernel/tracing/current_tracer", "function_graph");
	int pid = kt_spawn_reader("/proc/kt/spin");

	usleep(200000);
	for (int i = 0; i < 20; i++) {
		refused += kt_apply(req) == EBUSY;
		hidden += req->blockers[0].found_by == UPKEEP_HIDDEN;
		named = named && req->blockers[0].pid == pid &&
			!strcmp(req->blockers[0].name, "kt_spin");
		usleep(3000);
	}
	kt_ok(set && refused == 20 && named && memory_is(req, false),
	      "a task whose return is hidden by a %s blocks (%u of 20, %u found hidden)", how,
	      refused, hidden);
	(void)!kt_write("/proc/kt/release", "1");
	kt_reap(pid);
	if (probe) {
		(void)!kt_write("/sys/kernel/tracing/events/kt/inner/enable", "0");
		(void)!kt_write("/sys/kernel/tracing/kprobe_events", "");
	} else {
		(void)!kt_write("/sys/kernel/tracing/current_tracer", "nop");
		(void)!kt_write("/sys/kernel/tracing/set_graph_function", "");
	}
	int err = kt_apply_soon(req, 10);
	kt_ok(!err && !kt_undo_soon(req, "b4", 10), "and no longer when it has left");
}

static void test_bytes(void)
{
	struct kt_request *req = kt_start("c1");

	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_target", "kt_answer", "kt_new_answer");
	kt_add_redirect(req, NULL, "cmdline_proc_show", "kt_new_cmdline_show");
	uint8_t right = req->pool[req->writes[1].old_at + 3];

	req->pool[req->writes[1].old_at + 3] ^= 0x10;
	int err = kt_apply(req);
	kt_ok(err == EILSEQ && req->out.refusal == UPKEEP_BYTES &&
	      req->out.where == UPKEEP_AT_WRITES && req->out.index == 1 &&
	      req->out.differs_at == 3 && req->out.found_at == 0 && req->out.found_len == 5 &&
	      req->out.found[3] == right, "one wrong byte in the second write is refused");
	req->pool[req->writes[1].old_at + 3] = right;
	kt_ok(memory_is(req, false) && kt_reads("/proc/kt/answer", "1"),
	      "and the first was not written either");
	err = kt_apply_soon(req, 10);
	kt_ok(!err && kt_reads("/proc/kt/answer", "2") &&
	      kt_reads("/proc/cmdline", "new command line"), "with the right byte both are");
	err = kt_undo_soon(req, "c1", 10);
	kt_ok(!err && kt_reads("/proc/kt/answer", "1"), "and both are undone");
}

static void test_data(void)
{
	static uint8_t old[2 * 4096 + 100], new[sizeof(old)];
	struct kt_request *req = kt_start("d1");

	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_write(req, UPKEEP_DATA, kt_symbol("kt_target", "kt_word"), 9, "old word", "new word");
	memset(old, 1, sizeof(old));
	memset(new, 2, sizeof(new));
	kt_add_write(req, UPKEEP_DATA, kt_symbol("kt_target", "kt_table") + 1001, sizeof(old), old,
		     new);
	int err = kt_apply_soon(req, 10);
	char sum[32];

	snprintf(sum, sizeof(sum), "%zu", 3 * 4096 + sizeof(old));
	kt_ok(!err && kt_reads("/proc/kt/word", "new word") && kt_reads("/proc/kt/table", sum),
	      "constants are written, over page borders too (errno %d)", err);
	err = kt_undo_soon(req, "d1", 10);
	snprintf(sum, sizeof(sum), "%d", 3 * 4096);
	kt_ok(!err && kt_reads("/proc/kt/word", "old word") && kt_reads("/proc/kt/table", sum),
	      "and written back");
}

static void add_pointer(struct kt_request *req, uint64_t addr, uint64_t old, uint64_t new)
{
	kt_add_write(req, UPKEEP_DATA, addr, sizeof(old), &old, &new);
}

/* Writable data: pointers to code, and nothing else. */
static void test_pointers(void)
{
	struct kt_request *req = kt_start("d2");
	uint64_t old = kt_symbol("kt_target", "kt_answer");
	uint64_t new = kt_symbol("kt_new", "kt_new_answer");

	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	add_pointer(req, kt_symbol("kt_target", "kt_call"), old, new);
	add_pointer(req, kt_symbol("kt_target", "kt_empty_call"), new, new);
	int err = kt_apply(req);
	kt_ok(err == EILSEQ && req->out.refusal == UPKEEP_BYTES && req->out.index == 1 &&
	      kt_reads("/proc/kt/call", "1 0"), "a pointer that is another one is refused");
	memset(req->pool + req->writes[1].old_at, 0, sizeof(old));
	err = kt_apply_soon(req, 10);
	kt_ok(!err && kt_reads("/proc/kt/call", "2 2"),
	      "pointers to functions are written in writable data (errno %d, refusal %u)", err,
	      req->out.refusal);
	err = kt_undo_soon(req, "d2", 10);
	kt_ok(!err && kt_reads("/proc/kt/call", "1 0"), "and written back");
}

/* A second update on the first one's new code; a third on the same bytes as the second. */
static void test_stack(void)
{
	struct kt_request *req = kt_start("e1");

	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_target", "kt_answer", "kt_new_answer");
	int err = kt_apply_soon(req, 10);

	req = kt_start("e2");
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_new", "kt_new_answer", "kt_new_answer_again");
	err = err ?: kt_apply_soon(req, 10);
	kt_ok(!err && kt_reads("/proc/kt/answer", "3"), "an update stands on another");
	err = kt_undo(req, "e1");
	kt_ok(err == EBUSY && req->out.refusal == UPKEEP_STOOD_ON &&
	      !strcmp(req->out.other, "e2") && kt_reads("/proc/kt/answer", "3"),
	      "the lower one cannot be undone first");

	req = kt_start("e3");
	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_TARGET);
	kt_add_redirect(req, "kt_target", "kt_answer", "kt_new_answer_again");
	err = kt_apply_soon(req, 10);
	kt_ok(!err && kt_reads("/proc/kt/answer", "3"), "a third takes over the first's redirect");
	kt_ok(kt_undo(req, "e1") == EBUSY && !strcmp(req->out.other, "e3"),
	      "the newest of those in the way is named");
	kt_ok(!kt_undo_soon(req, "e3", 10), "the third can go");
	kt_ok(!kt_undo_soon(req, "e2", 10) && kt_reads("/proc/kt/answer", "2"),
	      "the upper one can");
	kt_ok(!kt_undo_soon(req, "e1", 10) && kt_reads("/proc/kt/answer", "1"),
	      "and then the lower one");
}

static int try_apply(struct kt_request *req, unsigned int refusal, unsigned int where)
{
	int err = kt_apply(req);

	if (req->out.refusal != refusal || req->out.where != where)
		kt_note("errno %d, refusal %u at %u[%u]", err, req->out.refusal, req->out.where,
			req->out.index);
	return req->out.refusal == refusal && req->out.where == where ? err : -err;
}

static struct kt_request *good(void)
{
	struct kt_request *req = kt_start("5a");

	kt_add_module(req, "kt_target", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_target", "kt_answer", "kt_new_answer");
	return req;
}

/* @change makes a good request bad. */
#define BAD(errno_, refusal, where, what, change) do {					\
	struct kt_request *req = good();						\
	change;										\
	kt_ok(try_apply(req, refusal, where) == (errno_), "refused: %s", what);		\
} while (0)

static void test_bad_fields(void)
{
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_REQUEST, "no id", req->apply.id[0] = 0);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_REQUEST, "an id that is not hex",
	    strcpy(req->apply.id, "../a"));
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_REQUEST, "an id without end",
	    memset(req->apply.id, 'a', sizeof(req->apply.id)));
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_REQUEST, "unknown flags", req->apply.flags = 1);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_REQUEST, "no writes", req->apply.nr_writes = 0);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_REQUEST, "too many writes",
	    req->apply.nr_writes = 1 << 20);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_REQUEST, "too many bytes",
	    req->apply.nr_bytes = UINT32_MAX);
	BAD(EFAULT, UPKEEP_FAILED, UPKEEP_AT_REQUEST, "a bad pointer", req->apply.writes = 8);
	BAD(EFAULT, UPKEEP_FAILED, UPKEEP_AT_REQUEST, "a kernel pointer",
	    req->apply.ranges = req->ranges[0].start);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_MODULES, "a module of no role",
	    req->modules[0].role = 3);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_MODULES, "a module without end",
	    memset(req->modules[0].name, 'a', sizeof(req->modules[0].name)));
	BAD(ENODEV, UPKEEP_NO_MODULE, UPKEEP_AT_MODULES, "a module that is not loaded",
	    strcpy(req->modules[1].name, "kt_late"));
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_FUNCTIONS, "a function with a blank",
	    strcpy(req->functions[0].name, "a b"));
}

static void test_bad_ranges(void)
{
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_RANGES, "an empty range",
	    req->ranges[0].end = req->ranges[0].start);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_RANGES, "a range at no time",
	    req->ranges[1].when = 0);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_RANGES, "a nameless range",
	    req->ranges[1].name[0] = 0);
	BAD(EINVAL, UPKEEP_OVERLAP, UPKEEP_AT_RANGES, "ranges that overlap",
	    kt_add_range(req, UPKEEP_ON_APPLY, req->ranges[0].end - 1, req->ranges[0].end, "x"));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_RANGES, "a range in data",
	    kt_add_range(req, UPKEEP_ON_APPLY, kt_symbol(NULL, "init_task"),
			 kt_symbol(NULL, "init_task") + 1, "x"));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_RANGES, "a range in a module not held",
	    kt_add_range(req, UPKEEP_ON_APPLY, kt_symbol("upkeep", "uk_stop_probe"),
			 kt_symbol("upkeep", "uk_stop_probe") + 1, "x"));
}

static void test_bad_writes(void)
{
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_WRITES, "an empty write", req->writes[0].len = 0);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_WRITES, "a write of no kind",
	    req->writes[0].kind = 3);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_WRITES, "bytes outside the pool",
	    req->writes[0].new_at = UINT32_MAX - 2);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_WRITES, "bytes past the pool's end",
	    req->apply.nr_bytes--);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_WRITES, "an address of user space",
	    req->writes[0].addr = (uintptr_t)req);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_WRITES, "an address that wraps",
	    req->writes[0].addr = UINT64_MAX - 1);
	BAD(EINVAL, UPKEEP_BAD_REQUEST, UPKEEP_AT_WRITES, "a redirect that no range covers",
	    req->ranges[0].start = req->writes[0].addr + 1);
	BAD(EINVAL, UPKEEP_OVERLAP, UPKEEP_AT_WRITES, "writes that overlap",
	    kt_add_write(req, UPKEEP_TEXT, req->writes[0].addr + 4, 1, "a", "b"));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a write to writable data",
	    kt_add_write(req, UPKEEP_DATA, kt_symbol(NULL, "init_task"), 1, "a", "b"));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a number in writable data",
	    add_pointer(req, kt_symbol(NULL, "init_task"), 0, 1));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a pointer instead of a number",
	    add_pointer(req, kt_symbol(NULL, "init_task"), 1, kt_symbol(NULL, "_stext")));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "no pointer instead of one",
	    add_pointer(req, kt_symbol(NULL, "init_task"), kt_symbol(NULL, "_stext"), 0));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a pointer to data",
	    add_pointer(req, kt_symbol(NULL, "init_task"), 0, kt_symbol(NULL, "init_task")));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a pointer at an odd place",
	    add_pointer(req, kt_symbol(NULL, "init_task") + 4, 0, kt_symbol(NULL, "_stext")));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a pointer in data of a module not held",
	    add_pointer(req, kt_symbol("upkeep", "uk_updates_lock"), 0,
			kt_symbol(NULL, "_stext")));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a pointer past the end of data",
	    add_pointer(req, kt_symbol(NULL, "_edata") & ~7ul, 0, kt_symbol(NULL, "_stext")));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a write to code as if it were data",
	    kt_add_write(req, UPKEEP_DATA, kt_symbol(NULL, "cmdline_proc_show"), 1, "a", "b"));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a write to no memory at all",
	    kt_add_write(req, UPKEEP_DATA, 0xffff888000000000 - 4096, 1, "a", "b"));
	BAD(ENXIO, UPKEEP_BAD_ADDRESS, UPKEEP_AT_WRITES, "a write that leaves the text",
	    kt_add_range(req, UPKEEP_ON_APPLY, kt_symbol(NULL, "_etext") - 1,
			 kt_symbol(NULL, "_etext"), "x");
	    kt_add_write(req, UPKEEP_TEXT, kt_symbol(NULL, "_etext") - 1, 4, "abcd", "efgh"));
}

static void test_bad_headers(void)
{
	struct {
		struct upkeep_apply apply;
		uint64_t more;
	} longer = { .apply = good()->apply };

	longer.apply.header.abi = 2;
	kt_ok(ioctl(kt_device, UPKEEP_APPLY, &longer) && errno == EPROTO,
	      "refused: another version");
	longer.apply.header.abi = UPKEEP_ABI;
	longer.apply.header.size = sizeof(longer.apply) - 8;
	kt_ok(ioctl(kt_device, UPKEEP_APPLY, &longer) && errno == EINVAL,
	      "refused: a short request");
	longer.apply.header.size = sizeof(longer);
	longer.more = 1;
	kt_ok(ioctl(kt_device, UPKEEP_APPLY, &longer) && errno == E2BIG,
	      "refused: more than is understood");
	longer.more = 0;
	kt_ok(!ioctl(kt_device, UPKEEP_APPLY, &longer), "a longer request with zeros is taken");
	kt_ok(!kt_undo_soon(good(), "5a", 10), "(and undone)");
	kt_ok(ioctl(kt_device, _IO('U', 0x7f), &longer) && errno == ENOTTY,
	      "refused: an unknown request");

	int pid = fork();

	if (!pid) {
		struct upkeep_info info = { .header = { UPKEEP_ABI, sizeof(info) } };

		(void)!setuid(1000);
		_exit(ioctl(kt_device, UPKEEP_INFO, &info) && errno == EPERM &&
		      open(UPKEEP_DEVICE, O_RDWR) < 0 ? 0 : 1);
	}
	kt_ok(!kt_reap(pid), "refused: a caller without the capabilities, by an open file too");
}

/* A few random bytes anywhere in a good request, but for where the blockers go. */
static void spoil(struct kt_request *req)
{
	struct {
		void *at;
		size_t size;
	} parts[] = {
		{ &req->apply, offsetof(struct upkeep_apply, blockers) },
		{ &req->apply.nr_writes, 6 * sizeof(req->apply.nr_writes) },
		{ req->writes, 2 * sizeof(*req->writes) },
		{ req->ranges, 3 * sizeof(*req->ranges) },
		{ req->modules, 3 * sizeof(*req->modules) },
		{ req->functions, sizeof(*req->functions) },
	};

	for (int n = 1 + rand() % 3; n; n--) {
		int i = rand() % (sizeof(parts) / sizeof(*parts));

		((uint8_t *)parts[i].at)[rand() % parts[i].size] ^= 1 << rand() % 8;
	}
}

/* Whatever is asked, either it is refused or it can be undone. */
static void test_random(void)
{
	unsigned int refused = 0, done = 0, stuck = 0;
	struct kt_request *req = good();
	struct kt_request sound = *req;

	srand(1);
	for (int i = 0; i < 3000; i++) {
		*req = sound;
		spoil(req);
		if (kt_apply(req))
			refused++;
		else if (kt_undo_soon(req, req->apply.id, 10))
			stuck++;
		else
			done++;
	}
	kt_ok(refused > 1000 && done > 100 && !stuck && memory_is(&sound, false),
	      "3000 spoilt requests: %u refused, %u done and undone", refused, done);
}

static int wait_for(const char *module, unsigned int timeout_ms, unsigned int flags,
		    bool *loaded_ret)
{
	struct upkeep_wait wait = {
		.header = { UPKEEP_ABI, sizeof(wait) }, .timeout_ms = timeout_ms, .flags = flags,
	};

	strcpy(wait.module, module);
	int err = ioctl(kt_device, UPKEEP_WAIT, &wait) ? errno : 0;

	if (loaded_ret)
		*loaded_ret = wait.loaded;
	return err;
}

static int answer(const char *module, unsigned int error)
{
	struct upkeep_answer answer = { .header = { UPKEEP_ABI, sizeof(answer) }, .error = error };

	strcpy(answer.module, module);
	return ioctl(kt_device, UPKEEP_ANSWER, &answer) ? errno : 0;
}

static bool next_event(struct upkeep_event *event)
{
	struct pollfd poll_fd = { .fd = kt_device, .events = POLLIN };

	kt_modules_changed();

	return poll(&poll_fd, 1, 10000) == 1 &&
	       read(kt_device, event, sizeof(*event)) == sizeof(*event);
}

static void reopen(void)
{
	close(kt_device);
	kt_device = open(UPKEEP_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (kt_device < 0)
		kt_die(UPKEEP_DEVICE);
}

static int apply_late(struct kt_request *req)
{
	kt_add_module(req, "kt_late", UPKEEP_TARGET);
	kt_add_module(req, "kt_new", UPKEEP_PART);
	kt_add_redirect(req, "kt_late", "kt_late", "kt_new_late");
	return kt_apply_soon(req, 10);
}

/* An update reaches a module before any of its code has run. */
static void test_wait(void)
{
	const char *seen = "/sys/module/kt_late/parameters/seen";
	struct upkeep_event event = { 0 };
	bool loaded = true;

	kt_ok(!wait_for("kt_target", 100, 0, &loaded) && loaded, "a loaded module is reported");
	kt_ok(!wait_for("kt_late", 60000, 0, &loaded) && !loaded, "one that is not can be waited for");
	kt_ok(wait_for("kt_late", 60000, 0, NULL) == EEXIST, "by one only");
	kt_ok(read(kt_device, &event, sizeof(event)) < 0 && errno == EAGAIN,
	      "nothing is halted yet");
	kt_ok(answer("kt_late", 0) == ENOENT, "and nothing can be answered");
	int pid = kt_spawn_load("kt_late", "");

	kt_ok(next_event(&event) && !strcmp(event.module, "kt_late") && event.nr_regions >= 3 &&
	      event.regions[0].kind == UPKEEP_REGION_TEXT &&
	      event.regions[0].base <= kt_symbol("kt_late", "kt_late") &&
	      event.regions[0].base + event.regions[0].size > kt_symbol("kt_late", "kt_late"),
	      "its load halts and says where it is");
	struct kt_request *req = kt_start("71");
	int err = apply_late(req);

	kt_ok(!err, "it can be updated then (errno %d)", err);
	kt_ok(!answer("kt_late", 0) && !kt_reap(pid) && kt_reads(seen, "2"),
	      "its init runs the new code");
	kt_ok(kt_unload("kt_late") == EAGAIN, "it is held");
	kt_ok(!kt_undo_soon(req, "71", 10) && !kt_unload("kt_late"), "until the update is undone");
	reopen();
	kt_ok(!kt_load("kt_late", "") && kt_reads(seen, "1") && !kt_unload("kt_late"),
	      "without a waiter nothing halts");
}

static void test_wait_refusals(void)
{
	struct upkeep_event event;
	int pid;

	wait_for("kt_late", 300, 0, NULL);
	kt_ok(!kt_load("kt_late", "") && !kt_unload("kt_late"),
	      "when the deadline passes, the load goes on");
	reopen();
	wait_for("kt_late", 300, UPKEEP_WAIT_STRICT, NULL);
	kt_ok(kt_load("kt_late", ""), "or fails, if the waiter is strict");
	pid = kt_spawn_load("kt_late", "");
	kt_ok(next_event(&event) && !answer("kt_late", EPERM) && kt_reap(pid), "it can be refused");
	reopen();
	wait_for("kt_late", 60000, 0, NULL);
	pid = kt_spawn_load("kt_late", "");
	next_event(&event);
	reopen();
	kt_ok(!kt_reap(pid) && !kt_unload("kt_late"), "when the waiter goes, the load goes on");

	wait_for("kt_late", 60000, 0, NULL);
	pid = kt_spawn_load("kt_late", "");
	next_event(&event);
	kt_kill(pid);
	kt_ok(answer("kt_late", 0) == ENOENT && kt_unload("kt_late") == ENOENT,
	      "a loader that is killed does not wait");

	pid = kt_spawn_load("kt_late", "fail=1");
	next_event(&event);
	struct kt_request *req = kt_start("72");
	int err = apply_late(req);
	answer("kt_late", 0);
	kt_ok(!err && kt_reap(pid) && kt_reads(SYS "72/state", "gone") &&
	      kt_reads(SYS "72/modules", "kt_late target gone\nkt_new part"),
	      "if its init fails, the update says what has gone");
	kt_ok(!kt_undo_soon(req, "72", 10), "and can be undone");
	pid = kt_spawn_load("kt_late", "");
	next_event(&event);
	err = apply_late(kt_start("73"));
	answer("kt_late", EPERM);
	kt_ok(!err && kt_reap(pid) && kt_reads(SYS "73/state", "gone") &&
	      !kt_undo_soon(req, "73", 10), "and so if the waiter updates it and then refuses");
	reopen();
}

static volatile bool load_stop;
static unsigned int load_wrong, load_asked;

static void *sleep_thread(void *arg)
{
	(void)arg;
	while (!load_stop)
		usleep(20000 + rand() % 100000);
	return NULL;
}

/*
 * Old with old or new with new, ever: an old kt_pair() that calls a new kt_pair_inner() was
 * overlooked on a stack.
 */
static void *pair_thread(void *arg)
{
	char text[8];

	(void)arg;
	while (!load_stop) {
		int fd = open("/proc/kt/pair", O_RDONLY | O_CLOEXEC);
		ssize_t got = read(fd, text, sizeof(text));

		if (got != 3 || (memcmp(text, "11", 2) && memcmp(text, "22", 2)))
			load_wrong++;
		load_asked++;
		close(fd);
		usleep(rand() % 6000);
	}
	return NULL;
}

static void *fork_thread(void *arg)
{
	(void)arg;
	while (!load_stop) {
		int pid = vfork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return NULL;
}

enum { SLEEPERS = 600, ROUNDS = 60 };

static void test_load(void)
{
	static pthread_t threads[SLEEPERS + 6];
	unsigned int nr = 0, done = 0, flips = 0;
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (int i = 0; i < SLEEPERS; i++)
		nr += !pthread_create(&threads[nr], &small, sleep_thread, NULL);
	for (int i = 0; i < 4; i++)
		nr += !pthread_create(&threads[nr], &small, pair_thread, NULL);
	for (int i = 0; i < 2; i++)
		nr += !pthread_create(&threads[nr], &small, fork_thread, NULL);

	struct kt_request *req = good();

	kt_add_redirect(req, "kt_target", "kt_pair", "kt_new_pair");
	kt_add_redirect(req, "kt_target", "kt_pair_inner", "kt_new_pair_inner");
	uint64_t pause = 0, worst = 0, inside = 0;

	for (int i = 0; i < ROUNDS; i++) {
		if (kt_apply_soon(req, 20))
			break;
		flips += kt_reads("/proc/kt/answer", "2");
		pause += req->out.pause_ns;
		inside += req->out.tasks_inside;
		if (req->out.pause_ns > worst)
			worst = req->out.pause_ns;
		if (kt_undo_soon(req, "5a", 20))
			break;
		flips += kt_reads("/proc/kt/answer", "1");
		done++;
	}
	load_stop = true;
	for (unsigned int i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	kt_note("%u threads, pause %llu us on average, %llu us at most, %llu stacks inside", nr,
		(unsigned long long)pause / 1000 / ROUNDS, (unsigned long long)worst / 1000,
		(unsigned long long)inside / ROUNDS);
	kt_ok(nr == SLEEPERS + 6 && req->out.tasks > SLEEPERS, "%u threads run", nr);
	kt_ok(done == ROUNDS && flips == 2 * ROUNDS && !load_wrong && load_asked > ROUNDS,
	      "%u times in and out under load (%u of %u answers wrong)", done, load_wrong,
	      load_asked);
}

static void test_log(void)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "Call Trace", "general protection", "stall",
	};
	static char line[8192];
	bool applied = false, undone = false;
	unsigned int found = 0;
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t got;

	while ((got = read(fd, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		line[got < 0 ? 0 : got] = '\0';
		applied = applied || strstr(line, "upkeep: update a1 applied: 1 functions, pause ");
		undone = undone || strstr(line, "upkeep: update a1 undone: 1 functions, pause ");
		for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			if (!strstr(line, bad[i]))
				continue;
			kt_note("%s", line);
			found++;
		}
	}
	close(fd);
	kt_ok(applied && undone, "the kernel log tells of changes with the id");
	kt_ok(!found, "and of nothing bad");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	reopen();
	if (kt_load("kt_target", "") || kt_load("kt_new", ""))
		kt_die("the test modules cannot be loaded");
	test_info();
	test_redirect();
	test_ftrace();
	test_sleeper("sleep", "kt_sleep", UPKEEP_UNWOUND);
	test_sleeper("odd", "kt_odd_caller", UPKEEP_SCANNED);
	test_sleeper("tail", "kt_tail", UPKEEP_SCANNED);
	test_undo_blocked(true);
	test_undo_blocked(false);
	test_spinner();
	test_hidden("return probe");
	test_hidden("graph tracer");
	test_bytes();
	test_data();
	test_pointers();
	test_stack();
	test_bad_fields();
	test_bad_ranges();
	test_bad_writes();
	test_bad_headers();
	test_random();
	test_wait();
	test_wait_refusals();
	test_load();
	kt_ok(!kt_unload("kt_new") && !kt_unload("kt_target"), "all modules are free again");
	test_log();
	return kt_done();
}
