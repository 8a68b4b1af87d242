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

/* Options whose values are found out by asking a tool. */
static const char *find_package(const char *option)
{
	static const struct {
		const char *prefix, *package;
	} origins[] = {
		{ "CONFIG_PAHOLE_", "dwarves" },
		{ "CONFIG_AS_", "binutils" },
		{ "CONFIG_LD_", "binutils" },
	};
	for (size_t i = 0; i < UK_ARRAY_SIZE(origins); i++) {
		if (uk_str_starts(option, origins[i].prefix))
			return origins[i].package;
	}
	return NULL;
}

struct differences {
	struct uk_strbuf text, packages;
	size_t nr;
};

static void differences_deinit(struct differences *differences)
{
	uk_strbuf_deinit(&differences->text);
	uk_strbuf_deinit(&differences->packages);
}

static void add_difference(struct differences *all, const char *option, const char *wanted,
			   const char *got)
{
	const char *package = find_package(option);
	if (all->nr++ < NAMED_DIFFERENCES)
		uk_strbuf_addf(&all->text, "%s%s=%s, here %s", all->nr > 1 ? "; " : "", option,
			       wanted, got);
	if (package && (!all->packages.len || !strstr(all->packages.data, package)))
		uk_strbuf_addf(&all->packages, " %s", package);
}

static void add_differences(const struct uk_config *from, const struct uk_config *to,
			    bool only_missing, struct differences *all)
{
	uk_map_for_each(entry, &from->options) {
		const char *other = uk_config_get(to, entry->key);
		if (is_exempt(entry->key) ||
		    (other && (only_missing || !strcmp(other, entry->ptr))))
			continue;
		add_difference(all, entry->key, only_missing ? "n" : entry->ptr,
			       only_missing ? entry->ptr
			       : other	    ? other
					    : "n");
	}
}

struct uk_error *uk_config_check(const struct uk_config *wanted, const struct uk_config *got)
{
	uk_cleanup(differences_deinit) struct differences all = {};
	add_differences(wanted, got, false, &all);
	add_differences(got, wanted, true, &all);
	if (!all.nr)
		return NULL;
	if (all.text.failed || all.packages.failed)
		return uk_error_nomem();
	return uk_error_create(UK_ERR_SYSTEM,
			       "the configuration would come out differently in %zu options "
			       "(%s%s): the tools here are not those that built the kernel%s%s",
			       all.nr, all.text.data, all.nr > NAMED_DIFFERENCES ? "; ..." : "",
			       all.packages.len ? "; install the kernel's version of:" : "",
			       all.packages.len ? all.packages.data : "");
}
