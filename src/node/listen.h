/*
 * listen.h - from an address to a listening socket.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_LISTEN_H
#define RW_NODE_LISTEN_H

#include "node/worker.h"

/* Bound, told the options, listening (or for datagrams). *a gets its port. fd or -errno. */
int listen_open(struct common *common, struct address *a, bool reuseport, struct err *err);

#endif
