/*
 * sim_files.c - simulated files: pages that were written to, and a size.
 *
 * When an operation comes back is sim.c's business.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sim_net.h"

#define PAGE 4096

struct sim_page {
	struct sim_page *next;
	uint64_t number;
	uint8_t bytes[PAGE];
};

static struct sim_page *find(const struct sim_socket *file, uint64_t number)
{
	struct sim_page *page = file->pages;

	while (page && page->number != number)
		page = page->next;
	return page;
}

static struct sim_page *make(struct sim_socket *file, uint64_t number)
{
	struct sim_page *page = calloc(1, sizeof(*page));

	if (!page)
		return NULL;
	page->number = number;
	page->next = file->pages;
	return file->pages = page;
}

/* How much of len at offset lies in one page. */
static size_t in_page(uint64_t offset, size_t len)
{
	size_t left = PAGE - offset % PAGE;

	return len < left ? len : left;
}

int sim_pages_read(const struct sim_socket *file, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	if (file->kind != SIM_FILE)
		return -ESPIPE;
	if (offset >= file->size)
		return 0;
	len = len < file->size - offset ? len : file->size - offset;
	len = len < INT32_MAX ? len : INT32_MAX;
	while (done < len) {
		struct sim_page *page = find(file, (offset + done) / PAGE);
		size_t n = in_page(offset + done, len - done);

		if (page)
			memcpy((uint8_t *)buf + done, page->bytes + (offset + done) % PAGE, n);
		else
			memset((uint8_t *)buf + done, 0, n);
		done += n;
	}
	return (int)len;
}

int sim_pages_write(struct sim_socket *file, const void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	if (file->kind != SIM_FILE)
		return -ESPIPE;
	if (offset > INT64_MAX - len)
		return -EFBIG;
	len = len < INT32_MAX ? len : INT32_MAX;
	while (done < len) {
		uint64_t number = (offset + done) / PAGE;
		struct sim_page *page = find(file, number);
		size_t n = in_page(offset + done, len - done);

		if (!page && !(page = make(file, number)))
			return -ENOSPC;
		memcpy(page->bytes + (offset + done) % PAGE, (const uint8_t *)buf + done, n);
		done += n;
	}
	if (len && offset + len > file->size)
		file->size = offset + len;
	return (int)len;
}

static int read_or_write(struct sim_net *net, struct sim_socket *file, const struct io_op *op)
{
	size_t len = sim_draw_shorter(net, net->faults.short_file, op->len);
	uint64_t limit = net->faults.file_limit;

	if (op->kind == IO_READ)
		return sim_pages_read(file, op->rbuf, len, op->offset);
	if (net->faults.file_full)
		return -ENOSPC;
	if (limit && op->offset >= limit)
		return -EFBIG;
	if (limit && len > limit - op->offset)
		len = limit - op->offset;
	return sim_pages_write(file, op->buf, len, op->offset);
}

int sim_file_call(struct sim_net *net, const struct io_op *op)
{
	struct sim_socket *file = sim_find(net, op->fd);

	if (!file)
		return -EBADF;
	if (sim_draw_fault(net, net->faults.file_error))
		return -EIO;
	if (op->kind == IO_SYNC)
		return file->kind == SIM_FILE ? 0 : -EINVAL;
	return op->offset > INT64_MAX ? -EINVAL : read_or_write(net, file, op);
}

int64_t sim_file_end_ns(struct sim_net *net, const struct backend *b, int64_t *device_ns,
			const struct io_op *op)
{
	int64_t end_ns = net->now_ns;

	if (b->files == FILES_INLINE)
		return end_ns;
	if (b->files == FILES_THREAD && op->device >= SIM_DEVICES)
		return -ENODEV;
	if (b->files == FILES_THREAD && device_ns[op->device] > end_ns)
		end_ns = device_ns[op->device];
	end_ns += net->faults.file_delay_ns;
	if (net->faults.file_jitter_ns > 0)
		end_ns += (int64_t)sim_draw_below(net, net->faults.file_jitter_ns + 1);
	if (b->files == FILES_THREAD)
		device_ns[op->device] = end_ns;
	return end_ns;
}

void sim_pages_free(struct sim_socket *file)
{
	while (file->pages) {
		struct sim_page *next = file->pages->next;

		free(file->pages);
		file->pages = next;
	}
}
