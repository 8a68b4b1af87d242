// SPDX-License-Identifier: GPL-2.0-only
/* Sorted sets of address ranges: looked up for every address on every stack. */

#include <linux/mm.h>
#include <linux/sort.h>
#include "core.h"

int uk_spans_alloc(struct uk_spans *spans, unsigned int room)
{
	spans->nr = 0;
	spans->at = kvcalloc(room ?: 1, sizeof(*spans->at), GFP_KERNEL);
	return spans->at ? 0 : -ENOMEM;
}

void uk_spans_free(struct uk_spans *spans)
{
	kvfree(spans->at);
	spans->at = NULL;
	spans->nr = 0;
}

void uk_spans_add(struct uk_spans *spans, unsigned long start, unsigned long end,
		  unsigned int index)
{
	spans->at[spans->nr++] = (struct uk_span){ start, end, index };
}

static int compare_spans(const void *a, const void *b)
{
	const struct uk_span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

int uk_spans_seal(struct uk_spans *spans)
{
	unsigned int i;

	sort(spans->at, spans->nr, sizeof(*spans->at), compare_spans, NULL);
	for (i = 1; i < spans->nr; i++)
		if (spans->at[i].start < spans->at[i - 1].end)
			return spans->at[i].index;
	return -1;
}

/* How many spans start at or below @addr. */
static unsigned int spans_upto(const struct uk_spans *spans, unsigned long addr)
{
	unsigned int low = 0, high = spans->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (spans->at[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct uk_span *uk_spans_find(const struct uk_spans *spans, unsigned long addr)
{
	unsigned int n = spans_upto(spans, addr);

	return n && addr < spans->at[n - 1].end ? &spans->at[n - 1] : NULL;
}

bool uk_spans_meet(const struct uk_spans *spans, unsigned long start, unsigned long end)
{
	unsigned int n = spans_upto(spans, end - 1);

	return n && start < spans->at[n - 1].end;
}
