/*
 * kinds.h - the kinds of threads and sockets a role has, by which settings are given to them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_KINDS_H
#define RW_BASE_KINDS_H

#include <stdbool.h>

enum thread_role {
	THREAD_ACCEPTOR,
	THREAD_WORKER,
	THREAD_CLIENT,
	THREAD_STORAGE,
	THREAD_HOG,
	THREAD_SQPOLL, /* of the kernel, for one ring: iou-sqp-PID */
	THREAD_IOWQ,   /* of the kernel, for the blocking work of one thread: iou-wrk-TID */
	THREAD_ROLES
};
extern const char *const thread_role_names[];

/* What is listening is inherited by what it accepts, but not every option is. */
enum socket_kind {
	SOCKET_LISTENING,  /* bound, not listening yet */
	SOCKET_CONNECTING, /* nothing has happened on it yet */
	SOCKET_CONNECTED,  /* the same one, when the connection is there */
	SOCKET_ACCEPTED,
	SOCKET_DATAGRAM, /* of a node's address, of a client */
	SOCKET_PORT,	 /* all that listen on one port, one a worker */
	SOCKET_KINDS
};
extern const char *const socket_kind_names[];

/*
 * Memory that a thread uses again and again: whole pages, once a thread is told of them. `what`
 * lives as long as the program.
 */
struct memory_range {
	const char *what; /* "stack", "buffer ring", "messages" */
	void *base;
	unsigned long len; /* bytes */
	bool whole;	   /* one piece of the kernel's, which is on one node and stays there */
};

#endif
