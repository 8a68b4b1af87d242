// SPDX-License-Identifier: GPL-2.0-or-later
/* How far the new kernel's side of a swap is. */
#include "replace/state.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/paths.h"
#include "replace/plan_json.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#define PLAN UK_RESUME_STATE "/plan.json"
#define RESTORED UK_RESUME_STATE "/restored"

enum { PLAN_MAX = 16 << 20 };

struct uk_error *uk_state_write_plan(const struct uk_plan *plan)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_dir_make(RESTORED, 0700);
	if (!err)
		err = uk_plan_to_json(plan, &text);
	return err ? err : uk_file_write(PLAN, text, strlen(text), 0600);
}

struct uk_error *uk_state_read_plan(struct uk_plan *ret)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(PLAN, PLAN_MAX, &text, &len);
	return err ? err : uk_plan_from_json(text, ret);
}

struct uk_error *uk_state_empty_plan(const char *id, struct uk_plan *ret)
{
	struct utsname name;
	uk_plan_deinit(ret);
	*ret = (struct uk_plan){};
	if (uname(&name) < 0)
		return uk_error_errno(errno, "uname");
	struct uk_error *err = uk_strdup(id, &ret->id);
	if (!err)
		err = uk_strdup("", &ret->old_release);
	if (!err)
		err = uk_strdup(name.release, &ret->new_release);
	return err ? err : uk_strdup(name.nodename, &ret->hostname);
}

struct uk_error *uk_state_begin(void)
{
	return uk_file_write(UK_RESUME_BEGUN, "", 0, 0600);
}

bool uk_state_has_begun(void)
{
	return uk_file_exists(UK_RESUME_BEGUN);
}

struct uk_error *uk_state_note_restored(const struct uk_plan_service *service)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, RESTORED "/%s", service->images);
	return err ? err : uk_file_write(path, "", 0, 0600);
}

bool uk_state_is_restored(const struct uk_plan_service *service)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), RESTORED "/%s", service->images);
	return len < (int)sizeof(path) && uk_file_exists(path);
}

void uk_state_remove(void)
{
	uk_error_destroy(uk_tree_remove(UK_RESUME_STATE));
}
