// SPDX-License-Identifier: GPL-2.0-or-later
/* Preflight: asks the rules about every resource of every kept process. */
#include "replace/preflight.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/procfs.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TIMER_LIST_LIMIT (64 << 20)
#define BOOT_SECONDS 30 /* kernel threads of later belong to what was started then */

static void deinit_finding(struct uk_preflight_finding *finding)
{
	free(finding->id);
	free(finding->resource);
	free(finding->what);
}

void uk_trial_deinit(struct uk_trial *trial)
{
	free(trial->why);
	free(trial->not_restored);
}

void uk_preflight_deinit(struct uk_preflight *preflight)
{
	uk_vec_for_each(finding, &preflight->findings)
		deinit_finding(finding);
	uk_vec_deinit(&preflight->findings);
	uk_vec_for_each(trial, &preflight->trials)
		uk_trial_deinit(trial);
	uk_vec_deinit(&preflight->trials);
	uk_keep_deinit(&preflight->keep);
	free(preflight->running);
	free(preflight->target);
	free(preflight->criu);
	free(preflight->memory);
}

static struct uk_error *push(struct uk_preflight *preflight, struct uk_preflight_finding *finding)
{
	if (uk_vec_push(&preflight->findings, *finding))
		return NULL;
	deinit_finding(finding);
	return uk_error_nomem();
}

struct uk_error *uk_preflight_add_host(struct uk_preflight *preflight, enum uk_fate verdict,
				       const char *rule, const char *resource, char *what,
				       const char *remedy, const char *source)
{
	struct uk_preflight_finding finding = {
		.verdict = verdict,
		.rule = rule,
		.kind = "host",
		.what = what,
		.remedy = remedy,
		.source = source,
	};
	struct uk_error *err = what ? NULL : uk_error_nomem();
	if (!err)
		err = uk_strdup(resource, &finding.resource);
	if (!err)
		err = uk_asprintf(&finding.id, "%s:%s", rule, resource);
	if (!err)
		return push(preflight, &finding);
	deinit_finding(&finding);
	return err;
}

/* "fd 7 of 812 (redis-server)", and what stands for it in the id: "812:fd7". */
static void name_resource(enum uk_resource resource, const struct uk_rule_subject *subject,
			  struct uk_strbuf *name, struct uk_strbuf *key)
{
	const struct uk_task *task = subject->task;
	uk_strbuf_addf(key, "%d", task->pid);
	switch (resource) {
	case UK_RESOURCE_FD:
	case UK_RESOURCE_SOCKET:
	case UK_RESOURCE_LOCK:
		uk_strbuf_addf(name, "%s %d of ",
			       resource == UK_RESOURCE_LOCK ? "lock on fd" : "fd",
			       subject->fd->number);
		uk_strbuf_addf(key, ":fd%d", subject->fd->number);
		break;
	case UK_RESOURCE_CALL:
		if (subject->thread->tid == task->pid)
			break;
		uk_strbuf_addf(name, "thread %d of ", subject->thread->tid);
		uk_strbuf_addf(key, ":%d", subject->thread->tid);
		break;
	case UK_RESOURCE_MAPPING:
		uk_strbuf_addf(name, "mapping at %llx of ",
			       (unsigned long long)subject->mapping->start);
		uk_strbuf_addf(key, ":%llx", (unsigned long long)subject->mapping->start);
		break;
	case UK_RESOURCE_TIMER:
		uk_strbuf_addf(name, "timer %d of ", subject->timer->id);
		uk_strbuf_addf(key, ":timer%d", subject->timer->id);
		break;
	case UK_RESOURCE_TASK:
		break;
	}
	uk_strbuf_addf(name, "%d (%s)", task->pid, task->comm);
}

static const char *kind_name(enum uk_resource resource, const struct uk_rule_subject *subject)
{
	static const char *const names[] = {
		[UK_RESOURCE_LOCK] = "lock",	   [UK_RESOURCE_CALL] = "thread",
		[UK_RESOURCE_MAPPING] = "mapping", [UK_RESOURCE_TIMER] = "timer",
		[UK_RESOURCE_TASK] = "process",
	};
	return resource == UK_RESOURCE_FD || resource == UK_RESOURCE_SOCKET
		       ? uk_fd_kind_name(subject->fd->kind)
		       : names[resource];
}

static struct uk_error *fill_texts(const struct uk_rule *rule,
				   const struct uk_rule_subject *subject,
				   struct uk_preflight_finding *finding)
{
	uk_auto_strbuf struct uk_strbuf name = {}, key = {}, what = {};
	name_resource(rule->resource, subject, &name, &key);
	if (rule->tell)
		rule->tell(subject, &what);
	else if (rule->what)
		uk_strbuf_addstr(&what, rule->what);
	struct uk_error *err = uk_strbuf_finish(&name, &finding->resource);
	if (!err)
		err = uk_asprintf(&finding->id, "%s:%s:%s", rule->name, subject->service->name,
				  key.data ? key.data : "");
	if (!err && (rule->tell || rule->what))
		err = uk_strbuf_finish(&what, &finding->what);
	return err;
}

static struct uk_error *add_finding(struct uk_preflight *preflight, const struct uk_rule *rule,
				    const struct uk_rule_subject *subject)
{
	struct uk_preflight_finding finding = {
		.verdict = rule->verdict,
		.rule = rule->name,
		.service = subject->service,
		.pid = subject->task->pid,
		.kind = kind_name(rule->resource, subject),
		.remedy = rule->remedy,
		.source = rule->source,
	};
	struct uk_error *err = fill_texts(rule, subject, &finding);
	if (!err)
		return push(preflight, &finding);
	deinit_finding(&finding);
	return err;
}

static struct uk_error *judge(struct uk_preflight *preflight, enum uk_resource resource,
			      const struct uk_rule_subject *subject)
{
	size_t at = 0;
	const struct uk_rule *rule;
	while ((rule = uk_rules_next(resource, subject, &at))) {
		struct uk_error *err = add_finding(preflight, rule, subject);
		if (err || resource != UK_RESOURCE_TASK)
			return err;
	}
	return NULL;
}

static struct uk_error *judge_fd(struct uk_preflight *preflight, struct uk_rule_subject subject)
{
	bool is_socket = subject.fd->kind == UK_FD_SOCKET;
	if (is_socket)
		subject.socket = uk_sockets_find(subject.survey->sockets, subject.fd->ino);
	struct uk_error *err =
		judge(preflight, is_socket ? UK_RESOURCE_SOCKET : UK_RESOURCE_FD, &subject);
	for (size_t i = 0; i < subject.fd->locks.len && !err; i++) {
		subject.lock = &subject.fd->locks.data[i];
		err = judge(preflight, UK_RESOURCE_LOCK, &subject);
	}
	return err;
}

static struct uk_error *judge_task(struct uk_preflight *preflight, struct uk_rule_subject subject)
{
	const struct uk_task *task = subject.task;
	struct uk_error *err = judge(preflight, UK_RESOURCE_TASK, &subject);
	for (size_t i = 0; i < task->fds.len && !err; i++) {
		subject.fd = &task->fds.data[i];
		err = judge_fd(preflight, subject);
	}
	subject.fd = NULL;
	for (size_t i = 0; i < task->threads.len && !err; i++) {
		subject.thread = &task->threads.data[i];
		err = judge(preflight, UK_RESOURCE_CALL, &subject);
	}
	for (size_t i = 0; i < task->mappings.len && !err; i++) {
		subject.mapping = &task->mappings.data[i];
		err = judge(preflight, UK_RESOURCE_MAPPING, &subject);
	}
	for (size_t i = 0; i < task->timers.len && !err; i++) {
		subject.timer = &task->timers.data[i];
		err = judge(preflight, UK_RESOURCE_TIMER, &subject);
	}
	return err;
}

static struct uk_error *judge_services(struct uk_preflight *preflight,
				       const struct uk_survey *survey)
{
	uk_vec_for_each(service, &preflight->keep.services) {
		uk_vec_for_each(task, &service->tasks) {
			struct uk_error *err =
				judge_task(preflight, (struct uk_rule_subject){ .survey = survey,
										.service = service,
										.task = task });
			if (err)
				return err;
		}
	}
	return NULL;
}

/* The start of the first program that still runs, or of BOOT_SECONDS; the first process aside. */
static void take_program(const struct uk_task *task, uint64_t *limit)
{
	if (!task->kernel && task->pid != 1 && task->started < *limit)
		*limit = task->started;
}

/*
 * @highest is the highest number of those that are older than @limit, in ascending order. A
 * booting kernel makes no great leap: after a replacement our own initramfs made it.
 */
static void take_thread(const struct uk_task *task, uint64_t limit, pid_t *highest)
{
	if (task->kernel && task->started < limit && task->pid - *highest < UK_PID_LEAP / 2)
		*highest = task->pid;
}

/*
 * Which numbers threads of the kernel got while it booted, before there were programs: later ones
 * come for what is mounted or configured then, and our initramfs gives such high numbers. Where a
 * boot loader started it, these are too many, for programs of its initramfs that have ended came
 * between.
 */
static struct uk_error *measure_threads(const struct uk_host_paths *paths, pid_t *ret)
{
	uk_pids pids = {};
	uint64_t limit = (uint64_t)sysconf(_SC_CLK_TCK) * BOOT_SECONDS;
	struct uk_error *err = uk_task_list(paths, &pids);
	*ret = 0;
	for (size_t i = 0; i < 2 * pids.len && !err; i++) {
		struct uk_task task;
		uk_auto_error struct uk_error *gone =
			uk_task_read_brief(paths, pids.data[i % pids.len], &task);
		if (gone)
			continue;
		if (i < pids.len)
			take_program(&task, &limit);
		else
			take_thread(&task, limit, ret);
		uk_task_deinit(&task);
	}
	uk_vec_deinit(&pids);
	return err;
}

/*
 * The new kernel boots alike, but may have more: another kind for each processor, or such as test
 * ciphers (trace_event=sched:sched_process_fork on its command line shows them). If a number is
 * taken after all, that is told after the swap, and its service starts afresh.
 */
static pid_t may_be_taken(pid_t highest)
{
	return highest + highest / 4 + 100;
}

static void count_itimers(const struct uk_host_paths *paths, struct uk_survey *survey)
{
	uk_auto_free char *path = NULL, *text = NULL;
	uk_auto_error struct uk_error *hidden =
		uk_asprintf(&path, "%s/timer_list", uk_host_paths_get(paths)->proc);
	if (!hidden)
		hidden = uk_file_read(path, TIMER_LIST_LIMIT, &text, NULL);
	if (hidden)
		return;
	survey->itimers_known = true;
	survey->itimers = uk_proc_count_itimers(text);
}

static struct uk_error *read_mounts(const struct uk_host_paths *paths, uk_mounts *ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/1/mountinfo", uk_host_paths_get(paths)->proc);
	if (!err)
		err = uk_file_read(path, 16 << 20, &text, NULL);
	return err ? err : uk_proc_parse_mountinfo(text, ret);
}

static struct uk_error *find_target(const struct uk_preflight_options *options,
				    struct uk_preflight *preflight, struct uk_boot_kernel **ret)
{
	struct utsname uts;
	uname(&uts);
	struct uk_error *err = uk_strdup(uts.release, &preflight->running);
	if (!err)
		err = options->kernel ? uk_strdup(options->kernel, &preflight->target)
				      : uk_boot_kernel_newest(options->paths, &preflight->target);
	if (!err && preflight->target)
		err = uk_boot_kernel_read(options->paths, preflight->target, ret);
	return err;
}

/* Machine first, then services in their order; the worst first, then in the order found. */
static int compare_findings(const void *a, const void *b)
{
	const struct uk_preflight_finding *one = a, *other = b;
	if (one->service != other->service)
		return one->service < other->service ? -1 : 1;
	if (one->verdict != other->verdict)
		return one->verdict > other->verdict ? -1 : 1;
	int names = strcmp(one->rule, other->rule);
	if (names)
		return names;
	return one->pid != other->pid ? (one->pid > other->pid) - (one->pid < other->pid)
				      : strverscmp(one->id, other->id);
}

static void sort(struct uk_preflight *preflight)
{
	if (preflight->findings.len)
		qsort(preflight->findings.data, preflight->findings.len,
		      sizeof(*preflight->findings.data), compare_findings);
}

struct uk_error *uk_preflight_add_service(struct uk_preflight *preflight,
					  const struct uk_service *service, enum uk_fate verdict,
					  const char *rule, char *what, const char *remedy,
					  const char *source)
{
	struct uk_preflight_finding finding = {
		.verdict = verdict,
		.rule = rule,
		.service = service,
		.kind = "service",
		.what = what,
		.remedy = remedy,
		.source = source,
	};
	struct uk_error *err = what ? NULL : uk_error_nomem();
	if (!err)
		err = uk_strdup(service->name, &finding.resource);
	if (!err)
		err = uk_asprintf(&finding.id, "%s:%s", rule, service->name);
	if (err)
		deinit_finding(&finding);
	else
		err = push(preflight, &finding);
	sort(preflight);
	return err;
}

/* What is borrowed by a survey while it is judged. */
struct looked {
	uk_mounts mounts;
	uk_disks disks;
	struct uk_sysv sysv;
	struct uk_boot_kernel *target;
	struct uk_owners *owners;
	struct uk_sockets *sockets;
};

static void deinit_looked(struct looked *looked)
{
	uk_mounts_deinit(&looked->mounts);
	uk_disks_deinit(&looked->disks);
	uk_sysv_deinit(&looked->sysv);
	uk_boot_kernel_destroy(looked->target);
	uk_owners_destroy(looked->owners);
	uk_sockets_destroy(looked->sockets);
}

static struct uk_error *look(const struct uk_preflight_options *options, struct looked *looked,
			     struct uk_preflight *preflight)
{
	uk_progress(options->sink, "looking at processes", 0, 0);
	struct uk_error *err = find_target(options, preflight, &looked->target);
	if (!err)
		err = uk_keep_resolve(options->paths, options->keep, options->nr_keep,
				      &preflight->keep);
	if (!err)
		err = uk_keep_leave_out(options->paths, options->without, options->nr_without,
					&preflight->keep);
	if (!err)
		err = read_mounts(options->paths, &looked->mounts);
	if (!err)
		err = uk_disks_list(options->paths, &looked->mounts, &looked->disks);
	if (!err)
		err = uk_sysv_read(options->paths, &looked->sysv);
	uk_progress(options->sink, "looking at sockets", 0, 0);
	if (!err)
		err = uk_owners_read(options->paths, &looked->owners);
	if (!err)
		err = uk_sockets_read(options->paths, &preflight->keep, &looked->sockets);
	return err;
}

static struct uk_error *judge_all(const struct uk_preflight_options *options,
				  const struct looked *looked, struct uk_preflight *preflight)
{
	struct uk_survey survey = {
		.paths = options->paths,
		.keep = &preflight->keep,
		.mounts = &looked->mounts,
		.disks = &looked->disks,
		.sysv = &looked->sysv,
		.target = looked->target,
		.owners = looked->owners,
		.sockets = looked->sockets,
	};
	uk_progress(options->sink, "judging", 0, 0);
	struct uk_error *err = measure_threads(options->paths, &survey.highest_thread);
	if (err)
		return err;
	survey.low = may_be_taken(survey.highest_thread);
	count_itimers(options->paths, &survey);
	err = judge_services(preflight, &survey);
	return err ? err : uk_preflight_host(options, &survey, preflight);
}

struct uk_error *uk_preflight_run(const struct uk_preflight_options *options,
				  struct uk_preflight *ret)
{
	struct looked looked = {};
	*ret = (struct uk_preflight){};
	struct uk_error *err = look(options, &looked, ret);
	if (!err)
		err = judge_all(options, &looked, ret);
	deinit_looked(&looked);
	sort(ret);
	return err;
}

size_t uk_preflight_accept(struct uk_preflight *preflight, const char *name)
{
	size_t nr = 0;
	uk_vec_for_each(finding, &preflight->findings) {
		if (strcmp(finding->id, name) && strcmp(finding->rule, name))
			continue;
		finding->accepted = true;
		nr++;
	}
	return nr;
}

size_t uk_preflight_count(const struct uk_preflight *preflight, const struct uk_service *service,
			  enum uk_fate verdict)
{
	size_t nr = 0;
	uk_vec_for_each(finding, &preflight->findings)
		nr += finding->service == service && finding->verdict == verdict;
	return nr;
}

enum uk_fate uk_preflight_worst(const struct uk_preflight *preflight,
				const struct uk_service *service)
{
	enum uk_fate worst = UK_FATE_EXACT;
	uk_vec_for_each(finding, &preflight->findings) {
		if (finding->service == service && !finding->accepted && finding->verdict > worst)
			worst = finding->verdict;
	}
	return worst;
}

struct uk_error *uk_preflight_verdict(const struct uk_preflight *preflight)
{
	size_t findings = 0, services = 0;
	uk_vec_for_each(finding, &preflight->findings)
		findings += finding->verdict == UK_FATE_IMPOSSIBLE && !finding->accepted;
	uk_vec_for_each(service, &preflight->keep.services)
		services += uk_preflight_worst(preflight, service) == UK_FATE_IMPOSSIBLE;
	bool machine = uk_preflight_worst(preflight, NULL) == UK_FATE_IMPOSSIBLE;
	if (!findings)
		return NULL;
	return uk_error_create(
		UK_ERR_REFUSED, "%zu finding%s not possible: %zu of %zu services would be lost%s",
		findings, findings == 1 ? " is" : "s are", services, preflight->keep.services.len,
		machine ? ", and this machine cannot change its kernel so" : "");
}
