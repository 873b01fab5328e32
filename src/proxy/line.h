/*
 * line.h - what is on its way in one direction: bytes, and for each piece when it may leave.
 *
 * A delay line is a queue and not a sleep: every piece has its own due time, so that many are under
 * way at once. Order is kept, because a piece is never due before the one in front of it.
 *
 * Bytes lie in chunks and pieces are records beside them, both from a pool that all lines of a loop
 * share: a line with nothing under way owns no memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_LINE_H
#define RW_PROXY_LINE_H

#include <stdint.h>
#include <sys/uio.h>

#include "engine/cache.h"

#define LINE_CHUNK 4096 /* sixteen of them hold the longest datagram */
#define LINE_PARTS 16	/* chunks that one send gathers */

struct line_chunk {
	struct line_chunk *next;
	uint32_t start, end;
	uint8_t bytes[LINE_CHUNK];
};

struct line_piece {
	struct line_piece *next;
	int64_t due_ns;
	uint64_t len;
};

struct line_pool {
	struct cache chunks, pieces;
};

/* Zero is empty. */
struct line {
	struct line_chunk *head, *tail;
	struct line_piece *first, *last;
	uint64_t bytes;
	uint32_t pieces;
	int64_t last_due_ns; /* of all that ever was in it */
};

void line_pool_init(struct line_pool *pool);
void line_pool_finish(struct line_pool *pool);

/* Later than what is in front of it, if that is later than due_ns. Returns when it will be. */
int64_t line_delay(struct line *line, int64_t due_ns);
/* Copies; due at line_delay(). 0, or -ENOMEM: a part of it may be in. */
int line_push(struct line *line, struct line_pool *pool, const uint8_t *data, uint32_t len,
	      int64_t due_ns);
/* What it takes, records included: what a limit is compared with. */
uint64_t line_load(const struct line *line);

/* Bytes that are due, counted no further than max. */
uint64_t line_due(const struct line *line, int64_t now_ns, uint64_t max);
/* When the first byte is due; INT64_MAX: it is empty. */
int64_t line_next_ns(const struct line *line);

/* The first bytes, len at most, where they lie: fills parts, counts them. Returns their length. */
uint64_t line_gather(const struct line *line, uint64_t len, struct iovec parts[LINE_PARTS],
		     unsigned *ret_count);
/* They have left. */
void line_take(struct line *line, struct line_pool *pool, uint64_t len);
void line_drop(struct line *line, struct line_pool *pool);

#endif
