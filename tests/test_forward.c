/*
 * test_forward.c - forwards between simulated nodes: answers, times, records, meanwhile.
 *
 * Time is simulated, so the times are exact.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/forward_world.h"

static const struct wire_forward plain;

static void test_a_forward_comes_back_with_a_record_of_the_other_node(void)
{
	struct body inner = nap_then_reply(3 * MS);
	struct body outer = forward_then_reply((struct wire_forward){ .tag = 7 }, &inner, PORTS(B));
	static struct world w;
	struct answer a;

	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	a = ask_and_wait(&w, 5, &outer);
	CHECK_INT(a.head.hops, WIRE_OK);
	CHECK_INT(a.head.flags, 0);
	CHECK_INT(a.head.length, REPLY_SIZE);
	CHECK_INT(a.count, 1);
	CHECK_INT(a.children[0].depth, 1);
	CHECK_INT(a.children[0].status, WIRE_OK);
	CHECK_INT(a.children[0].tag, 7);
	CHECK_INT(a.children[0].destination, 0);
	CHECK_INT(a.children[0].attempts, 1);
	CHECK_INT(a.children[0].elapsed_ns, 3 * MS);
	CHECK_INT(a.children[0].waited_ns, 3 * MS);
	CHECK_INT(a.children[0].hop.service_ns, 3 * MS);
	CHECK_INT(a.hop.forward_ns, 3 * MS);
	CHECK_INT(sum_of(&a.hop), 3 * MS);
	CHECK_INT(stats_at(&w, A)->forwards, 1);
	CHECK_INT(stats_at(&w, A)->completed, 1);
	CHECK_INT(stats_at(&w, A)->attempts, 1);
	CHECK_INT(stats_at(&w, A)->answers, 1);
	CHECK_INT(stats_at(&w, A)->connections, 1);
	world_finish(&w);
}

static void test_what_stands_behind_a_forward_is_done_after_it(void)
{
	struct body inner = nap_then_reply(3 * MS), outer = { 0 };
	static struct world w;
	struct answer a;

	add_operation(&outer, WIRE_SLEEP, 1 * MS);
	add_forward(&outer, plain, &inner, PORTS(B));
	add_operation(&outer, WIRE_SLEEP, 2 * MS);
	add_forward(&outer, plain, &inner, PORTS(B));
	add_reply(&outer, REPLY_SIZE);
	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.at_ns, 9 * MS);
	CHECK_INT(a.hop.service_ns, 3 * MS);
	CHECK_INT(a.hop.forward_ns, 6 * MS);
	CHECK_INT(sum_of(&a.hop), 9 * MS);
	CHECK_INT(a.count, 2);
	CHECK_INT(stats_at(&w, A)->opened, 1);
	world_finish(&w);
}

/* A -> B -> C -> D, each with a nap of its own behind its forward. */
static void test_three_levels_are_a_tree_of_records(void)
{
	struct body d = nap_then_reply(1 * MS), c = { 0 }, b = { 0 }, a = { 0 };
	static struct world w;
	struct answer got;

	add_forward(&c, plain, &d, PORTS(D));
	add_operation(&c, WIRE_SLEEP, 2 * MS);
	add_reply(&c, REPLY_SIZE);
	add_forward(&b, plain, &c, PORTS(C));
	add_operation(&b, WIRE_SLEEP, 4 * MS);
	add_reply(&b, REPLY_SIZE);
	add_forward(&a, plain, &b, PORTS(B));
	add_forward(&a, plain, &d, PORTS(D));
	add_reply(&a, REPLY_SIZE);
	world_init(&w);
	add_nodes(&w, 4);
	connect_client(&w, A);
	got = ask_and_wait(&w, 1, &a);
	CHECK_INT(got.count, 4);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_INT(got.children[i].depth, i + 1);
		CHECK_INT(got.children[i].elapsed_ns, (7 - (i > 0) * 4 - (i > 1) * 2) * MS);
		CHECK_INT(sum_of(&got.children[i].hop), got.children[i].elapsed_ns);
	}
	CHECK_INT(got.children[3].depth, 1);
	CHECK_INT(got.hop.forward_ns, 8 * MS);
	CHECK_INT(got.children[0].waited_ns + got.children[3].waited_ns, 8 * MS);
	CHECK_INT(got.at_ns, 8 * MS);
	world_finish(&w);
}

static void test_a_reply_too_small_for_its_records_says_so(void)
{
	static const struct {
		uint32_t size;
		unsigned count;
		bool is_cut;
	} rows[] = {
		{ 24, 0, true },   { 56, 0, true },   { 111, 0, true },
		{ 112, 1, true },  { 167, 1, true },  { 168, 2, false },
		{ 169, 2, false }, { 800, 2, false }, { 5000, 2, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct body inner = nap_then_reply(0), outer = { 0 };
		static struct world w;
		struct answer a;

		add_forward(&outer, plain, &inner, PORTS(B));
		add_forward(&outer, plain, &inner, PORTS(B));
		add_reply(&outer, rows[i].size);
		world_init(&w);
		add_nodes(&w, 2);
		connect_client(&w, A);
		a = ask_and_wait(&w, 1, &outer);
		CHECK_INT(a.head.length, rows[i].size);
		CHECK_INT(a.count, rows[i].count);
		CHECK_INT(a.head.flags, rows[i].is_cut ? WIRE_RECORDS_CUT : 0);
		world_finish(&w);
	}
}

/* So many records do not fit into one chunk of a queue, nor all of them into a body. */
static void test_many_records_are_sent_and_the_rest_is_left_out(void)
{
	struct body inner = nap_then_reply(0), outer = { 0 };
	static struct world w;
	struct answer a;

	for (int i = 0; i < 60; i++)
		add_forward(&outer, (struct wire_forward){ .tag = (uint16_t)i }, &inner, PORTS(B));
	add_reply(&outer, 10000);
	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.count, 60);
	for (int i = 0; i < 60; i++)
		CHECK_INT(a.children[i].tag, i);
	world_finish(&w);

	/* 5 nodes that say 20 records each, and 56 bytes of each of the five. */
	memset(&outer, 0, sizeof(outer));
	for (int i = 0; i < 20; i++)
		add_forward(&outer, plain, &inner, PORTS(C));
	add_reply(&outer, 4000);
	inner = outer;
	memset(&outer, 0, sizeof(outer));
	for (int i = 0; i < 4; i++)
		add_forward(&outer, plain, &inner, PORTS(B));
	add_reply(&outer, 10000);
	world_init(&w);
	add_nodes(&w, 3);
	connect_client(&w, A);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.head.hops, WIRE_OK);
	CHECK_INT(a.head.flags, WIRE_RECORDS_CUT);
	CHECK_INT(a.count, RECORDS_BYTES / WIRE_CHILD);
	world_finish(&w);
}

static void test_branches_have_programs_of_their_own(void)
{
	struct body fast = nap_then_reply(1 * MS), slow = nap_then_reply(500 * MS), outer = { 0 };
	const struct branch branches[] = { { { B }, 1, &fast }, { { C }, 1, &slow } };
	static const struct {
		uint16_t quorum;
		int64_t at_ns;
		unsigned destination;
	} rows[] = { { 0, 500 * MS, 1 }, { 2, 500 * MS, 1 }, { 1, 1 * MS, 0 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct world w;
		struct answer a;

		outer.len = 0;
		add_branches(&outer, (struct wire_forward){ .quorum = rows[i].quorum }, branches,
			     2);
		add_reply(&outer, REPLY_SIZE);
		world_init(&w);
		add_nodes(&w, 3);
		connect_client(&w, A);
		a = ask_and_wait(&w, 1, &outer);
		CHECK_INT(a.at_ns, rows[i].at_ns);
		CHECK_INT(a.children[0].destination, rows[i].destination);
		run_for(&w, SEC);
		CHECK_INT(stats_at(&w, A)->late, rows[i].quorum == 1);
		CHECK_INT(stats_at(&w, A)->attempts, 2);
		world_finish(&w);
	}
}

static void test_the_same_destination_twice_counts_twice(void)
{
	struct body inner = nap_then_reply(1 * MS);
	struct body outer = forward_then_reply((struct wire_forward){ .timeout_us = 500000 },
					       &inner, PORTS(B, B));
	static struct world w;
	struct answer a;

	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.head.hops, WIRE_OK);
	CHECK_INT(a.at_ns, 1 * MS);
	CHECK_INT(node_at(&w, B)->host.stats.requests, 2);
	world_finish(&w);
}

static void test_seventy_operations_are_forwarded_whole(void)
{
	struct body inner = { 0 }, outer;
	static struct world w;

	for (int i = 0; i < 70; i++)
		add_operation(&inner, WIRE_SLEEP, 1 * US);
	add_reply(&inner, REPLY_SIZE);
	outer = forward_then_reply((struct wire_forward){ .size = 512 }, &inner, PORTS(B));
	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_OK);
	CHECK_INT(node_at(&w, B)->host.stats.operations[WIRE_SLEEP], 70);
	world_finish(&w);
}

/* Programs longer than a chunk of the queue, and messages with much padding. */
static void test_messages_of_any_size_arrive(void)
{
	static const uint32_t sizes[] = { 0, 600, 1100, 2008, 2033, 10000, 300000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (int count = 0; count <= 300; count += 150) {
			struct body inner = { 0 }, outer;
			static struct world w;
			uint64_t bytes;

			for (int j = 0; j < count; j++)
				add_operation(&inner, WIRE_SLEEP, 0);
			add_reply(&inner, REPLY_SIZE);
			outer = forward_then_reply((struct wire_forward){ .size = sizes[i] },
						   &inner, PORTS(B));
			world_init(&w);
			add_nodes(&w, 2);
			connect_client(&w, A);
			CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_OK);
			CHECK_INT(ask_and_wait(&w, 2, &outer).head.hops, WIRE_OK);
			bytes = WIRE_HEAD + inner.len;
			bytes = sizes[i] > bytes ? sizes[i] : bytes;
			CHECK_INT(node_at(&w, B)->loop.stats.bytes_in, 2 * bytes);
			CHECK_INT(node_at(&w, A)->loop.stats.messages_out, 4);
			world_finish(&w);
		}
	}
}

static void test_a_program_goes_on_meanwhile(void)
{
	struct body inner = nap_then_reply(10 * MS);
	const struct wire_forward meanwhile = { .meanwhile = true };
	static const struct {
		int64_t nap_ns, at_ns, waited_ns;
		bool has_join;
	} rows[] = {
		{ 6 * MS, 10 * MS, 4 * MS, false },
		{ 6 * MS, 10 * MS, 4 * MS, true },
		{ 15 * MS, 15 * MS, 0, false },
		{ 15 * MS, 15 * MS, 0, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct body outer = { 0 };
		static struct world w;
		struct answer a;

		add_forward(&outer, meanwhile, &inner, PORTS(B));
		add_operation(&outer, WIRE_SLEEP, (uint64_t)rows[i].nap_ns);
		if (rows[i].has_join)
			add_operation(&outer, WIRE_JOIN, 0);
		add_reply(&outer, REPLY_SIZE);
		world_init(&w);
		add_nodes(&w, 2);
		connect_client(&w, A);
		a = ask_and_wait(&w, 1, &outer);
		CHECK_INT(a.at_ns, rows[i].at_ns);
		CHECK_INT(a.children[0].elapsed_ns, 10 * MS);
		CHECK_INT(a.children[0].waited_ns, rows[i].waited_ns);
		CHECK_INT(a.hop.forward_ns, rows[i].waited_ns);
		CHECK_INT(sum_of(&a.hop), rows[i].at_ns);
		world_finish(&w);
	}
}

/* Three at a time, which end after 2, 5 and 9 ms; from 3 ms on nothing else is to do. */
static void test_several_may_be_under_way_and_share_the_waiting(void)
{
	struct body two = nap_then_reply(2 * MS), five = nap_then_reply(5 * MS),
		    nine = nap_then_reply(9 * MS), outer = { 0 };
	const struct wire_forward meanwhile = { .meanwhile = true };
	static struct world w;
	struct answer a;

	add_forward(&outer, meanwhile, &nine, PORTS(B));
	add_forward(&outer, meanwhile, &two, PORTS(C));
	add_forward(&outer, meanwhile, &five, PORTS(D));
	add_operation(&outer, WIRE_SLEEP, 3 * MS);
	add_operation(&outer, WIRE_JOIN, 0);
	add_operation(&outer, WIRE_SLEEP, 1 * MS);
	add_reply(&outer, REPLY_SIZE);
	world_init(&w);
	add_nodes(&w, 4);
	connect_client(&w, A);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.at_ns, 10 * MS);
	CHECK_INT(a.count, 3);
	CHECK_INT(a.children[0].waited_ns, 0);
	CHECK_INT(a.children[1].waited_ns, 2 * MS);
	CHECK_INT(a.children[2].waited_ns, 4 * MS);
	CHECK_INT(a.hop.forward_ns, 6 * MS);
	CHECK_INT(a.hop.service_ns, 4 * MS);
	CHECK_INT(sum_of(&a.hop), 10 * MS);
	world_finish(&w);
}

/* While one is waited for another goes on, and what is said after the reply is done, too. */
static void test_the_end_of_a_program_waits_for_all(void)
{
	struct body inner = nap_then_reply(10 * MS), outer = { 0 };
	const struct wire_forward meanwhile = { .meanwhile = true };
	static struct world w;
	struct answer a;

	add_reply(&outer, REPLY_SIZE);
	add_forward(&outer, meanwhile, &inner, PORTS(B));
	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.at_ns, 0);
	CHECK_INT(a.count, 0);
	run_for(&w, 9 * MS);
	CHECK_INT(node_at(&w, A)->host.small.live + node_at(&w, A)->host.large.live, 1);
	run_for(&w, 2 * MS);
	CHECK_INT(node_at(&w, A)->host.small.live + node_at(&w, A)->host.large.live, 0);
	CHECK_INT(stats_at(&w, A)->completed, 1);
	world_finish(&w);
}

/* A's clock: so much has passed since its batch began. */
static struct world *clock_world;
static int64_t lag_ns;

static int64_t lagging_clock(void)
{
	return sim_net_now_ns(clock_world->net) + lag_ns;
}

static void test_times_are_by_the_clock_and_not_by_the_batch(void)
{
	struct body inner = nap_then_reply(3 * MS), outer = { 0 };
	static struct world w;
	struct answer a;

	add_forward(&outer, plain, &inner, PORTS(B));
	add_reply(&outer, REPLY_SIZE);
	world_init(&w);
	add_nodes(&w, 2);
	clock_world = &w;
	node_at(&w, A)->host.clock = lagging_clock;
	connect_client(&w, A);
	lag_ns = 1 * MS;
	ask(&w, 1, &outer);
	run_for(&w, 1 * MS);
	lag_ns = 3 * MS;
	a = await_answer(&w);
	CHECK_INT(a.hop.queue_ns, 1 * MS);
	CHECK_INT(a.hop.forward_ns, 5 * MS);
	CHECK_INT(a.children[0].elapsed_ns, 5 * MS);
	CHECK_INT(a.children[0].waited_ns, 5 * MS);
	CHECK_INT(sum_of(&a.hop), 6 * MS);
	world_finish(&w);
}

static CU_TestInfo tests[] = {
	{ "times are by the clock and not by the batch",
	  test_times_are_by_the_clock_and_not_by_the_batch },
	{ "a forward comes back with a record of the other node",
	  test_a_forward_comes_back_with_a_record_of_the_other_node },
	{ "what stands behind a forward is done after it",
	  test_what_stands_behind_a_forward_is_done_after_it },
	{ "three levels are a tree of records", test_three_levels_are_a_tree_of_records },
	{ "a reply too small for its records says so",
	  test_a_reply_too_small_for_its_records_says_so },
	{ "many records are sent and the rest is left out",
	  test_many_records_are_sent_and_the_rest_is_left_out },
	{ "branches have programs of their own", test_branches_have_programs_of_their_own },
	{ "the same destination twice counts twice", test_the_same_destination_twice_counts_twice },
	{ "seventy operations are forwarded whole", test_seventy_operations_are_forwarded_whole },
	{ "messages of any size arrive", test_messages_of_any_size_arrive },
	{ "a program goes on meanwhile", test_a_program_goes_on_meanwhile },
	{ "several may be under way and share the waiting",
	  test_several_may_be_under_way_and_share_the_waiting },
	{ "the end of a program waits for all", test_the_end_of_a_program_waits_for_all },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("forward", tests);
}
