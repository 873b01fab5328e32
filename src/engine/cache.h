/*
 * cache.h - objects of one size, kept for reuse: last in, first out, so that they are warm.
 *
 * Keeps up to `keep` free objects; what comes back beyond that goes to free(), so memory that a
 * burst took is returned. With a pool, objects come from there first, and those always stay: the
 * pool is bounded. Not for several threads. Objects are not zeroed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_CACHE_H
#define RW_ENGINE_CACHE_H

#include <stdint.h>
#include <stdlib.h>

#include "engine/pool.h"

struct cache {
	void *head;
	uint32_t size; /* of an object, at least a pointer's */
	uint32_t free, keep;
	uint32_t live;	   /* given out and not back yet */
	struct pool *pool; /* outlives the objects; NULL: none */
};

static inline void cache_init(struct cache *c, uint32_t size, uint32_t keep)
{
	*c = (struct cache){ .size = size, .keep = keep };
}

static inline void cache_init_in(struct cache *c, struct pool *pool, uint32_t size, uint32_t keep)
{
	*c = (struct cache){ .size = size, .keep = keep, .pool = pool };
}

static inline bool cache_lies_in_pool(const struct cache *c, const void *object)
{
	return c->pool && pool_has(c->pool, object);
}

static inline void *cache_make(struct cache *c)
{
	void *object = c->pool ? pool_take(c->pool, c->size) : NULL;

	return object ? object : malloc(c->size);
}

static inline void *cache_get(struct cache *c)
{
	void *object = c->head;

	if (!object)
		object = cache_make(c);
	else {
		c->head = *(void **)object;
		c->free--;
	}
	c->live += object != NULL;
	return object;
}

static inline void cache_put(struct cache *c, void *object)
{
	c->live--;
	if (c->free >= c->keep && !cache_lies_in_pool(c, object)) {
		free(object);
		return;
	}
	*(void **)object = c->head;
	c->head = object;
	c->free++;
}

static inline void cache_finish(struct cache *c)
{
	while (c->head) {
		void *object = c->head;

		c->head = *(void **)object;
		if (!cache_lies_in_pool(c, object))
			free(object);
	}
	c->free = 0;
}

#endif
