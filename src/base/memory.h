/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup attributes and the transfer of ownership.
 *
 * A local marked with a cleanup macro is released when it leaves scope, unless
 * uk_take() handed its value on.
 */
#ifndef UPKEEP_BASE_MEMORY_H
#define UPKEEP_BASE_MEMORY_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define uk_cleanup(fn) __attribute__((cleanup(fn)))

/* Defines uk_cleanup_<name> for a pointer type with a NULL-safe destructor. */
#define UK_DEFINE_CLEANUP(name, type, destroy)                                                     \
	static inline void uk_cleanup_##name(type *ptr)                                            \
	{                                                                                          \
		destroy(*ptr);                                                                     \
	}

static inline void uk_cleanup_free(void *ptr)
{
	free(*(void **)ptr);
}

static inline void uk_cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void uk_cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void uk_cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define uk_auto_free uk_cleanup(uk_cleanup_free)
#define uk_auto_close uk_cleanup(uk_cleanup_close)
#define uk_auto_fclose uk_cleanup(uk_cleanup_fclose)
#define uk_auto_closedir uk_cleanup(uk_cleanup_closedir)

/* The value of a pointer variable, which is NULL afterwards. */
#define uk_take(var)                                                                               \
	({                                                                                         \
		__typeof__(var) uk_taken = (var);                                                  \
		(var) = NULL;                                                                      \
		uk_taken;                                                                          \
	})

/* The same for a file descriptor, which is -1 afterwards. */
#define uk_take_fd(var)                                                                            \
	({                                                                                         \
		int uk_taken = (var);                                                              \
		(var) = -1;                                                                        \
		uk_taken;                                                                          \
	})

#define UK_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
