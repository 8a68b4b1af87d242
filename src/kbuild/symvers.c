// SPDX-License-Identifier: GPL-2.0-or-later
/* CRCs of exported symbols: out of the modules that the distribution ships. */
#include "kbuild/symvers.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fts.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>

/* struct modversion_info (include/linux/module.h) on a 64-bit kernel. */
enum { ENTRY_SIZE = 64, NAME_SIZE = 56, MODULE_LIMIT = 256 << 20 };

struct uk_error *uk_symvers_parse(const void *data, size_t len, const char *name,
				  struct uk_map *map)
{
	if (len % ENTRY_SIZE)
		return uk_error_create(UK_ERR_INVALID, "%s: __versions has %zu bytes", name, len);
	for (size_t at = 0; at < len; at += ENTRY_SIZE) {
		const char *symbol = (const char *)data + at + 8;
		uint64_t crc = uk_get_u64((const char *)data + at);
		if (!*symbol || strnlen(symbol, NAME_SIZE) == NAME_SIZE || crc > UINT32_MAX)
			return uk_error_create(UK_ERR_INVALID, "%s: __versions+%zu is damaged",
					       name, at);
		bool added;
		struct uk_map_entry *entry = uk_map_insert_str(map, symbol, &added);
		if (!entry)
			return uk_error_nomem();
		if (!added && entry->num != crc)
			return uk_error_create(UK_ERR_INVALID,
					       "%s: CRC of %s is 0x%08lx, elsewhere 0x%08lx", name,
					       symbol, (long)crc, (long)entry->num);
		entry->num = crc;
	}
	return NULL;
}

static void cleanup_read(struct archive **archive)
{
	if (*archive)
		archive_read_free(*archive);
}

/* A file through whatever compression it has. */
static struct uk_error *read_module(const char *path, struct uk_strbuf *ret)
{
	uk_cleanup(cleanup_read) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	if (!archive)
		return uk_error_nomem();
	archive_read_support_filter_all(archive);
	archive_read_support_format_raw(archive);
	if (archive_read_open_filename(archive, path, 1 << 16) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		goto damaged;
	char chunk[1 << 16];
	la_ssize_t got;
	while ((got = archive_read_data(archive, chunk, sizeof(chunk))) > 0) {
		uk_strbuf_add(ret, chunk, (size_t)got);
		if (ret->len > MODULE_LIMIT)
			return uk_error_create(UK_ERR_INVALID, "%s: too large", path);
	}
	if (!got)
		return ret->failed ? uk_error_nomem() : NULL;
damaged:
	return uk_error_create(UK_ERR_INVALID, "%s: %s", path, archive_error_string(archive));
}

static void cleanup_elf(Elf **elf)
{
	elf_end(*elf);
}

static struct uk_error *parse_module(char *bytes, size_t len, const char *path, struct uk_map *map)
{
	elf_version(EV_CURRENT);
	uk_cleanup(cleanup_elf) Elf *elf = elf_memory(bytes, len);
	size_t names;
	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names))
		return uk_error_create(UK_ERR_INVALID, "%s: is not an object file", path);
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		GElf_Shdr header;
		if (!gelf_getshdr(scn, &header))
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		if (!name || strcmp(name, "__versions"))
			continue;
		Elf_Data *data = elf_rawdata(scn, NULL);
		if (!data || !data->d_buf)
			return uk_error_create(UK_ERR_INVALID, "%s: __versions: %s", path,
					       elf_errmsg(-1));
		return uk_symvers_parse(data->d_buf, data->d_size, path, map);
	}
	return NULL; /* a kernel without CONFIG_MODVERSIONS */
}

static struct uk_error *add_module(const char *path, struct uk_map *map)
{
	uk_auto_strbuf struct uk_strbuf bytes = {};
	struct uk_error *err = read_module(path, &bytes);
	return err || !bytes.len ? err : parse_module(bytes.data, bytes.len, path, map);
}

static void cleanup_fts(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

static struct uk_error *add_modules(const char *dir, struct uk_map *map, const struct uk_sink *sink)
{
	char *paths[] = { (char *)dir, NULL };
	uk_cleanup(cleanup_fts) FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return uk_error_errno(errno, "open %s", dir);
	uint64_t done = 0;
	for (FTSENT *entry; (entry = fts_read(fts));) {
		if (entry->fts_info != FTS_F || !strstr(entry->fts_name, ".ko"))
			continue;
		struct uk_error *err = add_module(entry->fts_path, map);
		if (err)
			return err;
		uk_progress(sink, "reading the kernel's modules", ++done, 0);
	}
	return NULL;
}

static int compare_entries(const void *a, const void *b)
{
	const struct uk_map_entry *const *x = a, *const *y = b;
	return strcmp((*x)->key, (*y)->key);
}

static struct uk_error *write_map(const struct uk_map *map, const char *path)
{
	uk_auto_free const struct uk_map_entry **sorted = calloc(map->len + 1, sizeof(*sorted));
	uk_auto_strbuf struct uk_strbuf text = {};
	if (!sorted)
		return uk_error_nomem();
	for (size_t i = 0; i < map->len; i++)
		sorted[i] = map->entries + i;
	qsort(sorted, map->len, sizeof(*sorted), compare_entries);
	for (size_t i = 0; i < map->len; i++)
		uk_strbuf_addf(&text, "0x%08lx %s\n", (long)sorted[i]->num, sorted[i]->key);
	if (text.failed)
		return uk_error_nomem();
	return uk_file_write(path, text.data ? text.data : "", text.len, 0600);
}

struct uk_error *uk_symvers_gather(const char *modules, const char *path,
				   const struct uk_sink *sink)
{
	uk_auto_map struct uk_map map = {};
	struct uk_error *err = add_modules(modules, &map, sink);
	return err ? err : write_map(&map, path);
}

struct uk_error *uk_symvers_extract(const char *cmd, const char *path)
{
	static const char mark[] = "#SYMVER ";
	uk_auto_map struct uk_map map = {};
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(cmd, 16 << 20, &text, &len);
	if (err)
		return err;
	char *save;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *name = line + strlen(mark), *end, *rest;
		if (!uk_str_starts(line, mark))
			continue;
		end = name + strcspn(name, " ");
		unsigned long crc = strtoul(end, &rest, 16);
		if (end == name || rest == end || *rest || crc > UINT32_MAX)
			return uk_error_create(UK_ERR_INVALID, "%s: '%.80s' is no CRC", cmd, line);
		*end = '\0';
		struct uk_map_entry *entry = uk_map_insert_str(&map, name, NULL);
		if (!entry)
			return uk_error_nomem();
		entry->num = crc;
	}
	return write_map(&map, path);
}

struct uk_error *uk_symvers_load(const char *path, struct uk_map *map)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(path, 64 << 20, &text, &len);
	if (err)
		return err;
	size_t number = 0;
	char *save;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *name;
		unsigned long crc = strtoul(line, &name, 16);
		number++;
		if (name == line || (*name != ' ' && *name != '\t') || crc > UINT32_MAX)
			return uk_error_create(UK_ERR_INVALID, "%s:%zu: is not '0xCRC NAME'", path,
					       number);
		name++;
		name[strcspn(name, " \t")] = '\0';
		struct uk_map_entry *entry = uk_map_insert_str(map, name, NULL);
		if (!entry)
			return uk_error_nomem();
		entry->num = crc;
	}
	return NULL;
}
