// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace base */
/* Values of a pretended /proc/sys: which are written down, and which are set again. */
#include "replace/sysctl.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "tap.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static void put(const char *name, const char *value, mode_t mode)
{
	uk_auto_free char *path = NULL, *dir = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", root, name));
	ck_ok(uk_strdup(path, &dir));
	*strrchr(dir, '/') = '\0';
	ck_ok(uk_dir_make(dir, 0755));
	ck_ok(uk_file_write(path, value, strlen(value), mode));
}

static void wants(const char *name, const char *value)
{
	uk_auto_free char *path = NULL, *text = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", root, name));
	ck_ok(uk_file_read(path, 4096, &text, NULL));
	ck_assert_str_eq(text, value);
}

static void set_up(void)
{
	strcpy(root, "/tmp/upkeep-sysctl.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	put("net/ipv4/ip_forward", "1\n", 0644);
	put("net/ipv4/tcp_rmem", "4096\t131072\t6291456\n", 0644);
	put("net/ipv4/conf/eth0.7/rp_filter", "2\n", 0644);
	put("net/ipv4/tcp_available_congestion_control", "reno cubic\n", 0444);
	put("net/ipv4/route/flush", "1\n", 0200);
	put("net/ipv6/neigh/eth0/retrans_time", "1000\n", 0644);
	put("net/netfilter/nf_conntrack_max", "7\n", 0644);
	put("vm/max_map_count", "262144\n", 0644);
	put("vm/drop_caches", "3\n", 0644);
	put("kernel/core_pattern", "\n", 0644);
	put("kernel/many", "1\n2\n", 0644);
	put("fs/inotify/max_user_watches", "99\n", 0644);
}

static void tear_down(void)
{
	uk_error_destroy(uk_tree_remove(root));
}

START_TEST(what_may_be_set_is_written_down)
{
	ck_ok(uk_sysctl_save(root, root));
	uk_auto_free char *path = NULL, *text = NULL;
	ck_ok(uk_asprintf(&path, "%s/" UK_SYSCTL_VALUES, root));
	ck_ok(uk_file_read(path, 4096, &text, NULL));
	static const char *const there[] = { "net/ipv4/ip_forward\t1\n",
					     "net/ipv4/tcp_rmem\t4096\t131072\t6291456\n",
					     "net/ipv4/conf/eth0.7/rp_filter\t2\n",
					     "vm/max_map_count\t262144\n",
					     "fs/inotify/max_user_watches\t99\n" };
	static const char *const gone[] = { "available", "flush",	 "retrans", "conntrack",
					    "drop",	 "core_pattern", "many" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(there); i++)
		ck_assert_msg(strstr(text, there[i]), "%s: %s", there[i], text);
	for (size_t i = 0; i < UK_ARRAY_SIZE(gone); i++)
		ck_assert_msg(!strstr(text, gone[i]), "%s: %s", gone[i], text);
}
END_TEST

static void note_remark(void *ctx, enum uk_level level, const char *text)
{
	(void)level;
	snprintf(ctx, 256, "%s", text);
}

START_TEST(what_differs_is_set)
{
	char said[256] = "";
	const struct uk_sink sink = { .remark = note_remark, .ctx = said };
	ck_ok(uk_sysctl_save(root, root));
	put("net/ipv4/ip_forward", "0\n", 0644);
	put("net/ipv4/tcp_rmem", "1\t2\t3\n", 0644);
	put("vm/drop_caches", "0\n", 0644);
	uk_auto_free char *gone = NULL, *odd = NULL;
	ck_ok(uk_asprintf(&gone, "%s/net/ipv4/conf/eth0.7", root));
	ck_ok(uk_tree_remove(gone));
	/* One that is no value any more cannot be set. */
	ck_ok(uk_asprintf(&odd, "%s/vm/max_map_count", root));
	ck_assert(!unlink(odd) && !mkdir(odd, 0700));
	ck_ok(uk_sysctl_restore(root, root, &sink));
	wants("net/ipv4/ip_forward", "1\n"); /* its newline is the old one */
	wants("net/ipv4/tcp_rmem", "4096\t131072\t6291456");
	wants("vm/drop_caches", "0\n");
	ck_assert_msg(strstr(said, "sysctl vm/max_map_count is not set, and cannot be set to "
				   "262144: Is a directory"),
		      "%s", said);
}
END_TEST

START_TEST(other_names_are_refused)
{
	static const char *const bad[] = { "vm/drop_caches\t3\n", "net/ipv4/../../vm/x\t1\n",
					   "net/ipv4//x\t1\n",	  "vm/max_map_count 1\n",
					   "/etc/passwd\tx\n",	  "vm/max_map_count2\t1\n" };
	put(UK_SYSCTL_VALUES, bad[_i], 0600);
	ck_fails(uk_sysctl_restore(root, root, NULL), UK_ERR_INVALID, "is not carried");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sysctl");
	TCase *tc = tcase_create("sysctl");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, what_may_be_set_is_written_down);
	tcase_add_test(tc, what_differs_is_set);
	tcase_add_loop_test(tc, other_names_are_refused, 0, 6);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
