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

void memory_add(struct memory *m, const char *what, const void *base, size_t len)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = (uintptr_t)base / page * page;
	uintptr_t end = ((uintptr_t)base + len + page - 1) / page * page;

	if (!base || !len || m->count == MEMORY_RANGES)
		return;
	m->ranges[m->count++] = (struct memory_range){ what, (void *)begin, end - begin };
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
		memory_add(m, own[i].what, own[i].base, own[i].len);
}

struct thread_parts memory_parts(const struct memory *m, struct backend *backend)
{
	return (struct thread_parts){ .backend = backend,
				      .ranges = m->ranges,
				      .range_count = m->count };
}
