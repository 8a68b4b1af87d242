/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work on several things side by side: much of a dump or a restore waits. But only so many at a
 * time as there is some use in: the clocks of a service go on while criu restores it, and its
 * timers are late by as much.
 */
#ifndef UPKEEP_REPLACE_SIDE_H
#define UPKEEP_REPLACE_SIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct uk_side {
	void (*work)(void *item);
	char *items;
	size_t nr, size, next;
	bool *done; /* of each item */
	pthread_t *threads;
	size_t nr_threads;
	pthread_mutex_t lock;
	pthread_cond_t ended;
};

/*
 * Begins with @nr items of @size bytes: @work is called once for each, in order, two at a time for
 * each processor. Where no thread can be had it is all done by uk_side_end().
 */
void uk_side_begin(struct uk_side *side, void *items, size_t nr, size_t size,
		   void (*work)(void *item));

/* Waits until that of one item is over. */
void uk_side_await(struct uk_side *side, size_t number);

/* Waits for all. */
void uk_side_end(struct uk_side *side);

#endif
