/*
 * mailbox.c - descriptors on their way from one thread to another.
 *
 * Each index is written by one side only; acquire and release order the slots between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/mailbox.h"

bool mailbox_put(struct mailbox *box, int fd)
{
	unsigned put = atomic_load_explicit(&box->put, memory_order_relaxed);

	if (put - atomic_load_explicit(&box->taken, memory_order_acquire) == MAILBOX_SLOTS)
		return false;
	box->fds[put % MAILBOX_SLOTS] = fd;
	atomic_store_explicit(&box->put, put + 1, memory_order_release);
	return true;
}

int mailbox_take(struct mailbox *box)
{
	unsigned taken = atomic_load_explicit(&box->taken, memory_order_relaxed);
	int fd;

	if (taken == atomic_load_explicit(&box->put, memory_order_acquire))
		return -1;
	fd = box->fds[taken % MAILBOX_SLOTS];
	atomic_store_explicit(&box->taken, taken + 1, memory_order_release);
	return fd;
}
