// SPDX-License-Identifier: GPL-2.0-or-later
/* What the new kernel does before the system starts, and once it has started. */
#include "replace/resume.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/adopt.h"
#include "replace/caught.h"
#include "replace/cgroup.h"
#include "replace/clear.h"
#include "replace/criu.h"
#include "replace/gate.h"
#include "replace/history.h"
#include "replace/home.h"
#include "replace/journal.h"
#include "replace/memory.h"
#include "replace/network.h"
#include "replace/paths.h"
#include "replace/plan.h"
#include "replace/receiver.h"
#include "replace/seat.h"
#include "replace/side.h"
#include "replace/state.h"
#include "replace/store.h"
#include "replace/sysctl.h"
#include "replace/sysv.h"
#include "replace/view.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct resume;

/* Looks whether the images of a service, or a part of them, are as they were written. */
struct proof {
	const struct resume *resume;
	const struct uk_plan_service *service;
	enum uk_plan_part part;
	struct uk_error *err;
};

/* In this order, each for all services. */
static const enum uk_plan_part proof_parts[] = { UK_PLAN_REST, UK_PLAN_PAGES };

struct resume {
	const char *program;
	const struct uk_sink *sink;
	struct uk_swap_key key;
	struct uk_plan plan;
	struct uk_sysv sysv;
	uk_receiver_fds receivers;
	char *folder; /* on the disk */
	struct uk_store store;
	int modules;		    /* a descriptor, see await_modules(); or -1 */
	struct uk_side warm, files; /* one piece of work each */
	struct uk_error *files_err;
	/* By part and service, under way; NULL before, and when all is over. */
	struct proof *proofs;
	struct uk_side proving;
	uint64_t init_ns, began_ns; /* CLOCK_BOOTTIME when init began, and this; 0: not known */
	bool home;
	struct uk_fault fault;
};

static void end_proofs(struct resume *resume)
{
	if (!resume->proofs)
		return;
	uk_side_end(&resume->proving);
	for (size_t i = 0; i < resume->plan.services.len * UK_ARRAY_SIZE(proof_parts); i++)
		uk_error_destroy(resume->proofs[i].err);
	free(resume->proofs);
	resume->proofs = NULL;
}

static void resume_deinit(struct resume *resume)
{
	end_proofs(resume);
	uk_plan_deinit(&resume->plan);
	uk_sysv_deinit(&resume->sysv);
	uk_receiver_fds_deinit(&resume->receivers);
	free(resume->folder);
	uk_store_close(&resume->store);
	uk_cleanup_close(&resume->modules);
	sodium_memzero(&resume->key, sizeof(resume->key));
}

static void mark(struct resume *resume, const char *phase)
{
	uk_remark_error(resume->sink, uk_plan_mark(&resume->plan, phase));
}

static void mark_past(struct resume *resume, const char *phase, uint64_t when)
{
	uk_remark_error(resume->sink, uk_plan_mark_past(&resume->plan, phase,
							uk_clock_read(CLOCK_BOOTTIME) - when));
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
		err = uk_asprintf(&resume->folder, UK_SWAPS "/%s", resume->key.id);
	return uk_error_wrap(err, "the key of this swap");
}

/* By the pipe that init has given us: it ends when the modules are loaded (src/init). */
static void await_modules(const struct resume *resume)
{
	char byte;
	while (resume->modules >= 0 && read(resume->modules, &byte, 1) < 0 && errno == EINTR)
		continue;
}

/*
 * One for all services, beside what else has to be done: it takes longer than the restore of a
 * small one. criu makes a connection to itself, for which the loopback has to be up.
 */
static void warm_up(void *item)
{
	await_modules(item);
	uk_network_raise_loopback();
	uk_criu_warm_up(true);
}

static void restore_files(void *item)
{
	struct resume *resume = item;
	uk_view_mount_host(&resume->plan.mounts, resume->sink);
	struct uk_error *err = uk_cgroup_mount();
	resume->files_err = err ? err : uk_memory_restore(resume->store.dir);
}

/* Some count when a link comes up, some are there only then: see sysctl.h. */
static void restore_network(struct resume *resume)
{
	if (sethostname(resume->plan.hostname, strlen(resume->plan.hostname)) < 0)
		uk_remark_error(resume->sink, uk_error_errno(errno, "set the name of this host"));
	uk_remark_error(resume->sink, uk_sysctl_restore(NULL, resume->store.dir, NULL));
	uk_remark_error(resume->sink, uk_network_restore(&resume->plan, resume->store.dir));
	uk_remark_error(resume->sink, uk_sysctl_restore(NULL, resume->store.dir, resume->sink));
}

/* After the limits that the sysctls set. */
static struct uk_error *restore_sysv(struct resume *resume)
{
	struct uk_error *err = uk_sysv_load(resume->store.dir, &resume->sysv);
	if (!err)
		uk_sysv_make(&resume->sysv, resume->store.dir, resume->sink);
	return err;
}

/* --- services ------------------------------------------------------------------------ */

struct work {
	struct resume *resume;
	struct uk_plan_service *service;
	struct uk_stand_in *stand_ins; /* one for each of its streams */
	uk_nudges nudges;	       /* its connections, whose peers wait */
	struct uk_error *err;
};

static void works_destroy(struct work *works, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (works[i].service)
			uk_stand_ins_destroy(works[i].service, works[i].stand_ins);
		uk_vec_deinit(&works[i].nudges);
	}
	free(works);
}

static void prove_one(void *item)
{
	struct proof *proof = item;
	proof->err = uk_plan_verify(&proof->resume->plan, proof->resume->store.dir, proof->service,
				    proof->part);
}

/*
 * Beside what has to be done before services are restored, much of which waits: who has much memory
 * has much to read.
 */
static struct uk_error *begin_proofs(struct resume *resume)
{
	size_t services = resume->plan.services.len, nr = services * UK_ARRAY_SIZE(proof_parts);
	resume->proofs = calloc(nr + 1, sizeof(*resume->proofs));
	if (!resume->proofs)
		return uk_error_nomem();
	for (size_t i = 0; i < nr; i++)
		resume->proofs[i] =
			(struct proof){ resume, &resume->plan.services.data[i % services],
					proof_parts[i / services], NULL };
	uk_side_begin(&resume->proving, resume->proofs, nr, sizeof(*resume->proofs), prove_one);
	return NULL;
}

/* What became of one part of it, and waits for that; once. */
static struct uk_error *take_proof(struct resume *resume, const struct uk_plan_service *service,
				   enum uk_plan_part part)
{
	size_t number = (size_t)(service - resume->plan.services.data);
	number += part == proof_parts[0] ? 0 : resume->plan.services.len;
	/* Where no thread can be had, nobody has begun. */
	if (!resume->proving.nr_threads)
		return uk_plan_verify(&resume->plan, resume->store.dir, service, part);
	uk_side_await(&resume->proving, number);
	return uk_take(resume->proofs[number].err);
}

/*
 * Pages of memory, which may be many, are proved while criu puts them where they belong, if all
 * processes are caught then: none runs a step before they are known to hold.
 */
static void restore_one(void *item)
{
	struct work *work = item;
	struct resume *resume = work->resume;
	bool caught = uk_caught_is_possible(&resume->plan, work->service);
	if (!work->err)
		work->err = take_proof(resume, work->service, UK_PLAN_REST);
	if (!work->err && !caught)
		work->err = take_proof(resume, work->service, UK_PLAN_PAGES);
	if (!work->err)
		work->err =
			uk_criu_restore(work->service, resume->store.dir, work->stand_ins, caught);
	if (!work->err && caught)
		work->err = take_proof(resume, work->service, UK_PLAN_PAGES);
	if (!work->err)
		work->err = uk_caught_go_on(work->service, &resume->sysv, resume->store.dir, caught,
					    resume->sink, &work->nudges);
	/* Should this process end before all are restored, what is not noted does not count. */
	if (!work->err)
		work->err = uk_state_note_restored(work->service);
}

static void note_outcome(struct resume *resume, struct work *work)
{
	if (!work->err)
		return;
	uk_remark_error(resume->sink, uk_clear_away(work->service));
	uk_remark_error(resume->sink,
			uk_strdup(uk_error_message(work->err), &work->service->trouble));
	uk_remark_error(resume->sink,
			uk_error_wrap(work->err, "%s is not restored, and starts afresh",
				      work->service->name));
}

/* With all that must be known of them if this process does not see their end. */
static struct uk_error *prepare_all(struct resume *resume, struct work *works)
{
	for (size_t i = 0; i < resume->plan.services.len; i++) {
		works[i] = (struct work){ .resume = resume,
					  .service = &resume->plan.services.data[i] };
		works[i].err = uk_stand_ins_make(works[i].service, &works[i].stand_ins);
	}
	return uk_state_write_plan(&resume->plan);
}

/* Side by side: much of a restore waits for a disk. */
static void restore_all(struct resume *resume, struct work *works)
{
	size_t nr = resume->plan.services.len;
	struct uk_side side;
	uk_side_begin(&side, works, nr, sizeof(*works), restore_one);
	for (size_t i = 0; i < nr; i++) {
		uk_side_await(&side, i);
		note_outcome(resume, &works[i]);
		uk_fault_step(&resume->fault);
	}
	uk_side_end(&side);
}

/* Until the journal, and who else receives, take them. */
static struct uk_error *keep_streams(struct resume *resume, const struct work *works)
{
	UK_VEC(int) fds = {};
	struct uk_error *err = NULL;
	uk_vec_for_each(fd, &resume->receivers) {
		if (!err && !uk_vec_push(&fds, *fd))
			err = uk_error_nomem();
	}
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

/* There is none if the way home led here twice. */
static void free_spare(const struct resume *resume)
{
	char path[sizeof(UK_SWAPS) + UK_SWAP_ID_LEN + sizeof("/" UK_SWAP_SPARE)];
	snprintf(path, sizeof(path), UK_SWAPS "/%s/" UK_SWAP_SPARE, resume->key.id);
	unlink(path);
}

static struct uk_error *restore_services(struct resume *resume)
{
	size_t nr = resume->plan.services.len;
	struct work *works = calloc(nr + 1, sizeof(*works));
	if (!works)
		return uk_error_nomem();
	uk_remark_error(resume->sink, uk_receivers_stand_in(&resume->plan, &resume->receivers));
	struct uk_error *err = prepare_all(resume, works);
	/* What runs again changes its files, and answers its peers: never is it restored again. */
	if (!err)
		err = uk_home_close();
	if (!err)
		err = uk_state_begin();
	uk_fault_step(&resume->fault);
	if (!err) {
		free_spare(resume);
		uk_remark_error(resume->sink, uk_seat_restore(resume->store.dir, resume->sink));
		restore_all(resume, works);
		uk_sysv_settle(&resume->sysv, resume->sink);
		uk_remark_error(resume->sink, keep_streams(resume, works));
	}
	if (!err) {
		mark(resume, "restore");
		uk_remark_error(resume->sink, uk_gate_open());
		mark(resume, "open the gate");
	}
	for (size_t i = 0; !err && i < nr; i++)
		uk_remark_error(resume->sink, uk_nudge_send(&works[i].nudges));
	works_destroy(works, nr);
	if (err)
		return err;
	uk_fault_step(&resume->fault);
	return uk_adopt_prepare(&resume->plan, resume->program);
}

/* Whether the images are what these services were last, and this a kernel that was looked at. */
static struct uk_error *check_way_home(struct resume *resume)
{
	struct utsname name;
	const struct uk_plan *plan = &resume->plan;
	resume->plan.came_home = true;
	if (uname(&name) < 0)
		return uk_error_errno(errno, "uname");
	if (strcmp(name.release, plan->old_release) && strcmp(name.release, plan->new_release))
		return uk_error_create(UK_ERR_INVALID,
				       "%s was started, which is neither %s nor %s: have the boot "
				       "loader start the old kernel by default before a swap",
				       name.release, plan->old_release, plan->new_release);
	if (uk_home_last_start() != plan->last_start_ns)
		return uk_error_create(UK_ERR_INVALID,
				       "this system was started once more since the freeze, and "
				       "services have run");
	return NULL;
}

static struct uk_error *read_plan(struct resume *resume)
{
	struct uk_error *err = uk_store_open(resume->folder, &resume->store);
	if (!err)
		err = uk_plan_read(resume->store.dir, &resume->key, &resume->plan);
	if (!err)
		err = uk_plan_verify(&resume->plan, resume->store.dir, NULL, 0);
	if (!err && resume->home)
		err = check_way_home(resume);
	return err ? err : uk_state_write_plan(&resume->plan);
}

/* What has to be done before services are restored, much of it side by side. */
static struct uk_error *prepare(struct resume *resume)
{
	await_modules(resume);
	uk_side_begin(&resume->files, resume, 1, sizeof(*resume), restore_files);
	/* Not before the gate is shut may a packet come in, or one be sent. */
	struct uk_error *err = uk_gate_shut(&resume->plan);
	uk_fault_step(&resume->fault);
	if (!err)
		err = begin_proofs(resume);
	if (!err) {
		mark(resume, "shut the gate");
		restore_network(resume);
		mark(resume, "network");
		uk_fault_step(&resume->fault);
	}
	uk_side_end(&resume->files);
	if (!err)
		err = uk_take(resume->files_err);
	uk_error_destroy(uk_take(resume->files_err));
	if (!err)
		err = restore_sysv(resume);
	if (!err)
		mark(resume, "mounts and files");
	return err;
}

static struct uk_error *begin_and_prepare(struct resume *resume)
{
	struct uk_error *err = read_key(resume);
	uk_fault_step(&resume->fault);
	if (!err)
		err = read_plan(resume);
	if (err)
		return err;
	/* A reset sets the counter of the processor anew. */
	if (!resume->home)
		uk_remark_error(resume->sink, uk_clock_continue(&resume->plan.clock));
	if (resume->init_ns)
		mark_past(resume, "jump", resume->init_ns);
	mark_past(resume, "initramfs", resume->began_ns);
	mark(resume, "read the plan");
	return prepare(resume);
}

static struct uk_error *resume_now(struct resume *resume)
{
	uk_side_begin(&resume->warm, resume, 1, sizeof(*resume), warm_up);
	struct uk_error *err = begin_and_prepare(resume);
	uk_side_end(&resume->warm);
	if (!err) {
		mark(resume, "look at the kernel");
		err = restore_services(resume);
	}
	end_proofs(resume);
	uk_criu_forget();
	return err;
}

/* Nothing was restored: every kept unit is started as ever. */
static void give_up(struct resume *resume, struct uk_error *err)
{
	uk_remark_error(resume->sink, uk_home_close());
	uk_vec_for_each(service, &resume->plan.services) {
		if (!service->trouble)
			uk_remark_error(resume->sink,
					uk_strdup(uk_error_message(err), &service->trouble));
	}
	if (!resume->plan.services.len && *resume->key.id)
		uk_remark_error(resume->sink, uk_state_empty_plan(resume->key.id, &resume->plan));
	resume->plan.came_home = resume->home;
	if (resume->plan.id) {
		uk_remark_error(resume->sink,
				uk_strdup(uk_error_message(err), &resume->plan.trouble));
		uk_remark_error(resume->sink, uk_adopt_prepare(&resume->plan, resume->program));
	}
	uk_remark_error(resume->sink, err);
}

/* The kernel's first process has none that would find anything. */
void uk_resume_set_path(void)
{
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
}

/*
 * If this kernel is to blame, the old one may still restore everything; what does not hold here
 * would not hold there.
 */
static bool can_go_home(const struct uk_error *err)
{
	return uk_error_kind(err) != UK_ERR_INVALID && !uk_state_has_begun() && uk_home_is_open();
}

/* From init, which began before this. */
static uint64_t read_start(uint64_t now)
{
	const char *text = getenv("UPKEEP_INIT_NS");
	uint64_t ns = text ? strtoull(text, NULL, 10) : 0;
	return ns < now ? ns : 0;
}

static int take_modules(void)
{
	const char *text = getenv("UPKEEP_MODULES_FD");
	int fd = text ? atoi(text) : -1;
	unsetenv("UPKEEP_MODULES_FD");
	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

/* For who goes on with it (state.h), and a report for who asks meanwhile. */
static struct uk_error *write_down(struct resume *resume)
{
	struct uk_error *err = uk_state_write_plan(&resume->plan);
	return err ? err : uk_history_write(&resume->plan, UK_SWAP_OPEN, NULL, resume->folder);
}

bool uk_resume(const char *program, bool home, const struct uk_sink *sink)
{
	uk_cleanup(resume_deinit) struct resume resume = { .program = program,
							   .store = { .fd = -1 },
							   .home = home,
							   .sink = sink,
							   .began_ns =
								   uk_clock_read(CLOCK_BOOTTIME) };
	resume.init_ns = read_start(resume.began_ns);
	resume.modules = take_modules();
	uk_resume_set_path();
	uk_fault_init(&resume.fault);
	struct uk_error *err = resume_now(&resume);
	if (err && can_go_home(err)) {
		/* The gate stays shut: the old kernel still knows these connections. */
		uk_remark_error(resume.sink, uk_error_wrap(err, "nothing is restored here"));
		return false;
	}
	if (err)
		uk_remark_error(resume.sink, uk_gate_open());
	/* What has begun is told service by service. */
	if (err && uk_state_has_begun())
		uk_remark_error(resume.sink, err);
	else if (err)
		give_up(&resume, err);
	if (resume.plan.id)
		uk_remark_error(resume.sink, write_down(&resume));
	return true;
}
