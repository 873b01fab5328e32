/*
 * records.h - the records of children that a request has collected for its reply.
 *
 * What other nodes say about themselves is passed on as it is, but it must be a tree: whatever
 * comes from the first record on that is none is left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_RECORDS_H
#define RW_NODE_RECORDS_H

#include "engine/wire.h"

#define RECORDS_BYTES ((WIRE_BODY_MAX - WIRE_HOP) / WIRE_CHILD * WIRE_CHILD)

struct records {
	uint32_t len;
	bool is_cut;
	uint8_t bytes[RECORDS_BYTES];
};

/* The child's own, and those of its children from its reply: body_len bytes at body, flags. */
void records_add(struct records *r, const struct wire_child *child, const uint8_t *body,
		 uint32_t body_len, uint8_t flags);

/* How many bytes of them fit into so many bytes of a body behind the node's own record. */
uint32_t records_that_fit(const struct records *r, uint64_t room);

#endif
