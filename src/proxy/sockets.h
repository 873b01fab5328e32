/*
 * sockets.h - the few system calls of the proxy that no backend makes.
 *
 * Passed as functions, so that the proxy runs on the simulated net, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_SOCKETS_H
#define RW_PROXY_SOCKETS_H

#include "engine/address.h"
#include "engine/hooks.h"

struct sockets {
	void *context;
	/* A non-blocking socket to be connected to `to`; of UDP it is connected. fd or -errno. */
	int (*open)(void *context, const struct address *to, struct err *err);
	/* Nothing more is sent on it: the peer is told the end (FIN). */
	void (*end)(void *context, int fd);
	/* When it is closed the peer is told a reset (RST). */
	void (*abort)(void *context, int fd);
	/* Of SOCKET_ACCEPTED and SOCKET_CONNECTED: is it as it should be? Optional. */
	int (*check)(void *context, enum socket_kind kind, int fd, struct err *err);
};

/* Those of the kernel, told to the hooks, which outlive them. */
struct sockets sockets_of_kernel(const struct hooks *hooks);

/* Listening, or of UDP bound, and told to the hooks; *bound is the address it got. fd or -errno. */
int sockets_listen(const struct address *a, int backlog, const struct hooks *hooks,
		   struct address *bound, struct err *err);

#endif
