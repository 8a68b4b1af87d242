// SPDX-License-Identifier: GPL-2.0-or-later
/* The match of an update: every object, every function, every name. */
#include "match/match.h"

#include "base/bytes.h"
#include "base/strbuf.h"
#include "match/initial.h"
#include "match/place.h"
#include "match/redirect.h"
#include "match/resolve.h"

#include <inttypes.h>
#include <string.h>

/* Everything that a run works on. */
struct job {
	const struct uk_match_request *request;
	const struct uk_update *update;
	struct uk_run run;
	struct uk_placements placements;
	struct uk_match *match;
};

static struct uk_error *other_kernel(const char *what, const char *wanted, const char *found)
{
	return uk_error_create(UK_ERR_REFUSED,
			       "the update is for another kernel: its %s is \"%s\", this one's "
			       "is \"%s\"; build it for this kernel",
			       what, wanted, found);
}

static bool differs(const char *wanted, const char *found)
{
	return wanted && found && strcmp(wanted, found) != 0;
}

struct uk_error *uk_match_identity(const struct uk_update *update, const struct uk_memory *memory)
{
	const struct uk_identity *identity = &memory->identity;
	if (!identity->release || strcmp(update->release, identity->release) != 0)
		return other_kernel("release", update->release,
				    identity->release ? identity->release : "?");
	if (differs(update->version, identity->version))
		return other_kernel("version", update->version, identity->version);
	if (differs(update->build_id, identity->build_id))
		return other_kernel("build id", update->build_id, identity->build_id);
	return NULL;
}

static bool is_skipped(const struct job *job, unsigned int part)
{
	return job->request->skip_part && job->request->skip_part[part];
}

static bool is_loaded(const struct job *job, const char *module)
{
	uk_vec_for_each(symbol, &job->request->kallsyms->symbols)
		if (!strcmp(symbol->module, module))
			return true;
	return false;
}

static struct uk_error *check_loaded(const struct job *job)
{
	for (size_t i = 0; i < job->update->parts.len; i++) {
		const char *target = job->update->parts.data[i].target;
		if (is_skipped(job, (unsigned int)i) || is_loaded(job, target))
			continue;
		if (!job->request->memory->live)
			return uk_error_create(UK_ERR_REFUSED,
					       "%s holds no modules: the change to module %s can "
					       "only be matched on a machine that has it loaded",
					       job->request->memory->name, target);
		return uk_error_create(UK_ERR_REFUSED,
				       "module %s is not loaded: load it first, or apply with "
				       "--when-loaded",
				       target);
	}
	return NULL;
}

/* Plain objects. */

static struct uk_error *place_object(struct job *job, size_t number)
{
	const struct uk_update_object *object = &job->update->objects.data[number];
	if (is_skipped(job, object->part))
		return NULL;
	const char *target = job->update->parts.data[object->part].target;
	struct uk_error *err = uk_placement_create(
		&job->run, job->request->plain[number], object->path, target, true,
		&job->placements.learned, job->match, number, &job->placements.plain[number]);
	return err ? err : uk_placement_run(job->placements.plain[number]);
}

/* Functions that updates before this one replaced. */

static bool is_after(const struct job *job, const char *id)
{
	uk_vec_for_each(after, &job->update->after)
		if (!strcmp(*after, id))
			return true;
	return false;
}

/* The last update that replaced a function, or NULL. */
static const struct uk_match_replaced *find_replaced(const struct job *job, size_t number,
						     const char *name)
{
	const char *path = job->update->objects.data[number].path;
	for (size_t i = job->request->nr_replaced; i-- > 0;) {
		const struct uk_match_replaced *replaced = &job->request->replaced[i];
		if (!strcmp(replaced->function, name) && !strcmp(replaced->object, path))
			return replaced;
	}
	return NULL;
}

static struct uk_symbol *find_function(const struct uk_object *object, const char *name)
{
	uk_vec_for_each(symbol, &object->symbols)
		if (uk_symbol_is_function(*symbol) && !strcmp((*symbol)->name, name))
			return *symbol;
	return NULL;
}

static struct uk_error *no_function(const struct uk_update_object *object, const char *name)
{
	return uk_error_create(UK_ERR_INVALID, "%s: has no function %s", object->path, name);
}

static struct uk_error *get_prev(struct job *job, size_t number, struct uk_placement **ret)
{
	const struct uk_update_object *object = &job->update->objects.data[number];
	struct uk_placement **placement = &job->placements.prev[number];
	if (!*placement && job->request->prev && job->request->prev[number]) {
		const char *target = job->update->parts.data[object->part].target;
		struct uk_error *err = uk_placement_create(
			&job->run, job->request->prev[number], object->path, target, false,
			&job->placements.learned, job->match, number, placement);
		if (err)
			return err;
	}
	*ret = *placement;
	return NULL;
}

static struct uk_error *take_copy(struct job *job, const struct uk_update_function *function,
				  const struct uk_match_replaced *replaced)
{
	const struct uk_update_object *object = &job->update->objects.data[function->object];
	if (!is_after(job, replaced->id))
		return uk_error_create(UK_ERR_REFUSED,
				       "%s: function %s is replaced by update %s, which this "
				       "update was not built upon: undo that one, or build this "
				       "one with --after %s",
				       object->path, function->name, replaced->id, replaced->id);
	struct uk_placement *placement;
	struct uk_error *err = get_prev(job, function->object, &placement);
	if (err)
		return err;
	const struct uk_symbol *symbol =
		placement ? find_function(placement->object, function->name) : NULL;
	if (!symbol)
		return no_function(object, function->name);
	const struct uk_place *place = &placement->places[symbol->section->index];
	if (place->compared)
		return NULL;
	err = uk_placement_take(placement, symbol->section, replaced->new_addr - symbol->value);
	return uk_error_wrap(err, "%s: in the code of update %s", object->path, replaced->id);
}

static struct uk_error *take_copies(struct job *job)
{
	uk_vec_for_each(function, &job->update->functions) {
		unsigned int part = job->update->objects.data[function->object].part;
		if (function->change != UK_CHANGE_CHANGED || is_skipped(job, part))
			continue;
		const struct uk_match_replaced *replaced =
			find_replaced(job, function->object, function->name);
		struct uk_error *err = replaced ? take_copy(job, function, replaced) : NULL;
		if (err)
			return err;
	}
	for (size_t i = 0; i < job->placements.nr; i++) {
		if (!job->placements.prev[i])
			continue;
		struct uk_error *err = uk_placement_settle(job->placements.prev[i]);
		if (err)
			return uk_error_wrap(err, "%s", job->update->objects.data[i].path);
	}
	return NULL;
}

/* Functions. */

static struct uk_error *check_excluded(const struct job *job, size_t number, const char *function)
{
	uk_vec_for_each(excluded, &job->match->excluded)
		if (excluded->object == number && !strcmp(excluded->function, function))
			return uk_error_create(
				UK_ERR_REFUSED, "%s: function %s: %s stands in it; remove it first",
				job->update->objects.data[number].path, function, excluded->holder);
	return NULL;
}

/* A weak function that another definition overrides is dead code: changing it does nothing. */
static struct uk_error *check_alive(const struct uk_placement *placement,
				    const struct uk_symbol *symbol, uint64_t address)
{
	if (symbol->bind != STB_WEAK ||
	    uk_kallsyms_has(placement->run->kallsyms, symbol->name, placement->target, address))
		return NULL;
	return uk_error_create(UK_ERR_REFUSED,
			       "%s: function %s is overridden by another definition: the running "
			       "kernel does not use this one",
			       placement->path, symbol->name);
}

/* Where the function is now: in the copy of an update before this one, or in the kernel. */
static struct uk_error *locate(struct job *job, const struct uk_update_function *function,
			       struct uk_placement **placement_ret,
			       const struct uk_symbol **symbol_ret, struct uk_match_function *ret)
{
	size_t number = function->object;
	const struct uk_update_object *object = &job->update->objects.data[number];
	const struct uk_match_replaced *replaced = find_replaced(job, number, function->name);
	struct uk_placement *prev = job->placements.prev[number];
	const struct uk_symbol *symbol = prev ? find_function(prev->object, function->name) : NULL;
	/* A piece without a redirect (foo.cold) is where its function refers to it. */
	bool in_copy = symbol && prev->places[symbol->section->index].known &&
		       (replaced || !function->redirect);
	struct uk_placement *placement = in_copy ? prev : job->placements.plain[number];
	if (!in_copy)
		symbol = find_function(placement->object, function->name);
	if (!symbol)
		return no_function(object, function->name);
	const struct uk_place *place = &placement->places[symbol->section->index];
	struct uk_error *err = NULL;
	if (in_copy && !place->compared)
		err = uk_placement_take(placement, symbol->section, place->base);
	if (!err && !place->compared)
		err = uk_error_create(UK_ERR_REFUSED,
				      "%s: function %s: its section %s could not be placed in the "
				      "running kernel%s",
				      object->path, function->name, symbol->section->name,
				      place->ambiguous ? ": more than one place fits" : "");
	if (err)
		return err;
	ret->address = place->base + symbol->value;
	ret->size = symbol->size;
	ret->stands_on = in_copy && replaced ? replaced->id : NULL;
	*placement_ret = placement;
	*symbol_ret = symbol;
	return NULL;
}

static struct uk_error *match_function(struct job *job, size_t index)
{
	const struct uk_update_function *function = &job->update->functions.data[index];
	struct uk_match_function found = { .function = index };
	struct uk_placement *placement = NULL;
	const struct uk_symbol *symbol = NULL;
	struct uk_error *err = locate(job, function, &placement, &symbol, &found);
	if (!err && !found.stands_on)
		err = check_excluded(job, function->object, function->name);
	if (!err)
		err = check_alive(placement, symbol, found.address);
	if (!err && function->redirect)
		err = uk_redirect_find(placement, symbol, &found);
	if (!err && !uk_vec_push(&job->match->functions, found))
		err = uk_error_nomem();
	if (err)
		free(found.shared_with);
	return err;
}

static struct uk_error *match_functions(struct job *job)
{
	for (size_t i = 0; i < job->update->functions.len; i++) {
		const struct uk_update_function *function = &job->update->functions.data[i];
		unsigned int part = job->update->objects.data[function->object].part;
		if (function->change != UK_CHANGE_CHANGED || is_skipped(job, part))
			continue;
		struct uk_error *err = match_function(job, i);
		if (err)
			return err;
	}
	return NULL;
}

/* Writes into data. */

static struct uk_error *match_write(struct job *job, size_t index)
{
	const struct uk_update_write *write = &job->update->writes.data[index];
	const struct uk_update_object *object = &job->update->objects.data[write->object];
	struct uk_match_write found = { .write = index };
	if (is_skipped(job, object->part))
		return NULL;
	struct uk_error *err = uk_resolve_local(job->request, &job->placements, write->object,
						write->symbol, &found.address);
	if (err)
		return err;
	found.address += write->offset;
	uk_auto_free uint8_t *bytes = malloc(write->len ? write->len : 1);
	if (!bytes)
		return uk_error_nomem();
	err = uk_memory_read(job->request->memory, found.address, bytes, write->len);
	if (err)
		return err;
	for (uint64_t i = 0; i < write->len; i++)
		if (bytes[i] != write->old_bytes[i])
			return uk_error_create(UK_ERR_REFUSED,
					       "%s: symbol %s+0x%" PRIx64
					       ": expected %02x, found %02x: the data is not what "
					       "the update was built to change",
					       object->path, write->symbol, write->offset + i,
					       write->old_bytes[i], bytes[i]);
	return uk_vec_push(&job->match->writes, found) ? NULL : uk_error_nomem();
}

/*
 * Nobody but an update that this one was built upon may have been there: *@before_ret is the last
 * of those, or NULL.
 */
static struct uk_error *check_written(const struct job *job,
				      const struct uk_update_pointer *pointer, uint64_t address,
				      const struct uk_match_written **before_ret)
{
	*before_ret = NULL;
	const char *path = job->update->objects.data[pointer->object].path;
	for (size_t i = 0; i < job->request->nr_written; i++) {
		const struct uk_match_written *written = &job->request->written[i];
		if (written->addr >= address + UK_POINTER_LEN ||
		    address >= written->addr + written->len)
			continue;
		if (is_after(job, written->id)) {
			*before_ret = written;
			continue;
		}
		return uk_error_create(UK_ERR_REFUSED,
				       "%s: symbol %s+0x%" PRIx64
				       " is written by update %s, which this update was not built "
				       "upon: undo that one, or build this one with --after %s",
				       path, pointer->symbol, pointer->offset, written->id,
				       written->id);
	}
	return NULL;
}

/*
 * A symbol of read-only data has an address only if its section was compared as a whole; of
 * writable data nothing was compared.
 */
static struct uk_error *match_pointer(struct job *job, size_t index)
{
	const struct uk_update_pointer *pointer = &job->update->pointers.data[index];
	struct uk_match_pointer found = { .pointer = index };
	if (is_skipped(job, job->update->objects.data[pointer->object].part))
		return NULL;
	struct uk_error *err = uk_resolve_local(job->request, &job->placements, pointer->object,
						pointer->symbol, &found.address);
	if (err)
		return err;
	found.address += pointer->offset;
	const struct uk_match_written *before;
	err = check_written(job, pointer, found.address, &before);
	if (!err)
		err = uk_memory_read(job->request->memory, found.address, found.old_bytes,
				     sizeof(found.old_bytes));
	if (!err && before)
		err = uk_initial_check_written(job->request, pointer, found.address,
					       uk_get_u64(found.old_bytes), before);
	else if (!err)
		err = uk_initial_check(job->request, &job->placements, pointer, found.address,
				       uk_get_u64(found.old_bytes));
	if (!err && !uk_vec_push(&job->match->pointers, found))
		err = uk_error_nomem();
	return err;
}

/* Names. */

static struct uk_error *match_symbols(struct job *job)
{
	for (size_t i = 0; i < job->request->nr_symbols; i++) {
		struct uk_match_symbol symbol;
		struct uk_error *err = uk_resolve_symbol(job->request, &job->placements,
							 job->request->symbols[i], &symbol);
		if (err)
			return err;
		if (!uk_vec_push(&job->match->symbols, symbol)) {
			free(symbol.name);
			return uk_error_nomem();
		}
	}
	return NULL;
}

static bool is_code(const struct job *job, uint64_t address)
{
	const struct uk_kallsym *symbol = uk_kallsyms_at(job->request->kallsyms, address);
	return symbol && symbol->address == address && strchr("tTwW", symbol->type);
}

/* The kernel seals functions at boot of which it knows that nobody calls them by a pointer. */
static struct uk_error *check_landing_pads(const struct job *job)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	for (size_t i = 0; job->request->ibt && i < job->request->nr_taken; i++) {
		const char *name = job->request->taken[i];
		uint64_t address = uk_match_address(job->match, name);
		uint8_t code[sizeof(endbr64)];
		if (!address || !is_code(job, address))
			continue;
		struct uk_error *err =
			uk_memory_read(job->request->memory, address, code, sizeof(code));
		if (err)
			return err;
		if (memcmp(code, endbr64, sizeof(code)) != 0)
			return uk_error_create(
				UK_ERR_REFUSED,
				"the new code has a pointer to function %s, which has "
				"no landing pad in the running kernel (endbr64): this "
				"processor would not let it be called by a pointer",
				name);
	}
	return NULL;
}

/* Sections that were placed but have no content to compare. */
static struct uk_error *list_places(struct job *job, const struct uk_placement *placement)
{
	for (size_t i = 0; placement && i < placement->object->sections.len; i++) {
		const struct uk_place *place = &placement->places[i];
		const struct uk_section *section = placement->object->sections.data[i];
		if (!place->known || place->compared || place->kind == UK_PLACE_NONE)
			continue;
		struct uk_match_section listed = { .object = placement->number,
						   .address = place->base,
						   .size = section->size };
		struct uk_error *err = uk_strdup(section->name, &listed.name);
		if (err)
			return err;
		if (!uk_vec_push(&job->match->sections, listed)) {
			free(listed.name);
			return uk_error_nomem();
		}
	}
	return NULL;
}

static struct uk_error *run_job(struct job *job)
{
	struct uk_error *err = check_loaded(job);
	for (size_t i = 0; !err && i < job->placements.nr; i++)
		err = place_object(job, i);
	if (!err)
		err = take_copies(job);
	if (!err)
		err = match_functions(job);
	for (size_t i = 0; !err && i < job->update->writes.len; i++)
		err = match_write(job, i);
	for (size_t i = 0; !err && i < job->update->pointers.len; i++)
		err = match_pointer(job, i);
	if (!err)
		err = match_symbols(job);
	if (!err)
		err = check_landing_pads(job);
	for (size_t i = 0; !err && i < job->placements.nr; i++)
		err = list_places(job, job->placements.plain[i]);
	return err;
}

static void job_deinit(struct job *job)
{
	for (size_t i = 0; i < job->placements.nr; i++) {
		if (job->placements.plain)
			uk_placement_destroy(job->placements.plain[i]);
		if (job->placements.prev)
			uk_placement_destroy(job->placements.prev[i]);
	}
	free(job->placements.plain);
	free(job->placements.prev);
	uk_learned_deinit(&job->placements.learned);
	uk_match_destroy(job->match);
}

struct uk_error *uk_match_run(const struct uk_match_request *request, struct uk_match **ret)
{
	uk_version version;
	struct uk_error *err = uk_match_identity(request->update, request->memory);
	if (!err)
		err = uk_version_parse(request->memory->identity.release, &version);
	if (err)
		return err;
	size_t nr = request->update->objects.len;
	uk_cleanup(job_deinit) struct job job = {
		.request = request,
		.update = request->update,
		.placements = { .nr = nr,
				.plain = calloc(nr + 1, sizeof(void *)),
				.prev = calloc(nr + 1, sizeof(void *)) },
		.match = calloc(1, sizeof(struct uk_match)),
	};
	if (!job.placements.plain || !job.placements.prev || !job.match)
		return uk_error_nomem();
	uk_run_init(&job.run, request, version);
	err = run_job(&job);
	if (err)
		return err;
	*ret = uk_take(job.match);
	return NULL;
}

void uk_match_destroy(struct uk_match *match)
{
	if (!match)
		return;
	uk_vec_for_each(function, &match->functions)
		free(function->shared_with);
	uk_vec_for_each(symbol, &match->symbols)
		free(symbol->name);
	uk_vec_for_each(section, &match->sections)
		free(section->name);
	uk_vec_for_each(excluded, &match->excluded) {
		free(excluded->function);
		free(excluded->holder);
	}
	uk_vec_deinit(&match->functions);
	uk_vec_deinit(&match->symbols);
	uk_vec_deinit(&match->writes);
	uk_vec_deinit(&match->pointers);
	uk_vec_deinit(&match->sections);
	uk_vec_deinit(&match->excluded);
	free(match);
}

uint64_t uk_match_address(const struct uk_match *match, const char *name)
{
	uk_vec_for_each(symbol, &match->symbols)
		if (!strcmp(symbol->name, name))
			return symbol->address;
	return 0;
}
