/*
 * deadlines.c - see deadlines.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/deadlines.h"

#include <stddef.h>

static void set_timer(struct deadlines *all);

static void on_timer(struct io_op *op, const struct io_result *r)
{
	struct deadlines *all =
		(struct deadlines *)((char *)op - offsetof(struct deadlines, timer));

	(void)r;
	all->is_timing = all->is_cancelled = false;
	while (all->first && all->first->at_ns <= loop_now_ns(all->loop))
		all->expired(all->first);
	set_timer(all);
}

/* Others may have less time than the one that the timer is set for. */
static bool is_set_too_late(const struct deadlines *all)
{
	return all->first->at_ns < all->timer.deadline_ns && !all->is_cancelled;
}

static void set_timer(struct deadlines *all)
{
	if (!all->first)
		return;
	if (all->is_timing && is_set_too_late(all)) {
		all->is_cancelled = true;
		loop_cancel(all->loop, &all->timer);
	}
	if (all->is_timing)
		return;
	all->is_timing = true;
	all->timer.kind = IO_TIMER;
	all->timer.deadline_ns = all->first->at_ns;
	all->timer.done = on_timer;
	loop_submit(all->loop, &all->timer);
}

void deadlines_init(struct deadlines *all, struct loop *loop, void (*expired)(struct deadline *d))
{
	*all = (struct deadlines){ .loop = loop, .expired = expired };
}

/* Nearly all have the same time, so the place is nearly always the end. */
void deadlines_add(struct deadlines *all, struct deadline *d, int64_t at_ns)
{
	struct deadline *before = all->last;

	d->at_ns = at_ns;
	while (before && before->at_ns > at_ns)
		before = before->before;
	d->before = before;
	d->after = before ? before->after : all->first;
	if (d->before)
		d->before->after = d;
	else
		all->first = d;
	if (d->after)
		d->after->before = d;
	else
		all->last = d;
	all->count++;
	set_timer(all);
}

void deadlines_remove(struct deadlines *all, struct deadline *d)
{
	if (d->before)
		d->before->after = d->after;
	else
		all->first = d->after;
	if (d->after)
		d->after->before = d->before;
	else
		all->last = d->before;
	all->count--;
}
