/*
 * test_forward_crowd.c - many forwards at a time: connections are shared, nobody waits in a circle,
 * and the counts add up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/forward_world.h"

static const struct wire_forward plain;

static void test_a_forward_of_a_whole_crowd_is_one_connection(void)
{
	struct body inner = nap_then_reply(1 * MS);
	struct body outer = forward_then_reply(plain, &inner, PORTS(B));
	static struct world w;

	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	for (unsigned i = 0; i < 50; i++)
		ask(&w, i, &outer);
	for (unsigned i = 0; i < 50; i++)
		CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	CHECK_INT(sim_net_now_ns(w.net), 1 * MS);
	CHECK_INT(stats_at(&w, A)->opened, 1);
	CHECK_INT(stats_at(&w, A)->attempts, 50);
	world_finish(&w);
}

/* More than a connection may have waiting, each to itself and from there to itself again. */
static void test_forwards_to_itself_never_wait_in_a_circle(void)
{
	struct body inmost = nap_then_reply(1 * MS);
	struct body inner = forward_then_reply(plain, &inmost, PORTS(A));
	struct body outer = forward_then_reply(plain, &inner, PORTS(A));
	static struct world w;

	world_init(&w);
	add_nodes(&w, 1);
	connect_client(&w, A);
	for (unsigned i = 0; i < 300; i++)
		ask(&w, i, &outer);
	for (unsigned i = 0; i < 300; i++) {
		struct answer a = await_answer(&w);

		CHECK_INT(a.head.hops, WIRE_OK);
		CHECK_INT(a.count, 2);
	}
	CHECK_INT(stats_at(&w, A)->completed, 600);
	CHECK_INT(stats_at(&w, A)->opened, 2);
	world_finish(&w);
}

static void test_two_nodes_that_forward_to_each_other_never_wait_in_a_circle(void)
{
	struct body inmost = nap_then_reply(1 * MS);
	struct body third = forward_then_reply(plain, &inmost, PORTS(B));
	struct body second = forward_then_reply(plain, &third, PORTS(A));
	struct body outer = forward_then_reply(plain, &second, PORTS(B));
	static struct world w;

	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	for (unsigned i = 0; i < 300; i++)
		ask(&w, i, &outer);
	for (unsigned i = 0; i < 300; i++)
		CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	world_finish(&w);
}

#define CROWD  10000
#define WINDOW 50

/* Over a net that cuts and delays everything. */
static void test_ten_thousand_requests_through_two_hops_add_up(void)
{
	static const struct sim_faults faults = {
		.short_send = 0.2, .short_recv = 0.3, .delay_ns = 50 * US, .jitter_ns = 100 * US
	};
	struct body inmost = nap_then_reply(0);
	struct body inner = forward_then_reply(plain, &inmost, PORTS(C));
	struct body outer = forward_then_reply(plain, &inner, PORTS(B));
	static bool seen[CROWD];
	static struct world w;
	unsigned sent = 0, done = 0;

	memset(seen, 0, sizeof(seen));
	world_init(&w);
	sim_net_set_faults(w.net, &faults);
	add_nodes(&w, 3);
	connect_client(&w, A);
	while (done < CROWD) {
		struct answer a;

		while (sent < CROWD && sent < done + WINDOW)
			ask(&w, sent++, &outer);
		a = await_answer(&w);
		if (!a.is_there)
			break;
		CU_ASSERT_FATAL(a.head.id < CROWD && !seen[a.head.id]);
		seen[a.head.id] = true;
		CHECK_INT(a.head.hops, WIRE_OK);
		CHECK_INT(a.count, 2);
		CHECK_INT(sum_of(&a.children[1].hop) <= (int64_t)a.children[1].elapsed_ns, true);
		done++;
	}
	CHECK_INT(done, CROWD);
	for (int i = 0; i < 2; i++) {
		const struct forward_stats *s = stats_at(&w, (uint16_t)(A + i));

		CHECK_INT(s->forwards, CROWD);
		CHECK_INT(s->completed, CROWD);
		CHECK_INT(s->attempts, CROWD);
		CHECK_INT(s->answers, CROWD);
		CHECK_INT(s->retries + s->late + s->strays + s->failures + s->timeouts, 0);
	}
	CHECK_INT(node_at(&w, C)->host.stats.requests, CROWD);
	world_finish(&w);
}

/* Another request of the same batch, which computes for long, has to stand behind it. */
static void test_a_computation_does_not_keep_a_forward_back(void)
{
	struct body inner = nap_then_reply(0), busy = { 0 };
	struct body outer = forward_then_reply(plain, &inner, PORTS(B));
	static struct world w;
	struct sim_node *a;

	add_operation(&busy, WIRE_COMPUTE, 1 * MS);
	add_reply(&busy, REPLY_SIZE);
	world_init(&w);
	add_nodes(&w, 2);
	a = node_at(&w, A);
	connect_client(&w, A);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_OK);
	ask(&w, 2, &outer);
	ask(&w, 3, &busy);
	loop_turn(&a->loop, 0);
	CHECK_INT(stats_at(&w, A)->attempts, 2);
	CHECK_INT(a->host.stats.operations[WIRE_COMPUTE], 0);
	CU_ASSERT(program_is_ready(&a->host));
	CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	CHECK_INT(a->host.stats.operations[WIRE_COMPUTE], 1);
	world_finish(&w);
}

static CU_TestInfo tests[] = {
	{ "a forward of a whole crowd is one connection",
	  test_a_forward_of_a_whole_crowd_is_one_connection },
	{ "forwards to itself never wait in a circle",
	  test_forwards_to_itself_never_wait_in_a_circle },
	{ "two nodes that forward to each other never wait in a circle",
	  test_two_nodes_that_forward_to_each_other_never_wait_in_a_circle },
	{ "ten thousand requests through two hops add up",
	  test_ten_thousand_requests_through_two_hops_add_up },
	{ "a computation does not keep a forward back",
	  test_a_computation_does_not_keep_a_forward_back },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("forward_crowd", tests);
}
