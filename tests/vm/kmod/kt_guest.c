// SPDX-License-Identifier: GPL-2.0-or-later
/* TAP, and what the tests see of the running kernel. */
#include "kt.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int cases, failures;

void kt_ok(bool good, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%s %d - ", good ? "ok" : "not ok", ++cases);
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
	va_end(args);
	if (!good)
		failures++;
}

void kt_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
	va_end(args);
}

void kt_die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

int kt_done(void)
{
	printf("1..%d\n", cases);
	return failures ? 1 : 0;
}

const char *kt_read(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0, size = 0;

	if (fd < 0)
		return "(cannot be opened)";
	while (size < (ssize_t)sizeof(text) - 1 &&
	       (got = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += got;
	close(fd);
	if (got < 0)
		return "(cannot be read)";
	text[size] = '\0';
	if (size && text[size - 1] == '\n')
		text[size - 1] = '\0';
	return text;
}

bool kt_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

bool kt_reads(const char *path, const char *want)
{
	const char *have = kt_read(path);

	if (!strcmp(have, want))
		return true;
	kt_note("%s has \"%s\", not \"%s\"", path, have, want);
	return false;
}

/* All of /proc/kallsyms: read once, and again after modules came or went. */
struct symbol {
	uint64_t addr;
	char *name;
	const char *module; /* "" is vmlinux */
};

static struct symbol *symbols;
static size_t nr_symbols;
static bool symbols_stale = true;

void kt_modules_changed(void)
{
	symbols_stale = true;
}

/* ADDR TYPE NAME or ADDR TYPE NAME\t[MODULE]; the line is cut to pieces. */
static struct symbol parse_symbol(char *line)
{
	char *name = strchr(line, ' ') + 3, *module = strchr(name, '\t');

	if (module) {
		*module = '\0';
		module += 2;
		module[strcspn(module, "]")] = '\0';
	}
	return (struct symbol){ strtoull(line, NULL, 16), name, module ? module : "" };
}

static char *read_all(const char *path)
{
	size_t size = 0, room = 1 << 24;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = malloc(room);
	ssize_t got;

	while (fd >= 0 && (got = read(fd, text + size, room - size - 1)) > 0)
		size += got;
	if (!size || size == room - 1)
		kt_die(path);
	close(fd);
	text[size] = '\0';
	return text;
}

static void read_symbols(void)
{
	static char *text;
	size_t room = 1 << 18;

	free(text);
	free(symbols);
	text = read_all("/proc/kallsyms");
	symbols = malloc(room * sizeof(*symbols));
	nr_symbols = 0;
	for (char *line = text, *end; (end = strchr(line, '\n')) && nr_symbols < room;
	     line = end + 1) {
		*end = '\0';
		symbols[nr_symbols++] = parse_symbol(line);
	}
	symbols_stale = false;
}

uint64_t kt_symbol(const char *module, const char *name)
{
	if (symbols_stale)
		read_symbols();
	for (size_t i = 0; i < nr_symbols; i++)
		if (!strcmp(symbols[i].name, name) && !strcmp(symbols[i].module, module ?: ""))
			return symbols[i].addr;
	errno = ENOENT;
	kt_die(name);
}

uint64_t kt_symbol_end(const char *module, const char *name)
{
	uint64_t start = kt_symbol(module, name), end = 0;

	for (size_t i = 0; i < nr_symbols; i++)
		if (symbols[i].addr > start && (!end || symbols[i].addr < end) &&
		    !strcmp(symbols[i].module, module ?: ""))
			end = symbols[i].addr;
	return end ?: start + 64;
}

void kt_memory(uint64_t addr, void *ret, size_t size)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr header;

	if (fd < 0 || read(fd, &header, sizeof(header)) != sizeof(header))
		kt_die("/proc/kcore");
	for (int i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr part;
		off_t at = header.e_phoff + i * sizeof(part);

		if (pread(fd, &part, sizeof(part), at) != sizeof(part))
			kt_die("/proc/kcore");
		if (part.p_type != PT_LOAD || addr < part.p_vaddr ||
		    addr + size > part.p_vaddr + part.p_memsz)
			continue;
		if (pread(fd, ret, size, part.p_offset + addr - part.p_vaddr) != (ssize_t)size)
			kt_die("/proc/kcore");
		close(fd);
		return;
	}
	errno = EFAULT;
	kt_die("/proc/kcore");
}

int kt_spawn_load(const char *name, const char *params)
{
	char path[256];
	int pid = fork();

	kt_modules_changed();
	if (pid)
		return pid;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, 2);
	snprintf(path, sizeof(path), "/kt/%s.ko", name);
	execl("/bin/koload", "koload", path, params, NULL);
	_exit(127);
}

int kt_load(const char *name, const char *params)
{
	return kt_reap(kt_spawn_load(name, params));
}

int kt_unload(const char *name)
{
	kt_modules_changed();
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

int kt_spawn_reader(const char *path)
{
	int pid = fork();

	if (pid)
		return pid;
	_exit(kt_read(path)[0] == '(' ? 1 : 0);
}

int kt_spawn_reader_asleep(const char *path)
{
	int pid = kt_spawn_reader(path);
	char wchan[64];

	snprintf(wchan, sizeof(wchan), "/proc/%d/wchan", pid);
	for (int i = 0; i < 1000; i++) {
		const char *where = kt_read(wchan);

		if (strstr(where, "kt_") || strstr(where, "sleep"))
			return pid;
		usleep(10000);
	}
	errno = ETIMEDOUT;
	kt_die(path);
}

int kt_reap(int pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

void kt_kill(int pid)
{
	kill(pid, SIGKILL);
	kt_reap(pid);
}
