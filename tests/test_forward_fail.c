/*
 * test_forward_fail.c - forwards to who is silent, gone or wrong: retries, quorum, status.
 *
 * Time is simulated, so the times of timeouts are exact. Scripted servers do what no node does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/forward_world.h"

static struct world w;
static struct peer server, other;

static void begin(unsigned nodes)
{
	world_init(&w);
	add_nodes(&w, nodes);
	connect_client(&w, A);
	server.fd = other.fd = -1;
	server.len = other.len = 0;
}

/* All that was begun is counted as ended, once. */
static void check_sums(const struct forward_stats *s)
{
	CHECK_INT(s->forwards,
		  s->completed + s->timeouts + s->failures + s->refused + s->cancelled);
}

static void finish(void)
{
	check_sums(stats_at(&w, A));
	world_finish(&w);
}

static void test_silence_ends_after_the_last_retry_and_the_program_goes_on(void)
{
	static const struct {
		unsigned retries;
		int64_t at_ns;
	} rows[] = { { 0, 10 * MS }, { 1, 20 * MS }, { 2, 30 * MS }, { 9, 100 * MS } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct body inner = nap_then_reply(0), outer = { 0 };
		struct answer a;

		add_forward(&outer,
			    (struct wire_forward){ .timeout_us = 10000,
						   .retries = (uint8_t)rows[i].retries },
			    &inner, PORTS(B));
		add_operation(&outer, WIRE_SLEEP, 1 * MS);
		add_reply(&outer, REPLY_SIZE);
		begin(1);
		add_scripted(&w, B);
		a = ask_and_wait(&w, 1, &outer);
		CHECK_INT(a.head.hops, WIRE_TIMEOUT);
		CHECK_INT(a.at_ns, rows[i].at_ns + 1 * MS);
		CHECK_INT(a.hop.forward_ns, rows[i].at_ns);
		CHECK_INT(a.hop.service_ns, 1 * MS);
		CHECK_INT(a.count, 1);
		CHECK_INT(a.children[0].status, WIRE_TIMEOUT);
		CHECK_INT(a.children[0].attempts, rows[i].retries + 1);
		CHECK_INT(a.children[0].elapsed_ns, rows[i].at_ns);
		CHECK_INT(count_requests(&w, B, &server), rows[i].retries + 1);
		CHECK_INT(stats_at(&w, A)->timeouts, 1);
		CHECK_INT(stats_at(&w, A)->attempts, rows[i].retries + 1);
		CHECK_INT(stats_at(&w, A)->retries, rows[i].retries);
		finish();
	}
}

static void test_retries_go_only_to_the_silent(void)
{
	struct body inner = nap_then_reply(0);
	struct body outer = forward_then_reply(
		(struct wire_forward){ .timeout_us = 10000, .retries = 2 }, &inner, PORTS(B, C));
	struct wire_head head;
	struct answer a;

	begin(2);
	add_scripted(&w, C);
	ask(&w, 1, &outer);
	await_request(&w, C, &server);
	await_request(&w, C, &server);
	head = await_request(&w, C, &server);
	CHECK_INT(sim_net_now_ns(w.net), 20 * MS);
	write_answer(&w, server.fd, head.id, WIRE_OK);
	a = await_answer(&w);
	CHECK_INT(a.head.hops, WIRE_OK);
	CHECK_INT(a.at_ns, 20 * MS);
	CHECK_INT(a.children[0].destination, 1);
	CHECK_INT(a.children[0].attempts, 3);
	CHECK_INT(a.children[0].hop.storage_ns, 3);
	CHECK_INT(node_at(&w, B)->host.stats.requests, 1);
	CHECK_INT(stats_at(&w, A)->retries, 2);
	finish();
}

/* The answer to the first attempt comes after the second was sent; then that to the second. */
static void test_the_answer_to_an_older_attempt_counts_once(void)
{
	struct body inner = nap_then_reply(0);
	struct body outer = forward_then_reply(
		(struct wire_forward){ .timeout_us = 10000, .retries = 1 }, &inner, PORTS(B, C));
	uint64_t first, second;
	struct answer a;

	begin(1);
	add_scripted(&w, B);
	add_scripted(&w, C);
	ask(&w, 1, &outer);
	first = await_request(&w, B, &server).id;
	await_request(&w, C, &other);
	second = await_request(&w, B, &server).id;
	CU_ASSERT(first != second);
	write_answer(&w, server.fd, first, WIRE_OK);
	write_answer(&w, server.fd, second, WIRE_OK);
	write_answer(&w, server.fd, first, WIRE_OK);
	run_for(&w, 5 * MS);
	CHECK_INT(take_answer(&w).is_there, false);
	CHECK_INT(stats_at(&w, A)->answers, 1);
	CHECK_INT(stats_at(&w, A)->late, 2);
	write_answer(&w, other.fd, await_request(&w, C, &other).id, WIRE_OK);
	a = await_answer(&w);
	CHECK_INT(a.head.hops, WIRE_OK);
	CHECK_INT(a.at_ns, 15 * MS);
	finish();
}

/* C is lost at 5 ms and given up at 15; B is waited for until 20 ms. At 17 ms C answers. */
static void test_who_answers_after_its_last_timeout_still_counts(void)
{
	struct body inner = nap_then_reply(0);
	const struct wire_forward f = { .timeout_us = 10000, .retries = 1, .quorum = 1 };
	struct body outer = forward_then_reply(f, &inner, PORTS(B, C));
	struct answer a;
	uint64_t id;

	begin(1);
	add_scripted(&w, B);
	add_scripted(&w, C);
	ask(&w, 1, &outer);
	await_request(&w, C, &server);
	run_until(&w, 5 * MS);
	sim_reset(w.net, server.fd);
	server.fd = -1;
	id = await_request(&w, C, &server).id;
	CHECK_INT(sim_net_now_ns(w.net), 5 * MS);
	run_until(&w, 17 * MS);
	CHECK_INT(take_answer(&w).is_there, false);
	write_answer(&w, server.fd, id, WIRE_OK);
	a = await_answer(&w);
	CHECK_INT(a.head.hops, WIRE_OK);
	CHECK_INT(a.at_ns, 17 * MS);
	CHECK_INT(a.children[0].destination, 1);
	finish();
}

enum misfortune { SILENT, REFUSED, RESET, LATE, WRONG, UNWILLING, MISFORTUNES };

/* What the third of three does after it was asked. */
static void suffer(enum misfortune what)
{
	struct wire_head head;

	if (what == REFUSED)
		return;
	head = await_request(&w, D, &server);
	if (what == RESET)
		sim_reset(w.net, server.fd);
	if (what == WRONG)
		write_answer(&w, server.fd, head.id, WIRE_ERROR);
	if (what == UNWILLING)
		write_answer(&w, server.fd, head.id, WIRE_REFUSED);
	if (what == LATE) {
		run_until(&w, 7 * MS);
		write_answer(&w, server.fd, head.id, WIRE_OK);
	}
}

static void test_two_of_three_are_enough_whatever_the_third_does(void)
{
	static const uint16_t quorums[] = { 2, 0 };
	static const struct {
		enum wire_status status;
		int64_t at_ns;
	} all_wanted[MISFORTUNES] = {
		[SILENT] = { WIRE_TIMEOUT, 9 * MS }, [REFUSED] = { WIRE_ERROR, 0 },
		[RESET] = { WIRE_ERROR, 0 },	     [LATE] = { WIRE_OK, 7 * MS },
		[WRONG] = { WIRE_ERROR, 0 },	     [UNWILLING] = { WIRE_REFUSED, 0 },
	};

	for (int i = 0; i < 2 * MISFORTUNES; i++) {
		enum misfortune what = i / 2;
		uint16_t quorum = quorums[i % 2];
		struct body inner = nap_then_reply(5 * MS);
		struct body outer = forward_then_reply(
			(struct wire_forward){ .timeout_us = 9000, .quorum = quorum }, &inner,
			PORTS(B, C, D));
		struct answer a;

		begin(3);
		if (what != REFUSED)
			add_scripted(&w, D);
		ask(&w, 1, &outer);
		suffer(what);
		a = await_answer(&w);
		CHECK_INT(a.head.hops, quorum ? WIRE_OK : all_wanted[what].status);
		run_for(&w, 20 * MS);
		CHECK_INT(a.hop.forward_ns, quorum ? 5 * MS : all_wanted[what].at_ns);
		CHECK_INT(a.children[0].destination, quorum ? 1 : 2);
		CHECK_INT(stats_at(&w, A)->late,
			  quorum ? what == LATE : 2 * (a.hop.forward_ns == 0));
		finish();
	}
}

static void test_a_quorum_out_of_reach_fails_at_once(void)
{
	struct body inner = nap_then_reply(SEC);
	static const struct {
		uint16_t ports[6];
		uint16_t quorum;
		int64_t at_ns;
	} rows[] = {
		{ { NOBODY, NOBODY, B }, 2, 0 },    { { B, NOBODY, NOBODY }, 2, 0 },
		{ { NOBODY, NOBODY, B }, 1, SEC },  { { B, B, B, B, NOBODY }, 5, 0 },
		{ { B, B, B, B, NOBODY }, 4, SEC }, { { NOBODY }, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct wire_forward f = { .timeout_us = 5000000, .quorum = rows[i].quorum };
		struct body outer = forward_then_reply(f, &inner, rows[i].ports);
		struct answer a;

		begin(2);
		a = ask_and_wait(&w, 1, &outer);
		CHECK_INT(a.at_ns, rows[i].at_ns);
		CHECK_INT(a.head.hops, rows[i].at_ns ? WIRE_OK : WIRE_ERROR);
		CHECK_INT(a.count, 1);
		finish();
	}
}

/* A local operation behind a forward that fails: DistWalk's node would never have ended. */
static void test_what_stands_behind_a_failed_forward_is_done(void)
{
	struct body inner = nap_then_reply(0), outer = { 0 }, ping = nap_then_reply(0);
	struct answer a;

	add_forward(&outer, (struct wire_forward){ .timeout_us = 10000000 }, &inner, PORTS(NOBODY));
	add_operation(&outer, WIRE_SLEEP, 5 * US);
	add_forward(&outer, (struct wire_forward){ .meanwhile = true }, &inner, PORTS(NOBODY));
	add_operation(&outer, WIRE_SLEEP, 5 * US);
	add_operation(&outer, WIRE_JOIN, 0);
	add_reply(&outer, REPLY_SIZE);
	begin(1);
	a = ask_and_wait(&w, 1, &outer);
	CHECK_INT(a.head.hops, WIRE_ERROR);
	CHECK_INT(a.hop.service_ns, 10 * US);
	CHECK_INT(a.at_ns, 10 * US);
	CHECK_INT(a.count, 2);
	CHECK_INT(ask_and_wait(&w, 2, &ping).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->failures, 2);
	CU_ASSERT(w.troubles[TROUBLE_LOST] > 0);
	finish();
}

static void test_the_deadline_goes_along_and_ends_the_wait(void)
{
	struct body inner = nap_then_reply(0), outer = { 0 };
	const struct wire_head head = { .hops = WIRE_HOPS, .deadline_us = 20000 };
	struct answer a;

	add_operation(&outer, WIRE_SLEEP, 5 * MS);
	add_forward(&outer, (struct wire_forward){ .timeout_us = 12000, .retries = 5 }, &inner,
		    PORTS(B));
	add_operation(&outer, WIRE_SLEEP, SEC);
	add_reply(&outer, REPLY_SIZE);
	begin(1);
	add_scripted(&w, B);
	send_request(&w, 1, &outer, head);
	CHECK_INT(await_request(&w, B, &server).deadline_us, 15000);
	CHECK_INT(await_request(&w, B, &server).deadline_us, 3000);
	a = await_answer(&w);
	CHECK_INT(a.head.hops, WIRE_TIMEOUT);
	CHECK_INT(a.at_ns, 20 * MS);
	CHECK_INT(a.hop.service_ns, 5 * MS);
	finish();
}

static void test_the_hop_budget_is_spent_hop_by_hop(void)
{
	struct body inmost = nap_then_reply(0);
	const struct wire_forward f = { 0 };
	struct body inner = forward_then_reply(f, &inmost, PORTS(C));
	struct body outer = forward_then_reply(f, &inner, PORTS(B));
	static const struct {
		uint8_t hops;
		enum wire_status status;
		uint64_t refused_a, refused_b, replied_c;
	} rows[] = {
		{ 0, WIRE_REFUSED, 1, 0, 0 },
		{ 1, WIRE_REFUSED, 1, 1, 0 },
		{ 2, WIRE_OK, 0, 0, 1 },
		{ 255, WIRE_OK, 0, 0, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(3);
		send_request(&w, 1, &outer, (struct wire_head){ .hops = rows[i].hops });
		CHECK_INT(await_answer(&w).head.hops, rows[i].status);
		CHECK_INT(stats_at(&w, A)->refused, rows[i].refused_a);
		CHECK_INT(stats_at(&w, B)->refused, rows[i].refused_b);
		CHECK_INT(node_at(&w, C)->host.stats.requests, rows[i].replied_c);
		finish();
	}
	begin(1);
	add_scripted(&w, B);
	send_request(&w, 1, &outer, (struct wire_head){ .hops = 255 });
	CHECK_INT(await_request(&w, B, &server).hops, WIRE_HOPS - 1);
	world_finish(&w);
}

static void test_a_lost_connection_is_tried_again_on_a_fresh_one(void)
{
	struct body inner = nap_then_reply(0);

	for (unsigned retries = 0; retries < 3; retries++) {
		struct body outer = forward_then_reply(
			(struct wire_forward){ .retries = (uint8_t)retries }, &inner, PORTS(B));
		struct answer a;

		begin(1);
		add_scripted(&w, B);
		ask(&w, 1, &outer);
		for (unsigned i = 0; i <= retries && i < 2; i++) {
			await_request(&w, B, &server);
			sim_reset(w.net, server.fd);
			server.fd = -1;
		}
		if (retries == 2)
			write_answer(&w, server.fd, await_request(&w, B, &server).id, WIRE_OK);
		a = await_answer(&w);
		CHECK_INT(a.at_ns, 0);
		CHECK_INT(a.head.hops, retries == 2 ? WIRE_OK : WIRE_ERROR);
		CHECK_INT(a.children[0].attempts, retries + 1);
		CHECK_INT(stats_at(&w, A)->opened, retries + 1);
		finish();
	}
}

/* All that were under way on the connection fail; whoever may, tries again. */
static void test_a_node_that_is_killed_and_comes_back_is_found_again(void)
{
	struct body inner = nap_then_reply(10 * MS);
	struct body outer = forward_then_reply((struct wire_forward){ 0 }, &inner, PORTS(B));

	begin(2);
	for (unsigned i = 0; i < 20; i++)
		ask(&w, i, &outer);
	run_for(&w, MS);
	remove_node(&w, B);
	for (unsigned i = 0; i < 20; i++)
		CHECK_INT(await_answer(&w).head.hops, WIRE_ERROR);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_ERROR);
	add_node(&w, B, NULL);
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_OK);
	CHECK_INT(stats_at(&w, A)->failures, 21);
	CHECK_INT(stats_at(&w, A)->completed, 1);
	CHECK_INT(stats_at(&w, A)->connections, 1);
	finish();
}

static CU_TestInfo tests[] = {
	{ "silence ends after the last retry and the program goes on",
	  test_silence_ends_after_the_last_retry_and_the_program_goes_on },
	{ "retries go only to the silent", test_retries_go_only_to_the_silent },
	{ "the answer to an older attempt counts once",
	  test_the_answer_to_an_older_attempt_counts_once },
	{ "who answers after its last timeout still counts",
	  test_who_answers_after_its_last_timeout_still_counts },
	{ "two of three are enough whatever the third does",
	  test_two_of_three_are_enough_whatever_the_third_does },
	{ "a quorum out of reach fails at once", test_a_quorum_out_of_reach_fails_at_once },
	{ "what stands behind a failed forward is done",
	  test_what_stands_behind_a_failed_forward_is_done },
	{ "the deadline goes along and ends the wait",
	  test_the_deadline_goes_along_and_ends_the_wait },
	{ "the hop budget is spent hop by hop", test_the_hop_budget_is_spent_hop_by_hop },
	{ "a lost connection is tried again on a fresh one",
	  test_a_lost_connection_is_tried_again_on_a_fresh_one },
	{ "a node that is killed and comes back is found again",
	  test_a_node_that_is_killed_and_comes_back_is_found_again },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("forward_fail", tests);
}
