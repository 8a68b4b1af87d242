// SPDX-License-Identifier: GPL-2.0-only
/* Writing to read-only memory: aliases made beforehand, bytes compared, bytes stored. */

#include <linux/cpufeature.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include "core.h"

static unsigned int pages_spanned(const struct uk_write *write)
{
	return PFN_UP(offset_in_page(write->addr) + write->len);
}

static struct page *page_at(const struct uk_write *write, unsigned long addr)
{
	if (write->pin)
		return vmalloc_to_page((void *)addr);
	return pfn_to_page(PHYS_PFN(__pa_symbol(addr)));
}

static int list_pages(const struct uk_update *update, struct uk_aliases *aliases)
{
	unsigned int i, page, n = 0;

	for (i = 0; i < update->nr_writes; i++) {
		const struct uk_write *write = &update->writes[i];

		if (uk_write_gone(write))
			continue;
		for (page = 0; page < pages_spanned(write); page++, n++) {
			aliases->pages[n] = page_at(write, write->addr + page * PAGE_SIZE);
			if (!aliases->pages[n])
				return -EFAULT;
		}
	}
	return 0;
}

/* One mapping for all: every write has the pages that it spans to itself, in their order. */
int uk_aliases_map(const struct uk_update *update, struct uk_aliases *ret)
{
	unsigned int i, n = 0;
	int err = -ENOMEM;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < update->nr_writes; i++)
		if (!uk_write_gone(&update->writes[i]))
			ret->nr_pages += pages_spanned(&update->writes[i]);
	if (!ret->nr_pages)
		return 0;
	ret->pages = kvcalloc(ret->nr_pages, sizeof(*ret->pages), GFP_KERNEL);
	ret->at = kvcalloc(update->nr_writes, sizeof(*ret->at), GFP_KERNEL);
	if (ret->pages && ret->at)
		err = list_pages(update, ret);
	if (!err) {
		ret->map = vmap(ret->pages, ret->nr_pages, VM_MAP, PAGE_KERNEL);
		err = ret->map ? 0 : -ENOMEM;
	}
	if (err) {
		uk_aliases_unmap(ret);
		return err;
	}
	for (i = 0; i < update->nr_writes; i++) {
		const struct uk_write *write = &update->writes[i];

		if (uk_write_gone(write))
			continue;
		ret->at[i] = ret->map + n * PAGE_SIZE + offset_in_page(write->addr);
		n += pages_spanned(write);
	}
	return 0;
}

void uk_aliases_unmap(struct uk_aliases *aliases)
{
	if (aliases->map)
		vunmap(aliases->map);
	kvfree(aliases->pages);
	kvfree(aliases->at);
	memset(aliases, 0, sizeof(*aliases));
}

static int refuse_bytes(const struct uk_write *write, unsigned int index, const u8 *want,
			struct upkeep_outcome *out)
{
	const u8 *have = (const u8 *)write->addr;
	u32 at = 0;

	while (at + 1 < write->len && have[at] == want[at])
		at++;
	out->differs_at = at;
	out->found_at = write->len > UPKEEP_FOUND_LEN ? at : 0;
	out->found_len = min_t(u32, write->len - out->found_at, UPKEEP_FOUND_LEN);
	memcpy(out->found, have + out->found_at, out->found_len);
	return uk_refuse(out, UPKEEP_BYTES, UPKEEP_AT_WRITES, index, -EILSEQ);
}

/* Does memory hold what must be there before an apply, or an undo? */
int uk_writes_check(const struct uk_update *update, bool undo, struct upkeep_outcome *out)
{
	unsigned int i;

	for (i = 0; i < update->nr_writes; i++) {
		const struct uk_write *write = &update->writes[i];
		const u8 *want = undo ? write->new : write->old;

		if (!uk_write_gone(write) && memcmp((void *)write->addr, want, write->len))
			return refuse_bytes(write, i, want, out);
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

void uk_writes_store(const struct uk_update *update, bool undo, const struct uk_aliases *aliases)
{
	unsigned int i;

	for (i = 0; i < update->nr_writes; i++) {
		const struct uk_write *write = &update->writes[i];
		const u8 *from = undo ? write->old : write->new;

		if (uk_write_gone(write))
			continue;
		if (!store_at_once(aliases->at[i], from, write->len))
			memcpy(aliases->at[i], from, write->len);
	}
}
