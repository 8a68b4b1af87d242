/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of ptys. The kernel gives the lowest that is free to who opens /dev/ptmx
 * (devpts_new_index()), so criu opens it until it has the number that it wants, and closes the
 * others again (pty_open_ptmx_index(), criu/tty.c): it gives up when it gets a higher one, or is
 * 32 or more below. So no two services may look for theirs at a time, and what lies far below is
 * taken for them.
 */
#ifndef UPKEEP_REPLACE_PTY_H
#define UPKEEP_REPLACE_PTY_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct uk_ptys {
	UK_VEC(uint32_t) numbers; /* that the images want, in order; none twice */
	UK_VEC(int) fillers;	  /* masters of others below */
	bool alone;		  /* no other service is being restored that has any */
};

/*
 * What the images in that folder want. UK_ERR_REFUSED: they are not as criu writes them. @ret needs
 * uk_ptys_end(), also after an error.
 */
struct uk_error *uk_ptys_read(const char *images, struct uk_ptys *ret) uk_must_check;

/*
 * Before they are restored: waits for others that have ptys, then takes the free numbers below the
 * highest that are not wanted here. A number that somebody has is not waited for.
 */
struct uk_error *uk_ptys_begin(struct uk_ptys *ptys) uk_must_check;

/* When they are restored. */
void uk_ptys_end(struct uk_ptys *ptys);

#endif
