/*
 * timers.h - pending IO_TIMER operations, earliest first: a binary heap that every backend shares.
 *
 * The array doubles when it is full and is kept, so after warm-up nothing is allocated. While a
 * timer is in the heap its op->link holds its place there, which makes removing one O(log n)
 * without a search; before and after, link is free for the backend's own lists.
 *
 * The kernel's timers (timerfd, io_uring's IORING_OP_TIMEOUT) were left out on purpose: a wait has
 * a timeout anyway, and setting it costs no system call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_TIMERS_H
#define RW_BACKENDS_TIMERS_H

#include "backends/backend.h"

struct timer {
	int64_t deadline_ns; /* a copy of the op's: comparing does not touch the operations */
	struct io_op *op;
};

/* Zero is an empty one. */
struct timers {
	struct timer *heap;
	uint32_t count, size;
};

/* Frees the array; operations still in it are forgotten. */
void timers_finish(struct timers *t);

/* 0, or -ENOMEM. */
int timers_add(struct timers *t, struct io_op *op);
/* For any operation, and a deadline that is not its own. */
int timers_add_at(struct timers *t, struct io_op *op, int64_t deadline_ns);

/* op was added and neither taken nor removed since. */
void timers_remove(struct timers *t, struct io_op *op);

/* One of those that are on a descriptor; NULL: there is none. Looks at all. */
struct io_op *timers_find(const struct timers *t, int fd);

/* The earliest whose deadline is not after now_ns, taken out; NULL when none is due. */
struct io_op *timers_take(struct timers *t, int64_t now_ns);

/* The earliest deadline; INT64_MAX when there is none. */
static inline int64_t timers_next_ns(const struct timers *t)
{
	return t->count ? t->heap[0].deadline_ns : INT64_MAX;
}

#endif
