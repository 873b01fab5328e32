/*
 * test_datagram_peer.c - the peers of a UDP socket: how many, for how long, and what they may owe.
 *
 *	test_datagram_peer BACKEND
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/datagram_fixture.h"

static void test_a_full_table_forgets_the_oldest(void)
{
	static struct rig rig;

	rig_init(&rig, ops);
	rig.udp.peers = 4;
	CU_ASSERT_FATAL(rig_start(&rig, "udp://127.0.0.1:0", NULL));
	for (unsigned i = 0; i < 5; i++) {
		ask(add_client(&rig), 0, 64, 64);
		TURN_UNTIL(&rig, rig.clients[i].answers == 1);
		if (i == 3) { /* the first is not the oldest any more */
			ask(&rig.clients[0], 1, 64, 64);
			TURN_UNTIL(&rig, rig.clients[0].answers == 2);
		}
	}
	CHECK_INT(rig.peers, 5);
	CHECK_INT(rig.ends, 1);
	CHECK_INT(rig.server.stats.udp.peers_evicted, 1);
	ask(&rig.clients[0], 2, 64, 64);
	TURN_UNTIL(&rig, rig.clients[0].answers == 3);
	CHECK_INT(rig.peers, 5);
	ask(&rig.clients[1], 1, 64, 64);
	TURN_UNTIL(&rig, rig.clients[1].answers == 2);
	CHECK_INT(rig.peers, 6);
	CHECK_INT(rig.server.conn_count, 4);
	rig_finish(&rig);
}

static void test_peers_at_work_are_not_forgotten_for_new_ones(void)
{
	static struct rig rig;

	rig_init(&rig, ops);
	rig.udp.peers = 4;
	rig.hold = true;
	CU_ASSERT_FATAL(rig_start(&rig, "udp://127.0.0.1:0", NULL));
	for (unsigned i = 0; i < 5; i++) {
		ask(add_client(&rig), 0, 64, 64);
		TURN_UNTIL(&rig, rig.held_count + rig.server.stats.udp.no_room == i + 1);
	}
	CHECK_INT(rig.held_count, 4);
	CHECK_INT(rig.server.stats.udp.no_room, 1);
	CHECK_INT(rig.ends, 0);
	rig.hold = false;
	put_reply(rig.held[0], 0, 64);
	conn_release(rig.held[0]);
	rig.held[0] = rig.held[--rig.held_count];
	TURN_UNTIL(&rig, rig.clients[0].answers == 1);
	ask(&rig.clients[4], 1, 64, 64);
	TURN_UNTIL(&rig, rig.clients[4].answers == 1);
	CHECK_INT(rig.ends, 1);
	check_sums(&rig.server);
	rig_finish(&rig);
}

static void answer_held(struct rig *rig)
{
	while (rig->held_count) {
		struct conn *c = rig->held[--rig->held_count];

		put_reply(c, rig->held_count, 64);
		conn_release(c);
	}
}

static void test_what_a_peer_has_in_progress_is_bounded(void)
{
	static struct rig rig;
	struct client *client;

	rig_init(&rig, ops);
	rig.limits.in_flight = 8;
	rig.hold = true;
	CU_ASSERT_FATAL(rig_start(&rig, "udp://127.0.0.1:0", NULL));
	client = add_client(&rig);
	for (unsigned id = 0; id < 20; id++)
		ask(client, id, 64, 64);
	TURN_UNTIL(&rig, rig.server.stats.udp.in == 20);
	CHECK_INT(rig.held_count, 8);
	CHECK_INT(rig.server.stats.udp.over_limit, 12);
	rig.hold = false;
	answer_held(&rig);
	TURN_UNTIL(&rig, client->answers == 8);
	ask(client, 100, 64, 64);
	TURN_UNTIL(&rig, client->answers == 9);
	check_sums(&rig.server);
	rig_finish(&rig);
}

static void test_a_peer_that_is_held_outlives_its_end(void)
{
	static struct rig rig;

	rig_start_plain(&rig, ops);
	rig.hold = true;
	for (unsigned i = 0; i < 3; i++)
		ask(add_client(&rig), 0, 64, 64);
	TURN_UNTIL(&rig, rig.held_count == 3);
	conn_close(rig.held[1]);
	CHECK_INT(rig.ends, 1);
	CU_ASSERT(!conn_is_open(rig.held[1]));
	CU_ASSERT(conn_append(rig.held[1], 24) == NULL);
	turns(&rig, 3);
	conn_release(rig.held[1]);
	rig.held[1] = rig.held[2];
	rig.held_count = 2;
	CHECK_INT(rig.server.conn_count, 2);
	rig_finish(&rig);
}

static void test_closing_with_answers_under_way_leaks_nothing(void)
{
	static struct rig rig;
	struct client *client;

	for (unsigned batch = 1; batch <= 16; batch *= 4) {
		rig_init(&rig, ops);
		rig.udp.batch = rig.client_udp.batch = batch;
		CU_ASSERT_FATAL(rig_start(&rig, "udp://127.0.0.1:0", NULL));
		rig.hold = true;
		client = add_client(&rig);
		for (unsigned id = 0; id < 40; id++)
			ask(client, id, 64, 64);
		TURN_UNTIL(&rig, rig.held_count == 40);
		rig.hold = false;
		for (unsigned id = 0; id < 40; id++)
			put_reply(rig.held[id], id, 500);
		conn_flush(rig.held[0]); /* some are in flight now */
		conn_close(rig.held[0]);
		CHECK_INT(rig.ends, 1);
		ask(client, 77, 64, 64);
		conn_flush(client->conn);
		conn_close(client->conn);
		CHECK_INT(client->ends, 1);
		turns(&rig, 3);
		check_sums(&rig.server);
		rig_finish(&rig);
	}
}

static void test_finishing_sends_what_is_owed_first(void)
{
	static struct rig rig;
	struct client *client;

	rig_start_plain(&rig, ops);
	client = add_client(&rig);
	rig.hold = true;
	for (unsigned id = 0; id < 3; id++)
		ask(client, id, 64, 64);
	TURN_UNTIL(&rig, rig.held_count == 3);
	datagram_stop(rig.socket);
	conn_finish(rig.held[0]);
	CHECK_INT(rig.ends, 0);
	answer_held(&rig);
	TURN_UNTIL(&rig, client->answers == 3);
	TURN_UNTIL(&rig, rig.ends == 1);
	CHECK_INT(rig.server.conn_count, 0);
	ask(client, 9, 64, 64);
	turns(&rig, 5);
	CHECK_INT(rig.server.stats.messages_in, 3);
	rig_finish(&rig);
}

/* A port that no other program gets, where datagrams are taken from itself alone: udp(7). */
static int deaf_socket(struct address *ret)
{
	struct address any;
	int fd;

	address_parse("udp://127.0.0.1:0", &any, NULL);
	fd = address_listen(&any, &(struct listen_opts){ 0 }, ret, NULL);
	CHECK_INT(connect(fd, (const struct sockaddr *)&ret->storage, ret->len), 0);
	return fd;
}

static void test_a_deaf_port_refuses_and_the_socket_goes_on(void)
{
	static struct rig rig;
	struct client *client;
	struct address was;
	int fd = -1;

	rig_start_plain(&rig, ops);
	if (is_sim(&rig)) {
		/* Its refusals come from the send: a descriptor that is no datagram socket. */
		sim_address(sim_listen(rig.net), &rig.address.storage, &rig.address.len);
	} else {
		was = rig.address;
		fd = address_listen(&was, &(struct listen_opts){ 0 }, &was, NULL);
		CHECK_INT(fd, -EADDRINUSE);
		fd = deaf_socket(&rig.address);
	}
	client = add_client(&rig);
	for (unsigned id = 0; id < 3; id++) {
		unsigned before = client->refused;

		ask(client, id, 64, 64);
		TURN_UNTIL(&rig, client->refused > before);
	}
	CHECK_INT(client->ends, 0);
	CHECK_INT(rig.loop.stats.udp.refused, client->refused);
	if (fd >= 0)
		close(fd);
	rig_finish(&rig);
}

static CU_TestInfo tests[] = {
	{ "a full table forgets the oldest", test_a_full_table_forgets_the_oldest },
	{ "peers at work are not forgotten for new ones",
	  test_peers_at_work_are_not_forgotten_for_new_ones },
	{ "what a peer has in progress is bounded", test_what_a_peer_has_in_progress_is_bounded },
	{ "a peer that is held outlives its end", test_a_peer_that_is_held_outlives_its_end },
	{ "closing with answers under way leaks nothing",
	  test_closing_with_answers_under_way_leaks_nothing },
	{ "finishing sends what is owed first", test_finishing_sends_what_is_owed_first },
	{ "a deaf port refuses, and the socket goes on",
	  test_a_deaf_port_refuses_and_the_socket_goes_on },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	return datagram_main(argc, argv, "datagram_peer", tests);
}
