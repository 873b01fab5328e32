/*
 * io_uring_private.h - what the files of the io_uring backend share.
 *
 *	io_uring.c		knobs, what cannot go together, open, close
 *	io_uring_probe.c	can this machine run it
 *	io_uring_submit.c	operations to submission entries; descriptors and what is in flight
 *	io_uring_wait.c		completions to results, waiting
 *	io_uring_buffers.c	where received bytes lie
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_IO_URING_PRIVATE_H
#define RW_BACKENDS_IO_URING_PRIVATE_H

#include <liburing.h>
#include <stdatomic.h>

#include "backends/io_uring_buffers.h"
#include "backends/timers.h"

struct uring_opts {
	int64_t entries, cq_entries;
	bool multishot_accept, multishot_recv, poll_first;
	int64_t buffers, buffer_size_bytes;
	bool registered_files, registered_ring;
	bool coop_taskrun, single_issuer, defer_taskrun;
	bool sqpoll;
	int64_t sqpoll_idle_ns, sqpoll_cpu;
	int64_t busy_wait_ns;
};

/* io_op.state */
enum uring_state {
	OP_IDLE,
	OP_IN_FLIGHT,
	OP_CANCELLED, /* the kernel was asked to end it */
	OP_CLOSING,   /* so, by an IO_CLOSE, which io_op.link points to */
	OP_CLOSED,   /* an IO_CLOSE that is done and waits for those; its result is in io_op.link */
	OP_STARVED,  /* found no buffer: in a list until the next wait() */
	OP_FINISHED, /* in a list of results that the kernel has no part in */
};

/*
 * user_data is the operation's address with a mark in the low bits, so that close() need not look
 * at operations; what is not an operation has a tag below every address.
 */
enum uring_tag { TAG_CANCEL, TAG_WAKE, TAG_CANCEL_ALL, TAGS };
enum uring_mark {
	MARK_NONE,
	MARK_ACCEPT, /* its result is a descriptor */
	MARK_MASK = 7,
};
_Static_assert(_Alignof(struct io_op) > MARK_MASK, "marks fit below");

/*
 * Per descriptor the operations in flight on it, linked by io_op.link: one pointer for an idle
 * connection, and IO_CLOSE knows whom to cancel. The tables are mapped once for every possible
 * descriptor; only used pages exist.
 */
struct uring_slots {
	struct io_op **first;
	size_t count;
};

struct uring {
	struct backend base;
	struct io_uring ring;
	struct uring_opts opts;
	struct uring_buffers buffers;
	struct uring_slots plain, direct;
	struct timers timers;
	uint32_t timers_left; /* that next() hands out in this turn at most */
	uint64_t in_flight;   /* operations the kernel has, or will have with the next wait */

	struct io_op *finished_first, **finished_last;
	struct io_op *starved_first, **starved_last;

	/* wait() looks one result ahead, to know whether there is one. */
	struct io_result ahead; /* op NULL: none */
	bool ahead_accepts;
	int ahead_buffer, lent_buffer; /* -1: none */
	unsigned cq_end;	       /* next() goes no further in this turn */
	uint64_t handed;	       /* results of this turn */

	size_t pending_bytes; /* in sends the kernel does not know of yet */
	int broken;	      /* -errno that wait() returns from now on */

	int wake_fd;
	atomic_bool wake_asked; /* by wake(), until a wait() has returned for it */
	bool woken;

	struct msghdr datagram; /* what multishot recvmsg takes its sizes from */
	struct io_uring_sqe nowhere;
};

static inline struct uring *uring_of(struct backend *base)
{
	return (struct uring *)base;
}

static inline bool uring_repeats(const struct io_op *op)
{
	return op->kind == IO_ACCEPT || op->kind == IO_RECV || op->kind == IO_RECVFROM;
}

/* What io_uring_enter() returns when all is well, or will be the next time. */
static inline bool uring_passing(int ret)
{
	return ret >= 0 || ret == -ETIME || ret == -EINTR || ret == -EAGAIN || ret == -EBUSY;
}

/* io_uring_submit.c */
void uring_submit(struct backend *base, struct io_op *op);
void uring_cancel(struct backend *base, struct io_op *op);
void uring_queue(struct uring *b, struct io_op *op); /* (again) to the kernel */
int uring_flush(struct uring *b);		     /* to the kernel now, without waiting */
void uring_queue_wake(struct uring *b);
void uring_queue_cancel_all(struct uring *b); /* counts as one in flight */
/* The kernel had no buffer for op and ended it: queued again by uring_feed(). */
void uring_starve(struct uring *b, struct io_op *op);
/* Queues some of those: half the buffers are for them, the others for who did not have to wait. */
void uring_feed(struct uring *b);
/* The kernel is done with op: forgets it, and finishes the IO_CLOSE that waited for it. */
void uring_land(struct uring *b, struct io_op *op);
/* The kernel has closed. False: operations on the descriptor are still to come back before. */
bool uring_land_close(struct uring *b, struct io_op *op, int res);

/* io_uring_wait.c */
int uring_enter(struct uring *b, int64_t timeout_ns); /* INT64_MAX: for ever */
int uring_wait(struct backend *base, int64_t timeout_ns);
bool uring_next(struct backend *base, struct io_result *ret);
void uring_wake(struct backend *base);

/* io_uring_probe.c */
int uring_probe(struct err *why);

#endif
