// SPDX-License-Identifier: GPL-2.0-or-later
/* Roles of files, by their paths. */
#include "kbuild/role.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "kbuild/regenerate.h"

#include <string.h>

static bool starts_with_one(const char *path, const char *const *prefixes, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (uk_str_starts(path, prefixes[i]))
			return true;
	}
	return false;
}

static bool ends_with_one(const char *path, const char *const *suffixes, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (uk_str_ends(path, suffixes[i]))
			return true;
	}
	return false;
}

static bool has_no_part(const char *path)
{
	static const char *const folders[] = {
		"Documentation/",
		"LICENSES/",
		"tools/",
		"samples/",
		"debian/",
		"scripts/checkpatch",
		"scripts/coccinelle/",
		"scripts/gdb/",
		"usr/",
		"MAINTAINERS",
		"CREDITS",
		"README",
		"COPYING",
	};
	static const char *const suffixes[] = { ".rst",		  ".md",	   ".gitignore",
						".gitattributes", ".clang-format", ".mailmap",
						".dts",		  ".dtsi" };
	return starts_with_one(path, folders, UK_ARRAY_SIZE(folders)) ||
	       ends_with_one(path, suffixes, UK_ARRAY_SIZE(suffixes));
}

/* Other architectures are not built. */
static bool is_foreign(const char *path)
{
	return uk_str_starts(path, "arch/") && strchr(path + 5, '/') &&
	       !uk_str_starts(path, "arch/x86/");
}

/* Programs of the build out of which code comes. */
static bool generates_code(const char *path)
{
	static const char *const programs[] = {
		"scripts/asn1_compiler.c",
		"scripts/selinux/",
		"scripts/bin2c.c",
		"lib/gen_crc32table.c",
		"lib/gen_crc64table.c",
		"lib/raid6/mktables.c",
		"arch/x86/entry/vdso/vdso2c",
		"arch/x86/tools/",
		"drivers/tty/vt/conmakehash.c",
		"fs/unicode/mkutf8data.c",
		"lib/crc32defs.h",
		"security/selinux/ss/genheaders",
	};
	return starts_with_one(path, programs, UK_ARRAY_SIZE(programs));
}

static bool is_linker_script(const char *path)
{
	return uk_str_ends(path, ".lds.S") || uk_str_ends(path, ".lds.h") ||
	       uk_str_ends(path, ".lds");
}

enum uk_role uk_role_of(const char *path)
{
	static const char *const sources[] = { ".c", ".h", ".S", ".inc" };
	if (is_linker_script(path))
		return is_foreign(path) ? UK_ROLE_NONE : UK_ROLE_LAYOUT;
	if (has_no_part(path) || is_foreign(path))
		return UK_ROLE_NONE;
	if (uk_path_is_makefile(path))
		return UK_ROLE_MAKEFILE;
	if (generates_code(path))
		return UK_ROLE_GENERATOR;
	if (uk_str_ends(path, ".tbl") || uk_str_ends(path, ".bc"))
		return UK_ROLE_MAKEFILE;
	if (ends_with_one(path, sources, UK_ARRAY_SIZE(sources)))
		return UK_ROLE_SOURCE;
	return UK_ROLE_UNKNOWN;
}
