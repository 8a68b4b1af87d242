// SPDX-License-Identifier: GPL-2.0-or-later
/* Threads that take the next thing from a counter. */
#include "kbuild/pool.h"

#include <pthread.h>
#include <stdbool.h>

enum { MOST_THREADS = 256 };

struct pool {
	pthread_mutex_t lock; /* of everything below; not held while working */
	size_t next, done, nr;
	size_t failed; /* index of err */
	struct uk_error *err;
	struct uk_error *(*work)(void *ctx, size_t i);
	void *ctx;
	const struct uk_sink *sink;
	const char *step;
};

static bool take_next(struct pool *pool, size_t *ret)
{
	pthread_mutex_lock(&pool->lock);
	bool taken = !pool->err && pool->next < pool->nr;
	if (taken)
		*ret = pool->next++;
	pthread_mutex_unlock(&pool->lock);
	return taken;
}

static void report(struct pool *pool, size_t i, struct uk_error *err)
{
	pthread_mutex_lock(&pool->lock);
	if (err && pool->err && i > pool->failed) {
		uk_error_destroy(err);
	} else if (err) {
		uk_error_destroy(pool->err);
		pool->err = err;
		pool->failed = i;
	} else {
		uk_progress(pool->sink, pool->step, ++pool->done, pool->nr);
	}
	pthread_mutex_unlock(&pool->lock);
}

static void *run_thread(void *arg)
{
	struct pool *pool = arg;
	size_t i;
	while (take_next(pool, &i))
		report(pool, i, pool->work(pool->ctx, i));
	return NULL;
}

struct uk_error *uk_pool_run(size_t nr, unsigned int jobs,
			     struct uk_error *(*work)(void *ctx, size_t i), void *ctx,
			     const struct uk_sink *sink, const char *step)
{
	struct pool pool = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.nr = nr,
		.work = work,
		.ctx = ctx,
		.sink = sink,
		.step = step,
	};
	pthread_t threads[MOST_THREADS];
	size_t started = 0;
	if (nr)
		uk_progress(sink, step, 0, nr);
	/* This thread works too; with no other to be had it does all of it. */
	while (started + 1 < jobs && started + 1 < nr && started < MOST_THREADS &&
	       !pthread_create(&threads[started], NULL, run_thread, &pool))
		started++;
	run_thread(&pool);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return pool.err;
}
