// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long the machine stands still: pause THREADS asleep|busy ROUNDS. With that many threads it
 * redirects 1, 100 and 1,000 functions of bench_old.ko to bench_new.ko and back, an empty stop
 * before each of the two. Says for each number of functions and each figure a line
 * "@ THREADS WHO FUNCTIONS FIGURE NS...", the figures of one round at one place.
 *
 * asleep: all threads sleep for good. busy: two run all the time, and every tenth of the others
 * wakes up twenty times a second.
 */
#include <upkeep/abi.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 1000, CODE = 16, JUMP = 5, PATIENCE = 60 };

struct function {
	uint64_t old, new;
	uint8_t code[CODE];
};

static struct function functions[MANY];
static int device;
static bool busy;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- the functions --- */

static void read_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[1024], which[4];
	unsigned long addr;
	unsigned int number, found = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %*c bench_%3[a-z]_%3u", &addr, which, &number) != 3 ||
		    number >= MANY)
			continue;
		*(which[0] == 'o' ? &functions[number].old : &functions[number].new) = addr;
		found++;
	}
	if (found != 2 * MANY) {
		fprintf(stderr, "found %u symbols of bench_old and bench_new\n", found);
		exit(1);
	}
	fclose(file);
}

/* The part of /proc/kcore that holds an address. */
static Elf64_Phdr find_part(int fd, uint64_t addr)
{
	Elf64_Ehdr header;
	Elf64_Phdr part;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		die("/proc/kcore");
	for (int i = 0; i < header.e_phnum; i++) {
		off_t at = header.e_phoff + i * sizeof(part);

		if (pread(fd, &part, sizeof(part), at) != sizeof(part))
			die("/proc/kcore");
		if (part.p_type == PT_LOAD && addr >= part.p_vaddr &&
		    addr < part.p_vaddr + part.p_memsz)
			return part;
	}
	errno = EFAULT;
	die("/proc/kcore");
	return part;
}

static void read_code(void)
{
	int fd = open("/proc/kcore", O_RDONLY);

	if (fd < 0)
		die("/proc/kcore");
	Elf64_Phdr part = find_part(fd, functions[0].old);

	for (int i = 0; i < MANY; i++) {
		off_t at = part.p_offset + functions[i].old - part.p_vaddr;

		if (pread(fd, functions[i].code, CODE, at) != CODE)
			die("/proc/kcore");
	}
	close(fd);
}

/* Behind an endbr and the ftrace site. */
static unsigned int redirect_at(const uint8_t *code)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t seal[] = { 0x66, 0x0f, 0x1f, 0x00 };

	return memcmp(code, endbr, sizeof(endbr)) && memcmp(code, seal, sizeof(seal)) ? 5 : 9;
}

/* --- requests --- */

static struct upkeep_write writes[MANY];
static struct upkeep_range ranges[2 * MANY];
static struct upkeep_function shown[MANY];
static struct upkeep_module modules[2];
static uint8_t pool[MANY * 2 * JUMP];
static struct upkeep_apply apply;

static void add_range(uint64_t start, unsigned int when, const char *name)
{
	struct upkeep_range *range = &ranges[apply.nr_ranges++];

	range->start = start;
	range->end = start + CODE;
	range->when = when;
	snprintf(range->name, sizeof(range->name), "%s", name);
}

static uint32_t add_bytes(const void *bytes)
{
	uint32_t at = apply.nr_bytes;

	memcpy(pool + at, bytes, JUMP);
	apply.nr_bytes += JUMP;
	return at;
}

static void add_redirect(const struct function *function, int number)
{
	unsigned int at = redirect_at(function->code);
	uint64_t from = function->old + at;
	int32_t distance = function->new - (from + JUMP);
	uint8_t jump[JUMP] = { 0xe9 };
	struct upkeep_write *write = &writes[apply.nr_writes++];
	struct upkeep_function *show = &shown[apply.nr_functions++];

	memcpy(jump + 1, &distance, sizeof(distance));
	write->addr = from;
	write->len = JUMP;
	write->kind = UPKEEP_TEXT;
	write->old_at = add_bytes(function->code + at);
	write->new_at = add_bytes(jump);
	show->old_addr = function->old;
	show->new_addr = function->new;
	show->old_size = show->new_size = CODE;
	snprintf(show->object, sizeof(show->object), "bench_old");
	snprintf(show->name, sizeof(show->name), "bench_old_%03d", number);
	add_range(function->old, UPKEEP_ON_APPLY, show->name);
	add_range(function->new, UPKEEP_ON_UNDO, show->name);
}

static void make_request(int nr)
{
	apply = (struct upkeep_apply){
		.header = { UPKEEP_ABI, sizeof(apply) },
		.id = "be",
		.writes = (uintptr_t)writes,
		.ranges = (uintptr_t)ranges,
		.modules = (uintptr_t)modules,
		.functions = (uintptr_t)shown,
		.bytes = (uintptr_t)pool,
		.nr_modules = 2,
	};
	strcpy(modules[0].name, "bench_old");
	modules[0].role = UPKEEP_TARGET;
	strcpy(modules[1].name, "bench_new");
	modules[1].role = UPKEEP_PART;
	for (int i = 0; i < nr; i++)
		add_redirect(&functions[i], i);
}

/* Again while it is blocked. */
static struct upkeep_outcome change(unsigned long request, void *arg,
				    struct upkeep_outcome *outcome)
{
	time_t end = time(NULL) + PATIENCE;

	while (ioctl(device, request, arg)) {
		if (errno != EBUSY || time(NULL) > end)
			die(request == UPKEEP_APPLY ? "UPKEEP_APPLY" : "UPKEEP_UNDO");
		memset(outcome, 0, sizeof(*outcome));
	}
	return *outcome;
}

static struct upkeep_outcome do_apply(void)
{
	memset(&apply.outcome, 0, sizeof(apply.outcome));
	return change(UPKEEP_APPLY, &apply, &apply.outcome);
}

static struct upkeep_outcome do_undo(void)
{
	struct upkeep_undo undo = { .header = { UPKEEP_ABI, sizeof(undo) }, .id = "be" };

	return change(UPKEEP_UNDO, &undo, &undo.outcome);
}

static struct upkeep_outcome do_probe(void)
{
	struct upkeep_probe probe = { .header = { UPKEEP_ABI, sizeof(probe) } };

	if (ioctl(device, UPKEEP_PROBE, &probe))
		die("UPKEEP_PROBE");
	return (struct upkeep_outcome){ .stop_ns = probe.stop_ns, .pause_ns = probe.pause_ns };
}

/* --- rounds --- */

enum step { EMPTY, APPLY, EMPTY_TOO, UNDO, STEPS };

static const char *const names[STEPS] = { "empty", "apply", "empty-too", "undo" };

static void show(const char *head, const char *step, const char *figure,
		 const struct upkeep_outcome *outcomes, int rounds, size_t offset)
{
	printf("%s %s.%s", head, step, figure);
	for (int i = 0; i < rounds; i++)
		printf(" %llu", *(unsigned long long *)((char *)&outcomes[i] + offset));
	printf("\n");
}

static void measure(const char *head, int rounds)
{
	static struct upkeep_outcome (*const steps[STEPS])(void) = { do_probe, do_apply, do_probe,
								     do_undo };
	struct upkeep_outcome *outcomes[STEPS];
	double inside = 0;

	for (int s = 0; s < STEPS; s++)
		outcomes[s] = calloc(rounds, sizeof(**outcomes));
	for (int i = 0; i < rounds; i++)
		for (int s = 0; s < STEPS; s++)
			outcomes[s][i] = steps[s]();
	for (int s = 0; s < STEPS; s++) {
		show(head, names[s], "stop", outcomes[s], rounds,
		     offsetof(struct upkeep_outcome, stop_ns));
		show(head, names[s], "pause", outcomes[s], rounds,
		     offsetof(struct upkeep_outcome, pause_ns));
	}
	show(head, "apply", "check", outcomes[APPLY], rounds,
	     offsetof(struct upkeep_outcome, check_ns));
	for (int i = 0; i < rounds; i++)
		inside += outcomes[APPLY][i].tasks_inside;
	printf("%s apply.inside %.0f\n", head, 100 * inside / rounds);
	for (int s = 0; s < STEPS; s++)
		free(outcomes[s]);
}

/* --- threads --- */

static void *thread(void *arg)
{
	static const struct timespec nap = { .tv_nsec = 50000000 };
	uintptr_t number = (uintptr_t)arg;

	while (busy && number < 2)
		getppid();
	while (busy && number % 10 == 0)
		nanosleep(&nap, NULL);
	pause(); /* no signal comes */
	return NULL;
}

static void start_threads(uintptr_t nr)
{
	pthread_attr_t small;
	pthread_t id;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (uintptr_t i = 0; i < nr; i++)
		if (pthread_create(&id, &small, thread, (void *)i))
			die("pthread_create");
	sleep(1);
}

int main(int argc, char **argv)
{
	static const int counts[] = { 1, 100, MANY };

	if (argc != 4)
		return 2;
	busy = !strcmp(argv[2], "busy");
	device = open(UPKEEP_DEVICE, O_RDWR);
	if (device < 0)
		die(UPKEEP_DEVICE);
	read_symbols();
	read_code();
	start_threads(atoi(argv[1]));
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		char head[64];

		snprintf(head, sizeof(head), "@ %s %s %d", argv[1], argv[2], counts[i]);
		make_request(counts[i]);
		measure(head, atoi(argv[3]));
	}
	return 0;
}
