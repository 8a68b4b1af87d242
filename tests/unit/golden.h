/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Golden objects: compiled from source inside the test, never kept as files. */
#ifndef UPKEEP_TEST_GOLDEN_H
#define UPKEEP_TEST_GOLDEN_H

#include <stddef.h>

struct uk_object;

/*
 * Compiles C source with gcc-12 and the flags that shape kernel code (-O2, no PIC, no red
 * zone, kernel code model), plus @flags (NULL-terminated list or NULL), and loads it.
 * Fails the running test when the compiler does.
 */
struct uk_object *golden_compile(const char *source, const char *const *flags);
/* The same as a file's bytes. Caller frees. */
char *golden_compile_bytes(const char *source, const char *const *flags, size_t *len_ret);

#endif
