// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to /dev/upkeep, as the tests make them. */
#include "kt.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int kt_device = -1;

struct kt_request *kt_start(const char *id)
{
	static struct kt_request req;

	memset(&req, 0, sizeof(req));
	req.apply.header.abi = UPKEEP_ABI;
	req.apply.header.size = sizeof(req.apply);
	snprintf(req.apply.id, sizeof(req.apply.id), "%s", id);
	req.apply.writes = (uintptr_t)req.writes;
	req.apply.ranges = (uintptr_t)req.ranges;
	req.apply.modules = (uintptr_t)req.modules;
	req.apply.functions = (uintptr_t)req.functions;
	req.apply.bytes = (uintptr_t)req.pool;
	req.apply.blockers = (uintptr_t)req.blockers;
	req.apply.max_blockers = sizeof(req.blockers) / sizeof(*req.blockers);
	return &req;
}

void kt_add_module(struct kt_request *req, const char *name, unsigned int role)
{
	struct upkeep_module *module = &req->modules[req->apply.nr_modules++];

	snprintf(module->name, sizeof(module->name), "%s", name);
	module->role = role;
}

void kt_add_range(struct kt_request *req, unsigned int when, uint64_t start, uint64_t end,
		  const char *name)
{
	struct upkeep_range *range = &req->ranges[req->apply.nr_ranges++];

	range->start = start;
	range->end = end;
	range->when = when;
	snprintf(range->name, sizeof(range->name), "%s", name);
}

static uint32_t add_bytes(struct kt_request *req, const void *from, uint32_t len)
{
	uint32_t at = req->apply.nr_bytes;

	memcpy(req->pool + at, from, len);
	req->apply.nr_bytes += len;
	return at;
}

void kt_add_write(struct kt_request *req, unsigned int kind, uint64_t addr, uint32_t len,
		  const void *old, const void *new)
{
	struct upkeep_write *write = &req->writes[req->apply.nr_writes++];

	write->addr = addr;
	write->len = len;
	write->kind = kind;
	write->old_at = add_bytes(req, old, len);
	write->new_at = add_bytes(req, new, len);
}

/* Where a redirect can stand: after an endbr (or its seal) and the ftrace site. */
static unsigned int redirect_at(const uint8_t *code)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t seal[] = { 0x66, 0x0f, 0x1f, 0x00 };
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	unsigned int at = 0;

	if (!memcmp(code, endbr, sizeof(endbr)) || !memcmp(code, seal, sizeof(seal)))
		at += 4;
	if (!memcmp(code + at, nop5, sizeof(nop5)) || code[at] == 0xe8)
		at += 5;
	return at;
}

void kt_add_redirect(struct kt_request *req, const char *module, const char *old,
		     const char *new)
{
	struct upkeep_function *function = &req->functions[req->apply.nr_functions++];
	uint64_t from = kt_symbol(module, old), from_end = kt_symbol_end(module, old);
	uint64_t to = kt_symbol("kt_new", new), to_end = kt_symbol_end("kt_new", new);
	uint8_t code[16], jump[5] = { 0xe9 };

	kt_memory(from, code, sizeof(code));
	unsigned int at = redirect_at(code);
	int32_t distance = to - (from + at + sizeof(jump));

	memcpy(jump + 1, &distance, sizeof(distance));
	kt_add_write(req, UPKEEP_TEXT, from + at, sizeof(jump), code + at, jump);
	kt_add_range(req, UPKEEP_ON_APPLY, from, from_end, old);
	kt_add_range(req, UPKEEP_ON_UNDO, to, to_end, new);
	function->old_addr = from;
	function->new_addr = to;
	function->old_size = from_end - from;
	function->new_size = to_end - to;
	snprintf(function->object, sizeof(function->object), "%s", module ? module : "vmlinux");
	snprintf(function->name, sizeof(function->name), "%s", old);
}

int kt_apply(struct kt_request *req)
{
	memset(&req->apply.outcome, 0, sizeof(req->apply.outcome));
	int err = ioctl(kt_device, UPKEEP_APPLY, &req->apply) ? errno : 0;

	req->out = req->apply.outcome;
	return err;
}

int kt_undo(struct kt_request *req, const char *id)
{
	struct upkeep_undo *undo = &req->undo;

	memset(undo, 0, sizeof(*undo));
	undo->header.abi = UPKEEP_ABI;
	undo->header.size = sizeof(*undo);
	snprintf(undo->id, sizeof(undo->id), "%s", id);
	undo->blockers = (uintptr_t)req->blockers;
	undo->max_blockers = sizeof(req->blockers) / sizeof(*req->blockers);
	int err = ioctl(kt_device, UPKEEP_UNDO, undo) ? errno : 0;

	req->out = undo->outcome;
	return err;
}

int kt_apply_soon(struct kt_request *req, int seconds)
{
	time_t end = time(NULL) + seconds;
	int err;

	while ((err = kt_apply(req)) == EBUSY && req->out.refusal == UPKEEP_BLOCKED &&
	       time(NULL) < end)
		usleep(10000);
	return err;
}

int kt_undo_soon(struct kt_request *req, const char *id, int seconds)
{
	time_t end = time(NULL) + seconds;
	int err;

	while ((err = kt_undo(req, id)) == EBUSY && req->out.refusal == UPKEEP_BLOCKED &&
	       time(NULL) < end)
		usleep(10000);
	return err;
}
