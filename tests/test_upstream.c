/*
 * test_upstream.c - connections to other nodes: how many, how long, and what happens at the limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/forward_world.h"

static struct world w;
static struct peer server;

static void begin(const struct upstream_opts *opts, unsigned others)
{
	world_init(&w);
	add_node(&w, A, opts);
	for (unsigned i = 0; i < others; i++)
		add_node(&w, (uint16_t)(B + i), NULL);
	connect_client(&w, A);
	server.fd = -1;
	server.len = 0;
}

static struct body forward_to(uint16_t port, int64_t nap_ns)
{
	struct body inner = nap_then_reply(nap_ns);

	return forward_then_reply((struct wire_forward){ 0 }, &inner, PORTS(port));
}

static void test_a_connection_is_opened_once_and_used_again(void)
{
	struct body outer = forward_to(B, 0);

	begin(NULL, 1);
	CHECK_INT(stats_at(&w, A)->connections, 0);
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(ask_and_wait(&w, i, &outer).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->opened, 1);
	CHECK_INT(node_at(&w, B)->loop.stats.opened, 1);
	world_finish(&w);
}

static void test_as_many_connections_as_wished_share_the_work(void)
{
	struct upstream_opts opts = usual_upstreams;
	struct body outer = forward_to(B, MS);

	for (opts.per_destination = 1; opts.per_destination <= 4; opts.per_destination++) {
		begin(&opts, 1);
		CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_OK);
		CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_OK);
		CHECK_INT(stats_at(&w, A)->opened, 1); /* one is enough for one after the other */
		for (unsigned i = 0; i < 40; i++)
			ask(&w, i, &outer);
		for (unsigned i = 0; i < 40; i++)
			CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
		CHECK_INT(stats_at(&w, A)->opened, opts.per_destination);
		world_finish(&w);
	}
}

static void test_what_is_unused_for_long_is_closed(void)
{
	struct upstream_opts opts = usual_upstreams;
	struct body outer = forward_to(B, 0);

	opts.idle_ns = 10 * MS;
	begin(&opts, 1);
	ask_and_wait(&w, 1, &outer);
	run_until(&w, 6 * MS);
	ask_and_wait(&w, 2, &outer);
	run_until(&w, 16 * MS - 1);
	CHECK_INT(stats_at(&w, A)->connections, 1);
	run_until(&w, 16 * MS);
	CHECK_INT(stats_at(&w, A)->connections, 0);
	CHECK_INT(node_at(&w, B)->ends, 1);
	CHECK_INT(ask_and_wait(&w, 3, &outer).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->opened, 2);
	world_finish(&w);
}

/* However long the answer takes, it is not idle. */
static void test_what_is_waited_for_is_not_closed(void)
{
	struct upstream_opts opts = usual_upstreams;
	struct body outer = forward_to(B, 100 * MS);

	opts.idle_ns = 10 * MS;
	begin(&opts, 1);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->opened, 1);
	world_finish(&w);
}

static void test_the_longest_unused_makes_room_for_a_new_one(void)
{
	struct upstream_opts opts = usual_upstreams;
	struct body to_b = forward_to(B, 0), to_c = forward_to(C, 0), to_d = forward_to(D, 0);

	opts.links = 2;
	begin(&opts, 3);
	CHECK_INT(ask_and_wait(&w, 1, &to_b).head.hops, WIRE_OK);
	CHECK_INT(ask_and_wait(&w, 2, &to_c).head.hops, WIRE_OK);
	CHECK_INT(ask_and_wait(&w, 3, &to_b).head.hops, WIRE_OK);
	CHECK_INT(ask_and_wait(&w, 4, &to_d).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->connections, 2);
	CHECK_INT(ask_and_wait(&w, 5, &to_b).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->opened, 3);
	CHECK_INT(w.troubles[TROUBLE_LINKS], 0);
	world_finish(&w);
}

static void test_when_all_are_busy_a_new_one_fails(void)
{
	struct upstream_opts opts = usual_upstreams;
	struct body to_b = forward_to(B, 10 * MS), to_c = forward_to(C, 0);

	opts.links = 1;
	begin(&opts, 2);
	ask(&w, 1, &to_b);
	run_for(&w, MS);
	CHECK_INT(ask_and_wait(&w, 2, &to_c).head.hops, WIRE_ERROR);
	CHECK_INT(w.troubles[TROUBLE_LINKS], 1);
	CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	CHECK_INT(ask_and_wait(&w, 3, &to_c).head.hops, WIRE_OK);
	world_finish(&w);
}

static void test_unanswered_forwards_are_limited(void)
{
	struct upstream_opts opts = usual_upstreams;
	struct body outer = forward_to(B, 10 * MS);
	unsigned counts[WIRE_STATUSES] = { 0 };

	opts.attempts = 5;
	begin(&opts, 1);
	for (int round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < 8; i++)
			ask(&w, i, &outer);
		for (unsigned i = 0; i < 8; i++)
			counts[await_answer(&w).head.hops]++;
		CHECK_INT(counts[WIRE_OK], 5 * round);
		CHECK_INT(counts[WIRE_ERROR], 3 * round);
	}
	CHECK_INT(stats_at(&w, A)->failures, 9);
	CU_ASSERT(w.troubles[TROUBLE_ATTEMPTS] > 0);
	world_finish(&w);
}

/* More than the queue and the net take: the rest waits, in order, and nothing is sent twice. */
static void test_attempts_wait_for_a_server_that_does_not_read(void)
{
	struct body inner = nap_then_reply(0);
	struct body outer =
		forward_then_reply((struct wire_forward){ .size = 40000 }, &inner, PORTS(B));

	begin(NULL, 0);
	add_scripted(&w, B);
	for (unsigned i = 0; i < 20; i++)
		ask(&w, i, &outer);
	run_for(&w, MS);
	CU_ASSERT(stats_at(&w, A)->attempts >= 2 && stats_at(&w, A)->attempts < 8);
	CHECK_INT(node_at(&w, A)->forwards.few.live, 20);
	for (unsigned i = 0; i < 20; i++)
		write_answer(&w, server.fd, await_request(&w, B, &server).id, WIRE_OK);
	for (unsigned i = 0; i < 20; i++)
		CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->attempts, 20);
	CHECK_INT(stats_at(&w, A)->late + stats_at(&w, A)->strays, 0);
	world_finish(&w);
}

/* Their time runs; a retry of what has not left changes nothing. */
static void test_waiting_attempts_time_out(void)
{
	struct body inner = nap_then_reply(0);
	struct body outer = forward_then_reply(
		(struct wire_forward){ .size = 40000, .timeout_us = 10000, .retries = 2 }, &inner,
		PORTS(B));
	uint64_t written;

	begin(NULL, 0);
	add_scripted(&w, B);
	for (unsigned i = 0; i < 20; i++)
		ask(&w, i, &outer);
	run_for(&w, MS);
	written = stats_at(&w, A)->attempts;
	for (unsigned i = 0; i < 20; i++)
		CHECK_INT(await_answer(&w).head.hops, WIRE_TIMEOUT);
	CHECK_INT(sim_net_now_ns(w.net), 30 * MS);
	CHECK_INT(stats_at(&w, A)->attempts, written);
	CHECK_INT(stats_at(&w, A)->timeouts, 20);
	for (uint64_t i = 0; i < written; i++)
		await_request(&w, B, &server);
	run_for(&w, MS);
	CHECK_INT(count_requests(&w, B, &server), 0);
	world_finish(&w);
}

/* Large requests one way and large answers the other: nobody may stop reading for the other. */
static void test_large_messages_both_ways_do_not_stop_each_other(void)
{
	static const struct sim_faults slow = { .delay_ns = 100 * US, .jitter_ns = 300 * US };
	struct body inner = { 0 }, outer;
	unsigned sent = 0, done = 0;

	add_operation(&inner, WIRE_SLEEP, 1 * MS);
	add_reply(&inner, 200 * KB);
	outer = forward_then_reply((struct wire_forward){ .size = 200 * KB }, &inner, PORTS(B));
	begin(NULL, 1);
	sim_net_set_faults(w.net, &slow);
	while (done < 300) {
		struct answer a;

		while (sent < 300 && sent < done + 20)
			ask(&w, sent++, &outer);
		a = await_answer(&w);
		if (!a.is_there)
			break;
		CHECK_INT(a.head.hops, WIRE_OK);
		done++;
	}
	CHECK_INT(done, 300);
	world_finish(&w);
}

static void test_a_server_that_closes_in_between_is_connected_to_again(void)
{
	struct body outer = forward_to(B, 0);

	begin(NULL, 0);
	add_scripted(&w, B);
	for (unsigned i = 1; i <= 3; i++) {
		ask(&w, i, &outer);
		write_answer(&w, server.fd, await_request(&w, B, &server).id, WIRE_OK);
		CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
		sim_close(w.net, server.fd);
		server.fd = -1;
		run_for(&w, MS);
		CHECK_INT(stats_at(&w, A)->connections, 0);
		CHECK_INT(stats_at(&w, A)->opened, i);
	}
	world_finish(&w);
}

/* -EMFILE and the like: the attempt fails, the node goes on. */
static int no_socket(void *context, struct address *a)
{
	(void)context;
	(void)a;
	return -EMFILE;
}

static void test_without_a_socket_an_attempt_fails(void)
{
	struct upstream_opts opts = usual_upstreams;
	struct body outer = forward_to(B, 0), ping = nap_then_reply(0);

	opts.open_socket = no_socket;
	begin(&opts, 1);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_ERROR);
	CHECK_INT(ask_and_wait(&w, 2, &ping).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->opened, 0);
	world_finish(&w);
}

static CU_TestInfo tests[] = {
	{ "a connection is opened once and used again",
	  test_a_connection_is_opened_once_and_used_again },
	{ "as many connections as wished share the work",
	  test_as_many_connections_as_wished_share_the_work },
	{ "what is unused for long is closed", test_what_is_unused_for_long_is_closed },
	{ "what is waited for is not closed", test_what_is_waited_for_is_not_closed },
	{ "the longest unused makes room for a new one",
	  test_the_longest_unused_makes_room_for_a_new_one },
	{ "when all are busy a new one fails", test_when_all_are_busy_a_new_one_fails },
	{ "unanswered forwards are limited", test_unanswered_forwards_are_limited },
	{ "attempts wait for a server that does not read",
	  test_attempts_wait_for_a_server_that_does_not_read },
	{ "waiting attempts time out", test_waiting_attempts_time_out },
	{ "large messages both ways do not stop each other",
	  test_large_messages_both_ways_do_not_stop_each_other },
	{ "a server that closes in between is connected to again",
	  test_a_server_that_closes_in_between_is_connected_to_again },
	{ "without a socket an attempt fails", test_without_a_socket_an_attempt_fails },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("upstream", tests);
}
