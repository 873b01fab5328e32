/*
 * relay.h - what one proxy thread shares: its loop, its memory, its counters, its connections.
 *
 * What is where: door.c accepts, pair.c is a connection's life, pair_move.c moves its bytes,
 * pair_fault.c does it wrong on purpose, datagram.c is all of that for UDP. proxy.c gives it a
 * thread; tests give it the simulated net instead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_RELAY_H
#define RW_PROXY_RELAY_H

#include "engine/loop.h"
#include "engine/speaker.h"
#include "proxy/line.h"
#include "proxy/proxy.h"
#include "proxy/route.h"
#include "proxy/sockets.h"

struct pair;
struct datagrams;

/* One listening socket. */
struct door {
	struct io_op op;    /* IO_ACCEPT */
	struct io_op pause; /* IO_TIMER: when descriptors are out */
	struct relay *relay;
	int fd;
};

struct relay {
	struct loop *loop;
	const struct route *route;
	const struct proxy_opts *opts;
	struct sockets sockets;
	struct speaker *speaker;
	int64_t start_ns;
	struct proxy_stats stats;
	struct line_pool lines;
	struct cache pairs, senders;
	struct pair *all;
	struct door doors[PROXY_BINDS];
	unsigned door_count;
	struct datagrams *datagrams; /* of UDP; else NULL */
	struct io_op rest;	     /* IO_TIMER: counts the sentences that were left out */
	bool rest_is_due;
	bool told_full; /* no descriptors left: said once */
	bool is_closing;
};

/* All in the loop's thread; what is pointed to outlives the relay. 0 or -ENOMEM. */
int relay_init(struct relay *r, struct loop *loop, const struct route *route,
	       const struct proxy_opts *opts, const struct sockets *sockets,
	       struct speaker *speaker);
/* Begins to accept from (of UDP: to receive on) a socket, which stays the caller's. */
void relay_open_door(struct relay *r, int fd);
/* Closes connections, then the loop and its backend; frees everything. Takes a zeroed one. */
void relay_finish(struct relay *r);

/* For its parts. */
static inline int64_t relay_now_ns(const struct relay *r)
{
	return loop_now_ns(r->loop);
}

/* A sentence for a person, through the speaker. */
void relay_say(struct relay *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* No descriptors, no memory: another moment can be better. */
void relay_say_exhausted(struct relay *r, const char *what, int code);

void door_open(struct door *d, struct relay *r, int fd);

#endif
