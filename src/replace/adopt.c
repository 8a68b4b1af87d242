// SPDX-License-Identifier: GPL-2.0-or-later
/* How restored services come back under systemd. */
#include "replace/adopt.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "replace/session.h"
#include "replace/task.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNITS "/run/systemd/system"
#define PIDS "/run/upkeep/adopt"
#define OWN_UNIT "upkeep-adopt.service"
#define LOGIND "systemd-logind.service"
#define WANTS UNITS "/multi-user.target.wants"

enum {
	SCOPE_TRIES = 100,
	SCOPE_PAUSE_US = 100000,
};

static const char drop_in_name[] = "zz-upkeep-adopt.conf";

/*
 * What a start would do is not done again: the service has been started long ago. The command
 * runs outside of the unit's sandbox (+), which may not let it be executed. With SendSIGKILL=no
 * systemd refuses to start a unit in whose cgroup processes are (src/core/service.c of 252:
 * service_adverse_to_leftover_processes()).
 */
static const char drop_in[] = "# Written by upkeep for one start of this unit; it goes by itself.\n"
			      "[Service]\n"
			      "Type=forking\n"
			      "PIDFile=" PIDS "/%s.pid\n"
			      "ExecCondition=\n"
			      "ExecStartPre=\n"
			      "ExecStart=\n"
			      "ExecStart=+/bin/true\n"
			      "ExecStartPost=\n"
			      "SendSIGKILL=yes\n"
			      "NotifyAccess=%s\n";

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
	struct uk_error *err = check_name(unit);
	if (!err)
		err = uk_asprintf(&link, WANTS "/%s", unit);
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

/* By default, of Type=forking, systemd would not hear what the service has to tell. */
static const char *notify_access(const struct uk_plan_service *service)
{
	static const char *const known[] = { "main", "exec", "all" };
	for (size_t i = 0; service->notify && i < UK_ARRAY_SIZE(known); i++) {
		if (!strcmp(service->notify, known[i]))
			return known[i];
	}
	return "none";
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
		err = uk_asprintf(&text, drop_in, service->unit, notify_access(service));
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

/* One that was not restored is over. */
static struct uk_error *prepare_session(const struct uk_plan_service *service)
{
	return service->trouble ? NULL
				: uk_session_put(uk_host_paths_get(NULL)->systemd, service->unit,
						 service->session);
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
		err = service->session	 ? prepare_session(service)
		      : service->trouble ? want(service->unit)
					 : prepare_unit(service);
		uk_strbuf_addf(&after, "%s ", service->session ? LOGIND : service->unit);
	}
	uk_vec_for_each(service, &plan->afresh) {
		if (!err && service->unit)
			err = want(service->unit);
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
	struct uk_error *err = check_name(unit);
	if (!err)
		err = drop_in_path(unit, &folder, &path);
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

/* Whether systemd has made the scope of a session anew; logind asks for that and does not wait. */
static struct uk_error *check_session(const struct uk_plan_service *service, bool *ret)
{
	struct uk_error *err = NULL;
	*ret = false;
	for (int i = 0; i < SCOPE_TRIES && !err && !*ret; i++) {
		uk_auto_free char *state = NULL, *cgroup = NULL;
		if (i)
			usleep(SCOPE_PAUSE_US);
		err = uk_process_call(&state, "systemctl", "show", "--value", "-p", "ActiveState",
				      service->unit, NULL);
		if (!err)
			err = uk_process_call(&cgroup, "systemctl", "show", "--value", "-p",
					      "ControlGroup", service->unit, NULL);
		if (!err)
			cgroup[strcspn(cgroup, "\n")] = '\0';
		*ret = !err && !strcmp(state, "active\n") && !strcmp(cgroup, service->cgroup);
	}
	return err;
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

static bool has_ended(const struct uk_plan_service *service)
{
	return kill(service->main_pid, 0) < 0 && errno == ESRCH;
}

static struct uk_error *start_afresh(const struct uk_plan_service *service)
{
	struct uk_error *err =
		uk_process_call(NULL, "systemctl", "reset-failed", service->unit, NULL);
	return err ? err
		   : uk_process_call(NULL, "systemctl", "start", "--no-block", service->unit, NULL);
}

static void keep_first(struct uk_error **first, struct uk_error *err)
{
	*first = uk_error_first(*first, err);
}

struct uk_error *uk_adopt_finish(struct uk_plan *plan, const struct uk_sink *sink,
				 unsigned int *lost_ret)
{
	struct uk_error *err = NULL;
	UK_VEC(const struct uk_plan_service *) gone = {};
	unsigned int lost = 0;
	uk_vec_for_each(service, &plan->services) {
		bool taken = false;
		/* No name that leads elsewhere is made a path. */
		struct uk_error *bad = service->unit ? check_name(service->unit) : NULL;
		if (!service->unit || bad) {
			keep_first(&err, bad);
			continue;
		}
		if (!service->trouble)
			keep_first(&err, service->session ? check_session(service, &taken)
							  : check_unit(service, &taken));
		taken |= service->trouble != NULL;
		service->stray = !taken;
		if (!taken) {
			lost++;
			uk_remark(sink, UK_LEVEL_WARNING,
				  "%s: systemd does not have process %d "
				  "as its %s",
				  service->unit, service->main_pid,
				  service->session ? "own" : "main one");
		}
		/* Nobody restarted it: it ended before systemd had it. */
		if (!taken && has_ended(service)) {
			keep_first(&err, uk_strdup("its process ended before systemd had it",
						   &service->trouble));
			if (!service->session && !uk_vec_push(&gone, service))
				keep_first(&err, uk_error_nomem());
		}
		remove_unit(service->unit);
	}
	uk_vec_for_each(service, &plan->afresh) {
		if (service->unit)
			remove_unit(service->unit);
	}
	remove_unit(TMPFILES);
	unlink(WANTS "/" OWN_UNIT);
	rmdir(PIDS);
	rmdir(WANTS); /* unless it has others' */
	/* Whatever failed: what is removed must be forgotten, or a restart runs /bin/true. */
	keep_first(&err, uk_process_call(NULL, "systemctl", "daemon-reload", NULL));
	uk_vec_for_each(service, &gone)
		keep_first(&err, start_afresh(*service));
	uk_vec_deinit(&gone);
	*lost_ret = lost;
	return err;
}

void uk_adopt_remove_unit(void)
{
	unlink(UNITS "/" OWN_UNIT);
}
