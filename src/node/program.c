/*
 * program.c - runs the programs that requests carry.
 *
 * operation.h says what an operation is to this file. What is done at once runs straight
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
#include "node/forward.h"
#include "node/operation.h"

/* So long may computing keep back replies of the same batch before the rest is queued. */
#define PATIENCE_NS (50 * US)

/* What is left of most programs that wait is a reply, or a forward to a few. */
#define SMALL_REST 256
#define KEEP_SMALL 1024
#define KEEP_LARGE 256

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

const char *program_operation_name(unsigned code)
{
	return code < WIRE_CODES && operations[code] ? operations[code]->name : NULL;
}

static enum wire_fault find_excess(const struct program_host *h, const struct wire_operation *op,
				   struct demand *demand)
{
	const struct operation *operation = operations[op->code];

	return operation ? operation->check(h, op, demand) : WIRE_BAD_OPERATION;
}

/*
 * Form and demand in one go through the program. *excess is the first thing that a sound request
 * asks for and this node has not, or does not allow; what is returned is wrong with the form, and
 * outranks it.
 */
static enum wire_fault check_all(const struct program_host *h, const struct message *m,
				 struct demand *demand, enum wire_fault *excess)
{
	struct wire_check check = { .program = wire_program(m->body, m->head.body_len) };
	struct wire_operation op;
	enum wire_fault fault;

	*excess = m->head.length > h->loop->limits.message_max ? WIRE_LONG_MESSAGE : WIRE_FINE;
	for (;;) {
		fault = wire_check_next(&check, &op);
		if (fault || !op.code)
			return fault;
		if (!*excess)
			*excess = find_excess(h, &op, demand);
	}
}

static void refuse(struct program_host *h, struct conn *c, const struct message *m,
		   enum wire_fault why)
{
	h->stats.refused++;
	if (h->refused)
		h->refused(c, m, why);
	reply_refused(h, c, m->head.id);
}

/* False: it is not to be run. Checked twice when device 0 is to be made: not for one refused. */
static bool is_acceptable(struct program_host *h, struct conn *c, const struct message *m)
{
	struct demand demand = demand_of(h, c);
	enum wire_fault excess, fault = check_all(h, m, &demand, &excess);

	if (!fault && !excess && demand.wants_default) {
		demand = demand_of(h, c);
		demand.makes_default = true;
		check_all(h, m, &demand, &excess);
	}
	if (fault)
		conn_fault(c, fault);
	else if (excess)
		refuse(h, c, m, excess);
	return !fault && !excess;
}

/* What was not computing until now was waiting behind others. */
static void look(struct run *r)
{
	int64_t now_ns = program_look_ns(r->host);

	r->queue_ns += now_ns - r->now_ns;
	r->now_ns = now_ns;
}

/*
 * A place for r that outlives the lent bytes, with the program from `from` on; r itself when it has
 * one. NULL: memory is out.
 */
static struct run *make_lasting(struct run *r, const uint8_t *from)
{
	uint32_t rest_len = (uint32_t)(r->rest.end - from);
	struct waiting *w = r->waiting;

	if (w)
		return r;
	w = cache_get(cache_for(r->host, rest_len));
	if (!w)
		return NULL;
	look(r);
	memcpy(w->rest, from, rest_len);
	w->rest_len = rest_len;
	w->is_queued = false;
	w->awaits_all = false;
	w->forwards = w->awaited = NULL;
	w->records = NULL;
	w->run = *r;
	w->run.rest = (struct wire_program){ w->rest + (r->rest.at - from), w->rest + rest_len };
	w->run.waiting = w;
	w->op.state = 0;
	conn_hold(r->conn);
	return &w->run;
}

/* To the end of the ready queue. */
static bool queue_up(struct run *r)
{
	struct program_host *h = r->host;
	struct run *lasting = make_lasting(r, r->rest.at);
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

/*
 * Something of this batch has not left: a reply of this connection, or any where sends leave
 * together, or what was not made in answer to what is being read.
 */
static bool keeps_back(const struct run *r, const struct wire_operation *op)
{
	const struct program_host *h = r->host;
	int64_t batch_ns = loop_now_ns(h->loop);
	bool has_reply = h->replied_ns == batch_ns &&
			 (h->replied_to == r->conn || h->loop->ops->sends_with_wait);

	return (has_reply || h->kept_ns == batch_ns) &&
	       r->now_ns + (int64_t)op->value - batch_ns > PATIENCE_NS;
}

static bool is_too_late(struct run *r, const struct wire_operation *op)
{
	if (!r->expires_ns || r->now_ns < r->expires_ns || op->code == WIRE_SEND_REPLY)
		return false;
	r->status = WIRE_TIMEOUT;
	return true;
}

static void end_waiting(struct waiting *w)
{
	struct program_host *h = w->run.host;
	struct conn *c = w->run.conn;

	forwards_drop(w);
	cache_put(cache_for(h, w->rest_len), w);
	conn_release(c);
}

/* *r moves to where it can stay. It stands in the ring while run() is at it, for what it waits for
 * may fail at once. */
static enum step run_lasting(struct run **r, struct wire_operation *op)
{
	struct run *lasting = make_lasting(*r, op->at);
	struct conn *c = (*r)->conn;
	enum step step;

	if (!lasting) {
		conn_close(c);
		return STEP_CLOSED;
	}
	*r = lasting;
	op->at = lasting->rest.at - op->len;
	lasting->waiting->operation = operations[op->code];
	ring_add(&c->owner, lasting->waiting);
	step = operations[op->code]->run(lasting, op);
	if (step == STEP_DONE)
		ring_remove(&c->owner, lasting->waiting);
	return step;
}

static enum step run_one(struct run **r, struct wire_operation *op)
{
	(*r)->host->stats.operations[op->code]++;
	if (operations[op->code]->class == OPERATION_LASTS)
		return run_lasting(r, op);
	return operations[op->code]->run(*r, op);
}

/* In front of op there is nothing to do but wait for what was forwarded. */
static bool must_join(const struct run *r, const struct wire_operation *op)
{
	return r->waiting && r->waiting->forwards && (!op->code || operations[op->code]->joins);
}

static void join(struct run *r)
{
	struct waiting *w = r->waiting;

	w->operation = operations[WIRE_JOIN];
	w->awaits_all = true;
	w->waits_since_ns = r->now_ns;
	ring_add(&r->conn->owner, w);
}

/* Runs until the program ends, waits or loses its connection. */
static void run_on(struct run *r)
{
	struct wire_program here;
	struct wire_operation op;
	enum step step = STEP_DONE;

	while (step == STEP_DONE) {
		here = r->rest;
		wire_next_operation(&r->rest, &op);
		if (must_join(r, &op)) {
			r->rest = here;
			join(r);
			return;
		}
		if (!op.code)
			break;
		if (is_too_late(r, &op))
			continue;
		if (operations[op.code]->class == OPERATION_COMPUTES && !r->has_turn &&
		    keeps_back(r, &op)) {
			r->rest = here;
			queue_up(r);
			return;
		}
		step = run_one(&r, &op);
	}
	if (step != STEP_WAITS && r->waiting)
		end_waiting(r->waiting);
}

static void resume(struct waiting *w)
{
	struct run *r = &w->run;

	ring_remove(&r->conn->owner, w);
	r->now_ns = program_now_ns(r->host);
	r->queue_ns += r->now_ns - w->ready_ns;
	if (r->host->ready_first && !r->has_turn)
		queue_up(r);
	else
		run_on(r);
}

void program_continue(struct waiting *w)
{
	struct program_host *h = w->run.host;
	uint64_t replied = h->stats.requests;

	if (!conn_is_open(w->run.conn)) {
		ring_remove(&h->orphans, w);
		end_waiting(w);
		return;
	}
	w->run.has_turn = false;
	resume(w);
	if (h->stats.requests != replied)
		h->kept_ns = loop_now_ns(h->loop);
}

void program_on_done(struct io_op *op, const struct io_result *result)
{
	(void)result;
	program_continue((struct waiting *)op);
}

static void run_ready(struct waiting *w)
{
	struct program_host *h = w->run.host;
	struct conn *c = w->run.conn;

	if (!conn_is_open(c)) {
		end_waiting(w);
		return;
	}
	conn_hold(c);
	w->run.has_turn = true;
	resume(w);
	if (!h->loop->ops->sends_with_wait)
		conn_flush(c);
	conn_release(c);
}

/* Something of this batch has not left yet, and computing now would hold it back. */
static bool holds_back(const struct program_host *h)
{
	int64_t batch_ns = loop_now_ns(h->loop);

	return h->replied_ns == batch_ns || h->kept_ns == batch_ns;
}

/* One at least, however long the batch has taken already, unless the next turn is to come first. */
void program_run_ready(struct program_host *h)
{
	int64_t end_ns = loop_now_ns(h->loop) + PATIENCE_NS;
	struct waiting *w;

	if (program_now_ns(h) > end_ns && holds_back(h))
		return;
	do {
		w = take_ready(h);
		if (w)
			run_ready(w);
	} while (w && program_now_ns(h) <= end_ns);
}

void program_run(struct program_host *h, struct conn *c, const struct message *m)
{
	struct wire_program program = wire_program(m->body, m->head.body_len);
	int64_t now_ns = program_now_ns(h);
	struct run r;

	if (reply_at_once(h, c, m) || !is_acceptable(h, c, m))
		return;
	r = (struct run){
		.host = h,
		.conn = c,
		.rest = program,
		.id = m->head.id,
		.now_ns = now_ns,
		.queue_ns = now_ns - m->received_ns,
		.hops = m->head.hops < h->hops_max ? m->head.hops : h->hops_max,
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
		forwards_drop(w);
		if (w->is_queued)
			continue;
		ring_add(&h->orphans, w);
		if (w->operation->cancel)
			w->operation->cancel(w);
		else
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
		.hops_max = WIRE_HOPS,
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
