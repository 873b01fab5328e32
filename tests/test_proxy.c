/*
 * test_proxy.c - the proxy over simulated streams: times to the nanosecond, rates to the byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/proxy_rig.h"

#define ANY_TIME (20 * MS)

static uint8_t block[1 << 20];

static void fill_block(void)
{
	struct random_key key = random_key(1, 2, 3, 4);

	for (size_t i = 0; i < sizeof(block); i += 8) {
		uint64_t word = random_u64(&key, i);

		memcpy(block + i, &word, 8);
	}
}

/* A client, and the server's end of its connection, at time at_ns. */
static void connect_both(struct rig *rig, int64_t at_ns, int *client, int *server)
{
	*client = rig_connect(rig);
	rig_until(rig, at_ns);
	*server = rig_accept(rig);
	CU_ASSERT_FATAL(*server >= 0);
}

static void test_bytes_pass_both_ways_at_once_without_delay(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, NULL);
	connect_both(&rig, 0, &client, &server);
	rig_write(&rig, client, "request");
	rig_write(&rig, server, "answer");
	rig_until(&rig, 0);
	CU_ASSERT(rig_reads(&rig, server, "request"));
	CU_ASSERT(rig_reads(&rig, client, "answer"));
	CHECK_INT(rig.relay.stats.way[PROXY_FORTH].bytes_out, 7);
	CHECK_INT(rig.relay.stats.way[PROXY_BACK].bytes_out, 6);
	CHECK_INT(rig.relay.stats.way[PROXY_FORTH].delayed, 0);
	rig_finish(&rig);
}

static void test_a_piece_arrives_exactly_when_its_delay_is_over(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "delay", "50ms");
	client = rig_connect(&rig);
	rig_write(&rig, client, "x");
	rig_until(&rig, 50 * MS - 1);
	CHECK_INT(rig_accept(&rig), -EAGAIN);
	rig_until(&rig, 50 * MS);
	server = rig_accept(&rig);
	CU_ASSERT_FATAL(server >= 0);
	CU_ASSERT(rig_reads(&rig, server, "x"));
	rig_until(&rig, 60 * MS);
	rig_write(&rig, client, "y");
	rig_until(&rig, 110 * MS - 1);
	CHECK_INT(rig_count(&rig, server), -EAGAIN);
	rig_until(&rig, 110 * MS);
	CU_ASSERT(rig_reads(&rig, server, "y"));
	CHECK_INT(rig.relay.stats.way[PROXY_FORTH].delayed, 2);
	rig_finish(&rig);
}

static void test_ten_requests_ten_ms_apart_take_fifty_ms_each(void)
{
	struct rig rig;
	int client, server = -1;

	RIG(&rig, "delay", "50");
	client = rig_connect(&rig);
	for (int ms = 0; ms < 150; ms += 5) {
		char text[8], due[8];

		rig_until(&rig, ms * MS);
		if (ms < 100 && ms % 10 == 0) {
			snprintf(text, sizeof(text), "<%d>", ms);
			rig_write(&rig, client, text);
		}
		if (ms == 50)
			server = rig_accept(&rig);
		snprintf(due, sizeof(due), "<%d>", ms - 50);
		if (ms >= 50 && ms % 10 == 0)
			CU_ASSERT(rig_reads(&rig, server, due));
		if (ms >= 50 && ms % 10)
			CHECK_INT(rig_count(&rig, server), -EAGAIN);
	}
	rig_finish(&rig);
}

static void test_each_direction_has_a_delay_of_its_own(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "delay", "3ms", "delay-back", "7ms");
	connect_both(&rig, 3 * MS, &client, &server);
	rig_write(&rig, client, "there");
	rig_write(&rig, server, "back");
	rig_until(&rig, 6 * MS - 1);
	CHECK_INT(rig_count(&rig, server), -EAGAIN);
	rig_until(&rig, 6 * MS);
	CU_ASSERT(rig_reads(&rig, server, "there"));
	rig_until(&rig, 10 * MS - 1);
	CHECK_INT(rig_count(&rig, client), -EAGAIN);
	rig_until(&rig, 10 * MS);
	CU_ASSERT(rig_reads(&rig, client, "back"));
	rig_finish(&rig);
}

#define PIECES 200

/* When each of PIECES bytes, 100 us apart, arrives, with this seed. */
static void arrivals(const char *seed, int64_t ret_ns[PIECES])
{
	struct rig rig;
	int client, server, sent = 0, got = 0;
	uint8_t byte;

	RIG(&rig, "delay", "unif:min=1ms:max=3ms", "jitter", "500us", "seed", seed);
	connect_both(&rig, 4 * MS, &client, &server);
	for (int64_t t = 4 * MS; got < PIECES && t < SEC; t += 10 * US) {
		rig_until(&rig, t);
		if (sent < PIECES && t >= 4 * MS + sent * 100 * US) {
			byte = (uint8_t)sent++;
			CHECK_INT(sim_write(rig.net, client, &byte, 1), 1);
		}
		while (rig_read(&rig, server, &byte, 1) == 1) {
			CHECK_INT(byte, got); /* in order */
			CU_ASSERT(t >= 4 * MS + got * 100 * US + 1 * MS);
			ret_ns[got++] = t;
		}
	}
	CHECK_INT(got, PIECES);
	rig_finish(&rig);
}

static void test_drawn_delays_keep_the_order_and_come_from_the_seed(void)
{
	int64_t one[PIECES], same[PIECES], other[PIECES];
	int differ = 0;

	arrivals("11", one);
	arrivals("11", same);
	arrivals("12", other);
	CHECK_INT(memcmp(one, same, sizeof(one)), 0);
	for (int i = 1; i < PIECES; i++)
		differ += one[i] != other[i];
	CU_ASSERT(differ > PIECES / 2);
}

/* In millisecond t exactly 1000 * (t + 1) bytes have come, in whichever direction. */
static void check_rate(struct rig *rig, int from, int to)
{
	int64_t start_ns = sim_net_now_ns(rig->net);
	int total = 0;

	CHECK_INT(sim_write(rig->net, from, block, 50000), 50000);
	for (int ms = 0; ms < 50; ms++) {
		int n;

		rig_until(rig, start_ns + ms * MS);
		n = rig_count(rig, to);
		total += n > 0 ? n : 0;
		CHECK_INT(total, 1000 * (ms + 1));
		rig_until(rig, start_ns + (ms + 1) * MS - 1);
		CHECK_INT(rig_count(rig, to), -EAGAIN);
	}
}

static void test_a_rate_holds_to_the_byte(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "rate", "8Mbit/s", "rate-back", "1MB", "burst", "1000B");
	connect_both(&rig, 0, &client, &server);
	check_rate(&rig, client, server);
	check_rate(&rig, server, client);
	/* And again after a pause, which saves no more than the burst. */
	rig_until(&rig, 10 * SEC);
	check_rate(&rig, client, server);
	rig_finish(&rig);
}

/* What a send did not take is not spent; less than a burst is waited for at a time. */
static void test_a_rate_holds_when_sends_are_short(void)
{
	const struct sim_faults faults = { .short_send = 0.7 };
	struct rig rig;
	int client, server, total = 0;

	rig_init(&rig, &faults, 1,
		 (const char *const[]){ "rate", "1MB/s", "burst", "1000B", NULL });
	connect_both(&rig, 0, &client, &server);
	CHECK_INT(sim_write(rig.net, client, block, 60000), 60000);
	for (int ms = 0; ms <= 50; ms++) {
		int n;

		rig_until(&rig, ms * MS);
		n = rig_count(&rig, server);
		total += n > 0 ? n : 0;
		CU_ASSERT(total <= 1000 * (ms + 1) && total > 1000 * (ms - 1));
	}
	rig_finish(&rig);
}

static void test_delay_comes_on_top_of_the_rate(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "rate", "1MB/s", "burst", "1000B", "delay", "30ms");
	connect_both(&rig, 30 * MS, &client, &server);
	CHECK_INT(sim_write(rig.net, client, block, 2000), 2000);
	rig_until(&rig, 60 * MS);
	CHECK_INT(rig_count(&rig, server), 1000);
	rig_until(&rig, 61 * MS);
	CHECK_INT(rig_count(&rig, server), 1000);
	rig_finish(&rig);
}

static void test_fragments_arrive_one_by_one(void)
{
	struct rig rig;
	int client, server;

	RIG(&rig, "frag", "100", "frag-gap", "1ms");
	connect_both(&rig, 0, &client, &server);
	CHECK_INT(sim_write(rig.net, client, block, 1050), 1050);
	for (int ms = 0; ms < 11; ms++) {
		rig_until(&rig, ms * MS);
		CHECK_INT(rig_count(&rig, server), ms < 10 ? 100 : 50);
	}
	rig_finish(&rig);
}

static void test_fragments_without_a_gap_are_writes_of_their_own(void)
{
	struct rig rig;
	int client, server, writes = 0;

	RIG(&rig, "frag", "100B");
	connect_both(&rig, 0, &client, &server);
	CHECK_INT(sim_write(rig.net, client, block, 1050), 1050);
	rig_until(&rig, 0);
	for (const struct sim_piece *p = sim_find(rig.net, server)->first; p; p = p->next) {
		CU_ASSERT(p->len <= 100);
		writes++;
	}
	CHECK_INT(writes, 11);
	rig_finish(&rig);
}

static void test_a_full_line_stops_reading_and_loses_nothing(void)
{
	static uint8_t got[sizeof(block)];
	const struct sim_faults small = { .buffer = 4096 };
	size_t written = 0, read = 0;
	struct rig rig;
	int client, server, n;

	rig_init(&rig, &small, 1,
		 (const char *const[]){ "buffer", "16KiB", "delay", "100ms", NULL });
	client = rig_connect(&rig);
	for (int64_t t = 0; t < 90 * MS; t += MS / 4) {
		n = sim_write(rig.net, client, block + written, sizeof(block) - written);
		written += n > 0 ? (size_t)n : 0;
		rig_until(&rig, t);
	}
	CU_ASSERT(rig.relay.stats.way[PROXY_FORTH].pauses > 0);
	CU_ASSERT(rig.relay.stats.way[PROXY_FORTH].bytes_in <= 16384 + 4096);
	CU_ASSERT(written <= 16384 + 2 * 4096);
	rig_until(&rig, 100 * MS);
	server = rig_accept(&rig);
	for (int64_t t = 100 * MS; read < sizeof(block) && t < 100 * SEC; t += MS) {
		n = sim_write(rig.net, client, block + written, sizeof(block) - written);
		written += n > 0 ? (size_t)n : 0;
		rig_until(&rig, t);
		n = rig_read(&rig, server, got + read, sizeof(got) - read);
		read += n > 0 ? (size_t)n : 0;
	}
	CHECK_INT(read, sizeof(block));
	CHECK_INT(memcmp(got, block, sizeof(block)), 0);
	rig_finish(&rig);
}

static void test_ten_thousand_connections_one_after_the_other(void)
{
	struct rig rig;

	RIG(&rig, "max-connections", "2");
	for (int i = 0; i < 10000; i++) {
		int client, server;

		client = sim_connect(rig.net, rig.door);
		for (int turn = 0; turn < 4; turn++)
			loop_turn(&rig.loop, 0);
		server = rig_accept(&rig);
		CU_ASSERT_FATAL(server >= 0);
		rig_write(&rig, client, "ping");
		loop_turn(&rig.loop, 0);
		loop_turn(&rig.loop, 0);
		CU_ASSERT(rig_reads(&rig, server, "ping"));
		sim_close(rig.net, client);
		sim_close(rig.net, server);
		for (int turn = 0; turn < 4; turn++)
			loop_turn(&rig.loop, 0);
		if (rig.relay.stats.open)
			break;
	}
	CHECK_INT(rig.relay.stats.accepted, 10000);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(rig.relay.pairs.live, 0);
	CHECK_INT(rig.relay.senders.live, 0);
	CHECK_INT(rig.relay.lines.chunks.live, 0);
	CHECK_INT(rig.relay.lines.pieces.live, 0);
	rig_finish(&rig);
}

static void test_connections_above_the_limit_are_closed_with_a_sentence(void)
{
	struct rig rig;
	int clients[3];

	RIG(&rig, "max-connections", "2");
	for (int i = 0; i < 3; i++)
		clients[i] = rig_connect(&rig);
	CHECK_INT(rig_count(&rig, clients[0]), -EAGAIN);
	CHECK_INT(rig_count(&rig, clients[1]), -EAGAIN);
	CHECK_INT(rig_count(&rig, clients[2]), 0);
	CU_ASSERT(strstr(rig.sentence, "--max-connections") != NULL);
	CHECK_INT(rig.relay.stats.turned_away, 1);
	rig_finish(&rig);
}

/* The net cuts, delays and resets as it likes: what arrives is the beginning of what was sent, and
 * in the end all memory is back. */
static void test_whatever_the_net_does_bytes_are_in_order_and_memory_comes_back(void)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		static uint8_t got[2][sizeof(block)];
		const struct sim_faults faults = { .short_send = 0.3,
						   .short_recv = 0.3,
						   .reset = seed % 3 ? 0 : 0.01,
						   .delay_ns = 100 * US,
						   .jitter_ns = 300 * US,
						   .buffer = 8192 };
		size_t written[2] = { 0, 0 }, read[2] = { 0, 0 };
		struct rig rig;
		int fds[2];

		rig_init(&rig, &faults, seed,
			 (const char *const[]){ "delay", "1ms", "jitter-both", "2ms", "buffer",
						"20KiB", "frag", "3000B", "rate-back", "20MB/s",
						NULL });
		fds[0] = rig_connect(&rig);
		fds[1] = -1;
		for (int64_t t = 0; t < 60 * MS; t += 200 * US) {
			rig_until(&rig, t);
			if (fds[1] < 0)
				fds[1] = rig_accept(&rig);
			for (int i = 0; i < 2 && fds[1] >= 0; i++) {
				int n = sim_write(rig.net, fds[i], block + written[i], 5000);

				written[i] += n > 0 ? (size_t)n : 0;
				n = rig_read(&rig, fds[!i], got[i] + read[i], 4096);
				read[i] += n > 0 ? (size_t)n : 0;
			}
		}
		sim_close(rig.net, fds[0]);
		if (fds[1] >= 0)
			sim_close(rig.net, fds[1]);
		rig_until(&rig, SEC);
		for (int i = 0; i < 2; i++)
			CHECK_INT(memcmp(got[i], block, read[i]), 0);
		CU_ASSERT(seed % 3 == 0 || (read[0] > 50000 && read[1] > 50000));
		CHECK_INT(rig.relay.stats.open, 0);
		CHECK_INT(rig.relay.lines.chunks.live, 0);
		CHECK_INT(rig.relay.lines.pieces.live, 0);
		CHECK_INT(rig.relay.senders.live, 0);
		rig_finish(&rig);
	}
}

static void test_stopping_frees_what_is_under_way(void)
{
	struct rig rig;
	int client;

	RIG(&rig, "delay", "1s");
	client = rig_connect(&rig);
	CHECK_INT(sim_write(rig.net, client, block, 40000), 40000);
	rig_until(&rig, ANY_TIME);
	CU_ASSERT(rig.relay.lines.chunks.live >= 10);
	relay_finish(&rig.relay);
	CHECK_INT(rig_count(&rig, client), 0);
	rig_finish(&rig);
}

static CU_TestInfo tests[] = {
	{ "bytes pass both ways at once without delay",
	  test_bytes_pass_both_ways_at_once_without_delay },
	{ "a piece arrives exactly when its delay is over",
	  test_a_piece_arrives_exactly_when_its_delay_is_over },
	{ "ten requests ten ms apart take fifty ms each",
	  test_ten_requests_ten_ms_apart_take_fifty_ms_each },
	{ "each direction has a delay of its own", test_each_direction_has_a_delay_of_its_own },
	{ "drawn delays keep the order and come from the seed",
	  test_drawn_delays_keep_the_order_and_come_from_the_seed },
	{ "a rate holds to the byte", test_a_rate_holds_to_the_byte },
	{ "a rate holds when sends are short", test_a_rate_holds_when_sends_are_short },
	{ "delay comes on top of the rate", test_delay_comes_on_top_of_the_rate },
	{ "fragments arrive one by one", test_fragments_arrive_one_by_one },
	{ "fragments without a gap are writes of their own",
	  test_fragments_without_a_gap_are_writes_of_their_own },
	{ "a full line stops reading and loses nothing",
	  test_a_full_line_stops_reading_and_loses_nothing },
	{ "ten thousand connections one after the other",
	  test_ten_thousand_connections_one_after_the_other },
	{ "connections above the limit are closed with a sentence",
	  test_connections_above_the_limit_are_closed_with_a_sentence },
	{ "whatever the net does bytes are in order and memory comes back",
	  test_whatever_the_net_does_bytes_are_in_order_and_memory_comes_back },
	{ "stopping frees what is under way", test_stopping_frees_what_is_under_way },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	fill_block();
	return test_main("proxy", tests);
}
