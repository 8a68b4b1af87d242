// SPDX-License-Identifier: GPL-2.0-or-later
/* The request to the core, from the match and the loaded parts. */
#include "live/job.h"
#include "live/status.h"

#include "base/strbuf.h"

#include <string.h>

static const char *target_of(const struct uk_update *update, unsigned int object)
{
	return update->parts.data[update->objects.data[object].part].target;
}

static struct uk_error *hold_target(struct uk_job *job, const char *module)
{
	if (!strcmp(module, "vmlinux"))
		return NULL;
	return uk_request_add_module(&job->request, module, UPKEEP_TARGET);
}

static struct uk_error *new_address(struct uk_job *job, const struct uk_update_function *function,
				    uint64_t *ret)
{
	unsigned int part = job->update->objects.data[function->object].part;
	struct uk_error *err = uk_parts_address(&job->parts, part, function->section,
						function->offset, function->new_size, ret);
	return uk_error_wrap(err, "%s", function->name);
}

/* @to is 0 where nothing is loaded yet. */
static struct uk_error *report_function(struct uk_job *job, const struct uk_match_function *match,
					uint64_t to)
{
	const struct uk_update_function *function = &job->update->functions.data[match->function];
	struct uk_live_function reported = {
		.object = (char *)(uintptr_t)target_of(job->update, function->object),
		.name = function->name,
		.old_addr = match->address,
		.new_addr = to,
		.old_size = match->size,
		.new_size = function->new_size,
	};
	return uk_report_add_function(job->report, &reported);
}

struct uk_error *uk_job_report_match(struct uk_job *job)
{
	uk_vec_for_each(match, &job->match->functions) {
		if (!job->update->functions.data[match->function].redirect)
			continue;
		struct uk_error *err = report_function(job, match, 0);
		if (err)
			return err;
	}
	job->report->data_writes = job->match->writes.len + job->match->pointers.len;
	return NULL;
}

static struct uk_error *add_jump(struct uk_job *job, const char *name,
				 const struct uk_match_jump *jump, uint64_t to)
{
	uint8_t bytes[UK_REDIRECT_LEN];
	struct uk_error *err = uk_redirect_encode(name, jump->address, to, bytes);
	return err ? err
		   : uk_request_add_write(&job->request, UPKEEP_TEXT, name, jump->address,
					  jump->old_bytes, bytes, sizeof(bytes));
}

static struct uk_error *add_redirect(struct uk_job *job, const struct uk_match_function *match,
				     const struct uk_update_function *function)
{
	const char *target = target_of(job->update, function->object);
	struct upkeep_function addresses = {
		.old_addr = match->address,
		.old_size = (uint32_t)match->size,
		.new_size = (uint32_t)function->new_size,
	};
	uint64_t to;
	struct uk_error *err = new_address(job, function, &to);
	for (unsigned int i = 0; !err && i < match->nr_jumps; i++)
		err = add_jump(job, function->name, &match->jumps[i], to);
	addresses.new_addr = to;
	if (!err)
		err = uk_request_add_function(&job->request, &addresses, target, function->name);
	return err ? err : report_function(job, match, to);
}

/* The code that is to be replaced may be the copy in an older update's part module. */
static struct uk_error *hold_replaced(struct uk_job *job, const struct uk_match_function *match,
				      const struct uk_update_function *function)
{
	if (!match->stands_on)
		return hold_target(job, target_of(job->update, function->object));
	const struct uk_kallsym *symbol = uk_kallsyms_at(job->kallsyms, match->address);
	if (!symbol)
		return uk_error_create(UK_ERR_INVALID,
				       "%s: the kernel has no symbol for the code "
				       "that update %s made of it",
				       function->name, match->stands_on);
	return hold_target(job, symbol->module);
}

static struct uk_error *add_functions(struct uk_job *job)
{
	uk_vec_for_each(match, &job->match->functions) {
		const struct uk_update_function *function =
			&job->update->functions.data[match->function];
		struct uk_error *err =
			uk_request_add_range(&job->request, UPKEEP_ON_APPLY, function->name,
					     match->address, match->address + match->size);
		if (!err)
			err = hold_replaced(job, match, function);
		if (!err && function->redirect)
			err = add_redirect(job, match, function);
		if (err)
			return err;
	}
	return NULL;
}

/* Names for those who stand on new code when it is undone. */
static struct uk_error *add_new_code(struct uk_job *job)
{
	uk_vec_for_each(function, &job->update->functions) {
		uint64_t at;
		if (!function->section || !function->new_size)
			continue;
		struct uk_error *err = new_address(job, function, &at);
		if (!err)
			err = uk_request_add_range(&job->request, UPKEEP_ON_UNDO, function->name,
						   at, at + function->new_size);
		if (err)
			return err;
	}
	return NULL;
}

/* Data that an update before this one added lies in that one's part module. */
static struct uk_error *hold_data(struct uk_job *job, unsigned int object, uint64_t address)
{
	const struct uk_kallsym *symbol = uk_kallsyms_at(job->kallsyms, address);
	struct uk_error *err = hold_target(job, target_of(job->update, object));
	return err || !symbol ? err : hold_target(job, symbol->module);
}

static struct uk_error *add_writes(struct uk_job *job)
{
	uk_vec_for_each(match, &job->match->writes) {
		const struct uk_update_write *write = &job->update->writes.data[match->write];
		struct uk_error *err = hold_data(job, write->object, match->address);
		if (!err)
			err = uk_request_add_write(&job->request, UPKEEP_DATA, write->symbol,
						   match->address, write->old_bytes,
						   write->new_bytes, write->len);
		if (err)
			return err;
	}
	return NULL;
}

/* The kernel's loader has relocated the part's pattern: that is what the pointer becomes. */
static struct uk_error *add_pointer(struct uk_job *job, const struct uk_match_pointer *match)
{
	const struct uk_update_pointer *pointer = &job->update->pointers.data[match->pointer];
	unsigned int part = job->update->objects.data[pointer->object].part;
	uint8_t new_bytes[UK_POINTER_LEN];
	uint64_t from;
	struct uk_error *err = uk_parts_address(&job->parts, part, pointer->section, pointer->at,
						sizeof(new_bytes), &from);
	if (!err)
		err = uk_memory_read(job->memory, from, new_bytes, sizeof(new_bytes));
	if (!err)
		err = hold_data(job, pointer->object, match->address);
	if (!err)
		err = uk_request_add_write(&job->request, UPKEEP_DATA, pointer->symbol,
					   match->address, match->old_bytes, new_bytes,
					   sizeof(new_bytes));
	return uk_error_wrap(err, "%s", pointer->symbol);
}

static struct uk_error *add_pointers(struct uk_job *job)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(match, &job->match->pointers)
		if (!err)
			err = add_pointer(job, match);
	return err;
}

static struct uk_error *add_parts(struct uk_job *job)
{
	uk_vec_for_each(part, &job->parts.parts) {
		struct uk_error *err =
			uk_request_add_module(&job->request, part->model->module, UPKEEP_PART);
		if (err)
			return err;
	}
	return NULL;
}

/* Every redirect and write of the update must be in the match: none is dropped silently. */
static struct uk_error *check_complete(const struct uk_job *job)
{
	size_t redirects = 0, matched = 0;
	uk_vec_for_each(function, &job->update->functions)
		redirects += function->redirect;
	uk_vec_for_each(match, &job->match->functions)
		matched += job->update->functions.data[match->function].redirect;
	if (redirects == matched && job->match->writes.len == job->update->writes.len &&
	    job->match->pointers.len == job->update->pointers.len)
		return NULL;
	return uk_error_create(UK_ERR_INVALID,
			       "the match has %zu of %zu functions, %zu of %zu writes and %zu of "
			       "%zu pointers",
			       matched, redirects, job->match->writes.len, job->update->writes.len,
			       job->match->pointers.len, job->update->pointers.len);
}

struct uk_error *uk_job_fill_request(struct uk_job *job)
{
	job->report->data_writes = job->match->writes.len + job->match->pointers.len;
	struct uk_error *err = check_complete(job);
	if (!err)
		err = add_functions(job);
	if (!err)
		err = add_new_code(job);
	if (!err)
		err = add_writes(job);
	if (!err)
		err = add_pointers(job);
	if (!err)
		err = add_parts(job);
	return err ? err : uk_request_seal(&job->request, &job->limits);
}
