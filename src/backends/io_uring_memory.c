/*
 * io_uring_memory.c - the memory a ring works with: its queues, its buffers, what is registered.
 *
 * The queues are pages of the kernel's: two pieces, allocated when the ring was made, by the policy
 * of the thread that made it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/io_uring_private.h"

unsigned uring_memory(struct backend *base, struct memory_range *ret, unsigned room)
{
	const struct uring *b = uring_of(base);
	const struct io_uring *ring = &b->ring;
	const struct memory_range all[] = {
		{ "rings", ring->sq.ring_ptr, ring->sq.ring_sz, .whole = true },
		{ "rings", ring->sq.sqes, ring->sq.ring_entries * sizeof(*ring->sq.sqes),
		  .whole = true },
		{ "buffer ring", b->buffers.ring, b->buffers.mapped_bytes },
		{ "buffer ring", b->pieces.ring, b->pieces.mapped_bytes },
		{ "file buffers", b->sender.memory, URING_SEND_BUFFERS * URING_SEND_BYTES },
	};
	unsigned count = 0;

	/* The completions are in the first mapping, too: IORING_FEAT_SINGLE_MMAP, Linux 5.4. */
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all) && count < room; i++)
		if (all[i].base)
			ret[count++] = all[i];
	return count;
}
