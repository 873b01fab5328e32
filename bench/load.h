/*
 * load.h - a lean closed-loop load on one server: N connections, P requests outstanding on each.
 *
 * The load is the smaller half of a measurement of the server's CPU time per request: a slice
 * begins and ends with nothing in flight, so requests and CPU time are counted exactly. It does
 * not measure latency (a closed loop cannot; src/client does).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BENCH_LOAD_H
#define RW_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"

/* Above this the two ends could block in send() on each other. */
#define LOAD_BURST (64 << 10)

struct load_shape {
	uint32_t connections;
	uint32_t idle;	      /* connections on top that never send */
	uint32_t outstanding; /* requests per connection */
	uint32_t size;	      /* bytes of a request and of its reply */
	bool spin;	      /* the load never sleeps */
};

struct load_conn {
	int fd;
	uint32_t have; /* bytes of a reply whose end is still to come */
};

struct load_server {
	char name[32];
	pid_t pid;
	uint16_t port;
	uint16_t forward_port; /* requests ask the server to forward there; 0: to reply at once */
	clockid_t cpu_clock;   /* of the server's process */
	int epoll_fd;
	struct load_conn *conns; /* busy ones first, then the idle */
	uint32_t count;		 /* of open ones */
	uint8_t *requests;	 /* a burst */
};

struct load_slice {
	uint64_t requests;
	int64_t cpu_ns; /* of the server */
	int64_t wall_ns;
};

/* "NAME=PID:PORT", or "NAME=PID:PORT>PORT" for requests that are forwarded to the second one. */
int load_parse(struct load_server *s, const char *text, struct err *err);
/* Connects and has one reply checked on every busy connection. */
int load_open(struct load_server *s, const struct load_shape *shape, struct err *err);
void load_close(struct load_server *s); /* takes what load_open() left half-built */
int load_run(struct load_server *s, const struct load_shape *shape, int64_t slice_ns,
	     struct load_slice *ret, struct err *err);

#endif
