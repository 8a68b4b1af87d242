// SPDX-License-Identifier: GPL-2.0-or-later
/* The running kernel's memory: /proc/kcore, an ELF core file (System V ABI, chapter 5). */
#include "match/memory.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "match/note.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>

#define KCORE "/proc/kcore"

enum { HEADERS_MAX = 1 << 20 };

static struct uk_error *read_start(int fd, uint8_t *ret, size_t len, size_t *len_ret)
{
	size_t done = 0;
	while (done < len) {
		ssize_t got = pread(fd, ret + done, len - done, (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return uk_error_errno(errno, KCORE);
		if (!got)
			break;
		done += (size_t)got;
	}
	*len_ret = done;
	return NULL;
}

static struct uk_error *bad_core(const char *what)
{
	return uk_error_create(UK_ERR_INVALID, KCORE ": %s", what);
}

struct uk_error *uk_memory_parse_core(struct uk_memory *memory, const uint8_t *data, size_t len)
{
	Elf64_Ehdr header;
	if (len < sizeof(header))
		return bad_core("is too short for an ELF header");
	memcpy(&header, data, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_type != ET_CORE ||
	    header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64)
		return bad_core("is not an x86-64 ELF core file");
	if (header.e_phentsize != sizeof(Elf64_Phdr) ||
	    !uk_range_ok(header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr), len))
		return bad_core("its program headers do not lie at its start");
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		memcpy(&segment, data + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD || !segment.p_memsz)
			continue;
		if (segment.p_vaddr + (segment.p_memsz - 1) < segment.p_vaddr ||
		    segment.p_offset > INT64_MAX || segment.p_memsz > INT64_MAX - segment.p_offset)
			return bad_core("a segment is larger than its address space");
		if (!uk_vec_push(&memory->segments,
				 (struct uk_memory_segment){ segment.p_vaddr, segment.p_memsz,
							     segment.p_offset }))
			return uk_error_nomem();
	}
	return memory->segments.len ? NULL : bad_core("offers no memory");
}

static struct uk_error *open_kcore(struct uk_memory *memory)
{
	memory->fd = open(KCORE, O_RDONLY | O_CLOEXEC);
	if (memory->fd < 0)
		return uk_error_wrap(uk_error_errno(errno, KCORE),
				     "reading the running kernel's memory (this needs root, and is "
				     "refused under lockdown=confidentiality)");
	uk_auto_free uint8_t *headers = malloc(HEADERS_MAX);
	if (!headers)
		return uk_error_nomem();
	/* Enough for the header and all that a 16-bit count of program headers can say. */
	size_t len;
	struct uk_error *err = read_start(memory->fd, headers, sizeof(Elf64_Ehdr), &len);
	if (!err && len == sizeof(Elf64_Ehdr)) {
		const Elf64_Ehdr *header = (const Elf64_Ehdr *)headers;
		size_t want = sizeof(*header) + (size_t)header->e_phnum * sizeof(Elf64_Phdr);
		if (want > HEADERS_MAX)
			return bad_core("has too many program headers");
		err = read_start(memory->fd, headers, want, &len);
	}
	return err ? err : uk_memory_parse_core(memory, headers, len);
}

static struct uk_error *live_identity(struct uk_memory *memory)
{
	struct utsname uts;
	if (uname(&uts))
		return uk_error_errno(errno, "uname");
	struct uk_error *err = uk_strdup(uts.release, &memory->identity.release);
	if (!err)
		err = uk_strdup(uts.version, &memory->identity.version);
	if (err || !uk_file_exists("/sys/kernel/notes"))
		return err;
	uk_auto_free char *notes = NULL;
	size_t len;
	err = uk_file_read("/sys/kernel/notes", 1 << 20, &notes, &len);
	return err ? err : uk_note_build_id(notes, len, &memory->identity.build_id);
}

struct uk_error *uk_memory_open_live(struct uk_memory **ret)
{
	uk_auto_memory struct uk_memory *memory = NULL;
	struct uk_error *err = uk_memory_create(KCORE, NULL, true, &memory);
	if (!err)
		err = open_kcore(memory);
	if (!err)
		err = live_identity(memory);
	if (err)
		return err;
	*ret = uk_take(memory);
	return NULL;
}
