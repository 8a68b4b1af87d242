// SPDX-License-Identifier: GPL-2.0-or-later
/* The gate of a network namespace of the test's own. */
/* rooms: replace base */
#include "replace/gate.h"

#include "base/process.h"
#include "replace/network.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static const char shut[] = "table inet other {\n"
			   "}\n"
			   "table inet upkeep_gate {\n"
			   "\tset kept {\n"
			   "\t\ttype inet_service\n"
			   "\t\telements = { 80, 6379 }\n"
			   "\t}\n"
			   "\n"
			   "\tchain in {\n"
			   "\t\ttype filter hook prerouting priority -400; policy drop;\n"
			   "\t\tiif \"lo\" meta mark 0x0000c114 accept\n"
			   "\t\tiif \"lo\" th dport != @kept th sport != @kept accept\n"
			   "\t}\n"
			   "\n"
			   "\tchain out {\n"
			   "\t\ttype filter hook output priority -400; policy drop;\n"
			   "\t\toif \"lo\" meta mark 0x0000c114 accept\n"
			   "\t\toif \"lo\" th dport != @kept th sport != @kept accept\n"
			   "\t}\n"
			   "}\n";

static uint64_t some_ports[] = { 80, 6379 };
static const struct uk_plan some = { .ports = { .data = some_ports, .len = 2 } };

static void enter_network(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	uk_network_raise_loopback();
	ck_ok(uk_process_call(NULL, "nft", "add", "table", "inet", "other", NULL));
}

static void has(const char *wanted)
{
	uk_auto_free char *rules = NULL;
	ck_ok(uk_process_call(&rules, "nft", "list", "ruleset", NULL));
	ck_assert_str_eq(rules, wanted);
}

/* What is shut can be shut again, and what is open opened; nobody else's table is touched. */
START_TEST(it_shuts_and_opens)
{
	enter_network();
	ck_ok(uk_gate_shut(&some));
	has(shut);
	ck_ok(uk_gate_shut(&some));
	has(shut);
	ck_ok(uk_gate_open());
	has("table inet other {\n}\n");
	ck_ok(uk_gate_open());
}
END_TEST

START_TEST(many_ports_are_kept)
{
	static uint64_t ports[2500];
	const struct uk_plan plan = { .ports = { .data = ports, .len = UK_ARRAY_SIZE(ports) } };
	uk_auto_free char *rules = NULL;
	for (size_t i = 0; i < UK_ARRAY_SIZE(ports); i++)
		ports[i] = 20000 + 2 * i;
	enter_network();
	ck_ok(uk_gate_shut(&plan));
	ck_ok(uk_process_call(&rules, "nft", "list", "ruleset", NULL));
	ck_assert_ptr_nonnull(strstr(rules, "elements = { 20000,"));
	ck_assert_ptr_nonnull(strstr(rules, " 22000,"));
	ck_assert_ptr_nonnull(strstr(rules, " 24998 }"));
	ck_assert_ptr_null(strstr(rules, "20001"));
}
END_TEST

/* 0, or the errno, of a connection within the host; @mark: 0 for none. */
static int connect_to(uint16_t port, int mark)
{
	const struct sockaddr_in here = { .sin_family = AF_INET,
					  .sin_port = htons(port),
					  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct timeval patience = { .tv_usec = 300000 };
	const int yes = 1;
	uk_auto_close int listener = socket(AF_INET, SOCK_STREAM, 0);
	uk_auto_close int client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(!setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
	ck_assert(!setsockopt(listener, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	ck_assert(!setsockopt(client, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	ck_assert(!setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)));
	ck_assert(!bind(listener, (const struct sockaddr *)&here, sizeof(here)));
	ck_assert(!listen(listener, 1));
	return connect(client, (const struct sockaddr *)&here, sizeof(here)) < 0 ? errno : 0;
}

START_TEST(nobody_passes_but_who_may)
{
	enter_network();
	ck_assert_int_eq(connect_to(80, 0), 0);
	ck_ok(uk_gate_shut(&some));
	/* What is dropped on its way out is told to who sends it, or never answered. */
	ck_assert_int_ne(connect_to(80, 0), 0);
	ck_assert_int_eq(connect_to(81, 0), 0);
	ck_assert_int_eq(connect_to(80, 0xc114), 0);
	ck_ok(uk_gate_open());
	ck_assert_int_eq(connect_to(80, 0), 0);
}
END_TEST

START_TEST(no_port_is_kept)
{
	const struct uk_plan none = {};
	enter_network();
	ck_ok(uk_gate_shut(&none));
	ck_assert_int_eq(connect_to(80, 0), 0);
}
END_TEST

/* Without rights in the namespace that owns the network. */
START_TEST(what_the_kernel_refuses_is_told)
{
	enter_network();
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_fails(uk_gate_shut(&some), UK_ERR_SYSTEM, "shut the gate: nf_tables: Operation not");
	ck_fails(uk_gate_open(), UK_ERR_SYSTEM,
		 "open the gate: nf_tables: Operation not permitted");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_gate");
	TCase *tcase = tcase_create("gate");
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, it_shuts_and_opens);
	tcase_add_test(tcase, many_ports_are_kept);
	tcase_add_test(tcase, nobody_passes_but_who_may);
	tcase_add_test(tcase, no_port_is_kept);
	tcase_add_test(tcase, what_the_kernel_refuses_is_told);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
