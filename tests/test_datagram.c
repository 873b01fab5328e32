/*
 * test_datagram.c - UDP sockets of a loop: batches, segments, what is too long, hostile senders.
 *
 *	test_datagram BACKEND
 *
 * The same for every backend; what needs a network that loses, doubles and reorders runs on sim
 * alone (test_datagram_loss.c), as do the tests of time. Peers: test_datagram_peer.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>

#include "tests/datagram_fixture.h"
#include "tests/possible.h"

static void test_every_request_is_answered_once(void)
{
	static const int64_t batches[] = { 1, 3, 16, 64 };
	static struct rig rig;

	for (unsigned i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		struct client *client;

		rig_init(&rig, ops);
		rig.udp.batch = rig.client_udp.batch = batches[i];
		CU_ASSERT_FATAL(rig_start(&rig, "udp://127.0.0.1:0", NULL));
		client = add_client(&rig);
		for (unsigned id = 0; id < 1000; id++) {
			ask(client, id, 64 + id % 200, 24 + id % 700);
			if (id % 20 == 19)
				TURN_UNTIL(&rig, client->answers == id + 1);
		}
		CHECK_INT(client->answers, 1000);
		CHECK_INT(client->repeated, 0);
		CHECK_INT(rig.peers, 1);
		CHECK_INT(rig.server.stats.udp.in, 1000);
		CHECK_INT(rig.server.stats.udp.out, 1000);
		CHECK_INT(rig.loop.stats.udp.in, 1000);
		CHECK_INT(rig.loop.stats.bytes_in, rig.server.stats.bytes_out);
		check_sums(&rig.server);
		check_sums(&rig.loop);
		rig_finish(&rig);
	}
}

static void test_ipv6_works_alike(void)
{
	static struct rig rig;
	struct client *client;

	if (!possible_ipv6())
		return;
	rig_init(&rig, ops);
	CU_ASSERT_FATAL(rig_start(&rig, "udp://[::1]:0", NULL));
	client = add_client(&rig);
	for (unsigned id = 0; id < 50; id++)
		ask(client, id, 64, 64);
	TURN_UNTIL(&rig, client->answers == 50);
	CHECK_INT(rig.peers, 1);
	rig_finish(&rig);
}

static void test_many_peers_do_not_mix(void)
{
	static struct rig rig;

	rig_start_plain(&rig, ops);
	for (unsigned i = 0; i < 40; i++)
		add_client(&rig);
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 40; i++)
			ask(&rig.clients[i], round, 60 + i, 30 + i);
		turns(&rig, 4);
	}
	for (unsigned i = 0; i < 40; i++)
		TURN_UNTIL(&rig, rig.clients[i].answers == 10);
	CHECK_INT(rig.peers, 40);
	CHECK_INT(rig.server.conn_count, 40);
	check_sums(&rig.server);
	rig_finish(&rig);
}

static void test_segments_are_put_together_and_taken_apart(void)
{
	for (int gro = 0; gro < 2; gro++) {
		static struct rig rig;
		struct client *client;

		rig_init(&rig, ops);
		rig.udp.gso = rig.client_udp.gso = true;
		rig.udp.gro = rig.client_udp.gro = gro && !is_sim(&rig);
		CU_ASSERT_FATAL(rig_start(&rig, "udp://127.0.0.1:0", NULL));
		client = add_client(&rig);
		for (unsigned id = 0; id < 160; id++) {
			ask(client, id, 100, id % 2 ? 1000 : 1200);
			if (id % 32 == 31)
				TURN_UNTIL(&rig, client->answers == id + 1);
		}
		for (unsigned id = 160; id < 320; id++) {
			ask(client, id, 500, 500);
			if (id % 32 == 31)
				TURN_UNTIL(&rig, client->answers == id + 1);
		}
		CHECK_INT(client->repeated, 0);
		CHECK_INT(rig.loop.stats.udp.out, 320);
		CHECK_INT(rig.server.stats.udp.in, 320);
		CHECK_INT(rig.server.stats.udp.out, 320);
		CHECK_INT(rig.loop.stats.udp.gso, 10);
		CU_ASSERT(rig.server.stats.udp.gso >= 5);
		CHECK_INT(rig.loop.stats.udp.gso_refused + rig.server.stats.udp.gso_refused, 0);
		if (rig.udp.gro)
			CU_ASSERT(rig.server.stats.udp.glued >= 5);
		check_sums(&rig.server);
		rig_finish(&rig);
	}
}

/* Bytes from somebody unknown. */
static void throw(struct rig * rig, int fd, const void *bytes, size_t len)
{
	if (rig->net)
		sim_send_to(rig->net, fd, bytes, len, rig->fd);
	else
		CHECK_INT(sendto(fd, bytes, len, 0, (const struct sockaddr *)&rig->address.storage,
				 rig->address.len),
			  len);
	turns(rig, 2);
}

/* The status of the next answer that fd gets, or -1; *ret_len: how long it is. */
static int catch_status(struct rig *rig, int fd, int *ret_len)
{
	uint8_t bytes[2048];
	struct wire_head head;
	int n = -EAGAIN;

	for (int tries = 0; n < 0 && tries < 20000; tries++) {
		turns(rig, 1);
		n = rig->net ? sim_read(rig->net, fd, bytes, sizeof(bytes))
			     : (int)recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	}
	*ret_len = n;
	return n >= WIRE_HEAD && !wire_get_head(bytes, UINT32_MAX, &head) ? head.hops : -1;
}

static void end_thrower(struct rig *rig, int fd)
{
	if (rig->net)
		sim_close(rig->net, fd);
	else
		close(fd);
}

static void check_still_answers(struct rig *rig, int fd)
{
	uint8_t bytes[64];
	int len;

	throw(rig, fd, bytes, make_request(bytes, 7, 64, 100));
	CHECK_INT(catch_status(rig, fd, &len), WIRE_OK);
	CHECK_INT(len, 100);
}

static void test_hostile_datagrams_cost_nothing_more(void)
{
	static uint8_t garbage[65507], bytes[2000];
	static struct rig rig;
	uint64_t malformed = 0;
	int fd;

	rig_start_plain(&rig, ops);
	fd = fresh_socket(&rig);
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (uint8_t)(i * 7 + 3);
	throw(&rig, fd, garbage, 5);
	throw(&rig, fd, garbage, 0);
	throw(&rig, fd, garbage, WIRE_HEAD);
	make_request(bytes, 1, 64, 64);
	bytes[5] = WIRE_REPLY;
	throw(&rig, fd, bytes, 64);
	make_request(bytes, 1, 64, 64);
	throw(&rig, fd, bytes, 63); /* shorter than it says */
	throw(&rig, fd, bytes, 65); /* longer */
	throw(&rig, fd, bytes, 20); /* the first part of a head, never to be continued */
	throw(&rig, fd, bytes + 20, 44);
	throw(&rig, fd, bytes, 1000); /* two messages in one datagram are none */
	TURN_UNTIL(&rig, (malformed = rig.server.stats.udp.malformed) == 9);
	throw(&rig, fd, garbage, sizeof(garbage));
	TURN_UNTIL(&rig, rig.server.stats.udp.malformed + rig.server.stats.udp.cut == 10);
	CHECK_INT(rig.server.stats.udp.cut, rig.server.backend->datagram_max < sizeof(garbage));
	CHECK_INT(rig.peers, 0);
	CHECK_INT(rig.server.conn_count, 0);
	CHECK_INT(rig.server.stats.udp.out, 0);
	CHECK_INT(rig.server.peers.live, 0);
	check_still_answers(&rig, fd);
	CHECK_INT(rig.peers, 1);
	check_sums(&rig.server);
	end_thrower(&rig, fd);
	rig_finish(&rig);
}

static void test_a_bad_program_drops_its_peer_and_the_next_message_makes_it_anew(void)
{
	static struct rig rig;
	uint8_t bytes[64];
	int fd;

	rig_start_plain(&rig, ops);
	fd = fresh_socket(&rig);
	make_request(bytes, 1, 64, 64);
	bytes[WIRE_HEAD] = 99;
	throw(&rig, fd, bytes, 64);
	TURN_UNTIL(&rig, rig.ends == 1);
	CHECK_INT(rig.last_end, CONN_FAULT);
	CHECK_INT(rig.server.conn_count, 0);
	check_still_answers(&rig, fd);
	CHECK_INT(rig.peers, 2);
	end_thrower(&rig, fd);
	rig_finish(&rig);
}

static void test_a_reply_that_is_too_long_becomes_a_refusal(void)
{
	static const uint64_t sizes[] = { 65508, 100000, 1 << 30 };
	static struct rig rig;
	uint8_t bytes[64];
	int fd, len;

	rig_start_plain(&rig, ops);
	fd = fresh_socket(&rig);
	for (unsigned i = 0; i < 3; i++) {
		throw(&rig, fd, bytes, make_request(bytes, i, 64, sizes[i]));
		CHECK_INT(catch_status(&rig, fd, &len), WIRE_REFUSED);
		CHECK_INT(len, WIRE_HEAD);
		check_still_answers(&rig, fd);
	}
	CHECK_INT(rig.server.stats.udp.too_long, 3);
	CHECK_INT(rig.server.stats.udp.out, 6);
	CHECK_INT(rig.peers, 1);
	check_sums(&rig.server);
	end_thrower(&rig, fd);
	rig_finish(&rig);
}

/* Among others, at once, and with what follows it in the same batch. */
static void test_refusals_do_not_disturb_their_neighbours(void)
{
	static struct rig rig;
	struct client *client;

	rig_start_plain(&rig, ops);
	client = add_client(&rig);
	for (unsigned id = 0; id < 32; id++)
		ask(client, id, 64, id % 3 ? 400 + id : 70000 + id);
	TURN_UNTIL(&rig, client->answers + client->not_ok == 32);
	CHECK_INT(client->not_ok, 11);
	CHECK_INT(client->answers, 21);
	for (unsigned id = 0; id < 32; id++)
		CHECK_INT(client->seen[id], id % 3 ? 1 : 0);
	check_sums(&rig.server);
	rig_finish(&rig);
}

static void test_the_longest_datagrams_pass(void)
{
	static struct rig rig;
	struct client *client;
	uint32_t longest;

	rig_start_plain(&rig, ops);
	client = add_client(&rig);
	longest = rig.loop.backend->datagram_max;
	longest = longest < DATAGRAM_MAX ? longest : DATAGRAM_MAX;
	for (unsigned id = 0; id < 5; id++) {
		ask(client, id, longest - id, longest - 2 * id);
		TURN_UNTIL(&rig, client->answers == id + 1);
	}
	rig_finish(&rig);
}

/* A reply that a role writes piece by piece: so many appends, and zeros behind them. */
static void put_pieces(struct conn *c, uint64_t id, unsigned pieces, uint64_t zeros)
{
	struct wire_head head = { .length = pieces * 2000 + zeros,
				  .version = WIRE_VERSION,
				  .type = WIRE_REPLY,
				  .id = id };

	for (unsigned i = 0; i < pieces; i++) {
		uint8_t *at = i ? conn_append_more(c, 2000) : conn_append(c, 2000);

		CU_ASSERT_FATAL(at != NULL);
		memset(at, 0, 2000);
		if (!i)
			wire_put_head(at, &head);
	}
	conn_append_payload(c, zeros);
}

static void test_messages_may_be_written_in_pieces(void)
{
	for (int64_t queue = 1000; queue <= 1 << 20; queue <<= 10) {
		static struct rig rig;
		struct client *client;
		unsigned answers, refusals;

		rig_init(&rig, ops);
		rig.udp.queue = queue;
		CU_ASSERT_FATAL(rig_start(&rig, "udp://127.0.0.1:0", NULL));
		rig.hold = true;
		client = add_client(&rig);
		for (unsigned id = 0; id < 12; id++)
			ask(client, id, 64, 64);
		TURN_UNTIL(&rig, rig.held_count == 12);
		for (unsigned id = 0; id < 12; id++) {
			put_pieces(rig.held[id], id, 1 + id % 5, id % 3 == 2 ? 70000 : id);
			conn_release(rig.held[id]);
		}
		rig.held_count = 0;
		answers = queue == 1000 ? 1 : 8;
		refusals = queue == 1000 ? 0 : 4;
		TURN_UNTIL(&rig, client->answers == answers && client->not_ok == refusals);
		CHECK_INT(rig.server.stats.udp.queue_full, 12 - answers - refusals);
		check_sums(&rig.server);
		rig_finish(&rig);
	}
}

static void test_options_are_read_back_and_refused_in_words(void)
{
	struct datagram_opts opts = { .receive_buffer = 16384, .send_buffer = 16384, .gro = true };
	struct address any;
	struct err err = { 0 };
	int fd, got = 0;
	socklen_t len = sizeof(got);

	address_parse("udp://127.0.0.1:0", &any, NULL);
	fd = address_socket(&any, NULL);
	CHECK_INT(datagram_set_options(fd, &opts, &err), 0);
	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len);
	CHECK_INT(got, 32768);
	opts.receive_buffer = 1 << 30;
	CHECK_INT(datagram_set_options(fd, &opts, &err), -ENOBUFS);
	CU_ASSERT(strstr(err.text, "udp.receive-buffer=1GiB") != NULL);
	CU_ASSERT(strstr(err.text, "net.core.rmem_max") != NULL);
	close(fd);
}

static CU_TestInfo tests[] = {
	{ "every request is answered once, whatever the batch",
	  test_every_request_is_answered_once },
	{ "IPv6 works alike", test_ipv6_works_alike },
	{ "many peers do not mix", test_many_peers_do_not_mix },
	{ "segments are put together and taken apart",
	  test_segments_are_put_together_and_taken_apart },
	{ "hostile datagrams cost nothing more", test_hostile_datagrams_cost_nothing_more },
	{ "a bad program drops its peer, and the next message makes it anew",
	  test_a_bad_program_drops_its_peer_and_the_next_message_makes_it_anew },
	{ "a reply that is too long becomes a refusal, and the socket goes on",
	  test_a_reply_that_is_too_long_becomes_a_refusal },
	{ "refusals do not disturb their neighbours",
	  test_refusals_do_not_disturb_their_neighbours },
	{ "the longest datagrams pass", test_the_longest_datagrams_pass },
	{ "messages may be written in pieces", test_messages_may_be_written_in_pieces },
	{ "options are read back, and refused in words",
	  test_options_are_read_back_and_refused_in_words },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	return datagram_main(argc, argv, "datagram", tests);
}
