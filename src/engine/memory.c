/*
 * memory.c - see memory.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/memory.h"

#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include "engine/loop.h"

static void add(struct memory *m, struct memory_range r)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = (uintptr_t)r.base / page * page;
	uintptr_t end = ((uintptr_t)r.base + r.len + page - 1) / page * page;

	if (!r.base || !r.len || m->count == MEMORY_RANGES)
		return;
	r.base = (void *)begin;
	r.len = end - begin;
	m->ranges[m->count++] = r;
}

void memory_add(struct memory *m, const char *what, const void *base, size_t len)
{
	add(m, (struct memory_range){ what, (void *)(uintptr_t)base, len });
}

void memory_add_stack(struct memory *m)
{
	pthread_attr_t attr;
	size_t len = 0;
	void *base;

	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &base, &len))
		memory_add(m, "stack", base, len);
	pthread_attr_destroy(&attr);
}

void memory_add_loop(struct memory *m, const struct loop *loop)
{
	struct memory_range own[MEMORY_RANGES];
	unsigned count = 0;

	memory_add(m, "messages", loop->pool.base, loop->pool.size);
	if (loop->backend && loop->ops->memory)
		count = loop->ops->memory(loop->backend, own, MEMORY_RANGES);
	for (unsigned i = 0; i < count; i++)
		add(m, own[i]);
}

struct thread_parts memory_parts(const struct memory *m, struct backend *backend)
{
	return (struct thread_parts){ .backend = backend,
				      .ranges = m->ranges,
				      .range_count = m->count };
}
