/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing arrays: `UK_VEC(struct foo) foos = {};` has .data and .len.
 * Elements move when the vector grows: keep indices, not pointers, across a push.
 */
#ifndef UPKEEP_BASE_VEC_H
#define UPKEEP_BASE_VEC_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define UK_VEC(type)                                                                               \
	struct {                                                                                   \
		type *data;                                                                        \
		size_t len, cap;                                                                   \
	}

/* Makes room for @extra more elements of @size bytes; false when there is no memory. */
bool uk_vec_grow(void **data, size_t *cap, size_t len, size_t extra, size_t size) uk_must_check;

#define uk_vec_reserve(vec, extra)                                                                 \
	uk_vec_grow((void **)&(vec)->data, &(vec)->cap, (vec)->len, (extra), sizeof(*(vec)->data))

/* Appends a value; false when there is no memory. */
#define uk_vec_push(vec, ...)                                                                      \
	(uk_vec_reserve((vec), 1) ? ((vec)->data[(vec)->len++] = (__VA_ARGS__), true) : false)

/* Releases the array (not what its elements own) and leaves it empty. */
#define uk_vec_deinit(vec)                                                                         \
	do {                                                                                       \
		free((vec)->data);                                                                 \
		(vec)->data = NULL;                                                                \
		(vec)->len = (vec)->cap = 0;                                                       \
	} while (0)

#define uk_vec_for_each(item, vec)                                                                 \
	for (__typeof__(*(vec)->data) *item = (vec)->data;                                         \
	     item && item < (vec)->data + (vec)->len; item++)

#endif
