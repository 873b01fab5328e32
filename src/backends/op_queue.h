/*
 * op_queue.h - operations in a row, linked through io_op.link: nothing is allocated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_OP_QUEUE_H
#define RW_BACKENDS_OP_QUEUE_H

#include <stddef.h>

#include "backends/backend.h"

/* Zero is an empty one. */
struct op_queue {
	struct io_op *first, *last;
};

static inline void op_queue_add(struct op_queue *q, struct io_op *op)
{
	op->link = NULL;
	if (q->first)
		q->last->link = op;
	else
		q->first = op;
	q->last = op;
}

/* NULL: empty. */
static inline struct io_op *op_queue_take(struct op_queue *q)
{
	struct io_op *op = q->first;

	if (op)
		q->first = op->link;
	return op;
}

/* The first on fd, or `only` that one if it is on it; NULL: there is none. */
static inline struct io_op *op_queue_take_on(struct op_queue *q, int fd, const struct io_op *only)
{
	struct io_op *before = NULL, *op = q->first;

	while (op && (op->fd != fd || (only && op != only))) {
		before = op;
		op = op->link;
	}
	if (!op)
		return NULL;
	if (before)
		before->link = op->link;
	else
		q->first = op->link;
	if (q->last == op)
		q->last = before;
	return op;
}

#endif
