/*
 * slots.h - the requests that are under way: a fixed table, found by the id in the answer.
 *
 * An id is a slot's index and its generation, which grows whenever the slot is given back; so the
 * id of an answered or timed-out request is never valid again, and an answer that a hostile peer
 * made up finds nothing. Slots in use form a list in the order of sending: with one timeout
 * for all, the first one is always the next to expire.
 * Everything is allocated and touched by slots_init().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_SLOTS_H
#define RW_CLIENT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct session;

struct slot {
	int64_t intended_ns, sent_ns;
	struct session *session; /* whose connection carries it */
	uint32_t next, previous; /* in the order of sending, or in the list of free ones */
	uint32_t generation;
	uint32_t record; /* tally.h: where its row is */
	uint32_t session_number;
	bool is_measured;
};

struct slots {
	struct slot *table; /* [0] is the head of both lists and never given out */
	uint32_t size;	    /* of the table, with the head */
	uint32_t free;	    /* first free one, 0: none */
	uint32_t used;
};

int slots_init(struct slots *s, uint32_t count); /* 0, -ENOMEM */
void slots_finish(struct slots *s);

/* A slot at the end of the list, or NULL when all are in use. */
struct slot *slots_take(struct slots *s);
void slots_drop(struct slots *s, struct slot *slot);

uint64_t slots_id(const struct slots *s, const struct slot *slot);
/* The slot in use that has this id, or NULL. */
struct slot *slots_find(const struct slots *s, uint64_t id);
/* This id was given out before and is not in use any more. */
bool slots_was_used(const struct slots *s, uint64_t id);

/* In the order of sending; NULL at the end. */
struct slot *slots_oldest(const struct slots *s);
struct slot *slots_after(const struct slots *s, const struct slot *slot);

#endif
