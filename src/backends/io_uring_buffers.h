/*
 * io_uring_buffers.h - the ring of buffers from which the kernel picks one for received bytes.
 *
 * A buffer belongs to the kernel from uring_buffers_return() until a completion names it. The
 * ring is first in, first out, so all its bytes pass through the cache: few and large is better
 * than many. One group a backend, for streams and datagrams alike.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_IO_URING_BUFFERS_H
#define RW_BACKENDS_IO_URING_BUFFERS_H

#include <liburing.h>

#include "base/err.h"

#define URING_BUFFER_GROUP 0

struct uring_buffers {
	struct io_uring_buf_ring *ring; /* NULL: not open */
	uint8_t *memory;
	size_t mapped_bytes; /* ring and memory are one mapping */
	uint32_t count, size_bytes;
	uint32_t stride_bytes; /* from one buffer to the next, aligned */
};

/* count: a power of two, at most 32768. */
int uring_buffers_open(struct uring_buffers *b, struct io_uring *ring, uint32_t count,
		       uint32_t size_bytes, struct err *err);
/* Takes a zeroed object. ring: the one it was opened with, still open. */
void uring_buffers_close(struct uring_buffers *b, struct io_uring *ring);

static inline uint8_t *uring_buffers_at(const struct uring_buffers *b, int id)
{
	return b->memory + (size_t)id * b->stride_bytes;
}

static inline void uring_buffers_return(struct uring_buffers *b, int id)
{
	io_uring_buf_ring_add(b->ring, uring_buffers_at(b, id), b->size_bytes, (unsigned short)id,
			      io_uring_buf_ring_mask(b->count), 0);
	io_uring_buf_ring_advance(b->ring, 1);
}

#endif
