/*
 * timers.c - a binary heap of IO_TIMER operations that know their place in it.
 *
 * Children of place i are at 2i + 1 and 2i + 2; no deadline is before its parent's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/timers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define TIMERS_FIRST 64

static void put(struct timers *t, uint32_t place, struct timer timer)
{
	t->heap[place] = timer;
	timer.op->link = (struct io_op *)(uintptr_t)place;
}

static uint32_t place_of(const struct io_op *op)
{
	return (uint32_t)(uintptr_t)op->link;
}

/* Moves the hole at `place` up until `timer` may stand there. */
static void rise(struct timers *t, uint32_t place, struct timer timer)
{
	while (place) {
		uint32_t parent = (place - 1) / 2;

		if (t->heap[parent].deadline_ns <= timer.deadline_ns)
			break;
		put(t, place, t->heap[parent]);
		place = parent;
	}
	put(t, place, timer);
}

/* The same downwards. */
static void sink(struct timers *t, uint32_t place, struct timer timer)
{
	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child + 1 < t->count &&
		    t->heap[child + 1].deadline_ns < t->heap[child].deadline_ns)
			child++;
		if (child >= t->count || timer.deadline_ns <= t->heap[child].deadline_ns)
			break;
		put(t, place, t->heap[child]);
		place = child;
	}
	put(t, place, timer);
}

static int grow(struct timers *t)
{
	uint32_t size = t->size ? 2 * t->size : TIMERS_FIRST;
	struct timer *heap = reallocarray(t->heap, size, sizeof(*heap));

	if (!heap)
		return -ENOMEM;
	t->heap = heap;
	t->size = size;
	return 0;
}

void timers_finish(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){ 0 };
}

int timers_add_at(struct timers *t, struct io_op *op, int64_t deadline_ns)
{
	if (t->count == t->size && grow(t) < 0)
		return -ENOMEM;
	rise(t, t->count++, (struct timer){ deadline_ns, op });
	return 0;
}

int timers_add(struct timers *t, struct io_op *op)
{
	return timers_add_at(t, op, op->deadline_ns);
}

void timers_remove(struct timers *t, struct io_op *op)
{
	uint32_t place = place_of(op);
	struct timer last;

	assert(place < t->count && t->heap[place].op == op);
	last = t->heap[--t->count];
	op->link = NULL;
	if (last.op == op)
		return;
	/* The last one comes from another branch: it may belong above or below the hole. */
	if (place && last.deadline_ns < t->heap[(place - 1) / 2].deadline_ns)
		rise(t, place, last);
	else
		sink(t, place, last);
}

struct io_op *timers_find(const struct timers *t, int fd)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->heap[i].op->fd == fd)
			return t->heap[i].op;
	return NULL;
}

struct io_op *timers_take(struct timers *t, int64_t now_ns)
{
	struct io_op *op;

	if (timers_next_ns(t) > now_ns || !t->count)
		return NULL;
	op = t->heap[0].op;
	timers_remove(t, op);
	return op;
}
