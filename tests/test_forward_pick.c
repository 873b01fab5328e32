/*
 * test_forward_pick.c - one of many: where the policies send requests, and where retries go.
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

static uint64_t served(uint16_t port)
{
	return node_at(&w, port)->host.stats.requests;
}

/* One of B, C, D and by what. */
static struct body pick_of_three(unsigned pick, uint32_t key)
{
	struct body inner = nap_then_reply(1 * MS);

	return forward_then_reply((struct wire_forward){ .pick = (uint8_t)pick, .key = key },
				  &inner, PORTS(B, C, D));
}

static void test_each_policy_asks_exactly_one(void)
{
	for (unsigned pick = PICK_ROUND_ROBIN; pick < PICKS; pick++) {
		struct body outer = pick_of_three(pick, 7);
		struct answer a;

		begin(4);
		for (unsigned i = 0; i < 10; i++) {
			a = ask_and_wait(&w, i, &outer);
			CHECK_INT(a.head.hops, WIRE_OK);
			CHECK_INT(a.count, 1);
			CHECK_INT(a.children[0].attempts, 1);
		}
		CHECK_INT(stats_at(&w, A)->attempts, 10);
		CHECK_INT(served(B) + served(C) + served(D), 10);
		world_finish(&w);
	}
}

static void test_round_robin_gives_even_shares(void)
{
	struct body outer = pick_of_three(PICK_ROUND_ROBIN, 0);

	begin(4);
	for (unsigned i = 0; i < 30; i++)
		CHECK_INT(ask_and_wait(&w, i, &outer).children[0].destination, i % 3);
	world_finish(&w);
}

static void test_random_reaches_all(void)
{
	struct body outer = pick_of_three(PICK_RANDOM, 0);

	begin(4);
	for (unsigned i = 0; i < 300; i++)
		ask_and_wait(&w, i, &outer);
	for (uint16_t port = B; port <= D; port++)
		CU_ASSERT(served(port) > 70 && served(port) < 130);
	world_finish(&w);
}

/* B answers only after a second: once it owes answers the others are asked. */
static void test_least_outstanding_avoids_the_slow_one(void)
{
	static const unsigned picks[] = { PICK_LEAST, PICK_TWO, PICK_RANDOM };

	for (size_t i = 0; i < sizeof(picks) / sizeof(*picks); i++) {
		struct body outer = pick_of_three(picks[i], 0);
		unsigned slow;
		static struct peer server;

		begin(1);
		add_scripted(&w, B);
		add_node(&w, C, NULL);
		add_node(&w, D, NULL);
		server.fd = -1;
		server.len = 0;
		for (unsigned j = 0; j < 60; j++) {
			ask(&w, j, &outer);
			run_for(&w, 2 * MS);
		}
		slow = count_requests(&w, B, &server);
		CU_ASSERT(picks[i] != PICK_LEAST || slow == 1);
		CU_ASSERT(picks[i] != PICK_TWO || slow <= 1);
		CU_ASSERT(picks[i] != PICK_RANDOM || slow > 10);
		world_finish(&w);
	}
}

static void test_least_outstanding_spreads_a_burst_evenly(void)
{
	struct body outer = pick_of_three(PICK_LEAST, 0);

	begin(4);
	for (unsigned i = 0; i < 30; i++)
		ask(&w, i, &outer);
	for (unsigned i = 0; i < 30; i++)
		CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	for (uint16_t port = B; port <= D; port++)
		CHECK_INT(served(port), 10);
	world_finish(&w);
}

/* A session stays where it is; when one of three goes, only its own sessions move. */
static void test_the_hash_keeps_a_session_in_its_place(void)
{
	static unsigned homes[200];
	unsigned counts[3] = { 0 }, moved = 0;
	struct body inner = nap_then_reply(0);

	begin(4);
	for (unsigned key = 0; key < 200; key++) {
		struct body outer = pick_of_three(PICK_HASH, key);

		homes[key] = ask_and_wait(&w, key, &outer).children[0].destination;
		counts[homes[key]]++;
		CHECK_INT(ask_and_wait(&w, key, &outer).children[0].destination, homes[key]);
	}
	for (int i = 0; i < 3; i++)
		CU_ASSERT(counts[i] > 40 && counts[i] < 95);
	for (unsigned key = 0; key < 200; key++) {
		struct body outer =
			forward_then_reply((struct wire_forward){ .pick = PICK_HASH, .key = key },
					   &inner, PORTS(B, C));
		unsigned home = ask_and_wait(&w, key, &outer).children[0].destination;

		moved += home != homes[key];
		if (homes[key] < 2)
			CHECK_INT(home, homes[key]);
	}
	CHECK_INT(moved, counts[2]);
	world_finish(&w);
}

static void test_a_retry_goes_to_the_next_candidate(void)
{
	for (unsigned pick = PICK_ROUND_ROBIN; pick < PICKS; pick++) {
		struct body inner = nap_then_reply(0);
		struct body outer = forward_then_reply(
			(struct wire_forward){ .pick = (uint8_t)pick, .retries = 2 }, &inner,
			PORTS(NOBODY, NOBODY + 1, B));
		struct answer a;
		unsigned most = 0;

		begin(2);
		for (unsigned i = 0; i < 20; i++) {
			a = ask_and_wait(&w, i, &outer);
			CHECK_INT(a.head.hops, WIRE_OK);
			CHECK_INT(a.children[0].destination, 2);
			CU_ASSERT(a.children[0].attempts <= 3);
			if (a.children[0].attempts > most)
				most = a.children[0].attempts;
		}
		CU_ASSERT(most > 1 || pick == PICK_HASH);
		world_finish(&w);
	}
}

static void test_without_a_retry_left_the_pick_fails(void)
{
	for (unsigned pick = PICK_ROUND_ROBIN; pick < PICKS; pick++) {
		for (unsigned retries = 0; retries < 5; retries++) {
			struct body inner = nap_then_reply(0);
			struct body outer = forward_then_reply(
				(struct wire_forward){ .pick = (uint8_t)pick,
						       .retries = (uint8_t)retries },
				&inner, PORTS(NOBODY, NOBODY + 1));
			struct answer a;

			begin(1);
			a = ask_and_wait(&w, 1, &outer);
			CHECK_INT(a.head.hops, WIRE_ERROR);
			CHECK_INT(a.children[0].attempts, retries + 1);
			CHECK_INT(stats_at(&w, A)->failures, 1);
			world_finish(&w);
		}
	}
}

/* The first is silent, the second is asked; then the first answers after all. */
static void test_a_candidate_that_was_passed_over_still_counts(void)
{
	struct body inner = nap_then_reply(0);
	struct body outer = forward_then_reply((struct wire_forward){ .pick = PICK_ROUND_ROBIN,
								      .timeout_us = 10000,
								      .retries = 1 },
					       &inner, PORTS(B, C));
	static struct peer first, second;
	struct answer a;
	uint64_t id;

	first.fd = second.fd = -1;
	begin(1);
	add_scripted(&w, B);
	add_scripted(&w, C);
	ask(&w, 1, &outer);
	id = await_request(&w, B, &first).id;
	await_request(&w, C, &second);
	CHECK_INT(sim_net_now_ns(w.net), 10 * MS);
	write_answer(&w, first.fd, id, WIRE_OK);
	a = await_answer(&w);
	CHECK_INT(a.head.hops, WIRE_OK);
	CHECK_INT(a.children[0].destination, 0);
	CHECK_INT(a.children[0].attempts, 2);
	a = ask_and_wait(&w, 2, &outer);
	CHECK_INT(a.head.hops, WIRE_TIMEOUT);
	CHECK_INT(a.at_ns, 30 * MS);
	world_finish(&w);
}

static void test_an_error_that_was_answered_is_not_retried(void)
{
	struct body inmost = nap_then_reply(0);
	struct body inner = forward_then_reply((struct wire_forward){ 0 }, &inmost, PORTS(NOBODY));
	struct body outer = forward_then_reply(
		(struct wire_forward){ .pick = PICK_LEAST, .retries = 5 }, &inner, PORTS(B, C));

	begin(3);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_ERROR);
	CHECK_INT(stats_at(&w, A)->attempts, 1);
	world_finish(&w);
}

static CU_TestInfo tests[] = {
	{ "each policy asks exactly one", test_each_policy_asks_exactly_one },
	{ "round robin gives even shares", test_round_robin_gives_even_shares },
	{ "random reaches all", test_random_reaches_all },
	{ "least outstanding avoids the slow one", test_least_outstanding_avoids_the_slow_one },
	{ "least outstanding spreads a burst evenly",
	  test_least_outstanding_spreads_a_burst_evenly },
	{ "the hash keeps a session in its place", test_the_hash_keeps_a_session_in_its_place },
	{ "a retry goes to the next candidate", test_a_retry_goes_to_the_next_candidate },
	{ "without a retry left the pick fails", test_without_a_retry_left_the_pick_fails },
	{ "a candidate that was passed over still counts",
	  test_a_candidate_that_was_passed_over_still_counts },
	{ "an error that was answered is not retried",
	  test_an_error_that_was_answered_is_not_retried },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("forward_pick", tests);
}
