/*
 * overdue.h - the requests that have timed out, so that an answer to one is late, not a duplicate.
 *
 * Over UDP an answer may come after its timeout, twice, or both. The last OVERDUE_MAX requests that
 * timed out are remembered by their ids until their answer comes; what is answered twice, or so
 * late that it was forgotten, is a duplicate. Allocated once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_OVERDUE_H
#define RW_CLIENT_OVERDUE_H

#include <stdbool.h>
#include <stdint.h>

#define OVERDUE_MAX 16384 /* a power of two */

struct overdue_entry {
	uint64_t id; /* 0: none */
	uint32_t next;
	bool is_measured;
};

/* Zero remembers nothing and allows everything. */
struct overdue {
	struct overdue_entry *ring; /* [0] is not used, so that 0 ends a chain */
	uint32_t *chains;	    /* by a hash of the id */
	uint64_t added;
};

int overdue_init(struct overdue *o); /* 0, -ENOMEM */
void overdue_finish(struct overdue *o);

void overdue_add(struct overdue *o, uint64_t id, bool is_measured);
/* True, once: it had timed out. */
bool overdue_take(struct overdue *o, uint64_t id, bool *ret_is_measured);

#endif
