/*
 * engine_fixture.h - one connection on the sim backend, whose peer a test plays.
 *
 * The role under test answers every request by a reply of the size that its program asks for. The
 * peer writes bytes and reads bytes, cut wherever it likes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_ENGINE_FIXTURE_H
#define RW_TESTS_ENGINE_FIXTURE_H

#include <errno.h>
#include <stdlib.h>

#include "backends/sim.h"
#include "base/random.h"
#include "engine/conn.h"
#include "engine/loop.h"
#include "tests/test.h"

#define MB (1024 * 1024)

struct fixture {
	struct sim_net *net;
	struct loop loop;
	struct conn *conn;
	int peer; /* the scripted end */
	unsigned messages, ends, drained;
	uint64_t last_id;
	enum conn_end end;
	int code;
	bool hold; /* hold connections instead of answering */
};

static inline void reply(struct conn *c, uint64_t id, uint64_t size)
{
	struct wire_head head = {
		.length = size, .version = WIRE_VERSION, .type = WIRE_REPLY, .id = id
	};
	uint32_t inlined = size < 512 ? size : WIRE_HEAD;
	uint8_t *at = conn_append(c, inlined);

	if (!at)
		return;
	memset(at, 0, inlined);
	wire_put_head(at, &head);
	conn_append_payload(c, size - inlined);
}

static inline void on_message(struct conn *c, const struct message *m)
{
	struct fixture *f = c->owner;
	struct wire_program program = wire_program(m->body, m->head.body_len);
	struct wire_operation op;
	enum wire_fault fault = wire_next_operation(&program, &op);

	f->messages++;
	f->last_id = m->head.id;
	if (fault) {
		conn_fault(c, fault);
		return;
	}
	if (f->hold) {
		conn_hold(c);
		return;
	}
	reply(c, m->head.id, op.value);
}

static inline void on_drained(struct conn *c)
{
	((struct fixture *)c->owner)->drained++;
}

static inline void on_closed(struct conn *c, enum conn_end end, int code)
{
	struct fixture *f = c->owner;

	f->ends++;
	f->end = end;
	f->code = code;
	f->conn = NULL;
}

static const struct conn_role echo_role = {
	.accepts = WIRE_REQUEST, .message = on_message, .drained = on_drained, .closed = on_closed
};

static inline void setup(struct fixture *f, const struct sim_faults *faults, uint64_t seed)
{
	static const struct loop_limits limits = {
		.message_max = 64 * MB, .connections = 4, .out_queue = 64 * 1024, .in_flight = 8
	};
	struct err err = { 0 };
	struct sim_opts opts;
	int fds[2];

	memset(f, 0, sizeof(*f));
	f->net = sim_net_create(seed, faults);
	opts.net = f->net;
	CU_ASSERT_FATAL(loop_init(&f->loop, &backend_sim, &opts, &limits, &err) == 0);
	CU_ASSERT_FATAL(sim_pair(f->net, fds) == 0);
	f->peer = fds[1];
	f->conn = conn_open(&f->loop, fds[0], &echo_role, f);
	CU_ASSERT_FATAL(f->conn != NULL);
}

static inline void teardown(struct fixture *f)
{
	loop_finish(&f->loop);
	sim_net_destroy(f->net);
}

static inline void turns(struct fixture *f, int count)
{
	while (count--)
		CU_ASSERT(loop_turn(&f->loop, 1000000) == 0);
}

/* A request for a reply of reply_size, padded to length. Returns its length. */
static inline uint32_t make_request(uint8_t *p, uint64_t id, uint32_t length, uint64_t reply_size)
{
	struct wire_head head = { .length = length,
				  .version = WIRE_VERSION,
				  .type = WIRE_REQUEST,
				  .hops = 8,
				  .id = id,
				  .body_len = 12 };

	memset(p, 0, length);
	wire_put_head(p, &head);
	wire_put_operation(p + WIRE_HEAD,
			   &(struct wire_operation){ WIRE_SEND_REPLY, 0, reply_size });
	return length;
}

static inline void write_all(struct fixture *f, const uint8_t *p, size_t len)
{
	while (len) {
		int n = sim_write(f->net, f->peer, p, len);

		if (n > 0) {
			p += n;
			len -= n;
		} else if (n != -EAGAIN) {
			return;
		}
		turns(f, 1);
	}
}

/* Reads what has come; adds it to *total. False at the end of the stream. */
static inline bool read_some(struct fixture *f, uint64_t *total)
{
	static uint8_t buf[65536];
	int n = sim_read(f->net, f->peer, buf, sizeof(buf));

	if (n > 0)
		*total += n;
	return n > 0 || n == -EAGAIN;
}

static inline uint64_t read_until_quiet(struct fixture *f, uint64_t want)
{
	uint64_t total = 0;

	for (int quiet = 0; total < want && quiet < 100;) {
		uint64_t before = total;

		turns(f, 1);
		if (!read_some(f, &total))
			break;
		quiet = total == before ? quiet + 1 : 0;
	}
	turns(f, 2); /* the last send has come back */
	return total;
}

#endif
