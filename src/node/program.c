/*
 * program.c - runs the programs that requests carry.
 *
 * A new operation is one function and one line in operations[]. What is done at once runs straight
 * from the lent bytes with its state on the stack: a request that only replies takes no object and
 * reads no clock. In front of an operation that waits, the state and the rest of the program move
 * into a pooled request, which holds the connection; its completion goes on from there.
 *
 * A pooled request also waits without an operation, in the ready queue (program.h):
 * program_run_ready() takes it from there.
 *
 * A waiting request stands in the ring of its connection (c->owner), so that a connection that is
 * lost takes its requests along: their operations are cancelled and come back as orphans.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/program.h"

#include "base/clock.h"

/* Padding up to here is cheaper as bytes behind the head than as a part of its own. */
#define INLINE_PADDING 512

/* So long may computing keep back replies of the same batch before the rest is queued. */
#define PATIENCE_NS (50 * US)

/* What is left of most programs that wait is a reply. */
#define SMALL_REST 64
#define KEEP_SMALL 1024
#define KEEP_LARGE 16

/* A program on its way. */
struct run {
	struct program_host *host;
	struct conn *conn;
	struct wire_program rest;
	uint64_t id;
	int64_t now_ns;	    /* as far as is known without asking */
	int64_t expires_ns; /* 0: never */
	int64_t queue_ns, service_ns;
	enum wire_status status;
	bool has_turn;		 /* taken from the ready queue */
	struct waiting *waiting; /* the object this is part of; NULL: on the stack */
};

struct waiting {
	struct io_op op;
	struct run run;
	int64_t ready_ns; /* when the operation was to end, or it came into the queue */
	struct waiting *next, *previous; /* in a ring */
	struct waiting *next_ready;
	bool is_queued;
	uint32_t rest_len;
	uint8_t rest[];
};

/* What a program asks for, all operations together. */
struct demand {
	uint64_t time_ns;
	unsigned replies;
};

enum operation_class {
	OPERATION_IMMEDIATE, /* run() does it */
	OPERATION_COMPUTES,  /* run() does it and takes op->value ns */
	OPERATION_WAITS,     /* run() submits run->waiting->op; on_ready() goes on */
};

struct operation {
	const char *name;
	enum operation_class class;
	enum wire_fault (*check)(const struct program_host *h, const struct wire_operation *op,
				 struct demand *demand);
	/* false: the connection has closed. */
	bool (*run)(struct run *r, const struct wire_operation *op);
};

static void on_ready(struct io_op *op, const struct io_result *result);

static void ring_add(void **head, struct waiting *w)
{
	struct waiting *first = *head;

	w->next = first ? first : w;
	w->previous = first ? first->previous : w;
	w->next->previous = w;
	w->previous->next = w;
	*head = w;
}

static void ring_remove(void **head, struct waiting *w)
{
	if (*head == w)
		*head = w->next == w ? NULL : w->next;
	w->next->previous = w->previous;
	w->previous->next = w->next;
}

static struct cache *cache_for(struct program_host *h, uint32_t rest_len)
{
	return rest_len <= SMALL_REST ? &h->small : &h->large;
}

static enum wire_fault check_time(const struct program_host *h, const struct wire_operation *op,
				  struct demand *demand)
{
	if (op->value > h->time_max_ns - demand->time_ns)
		return WIRE_OVER_LIMIT;
	demand->time_ns += op->value;
	return WIRE_FINE;
}

static bool run_compute(struct run *r, const struct wire_operation *op)
{
	struct program_host *h = r->host;
	int64_t start_ns = clock_now_ns();
	int64_t end_ns = compute_run(h->compute, op->flags, (int64_t)op->value);

	r->queue_ns += start_ns - r->now_ns;
	r->service_ns += end_ns - start_ns;
	r->now_ns = end_ns;
	h->busy_until_ns = end_ns;
	h->stats.compute_ns += end_ns - start_ns;
	return true;
}

static bool run_sleep(struct run *r, const struct wire_operation *op)
{
	struct waiting *w = r->waiting;

	w->ready_ns = r->now_ns + (int64_t)op->value;
	w->op.kind = IO_TIMER;
	w->op.deadline_ns = w->ready_ns;
	loop_submit(r->host->loop, &w->op);
	r->service_ns += (int64_t)op->value;
	return true;
}

static enum wire_fault check_reply(const struct program_host *h, const struct wire_operation *op,
				   struct demand *demand)
{
	if (op->value < WIRE_HEAD || op->value > h->reply_max || demand->replies++)
		return WIRE_BAD_REPLY;
	return WIRE_FINE;
}

/* What a reply says besides its size. */
struct answer {
	uint64_t id;
	enum wire_status status;
	struct wire_hop hop;
};

static bool append_reply(struct program_host *h, struct conn *c, uint64_t size,
			 const struct answer *answer)
{
	bool has_hop = size >= WIRE_HEAD + WIRE_HOP;
	uint32_t filled = WIRE_HEAD + (has_hop ? WIRE_HOP : 0);
	uint64_t padding = size - filled;
	bool is_inline = padding <= INLINE_PADDING;
	uint8_t *p = conn_append(c, is_inline ? (uint32_t)size : filled);

	if (!p)
		return false;
	wire_put_head(p, &(struct wire_head){
				 .length = (uint32_t)size,
				 .version = WIRE_VERSION,
				 .type = WIRE_REPLY,
				 .hops = answer->status,
				 .id = answer->id,
				 .body_len = filled - WIRE_HEAD,
			 });
	if (has_hop)
		wire_put_hop(p + WIRE_HEAD, &answer->hop);
	if (is_inline)
		memset(p + filled, 0, padding);
	else
		conn_append_payload(c, padding);
	h->replied_ns = loop_now_ns(h->loop);
	h->replied_to = c;
	h->stats.requests++;
	return true;
}

static bool run_reply(struct run *r, const struct wire_operation *op)
{
	return append_reply(r->host, r->conn, op->value,
			    &(struct answer){ .id = r->id,
					      .status = r->status,
					      .hop = { .queue_ns = r->queue_ns,
						       .service_ns = r->service_ns } });
}

static const struct operation operations[WIRE_CODES] = {
	[WIRE_COMPUTE] = { "compute", OPERATION_COMPUTES, check_time, run_compute },
	[WIRE_SLEEP] = { "sleep", OPERATION_WAITS, check_time, run_sleep },
	[WIRE_SEND_REPLY] = { "reply", OPERATION_IMMEDIATE, check_reply, run_reply },
};

const char *program_operation_name(unsigned code)
{
	return code < WIRE_CODES ? operations[code].name : NULL;
}

static enum wire_fault check(const struct program_host *h, struct wire_program program)
{
	struct demand demand = { 0 };
	struct wire_operation op;
	enum wire_fault fault;

	for (;;) {
		fault = wire_next_operation(&program, &op);
		if (fault)
			return fault;
		if (!op.code)
			return demand.replies ? WIRE_FINE : WIRE_NO_REPLY;
		fault = operations[op.code].check(h, &op, &demand);
		if (fault)
			return fault;
	}
}

/* A place for r that outlives the lent bytes; r itself when it has one. NULL: memory is out. */
static struct run *make_lasting(struct run *r)
{
	uint32_t rest_len = (uint32_t)(r->rest.end - r->rest.at);
	struct waiting *w = r->waiting;

	if (w)
		return r;
	w = cache_get(cache_for(r->host, rest_len));
	if (!w)
		return NULL;
	memcpy(w->rest, r->rest.at, rest_len);
	w->rest_len = rest_len;
	w->is_queued = false;
	w->run = *r;
	w->run.rest = wire_program(w->rest, rest_len);
	w->run.waiting = w;
	w->op.state = 0;
	w->op.done = on_ready;
	conn_hold(r->conn);
	return &w->run;
}

static bool wait_for(struct run *r, const struct wire_operation *op)
{
	struct run *lasting = make_lasting(r);

	if (!lasting) {
		conn_close(r->conn);
		return false;
	}
	ring_add(&r->conn->owner, lasting->waiting);
	return operations[op->code].run(lasting, op);
}

/* To the end of the ready queue. */
static bool queue_up(struct run *r)
{
	struct program_host *h = r->host;
	struct run *lasting = make_lasting(r);
	struct waiting *w;

	if (!lasting) {
		conn_close(r->conn);
		return false;
	}
	w = lasting->waiting;
	w->ready_ns = r->now_ns;
	w->is_queued = true;
	w->next_ready = NULL;
	*(h->ready_first ? &h->ready_last->next_ready : &h->ready_first) = w;
	h->ready_last = w;
	ring_add(&r->conn->owner, w);
	return true;
}

static struct waiting *take_ready(struct program_host *h)
{
	struct waiting *w = h->ready_first;

	if (w) {
		h->ready_first = w->next_ready;
		w->is_queued = false;
	}
	return w;
}

/* A reply of this batch has not left: of this connection, or of any where sends leave together. */
static bool keeps_back(const struct run *r, const struct wire_operation *op)
{
	const struct program_host *h = r->host;
	int64_t batch_ns = loop_now_ns(h->loop);

	return h->replied_ns == batch_ns &&
	       (h->replied_to == r->conn || h->loop->ops->sends_with_wait) &&
	       r->now_ns + (int64_t)op->value - batch_ns > PATIENCE_NS;
}

static bool is_too_late(struct run *r, const struct wire_operation *op)
{
	if (!r->expires_ns || r->now_ns < r->expires_ns || op->code == WIRE_SEND_REPLY)
		return false;
	r->status = WIRE_TIMEOUT;
	return true;
}

/* Runs until the program ends, waits or loses its connection. True: it waits. */
static bool run_on(struct run *r)
{
	struct wire_program here;
	struct wire_operation op;
	enum operation_class class;

	for (;;) {
		here = r->rest;
		wire_next_operation(&r->rest, &op);
		if (!op.code)
			return false;
		if (is_too_late(r, &op))
			continue;
		class = operations[op.code].class;
		if (class == OPERATION_COMPUTES && !r->has_turn && keeps_back(r, &op)) {
			r->rest = here;
			return queue_up(r);
		}
		r->host->stats.operations[op.code]++;
		if (class == OPERATION_WAITS)
			return wait_for(r, &op);
		if (!operations[op.code].run(r, &op))
			return false;
	}
}

/* The batch's time, or the end of the last computation if that has made it old. */
static int64_t time_now_ns(const struct program_host *h)
{
	int64_t now_ns = loop_now_ns(h->loop);

	return h->busy_until_ns > now_ns ? h->busy_until_ns : now_ns;
}

static void end_waiting(struct waiting *w)
{
	struct program_host *h = w->run.host;
	struct conn *c = w->run.conn;

	cache_put(cache_for(h, w->rest_len), w);
	conn_release(c);
}

/* What w waited for has come. */
static void resume(struct waiting *w)
{
	struct run *r = &w->run;

	ring_remove(&r->conn->owner, w);
	r->now_ns = time_now_ns(r->host);
	r->queue_ns += r->now_ns - w->ready_ns;
	if (r->host->ready_first && !r->has_turn)
		queue_up(r);
	else if (!run_on(r))
		end_waiting(w);
}

static void on_ready(struct io_op *op, const struct io_result *result)
{
	struct waiting *w = (struct waiting *)op;
	struct program_host *h = w->run.host;

	if (!conn_is_open(w->run.conn)) {
		ring_remove(&h->orphans, w);
		end_waiting(w);
		return;
	}
	w->run.has_turn = false;
	resume(w);
}

void program_run_ready(struct program_host *h)
{
	int64_t end_ns = loop_now_ns(h->loop) + PATIENCE_NS;
	struct waiting *w;

	while (time_now_ns(h) <= end_ns && (w = take_ready(h))) {
		struct conn *c = w->run.conn;

		if (!conn_is_open(c)) {
			end_waiting(w);
			continue;
		}
		conn_hold(c);
		w->run.has_turn = true;
		resume(w);
		if (!h->loop->ops->sends_with_wait)
			conn_flush(c);
		conn_release(c);
	}
}

/* Most requests of a benchmark ask for nothing but a reply: no need for all that follows. */
static bool reply_at_once(struct program_host *h, struct conn *c, const struct message *m)
{
	struct wire_program program = wire_program(m->body, m->head.body_len);
	struct demand demand = { 0 };
	struct wire_operation op;

	if (m->head.body_len != WIRE_OPERATION || m->body[0] != WIRE_SEND_REPLY || h->ready_first)
		return false;
	if (wire_next_operation(&program, &op) || check_reply(h, &op, &demand))
		return false;
	h->stats.operations[WIRE_SEND_REPLY]++;
	append_reply(h, c, op.value,
		     &(struct answer){ .id = m->head.id,
				       .hop.queue_ns = time_now_ns(h) - m->received_ns });
	return true;
}

void program_run(struct program_host *h, struct conn *c, const struct message *m)
{
	struct wire_program program = wire_program(m->body, m->head.body_len);
	int64_t now_ns = time_now_ns(h);
	enum wire_fault fault;
	struct run r;

	if (reply_at_once(h, c, m))
		return;
	fault = check(h, program);
	if (fault) {
		conn_fault(c, fault);
		return;
	}
	r = (struct run){
		.host = h,
		.conn = c,
		.rest = program,
		.id = m->head.id,
		.now_ns = now_ns,
		.queue_ns = now_ns - m->received_ns,
	};
	if (m->head.deadline_us)
		r.expires_ns = m->received_ns + m->head.deadline_us * US;
	if (h->ready_first)
		queue_up(&r);
	else
		run_on(&r);
}

void program_drop_waiting(struct program_host *h, struct conn *c)
{
	struct waiting *w;

	while ((w = c->owner)) {
		ring_remove(&c->owner, w);
		if (w->is_queued)
			continue;
		ring_add(&h->orphans, w);
		loop_cancel(h->loop, &w->op);
	}
}

void program_host_init(struct program_host *h, struct loop *loop, const struct compute *compute,
		       uint64_t reply_max, uint64_t time_max_ns)
{
	*h = (struct program_host){
		.loop = loop,
		.compute = compute,
		.reply_max = reply_max,
		.time_max_ns = time_max_ns,
	};
	cache_init(&h->small, sizeof(struct waiting) + SMALL_REST, KEEP_SMALL);
	cache_init(&h->large, sizeof(struct waiting) + WIRE_BODY_MAX, KEEP_LARGE);
}

void program_host_finish(struct program_host *h)
{
	struct waiting *w;

	while ((w = h->orphans)) {
		ring_remove(&h->orphans, w);
		cache_put(cache_for(h, w->rest_len), w);
	}
	while ((w = take_ready(h)))
		cache_put(cache_for(h, w->rest_len), w);
	cache_finish(&h->small);
	cache_finish(&h->large);
}
