/*
 * operation_forward.c - forward and join: from what a program says to a forward that is under way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/forward.h"

/* How long the answer to this program will be. */
static uint64_t reply_size(struct wire_program program)
{
	struct wire_operation op;

	do
		wire_next_operation(&program, &op);
	while (op.code != WIRE_SEND_REPLY);
	return op.value;
}

/*
 * The other nodes' answers have to be short enough as well: one that is too long would end the
 * connection to that node, and with it what others have sent on it.
 */
static enum wire_fault check_forward(const struct program_host *h, const struct wire_operation *op,
				     struct demand *demand)
{
	struct wire_forward f;
	struct wire_branch b;

	(void)demand;
	wire_get_forward(op, &f);
	if (f.size > h->reply_max)
		return WIRE_LONG_REPLY;
	while (wire_next_branch(&f, &b)) {
		if (reply_size(wire_program(b.program, b.program_len)) > h->reply_max)
			return WIRE_LONG_REPLY;
	}
	return WIRE_FINE;
}

static unsigned count_targets(const struct wire_operation *op)
{
	struct wire_forward f;
	struct wire_branch b;
	unsigned count = 0;

	wire_get_forward(op, &f);
	while (wire_next_branch(&f, &b))
		count += b.destinations;
	return count;
}

static void fill_targets(struct forward *f)
{
	struct target *t = f->targets;
	struct wire_branch b;

	while (wire_next_branch(&f->asked, &b)) {
		while (wire_next_destination(&b, &t->to)) {
			t->program = b.program;
			t->program_len = b.program_len;
			t++;
		}
	}
}

static void ask_first(struct forward *f)
{
	if (f->asked.pick) {
		f->waiting = 1;
		forward_ask(f, forward_pick(f));
		return;
	}
	f->waiting = f->count;
	for (unsigned i = 0; i < f->count && !f->is_decided; i++)
		forward_ask(f, &f->targets[i]);
}

static struct forward *create(struct run *r, const struct wire_operation *op)
{
	struct forwards *all = r->host->forwards;
	struct forward *f = forward_create(all, count_targets(op));

	if (!f)
		return NULL;
	wire_get_forward(op, &f->asked);
	f->quorum = f->asked.quorum;
	if (!f->quorum)
		f->quorum = f->asked.pick ? 1 : f->count;
	f->hops = r->hops - 1;
	f->started_ns = r->now_ns;
	f->expires_ns = r->expires_ns;
	fill_targets(f);
	forward_adopt(r->waiting, f);
	all->stats.forwards++;
	return f;
}

/* The hop budget is spent, or this node forwards nowhere. */
static void refuse(struct run *r)
{
	struct forwards *all = r->host->forwards;

	if (!r->status)
		r->status = WIRE_REFUSED;
	if (!all)
		return;
	all->stats.forwards++;
	all->stats.refused++;
}

static enum step run_forward(struct run *r, const struct wire_operation *op)
{
	struct waiting *w = r->waiting;
	struct forward *f;

	if (!r->host->forwards || !r->hops) {
		refuse(r);
		return STEP_DONE;
	}
	f = create(r, op);
	if (!f) {
		r->status = WIRE_ERROR;
		return STEP_DONE;
	}
	ask_first(f);
	r->host->kept_ns = loop_now_ns(r->host->loop);
	if (f->is_decided) {
		forward_record(f, NULL);
		return STEP_DONE;
	}
	forward_arm(f);
	if (f->asked.meanwhile)
		return STEP_DONE;
	w->awaited = f;
	w->waits_since_ns = r->now_ns;
	return STEP_WAITS;
}

/* By now there is nothing left to wait for: program.c has seen to it. */
static enum wire_fault check_join(const struct program_host *h, const struct wire_operation *op,
				  struct demand *demand)
{
	(void)h;
	(void)op;
	(void)demand;
	return WIRE_FINE;
}

static enum step run_join(struct run *r, const struct wire_operation *op)
{
	(void)r;
	(void)op;
	return STEP_DONE;
}

/* Its forwards have been dropped: nothing is left that could continue it. */
static void cancel(struct waiting *w)
{
	program_continue(w);
}

const struct operation operation_forward = {
	.name = "forward",
	.class = OPERATION_LASTS,
	.check = check_forward,
	.run = run_forward,
	.cancel = cancel,
};
const struct operation operation_join = {
	.name = "join",
	.class = OPERATION_IMMEDIATE,
	.check = check_join,
	.run = run_join,
	.cancel = cancel,
	.joins = true,
};
