// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace base */
/* BTF: that of the kernel at hand says of its structures what its headers for programs say. */
#include "replace/btf.h"

#include "base/bytes.h"
#include "base/file.h"
#include "tap.h"

#include <linux/aio_abi.h>
#include <linux/rseq.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

#define MEMBER(type, member)                                                                       \
	{                                                                                          \
#type, #member, offsetof(struct type, member), sizeof(((struct type *)0)->member)  \
	}

static const struct {
	const char *name, *path;
	size_t offset, size;
} members[] = {
	MEMBER(iovec, iov_len), MEMBER(pollfd, events),	       MEMBER(iocb, aio_offset),
	MEMBER(rseq, rseq_cs),	{ "list_head", "prev", 8, 8 }, { "hlist_node", "pprev", 8, 8 },
};

START_TEST(members_lie_where_they_lie)
{
	uk_auto_btf struct uk_btf *btf = NULL;
	size_t offset = 0;
	ck_ok(uk_btf_load(&btf));
	ck_ok(uk_btf_offset(btf, members[_i].name, members[_i].path, members[_i].size, &offset));
	ck_assert_uint_eq(offset, members[_i].offset);
}
END_TEST

/* Through structs, unions without a name, typedefs and arrays of words. */
START_TEST(paths_lead_inside)
{
	uk_auto_btf struct uk_btf *btf = NULL;
	size_t whole = 0, inner = 0, next = 0, other = 0;
	ck_ok(uk_btf_load(&btf));
	ck_ok(uk_btf_offset(btf, "task_struct", "tasks", 16, &whole));
	ck_ok(uk_btf_offset(btf, "task_struct", "tasks.next", 8, &inner));
	ck_ok(uk_btf_offset(btf, "task_struct", "tasks.prev", 8, &next));
	ck_assert_uint_eq(inner, whole);
	ck_assert_uint_eq(next, whole + 8);
	ck_ok(uk_btf_offset(btf, "restart_block", "nanosleep.clockid", 4, &whole));
	ck_ok(uk_btf_offset(btf, "restart_block", "poll.ufds", 8, &other));
	ck_assert_uint_eq(whole, other);
}
END_TEST

START_TEST(what_is_not_there_is_refused)
{
	uk_auto_btf struct uk_btf *btf = NULL;
	size_t offset;
	ck_ok(uk_btf_load(&btf));
	ck_fails(uk_btf_offset(btf, "no_such_struct", "a", 8, &offset), UK_ERR_REFUSED,
		 "struct no_such_struct has no a of 8 bytes");
	ck_fails(uk_btf_offset(btf, "list_head", "last", 8, &offset), UK_ERR_REFUSED, "no last");
	ck_fails(uk_btf_offset(btf, "list_head", "next", 4, &offset), UK_ERR_REFUSED, "4 bytes");
	ck_fails(uk_btf_offset(btf, "list_head", "next.next", 8, &offset), UK_ERR_REFUSED,
		 "no next.next");
	/* A field of bits has no address. */
	ck_fails(uk_btf_offset(btf, "task_struct", "in_execve", 4, &offset), UK_ERR_REFUSED,
		 "no in_execve");
}
END_TEST

/* Whatever is broken of it: it is refused, or leads to other answers, and nothing else. */
START_TEST(broken_ones_do_no_harm)
{
	uk_auto_free char *data = NULL;
	size_t len, offset;
	ck_ok(uk_file_read("/sys/kernel/btf/vmlinux", 64 << 20, &data, &len));
	uint32_t lens[] = { 0, 1, 23, 24, 100, (uint32_t)len - 1 };
	for (size_t i = 0; i < UK_ARRAY_SIZE(lens); i++) {
		struct uk_btf *btf = NULL;
		ck_fails(uk_btf_parse(data, lens[i], &btf), UK_ERR_INVALID, "BTF: ");
	}
	srand(4711);
	for (int i = 0; i < 100; i++) {
		uk_auto_btf struct uk_btf *btf = NULL;
		size_t at = i < 40 ? (size_t)i : 24 + (size_t)rand() % 100000;
		char was = data[at];
		data[at] = (char)(was ^ (1 << rand() % 8));
		struct uk_error *err = uk_btf_parse(data, len, &btf);
		if (!err)
			err = uk_btf_offset(btf, "task_struct", "restart_block.poll.tv_sec", 8,
					    &offset);
		uk_error_destroy(err);
		data[at] = was;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_btf");
	TCase *tcase = tcase_create("btf");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, members_lie_where_they_lie, 0, UK_ARRAY_SIZE(members));
	tcase_add_test(tcase, paths_lead_inside);
	tcase_add_test(tcase, what_is_not_there_is_refused);
	tcase_add_test(tcase, broken_ones_do_no_harm);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
