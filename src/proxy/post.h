/*
 * post.h - datagrams under way: each leaves when it is due, through an outlet.
 *
 * A heap by due time, because datagrams may overtake each other; of two with the same time the one
 * that came first goes first. An outlet is a socket and what waits to be sent on it: one send is in
 * flight, as the backend's contract wants it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_POST_H
#define RW_PROXY_POST_H

#include "engine/loop.h"
#include "proxy/line.h"

struct post;
struct flow;

struct packet {
	struct packet *next; /* in an outlet */
	int64_t due_ns;
	uint64_t sequence;
	struct outlet *outlet;
	struct flow *flow; /* whose it is, and in which direction */
	uint8_t way;
	struct line line;
	uint64_t load;
};

struct outlet {
	struct io_op op;
	struct post *post;
	int fd;
	struct packet *first, *last;
	struct packet *sending;
	struct msghdr msg;
	struct iovec parts[LINE_PARTS];
};

struct post {
	struct loop *loop;
	struct line_pool *lines;
	struct cache packets;
	struct packet **heap;
	uint32_t count, size;
	uint64_t sequence;
	struct io_op timer;
	int64_t timer_ns;
	bool is_armed;
	/* Where a packet goes; NULL and 0: its outlet is connected. False: nowhere any more. */
	bool (*address)(const struct packet *p, struct sockaddr **ret, socklen_t *ret_len);
	/* It has left (bytes) or is lost (-errno); its memory goes after this. */
	void (*gone)(struct packet *p, int result);
};

/* Fills in a post with address and gone set. */
void post_init(struct post *post, struct loop *loop, struct line_pool *lines);
/* Loses all that is not due yet. */
void post_drop(struct post *post);
/* When the backend is closed: frees what is under way, without calling gone(). */
void post_finish(struct post *post);

/* A copy of the bytes. NULL: memory is out. */
struct packet *post_packet(struct post *post, const uint8_t *data, uint32_t len);
/* On its way until due_ns; outlet, flow and way are set. gone() is called when it is over. */
void post_send(struct post *post, struct packet *p, int64_t due_ns);
/* Lets go what is due. */
void post_run(struct post *post);

void outlet_init(struct outlet *o, struct post *post, int fd);
/* Forgets what waits in it; what is in flight comes back. */
void outlet_drop(struct outlet *o);
/* When the backend is closed: nothing comes back. */
void outlet_finish(struct outlet *o);

#endif
