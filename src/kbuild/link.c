// SPDX-License-Identifier: GPL-2.0-or-later
/* Linking modules: ld, objtool, what modpost would have added, ld again. */
#include "kbuild/link.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "elf/object.h"
#include "kbuild/dump.h"
#include "kbuild/modinfo.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* MODULE_NAME_LEN less the NUL, on 64 bits (include/linux/module.h). */
enum { NAME_LIMIT = 55, SHOWN = 3000 };

struct link {
	const struct uk_tree *tree;
	const char *name;
	const struct uk_sink *sink;
	char *dir;  /* of temporary files */
	char *part; /* the objects as one */
	char *mod;  /* what modpost would have added */
	struct uk_modinfo info;
};

static void link_deinit(struct link *link)
{
	if (link->dir)
		uk_error_destroy(uk_tree_remove(link->dir));
	free(link->dir);
	free(link->part);
	free(link->mod);
}

static struct uk_error *link_init(struct link *link)
{
	size_t len = strlen(link->name);
	bool ok = len && len <= NAME_LIMIT;
	for (size_t i = 0; ok && i < len; i++)
		ok = isalnum((unsigned char)link->name[i]) || link->name[i] == '_';
	if (!ok)
		return uk_error_create(UK_ERR_USAGE,
				       "'%s' is not a name for a module (1 to %d "
				       "letters, digits and _)",
				       link->name, NAME_LIMIT);
	struct uk_error *err = uk_work_dir(link->tree->cache, &link->dir);
	if (!err)
		err = uk_asprintf(&link->part, "%s/part.o", link->dir);
	return err ? err : uk_asprintf(&link->mod, "%s/mod.o", link->dir);
}

/* Runs ld as kbuild does; with @final as for the .ko, else only to join the objects. */
static struct uk_error *run_linker(const struct link *link, bool final, const char *out,
				   const char *const *objects, size_t nr)
{
	char **words;
	size_t nr_words;
	struct uk_error *err = uk_command_split(link->tree->units->ld, &words, &nr_words);
	if (err)
		return err;
	UK_VEC(const char *) argv = {};
	bool ok = true;
	for (size_t i = 0; ok && i < nr_words; i++) {
		bool script = !strcmp(words[i], "-T") && i + 1 < nr_words;
		if (!final && (script || uk_str_starts(words[i], "--build-id"))) {
			i += script;
			continue;
		}
		ok = uk_vec_push(&argv, words[i]);
	}
	if (ok && final)
		ok = uk_vec_push(&argv, "--strip-debug");
	ok = ok && uk_vec_push(&argv, "-o") && uk_vec_push(&argv, out);
	for (size_t i = 0; ok && i < nr; i++)
		ok = uk_vec_push(&argv, objects[i]);
	ok = ok && uk_vec_push(&argv, NULL);
	struct uk_process process = {
		.argv = argv.data,
		.env = uk_build_env,
		.dir = link->tree->dir,
	};
	err = ok ? uk_process_check(&process, NULL) : uk_error_nomem();
	uk_vec_deinit(&argv);
	uk_strv_destroy(words, nr_words);
	return err;
}

/* objtool's remarks, one by one, without the path of the temporary file. */
static void remark_lines(const struct link *link, char *text)
{
	char *save;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t len = strlen(link->part);
		if (!strncmp(line, link->part, len))
			line += len + strspn(line + len, ": ");
		uk_remark(link->sink, UK_LEVEL_WARNING, "objtool on %s: %s", link->name, line);
	}
}

static struct uk_error *run_objtool(const struct link *link)
{
	const char *args = link->tree->units->objtool;
	char **words = NULL;
	size_t nr = 0;
	if (!args)
		return NULL;
	struct uk_error *err = uk_command_split(args, &words, &nr);
	if (err)
		return err;
	UK_VEC(const char *) argv = {};
	bool ok = uk_vec_push(&argv, "./tools/objtool/objtool");
	bool linked = false;
	for (size_t i = 0; ok && i < nr; i++) {
		linked |= !strcmp(words[i], "--link");
		ok = uk_vec_push(&argv, words[i]);
	}
	/* On 6.1 kbuild runs objtool before it links; here the objects are joined already. */
	if (ok && !linked)
		ok = uk_vec_push(&argv, "--link");
	ok = ok && uk_vec_push(&argv, link->part) && uk_vec_push(&argv, NULL);
	struct uk_process process = {
		.argv = argv.data,
		.env = uk_build_env,
		.dir = link->tree->dir,
	};
	uk_auto_process_result struct uk_process_result result = {};
	err = ok ? uk_process_run(&process, &result) : uk_error_nomem();
	uk_vec_deinit(&argv);
	uk_strv_destroy(words, nr);
	if (err)
		return err;
	if (result.status)
		return uk_error_create(UK_ERR_REFUSED, "objtool on %s (status %d):\n%.*s",
				       link->name, result.status, SHOWN, result.errout);
	remark_lines(link, result.errout);
	return NULL;
}

/* Strings of .modinfo, one NUL-terminated after the other. */
static bool names_license(const struct uk_object *object)
{
	const struct uk_section *section = uk_object_section(object, ".modinfo");
	static const char key[] = "license=";
	return section && section->data &&
	       memmem(section->data, section->size, key, sizeof(key) - 1);
}

static size_t count_returns(const struct uk_section *section)
{
	size_t nr = 0;
	uk_vec_for_each(reloc, &section->relocs)
		nr += !strcmp(reloc->symbol->name, "__x86_return_thunk");
	return nr;
}

/*
 * When something in the code is beyond objtool it says so, leaves the rest as it is, and ends
 * with status 0. Its list of returns tells: every one of the code stands in it.
 */
static struct uk_error *check_objtool(const struct link *link, const struct uk_object *object)
{
	const struct uk_section *sites = uk_object_section(object, ".return_sites");
	size_t returns = 0, listed = sites ? sites->relocs.len : 0;
	uk_vec_for_each(section, &object->sections)
		if (uk_str_starts((*section)->name, ".text"))
			returns += count_returns(*section);
	if (!link->tree->units->objtool || !strstr(link->tree->units->objtool, "--rethunk") ||
	    listed >= returns)
		return NULL;
	return uk_error_create(UK_ERR_REFUSED,
			       "objtool knows %zu of the %zu returns in the code: what it lists "
			       "for the kernel is not complete",
			       listed, returns);
}

static struct uk_error *read_symbols(struct link *link)
{
	uk_auto_object struct uk_object *object = NULL;
	struct uk_error *err = uk_object_load(link->part, &object);
	if (!err)
		err = check_objtool(link, object);
	if (err)
		return err;
	link->info.has_license = names_license(object);
	uk_vec_for_each(item, &object->symbols) {
		const struct uk_symbol *symbol = *item;
		bool defined = symbol->place == UK_SYMBOL_DEFINED;
		link->info.has_init |= defined && !strcmp(symbol->name, "init_module");
		link->info.has_exit |= defined && !strcmp(symbol->name, "cleanup_module");
	}
	return NULL;
}

struct uk_error *uk_link_module(const struct uk_tree *tree, const char *name,
				const char *const *objects, size_t nr, const char *out,
				const struct uk_sink *sink)
{
	uk_cleanup(link_deinit) struct link link = {
		.tree = tree,
		.name = name,
		.sink = sink,
		.info.name = name,
	};
	uk_auto_free char *ko = NULL;
	struct uk_error *err = link_init(&link);
	if (!err)
		err = run_linker(&link, false, link.part, objects, nr);
	if (!err)
		err = run_objtool(&link);
	if (!err)
		err = read_symbols(&link);
	if (!err)
		err = uk_modinfo_make(tree, &link.info, link.dir, link.mod);
	if (!err)
		err = uk_asprintf(&ko, "%s/%s.ko", link.dir, name);
	const char *const both[] = { link.part, link.mod };
	if (!err)
		err = run_linker(&link, true, ko, both, 2);
	if (!err)
		err = uk_file_copy(ko, out, 0644);
	return uk_error_wrap(err, "linking module %s", name);
}
