/*
 * test_program.c - programs over the sim backend: what is no program, what is replied, and when.
 *
 * Time is simulated, so the times in replies are exact; computing is real and is asked for in
 * nanoseconds here, its times are looked at in test_node.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/program_bench.h"

#define OPS_MAX 341 /* fill WIRE_BODY_MAX */

static void test_good_programs_are_replied_to(void)
{
	static const struct {
		struct wire_operation ops[4];
		uint64_t len;
		bool has_hop;
	} rows[] = {
		{ { { WIRE_SEND_REPLY, 0, 24 } }, 24, false },
		{ { { WIRE_SEND_REPLY, 0, 55 } }, 55, false },
		{ { { WIRE_SEND_REPLY, 0, 56 } }, 56, true },
		{ { { WIRE_SEND_REPLY, 0, 64 } }, 64, true },
		{ { { WIRE_SEND_REPLY, 0, 568 } }, 568, true },
		{ { { WIRE_SEND_REPLY, 0, 569 } }, 569, true },
		{ { { WIRE_SEND_REPLY, 0, REPLY_MAX } }, REPLY_MAX, true },
		{ { { WIRE_COMPUTE, COMPUTE_WALL, 0 }, { WIRE_SEND_REPLY, 0, 64 } }, 64, true },
		{ { { WIRE_COMPUTE, COMPUTE_CPU, 9 }, { WIRE_SEND_REPLY, 0, 64 } }, 64, true },
		{ { { WIRE_COMPUTE, COMPUTE_LOOPS, 9 }, { WIRE_SEND_REPLY, 0, 64 } }, 64, true },
		{ { { WIRE_SLEEP, 0, MS }, { WIRE_SEND_REPLY, 0, 64 } }, 64, true },
		{ { { WIRE_SLEEP, 0, 0 }, { WIRE_SLEEP, 0, 0 }, { WIRE_SEND_REPLY, 0, 30 } },
		  30,
		  false },
		{ { { WIRE_SEND_REPLY, 0, 64 }, { WIRE_SLEEP, 0, MS } }, 64, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b;
		struct reply r;
		int count = 0;

		while (rows[i].ops[count].code)
			count++;
		open_bench(&b);
		send_program(&b, 1000 + i, 0, rows[i].ops, count);
		r = read_reply(&b);
		CHECK_INT(r.len, rows[i].len);
		CHECK_INT(r.head.id, 1000 + i);
		CHECK_INT(r.head.type, WIRE_REPLY);
		CHECK_INT(r.head.hops, WIRE_OK);
		CHECK_INT(r.head.body_len, rows[i].has_hop ? WIRE_HOP : 0);
		turns(&b, 20);
		CHECK_INT(b.host.small.live, 0);
		CHECK_INT(b.host.stats.requests, 1);
		CU_ASSERT(!b.has_ended);
		close_bench(&b);
	}
}

static void test_bad_programs_are_faults_and_nothing_of_them_runs(void)
{
	static const struct {
		struct wire_operation ops[4];
		enum wire_fault fault;
	} rows[] = {
		{ { { 0 } }, WIRE_NO_REPLY },
		{ { { WIRE_COMPUTE, 0, 10 } }, WIRE_NO_REPLY },
		{ { { WIRE_COMPUTE, 0, 10 }, { WIRE_SEND_REPLY, 0, 23 } }, WIRE_BAD_REPLY },
		{ { { WIRE_COMPUTE, 0, 10 }, { WIRE_SEND_REPLY, 0, 0 } }, WIRE_BAD_REPLY },
		{ { { WIRE_SEND_REPLY, 0, 64 }, { WIRE_SEND_REPLY, 0, 64 } }, WIRE_BAD_REPLY },
		{ { { WIRE_COMPUTE, COMPUTE_VARIANTS, 1 } }, WIRE_BAD_OPERATION },
		{ { { WIRE_SLEEP, 1, 1 } }, WIRE_BAD_OPERATION },
		{ { { WIRE_COMPUTE, 0, 9 }, { WIRE_CODES, 0, 1 } }, WIRE_BAD_OPERATION },
		/* Too much, and broken behind it, which outranks it. */
		{ { { WIRE_COMPUTE, 0, 11 * SEC }, { WIRE_CODES, 0, 1 } }, WIRE_BAD_OPERATION },
		{ { { WIRE_SEND_REPLY, 0, REPLY_MAX + 1 }, { WIRE_SLEEP, 1, 1 } },
		  WIRE_BAD_OPERATION },
		{ { { WIRE_STORE, 0, 1 } }, WIRE_NO_REPLY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b;
		int count = 0;

		while (rows[i].ops[count].code)
			count++;
		open_bench(&b);
		send_program(&b, i, 0, rows[i].ops, count);
		turns(&b, 3);
		CU_ASSERT(b.has_ended);
		CHECK_INT(b.end, CONN_FAULT);
		CHECK_INT(b.code, rows[i].fault);
		CHECK_INT(b.host.stats.operations[WIRE_COMPUTE], 0);
		CHECK_INT(b.host.stats.operations[WIRE_SLEEP], 0);
		CHECK_INT(b.host.stats.requests + b.host.stats.refused, 0);
		close_bench(&b);
	}
}

static void test_a_program_cut_anywhere_is_a_fault(void)
{
	uint8_t body[24];

	wire_put_operation(body, &(struct wire_operation){ WIRE_SEND_REPLY, 0, 64 });
	wire_put_operation(body + 12, &(struct wire_operation){ WIRE_COMPUTE, 0, 1 });
	for (uint32_t len = 0; len < sizeof(body); len++) {
		struct bench b;

		if (len == 12)
			continue;
		open_bench(&b);
		send_body(&b, 1, 0, body, len);
		turns(&b, 3);
		CHECK_INT(b.code, len ? WIRE_CUT_OPERATION : WIRE_NO_REPLY);
		CHECK_INT(b.host.stats.requests, 0);
		close_bench(&b);
	}
}

static const struct wire_operation nap[] = { { WIRE_SLEEP, 0, 10 * MS },
					     { WIRE_SEND_REPLY, 0, 64 } };

static void test_sleeping_releases_the_worker(void)
{
	struct bench b;
	struct reply r;

	open_bench(&b);
	turns(&b, 1);
	send_program(&b, 1, 0, nap, 2);
	send_program(&b, 2, 0, nap + 1, 1);
	r = read_reply(&b);
	CHECK_INT(r.head.id, 2);
	CU_ASSERT(r.at_ns < 5 * MS);
	CHECK_INT(b.conn->held, 1);
	r = read_reply(&b);
	CHECK_INT(r.head.id, 1);
	CU_ASSERT(r.at_ns >= 10 * MS && r.at_ns < 11 * MS);
	CHECK_INT(r.hop.service_ns, 10 * MS);
	CHECK_INT(r.hop.queue_ns, 0);
	CHECK_INT(b.conn->held, 0);
	close_bench(&b);
}

static void test_a_peer_that_goes_takes_its_requests_along(void)
{
	struct bench b;

	open_bench(&b);
	for (int i = 0; i < 50; i++)
		send_program(&b, i, 0, nap, 2);
	turns(&b, 2);
	CHECK_INT(b.host.small.live, 50);
	sim_reset(b.net, b.peer);
	turns(&b, 5);
	CU_ASSERT(b.has_ended);
	CHECK_INT(b.host.small.live, 0);
	CHECK_INT(b.loop.conns.live, 0);
	CU_ASSERT(sim_net_now_ns(b.net) < 10 * MS);
	close_bench(&b);
}

static void test_a_loop_that_ends_takes_its_requests_along(void)
{
	struct bench b;

	open_bench(&b);
	for (int i = 0; i < 50; i++)
		send_program(&b, i, 0, nap, 2);
	turns(&b, 2);
	CHECK_INT(b.host.small.live, 50);
	close_bench(&b);
}

static void test_long_programs_wait_as_often_as_they_like(void)
{
	struct wire_operation ops[OPS_MAX];
	struct bench b;
	struct reply r;

	for (int i = 0; i < OPS_MAX; i++)
		ops[i] = (struct wire_operation){ WIRE_SLEEP, 0, 10 * US };
	ops[OPS_MAX - 1] = (struct wire_operation){ WIRE_SEND_REPLY, 0, 64 };
	open_bench(&b);
	send_program(&b, 5, 0, ops, OPS_MAX);
	turns(&b, 10);
	CHECK_INT(b.host.large.live, 1);
	r = read_reply(&b);
	CHECK_INT(r.head.id, 5);
	CHECK_INT(r.hop.service_ns, (OPS_MAX - 1) * 10 * US);
	CHECK_INT(b.host.stats.operations[WIRE_SLEEP], OPS_MAX - 1);
	CHECK_INT(b.host.large.live, 0);
	close_bench(&b);
}

static void test_what_comes_too_late_is_not_begun(void)
{
	static const struct wire_operation ops[] = { { WIRE_SLEEP, 0, 5 * MS },
						     { WIRE_SLEEP, 0, 5 * MS },
						     { WIRE_SEND_REPLY, 0, 64 } };
	static const struct {
		uint32_t deadline_us;
		enum wire_status status;
		int64_t service_ns;
	} rows[] = {
		{ 0, WIRE_OK, 10 * MS },	  { 6000, WIRE_OK, 10 * MS },
		{ 5000, WIRE_TIMEOUT, 5 * MS },	  { 1, WIRE_TIMEOUT, 5 * MS },
		{ UINT32_MAX, WIRE_OK, 10 * MS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b;
		struct reply r;

		open_bench(&b);
		send_program(&b, 1, rows[i].deadline_us, ops, 3);
		r = read_reply(&b);
		CHECK_INT(r.len, 64);
		CHECK_INT(r.head.hops, rows[i].status);
		CHECK_INT(r.hop.service_ns, rows[i].service_ns);
		close_bench(&b);
	}
}

static void test_a_request_that_only_replies_takes_no_object(void)
{
	struct bench b;

	open_bench(&b);
	for (int i = 0; i < 20; i++) {
		send_program(&b, i, 0, nap + 1, 1);
		CHECK_INT(read_reply(&b).head.id, i);
	}
	CHECK_INT(b.host.small.free, 0);
	CHECK_INT(b.host.large.free, 0);
	close_bench(&b);
}

/* Those of the format that the node has no row for are refused like unknown ones. */
static void test_every_operation_has_a_name(void)
{
	for (unsigned code = 1; code <= WIRE_SEND_REPLY; code++)
		CU_ASSERT(program_operation_name(code) != NULL);
	CU_ASSERT(program_operation_name(0) == NULL);
	CU_ASSERT(program_operation_name(WIRE_CODES) == NULL);
}

static CU_TestInfo tests[] = {
	{ "good programs are replied to", test_good_programs_are_replied_to },
	{ "bad programs are faults and nothing of them runs",
	  test_bad_programs_are_faults_and_nothing_of_them_runs },
	{ "a program cut anywhere is a fault", test_a_program_cut_anywhere_is_a_fault },
	{ "sleeping releases the worker", test_sleeping_releases_the_worker },
	{ "a peer that goes takes its requests along",
	  test_a_peer_that_goes_takes_its_requests_along },
	{ "a loop that ends takes its requests along",
	  test_a_loop_that_ends_takes_its_requests_along },
	{ "long programs wait as often as they like",
	  test_long_programs_wait_as_often_as_they_like },
	{ "what comes too late is not begun", test_what_comes_too_late_is_not_begun },
	{ "a request that only replies takes no object",
	  test_a_request_that_only_replies_takes_no_object },
	{ "every operation has a name", test_every_operation_has_a_name },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	compute_calibrate(&compute);
	return test_main("program", tests);
}
