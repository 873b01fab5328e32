/*
 * test_steer.c - connections come to the socket of the CPU they are sent from, and to no other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "tests/possible.h"
#include "tests/tunable_test.h"

#define EACH 40

struct port {
	struct socket_port port;
	struct sockaddr_in at;
	int fds[2], cpus[2];
	unsigned got[2][2]; /* by the CPU and by the socket */
};

static bool find_cpus(struct port *p)
{
	cpu_set_t mask;
	int count = 0;

	sched_getaffinity(0, sizeof(mask), &mask);
	for (int cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++)
		if (CPU_ISSET(cpu, &mask))
			p->cpus[count++] = cpu;
	if (count < 2)
		test_not_possible("one CPU");
	return count == 2;
}

static void open_port_of(struct port *p, int protocol)
{
	socklen_t len = sizeof(p->at);
	const int on = 1;

	p->at = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

		CU_ASSERT_FATAL(fd >= 0);
		CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
		CHECK_INT(bind(fd, (struct sockaddr *)&p->at, sizeof(p->at)), 0);
		CHECK_INT(listen(fd, EACH), 0);
		getsockname(fd, (struct sockaddr *)&p->at, &len);
		p->fds[i] = fd;
	}
	p->port = (struct socket_port){ p->fds, p->cpus, 2 };
}

static void open_port(struct port *p)
{
	open_port_of(p, 0);
}

static unsigned take_all(int listener)
{
	unsigned count = 0;
	int fd;

	for (; (fd = accept(listener, NULL, NULL)) >= 0; count++)
		close(fd);
	return count;
}

static void send_from(struct port *p, int which)
{
	cpu_set_t mask;

	CPU_ZERO(&mask);
	CPU_SET((size_t)p->cpus[which], &mask);
	CHECK_INT(sched_setaffinity(0, sizeof(mask), &mask), 0);
	for (int i = 0; i < EACH; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		CHECK_INT(connect(fd, (struct sockaddr *)&p->at, sizeof(p->at)), 0);
		for (int to = 0; to < 2; to++)
			p->got[which][to] += take_all(p->fds[to]);
		close(fd);
	}
	/* Who connects can be done a moment before who accepts. */
	for (int tries = 0; tries < 10000 && p->got[which][0] + p->got[which][1] < EACH; tries++) {
		usleep(1000);
		for (int to = 0; to < 2; to++)
			p->got[which][to] += take_all(p->fds[to]);
	}
}

static int steer(struct port *p, const char *settings, struct verdict_report *report)
{
	const struct tunable *tn = tunable_find("steer");
	const struct target t = { .fd = p->fds[0], .port = &p->port, .kind = SOCKET_PORT };
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(tn, settings, &opts, &err), 0);
	return tunable_apply(tn, &t, &opts, report, &err);
}

static void count(struct port *p)
{
	memset(p->got, 0, sizeof(p->got));
	send_from(p, 0);
	send_from(p, 1);
}

static void close_port(const struct port *p)
{
	close(p->fds[0]);
	close(p->fds[1]);
}

/* In a thread of its own, for it is pinned. */
static void *check_by_cpu(void *settings)
{
	struct verdict_report report;
	struct port p;

	if (!find_cpus(&p))
		return NULL;
	open_port(&p);
	CHECK_INT(steer(&p, settings, &report), 0);
	if (!strstr(report.why, "tried: 32 of 32 connections"))
		CHECK_TEXT(report.why, "tried: 32 of 32 connections");
	count(&p);
	CHECK_INT(p.got[0][0], EACH);
	CHECK_INT(p.got[0][1], 0);
	CHECK_INT(p.got[1][0], 0);
	CHECK_INT(p.got[1][1], EACH);
	close_port(&p);
	return NULL;
}

static void test_the_classic_program_sends_each_cpu_to_its_socket(void)
{
	tunable_test_thread(check_by_cpu, "by=cpu");
}

static void test_the_extended_program_sends_each_cpu_to_its_socket(void)
{
	if (possible_bpf(BPF_PROG_TYPE_SOCKET_FILTER))
		tunable_test_thread(check_by_cpu, "by=cpu program=extended");
}

static void test_the_cpus_of_the_sockets_send_each_cpu_to_its_socket(void)
{
	tunable_test_thread(check_by_cpu, "by=incoming-cpu");
}

static void *check_taken_back(void *unused)
{
	struct verdict_report report;
	struct port p;

	if (!find_cpus(&p))
		return unused;
	open_port(&p);
	CHECK_INT(steer(&p, "by=cpu", &report), 0);
	CHECK_INT(tunable_find("steer")->apply(
			  &(struct target){ .fd = p.fds[0], .port = &p.port, .kind = SOCKET_PORT },
			  &(char[64]){ 0 }, NULL),
		  0);
	count(&p);
	/* 40 by hash to one and the same: once in 5e11. */
	CU_ASSERT(p.got[0][0] && p.got[0][1] && p.got[1][0] && p.got[1][1]);
	close_port(&p);
	return unused;
}

static void test_without_a_program_it_is_the_hash_again(void)
{
	tunable_test_thread(check_taken_back, NULL);
}

static void *check_random(void *unused)
{
	struct verdict_report report;
	struct port p;

	if (!find_cpus(&p))
		return unused;
	open_port(&p);
	CHECK_INT(steer(&p, "by=random", &report), 0);
	count(&p);
	CU_ASSERT(p.got[0][0] && p.got[0][1] && p.got[1][0] && p.got[1][1]);
	close_port(&p);
	return unused;
}

static void test_at_random_both_get_some(void)
{
	tunable_test_thread(check_random, NULL);
}

/* The programs know no worker for these CPUs, so all of it is by hash. */
static void *check_absent(void *unused)
{
	struct verdict_report report;
	struct port p;

	if (!find_cpus(&p))
		return unused;
	open_port(&p);
	p.cpus[0] = 4000;
	p.cpus[1] = 4001;
	CU_ASSERT(steer(&p, "by=incoming-cpu", &report) < 0);
	if (!strstr(report.why, "worker 0 would be for cpu 4000, which does not exist"))
		CHECK_TEXT(report.why, "worker 0 would be for cpu 4000, which does not exist");
	close_port(&p);
	return unused;
}

static void test_a_worker_of_a_cpu_that_is_not_there_is_refused(void)
{
	tunable_test_thread(check_absent, NULL);
}

/* A program is taken for any CPU; but what comes of it cannot be seen. */
static void *check_untried(void *unused)
{
	struct verdict_report report;
	struct port p;

	if (!find_cpus(&p))
		return unused;
	open_port(&p);
	p.cpus[0] = 1022;
	p.cpus[1] = 1023;
	CU_ASSERT(steer(&p, "by=cpu", &report) < 0);
	CHECK_TEXT(verdict_names[report.verdict], "unsupported");
	if (!strstr(report.why, "could not be tried: this process may not run on any CPU"))
		CHECK_TEXT(report.why, "could not be tried: this process may not run on any CPU");
	CHECK_TEXT(report.effective, "");
	close_port(&p);
	return unused;
}

static void test_where_it_cannot_be_tried_it_is_unsupported(void)
{
	tunable_test_thread(check_untried, NULL);
}

static bool enter_net_that_drops(void)
{
	/* No half-open connection has room then, and there are no cookies: tcp_conn_request(). */
	return tunable_test_enter_net() &&
	       tunable_test_write("/proc/sys/net/ipv4", "tcp_max_syn_backlog", "-4") &&
	       tunable_test_write("/proc/sys/net/ipv4", "tcp_syncookies", "0");
}

/* Whether a connection comes at all, within a time that is long for loopback. */
static bool is_dropped(struct port *p)
{
	struct pollfd events[] = { { .fd = p->fds[0], .events = POLLIN },
				   { .fd = p->fds[1], .events = POLLIN } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), count;

	connect(fd, (struct sockaddr *)&p->at, sizeof(p->at));
	count = poll(events, 2, 300);
	close(fd);
	return count == 0;
}

static void *check_dropped(void *unused)
{
	struct verdict_report report;
	struct port p;
	int64_t begin_ns;

	if (!find_cpus(&p))
		return unused;
	if (!enter_net_that_drops()) {
		test_not_possible("a network of our own that drops SYNs: %s", strerror(errno));
		return unused;
	}
	open_port(&p);
	if (!is_dropped(&p)) {
		test_not_possible("this kernel takes SYNs without room for them");
		return unused;
	}
	begin_ns = clock_now_ns();
	CU_ASSERT(steer(&p, "by=cpu", &report) < 0);
	CHECK_TEXT(verdict_names[report.verdict], "unsupported");
	if (!strstr(report.why, "had not come after 3000 ms"))
		CHECK_TEXT(report.why, "had not come after 3000 ms");
	/* The kernel gives up after six repetitions: 127 s. */
	CU_ASSERT(clock_now_ns() - begin_ns < 100 * SEC);
	close_port(&p);
	return unused;
}

static void test_a_trial_whose_packets_are_dropped_ends(void)
{
	tunable_test_process(check_dropped, NULL);
}

/* From the CPU it is accepted on, and yet nothing has been chosen. */
static void *check_accepted(void *unused)
{
	static const char *const settings[] = { "by=cpu", "by=incoming-cpu", "by=random" };
	const struct tunable *tn = tunable_find("steer");
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	cpu_set_t mask;

	CPU_ZERO(&mask);
	CPU_SET((size_t)sched_getcpu(), &mask);
	CHECK_INT(sched_setaffinity(0, sizeof(mask), &mask), 0);
	for (int on = 0; on < 2; on++) {
		int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct target t = { .kind = SOCKET_ACCEPTED };

		at.sin_port = 0;
		setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
		CHECK_INT(bind(listener, (struct sockaddr *)&at, len), 0);
		CHECK_INT(listen(listener, 1), 0);
		getsockname(listener, (struct sockaddr *)&at, &len);
		CHECK_INT(connect(client, (struct sockaddr *)&at, len), 0);
		t.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		for (int i = 0; i < 3; i++) {
			struct verdict_report report;
			struct tunable_test_opts opts;

			CHECK_INT(tunable_test_parse(tn, settings[i], &opts, NULL), 0);
			CHECK_INT(tunable_apply(tn, &t, &opts, &report, NULL), 0);
			CHECK_TEXT(verdict_names[report.verdict], on ? "ok" : "vacuous");
			CHECK_INT(strstr(report.why, "one alone listened") != NULL, !on);
		}
		close(t.fd);
		close(client);
		close(listener);
	}
	return unused;
}

static void test_where_one_socket_listens_alone_steering_is_vacuous(void)
{
	tunable_test_thread(check_accepted, NULL);
}

static void *check_unpinned(void *unused)
{
	struct verdict_report report;
	struct port p;

	if (!find_cpus(&p))
		return unused;
	open_port(&p);
	p.port.cpus = NULL;
	CU_ASSERT(steer(&p, "by=incoming-cpu", &report) < 0);
	if (!strstr(report.why, "pin.cpus"))
		CHECK_TEXT(report.why, "pin.cpus");
	close_port(&p);
	return unused;
}

static void test_the_cpus_of_sockets_need_pins(void)
{
	tunable_test_thread(check_unpinned, NULL);
}

static unsigned load_as_nobody(void)
{
	unsigned before = CU_get_number_of_failures();
	struct verdict_report report;
	struct port p;

	if (!find_cpus(&p))
		return 0;
	open_port(&p);
	CHECK_INT(steer(&p, "by=cpu", &report), 0);
	if (kernel_file_number("/proc/sys/kernel/unprivileged_bpf_disabled", 1)) {
		CHECK_INT(steer(&p, "by=cpu program=extended", &report), -EPERM);
		if (!strstr(report.why, "CAP_BPF"))
			CHECK_TEXT(report.why, "CAP_BPF");
	}
	close_port(&p);
	return CU_get_number_of_failures() - before;
}

static void test_without_rights_only_the_classic_program_works(void)
{
	tunable_test_as_nobody(load_as_nobody);
}

static void check_says(const struct verdict_report *report, const char *part)
{
	if (!strstr(report->why, part))
		CHECK_TEXT(report->why, part);
}

/* SO_ATTACH_REUSEPORT_CBPF and _EBPF: EOPNOTSUPP. */
static void *check_programs_of_mptcp(void *unused)
{
	static const char *const settings[] = { "by=cpu", "by=random" };
	struct verdict_report report;
	struct port p;

	if (!tunable_test_has_mptcp() || !find_cpus(&p))
		return unused;
	open_port_of(&p, IPPROTO_MPTCP);
	for (int i = 0; i < 2; i++) {
		int rc = steer(&p, settings[i], &report);

		if (!rc) /* a kernel that has learnt it */
			continue;
		CHECK_INT(rc, -EOPNOTSUPP);
		CHECK_TEXT(verdict_names[report.verdict], "unsupported");
		check_says(&report, "MPTCP sockets take no program");
	}
	close_port(&p);
	return unused;
}

static void test_mptcp_sockets_take_no_program_and_that_is_said(void)
{
	tunable_test_thread(check_programs_of_mptcp, NULL);
}

/* The kernel stores the CPU, gives it back, and goes on by hash. */
static void *check_cpus_of_mptcp(void *unused)
{
	struct verdict_report report;
	int cpu = -1, rc;
	socklen_t len = sizeof(cpu);
	struct port p;

	if (!tunable_test_has_mptcp() || !find_cpus(&p))
		return unused;
	open_port_of(&p, IPPROTO_MPTCP);
	rc = steer(&p, "by=incoming-cpu", &report);
	CHECK_INT(getsockopt(p.fds[1], SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len), 0);
	CHECK_INT(cpu, p.cpus[1]);
	count(&p);
	if (p.got[0][1] || p.got[1][0]) {
		CU_ASSERT(rc < 0);
		CHECK_TEXT(verdict_names[report.verdict], "ignored");
		check_says(&report, "MPTCP sockets that listen already are not steered");
	} else {
		CHECK_INT(rc, 0);
	}
	close_port(&p);
	return unused;
}

static void test_the_cpus_of_mptcp_sockets_that_listen_are_tried_not_believed(void)
{
	tunable_test_thread(check_cpus_of_mptcp, NULL);
}

static CU_TestInfo tests[] = {
	{ "the classic program sends each CPU to its socket",
	  test_the_classic_program_sends_each_cpu_to_its_socket },
	{ "the extended program sends each CPU to its socket",
	  test_the_extended_program_sends_each_cpu_to_its_socket },
	{ "the CPUs of the sockets send each CPU to its socket",
	  test_the_cpus_of_the_sockets_send_each_cpu_to_its_socket },
	{ "without a program it is the hash again", test_without_a_program_it_is_the_hash_again },
	{ "at random both get some", test_at_random_both_get_some },
	{ "a worker of a CPU that is not there is refused",
	  test_a_worker_of_a_cpu_that_is_not_there_is_refused },
	{ "where it cannot be tried it is unsupported",
	  test_where_it_cannot_be_tried_it_is_unsupported },
	{ "a trial whose packets are dropped ends", test_a_trial_whose_packets_are_dropped_ends },
	{ "where one socket listens alone steering is vacuous",
	  test_where_one_socket_listens_alone_steering_is_vacuous },
	{ "the CPUs of sockets need pins", test_the_cpus_of_sockets_need_pins },
	{ "without rights only the classic program works",
	  test_without_rights_only_the_classic_program_works },
	{ "MPTCP sockets take no program, and that is said",
	  test_mptcp_sockets_take_no_program_and_that_is_said },
	{ "no-op 33: the CPUs of MPTCP sockets that listen are tried, not believed",
	  test_the_cpus_of_mptcp_sockets_that_listen_are_tried_not_believed },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("steer", tests);
}
