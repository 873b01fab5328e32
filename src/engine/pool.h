/*
 * pool.h - one mapping that a loop's caches take their objects from.
 *
 * What malloc gives lies between other things of other threads, so nobody could say on which node
 * or in which kind of pages a loop's messages are. A pool is a range of its own: whole pages, at a
 * huge page's boundary, known to whoever counts or moves them (memory.h). Objects are taken in turn
 * and never given back; those who keep them for reuse are the caches (cache.h), which go to malloc
 * for what a burst needs beyond. Pages exist when they are first used.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_POOL_H
#define RW_ENGINE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_ALIGNMENT (2UL << 20) /* a huge page of x86 and of arm64 with 4 KiB pages */

struct pool {
	uint8_t *base; /* NULL: not open */
	size_t size, used;
};

/* size: a multiple of POOL_ALIGNMENT. 0 or -ENOMEM. */
int pool_open(struct pool *p, size_t size);
void pool_close(struct pool *p); /* takes a zeroed one */

/* NULL: it is used up. */
void *pool_take(struct pool *p, size_t size);

static inline bool pool_has(const struct pool *p, const void *object)
{
	return (uintptr_t)object - (uintptr_t)p->base < p->size;
}

#endif
