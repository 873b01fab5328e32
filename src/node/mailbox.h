/*
 * mailbox.h - descriptors on their way from one thread to another: one puts, one takes.
 *
 * A ring without locks. Who puts wakes the other side afterwards; a full box is the putter's
 * problem: try another, or wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_MAILBOX_H
#define RW_NODE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/address.h"

#define MAILBOX_SLOTS 256 /* a power of two */

/* Zero is an empty box. */
struct mailbox {
	_Alignas(64) atomic_uint put; /* so many were put and taken since the start */
	_Alignas(64) atomic_uint taken;
	int fds[MAILBOX_SLOTS];
	struct mailbox *next;	  /* of the same taker */
	enum transport transport; /* of all that come through here; fixed before any does */
};

/* False: full. */
bool mailbox_put(struct mailbox *box, int fd);
/* A descriptor, or -1: empty. */
int mailbox_take(struct mailbox *box);

#endif
