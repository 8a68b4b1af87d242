// SPDX-License-Identifier: GPL-2.0-or-later
/* What the new kernel does before the system starts, and once it has started. */
#include "replace/resume.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "replace/adopt.h"
#include "replace/cgroup.h"
#include "replace/criu.h"
#include "replace/hooks.h"
#include "replace/journal.h"
#include "replace/memory.h"
#include "replace/network.h"
#include "replace/paths.h"
#include "replace/plan.h"
#include "replace/plan_json.h"
#include "replace/view.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

struct resume {
	const char *program;
	const struct uk_sink *sink;
	struct uk_swap_key key;
	struct uk_plan plan;
	char *dir;
};

static void resume_deinit(struct resume *resume)
{
	uk_plan_deinit(&resume->plan);
	free(resume->dir);
	sodium_memzero(&resume->key, sizeof(resume->key));
}

/* An error that does not end the others' restoring. */
static void tell(struct resume *resume, struct uk_error *err)
{
	if (err)
		uk_remark(resume->sink, UK_LEVEL_WARNING, "%s", uk_error_message(err));
	uk_error_destroy(err);
}

static void mark(struct resume *resume, const char *phase)
{
	tell(resume, uk_plan_mark(&resume->plan, phase));
}

/* --- before anything else ------------------------------------------------------------ */

static struct uk_error *read_key(struct resume *resume)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(UK_SWAP_KEY, 256, &text, &len);
	unlink(UK_SWAP_KEY);
	if (!err)
		err = uk_swap_key_parse(text, &resume->key);
	if (text)
		sodium_memzero(text, len);
	if (!err)
		err = uk_file_write(UK_SWAP_ID, resume->key.id, strlen(resume->key.id), 0600);
	if (!err)
		err = uk_asprintf(&resume->dir, UK_SWAPS "/%s", resume->key.id);
	return uk_error_wrap(err, "the key of this swap");
}

static struct uk_error *take_over_host(struct resume *resume)
{
	uk_view_mount_host(&resume->plan.mounts, resume->sink);
	struct uk_error *err = uk_cgroup_mount();
	if (!err)
		err = uk_memory_restore(resume->dir);
	if (sethostname(resume->plan.hostname, strlen(resume->plan.hostname)) < 0)
		tell(resume, uk_error_errno(errno, "set the name of this host"));
	return err;
}

/* --- services ------------------------------------------------------------------------ */

struct work {
	const struct resume *resume;
	struct uk_plan_service *service;
	struct uk_stand_in *stand_ins; /* one for each of its streams */
	struct uk_error *err;
	pthread_t thread;
	bool started;
};

static void works_destroy(struct work *works, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		for (size_t n = 0; works[i].stand_ins && n < works[i].service->journal.len; n++)
			uk_stand_in_close(&works[i].stand_ins[n]);
		free(works[i].stand_ins);
	}
	free(works);
}

static struct uk_error *make_stand_ins(struct work *work)
{
	size_t nr = work->service->journal.len;
	struct uk_error *err = NULL;
	work->stand_ins = malloc((nr + 1) * sizeof(*work->stand_ins));
	if (!work->stand_ins)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		work->stand_ins[i] = (struct uk_stand_in){ -1, -1 };
	for (size_t i = 0; !err && i < nr; i++)
		err = uk_journal_stand_in(NULL, &work->service->journal.data[i],
					  &work->stand_ins[i]);
	return err;
}

static void *restore_one(void *arg)
{
	struct work *work = arg;
	if (!work->err)
		work->err = uk_plan_verify(&work->resume->plan, work->resume->dir, work->service);
	if (!work->err)
		work->err = uk_criu_restore(work->service, work->resume->dir, work->stand_ins);
	return NULL;
}

static void note_outcome(struct resume *resume, struct work *work)
{
	if (!work->err)
		return;
	tell(resume, uk_strdup(uk_error_message(work->err), &work->service->trouble));
	tell(resume, uk_error_wrap(work->err, "%s is not restored, and starts afresh",
				   work->service->name));
}

/* Side by side: much of a restore waits for a disk. */
static void restore_all(struct resume *resume, struct work *works)
{
	size_t nr = resume->plan.services.len;
	for (size_t i = 0; i < nr; i++) {
		works[i] = (struct work){ .resume = resume,
					  .service = &resume->plan.services.data[i] };
		works[i].err = make_stand_ins(&works[i]);
	}
	for (size_t i = 0; i < nr; i++) {
		works[i].started = !pthread_create(&works[i].thread, NULL, restore_one, &works[i]);
		if (!works[i].started)
			restore_one(&works[i]);
	}
	for (size_t i = 0; i < nr; i++) {
		if (works[i].started)
			pthread_join(works[i].thread, NULL);
		note_outcome(resume, &works[i]);
	}
}

/* Until the journal takes them. */
static struct uk_error *keep_streams(struct resume *resume, const struct work *works)
{
	UK_VEC(int) fds = {};
	struct uk_error *err = NULL;
	for (size_t i = 0; i < resume->plan.services.len; i++) {
		for (size_t n = 0; !err && n < works[i].service->journal.len; n++) {
			int fd = works[i].stand_ins ? works[i].stand_ins[n].journal : -1;
			if (fd >= 0 && !uk_vec_push(&fds, fd))
				err = uk_error_nomem();
		}
	}
	if (!err && fds.len)
		err = uk_journal_keep(fds.data, fds.len, UK_SWAP_ID);
	uk_vec_deinit(&fds);
	return err;
}

static struct uk_error *restore_services(struct resume *resume)
{
	size_t nr = resume->plan.services.len;
	struct work *works = calloc(nr + 1, sizeof(*works));
	if (!works)
		return uk_error_nomem();
	restore_all(resume, works);
	tell(resume, keep_streams(resume, works));
	works_destroy(works, nr);
	mark(resume, "restore");
	tell(resume, uk_gate_open());
	mark(resume, "open the gate");
	return uk_adopt_prepare(&resume->plan, resume->program);
}

static struct uk_error *write_report(struct resume *resume)
{
	uk_auto_free char *text = NULL, *path = NULL;
	struct uk_error *err = uk_plan_to_json(&resume->plan, &text);
	if (!err)
		err = uk_asprintf(&path, "%s/%s", resume->dir, UK_SWAP_REPORT);
	return err ? err : uk_file_write(path, text, strlen(text), 0600);
}

static struct uk_error *resume_now(struct resume *resume)
{
	struct uk_error *err = read_key(resume);
	if (!err)
		err = uk_plan_read(resume->dir, &resume->key, &resume->plan);
	if (!err)
		err = uk_plan_verify(&resume->plan, resume->dir, NULL);
	if (err)
		return err;
	mark(resume, "jump");
	/* Not before the gate is shut may a packet come in, or one be sent. */
	err = uk_gate_shut(&resume->plan);
	if (!err)
		err = take_over_host(resume);
	if (!err) {
		tell(resume, uk_network_restore(&resume->plan, resume->dir));
		mark(resume, "network");
		err = restore_services(resume);
	}
	tell(resume, uk_gate_open());
	tell(resume, write_report(resume));
	return err;
}

/* Nothing was restored: every kept unit is started as ever. */
static void give_up(struct resume *resume, struct uk_error *err)
{
	uk_vec_for_each(service, &resume->plan.services) {
		if (!service->trouble)
			tell(resume, uk_strdup(uk_error_message(err), &service->trouble));
	}
	tell(resume, err);
	if (resume->plan.services.len)
		tell(resume, uk_adopt_prepare(&resume->plan, resume->program));
	else
		unlink(UK_SWAP_ID); /* nobody knows what it was about */
}

void uk_resume(const char *program, const struct uk_sink *sink)
{
	uk_cleanup(resume_deinit) struct resume resume = { .program = program, .sink = sink };
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	struct uk_error *err = resume_now(&resume);
	if (err)
		give_up(&resume, err);
}

/* --- when the system has started ------------------------------------------------------ */

static struct uk_error *remove_images(const char *dir)
{
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = uk_dir_list(dir, &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		uk_auto_free char *path = NULL;
		if (!strcmp(names[i], UK_SWAP_REPORT))
			continue;
		err = uk_asprintf(&path, "%s/%s", dir, names[i]);
		if (!err)
			err = uk_tree_remove(path);
	}
	uk_strv_destroy(names, nr);
	return err;
}

static struct uk_error *read_report(struct resume *resume)
{
	uk_auto_free char *id = NULL, *path = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(UK_SWAP_ID, 64, &id, &len);
	if (!err && (len != UK_SWAP_ID_LEN || strspn(id, "0123456789abcdef") != len))
		err = uk_error_create(UK_ERR_INVALID, UK_SWAP_ID " does not hold the id of a swap");
	if (!err)
		err = uk_asprintf(&resume->dir, UK_SWAPS "/%s", id);
	if (!err)
		err = uk_asprintf(&path, "%s/%s", resume->dir, UK_SWAP_REPORT);
	if (!err)
		err = uk_file_read(path, 16 << 20, &text, &len);
	return err ? err : uk_plan_from_json(text, &resume->plan);
}

struct uk_error *uk_resume_finish(const struct uk_sink *sink)
{
	uk_cleanup(resume_deinit) struct resume resume = { .sink = sink };
	unsigned int lost = 0;
	struct uk_error *err = read_report(&resume);
	if (!err)
		tell(&resume, uk_journal_hand_over(NULL, &resume.plan));
	if (!err)
		err = uk_adopt_finish(&resume.plan, sink, &lost);
	if (!err)
		err = remove_images(resume.dir);
	if (!err)
		uk_hooks_tell(UK_HOOKS, "restored", &resume.plan, sink);
	if (!err && lost)
		err = uk_error_create(UK_ERR_SYSTEM,
				      "%u of the kept services are not under their "
				      "units",
				      lost);
	unlink(UK_SWAP_ID);
	rmdir("/run/upkeep");
	return err;
}
