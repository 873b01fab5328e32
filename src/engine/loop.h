/*
 * loop.h - one thread's event loop: a backend, its connections, and the memory they share.
 *
 * The sole caller of backend_ops. A turn waits once and handles what is finished:
 *
 *	while (!stop)
 *		loop_turn(&loop, timeout_ns);
 *
 * Roles (node, client) do not see operations except timers: they open connections (conn.h), get
 * whole messages, append replies. Sends are handed to the backend once per connection and batch:
 * while the data is hot where a send happens at once, at the end of the batch where it leaves
 * with the wait (backend_ops.sends_with_wait).
 *
 * Memory comes from the loop's caches, theirs from one mapping (pool.h): after warm-up nothing is
 * allocated per request, and what a burst took above that comes from malloc and goes back. A loop
 * belongs to one thread; only loop_wake() may be called from others and from signal handlers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_LOOP_H
#define RW_ENGINE_LOOP_H

#include "backends/backend.h"
#include "engine/cache.h"

struct conn;
struct datagram;
struct guard;
struct tls_loop;

struct loop_limits {
	uint32_t message_max; /* bytes; longer messages are a fault (but: conn_role.takes_long) */
	uint32_t connections; /* open at a time; above, new ones are closed at once */
	uint32_t out_queue;   /* bytes of answers a connection may owe before reading stops
				 (large payloads count in full but take no memory) */
	uint32_t in_flight;   /* messages held (conn_hold) per connection before reading stops */
};

/*
 * Datagrams, each counted once: in = messages + malformed + cut + over_limit + no_room; messages
 * appended = out + unsent + still queued. What was dropped before it was queued is queue_full.
 */
struct datagram_stats {
	uint64_t in, out;
	uint64_t malformed;  /* no valid message */
	uint64_t cut;	     /* longer than the backend's buffer */
	uint64_t over_limit; /* its peer has too much in progress */
	uint64_t no_room;    /* a new peer, and the table is full of those at work */
	uint64_t queue_full; /* answers: too much of the socket is unsent */
	uint64_t unsent;     /* the kernel refused it, or its peer was dropped before */
	uint64_t too_long;   /* answers that left as a refusal; also in out */
	uint64_t refused;    /* the peer's machine said that nobody listens, or is unreachable */
	uint64_t glued;	     /* receives of several datagrams as one (UDP_GRO) */
	uint64_t gso;	     /* sends of several as one (UDP_SEGMENT) */
	uint64_t gso_refused;
	uint64_t peers_evicted, peers_idle;
};

/* Adds one's counters to another's. */
void datagram_stats_add(struct datagram_stats *sum, const struct datagram_stats *one);

struct loop_stats {
	uint64_t messages_in, messages_out;
	uint64_t bytes_in, bytes_out;
	uint64_t opened, closed, faults, resets, refused;
	uint64_t pauses; /* reading stopped because a peer did not read */
	uint64_t handshakes, handshakes_resumed, handshakes_failed; /* of TLS */
	struct datagram_stats udp;
};

struct loop {
	const struct backend_ops *ops;
	struct backend *backend;
	struct loop_limits limits;
	struct loop_stats stats;
	struct pool pool; /* of all objects that a cache keeps */
	struct cache conns, chunks, senders, carries;
	struct conn *dirty;   /* have something to send */
	struct conn *all;     /* every open connection */
	struct tls_loop *tls; /* NULL: there was no TLS connection yet */
	struct guard *guard;  /* NULL: no proof of a secret was asked for yet */
	uint32_t conn_count, conn_peak;
	struct datagram *datagrams;	  /* every UDP socket */
	struct datagram *dirty_datagrams; /* have something to send */
	struct cache peers, bursts, small_bursts;
};

/* opts: the backend's options. Opens the backend in the calling thread. */
int loop_init(struct loop *loop, const struct backend_ops *ops, const void *opts,
	      const struct loop_limits *limits, struct err *err);
/* Drops connections without ceremony (their role is told); takes a zeroed loop. */
void loop_finish(struct loop *loop);

/* Waits at most timeout_ns (negative: for ever, 0: not at all). 0, or -errno: the backend is
 * broken. */
int loop_turn(struct loop *loop, int64_t timeout_ns);

/* When the current batch was received: CLOCK_MONOTONIC, read once a batch. */
static inline int64_t loop_now_ns(const struct loop *loop)
{
	return loop->backend->now_ns;
}

/* For operations of roles' own: timers, accepts, connects. done() of the op is called in
 * loop_turn(). */
static inline void loop_submit(struct loop *loop, struct io_op *op)
{
	loop->ops->submit(loop->backend, op);
}

static inline void loop_cancel(struct loop *loop, struct io_op *op)
{
	loop->ops->cancel(loop->backend, op);
}

static inline void loop_wake(struct loop *loop)
{
	loop->ops->wake(loop->backend);
}

/* Closes a descriptor through the backend when no struct conn stands for it (refused ones). */
void loop_close_fd(struct loop *loop, int fd);

#endif
