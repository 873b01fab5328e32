/*
 * conn.h - one connection: bytes to messages, messages to bytes, and back-pressure.
 *
 * In: the backend lends bytes; a message that lies whole in them is handed to the role where it is.
 * Only what is cut at their end is kept (head and body, at most WIRE_HEAD + WIRE_BODY_MAX bytes;
 * padding is counted, not kept), so an idle connection owns no buffer.
 * Out: messages are appended to a queue of chunks; constant payload is a number, not bytes. One
 * send a connection is in flight. When the queue exceeds limits.out_queue, or
 * limits.in_flight messages are held, reading stops until it has shrunk to half: a peer that does
 * not read costs only itself. Answers (a role that accepts WIRE_REPLY) are read whatever is queued:
 * reading them lets the peer read in turn, and two that both stopped would wait for ever.
 *
 * Datagram peers (datagram.h) are such connections, too: what they do otherwise stands there.
 *
 * Everything here belongs to the loop's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_CONN_H
#define RW_ENGINE_CONN_H

#include "engine/loop.h"
#include "engine/outqueue.h"
#include "engine/wire.h"

struct message {
	struct wire_head head;
	const uint8_t *body; /* head.body_len bytes, valid during the call */
	int64_t received_ns; /* of the batch with its last byte; after a pause, of its end */
};

enum conn_end {
	CONN_PEER_CLOSED, /* orderly, between messages */
	CONN_CUT,	  /* closed by the peer in the middle of a message */
	CONN_LOST,	  /* reset or another error; code says which */
	CONN_FAULT,	  /* the peer sent nonsense; code is the enum wire_fault */
	CONN_LOCAL,	  /* conn_close() */
	CONN_REFUSED,	  /* could not be opened: connect failed, limit, -ERANGE; code says why */
};

/* What a role does with connections. All are called in the loop's thread. */
struct conn_role {
	uint8_t accepts; /* enum wire_type it expects; the other is a fault */
	/* Messages above limits.message_max come like all others, for the role to refuse; else they
	 * are a fault. Their padding, too, is counted and not kept. */
	bool takes_long;

	/* Connected (conn_connect), or a new peer of a UDP socket. Optional. */
	void (*opened)(struct conn *c);

	/* A whole message is here. May append, hold, close. */
	void (*message)(struct conn *c, const struct message *m);

	/* The queue shrank below half its limit after conn_is_full() was true. Optional. */
	void (*drained)(struct conn *c);

	/* Datagrams only: the peer's machine says that nobody takes them (ICMP); what is under way
	 * is lost, c goes on. Optional. */
	void (*refused)(struct conn *c, int code);

	/* Told once; nothing may be appended any more; c goes away after the last conn_release().
	 */
	void (*closed)(struct conn *c, enum conn_end end, int code);
};

/* Fields are the engine's, except owner and tag. Kept small: 10,000 idle connections are common. */
struct conn {
	struct io_op recv; /* and connect */
	struct loop *loop;
	const struct conn_role *role;
	void *owner;		     /* the role's */
	struct conn *next, **linked; /* in loop->all */
	struct sender *sender;	     /* the send in flight */
	struct carry *carry;	     /* the beginning of a message, or bytes read before a pause */
	union {
		struct {
			struct conn *dirty_next;
			struct outqueue out; /* what the peer is owed */
			uint64_t skip;	     /* padding still to come of the message in carry */
		};
		struct io_op closing; /* nothing of the above is needed any more */
	};
	uint32_t held;
	uint16_t flags;
	uint16_t tag; /* the role's */
};

/* Takes a connected non-blocking descriptor (accepted, or one end of a pair). NULL when the limit
 * is reached or memory is out: then fd has been closed and nothing is called. */
struct conn *conn_open(struct loop *loop, int fd, const struct conn_role *role, void *owner);

/* Begins to connect; opened() or closed(CONN_REFUSED) follows. fd is a fresh non-blocking socket.
 * addr must stay valid until then. NULL as above. */
struct conn *conn_connect(struct loop *loop, int fd, const struct sockaddr *addr,
			  socklen_t addr_len, const struct conn_role *role, void *owner);

/* Room for len <= CHUNK_BYTES (outqueue.h) bytes at the end of the queue, to be filled before
 * returning to the loop; they leave with the batch. NULL: memory is out and the connection is
 * closing. */
uint8_t *conn_append(struct conn *c, uint32_t len);
/* The same for what belongs to the message begun before, when that is longer than a chunk. */
uint8_t *conn_append_more(struct conn *c, uint32_t len);
/* Constant bytes (zeros) behind what was appended; any length, no memory. */
void conn_append_payload(struct conn *c, uint64_t len);
/* The same, from memory that the kernel does not copy where it can do without (IO_ZERO_COPY). */
void conn_append_payload_zero_copy(struct conn *c, uint64_t len);
/* Bytes of a file, which has them and stays open as long as the connection; if it turns out to be
 * shorter the connection is lost (-ENODATA). Where the bytes of a connection have to be seen before
 * they are sent (TLS), these and the above are constant bytes of the same number: no byte of the
 * file leaves. */
void conn_append_file(struct conn *c, int fd, uint64_t offset, uint64_t len);

/* The longest message that can be sent on it. */
uint64_t conn_send_max(const struct conn *c);

/* The role should stop appending of its own accord (answers to messages are always taken). */
bool conn_is_full(struct conn *c);

/* Sends what is queued now instead of at the end of the batch (pacing clients want that). */
void conn_flush(struct conn *c);

/* Closes after dropping what is queued. closed() is called before this returns. */
void conn_close(struct conn *c);
/* Closes when the queue is empty and nothing is held; reads no more. */
void conn_finish(struct conn *c);
/* The peer broke the rules of the format (found by the role: programs). What only asks for too much
 * is refused instead: wire.h says where the border is. */
void conn_fault(struct conn *c, enum wire_fault fault);

/* In closed(): why, as a sentence without a full stop; NULL: end and code say it all. */
const char *conn_reason(const struct conn *c);

/* Keeps c's memory and counts against limits.in_flight until released. After closed() a held
 * connection is only to be released; conn_is_open() tells. */
void conn_hold(struct conn *c);
void conn_release(struct conn *c);
bool conn_is_open(const struct conn *c);

#endif
