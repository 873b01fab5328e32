/*
 * test_proxy_udp.c - the proxy over simulated datagrams: delay, rate, loss and the other faults.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/proxy_rig.h"

#define UDP "to", "udp://:7891"

static uint8_t block[60000];

/* Sends one datagram to the proxy and returns the server's end of the flow that it opens. */
static int open_flow(struct rig *rig)
{
	rig_write(rig, rig->client_udp, "hello");
	rig_until(rig, sim_net_now_ns(rig->net));
	CU_ASSERT_FATAL(rig->server_count > 0);
	return rig->servers[rig->server_count - 1];
}

/* A second client, whose default peer is the proxy, too. */
static int other_client(struct rig *rig)
{
	int fds[2];

	CU_ASSERT_FATAL(sim_datagram_pair(rig->net, fds) == 0);
	return fds[0];
}

static void send_from(struct rig *rig, int fd, const char *text)
{
	struct iovec part = { (void *)(uintptr_t)text, strlen(text) };

	CHECK_INT(sim_give(rig->net, sim_find(rig->net, fd), &part, 1, rig->door, false),
		  part.iov_len);
}

static void test_datagrams_pass_both_ways_each_with_its_delay(void)
{
	struct rig rig;
	int server;

	RIG(&rig, UDP, "delay", "5ms", "delay-back", "3ms");
	server = open_flow(&rig);
	rig_until(&rig, 5 * MS - 1);
	CHECK_INT(rig_count(&rig, server), -EAGAIN);
	rig_until(&rig, 5 * MS);
	CU_ASSERT(rig_reads(&rig, server, "hello"));
	rig_write(&rig, server, "one");
	rig_write(&rig, server, "two");
	rig_until(&rig, 8 * MS - 1);
	CHECK_INT(rig_count(&rig, rig.client_udp), -EAGAIN);
	rig_until(&rig, 8 * MS);
	CU_ASSERT(rig_reads(&rig, rig.client_udp, "one")); /* boundaries are kept */
	CU_ASSERT(rig_reads(&rig, rig.client_udp, "two"));
	rig_finish(&rig);
}

static void test_answers_find_the_client_that_asked(void)
{
	struct rig rig;
	int other, first, second;

	RIG(&rig, UDP);
	other = other_client(&rig);
	first = open_flow(&rig);
	send_from(&rig, other, "hallo");
	rig_until(&rig, 0);
	CHECK_INT(rig.server_count, 2);
	second = rig.servers[1];
	CU_ASSERT(rig_reads(&rig, first, "hello"));
	CU_ASSERT(rig_reads(&rig, second, "hallo"));
	rig_write(&rig, second, "for the second");
	rig_write(&rig, first, "for the first");
	rig_until(&rig, 0);
	CU_ASSERT(rig_reads(&rig, rig.client_udp, "for the first"));
	CU_ASSERT(rig_reads(&rig, other, "for the second"));
	rig_finish(&rig);
}

/* So many that some of them share a place in the table. */
static void test_hundreds_of_peers_are_kept_apart(void)
{
	enum { PEERS = 400 };
	static int clients[PEERS];
	char text[16];
	struct rig rig;

	RIG(&rig, UDP);
	for (int i = 0; i < PEERS; i++) {
		clients[i] = other_client(&rig);
		if (i % 3)
			sim_socket(rig.net); /* no pattern in the addresses */
		snprintf(text, sizeof(text), "<%d>", i);
		send_from(&rig, clients[i], text);
		rig_until(&rig, i * MS);
	}
	CHECK_INT(rig.server_count, PEERS);
	for (int i = 0; i < PEERS; i++) {
		snprintf(text, sizeof(text), "<%d>", i);
		CU_ASSERT(rig_reads(&rig, rig.servers[i], text));
		rig_write(&rig, rig.servers[i], text);
	}
	rig_until(&rig, SEC);
	for (int i = 0; i < PEERS; i++) {
		snprintf(text, sizeof(text), "<%d>", i);
		CU_ASSERT(rig_reads(&rig, clients[i], text));
	}
	rig_finish(&rig);
}

static void test_who_is_held_back_holds_nobody_up(void)
{
	struct rig rig;
	int server;

	RIG(&rig, UDP, "delay", "1ms", "fault", "reorder,to=1ms,by=50ms");
	server = open_flow(&rig);
	rig_until(&rig, 2 * MS);
	rig_write(&rig, rig.client_udp, "second");
	rig_until(&rig, 3 * MS);
	CU_ASSERT(rig_reads(&rig, server, "second"));
	rig_until(&rig, 51 * MS - 1);
	CHECK_INT(rig_count(&rig, server), -EAGAIN);
	rig_until(&rig, 51 * MS);
	CU_ASSERT(rig_reads(&rig, server, "hello"));
	rig_finish(&rig);
}

#define MANY 4000

/* Numbers 0..MANY-1, one every 10 us; counts how often each arrives. Returns how many came behind a
 * larger number. */
static int count_arrivals(struct rig *rig, int server, uint8_t seen[MANY])
{
	int late = 0, largest = -1, number;

	rig_until(rig, sim_net_now_ns(rig->net) + 10 * MS);
	rig_count(rig, server);
	memset(seen, 0, MANY);
	for (int i = 0; i < MANY + 1000; i++) {
		rig_until(rig, sim_net_now_ns(rig->net) + 10 * US);
		if (i < MANY)
			sim_write(rig->net, rig->client_udp, &i, sizeof(i));
		while (sim_read(rig->net, server, &number, sizeof(number)) == sizeof(number)) {
			CU_ASSERT_FATAL(number >= 0 && number < MANY);
			seen[number]++;
			late += number < largest;
			largest = number > largest ? number : largest;
		}
	}
	return late;
}

static int count_of(const uint8_t seen[MANY], int times)
{
	int count = 0;

	for (int i = 0; i < MANY; i++)
		count += seen[i] == times;
	return count;
}

static void test_a_share_is_lost_by_the_seed(void)
{
	uint8_t seen[2][MANY];

	for (int run = 0; run < 2; run++) {
		struct rig rig;

		RIG(&rig, UDP, "fault", "loss,prob=10%,dir=forth", "seed", "9");
		CHECK_INT(count_arrivals(&rig, open_flow(&rig), seen[run]), 0);
		/* 400 wanted; the standard deviation is 19. "hello" may be one of them. */
		CHECK_NEAR(count_of(seen[run], 0), 400, 80);
		CHECK_INT(count_of(seen[run], 1), MANY - count_of(seen[run], 0));
		CHECK_NEAR(rig.relay.stats.faults[FAULT_LOSS], count_of(seen[run], 0), 1);
		rig_finish(&rig);
	}
	CHECK_INT(memcmp(seen[0], seen[1], MANY), 0);
}

static void test_a_share_comes_twice(void)
{
	uint8_t seen[MANY];
	struct rig rig;

	RIG(&rig, UDP, "fault", "duplicate,prob=10%", "delay", "1ms");
	CHECK_INT(count_arrivals(&rig, open_flow(&rig), seen), 0);
	CHECK_NEAR(count_of(seen, 2), 400, 80);
	CHECK_INT(count_of(seen, 0), 0);
	rig_finish(&rig);
}

static void test_a_share_is_overtaken(void)
{
	uint8_t seen[MANY];
	struct rig rig;

	RIG(&rig, UDP, "fault", "reorder,prob=10%,by=100us", "delay", "1ms");
	CHECK_NEAR(count_arrivals(&rig, open_flow(&rig), seen), 400, 80);
	CHECK_INT(count_of(seen, 1), MANY);
	rig_finish(&rig);
}

static void test_jitter_alone_keeps_the_order(void)
{
	uint8_t seen[MANY];
	struct rig rig;

	RIG(&rig, UDP, "jitter", "1ms");
	CHECK_INT(count_arrivals(&rig, open_flow(&rig), seen), 0);
	CHECK_INT(count_of(seen, 1), MANY);
	rig_finish(&rig);
}

static void test_corruption_turns_one_bit(void)
{
	uint8_t got[sizeof(block)];
	struct rig rig;
	int server, places = 0, last = -1;

	RIG(&rig, UDP, "fault", "corrupt");
	server = open_flow(&rig);
	rig_count(&rig, server);
	for (int i = 0; i < 100; i++) {
		int bits = 0, place = 0;

		CHECK_INT(sim_write(rig.net, rig.client_udp, block, 9000), 9000);
		rig_until(&rig, i * MS);
		CHECK_INT(rig_read(&rig, server, got, sizeof(got)), 9000);
		for (int k = 0; k < 9000; k++) {
			bits += __builtin_popcount(got[k]);
			place = got[k] ? k : place;
		}
		CHECK_INT(bits, 1);
		places += place != last;
		last = place;
	}
	CU_ASSERT(places > 90);
	rig_finish(&rig);
}

static void test_in_a_black_hole_datagrams_are_lost(void)
{
	struct rig rig;
	int server;

	RIG(&rig, UDP, "fault", "black-hole,from=10ms,to=20ms,dir=forth");
	server = open_flow(&rig);
	rig_count(&rig, server);
	rig_until(&rig, 15 * MS);
	rig_write(&rig, rig.client_udp, "lost");
	rig_write(&rig, server, "back");
	rig_until(&rig, 20 * MS);
	rig_write(&rig, rig.client_udp, "there");
	rig_until(&rig, 30 * MS);
	CU_ASSERT(rig_reads(&rig, server, "there"));
	CU_ASSERT(rig_reads(&rig, rig.client_udp, "back"));
	rig_finish(&rig);
}

static void test_a_rate_spaces_datagrams_and_a_full_line_loses_them(void)
{
	struct rig rig;
	int server, came = 0;

	RIG(&rig, UDP, "rate", "1MB/s", "burst", "1000B", "buffer", "20KiB");
	server = open_flow(&rig);
	rig_until(&rig, 10 * MS);
	rig_count(&rig, server);
	for (int i = 0; i < 40; i++)
		sim_write(rig.net, rig.client_udp, block, 1000);
	for (int ms = 10; ms < 60; ms++) {
		int n;

		rig_until(&rig, ms * MS);
		n = rig_count(&rig, server);
		CU_ASSERT(n == 1000 || (n == -EAGAIN && came >= 15));
		came += n == 1000;
	}
	CU_ASSERT(came >= 15 && came <= 20); /* the first has left when the second comes */
	CHECK_INT(rig.relay.stats.way[PROXY_FORTH].dropped, 40 - came);
	rig_finish(&rig);
}

static void test_empty_and_longest_datagrams_pass(void)
{
	struct rig rig;
	int server;

	RIG(&rig, UDP, "delay", "1ms");
	server = open_flow(&rig);
	rig_until(&rig, 5 * MS);
	rig_count(&rig, server);
	CHECK_INT(sim_write(rig.net, rig.client_udp, block, 0), 0);
	CHECK_INT(sim_write(rig.net, rig.client_udp, block, sizeof(block)), sizeof(block));
	rig_until(&rig, 10 * MS);
	CHECK_INT(rig_read(&rig, server, block, sizeof(block)), 0);
	CHECK_INT(rig_read(&rig, server, block, sizeof(block)), sizeof(block));
	CHECK_INT(rig.relay.stats.way[PROXY_FORTH].pieces, 3);
	rig_finish(&rig);
}

static void test_a_peer_that_is_silent_is_forgotten_and_comes_again(void)
{
	struct rig rig;
	int server;

	RIG(&rig, UDP, "idle", "100ms");
	server = open_flow(&rig);
	rig_until(&rig, 90 * MS);
	rig_write(&rig, server, "still here"); /* an answer counts, too */
	rig_until(&rig, 190 * MS - 1);
	CHECK_INT(rig.relay.stats.open, 1);
	rig_until(&rig, 190 * MS);
	CHECK_INT(rig.relay.stats.open, 0);
	open_flow(&rig);
	CHECK_INT(rig.server_count, 2);
	CHECK_INT(rig.relay.stats.accepted, 2);
	rig_finish(&rig);
}

static void test_of_too_many_peers_the_idlest_is_forgotten(void)
{
	struct rig rig;
	int clients[3];

	RIG(&rig, UDP, "max-connections", "2");
	for (int i = 0; i < 3; i++) {
		clients[i] = other_client(&rig);
		rig_until(&rig, i * MS);
		send_from(&rig, clients[i], "hi");
		if (i == 1)
			send_from(&rig, clients[0], "again"); /* so the second is the idlest */
	}
	rig_until(&rig, 10 * MS);
	CHECK_INT(rig.relay.stats.open, 2);
	CHECK_INT(rig.server_count, 3);
	send_from(&rig, clients[0], "known");
	send_from(&rig, clients[2], "known");
	rig_until(&rig, 11 * MS);
	CHECK_INT(rig.server_count, 3);
	send_from(&rig, clients[1], "new");
	rig_until(&rig, 12 * MS);
	CHECK_INT(rig.server_count, 4);
	rig_finish(&rig);
}

/* More than the cache of flows keeps, so that the address sanitizer sees who is used when gone. */
static void test_what_a_forgotten_peer_has_under_way_ends_with_it(void)
{
	enum { CROWD = 100 };
	struct rig rig;

	RIG(&rig, UDP, "delay", "1s", "idle", "100ms");
	for (int i = 0; i < CROWD; i++)
		send_from(&rig, other_client(&rig), "hi");
	rig_until(&rig, 500 * MS);
	CHECK_INT(rig.relay.stats.open, CROWD);
	rig_until(&rig, 2 * SEC);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(rig.relay.stats.way[PROXY_FORTH].dropped, CROWD);
	CHECK_INT(rig.relay.lines.chunks.live, 0);
	rig_finish(&rig);
}

/* What they have sent is due in ten seconds: forgetting them frees nothing before that. */
static void test_peers_that_are_forgotten_do_not_pile_up(void)
{
	enum { CROWD = 400 };
	uint64_t turned_away;
	struct rig rig;

	RIG(&rig, UDP, "delay", "10s", "max-connections", "4");
	for (int i = 0; i < CROWD; i++) {
		send_from(&rig, other_client(&rig), "hi");
		rig_until(&rig, i * MS);
	}
	CU_ASSERT(rig.relay.stats.open <= 4 + 256);
	CHECK_INT(rig.relay.stats.accepted + rig.relay.stats.turned_away, CROWD);
	rig_until(&rig, 11 * SEC);
	CHECK_INT(rig.relay.stats.open, 4);
	turned_away = rig.relay.stats.turned_away;
	send_from(&rig, other_client(&rig), "hi"); /* and then there is room again */
	rig_until(&rig, 12 * SEC);
	CHECK_INT(rig.relay.stats.turned_away, turned_away);
	CHECK_INT(rig.relay.stats.open, 4);
	rig_finish(&rig);
}

static void test_stopping_frees_what_is_under_way(void)
{
	struct rig rig;

	RIG(&rig, UDP, "delay", "1s");
	open_flow(&rig);
	for (int i = 0; i < 50; i++) {
		sim_write(rig.net, rig.client_udp, block, 1000);
		rig_until(&rig, i * MS);
	}
	CHECK_INT(rig.relay.lines.chunks.live, 51);
	rig_finish(&rig);
}

static CU_TestInfo tests[] = {
	{ "datagrams pass both ways each with its delay",
	  test_datagrams_pass_both_ways_each_with_its_delay },
	{ "answers find the client that asked", test_answers_find_the_client_that_asked },
	{ "hundreds of peers are kept apart", test_hundreds_of_peers_are_kept_apart },
	{ "who is held back holds nobody up", test_who_is_held_back_holds_nobody_up },
	{ "a share is lost by the seed", test_a_share_is_lost_by_the_seed },
	{ "a share comes twice", test_a_share_comes_twice },
	{ "a share is overtaken", test_a_share_is_overtaken },
	{ "jitter alone keeps the order", test_jitter_alone_keeps_the_order },
	{ "corruption turns one bit", test_corruption_turns_one_bit },
	{ "in a black hole datagrams are lost", test_in_a_black_hole_datagrams_are_lost },
	{ "a rate spaces datagrams and a full line loses them",
	  test_a_rate_spaces_datagrams_and_a_full_line_loses_them },
	{ "empty and longest datagrams pass", test_empty_and_longest_datagrams_pass },
	{ "a peer that is silent is forgotten and comes again",
	  test_a_peer_that_is_silent_is_forgotten_and_comes_again },
	{ "of too many peers the idlest is forgotten",
	  test_of_too_many_peers_the_idlest_is_forgotten },
	{ "what a forgotten peer has under way ends with it",
	  test_what_a_forgotten_peer_has_under_way_ends_with_it },
	{ "peers that are forgotten do not pile up", test_peers_that_are_forgotten_do_not_pile_up },
	{ "stopping frees what is under way", test_stopping_frees_what_is_under_way },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("proxy_udp", tests);
}
