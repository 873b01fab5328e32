/*
 * test_proxy_net_end.c - a real proxy: ends, resets and faults of connections, and datagrams.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/proxy_net.h"

static void test_a_half_close_passes_and_the_answer_comes(void)
{
	int client, server;
	struct setup s;
	char byte;

	start(&s, SOCK_STREAM, ARGS("delay", "5"));
	connect_both(&s, &client, &server);
	say(client, "question");
	shutdown(client, SHUT_WR);
	CU_ASSERT(hears(server, "question"));
	CHECK_INT(receive(server, &byte, 1), 0);
	say(server, "answer");
	close(server);
	CU_ASSERT(hears(client, "answer"));
	CHECK_INT(receive(client, &byte, 1), 0);
	close(client);
	WAIT_UNTIL(stats_of(&s).open == 0);
	CHECK_INT(stats_of(&s).resets, 0);
	setup_finish(&s);
}

static void test_a_reset_is_seen_as_a_reset_on_the_other_side(void)
{
	for (int back = 0; back < 2; back++) {
		struct setup s;
		int fds[2];
		char byte;

		start(&s, SOCK_STREAM, ARGS("delay-both", "5"));
		connect_both(&s, &fds[0], &fds[1]);
		reset(fds[back]);
		CHECK_INT(receive(fds[!back], &byte, 1), -ECONNRESET);
		close(fds[!back]);
		WAIT_UNTIL(stats_of(&s).open == 0);
		CHECK_INT(stats_of(&s).resets, 1);
		setup_finish(&s);
	}
}

static void test_an_injected_reset_hits_both_sides(void)
{
	int client, server;
	struct setup s;
	char byte;

	start(&s, SOCK_STREAM, ARGS("fault", "reset,after=8B"));
	connect_both(&s, &client, &server);
	say(client, "12345678");
	CU_ASSERT(hears(server, "12345678"));
	CHECK_INT(receive(client, &byte, 1), -ECONNRESET);
	CHECK_INT(receive(server, &byte, 1), -ECONNRESET);
	CHECK_INT(stats_of(&s).faults[FAULT_RESET], 1);
	close(client);
	close(server);
	setup_finish(&s);
}

static void test_refusal_resets_and_silence_is_silent(void)
{
	const struct timeval brief = { .tv_usec = 100000 };
	struct setup s;
	int client;
	char byte;

	start(&s, SOCK_STREAM, ARGS("fault", "refuse"));
	CHECK_INT(connect_and_hear(&s), -ECONNRESET);
	setup_finish(&s);

	start(&s, SOCK_STREAM, ARGS("fault", "silence"));
	client = connect_client(&s);
	say(client, "anybody?");
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief));
	CHECK_INT(receive(client, &byte, 1), -EAGAIN);
	setsockopt(s.server, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief));
	CHECK_INT(accept(s.server, NULL, NULL), -1);
	CHECK_INT(stats_of(&s).open, 1);
	close(client);
	WAIT_UNTIL(stats_of(&s).open == 0);
	setup_finish(&s);
}

static void test_a_black_hole_keeps_open_and_lets_go_when_it_is_over(void)
{
	int client, server;
	int64_t start_ns;
	struct setup s;

	start_ns = clock_now_ns();
	start(&s, SOCK_STREAM, ARGS("fault", "black-hole,to=300ms"));
	connect_both(&s, &client, &server);
	say(client, "patience");
	CU_ASSERT(hears(server, "patience"));
	CU_ASSERT(clock_now_ns() - start_ns >= 300 * MS);
	close(client);
	close(server);
	setup_finish(&s);
}

static void test_a_server_that_is_not_there_resets_the_client(void)
{
	struct setup s;

	setup_init(&s, SOCK_STREAM, ARGS("delay", "1"));
	close(s.server);
	s.server = -1;
	setup_start(&s);
	CHECK_INT(connect_and_hear(&s), -ECONNRESET);
	CU_ASSERT(has_said(&s, "Connection refused: the client is reset"));
	CHECK_INT(stats_of(&s).refused, 1);
	setup_finish(&s);
}

/* Sends count datagrams; as many as should arrive do, and no more come. */
static void pass_datagrams(struct setup *s, int client, int count)
{
	const struct timeval brief = { .tv_usec = 100000 };
	struct proxy_stats stats;
	uint64_t want, came = 0;
	char text[16];

	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say(client, text);
		if (i % 10 == 9)
			WAIT_UNTIL(stats_of(s).way[PROXY_FORTH].pieces == (uint64_t)i + 1);
	}
	stats = stats_of(s);
	want = (uint64_t)count - stats.faults[FAULT_LOSS] + stats.faults[FAULT_DUPLICATE];
	while (came < want && receive(s->server, text, sizeof(text)) > 0)
		came++;
	CHECK_INT(came, want);
	setsockopt(s->server, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief));
	CHECK_INT(receive(s->server, text, sizeof(text)), -EAGAIN);
}

static void test_lost_and_doubled_datagrams_are_counted(void)
{
	struct setup s;
	int client;

	start(&s, SOCK_DGRAM, ARGS("fault", "loss,prob=20%"));
	client = connect_client(&s);
	pass_datagrams(&s, client, 200);
	CU_ASSERT(stats_of(&s).faults[FAULT_LOSS] > 10);
	close(client);
	setup_finish(&s);

	start(&s, SOCK_DGRAM, ARGS("fault", "duplicate,prob=20%"));
	client = connect_client(&s);
	pass_datagrams(&s, client, 200);
	CU_ASSERT(stats_of(&s).faults[FAULT_DUPLICATE] > 10);
	close(client);
	setup_finish(&s);
}

static void test_datagrams_are_delayed_and_answered(void)
{
	struct sockaddr_storage from[2];
	int64_t start_ns = clock_now_ns();
	struct setup s;
	int clients[2];
	char text[16];

	start(&s, SOCK_DGRAM, ARGS("delay", "20", "delay-back", "10"));
	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(from[i]);

		clients[i] = connect_client(&s);
		say(clients[i], i ? "two" : "one");
		CHECK_INT(recvfrom(s.server, text, sizeof(text), 0, (struct sockaddr *)&from[i],
				   &len),
			  3);
		CHECK_INT(memcmp(text, i ? "two" : "one", 3), 0);
	}
	for (int i = 1; i >= 0; i--)
		CHECK_INT(sendto(s.server, i ? "TWO" : "ONE", 3, 0, (struct sockaddr *)&from[i],
				 sizeof(struct sockaddr_in)),
			  3);
	CU_ASSERT(hears(clients[0], "ONE"));
	CU_ASSERT(hears(clients[1], "TWO"));
	CU_ASSERT(clock_now_ns() - start_ns >= 50 * MS);
	CHECK_INT(stats_of(&s).open, 2);
	close(clients[0]);
	close(clients[1]);
	setup_finish(&s);
}

static void test_a_udp_server_that_is_not_there_is_said_and_survived(void)
{
	struct setup s;
	int client;

	setup_init(&s, SOCK_DGRAM, ARGS("delay", "0"));
	close(s.server);
	s.server = -1;
	setup_start(&s);
	client = connect_client(&s);
	say(client, "one");
	WAIT_UNTIL(stats_of(&s).refused >= 1);
	say(client, "two");
	WAIT_UNTIL(stats_of(&s).refused >= 2);
	CU_ASSERT(has_said(&s, "Connection refused: datagram lost"));
	CHECK_INT(stats_of(&s).open, 1);
	close(client);
	setup_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "a half close passes and the answer comes",
	  test_a_half_close_passes_and_the_answer_comes },
	{ "a reset is seen as a reset on the other side",
	  test_a_reset_is_seen_as_a_reset_on_the_other_side },
	{ "an injected reset hits both sides", test_an_injected_reset_hits_both_sides },
	{ "refusal resets and silence is silent", test_refusal_resets_and_silence_is_silent },
	{ "a black hole keeps open and lets go when it is over",
	  test_a_black_hole_keeps_open_and_lets_go_when_it_is_over },
	{ "a server that is not there resets the client",
	  test_a_server_that_is_not_there_resets_the_client },
	{ "lost and doubled datagrams are counted", test_lost_and_doubled_datagrams_are_counted },
	{ "datagrams are delayed and answered", test_datagrams_are_delayed_and_answered },
	{ "a udp server that is not there is said and survived",
	  test_a_udp_server_that_is_not_there_is_said_and_survived },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	return proxy_net_main(argc, argv, tests);
}
