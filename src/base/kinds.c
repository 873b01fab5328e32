/*
 * kinds.c - the words for the kinds of threads and sockets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/kinds.h"

#include <stddef.h>

const char *const thread_role_names[] = {
	[THREAD_ACCEPTOR] = "acceptor", [THREAD_WORKER] = "worker",
	[THREAD_CLIENT] = "client",	[THREAD_STORAGE] = "storage",
	[THREAD_HOG] = "hog",		[THREAD_SQPOLL] = "sqpoll",
	[THREAD_IOWQ] = "iowq",		NULL,
};

const char *const socket_kind_names[] = {
	[SOCKET_LISTENING] = "listening socket",
	[SOCKET_CONNECTING] = "connecting socket",
	[SOCKET_CONNECTED] = "connected socket",
	[SOCKET_ACCEPTED] = "accepted socket",
	[SOCKET_DATAGRAM] = "datagram socket",
	[SOCKET_PORT] = "shared port",
	NULL,
};
