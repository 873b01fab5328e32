/*
 * upstream_private.h - what upstream.c and upstream_link.c know of each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_UPSTREAM_PRIVATE_H
#define RW_NODE_UPSTREAM_PRIVATE_H

#include "node/upstream.h"

struct destination {
	struct destination *next; /* of the bucket */
	struct link *links;
	uint32_t hash;
	struct wire_destination place; /* its address is in bytes */
	uint8_t bytes[108];
};

struct link {
	struct upstreams *upstreams;
	struct destination *destination;
	struct link *next; /* of the destination, or of those lost */
	struct conn *conn;
	struct address address;	   /* that it connects to */
	struct tls_peer peer;	   /* by TLS */
	struct attempt *first;	   /* ring of attempts */
	struct attempt *unwritten; /* the first one that waits for room */
	struct link *idle_next, *idle_previous;
	int64_t idle_since_ns;
	uint64_t unanswered;
	unsigned level;
	bool is_open, is_idle;
	bool is_datagram; /* what is given up on it was lost, or as good as that */
};

/* upstream_link.c */
/* A link of this level to `to`; 0 or as upstream_begin(). */
int upstream_find_link(struct upstreams *u, const struct wire_destination *to, unsigned level,
		       struct link **ret);
/* It is gone: the memory is still the caller's. */
void upstream_remove_link(struct link *l);
void upstream_enter_idle(struct link *l);
void upstream_leave_idle(struct link *l);
void upstream_say(struct upstreams *u, enum upstream_trouble trouble, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* upstream.c */
extern const struct conn_role upstream_role;

#endif
