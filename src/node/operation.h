/*
 * operation.h - what an operation of a program is to the machinery that runs programs.
 *
 * An operation is a `struct operation` in a file of its own (operation_NAME.c) and a row in
 * registry.c. While program.c looks at the form of a program (wire_check_next) it asks check() of
 * each operation that is sound; if all is well, run() of one after the other. An operation that can
 * wait is OPERATION_LASTS: run() finds the request in an object that stays (run->waiting) and
 * may return STEP_WAITS; what it waited for calls program_continue(), in the thread of the loop
 * and never from within run().
 *
 * For node/ alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_OPERATION_H
#define RW_NODE_OPERATION_H

#include "node/program.h"

struct device;
struct forward;
struct records;

/* A program on its way. */
struct run {
	struct program_host *host;
	struct conn *conn;
	struct wire_program rest;
	uint64_t id;
	int64_t now_ns;	    /* as far as is known without asking */
	int64_t expires_ns; /* 0: never */
	int64_t queue_ns, service_ns, storage_ns, forward_ns;
	enum wire_status status;
	uint8_t hops;		 /* forwards still allowed */
	bool has_turn;		 /* taken from the ready queue */
	struct waiting *waiting; /* the object this is part of; NULL: on the stack */
};

struct waiting {
	struct io_op op; /* for the operation it waits for; done == program_on_done */
	struct run run;
	const struct operation *operation; /* it waits for, in the ring of the connection */
	void *own;			   /* the operation's */
	int64_t ready_ns; /* when the operation has ended, or it came into the queue */
	struct waiting *next, *previous; /* in a ring */
	struct waiting *next_ready;
	bool is_queued;
	bool awaits_all;	  /* every one of the forwards, not `awaited` alone */
	struct forward *forwards; /* under way, those with WIRE_MEANWHILE, too */
	struct forward *awaited;
	int64_t waits_since_ns;	 /* for one of them, and has nothing else to do */
	struct records *records; /* of forwards that have ended; NULL: none yet */
	uint32_t rest_len;
	uint8_t rest[]; /* from the first operation that lasts */
};

/* What a program asks for, all operations together. */
struct demand {
	uint64_t time_ns;
	uint64_t stored, loaded; /* bytes */
	uint64_t reply_max;	 /* what may be asked for at most */
	bool makes_default;	 /* nothing else is wrong: device 0 may be made for it now */
	bool wants_default;	 /* and has to be */
};

enum operation_class {
	OPERATION_IMMEDIATE, /* run() does it */
	OPERATION_COMPUTES,  /* run() does it and takes op->value ns */
	OPERATION_LASTS,     /* run() may wait; run->waiting is there */
};

enum step {
	STEP_DONE,
	STEP_WAITS,  /* program_continue() will be called */
	STEP_CLOSED, /* the connection has closed; not for operations that last */
};

struct operation {
	const char *name;
	enum operation_class class;
	/*
	 * Is that within what this node has and allows? If not, the request is refused, and
	 * nothing may have happened yet. Its form is sound; that of what follows may not be.
	 */
	enum wire_fault (*check)(const struct program_host *h, const struct wire_operation *op,
				 struct demand *demand);
	enum step (*run)(struct run *r, const struct wire_operation *op);
	/*
	 * The connection of a request that waits is gone: hurry; program_continue() must still
	 * come, once. NULL: w->op is cancelled.
	 */
	void (*cancel)(struct waiting *w);
	bool joins; /* waits first for all that was forwarded */
};

/* registry.c: by enum wire_code; a row without a name is no operation of this node. */
extern const struct operation *const operations[WIRE_CODES];

/* io_op.done of w->op when its end is all there is to wait for. */
void program_on_done(struct io_op *op, const struct io_result *result);
/* What w waited for has come, or was cancelled. w->ready_ns says since when it could have gone on,
 * and the operation has added its time to one of run's sums. */
void program_continue(struct waiting *w);

/* The batch's time, or what is known of a later one. */
static inline int64_t program_now_ns(const struct program_host *h)
{
	int64_t now_ns = loop_now_ns(h->loop);

	return h->busy_until_ns > now_ns ? h->busy_until_ns : now_ns;
}

/*
 * Reads the clock: for what is waited for, which may begin or end long after the batch did. Were it
 * counted from the batch's beginning, what others say they did in that time would not fit into it.
 */
static inline int64_t program_look_ns(struct program_host *h)
{
	if (h->clock)
		h->busy_until_ns = h->clock();
	return program_now_ns(h);
}

/* operation_storage.c: the device that is asked for; *ret is NULL while it is still to be made. */
enum wire_fault find_device(const struct program_host *h, uint32_t index, struct demand *demand,
			    struct device **ret);

/* What may be asked for, before anything has been. */
static inline struct demand demand_of(const struct program_host *h, const struct conn *c)
{
	uint64_t most = conn_send_max(c);

	return (struct demand){ .reply_max = most < h->reply_max ? most : h->reply_max };
}

/* operation_reply.c: a request that asks for nothing else; false: it is not one of those. */
bool reply_at_once(struct program_host *h, struct conn *c, const struct message *m);
/* A bare head: no reply of the size asked for, for that may be what is too much. */
void reply_refused(struct program_host *h, struct conn *c, uint64_t id);

#endif
