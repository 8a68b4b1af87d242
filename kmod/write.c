// SPDX-License-Identifier: GPL-2.0-only
/* Writing to read-only memory: aliases made beforehand, bytes compared, bytes stored. */

#include <linux/cpufeature.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include "core.h"

static unsigned int pages_of(const struct uk_write *write)
{
	return uk_write_gone(write) ? 0 : PFN_UP(offset_in_page(write->addr) + write->len);
}

static struct page *page_at(const struct uk_write *write, unsigned int page)
{
	unsigned long addr = write->addr + page * PAGE_SIZE;

	if (write->pin)
		return vmalloc_to_page((void *)addr);
	return pfn_to_page(PHYS_PFN(__pa_symbol(addr)));
}

/*
 * One mapping for all: the pages that each write spans, in the order of the writes. NULL if
 * there is nothing left to write to.
 */
int uk_aliases_map(const struct uk_update *update, void **ret)
{
	unsigned int i, page, nr = 0, n = 0;
	struct page **pages;

	*ret = NULL;
	for (i = 0; i < update->nr_writes; i++)
		nr += pages_of(&update->writes[i]);
	if (!nr)
		return 0;
	pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < update->nr_writes; i++)
		for (page = 0; page < pages_of(&update->writes[i]); page++)
			pages[n++] = page_at(&update->writes[i], page);
	*ret = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return *ret ? 0 : -ENOMEM;
}

void uk_aliases_unmap(void *aliases)
{
	vunmap(aliases);
}

static int refuse_bytes(const struct uk_write *write, unsigned int index, const u8 *want,
			struct uk_report *report)
{
	struct upkeep_outcome *out = &report->out;
	const u8 *have = (const u8 *)write->addr;
	u32 at = 0;

	while (at + 1 < write->len && have[at] == want[at])
		at++;
	out->differs_at = at;
	out->found_at = write->len > UPKEEP_FOUND_LEN ? at : 0;
	out->found_len = min_t(u32, write->len - out->found_at, UPKEEP_FOUND_LEN);
	memcpy(out->found, have + out->found_at, out->found_len);
	return uk_refuse(report, UPKEEP_BYTES, UPKEEP_AT_WRITES, index, -EILSEQ);
}

/* Does memory hold what must be there before an apply, or an undo? */
int uk_writes_check(const struct uk_update *update, bool undo, struct uk_report *report)
{
	unsigned int i;

	for (i = 0; i < update->nr_writes; i++) {
		const struct uk_write *write = &update->writes[i];
		const u8 *want = undo ? write->new : write->old;

		if (!uk_write_gone(write) && memcmp((void *)write->addr, want, write->len))
			return refuse_bytes(write, i, want, report);
	}
	return 0;
}

/*
 * Stores a redirect in one piece where it lies in one aligned 16-byte block, as it does in
 * every aligned function. All CPUs spin in the stop, but an NMI can still run code, and must
 * find either the old instruction or the new one.
 */
static bool store_at_once(u8 *to, const u8 *from, u32 len)
{
	u64 *block = (u64 *)ALIGN_DOWN((unsigned long)to, 16);
	size_t at = to - (u8 *)block;
	u64 old[2] = { block[0], block[1] }, new[2] = { block[0], block[1] };
	bool done;

	if (at + len > sizeof(new) || !boot_cpu_has(X86_FEATURE_CX16))
		return false;
	memcpy((u8 *)new + at, from, len);
	asm volatile("lock cmpxchg16b %1"
		     : "=@ccz" (done), "+m" (*(u64 (*)[2])block), "+a" (old[0]), "+d" (old[1])
		     : "b" (new[0]), "c" (new[1])
		     : "memory");
	return done;
}

void uk_writes_store(const struct uk_update *update, bool undo, void *aliases)
{
	unsigned int i;

	for (i = 0; i < update->nr_writes; i++) {
		const struct uk_write *write = &update->writes[i];
		const u8 *from = undo ? write->old : write->new;
		u8 *to = aliases + offset_in_page(write->addr);

		if (uk_write_gone(write))
			continue;
		if (!store_at_once(to, from, write->len))
			memcpy(to, from, write->len);
		aliases += pages_of(write) * PAGE_SIZE;
	}
}
