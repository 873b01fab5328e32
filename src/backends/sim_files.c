/*
 * sim_files.c - simulated files: pages that were written to, and a size.
 *
 * Exact and at once; when an operation comes back, and with what fault, is sim.c's business.
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

void sim_pages_free(struct sim_socket *file)
{
	while (file->pages) {
		struct sim_page *next = file->pages->next;

		free(file->pages);
		file->pages = next;
	}
}
