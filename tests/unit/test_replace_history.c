// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* Reports of swaps: what is written is read, what is bad is told, the oldest go. */
#include "replace/history.h"
#include "replace/plan.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECOND = 1000000000 };

static char top[64], run[80], folder[80];

static void make_top(void)
{
	strcpy(top, "/tmp/upkeep-history.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(run, sizeof(run), "%s/run", top);
	snprintf(folder, sizeof(folder), "%s/swaps", top);
	ck_ok(uk_dir_make(run, 0700));
	ck_ok(uk_dir_make(folder, 0700));
}

static void remove_top(void)
{
	uk_error_destroy(uk_tree_remove(top));
}

static char *text(const char *words)
{
	char *copy;
	ck_ok(uk_strdup(words, &copy));
	return copy;
}

static void mark(struct uk_plan *plan, const char *phase, uint64_t ns)
{
	ck_assert(uk_vec_push(&plan->times, (struct uk_plan_time){ text(phase), ns }));
}

static void add(struct uk_plan *plan, const char *name, const char *trouble, bool stray)
{
	struct uk_plan_service service = {
		.name = text(name), .unit = text(name), .main_pid = 812, .stray = stray
	};
	if (trouble)
		service.trouble = text(trouble);
	ck_assert(uk_vec_push(&plan->services, service));
}

static void put(const char *id, const char *name, const char *content)
{
	uk_auto_free char *dir = NULL, *path = NULL;
	ck_ok(uk_asprintf(&dir, "%s/%s", folder, id));
	ck_ok(uk_dir_make(dir, 0700));
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	ck_ok(uk_file_write(path, content, strlen(content), 0600));
}

static void report(const struct uk_plan *plan, enum uk_swap_end end, const char *why)
{
	uk_auto_free char *dir = NULL;
	ck_ok(uk_asprintf(&dir, "%s/%s", folder, plan->id));
	ck_ok(uk_dir_make(dir, 0700));
	ck_ok(uk_history_write(plan, end, why, dir));
}

static void fill(struct uk_plan *plan, const char *id, uint64_t seconds)
{
	*plan = (struct uk_plan){ .id = text(id),
				  .old_release = text("6.1"),
				  .new_release = text("6.12"),
				  .in_memory = true,
				  .frozen_ns = seconds * SECOND,
				  .ahead_ns = 7ull * SECOND,
				  .ahead_bytes = 12345 };
}

START_TEST(what_is_written_is_read)
{
	uk_auto_plan struct uk_plan plan = {};
	uk_auto_history struct uk_history history = {};
	fill(&plan, "00000000000000aa", 1000);
	mark(&plan, "before the freeze", 990ull * SECOND);
	mark(&plan, "dump", 1002ull * SECOND);
	mark(&plan, "jump", 1001ull * SECOND); /* the other kernel's clock is behind */
	mark(&plan, "open the gate", 1005ull * SECOND);
	mark(&plan, "hand back", 1009ull * SECOND);
	add(&plan, "nginx.service", NULL, false);
	add(&plan, "redis.service", "no room", false);
	add(&plan, "other.service", NULL, true);
	ck_assert(uk_vec_push(&plan.afresh, (struct uk_plan_afresh){ text("left.service"), NULL }));
	report(&plan, UK_SWAP_OVER, NULL);
	ck_ok(uk_history_read(folder, run, &history));
	ck_assert_uint_eq(history.swaps.len, 1);
	const struct uk_history_swap *swap = history.swaps.data;
	ck_assert_str_eq(swap->id, "00000000000000aa");
	ck_assert_str_eq(swap->old_release, "6.1");
	ck_assert_str_eq(swap->new_release, "6.12");
	ck_assert_int_eq(swap->end, UK_SWAP_OVER);
	ck_assert_uint_eq(swap->frozen_ns, 1000ull * SECOND);
	ck_assert_uint_eq(swap->gap_ns, 5ull * SECOND);
	ck_assert(swap->in_memory);
	ck_assert_uint_eq(swap->ahead_ns, 7ull * SECOND);
	ck_assert_uint_eq(swap->ahead_bytes, 12345);
	ck_assert_uint_eq(swap->phases.len, 4);
	ck_assert_str_eq(swap->phases.data[0].name, "dump");
	ck_assert_uint_eq(swap->phases.data[0].ns, 2ull * SECOND);
	ck_assert_uint_eq(swap->phases.data[1].ns, 0);
	ck_assert_uint_eq(swap->phases.data[3].ns, 4ull * SECOND);
	ck_assert_int_eq(swap->services.data[0].outcome, UK_OUTCOME_RESTORED);
	ck_assert_int_eq(swap->services.data[1].outcome, UK_OUTCOME_AFRESH);
	ck_assert_str_eq(swap->services.data[1].why, "no room");
	ck_assert_int_eq(swap->services.data[2].outcome, UK_OUTCOME_STRAY);
	ck_assert_int_eq(swap->services.data[2].pid, 812);
	ck_assert(uk_history_is_of_this_boot(swap));
	swap->boot[0] = swap->boot[0] == '0' ? '1' : '0';
	ck_assert(!uk_history_is_of_this_boot(swap));
	free(swap->boot);
	history.swaps.data[0].boot = NULL;
	ck_assert(!uk_history_is_of_this_boot(swap));
	ck_assert_uint_eq(swap->services.len, 4);
	ck_assert_int_eq(swap->services.data[3].outcome, UK_OUTCOME_AFRESH);
	ck_assert_str_eq(swap->services.data[3].why, "it was left out (--without)");
}
END_TEST

START_TEST(what_was_taken_back_ran_on)
{
	uk_auto_plan struct uk_plan plan = {};
	uk_auto_history struct uk_history history = {};
	fill(&plan, "00000000000000aa", 1000);
	add(&plan, "nginx.service", NULL, false);
	report(&plan, UK_SWAP_BACK, "dump: it said no");
	ck_ok(uk_history_read(folder, run, &history));
	ck_assert_int_eq(history.swaps.data[0].end, UK_SWAP_BACK);
	ck_assert_str_eq(history.swaps.data[0].why, "dump: it said no");
	ck_assert_int_eq(history.swaps.data[0].services.data[0].outcome, UK_OUTCOME_RAN_ON);
}
END_TEST

/* A report that was not finished is open only while services are handed over. */
START_TEST(who_hands_over_is_not_done)
{
	uk_auto_plan struct uk_plan plan = {};
	uk_auto_free char *dir = NULL, *path = NULL;
	fill(&plan, "00000000000000aa", 1000);
	report(&plan, UK_SWAP_OPEN, NULL);
	for (int open = 0; open < 2; open++) {
		uk_auto_history struct uk_history history = {};
		if (open) {
			ck_ok(uk_asprintf(&dir, "%s/upkeep", run));
			ck_ok(uk_dir_make(dir, 0700));
			ck_ok(uk_asprintf(&path, "%s/replace.id", dir));
			ck_ok(uk_file_write(path, plan.id, strlen(plan.id), 0600));
		}
		ck_ok(uk_history_read(folder, run, &history));
		ck_assert_int_eq(history.swaps.data[0].end, open ? UK_SWAP_OPEN : UK_SWAP_CUT);
		if (!open)
			ck_assert_str_eq(history.swaps.data[0].why,
					 "services were not all handed back to systemd");
	}
}
END_TEST

/* Images without a report: of a swap that is being made, or of one that nobody came back from. */
START_TEST(no_report_is_told)
{
	uk_auto_free char *path = NULL;
	put("00000000000000bb", "pages-1.img", "memory");
	ck_ok(uk_asprintf(&path, "%s/upkeep.lock", run));
	uk_auto_close int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(lock, 0);
	for (int held = 0; held < 2; held++) {
		uk_auto_history struct uk_history history = {};
		ck_assert_int_eq(held ? flock(lock, LOCK_EX | LOCK_NB) : 0, 0);
		ck_ok(uk_history_read(folder, run, &history));
		ck_assert_int_eq(history.swaps.data[0].end, held ? UK_SWAP_OPEN : UK_SWAP_CUT);
		if (!held)
			ck_assert_ptr_nonnull(
				strstr(history.swaps.data[0].why, "there is no report"));
	}
}
END_TEST

/* What is not wanted of a report, and the words that say so. */
static const struct {
	const char *from, *to, *words;
} bad_reports[] = {
	{ "\"schema\":1", "\"schema\":2", "schema 2; this upkeep knows 1" },
	{ "\"end\":\"over\"", "\"end\":\"up\"", "end: up is not known" },
	{ "\"outcome\":\"restored\"", "\"outcome\":\"eaten\"", "outcome: eaten is not known" },
	{ "\"old\":\"6.1\",", "", "old: there is no text" },
	{ "\"pid\":812", "\"pid\":4294967296", "pid: 4294967296 is none" },
	{ "\"times\":[", "\"beats\":[", "times: there is no list" },
	{ "{", "[", "not a JSON object" },
};

START_TEST(a_bad_report_is_told)
{
	uk_auto_plan struct uk_plan plan = {};
	uk_auto_history struct uk_history history = {};
	uk_auto_free char *path = NULL, *good = NULL, *bad = NULL;
	fill(&plan, "00000000000000aa", 1000);
	add(&plan, "nginx.service", NULL, false);
	report(&plan, UK_SWAP_OVER, NULL);
	ck_ok(uk_asprintf(&path, "%s/%s/report.json", folder, plan.id));
	ck_ok(uk_file_read(path, 1 << 16, &good, NULL));
	const char *at = strstr(good, bad_reports[_i].from);
	ck_assert_ptr_nonnull(at);
	ck_ok(uk_asprintf(&bad, "%.*s%s%s", (int)(at - good), good, bad_reports[_i].to,
			  at + strlen(bad_reports[_i].from)));
	put(plan.id, "report.json", bad);
	ck_ok(uk_history_read(folder, run, &history));
	ck_assert_uint_eq(history.swaps.len, 1);
	ck_assert_uint_eq(history.swaps.data[0].phases.len, 0);
	ck_assert_uint_eq(history.swaps.data[0].services.len, 0);
	ck_assert_int_eq(history.swaps.data[0].end, UK_SWAP_CUT);
	ck_assert_ptr_nonnull(strstr(history.swaps.data[0].why, bad_reports[_i].words));
}
END_TEST

static size_t count_folders(void)
{
	char **names = NULL;
	size_t nr = 0;
	ck_ok(uk_dir_list(folder, &names, &nr));
	uk_strv_destroy(names, nr);
	return nr;
}

START_TEST(the_oldest_reports_go)
{
	uk_auto_history struct uk_history history = {};
	for (unsigned int i = 0; i < UK_HISTORY_KEPT + 3; i++) {
		uk_auto_plan struct uk_plan plan = {};
		char id[UK_SWAP_ID_LEN + 1];
		snprintf(id, sizeof(id), "%016x", i);
		fill(&plan, id, 1000 + i);
		report(&plan, UK_SWAP_OVER, NULL);
	}
	put("0000000000000000", "pages-1.img", "memory"); /* images are left alone */
	put("00000000000000ffx", "report.json", "of somebody else");
	ck_ok(uk_history_prune(folder));
	ck_assert_uint_eq(count_folders(), UK_HISTORY_KEPT + 2);
	ck_ok(uk_history_read(folder, run, &history));
	ck_assert_uint_eq(history.swaps.len, UK_HISTORY_KEPT + 1);
	ck_assert_uint_eq(history.swaps.data[0].frozen_ns,
			  (1000ull + UK_HISTORY_KEPT + 2) * SECOND);
	ck_assert_uint_eq(history.swaps.data[UK_HISTORY_KEPT].frozen_ns, 1000ull * SECOND);
}
END_TEST

START_TEST(a_folder_is_stripped_to_its_report)
{
	uk_auto_free char *dir = NULL;
	char **names = NULL;
	size_t nr = 0;
	put("00000000000000aa", "pages-1.img", "memory");
	put("00000000000000aa", "report.json", "{}");
	ck_ok(uk_asprintf(&dir, "%s/00000000000000aa", folder));
	ck_ok(uk_history_strip(dir));
	ck_ok(uk_dir_list(dir, &names, &nr));
	ck_assert_uint_eq(nr, 1);
	ck_assert_str_eq(names[0], "report.json");
	uk_strv_destroy(names, nr);
}
END_TEST

START_TEST(without_a_folder_there_is_nothing)
{
	uk_auto_history struct uk_history history = {};
	ck_fails(uk_history_read("/nosuch/folder", run, &history), UK_ERR_NOTHING,
		 "no kernel was replaced yet");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("history");
	TCase *tc = tcase_create("history");
	tcase_add_checked_fixture(tc, make_top, remove_top);
	tcase_add_test(tc, what_is_written_is_read);
	tcase_add_test(tc, what_was_taken_back_ran_on);
	tcase_add_test(tc, who_hands_over_is_not_done);
	tcase_add_test(tc, no_report_is_told);
	tcase_add_loop_test(tc, a_bad_report_is_told, 0, UK_ARRAY_SIZE(bad_reports));
	tcase_add_test(tc, the_oldest_reports_go);
	tcase_add_test(tc, a_folder_is_stripped_to_its_report);
	tcase_add_test(tc, without_a_folder_there_is_nothing);
	suite_add_tcase(suite, tc);
	return tap_run(suite);
}
