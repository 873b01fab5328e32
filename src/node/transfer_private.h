/*
 * transfer_private.h - what transfer.c and transfer_sync.c know of each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_TRANSFER_PRIVATE_H
#define RW_NODE_TRANSFER_PRIVATE_H

#include "node/transfer.h"

struct transfer {
	struct io_op op; /* in flight while it is in the list `moving` */
	struct transfers *host;
	struct waiting *waiting;
	struct device *device;
	struct transfer_list *list; /* it is in */
	struct transfer *next, *previous;
	bool is_store, syncs, is_cancelled;
	unsigned place;
	uint64_t len;	   /* as asked for */
	uint64_t at, left; /* bytes */
	int64_t begin_ns;  /* it was asked for */
	int64_t start_ns;  /* of the operation in flight, or of waiting for a sync */
	int64_t ended_ns;  /* of the operation; 0: when it comes back */
	int64_t storage_ns;
	int64_t ready_ns; /* end of the last operation */
};

/* One of these for each device, in each worker. */
struct syncer {
	struct io_op op;    /* IO_SYNC */
	struct io_op timer; /* periodic: when it may begin */
	struct transfers *host;
	struct device *device;
	struct transfer_list waiting; /* for the next one */
	struct transfer_list served;  /* by the one in flight */
	bool is_busy;		      /* in flight, or handing out its result */
	bool is_armed;		      /* the timer */
	bool is_dirty;		      /* periodic: stored since the last one began */
	int64_t ended_ns;
};

/* Into another list; NULL: none. */
void transfer_move(struct transfer *x, struct transfer_list *to);
/* Adds the time since start_ns; ended_ns 0: up to now. */
void transfer_add_time(struct transfer *x, int64_t ended_ns);
/* The request goes on. code < 0: with status error. x is gone. */
void transfer_end(struct transfer *x, int code);

/* When an operation that is submitted next begins; submits it, and returns when it had ended if
 * that is known already, else 0. */
int64_t transfers_start_ns(const struct transfers *t);
int64_t transfers_submit(struct transfers *t, struct io_op *op);

bool syncers_create(struct transfers *t);
struct transfer_list *syncer_waiting(struct transfers *t, unsigned device);
struct transfer_list *syncer_served(struct transfers *t, unsigned device);
/* A store has been written as a whole. */
void syncer_written(struct transfer *x);

#endif
