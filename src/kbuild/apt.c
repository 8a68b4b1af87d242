// SPDX-License-Identifier: GPL-2.0-or-later
/* apt's programs, by argument vector. */
#include "kbuild/apt.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The cache is closed to apt's own user, who would otherwise fetch. */
#define AS_ROOT "APT::Sandbox::User=root"
#define KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

void uk_apt_package_deinit(struct uk_apt_package *package)
{
	free(package->name);
	free(package->version);
	free(package->source);
	free(package->source_version);
	*package = (struct uk_apt_package){};
}

/* The value of a field of a stanza, or NULL; *len_ret is without what ends the line. */
static const char *find_field(const char *stanza, const char *name, size_t *len_ret)
{
	size_t len = strlen(name);
	for (const char *line = stanza; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!*line || *line == '\n')
			return NULL; /* the end of the first stanza */
		if (strncmp(line, name, len) || line[len] != ':')
			continue;
		const char *value = line + len + 1;
		value += strspn(value, " \t");
		*len_ret = strcspn(value, "\r\n");
		return value;
	}
	return NULL;
}

static struct uk_error *copy_field(const char *stanza, const char *name, char **ret)
{
	size_t len;
	const char *value = find_field(stanza, name, &len);
	if (!value || !len)
		return uk_error_create(UK_ERR_INVALID, "apt-cache show: no field %s", name);
	*ret = strndup(value, len);
	return *ret ? NULL : uk_error_nomem();
}

/*
 * Built-Using: linux (= 6.1.170-3). A signed image is built out of a package of its own
 * (linux-signed-amd64) whose version is spelled differently; this field names the one that
 * has the code.
 */
static struct uk_error *parse_built_using(const char *stanza, struct uk_apt_package *package)
{
	size_t len;
	const char *value = find_field(stanza, "Built-Using", &len);
	size_t name = value ? strcspn(value, " ") : 0;
	if (!value || name + 4 >= len || strncmp(value + name, " (= ", 4)) {
		struct uk_error *err = uk_strdup("linux", &package->source);
		return err ? err : uk_strdup(package->version, &package->source_version);
	}
	const char *version = value + name + 4;
	package->source = strndup(value, name);
	package->source_version = strndup(version, strcspn(version, ")\n"));
	return package->source && package->source_version ? NULL : uk_error_nomem();
}

struct uk_error *uk_apt_parse(const char *stanza, struct uk_apt_package *ret)
{
	uk_auto_apt_package struct uk_apt_package package = {};
	struct uk_error *err = copy_field(stanza, "Package", &package.name);
	if (!err)
		err = copy_field(stanza, "Version", &package.version);
	if (!err)
		err = parse_built_using(stanza, &package);
	if (err)
		return err;
	*ret = package;
	package = (struct uk_apt_package){};
	return NULL;
}

static const char *const c_locale[] = { "LC_ALL=C", NULL };

static struct uk_error *run(const char *const *argv, const char *dir, char **out_ret)
{
	struct uk_process process = { .argv = argv, .dir = dir, .env = c_locale };
	return uk_process_check(&process, out_ret);
}

struct uk_error *uk_apt_show(const char *name, struct uk_apt_package *ret)
{
	const char *const argv[] = { "apt-cache", "show", "--no-all-versions", "--", name, NULL };
	struct uk_process process = { .argv = argv, .env = c_locale };
	uk_auto_process_result struct uk_process_result result = {};
	struct uk_error *err = uk_process_run(&process, &result);
	if (err)
		return err;
	if (result.status || !result.out_len)
		return uk_error_create(UK_ERR_INVALID,
				       "apt knows no package %s; when the kernel is newer than the "
				       "package lists, run apt-get update",
				       name);
	return uk_error_wrap(uk_apt_parse(result.out, ret), "package %s", name);
}

/* 'URI' FILE SIZE HASH, as apt-get download --print-uris says; false when it does not. */
static bool parse_uri_line(const char *line, char **name_ret, unsigned long long *size_ret)
{
	const char *end = *line == '\'' ? strchr(line + 1, '\'') : NULL;
	if (!end || end[1] != ' ')
		return false;
	const char *name = end + 2;
	size_t len = strcspn(name, " \n");
	char *rest;
	errno = 0;
	unsigned long long size = strtoull(name + len, &rest, 10);
	if (!len || memchr(name, '/', len) || errno || rest == name + len)
		return false;
	*name_ret = strndup(name, len);
	*size_ret = size;
	return *name_ret != NULL;
}

static bool has_size(const char *path, unsigned long long size)
{
	struct stat st;
	return !stat(path, &st) && S_ISREG(st.st_mode) && (unsigned long long)st.st_size == size;
}

/* Into a folder of its own first: a file under its final name is whole. */
static struct uk_error *download(const char *debs, const char *spec, const char *name,
				 const char *path)
{
	uk_auto_free char *part = NULL, *fetched = NULL;
	struct uk_error *err = uk_asprintf(&part, "%s/%s.part", debs, name);
	if (!err)
		err = uk_asprintf(&fetched, "%s/%s", part, name);
	if (!err)
		err = uk_dir_make(part, 0700);
	if (err)
		return err;
	const char *const argv[] = { "apt-get", "-q", "-o", AS_ROOT, "download", spec, NULL };
	err = run(argv, part, NULL);
	if (err)
		return uk_error_wrap(err, "fetching %s (apt-get update may help)", spec);
	if (rename(fetched, path) < 0)
		return uk_error_errno(errno, "rename %s", fetched);
	return uk_tree_remove(part);
}

struct uk_error *uk_apt_fetch(const struct uk_cache *cache, const char *name, const char *version,
			      const struct uk_sink *sink, bool *found_ret, char **ret)
{
	uk_auto_free char *spec = NULL, *debs = NULL, *file = NULL, *path = NULL, *step = NULL;
	struct uk_error *err = uk_asprintf(&spec, "%s=%s", name, version);
	if (!err)
		err = uk_cache_path(cache, &debs, "debs");
	if (!err)
		err = uk_dir_make(debs, 0700);
	if (err)
		return err;

	const char *const argv[] = { "apt-get", "-q", "download", "--print-uris", spec, NULL };
	struct uk_process process = { .argv = argv, .env = c_locale };
	uk_auto_process_result struct uk_process_result result = {};
	err = uk_process_run(&process, &result);
	if (err)
		return err;
	unsigned long long size;
	*found_ret = !result.status && parse_uri_line(result.out, &file, &size);
	if (!*found_ret)
		return NULL;
	err = uk_asprintf(&path, "%s/%s", debs, file);
	if (!err)
		err = uk_asprintf(&step, "fetching %s %s, %llu MB", name, version,
				  size / 1000000 + 1);
	if (!err && !has_size(path, size)) {
		uk_progress(sink, step, 0, 1);
		err = download(debs, spec, file, path);
		if (!err && !has_size(path, size))
			err = uk_error_create(UK_ERR_INVALID, "%s: not %llu bytes long", path,
					      size);
		if (!err)
			uk_progress(sink, step, 1, 1);
	}
	if (err)
		return err;
	*ret = uk_take(path);
	return NULL;
}

/* A deb-src line for each place that the system takes Debian's packages from. */
static struct uk_error *source_list(char **ret)
{
	const char *const argv[] = { "apt-get",
				     "indextargets",
				     "--format",
				     "$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)",
				     "Created-By: Packages",
				     NULL };
	uk_auto_free char *out = NULL;
	struct uk_error *err = run(argv, NULL, &out);
	if (err)
		return err;
	uk_auto_strbuf struct uk_strbuf list = {};
	const char *key = uk_file_exists(KEYRING) ? "[signed-by=" KEYRING "] " : "";
	char *save;
	for (char *line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (uk_str_starts(line, "Debian "))
			uk_strbuf_addf(&list, "deb-src %s%s\n", key, line + strlen("Debian "));
	}
	if (!list.len)
		return uk_error_create(UK_ERR_INVALID,
				       "apt has no lists of Debian's packages; run apt-get update");
	return uk_strbuf_finish(&list, ret);
}

/* Options that make apt use lists of its own in the cache. */
struct private_apt {
	char *list, *lists, *parts;
};

static void private_apt_deinit(struct private_apt *apt)
{
	free(apt->list);
	free(apt->lists);
	free(apt->parts);
}

static struct uk_error *private_apt_init(const struct uk_cache *cache, struct private_apt *apt)
{
	uk_auto_free char *lists = NULL, *list = NULL, *text = NULL;
	struct uk_error *err = uk_cache_path(cache, &lists, "apt/lists/partial");
	if (!err)
		err = uk_dir_make(lists, 0700);
	if (!err)
		err = uk_cache_path(cache, &list, "apt/sources.list");
	if (!err)
		err = source_list(&text);
	if (!err)
		err = uk_file_write(list, text, strlen(text), 0600);
	if (!err)
		err = uk_asprintf(&apt->list, "Dir::Etc::SourceList=%s", list);
	if (!err)
		err = uk_strdup("Dir::Etc::SourceParts=/dev/null", &apt->parts);
	if (!err)
		err = uk_asprintf(&apt->lists, "Dir::State::Lists=%s/apt/lists", cache->root);
	return err;
}

static struct uk_error *fetch_source(const struct private_apt *apt, const char *spec,
				     const char *dir)
{
	const char *const update[] = { "apt-get", "-q",	      "-o", AS_ROOT,	"-o",	  apt->list,
				       "-o",	  apt->parts, "-o", apt->lists, "update", NULL };
	const char *const source[] = { "apt-get", "-q",	      "-o",	AS_ROOT,
				       "-o",	  apt->list,  "-o",	apt->parts,
				       "-o",	  apt->lists, "source", "--download-only",
				       spec,	  NULL };
	struct uk_error *err = run(update, NULL, NULL);
	if (!err)
		err = run(source, dir, NULL);
	return uk_error_wrap(err, "fetching the source package %s", spec);
}

static struct uk_error *find_dsc(const char *dir, char **ret)
{
	char **names;
	size_t nr;
	struct uk_error *err = uk_dir_list(dir, &names, &nr);
	if (err)
		return err;
	err = uk_error_create(UK_ERR_INVALID, "%s: apt left no .dsc file there", dir);
	for (size_t i = 0; i < nr; i++) {
		if (uk_str_ends(names[i], ".dsc")) {
			uk_error_destroy(err);
			err = uk_asprintf(ret, "%s/%s", dir, names[i]);
			break;
		}
	}
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_apt_source(const struct uk_cache *cache, const char *source,
			       const char *version, const char *dir, const struct uk_sink *sink)
{
	uk_cleanup(private_apt_deinit) struct private_apt apt = {};
	uk_auto_free char *spec = NULL, *files = NULL, *dsc = NULL;
	struct uk_error *err = private_apt_init(cache, &apt);
	if (!err)
		err = uk_asprintf(&spec, "%s=%s", source, version);
	if (!err)
		err = uk_cache_path(cache, &files, "debs/%s_%s", source, version);
	if (!err)
		err = uk_dir_make(files, 0700);
	if (err)
		return err;
	if (!uk_stamp_exists(files)) {
		uk_progress(sink, "fetching the source package", 0, 1);
		err = fetch_source(&apt, spec, files);
		if (!err)
			err = uk_stamp_write(files);
		if (err)
			return err;
		uk_progress(sink, "fetching the source package", 1, 1);
	}
	err = find_dsc(files, &dsc);
	if (err)
		return err;
	uk_progress(sink, "unpacking the source package", 0, 1);
	/* apt has checked the hashes against the signed lists. */
	const char *const argv[] = { "dpkg-source", "--no-check", "-x", dsc, dir, NULL };
	err = run(argv, files, NULL);
	if (err)
		return uk_error_wrap(err, "unpacking %s", dsc);
	uk_progress(sink, "unpacking the source package", 1, 1);
	return NULL;
}
