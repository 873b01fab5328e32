/*
 * pair_fault.c - what a connection suffers on purpose.
 *
 * Which faults befall a connection is drawn as it is accepted; it is then armed with them. Reset
 * and half-close happen once, at a moment or at a byte. A black hole is a state: it is looked at
 * whenever something would pass. Where a fault counts bytes, sends are cut so that it happens
 * behind the byte that was asked for, and not behind the send.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "proxy/pair.h"

static int64_t since_start_ns(const struct pair *p)
{
	return relay_now_ns(p->relay) - p->relay->start_ns;
}

static const struct fault *fault_of(const struct pair *p, unsigned index)
{
	return &p->relay->route->faults[index];
}

static void count(struct pair *p, unsigned index)
{
	if (p->fired & 1U << index)
		return;
	p->fired |= 1U << index;
	p->relay->stats.faults[fault_of(p, index)->kind]++;
}

void pair_draw_faults(struct pair *p)
{
	p->armed = route_draw_faults(p->relay->route, p->number);
}

bool pair_has_fault(struct pair *p, enum fault_kind kind)
{
	for (unsigned i = 0; p->armed >> i; i++) {
		if (!(p->armed & 1U << i) || fault_of(p, i)->kind != kind ||
		    !fault_is_open(fault_of(p, i), since_start_ns(p)))
			continue;
		count(p, i);
		return true;
	}
	return false;
}

static uint64_t passed(const struct pair *p, const struct fault *f)
{
	return (f->dir & DIR_FORTH ? p->ways[PROXY_FORTH].passed : 0) +
	       (f->dir & DIR_BACK ? p->ways[PROXY_BACK].passed : 0);
}

/* The same, and what is being sent just now. */
static uint64_t handed(const struct pair *p, const struct fault *f)
{
	uint64_t sum = passed(p, f);

	for (unsigned i = 0; i < PROXY_DIRECTIONS; i++)
		if (f->dir & 1U << i && p->ways[i].sender)
			sum += p->ways[i].sender->len;
	return sum;
}

/* It has come to the time or the byte that it waits for. */
static bool has_begun(const struct pair *p, const struct fault *f)
{
	return relay_now_ns(p->relay) - p->opened_ns >= f->after_ns &&
	       passed(p, f) >= (uint64_t)f->after_bytes;
}

/* When it happens, on the loop's clock, as far as is known now; INT64_MAX: not by time. */
static int64_t happens_ns(const struct pair *p, const struct fault *f)
{
	int64_t from_ns = relay_now_ns(p->relay), opens_ns;

	if (passed(p, f) < (uint64_t)f->after_bytes)
		return INT64_MAX;
	if (p->opened_ns + f->after_ns > from_ns)
		from_ns = p->opened_ns + f->after_ns;
	opens_ns = fault_opens_ns(f, from_ns - p->relay->start_ns);
	return opens_ns == INT64_MAX ? INT64_MAX : opens_ns + p->relay->start_ns;
}

static bool is_event(const struct fault *f)
{
	return f->kind == FAULT_RESET || f->kind == FAULT_HALF_CLOSE;
}

static void half_close(struct pair *p, const struct fault *f)
{
	for (unsigned i = 0; i < PROXY_DIRECTIONS && !p->is_closing; i++) {
		struct pair_way *w = &p->ways[i];

		if (!(f->dir & 1U << i) || w->is_finished)
			continue;
		pair_cut_way(w);
		if (!w->end) {
			w->end = END_FIN;
			w->end_due_ns = relay_now_ns(p->relay);
		}
		pair_pump(w);
	}
}

static void on_event(struct io_op *op, const struct io_result *r)
{
	struct pair *p = (struct pair *)((char *)op - offsetof(struct pair, event));

	(void)r;
	p->has_event = false;
	if (!p->is_closing)
		pair_check_faults(p);
	pair_release(p);
}

static void wait_for_event(struct pair *p, int64_t at_ns)
{
	if (p->has_event) {
		/* It comes back cancelled and looks again. */
		if (at_ns < p->event_ns) {
			p->event_ns = INT64_MIN;
			loop_cancel(p->relay->loop, &p->event);
		}
		return;
	}
	p->has_event = true;
	p->event_ns = at_ns;
	p->event = (struct io_op){ .kind = IO_TIMER, .done = on_event };
	p->event.deadline_ns = at_ns;
	pair_submit(p, &p->event);
}

void pair_check_faults(struct pair *p)
{
	int64_t next_ns = INT64_MAX, now_ns = relay_now_ns(p->relay);

	for (unsigned i = 0; !p->is_closing && !p->is_silent && p->armed >> i; i++) {
		const struct fault *f = fault_of(p, i);
		int64_t at_ns;

		if (!(p->armed & 1U << i) || p->fired & 1U << i || !is_event(f))
			continue;
		at_ns = happens_ns(p, f);
		if (at_ns > now_ns) {
			next_ns = at_ns < next_ns ? at_ns : next_ns;
			continue;
		}
		count(p, i);
		if (f->kind == FAULT_RESET)
			pair_close(p, true);
		else
			half_close(p, f);
	}
	if (!p->is_closing && next_ns != INT64_MAX)
		wait_for_event(p, next_ns);
}

uint64_t pair_fault_budget(const struct pair_way *w)
{
	const struct pair *p = w->pair;
	uint64_t budget = UINT64_MAX;

	for (unsigned i = 0; p->armed >> i; i++) {
		const struct fault *f = fault_of(p, i);
		uint64_t after = (uint64_t)f->after_bytes, sum;

		if (!(p->armed & 1U << i) || !(f->dir & 1U << pair_way_index(w)) || !after)
			continue;
		sum = handed(p, f);
		if (passed(p, f) < after && after - sum < budget)
			budget = after - sum;
	}
	return budget;
}

int64_t pair_held_until_ns(struct pair_way *w)
{
	struct pair *p = w->pair;
	int64_t until_ns = 0, t_ns = since_start_ns(p);

	for (unsigned i = 0; p->armed >> i; i++) {
		const struct fault *f = fault_of(p, i);
		int64_t closes_ns;

		if (!(p->armed & 1U << i) || f->kind != FAULT_BLACK_HOLE ||
		    !(f->dir & 1U << pair_way_index(w)) || !has_begun(p, f) ||
		    !fault_is_open(f, t_ns))
			continue;
		count(p, i);
		closes_ns = fault_closes_ns(f, t_ns);
		if (closes_ns != INT64_MAX)
			closes_ns += p->relay->start_ns;
		until_ns = closes_ns > until_ns ? closes_ns : until_ns;
	}
	return until_ns;
}
