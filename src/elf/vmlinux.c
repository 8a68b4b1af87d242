// SPDX-License-Identifier: GPL-2.0-or-later
/* The ELF file of a kernel. */
#include "elf/vmlinux.h"

#include "base/bytes.h"
#include "elf/bzimage.h"

#include <elf.h>
#include <inttypes.h>

/* Where the kernel's virtual addresses begin: arch/x86/include/asm/page_64_types.h. */
static const uint64_t kernel_map = 0xffffffff80000000;

static struct uk_error *bad_vmlinux(const char *name, const char *what)
{
	return uk_error_create(UK_ERR_INVALID, "%s: %s", name, what);
}

static struct uk_error *check_header(const uint8_t *data, size_t len, const char *name,
				     Elf64_Ehdr *ret)
{
	if (len < sizeof(*ret) || !uk_is_elf(data, len))
		return bad_vmlinux(name, "holds no ELF vmlinux");
	memcpy(ret, data, sizeof(*ret));
	if (ret->e_ident[EI_CLASS] != ELFCLASS64 || ret->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ret->e_machine != EM_X86_64 || ret->e_type != ET_EXEC)
		return bad_vmlinux(name, "its vmlinux is not an x86-64 executable");
	if (ret->e_phentsize != sizeof(Elf64_Phdr) || !ret->e_phnum ||
	    !uk_range_ok(ret->e_phoff, (uint64_t)ret->e_phnum * sizeof(Elf64_Phdr), len))
		return bad_vmlinux(name, "the program headers of its vmlinux lie outside it");
	return NULL;
}

static struct uk_error *take_segment(struct uk_vmlinux *vmlinux, size_t len,
				     const Elf64_Phdr *segment)
{
	if (segment->p_type != PT_LOAD && segment->p_type != PT_NOTE)
		return NULL;
	if (!uk_range_ok(segment->p_offset, segment->p_filesz, len))
		return bad_vmlinux(vmlinux->name, "a segment of its vmlinux lies outside it");
	struct uk_vmlinux_segment one = {
		.type = segment->p_type,
		.offset = segment->p_offset,
		.len = segment->p_filesz,
		.virtual = segment->p_vaddr,
		.physical = segment->p_paddr,
		.room = segment->p_memsz > segment->p_filesz ? segment->p_memsz : segment->p_filesz,
	};
	if (one.offset + one.len > vmlinux->end)
		vmlinux->end = one.offset + one.len;
	return uk_vec_push(&vmlinux->segments, one) ? NULL : uk_error_nomem();
}

/* What else there is of the file: its sections, and the table of them, which is the last of all. */
static void find_end(struct uk_vmlinux *vmlinux, const Elf64_Ehdr *header)
{
	uint64_t size = (uint64_t)header->e_shnum * header->e_shentsize;
	if (size && header->e_shoff <= UINT64_MAX - size && header->e_shoff + size > vmlinux->end)
		vmlinux->end = header->e_shoff + size;
}

struct uk_error *uk_vmlinux_parse(const void *data, size_t len, const char *name,
				  struct uk_vmlinux *ret)
{
	uk_cleanup(uk_vmlinux_deinit) struct uk_vmlinux vmlinux = { .name = name };
	const uint8_t *bytes = data;
	Elf64_Ehdr header;
	struct uk_error *err = check_header(bytes, len, name, &header);
	for (unsigned int i = 0; !err && i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		memcpy(&segment, bytes + header.e_phoff + i * sizeof(segment), sizeof(segment));
		err = take_segment(&vmlinux, len, &segment);
	}
	if (err)
		return err;
	vmlinux.entry = header.e_entry;
	find_end(&vmlinux, &header);
	*ret = vmlinux;
	vmlinux = (struct uk_vmlinux){};
	return NULL;
}

void uk_vmlinux_deinit(struct uk_vmlinux *vmlinux)
{
	uk_vec_deinit(&vmlinux->segments);
}

/* What is changed at a place of one of the lists. */
enum how { ADD_64, SUBTRACT_32, ADD_32 };

/* Where in the file lies what is loaded for a virtual address of the kernel, of @size bytes? */
static struct uk_error *find_place(const struct uk_vmlinux *vmlinux, uint64_t address, size_t size,
				   uint64_t *ret)
{
	/* What processors have of their own is linked for other addresses, but listed for these. */
	uint64_t physical = address - kernel_map;
	uk_vec_for_each(segment, &vmlinux->segments) {
		uint64_t into = physical - segment->physical;
		if (segment->type != PT_LOAD || physical < segment->physical ||
		    !uk_range_ok(into, size, segment->len))
			continue;
		*ret = segment->offset + into;
		return NULL;
	}
	return uk_error_create(UK_ERR_INVALID,
			       "%s: its list of relocations has %#" PRIx64 ", which is not loaded",
			       vmlinux->name, address);
}

static struct uk_error *change(const struct uk_vmlinux *vmlinux, uint8_t *data, uint32_t word,
			       enum how how, uint64_t by)
{
	/* Places are told by the lower half of their addresses, which is extended by its sign. */
	uint64_t address = (uint64_t)(int64_t)(int32_t)word, place;
	struct uk_error *err = find_place(vmlinux, address, how == ADD_64 ? 8 : 4, &place);
	if (err)
		return err;
	uint8_t *at = data + place;
	switch (how) {
	case ADD_64:
		uk_put_u64(at, uk_get_u64(at) + by);
		break;
	case SUBTRACT_32:
		uk_put_u32(at, uk_get_u32(at) - (uint32_t)by);
		break;
	case ADD_32:
		uk_put_u32(at, uk_get_u32(at) + (uint32_t)by);
		break;
	}
	return NULL;
}

/*
 * Three lists, each behind a zero: 64 bits, 32 bits the other way round, 32 bits. Later kernels
 * have no second one: "x86/boot/64: Remove inverse relocations", 6.15.
 */
static struct uk_error *find_lists(const struct uk_vmlinux *vmlinux, const uint8_t *words,
				   size_t nr, unsigned int *ret)
{
	unsigned int zeros = 0;
	for (size_t i = 0; i < nr; i++)
		zeros += !uk_get_u32(words + 4 * i);
	if (!nr)
		return uk_error_create(UK_ERR_REFUSED,
				       "%s: it runs only where it was linked for "
				       "(CONFIG_RANDOMIZE_BASE is off)",
				       vmlinux->name);
	if (uk_get_u32(words) || (zeros != 2 && zeros != 3))
		return bad_vmlinux(vmlinux->name, "what lies behind its vmlinux is no list of "
						  "relocations that is known");
	*ret = zeros;
	return NULL;
}

struct uk_error *uk_vmlinux_relocate(const struct uk_vmlinux *vmlinux, void *data, size_t len,
				     uint64_t by)
{
	if (vmlinux->end > len || (len - vmlinux->end) % 4)
		return bad_vmlinux(vmlinux->name, "it is cut off behind its vmlinux");
	const uint8_t *words = (uint8_t *)data + vmlinux->end;
	size_t nr = (len - vmlinux->end) / 4;
	unsigned int lists = 0, list = 0;
	struct uk_error *err = find_lists(vmlinux, words, nr, &lists);
	for (size_t i = 0; !err && i < nr; i++) {
		uint32_t word = uk_get_u32(words + 4 * i);
		if (!word)
			list++;
		else if (list == 1)
			err = change(vmlinux, data, word, ADD_64, by);
		else
			err = change(vmlinux, data, word, list == lists ? ADD_32 : SUBTRACT_32, by);
	}
	return err;
}
