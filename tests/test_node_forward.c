/*
 * test_node_forward.c - forwards between real nodes over loopback, on the backend that the argument
 * names.
 *
 * What simulated time cannot show: real connections of every family, several workers, nodes that
 * end while something is under way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/destination.h"
#include "tests/forward_body.h"
#include "tests/node_fixture.h"

static const struct backend_ops *backend;
static struct setup a, b, c;

/* -1: no answer. */
static int status_of_answer(int fd, struct wire_hop *hop)
{
	struct wire_head head;

	return read_reply(fd, &head, hop) ? -1 : head.hops;
}

static int ask_body(int fd, const struct body *body)
{
	struct wire_hop hop;

	send_body(fd, (struct wire_head){ .id = 1 }, body);
	return status_of_answer(fd, &hop);
}

static struct body to(uint16_t port, const struct body *inner)
{
	return forward_then_reply((struct wire_forward){ .timeout_us = 5000000 }, inner,
				  PORTS(port));
}

static void start_three(void)
{
	start_plain(&a, backend);
	start_plain(&b, backend);
	start_plain(&c, backend);
}

static void finish_three(void)
{
	setup_finish(&a);
	setup_finish(&b);
	setup_finish(&c);
}

#define CROWD  2000
#define WINDOW 100

static void test_requests_through_two_hops_add_up(void)
{
	struct body inmost = nap_then_reply(0), inner, outer;
	struct node_stats stats;
	struct wire_hop hop;
	int fd, sent = 0;

	start_three();
	inner = to(port_of(&c), &inmost);
	outer = to(port_of(&b), &inner);
	fd = connect_to_node(&a);
	for (int done = 0; done < CROWD; done++) {
		while (sent < CROWD && sent < done + WINDOW)
			send_body(fd, (struct wire_head){ .id = (uint64_t)sent++ }, &outer);
		CU_ASSERT_FATAL(status_of_answer(fd, &hop) == WIRE_OK);
		CU_ASSERT(hop.forward_ns > 0);
	}
	stats = stats_of(&a);
	CHECK_INT(stats.forward.forwards, CROWD);
	CHECK_INT(stats.forward.completed, CROWD);
	CHECK_INT(stats.forward.attempts, CROWD);
	CHECK_INT(stats.forward.answers, CROWD);
	CHECK_INT(stats.forward.opened, 1);
	CHECK_INT(stats_of(&b).forward.completed, CROWD);
	CHECK_INT(stats_of(&c).requests, CROWD);
	close(fd);
	finish_three();
	CHECK_INT(count_said(&a, "") + count_said(&b, "") + count_said(&c, ""), 0);
}

static void test_a_node_forwards_to_itself_and_its_other_worker(void)
{
	struct body inmost = nap_then_reply(100 * US), inner, outer;
	int fds[8];

	setup_init(&a, backend);
	a.opts.threads = 2;
	a.opts.in_flight = 16;
	CU_ASSERT_FATAL(setup_start(&a) == 0);
	inner = to(port_of(&a), &inmost);
	outer = to(port_of(&a), &inner);
	for (int i = 0; i < 8; i++) {
		fds[i] = connect_to_node(&a);
		for (int j = 0; j < 50; j++)
			send_body(fds[i], (struct wire_head){ .id = 1 }, &outer);
	}
	for (int i = 0; i < 8; i++) {
		struct wire_hop hop;

		for (int j = 0; j < 50; j++)
			CHECK_INT(status_of_answer(fds[i], &hop), WIRE_OK);
		close(fds[i]);
	}
	CHECK_INT(stats_of(&a).forward.completed, 800);
	setup_finish(&a);
}

/* The program goes to the address that the text names, whatever its family. */
static int ask_by_text(const char *text)
{
	struct body outer = { 0 };
	struct wire_forward f = { .size = 2000000, .branches = 1, .timeout_us = 5000000 };
	struct wire_destination d;
	struct address address;
	uint8_t *p = outer.bytes;
	int fd, status;

	CHECK_INT(address_parse(text, &address, NULL), 0);
	CHECK_INT(address_to_wire(&address, &d), 0);
	p += wire_put_forward(p, &f);
	p += wire_put_branch(p, WIRE_OPERATION, 1);
	p += wire_put_destination(p, &d);
	p += wire_put_operation(p, &(struct wire_operation){ WIRE_SEND_REPLY, 0, 3000000 });
	outer.len = (uint32_t)(p - outer.bytes);
	wire_end_forward(outer.bytes, outer.len);
	add_reply(&outer, REPLY_SIZE);
	fd = connect_to_node(&a);
	status = ask_body(fd, &outer);
	if (!status)
		status = ask_body(fd, &outer);
	close(fd);
	return status;
}

static void test_unix_sockets_and_ipv6_are_destinations_too(void)
{
	char path[ADDRESS_TEXT], text[ADDRESS_TEXT];
	bool has_ipv6;

	start_plain(&a, backend);
	setup_init(&b, backend);
	unix_name(backend, path, sizeof(path));
	setup_bind(&b, path);
	CU_ASSERT_FATAL(setup_start(&b) == 0);
	CHECK_INT(ask_by_text(path), WIRE_OK);
	setup_finish(&b);
	setup_init(&b, backend);
	setup_bind(&b, "[::1]:0");
	has_ipv6 = setup_start(&b) == 0;
	if (has_ipv6)
		CHECK_INT(ask_by_text(address_format(node_address(b.node, 0), text, sizeof(text))),
			  WIRE_OK);
	setup_finish(&b);
	setup_finish(&a);
}

static void test_nobody_there_is_an_error_at_once(void)
{
	struct body inner = nap_then_reply(0), outer;
	int64_t least_ns = INT64_MAX;
	uint16_t port;
	int fd;

	start_plain(&a, backend);
	start_plain(&b, backend);
	port = port_of(&b);
	setup_finish(&b);
	outer = to(port, &inner);
	fd = connect_to_node(&a);
	for (int i = 0; i < 20; i++) {
		int64_t start_ns = clock_now_ns(), ns;

		CHECK_INT(ask_body(fd, &outer), WIRE_ERROR);
		ns = clock_now_ns() - start_ns;
		least_ns = ns < least_ns ? ns : least_ns;
	}
	CU_ASSERT(least_ns < SEC); /* of the 5 s that it might wait */
	CHECK_INT(stats_of(&a).forward.failures, 20);
	CHECK_INT(stats_of(&a).forward.connections, 0);
	CU_ASSERT(is_answered(fd, 7));
	close(fd);
	setup_finish(&a);
}

/* It listens and never accepts: the connection comes about and nothing is answered. */
static void test_silence_is_a_timeout_and_hinders_nobody(void)
{
	struct address address, bound;
	struct body inner = nap_then_reply(0), outer;
	struct wire_hop hop;
	int listener, fd, onlooker;

	CHECK_INT(address_parse("127.0.0.1:0", &address, NULL), 0);
	listener = address_listen(&address, &(struct listen_opts){ .backlog = 8 }, &bound, NULL);
	outer = forward_then_reply((struct wire_forward){ .timeout_us = 50000, .retries = 2 },
				   &inner,
				   PORTS(ntohs(((struct sockaddr_in *)&bound.storage)->sin_port)));
	start_plain(&a, backend);
	fd = connect_to_node(&a);
	onlooker = connect_to_node(&a);
	send_body(fd, (struct wire_head){ .id = 1 }, &outer);
	CU_ASSERT(is_answered(onlooker, 2));
	CHECK_INT(status_of_answer(fd, &hop), WIRE_TIMEOUT);
	CU_ASSERT(hop.forward_ns >= (uint64_t)(150 * MS) && hop.forward_ns < (uint64_t)(20 * SEC));
	CHECK_INT(stats_of(&a).forward.attempts, 3);
	CHECK_INT(stats_of(&a).forward.timeouts, 1);
	close(fd);
	close(onlooker);
	close(listener);
	setup_finish(&a);
}

/* Two of three are enough: one is killed while requests are under way, and comes back. */
static void test_a_quorum_outlives_a_node_that_is_restarted(void)
{
	struct body inner = nap_then_reply(200 * US), outer;
	const struct wire_forward f = { .timeout_us = 2000000, .quorum = 2 };
	struct node_stats stats;
	char text[ADDRESS_TEXT];
	struct setup d;
	int fd;

	start_three();
	start_plain(&d, backend);
	outer = forward_then_reply(f, &inner, PORTS(port_of(&b), port_of(&c), port_of(&d)));
	address_format(node_address(c.node, 0), text, sizeof(text));
	fd = connect_to_node(&a);
	for (int i = 0; i < 300; i++) {
		if (i == 100)
			setup_finish(&c);
		if (i == 200) {
			setup_init(&c, backend);
			setup_bind(&c, text);
			CU_ASSERT_FATAL(setup_start(&c) == 0);
		}
		CHECK_INT(ask_body(fd, &outer), WIRE_OK);
	}
	WAIT_UNTIL(stats_of(&c).requests >= 90);
	stats = stats_of(&a);
	CHECK_INT(stats.forward.forwards, 300);
	CHECK_INT(stats.forward.completed, 300);
	close(fd);
	setup_finish(&d);
	finish_three();
}

static void test_stopping_waits_for_forwards_under_way(void)
{
	struct body inner = nap_then_reply(200 * MS), outer;
	struct wire_hop hop;
	struct err err = { 0 };
	int fd;

	start_three();
	outer = to(port_of(&b), &inner);
	fd = connect_to_node(&a);
	send_body(fd, (struct wire_head){ .id = 1 }, &outer);
	WAIT_UNTIL(stats_of(&a).forward.attempts == 1);
	CHECK_INT(node_stop(a.node, &err), 0);
	CHECK_INT(status_of_answer(fd, &hop), WIRE_OK);
	CU_ASSERT(hop.forward_ns >= (uint64_t)(200 * MS));
	close(fd);
	finish_three();
}

/* Longer than it may take: the drain ends all the same. */
static void test_stopping_does_not_wait_for_ever(void)
{
	struct body inner = nap_then_reply(10 * SEC), outer;
	int64_t start_ns;
	int fd;

	start_plain(&b, backend);
	setup_init(&a, backend);
	a.opts.drain_ns = b.opts.drain_ns = 50 * MS;
	CU_ASSERT_FATAL(setup_start(&a) == 0);
	outer = to(port_of(&b), &inner);
	fd = connect_to_node(&a);
	send_body(fd, (struct wire_head){ .id = 1 }, &outer);
	WAIT_UNTIL(stats_of(&a).forward.attempts == 1);
	start_ns = clock_now_ns();
	setup_finish(&a);
	CU_ASSERT(clock_now_ns() - start_ns < 9 * SEC);
	close(fd);
	setup_finish(&b);
}

/* All have gone before the first answer comes, also from a busy machine. */
static void test_a_client_that_goes_cancels_its_forwards(void)
{
	struct body inner = nap_then_reply(SEC), outer;
	int fd;

	start_plain(&a, backend);
	start_plain(&b, backend);
	outer = to(port_of(&b), &inner);
	for (int i = 0; i < 10; i++) {
		struct linger reset = { 1, 0 };

		fd = connect_to_node(&a);
		for (int j = 0; j < 10; j++)
			send_body(fd, (struct wire_head){ .id = 1 }, &outer);
		WAIT_UNTIL(stats_of(&a).forward.forwards == 10 * (uint64_t)(i + 1));
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	WAIT_UNTIL(stats_of(&a).forward.cancelled == 100);
	WAIT_UNTIL(stats_of(&a).forward.late == 100);
	CHECK_INT(stats_of(&a).forward.answers, 0);
	setup_finish(&a);
	setup_finish(&b);
}

static void test_only_what_is_allowed_is_forwarded_to_and_that_is_said_once(void)
{
	static const struct {
		const char *rule;
		int status;
	} rows[] = {
		{ "none", WIRE_REFUSED },	 { "unix", WIRE_REFUSED }, { "127.0.0.1", WIRE_OK },
		{ "127.0.0.1:9", WIRE_REFUSED }, { "loopback", WIRE_OK },  { "", WIRE_OK },
	};

	start_plain(&b, backend);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct body inner = nap_then_reply(0), outer = to(port_of(&b), &inner);
		bool refused = rows[i].status == WIRE_REFUSED;
		int fd;

		setup_init(&a, backend);
		a.opts.threads = 2;
		if (*rows[i].rule)
			knob_list_add(&a.opts.allow_forward, rows[i].rule, strlen(rows[i].rule),
				      NULL);
		CU_ASSERT_FATAL(setup_start(&a) == 0);
		for (int j = 0; j < 5; j++) {
			fd = connect_to_node(&a);
			CHECK_INT(ask_body(fd, &outer), rows[i].status);
			CHECK_INT(ask_body(fd, &outer), rows[i].status);
			close(fd);
		}
		CHECK_INT(stats_of(&a).forward.refused, refused ? 10 : 0);
		setup_finish(&a);
		CHECK_INT(count_said(&a, "--allow-forward does not name it"), refused);
		CHECK_INT(count_said(&a, ""), refused);
	}
	setup_finish(&b);
}

static void test_each_node_that_does_not_answer_is_said_once(void)
{
	struct body inner = nap_then_reply(0), one = to(1, &inner), two = to(2, &inner);
	int fd;

	start_plain(&a, backend);
	fd = connect_to_node(&a);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(ask_body(fd, &one), WIRE_ERROR);
		CHECK_INT(ask_body(fd, &two), WIRE_ERROR);
	}
	close(fd);
	setup_finish(&a);
	CHECK_INT(count_said(&a, "127.0.0.1:1 failed: Connection refused"), 1);
	CHECK_INT(count_said(&a, "127.0.0.1:2 failed: Connection refused"), 1);
}

static void test_a_rule_that_is_none_keeps_a_node_from_starting(void)
{
	setup_init(&a, backend);
	knob_list_add(&a.opts.allow_forward, "10.0.0.0/99", 11, NULL);
	CU_ASSERT(setup_start(&a) != 0);
	setup_finish(&a);
}

static CU_TestInfo tests[] = {
	{ "requests through two hops add up", test_requests_through_two_hops_add_up },
	{ "a node forwards to itself and its other worker",
	  test_a_node_forwards_to_itself_and_its_other_worker },
	{ "unix sockets and ipv6 are destinations too",
	  test_unix_sockets_and_ipv6_are_destinations_too },
	{ "nobody there is an error at once", test_nobody_there_is_an_error_at_once },
	{ "silence is a timeout and hinders nobody", test_silence_is_a_timeout_and_hinders_nobody },
	{ "a quorum outlives a node that is restarted",
	  test_a_quorum_outlives_a_node_that_is_restarted },
	{ "stopping waits for forwards under way", test_stopping_waits_for_forwards_under_way },
	{ "stopping does not wait for ever", test_stopping_does_not_wait_for_ever },
	{ "a client that goes cancels its forwards", test_a_client_that_goes_cancels_its_forwards },
	{ "each node that does not answer is said once",
	  test_each_node_that_does_not_answer_is_said_once },
	{ "only what is allowed is forwarded to and that is said once",
	  test_only_what_is_allowed_is_forwarded_to_and_that_is_said_once },
	{ "a rule that is none keeps a node from starting",
	  test_a_rule_that_is_none_keeps_a_node_from_starting },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	return test_main("node_forward", tests);
}
