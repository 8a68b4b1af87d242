// SPDX-License-Identifier: GPL-2.0-or-later
/* Side by side, but not too many. */
#include "replace/side.h"

#include <stdlib.h>
#include <unistd.h>

enum { FOR_EACH_PROCESSOR = 2 };

/* The next one that nobody has; false when there is none. */
static bool do_one(struct uk_side *side)
{
	pthread_mutex_lock(&side->lock);
	size_t mine = side->next < side->nr ? side->next++ : side->nr;
	pthread_mutex_unlock(&side->lock);
	if (mine == side->nr)
		return false;
	side->work(side->items + mine * side->size);
	pthread_mutex_lock(&side->lock);
	if (side->done)
		side->done[mine] = true;
	pthread_cond_broadcast(&side->ended);
	pthread_mutex_unlock(&side->lock);
	return true;
}

static void *do_all(void *arg)
{
	while (do_one(arg))
		continue;
	return NULL;
}

void uk_side_begin(struct uk_side *side, void *items, size_t nr, size_t size,
		   void (*work)(void *item))
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = FOR_EACH_PROCESSOR * (size_t)(processors > 0 ? processors : 1);
	*side = (struct uk_side){ .work = work, .items = items, .nr = nr, .size = size };
	pthread_mutex_init(&side->lock, NULL);
	pthread_cond_init(&side->ended, NULL);
	wanted = wanted < nr ? wanted : nr;
	side->done = calloc(nr + 1, sizeof(*side->done));
	side->threads = calloc(wanted + 1, sizeof(*side->threads));
	while (side->done && side->threads && side->nr_threads < wanted &&
	       !pthread_create(&side->threads[side->nr_threads], NULL, do_all, side))
		side->nr_threads++;
}

void uk_side_await(struct uk_side *side, size_t number)
{
	/* Without threads it is done here, up to that one. */
	while (!side->nr_threads && side->next <= number && do_one(side))
		continue;
	pthread_mutex_lock(&side->lock);
	while (side->nr_threads && !side->done[number])
		pthread_cond_wait(&side->ended, &side->lock);
	pthread_mutex_unlock(&side->lock);
}

void uk_side_end(struct uk_side *side)
{
	if (!side->nr_threads)
		do_all(side);
	for (size_t i = 0; i < side->nr_threads; i++)
		pthread_join(side->threads[i], NULL);
	pthread_cond_destroy(&side->ended);
	pthread_mutex_destroy(&side->lock);
	free(side->threads);
	free(side->done);
}
