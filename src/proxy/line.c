/*
 * line.c - what is on its way in one direction: bytes, and for each piece when it may leave.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/line.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Free ones kept for reuse; what a burst needed beyond goes back to malloc. */
#define KEEP_CHUNKS 1024
#define KEEP_PIECES 4096

void line_pool_init(struct line_pool *pool)
{
	cache_init(&pool->chunks, sizeof(struct line_chunk), KEEP_CHUNKS);
	cache_init(&pool->pieces, sizeof(struct line_piece), KEEP_PIECES);
}

void line_pool_finish(struct line_pool *pool)
{
	cache_finish(&pool->chunks);
	cache_finish(&pool->pieces);
}

int64_t line_delay(struct line *line, int64_t due_ns)
{
	if (due_ns > line->last_due_ns)
		line->last_due_ns = due_ns;
	return line->last_due_ns;
}

static struct line_chunk *add_chunk(struct line *line, struct line_pool *pool)
{
	struct line_chunk *chunk = cache_get(&pool->chunks);

	if (!chunk)
		return NULL;
	chunk->next = NULL;
	chunk->start = chunk->end = 0;
	if (line->head)
		line->tail->next = chunk;
	else
		line->head = chunk;
	return line->tail = chunk;
}

static int push_bytes(struct line *line, struct line_pool *pool, const uint8_t *data, uint32_t len)
{
	while (len) {
		struct line_chunk *chunk = line->head ? line->tail : NULL;
		uint32_t n;

		if (!chunk || chunk->end == LINE_CHUNK)
			chunk = add_chunk(line, pool);
		if (!chunk)
			return -ENOMEM;
		n = LINE_CHUNK - chunk->end < len ? LINE_CHUNK - chunk->end : len;
		memcpy(chunk->bytes + chunk->end, data, n);
		chunk->end += n;
		line->bytes += n;
		data += n;
		len -= n;
	}
	return 0;
}

static int push_piece(struct line *line, struct line_pool *pool, uint32_t len, int64_t due_ns)
{
	struct line_piece *piece;

	if (line->first && line->last->due_ns == due_ns) {
		line->last->len += len;
		return 0;
	}
	piece = cache_get(&pool->pieces);
	if (!piece)
		return -ENOMEM;
	*piece = (struct line_piece){ .due_ns = due_ns, .len = len };
	if (line->first)
		line->last->next = piece;
	else
		line->first = piece;
	line->last = piece;
	line->pieces++;
	return 0;
}

int line_push(struct line *line, struct line_pool *pool, const uint8_t *data, uint32_t len,
	      int64_t due_ns)
{
	int result = push_piece(line, pool, len, line_delay(line, due_ns));

	return result ? result : push_bytes(line, pool, data, len);
}

uint64_t line_load(const struct line *line)
{
	return line->bytes + line->pieces * sizeof(struct line_piece);
}

uint64_t line_due(const struct line *line, int64_t now_ns, uint64_t max)
{
	uint64_t due = 0;

	for (const struct line_piece *p = line->first; p && p->due_ns <= now_ns && due < max;
	     p = p->next)
		due += p->len;
	return due < max ? due : max;
}

int64_t line_next_ns(const struct line *line)
{
	return line->first ? line->first->due_ns : INT64_MAX;
}

uint64_t line_gather(const struct line *line, uint64_t len, struct iovec parts[LINE_PARTS],
		     unsigned *ret_count)
{
	uint64_t done = 0;
	unsigned count = 0;

	for (struct line_chunk *c = line->head; c && done < len && count < LINE_PARTS;
	     c = c->next) {
		uint64_t n = c->end - c->start;

		n = n < len - done ? n : len - done;
		parts[count++] = (struct iovec){ c->bytes + c->start, n };
		done += n;
	}
	*ret_count = count;
	return done;
}

static void take_bytes(struct line *line, struct line_pool *pool, uint64_t len)
{
	while (len) {
		struct line_chunk *chunk = line->head;
		uint32_t n = chunk->end - chunk->start;

		n = n < len ? n : (uint32_t)len;
		chunk->start += n;
		len -= n;
		if (chunk->start < chunk->end)
			continue;
		line->head = chunk->next;
		cache_put(&pool->chunks, chunk);
	}
}

void line_take(struct line *line, struct line_pool *pool, uint64_t len)
{
	assert(len <= line->bytes);
	line->bytes -= len;
	take_bytes(line, pool, len);
	while (len) {
		struct line_piece *piece = line->first;
		uint64_t n = piece->len < len ? piece->len : len;

		piece->len -= n;
		len -= n;
		if (piece->len)
			continue;
		line->first = piece->next;
		line->pieces--;
		cache_put(&pool->pieces, piece);
	}
}

void line_drop(struct line *line, struct line_pool *pool)
{
	while (line->head) {
		struct line_chunk *next = line->head->next;

		cache_put(&pool->chunks, line->head);
		line->head = next;
	}
	while (line->first) {
		struct line_piece *next = line->first->next;

		cache_put(&pool->pieces, line->first);
		line->first = next;
	}
	line->bytes = line->pieces = 0;
}
