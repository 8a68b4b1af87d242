// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * koload FILE.ko [PARAMETERS]: loads a module whose undefined symbols are not all exported.
 * Each is given its address from /proc/kallsyms (the first symbol of that name in vmlinux).
 * For the tests of upkeep.ko only: it trusts the file, and names that stand more than once.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *read_file(const char *path, size_t *size_ret)
{
	FILE *file = fopen(path, "r");
	size_t room = 1 << 16, size = 0, got;
	char *data = malloc(room);

	if (!file)
		return NULL;
	while ((got = fread(data + size, 1, room - size, file)) > 0) {
		size += got;
		if (size == room)
			data = realloc(data, room *= 2);
	}
	fclose(file);
	*size_ret = size;
	return data;
}

static void resolve(Elf64_Sym *symbols, size_t nr, const char *strings, const char *name,
		    unsigned long addr)
{
	for (size_t i = 1; i < nr; i++) {
		if (symbols[i].st_shndx != SHN_UNDEF || strcmp(strings + symbols[i].st_name, name))
			continue;
		symbols[i].st_shndx = SHN_ABS;
		symbols[i].st_value = addr;
	}
}

static void resolve_all(Elf64_Sym *symbols, size_t nr, const char *strings)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[1024], name[512], type;
	unsigned long addr;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx %c %511s", &addr, &type, name) == 3 && !strchr(line, '['))
			resolve(symbols, nr, strings, name, addr);
	if (file)
		fclose(file);
}

int main(int argc, char **argv)
{
	size_t size;
	char *data = argc > 1 ? read_file(argv[1], &size) : NULL;

	if (!data) {
		fprintf(stderr, "koload: %s: %s\n", argc > 1 ? argv[1] : "FILE", strerror(errno));
		return 1;
	}
	Elf64_Ehdr *header = (Elf64_Ehdr *)data;
	Elf64_Shdr *sections = (Elf64_Shdr *)(data + header->e_shoff);

	for (int i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			resolve_all((Elf64_Sym *)(data + sections[i].sh_offset),
				    sections[i].sh_size / sizeof(Elf64_Sym),
				    data + sections[sections[i].sh_link].sh_offset);
	if (syscall(SYS_init_module, data, size, argc > 2 ? argv[2] : "")) {
		fprintf(stderr, "koload: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	return 0;
}
