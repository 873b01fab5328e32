/*
 * io_uring_buffers.c - one mapping: the ring's entries, then, on the next page, the buffers.
 *
 * Pages are touched when the kernel first fills them, so a ring that is larger than the traffic
 * costs address space only until it has been once around.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/io_uring_buffers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 64 /* a cache line; datagrams begin with a structure of the kernel's */

/* Younger than liburing 2.3, where the place of the flags is called padding. */
#define BUF_RING_INCREMENTAL 2

/* Fills in all but the ring, which begins where it will lie. */
static int map_memory(struct uring_buffers *b, const struct uring_buffers_setup *setup,
		      struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t ring_bytes = (setup->count * sizeof(struct io_uring_buf) + page - 1) / page * page;
	uint32_t stride_bytes = (setup->size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	size_t mapped_bytes = ring_bytes + (size_t)setup->count * stride_bytes;
	uint8_t *mapping = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mapping == MAP_FAILED)
		return err_sys(err, -errno, "%u receive buffers of %u bytes", setup->count,
			       setup->size_bytes);
	*b = (struct uring_buffers){ .ring = (struct io_uring_buf_ring *)mapping,
				     .memory = mapping + ring_bytes,
				     .mapped_bytes = mapped_bytes,
				     .count = setup->count,
				     .size_bytes = setup->size_bytes,
				     .stride_bytes = stride_bytes,
				     .group = setup->group };
	return 0;
}

static int make_tables(struct uring_buffers *b, const struct uring_buffers_setup *setup)
{
	if (setup->incremental)
		b->used_bytes = calloc(setup->count, sizeof(*b->used_bytes));
	if (setup->bundles)
		b->followers = calloc(setup->count, sizeof(*b->followers));
	return (setup->incremental && !b->used_bytes) || (setup->bundles && !b->followers) ? -ENOMEM
											   : 0;
}

static int refuse(const struct uring_buffers_setup *setup, int code, struct err *err)
{
	if (setup->incremental && code == -EINVAL)
		return err_set(err, -EOPNOTSUPP,
			       "io_uring.incremental-buffers=yes: this kernel cannot fill buffers "
			       "piece by piece: Linux 6.12 or later is needed");
	return err_sys(err, code, "registering a ring of %u buffers (needs Linux 5.19)",
		       setup->count);
}

static void release(struct uring_buffers *b)
{
	munmap(b->ring, b->mapped_bytes);
	free(b->used_bytes);
	free(b->followers);
	*b = (struct uring_buffers){ 0 };
}

int uring_buffers_open(struct uring_buffers *b, struct io_uring *ring,
		       const struct uring_buffers_setup *setup, struct err *err)
{
	struct io_uring_buf_reg reg = { .ring_entries = setup->count,
					.bgid = setup->group,
					.pad = setup->incremental ? BUF_RING_INCREMENTAL : 0 };
	int ret = map_memory(b, setup, err);

	if (ret)
		return ret;
	reg.ring_addr = (uintptr_t)b->ring;
	ret = make_tables(b, setup);
	if (!ret)
		ret = io_uring_register_buf_ring(ring, &reg, 0);
	if (ret) {
		release(b);
		return refuse(setup, ret, err);
	}
	io_uring_buf_ring_init(b->ring);
	for (uint32_t i = 0; i < setup->count; i++)
		uring_buffers_return(b, (int)i);
	return 0;
}

void uring_buffers_close(struct uring_buffers *b, struct io_uring *ring)
{
	if (!b->ring)
		return;
	io_uring_unregister_buf_ring(ring, b->group);
	release(b);
}
