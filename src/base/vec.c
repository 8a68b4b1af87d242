// SPDX-License-Identifier: GPL-2.0-or-later
/* Growing arrays. */
#include "base/vec.h"

#include <stdint.h>

bool uk_vec_grow(void **data, size_t *cap, size_t len, size_t extra, size_t size)
{
	size_t wanted;
	if (__builtin_add_overflow(len, extra, &wanted))
		return false;
	if (wanted <= *cap)
		return true;
	size_t new_cap = *cap ? *cap : 8;
	while (new_cap < wanted) {
		if (new_cap > SIZE_MAX / 2)
			return false;
		new_cap *= 2;
	}
	void *grown = reallocarray(*data, new_cap, size);
	if (!grown)
		return false;
	*data = grown;
	*cap = new_cap;
	return true;
}
