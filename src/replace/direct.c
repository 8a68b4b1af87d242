// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads a kernel for kexec as it lies in memory when it runs. */
#include "replace/direct.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "elf/bzimage.h"
#include "elf/vmlinux.h"
#include "replace/bootparam.h"
#include "replace/cmdline.h"
#include "replace/ram.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/kexec.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	IMAGE_MAX = 256 << 20,
	TEXT_MAX = 1 << 20,
	PAGE = 4096,
	ALIGN_MIN = 2 << 20, /* MIN_KERNEL_ALIGN of x86-64: what its first page tables map */
	/* arch/x86/include/asm/page_64_types.h: KERNEL_IMAGE_SIZE of one that can be moved */
	VIRTUAL_ROOM = 1 << 30,
	LOW = 1 << 20, /* below it firmware and the start of other processors have their places */
	PROTOCOL_64 = 0x20c,
};

/* One that is on its way to be loaded. */
struct load {
	struct boot_params told;
	char *file;
	struct uk_bzimage image;
	struct uk_strbuf unpacked;
	struct uk_vmlinux vmlinux;
	struct uk_ram ram; /* where nothing of it lies yet */
	uint64_t base;	   /* physical, of the kernel */
	uint64_t by;	   /* how far it is moved in virtual addresses */
	struct uk_efi efi;
	struct uk_bootparam bootparam;
	void *ramdisk, *block;
	size_t block_len;
	struct kexec_segment segments[KEXEC_SEGMENT_MAX];
	unsigned int nr_segments;
};

static void load_deinit(struct load *load)
{
	if (load->ramdisk)
		munmap(load->ramdisk, load->bootparam.ramdisk_len);
	if (load->block)
		sodium_memzero(load->block, load->block_len);
	free(load->block);
	free(load->file);
	uk_strbuf_deinit(&load->unpacked);
	uk_vmlinux_deinit(&load->vmlinux);
	uk_efi_deinit(&load->efi);
	uk_vec_deinit(&load->ram.pieces);
}

static struct uk_error *refuse(const char *why)
{
	return uk_error_create(UK_ERR_REFUSED, "%s", why);
}

/* Words of the line that the kernel's unpacking heeds, and nothing else does, or differently. */
static struct uk_error *check_line(const char *line)
{
	/* arch/x86/boot/compressed/kaslr.c: keeps off memory that can be taken out of the machine,
	 * and off whole gigabytes that are asked for. */
	static const char *const heeded[] = { "movable_node", "hugepagesz=1G",
					      "default_hugepagesz=1G" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(heeded); i++) {
		if (uk_cmdline_has(line, heeded[i]))
			return uk_error_create(UK_ERR_REFUSED,
					       "its command line has \"%s\", which tells it "
					       "where not to unpack itself",
					       heeded[i]);
	}
	return NULL;
}

static struct uk_error *check_image(const struct load *load, const char *line)
{
	const struct uk_bzimage *image = &load->image;
	if (image->protocol < PROTOCOL_64 ||
	    !(image->flags & UK_BZIMAGE_64 && image->flags & UK_BZIMAGE_ABOVE_4G))
		return refuse("it cannot be started with 64 bits");
	if (strlen(line) > image->line_size)
		return refuse("its command line is too long");
	if (image->alignment < ALIGN_MIN || image->alignment & (image->alignment - 1) ||
	    image->preferred % image->alignment || image->preferred >= VIRTUAL_ROOM)
		return refuse("it says nothing sensible about its place");
	return NULL;
}

static struct uk_error *read_kernel(struct load *load, const char *vmlinuz, const char *line)
{
	size_t len;
	struct uk_error *err = uk_file_read(vmlinuz, IMAGE_MAX, &load->file, &len);
	if (!err)
		err = uk_bzimage_parse(load->file, len, vmlinuz, &load->image);
	if (!err)
		err = check_image(load, line);
	if (!err)
		err = uk_bzimage_unpack(&load->image, &load->unpacked);
	if (!err)
		err = uk_vmlinux_parse(load->unpacked.data, load->unpacked.len, vmlinuz,
				       &load->vmlinux);
	return err;
}

/* "flags : fpu vme ...", of the first processor. */
static bool has_flag(const char *cpuinfo, const char *flag)
{
	const char *at = strstr(cpuinfo, "\nflags");
	const char *end = at ? strchrnul(at + 1, '\n') : NULL;
	size_t len = strlen(flag);
	while (at && (at = strstr(at, flag)) && at < end) {
		if (at[-1] == ' ' && (at[len] == ' ' || at[len] == '\n'))
			return true;
		at += len;
	}
	return false;
}

static struct uk_error *check_processor(const struct load *load)
{
	/* What a guest's own memory is encrypted with: its first page tables are made by the
	 * unpacking. */
	static const char *const encrypted[] = { "sev", "sev_es", "sev_snp", "tdx_guest" };
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read("/proc/cpuinfo", 64 << 20, &text, &len);
	if (err)
		return err;
	for (size_t i = 0; i < UK_ARRAY_SIZE(encrypted); i++) {
		if (has_flag(text, "hypervisor") && has_flag(text, encrypted[i]))
			return refuse("this machine's memory is encrypted");
	}
	/* Shown only while it is in use; the unpacking could turn it off. */
	if (has_flag(text, "la57") && !(load->image.flags & UK_BZIMAGE_5LEVEL))
		return refuse("page tables have five levels now, and it knows four");
	return NULL;
}

static struct uk_error *find_memory(struct load *load)
{
	uk_auto_free char *text = NULL;
	struct uk_ram shown = {};
	size_t len;
	struct uk_error *err = uk_bootparam_ram(&load->told, &load->ram);
	if (!err)
		err = uk_file_read("/proc/iomem", TEXT_MAX, &text, &len);
	/* It leaves out what the command line does. What was plugged in later is in it alone. */
	if (!err)
		err = uk_ram_parse(text, &shown);
	if (!err)
		err = uk_ram_intersect(&load->ram, &shown);
	if (!err)
		err = uk_ram_take(&load->ram, 0, LOW);
	uk_vec_deinit(&shown.pieces);
	return err;
}

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) / align * align;
}

/* Below @count, by chance. */
static uint64_t choose(uint64_t count)
{
	return randombytes_uniform(count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
}

/* Where it goes, with the room that it needs behind what is loaded. */
static struct uk_error *place_kernel(struct load *load, bool moved)
{
	const struct uk_bzimage *image = &load->image;
	uint64_t room = image->room, align = image->alignment;
	uk_vec_for_each(segment, &load->vmlinux.segments) {
		if (segment->type != PT_LOAD)
			continue;
		if (segment->physical < image->preferred || segment->room > VIRTUAL_ROOM ||
		    segment->physical - image->preferred > VIRTUAL_ROOM)
			return refuse("it has a piece outside of the kernel's room");
		uint64_t end = segment->physical - image->preferred + segment->room;
		room = end > room ? end : room;
	}
	room = round_up(room, align);
	if (load->vmlinux.entry < image->preferred ||
	    load->vmlinux.entry - image->preferred >= room)
		return refuse("it begins outside of itself");
	uint64_t places = uk_ram_count(&load->ram, room, align, image->preferred);
	if (!places || image->preferred + room > VIRTUAL_ROOM)
		return refuse("no piece of memory has room for it");
	load->base =
		uk_ram_nth(&load->ram, room, align, image->preferred, moved ? choose(places) : 0);
	uint64_t virtual = (VIRTUAL_ROOM - image->preferred - room) / align + 1;
	load->by = moved ? choose(virtual) * align : 0;
	return uk_ram_take(&load->ram, load->base, room);
}

static struct uk_error *add_segment(struct load *load, const void *data, size_t len, uint64_t at)
{
	if (load->nr_segments == KEXEC_SEGMENT_MAX || at % PAGE)
		return refuse("it has too many pieces, or one that is not made of pages");
	load->segments[load->nr_segments++] = (struct kexec_segment){
		.buf = data,
		.bufsz = len,
		.mem = (const void *)(uintptr_t)at,
		.memsz = round_up(len, PAGE),
	};
	return NULL;
}

/* Two that share a page, or more, are refused by kexec_load(2). */
static struct uk_error *add_kernel(struct load *load)
{
	struct uk_error *err = NULL;
	if (load->by)
		err = uk_vmlinux_relocate(&load->vmlinux, load->unpacked.data, load->unpacked.len,
					  load->by);
	uk_vec_for_each(segment, &load->vmlinux.segments) {
		if (!err && segment->type == PT_LOAD && segment->len)
			err = add_segment(load, load->unpacked.data + segment->offset, segment->len,
					  load->base + segment->physical - load->image.preferred);
	}
	return err;
}

/* The highest free memory for @len bytes. */
static struct uk_error *find_place(struct load *load, size_t len, uint64_t *ret)
{
	len = round_up(len, PAGE);
	if (!uk_ram_find_high(&load->ram, len, PAGE, ret))
		return refuse("no piece of memory has room for its initramfs");
	return uk_ram_take(&load->ram, *ret, len);
}

static struct uk_error *add_ramdisk(struct load *load, int ramdisk)
{
	struct stat st;
	if (fstat(ramdisk, &st) < 0)
		return uk_error_errno(errno, "look at the initramfs");
	size_t len = (size_t)st.st_size;
	void *data = mmap(NULL, len, PROT_READ, MAP_SHARED, ramdisk, 0);
	if (data == MAP_FAILED)
		return uk_error_errno(errno, "map the initramfs");
	load->ramdisk = data;
	load->bootparam.ramdisk_len = len;
	struct uk_error *err = find_place(load, len, &load->bootparam.ramdisk);
	return err ? err : add_segment(load, data, len, load->bootparam.ramdisk);
}

static struct uk_error *read_efi(struct load *load)
{
	const struct boot_params *told = &load->told;
	if (!uk_bootparam_is_efi(told))
		return NULL;
	struct uk_error *err =
		uk_efi_read(UK_EFI_FOLDER, told->efi_info.efi_memdesc_size, &load->efi);
	load->bootparam.efi = &load->efi;
	return err;
}

static struct uk_error *add_block(struct load *load, const char *line, bool moved)
{
	struct uk_bootparam *bootparam = &load->bootparam;
	bootparam->line = line;
	bootparam->moved = moved;
	bootparam->entry = load->base + load->vmlinux.entry - load->image.preferred;
	load->block_len = uk_bootparam_size(bootparam);
	load->block = calloc(1, load->block_len);
	if (!load->block)
		return uk_error_nomem();
	struct uk_error *err = find_place(load, load->block_len, &bootparam->at);
	if (err)
		return err;
	uk_bootparam_write(bootparam, &load->told, &load->image, load->block);
	return add_segment(load, load->block, load->block_len, bootparam->at);
}

static struct uk_error *prepare(struct load *load, const char *vmlinuz, int ramdisk,
				const char *line)
{
	bool moved = !uk_cmdline_has(line, "nokaslr");
	struct uk_error *err = uk_bootparam_read(&load->told);
	if (!err)
		err = uk_bootparam_check(&load->told);
	if (!err)
		err = read_efi(load);
	if (!err)
		err = check_line(line);
	if (!err)
		err = read_kernel(load, vmlinuz, line);
	if (!err)
		err = check_processor(load);
	if (!err)
		err = find_memory(load);
	if (!err)
		err = place_kernel(load, moved);
	if (!err)
		err = add_kernel(load);
	if (!err)
		err = add_ramdisk(load, ramdisk);
	return err ? err : add_block(load, line, moved);
}

struct uk_error *uk_direct_load(const char *vmlinuz, int ramdisk, const char *line)
{
	uk_cleanup(load_deinit) struct load load = {};
	struct uk_error *err = prepare(&load, vmlinuz, ramdisk, line);
	if (err)
		return err;
	if (syscall(SYS_kexec_load, load.bootparam.at, (unsigned long)load.nr_segments,
		    load.segments, (unsigned long)KEXEC_ARCH_DEFAULT) < 0)
		return uk_error_errno(errno, "kexec_load%s",
				      errno == EPERM ? " (switched off, or this machine takes "
						       "signed kernels only)"
						     : "");
	return NULL;
}
