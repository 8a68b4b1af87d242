/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zoo: one specimen of everything that a process can hold, which checks itself before and after
 * its process is carried over a kernel swap. tests/replace/zoo/README.md tells how to add a case.
 *
 * A run has one case and one tree of processes. Whatever is wrong is said by zoo_fail(), which
 * writes the result and ends the tree; the first one to say something is right.
 */
#ifndef ZOO_H
#define ZOO_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * A case. The hooks that are not NULL are called in this order:
 *
 *	setup		makes the resource
 *	check		says whether it is right and leaves it as it is; once more after .go
 *	sleep		sleeps in system call @nr till @wake was called in another process after
 *.go, or for a time of its own; says whether it ended as it should. Cases without it wait for .go
 *in steps of 20 ms. verify		uses the resource up
 *
 * @sabotage breaks the resource before the second check. Cases that sleep need none: see kinds.
 */
struct zoo_case {
	const char *name;
	void (*setup)(void);
	void (*check)(void);
	void (*verify)(void);
	void (*sabotage)(void);
	void (*sleep)(void);
	void (*wake)(void);
	long nr;
	long arg;      /* for cases that share their hooks */
	bool restarts; /* no signal ends the call of the sleeper */
};

/* How a sleeper is sabotaged. */
enum zoo_kind {
	ZOO_INTACT,
	ZOO_BROKEN, /* the case's own way; of a sleeper: a signal interrupts it */
	ZOO_EARLY,  /* it is woken before .go */
	ZOO_LOST,   /* it is not woken at all */
};

enum zoo_limits {
	ZOO_PIDS = 32,
	ZOO_STEPS = 16,
};

/* What all processes of the tree see. */
struct zoo_page {
	volatile pid_t pids[ZOO_PIDS];
	volatile int pid_count;
	volatile int ready; /* .ready was written: what fails from now on fails by the swap */
	volatile int woken; /* .go was seen and the sleeper is about to be woken */
	volatile int done;
	volatile int steps[ZOO_STEPS];
	volatile int numbers[ZOO_STEPS]; /* for the case */
	volatile double gap;	/* seconds that CLOCK_REALTIME went on without CLOCK_MONOTONIC */
	volatile double gap_at; /* CLOCK_MONOTONIC when that was noticed */
};

struct zoo {
	const struct zoo_case *now;
	const char *dir;
	long arg;
	enum zoo_kind kind;
	pid_t root; /* the first process of the tree, as it sees itself */
	struct zoo_page *page;
};

extern struct zoo zoo;

/* --- saying what is wrong -------------------------------------------------------------------- */

void zoo_fail_at(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
#define zoo_fail(...) zoo_fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* This machine has no such thing: the case is left out. */
void zoo_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define zoo_want(condition, ...)                                                                   \
	do {                                                                                       \
		if (!(condition))                                                                  \
			zoo_fail(__VA_ARGS__);                                                     \
	} while (0)

/* Numbers that must be the same. */
void zoo_same_at(const char *file, int line, const char *what, long long wanted, long long found);
#define zoo_same(what, wanted, found)                                                              \
	zoo_same_at(__FILE__, __LINE__, what, (long long)(wanted), (long long)(found))

/* Bytes that must be the same. */
void zoo_bytes_at(const char *file, int line, const char *what, const void *wanted,
		  const void *found, size_t size);
#define zoo_bytes(what, wanted, found, size)                                                       \
	zoo_bytes_at(__FILE__, __LINE__, what, wanted, found, size)

/* Texts that must be the same. */
void zoo_text_at(const char *file, int line, const char *what, const char *wanted,
		 const char *found);
#define zoo_text(what, wanted, found) zoo_text_at(__FILE__, __LINE__, what, wanted, found)

/* A number within a distance of another. */
void zoo_near_at(const char *file, int line, const char *what, double wanted, double found,
		 double early, double late);
#define zoo_near(what, wanted, found, early, late)                                                 \
	zoo_near_at(__FILE__, __LINE__, what, wanted, found, early, late)

/* Keeps @text under the name @what the first time; the next times it must be the same. */
void zoo_kept_at(const char *file, int line, const char *what, const char *text);
#define zoo_kept(what, text) zoo_kept_at(__FILE__, __LINE__, what, text)
void zoo_kept_status(const char *key); /* the same of a line of /proc/self/status */

/* A call that must not fail; gives what it returned. */
long zoo_sys_at(const char *file, int line, const char *what, long returned);
#define zoo_sys(call) zoo_sys_at(__FILE__, __LINE__, #call, (long)(call))

/* A call that must fail with @error. */
void zoo_errno_at(const char *file, int line, const char *what, int wanted, long returned);
#define zoo_errno(wanted, call) zoo_errno_at(__FILE__, __LINE__, #call, wanted, (long)(call))

/* --- waiting --------------------------------------------------------------------------------- */

void zoo_pause(int milliseconds); /* all of it, whatever signals come */
void zoo_idle(void);		  /* a moment between two looks: 20 ms, or ZOO_STEP */
void zoo_idle_body(void);	  /* of a process that tells step 1 and does nothing else */
bool zoo_gone(void);		  /* .go is there */
void zoo_await_go(void);
void zoo_await_asleep(pid_t task, long nr);
void zoo_step(int step, int value); /* 0 at the beginning */
void zoo_await_step(int step, int value);
double zoo_now(clockid_t clock);
/*
 * With ZOO_SWAP set a swap is to come: what is over at a moment (CLOCK_MONOTONIC) before it has
 * proved nothing, and that is a failure of the test.
 */
void zoo_over_at(double moment);
double zoo_stood(void); /* seconds, at most, that it stood still before it was dumped: .stood */
double zoo_lasts(void); /* how long cases that take time take: ZOO_TIME, 8 seconds */

enum { ZOO_DEADLINE = 30 }; /* seconds for what should happen at once */

/* How much earlier, and later, than asked for something may happen. */
#define ZOO_EARLY_BY 0.05
#define ZOO_LATE_BY 1.0

/* --- processes, files ------------------------------------------------------------------------ */

pid_t zoo_fork(void (*body)(void)); /* the child ends when @body returns */
void zoo_register(pid_t pid);	    /* one that the case forked itself */
void zoo_join(pid_t pid);	    /* it must end with status 0 */

char *zoo_path(const char *suffix); /* DIR/NAME.suffix; never freed */
void zoo_put(const char *path, const char *text);
size_t zoo_get(const char *path, char *buffer, size_t size);		/* with a 0 at the end */
void zoo_status(pid_t pid, const char *key, char *buffer, size_t size); /* of /proc/PID/status */
void zoo_write(int fd, const char *text);
void zoo_read(int fd, const char *wanted); /* exactly this must come */
void zoo_empty(int fd);			   /* nothing is left to read */
void zoo_send(int fd, const char *text);
uint8_t zoo_byte(size_t position); /* a pattern for long data */

/* --- the families ---------------------------------------------------------------------------- */

extern const struct zoo_case *const zoo_families[];
#define ZOO_FAMILY(name) extern const struct zoo_case name[]

#endif
