// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules for programs of which is known how to have them do without what cannot be carried. They
 * come before the general ones, have the same verdicts, and a remedy that can be typed.
 */
#include "replace/rules.h"

#include <string.h>

#define MARIADB_FILE "in a file below /etc/mysql/mariadb.conf.d, below [mariadb], "

/* The name of its program, whatever that calls itself. */
static bool is_program(const struct uk_rule_subject *subject, const char *name)
{
	const char *slash = strrchr(subject->task->exe, '/');
	return slash && !strcmp(slash + 1, name);
}

static bool is_ring_of_mariadb(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_IO_URING && is_program(subject, "mariadbd");
}

static bool maps_ring_of_mariadb(const struct uk_rule_subject *subject)
{
	return subject->mapping->kind == UK_MAPPING_IO_URING && is_program(subject, "mariadbd");
}

static bool is_pool_of_mariadb(const struct uk_rule_subject *subject)
{
	return uk_rule_maps_too_much(subject) && is_program(subject, "mariadbd");
}

static const struct uk_rule rules[] = {
	{ "mariadb-io-uring", UK_RESOURCE_FD, is_ring_of_mariadb, UK_FATE_IMPOSSIBLE,
	  "a ring of io_uring, which the checkpoint refuses: InnoDB reads and writes by it",
	  "set innodb_use_native_aio=OFF " MARIADB_FILE "and restart it",
	  "mariadb.com/docs: InnoDB system variables; tried: 10.11.19" },
	{ "mariadb-ring", UK_RESOURCE_MAPPING, maps_ring_of_mariadb, UK_FATE_IMPOSSIBLE,
	  "the ring of io_uring is mapped", "set innodb_use_native_aio=OFF, as above",
	  "CRIU 3.17.1, criu/proc_parse.c: handle_vma(); tried: 10.11.19" },
	{ "mariadb-pool", UK_RESOURCE_MAPPING, is_pool_of_mariadb, UK_FATE_IMPOSSIBLE, NULL,
	  "set innodb_buffer_pool_size_max to the size that innodb_buffer_pool_size has or may "
	  "get, " MARIADB_FILE "and restart it",
	  "MDEV-29445: 8 TiB of address space by default; tried: 10.11.19", uk_rule_tell_too_much },
};

const struct uk_rule_table uk_rules_programs = { rules, UK_ARRAY_SIZE(rules) };
