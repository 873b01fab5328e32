/*
 * io_uring_buffers.c - one mapping: the ring's entries, then, on the next page, the buffers.
 *
 * Pages are touched when the kernel first fills them, so a ring that is larger than the traffic
 * costs address space only until it has been once around.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/io_uring_buffers.h"

#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 64 /* a cache line; datagrams begin with a structure of the kernel's */

int uring_buffers_open(struct uring_buffers *b, struct io_uring *ring, uint32_t count,
		       uint32_t size_bytes, struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t ring_bytes = (count * sizeof(struct io_uring_buf) + page - 1) / page * page;
	uint32_t stride_bytes = (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	size_t mapped_bytes = ring_bytes + (size_t)count * stride_bytes;
	struct io_uring_buf_reg reg = { .ring_entries = count, .bgid = URING_BUFFER_GROUP };
	uint8_t *mapping;
	int ret;

	mapping = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (mapping == MAP_FAILED)
		return err_sys(err, -errno, "%u receive buffers of %u bytes", count, size_bytes);
	reg.ring_addr = (uintptr_t)mapping;
	ret = io_uring_register_buf_ring(ring, &reg, 0);
	if (ret) {
		munmap(mapping, mapped_bytes);
		return err_sys(err, ret, "registering a ring of %u buffers (needs Linux 5.19)",
			       count);
	}
	*b = (struct uring_buffers){ (struct io_uring_buf_ring *)mapping,
				     mapping + ring_bytes,
				     mapped_bytes,
				     count,
				     size_bytes,
				     stride_bytes };
	io_uring_buf_ring_init(b->ring);
	for (uint32_t i = 0; i < count; i++)
		uring_buffers_return(b, (int)i);
	return 0;
}

void uring_buffers_close(struct uring_buffers *b, struct io_uring *ring)
{
	if (!b->ring)
		return;
	io_uring_unregister_buf_ring(ring, URING_BUFFER_GROUP);
	munmap(b->ring, b->mapped_bytes);
	b->ring = NULL;
}
