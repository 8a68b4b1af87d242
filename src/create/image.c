// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel's image says of itself: read once, for to unpack it takes a tenth of a second. */
#include "create/work.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "match/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { NOTE_MAX = 4096 };

/* What changes when the image is another file: "SIZE SECONDS.NANOSECONDS INODE\n". */
static struct uk_error *image_state(const char *image, char **ret)
{
	struct stat st;
	if (stat(image, &st) < 0)
		return uk_error_errno(errno, "%s", image);
	return uk_asprintf(ret, "%" PRIu64 " %" PRIu64 ".%09lu %" PRIu64 "\n", (uint64_t)st.st_size,
			   (uint64_t)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec,
			   (uint64_t)st.st_ino);
}

/* The note is the state, then the build id, if the image has one, and a newline. */
static struct uk_error *read_note(const char *path, const char *state, bool *known_ret, char **ret)
{
	uk_auto_free char *text = NULL;
	size_t len;
	*known_ret = false;
	if (!uk_file_exists(path))
		return NULL;
	struct uk_error *err = uk_file_read(path, NOTE_MAX, &text, &len);
	if (err || !uk_str_starts(text, state))
		return err;
	char *id = text + strlen(state), *end = strchr(id, '\n');
	if (!end)
		return NULL;
	*known_ret = true;
	*end = '\0';
	return *id ? uk_strdup(id, ret) : NULL;
}

static struct uk_error *write_note(const char *path, const char *state, const char *build_id)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_asprintf(&text, "%s%s\n", state, build_id ? build_id : "");
	return err ? err : uk_file_write(path, text, strlen(text), 0600);
}

/*
 * The build id is in the kernel's own image only. A note that is wrong could do no harm: wherever
 * the update is matched, against that image or a running kernel, build ids are compared.
 */
struct uk_error *uk_work_read_build_id(struct uk_work *work)
{
	uk_auto_free char *state = NULL, *path = NULL;
	uk_auto_memory struct uk_memory *image = NULL;
	bool known = false;
	if (!work->tree->kernel)
		return NULL;
	struct uk_error *err = image_state(work->tree->kernel->image, &state);
	if (!err)
		err = uk_cache_path(work->cache, &path, "kernels/%s/build-id", work->tree->release);
	if (!err)
		err = read_note(path, state, &known, &work->update->build_id);
	if (err || known)
		return err;
	err = uk_memory_open_image(work->tree->kernel->image, &image);
	if (!err && image->identity.build_id)
		err = uk_strdup(image->identity.build_id, &work->update->build_id);
	return err ? err : write_note(path, state, image->identity.build_id);
}
