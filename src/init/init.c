// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first process of the new kernel when a kernel was replaced: brings up the disks that the
 * root filesystem and others are on, moves to it, and has resume.c restore the kept services
 * before the rest of the system starts; then it becomes the system's own init.
 *
 * Linked statically, alone in the small initramfs that src/replace/ramdisk.c packs, together
 * with the modules of the disks and:
 *
 *	/upkeep/boot	what to do, a line each: KEY VALUE (see steps[])
 *	/upkeep/key	the key of this swap; goes to /run/upkeep/replace.key
 *
 * UPKEEP_INIT_NS in the environment tells resume.c when this began (CLOCK_BOOTTIME).
 * In another place, as the system's init, it is the way home: see go_home.c.
 *
 * Whatever goes wrong, the machine comes up: without the root filesystem it reboots, with it
 * the system starts as after any boot.
 */
#include "init/init.h"

#include "base/clock.h"
#include "base/file.h"
#include "replace/home.h"

#include <blkid/blkid.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	DISK_WAIT_MS = 20000, /* for disks that are found late */
	SPARE_WAIT_MS = 2000, /* for one that nobody needs */
	DISK_STEP_MS = 10,
	LIMIT_S = 300,	   /* for all, until services are restored */
	REBOOT_WAIT_S = 5, /* so that a person can read why */
};

/* Not by dprintf(): it wants to know where the file stands, which /dev/kmsg does not tell. */
void say(const char *fmt, ...)
{
	char text[512] = "<4>upkeep: ";
	size_t len = strlen(text);
	va_list args;
	va_start(args, fmt);
	vsnprintf(text + len, sizeof(text) - len - 1, fmt, args);
	va_end(args);
	strcat(text, "\n");
	int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (write(kmsg < 0 ? STDERR_FILENO : kmsg, text, strlen(text)) < 0)
		perror("/dev/kmsg");
	if (kmsg >= 0)
		close(kmsg);
}

/* For the report of the swap: how far the kernel's own boot was when this began. */
static void note_start(void)
{
	char text[32];
	snprintf(text, sizeof(text), "%ju", (uintmax_t)uk_clock_read(CLOCK_BOOTTIME));
	setenv("UPKEEP_INIT_NS", text, 1);
}

static void pause_ms(long ms)
{
	const struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	nanosleep(&wait, NULL);
}

/* "kernel/ns_last_pid 4711" */
static bool set_sysctl(struct boot *boot, char *value)
{
	char *text = strchr(value, ' '), path[256];
	if (!text)
		return false;
	*text++ = '\0';
	snprintf(path, sizeof(path), "/proc/sys/%s", value);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		say("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return true; /* a service that counts on it will tell */
}

/* The same line once services are restored. */
static bool keep_for_later(struct boot *boot, char *value)
{
	for (size_t i = 0; i < LATER_MAX; i++) {
		if (boot->later[i])
			continue;
		boot->later[i] = value;
		return true;
	}
	return false;
}

void run_later(struct boot *boot)
{
	for (size_t i = 0; i < LATER_MAX && boot->later[i]; i++)
		set_sysctl(boot, boot->later[i]);
}

static void load(const char *value)
{
	int fd = open(value, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		say("module %s: %s", value, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static bool load_module(struct boot *boot, char *value)
{
	load(value);
	return true; /* if it was needed, the root filesystem will not be found */
}

static bool load_beside(struct boot *boot, char *value)
{
	if (!uk_vec_push(&boot->beside, value))
		load(value);
	return true;
}

/*
 * By a process of its own, which goes on where the initramfs is when this one moves to the root
 * filesystem. The pipe that resume.c gets ends with it.
 */
static void start_beside(struct boot *boot)
{
	int ends[2];
	char text[16];
	if (!boot->beside.len)
		return;
	bool piped = !pipe(ends);
	pid_t child = piped ? fork() : -1;
	if (child <= 0) { /* where there can be none, here */
		uk_vec_for_each(module, &boot->beside)
			load(*module);
	}
	if (!child)
		_exit(0);
	boot->beside.len = 0;
	if (!piped)
		return;
	close(ends[1]);
	snprintf(text, sizeof(text), "%d", ends[0]);
	setenv("UPKEEP_MODULES_FD", text, 1);
	boot->loading = ends[0];
}

/* By its name, in the root filesystem. */
static bool probe_module(struct boot *boot, char *value)
{
	pid_t child = fork();
	if (!child) {
		execl("/sbin/modprobe", "modprobe", "-q", value, NULL);
		_exit(127);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
	return true;
}

static bool write_key(const char *path, const char *key, size_t len)
{
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool good = to >= 0 && write(to, key, len) == (ssize_t)len;
	if (!good)
		say("the key of this swap cannot be handed over: %s", strerror(errno));
	if (to >= 0)
		close(to);
	return good;
}

/* ID HEX */
static bool set_key(struct boot *boot, char *value)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "%s\n", value);
	mkdir("/run/upkeep", 0700);
	bool good =
		len < (int)sizeof(line) && write_key("/run/upkeep/replace.key", line, (size_t)len);
	explicit_bzero(line, sizeof(line));
	explicit_bzero(value, strlen(value));
	return good;
}

static bool set_device(struct boot *boot, char *value)
{
	boot->device = value;
	return true;
}

static bool set_fstype(struct boot *boot, char *value)
{
	boot->fstype = value;
	return true;
}

static bool set_options(struct boot *boot, char *value)
{
	boot->options = value;
	return true;
}

static bool set_flags(struct boot *boot, char *value)
{
	boot->flags = strtoul(value, NULL, 10);
	return true;
}

static bool set_next(struct boot *boot, char *value)
{
	boot->next = value;
	return true;
}

static bool set_limit(struct boot *boot, char *value)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	boot->limit = (int)now.tv_sec + atoi(value);
	boot->clock = clock_start(boot->limit);
	return true;
}

/* Somebody has the port of a service until all is restored. */
static int take_port(int port)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					  .sin6_port = htons((uint16_t)port) };
	int taken = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(taken, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(taken, 1) < 0)
		say("take port %d: %s", port, strerror(errno));
	return taken;
}

/* For tests: what may become of a new kernel. */
static bool fail(struct boot *boot, char *value)
{
	if (!strcmp(value, "panic")) {
		int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
		dprintf(trigger, "c");
	}
	while (!strcmp(value, "hang"))
		pause();
	if (!strncmp(value, "port ", strlen("port ")))
		boot->taken = take_port(atoi(value + strlen("port ")));
	if (!strncmp(value, "resume ", strlen("resume ")))
		boot->fault = value + strlen("resume ");
	return true;
}

/* Whether the device has that file system with that "UUID=...". */
static bool is_at(const char *device, const char *fstype, const char *spec)
{
	const char *uuid = NULL;
	char *types[] = { (char *)fstype, NULL };
	blkid_probe probe = blkid_new_probe_from_filename(device);
	bool found = probe && !blkid_probe_enable_superblocks(probe, 1) &&
		     !blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID) &&
		     !blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, types) &&
		     !blkid_do_safeprobe(probe) &&
		     !blkid_probe_lookup_value(probe, "UUID", &uuid, NULL) &&
		     !strncmp(spec, "UUID=", strlen("UUID=")) &&
		     !strcmp(spec + strlen("UUID="), uuid);
	blkid_free_probe(probe);
	return found;
}

/* To look at all that there is takes long: first where it was. Free it; NULL if it is not there. */
static char *find_device(const struct boot *boot, const char *spec)
{
	if (boot->device && is_at(boot->device, boot->fstype, spec))
		return strdup(boot->device);
	char *device = blkid_evaluate_spec(spec, NULL);
	if (device && !access(device, F_OK))
		return device;
	free(device);
	return NULL;
}

/* "UUID=..."; waits until it is there. @point: where the system has it. */
static bool mount_at(const struct boot *boot, const char *spec, const char *point,
		     unsigned long flags, unsigned int wait_ms)
{
	char target[PATH_MAX];
	snprintf(target, sizeof(target), "%s%s", boot->home ? "" : "/root", point);
	/* On the way home the initramfs that Debian has may have mounted /usr. */
	if (boot->home && uk_is_mount_point(target))
		return true;
	for (uint64_t from = uk_clock_ns(); uk_clock_ns() - from < wait_ms * UINT64_C(1000000);) {
		char *device = find_device(boot, spec);
		if (device) {
			bool mounted = !mount(device, target, boot->fstype, flags, boot->options);
			if (!mounted)
				say("mount %s at %s as %s: %s", device, point, boot->fstype,
				    strerror(errno));
			free(device);
			return mounted;
		}
		pause_ms(DISK_STEP_MS);
	}
	say("%s, which was mounted at %s: no such device after %u s", spec, point, wait_ms / 1000);
	return false;
}

static bool mount_root(struct boot *boot, char *value)
{
	start_beside(boot);
	boot->mounted = mount_at(boot, value, "/", 0, DISK_WAIT_MS);
	return boot->mounted;
}

/* "UUID=... /srv", where the system has it, which is mounted by now. */
static bool mount_disk_within(const struct boot *boot, char *value, unsigned int wait_ms)
{
	char *point = strchr(value, ' ');
	if (!point)
		return false;
	*point++ = '\0';
	return mount_at(boot, value, point, boot->flags, wait_ms);
}

static bool mount_disk(struct boot *boot, char *value)
{
	return mount_disk_within(boot, value, DISK_WAIT_MS);
}

/* The system itself will tell if it misses it. */
static bool mount_spare(struct boot *boot, char *value)
{
	mount_disk_within(boot, value, SPARE_WAIT_MS);
	return true;
}

static const struct step {
	const char *key;
	bool (*run)(struct boot *boot, char *value);
} steps[] = {
	{ "sysctl", set_sysctl },     /* PATH VALUE */
	{ "limit", set_limit },	      /* SECONDS from now */
	{ "later", keep_for_later },  /* PATH VALUE, when services are restored */
	{ "module", load_module },    /* PATH */
	{ "beside", load_beside },    /* PATH of a module that the disks do not need */
	{ "modprobe", probe_module }, /* NAME, on the way home */
	{ "key", set_key },	      /* ID HEX, on the way home */
	{ "device", set_device },     /* where what is mounted next was */
	{ "fstype", set_fstype },     /* of what is mounted next */
	{ "options", set_options },   /* of its superblock */
	{ "flags", set_flags },	      /* of its mount, a number; not of the root */
	{ "next", set_next },	      /* PROGRAM that goes on there */
	{ "fault", fail },	      /* panic, hang, port N, resume UPKEEP_FAULT */
	{ "root", mount_root },	      /* UUID=...; after all of the above */
	{ "disk", mount_disk },	      /* UUID=... POINT, of what services need; after the root */
	{ "disk-if-there", mount_spare },
	{},
};

static bool run_line(struct boot *boot, char *line)
{
	char *value = strchr(line, ' ');
	if (!value)
		return true;
	*value++ = '\0';
	for (const struct step *step = steps; step->key; step++) {
		if (!strcmp(step->key, line))
			return step->run(boot, value);
	}
	say("%s is nothing that can be done", line);
	return false;
}

bool run_steps(struct boot *boot, FILE *file)
{
	bool good = true;
	char *line = NULL;
	size_t size = 0;
	while (good && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		good = run_line(boot, strdup(line));
	}
	free(line);
	fclose(file);
	return good;
}

static void mount_first(void)
{
	mkdir("/proc", 0555);
	mkdir("/sys", 0555);
	mkdir("/dev", 0755);
	mkdir("/root", 0700);
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
}

/* There is no console in the initramfs to begin with, and who comes next counts on these three. */
static void open_standard(void)
{
	int fd;
	do {
		fd = open("/dev/console", O_RDWR | O_NOCTTY);
		if (fd < 0)
			fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd < STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* To where the initramfs is not: a tmpfs that the system will take for its own. */
static void hand_key_over(void)
{
	mount("tmpfs", "/root/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	mkdir("/root/run/upkeep", 0700);
	char key[256];
	int from = open("/upkeep/key", O_RDONLY | O_CLOEXEC);
	ssize_t got = from < 0 ? -1 : read(from, key, sizeof(key));
	if (got > 0)
		write_key("/root/run/upkeep/replace.key", key, (size_t)got);
	explicit_bzero(key, sizeof(key));
	unlink("/upkeep/key");
}

static bool move_to_root(void)
{
	static const char *const moved[] = { "/proc", "/sys", "/dev" };
	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		char to[32];
		snprintf(to, sizeof(to), "/root%s", moved[i]);
		if (mount(moved[i], to, NULL, MS_MOVE, NULL) < 0)
			say("move %s: %s", moved[i], strerror(errno));
	}
	if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0) {
		say("move to the root filesystem: %s", strerror(errno));
		return false;
	}
	return true;
}

static void start(const char *program, char *const argv[])
{
	execv(program, argv);
	say("%s: %s", program, strerror(errno));
}

/* From the initramfs of a new kernel; returns when the system can start. */
static void go_on(struct boot *boot)
{
	FILE *file = fopen("/upkeep/boot", "re");
	mount_first();
	open_standard();
	if (file && run_steps(boot, file) && boot->mounted) {
		hand_key_over();
		if (move_to_root()) {
			if (boot->next)
				supervise(boot);
			clock_stop(boot);
			run_later(boot);
			return;
		}
	}
	say("no way on: rebooting");
	sleep(REBOOT_WAIT_S);
	start_again();
}

int main(void)
{
	struct boot boot = {
		.fstype = "ext4", .options = "", .limit = LIMIT_S, .loading = -1, .taken = -1
	};
	note_start();
	if (!access("/upkeep/boot", F_OK))
		go_on(&boot);
	else
		go_home(&boot);
	close(boot.taken);
	close(boot.loading);
	unsetenv("UPKEEP_INIT_NS");
	unsetenv("UPKEEP_MODULES_FD");
	/* It may be this program still, which is not to go round in a circle. */
	if (!uk_home_is_open())
		start("/sbin/init", (char *[]){ "/sbin/init", NULL });
	start("/sbin/init.upkeep", (char *[]){ "/sbin/init", NULL });
	start("/lib/systemd/systemd", (char *[]){ "/sbin/init", NULL });
	say("there is no init");
	sleep(REBOOT_WAIT_S);
	start_again();
}
