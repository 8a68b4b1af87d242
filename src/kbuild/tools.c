// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking for tools before they are needed. */
#include "kbuild/tools.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum where { ALWAYS, OWN_TREE, DISTRIBUTION };

struct tool {
	const char *name; /* a program, or a header as it is included */
	const char *package;
	enum where where;
};

/* Of Debian. What every system has (sh, awk, sed, perl-base) is not among them. */
static const struct tool tools[] = {
	{ "make", "make", ALWAYS },
	{ "gcc", "gcc", ALWAYS }, /* for the kernel's own tools */
	{ "ld", "binutils", ALWAYS },
	{ "objcopy", "binutils", ALWAYS },
	{ "flex", "flex", ALWAYS },
	{ "bison", "bison", ALWAYS },
	{ "bc", "bc", ALWAYS },
	{ "gelf.h", "libelf-dev", ALWAYS },
	{ "openssl/opensslv.h", "libssl-dev", ALWAYS },
	{ "rsync", "rsync", OWN_TREE },
	{ "apt-get", "apt", DISTRIBUTION },
	{ "apt-cache", "apt", DISTRIBUTION },
};

static bool is_there(const char *folder, size_t len, const char *name, int mode)
{
	uk_auto_free char *path = NULL;
	if (asprintf(&path, "%.*s/%s", (int)len, folder, name) < 0) {
		path = NULL;
		return false;
	}
	return !access(path, mode);
}

static bool has_header(const char *name)
{
	static const char *const folders[] = { "/usr/include", "/usr/include/x86_64-linux-gnu",
					       "/usr/local/include" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(folders); i++) {
		if (is_there(folders[i], strlen(folders[i]), name, R_OK))
			return true;
	}
	return false;
}

static bool has_program(const char *name)
{
	const char *path = getenv("PATH");
	for (const char *at = path ? path : "/usr/bin:/bin"; at;) {
		size_t len = strcspn(at, ":");
		if (len && is_there(at, len, name, X_OK))
			return true;
		at = at[len] ? at + len + 1 : NULL;
	}
	return false;
}

static bool is_missing(const struct tool *tool, bool own)
{
	if (tool->where == (own ? DISTRIBUTION : OWN_TREE))
		return false;
	return strstr(tool->name, ".h") ? !has_header(tool->name) : !has_program(tool->name);
}

struct uk_error *uk_tools_check(bool own)
{
	uk_auto_strbuf struct uk_strbuf names = {}, packages = {};
	for (size_t i = 0; i < UK_ARRAY_SIZE(tools); i++) {
		if (!is_missing(&tools[i], own))
			continue;
		uk_strbuf_addf(&names, "%s%s", names.len ? ", " : "", tools[i].name);
		if (!packages.len || !strstr(packages.data, tools[i].package))
			uk_strbuf_addf(&packages, " %s", tools[i].package);
	}
	if (names.failed || packages.failed)
		return uk_error_nomem();
	if (!names.len)
		return NULL;
	return uk_error_create(UK_ERR_SYSTEM,
			       "building needs %s, which is not here: apt-get install%s",
			       names.data, packages.data);
}

static struct uk_error *compiler_version(const char *cc, char **ret)
{
	const char *const argv[] = { cc, "--version", NULL };
	struct uk_process process = { .argv = argv, .env = uk_build_env };
	struct uk_error *err = uk_process_check(&process, ret);
	if (!err)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	return err;
}

/* "=12.2.0-14" of "gcc-12 (Debian 12.2.0-14) 12.2.0", which names the package's version. */
static struct uk_error *package_version(const char *text, char **ret)
{
	static const char mark[] = "(Debian ";
	const char *version = strstr(text, mark);
	if (!version)
		return uk_strdup("", ret);
	version += strlen(mark);
	return uk_asprintf(ret, "=%.*s", (int)strcspn(version, ")"), version);
}

struct uk_error *uk_tools_check_compiler(const char *cc, const char *wanted)
{
	uk_auto_free char *found = NULL, *version = NULL;
	if (!has_program(cc))
		return uk_error_create(UK_ERR_SYSTEM,
				       "the kernel was built by '%s', and %s is not here: apt-get "
				       "install %s",
				       wanted, cc, cc);
	struct uk_error *err = compiler_version(cc, &found);
	if (!err)
		err = package_version(wanted, &version);
	if (err || !strcmp(wanted, found))
		return err;
	return uk_error_create(
		UK_ERR_SYSTEM,
		"the kernel was built by '%s', and %s here is '%s', whose code would "
		"differ: apt-get install %s%s",
		wanted, cc, found, cc, version);
}

struct uk_error *uk_tools_check_space(const char *path, unsigned long long needed)
{
	struct statvfs vfs;
	if (statvfs(path, &vfs) < 0)
		return uk_error_errno(errno, "%s", path);
	unsigned long long there = (unsigned long long)vfs.f_bavail * vfs.f_frsize;
	if (there >= needed)
		return NULL;
	return uk_error_create(UK_ERR_SYSTEM,
			       "%s has %llu MB free, and %llu MB are needed: make room, or name "
			       "another cache with --cache or UPKEEP_CACHE",
			       path, there / 1000000, needed / 1000000 + 1);
}
