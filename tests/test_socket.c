/*
 * test_socket.c - what the kernel accepts for sockets and does not do, provoked, must be named.
 *
 * Each case first shows, past the tunable, that the kernel really says yes and does something else
 * or nothing; then that the tunable says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "tests/socket_rig.h"

#define SYN_DATA 32 /* TCPI_OPT_SYN_DATA of linux/tcp.h */

static void test_buffers_are_doubled_and_cut_to_the_limit(void)
{
	int64_t max = kernel_file_number("/proc/sys/net/core/wmem_max", -1);
	struct verdict_report report;
	int fd = bound_socket();
	char asked[64];

	CU_ASSERT_FATAL(max > 0);
	CHECK_INT(set(fd, SOL_SOCKET, SO_SNDBUF, 64 << 10), 0);
	CHECK_INT(get(fd, SOL_SOCKET, SO_SNDBUF), 128 << 10);
	CHECK_INT(tell(fd, SOCKET_CONNECTING, "send-buffer=64KiB", &report), 0);
	CHECK_TEXT(report.effective, "send-buffer=64KiB");
	CHECK_INT(set(fd, SOL_SOCKET, SO_SNDBUF, (int)max + 4096), 0);
	CHECK_INT(get(fd, SOL_SOCKET, SO_SNDBUF), (int)max * 2);
	snprintf(asked, sizeof(asked), "send-buffer=%lldB", (long long)max + 4096);
	CHECK_INT(set(fd, SOL_SOCKET, SO_SNDBUF, 4096), 0);
	CU_ASSERT(tell(fd, SOCKET_CONNECTING, asked, &report) < 0);
	check_why(&report, VERDICT_CLAMPED, "net.core.wmem_max");
	close(fd);
}

static void test_forced_buffers_go_beyond_the_limit_or_are_denied(void)
{
	int64_t max = kernel_file_number("/proc/sys/net/core/rmem_max", -1);
	struct verdict_report report;
	int fd = bound_socket(), rc;
	char asked[96];

	snprintf(asked, sizeof(asked), "force-buffers=on receive-buffer=%lldB",
		 (long long)max + 4096);
	rc = tell(fd, SOCKET_LISTENING, asked, &report);
	if (report.verdict == VERDICT_DENIED)
		check_why(&report, VERDICT_DENIED, "CAP_NET_ADMIN");
	else
		CHECK_INT(rc, 0);
	close(fd);
}

static void test_the_wait_for_data_is_rounded(void)
{
	struct verdict_report report;
	int fd = bound_socket();

	CHECK_INT(set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5), 0);
	CHECK_INT(get(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 7);
	CHECK_INT(set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0), 0);
	CU_ASSERT(tell(fd, SOCKET_LISTENING, "defer-accept=5s", &report) < 0);
	check_why(&report, VERDICT_CLAMPED, "asked for 5s, the kernel has 7s");
	close(fd);
}

static void test_a_cpu_that_is_not_there_is_refused_by_name(void)
{
	struct verdict_report report;
	int fd = bound_socket();

	CHECK_INT(set(fd, SOL_SOCKET, SO_INCOMING_CPU, 4077), 0);
	CHECK_INT(get(fd, SOL_SOCKET, SO_INCOMING_CPU), 4077);
	CU_ASSERT(tell(fd, SOCKET_LISTENING, "incoming-cpu=4077", &report) < 0);
	check_why(&report, VERDICT_UNSUPPORTED, "cpu 4077 does not exist (online ");
	close(fd);
}

/* The CPU that the socket is told is not the one that its connection comes on. */
static void test_a_cpu_for_a_socket_that_shares_its_port_with_none_is_vacuous(void)
{
	struct verdict_report report;
	int fd = bound_socket(), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other;

	CHECK_INT(tell(fd, SOCKET_LISTENING, "incoming-cpu=0", &report), 0);
	CHECK_INT(get(fd, SOL_SOCKET, SO_INCOMING_CPU), 0);
	check_why(&report, VERDICT_VACUOUS, "share a port, and this one is alone");
	CHECK_INT(set(fd, SOL_SOCKET, SO_INCOMING_CPU, 4077), 0);
	CHECK_INT(listen(fd, 1), 0);
	CHECK_INT(connect_to(fd, client), 0);
	other = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CU_ASSERT(other >= 0);
	close(other);
	close(client);
	close(fd);
}

#define PREFER_BUSY_POLL 69
#define BUSY_POLL_BUDGET 70

static void test_how_to_busy_poll_is_vacuous_without_how_long(void)
{
	static const struct {
		const char *alone, *with;
		int option, value; /* of alone */
	} rows[] = {
		{ "busy-poll-budget=8", "busy-poll=50us busy-poll-budget=8", BUSY_POLL_BUDGET, 8 },
		{ "prefer-busy-poll=on", "busy-poll=50us prefer-busy-poll=on", PREFER_BUSY_POLL,
		  1 },
	};

	for (unsigned i = 0; i < 2; i++) {
		struct pair p = connect_pair(), other = connect_pair();
		struct verdict_report report;
		int refused = set(other.client, SOL_SOCKET, rows[i].option, rows[i].value);
		int refused_with =
			refused ? refused : set(other.client, SOL_SOCKET, SO_BUSY_POLL, 50);

		CHECK_INT(set(p.client, SOL_SOCKET, SO_BUSY_POLL, 0), 0);
		CHECK_INT(tell(p.client, SOCKET_CONNECTED, rows[i].alone, &report) < 0,
			  refused < 0);
		if (refused)
			test_not_tried("%s: %s", rows[i].alone, strerror(-refused));
		else
			check_why(&report, VERDICT_VACUOUS, "how to busy-poll, and nothing does");
		CHECK_INT(tell(p.client, SOCKET_CONNECTED, rows[i].with, &report) < 0,
			  refused_with < 0);
		if (refused_with)
			test_not_tried("%s: %s", rows[i].with, strerror(-refused_with));
		else
			check_why(&report, VERDICT_VACUOUS, "no NAPI device on this path");
		close_pair(&other);
		close_pair(&p);
	}
}

static void test_busy_polling_on_loopback_does_nothing(void)
{
	const enum socket_kind kinds[] = { SOCKET_CONNECTED, SOCKET_ACCEPTED };
	struct pair p = connect_pair();
	const int fds[] = { p.client, p.accepted };
	struct verdict_report report;
	int refused;

	refused = set(p.listener, SOL_SOCKET, SO_BUSY_POLL, 50);
	if (refused)
		test_not_possible("SO_BUSY_POLL: %s", strerror(-refused));
	for (unsigned i = 0; i < 2 && !refused; i++) {
		CHECK_INT(get(fds[i], SOL_SOCKET, SO_INCOMING_NAPI_ID), 0);
		tell(fds[i], kinds[i], "busy-poll=50us", &report);
		CHECK_INT(get(fds[i], SOL_SOCKET, SO_BUSY_POLL), 50);
		check_why(&report, VERDICT_VACUOUS, "busy polling does nothing");
	}
	close_pair(&p);
}

/* The number of connections out of `count` whose SYN carried data that was taken. */
static unsigned try_fast_open(int listener, unsigned count)
{
	const struct sockaddr_in to = loopback(listener);
	unsigned taken = 0;

	for (unsigned i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other;
		struct tcp_info info = { 0 };
		socklen_t len = sizeof(info);

		CHECK_INT(sendto(fd, "hello", 5, MSG_FASTOPEN, (const struct sockaddr *)&to,
				 sizeof(to)),
			  5);
		other = accept(listener, NULL, NULL);
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
		taken += (info.tcpi_options & SYN_DATA) != 0;
		close(other);
		close(fd);
	}
	return taken;
}

static void test_a_fast_open_queue_that_the_sysctl_does_not_allow_is_never_used(void)
{
	int64_t bits = kernel_file_number("/proc/sys/net/ipv4/tcp_fastopen", -1);
	struct verdict_report report;
	int fd = bound_socket();

	if (bits < 0 || bits & 2 || !(bits & 1)) {
		test_not_possible("net.ipv4.tcp_fastopen is %d, not 1", (int)bits);
	} else {
		CU_ASSERT(tell(fd, SOCKET_LISTENING, "fastopen=16", &report) < 0);
		check_why(&report, VERDICT_IGNORED, "lacks bit 2");
		CHECK_INT(get(fd, IPPROTO_TCP, TCP_FASTOPEN), 16);
		CHECK_INT(listen(fd, 8), 0);
		CHECK_INT(try_fast_open(fd, 4), 0);
	}
	close(fd);
}

static void *fast_open_in_own_net(void *unused)
{
	struct verdict_report report;
	int fd;

	if (!enter_own_net("/proc/sys/net/ipv4", "tcp_fastopen", "3")) {
		test_not_possible("no network namespace of our own: %s", strerror(errno));
		return unused;
	}
	fd = bound_socket();
	CHECK_INT(tell(fd, SOCKET_LISTENING, "fastopen=16", &report), 0);
	CHECK_TEXT(verdict_names[report.verdict], "ok");
	CHECK_INT(listen(fd, 8), 0);
	/* The first one only fetches its cookie. */
	CHECK_INT(try_fast_open(fd, 4), 3);
	close(fd);
	return unused;
}

static void test_a_fast_open_queue_that_is_allowed_is_ok_and_used(void)
{
	tunable_test_process(fast_open_in_own_net, NULL);
}

static void test_a_delay_without_fq_is_ignored(void)
{
	struct pair p = { .listener = bound_socket(),
			  .client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	const char *settings = "tx-delay=2s";
	struct verdict_report report;
	int64_t begin_ns = clock_now_ns();
	int refused;

	CHECK_INT(listen(p.listener, 1), 0);
	refused = set(p.listener, IPPROTO_TCP, 37 /* TCP_TX_DELAY */, 0);
	tell(p.client, SOCKET_CONNECTING, settings, &report);
	if (refused) {
		test_not_possible("TCP_TX_DELAY: %s", strerror(-refused));
	} else {
		CHECK_INT(get(p.client, IPPROTO_TCP, 37 /* TCP_TX_DELAY */), 2000000);
		CHECK_INT(connect_to(p.listener, p.client), 0);
		CU_ASSERT(clock_now_ns() - begin_ns < 2 * SEC);
		CU_ASSERT(tell(p.client, SOCKET_CONNECTED, settings, &report) < 0);
		check_why(&report, VERDICT_IGNORED, "no fq qdisc on this path");
	}
	p.accepted = accept4(p.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	close_pair(&p);
}

static void test_hardware_timestamps_on_loopback_never_come(void)
{
	struct pair p = connect_pair();
	struct verdict_report report;
	int flags;

	CU_ASSERT(tell(p.accepted, SOCKET_ACCEPTED, "timestamping=hardware", &report) < 0);
	flags = get(p.accepted, SOL_SOCKET, SO_TIMESTAMPING);
	CU_ASSERT(flags & SOF_TIMESTAMPING_RX_HARDWARE);
	check_why(&report, VERDICT_IGNORED, "lo cannot stamp packets");
	close_pair(&p);
}

static void test_what_was_inherited_is_not_set_again_and_what_was_not_is(void)
{
	struct pair p = { .listener = bound_socket(),
			  .client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	const char *settings = "quickack=off receive-buffer=32KiB user-timeout=5s";
	struct verdict_report report;

	CHECK_INT(tell(p.listener, SOCKET_LISTENING, settings, &report), 0);
	CHECK_TEXT(report.effective, "receive-buffer=32KiB user-timeout=5s");
	CHECK_INT(listen(p.listener, 1), 0);
	CHECK_INT(connect_to(p.listener, p.client), 0);
	p.accepted = accept(p.listener, NULL, NULL);
	CHECK_INT(get(p.accepted, SOL_SOCKET, SO_RCVBUF), 64 << 10);
	CHECK_INT(tell(p.accepted, SOCKET_ACCEPTED, settings, &report), 0);
	CHECK_TEXT(report.effective, "receive-buffer=32KiB quickack=off user-timeout=5s");
	CHECK_INT(get(p.accepted, IPPROTO_TCP, TCP_QUICKACK), 0);
	CHECK_INT(get(p.accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
	close_pair(&p);
}

static void test_a_refusal_takes_back_what_was_set_before_it(void)
{
	struct verdict_report report;
	int fd = bound_socket(), before = get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT);

	CU_ASSERT(tell(fd, SOCKET_CONNECTING, "user-timeout=5s congestion=nosuchthing", &report) <
		  0);
	check_why(&report, VERDICT_UNSUPPORTED, "nosuchthing is not built into this kernel");
	CHECK_INT(get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), before);
	close(fd);
}

/* One within, and one on each side where the knob lets it through. */
static void test_a_refused_value_is_told_with_what_the_kernel_takes(void)
{
	static const struct {
		const char *right, *wrong[3], *says;
	} rows[] = {
		{ "maxseg=88B", { "maxseg=87B" }, "the kernel takes 88B to 32767B" },
		{ "maxseg=32767B", { "maxseg=1B" }, "the kernel takes 88B to 32767B" },
		{ "rto-max=1s", { "rto-max=999ms", "rto-max=121s" }, "takes 1s to 120s" },
		{ "rto-max=120s", { "rto-max=0ns" }, "takes 1s to 120s" },
		{ "rto-min=200ms", { "rto-min=1us", "rto-min=201ms" }, "1000) to 200ms" },
		{ "rto-min=40ms", { "rto-min=0ns", "rto-min=10s" }, "takes two of its ticks" },
		{ "delack-max=200ms", { "delack-max=1us", "delack-max=201ms" }, "to 200ms" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct verdict_report report;
		int fd = bound_socket();

		if (tell(fd, SOCKET_CONNECTING, rows[i].right, &report))
			check_why(&report, VERDICT_UNSUPPORTED, "does not know it (Linux 6.15)");
		for (int n = 0; *report.why == '\0' && rows[i].wrong[n]; n++) {
			CHECK_INT(tell(fd, SOCKET_CONNECTING, rows[i].wrong[n], &report), -EINVAL);
			check_why(&report, VERDICT_UNSUPPORTED, rows[i].says);
			*report.why = '\0';
		}
		close(fd);
	}
}

static void test_the_worst_of_several_options_decides(void)
{
	struct pair p = connect_pair();
	struct verdict_report report;

	CU_ASSERT(tell(p.client, SOCKET_CONNECTED,
		       "syncnt=3 user-timeout=1500us timestamping=hardware", &report) < 0);
	check_why(&report, VERDICT_IGNORED, "timestamping");
	close_pair(&p);
}

static CU_TestInfo tests[] = {
	{ "no-op 19: buffers are doubled, and cut to the limit by name",
	  test_buffers_are_doubled_and_cut_to_the_limit },
	{ "forced buffers go beyond the limit or are denied",
	  test_forced_buffers_go_beyond_the_limit_or_are_denied },
	{ "no-op 21: the wait for data is rounded", test_the_wait_for_data_is_rounded },
	{ "no-op 22: a CPU that is not there is refused by name",
	  test_a_cpu_that_is_not_there_is_refused_by_name },
	{ "a CPU for a socket that shares its port with none is vacuous",
	  test_a_cpu_for_a_socket_that_shares_its_port_with_none_is_vacuous },
	{ "how to busy-poll is vacuous without how long",
	  test_how_to_busy_poll_is_vacuous_without_how_long },
	{ "no-op 23: busy polling on loopback does nothing",
	  test_busy_polling_on_loopback_does_nothing },
	{ "no-op 25: a fast-open queue that the sysctl does not allow is never used",
	  test_a_fast_open_queue_that_the_sysctl_does_not_allow_is_never_used },
	{ "a fast-open queue that is allowed is ok and used",
	  test_a_fast_open_queue_that_is_allowed_is_ok_and_used },
	{ "no-op 26: a delay without fq is ignored", test_a_delay_without_fq_is_ignored },
	{ "no-op 27: hardware timestamps on loopback never come",
	  test_hardware_timestamps_on_loopback_never_come },
	{ "what was inherited is not set again, and what was not is",
	  test_what_was_inherited_is_not_set_again_and_what_was_not_is },
	{ "a refusal takes back what was set before it",
	  test_a_refusal_takes_back_what_was_set_before_it },
	{ "a refused value is told with what the kernel takes",
	  test_a_refused_value_is_told_with_what_the_kernel_takes },
	{ "the worst of several options decides", test_the_worst_of_several_options_decides },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("socket", tests);
}
