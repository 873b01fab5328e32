/*
 * test_program_refuse.c - programs that ask for more than there is, over the sim backend: each is
 * refused by itself, before it has done anything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/program_bench.h"

static const struct too_much {
	struct wire_operation ops[4];
	enum wire_fault why;
} too_much[] = {
	{ { { WIRE_SEND_REPLY, 0, REPLY_MAX + 1 } }, WIRE_LONG_REPLY },
	{ { { WIRE_SEND_REPLY, 0, UINT32_MAX } }, WIRE_LONG_REPLY },
	{ { { WIRE_COMPUTE, 0, 1 }, { WIRE_SEND_REPLY, 0, REPLY_MAX + 1 } }, WIRE_LONG_REPLY },
	{ { { WIRE_SEND_REPLY, REPLY_SENDFILE, 64 } }, WIRE_NO_DEVICE },
	{ { { WIRE_COMPUTE, 0, 10 * SEC + 1 }, { WIRE_SEND_REPLY, 0, 64 } }, WIRE_OVER_LIMIT },
	{ { { WIRE_SLEEP, 0, 10 * SEC + 1 }, { WIRE_SEND_REPLY, 0, 64 } }, WIRE_OVER_LIMIT },
	{ { { WIRE_SLEEP, 0, 1 }, { WIRE_SEND_REPLY, 0, 64 }, { WIRE_COMPUTE, 0, 10 * SEC } },
	  WIRE_OVER_LIMIT },
	{ { { WIRE_SLEEP, 0, 6 * SEC }, { WIRE_COMPUTE, 0, 6 * SEC }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_OVER_LIMIT },
	{ { { WIRE_SLEEP, 0, 2 }, { WIRE_COMPUTE, 0, UINT64_MAX }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_OVER_LIMIT },
	{ { { WIRE_COMPUTE, 0, 1 }, { WIRE_STORE, 0, 1 }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_NO_DEVICE },
	{ { { WIRE_LOAD, 0, 0 }, { WIRE_SEND_REPLY, 0, 64 } }, WIRE_NO_DEVICE },
};
#define TOO_MUCH (sizeof(too_much) / sizeof(*too_much))

static int count_operations(const struct too_much *row)
{
	int count = 0;

	while (count < 4 && row->ops[count].code)
		count++;
	return count;
}

static void check_refused(struct bench *b, uint64_t id)
{
	struct reply r = read_reply(b);

	CHECK_INT(r.len, WIRE_HEAD);
	CHECK_INT(r.head.id, id);
	CHECK_INT(r.head.hops, WIRE_REFUSED);
	CHECK_INT(r.head.flags + r.head.body_len, 0);
}

static void test_who_asks_for_too_much_is_refused_and_nothing_of_it_runs(void)
{
	static const struct program_stats nothing = { .refused = 1 };

	for (size_t i = 0; i < TOO_MUCH; i++) {
		struct bench b;

		open_bench(&b);
		send_program(&b, 7 + i, 0, too_much[i].ops, count_operations(&too_much[i]));
		check_refused(&b, 7 + i);
		CHECK_INT(b.why, too_much[i].why);
		CU_ASSERT(!memcmp(&b.host.stats, &nothing, sizeof(nothing)));
		CHECK_INT(b.conn->held, 0);
		CHECK_INT(b.host.small.free + b.host.large.free, 0);
		CU_ASSERT(!b.has_ended);
		close_bench(&b);
	}
}

static void check_done(struct bench *b, uint64_t id)
{
	struct reply r = read_reply(b);

	CHECK_INT(r.head.id, id);
	CHECK_INT(r.head.hops, WIRE_OK);
}

/* In front of it, behind it, and one that still sleeps. */
static void test_a_refusal_hinders_no_other_request(void)
{
	static const struct wire_operation ops[] = { { WIRE_SLEEP, 0, 10 * MS },
						     { WIRE_SEND_REPLY, 0, 64 } };

	for (size_t i = 0; i < TOO_MUCH; i++) {
		struct bench b;

		open_bench(&b);
		send_program(&b, 1, 0, ops, 2);
		send_program(&b, 2, 0, ops + 1, 1);
		send_program(&b, 3, 0, too_much[i].ops, count_operations(&too_much[i]));
		send_program(&b, 4, 0, ops + 1, 1);
		check_done(&b, 2);
		check_refused(&b, 3);
		check_done(&b, 4);
		check_done(&b, 1);
		CHECK_INT(b.host.stats.requests, 3);
		CHECK_INT(b.host.stats.refused, 1);
		CU_ASSERT(!b.has_ended);
		close_bench(&b);
	}
}

/* As far as the request's head says, and not a byte beyond. */
static void test_a_message_above_the_limit_is_read_to_its_end_and_refused(void)
{
	static uint8_t zeros[64 * KB];
	const uint32_t length = 4 * MB + 1;
	uint8_t bytes[64] = { 0 };
	struct bench b;

	open_bench(&b);
	wire_put_head(bytes, &(struct wire_head){ .length = length,
						  .version = WIRE_VERSION,
						  .type = WIRE_REQUEST,
						  .id = 5,
						  .body_len = WIRE_OPERATION });
	wire_put_operation(bytes + WIRE_HEAD, &(struct wire_operation){ WIRE_SEND_REPLY, 0, 64 });
	CHECK_INT(sim_write(b.net, b.peer, bytes, sizeof(bytes)), sizeof(bytes));
	for (uint32_t at = sizeof(bytes); at < length;) {
		uint32_t part = length - at < sizeof(zeros) ? length - at : sizeof(zeros);
		int n = sim_write(b.net, b.peer, zeros, part);

		CHECK_INT(b.host.stats.refused, 0);
		at += n > 0 ? (uint32_t)n : 0;
		turns(&b, 1);
	}
	check_refused(&b, 5);
	CHECK_INT(b.why, WIRE_LONG_MESSAGE);
	send_program(&b, 6, 0, &(struct wire_operation){ WIRE_SEND_REPLY, 0, 64 }, 1);
	CHECK_INT(read_reply(&b).head.id, 6);
	CU_ASSERT(!b.has_ended);
	close_bench(&b);
}

/* Refusals are replies: who does not read them is not read from, and they take no more memory. */
static void test_a_flood_of_refusals_is_held_back_like_one_of_replies(void)
{
	struct bench b;
	int sent = 0;

	open_bench(&b);
	for (; sent < 20000 && !b.loop.stats.pauses; sent++) {
		send_program(&b, (uint64_t)sent, 0, too_much[0].ops, 1);
		turns(&b, 1);
	}
	CHECK_INT(b.loop.stats.pauses, 1);
	CU_ASSERT(b.conn->out.bytes <= 64 * KB + WIRE_HEAD);
	CHECK_INT(b.host.small.free + b.host.large.free, 0);
	for (int i = 0; i < sent; i++)
		CHECK_INT(read_reply(&b).head.id, i);
	CU_ASSERT(!b.has_ended);
	close_bench(&b);
}

/* As for every reply: the computation would hold it back otherwise. */
static void test_a_refusal_leaves_before_a_long_computation_behind_it(void)
{
	static const struct wire_operation ops[] = { { WIRE_COMPUTE, 0, 200 * US },
						     { WIRE_SEND_REPLY, 0, 64 } };
	struct bench b;

	open_bench(&b);
	turns(&b, 3); /* at time 0 nothing was ever kept back */
	send_program(&b, 1, 0, too_much[0].ops, 1);
	send_program(&b, 2, 0, ops, 2);
	for (int i = 0; i < 5; i++)
		loop_turn(&b.loop, 0);
	CHECK_INT(b.host.stats.refused, 1);
	CHECK_INT(b.host.stats.operations[WIRE_COMPUTE], 0);
	CU_ASSERT(program_is_ready(&b.host));
	check_refused(&b, 1);
	check_done(&b, 2);
	close_bench(&b);
}

static CU_TestInfo tests[] = {
	{ "who asks for too much is refused and nothing of it runs",
	  test_who_asks_for_too_much_is_refused_and_nothing_of_it_runs },
	{ "a refusal hinders no other request", test_a_refusal_hinders_no_other_request },
	{ "a message above the limit is read to its end and refused",
	  test_a_message_above_the_limit_is_read_to_its_end_and_refused },
	{ "a flood of refusals is held back like one of replies",
	  test_a_flood_of_refusals_is_held_back_like_one_of_replies },
	{ "a refusal leaves before a long computation behind it",
	  test_a_refusal_leaves_before_a_long_computation_behind_it },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("program_refuse", tests);
}
