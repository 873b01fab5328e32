/*
 * overdue.c - see overdue.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/overdue.h"

#include <errno.h>
#include <stdlib.h>

int overdue_init(struct overdue *o)
{
	*o = (struct overdue){
		.ring = calloc(OVERDUE_MAX + 1, sizeof(*o->ring)),
		.chains = calloc(OVERDUE_MAX, sizeof(*o->chains)),
	};
	return o->ring && o->chains ? 0 : -ENOMEM;
}

void overdue_finish(struct overdue *o)
{
	free(o->ring);
	free(o->chains);
	*o = (struct overdue){ 0 };
}

static uint32_t *chain_of(struct overdue *o, uint64_t id)
{
	return &o->chains[(id * 0x9E3779B97F4A7C15ULL) >> 32 & (OVERDUE_MAX - 1)];
}

/* NULL: it is not there. */
static uint32_t *find(struct overdue *o, uint64_t id)
{
	uint32_t *at = chain_of(o, id);

	while (*at && o->ring[*at].id != id)
		at = &o->ring[*at].next;
	return *at ? at : NULL;
}

static void forget(struct overdue *o, uint32_t *at)
{
	struct overdue_entry *e = &o->ring[*at];

	*at = e->next;
	e->id = 0;
}

void overdue_add(struct overdue *o, uint64_t id, bool is_measured)
{
	uint32_t place = 1 + (o->added++ & (OVERDUE_MAX - 1));
	uint32_t *chain = o->ring ? chain_of(o, id) : NULL;

	if (!chain)
		return;
	if (o->ring[place].id)
		forget(o, find(o, o->ring[place].id));
	o->ring[place] = (struct overdue_entry){ id, *chain, is_measured };
	*chain = place;
}

bool overdue_take(struct overdue *o, uint64_t id, bool *ret_is_measured)
{
	uint32_t *at = o->ring && id ? find(o, id) : NULL;

	if (!at)
		return false;
	*ret_is_measured = o->ring[*at].is_measured;
	forget(o, at);
	return true;
}
