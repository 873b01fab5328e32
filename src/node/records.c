/*
 * records.c - see records.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/records.h"

/* The beginning of records that is a tree, none of them too deep to be put one deeper. */
static uint32_t sound_len(const uint8_t *p, uint32_t len)
{
	uint32_t at = 0;
	unsigned depth = 0;

	while (len - at >= WIRE_CHILD && p[at] && p[at] <= depth + 1 && p[at] < WIRE_DEPTH &&
	       p[at + 1] < WIRE_STATUSES) {
		depth = p[at];
		at += WIRE_CHILD;
	}
	return at;
}

void records_add(struct records *r, const struct wire_child *child, const uint8_t *body,
		 uint32_t body_len, uint8_t flags)
{
	uint32_t len = body_len > WIRE_HOP ? body_len - WIRE_HOP : 0;
	uint32_t sound = len ? sound_len(body + WIRE_HOP, len) : 0;
	uint32_t room = RECORDS_BYTES - r->len;

	r->is_cut |= flags & WIRE_RECORDS_CUT || sound < len || room < WIRE_CHILD + sound;
	if (room < WIRE_CHILD)
		return;
	wire_put_child(r->bytes + r->len, child);
	r->len += WIRE_CHILD;
	if (sound > room - WIRE_CHILD)
		sound = room - WIRE_CHILD;
	if (!sound)
		return;
	memcpy(r->bytes + r->len, body + WIRE_HOP, sound);
	for (uint32_t at = 0; at < sound; at += WIRE_CHILD)
		r->bytes[r->len + at]++;
	r->len += sound;
}

uint32_t records_that_fit(const struct records *r, uint64_t room)
{
	return room < r->len ? (uint32_t)room / WIRE_CHILD * WIRE_CHILD : r->len;
}
