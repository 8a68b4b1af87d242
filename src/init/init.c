// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first process of the new kernel when a kernel was replaced: brings up the disk that the
 * root filesystem is on, moves to it, and hands over to resume.c, which restores the
 * kept services before the rest of the system starts.
 *
 * Linked statically, alone in the small initramfs that src/replace/ramdisk.c packs, together
 * with the modules of the disk and:
 *
 *	/upkeep/boot	what to do, a line each: KEY VALUE (see steps[])
 *	/upkeep/key	the key of this swap; goes to /run/upkeep/replace.key
 *
 * Whatever goes wrong, the machine comes up: without the root filesystem it reboots, with it
 * the system starts as after any boot.
 */
#include <blkid/blkid.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	ROOT_WAIT_MS = 20000, /* for disks that are found late */
	ROOT_STEP_MS = 10,
	REBOOT_WAIT_S = 5, /* so that a person can read why */
};

struct boot {
	char *fstype, *options; /* of the root filesystem */
	char *next;		/* the program that goes on there */
	bool mounted;
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	dprintf(kmsg < 0 ? STDERR_FILENO : kmsg, "<4>upkeep: %s\n", text);
	if (kmsg >= 0)
		close(kmsg);
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

static bool load_module(struct boot *boot, char *value)
{
	int fd = open(value, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		say("module %s: %s", value, strerror(errno));
	if (fd >= 0)
		close(fd);
	return true; /* if it was needed, the root filesystem will not be found */
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

static bool set_next(struct boot *boot, char *value)
{
	boot->next = value;
	return true;
}

/* "UUID=..." or a device's path; waits until it is there. */
static bool mount_root(struct boot *boot, char *value)
{
	for (int waited = 0; waited < ROOT_WAIT_MS; waited += ROOT_STEP_MS) {
		char *device = blkid_evaluate_spec(value, NULL);
		if (device && !access(device, F_OK)) {
			boot->mounted = !mount(device, "/root", boot->fstype, 0, boot->options);
			if (boot->mounted)
				return true;
			say("mount %s as %s: %s", device, boot->fstype, strerror(errno));
			return false;
		}
		free(device);
		pause_ms(ROOT_STEP_MS);
	}
	say("root filesystem %s: no such device after %d s", value, ROOT_WAIT_MS / 1000);
	return false;
}

static const struct step {
	const char *key;
	bool (*run)(struct boot *boot, char *value);
} steps[] = {
	{ "sysctl", set_sysctl },   /* PATH VALUE */
	{ "module", load_module },  /* PATH */
	{ "fstype", set_fstype },   /* of the root filesystem */
	{ "options", set_options }, /* of its mount */
	{ "next", set_next },	    /* PROGRAM that goes on there */
	{ "root", mount_root },	    /* UUID=... or a device; after the four above */
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
	say("/upkeep/boot: %s is not known", line);
	return false;
}

static bool run_steps(struct boot *boot)
{
	FILE *file = fopen("/upkeep/boot", "re");
	if (!file) {
		say("/upkeep/boot: %s", strerror(errno));
		return false;
	}
	bool good = true;
	char *line = NULL;
	size_t size = 0;
	while (good && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		good = run_line(boot, strdup(line));
	}
	free(line);
	fclose(file);
	return good && boot->mounted;
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
	int to =
		open("/root/run/upkeep/replace.key", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t got = from < 0 ? -1 : read(from, key, sizeof(key));
	if (got <= 0 || to < 0 || write(to, key, (size_t)got) != got)
		say("the key of this swap cannot be handed over: %s", strerror(errno));
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

int main(void)
{
	struct boot boot = { .fstype = "ext4", .options = "" };
	mount_first();
	open_standard();
	if (run_steps(&boot)) {
		hand_key_over();
		if (move_to_root() && boot.next)
			start(boot.next, (char *[]){ boot.next, NULL });
		start("/sbin/init", (char *[]){ "/sbin/init", NULL });
	}
	say("no way on: rebooting");
	sleep(REBOOT_WAIT_S);
	reboot(RB_AUTOBOOT);
	return 1;
}
