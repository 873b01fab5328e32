/*
 * test_forward_chaos.c - random programs between nodes while everything ends at random moments.
 *
 * Three nodes, a server that reads, babbles, lies or closes, a net that cuts and resets, and
 * clients that leave. Nothing is known of the answers; but the sums are exact, and when all have
 * gone nothing is left behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/forward_world.h"

#define SEED	20261122
#define CLIENTS 6

static struct world w;
static struct random_key dice;
static uint64_t thrown;

static unsigned below(unsigned n)
{
	return (unsigned)random_below(&dice, thrown++, n);
}

static void add_something(struct body *b, unsigned depth);

static struct body some_program(unsigned depth)
{
	struct body b = { 0 };
	unsigned before = below(3), after = below(2);

	while (before--)
		add_something(&b, depth);
	add_reply(&b, 24 + 4 * below(200));
	while (after--)
		add_something(&b, depth);
	return b;
}

/* To the nodes, the scripted server and a place where nobody is. */
static void add_some_forward(struct body *b, unsigned depth)
{
	static const uint16_t places[] = { A, B, C, D, NOBODY };
	struct body program = some_program(depth + 1);
	uint16_t ports[4] = { 0 };
	unsigned count = 1 + below(3);
	struct wire_forward f = {
		.timeout_us = below(4) ? 100 + below(5000) : 0,
		.retries = (uint8_t)below(4),
		.pick = below(2) ? (uint8_t)below(PICKS) : PICK_ALL,
		.meanwhile = below(2),
		.tag = (uint16_t)below(9),
	};

	for (unsigned i = 0; i < count; i++)
		ports[i] = places[below(5)];
	f.quorum = (uint16_t)below(f.pick ? 2 : count + 1);
	f.size = below(3) ? 0 : WIRE_HEAD + program.len + below(40000);
	if (program.len < 700)
		add_forward(b, f, &program, ports);
}

static void add_something(struct body *b, unsigned depth)
{
	switch (below(depth < 3 ? 4 : 2)) {
	case 0:
		add_operation(b, WIRE_SLEEP, below(2000) * US);
		break;
	case 1:
		add_operation(b, WIRE_JOIN, 0);
		break;
	default:
		add_some_forward(b, depth);
	}
}

/* What the scripted server does with whoever has connected. */
static void play_server(int fds[], unsigned *count)
{
	static uint8_t bytes[64 * KB];
	int fd = accept_scripted(&w, D);

	if (fd >= 0 && *count < 32)
		fds[(*count)++] = fd;
	for (unsigned i = 0; i < *count; i++) {
		int n = sim_read(w.net, fds[i], bytes, sizeof(bytes));
		uint64_t id = n >= WIRE_HEAD ? wire_get64(bytes + 8) : below(100);
		uint8_t reply[WIRE_HEAD];

		if (!n || (n < 0 && n != -EAGAIN) || !below(200)) {
			sim_close(w.net, fds[i]);
			fds[i--] = fds[--*count];
			continue;
		}
		if (n < WIRE_HEAD && below(20))
			continue;
		wire_put_head(reply, &(struct wire_head){ .length = WIRE_HEAD,
							  .version = below(50) ? WIRE_VERSION : 9,
							  .type = WIRE_REPLY,
							  .hops = (uint8_t)below(6),
							  .id = id });
		sim_write(w.net, fds[i], reply, sizeof(reply));
	}
}

struct chaos_client {
	int fd; /* -1: none */
	bool is_lost;
};

static struct chaos_client clients[CLIENTS];

static void come(struct chaos_client *c)
{
	c->fd = sim_connect(w.net, w.listeners[below(3)]);
	c->is_lost = c->fd < 0;
}

static void ask_something(struct chaos_client *c)
{
	struct body b = some_program(0);
	uint8_t bytes[WIRE_HEAD + BODY_ROOM];
	struct wire_head head = { .length = WIRE_HEAD + b.len,
				  .version = WIRE_VERSION,
				  .type = WIRE_REQUEST,
				  .hops = (uint8_t)below(6),
				  .body_len = b.len,
				  .deadline_us = below(3) ? 0 : 1 + below(20000) };

	if (b.len > WIRE_BODY_MAX)
		return;
	wire_put_head(bytes, &head);
	memcpy(bytes + WIRE_HEAD, b.bytes, b.len);
	c->is_lost = sim_write(w.net, c->fd, bytes, head.length) != (int)head.length;
}

static void look_at(struct chaos_client *c)
{
	static uint8_t bytes[64 * KB];
	int n = sim_read(w.net, c->fd, bytes, 1 + below(4000));

	if (!n || (n < 0 && n != -EAGAIN))
		c->is_lost = true;
}

static void play_client(struct chaos_client *c)
{
	if (c->fd < 0) {
		if (!below(10))
			come(c);
		return;
	}
	if (!below(8))
		ask_something(c);
	if (below(4))
		look_at(c);
	if (c->is_lost || !below(60)) {
		sim_close(w.net, c->fd);
		c->fd = -1;
	}
}

static void open_world(void)
{
	const struct sim_faults faults = {
		.delay_ns = below(2) ? 50 * US : 0,
		.short_recv = below(2) ? 0.2 : 0,
		.short_send = below(2) ? 0.2 : 0,
		.reset = below(2) ? 0.002 : 0,
	};
	struct upstream_opts few = usual_upstreams;

	few.attempts = below(2) ? 20 : 4096;
	few.links = below(2) ? 3 : 16;
	few.per_destination = 1 + below(2);
	few.idle_ns = below(2) ? MS : SEC;
	world_init(&w);
	sim_net_set_faults(w.net, &faults);
	add_node(&w, A, &few);
	add_node(&w, B, NULL);
	add_node(&w, C, &few);
	add_scripted(&w, D);
}

static void check_node(uint16_t port)
{
	const struct forward_stats *s = stats_at(&w, port);
	const struct sim_node *n = node_at(&w, port);

	CHECK_INT(s->forwards,
		  s->completed + s->timeouts + s->failures + s->refused + s->cancelled);
	CHECK_INT(n->host.small.live + n->host.large.live, 0);
	CHECK_INT(n->forwards.few.live + n->forwards.many.live + n->forwards.records.live, 0);
}

static void play_round(unsigned round)
{
	int fds[32];
	unsigned count = 0;

	dice = random_key(SEED, round, 0, 0);
	thrown = 0;
	open_world();
	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
	for (unsigned turn = 0; turn < 2000; turn++) {
		for (unsigned i = 0; i < CLIENTS; i++)
			play_client(&clients[i]);
		play_server(fds, &count);
		step(&w, sim_net_now_ns(w.net) + (below(2) ? 0 : 200 * US));
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].fd >= 0)
			sim_close(w.net, clients[i].fd);
	while (count)
		sim_close(w.net, fds[--count]);
	sim_close(w.net, w.listeners[D - PORT]);
	w.listeners[D - PORT] = -1;
	run_for(&w, 5 * SEC);
	for (uint16_t port = A; port <= C; port++)
		check_node(port);
	world_finish(&w);
}

static void test_whatever_ends_nothing_is_left(void)
{
	for (unsigned round = 0; round < 10; round++)
		play_round(round);
}

static CU_TestInfo tests[] = {
	{ "whatever ends, nothing is left", test_whatever_ends_nothing_is_left },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("forward_chaos", tests);
}
