/*
 * io_uring_files.c - files in the kernel's hands: reads, writes, syncs; registered memory; polling.
 *
 * Reads and writes inside registered memory use the fixed form, which spares the kernel looking up
 * and pinning the pages each time: little for the page cache, something for O_DIRECT.
 *
 * With iopoll=yes reads and writes go through a ring of their own, whose completions the kernel
 * does not announce: it asks the device whenever it is asked itself. So while some are in flight no
 * wait sleeps, which is what a user pays for not having interrupts. Syncs have no such form and go
 * through the other ring. It takes O_DIRECT, a file system that can do it and a device with queues
 * for polling; uring_check_file() tries, and an operation on another file is -EOPNOTSUPP.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "backends/io_uring_private.h"

#define ENTRY_BYTES   (1 << 30) /* an entry's length has 32 bits; the rest is a short count */
#define CHECK_BYTES   4096
#define REGIONS_BYTES (1ULL << 30) /* the kernel takes no larger one */

#define SETUP_HYBRID_IOPOLL (1U << 17) /* younger than liburing 2.3 */

int uring_polled_open(struct uring *b, struct err *err)
{
	struct uring_polled *p = &b->polled;
	unsigned hybrid = b->opts.hybrid_iopoll ? SETUP_HYBRID_IOPOLL : 0;
	struct io_uring_params params = { .flags = IORING_SETUP_IOPOLL | IORING_SETUP_CQSIZE |
						   hybrid,
					  .cq_entries = (unsigned)b->opts.cq_entries };
	int ret;

	if (!b->opts.iopoll)
		return 0;
	ret = io_uring_queue_init_params((unsigned)b->opts.entries, &p->ring, &params);
	if (ret == -EINVAL && hybrid)
		return err_set(err, -EOPNOTSUPP,
			       "io_uring.hybrid-iopoll=yes: this kernel cannot sleep before it "
			       "polls: Linux 6.13 or later is needed");
	if (ret)
		return err_sys(err, ret, "io_uring.iopoll=yes: a ring of %d entries for files",
			       (int)b->opts.entries);
	p->open = true;
	return 0;
}

static bool is_polled(const struct uring *b, const struct io_op *op)
{
	return b->polled.open && op->kind != IO_SYNC;
}

struct io_uring_sqe *uring_polled_entry(struct uring *b, const struct io_op *op)
{
	struct io_uring_sqe *sqe;

	if (!io_is_file(op->kind) || !is_polled(b, op))
		return NULL;
	sqe = io_uring_get_sqe(&b->polled.ring);
	if (!sqe) {
		b->base.stats.syscalls++;
		io_uring_submit(&b->polled.ring);
		sqe = io_uring_get_sqe(&b->polled.ring);
	}
	if (!sqe) {
		b->broken = -EBUSY;
		return &b->nowhere;
	}
	b->polled.count++;
	b->polled.was_used = true;
	return sqe;
}

/* Submits what is new, and lets the kernel look at the devices. */
static bool reap(struct uring *b, struct io_uring_cqe **ret)
{
	struct io_uring *ring = &b->polled.ring;

	if (io_uring_sq_ready(ring)) {
		b->base.stats.syscalls++;
		io_uring_submit(ring);
	}
	b->base.stats.syscalls += !io_uring_cq_ready(ring);
	return io_uring_peek_cqe(ring, ret) == 0;
}

bool uring_take_polled(struct uring *b, bool look, struct io_result *ret)
{
	struct io_uring_cqe *cqe;
	struct io_op *op;

	if (!b->polled.count || (!look && !io_uring_cq_ready(&b->polled.ring)) || !reap(b, &cqe))
		return false;
	op = (struct io_op *)(uintptr_t)cqe->user_data;
	*ret = (struct io_result){ .op = op, .res = cqe->res };
	io_uring_cqe_seen(&b->polled.ring, cqe);
	b->polled.count--;
	uring_land(b, op);
	return true;
}

void uring_polled_close(struct uring *b)
{
	struct io_uring_cqe *cqe;

	if (!b->polled.open)
		return;
	while (b->polled.count) {
		if (!reap(b, &cqe))
			continue;
		io_uring_cqe_seen(&b->polled.ring, cqe);
		b->polled.count--;
		b->in_flight--;
	}
	io_uring_queue_exit(&b->polled.ring);
}

/* The region that memory lies in; -1: none. */
static int region_of(const struct uring *b, const void *memory, size_t len)
{
	for (unsigned i = 0; i < b->region_count; i++) {
		const struct iovec *r = &b->regions[i];
		size_t at = (size_t)((const uint8_t *)memory - (const uint8_t *)r->iov_base);

		if (at <= r->iov_len && len <= r->iov_len - at)
			return (int)i;
	}
	return -1;
}

/* With its highest bit set an offset is "where the descriptor stands" to the kernel, or worse. */
bool uring_refuses(const struct io_op *op)
{
	return (op->kind == IO_READ || op->kind == IO_WRITE) && op->offset > INT64_MAX;
}

void uring_prepare_file(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	unsigned len = op->len > ENTRY_BYTES ? ENTRY_BYTES : (unsigned)op->len;
	int region;

	if (op->kind == IO_SYNC) {
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		return;
	}
	region = b->region_count ? region_of(b, op->buf, len) : -1;
	if (op->kind == IO_READ && region >= 0)
		io_uring_prep_read_fixed(sqe, fd, op->rbuf, len, op->offset, region);
	else if (op->kind == IO_READ)
		io_uring_prep_read(sqe, fd, op->rbuf, len, op->offset);
	else if (region >= 0)
		io_uring_prep_write_fixed(sqe, fd, op->buf, len, op->offset, region);
	else
		io_uring_prep_write(sqe, fd, op->buf, len, op->offset);
}

static int add_region(struct io_uring *ring, unsigned index, struct iovec *region)
{
	__u64 tag = 0;
	int ret = index ? 0 : io_uring_register_buffers_sparse(ring, URING_REGIONS);

	if (!ret)
		ret = io_uring_register_buffers_update_tag(ring, index, region, &tag, 1);
	return ret < 0 ? ret : 0;
}

int uring_register_buffer(struct backend *base, void *memory, size_t len, struct err *err)
{
	struct uring *b = uring_of(base);
	struct iovec region = { memory, len };
	int ret;

	if (b->region_count == URING_REGIONS || len > REGIONS_BYTES)
		return err_set(err, -EINVAL,
			       "io_uring: %zu bytes cannot be registered: there are at most %d "
			       "regions of 1GiB",
			       len, URING_REGIONS);
	ret = add_region(&b->ring, b->region_count, &region);
	if (!ret && b->polled.open)
		ret = add_region(&b->polled.ring, b->region_count, &region);
	if (ret)
		return err_sys(err, ret, "io_uring: registering %zu bytes of memory", len);
	b->regions[b->region_count++] = region;
	return 0;
}

int uring_check_file(struct backend *base, int fd, struct err *err)
{
	struct uring *b = uring_of(base);
	struct io_uring_sqe *sqe = b->polled.open ? io_uring_get_sqe(&b->polled.ring) : NULL;
	struct io_uring_cqe *cqe;
	void *memory;
	int ret;

	if (!sqe)
		return 0;
	memory = aligned_alloc(CHECK_BYTES, CHECK_BYTES);
	if (!memory)
		return err_sys(err, -ENOMEM, "io_uring: trying to read a file");
	io_uring_prep_read(sqe, fd, memory, CHECK_BYTES, 0);
	ret = io_uring_submit(&b->polled.ring);
	if (ret >= 0)
		ret = io_uring_wait_cqe(&b->polled.ring, &cqe);
	if (!ret) {
		ret = cqe->res;
		io_uring_cqe_seen(&b->polled.ring, cqe);
	}
	free(memory);
	if (ret == -EOPNOTSUPP)
		return err_set(err, ret,
			       "io_uring.iopoll=yes: this file cannot be polled: it has to be open "
			       "with O_DIRECT, on a file system that can (ext4, xfs), on a device "
			       "that has queues for it (/sys/block/NAME/queue/io_poll is 1)");
	return ret < 0 ? err_sys(err, ret, "io_uring.iopoll=yes: reading the file") : 0;
}
