/*
 * readiness_private.h - what readiness.c and readiness_serve.c share.
 *
 * An operation is in one of three places: in its descriptor's slot (or the heap of timers) while
 * it waits, in the queue `done` when its result is known, and nowhere when its last completion
 * has been handed out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_READINESS_PRIVATE_H
#define RW_BACKENDS_READINESS_PRIVATE_H

#include "backends/readiness.h"

enum { OP_AWAY, OP_WAITS, OP_DONE }; /* io_op.state */

/*
 * Appends to the finished ones: comes back from next() with res. A count is told elsewhere: what a
 * send has sent in its slot, what a file operation did in op->result, and res is 0 then.
 */
static inline void op_finish(struct readiness *r, struct io_op *op, int res)
{
	op->state = OP_DONE;
	op->generation = res < 0 ? -res : 0;
	op_queue_add(&r->done, op);
}

static inline void slot_queue_remove_first(struct readiness *r, struct slot_queue *q)
{
	struct slot *s = &r->slots[q->first];

	s->flags &= ~SLOT_QUEUED;
	q->first = s->next;
}

/* Appends all of `from`, which is empty afterwards. */
static inline void slot_queue_move(struct readiness *r, struct slot_queue *to,
				   struct slot_queue *from)
{
	if (from->first < 0)
		return;
	if (to->first < 0)
		to->first = from->first;
	else
		r->slots[to->last].next = from->first;
	to->last = from->last;
	from->first = -1;
}

/* Forgets the descriptor, which has no operation left, and closes it. 0, or -errno. */
int slot_close(struct readiness *r, int fd);

/* Tries a send or begins a connect. True: finished. False: the socket has to become writable. */
bool op_try_out(struct readiness *r, struct slot *s, struct io_op *op);

/* The next result: of the finished ones, else of the batch of ready descriptors. */
bool readiness_take(struct readiness *r, struct io_result *ret);

/* readiness_datagram.c */
uint32_t readiness_datagram_max(const struct readiness *r);
/* Before the first receive with a batch; 0 or -ENOMEM. */
int readiness_prepare_pack(struct readiness *r);
void readiness_free_pack(struct readiness *r);
struct memory_range readiness_pack_memory(const struct readiness *r); /* there must be one */
/* op is cancelled: what came together and is unread goes with it. */
void readiness_drop_pack(struct readiness *r, const struct io_op *op);
/* The next datagram of those that came together; false: none. */
bool readiness_unpack(struct readiness *r, struct io_result *ret);
/* How many came, the first in *ret; or -errno. *ret_drained: there was no more. */
int readiness_receive(struct readiness *r, struct io_op *op, bool *ret_drained,
		      struct io_result *ret);
/* An IO_SENDMMSG: how many are done, or -EAGAIN. */
int readiness_send_many(struct readiness *r, const struct io_op *op);

#endif
