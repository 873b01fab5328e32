/*
 * io_uring_buffers.h - the ring of buffers from which the kernel picks one for received bytes.
 *
 * A buffer belongs to the kernel from uring_buffers_return() until a completion names it. The
 * ring is first in, first out, so all its bytes pass through the cache: few and large is better
 * than many.
 *
 * In an incremental ring (Linux 6.12) the kernel fills a buffer piece by piece and goes to the next
 * one when it is full. Completions come in the order of the pieces and say how long each is, not
 * where: that is counted here. A buffer is given back when its last piece has been read.
 *
 * A bundle (Linux 6.10) is one receive into several buffers, all but the last of them full; the
 * completion names the first. The others are those that were given back after it, one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_IO_URING_BUFFERS_H
#define RW_BACKENDS_IO_URING_BUFFERS_H

#include <liburing.h>
#include <stdbool.h>

#include "base/err.h"

/* Groups of a backend: whole buffers, for all; pieces of buffers, for streams. */
enum { URING_GROUP, URING_GROUP_PIECES };

struct uring_buffers {
	struct io_uring_buf_ring *ring; /* NULL: not open */
	uint8_t *memory;
	uint32_t *used_bytes; /* by index; NULL: not incremental */
	uint16_t *followers;  /* by index: which was given back next; NULL: no bundles */
	size_t mapped_bytes;  /* ring and memory are one mapping */
	uint32_t count, size_bytes;
	uint32_t stride_bytes; /* from one buffer to the next, aligned */
	uint16_t group;
	uint16_t youngest; /* given back last; with followers */
};

struct uring_buffers_setup {
	uint16_t group;
	uint32_t count; /* a power of two, at most 32768 */
	uint32_t size_bytes;
	bool incremental, bundles;
};

int uring_buffers_open(struct uring_buffers *b, struct io_uring *ring,
		       const struct uring_buffers_setup *setup, struct err *err);
/* Takes a zeroed object. ring: the one it was opened with, still open. */
void uring_buffers_close(struct uring_buffers *b, struct io_uring *ring);

static inline uint8_t *uring_buffers_at(const struct uring_buffers *b, int id)
{
	return b->memory + (size_t)id * b->stride_bytes;
}

static inline void uring_buffers_return(struct uring_buffers *b, int id)
{
	if (b->followers) {
		b->followers[b->youngest] = (uint16_t)id;
		b->youngest = (uint16_t)id;
	}
	io_uring_buf_ring_add(b->ring, uring_buffers_at(b, id), b->size_bytes, (unsigned short)id,
			      io_uring_buf_ring_mask(b->count), 0);
	io_uring_buf_ring_advance(b->ring, 1);
}

/* Where the piece of len bytes lies that comes next in this buffer. *ret_last: it is full now. */
static inline uint8_t *uring_buffers_take_piece(struct uring_buffers *b, int id, uint32_t len,
						bool *ret_last)
{
	uint8_t *piece = uring_buffers_at(b, id) + b->used_bytes[id];

	b->used_bytes[id] += len;
	*ret_last = b->used_bytes[id] >= b->size_bytes;
	if (*ret_last)
		b->used_bytes[id] = 0;
	return piece;
}

#endif
