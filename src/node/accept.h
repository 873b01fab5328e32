/*
 * accept.h - new connections: from a listening socket to the worker that serves them.
 *
 * An acceptor watches one listening socket, in a worker's loop (own != NULL) or as a thread that
 * sits in accept(2). It gives what it gets to its workers in turn: to `own` directly, to others
 * through a mailbox each. Child and shared mode have acceptors with one worker, parent mode one
 * with all of them.
 *
 * When the process has no descriptors left it pauses and tries again: those who wait stay in the
 * backlog.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_ACCEPT_H
#define RW_NODE_ACCEPT_H

#include "node/worker.h"

struct acceptor {
	struct io_op op;    /* own: IO_ACCEPT */
	struct io_op pause; /* own: IO_TIMER */
	struct common *common;
	int fd; /* listening; the node's */
	enum transport transport;
	struct worker *own;	/* in whose loop this is; NULL: a thread */
	struct worker *workers; /* who is served */
	unsigned worker_count;
	unsigned turn;
	struct mailbox *boxes; /* one for each of workers */
	struct acceptor *next; /* of the same loop */
	unsigned index;	       /* of the thread */
	pthread_t thread;
	bool has_thread;
	bool is_pausing;
	bool is_accepting;
};

/* Gives a zeroed acceptor with common, fd, transport, own and workers its boxes, and makes it known
 * to those who will take from them. Before any thread starts. 0 or -ENOMEM. */
int acceptor_init(struct acceptor *a);
void acceptor_finish(struct acceptor *a); /* closes what was never taken */

/* In the loop of own. */
void acceptor_begin(struct acceptor *a);
void acceptor_end(struct acceptor *a);

/* As a thread; it comes to common->gate and ends when the listening socket is shut down in
 * PHASE_CLOSED. */
int acceptor_start(struct acceptor *a, struct err *err);

#endif
