/*
 * test_proxy_fault.c - how streams end on the simulated net, by themselves and by faults: at the
 * moment, at the byte, in the share that was asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/proxy_rig.h"

static uint8_t block[60000];

static uint64_t injected(const struct rig *rig, enum fault_kind kind)
{
	return rig->relay.stats.faults[kind];
}

/* A client, and the server's end of its connection, at time at_ns. */
static void connect_later(struct rig *rig, int64_t at_ns, int *client, int *server)
{
	*client = rig_connect(rig);
	rig_until(rig, at_ns);
	*server = rig_accept(rig);
	CU_ASSERT_FATAL(*server >= 0);
}

static void connect_both(struct rig *rig, int *client, int *server)
{
	connect_later(rig, sim_net_now_ns(rig->net), client, server);
}

static void test_an_end_comes_after_its_delay_and_the_answer_still_passes(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "delay", "5ms", "delay-back", "3ms");
	connect_later(&rig, 5 * MS, &client, &server);
	rig_write(&rig, client, "last");
	sim_shutdown(rig.net, client);
	rig_until(&rig, 10 * MS - 1);
	CHECK_INT(rig_count(&rig, server), -EAGAIN);
	rig_until(&rig, 10 * MS);
	CU_ASSERT(rig_reads(&rig, server, "last"));
	CHECK_INT(rig_count(&rig, server), 0);
	rig_write(&rig, server, "answer");
	sim_close(rig.net, server);
	rig_until(&rig, 13 * MS - 1);
	CHECK_INT(rig_count(&rig, client), -EAGAIN);
	CHECK_INT(rig.relay.stats.open, 1);
	rig_until(&rig, 13 * MS);
	CU_ASSERT(rig_reads(&rig, client, "answer"));
	CHECK_INT(rig_count(&rig, client), 0);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(rig.relay.stats.resets, 0);
	rig_finish(&rig);
}

static void test_a_reset_is_passed_on_as_a_reset_after_its_delay(void)
{
	for (int back = 0; back < 2; back++) {
		struct rig rig;
		int fds[2];

		RIG(&rig, "delay-both", "5ms");
		connect_later(&rig, 5 * MS, &fds[0], &fds[1]);
		rig_write(&rig, fds[back], "before");
		rig_until(&rig, 6 * MS);
		sim_reset(rig.net, fds[back]);
		rig_until(&rig, 10 * MS);
		CU_ASSERT(rig_reads(&rig, fds[!back], "before"));
		rig_until(&rig, 11 * MS - 1);
		CHECK_INT(rig_count(&rig, fds[!back]), -EAGAIN);
		rig_until(&rig, 11 * MS);
		CHECK_INT(rig_count(&rig, fds[!back]), -ECONNRESET);
		CHECK_INT(rig.relay.stats.open, 0);
		CHECK_INT(rig.relay.stats.resets, 1);
		rig_finish(&rig);
	}
}

static void test_a_server_that_refuses_resets_the_client_with_a_sentence(void)
{
	struct rig rig;
	int client;

	RIG(&rig, "delay", "5ms", "delay-back", "2ms");
	sim_close(rig.net, rig.server_door);
	client = rig_connect(&rig);
	rig_write(&rig, client, "hello");
	rig_until(&rig, 7 * MS - 1);
	CHECK_INT(rig_count(&rig, client), -EAGAIN);
	rig_until(&rig, 7 * MS);
	CHECK_INT(rig_count(&rig, client), -ECONNRESET);
	CHECK_INT(rig.said, 1);
	CU_ASSERT(strstr(rig.sentence, "Connection refused: the client is reset") != NULL);
	CHECK_INT(rig.relay.stats.refused, 1);
	CHECK_INT(rig.relay.stats.open, 0);
	rig_finish(&rig);
}

static void test_refused_connections_are_reset_and_nobody_is_asked(void)
{
	struct rig rig;
	int client;

	RIG(&rig, "fault", "refuse");
	client = rig_connect(&rig);
	CHECK_INT(rig_count(&rig, client), -ECONNRESET);
	CHECK_INT(rig_accept(&rig), -EAGAIN);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(injected(&rig, FAULT_REFUSE), 1);
	rig_finish(&rig);
}

static void test_silence_reads_and_never_answers(void)
{
	struct rig rig;
	int client;

	RIG(&rig, "fault", "silence");
	client = rig_connect(&rig);
	for (int i = 0; i < 100; i++) {
		CHECK_INT(sim_write(rig.net, client, block, 10000), 10000);
		rig_until(&rig, i * MS);
	}
	CHECK_INT(rig_count(&rig, client), -EAGAIN);
	CHECK_INT(rig_accept(&rig), -EAGAIN);
	CHECK_INT(rig.relay.lines.chunks.live, 0);
	sim_close(rig.net, client);
	rig_until(&rig, SEC);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(injected(&rig, FAULT_SILENCE), 1);
	rig_finish(&rig);
}

static void test_a_reset_comes_at_its_time(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "fault", "reset,after=30ms");
	connect_both(&rig, &client, &server);
	rig_until(&rig, 30 * MS - 1);
	CHECK_INT(rig_count(&rig, client), -EAGAIN);
	rig_until(&rig, 30 * MS);
	CHECK_INT(rig_count(&rig, client), -ECONNRESET);
	CHECK_INT(rig_count(&rig, server), -ECONNRESET);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(injected(&rig, FAULT_RESET), 1);
	rig_finish(&rig);
}

static void test_a_reset_comes_behind_its_byte(void)
{
	for (int back = 0; back < 2; back++) {
		struct rig rig;
		int fds[2];

		RIG(&rig, "fault", back ? "reset,after=12345B,dir=back" : "reset,after=12345B");
		connect_both(&rig, &fds[0], &fds[1]);
		CHECK_INT(sim_write(rig.net, fds[0], block, 10000), 10000);
		rig_until(&rig, MS);
		CHECK_INT(rig_count(&rig, fds[1]), 10000);
		CHECK_INT(sim_write(rig.net, fds[1], block, 20000), 20000);
		rig_until(&rig, 2 * MS);
		/* Both directions count, unless one was named. */
		CHECK_INT(rig_read(&rig, fds[0], block, sizeof(block)), back ? 12345 : 2345);
		CHECK_INT(rig_count(&rig, fds[0]), -ECONNRESET);
		CHECK_INT(rig_count(&rig, fds[1]), -ECONNRESET);
		rig_finish(&rig);
	}
}

static void test_a_reset_waits_for_its_window(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "fault", "reset,after=10B,from=50ms,to=60ms");
	connect_both(&rig, &client, &server);
	rig_write(&rig, client, "0123456789");
	rig_until(&rig, 50 * MS - 1);
	CU_ASSERT(rig_reads(&rig, server, "0123456789"));
	CHECK_INT(rig_count(&rig, client), -EAGAIN);
	rig_until(&rig, 50 * MS);
	CHECK_INT(rig_count(&rig, client), -ECONNRESET);
	/* Who comes after it is not befallen. */
	rig_until(&rig, 60 * MS);
	connect_both(&rig, &client, &server);
	rig_write(&rig, client, "0123456789x");
	rig_until(&rig, 100 * MS);
	CU_ASSERT(rig_reads(&rig, server, "0123456789x"));
	CHECK_INT(rig_count(&rig, client), -EAGAIN);
	rig_finish(&rig);
}

static void test_a_half_close_ends_one_direction_behind_its_byte(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "fault", "half-close,after=100B");
	connect_both(&rig, &client, &server);
	CHECK_INT(sim_write(rig.net, client, block, 300), 300);
	rig_until(&rig, MS);
	CHECK_INT(rig_count(&rig, server), 100);
	CHECK_INT(rig_count(&rig, server), 0);
	rig_write(&rig, client, "thrown away");
	rig_write(&rig, server, "answer");
	rig_until(&rig, 2 * MS);
	CU_ASSERT(rig_reads(&rig, client, "answer"));
	CHECK_INT(rig_count(&rig, server), 0);
	CHECK_INT(rig.relay.stats.open, 1);
	sim_close(rig.net, server);
	rig_until(&rig, 3 * MS);
	CHECK_INT(rig_count(&rig, client), 0);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(injected(&rig, FAULT_HALF_CLOSE), 1);
	rig_finish(&rig);
}

static void test_a_half_close_of_both_is_a_close(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "fault", "half-close,after=5ms,dir=both");
	connect_both(&rig, &client, &server);
	rig_until(&rig, 5 * MS);
	CHECK_INT(rig_count(&rig, client), 0);
	CHECK_INT(rig_count(&rig, server), 0);
	CHECK_INT(rig.relay.stats.open, 0);
	rig_finish(&rig);
}

static void test_in_a_black_hole_bytes_wait_for_its_end(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "fault", "black-hole,from=20ms,to=40ms,every=100ms", "delay", "1ms");
	client = rig_connect(&rig);
	rig_until(&rig, MS);
	server = rig_accept(&rig);
	for (int round = 0; round < 3; round++) {
		rig_until(&rig, (round * 100 + 10) * MS);
		rig_write(&rig, client, "before");
		rig_until(&rig, (round * 100 + 19) * MS + 1);
		CU_ASSERT(rig_reads(&rig, server, "before"));
		rig_write(&rig, client, "within"); /* due when it has opened */
		rig_until(&rig, (round * 100 + 30) * MS);
		rig_write(&rig, server, "back");
		rig_until(&rig, (round * 100 + 40) * MS - 1);
		CHECK_INT(rig_count(&rig, server), -EAGAIN);
		CHECK_INT(rig_count(&rig, client), -EAGAIN);
		rig_until(&rig, (round * 100 + 40) * MS);
		CU_ASSERT(rig_reads(&rig, server, "within"));
		CU_ASSERT(rig_reads(&rig, client, "back"));
	}
	CHECK_INT(injected(&rig, FAULT_BLACK_HOLE), 1); /* a connection counts once */
	rig_finish(&rig);
}

static void test_a_black_hole_may_swallow_one_direction_from_a_byte_on(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "fault", "black-hole,dir=back,after=7B", "buffer", "1KiB");
	connect_both(&rig, &client, &server);
	rig_write(&rig, server, "0123456789");
	rig_until(&rig, SEC);
	CU_ASSERT(rig_reads(&rig, client, "0123456"));
	rig_write(&rig, client, "question");
	rig_until(&rig, 2 * SEC);
	CU_ASSERT(rig_reads(&rig, server, "question"));
	rig_until(&rig, 100 * SEC);
	CHECK_INT(rig_count(&rig, client), -EAGAIN);
	/* When both have gone nobody waits for it any more. */
	sim_close(rig.net, server);
	rig_until(&rig, 101 * SEC);
	CHECK_INT(rig.relay.stats.open, 1);
	sim_close(rig.net, client);
	rig_until(&rig, 102 * SEC);
	CHECK_INT(rig.relay.stats.open, 0);
	rig_finish(&rig);
}

/* Whose line is full is not read, so that the end behind it is not seen by itself. */
static void test_a_full_line_into_a_black_hole_does_not_outlive_both(void)
{
	static const char *const ways[] = { "black-hole,dir=forth", "black-hole" };

	for (unsigned i = 0; i < 2; i++) {
		struct rig rig;
		int client, server;

		RIG(&rig, "fault", ways[i], "buffer", "1KiB");
		connect_both(&rig, &client, &server);
		CHECK_INT(sim_write(rig.net, client, block, 10000), 10000);
		rig_until(&rig, SEC);
		CHECK_INT(rig.relay.stats.way[PROXY_FORTH].pauses, 1);
		sim_close(rig.net, client);
		rig_until(&rig, 2 * SEC);
		CHECK_INT(rig.relay.stats.open, 1); /* the server does not know */
		sim_close(rig.net, server);
		rig_until(&rig, 3 * SEC);
		CHECK_INT(rig.relay.stats.open, 0);
		rig_finish(&rig);
	}
}

/* How many of 2000 connections were refused, as bits for each of the first 64. */
static int refused(const char *seed, uint64_t *ret_which)
{
	struct rig rig;
	int count = 0;

	RIG(&rig, "fault", "refuse,prob=0.25", "seed", seed);
	*ret_which = 0;
	for (int i = 0; i < 2000; i++) {
		int client = rig_connect(&rig);
		bool is_refused = rig_count(&rig, client) == -ECONNRESET;

		count += is_refused;
		if (is_refused && i < 64)
			*ret_which |= 1ULL << i;
		if (!is_refused)
			sim_close(rig.net, rig_accept(&rig));
		sim_close(rig.net, client);
		rig_until(&rig, 0);
	}
	CHECK_INT(injected(&rig, FAULT_REFUSE), count);
	CHECK_INT(rig.relay.stats.open, 0);
	rig_finish(&rig);
	return count;
}

static void test_a_share_of_connections_is_drawn_from_the_seed(void)
{
	uint64_t one, same, other;

	/* 500 wanted; the standard deviation is 19. */
	CHECK_NEAR(refused("3", &one), 500, 80);
	CHECK_NEAR(refused("3", &same), 500, 80);
	CHECK_NEAR(refused("4", &other), 500, 80);
	CU_ASSERT(one == same);
	CU_ASSERT(one != other);
}

static CU_TestInfo tests[] = {
	{ "an end comes after its delay and the answer still passes",
	  test_an_end_comes_after_its_delay_and_the_answer_still_passes },
	{ "a reset is passed on as a reset after its delay",
	  test_a_reset_is_passed_on_as_a_reset_after_its_delay },
	{ "a server that refuses resets the client with a sentence",
	  test_a_server_that_refuses_resets_the_client_with_a_sentence },
	{ "refused connections are reset and nobody is asked",
	  test_refused_connections_are_reset_and_nobody_is_asked },
	{ "silence reads and never answers", test_silence_reads_and_never_answers },
	{ "a reset comes at its time", test_a_reset_comes_at_its_time },
	{ "a reset comes behind its byte", test_a_reset_comes_behind_its_byte },
	{ "a reset waits for its window", test_a_reset_waits_for_its_window },
	{ "a half close ends one direction behind its byte",
	  test_a_half_close_ends_one_direction_behind_its_byte },
	{ "a half close of both is a close", test_a_half_close_of_both_is_a_close },
	{ "in a black hole bytes wait for its end", test_in_a_black_hole_bytes_wait_for_its_end },
	{ "a black hole may swallow one direction from a byte on",
	  test_a_black_hole_may_swallow_one_direction_from_a_byte_on },
	{ "a full line into a black hole does not outlive both",
	  test_a_full_line_into_a_black_hole_does_not_outlive_both },
	{ "a share of connections is drawn from the seed",
	  test_a_share_of_connections_is_drawn_from_the_seed },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("proxy_fault", tests);
}
