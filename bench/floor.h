/*
 * floor.h - what the floor servers share: the fixed echo that they speak, and nothing more.
 *
 * A floor is the leanest server that a kernel interface allows, written by hand, single-threaded:
 * the line below which our engine on the same interface cannot fall. It has no limits, no timers
 * and no errors that it reports; it is measured against, not used.
 *
 * Every message is `size` bytes. A reply is constants with a header like that of engine/wire.h
 * (type 2) and the id of its request, so that one load program drives floors and nodes alike. All
 * replies to the bytes of one read leave in one send.
 *
 * Clients keep at most FLOOR_BURST bytes of requests outstanding on a connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BENCH_FLOOR_H
#define RW_BENCH_FLOOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FLOOR_FDS   65536
#define FLOOR_BURST (64 << 10)
#define FLOOR_HEAD  16 /* bytes of a request up to the end of its id */
#define FLOOR_ID    8  /* where the id lies */

struct floor_server {
	int listen_fd;	/* non-blocking */
	uint32_t size;	/* of a message */
	uint32_t burst; /* messages that a client keeps outstanding on a connection, usually */
	uint8_t *reply; /* FLOOR_BURST + size bytes of replies without ids */
};

/* The beginning of a request whose end is still to come. */
struct floor_conn {
	uint32_t have;
	uint8_t head[FLOOR_HEAD];
};

/* They return -errno, or never. */
int floor_select(struct floor_server *s);
int floor_poll(struct floor_server *s);
int floor_epoll(struct floor_server *s);
int floor_uring(struct floor_server *s);

/* floor_main.c: reads once, sends the replies once. False: the connection has ended. */
_Bool floor_serve(struct floor_server *s, int fd, struct floor_conn *c);
/* A new non-blocking connection, or -1. */
int floor_accept(struct floor_server *s);

/* The part of a message that began in an earlier read. Returns the bytes it took. */
static inline size_t floor_continue(struct floor_conn *c, uint32_t size, const uint8_t *in,
				    size_t len, uint8_t *out)
{
	size_t rest = size - c->have, take = len < rest ? len : rest;

	if (c->have < FLOOR_HEAD) {
		size_t room = FLOOR_HEAD - c->have;

		memcpy(c->head + c->have, in, take < room ? take : room);
	}
	c->have += (uint32_t)take;
	if (c->have == size)
		memcpy(out + FLOOR_ID, c->head + FLOOR_ID, 8);
	return take;
}

/* Copies the ids of the requests in `in` to the replies at `out`. Returns the bytes of replies. */
static inline size_t floor_answer(struct floor_conn *c, uint32_t size, const uint8_t *in,
				  size_t len, uint8_t *out)
{
	uint8_t *begin = out;

	if (c->have) {
		size_t taken = floor_continue(c, size, in, len, out);

		if (c->have < size)
			return 0;
		in += taken;
		len -= taken;
		out += size;
	}
	for (; len >= size; in += size, len -= size, out += size)
		memcpy(out + FLOOR_ID, in + FLOOR_ID, 8);
	c->have = (uint32_t)len;
	memcpy(c->head, in, len < FLOOR_HEAD ? len : FLOOR_HEAD);
	return (size_t)(out - begin);
}

#endif
