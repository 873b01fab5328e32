/*
 * cache.h - objects of one size, kept for reuse: last in, first out, so that they are warm.
 *
 * Keeps up to `keep` free objects; what comes back beyond that goes to free(), so memory that a
 * burst took is returned. Not for several threads. Objects are not zeroed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_CACHE_H
#define RW_ENGINE_CACHE_H

#include <stdint.h>
#include <stdlib.h>

struct cache {
	void *head;
	uint32_t size; /* of an object, at least a pointer's */
	uint32_t free, keep;
	uint32_t live; /* given out and not back yet */
};

static inline void cache_init(struct cache *c, uint32_t size, uint32_t keep)
{
	*c = (struct cache){ .size = size, .keep = keep };
}

static inline void *cache_get(struct cache *c)
{
	void *object = c->head;

	if (!object)
		object = malloc(c->size);
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
	if (c->free >= c->keep) {
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
		void *next = *(void **)c->head;

		free(c->head);
		c->head = next;
	}
	c->free = 0;
}

#endif
