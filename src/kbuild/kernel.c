// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernels of the distribution: package, image, config, source. */
#include "kbuild/kernel.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "kbuild/apt.h"
#include "kbuild/archive.h"
#include "kbuild/symvers.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

void uk_kernel_destroy(struct uk_kernel *kernel)
{
	if (!kernel)
		return;
	free(kernel->release);
	free(kernel->series);
	free(kernel->version);
	free(kernel->source);
	free(kernel->banner);
	free(kernel->builder);
	free(kernel->image_dir);
	free(kernel->image);
	free(kernel->config);
	free(kernel->modules);
	free(kernel->symvers);
	free(kernel);
}

/* A release becomes part of paths and of package names: only what those may have. */
static struct uk_error *check_release(const char *release)
{
	bool ok = isdigit((unsigned char)release[0]) && strlen(release) < 64;
	for (const char *c = release; ok && *c; c++)
		ok = isalnum((unsigned char)*c) || strchr(".+-~", *c);
	return ok ? NULL
		  : uk_error_create(UK_ERR_USAGE,
				    "'%s' is not a kernel release such as 6.1.0-47-cloud-amd64",
				    release);
}

/* "6.1" of "6.1.0-47-cloud-amd64". */
static struct uk_error *find_series(const char *release, char **ret)
{
	const char *dot = strchr(release, '.');
	size_t len = dot ? (size_t)(dot - release) + 1 : 0;
	len += dot ? strspn(dot + 1, "0123456789") : 0;
	if (!dot || dot[1] < '0' || dot[1] > '9')
		return uk_error_create(UK_ERR_USAGE, "'%s' is not a kernel release", release);
	*ret = strndup(release, len);
	return *ret ? NULL : uk_error_nomem();
}

/*
 * The version string of a bzImage: at 0x20e of the file stands its offset, less 0x200
 * (Documentation/arch/x86/boot.rst): "RELEASE (USER@HOST) BANNER".
 */
static struct uk_error *read_banner(const char *image, char *text, size_t size)
{
	uk_auto_close int fd = open(image, O_RDONLY | O_CLOEXEC);
	uint8_t head[0x210];
	if (fd < 0)
		return uk_error_errno(errno, "open %s", image);
	if (pread(fd, head, sizeof(head), 0) != sizeof(head) || memcmp(head + 0x202, "HdrS", 4))
		return uk_error_create(UK_ERR_INVALID, "%s: is not a bzImage", image);
	off_t offset = uk_get_u16(head + 0x20e) + 0x200;
	ssize_t got = pread(fd, text, size - 1, offset);
	if (got <= 0)
		return uk_error_create(UK_ERR_INVALID, "%s: no version string", image);
	text[got] = '\0';
	return NULL;
}

static struct uk_error *parse_banner(struct uk_kernel *kernel)
{
	char text[512];
	struct uk_error *err = read_banner(kernel->image, text, sizeof(text));
	if (err)
		return err;
	char *open = strstr(text, " ("), *close = open ? strstr(open, ") ") : NULL;
	if (!close)
		return uk_error_create(UK_ERR_INVALID, "%s: unknown version string '%s'",
				       kernel->image, text);
	*open = *close = '\0';
	if (strcmp(text, kernel->release))
		return uk_error_create(UK_ERR_INVALID, "%s: is release %s, not %s", kernel->image,
				       text, kernel->release);
	err = uk_strdup(open + 2, &kernel->builder);
	return err ? err : uk_strdup(close + 2, &kernel->banner);
}

/* What apt said, so that it is not asked again. */
static struct uk_error *write_facts(const struct uk_kernel *kernel, const char *path)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err =
		uk_asprintf(&text, "source %s\nversion %s\n", kernel->source, kernel->version);
	return err ? err : uk_file_write(path, text, strlen(text), 0600);
}

static struct uk_error *read_facts(struct uk_kernel *kernel, const char *path)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(path, 4096, &text, &len);
	if (err)
		return err;
	char *source = text, *version = strstr(text, "\nversion ");
	if (!uk_str_starts(source, "source ") || !version)
		return uk_error_create(UK_ERR_INVALID, "%s: is damaged; remove its folder", path);
	*version = '\0';
	version += strlen("\nversion ");
	version[strcspn(version, "\n")] = '\0';
	err = uk_strdup(source + strlen("source "), &kernel->source);
	return err ? err : uk_strdup(version, &kernel->version);
}

static struct uk_error *unpack_image(const struct uk_cache *cache, struct uk_kernel *kernel,
				     const char *facts, const struct uk_sink *sink)
{
	uk_auto_free char *name = NULL, *deb = NULL;
	uk_auto_apt_package struct uk_apt_package package = {};
	bool found;
	struct uk_error *err = uk_asprintf(&name, "linux-image-%s", kernel->release);
	if (!err)
		err = uk_apt_show(name, &package);
	if (!err)
		err = uk_apt_fetch(cache, name, package.version, sink, &found, &deb);
	if (!err && !found)
		err = uk_error_create(UK_ERR_INVALID, "apt cannot fetch %s=%s; run apt-get update",
				      name, package.version);
	if (!err)
		err = uk_stamp_reset(kernel->image_dir);
	if (!err)
		err = uk_archive_unpack_deb(deb, NULL, false, kernel->image_dir);
	if (err)
		return err;
	kernel->source = uk_take(package.source);
	kernel->version = uk_take(package.source_version);
	return write_facts(kernel, facts);
}

static struct uk_error *image_paths(const struct uk_cache *cache, struct uk_kernel *kernel)
{
	const char *release = kernel->release;
	struct uk_error *err =
		uk_cache_path(cache, &kernel->image_dir, "kernels/%s/image", release);
	const char *dir = kernel->image_dir;
	if (!err)
		err = uk_asprintf(&kernel->image, "%s/boot/vmlinuz-%s", dir, release);
	if (!err)
		err = uk_asprintf(&kernel->config, "%s/boot/config-%s", dir, release);
	if (!err)
		err = uk_asprintf(&kernel->modules, "%s/lib/modules/%s", dir, release);
	if (!err)
		err = uk_cache_path(cache, &kernel->symvers, "kernels/%s/symvers", release);
	return err;
}

static struct uk_error *fetch_locked(const struct uk_cache *cache, struct uk_kernel *kernel,
				     const struct uk_sink *sink)
{
	uk_auto_free char *facts = NULL;
	struct uk_error *err = uk_cache_path(cache, &facts, "kernels/%s/facts", kernel->release);
	if (err)
		return err;
	if (uk_stamp_exists(kernel->image_dir))
		return read_facts(kernel, facts);
	err = unpack_image(cache, kernel, facts, sink);
	if (!err)
		err = uk_symvers_gather(kernel->modules, kernel->symvers, sink);
	return err ? err : uk_stamp_write(kernel->image_dir);
}

struct uk_error *uk_kernel_fetch(const struct uk_cache *cache, const char *release,
				 const struct uk_sink *sink, struct uk_kernel **ret)
{
	uk_auto_close int lock = -1;
	uk_auto_kernel struct uk_kernel *kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return uk_error_nomem();
	struct uk_error *err = check_release(release);
	if (!err)
		err = uk_strdup(release, &kernel->release);
	if (!err)
		err = find_series(release, &kernel->series);
	if (!err)
		err = image_paths(cache, kernel);
	if (!err)
		err = uk_cache_lock(cache, release, sink, &lock);
	if (!err)
		err = fetch_locked(cache, kernel, sink);
	if (!err)
		err = parse_banner(kernel);
	if (err)
		return uk_error_wrap(err, "kernel %s", release);
	*ret = uk_take(kernel);
	return NULL;
}

/* Out of the binary package linux-source-SERIES if there is one of that version. */
static struct uk_error *unpack_source(const struct uk_cache *cache, const struct uk_kernel *kernel,
				      const char *dir, const struct uk_sink *sink)
{
	uk_auto_free char *name = NULL, *deb = NULL, *inner = NULL;
	bool found;
	struct uk_error *err = uk_asprintf(&name, "linux-source-%s", kernel->series);
	if (!err)
		err = uk_asprintf(&inner, "usr/src/%s.tar", name);
	if (!err)
		err = uk_apt_fetch(cache, name, kernel->version, sink, &found, &deb);
	if (err)
		return err;
	if (!found)
		return uk_apt_source(cache, kernel->source, kernel->version, dir, sink);
	uk_progress(sink, "unpacking the source", 0, 1);
	err = uk_archive_unpack_deb(deb, inner, true, dir);
	if (!err)
		uk_progress(sink, "unpacking the source", 1, 1);
	return err;
}

bool uk_kernel_has_source(const struct uk_cache *cache, const struct uk_kernel *kernel)
{
	uk_auto_free char *dir = NULL;
	struct uk_error *err = uk_cache_path(cache, &dir, "sources/%s/linux", kernel->version);
	bool there = !err && uk_stamp_exists(dir);
	uk_error_destroy(err);
	return there;
}

struct uk_error *uk_kernel_source(const struct uk_cache *cache, const struct uk_kernel *kernel,
				  const struct uk_sink *sink, char **ret)
{
	uk_auto_free char *dir = NULL, *lock_name = NULL, *parent = NULL;
	uk_auto_close int lock = -1;
	struct uk_error *err = uk_cache_path(cache, &parent, "sources/%s", kernel->version);
	if (!err)
		err = uk_dir_make(parent, 0700);
	if (!err)
		err = uk_asprintf(&dir, "%s/linux", parent);
	if (!err)
		err = uk_asprintf(&lock_name, "source-%s", kernel->version);
	if (!err)
		err = uk_cache_lock(cache, lock_name, sink, &lock);
	if (!err && !uk_stamp_exists(dir)) {
		err = uk_stamp_reset(dir);
		if (!err)
			err = unpack_source(cache, kernel, dir, sink);
		if (!err)
			err = uk_stamp_write(dir);
	}
	if (err)
		return uk_error_wrap(err, "source of %s", kernel->version);
	*ret = uk_take(dir);
	return NULL;
}
