// SPDX-License-Identifier: GPL-2.0-or-later
/* The command that kbuild showed for upkeep/part.c, with another source in it. */
#include "kbuild/module_command.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/dump.h"

#include <string.h>

enum { OURS = 8, SHOWN = 3000 };

struct command {
	char **words;
	size_t nr;
	char *ours[OURS]; /* words made here */
	size_t nr_ours;
	UK_VEC(const char *) argv;
	bool failed;
};

static void command_deinit(struct command *command)
{
	uk_strv_destroy(command->words, command->nr);
	for (size_t i = 0; i < command->nr_ours; i++)
		free(command->ours[i]);
	uk_vec_deinit(&command->argv);
}

static void push(struct command *command, const char *word)
{
	if (!uk_vec_push(&command->argv, word))
		command->failed = true;
}

static void uk_printf(2, 3) pushf(struct command *command, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vasprintf(&command->ours[command->nr_ours], fmt, args);
	va_end(args);
	if (len < 0)
		command->failed = true;
	else
		push(command, command->ours[command->nr_ours++]);
}

static void push_options(struct command *command, const struct uk_module_source *source)
{
	if (source->include)
		pushf(command, "-I%s", source->include);
	pushf(command, "-ffile-prefix-map=%s/=%s/", source->map_from, source->map_to);
	push(command, "-c");
}

/* The last word is the source; names of the part are replaced by ours. */
static void replace_words(struct command *command, const struct uk_module_source *source)
{
	for (size_t i = 0; i + 1 < command->nr && !command->failed; i++) {
		const char *word = command->words[i];
		if (uk_str_starts(word, "-Wp,-M"))
			continue;
		if (uk_str_starts(word, "-DKBUILD_BASENAME="))
			pushf(command, "-DKBUILD_BASENAME=\"%s\"", source->base);
		else if (uk_str_starts(word, "-DKBUILD_MODNAME="))
			pushf(command, "-DKBUILD_MODNAME=\"%s\"", source->module);
		else if (uk_str_starts(word, "-D__KBUILD_MODNAME="))
			pushf(command, "-D__KBUILD_MODNAME=kmod_%s", source->module);
		else if (uk_str_starts(word, "-DKBUILD_MODFILE="))
			pushf(command, "-DKBUILD_MODFILE=\"upkeep/%s\"", source->module);
		else if (!strcmp(word, "-c"))
			push_options(command, source);
		else if (!strcmp(word, "-o")) {
			push(command, word);
			push(command, source->out);
			i++;
		} else
			push(command, word);
	}
	push(command, source->source);
	push(command, NULL);
}

struct uk_error *uk_module_compile(const struct uk_tree *tree,
				   const struct uk_module_source *source)
{
	uk_cleanup(command_deinit) struct command command = {};
	struct uk_error *err =
		uk_command_split(tree->units->cc_module, &command.words, &command.nr);
	if (err)
		return err;
	replace_words(&command, source);
	if (command.failed)
		return uk_error_nomem();
	struct uk_process process = {
		.argv = command.argv.data,
		.env = uk_build_env,
		.dir = tree->dir,
	};
	uk_auto_process_result struct uk_process_result result = {};
	err = uk_process_run(&process, &result);
	if (!err && result.status)
		err = uk_error_create(UK_ERR_INVALID, "%s does not compile:\n%.*s", source->source,
				      SHOWN, result.errout);
	return err;
}
