/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the first process of a new kernel consists of. */
#ifndef UPKEEP_INIT_INIT_H
#define UPKEEP_INIT_INIT_H

#include "base/vec.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum { LATER_MAX = 8 };

struct boot {
	char *device;		/* where the file system is first looked for; NULL: anywhere */
	char *fstype, *options; /* of the file system that is mounted next */
	unsigned long flags;	/* mount(2)'s, of one that is not the root */
	char *next;		/* the program that goes on there */
	char *fault;		/* UPKEEP_FAULT for that program, of a test */
	char *later[LATER_MAX]; /* "PATH VALUE" of sysctls, set after the restore */
	UK_VEC(char *) beside;	/* modules that are loaded while the disks are mounted */
	int limit;		/* CLOCK_MONOTONIC: when they have to be restored */
	pid_t clock;		/* see clock_start(); 0 when there is none */
	int loading;		/* ends when the modules beside are loaded; -1 for none */
	int taken;		/* a socket that has a port, of a test; -1 for none */
	bool mounted, home;	/* home: see go_home() */
};

/*
 * By the way home (src/replace/home.h): the boot loader has started an installed kernel as
 * ever, and this is what it takes for the system's init. Does up to the restore all that the
 * initramfs of a new kernel does. Returns when the system can start.
 */
void go_home(struct boot *boot);

/* All of a file's; closes it. */
bool run_steps(struct boot *boot, FILE *file);
/* What the lines said for later. */
void run_later(struct boot *boot);

/* To the kernel's log, from where the journal takes it. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Starts a process that resets the machine when CLOCK_MONOTONIC says @seconds, whatever this one
 * hangs in by then. It goes around drivers (sysrq b): one of them may be what hangs.
 */
pid_t clock_start(int seconds);
void clock_stop(struct boot *boot);

/* The machine starts again: with what the boot loader chooses. Does not return. */
void start_again(void) __attribute__((noreturn));

/*
 * Runs the program that restores (boot->next) as a child, in what is left of its time: if it
 * crashed in the place of the first process, the kernel would panic. Whatever becomes of it,
 * what it restored lives on. Returns when the system can start.
 */
void supervise(struct boot *boot);

#endif
