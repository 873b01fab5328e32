/*
 * datagram_queue.c - what a role appends for the peers of a UDP socket, until it is sent.
 *
 * A peer's queue (outqueue.h) is a row of messages, as it would go over a stream. That one is
 * complete is known when the next one begins, or when they are sent. So the socket remembers the
 * one message that is being appended; what is too long is cut down to a refusal then, and what
 * there is no room for is written where nobody reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "engine/datagram_private.h"

void peer_wait_for_turn(struct peer *p)
{
	struct datagram *d = p->socket;

	if (p->is_waiting)
		return;
	p->is_waiting = true;
	p->wait_next = NULL;
	*(d->waiting_first ? &d->waiting_last->wait_next : &d->waiting_first) = p;
	d->waiting_last = p;
}

static void give_up_turn(struct peer *p)
{
	struct datagram *d = p->socket;
	struct peer **at = &d->waiting_first, *before = NULL;

	if (!p->is_waiting)
		return;
	for (; *at != p; at = &before->wait_next)
		before = *at;
	*at = p->wait_next;
	if (d->waiting_last == p)
		d->waiting_last = before;
	p->is_waiting = false;
}

struct peer *peer_take_turn(struct datagram *d)
{
	struct peer *p = d->waiting_first;

	if (p) {
		d->waiting_first = p->wait_next;
		p->is_waiting = false;
	}
	return p;
}

static void mark_dirty(struct datagram *d)
{
	if (d->is_dirty)
		return;
	d->is_dirty = true;
	d->dirty_next = d->loop->dirty_datagrams;
	d->loop->dirty_datagrams = d;
}

/* A reply that no datagram can carry: its head stays and says so. */
static void refuse_reply(struct datagram *d)
{
	struct outqueue *out = &d->writer->conn.out;
	struct chunk *k = d->head_chunk;
	uint64_t removed = d->appended - WIRE_HEAD;
	struct wire_head head;

	wire_get_head(d->head, UINT32_MAX, &head);
	head.length = WIRE_HEAD;
	head.body_len = 0;
	head.hops = WIRE_REFUSED;
	wire_put_head(d->head, &head);
	outqueue_free_chunks(k->next, &d->loop->chunks);
	k->next = NULL;
	k->used = (uint32_t)(d->head - k->bytes) + WIRE_HEAD;
	k->payload = 0;
	out->tail = k;
	out->bytes -= removed;
	d->queued_bytes -= removed;
	d->loop->stats.udp.too_long++;
}

/* The message that was being appended is complete. */
void datagram_seal(struct datagram *d)
{
	if (!d->writer)
		return;
	if (d->head_chunk) {
		assert(d->appended == wire_get32(d->head));
		if (d->appended > DATAGRAM_MAX)
			refuse_reply(d);
	}
	d->writer = NULL;
}

/* NULL: memory is out. */
static uint8_t *append_bytes(struct datagram *d, struct peer *p, uint32_t len)
{
	uint8_t *at = outqueue_append(&p->conn.out, &d->loop->chunks, len);

	if (at)
		d->queued_bytes += len;
	return at;
}

static uint8_t *begin_message(struct datagram *d, struct peer *p, uint32_t len)
{
	bool is_full = d->queued_bytes > (uint64_t)d->opts.queue;

	datagram_seal(d);
	if (is_full && !d->scratch)
		d->scratch = malloc(WIRE_HEAD + CHUNK_BYTES);
	d->head = is_full ? d->scratch : append_bytes(d, p, len);
	if (!d->head)
		return NULL;
	d->writer = p;
	d->head_chunk = is_full ? NULL : p->conn.out.tail;
	d->appended = len;
	if (is_full) {
		d->loop->stats.udp.queue_full++;
		return d->head;
	}
	d->loop->stats.messages_out++;
	d->queued++;
	peer_wait_for_turn(p);
	mark_dirty(d);
	return d->head;
}

static uint8_t *ended_if_out(struct conn *c, uint8_t *at)
{
	if (!at)
		conn_end(c, CONN_LOST, -ENOMEM);
	return at;
}

uint8_t *datagram_append(struct conn *c, uint32_t len)
{
	struct peer *p = peer_of(c);

	return ended_if_out(c, begin_message(p->socket, p, len));
}

uint8_t *datagram_append_more(struct conn *c, uint32_t len)
{
	struct peer *p = peer_of(c);
	struct datagram *d = p->socket;

	assert(d->writer == p);
	d->appended += len;
	return d->head_chunk ? ended_if_out(c, append_bytes(d, p, len)) : d->scratch + WIRE_HEAD;
}

void datagram_append_payload(struct conn *c, uint64_t len)
{
	struct datagram *d = peer_of(c)->socket;

	d->appended += len;
	if (!d->head_chunk)
		return;
	if (!outqueue_append_payload(&c->out, &d->loop->chunks, TAIL_ZEROS, len)) {
		conn_end(c, CONN_LOST, -ENOMEM);
		return;
	}
	d->queued_bytes += len;
}

void datagram_flush(struct conn *c)
{
	datagram_send(peer_of(c)->socket);
}

/* The last one may have been cut off by what is the reason for the end. */
static unsigned count_messages(const struct peer *p)
{
	unsigned count = 0;
	struct cursor at = outqueue_begin(&p->conn.out);
	uint64_t left = p->conn.out.bytes;

	for (; left; count++) {
		uint64_t len = wire_get32(outqueue_at(&at));

		len = len < left ? len : left;
		outqueue_skip(&at, len);
		left -= len;
	}
	return count;
}

static unsigned count_in_flight(const struct peer *p)
{
	const struct burst *b = p->socket->burst;
	unsigned count = 0;

	for (uint32_t i = b ? b->done : 0; b && i < b->count; i++) {
		if (b->parts[i].peer == p)
			count += b->parts[i].number;
	}
	return count;
}

void datagram_drop_queue(struct peer *p)
{
	struct datagram *d = p->socket;
	struct outqueue *out = &p->conn.out;
	unsigned left = count_messages(p) - count_in_flight(p);

	if (d->writer == p)
		d->writer = NULL;
	give_up_turn(p);
	d->queued -= left;
	d->loop->stats.udp.unsent += left;
	d->queued_bytes -= out->bytes;
	out->bytes = 0;
	if (p->in_flight)
		return;
	outqueue_free_chunks(out->head, &d->loop->chunks);
	out->head = out->tail = NULL;
}
