/*
 * pool.c - see pool.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/pool.h"

#include <errno.h>
#include <sys/mman.h>

#define LINE 64

/* An aligned piece of a mapping that is too large; what lies around it goes back. */
int pool_open(struct pool *p, size_t size)
{
	size_t mapped = size + POOL_ALIGNMENT, before;
	uint8_t *at =
		mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	before = -(uintptr_t)at % POOL_ALIGNMENT;
	if (before)
		munmap(at, before);
	munmap(at + before + size, mapped - before - size);
	*p = (struct pool){ .base = at + before, .size = size };
	return 0;
}

void pool_close(struct pool *p)
{
	if (p->base)
		munmap(p->base, p->size);
	*p = (struct pool){ 0 };
}

/*
 * Whole lines of the cache, and an odd number of them: the heads of objects that are 2 KiB apart
 * would share two sets of the first cache, and push each other out of it.
 */
void *pool_take(struct pool *p, size_t size)
{
	size_t lines = (size + LINE - 1) / LINE | 1;
	void *object = p->base + p->used;

	if (lines * LINE > p->size - p->used)
		return NULL;
	p->used += lines * LINE;
	return object;
}
