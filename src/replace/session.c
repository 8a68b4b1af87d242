// SPDX-License-Identifier: GPL-2.0-or-later
/* Login sessions. */
#include "replace/session.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <string.h>

enum { SESSION_MAX = 65536 };

char *uk_session_id(const char *unit)
{
	static const char digits[] = "0123456789", scope[] = ".scope";
	const char *id = unit + strlen("session-");
	if (!uk_str_starts(unit, "session-"))
		return NULL;
	/* "3" of the audit's number, else "c3" (src/login/logind-dbus.c). */
	size_t len = *id == 'c', nr = strspn(id + len, digits);
	return nr && !strcmp(id + len + nr, scope) ? strndup(id, len + nr) : NULL;
}

static struct uk_error *session_path(const char *systemd, const char *unit, char **ret)
{
	uk_auto_free char *id = uk_session_id(unit);
	return id ? uk_asprintf(ret, "%s/sessions/%s", systemd, id)
		  : uk_error_create(UK_ERR_INVALID, "%s is no session", unit);
}

static bool has_key(const char *line, const char *key)
{
	size_t len = strlen(key);
	return !strncmp(line, key, len) && line[len] == '=';
}

/* Times of this kernel's clock, and what systemd does for the session in this boot. */
static bool is_of_one_boot(const char *line)
{
	return has_key(line, "SCOPE") || has_key(line, "SCOPE_JOB") || has_key(line, "MONOTONIC");
}

static struct uk_error *filter(char *text, char **ret)
{
	uk_auto_strbuf struct uk_strbuf kept = {};
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (has_key(line, "SEAT"))
			return uk_error_create(UK_ERR_REFUSED,
					       "it is on %s, where a login is started on the new "
					       "kernel",
					       line + strlen("SEAT="));
		if (!is_of_one_boot(line))
			uk_strbuf_addf(&kept, "%s\n", line);
	}
	return uk_strbuf_finish(&kept, ret);
}

struct uk_error *uk_session_note(const char *systemd, const char *unit, char **ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = session_path(systemd, unit, &path);
	if (!err)
		err = uk_file_read(path, SESSION_MAX, &text, &len);
	if (!err)
		return filter(text, ret);
	uk_auto_error struct uk_error *lost = err;
	return uk_error_create(UK_ERR_REFUSED, "logind does not know it: %s",
			       uk_error_message(lost));
}

/* Nothing has to be in it that logind does not find out again. */
static struct uk_error *put_user(const char *systemd, const char *text)
{
	uk_auto_free char *uid = uk_str_value(text, "UID"), *folder = NULL, *path = NULL;
	static const char noted[] = "STATE=active\n";
	if (!uid || strspn(uid, "0123456789") != strlen(uid))
		return uk_error_create(UK_ERR_INVALID, "a session has no UID=");
	struct uk_error *err = uk_asprintf(&folder, "%s/users", systemd);
	if (!err)
		err = uk_dir_make(folder, 0755);
	if (!err)
		err = uk_asprintf(&path, "%s/%s", folder, uid);
	return err ? err : uk_file_write(path, noted, strlen(noted), 0644);
}

struct uk_error *uk_session_put(const char *systemd, const char *unit, const char *text)
{
	uk_auto_free char *folder = NULL, *path = NULL;
	struct uk_error *err = session_path(systemd, unit, &path);
	if (!err)
		err = uk_asprintf(&folder, "%s/sessions", systemd);
	if (!err)
		err = uk_dir_make(folder, 0755);
	if (!err)
		err = put_user(systemd, text);
	return err ? err : uk_file_write(path, text, strlen(text), 0644);
}
