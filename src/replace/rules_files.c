// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules for descriptors that are no sockets, for file locks and for mappings. */
#include "replace/rules.h"

#include "replace/seat.h"
#include "replace/view.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#define DISK_H "src/replace/disk.h"
#define OTHER_DISK "have it on the root file system, or on a disk or partition of its own"
#define FILES_C "CRIU 3.17.1, criu/files.c: dump_one_file()"

static bool is_io_uring(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_IO_URING;
}

static bool is_bpf(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_BPF;
}

static bool is_perf(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_PERF;
}

static bool is_userfault(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_USERFAULTFD;
}

static bool is_pidfd(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_PIDFD;
}

static bool is_anonymous(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_ANON;
}

static void tell_anonymous(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what, "%s is of a kind that the checkpoint does not know",
		       subject->fd->link);
}

static bool is_block(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_BLOCK;
}

static void tell_device(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what,
		       "%s (device %u:%u) has state in its driver that is lost with the kernel",
		       subject->fd->link, major(subject->fd->rdev), minor(subject->fd->rdev));
}

static bool is_device(const struct uk_rule_subject *subject, unsigned int number)
{
	return subject->fd->kind == UK_FD_DEVICE && major(subject->fd->rdev) == number;
}

/* /dev/null, zero, full, random, urandom, kmsg and, as plain paths, mem and port */
static bool is_memory_device(const struct uk_rule_subject *subject)
{
	return is_device(subject, MEM_MAJOR);
}

static bool is_seat_input(const struct uk_rule_subject *subject)
{
	return uk_seat_is_input(subject->fd);
}

/* Of other interfaces: /dev/input/mice, /dev/input/js0 */
static bool is_input(const struct uk_rule_subject *subject)
{
	return is_device(subject, INPUT_MAJOR);
}

static bool is_screen(const struct uk_rule_subject *subject)
{
	return uk_seat_is_screen(subject->fd);
}

static bool is_tun(const struct uk_rule_subject *subject)
{
	return is_device(subject, MISC_MAJOR) && minor(subject->fd->rdev) == 200;
}

static bool is_autofs(const struct uk_rule_subject *subject)
{
	return is_device(subject, MISC_MAJOR) && minor(subject->fd->rdev) == 235;
}

static bool is_other_device(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_DEVICE;
}

static bool is_foreign_pipe(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_PIPE &&
	       uk_owners_outside(subject->survey->owners, subject->fd->ino, subject->survey->keep,
				 subject->service);
}

static void tell_foreign_pipe(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	pid_t pid = uk_owners_outside(subject->survey->owners, subject->fd->ino,
				      subject->survey->keep, subject->service);
	uk_strbuf_addstr(what, "the pipe is also open in ");
	uk_subject_name_process(subject, pid, what);
	uk_strbuf_addstr(what, ": what it writes or reads there would be cut off without a word");
}

static bool is_dead_namespace(const struct uk_rule_subject *subject)
{
	if (subject->fd->kind != UK_FD_NAMESPACE)
		return false;
	uk_vec_for_each(task, &subject->service->tasks) {
		for (size_t i = 0; i < UK_NS_NR; i++) {
			if (task->ns[i] == subject->fd->ino)
				return false;
		}
	}
	return true;
}

static bool is_alarm_timer(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_TIMERFD &&
	       (subject->fd->timer.clock == CLOCK_REALTIME_ALARM ||
		subject->fd->timer.clock == CLOCK_BOOTTIME_ALARM);
}

static bool is_expired_interval(const struct uk_rule_subject *subject)
{
	const struct uk_timerfd *timer = &subject->fd->timer;
	return subject->fd->kind == UK_FD_TIMERFD && timer->interval && timer->ticks;
}

static bool is_absolute(const struct uk_rule_subject *subject)
{
	const struct uk_timerfd *timer = &subject->fd->timer;
	return subject->fd->kind == UK_FD_TIMERFD && timer->clock == CLOCK_REALTIME &&
	       (timer->flags & 1) && timer->left;
}

static bool is_packet_pipe(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_PIPE && (subject->fd->flags & O_DIRECT);
}

static bool has_edges(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_EPOLL && subject->fd->edges;
}

static bool is_semaphore(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_EVENTFD && subject->fd->semaphore;
}

static bool may_be_semaphore(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_EVENTFD && !subject->fd->semaphore_told;
}

static bool is_watch(const struct uk_rule_subject *subject)
{
	return (subject->fd->kind == UK_FD_INOTIFY || subject->fd->kind == UK_FD_FANOTIFY) &&
	       subject->fd->watches;
}

static bool is_file(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_FILE || subject->fd->kind == UK_FD_FOLDER ||
	       subject->fd->kind == UK_FD_FIFO;
}

/* An open queue is a file of the kernel's own mount, which no table shows. */
static bool is_message_queue(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_FILE && subject->fd->fs == 0x19800202; /* ipc/mqueue.c */
}

static bool is_lost_mount(const struct uk_rule_subject *subject)
{
	const struct uk_mount *mount = is_file(subject) ? uk_subject_mount(subject) : NULL;
	const struct uk_boot_kernel *target = subject->survey->target;
	return mount && target && uk_boot_kernel_has_modules(target) &&
	       !uk_boot_kernel_can_mount(target, mount->type);
}

static void tell_lost_mount(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	const struct uk_mount *mount = uk_subject_mount(subject);
	uk_strbuf_addf(what, "%s lies on %s (%s), which kernel %s cannot mount", subject->fd->link,
		       mount->point, mount->type, uk_boot_kernel_release(subject->survey->target));
}

static bool is_big_ghost(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_FILE && subject->fd->deleted &&
	       subject->fd->size > UK_GHOST_LIMIT;
}

static void tell_big_ghost(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what,
		       "%s holds %llu MiB, and a file without a name goes into the image "
		       "whole, up to %llu MiB",
		       subject->fd->link, (unsigned long long)subject->fd->size >> 20,
		       UK_GHOST_LIMIT >> 20);
}

/* A file that has a name, in memory that the new kernel begins empty. */
static const struct uk_mount *memory_mount(const struct uk_rule_subject *subject)
{
	const struct uk_mount *mount =
		is_file(subject) && !subject->fd->deleted ? uk_subject_mount(subject) : NULL;
	return mount && uk_view_is_memory(mount->type) ? mount : NULL;
}

/* Where every start of a machine mounts one, and what upkeep carries lies. */
static bool is_carried_place(const char *point)
{
	return !strcmp(point, "/run") || uk_str_starts(point, "/run/") || !strcmp(point, "/tmp") ||
	       !strcmp(point, "/dev/shm");
}

/* By any of the places where the host shows the file system; a service's own goes along whole. */
static bool is_carried_memory(const struct uk_rule_subject *subject)
{
	const struct uk_mount *mount = memory_mount(subject);
	if (!mount)
		return false;
	uk_vec_for_each(other, subject->survey->mounts) {
		if (other->dev == mount->dev && is_carried_place(other->point))
			return true;
	}
	return subject->task->mounts.len;
}

static bool is_other_memory(const struct uk_rule_subject *subject)
{
	return memory_mount(subject);
}

static void tell_other_memory(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what, "%s lies in memory at %s, which is empty on the new kernel",
		       subject->fd->link, uk_subject_mount(subject)->point);
}

static const struct uk_disk *find_disk(const struct uk_rule_subject *subject, dev_t dev)
{
	const struct uk_disk *disk = dev ? uk_disks_find(subject->survey->disks, dev) : NULL;
	return disk != uk_disks_root(subject->survey->disks) ? disk : NULL;
}

/* By its mount, for btrfs has a number for each subvolume; without one by the file's own. */
static const struct uk_disk *disk_of_file(const struct uk_rule_subject *subject)
{
	if (!is_file(subject) || !subject->fd->stat_ok)
		return NULL;
	const struct uk_mount *mount = uk_subject_mount(subject);
	return find_disk(subject, mount ? mount->dev : subject->fd->dev);
}

static bool is_on_lost_disk(const struct uk_rule_subject *subject)
{
	const struct uk_disk *disk = disk_of_file(subject);
	return disk && disk->trouble;
}

static void tell_lost_disk(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	const struct uk_disk *disk = disk_of_file(subject);
	uk_strbuf_addf(what, "%s lies on the file system at %s: %s", subject->fd->link, disk->point,
		       disk->trouble);
}

static bool is_on_other_disk(const struct uk_rule_subject *subject)
{
	return disk_of_file(subject);
}

static bool maps_lost_disk(const struct uk_rule_subject *subject)
{
	const struct uk_disk *disk = find_disk(subject, subject->mapping->dev);
	return disk && disk->trouble;
}

static void tell_mapped_disk(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	const struct uk_disk *disk = find_disk(subject, subject->mapping->dev);
	uk_strbuf_addf(what, "%s is mapped, from the file system at %s: %s", subject->mapping->path,
		       disk->point, disk->trouble);
}

/* The folder that the process is in, or its root. */
static const struct uk_disk *lost_folder(const struct uk_rule_subject *subject)
{
	const struct uk_disk *cwd = find_disk(subject, subject->task->cwd_dev);
	const struct uk_disk *root = find_disk(subject, subject->task->root_dev);
	return cwd && cwd->trouble ? cwd : root && root->trouble ? root : NULL;
}

static bool is_in_lost_folder(const struct uk_rule_subject *subject)
{
	return lost_folder(subject);
}

static void tell_lost_folder(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	const struct uk_disk *disk = lost_folder(subject);
	uk_strbuf_addf(what, "it works in a folder of the file system at %s: %s", disk->point,
		       disk->trouble);
}

/* Opened again by its name, as it has no mount to be found by: see uk_plan_outside. */
static bool is_deleted_outside(const struct uk_rule_subject *subject)
{
	return is_file(subject) && subject->fd->deleted &&
	       uk_fd_is_outside(subject->fd,
				uk_task_mounts(subject->task, subject->survey->mounts));
}

static bool is_delegation(const struct uk_rule_subject *subject)
{
	return !strcmp(subject->lock->kind, "DELEG");
}

static bool maps_screen(const struct uk_rule_subject *subject)
{
	unsigned int number;
	return subject->mapping->kind == UK_MAPPING_DEVICE &&
	       uk_seat_maps_screen(subject->mapping, &number);
}

static bool maps_device(const struct uk_rule_subject *subject)
{
	return subject->mapping->kind == UK_MAPPING_DEVICE;
}

static void tell_mapping(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what,
		       "%s is mapped: memory of a device is lost with the kernel that drives it",
		       subject->mapping->path);
}

static bool maps_ring(const struct uk_rule_subject *subject)
{
	return subject->mapping->kind == UK_MAPPING_IO_URING ||
	       subject->mapping->kind == UK_MAPPING_PERF ||
	       subject->mapping->kind == UK_MAPPING_SECRET;
}

static void tell_ring(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what, "%s is mapped, which the checkpoint cannot read",
		       subject->mapping->path);
}

static bool maps_huge(const struct uk_rule_subject *subject)
{
	return subject->mapping->kind == UK_MAPPING_HUGETLB;
}

static bool maps_aio(const struct uk_rule_subject *subject)
{
	return subject->mapping->kind == UK_MAPPING_AIO;
}

static const struct uk_rule rules[] = {
	{ "io-uring", UK_RESOURCE_FD, is_io_uring, UK_FATE_IMPOSSIBLE,
	  "a ring of io_uring, which the checkpoint refuses",
	  "let the program do without (its setting, or kernel.io_uring_disabled=2 from 6.6 on) "
	  "and restart it",
	  FILES_C ": not among the anonymous inodes that are known; tried" },
	{ "bpf", UK_RESOURCE_FD, is_bpf, UK_FATE_IMPOSSIBLE,
	  "an object of BPF: programs and maps are lost with the kernel",
	  "let the service be started afresh on the new kernel",
	  FILES_C ": maps only with libbpf, which Debian's build has not" },
	{ "perf", UK_RESOURCE_FD, is_perf, UK_FATE_IMPOSSIBLE, "a counter of perf_event_open(2)",
	  "end the measurement first", FILES_C },
	{ "userfaultfd", UK_RESOURCE_FD, is_userfault, UK_FATE_IMPOSSIBLE,
	  "it handles page faults itself (userfaultfd)", NULL, FILES_C },
	{ "pidfd", UK_RESOURCE_FD, is_pidfd, UK_FATE_IMPOSSIBLE,
	  "a pidfd, which this CRIU cannot carry", "CRIU 4.1 or newer can carry it",
	  FILES_C ": criu/pidfd.c came with 4.1" },
	{ "anonymous-inode", UK_RESOURCE_FD, is_anonymous, UK_FATE_IMPOSSIBLE, NULL, NULL,
	  FILES_C ", dump_unsupp_fd()", tell_anonymous },
	{ "block-device", UK_RESOURCE_FD, is_block, UK_FATE_IMPOSSIBLE, NULL,
	  "let the program close the device", FILES_C ": no S_ISBLK; tried", tell_device },
	{ "memory-device", UK_RESOURCE_FD, is_memory_device, UK_FATE_EXACT,
	  "opened again by its name", NULL, "CRIU 3.17.1, criu/files.c: dump_chrdev()" },
	{ "autofs", UK_RESOURCE_FD, is_autofs, UK_FATE_EXACT, "opened again by its name", NULL,
	  "CRIU 3.17.1, criu/files.c: dump_chrdev()" },
	{ "input", UK_RESOURCE_FD, is_seat_input, UK_FATE_CHANGED,
	  "a keyboard or mouse is found again by its name and its place; events not read yet are "
	  "lost, a key that is held down is not told to have been let go, and times of events are "
	  "by CLOCK_REALTIME",
	  NULL, "src/plugin/seat.c; drivers/input/evdev.c" },
	{ "input-device", UK_RESOURCE_FD, is_input, UK_FATE_IMPOSSIBLE, NULL,
	  "let the program close it, or use /dev/input/event*", "dump_chrdev(); tried: refused",
	  tell_device },
	{ "screen", UK_RESOURCE_FD, is_screen, UK_FATE_REPAIRED,
	  "a framebuffer is found again by its device, with its mode and its pixels", NULL,
	  "src/plugin/seat.c, src/replace/seat.c; drivers/video/fbdev/core" },
	{ "tun", UK_RESOURCE_FD, is_tun, UK_FATE_IMPOSSIBLE,
	  "a tun or tap interface of the host's network", "stop the tunnel before the swap",
	  "CRIU 3.17.1, criu/tun.c: only in a network namespace that is dumped" },
	{ "device", UK_RESOURCE_FD, is_other_device, UK_FATE_IMPOSSIBLE, NULL,
	  "let the program close the device", "CRIU 3.17.1, criu/files.c: dump_chrdev()",
	  tell_device },
	{ "foreign-pipe", UK_RESOURCE_FD, is_foreign_pipe, UK_FATE_IMPOSSIBLE, NULL,
	  "keep both in one service, or restart this one without the pipe",
	  "CRIU 3.17.1, criu/pipes.c: each dump makes its own pipe", tell_foreign_pipe },
	{ "packet-pipe", UK_RESOURCE_FD, is_packet_pipe, UK_FATE_IMPOSSIBLE,
	  "a pipe in packet mode (O_DIRECT), which the checkpoint refuses", NULL,
	  "tried: criu/pipes.c:490" },
	{ "epoll-edge", UK_RESOURCE_FD, has_edges, UK_FATE_CHANGED,
	  "an edge that epoll has told already (EPOLLET) is told once more", NULL,
	  "tried: epoll-edge-seen in docs/replace-criu.md" },
	{ "eventfd-semaphore", UK_RESOURCE_FD, is_semaphore, UK_FATE_CHANGED,
	  "a semaphore of eventfd(2) becomes a counter: a read takes all of it", NULL,
	  "tried: eventfd-semaphore in docs/replace-criu.md" },
	{ "eventfd-untold", UK_RESOURCE_FD, may_be_semaphore, UK_FATE_CHANGED,
	  "if this eventfd is a semaphore (EFD_SEMAPHORE), it becomes a counter, and a read takes "
	  "all of it; this kernel tells nobody whether it is one",
	  NULL, "kernel, fs/eventfd.c: eventfd_show_fdinfo(), before 6.5" },
	{ "foreign-namespace", UK_RESOURCE_FD, is_dead_namespace, UK_FATE_IMPOSSIBLE,
	  "it holds a namespace that no process of the service is in", NULL,
	  "CRIU 3.17.1, criu/namespaces.c: dump_one_ns_file()" },
	{ "timerfd-alarm", UK_RESOURCE_FD, is_alarm_timer, UK_FATE_IMPOSSIBLE,
	  "a timerfd that wakes the machine (CLOCK_REALTIME_ALARM and the like): not tried", NULL,
	  "CRIU 3.17.1, criu/timerfd.c" },
	{ "timerfd-expired", UK_RESOURCE_FD, is_expired_interval, UK_FATE_REPAIRED,
	  "a repeating timerfd that has expired and was not read: its count goes on, and it fires "
	  "again when it should",
	  NULL, "timerfd-expired-repeat in docs/replace-criu.md; src/replace/note_timerfd.c" },
	{ "timerfd-absolute", UK_RESOURCE_FD, is_absolute, UK_FATE_REPAIRED,
	  "a timerfd for a time of day fires at that time, or right after the swap", NULL,
	  "timerfd-real in docs/replace-criu.md; src/replace/note_timerfd.c" },
	{ "watches", UK_RESOURCE_FD, is_watch, UK_FATE_CHANGED,
	  "watches stay, but events that are not read at the freeze, and those of the time of the "
	  "swap, are lost",
	  NULL, "CRIU 3.17.1, criu/fsnotify.c: dump_one_inotify() drops queued events" },
	{ "message-queue", UK_RESOURCE_FD, is_message_queue, UK_FATE_IMPOSSIBLE,
	  "a POSIX message queue, which ends with the kernel, and with it what is queued", NULL,
	  "CRIU 3.17.1 has no code for mqueue; mq_overview(7)" },
	{ "file-system", UK_RESOURCE_FD, is_lost_mount, UK_FATE_IMPOSSIBLE, NULL,
	  "install the module for the new kernel", "modules.alias of the new kernel: fs-TYPE",
	  tell_lost_mount },
	{ "lost-disk", UK_RESOURCE_FD, is_on_lost_disk, UK_FATE_IMPOSSIBLE, NULL, OTHER_DISK,
	  DISK_H, tell_lost_disk },
	{ "unlinked-outside", UK_RESOURCE_FD, is_deleted_outside, UK_FATE_IMPOSSIBLE,
	  "a file without a name, open by a mount that its namespace does not have",
	  "let the program close the file", "src/replace/plan.h: struct uk_plan_outside" },
	{ "big-unlinked-file", UK_RESOURCE_FD, is_big_ghost, UK_FATE_IMPOSSIBLE, NULL,
	  "let the program close the file", "CRIU --ghost-limit", tell_big_ghost },
	{ "file-in-memory", UK_RESOURCE_FD, is_carried_memory, UK_FATE_REPAIRED,
	  "on a file system in memory, whose files that are in use upkeep carries over", NULL,
	  "tmpfs begins empty" },
	{ "file-in-other-memory", UK_RESOURCE_FD, is_other_memory, UK_FATE_IMPOSSIBLE, NULL,
	  "have the file on a disk, in /run or in /dev/shm", "tmpfs begins empty",
	  tell_other_memory },
	{ "other-disk", UK_RESOURCE_FD, is_on_other_disk, UK_FATE_REPAIRED,
	  "on another disk than /, which is mounted again before services are restored", NULL,
	  DISK_H },
	{ "descriptor", UK_RESOURCE_FD, NULL, UK_FATE_EXACT, NULL, NULL, FILES_C },

	{ "delegation", UK_RESOURCE_LOCK, is_delegation, UK_FATE_CHANGED,
	  "a delegation of a file server is given up", NULL,
	  "CRIU 3.17.1, criu/file-lock.c: FL_POSIX, FL_FLOCK, FL_OFD, FL_LEASE" },
	{ "lock", UK_RESOURCE_LOCK, NULL, UK_FATE_EXACT, NULL, NULL,
	  "CRIU 3.17.1, criu/file-lock.c, with --file-locks" },

	{ "mapped-from-lost-disk", UK_RESOURCE_MAPPING, maps_lost_disk, UK_FATE_IMPOSSIBLE, NULL,
	  OTHER_DISK, DISK_H, tell_mapped_disk },
	{ "screen-memory", UK_RESOURCE_MAPPING, maps_screen, UK_FATE_REPAIRED,
	  "a framebuffer is mapped again, with its pixels", NULL,
	  "src/plugin/seat.c; CRIU 3.17.1, criu/files-reg.c: UPDATE_VMA_MAP" },
	{ "device-memory", UK_RESOURCE_MAPPING, maps_device, UK_FATE_IMPOSSIBLE, NULL, NULL,
	  "CRIU 3.17.1, criu/proc_parse.c: VM_IO and VM_PFNMAP are VMA_UNSUPP", tell_mapping },
	{ "special-memory", UK_RESOURCE_MAPPING, maps_ring, UK_FATE_IMPOSSIBLE, NULL, NULL,
	  "CRIU 3.17.1, criu/proc_parse.c: handle_vma()", tell_ring },
	{ "huge-pages", UK_RESOURCE_MAPPING, maps_huge, UK_FATE_CHANGED,
	  "huge pages: the new kernel must have as many reserved before the restore", NULL,
	  "CRIU 3.17.1, criu/hugetlb.c" },
	{ "aio", UK_RESOURCE_MAPPING, maps_aio, UK_FATE_CHANGED,
	  "a ring of io_setup(2): the checkpoint is refused while a request is under way", NULL,
	  "CRIU 3.17.1, criu/aio.c: parasite_collect_aios()" },
	{ "vast-mapping", UK_RESOURCE_MAPPING, uk_rule_maps_too_much, UK_FATE_IMPOSSIBLE, NULL,
	  "let the program reserve less (its setting), and restart it",
	  "CRIU 3.17.1, criu/pagemap-cache.c: pmc_fill_cache(); tried", uk_rule_tell_too_much },
	{ "folder-on-lost-disk", UK_RESOURCE_TASK, is_in_lost_folder, UK_FATE_IMPOSSIBLE, NULL,
	  OTHER_DISK, DISK_H, tell_lost_folder },
	{ "mapping", UK_RESOURCE_MAPPING, NULL, UK_FATE_EXACT, NULL, NULL,
	  "CRIU 3.17.1, criu/proc_parse.c" },
};

const struct uk_rule_table uk_rules_files = { rules, UK_ARRAY_SIZE(rules) };
