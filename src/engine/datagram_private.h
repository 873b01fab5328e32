/*
 * datagram_private.h - what the files of datagram.h know of each other, and conn.c of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_DATAGRAM_PRIVATE_H
#define RW_ENGINE_DATAGRAM_PRIVATE_H

#include <netinet/in.h>

#include "engine/conn_private.h"
#include "engine/datagram.h"

/* A conn without a descriptor of its own; conn.recv.fd is the socket's, conn.closing unused. */
struct peer {
	struct conn conn;
	struct datagram *socket;
	struct peer *hash_next;
	struct peer *older, *newer; /* by the last message */
	struct peer *wait_next;	    /* in socket->waiting */
	int64_t used_ns;
	uint32_t in_flight; /* parts of the burst that is being sent */
	bool is_waiting;
	uint8_t address_len; /* 0: connected */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
};

/* Some datagrams of one peer, as one message for the kernel. */
struct part {
	struct peer *peer;
	uint32_t bytes;	 /* in the peer's queue */
	uint32_t len;	 /* of each datagram */
	uint32_t number; /* of datagrams */
};

/* One send in flight: an IO_SENDMSG, or an IO_SENDMMSG of several. */
struct burst {
	struct io_op op;
	struct datagram *socket;
	bool is_large;
	uint32_t count, done; /* parts */
	uint32_t iov_count, iov_max;
	struct part *parts;
	struct mmsghdr *messages;
	struct iovec *iovs;
	uint8_t *controls;
};

struct datagram {
	struct io_op recv;
	struct io_op idle;    /* IO_TIMER */
	struct io_op closing; /* IO_CLOSE, of a connected socket */
	struct loop *loop;
	const struct conn_role *role;
	void *owner;
	void (*failed)(void *owner, int code);
	struct datagram_opts opts;
	struct datagram *next, **linked; /* in loop->datagrams */
	struct datagram *dirty_next;	 /* in loop->dirty_datagrams */

	bool is_receiving, is_timing; /* the operation is in flight */
	bool is_stopped;	      /* receives no more */
	bool is_ended;		      /* waits for what is in flight, to be freed */
	bool is_connected;	      /* has one peer only, and owns the descriptor */
	bool is_closed;		      /* of a connected one: the descriptor is */
	bool is_dirty;
	bool may_segment; /* opts.gso, and the kernel has not refused it */

	struct peer *connected; /* its only peer */
	struct peer **table;
	uint64_t hash_key;
	uint32_t mask, peer_count;
	uint32_t alive; /* peers, with those that are closing or held */
	struct peer *oldest, *newest;

	/* The message being appended; it is complete when another one begins, or all are sent. */
	struct peer *writer; /* NULL: none */
	uint8_t *head;
	struct chunk *head_chunk; /* NULL: it is being dropped */
	uint64_t appended;
	uint8_t *scratch; /* where dropped ones are written: a head, and CHUNK_BYTES */

	struct peer *waiting_first, *waiting_last; /* have something to send */
	uint64_t queued_bytes;			   /* of all peers */
	uint32_t queued;			   /* datagrams that no burst has yet */
	struct burst *burst;
};

static inline struct peer *peer_of(const struct conn *c)
{
	return (struct peer *)(uintptr_t)c;
}

/* The caches of a loop. */
void datagram_init_loop(struct loop *loop);
void datagram_finish_loop(struct loop *loop);
/* Ends all sockets of the loop; turns of the loop let go of them. */
void datagram_end_all(struct loop *loop);
/* After the backend is closed: a peer's memory, and a socket's. */
void datagram_drop_peer(struct conn *c);
void datagram_drop_sockets(struct loop *loop);

/* For conn.c, what its functions of these names do where c is a datagram peer. */
uint8_t *datagram_append(struct conn *c, uint32_t len);
uint8_t *datagram_append_more(struct conn *c, uint32_t len);
void datagram_append_payload(struct conn *c, uint64_t len);
void datagram_flush(struct conn *c);
void datagram_end(struct conn *c, enum conn_end end, int code);
void datagram_settle(struct conn *c);
void datagram_flush_loop(struct loop *loop);

/* datagram.c */
void datagram_end_socket(struct datagram *d);
void datagram_maybe_free(struct datagram *d);

/* datagram_peer.c */
struct peer *peer_make(struct datagram *d, const struct sockaddr *from, socklen_t len);
/* The peer of that address, made if need be; NULL: there is no room, which has been counted. */
struct peer *peer_for(struct datagram *d, const struct sockaddr *from, socklen_t len);
void peer_touch(struct peer *p);
void peer_drop_idle(struct datagram *d); /* and sets the timer for the next one */
int peer_open_table(struct datagram *d);
/* Frees it if nothing needs it any more. */
void peer_maybe_free(struct peer *p);

/* datagram_queue.c */
void peer_wait_for_turn(struct peer *p);
struct peer *peer_take_turn(struct datagram *d); /* NULL: nobody waits */
void datagram_seal(struct datagram *d);		 /* no message is being appended any more */
void datagram_drop_queue(struct peer *p);

/* datagram_send.c */
void datagram_send(struct datagram *d);
/* The kernel or the peer's has refused something that was sent. */
void datagram_refused(struct datagram *d, int code);

#endif
