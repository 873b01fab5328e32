/*
 * outqueue.c - see outqueue.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/outqueue.h"

#include <string.h>

/* What payload is made of; zeros, in read-only memory shared by all. */
static const uint8_t payload_bytes[PAYLOAD_SPAN];

static struct chunk *append_chunk(struct outqueue *q, struct cache *chunks)
{
	struct chunk *k = cache_get(chunks);

	if (!k)
		return NULL;
	k->next = NULL;
	k->payload = k->payload_sent = 0;
	k->used = k->sent = 0;
	k->tail = TAIL_ZEROS;
	if (q->tail)
		q->tail->next = k;
	else
		q->head = k;
	q->tail = k;
	return k;
}

uint8_t *outqueue_append(struct outqueue *q, struct cache *chunks, uint32_t len)
{
	struct chunk *k = q->tail;
	uint8_t *at;

	if (!k || k->payload || k->used + len > CHUNK_BYTES)
		k = append_chunk(q, chunks);
	if (!k)
		return NULL;
	at = k->bytes + k->used;
	k->used += len;
	q->bytes += len;
	return at;
}

/* The last chunk if it may end so, else a new one. */
static struct chunk *with_tail(struct outqueue *q, struct cache *chunks, enum chunk_tail tail)
{
	struct chunk *k = q->tail;

	if (!k || (k->payload && (k->tail != tail || tail == TAIL_FILE)))
		k = append_chunk(q, chunks);
	if (k)
		k->tail = tail;
	return k;
}

bool outqueue_append_payload(struct outqueue *q, struct cache *chunks, enum chunk_tail tail,
			     uint64_t len)
{
	struct chunk *k = with_tail(q, chunks, tail);

	if (!k)
		return false;
	k->payload += len;
	q->bytes += len;
	return true;
}

bool outqueue_append_file(struct outqueue *q, struct cache *chunks, int fd, uint64_t offset,
			  uint64_t len)
{
	struct chunk *k = with_tail(q, chunks, TAIL_FILE);

	if (!k)
		return false;
	k->file_fd = fd;
	k->file_offset = offset;
	k->payload = len;
	q->bytes += len;
	return true;
}

/* Gathers k's payload into iov[]; returns how many iovecs it took. */
static unsigned gather_payload(const struct chunk *k, struct iovec *iov, unsigned room,
			       uint64_t *bytes)
{
	uint64_t left = k->payload - k->payload_sent;
	unsigned n = 0;

	for (; left && n < room && *bytes < SENDER_BYTES; n++) {
		uint64_t span = left < PAYLOAD_SPAN ? left : PAYLOAD_SPAN;

		iov[n] = (struct iovec){ (void *)(uintptr_t)payload_bytes, span };
		*bytes += span;
		left -= span;
	}
	return n;
}

static void fill_gathered(const struct outqueue *q, struct sender *s)
{
	uint64_t bytes = 0;
	unsigned n = 0;
	int flags = 0;

	for (struct chunk *k = q->head; k && n < SENDER_IOVS && bytes < SENDER_BYTES; k = k->next) {
		unsigned took;

		if (k->sent < k->used) {
			s->iov[n++] = (struct iovec){ k->bytes + k->sent, k->used - k->sent };
			bytes += k->used - k->sent;
		}
		if (k->payload && k->tail != TAIL_ZEROS) {
			flags = MSG_MORE;
			break;
		}
		took = gather_payload(k, s->iov + n, SENDER_IOVS - n, &bytes);
		n += took;
	}
	s->msg = (struct msghdr){ .msg_iov = s->iov, .msg_iovlen = n, .msg_flags = flags };
	s->op.kind = IO_SENDMSG;
	s->op.msg = &s->msg;
}

/* A file, or zeros without a copy. */
static void fill_tail(const struct chunk *k, struct sender *s)
{
	uint64_t left = k->payload - k->payload_sent;

	if (k->tail == TAIL_FILE) {
		s->op.kind = IO_SENDFILE;
		s->op.file_fd = k->file_fd;
		s->op.offset = k->file_offset + k->payload_sent;
		s->op.len = left;
	} else {
		s->op.kind = IO_SEND;
		s->op.flags = IO_ZERO_COPY;
		s->op.buf = payload_bytes;
		s->op.len = left < PAYLOAD_SPAN ? left : PAYLOAD_SPAN;
	}
}

void outqueue_fill(const struct outqueue *q, struct sender *s)
{
	const struct chunk *k = q->head;

	if (!k->next && !k->payload) {
		s->op.kind = IO_SEND;
		s->op.buf = k->bytes + k->sent;
		s->op.len = k->used - k->sent;
		return;
	}
	if (k->sent < k->used || k->tail == TAIL_ZEROS)
		fill_gathered(q, s);
	else
		fill_tail(k, s);
}

/* Adds as much as there is room for; false: no room is left. */
static bool copy(uint8_t *buf, uint32_t size, uint32_t *len, const uint8_t *from, uint64_t count)
{
	uint32_t part = count < size - *len ? (uint32_t)count : size - *len;

	if (from)
		memcpy(buf + *len, from, part);
	else
		memset(buf + *len, 0, part);
	*len += part;
	return *len < size;
}

const uint8_t *outqueue_peek(const struct outqueue *q, uint8_t *buf, uint32_t size,
			     uint32_t *ret_len)
{
	const struct chunk *k = q->head;
	const uint8_t *first = k->sent < k->used ? k->bytes + k->sent : payload_bytes;
	uint64_t together = k->sent < k->used ? k->used - k->sent : k->payload - k->payload_sent;
	uint32_t len = 0;

	if (together > size)
		together = size;
	*ret_len = (uint32_t)together;
	if (together == size || together == q->bytes)
		return first;
	for (; k && copy(buf, size, &len, k->bytes + k->sent, k->used - k->sent) &&
	       copy(buf, size, &len, NULL, k->payload - k->payload_sent);
	     k = k->next)
		continue;
	*ret_len = len;
	return buf;
}

static uint64_t take(uint64_t *sent, uint64_t whole, uint64_t left)
{
	uint64_t part = whole - *sent < left ? whole - *sent : left;

	*sent += part;
	return part;
}

void outqueue_advance(struct outqueue *q, struct cache *chunks, uint64_t sent)
{
	q->bytes -= sent;
	while (q->head) {
		struct chunk *k = q->head;
		uint64_t of_bytes = k->sent;

		sent -= take(&of_bytes, k->used, sent);
		k->sent = of_bytes;
		sent -= take(&k->payload_sent, k->payload, sent);
		if (k->sent < k->used || k->payload_sent < k->payload)
			return;
		q->head = k->next;
		if (!q->head)
			q->tail = NULL;
		cache_put(chunks, k);
	}
}

void outqueue_free_chunks(struct chunk *head, struct cache *chunks)
{
	while (head) {
		struct chunk *next = head->next;

		cache_put(chunks, head);
		head = next;
	}
}

struct cursor outqueue_begin(const struct outqueue *q)
{
	const struct chunk *k = q->head;

	return (struct cursor){ k, k ? k->sent : 0, k ? k->payload_sent : 0 };
}

/* Onto the next chunk if this one has no more. */
static void settle(struct cursor *c)
{
	while (c->chunk && c->at == c->chunk->used && c->payload_at == c->chunk->payload)
		*c = (struct cursor){ .chunk = c->chunk->next };
}

const uint8_t *outqueue_at(struct cursor *c)
{
	settle(c);
	return c->chunk->bytes + c->at;
}

/* At most len bytes that lie together. */
static struct iovec next_piece(struct cursor *c, uint64_t len)
{
	const struct chunk *k;
	struct iovec piece;

	settle(c);
	k = c->chunk;
	if (c->at < k->used) {
		piece = (struct iovec){ (void *)(uintptr_t)(k->bytes + c->at),
					len < k->used - c->at ? len : k->used - c->at };
		c->at += piece.iov_len;
		return piece;
	}
	len = len < k->payload - c->payload_at ? len : k->payload - c->payload_at;
	piece = (struct iovec){ (void *)(uintptr_t)payload_bytes,
				len < PAYLOAD_SPAN ? len : PAYLOAD_SPAN };
	c->payload_at += piece.iov_len;
	return piece;
}

void outqueue_skip(struct cursor *c, uint64_t len)
{
	while (len)
		len -= next_piece(c, len).iov_len;
}

unsigned outqueue_gather(struct cursor *c, uint64_t len, struct iovec *iov, unsigned room)
{
	unsigned count = 0;

	while (len && count < room) {
		iov[count] = next_piece(c, len);
		len -= iov[count++].iov_len;
	}
	return len ? room + 1 : count;
}
