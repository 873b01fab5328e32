/*
 * worker.h - one thread that serves: a loop, its connections, the programs they send.
 *
 * A worker gets its connections from acceptors of its own (accept.h, in its loop) or through
 * mailboxes from other threads. What others may read while it runs is a copy of its counters, which
 * it makes when it is asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_WORKER_H
#define RW_NODE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/gate.h"
#include "engine/speaker.h"
#include "node/forward.h"
#include "node/mailbox.h"
#include "node/node.h"
#include "node/program.h"
#include "node/transfer.h"

/* Only forward: what a node does with new and old connections. */
enum phase {
	PHASE_SERVING,
	PHASE_CLOSED,	/* nothing is accepted any more */
	PHASE_STOPPING, /* workers drain and end */
};

/* What all threads of a node share: fixed before they start, but for the last four. */
struct common {
	struct node_opts opts;
	const struct backend_ops *backend;
	const void *backend_opts;
	struct hooks hooks;
	struct compute compute;
	struct tls_context *tls;	 /* NULL: no address is on TLS */
	struct secret *secret;		 /* NULL: nobody is asked for one, and none is shown */
	struct tls_context *forward_tls; /* NULL: nothing is forwarded by TLS */
	struct allow_list allowed;
	struct gate gate;
	struct speaker speaker;
	struct storage storage;
	atomic_int phase;
	atomic_uint connections; /* open on all workers */
	atomic_bool told_full;	 /* no descriptors left: said once */
	atomic_ullong told;	 /* what was said of forwards: a bit by each sentence's hash */
};

struct acceptor;
struct endpoint;

#define WORKER_ALIGNMENT 4096
#define STATS_WORDS	 (sizeof(struct node_stats) / sizeof(uint64_t))

/* On pages of its own, so that its memory can be where it runs. */
struct worker {
	_Alignas(WORKER_ALIGNMENT) struct loop loop;
	struct program_host host;
	struct forwards forwards;
	struct transfers transfers;
	struct common *common;
	struct acceptor *acceptors; /* in this loop */
	struct endpoint *endpoints;
	struct mailbox *boxes;
	bool draining;
	struct node_stats stats; /* all but what loop, backend and host count themselves */
	struct io_op rest;	 /* a timer: sentences that were left out are counted then */
	bool rest_is_due;
	int64_t refusals_since_ns; /* a second: how many of its refusals were said */
	unsigned refusals_said;
	pthread_t thread;
	unsigned index;
	struct err failure; /* what ended it before its time */

	/* For other threads. */
	_Alignas(64) atomic_bool has_mail;
	atomic_bool has_ended;
	atomic_bool wants_stats;
	atomic_uint publications;
	atomic_uint_fast64_t accept_errors;
	_Atomic uint64_t published[STATS_WORDS];
};

/* Fills in a zeroed worker. */
void worker_init(struct worker *w, struct common *common, unsigned index);
/* Its thread; it comes to common->gate. 0 or -errno. */
int worker_start(struct worker *w, struct err *err);

/* Of connections that UDP sockets make. */
extern const struct conn_role worker_datagram_role;

/* In the worker's thread: a connection is its from here on. */
void worker_take(struct worker *w, int fd, enum transport transport);
/*
 * worker_sockets.c: socket options of what was accepted, of what will connect to *a, and of what
 * has connected. The first and the last only if hooks.wants_connections. 0, or -errno and why.
 */
int worker_check_accepted(const struct worker *w, int fd, struct err *err);
int worker_prepare_upstream(struct worker *w, const struct address *a, int fd, struct err *err);
int worker_check_upstream(const struct worker *w, int fd, struct err *err);
/*
 * worker_say.c: sentences for a person. Why a connection ended; why a request is refused, unless
 * that was said of this connection, or ten were said in this second; and, when the speaker left one
 * out, how many those were, a second later, even if nothing more happens.
 */
void worker_say_end(struct worker *w, const struct conn *c, enum conn_end end, int code);
void worker_say_refused(struct worker *w, struct conn *c, const struct message *m,
			enum wire_fault why);
void worker_say_rest_later(struct worker *w);
/* In any thread, after something was put into one of its boxes, or the phase has changed. */
void worker_notify(struct worker *w);
/* In the worker's thread: makes the copy of its counters anew. */
void worker_publish(struct worker *w);
/*
 * The copy of its counters; and, in another thread while it runs: asks for a new copy and waits for
 * it, at most 100 ms.
 */
void worker_stats(const struct worker *w, struct node_stats *ret);
void worker_ask_stats(struct worker *w);

#endif
