// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text that other programs and packages give: configurations, stanzas of apt, what kbuild says
 * of its objects, command lines, modules with CRCs. The first byte says which.
 */
/* rooms: kbuild elf base */
#include "kbuild/apt.h"
#include "kbuild/config.h"
#include "kbuild/path.h"
#include "kbuild/symvers.h"
#include "kbuild/unit.h"

#include "base/file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct uk_error *read_config(const char *text)
{
	uk_auto_config struct uk_config config = {};
	uk_auto_free char *value = NULL;
	struct uk_error *err = uk_config_parse(text, "fuzz", &config);
	return err ? err : uk_config_string(&config, "CONFIG_A", &value);
}

static struct uk_error *read_stanza(const char *text)
{
	uk_auto_apt_package struct uk_apt_package package = {};
	return uk_apt_parse(text, &package);
}

static struct uk_error *read_units(const char *text)
{
	uk_auto_units struct uk_units *units = NULL;
	return uk_units_parse(text, strlen(text), "fuzz", &units);
}

static struct uk_error *read_command(const char *text)
{
	char **words;
	size_t nr;
	struct uk_error *err = uk_command_split(text, &words, &nr);
	if (!err)
		uk_strv_destroy(words, nr);
	return err;
}

/* What a path becomes stays as it is. */
static struct uk_error *read_path(const char *text)
{
	uk_auto_free char *once = NULL, *twice = NULL;
	struct uk_error *err = uk_path_normalise(text, &once);
	if (err)
		return err;
	if (*once == '/' || strstr(once, "/../") || !strncmp(once, "../", 3))
		abort();
	err = uk_path_normalise(once, &twice);
	if (err || strcmp(once, twice))
		abort();
	return NULL;
}

static struct uk_error *read_module(const uint8_t *data, size_t len)
{
	uk_auto_map struct uk_map map = {};
	return uk_symvers_parse(data, len, "fuzz.ko", &map);
}

static struct uk_error *read_one(uint8_t kind, const char *text, size_t len)
{
	switch (kind) {
	case 'c':
		return read_config(text);
	case 's':
		return read_stanza(text);
	case 'u':
		return read_units(text);
	case 'w':
		return read_command(text);
	case 'p':
		return read_path(text);
	default:
		return read_module((const uint8_t *)text, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	uk_auto_free char *text = malloc(len);
	if (!text)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	uk_error_destroy(read_one(data[0], text, len - 1));
	return 0;
}
