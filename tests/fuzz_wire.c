/*
 * fuzz_wire.c - arbitrary bytes, cut arbitrarily, into a connection that runs what they say.
 *
 * libFuzzer's entry point (`./dev test --fuzz`), and a main of its own that feeds mutated requests
 * for a bounded time when there is no libFuzzer. The first byte of the input seeds the cuts and
 * says whether messages above the limit are heard of.
 * Whatever comes, the connection either goes on or ends once with a fault that has words. What a
 * forward that was found fine contains is walked through, as a node does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sim.h"
#include "base/random.h"
#include "engine/datagram.h"
#include "engine/destination.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned ends;

static void walk_program(struct wire_program program, unsigned depth);

/* Every byte that a node would look at; none of them is outside the forward. */
static void walk_forward(const struct wire_operation *op, unsigned depth)
{
	unsigned destinations = 0, sum = 0;
	struct wire_destination d;
	struct wire_forward f;
	struct wire_branch b;

	wire_get_forward(op, &f);
	while (wire_next_branch(&f, &b)) {
		while (wire_next_destination(&b, &d)) {
			struct address address;

			destinations++;
			sum += wire_destination_hash(&d);
			if (d.address + wire_destination_len(&d) > op->at + op->len)
				abort();
			sum += address_from_wire(&d, &address) == 0;
		}
		if (b.program + b.program_len > op->at + op->len || f.size < b.program_len)
			abort();
		walk_program(wire_program(b.program, b.program_len), depth + 1);
	}
	if (!destinations || destinations > WIRE_FAN_OUT || f.quorum > destinations || !++sum)
		abort();
}

static void walk_program(struct wire_program program, unsigned depth)
{
	struct wire_operation op;

	if (depth > WIRE_DEPTH)
		abort();
	do {
		if (wire_next_operation(&program, &op))
			abort();
		if (op.code == WIRE_FORWARD_TO)
			walk_forward(&op, depth);
	} while (op.code);
}

/* Of a sound program, which has one reply. */
static uint64_t reply_size(struct wire_program program)
{
	struct wire_operation op;

	do
		wire_next_operation(&program, &op);
	while (op.code && op.code != WIRE_SEND_REPLY);
	if (op.code != WIRE_SEND_REPLY || op.value < WIRE_HEAD)
		abort();
	return op.value;
}

static void on_message(struct conn *c, const struct message *m)
{
	struct wire_program program = wire_program(m->body, m->head.body_len);
	enum wire_fault fault = wire_check_program(program);
	uint64_t padding;
	uint8_t *at;

	if (fault) {
		conn_fault(c, fault);
		return;
	}
	walk_program(program, 0);
	if (m->head.length > c->loop->limits.message_max && !c->role->takes_long)
		abort();
	padding = m->head.length > c->loop->limits.message_max ? 0 : reply_size(program) % 100000;
	at = conn_append(c, WIRE_HEAD);
	if (!at)
		return;
	memset(at, 0, WIRE_HEAD);
	wire_put32(at, WIRE_HEAD + (uint32_t)padding);
	conn_append_payload(c, padding);
}

static void on_closed(struct conn *c, enum conn_end end, int code)
{
	(void)c;
	ends++;
	if (end == CONN_FAULT && (code <= 0 || code >= WIRE_FAULTS))
		abort();
}

/* One that hears of messages above the limit, and one that does not. */
static const struct conn_role roles[] = {
	{ .accepts = WIRE_REQUEST, .message = on_message, .closed = on_closed },
	{ .accepts = WIRE_REQUEST, .takes_long = true, .message = on_message, .closed = on_closed },
};

/* The same bytes as datagrams: a socket that never ends, whatever comes. */
static void feed_datagrams(struct sim_net *net, struct loop *loop, const struct conn_role *role,
			   const uint8_t *data, size_t size)
{
	static const struct datagram_opts opts = {
		.batch = 4, .gso = true, .queue = 16384, .peers = 2, .idle_ns = 1000000
	};
	int fd = sim_datagram(net), from = sim_datagram(net);

	if (!datagram_open(loop, fd, &opts, role, NULL, NULL))
		abort();
	sim_send_to(net, from, data, size, fd);
	for (size_t at = 0; at < size; at += 60)
		sim_send_to(net, from, data + at, size - at < 60 ? size - at : 60, fd);
	loop_turn(loop, 1000);
	loop_turn(loop, 1000);
	if (loop->stats.udp.in != 1 + (size + 59) / 60)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct loop_limits limits = {
		.message_max = 1 << 20, .connections = 1, .out_queue = 16384, .in_flight = 8
	};
	static const struct sim_faults faults = { .short_send = 0.3, .short_recv = 0.5 };
	struct sim_net *net = sim_net_create(size ? data[0] : 0, &faults);
	const struct conn_role *role = &roles[size ? data[0] % 2 : 0];
	struct sim_opts opts = { .net = net };
	struct loop loop;
	struct err err;
	uint8_t buf[4096];
	int fds[2];

	ends = 0;
	if (loop_init(&loop, &backend_sim, &opts, &limits, &err) < 0 || sim_pair(net, fds) < 0)
		abort();
	conn_open(&loop, fds[0], role, NULL);
	for (size_t at = size ? 1 : 0; at < size;) {
		int n = sim_write(net, fds[1], data + at, size - at);

		if (n <= 0 && ends)
			break;
		at += n > 0 ? n : 0;
		loop_turn(&loop, 1000);
		sim_read(net, fds[1], buf, sizeof(buf));
	}
	loop_finish(&loop);
	if (ends != 1)
		abort();
	if (loop_init(&loop, &backend_sim, &opts, &limits, &err) < 0)
		abort();
	sim_net_set_faults(net, &(struct sim_faults){ .buffer = 1 << 20 });
	if (size)
		feed_datagrams(net, &loop, role, data + 1, size - 1);
	loop_finish(&loop);
	sim_net_destroy(net);
	return 0;
}

#ifdef FUZZ_MAIN
static uint32_t put_reply(uint8_t *p, uint64_t size)
{
	return wire_put_operation(
		p, &(struct wire_operation){ .code = WIRE_SEND_REPLY, .value = size });
}

/* One or two branches, to an address of each family, in the inmost of which only a reply stands. */
static uint32_t put_forward(uint8_t *p, unsigned depth)
{
	static const uint8_t bytes[] = "/tmp/x/y/z/0123";
	static const struct wire_destination places[] = {
		{ 0, FAMILY_IPV4, 7892, bytes },
		{ 1, FAMILY_IPV6, 7893, bytes },
		{ 2, FAMILY_UNIX, 6, bytes },
	};
	struct wire_forward f = { .size = 2000, .quorum = 1, .branches = 1 + depth % 2 };
	uint32_t len = wire_put_forward(p, &f);

	for (unsigned i = 0; i < f.branches; i++) {
		uint32_t head = len, begin;

		len += wire_put_branch(p + len, 0, 1 + depth);
		for (unsigned j = 0; j <= depth; j++)
			len += wire_put_destination(p + len, &places[(i + j) % 3]);
		begin = len;
		if (depth)
			len += put_forward(p + len, depth - 1);
		len += put_reply(p + len, 64);
		wire_put_branch(p + head, len - begin, 1 + depth);
	}
	wire_end_forward(p, len);
	return len;
}

/* A computation and a reply; or forwards, within each other, and a reply. */
static uint32_t put_body(uint8_t *p, uint64_t depth)
{
	uint32_t len;

	if (depth)
		len = put_forward(p, (unsigned)depth - 1);
	else
		len = wire_put_operation(p, &(struct wire_operation){ WIRE_COMPUTE, 0, 5 });
	return len + put_reply(p + len, 70000);
}

/* A valid burst of requests with a few bytes changed. */
static size_t make_input(uint8_t *p, const struct random_key *key, uint64_t round)
{
	uint64_t at = round * 64;
	size_t len = 1;

	p[0] = round;
	for (uint64_t i = 0; i <= random_below(key, at++, 4); i++) {
		uint32_t body_len = put_body(p + len + WIRE_HEAD, random_below(key, at++, 4));
		struct wire_head head = { .length = WIRE_HEAD + body_len + 12,
					  .version = WIRE_VERSION,
					  .type = WIRE_REQUEST,
					  .id = i,
					  .body_len = body_len };

		wire_put_head(p + len, &head);
		memset(p + len + WIRE_HEAD + body_len, 0, 12);
		len += head.length;
	}
	for (uint64_t i = 0; i < random_below(key, at++, 5); i++) {
		uint64_t where = random_below(key, at++, len);

		p[where] = random_u64(key, at++);
	}
	return len - random_below(key, at++, 30);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	struct random_key key = random_key(seed, 0, 0, 0);
	static uint8_t input[8192];

	printf("seed %llu, 20000 inputs\n", (unsigned long long)seed);
	for (uint64_t round = 0; round < 20000; round++)
		LLVMFuzzerTestOneInput(input, make_input(input, &key, round));
	puts("1 passed, 0 failed, 0 skipped");
	return 0;
}
#endif
