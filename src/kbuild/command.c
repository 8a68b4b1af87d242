// SPDX-License-Identifier: GPL-2.0-or-later
/* Command lines of kbuild, which are written for a shell, as words. */
#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/unit.h"

#include <string.h>

struct splitter {
	const char *at;
	struct uk_strbuf word;
	UK_VEC(char *) words;
};

static void splitter_deinit(struct splitter *splitter)
{
	uk_strbuf_deinit(&splitter->word);
	uk_strv_destroy(splitter->words.data, splitter->words.len);
}

static struct uk_error *unsupported(const char *at)
{
	return uk_error_create(UK_ERR_INVALID, "command of kbuild needs a shell at '%.40s'", at);
}

static struct uk_error *take_single_quoted(struct splitter *splitter)
{
	const char *end = strchr(splitter->at + 1, '\'');
	if (!end)
		return unsupported(splitter->at);
	uk_strbuf_add(&splitter->word, splitter->at + 1, (size_t)(end - splitter->at - 1));
	splitter->at = end + 1;
	return NULL;
}

static struct uk_error *take_double_quoted(struct splitter *splitter)
{
	const char *at = splitter->at + 1;
	for (; *at && *at != '"'; at++) {
		if (*at == '$' || *at == '`')
			return unsupported(at);
		if (*at == '\\' && at[1] && strchr("\"\\$`", at[1]))
			at++;
		uk_strbuf_add(&splitter->word, at, 1);
	}
	if (!*at)
		return unsupported(splitter->at);
	splitter->at = at + 1;
	return NULL;
}

static struct uk_error *take_plain(struct splitter *splitter)
{
	if (strchr("|&;<>()$`*?[#~\n", *splitter->at))
		return unsupported(splitter->at);
	if (*splitter->at == '\\') {
		if (!splitter->at[1])
			return unsupported(splitter->at);
		splitter->at++;
	}
	uk_strbuf_add(&splitter->word, splitter->at++, 1);
	return NULL;
}

static struct uk_error *take_word(struct splitter *splitter)
{
	struct uk_error *err = NULL;
	uk_strbuf_add(&splitter->word, "", 0);
	while (!err && *splitter->at && !strchr(" \t", *splitter->at)) {
		if (*splitter->at == '\'')
			err = take_single_quoted(splitter);
		else if (*splitter->at == '"')
			err = take_double_quoted(splitter);
		else
			err = take_plain(splitter);
	}
	char *word = NULL;
	if (!err)
		err = uk_strbuf_finish(&splitter->word, &word);
	if (!err && !uk_vec_push(&splitter->words, word)) {
		free(word);
		err = uk_error_nomem();
	}
	return err;
}

struct uk_error *uk_command_split(const char *command, char ***ret, size_t *nr_ret)
{
	uk_cleanup(splitter_deinit) struct splitter splitter = { .at = command };
	for (;;) {
		splitter.at += strspn(splitter.at, " \t");
		if (!*splitter.at)
			break;
		struct uk_error *err = take_word(&splitter);
		if (err)
			return err;
	}
	if (!uk_vec_reserve(&splitter.words, 1))
		return uk_error_nomem();
	splitter.words.data[splitter.words.len] = NULL;
	*ret = splitter.words.data;
	*nr_ret = splitter.words.len;
	splitter.words.data = NULL;
	splitter.words.len = 0;
	return NULL;
}
