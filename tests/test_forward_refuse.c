/*
 * test_forward_refuse.c - forwards that ask another node for more than it has or allows: the
 * forward ends as refused, and the connection, which carries the requests of others, stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/forward_world.h"

static struct world w;

static void begin(unsigned nodes)
{
	world_init(&w);
	add_nodes(&w, nodes);
	connect_client(&w, A);
}

static void finish(void)
{
	for (uint16_t port = A; port <= C; port++) {
		if (node_at(&w, port))
			CHECK_INT(node_at(&w, port)->fault, WIRE_FINE);
	}
	CU_ASSERT(stats_at(&w, A)->opened <= 2);
	world_finish(&w);
}

static struct body endless(void)
{
	struct body b = { 0 };

	add_operation(&b, WIRE_COMPUTE, 11 * SEC);
	add_reply(&b, REPLY_SIZE);
	return b;
}

static struct body without_device(void)
{
	struct body b = { 0 };

	add_operation(&b, WIRE_SLEEP, 1);
	add_operation(&b, WIRE_LOAD, 1);
	add_reply(&b, REPLY_SIZE);
	return b;
}

static const struct wire_forward plain = { 0 };

/* The others sleep on B, were sent before and after, and came by the same connection. */
static void test_a_refusal_fails_its_own_forward_alone(void)
{
	struct body nap = nap_then_reply(10 * MS), good = forward_then_reply(plain, &nap, PORTS(B));
	const struct body bad[] = { endless(), without_device() };

	for (unsigned i = 0; i < 2; i++) {
		struct body outer = forward_then_reply(plain, &bad[i], PORTS(B));
		struct answer a;

		begin(2);
		for (uint64_t id = 0; id < 5; id++)
			ask(&w, id, &good);
		a = ask_and_wait(&w, 77, &outer);
		CHECK_INT(a.head.hops, WIRE_REFUSED);
		CHECK_INT(a.count, 1);
		CHECK_INT(a.children[0].status, WIRE_REFUSED);
		CHECK_INT(sum_of(&a.children[0].hop), 0);
		CHECK_INT(a.at_ns, 0);
		CHECK_INT(node_at(&w, B)->refused, i ? WIRE_NO_DEVICE : WIRE_OVER_LIMIT);
		for (uint64_t id = 0; id < 5; id++)
			CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
		CHECK_INT(ask_and_wait(&w, 5, &good).head.hops, WIRE_OK);
		CHECK_INT(stats_at(&w, A)->refused, 1);
		CHECK_INT(stats_at(&w, A)->completed, 6);
		CHECK_INT(stats_at(&w, A)->opened, 1);
		CHECK_INT(node_at(&w, B)->host.stats.refused, 1);
		CHECK_INT(node_at(&w, B)->host.stats.operations[WIRE_SLEEP], 6);
		finish();
	}
}

/* C allows it, B does not. */
static void test_a_quorum_does_without_who_refuses(void)
{
	static const struct {
		uint16_t quorum;
		enum wire_status status;
	} rows[] = { { 1, WIRE_OK }, { 2, WIRE_REFUSED }, { 0, WIRE_REFUSED } };
	struct body inner = nap_then_reply(5 * MS);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct body outer = forward_then_reply(
			(struct wire_forward){ .quorum = rows[i].quorum }, &inner, PORTS(B, C));
		struct answer a;

		begin(3);
		node_at(&w, B)->host.time_max_ns = 1 * MS;
		a = ask_and_wait(&w, 1, &outer);
		CHECK_INT(a.head.hops, rows[i].status);
		CHECK_INT(a.children[0].destination, rows[i].status == WIRE_OK);
		CHECK_INT(a.at_ns, rows[i].status == WIRE_OK ? 5 * MS : 0);
		finish();
	}
}

/* Its answer is known, and would be the same. */
static void test_who_refuses_is_not_asked_again(void)
{
	const struct body inner = endless();
	struct body outer = forward_then_reply(
		(struct wire_forward){ .retries = 5, .timeout_us = 1000 }, &inner, PORTS(B));

	begin(2);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_REFUSED);
	CHECK_INT(stats_at(&w, A)->attempts, 1);
	CHECK_INT(stats_at(&w, A)->retries, 0);
	finish();
}

/* A allows it and has slept when B says no: the reply says so, and what stands behind is done. */
static void test_what_stands_around_a_refused_forward_is_done(void)
{
	const struct body inner = endless();
	struct body outer = { 0 };
	struct answer a;

	add_operation(&outer, WIRE_SLEEP, 3 * MS);
	add_forward(&outer, (struct wire_forward){ .meanwhile = true }, &inner, PORTS(B));
	add_operation(&outer, WIRE_SLEEP, 4 * MS);
	add_reply(&outer, REPLY_SIZE);
	begin(2);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.head.hops, WIRE_REFUSED);
	CHECK_INT(a.hop.service_ns, 7 * MS);
	finish();
}

static void test_a_refusal_comes_back_through_all_hops(void)
{
	const struct body inmost = endless();
	struct body inner = forward_then_reply(plain, &inmost, PORTS(C));
	struct body outer = forward_then_reply(plain, &inner, PORTS(B));
	struct answer a;

	begin(3);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.head.hops, WIRE_REFUSED);
	CHECK_INT(a.count, 2);
	CHECK_INT(a.children[1].status, WIRE_REFUSED);
	CHECK_INT(a.children[1].depth, 2);
	CHECK_INT(stats_at(&w, B)->refused, 1);
	finish();
}

/* B would be asked for bytes that A could not read: A knows that, and asks nobody. */
static void test_what_the_answer_would_be_too_long_for_is_refused_at_once(void)
{
	struct body inner = { 0 }, outer, nap = nap_then_reply(0);

	add_reply(&inner, MESSAGE_MAX + 1);
	outer = forward_then_reply(plain, &inner, PORTS(B));
	begin(2);
	node_at(&w, B)->host.reply_max = UINT32_MAX;
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_REFUSED);
	CHECK_INT(node_at(&w, A)->refused, WIRE_LONG_REPLY);
	CHECK_INT(stats_at(&w, A)->forwards + stats_at(&w, A)->attempts, 0);
	outer = forward_then_reply((struct wire_forward){ .size = MESSAGE_MAX + 1 }, &nap,
				   PORTS(B));
	CHECK_INT(ask_and_wait(&w, 2, &outer).head.hops, WIRE_REFUSED);
	CHECK_INT(stats_at(&w, A)->forwards + stats_at(&w, A)->attempts, 0);
	CHECK_INT(node_at(&w, A)->host.stats.refused, 2);
	finish();
}

/* Nor is the second branch forgotten. */
static void test_every_branch_is_looked_at(void)
{
	struct body small = nap_then_reply(0), large = { 0 }, outer = { 0 };
	struct branch branches[] = { { .ports = { B }, .count = 1, .program = &small },
				     { .ports = { B }, .count = 1, .program = &large } };

	add_reply(&large, MESSAGE_MAX + 1);
	add_branches(&outer, plain, branches, 2);
	add_reply(&outer, REPLY_SIZE);
	begin(2);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_REFUSED);
	CHECK_INT(stats_at(&w, A)->forwards, 0);
	finish();
}

/* B takes shorter messages than A does. */
static void test_a_message_too_long_for_the_other_node_is_refused_there(void)
{
	struct body nap = nap_then_reply(10 * MS), good = forward_then_reply(plain, &nap, PORTS(B));
	struct body outer =
		forward_then_reply((struct wire_forward){ .size = 300 * KB }, &nap, PORTS(B));

	begin(2);
	node_at(&w, B)->loop.limits.message_max = 100 * KB;
	ask(&w, 1, &good);
	CHECK_INT(ask_and_wait(&w, 2, &outer).head.hops, WIRE_REFUSED);
	CHECK_INT(node_at(&w, B)->refused, WIRE_LONG_MESSAGE);
	CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	CHECK_INT(ask_and_wait(&w, 3, &good).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->opened, 1);
	finish();
}

static CU_TestInfo tests[] = {
	{ "a refusal fails its own forward alone", test_a_refusal_fails_its_own_forward_alone },
	{ "a quorum does without who refuses", test_a_quorum_does_without_who_refuses },
	{ "who refuses is not asked again", test_who_refuses_is_not_asked_again },
	{ "what stands around a refused forward is done",
	  test_what_stands_around_a_refused_forward_is_done },
	{ "a refusal comes back through all hops", test_a_refusal_comes_back_through_all_hops },
	{ "what the answer would be too long for is refused at once",
	  test_what_the_answer_would_be_too_long_for_is_refused_at_once },
	{ "every branch is looked at", test_every_branch_is_looked_at },
	{ "a message too long for the other node is refused there",
	  test_a_message_too_long_for_the_other_node_is_refused_there },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("forward_refuse", tests);
}
