/*
 * datagram_send.c - what leaves by a UDP socket: messages to datagrams, datagrams to bursts.
 *
 * The messages of a peer's queue are cut into datagrams by their heads. Peers with something to
 * send wait in a list; a burst takes from one after the other until it is full, and the socket has
 * one burst in flight. A peer's messages stay in its queue, from the head, until the burst has come
 * back.
 *
 * UDP_SEGMENT: messages of one peer that have the same length and follow each other become one
 * message for the kernel, which makes datagrams of it as late as it can. It refuses when a segment
 * does not fit into a frame of the way there; then they are lost, the socket goes on without, and
 * loop_stats.udp.gso_refused says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "engine/datagram_private.h"

#define LARGE_PARTS  BACKEND_DATAGRAMS
#define LARGE_IOVS   (3 * LARGE_PARTS)
#define SMALL_IOVS   48 /* a datagram that is full of short pieces has 33 */
#define SEGMENTS_MAX 64 /* the kernel's limit until Linux 6.8 */
#define CONTROL	     CMSG_SPACE(sizeof(uint16_t))
#define KEEP_PEERS   256
#define KEEP_BURSTS  16

static size_t burst_bytes(size_t parts, size_t iovs)
{
	return sizeof(struct burst) +
	       parts * (sizeof(struct part) + sizeof(struct mmsghdr) + CONTROL) +
	       iovs * sizeof(struct iovec);
}

void datagram_init_loop(struct loop *loop)
{
	cache_init_in(&loop->peers, &loop->pool, sizeof(struct peer), KEEP_PEERS);
	cache_init_in(&loop->small_bursts, &loop->pool, burst_bytes(1, SMALL_IOVS), KEEP_BURSTS);
	cache_init_in(&loop->bursts, &loop->pool, burst_bytes(LARGE_PARTS, LARGE_IOVS),
		      KEEP_BURSTS);
}

void datagram_finish_loop(struct loop *loop)
{
	cache_finish(&loop->peers);
	cache_finish(&loop->small_bursts);
	cache_finish(&loop->bursts);
}

static struct burst *get_burst(struct datagram *d, bool is_large)
{
	size_t parts = is_large ? LARGE_PARTS : 1;
	struct burst *b = cache_get(is_large ? &d->loop->bursts : &d->loop->small_bursts);

	if (!b)
		return NULL;
	*b = (struct burst){ .socket = d, .is_large = is_large };
	b->iov_max = is_large ? LARGE_IOVS : SMALL_IOVS;
	b->messages = (struct mmsghdr *)(b + 1);
	b->iovs = (struct iovec *)(b->messages + parts);
	b->parts = (struct part *)(b->iovs + b->iov_max);
	b->controls = (uint8_t *)(b->parts + parts);
	return b;
}

static void put_burst(struct burst *b)
{
	struct datagram *d = b->socket;

	d->burst = NULL;
	cache_put(b->is_large ? &d->loop->bursts : &d->loop->small_bursts, b);
}

static void make_segments(struct burst *b, uint32_t index)
{
	struct part *part = &b->parts[index];
	struct msghdr *msg = &b->messages[index].msg_hdr;
	struct cmsghdr *c = (struct cmsghdr *)(b->controls + index * CONTROL);
	uint16_t segment = (uint16_t)part->len;

	if (part->number < 2)
		return;
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(segment)),
			       .cmsg_level = SOL_UDP,
			       .cmsg_type = UDP_SEGMENT };
	memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	msg->msg_control = c;
	msg->msg_controllen = CONTROL;
	b->socket->loop->stats.udp.gso++;
}

/* Adds the message at the cursor to the last part. False: there are no iovecs left. */
static bool gather(struct burst *b, struct cursor *at, uint32_t len)
{
	struct msghdr *msg = &b->messages[b->count - 1].msg_hdr;
	struct iovec *next = b->iovs + b->iov_count, *last = msg->msg_iovlen ? next - 1 : NULL;
	unsigned room = b->iov_max - b->iov_count;
	unsigned count = outqueue_gather(at, len, next, room);

	if (count > room)
		return false;
	if (last && (uint8_t *)last->iov_base + last->iov_len == next->iov_base) {
		last->iov_len += next->iov_len;
		memmove(next, next + 1, --count * sizeof(*next));
	}
	b->iov_count += count;
	msg->msg_iovlen += count;
	return true;
}

static bool continues_part(const struct burst *b, const struct peer *p, uint32_t len)
{
	const struct part *last = b->count ? &b->parts[b->count - 1] : NULL;

	return b->socket->may_segment && last && last->peer == p && last->len == len &&
	       last->number < SEGMENTS_MAX && last->bytes + len <= DATAGRAM_MAX;
}

static void begin_part(struct burst *b, struct peer *p, uint32_t len)
{
	struct mmsghdr *m = &b->messages[b->count];

	b->parts[b->count] = (struct part){ .peer = p, .len = len };
	*m = (struct mmsghdr){ .msg_hdr = { .msg_iov = b->iovs + b->iov_count } };
	if (p->address_len) {
		m->msg_hdr.msg_name = &p->address;
		m->msg_hdr.msg_namelen = p->address_len;
	}
	b->count++;
	p->in_flight++;
}

/* False: the burst is full. */
static bool add_message(struct burst *b, uint32_t parts_max, struct peer *p, struct cursor *at)
{
	uint32_t len = wire_get32(outqueue_at(at));
	bool is_new = !continues_part(b, p, len);
	struct part *part;

	if (is_new && b->count == parts_max)
		return false;
	if (is_new)
		begin_part(b, p, len);
	if (!gather(b, at, len)) {
		b->count -= is_new;
		p->in_flight -= is_new;
		return false;
	}
	part = &b->parts[b->count - 1];
	part->bytes += len;
	part->number++;
	b->socket->queued--;
	return true;
}

/* False: the burst is full, and the peer has more. */
static bool add_peer(struct burst *b, uint32_t parts_max, struct peer *p)
{
	struct cursor at = outqueue_begin(&p->conn.out);
	uint64_t left = p->conn.out.bytes;

	while (left) {
		uint64_t len = wire_get32(outqueue_at(&at));

		if (!add_message(b, parts_max, p, &at))
			return false;
		left -= len;
	}
	return true;
}

static void fill(struct datagram *d, struct burst *b, uint32_t parts_max)
{
	bool has_room = true;
	struct peer *p;

	while (has_room && (p = peer_take_turn(d))) {
		has_room = add_peer(b, parts_max, p);
		if (!has_room)
			peer_wait_for_turn(p);
	}
	for (uint32_t i = 0; i < b->count; i++)
		make_segments(b, i);
}

static void on_sent(struct io_op *op, const struct io_result *r);

static void submit(struct burst *b)
{
	b->op.state = 0;
	b->op.fd = b->socket->recv.fd;
	b->op.done = on_sent;
	if (b->count == 1) {
		b->op.kind = IO_SENDMSG;
		b->op.msg = &b->messages->msg_hdr;
	} else {
		b->op.kind = IO_SENDMMSG;
		b->op.datagrams = b->messages + b->done;
		b->op.count = b->count - b->done;
	}
	loop_submit(b->socket->loop, &b->op);
}

void datagram_send(struct datagram *d)
{
	uint32_t parts_max = d->loop->ops->sends_with_wait ? LARGE_PARTS : (uint32_t)d->opts.batch;
	bool is_large = d->queued > 1 && (parts_max > 1 || d->may_segment);
	struct burst *b;

	if (!d->waiting_first || d->burst || d->is_ended ||
	    (d->connected && d->connected->conn.flags & CONN_CONNECTING))
		return;
	datagram_seal(d);
	b = get_burst(d, is_large);
	if (!b)
		return; /* memory is out: they wait for the next message */
	fill(d, b, is_large ? parts_max : 1);
	if (!b->count) {
		put_burst(b);
		return;
	}
	d->burst = b;
	submit(b);
}

static bool is_gso_refused(const struct part *part, int error)
{
	return part->number > 1 && (error == EINVAL || error == EMSGSIZE || error == EIO ||
				    error == EOPNOTSUPP || error == ENOPROTOOPT);
}

static void land_peer(struct datagram *d, const struct part *part)
{
	struct peer *p = part->peer;

	p->in_flight--;
	if (!(p->conn.flags & CONN_CLOSING)) {
		outqueue_advance(&p->conn.out, &d->loop->chunks, part->bytes);
		d->queued_bytes -= part->bytes;
		return;
	}
	if (p->in_flight)
		return;
	outqueue_free_chunks(p->conn.out.head, &d->loop->chunks);
	p->conn.out.head = p->conn.out.tail = NULL;
}

/* Counts what became of one part. Returns the errno with which it was refused, or 0. */
static int land_part(struct datagram *d, const struct part *part, const struct mmsghdr *m)
{
	struct loop_stats *stats = &d->loop->stats;
	int error = m->msg_len ? 0 : m->msg_hdr.msg_flags;

	if (m->msg_len) {
		stats->udp.out += part->number;
		stats->bytes_out += part->bytes;
	} else {
		stats->udp.unsent += part->number;
		if (d->may_segment && is_gso_refused(part, error)) {
			d->may_segment = false;
			stats->udp.gso_refused++;
		}
	}
	land_peer(d, part);
	return error;
}

/* What roles are told, which may close the peer. */
static void tell_peer(struct peer *p)
{
	struct conn *c = &p->conn;

	if (c->flags & (CONN_CLOSING | CONN_FINISHING)) {
		datagram_settle(c);
	} else if (c->flags & CONN_TOLD_FULL && c->out.bytes <= c->loop->limits.out_queue / 2) {
		c->flags &= ~CONN_TOLD_FULL;
		if (c->role->drained)
			c->role->drained(c);
	}
}

/* A lone message says in the result what others have in their headers. */
static uint32_t note_result(struct burst *b, int32_t res)
{
	struct mmsghdr *m = &b->messages[b->done];
	uint32_t left = b->count - b->done;

	if (b->count > 1 && res > 0)
		return (uint32_t)res;
	for (uint32_t i = 0; i < left; i++) {
		m[i].msg_len = res < 0 ? 0 : (unsigned)res;
		m[i].msg_hdr.msg_flags = res < 0 ? -res : 0;
	}
	return left;
}

static void finish_burst(struct burst *b, int error)
{
	struct datagram *d = b->socket;
	struct peer *peers[LARGE_PARTS];
	uint32_t count = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		if (!count || peers[count - 1] != b->parts[i].peer)
			peers[count++] = b->parts[i].peer;
	}
	put_burst(b);
	/* One's role may end another: each is held until it has had its turn. */
	for (uint32_t i = 0; i < count; i++)
		peers[i]->conn.held++;
	for (uint32_t i = 0; i < count; i++) {
		peers[i]->conn.held--;
		tell_peer(peers[i]);
	}
	if (error && !d->is_ended)
		datagram_refused(d, -error);
}

/* The next ones are done, as res says. Returns the errno with which one was refused, or 0. */
static int land(struct burst *b, int32_t res)
{
	uint32_t end = b->done + note_result(b, res);
	int error = 0;

	for (; b->done < end; b->done++) {
		int one = land_part(b->socket, &b->parts[b->done], &b->messages[b->done]);

		error = one ? one : error;
	}
	return error;
}

static void on_sent(struct io_op *op, const struct io_result *r)
{
	struct burst *b = (struct burst *)op;
	struct datagram *d = b->socket;
	int error = land(b, r->res);

	if (b->done < b->count && !d->is_ended) {
		submit(b);
		return;
	}
	if (b->done < b->count)
		land(b, -ECANCELED);
	finish_burst(b, error);
	if (d->is_ended)
		datagram_maybe_free(d);
	else if (!d->is_dirty || d->queued >= d->opts.batch)
		datagram_send(d);
}

void datagram_refused(struct datagram *d, int code)
{
	struct conn *c = d->connected ? &d->connected->conn : NULL;

	if (!c || c->flags & CONN_CLOSING)
		return;
	d->loop->stats.udp.refused++;
	if (c->role->refused)
		c->role->refused(c, code);
}

void datagram_drop_peer(struct conn *c)
{
	struct peer *p = peer_of(c);

	outqueue_free_chunks(c->out.head, &c->loop->chunks);
	cache_put(&c->loop->peers, p);
}
