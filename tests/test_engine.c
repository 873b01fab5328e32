/*
 * test_engine.c - loops and connections over the sim backend: exact, without a kernel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine_fixture.h"

static void test_a_message_cut_anywhere_is_delivered_once(void)
{
	for (uint32_t cut = 1; cut < 100; cut++) {
		struct fixture f;
		uint8_t bytes[100];

		setup(&f, NULL, 1);
		make_request(bytes, cut, 100, 64);
		write_all(&f, bytes, cut);
		turns(&f, 2);
		CHECK_INT(f.messages, 0);
		write_all(&f, bytes + cut, 100 - cut);
		CHECK_INT(read_until_quiet(&f, 64), 64);
		CHECK_INT(f.messages, 1);
		CHECK_INT(f.last_id, cut);
		CHECK_INT(f.loop.carries.live, 0);
		teardown(&f);
	}
}

static void test_answers_of_a_batch_leave_in_one_send(void)
{
	struct fixture f;
	uint8_t bytes[8 * 64];
	uint64_t before;

	setup(&f, NULL, 1);
	turns(&f, 1);
	before = f.loop.backend->stats.completions;
	for (int i = 0; i < 8; i++)
		make_request(bytes + i * 64, i, 64, 64);
	write_all(&f, bytes, sizeof(bytes));
	CHECK_INT(read_until_quiet(&f, 8 * 64), 8 * 64);
	CHECK_INT(f.messages, 8);
	CHECK_INT(f.loop.backend->stats.completions - before, 2); /* a receive and a send */
	teardown(&f);
}

static void test_padding_is_counted_not_kept(void)
{
	struct fixture f;
	uint8_t *bytes = malloc(4 * MB);

	setup(&f, NULL, 1);
	make_request(bytes, 7, 4 * MB, 64);
	write_all(&f, bytes, 4 * MB - 1);
	turns(&f, 2);
	CHECK_INT(f.messages, 0);
	CHECK_INT(f.loop.carries.live, 1);
	write_all(&f, bytes, 1);
	CHECK_INT(read_until_quiet(&f, 64), 64);
	CHECK_INT(f.messages, 1);
	CHECK_INT(f.loop.carries.live, 0);
	teardown(&f);
	free(bytes);
}

static void test_a_large_reply_to_a_late_reader_takes_no_memory(void)
{
	struct fixture f;
	uint8_t bytes[64];

	setup(&f, NULL, 1);
	make_request(bytes, 1, 64, 20 * MB);
	write_all(&f, bytes, 64);
	turns(&f, 50);
	CHECK_INT(f.loop.chunks.live, 1);
	CHECK_INT(read_until_quiet(&f, 20 * MB), 20 * MB);
	CHECK_INT(f.loop.chunks.live, 0);
	CHECK_INT(f.ends, 0);
	teardown(&f);
}

static void test_reading_stops_while_the_peer_does_not_read_and_goes_on_after(void)
{
	enum { COUNT = 2000, SIZE = 4096 };
	struct fixture f;
	uint8_t *bytes = malloc(COUNT * 64);

	setup(&f, NULL, 1);
	for (int i = 0; i < COUNT; i++)
		make_request(bytes + i * 64, i, 64, SIZE);
	CHECK_INT(sim_write(f.net, f.peer, bytes, 65536), 65536);
	turns(&f, 50);
	CU_ASSERT(f.messages < 200); /* 64 KiB queued and what the socket took */
	CU_ASSERT(f.loop.stats.pauses >= 1);
	CHECK_INT(read_until_quiet(&f, 1024ULL * SIZE), 1024ULL * SIZE);
	CHECK_INT(f.messages, 1024);
	CHECK_INT(f.last_id, 1023);
	CHECK_INT(f.loop.chunks.live, 0);
	teardown(&f);
	free(bytes);
}

static void test_reading_stops_at_the_limit_of_held_messages(void)
{
	struct fixture f;
	uint8_t bytes[20 * 64];
	struct conn *c;

	setup(&f, NULL, 1);
	c = f.conn;
	f.hold = true;
	for (int i = 0; i < 20; i++)
		make_request(bytes + i * 64, i, 64, 64);
	write_all(&f, bytes, sizeof(bytes));
	turns(&f, 5);
	CHECK_INT(f.messages, 8);
	for (int i = 0; i < 8; i++)
		conn_release(c);
	turns(&f, 5);
	CHECK_INT(f.messages, 16);
	f.hold = false;
	for (int i = 0; i < 8; i++)
		conn_release(c);
	CHECK_INT(read_until_quiet(&f, 4 * 64), 4 * 64);
	CHECK_INT(f.messages, 20);
	teardown(&f);
}

static void check_fault(const uint8_t *bytes, size_t len, enum wire_fault want)
{
	struct fixture f;

	setup(&f, NULL, 1);
	write_all(&f, bytes, len);
	turns(&f, 5);
	CHECK_INT(f.ends, 1);
	CHECK_INT(f.end, CONN_FAULT);
	CHECK_INT(f.code, want);
	CHECK_INT(f.loop.conn_count, 0);
	teardown(&f);
}

static void test_nonsense_ends_the_connection_and_is_named(void)
{
	uint8_t zeros[24] = { 0 }, request[64], reply_head[24];
	struct wire_head head = { .length = 24, .version = WIRE_VERSION, .type = WIRE_REPLY };

	check_fault(zeros, sizeof(zeros), WIRE_BAD_VERSION);
	make_request(request, 1, 64, 64);
	wire_put32(request, 0xffffffff);
	check_fault(request, sizeof(request), WIRE_LONG_MESSAGE);
	wire_put_head(reply_head, &head);
	check_fault(reply_head, sizeof(reply_head), WIRE_BAD_TYPE);
	make_request(request, 1, 64, 64);
	request[WIRE_HEAD] = 99;
	check_fault(request, sizeof(request), WIRE_BAD_OPERATION);
}

/* Cut at every place: the next message begins where its length says. */
static void test_a_role_that_takes_long_messages_gets_them_like_others(void)
{
	enum { LIMIT = 100, LENGTH = 300 };
	uint8_t bytes[LENGTH + 64];
	struct conn_role role;

	make_request(bytes, 1, LENGTH, 64);
	make_request(bytes + LENGTH, 2, 64, 64);
	for (uint32_t cut = 1; cut < sizeof(bytes); cut++) {
		struct fixture f;

		setup(&f, NULL, 1);
		role = *f.conn->role;
		role.takes_long = true;
		f.conn->role = &role;
		f.loop.limits.message_max = LIMIT;
		write_all(&f, bytes, cut);
		turns(&f, 3);
		write_all(&f, bytes + cut, sizeof(bytes) - cut);
		CHECK_INT(read_until_quiet(&f, 128), 128);
		CHECK_INT(f.messages, 2);
		CHECK_INT(f.ends, 0);
		teardown(&f);
	}
}

static void test_a_close_between_messages_and_within_one_are_told_apart(void)
{
	struct fixture f;
	uint8_t bytes[64];

	setup(&f, NULL, 1);
	sim_close(f.net, f.peer);
	turns(&f, 5);
	CHECK_INT(f.ends, 1);
	CHECK_INT(f.end, CONN_PEER_CLOSED);
	teardown(&f);

	setup(&f, NULL, 1);
	make_request(bytes, 1, 64, 64);
	write_all(&f, bytes, 30);
	sim_close(f.net, f.peer);
	turns(&f, 5);
	CHECK_INT(f.ends, 1);
	CHECK_INT(f.end, CONN_CUT);
	teardown(&f);

	setup(&f, NULL, 1);
	sim_reset(f.net, f.peer);
	turns(&f, 5);
	CHECK_INT(f.ends, 1);
	CHECK_INT(f.end, CONN_LOST);
	CHECK_INT(f.code, -ECONNRESET);
	teardown(&f);
}

static void test_a_peer_that_closes_its_side_still_gets_its_answers(void)
{
	struct fixture f;
	uint8_t bytes[3 * 64];

	setup(&f, NULL, 1);
	for (int i = 0; i < 3; i++)
		make_request(bytes + i * 64, i, 64, 1 * MB);
	CHECK_INT(sim_write(f.net, f.peer, bytes, sizeof(bytes)), (int)sizeof(bytes));
	sim_shutdown(f.net, f.peer);
	CHECK_INT(read_until_quiet(&f, 3 * MB), 3 * MB);
	turns(&f, 5);
	CHECK_INT(f.end, CONN_PEER_CLOSED);
	CHECK_INT(f.loop.conn_count, 0);
	teardown(&f);
}

static void test_a_held_connection_lives_until_it_is_released(void)
{
	struct fixture f;
	struct conn *c;

	setup(&f, NULL, 1);
	c = f.conn;
	conn_hold(c);
	sim_reset(f.net, f.peer);
	turns(&f, 5);
	CHECK_INT(f.ends, 1);
	CHECK_INT(f.loop.conn_count, 1);
	CU_ASSERT(!conn_is_open(c));
	CU_ASSERT(conn_append(c, 10) == NULL);
	conn_release(c);
	CHECK_INT(f.loop.conn_count, 0);
	teardown(&f);
}

static void test_connections_above_the_limit_are_refused(void)
{
	struct fixture f;
	int fds[2];

	setup(&f, NULL, 1);
	for (int i = 0; i < 3; i++) {
		sim_pair(f.net, fds);
		CU_ASSERT(conn_open(&f.loop, fds[0], &echo_role, &f) != NULL);
	}
	sim_pair(f.net, fds);
	CU_ASSERT(conn_open(&f.loop, fds[0], &echo_role, &f) == NULL);
	CHECK_INT(f.loop.stats.refused, 1);
	turns(&f, 3);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "a message cut anywhere is delivered once",
	  test_a_message_cut_anywhere_is_delivered_once },
	{ "answers of a batch leave in one send", test_answers_of_a_batch_leave_in_one_send },
	{ "padding is counted, not kept", test_padding_is_counted_not_kept },
	{ "a large reply to a late reader takes no memory",
	  test_a_large_reply_to_a_late_reader_takes_no_memory },
	{ "reading stops while the peer does not read and goes on after",
	  test_reading_stops_while_the_peer_does_not_read_and_goes_on_after },
	{ "reading stops at the limit of held messages",
	  test_reading_stops_at_the_limit_of_held_messages },
	{ "a role that takes long messages gets them like others",
	  test_a_role_that_takes_long_messages_gets_them_like_others },
	{ "nonsense ends the connection and is named",
	  test_nonsense_ends_the_connection_and_is_named },
	{ "a close between messages and within one are told apart",
	  test_a_close_between_messages_and_within_one_are_told_apart },
	{ "a peer that closes its side still gets its answers",
	  test_a_peer_that_closes_its_side_still_gets_its_answers },
	{ "a held connection lives until it is released",
	  test_a_held_connection_lives_until_it_is_released },
	{ "connections above the limit are refused", test_connections_above_the_limit_are_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("engine", tests);
}
