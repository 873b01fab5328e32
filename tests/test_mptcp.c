/*
 * test_mptcp.c - sockets that are asked to speak MPTCP: whether they do, and what goes with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/socket_rig.h"
#include "tunables/socket_options.h"

static void test_with_mptcp_at_both_ends_every_socket_has_it(void)
{
	static const enum socket_kind kinds[] = { SOCKET_LISTENING, SOCKET_CONNECTED,
						  SOCKET_ACCEPTED };
	struct verdict_report report;
	struct pair p;
	int fd;

	if (!tunable_test_has_mptcp())
		return;
	fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	CHECK_INT(tell(fd, SOCKET_CONNECTING, "mptcp=on", &report), 0);
	CHECK_TEXT(report.effective, "mptcp=on");
	close(fd);
	p = connect_pair_of(IPPROTO_MPTCP, IPPROTO_MPTCP);
	for (int i = 0; i < 3; i++) {
		const int fds[] = { p.listener, p.client, p.accepted };

		CHECK_INT(tell(fds[i], kinds[i], "mptcp=on", &report), 0);
		CHECK_TEXT(verdict_names[report.verdict], "ok");
		CHECK_TEXT(report.effective, "mptcp=on");
		CHECK_INT(tell(fds[i], kinds[i], "mptcp=off", &report), -EOPNOTSUPP);
		check_why(&report, VERDICT_IGNORED, "turns TCP into MPTCP");
	}
	close_pair(&p);
}

static void test_a_connection_that_fell_back_to_tcp_is_not_mptcp(void)
{
	struct verdict_report report;
	struct pair p;

	if (!tunable_test_has_mptcp())
		return;
	p = connect_pair_of(0, IPPROTO_MPTCP);
	CHECK_INT(get(p.client, SOL_SOCKET, SO_PROTOCOL), IPPROTO_MPTCP);
	CU_ASSERT(tell(p.client, SOCKET_CONNECTED, "mptcp=on", &report) < 0);
	check_why(&report, VERDICT_IGNORED, "this connection fell back to TCP");
	CHECK_TEXT(report.effective, "mptcp=off");
	close_pair(&p);
	p = connect_pair_of(IPPROTO_MPTCP, 0);
	CHECK_INT(get(p.accepted, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	CHECK_INT(tell(p.accepted, SOCKET_ACCEPTED, "mptcp=on", &report), 0);
	check_why(&report, VERDICT_VACUOUS, "whoever connected speaks no MPTCP");
	CHECK_TEXT(report.effective, "mptcp=off");
	close_pair(&p);
}

/* TCP has all of them but those younger than the kernel; that differs is MPTCP's. */
static void test_options_that_mptcp_lacks_are_refused_by_that_name(void)
{
	static const struct {
		enum socket_kind kind;
		const char *settings;
		int level, name, value;
	} rows[] = {
		{ SOCKET_LISTENING, "user-timeout=5s", IPPROTO_TCP, TCP_USER_TIMEOUT, 5000 },
		{ SOCKET_LISTENING, "thin=on", IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1 },
		{ SOCKET_CONNECTING, "syncnt=3", IPPROTO_TCP, TCP_SYNCNT, 3 },
		{ SOCKET_CONNECTING, "txrehash=off", SOL_SOCKET, 74 /* SO_TXREHASH */, 0 },
		{ SOCKET_CONNECTING, "max-pacing-rate=1MiB", SOL_SOCKET, SO_MAX_PACING_RATE,
		  1 << 20 },
		{ SOCKET_CONNECTING, "tos=16", IPPROTO_IP, IP_TOS, 16 },
	};
	struct verdict_report report;

	if (!tunable_test_has_mptcp())
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int raw = bound_socket_of(IPPROTO_MPTCP), fd = bound_socket_of(IPPROTO_MPTCP);
		int code = set(raw, rows[i].level, rows[i].name, rows[i].value);
		int rc = tell(fd, rows[i].kind, rows[i].settings, &report);

		CHECK_INT(!rc, !code);
		if (rc)
			check_why(&report, VERDICT_UNSUPPORTED, "MPTCP sockets lack the option");
		close(raw);
		close(fd);
	}
}

/* One that is connected says 0 to any value; one that listens keeps it, and waits. */
static void test_the_wait_for_data_works_with_mptcp(void)
{
	struct verdict_report report;
	struct pair p = { .listener = -1 };

	if (!tunable_test_has_mptcp())
		return;
	p.listener = bound_socket_of(IPPROTO_MPTCP);
	p.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	CHECK_INT(tell(p.listener, SOCKET_LISTENING, "mptcp=on defer-accept=7s", &report), 0);
	CHECK_TEXT(report.effective, "mptcp=on defer-accept=7s");
	CHECK_INT(listen(p.listener, 1), 0);
	CHECK_INT(connect_to(p.listener, p.client), 0);
	CHECK_INT(send(p.client, "", 1, MSG_NOSIGNAL), 1);
	p.accepted = accept(p.listener, NULL, NULL);
	CHECK_INT(tell(p.accepted, SOCKET_ACCEPTED, "mptcp=on", &report), 0);
	CHECK_INT(get(p.accepted, SOL_SOCKET, SO_PROTOCOL), IPPROTO_MPTCP);
	close_pair(&p);
}

static void *ask_where_it_is_off(void *unused)
{
	struct verdict_report report;
	int fd;

	if (!enter_own_net("/proc/sys/net/mptcp", "enabled", "0")) {
		test_not_possible("MPTCP switched off in a network of our own: %s",
				  strerror(errno));
		return unused;
	}
	CU_ASSERT(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP) < 0);
	fd = bound_socket();
	CU_ASSERT(tell(fd, SOCKET_LISTENING, "mptcp=on", &report) < 0);
	check_why(&report, VERDICT_UNSUPPORTED, "net.mptcp.enabled is 0 in this network namespace");
	CHECK_INT(tell(fd, SOCKET_LISTENING, "mptcp=off", &report), 0);
	close(fd);
	return unused;
}

static void test_mptcp_that_is_switched_off_is_named_with_the_sysctl(void)
{
	tunable_test_process(ask_where_it_is_off, NULL);
}

static void *ask_for_fast_open_that_is_off(void *unused)
{
	struct verdict_report report;
	int fd;

	if (!enter_own_net("/proc/sys/net/ipv4", "tcp_fastopen", "0") ||
	    !tunable_test_has_mptcp()) {
		test_not_possible("MPTCP in a network of our own: %s", strerror(errno));
		return unused;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	CU_ASSERT(tell(fd, SOCKET_CONNECTING, "mptcp=on fastopen-connect=on", &report) < 0);
	check_why(&report, VERDICT_UNSUPPORTED, "net.ipv4.tcp_fastopen lacks bit 1");
	close(fd);
	return unused;
}

static void test_an_option_that_mptcp_has_is_refused_for_the_cause_it_has(void)
{
	tunable_test_process(ask_for_fast_open_that_is_off, NULL);
}

static void test_why_there_is_no_mptcp_is_said_in_words(void)
{
	static const struct {
		int code;
		enum verdict verdict;
		const char *says;
	} rows[] = {
		{ -ENOPROTOOPT, VERDICT_UNSUPPORTED, "net.mptcp.enabled is 0" },
		{ -EPROTONOSUPPORT, VERDICT_UNSUPPORTED, "this kernel has no MPTCP" },
		{ -EINVAL, VERDICT_UNSUPPORTED, "this kernel has no MPTCP" },
		{ -EACCES, VERDICT_DENIED, "forbids MPTCP sockets" },
		{ -EPERM, VERDICT_DENIED, "forbids MPTCP sockets" },
		{ -EMFILE, VERDICT_UNSUPPORTED, "Too many open files" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };

		CHECK_INT(verdict_of_error(socket_refuse_mptcp(rows[i].code, &err)),
			  rows[i].verdict);
		if (!strstr(err.text, rows[i].says))
			CHECK_TEXT(err.text, rows[i].says);
	}
}

static CU_TestInfo tests[] = {
	{ "with MPTCP at both ends every socket has it",
	  test_with_mptcp_at_both_ends_every_socket_has_it },
	{ "no-op 32: a connection that fell back to TCP is not MPTCP",
	  test_a_connection_that_fell_back_to_tcp_is_not_mptcp },
	{ "options that MPTCP lacks are refused by that name",
	  test_options_that_mptcp_lacks_are_refused_by_that_name },
	{ "an option that MPTCP has is refused for the cause it has",
	  test_an_option_that_mptcp_has_is_refused_for_the_cause_it_has },
	{ "the wait for data works with MPTCP", test_the_wait_for_data_works_with_mptcp },
	{ "MPTCP that is switched off is named with the sysctl",
	  test_mptcp_that_is_switched_off_is_named_with_the_sysctl },
	{ "why there is no MPTCP is said in words", test_why_there_is_no_mptcp_is_said_in_words },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("mptcp", tests);
}
