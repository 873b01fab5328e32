/*
 * responder.c - see responder.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/responder.h"

#include <assert.h>

#include "base/clock.h"
#include "engine/datagram.h"

static uint64_t reply_size(const struct message *m)
{
	struct wire_program program = wire_program(m->body, m->head.body_len);
	struct wire_operation op = { 0 };

	while (wire_next_operation(&program, &op) == WIRE_FINE && op.code)
		if (op.code == WIRE_SEND_REPLY)
			return op.value;
	return WIRE_HEAD;
}

static void answer(struct responder *r, struct conn *c, const struct message *m)
{
	struct wire_head head = {
		.length = reply_size(m),
		.version = WIRE_VERSION,
		.type = WIRE_REPLY,
		.hops = r->manner == RESPONDER_FAILS ? WIRE_ERROR : WIRE_OK,
		.id = r->manner == RESPONDER_LIES ? m->head.id + 0x100000001 : m->head.id,
	};
	uint32_t len = WIRE_HEAD;
	uint8_t *at;

	if (head.length >= WIRE_HEAD + WIRE_HOP)
		head.body_len = WIRE_HOP;
	at = conn_append(c, len + head.body_len);
	if (!at)
		return;
	wire_put_head(at, &head);
	if (head.body_len)
		wire_put_hop(at + WIRE_HEAD, &r->hop);
	conn_append_payload(c, head.length - len - head.body_len);
}

static void burn(int64_t ns)
{
	int64_t end = ns ? clock_now_ns() + ns : 0;

	while (ns && clock_now_ns() < end)
		;
}

static void on_message(struct conn *c, const struct message *m)
{
	struct responder *r =
		(struct responder *)((char *)c->loop - offsetof(struct responder, loop));

	r->seen++;
	burn(r->work_ns);
	if (r->close_after && r->seen >= r->close_after) {
		conn_close(c);
		return;
	}
	if (r->manner == RESPONDER_SILENT)
		return;
	if (r->manner == RESPONDER_BABBLES) {
		memset(conn_append(c, 64), 0x5a, 64);
		return;
	}
	answer(r, c, m);
	if (r->manner == RESPONDER_REPEATS)
		answer(r, c, m);
}

static void on_closed(struct conn *c, enum conn_end end, int code)
{
	(void)c;
	(void)end;
	(void)code;
}

static const struct conn_role role = {
	.accepts = WIRE_REQUEST,
	.message = on_message,
	.closed = on_closed,
};

void responder_init(struct responder *r, const struct backend_ops *ops, const void *opts)
{
	const struct loop_limits limits = {
		.message_max = 1 << 20,
		.connections = 1024,
		.out_queue = 1 << 20,
		.in_flight = 1024,
	};
	int rc = loop_init(&r->loop, ops, opts, &limits, NULL);

	assert(!rc);
	(void)rc;
}

struct conn *responder_adopt(struct responder *r, int fd)
{
	return conn_open(&r->loop, fd, &role, r);
}

void responder_adopt_datagram(struct responder *r, int fd)
{
	const struct datagram_opts opts = {
		.batch = 16, .queue = 1 << 20, .peers = 64, .idle_ns = 60 * SEC
	};
	struct datagram *d = datagram_open(&r->loop, fd, &opts, &role, NULL, NULL);

	assert(d);
	(void)d;
}

void responder_finish(struct responder *r)
{
	loop_finish(&r->loop);
}

static void on_accepted(struct io_op *op, const struct io_result *result)
{
	struct responder *r = (struct responder *)((char *)op - offsetof(struct responder, accept));

	if (result->res >= 0)
		responder_adopt(r, result->res);
}

static void *serve(void *responder)
{
	struct responder *r = responder;

	/* Submitted by the thread that the backend belongs to. */
	r->accept = (struct io_op){ .kind = IO_ACCEPT, .fd = r->listener, .done = on_accepted };
	loop_submit(&r->loop, &r->accept);
	while (!atomic_load(&r->stop))
		loop_turn(&r->loop, 10 * MS);
	loop_close_fd(&r->loop, r->listener);
	loop_turn(&r->loop, 0);
	responder_finish(r);
	return NULL;
}

struct start {
	struct responder *responder;
	const struct backend_ops *ops;
	const void *opts;
};

static void *start_and_serve(void *start)
{
	struct start s = *(struct start *)start;

	free(start);
	responder_init(s.responder, s.ops, s.opts);
	return serve(s.responder);
}

void responder_start(struct responder *r, const struct backend_ops *ops, const void *opts)
{
	const struct listen_opts listen_opts = { .backlog = 1024, .no_delay = true };
	struct start *s = malloc(sizeof(*s));
	struct address any;

	address_parse("127.0.0.1:0", &any, NULL);
	r->listener = address_listen(&any, &listen_opts, &r->address, NULL);
	assert(r->listener >= 0);
	*s = (struct start){ r, ops, opts };
	pthread_create(&r->thread, NULL, start_and_serve, s);
}

void responder_stop(struct responder *r)
{
	atomic_store(&r->stop, true);
	pthread_join(r->thread, NULL);
}
