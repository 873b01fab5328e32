/*
 * program.h - runs the programs that requests carry.
 *
 * A request is checked as a whole before any of it runs. One whose form is broken ends its
 * connection (conn_fault); one that asks for more than this node has and allows is answered with
 * WIRE_REFUSED, nothing of it is done, and all others go on: wire.h says where the border is and
 * why. Everything is known by then, for what is drawn the client has drawn. Only what depends on
 * others shows later, when earlier operations have been done: a forward that may not go there,
 * or has no hops left, or is refused by the node it goes to, and a device that fails, give the
 * reply their status. A file that was cut off under a reply by sendfile ends the connection: the
 * head has promised its bytes.
 *
 * A refusal takes no object, allocates nothing and reads no clock; its 24 bytes count towards
 * limits.out_queue like any reply, so who asks for too much and does not read is not read from.
 *
 * A program has exactly one reply; operations behind the reply are still run. A request that has
 * passed its deadline does no more work: the reply says WIRE_TIMEOUT.
 *
 * Computing holds the worker, and a reply or forward that was made but not sent would wait for it.
 * So a long computation behind such a one is put into the ready queue instead, and all programs
 * after it queue up too: the worker runs them first come, first served, between turns of its loop.
 *
 * Times in the reply, for this hop: service is what computing took and what sleeping asked for;
 * forward is the time in which there was nothing to do but wait for other nodes; queue is all other
 * time between receiving the request and its reply: waiting behind other requests of the batch, and
 * for the worker after a sleep or an answer. What was forwarded with WIRE_MEANWHILE is waited for
 * at the join, the reply or the end of the program.
 *
 * Everything here belongs to the thread of the host's loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_PROGRAM_H
#define RW_NODE_PROGRAM_H

#include "engine/conn.h"
#include "node/compute.h"

struct transfers;

struct program_stats {
	uint64_t requests; /* replied, but for these: */
	uint64_t refused;  /* asked for too much; nothing of them was run */
	uint64_t operations[WIRE_CODES];
	int64_t compute_ns;
};

/* What the programs of one worker run on. */
struct program_host {
	struct loop *loop;
	const struct compute *compute;
	struct transfers *transfers; /* loads and stores; NULL: there is no storage */
	uint64_t reply_max;	     /* bytes */
	uint64_t time_max_ns;	     /* all computing and sleeping of one request */
	int64_t (*clock)(void);	     /* NULL: the batch's time is all there is (simulated) */
	int64_t busy_until_ns;	     /* when the clock was last read, or a computation ended */
	int64_t replied_ns;	     /* batch of the last reply, and whose it was */
	const struct conn *replied_to;
	int64_t kept_ns; /* batch with something that leaves only at its end, wherever it goes */
	struct waiting *ready_first, *ready_last;
	struct program_stats stats;
	struct forwards *forwards; /* NULL: forwards nowhere */
	uint8_t hops_max;	   /* a request's budget is cut to it */
	struct cache small, large; /* requests that wait, by what is left of their programs */
	void *orphans;		   /* of closed connections, until their operations come back */

	/* Told of each request that asks for too much, in front of its answer. NULL: nobody. */
	void (*refused)(struct conn *c, const struct message *m, enum wire_fault why);
};

void program_host_init(struct program_host *h, struct loop *loop, const struct compute *compute,
		       uint64_t reply_max, uint64_t time_max_ns);
/* After loop_finish(). */
void program_host_finish(struct program_host *h);

/* For conn_role.message and .closed. c->owner is used by these two; it starts as NULL. */
void program_run(struct program_host *h, struct conn *c, const struct message *m);
void program_drop_waiting(struct program_host *h, struct conn *c);

/* Between turns: runs programs of the ready queue for a while. While there are any, the turns of
 * the loop must not wait. */
void program_run_ready(struct program_host *h);
static inline bool program_is_ready(const struct program_host *h)
{
	return h->ready_first != NULL;
}

/* For people; NULL: no such operation. */
const char *program_operation_name(unsigned code);

#endif
