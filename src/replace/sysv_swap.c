// SPDX-License-Identifier: GPL-2.0-or-later
/* System V IPC of the host on its way, in the old kernel. */
#include "replace/swap.h"

#include "replace/attach.h"
#include "replace/caught.h"
#include "replace/cgroup.h"
#include "replace/hold.h"
#include "replace/sysv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- segments that nobody has attached for a while ---------------------------------------------
 */

/* An errno, or 0. */
static int attach_all(const struct uk_sysv *sysv)
{
	uk_vec_for_each(segment, &sysv->segments) {
		if (shmat(segment->perm.id, NULL, SHM_RDONLY) == (void *)-1)
			return errno;
	}
	return 0;
}

static void await_end(pid_t pid)
{
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	while (end.fd >= 0 && poll(&end, 1, -1) < 0 && errno == EINTR)
		continue;
}

/* Nothing of ours stays open in it: the guardian, and who reads what we print, wait for our end. */
static void __attribute__((noreturn)) be_keeper(pid_t upkeep, pid_t guardian, int ready)
{
	const int good = 0;
	setsid();
	if (write(ready, &good, sizeof(good)) != sizeof(good))
		_exit(1);
	close_range(0, ~0u, 0);
	await_end(upkeep);
	await_end(guardian);
	_exit(0);
}

/*
 * A segment that was removed ends with its last attachment. So a process has all of them attached
 * until this one and its guardian have ended, and nothing has to be put back any more.
 */
static struct uk_error *post_keeper(const struct uk_swap *swap, const struct uk_sysv *sysv)
{
	int ready[2], failed = EIO;
	pid_t upkeep = getpid();
	if (pipe2(ready, O_CLOEXEC) < 0)
		return uk_error_errno(errno, "pipe");
	pid_t keeper = fork();
	if (!keeper) {
		failed = attach_all(sysv);
		if (failed)
			_exit(write(ready[1], &failed, sizeof(failed)) != sizeof(failed));
		be_keeper(upkeep, swap->guardian, ready[1]);
	}
	close(ready[1]);
	if (keeper < 0)
		failed = errno;
	else if (read(ready[0], &failed, sizeof(failed)) != sizeof(failed))
		failed = EIO; /* it was killed */
	close(ready[0]);
	return failed ? uk_error_errno(failed, "keep shared memory attached meanwhile") : NULL;
}

/* --- off ----------------------------------------------------------------------------- */

/* As they are now: also those that came since the services were looked at. */
static struct uk_error *list_attachments(const struct uk_service *service, struct uk_sysv *sysv)
{
	uk_pids pids = {};
	struct uk_error *err = uk_service_list(NULL, service, &pids);
	uk_vec_for_each(pid, &pids) {
		if (!err)
			err = uk_attach_list(*pid, sysv);
	}
	uk_vec_deinit(&pids);
	return uk_error_wrap(err, "%s", service->name);
}

static bool is_among(const uk_pids *pids, const struct uk_sysv *sysv)
{
	uk_vec_for_each(attachment, &sysv->attachments) {
		uk_vec_for_each(pid, pids) {
			if (*pid == attachment->pid)
				return true;
		}
	}
	return false;
}

/* Whether it has any of those in the notes. */
static struct uk_error *has_attached(const struct uk_service *service, const struct uk_sysv *sysv,
				     bool *ret)
{
	uk_pids pids = {};
	*ret = false;
	struct uk_error *err = sysv->attachments.len ? uk_service_list(NULL, service, &pids) : NULL;
	if (!err)
		*ret = is_among(&pids, sysv);
	uk_vec_deinit(&pids);
	return err;
}

static struct uk_error *release(struct uk_hold *hold, struct uk_error *err)
{
	struct uk_error *second = uk_hold_release(hold, true);
	if (!err)
		return second;
	uk_error_destroy(second);
	return err;
}

/* Whether the new kernel can hold it, to attach again, before it runs. */
static bool will_be_held(const struct uk_swap *swap, const struct uk_service *service)
{
	uk_vec_for_each(planned, &swap->plan.services) {
		if (planned->main_pid == service->main_pid)
			return service->kind != UK_SERVICE_TREE &&
			       uk_caught_is_possible(&swap->plan, planned);
	}
	return false;
}

static struct uk_error *take_off(const struct uk_swap *swap, const struct uk_service *service,
				 const struct uk_sysv *sysv)
{
	uk_auto_hold struct uk_hold hold = {};
	if (!will_be_held(swap, service))
		return uk_error_create(UK_ERR_REFUSED,
				       "its processes are in no cgroup of their own, or one within "
				       "another's that is kept, so nothing holds them while their "
				       "shared memory is off");
	struct uk_error *err = uk_hold_take_cgroup(service->cgroup, &hold);
	return err ? err : release(&hold, uk_attach_take_off(&hold, sysv));
}

static struct uk_error *take_off_all(const struct uk_swap *swap, const struct uk_sysv *sysv)
{
	struct uk_error *err = sysv->attachments.len ? post_keeper(swap, sysv) : NULL;
	uk_vec_for_each(service, &swap->keep->services) {
		bool attached = false;
		if (!err)
			err = has_attached(service, sysv, &attached);
		if (!err && attached)
			err = uk_error_wrap(take_off(swap, service, sysv), "%s", service->name);
	}
	return err;
}

struct uk_error *uk_swap_save_sysv(struct uk_swap *swap)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	struct uk_error *err = uk_sysv_read(NULL, &sysv);
	uk_vec_for_each(service, &swap->keep->services) {
		if (!err)
			err = list_attachments(service, &sysv);
	}
	if (err)
		return err;
	uk_sysv_choose(&sysv, swap->keep);
	err = uk_sysv_save(&sysv, swap->store.dir);
	/* Before anything is taken off: who takes it back may have nothing but these notes. */
	if (!err)
		err = uk_sysv_write(&sysv, swap->store.dir);
	return err ? err : take_off_all(swap, &sysv);
}

/* --- and back ------------------------------------------------------------------------ */

static struct uk_error *put_back(const struct uk_service *service, const struct uk_sysv *sysv)
{
	uk_auto_hold struct uk_hold hold = {};
	struct uk_error *err = uk_hold_take_cgroup(service->cgroup, &hold);
	return err ? err : release(&hold, uk_attach_put_back(&hold, sysv));
}

struct uk_error *uk_swap_put_back_sysv(struct uk_swap *swap)
{
	uk_auto_sysv struct uk_sysv sysv = {};
	struct uk_error *err = swap->store.dir ? uk_sysv_load(swap->store.dir, &sysv) : NULL;
	uk_vec_for_each(service, &swap->keep->services) {
		bool attached = false;
		struct uk_error *next = has_attached(service, &sysv, &attached);
		if (!next && attached)
			next = uk_error_wrap(put_back(service, &sysv), "%s", service->name);
		if (err)
			uk_error_destroy(next);
		else
			err = next;
	}
	return err;
}
