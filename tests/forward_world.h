/*
 * forward_world.h - several nodes on one simulated net, each a loop with programs and forwards,
 * one scripted client, and scripted servers that a test plays.
 *
 * A node or a scripted server is the port 7000 + its number; other ports refuse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_FORWARD_WORLD_H
#define RW_TESTS_FORWARD_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "backends/sim.h"
#include "backends/sim_net.h"
#include "base/clock.h"
#include "node/forward.h"
#include "tests/forward_body.h"

#define KB	    1024
#define MESSAGE_MAX (512 * KB)
#define PLACES	    8
#define PORT	    7000
#define A	    (PORT + 0)
#define B	    (PORT + 1)
#define C	    (PORT + 2)
#define D	    (PORT + 3)
#define NOBODY	    (PORT + 99)
#define SETTLE	    20 /* steps without time after which nothing is left to do */

struct world;

struct sim_node {
	struct world *world;
	struct loop loop;
	struct program_host host;
	struct forwards forwards;
	struct io_op accept;
	unsigned ends;
	int fault;
	enum wire_fault refused; /* why the last one was that was */
};

/* A scripted end of a connection; what it got of a message so far. */
struct peer {
	int fd;
	uint32_t len;
	uint8_t bytes[MESSAGE_MAX];
};

struct world {
	struct sim_net *net;
	struct compute compute;
	struct allow_list allowed;
	struct sim_node *nodes[PLACES]; /* NULL: scripted, or nobody */
	int listeners[PLACES];
	struct peer client;
	unsigned troubles[TROUBLES];
};

struct answer {
	struct wire_head head;
	struct wire_hop hop;
	struct wire_child children[WIRE_BODY_MAX / WIRE_CHILD];
	unsigned count;
	int64_t at_ns;
	bool is_there;
};

static inline struct sim_node *sim_node_of(struct conn *c)
{
	return (struct sim_node *)((char *)c->loop - offsetof(struct sim_node, loop));
}

static inline void node_on_message(struct conn *c, const struct message *m)
{
	program_run(&sim_node_of(c)->host, c, m);
}

static inline void node_on_closed(struct conn *c, enum conn_end end, int code)
{
	sim_node_of(c)->ends++;
	if (end == CONN_FAULT)
		sim_node_of(c)->fault = code;
	program_drop_waiting(&sim_node_of(c)->host, c);
}

static inline void node_on_refused(struct conn *c, const struct message *m, enum wire_fault why)
{
	(void)m;
	sim_node_of(c)->refused = why;
}

static const struct conn_role node_role = {
	.accepts = WIRE_REQUEST,
	.takes_long = true,
	.message = node_on_message,
	.closed = node_on_closed,
};

static inline void node_on_accept(struct io_op *op, const struct io_result *r)
{
	struct sim_node *n = (struct sim_node *)((char *)op - offsetof(struct sim_node, accept));

	if (r->res >= 0)
		conn_open(&n->loop, r->res, &node_role, NULL);
}

static inline int world_open_socket(void *context, struct address *a)
{
	struct sim_node *n = context;
	unsigned place = ntohs(((struct sockaddr_in *)&a->storage)->sin_port) - PORT;

	sim_address(place < PLACES ? n->world->listeners[place] : -1, &a->storage, &a->len);
	return sim_socket(n->world->net);
}

static inline void world_say(void *context, enum upstream_trouble trouble, const char *sentence)
{
	(void)sentence;
	((struct sim_node *)context)->world->troubles[trouble]++;
}

static const struct upstream_opts usual_upstreams = {
	.attempts = 4096,
	.links = 16,
	.per_destination = 1,
	.idle_ns = 60 * SEC,
	.open_socket = world_open_socket,
	.say = world_say,
};

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->net = sim_net_create(1, NULL);
	w->client.fd = -1;
	for (int i = 0; i < PLACES; i++)
		w->listeners[i] = -1;
	CU_ASSERT_FATAL(!allow_parse(&(struct knob_list){ 0 }, &w->allowed, NULL));
}

/* A scripted server: whoever connects waits in sim_accept(). */
static inline void add_scripted(struct world *w, uint16_t port)
{
	w->listeners[port - PORT] = sim_listen(w->net);
}

/* The next connection to a scripted server; -EAGAIN: none. */
static inline int accept_scripted(struct world *w, uint16_t port)
{
	return sim_accept(w->net, sim_find(w->net, w->listeners[port - PORT]));
}

static inline struct sim_node *add_node(struct world *w, uint16_t port,
					const struct upstream_opts *opts)
{
	const struct loop_limits limits = {
		.message_max = MESSAGE_MAX, .connections = 64, .out_queue = 64 * KB, .in_flight = 64
	};
	struct upstream_opts upstreams = opts ? *opts : usual_upstreams;
	struct sim_opts sim = { .net = w->net };
	struct sim_node *n = calloc(1, sizeof(*n));

	n->world = w;
	upstreams.context = n;
	upstreams.allowed = &w->allowed;
	CU_ASSERT_FATAL(loop_init(&n->loop, &backend_sim, &sim, &limits, NULL) == 0);
	program_host_init(&n->host, &n->loop, &w->compute, MESSAGE_MAX, 10 * SEC);
	n->host.refused = node_on_refused;
	CU_ASSERT_FATAL(forwards_init(&n->forwards, &n->loop, &upstreams, 1) == 0);
	n->host.forwards = &n->forwards;
	add_scripted(w, port);
	n->accept.kind = IO_ACCEPT;
	n->accept.fd = w->listeners[port - PORT];
	n->accept.done = node_on_accept;
	loop_submit(&n->loop, &n->accept);
	w->nodes[port - PORT] = n;
	return n;
}

static inline void add_nodes(struct world *w, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		add_node(w, (uint16_t)(PORT + i), NULL);
}

/* Like a node that is killed: its connections end. */
static inline void remove_node(struct world *w, uint16_t port)
{
	struct sim_node *n = w->nodes[port - PORT];

	if (!n)
		return;
	forwards_end(&n->forwards);
	loop_finish(&n->loop);
	program_host_finish(&n->host);
	forwards_finish(&n->forwards);
	CHECK_INT(n->host.small.live + n->host.large.live, 0);
	CHECK_INT(n->forwards.few.live + n->forwards.many.live + n->forwards.records.live, 0);
	CHECK_INT(n->forwards.stats.connections, 0);
	sim_close(w->net, w->listeners[port - PORT]);
	w->listeners[port - PORT] = -1;
	w->nodes[port - PORT] = NULL;
	free(n);
}

static inline void world_finish(struct world *w)
{
	for (int i = 0; i < PLACES; i++)
		remove_node(w, (uint16_t)(PORT + i));
	sim_net_destroy(w->net);
}

static inline struct sim_node *node_at(struct world *w, uint16_t port)
{
	return w->nodes[port - PORT];
}

static inline struct forward_stats *stats_at(struct world *w, uint16_t port)
{
	return &node_at(w, port)->forwards.stats;
}

/* One turn of every node; the time may go on until end_ns. */
static inline void step(struct world *w, int64_t end_ns)
{
	for (int i = 0; i < PLACES; i++) {
		struct sim_node *n = w->nodes[i];
		int64_t left_ns = end_ns - sim_net_now_ns(w->net);

		if (!n)
			continue;
		loop_turn(&n->loop, program_is_ready(&n->host) || left_ns < 0 ? 0 : left_ns);
		program_run_ready(&n->host);
	}
}

/* Everything that can be done at this instant. */
static inline void settle(struct world *w)
{
	for (int i = 0; i < SETTLE; i++)
		step(w, 0);
}

static inline void run_until(struct world *w, int64_t end_ns)
{
	settle(w);
	while (sim_net_now_ns(w->net) < end_ns)
		step(w, end_ns);
	settle(w);
}

static inline void run_for(struct world *w, int64_t ns)
{
	run_until(w, sim_net_now_ns(w->net) + ns);
}

static inline void connect_client(struct world *w, uint16_t port)
{
	w->client.fd = sim_connect(w->net, w->listeners[port - PORT]);
	CU_ASSERT_FATAL(w->client.fd >= 0);
}

static inline void send_request(struct world *w, uint64_t id, const struct body *body,
				struct wire_head head)
{
	uint8_t bytes[WIRE_HEAD + BODY_ROOM];

	head.length = WIRE_HEAD + body->len;
	head.version = WIRE_VERSION;
	head.type = WIRE_REQUEST;
	head.id = id;
	head.body_len = body->len;
	wire_put_head(bytes, &head);
	memcpy(bytes + WIRE_HEAD, body->bytes, body->len);
	CHECK_INT(sim_write(w->net, w->client.fd, bytes, head.length), head.length);
}

static inline void ask(struct world *w, uint64_t id, const struct body *body)
{
	send_request(w, id, body, (struct wire_head){ .hops = WIRE_HOPS });
}

static inline void parse_answer(struct answer *a, const uint8_t *body)
{
	if (a->head.body_len < WIRE_HOP)
		return;
	wire_get_hop(body, &a->hop);
	for (uint32_t at = WIRE_HOP; at < a->head.body_len; at += WIRE_CHILD)
		wire_get_child(body + at, &a->children[a->count++]);
}

/* The whole message that has come to a peer, if any, and its bytes. */
static inline bool take_message(struct world *w, struct peer *p, struct wire_head *head,
				uint8_t *bytes)
{
	int n;

	for (;;) {
		uint32_t want = WIRE_HEAD;

		if (p->len >= WIRE_HEAD) {
			CHECK_INT(wire_get_head(p->bytes, MESSAGE_MAX, head), WIRE_FINE);
			want = head->length;
		}
		if (p->len == want && want > WIRE_HEAD)
			break;
		if (p->len == want && head->length == WIRE_HEAD)
			break;
		n = sim_read(w->net, p->fd, p->bytes + p->len, want - p->len);
		if (n <= 0)
			return false;
		p->len += (uint32_t)n;
	}
	memcpy(bytes, p->bytes, p->len);
	p->len = 0;
	return true;
}

/* What has come to the client by now. */
static inline struct answer take_answer(struct world *w)
{
	static uint8_t bytes[MESSAGE_MAX];
	struct answer a = { .at_ns = sim_net_now_ns(w->net) };

	a.is_there = take_message(w, &w->client, &a.head, bytes);
	if (a.is_there)
		parse_answer(&a, bytes + WIRE_HEAD);
	return a;
}

/* To the next thing that happens, but not beyond end_ns. */
static inline void skip_time(struct world *w, int64_t end_ns)
{
	int64_t next_ns = sim_next_arrival_ns(w->net);

	step(w, next_ns < end_ns ? next_ns : end_ns);
}

/* Time goes on until an answer has come to the client, ten seconds at most. */
static inline struct answer await_answer(struct world *w)
{
	int64_t end_ns = sim_net_now_ns(w->net) + 10 * SEC;
	struct answer a = take_answer(w);

	while (!a.is_there && sim_net_now_ns(w->net) < end_ns) {
		for (int i = 0; i < SETTLE && !a.is_there; i++) {
			step(w, 0);
			a = take_answer(w);
		}
		if (!a.is_there)
			skip_time(w, end_ns);
	}
	CU_ASSERT(a.is_there);
	return a;
}

static inline struct answer ask_and_wait(struct world *w, uint64_t id, const struct body *body)
{
	struct answer a;

	ask(w, id, body);
	a = await_answer(w);
	CHECK_INT(a.head.id, id);
	return a;
}

/* The whole time of a hop is told. */
static inline int64_t sum_of(const struct wire_hop *hop)
{
	return (int64_t)(hop->queue_ns + hop->service_ns + hop->storage_ns + hop->forward_ns);
}

/* The next request to a scripted server; time goes on for it, ten seconds at most. */
static inline struct wire_head await_request(struct world *w, uint16_t port, struct peer *p)
{
	static uint8_t bytes[MESSAGE_MAX];
	int64_t end_ns = sim_net_now_ns(w->net) + 10 * SEC;
	struct wire_head head = { 0 };

	for (int tries = 0;; tries++) {
		if (p->fd < 0)
			p->fd = accept_scripted(w, port);
		if (p->fd >= 0 && take_message(w, p, &head, bytes))
			return head;
		if (sim_net_now_ns(w->net) >= end_ns)
			break;
		if (tries < SETTLE)
			step(w, 0);
		else
			skip_time(w, end_ns);
	}
	CU_FAIL("no request came");
	return head;
}

/* How many more requests have come by now. */
static inline unsigned count_requests(struct world *w, uint16_t port, struct peer *p)
{
	static uint8_t bytes[MESSAGE_MAX];
	struct wire_head head;
	unsigned count = 0;

	if (p->fd < 0)
		p->fd = accept_scripted(w, port);
	while (p->fd >= 0 && take_message(w, p, &head, bytes))
		count++;
	return count;
}

/* A scripted server answers a request that it has read. */
static inline void write_answer(struct world *w, int fd, uint64_t id, enum wire_status status)
{
	uint8_t bytes[WIRE_HEAD + WIRE_HOP];

	wire_put_head(bytes, &(struct wire_head){ .length = sizeof(bytes),
						  .version = WIRE_VERSION,
						  .type = WIRE_REPLY,
						  .hops = status,
						  .id = id,
						  .body_len = WIRE_HOP });
	wire_put_hop(bytes + WIRE_HEAD, &(struct wire_hop){ 1, 2, 3, 4 });
	CHECK_INT(sim_write(w->net, fd, bytes, sizeof(bytes)), sizeof(bytes));
}

#endif
