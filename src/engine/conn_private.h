/*
 * conn_private.h - what loop.c, conn.c and conn_input.c know of each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_CONN_PRIVATE_H
#define RW_ENGINE_CONN_PRIVATE_H

#include "engine/conn.h"

/* struct conn.flags */
enum {
	CONN_CONNECTING = 1 << 0,
	CONN_READING = 1 << 1,	  /* recv is in flight */
	CONN_CANCELLING = 1 << 2, /* and was asked to come back */
	CONN_PAUSED = 1 << 3,	  /* reading stopped until the peer reads */
	CONN_RAW = 1 << 4,	  /* carry holds unparsed bytes, not a message's beginning */
	CONN_DIRTY = 1 << 5,	  /* something to send that was not handed over */
	CONN_LISTED = 1 << 6,	  /* in loop->dirty */
	CONN_IN_INPUT = 1 << 7,	  /* inside conn_input: it flushes at its end */
	CONN_TOLD_FULL = 1 << 8,  /* the role knows; it is told when drained */
	CONN_FINISHING = 1 << 9,  /* closes when queue and held are empty */
	CONN_PEER_DONE = 1 << 10, /* the peer has closed its side */
	CONN_CLOSING = 1 << 11,	  /* the role has been told; the close is under way */
	CONN_GONE = 1 << 12,	  /* closed; the struct lives until the last release */
	CONN_TLS = 1 << 13,	  /* it is a struct tls_conn: tls_private.h */
	CONN_DATAGRAM = 1 << 14,  /* a struct peer: datagram_private.h */
};

/* What such a connection sends has to be seen first: no files, nothing without a copy. */
#define CONN_BY_COPY (CONN_TLS | CONN_DATAGRAM)

/* conn.c */
void conn_end(struct conn *c, enum conn_end end, int code);
void conn_end_finished(struct conn *c); /* of CONN_FINISHING: nothing is owed any more */
void conn_settle(struct conn *c);
void conn_list_dirty(struct conn *c);
void conn_after_send(struct conn *c); /* the queue has shrunk, or nothing is on its way */
/* memory: of struct conn, or of what begins with one. NULL: as conn_open(). */
struct conn *conn_create(struct loop *loop, int fd, struct cache *memory,
			 const struct conn_role *role, void *owner);
void conn_count_end(struct loop_stats *stats, enum conn_end end);
void conn_drop(struct conn *c); /* its memory, when the backend is closed */
/* In and out of loop->all and its count. */
void conn_join_loop(struct conn *c, struct loop *loop);
void conn_leave_loop(struct conn *c);

/* The longest message that the role wants to hear of. */
static inline uint32_t conn_longest(const struct conn_role *role, const struct loop *loop)
{
	return role->takes_long ? UINT32_MAX : loop->limits.message_max;
}

/* conn_input.c */
void conn_start_reading(struct conn *c);
void conn_read_on(struct conn *c); /* after a pause */
void conn_input(struct conn *c, const uint8_t *data, uint32_t len);
void conn_end_of_stream(struct conn *c);

/* Hands the sends of all connections that have something to say to the backend. */
void loop_flush(struct loop *loop);

#endif
