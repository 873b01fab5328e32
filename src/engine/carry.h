/*
 * carry.h - bytes kept between two receives: a cut message, or what came before a pause.
 *
 * The usual size comes from the loop's cache and holds any head and body; bytes read before a pause
 * may need more and come from malloc. Used by conn.c alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_CARRY_H
#define RW_ENGINE_CARRY_H

#include <stdint.h>

#include "engine/cache.h"
#include "engine/wire.h"

#define CARRY_BYTES (WIRE_HEAD + WIRE_BODY_MAX)

struct carry {
	uint32_t len, size;
	uint8_t bytes[];
};

/* Room for at least size bytes, empty. NULL: memory is out. */
static inline struct carry *carry_get(struct cache *carries, uint32_t size)
{
	struct carry *k;

	if (size <= CARRY_BYTES) {
		size = CARRY_BYTES;
		k = cache_get(carries);
	} else {
		k = malloc(sizeof(*k) + size);
	}
	if (k) {
		k->len = 0;
		k->size = size;
	}
	return k;
}

static inline void carry_put(struct cache *carries, struct carry *k)
{
	if (!k)
		return;
	if (k->size == CARRY_BYTES)
		cache_put(carries, k);
	else
		free(k);
}

static inline void carry_add(struct carry *k, const uint8_t *data, uint32_t len)
{
	memcpy(k->bytes + k->len, data, len);
	k->len += len;
}

#endif
