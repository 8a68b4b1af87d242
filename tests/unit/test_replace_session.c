// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* What logind has noted of a session, taken along and given back. */
#include "replace/session.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "tap.h"

#include <string.h>

static char dir[] = "/tmp/upkeep-session-XXXXXX";

static char *in_dir(const char *name)
{
	char *path = NULL;
	ck_ok(uk_asprintf(&path, "%s/%s", dir, name));
	return path;
}

static void put(const char *name, const char *text)
{
	uk_auto_free char *path = in_dir(name);
	ck_ok(uk_file_write(path, text, strlen(text), 0644));
}

static void check(const char *name, const char *wanted)
{
	uk_auto_free char *path = in_dir(name), *text = NULL;
	ck_ok(uk_file_read(path, 4096, &text, NULL));
	ck_assert_str_eq(text, wanted);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	uk_auto_free char *path = in_dir("sessions");
	ck_ok(uk_dir_make(path, 0755));
}

static void tear_down(void)
{
	ck_ok(uk_tree_remove(dir));
}

static const struct {
	const char *unit, *id;
} names[] = {
	{ "session-3.scope", "3" },	{ "session-c17.scope", "c17" },
	{ "session-.scope", NULL },	{ "session-c.scope", NULL },
	{ "session-3", NULL },		{ "session-3.scope.scope", NULL },
	{ "session-3/x.scope", NULL },	{ "user-3.scope", NULL },
	{ "session-../3.scope", NULL }, { "redis-server.service", NULL },
};

START_TEST(a_scope_has_the_number_of_its_session)
{
	uk_auto_free char *id = uk_session_id(names[_i].unit);
	if (names[_i].id)
		ck_assert_str_eq(id, names[_i].id);
	else
		ck_assert_ptr_null(id);
}
END_TEST

START_TEST(what_is_of_one_boot_stays_behind)
{
	uk_auto_free char *text = NULL;
	put("sessions/3",
	    "# This is private data. Do not parse.\nUID=1000\nUSER=ann\nSCOPE=session-3.scope\n"
	    "SCOPE_JOB=/org/freedesktop/systemd1/job/7\nFIFO=/run/systemd/sessions/3.ref\n"
	    "SERVICE=sshd\nREALTIME=5\nMONOTONIC=6\n");
	ck_ok(uk_session_note(dir, "session-3.scope", &text));
	ck_assert_str_eq(text, "# This is private data. Do not parse.\nUID=1000\nUSER=ann\n"
			       "FIFO=/run/systemd/sessions/3.ref\nSERVICE=sshd\nREALTIME=5\n");
}
END_TEST

START_TEST(logind_finds_the_session_and_its_user)
{
	ck_ok(uk_session_put(dir, "session-c4.scope", "UID=1000\nUSER=ann\n"));
	check("sessions/c4", "UID=1000\nUSER=ann\n");
	check("users/1000", "STATE=active\n");
}
END_TEST

START_TEST(a_user_of_no_number_is_refused)
{
	static const char *const texts[] = { "USER=ann\n", "UID=\n", "UID=../3\n", "XUID=4\n" };
	for (size_t i = 0; i < UK_ARRAY_SIZE(texts); i++)
		ck_fails(uk_session_put(dir, "session-3.scope", texts[i]), UK_ERR_INVALID, "UID=");
}
END_TEST

START_TEST(one_that_cannot_be_had_back_says_why)
{
	uk_auto_free char *text = NULL;
	ck_fails(uk_session_note(dir, "session-3.scope", &text), UK_ERR_REFUSED, "logind does not");
	put("sessions/3", "UID=0\nSEAT=seat0\n");
	ck_fails(uk_session_note(dir, "session-3.scope", &text), UK_ERR_REFUSED, "seat0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_session");
	TCase *tcase = tcase_create("session");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_scope_has_the_number_of_its_session, 0, UK_ARRAY_SIZE(names));
	tcase_add_test(tcase, what_is_of_one_boot_stays_behind);
	tcase_add_test(tcase, logind_finds_the_session_and_its_user);
	tcase_add_test(tcase, a_user_of_no_number_is_refused);
	tcase_add_test(tcase, one_that_cannot_be_had_back_says_why);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
