// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel configurations. */
#include "kbuild/config.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <string.h>

enum { CONFIG_LIMIT = 4 << 20, NAMED_DIFFERENCES = 6 };

void uk_config_deinit(struct uk_config *config)
{
	uk_map_for_each(entry, &config->options)
		free(entry->ptr);
	uk_map_deinit(&config->options);
}

static struct uk_error *add_option(struct uk_config *config, char *line, const char *name,
				   size_t number)
{
	char *equals = strchr(line, '=');
	if (!uk_str_starts(line, "CONFIG_") || !equals)
		return uk_error_create(UK_ERR_INVALID, "%s:%zu: '%s' is not CONFIG_NAME=value",
				       name, number, line);
	*equals = '\0';
	if (!strcmp(equals + 1, "n"))
		return NULL;
	struct uk_map_entry *entry = uk_map_insert_str(&config->options, line, NULL);
	if (!entry)
		return uk_error_nomem();
	free(entry->ptr);
	entry->ptr = NULL;
	char *value;
	struct uk_error *err = uk_strdup(equals + 1, &value);
	if (!err)
		entry->ptr = value;
	return err;
}

struct uk_error *uk_config_parse(const char *text, const char *name, struct uk_config *ret)
{
	uk_auto_config struct uk_config config = {};
	uk_auto_free char *copy = NULL;
	struct uk_error *err = uk_strdup(text, &copy);
	size_t number = 0;
	for (char *line = copy, *next; !err && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		if (*line && *line != '#')
			err = add_option(&config, line, name, number);
	}
	if (err)
		return err;
	*ret = config;
	config = (struct uk_config){};
	return NULL;
}

struct uk_error *uk_config_load(const char *path, struct uk_config *ret)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(path, CONFIG_LIMIT, &text, &len);
	return err ? err : uk_config_parse(text, path, ret);
}

const char *uk_config_get(const struct uk_config *config, const char *option)
{
	const struct uk_map_entry *entry = uk_map_find_str(&config->options, option);
	return entry ? entry->ptr : NULL;
}

struct uk_error *uk_config_string(const struct uk_config *config, const char *option, char **ret)
{
	const char *value = uk_config_get(config, option);
	*ret = NULL;
	if (!value)
		return NULL;
	size_t len = strlen(value);
	if (len < 2 || value[0] != '"' || value[len - 1] != '"')
		return uk_error_create(UK_ERR_INVALID, "%s=%s is not a string", option, value);
	*ret = strndup(value + 1, len - 2);
	return *ret ? NULL : uk_error_nomem();
}

/* What Debian takes out of the configs that it ships, and what changes no code. */
static bool is_exempt(const char *option)
{
	static const char *const names[] = {
		"CONFIG_MODULE_SIG_KEY",
		"CONFIG_MODULE_SIG_ALL",
		"CONFIG_SYSTEM_TRUSTED_KEYS",
		"CONFIG_BUILD_SALT",
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(names); i++) {
		if (!strcmp(option, names[i]))
			return true;
	}
	return uk_str_starts(option, "CONFIG_RUSTC_") || uk_str_starts(option, "CONFIG_BINDGEN_");
}

static void add_differences(const struct uk_config *from, const struct uk_config *to,
			    bool only_missing, struct uk_strbuf *text, size_t *nr)
{
	uk_map_for_each(entry, &from->options) {
		const char *other = uk_config_get(to, entry->key);
		if (is_exempt(entry->key) ||
		    (other && (only_missing || !strcmp(other, entry->ptr))))
			continue;
		const char *wanted = only_missing ? "n" : entry->ptr;
		const char *got = only_missing ? entry->ptr : other ? other : "n";
		if ((*nr)++ < NAMED_DIFFERENCES)
			uk_strbuf_addf(text, "%s%s=%s, here %s", *nr > 1 ? "; " : "", entry->key,
				       wanted, got);
	}
}

struct uk_error *uk_config_check(const struct uk_config *wanted, const struct uk_config *got)
{
	uk_auto_strbuf struct uk_strbuf text = {};
	size_t nr = 0;
	add_differences(wanted, got, false, &text, &nr);
	add_differences(got, wanted, true, &text, &nr);
	if (!nr)
		return NULL;
	if (text.failed)
		return uk_error_nomem();
	const char *pahole = strstr(text.data, "CONFIG_PAHOLE") ? "; install dwarves" : "";
	return uk_error_create(UK_ERR_REFUSED,
			       "the configuration would come out differently in %zu options "
			       "(%s%s): the tools here are not those that built the kernel%s",
			       nr, text.data, nr > NAMED_DIFFERENCES ? "; ..." : "", pahole);
}
