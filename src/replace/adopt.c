// SPDX-License-Identifier: GPL-2.0-or-later
/* How restored services come back under systemd. */
#include "replace/adopt.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNITS "/run/systemd/system"
#define PIDS "/run/upkeep/adopt"
#define OWN_UNIT "upkeep-adopt.service"
#define WANTS UNITS "/multi-user.target.wants"

static const char drop_in_name[] = "zz-upkeep-adopt.conf";

/*
 * What a start would do is not done again: the service has been started long ago. The command
 * runs outside of the unit's sandbox (+), which may not let it be executed.
 */
static const char drop_in[] = "# Written by upkeep for one start of this unit; it goes by itself.\n"
			      "[Service]\n"
			      "Type=forking\n"
			      "PIDFile=" PIDS "/%s.pid\n"
			      "ExecCondition=\n"
			      "ExecStartPre=\n"
			      "ExecStart=\n"
			      "ExecStart=+/bin/true\n"
			      "ExecStartPost=\n";

static const char own_unit[] = "[Unit]\n"
			       "Description=Hand restored services back to their units\n"
			       "After=%s\n"
			       "[Service]\n"
			       "Type=oneshot\n"
			       "ExecStart=%s --finish\n";

/* The command of systemd 252 without --remove. */
#define TMPFILES "systemd-tmpfiles-setup.service"
static const char tmpfiles[] = "# Written by upkeep for one boot; it goes by itself.\n"
			       "[Service]\n"
			       "ExecStart=\n"
			       "ExecStart=systemd-tmpfiles --create --boot --exclude-prefix=/dev\n";

/* A name that can stand in a path and in a unit file. */
static struct uk_error *check_name(const char *unit)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";
	size_t len = strlen(unit);
	if (!len || strspn(unit, allowed) != len || *unit == '.')
		return uk_error_create(UK_ERR_INVALID, "%s is not the name of a unit", unit);
	return NULL;
}

static struct uk_error *write_text(const char *path, const char *text, mode_t mode)
{
	return uk_file_write(path, text, strlen(text), mode);
}

/* So that systemd starts it even if nothing else asks for it. */
static struct uk_error *want(const char *unit)
{
	uk_auto_free char *link = NULL, *target = NULL;
	struct uk_error *err = uk_asprintf(&link, WANTS "/%s", unit);
	if (!err)
		err = uk_asprintf(&target, "../%s", unit);
	if (!err && symlink(target, link) < 0 && errno != EEXIST)
		err = uk_error_errno(errno, "%s", link);
	return err;
}

static struct uk_error *drop_in_path(const char *unit, char **folder_ret, char **ret)
{
	struct uk_error *err = uk_asprintf(folder_ret, UNITS "/%s.d", unit);
	return err ? err : uk_asprintf(ret, "%s/%s", *folder_ret, drop_in_name);
}

static struct uk_error *pid_path(const char *unit, char **ret)
{
	return uk_asprintf(ret, PIDS "/%s.pid", unit);
}

static struct uk_error *prepare_unit(const struct uk_plan_service *service)
{
	uk_auto_free char *folder = NULL, *path = NULL, *pids = NULL, *text = NULL, *pid = NULL;
	struct uk_error *err = check_name(service->unit);
	if (!err)
		err = drop_in_path(service->unit, &folder, &path);
	if (!err)
		err = uk_dir_make(folder, 0755);
	if (!err)
		err = uk_asprintf(&text, drop_in, service->unit);
	if (!err)
		err = write_text(path, text, 0644);
	if (!err)
		err = pid_path(service->unit, &pids);
	if (!err)
		err = uk_asprintf(&pid, "%d\n", service->main_pid);
	if (!err)
		err = write_text(pids, pid, 0644);
	return err ? err : want(service->unit);
}

static struct uk_error *keep_files(void)
{
	uk_auto_free char *folder = NULL, *path = NULL;
	struct uk_error *err = drop_in_path(TMPFILES, &folder, &path);
	if (!err)
		err = uk_dir_make(folder, 0755);
	return err ? err : write_text(path, tmpfiles, 0644);
}

struct uk_error *uk_adopt_prepare(const struct uk_plan *plan, const char *program)
{
	uk_auto_strbuf struct uk_strbuf after = {};
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_dir_make(WANTS, 0755);
	if (!err)
		err = uk_dir_make(PIDS, 0755);
	if (!err)
		err = keep_files();
	for (size_t i = 0; !err && i < plan->services.len; i++) {
		const struct uk_plan_service *service = &plan->services.data[i];
		if (!service->unit)
			continue;
		err = service->trouble ? want(service->unit) : prepare_unit(service);
		uk_strbuf_addf(&after, "%s ", service->unit);
	}
	uk_strbuf_addstr(&after, "");
	if (!err && after.failed)
		err = uk_error_nomem();
	if (!err)
		err = uk_asprintf(&text, own_unit, after.data, program);
	if (!err)
		err = write_text(UNITS "/" OWN_UNIT, text, 0644);
	if (!err)
		err = want(OWN_UNIT);
	return uk_error_wrap(err, "hand services back to systemd");
}

/* --- afterwards ---------------------------------------------------------------------- */

static void remove_unit(const char *unit)
{
	uk_auto_free char *folder = NULL, *path = NULL, *pids = NULL, *link = NULL;
	struct uk_error *err = drop_in_path(unit, &folder, &path);
	if (!err)
		err = pid_path(unit, &pids);
	if (!err)
		err = uk_asprintf(&link, WANTS "/%s", unit);
	if (!err) {
		unlink(path);
		rmdir(folder);
		unlink(pids);
		unlink(link);
	}
	uk_error_destroy(err);
}

/* Whether systemd has the process that was restored as the main one of its unit. */
static struct uk_error *check_unit(const struct uk_plan_service *service, bool *ret)
{
	uk_auto_free char *pid = NULL, *state = NULL;
	struct uk_error *err = uk_process_call(&pid, "systemctl", "show", "--value", "-p",
					       "MainPID", service->unit, NULL);
	if (!err)
		err = uk_process_call(&state, "systemctl", "show", "--value", "-p", "ActiveState",
				      service->unit, NULL);
	if (!err)
		*ret = strtol(pid, NULL, 10) == service->main_pid && !strcmp(state, "active\n");
	return err;
}

struct uk_error *uk_adopt_finish(const struct uk_plan *plan, const struct uk_sink *sink,
				 unsigned int *lost_ret)
{
	struct uk_error *err = NULL;
	unsigned int lost = 0;
	uk_vec_for_each(service, &plan->services) {
		bool taken = false;
		if (!service->unit)
			continue;
		err = check_name(service->unit);
		if (!err && !service->trouble)
			err = check_unit(service, &taken);
		if (err)
			break;
		taken |= service->trouble != NULL;
		if (!taken) {
			lost++;
			uk_remark(sink, UK_LEVEL_WARNING,
				  "%s: systemd does not have process %d "
				  "as its main one",
				  service->unit, service->main_pid);
		}
		remove_unit(service->unit);
	}
	remove_unit(TMPFILES);
	unlink(WANTS "/" OWN_UNIT);
	unlink(UNITS "/" OWN_UNIT);
	rmdir(PIDS);
	rmdir(WANTS); /* unless it has others' */
	if (!err)
		err = uk_process_call(NULL, "systemctl", "daemon-reload", NULL);
	*lost_ret = lost;
	return err;
}
