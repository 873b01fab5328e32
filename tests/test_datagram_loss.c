/*
 * test_datagram_loss.c - UDP over a simulated network that loses, doubles, reorders, cuts and
 * delays, by a fixed seed; and what takes time: idle peers, a slow link.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/datagram_fixture.h"

#define ROUNDS 2000

static struct rig rig;

static struct client *start(const struct sim_faults *faults)
{
	CU_ASSERT_FATAL(rig_start(&rig, "udp://127.0.0.1:0", faults));
	return add_client(&rig);
}

/* Requests in bursts of ten; all that ever comes has come. */
static void talk(struct client *client)
{
	for (unsigned id = 0; id < ROUNDS; id++) {
		ask(client, id, 100, 200);
		if (id % 10 == 9)
			turns(&rig, 5);
	}
	turns(&rig, 100);
	check_sums(&rig.server);
	check_sums(&rig.loop);
	CHECK_INT(rig.loop.stats.udp.out, ROUNDS);
	CHECK_INT(rig.server.stats.udp.out, rig.server.stats.messages_in);
	CHECK_INT(client->answers + client->repeated, rig.loop.stats.messages_in);
}

static void test_lost_datagrams_are_missing_and_nothing_else(void)
{
	struct client *client;

	rig_init(&rig, &backend_sim);
	client = start(&(struct sim_faults){ .lose = 0.1, .delay_ns = 100 * US });
	talk(client);
	CHECK_NEAR(rig.server.stats.udp.in, ROUNDS * 0.9, ROUNDS * 0.03);
	CHECK_NEAR(client->answers, ROUNDS * 0.81, ROUNDS * 0.03);
	CHECK_INT(client->repeated, 0);
	rig_finish(&rig);
}

static void test_doubled_datagrams_are_messages_like_others(void)
{
	struct client *client;

	rig_init(&rig, &backend_sim);
	client = start(&(struct sim_faults){ .duplicate = 0.2, .delay_ns = 100 * US });
	talk(client);
	CHECK_INT(client->answers, ROUNDS);
	CHECK_NEAR(rig.server.stats.udp.in, ROUNDS * 1.2, ROUNDS * 0.03);
	CHECK_NEAR(client->repeated, ROUNDS * 0.44, ROUNDS * 0.05);
	rig_finish(&rig);
}

static void test_overtaking_changes_the_order_alone(void)
{
	struct client *client;

	rig_init(&rig, &backend_sim);
	client = start(&(struct sim_faults){ .overtake = 0.5, .delay_ns = 300 * US });
	talk(client);
	CHECK_INT(client->answers, ROUNDS);
	CHECK_INT(client->repeated, 0);
	rig_finish(&rig);
}

static void test_cut_datagrams_are_counted_and_dropped(void)
{
	struct client *client;

	rig_init(&rig, &backend_sim);
	client = start(&(struct sim_faults){ .cut = 0.1 });
	talk(client);
	CHECK_INT(rig.server.stats.udp.in, ROUNDS);
	CHECK_INT(client->answers, ROUNDS - rig.server.stats.udp.cut - rig.loop.stats.udp.cut);
	CHECK_NEAR(rig.server.stats.udp.cut, ROUNDS * 0.1, ROUNDS * 0.03);
	CHECK_INT(rig.server.stats.udp.malformed, 0);
	rig_finish(&rig);
}

static void test_everything_at_once_adds_up_and_repeats_with_the_seed(void)
{
	const struct sim_faults faults = { .lose = 0.1,
					   .duplicate = 0.1,
					   .overtake = 0.2,
					   .cut = 0.05,
					   .delay_ns = 200 * US,
					   .jitter_ns = 300 * US,
					   .gap_ns = 5 * US };
	unsigned answers[2], repeated[2];

	for (int round = 0; round < 2; round++) {
		struct client *client;

		rig_init(&rig, &backend_sim);
		rig.udp.gso = rig.client_udp.gso = true;
		client = start(&faults);
		talk(client);
		answers[round] = client->answers;
		repeated[round] = client->repeated;
		rig_finish(&rig);
	}
	CU_ASSERT(answers[0] > ROUNDS / 2 && answers[0] < ROUNDS);
	CU_ASSERT(repeated[0] > 0);
	CHECK_INT(answers[0], answers[1]);
	CHECK_INT(repeated[0], repeated[1]);
}

static void test_idle_peers_are_forgotten_in_time(void)
{
	rig_init(&rig, &backend_sim);
	rig.udp.idle_ns = 10 * MS;
	start(NULL);
	add_client(&rig);
	ask(&rig.clients[0], 0, 64, 64);
	ask(&rig.clients[1], 0, 64, 64);
	turns(&rig, 30); /* 6 ms */
	CHECK_INT(rig.peers, 2);
	ask(&rig.clients[1], 1, 64, 64);
	turns(&rig, 30);
	CHECK_INT(rig.ends, 1);
	CHECK_INT(rig.last_end, CONN_LOCAL);
	CHECK_INT(rig.server.stats.udp.peers_idle, 1);
	turns(&rig, 30);
	CHECK_INT(rig.ends, 2);
	CHECK_INT(rig.server.conn_count, 0);
	CHECK_INT(rig.server.peers.live, 0);
	ask(&rig.clients[0], 1, 64, 64);
	turns(&rig, 3);
	CHECK_INT(rig.clients[0].answers, 2);
	CHECK_INT(rig.peers, 3);
	rig_finish(&rig);
}

static void test_a_peer_at_work_is_not_idle(void)
{
	struct client *client;

	rig_init(&rig, &backend_sim);
	rig.udp.idle_ns = 5 * MS;
	rig.hold = true;
	client = start(NULL);
	ask(client, 0, 64, 64);
	turns(&rig, 200);
	CHECK_INT(rig.held_count, 1);
	CHECK_INT(rig.ends, 0);
	put_reply(rig.held[0], 0, 64);
	conn_release(rig.held[0]);
	rig.held_count = 0;
	turns(&rig, 10);
	CHECK_INT(client->answers, 1);
	turns(&rig, 200);
	CHECK_INT(rig.ends, 1);
	rig_finish(&rig);
}

static void test_what_a_full_socket_cannot_take_is_dropped_and_counted(void)
{
	for (int64_t batch = 1; batch <= 16; batch *= 16) {
		struct client *client;

		rig_init(&rig, &backend_sim);
		rig.udp.queue = 4000;
		rig.udp.batch = batch;
		client = start(&(struct sim_faults){ .gap_ns = MS });
		rig.hold = true;
		for (unsigned id = 0; id < 60; id++)
			ask(client, id, 64, 500);
		TURN_UNTIL(&rig, rig.held_count == 60);
		for (unsigned id = 0; id < 60; id++) {
			put_reply(rig.held[id], id, 500);
			conn_release(rig.held[id]);
		}
		rig.held_count = 0;
		CU_ASSERT(rig.server.chunks.live <= 12);
		CHECK_INT(rig.server.stats.udp.queue_full, 60 - 9);
		rig.hold = false;
		turns(&rig, 300);
		CHECK_INT(client->answers, 9);
		ask(client, 100, 64, 500);
		turns(&rig, 60);
		CHECK_INT(client->answers, 10);
		check_sums(&rig.server);
		rig_finish(&rig);
	}
}

static void test_who_filled_the_queue_is_told_when_there_is_room(void)
{
	struct client *client;

	rig_init(&rig, &backend_sim);
	rig.limits.out_queue = 1000;
	client = start(&(struct sim_faults){ .gap_ns = MS });
	for (unsigned id = 0; id < 20; id++)
		ask(client, id, 100, 64);
	CU_ASSERT(conn_is_full(client->conn));
	CHECK_INT(client->drained, 0);
	turns(&rig, 400);
	CHECK_INT(client->drained, 1);
	CU_ASSERT(!conn_is_full(client->conn));
	rig_finish(&rig);
}

static CU_TestInfo tests[] = {
	{ "lost datagrams are missing, and nothing else",
	  test_lost_datagrams_are_missing_and_nothing_else },
	{ "doubled datagrams are messages like others",
	  test_doubled_datagrams_are_messages_like_others },
	{ "overtaking changes the order alone", test_overtaking_changes_the_order_alone },
	{ "cut datagrams are counted and dropped", test_cut_datagrams_are_counted_and_dropped },
	{ "everything at once adds up, and repeats with the seed",
	  test_everything_at_once_adds_up_and_repeats_with_the_seed },
	{ "idle peers are forgotten in time", test_idle_peers_are_forgotten_in_time },
	{ "a peer at work is not idle", test_a_peer_at_work_is_not_idle },
	{ "what a full socket cannot take is dropped and counted",
	  test_what_a_full_socket_cannot_take_is_dropped_and_counted },
	{ "who filled the queue is told when there is room",
	  test_who_filled_the_queue_is_told_when_there_is_room },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("datagram_loss", tests);
}
