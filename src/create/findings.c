// SPDX-License-Identifier: GPL-2.0-or-later
/* What only a person can judge: collected by name, and refused unless each was accepted. */
#include "create/work.h"

#include "base/strbuf.h"
#include "diff/sections.h"
#include "diff/types.h"

#include <string.h>

static bool is_accepted(const struct uk_create_options *options, const char *name)
{
	for (size_t i = 0; i < options->nr_accepted; i++) {
		if (!strcmp(options->accepted[i], name))
			return true;
	}
	return false;
}

static bool is_known(const struct uk_update *update, const char *name)
{
	uk_vec_for_each(finding, &update->findings) {
		if (!strcmp(finding->name, name))
			return true;
	}
	return false;
}

/* Takes the finding. Several objects may see the same one (a struct of a header): kept once. */
struct uk_error *uk_work_add_finding(struct uk_work *work, struct uk_finding *finding)
{
	struct uk_error *err = NULL;
	if (is_known(work->update, finding->name)) {
		uk_finding_deinit(finding);
		return NULL;
	}
	finding->accepted |= is_accepted(work->options, finding->name);
	if (!uk_vec_push(&work->update->findings, *finding)) {
		uk_finding_deinit(finding);
		err = uk_error_nomem();
	}
	*finding = (struct uk_finding){};
	return err;
}

/*
 * What the comparison of types wants to know of an object's symbols: those that are exported to
 * modules (they stand in the export tables), and variables that begin empty.
 */
struct symbols {
	struct uk_object *object;
	UK_VEC(const char *) exported;
	UK_VEC(const char *) empty;
};

static void symbols_deinit(struct symbols *symbols)
{
	uk_object_destroy(symbols->object);
	uk_vec_deinit(&symbols->exported);
	uk_vec_deinit(&symbols->empty);
}

static bool is_empty_variable(const struct uk_symbol *symbol)
{
	return symbol->place == UK_SYMBOL_DEFINED && symbol->type == STT_OBJECT &&
	       symbol->section->type == SHT_NOBITS;
}

static struct uk_error *load_symbols(const char *path, struct symbols *ret)
{
	struct uk_error *err = uk_object_load(path, &ret->object);
	if (err)
		return err;
	uk_vec_for_each(symbol, &ret->object->symbols) {
		const char *name = uk_exported_name(*symbol);
		if (name && !uk_vec_push(&ret->exported, name))
			return uk_error_nomem();
		if (is_empty_variable(*symbol) && !uk_vec_push(&ret->empty, (*symbol)->name))
			return uk_error_nomem();
	}
	return NULL;
}

/* Names of the object's data that are written in place, each once. */
struct written {
	UK_VEC(const char *) names;
};

static void written_deinit(struct written *written)
{
	uk_vec_deinit(&written->names);
}

static struct uk_error *add_written(struct written *written, const char *name)
{
	uk_vec_for_each(known, &written->names) {
		if (!strcmp(*known, name))
			return NULL;
	}
	return uk_vec_push(&written->names, name) ? NULL : uk_error_nomem();
}

static struct uk_error *list_written(const struct uk_update *update, unsigned int object,
				     struct written *ret)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(write, &update->writes) {
		if (!err && write->object == object)
			err = add_written(ret, write->symbol);
	}
	uk_vec_for_each(pointer, &update->pointers) {
		if (!err && pointer->object == object)
			err = add_written(ret, pointer->symbol);
	}
	return err;
}

static struct uk_error *compare_types_of(struct uk_work *work, const struct uk_pair *pair)
{
	uk_cleanup(symbols_deinit) struct symbols symbols = {};
	uk_cleanup(written_deinit) struct written written = {};
	struct uk_error *err = load_symbols(pair->orig, &symbols);
	if (!err)
		err = list_written(work->update, pair->number, &written);
	if (err)
		return err;
	struct uk_types_input input = {
		.object = pair->touched->patched->object,
		.orig = pair->orig,
		.patched = pair->patched,
		.exported = symbols.exported.data,
		.nr_exported = symbols.exported.len,
		.written = written.names.data,
		.nr_written = written.names.len,
		.empty = symbols.empty.data,
		.nr_empty = symbols.empty.len,
	};
	struct uk_finding *findings = NULL;
	size_t nr = 0;
	err = uk_types_compare(&input, &findings, &nr);
	for (size_t i = 0; i < nr; i++) {
		if (err)
			uk_finding_deinit(&findings[i]);
		else
			err = uk_work_add_finding(work, &findings[i]);
	}
	free(findings);
	return err ? uk_error_wrap(err, "types of %s", input.object) : NULL;
}

/*
 * Only of objects whose code or data changed: a layout that no changed code knows of
 * harms nobody, and one that matters changes code.
 */
static bool is_changed(const struct uk_work *work, const struct uk_pair *pair)
{
	/* Assembly code defines no types. */
	if (uk_str_ends(pair->touched->patched->source, ".S"))
		return false;
	uk_vec_for_each(object, &work->update->objects) {
		if (!strcmp(object->path, pair->touched->patched->object))
			return true;
	}
	return false;
}

struct uk_error *uk_work_compare_types(struct uk_work *work)
{
	for (size_t i = 0; i < work->pairs.len; i++) {
		const struct uk_pair *pair = &work->pairs.data[i];
		if (!pair->orig || !is_changed(work, pair))
			continue;
		uk_progress(work->sink, "compare types", i, work->pairs.len);
		struct uk_error *err = compare_types_of(work, pair);
		if (err)
			return err;
	}
	return NULL;
}

static struct uk_error *refuse_findings(const struct uk_update *update, const char *more)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	size_t nr = 0;
	uk_vec_for_each(finding, &update->findings) {
		if (finding->accepted)
			continue;
		uk_strbuf_addf(&text, "\n  %s (%s)\n    %s", finding->name, finding->place,
			       finding->text);
		nr++;
	}
	uk_auto_free char *list = NULL;
	struct uk_error *err = uk_strbuf_finish(&text, &list);
	if (err)
		return err;
	return uk_error_create(UK_ERR_REFUSED,
			       "%zu finding%s that only a person can judge; take each with "
			       "--accept NAME if it does no harm:%s%s",
			       nr, nr == 1 ? "" : "s", list, more);
}

struct uk_error *uk_work_refuse_findings(const struct uk_work *work, const char *more)
{
	uk_vec_for_each(finding, &work->update->findings) {
		if (!finding->accepted)
			return refuse_findings(work->update, more);
	}
	return NULL;
}

static bool has_function(const struct uk_update *update, enum uk_change change)
{
	uk_vec_for_each(function, &update->functions) {
		if (function->change == change)
			return true;
	}
	return false;
}

/* New code takes effect only through changed code or data that leads to it. */
static struct uk_error *refuse_no_change(const struct uk_work *work)
{
	const struct uk_update *update = work->update;
	if (update->writes.len || update->pointers.len || has_function(update, UK_CHANGE_CHANGED))
		return NULL;
	return uk_error_create(UK_ERR_NOTHING,
			       "the patch changes no code and no data of kernel %s%s",
			       work->tree->release,
			       has_function(update, UK_CHANGE_NEW)
				       ? ": it only adds code, which nothing that runs calls"
				       : "");
}

struct uk_error *uk_work_judge(struct uk_work *work)
{
	const struct uk_create_options *options = work->options;
	struct uk_error *err = uk_work_refuse_findings(work, "");
	if (err)
		return err;
	for (size_t i = 0; i < options->nr_accepted; i++) {
		if (!is_known(work->update, options->accepted[i]))
			uk_remark(work->sink, UK_LEVEL_WARNING,
				  "--accept %s: this patch has no such finding",
				  options->accepted[i]);
	}
	return refuse_no_change(work);
}
