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

#endif
