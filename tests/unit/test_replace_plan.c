// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* The plan of a swap: what is written is read, and what was changed is refused. */
#include "replace/cmdline.h"
#include "replace/plan.h"
#include "replace/plan_json.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "tap.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct uk_swap_key key;

static void make_dir(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	strcpy(dir, "/tmp/upkeep-plan.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	uk_swap_key_make(&key);
}

static void remove_dir(void)
{
	uk_error_destroy(uk_tree_remove(dir));
}

static char *text(const char *words)
{
	char *copy;
	ck_ok(uk_strdup(words, &copy));
	return copy;
}

enum { ALL = UK_PLAN_PAGES | UK_PLAN_REST };

static void put(const char *name, const char *content)
{
	uk_auto_free char *path = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	ck_ok(uk_file_write(path, content, strlen(content), 0600));
}

static void fill(struct uk_plan *plan)
{
	uk_auto_free char *images = NULL;
	*plan = (struct uk_plan){ .id = text(key.id),
				  .old_release = text("6.1"),
				  .new_release = text("6.12"),
				  .hostname = text("host"),
				  .in_memory = true,
				  .frozen_ns = 1796004613000000001,
				  .ahead_ns = 21,
				  .ahead_bytes = 22,
				  .clock = { 7, 1796004614000000002, 2000000000 } };
	uk_digest_key_derive(key.bytes, &plan->files_key);
	struct uk_plan_link link = { text("eth0"), text("52:54:00:00:00:01") };
	ck_assert(uk_vec_push(&plan->links, link));
	ck_assert(uk_vec_push(&plan->ports, 6379));
	struct uk_plan_service service = { .name = text("redis.service"),
					   .unit = text("redis.service"),
					   .cgroup = text("/system.slice/redis.service"),
					   .images = text("service-0"),
					   .main_pid = 812 };
	struct uk_plan_mount bound = { .point = text("/tmp"),
				       .options = text("rw,nosuid"),
				       .from = text("/tmp/private"),
				       .inside = true,
				       .type = text("ext4"),
				       .source = text("/dev/vda"),
				       .super = text("rw") };
	struct uk_plan_mount fresh = { .point = text("/dev"),
				       .options = text("ro"),
				       .type = text("tmpfs"),
				       .source = text("tmpfs"),
				       .super = text("mode=755"),
				       .content = text("service-0/1.tar") };
	ck_assert(uk_vec_push(&service.view, bound));
	ck_assert(uk_vec_push(&service.view, fresh));
	struct uk_plan_outside file = { text("file[18:4]"), text("/dev/null"), 2, 7 };
	ck_assert(uk_vec_push(&service.outside, file));
	service.notify = text("main");
	struct uk_plan_call call = { 814,  7, { ~0ull, 2, 3, 4, 5, 6 }, 0x7f0000000010, 1ull << 63,
				     true, 12 };
	ck_assert(uk_vec_push(&service.calls, call));
	call.limited = false;
	call.until_ns = 0;
	ck_assert(uk_vec_push(&service.calls, call));
	service.host_name = text("other");
	service.domain_name = text("example");
	ck_assert(uk_vec_push(&plan->afresh,
			      (struct uk_plan_afresh){ text("x.service"), text("x.service") }));
	struct uk_plan_stream stream = {
		.ino = 4711, .nonblock = true, .state = text("UNIT=\"redis\"\n"), .journal_end = 12
	};
	ck_assert(uk_vec_push(&service.journal, stream));
	ck_assert(uk_vec_push(&plan->services, service));
	ck_ok(uk_asprintf(&images, "%s/service-0", dir));
	ck_ok(uk_dir_make(images, 0700));
	put("service-0/pages-1.img", "memory");
	put("service-0/core.img", "registers");
	put("ip.batch", "link set dev lo up");
	ck_ok(uk_plan_list_files(plan, dir));
	ck_ok(uk_plan_mark(plan, "dump"));
}

START_TEST(what_is_written_is_read)
{
	uk_auto_plan struct uk_plan plan = {}, read = {};
	fill(&plan);
	ck_ok(uk_plan_write(&plan, &key, dir));
	ck_ok(uk_plan_read(dir, &key, &read));
	ck_assert_str_eq(read.id, key.id);
	ck_assert_str_eq(read.new_release, "6.12");
	ck_assert(read.in_memory);
	ck_assert_uint_eq(read.frozen_ns, plan.frozen_ns);
	ck_assert_uint_eq(read.ahead_ns, 21);
	ck_assert_uint_eq(read.ahead_bytes, 22);
	ck_assert_uint_eq(read.clock.ticks, 7);
	ck_assert_uint_eq(read.clock.ns, 1796004614000000002);
	ck_assert_uint_eq(read.clock.per_second, 2000000000);
	ck_assert_uint_eq(read.files.len, 3);
	ck_assert_str_eq(read.files.data[1].path, "service-0/core.img");
	ck_assert_uint_eq(read.files.data[1].size, strlen("registers"));
	ck_assert_str_eq(read.links.data[0].mac, "52:54:00:00:00:01");
	ck_assert_uint_eq(read.ports.data[0], 6379);
	ck_assert_uint_eq(read.services.data[0].journal.len, 1);
	const struct uk_plan_stream *stream = read.services.data[0].journal.data;
	ck_assert_uint_eq(stream->ino, 4711);
	ck_assert(stream->nonblock);
	ck_assert_str_eq(stream->state, "UNIT=\"redis\"\n");
	ck_assert_uint_eq(stream->service_end, 0);
	ck_assert_uint_eq(stream->journal_end, 12);
	ck_assert_int_eq(read.services.data[0].main_pid, 812);
	ck_assert_str_eq(read.services.data[0].notify, "main");
	ck_assert_str_eq(read.services.data[0].host_name, "other");
	ck_assert_str_eq(read.services.data[0].domain_name, "example");
	ck_assert_str_eq(read.services.data[0].outside.data[0].id, "file[18:4]");
	ck_assert_uint_eq(read.services.data[0].outside.data[0].pos, 7);
	ck_assert_uint_eq(read.services.data[0].calls.len, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct uk_plan_call *call = &read.services.data[0].calls.data[i];
		ck_assert_int_eq(call->tid, 814);
		ck_assert_uint_eq(call->number, 7);
		ck_assert_uint_eq(call->args[0], ~0ull);
		ck_assert_uint_eq(call->args[5], 6);
		ck_assert_uint_eq(call->ip, 0x7f0000000010);
		ck_assert_uint_eq(call->sp, 1ull << 63);
		ck_assert_int_eq(call->limited, !i);
		ck_assert_uint_eq(call->until_ns, i ? 0 : 12);
	}
	ck_assert_uint_eq(read.afresh.len, 1);
	ck_assert_str_eq(read.afresh.data[0].unit, "x.service");
	const struct uk_plan_mount *mounts = read.services.data[0].view.data;
	ck_assert(mounts[0].inside && !strcmp(mounts[0].from, "/tmp/private"));
	ck_assert_str_eq(mounts[0].type, "ext4");
	ck_assert_ptr_null(mounts[1].from);
	ck_assert_str_eq(mounts[1].super, "mode=755");
	ck_assert_str_eq(mounts[1].content, "service-0/1.tar");
	ck_assert_ptr_null(read.services.data[0].trouble);
	ck_assert_str_eq(read.times.data[0].phase, "dump");
	ck_ok(uk_plan_verify(&read, dir, &read.services.data[0], ALL));
	ck_ok(uk_plan_verify(&read, dir, NULL, 0));
}
END_TEST

START_TEST(files_are_for_root_alone)
{
	uk_auto_plan struct uk_plan plan = {};
	uk_auto_free char *path = NULL;
	struct stat st;
	fill(&plan);
	umask(0);
	ck_ok(uk_plan_write(&plan, &key, dir));
	ck_ok(uk_asprintf(&path, "%s/plan.json", dir));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(another_key_is_refused)
{
	uk_auto_plan struct uk_plan plan = {}, read = {};
	struct uk_swap_key other;
	fill(&plan);
	ck_ok(uk_plan_write(&plan, &key, dir));
	uk_swap_key_make(&other);
	ck_fails(uk_plan_read(dir, &other, &read), UK_ERR_INVALID, "not sealed by this swap");
}
END_TEST

START_TEST(a_plan_of_another_swap_is_refused)
{
	uk_auto_plan struct uk_plan plan = {}, read = {};
	fill(&plan);
	plan.id[0] = plan.id[0] == '0' ? '1' : '0';
	ck_ok(uk_plan_write(&plan, &key, dir));
	ck_fails(uk_plan_read(dir, &key, &read), UK_ERR_INVALID, "is that of swap");
}
END_TEST

/* Each byte of the plan, and of its seal, counts. */
START_TEST(a_changed_plan_is_refused)
{
	uk_auto_plan struct uk_plan plan = {};
	static const char *const names[] = { "plan.json", "plan.seal" };
	fill(&plan);
	ck_ok(uk_plan_write(&plan, &key, dir));
	for (size_t n = 0; n < UK_ARRAY_SIZE(names); n++) {
		uk_auto_free char *path = NULL, *bytes = NULL;
		size_t len;
		ck_ok(uk_asprintf(&path, "%s/%s", dir, names[n]));
		ck_ok(uk_file_read(path, 1 << 20, &bytes, &len));
		for (size_t i = 0; i < len; i++) {
			uk_auto_plan struct uk_plan read = {};
			bytes[i] ^= 1;
			ck_ok(uk_file_write(path, bytes, len, 0600));
			ck_fails(uk_plan_read(dir, &key, &read), UK_ERR_INVALID, "not sealed");
			bytes[i] ^= 1;
		}
		ck_ok(uk_file_write(path, bytes, len, 0600));
	}
}
END_TEST

START_TEST(a_changed_image_is_refused)
{
	uk_auto_plan struct uk_plan plan = {};
	fill(&plan);
	put("service-0/pages-1.img", "memorY");
	ck_fails(uk_plan_verify(&plan, dir, &plan.services.data[0], ALL), UK_ERR_INVALID,
		 "pages-1.img: changed since it was written");
	put("service-0/pages-1.img", "memory and more");
	ck_fails(uk_plan_verify(&plan, dir, &plan.services.data[0], ALL), UK_ERR_INVALID,
		 "pages-1.img: changed since it was written");
}
END_TEST

START_TEST(pages_are_checked_apart)
{
	uk_auto_plan struct uk_plan plan = {};
	const struct uk_plan_service *service;
	fill(&plan);
	service = &plan.services.data[0];
	put("service-0/pages-1.img", "memorY");
	ck_ok(uk_plan_verify(&plan, dir, service, UK_PLAN_REST));
	ck_fails(uk_plan_verify(&plan, dir, service, UK_PLAN_PAGES), UK_ERR_INVALID,
		 "pages-1.img: changed");
	put("service-0/pages-1.img", "memory");
	put("service-0/core.img", "registerS");
	ck_ok(uk_plan_verify(&plan, dir, service, UK_PLAN_PAGES));
	ck_fails(uk_plan_verify(&plan, dir, service, UK_PLAN_REST), UK_ERR_INVALID,
		 "core.img: changed");
}
END_TEST

START_TEST(what_is_no_services_is_checked_apart)
{
	uk_auto_plan struct uk_plan plan = {};
	fill(&plan);
	put("ip.batch", "link set dev lo down");
	ck_ok(uk_plan_verify(&plan, dir, &plan.services.data[0], ALL));
	ck_fails(uk_plan_verify(&plan, dir, NULL, 0), UK_ERR_INVALID, "ip.batch: changed since");
}
END_TEST

/* What is not wanted of it, and the words that say so. */
static const struct {
	const char *from, *to, *words;
} bad_plans[] = {
	{ "\"schema\":1", "\"schema\":2", "schema 2; this upkeep knows 1" },
	{ "\"hostname\":\"host\",", "", "hostname: there is no text" },
	{ "\"service-0\"", "\"../service-0\"", "leads elsewhere" },
	{ "\"service-0\"", "\"/service-0\"", "leads elsewhere" },
	{ "\"service-0/core.img\"", "\"service-0/../../core\"", "leads elsewhere" },
	{ "\"/system.slice/", "\"/../system.slice/", "is no place" },
	{ "\"main_pid\":812", "\"main_pid\":1", "main_pid: 1 is none" },
	{ "\"main_pid\":812", "\"main_pid\":-812", "main_pid: there is no number" },
	{ "\"/tmp/private\"", "\"/tmp/../etc\"", "from_inside: /tmp/../etc is no place" },
	{ "service-0/1.tar", "../1.tar", "content: ../1.tar leads elsewhere" },
	{ "\"super\":\"mode=755\",", "", "super: there is no text" },
	{ "4711", "\"4711\"", "journal 0: ino: there is no number" },
	{ "\"nonblock\":true", "\"nonblock\":1", "journal 0: nonblock: there is no boolean" },
	{ "\"links\":[", "\"knots\":[", "links: there is no list" },
	{ "{", "[", "not a JSON object" },
};

START_TEST(a_bad_plan_is_refused)
{
	uk_auto_plan struct uk_plan plan = {}, read = {};
	uk_auto_free char *good = NULL, *bad = NULL;
	fill(&plan);
	ck_ok(uk_plan_to_json(&plan, &good));
	const char *at = strstr(good, bad_plans[_i].from);
	ck_assert_ptr_nonnull(at);
	ck_ok(uk_asprintf(&bad, "%.*s%s%s", (int)(at - good), good, bad_plans[_i].to,
			  at + strlen(bad_plans[_i].from)));
	ck_fails(uk_plan_from_json(bad, &read), UK_ERR_INVALID, bad_plans[_i].words);
}
END_TEST

START_TEST(keys_go_as_text)
{
	uk_auto_free char *words = NULL;
	struct uk_swap_key read;
	ck_ok(uk_swap_key_text(&key, &words));
	ck_ok(uk_swap_key_parse(words, &read));
	ck_assert_mem_eq(&read, &key, sizeof(key));
	words[strlen(words) - 2] = 'x';
	ck_fails(uk_swap_key_parse(words, &read), UK_ERR_INVALID, "not the key of a swap");
	ck_fails(uk_swap_key_parse("", &read), UK_ERR_INVALID, "not the key of a swap");
}
END_TEST

START_TEST(command_lines_go_on_without_the_boot_loader)
{
	uk_auto_free char *line = NULL;
	ck_ok(uk_cmdline_make("BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=1 ro quiet "
			      "initrd=/initrd init=/bin/sh noinit\n",
			      false, &line));
	ck_assert_str_eq(line, "root=UUID=1 ro quiet noinit");
}
END_TEST

START_TEST(a_panic_reboots_unless_somebody_says_otherwise)
{
	uk_auto_free char *all = NULL, *own = NULL;
	ck_ok(uk_cmdline_make("ro nopanic=1\n", true, &all));
	ck_assert_str_eq(all, "ro nopanic=1 panic=10 oops=panic softlockup_panic=1");
	ck_ok(uk_cmdline_make("panic=0 ro softlockup_panic=0", true, &own));
	ck_assert_str_eq(own, "panic=0 ro softlockup_panic=0 oops=panic");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("plan");
	tcase_add_checked_fixture(tc, make_dir, remove_dir);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, what_is_written_is_read);
	tcase_add_test(tc, files_are_for_root_alone);
	tcase_add_test(tc, another_key_is_refused);
	tcase_add_test(tc, a_plan_of_another_swap_is_refused);
	tcase_add_test(tc, a_changed_plan_is_refused);
	tcase_add_test(tc, a_changed_image_is_refused);
	tcase_add_test(tc, pages_are_checked_apart);
	tcase_add_test(tc, what_is_no_services_is_checked_apart);
	tcase_add_loop_test(tc, a_bad_plan_is_refused, 0, UK_ARRAY_SIZE(bad_plans));
	tcase_add_test(tc, keys_go_as_text);
	tcase_add_test(tc, command_lines_go_on_without_the_boot_loader);
	tcase_add_test(tc, a_panic_reboots_unless_somebody_says_otherwise);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
