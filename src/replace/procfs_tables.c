// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsers of /proc: tables with a line for each mount, mapping or socket. */
#include "replace/procfs.h"

#include "base/strbuf.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#define FIELDS_MAX 32
#define LINE_MAX_LEN 8192

/* A line cut at blanks, in a copy that fields point into. */
struct fields {
	char text[LINE_MAX_LEN];
	const char *at[FIELDS_MAX];
	size_t nr;
};

/* Reads the line at @line; false when it is too long. Moves behind it. */
static bool split_line(const char **line, struct fields *ret)
{
	size_t len = strcspn(*line, "\n");
	const char *from = *line;
	*line += len + (from[len] == '\n');
	ret->nr = 0;
	if (len >= sizeof(ret->text))
		return false;
	memcpy(ret->text, from, len);
	ret->text[len] = '\0';
	for (char *at = ret->text; ret->nr < FIELDS_MAX;) {
		at += strspn(at, " \t");
		if (!*at)
			break;
		ret->at[ret->nr++] = at;
		at += strcspn(at, " \t");
		if (*at)
			*at++ = '\0';
	}
	return true;
}

static struct uk_error *bad_table(const char *file, const struct fields *fields)
{
	return uk_error_create(UK_ERR_INVALID, "%s: cannot read the line that begins '%.40s'", file,
			       fields->nr ? fields->at[0] : "");
}

/* All of the text is the number. */
static bool whole(const char *text, int base, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	if (!uk_proc_number(&text, base, &value) || *text || value > max)
		return false;
	*ret = value;
	return true;
}

/* "fe:01" with @base 16, "254:1" with 10 */
static bool read_device(const char *text, int base, dev_t *ret)
{
	uint64_t major, minor;
	if (!uk_proc_number(&text, base, &major) || *text++ != ':' ||
	    !whole(text, base, UINT_MAX, &minor) || major > UINT_MAX)
		return false;
	*ret = makedev((unsigned int)major, (unsigned int)minor);
	return true;
}

/* "\040" is a blank: mangle_path() of the kernel's fs/seq_file.c. */
static char *unmangle(const char *text)
{
	char *copy = strdup(text), *to = copy;
	for (const char *at = text; copy && *at; at++) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' &&
		    at[3] >= '0' && at[3] <= '7') {
			*to++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	if (copy)
		*to = '\0';
	return copy;
}

void uk_mount_deinit(struct uk_mount *mount)
{
	free(mount->root);
	free(mount->point);
	free(mount->type);
	free(mount->source);
	free(mount->options);
	free(mount->super);
}

void uk_mounts_deinit(uk_mounts *mounts)
{
	uk_vec_for_each(mount, mounts)
		uk_mount_deinit(mount);
	uk_vec_deinit(mounts);
}

/* "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw" */
static bool read_mount_numbers(const struct fields *fields, size_t dash, struct uk_mount *mount)
{
	uint64_t id, parent;
	if (fields->nr < dash + 3 || dash < 6 || !whole(fields->at[0], 10, INT_MAX, &id) ||
	    !whole(fields->at[1], 10, INT_MAX, &parent) ||
	    !read_device(fields->at[2], 10, &mount->dev))
		return false;
	mount->id = (int)id;
	mount->parent = (int)parent;
	return true;
}

static struct uk_error *read_mount(const struct fields *fields, struct uk_mount *mount)
{
	size_t dash = 6;
	while (dash < fields->nr && strcmp(fields->at[dash], "-"))
		dash++;
	if (!read_mount_numbers(fields, dash, mount))
		return bad_table("mountinfo", fields);
	mount->root = unmangle(fields->at[3]);
	mount->point = unmangle(fields->at[4]);
	mount->type = unmangle(fields->at[dash + 1]);
	mount->source = unmangle(fields->at[dash + 2]);
	mount->options = unmangle(fields->at[5]);
	mount->super = unmangle(dash + 3 < fields->nr ? fields->at[dash + 3] : "");
	if (!mount->root || !mount->point || !mount->type || !mount->source || !mount->options ||
	    !mount->super)
		return uk_error_nomem();
	return NULL;
}

struct uk_error *uk_proc_parse_mountinfo(const char *text, uk_mounts *ret)
{
	struct fields fields;
	while (*text) {
		/* Very long options (overlay's) are behind what is wanted, but the kernel
		 * gives lines of a page at most for the rest. */
		if (!split_line(&text, &fields))
			continue;
		struct uk_mount mount = {};
		struct uk_error *err = read_mount(&fields, &mount);
		if (!err && !uk_vec_push(ret, mount))
			err = uk_error_nomem();
		if (err) {
			uk_mount_deinit(&mount);
			return err;
		}
	}
	return NULL;
}

void uk_mappings_deinit(uk_mappings *mappings)
{
	uk_vec_for_each(mapping, mappings)
		free(mapping->path);
	uk_vec_deinit(mappings);
}

/* Names that the kernel gives, see map_files of criu's users and proc(5). */
static const struct {
	const char *prefix;
	enum uk_mapping_kind kind;
	bool worth;
} mapping_names[] = {
	{ "/memfd:", 0, false },
	{ "/dev/zero", 0, false },
	{ "/dev/shm/", UK_MAPPING_DELETED, true },
	{ "/dev/hugepages/", UK_MAPPING_HUGETLB, true },
	{ "/[aio]", UK_MAPPING_AIO, true },
	{ "/SYSV", UK_MAPPING_SYSV, true },
	{ "/anon_hugepage", UK_MAPPING_HUGETLB, true },
	{ "/secretmem", UK_MAPPING_SECRET, true },
	{ "anon_inode:[io_uring]", UK_MAPPING_IO_URING, true },
	{ "anon_inode:[perf_event]", UK_MAPPING_PERF, true },
	{ "anon_inode:", UK_MAPPING_DEVICE, true },
	{ "socket:[", UK_MAPPING_PACKET, true },
	{ "/dev/", UK_MAPPING_DEVICE, true },
	{ "/sys/", UK_MAPPING_DEVICE, true },
	{ "/proc/bus/pci/", UK_MAPPING_DEVICE, true },
	{ "/", UK_MAPPING_DELETED, true },
};

/* Whether the mapping is worth a word, and which. */
static bool classify_mapping(const char *path, enum uk_mapping_kind *ret)
{
	for (size_t i = 0; i < UK_ARRAY_SIZE(mapping_names); i++) {
		if (!uk_str_starts(path, mapping_names[i].prefix))
			continue;
		*ret = mapping_names[i].kind;
		return mapping_names[i].worth &&
		       (*ret != UK_MAPPING_DELETED || uk_str_ends(path, " (deleted)"));
	}
	return false;
}

/* "7f0000000000-7f0000001000 rw-s 00000000 fe:00 1234     /path with blanks" */
static bool read_mapping(const char *line, struct uk_mapping *mapping)
{
	char perms[5] = "", device[24] = "";
	uint64_t offset;
	if (!uk_proc_number(&line, 16, &mapping->start) || *line++ != '-' ||
	    !uk_proc_number(&line, 16, &mapping->end) || *line++ != ' ' ||
	    sscanf(line, "%4s", perms) != 1 || strlen(perms) != 4 || line[4] != ' ')
		return false;
	line += 5;
	if (!uk_proc_number(&line, 16, &offset) || sscanf(line, " %23s", device) != 1 ||
	    !read_device(device, 16, &mapping->dev))
		return false;
	line += 1 + strlen(device);
	line += strspn(line, " ");
	mapping->writable = perms[1] == 'w';
	mapping->shared = perms[3] == 's';
	return uk_proc_number(&line, 10, &mapping->ino);
}

/* The path of a mapping's line: behind the fifth field. */
static char *path_of_mapping(const char *line)
{
	size_t len = strcspn(line, "\n"), at = 0;
	for (int i = 0; i < 5; i++) {
		at += strspn(line + at, " ");
		at += strcspn(line + at, " \n");
	}
	at += strspn(line + at, " ");
	uk_auto_free char *raw = strndup(line + at, len > at ? len - at : 0);
	return raw ? unmangle(raw) : NULL;
}

struct uk_error *uk_proc_parse_maps(const char *text, uk_mappings *ret)
{
	for (const char *line = text; *line; line = strchrnul(line, '\n')) {
		line += *line == '\n';
		if (!*line)
			break;
		struct uk_mapping mapping = {};
		if (!read_mapping(line, &mapping))
			return uk_error_create(UK_ERR_INVALID, "maps: cannot read the line '%.*s'",
					       (int)strcspn(line, "\n") % 60, line);
		uk_auto_free char *path = path_of_mapping(line);
		if (!path)
			return uk_error_nomem();
		bool vast = !mapping.shared && mapping.end - mapping.start >= UK_VAST;
		if (!classify_mapping(path, &mapping.kind)) {
			if (!vast)
				continue;
			mapping.kind = UK_MAPPING_VAST;
		}
		mapping.path = path;
		if (!uk_vec_push(ret, mapping))
			return uk_error_nomem();
		(void)uk_take(path);
	}
	return NULL;
}

/* "VmFlags: rd wr mr mw me ac wf sd": words of two letters */
static bool has_flag(const char *line, const char *flag)
{
	const char *end = strchrnul(line, '\n');
	for (const char *at = line + strlen("VmFlags:"); at < end; at += 3) {
		if (at + 2 < end && !strncmp(at + 1, flag, 2))
			return true;
	}
	return false;
}

void uk_proc_parse_smaps(const char *text, bool *wiped_ret, bool *locked_ret)
{
	bool stack = false;
	*wiped_ret = *locked_ret = false;
	for (const char *line = text; *line; line = strchrnul(line, '\n')) {
		line += *line == '\n';
		size_t len = strcspn(line, "\n");
		if (!strncmp(line, "VmFlags:", 8)) {
			*wiped_ret |= has_flag(line, "wf");
			*locked_ret |= stack && has_flag(line, "lo");
		} else if (line[strspn(line, "0123456789abcdef")] == '-') {
			stack = len > 7 && !strncmp(line + len - 7, "[stack]", 7);
		}
	}
}

/* "0100007F:0050": 32 or 128 bits as words of this machine, and a port */
static bool read_address(const char *text, char *ret, size_t size)
{
	uint32_t words[4];
	char address[INET6_ADDRSTRLEN];
	uint64_t value, port;
	size_t digits = strspn(text, "0123456789ABCDEFabcdef"), nr = digits / 8;
	if ((digits != 8 && digits != 32) || text[digits] != ':' ||
	    !whole(text + digits + 1, 16, 0xffff, &port))
		return false;
	for (size_t i = 0; i < nr; i++) {
		char word[9];
		memcpy(word, text + 8 * i, 8);
		word[8] = '\0';
		if (!whole(word, 16, UINT32_MAX, &value))
			return false;
		words[i] = (uint32_t)value;
	}
	if (!inet_ntop(nr == 1 ? AF_INET : AF_INET6, words, address, sizeof(address)))
		return false;
	snprintf(ret, size, nr == 1 ? "%s:%u" : "[%s]:%u", address, (unsigned int)port);
	return true;
}

static bool read_inet(const struct fields *fields, struct uk_proc_socket *socket)
{
	uint64_t state;
	const char *queues = fields->nr > 9 ? fields->at[4] : "";
	if (fields->nr < 10 || !read_address(fields->at[1], socket->local, sizeof(socket->local)) ||
	    !read_address(fields->at[2], socket->remote, sizeof(socket->remote)) ||
	    !whole(fields->at[3], 16, 0xff, &state) ||
	    !uk_proc_number(&queues, 16, &socket->sent) || *queues++ != ':' ||
	    !whole(queues, 16, UINT32_MAX, &socket->received))
		return false;
	socket->state = (int)state;
	return whole(fields->at[9], 10, UINT64_MAX, &socket->ino);
}

static bool read_unix(const struct fields *fields, struct uk_proc_socket *socket)
{
	uint64_t type, state;
	if (fields->nr < 7 || !whole(fields->at[4], 16, 0xffff, &type) ||
	    !whole(fields->at[5], 16, 0xff, &state) ||
	    !whole(fields->at[6], 10, UINT64_MAX, &socket->ino))
		return false;
	socket->type = (int)type;
	socket->state = (int)state;
	if (fields->nr > 7)
		snprintf(socket->local, sizeof(socket->local), "%s", fields->at[7]);
	return true;
}

static bool read_packet(const struct fields *fields, struct uk_proc_socket *socket)
{
	uint64_t type;
	if (fields->nr < 9 || !whole(fields->at[2], 10, 0xffff, &type))
		return false;
	socket->type = (int)type;
	return whole(fields->at[8], 10, UINT64_MAX, &socket->ino);
}

static bool read_netlink(const struct fields *fields, struct uk_proc_socket *socket)
{
	uint64_t protocol;
	if (fields->nr < 10 || !whole(fields->at[1], 10, 0xff, &protocol))
		return false;
	socket->protocol = (int)protocol;
	return whole(fields->at[4], 10, UINT64_MAX, &socket->received) &&
	       whole(fields->at[9], 10, UINT64_MAX, &socket->ino);
}

struct uk_error *uk_proc_parse_net(const char *text, enum uk_proc_net kind, uk_proc_sockets *ret)
{
	static bool (*const readers[])(const struct fields *, struct uk_proc_socket *) = {
		[UK_PROC_INET] = read_inet,
		[UK_PROC_UNIX] = read_unix,
		[UK_PROC_PACKET] = read_packet,
		[UK_PROC_NETLINK] = read_netlink,
	};
	struct fields fields;
	text = strchrnul(text, '\n'); /* the heading */
	text += *text == '\n';
	while (*text) {
		struct uk_proc_socket socket = {};
		if (!split_line(&text, &fields) || !readers[kind](&fields, &socket))
			return bad_table("net", &fields);
		if (!uk_vec_push(ret, socket))
			return uk_error_nomem();
	}
	return NULL;
}
