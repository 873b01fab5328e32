/*
 * test_proxy_chaos.c - a proxy with random options while clients and servers do what they like.
 *
 * Nothing is known of who gets what; but when all have gone nothing is left behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/proxy_rig.h"

#define SEED   20261122
#define ENDS   12
#define ROUNDS 12

static struct random_key dice;
static uint64_t thrown;

static unsigned below(unsigned n)
{
	return (unsigned)random_below(&dice, thrown++, n);
}

static const char *one_of(const char *const *texts, unsigned count)
{
	return texts[below(count)];
}

#define ONE_OF(...)                                  \
	one_of((const char *const[]){ __VA_ARGS__ }, \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void open_tcp(struct rig *rig)
{
	const struct sim_faults faults = {
		.delay_ns = below(2) ? 50 * US : 0,
		.short_recv = below(2) ? 0.2 : 0,
		.short_send = below(2) ? 0.2 : 0,
		.reset = below(2) ? 0.01 : 0,
		.buffer = below(2) ? 3000 : 0,
	};
	const char *args[] = { "delay",
			       ONE_OF("0ns", "1ms", "exp:1ms", "20ms"),
			       "delay-back",
			       ONE_OF("0ns", "3ms", "unif:min=0ms:max=9ms"),
			       "rate",
			       ONE_OF("0B/s", "1MB/s", "100kB/s"),
			       "burst",
			       ONE_OF("0B", "1B", "10kB"),
			       "frag",
			       ONE_OF("0B", "1B", "700B"),
			       "buffer",
			       ONE_OF("1B", "4KiB", "1MiB"),
			       "max-connections",
			       ONE_OF("3", "100"),
			       "fault",
			       ONE_OF("reset,prob=0.3,after=3000B",
				      "half-close,prob=0.5,dir=forth,after=2ms",
				      "half-close,prob=0.5,after=1000B", "silence,prob=0.5",
				      "refuse,prob=0.5", "black-hole,prob=0.5,after=500B,to=500ms",
				      "reset,after=1ms", "black-hole,from=2ms,to=9ms"),
			       NULL };

	rig_init(rig, &faults, SEED + thrown, args);
}

struct end {
	int fd; /* -1: none */
	bool has_ended;
};

static void play(struct rig *rig, struct end *e)
{
	static uint8_t bytes[20000];

	if (e->fd < 0)
		return;
	if (!below(4) && !e->has_ended)
		sim_write(rig->net, e->fd, bytes, 1 + below(sizeof(bytes)));
	if (below(3)) {
		int n = sim_read(rig->net, e->fd, bytes, 1 + below(sizeof(bytes)));

		if (n < 0 && n != -EAGAIN) {
			sim_close(rig->net, e->fd);
			e->fd = -1;
			return;
		}
	}
	if (!below(60) && !e->has_ended) {
		e->has_ended = true;
		sim_shutdown(rig->net, e->fd);
	}
	if (!below(80)) {
		if (below(2))
			sim_linger_zero(rig->net, e->fd);
		sim_close(rig->net, e->fd);
		e->fd = -1;
	}
}

static void play_tcp(unsigned round)
{
	struct end clients[ENDS], servers[ENDS];
	struct rig rig;

	dice = random_key(SEED, round, 0, 0);
	thrown = 0;
	open_tcp(&rig);
	for (unsigned i = 0; i < ENDS; i++)
		clients[i] = servers[i] = (struct end){ .fd = -1 };
	for (unsigned turn = 0; turn < 1500; turn++) {
		for (unsigned i = 0; i < ENDS; i++) {
			if (clients[i].fd < 0 && !below(10))
				clients[i] = (struct end){ sim_connect(rig.net, rig.door), false };
			if (servers[i].fd < 0)
				servers[i] = (struct end){ rig_accept(&rig), false };
			play(&rig, &clients[i]);
			play(&rig, &servers[i]);
		}
		CHECK_INT(loop_turn(&rig.loop, below(2) ? 0 : 300 * US), 0);
	}
	for (unsigned i = 0; i < ENDS; i++) {
		if (clients[i].fd >= 0)
			sim_close(rig.net, clients[i].fd);
		if (servers[i].fd >= 0)
			sim_close(rig.net, servers[i].fd);
	}
	sim_close(rig.net, rig.server_door);
	rig_until(&rig, sim_net_now_ns(rig.net) + 100 * SEC);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(rig.relay.pairs.live, 0);
	CHECK_INT(rig.relay.senders.live, 0);
	CHECK_INT(rig.relay.lines.chunks.live, 0);
	rig_finish(&rig);
}

static void test_whoever_ends_nothing_is_left(void)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		play_tcp(round);
}

static void open_udp(struct rig *rig)
{
	const char *args[] = { "to",
			       "udp://:7891",
			       "delay",
			       ONE_OF("0ns", "1ms", "exp:1ms", "20ms"),
			       "delay-back",
			       ONE_OF("0ns", "3ms", "unif:min=0ms:max=9ms"),
			       "rate",
			       ONE_OF("0B/s", "1MB/s", "100kB/s"),
			       "buffer",
			       ONE_OF("1B", "4KiB", "1MiB"),
			       "idle",
			       ONE_OF("1ms", "5ms", "1s"),
			       "max-connections",
			       ONE_OF("1", "3", "100"),
			       "fault",
			       ONE_OF("loss,prob=0.1", "duplicate,prob=0.5",
				      "reorder,prob=0.3,by=7ms", "corrupt,prob=0.5",
				      "black-hole,from=2ms,to=9ms"),
			       NULL };

	rig_init(rig, NULL, SEED + thrown, args);
}

static void say(struct rig *rig, int fd, int to_fd)
{
	static uint8_t bytes[3000];
	struct iovec part = { bytes, below(sizeof(bytes)) };

	sim_give(rig->net, sim_find(rig->net, fd), &part, 1, to_fd, false);
}

static void play_udp(unsigned round)
{
	int clients[ENDS];
	struct rig rig;

	dice = random_key(SEED, round, 1, 0);
	thrown = 0;
	open_udp(&rig);
	for (unsigned i = 0; i < ENDS; i++) {
		int fds[2];

		CU_ASSERT_FATAL(sim_datagram_pair(rig.net, fds) == 0);
		clients[i] = fds[0];
	}
	for (unsigned turn = 0; turn < 1500; turn++) {
		say(&rig, clients[below(ENDS)], rig.door);
		if (rig.server_count) {
			unsigned i = below(rig.server_count);

			sim_write(rig.net, rig.servers[i], "answer", below(7));
			rig_count(&rig, rig.servers[i]);
		}
		rig_until(&rig, sim_net_now_ns(rig.net) + (below(2) ? 0 : 300 * US));
	}
	rig_until(&rig, sim_net_now_ns(rig.net) + 100 * SEC);
	CHECK_INT(rig.relay.stats.open, 0);
	CHECK_INT(rig.relay.lines.chunks.live, 0);
	rig_finish(&rig);
}

static void test_whatever_datagrams_do_nothing_is_left(void)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		play_udp(round);
}

static CU_TestInfo tests[] = {
	{ "whoever ends, nothing is left", test_whoever_ends_nothing_is_left },
	{ "whatever datagrams do, nothing is left", test_whatever_datagrams_do_nothing_is_left },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("proxy_chaos", tests);
}
