/*
 * program_bench.h - one host of programs over the sim backend, with one connection to it.
 *
 * Time is simulated, so the times in replies are exact.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_PROGRAM_BENCH_H
#define RW_TESTS_PROGRAM_BENCH_H

#include "backends/sim.h"
#include "base/clock.h"
#include "node/program.h"
#include "tests/test.h"

#define KB	  1024
#define MB	  (1024 * KB)
#define REPLY_MAX (4 * MB)

struct bench {
	struct program_host host;
	struct loop loop;
	struct sim_net *net;
	int peer;
	struct conn *conn;
	enum conn_end end;
	int code;
	bool has_ended;
	enum wire_fault why; /* of the last refusal */
};

struct reply {
	struct wire_head head;
	struct wire_hop hop;
	uint64_t len; /* 0: there was none */
	int64_t at_ns;
};

static struct compute compute;

static inline struct bench *bench_of(struct conn *c)
{
	return (struct bench *)((char *)c->loop - offsetof(struct bench, loop));
}

static inline void on_message(struct conn *c, const struct message *m)
{
	program_run(&bench_of(c)->host, c, m);
}

static inline void on_closed(struct conn *c, enum conn_end end, int code)
{
	struct bench *b = bench_of(c);

	b->end = end;
	b->code = code;
	b->has_ended = true;
	program_drop_waiting(&b->host, c);
}

static inline void on_refused(struct conn *c, const struct message *m, enum wire_fault why)
{
	(void)m;
	bench_of(c)->why = why;
}

static const struct conn_role role = {
	.accepts = WIRE_REQUEST,
	.takes_long = true,
	.message = on_message,
	.closed = on_closed,
};

static inline void open_bench(struct bench *b)
{
	static const struct loop_limits limits = {
		.message_max = 4 * MB, .connections = 4, .out_queue = 64 * KB, .in_flight = 64
	};
	static const struct sim_faults none;
	struct sim_opts opts;
	int fds[2];

	memset(b, 0, sizeof(*b));
	b->net = opts.net = sim_net_create(1, &none);
	CU_ASSERT_FATAL(loop_init(&b->loop, &backend_sim, &opts, &limits, NULL) == 0);
	CU_ASSERT_FATAL(sim_pair(b->net, fds) == 0);
	program_host_init(&b->host, &b->loop, &compute, REPLY_MAX, 10 * SEC);
	b->host.refused = on_refused;
	b->peer = fds[1];
	b->conn = conn_open(&b->loop, fds[0], &role, NULL);
}

static inline void close_bench(struct bench *b)
{
	loop_finish(&b->loop);
	CHECK_INT(b->host.large.live, 0);
	program_host_finish(&b->host);
	CHECK_INT(b->host.small.live + b->host.large.live, 0);
	sim_net_destroy(b->net);
}

static inline void turns(struct bench *b, int count)
{
	while (count--) {
		loop_turn(&b->loop, program_is_ready(&b->host) ? 0 : 100 * US);
		program_run_ready(&b->host);
	}
}

static inline void send_body(struct bench *b, uint64_t id, uint32_t deadline_us,
			     const uint8_t *body, uint32_t len)
{
	struct wire_head head = { .length = WIRE_HEAD + len,
				  .version = WIRE_VERSION,
				  .type = WIRE_REQUEST,
				  .id = id,
				  .body_len = len,
				  .deadline_us = deadline_us };
	uint8_t bytes[WIRE_HEAD + WIRE_BODY_MAX];

	wire_put_head(bytes, &head);
	memcpy(bytes + WIRE_HEAD, body, len);
	CHECK_INT(sim_write(b->net, b->peer, bytes, WIRE_HEAD + len), WIRE_HEAD + len);
}

static inline void send_program(struct bench *b, uint64_t id, uint32_t deadline_us,
				const struct wire_operation *ops, int count)
{
	uint8_t body[WIRE_BODY_MAX];
	uint32_t len = 0;

	for (int i = 0; i < count; i++)
		len += wire_put_operation(body + len, &ops[i]);
	send_body(b, id, deadline_us, body, len);
}

/* Takes turns until a whole reply is here or nothing more can come. */
static inline struct reply read_reply(struct bench *b)
{
	static uint8_t bytes[REPLY_MAX];
	struct reply r = { 0 };
	uint64_t want = WIRE_HEAD;

	for (int quiet = 0; quiet < 2000 && r.len < want;) {
		int n = sim_read(b->net, b->peer, bytes + r.len, want - r.len);

		if (n <= 0) {
			turns(b, 1);
			quiet++;
			continue;
		}
		quiet = 0;
		r.len += n;
		if (r.len == WIRE_HEAD) {
			CHECK_INT(wire_get_head(bytes, REPLY_MAX, &r.head), WIRE_FINE);
			want = r.head.length;
		}
	}
	if (r.head.body_len)
		wire_get_hop(bytes + WIRE_HEAD, &r.hop);
	for (uint64_t i = WIRE_HEAD + r.head.body_len; i < r.len; i++)
		CU_ASSERT_FATAL(!bytes[i]);
	r.at_ns = sim_net_now_ns(b->net);
	return r;
}

#endif
