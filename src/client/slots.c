/*
 * slots.c - see slots.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/slots.h"

#include <errno.h>
#include <stdlib.h>

/* previous of a free slot: no index, because the table is smaller. */
#define FREE UINT32_MAX

int slots_init(struct slots *s, uint32_t count)
{
	uint32_t size = count + 1;

	*s = (struct slots){ .size = size, .free = count ? 1 : 0 };
	s->table = calloc(size, sizeof(*s->table));
	if (!s->table)
		return -ENOMEM;
	for (uint32_t i = 1; i < size; i++) {
		s->table[i].next = i + 1 < size ? i + 1 : 0;
		s->table[i].previous = FREE;
	}
	return 0;
}

void slots_finish(struct slots *s)
{
	free(s->table);
	*s = (struct slots){ 0 };
}

struct slot *slots_take(struct slots *s)
{
	struct slot *head = s->table, *slot = &s->table[s->free];
	uint32_t index = s->free;

	if (!index)
		return NULL;
	s->free = slot->next;
	s->used++;
	slot->next = 0;
	slot->previous = head->previous;
	s->table[head->previous].next = index;
	head->previous = index;
	return slot;
}

void slots_drop(struct slots *s, struct slot *slot)
{
	s->table[slot->previous].next = slot->next;
	s->table[slot->next].previous = slot->previous;
	slot->generation++;
	slot->next = s->free;
	slot->previous = FREE;
	s->free = slot - s->table;
	s->used--;
}

uint64_t slots_id(const struct slots *s, const struct slot *slot)
{
	return (uint64_t)slot->generation << 32 | (uint32_t)(slot - s->table);
}

static const struct slot *at(const struct slots *s, uint64_t id)
{
	uint32_t index = id;

	return index && index < s->size ? &s->table[index] : NULL;
}

struct slot *slots_find(const struct slots *s, uint64_t id)
{
	const struct slot *slot = at(s, id);

	if (!slot || slot->previous == FREE || slot->generation != id >> 32)
		return NULL;
	return &s->table[slot - s->table];
}

bool slots_was_used(const struct slots *s, uint64_t id)
{
	const struct slot *slot = at(s, id);

	return slot && id >> 32 < slot->generation;
}

struct slot *slots_oldest(const struct slots *s)
{
	return slots_after(s, s->table);
}

struct slot *slots_after(const struct slots *s, const struct slot *slot)
{
	return slot->next ? &s->table[slot->next] : NULL;
}
