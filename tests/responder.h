/*
 * responder.h - the least that answers requests: a peer for tests of the client, good or bad.
 *
 * It stands on the same engine, so it runs on a simulated net (one turn at a time) as well as in a
 * thread of its own on loopback.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_RESPONDER_H
#define RW_TESTS_RESPONDER_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/address.h"
#include "engine/conn.h"

enum responder_manner {
	RESPONDER_ANSWERS,
	RESPONDER_FAILS,   /* with an error status */
	RESPONDER_SILENT,  /* reads and never answers */
	RESPONDER_LIES,	   /* answers to ids that nobody asked for */
	RESPONDER_REPEATS, /* answers twice */
	RESPONDER_BABBLES, /* sends what is no message */
};

struct responder {
	struct loop loop;
	enum responder_manner manner;
	atomic_uint_fast64_t seen; /* also by others than its thread */
	uint64_t close_after;	   /* closes the connection with that many seen; 0: never */
	int64_t work_ns;	   /* burnt for each request */
	struct wire_hop hop;	   /* what answers say */

	/* On loopback. */
	struct io_op accept;
	int listener;
	struct address address;
	pthread_t thread;
	atomic_bool stop;
};

void responder_init(struct responder *r, const struct backend_ops *ops, const void *opts);
struct conn *responder_adopt(struct responder *r, int fd);
void responder_adopt_datagram(struct responder *r, int fd);
void responder_finish(struct responder *r);

/* Listens on a free port of 127.0.0.1 and answers in a thread until responder_stop(). */
void responder_start(struct responder *r, const struct backend_ops *ops, const void *opts);
void responder_stop(struct responder *r);

#endif
