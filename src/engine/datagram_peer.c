/*
 * datagram_peer.c - the peers of a UDP socket: found by their address, bounded, forgotten in time.
 *
 * A chained hash table of fixed size, keyed by a number that no sender knows, so that addresses
 * cannot be chosen to fall into one chain. A list in the order of the last message says who is idle
 * longest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>

#include "base/random.h"
#include "engine/datagram_private.h"

/* So many of the oldest are looked at for one that has no work to do. */
#define LOOK_AT 16

int peer_open_table(struct datagram *d)
{
	uint32_t size = 16;

	while (size < d->opts.peers)
		size *= 2;
	d->table = calloc(size, sizeof(struct peer *));
	d->mask = size - 1;
	d->hash_key = random_fresh_seed() * 2 + 1;
	return d->table ? 0 : -ENOMEM;
}

static struct peer **bucket_of(const struct datagram *d, const struct sockaddr *from, socklen_t len)
{
	uint64_t hash = d->hash_key, word;

	for (socklen_t at = 0; at < len; at += sizeof(word)) {
		word = 0;
		memcpy(&word, (const char *)from + at,
		       len - at < sizeof(word) ? len - at : sizeof(word));
		hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
		hash ^= hash >> 29;
	}
	return &d->table[hash & d->mask];
}

static bool is_address(const struct peer *p, const struct sockaddr *from, socklen_t len)
{
	return p->address_len == len && !memcmp(&p->address, from, len);
}

static void leave_ages(struct peer *p)
{
	struct datagram *d = p->socket;

	*(p->older ? &p->older->newer : &d->oldest) = p->newer;
	*(p->newer ? &p->newer->older : &d->newest) = p->older;
}

static void join_ages(struct peer *p)
{
	struct datagram *d = p->socket;

	p->newer = NULL;
	p->older = d->newest;
	*(p->older ? &p->older->newer : &d->oldest) = p;
	d->newest = p;
}

void peer_touch(struct peer *p)
{
	p->used_ns = loop_now_ns(p->socket->loop);
	if (!p->address_len || p->socket->newest == p)
		return;
	leave_ages(p);
	join_ages(p);
}

/* Out of the table: no datagram finds it any more. */
static void leave_table(struct peer *p)
{
	struct datagram *d = p->socket;
	struct peer **at = bucket_of(d, &p->address.any, p->address_len);

	while (*at != p)
		at = &(*at)->hash_next;
	*at = p->hash_next;
	leave_ages(p);
	d->peer_count--;
}

struct peer *peer_make(struct datagram *d, const struct sockaddr *from, socklen_t len)
{
	struct loop *loop = d->loop;
	struct peer *p = NULL;

	if (loop->conn_count < loop->limits.connections)
		p = cache_get(&loop->peers);
	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->socket = d;
	p->address_len = (uint8_t)len;
	if (len)
		memcpy(&p->address, from, len);
	p->conn.recv.fd = d->recv.fd;
	p->conn.flags = CONN_DATAGRAM;
	p->conn.role = d->role;
	p->conn.owner = NULL;
	conn_join_loop(&p->conn, loop);
	d->alive++;
	p->used_ns = loop_now_ns(loop);
	return p;
}

static bool is_at_work(const struct peer *p)
{
	return p->conn.held || p->conn.out.head || p->in_flight;
}

/* The one that is idle longest makes room. */
static bool evict_one(struct datagram *d)
{
	struct peer *p = d->oldest;

	for (int i = 0; p && i < LOOK_AT; i++, p = p->newer) {
		if (is_at_work(p))
			continue;
		d->loop->stats.udp.peers_evicted++;
		conn_end(&p->conn, CONN_LOCAL, 0);
		return true;
	}
	return false;
}

static bool is_full(const struct datagram *d)
{
	return d->peer_count >= d->opts.peers || d->loop->conn_count >= d->loop->limits.connections;
}

static struct peer *add(struct datagram *d, const struct sockaddr *from, socklen_t len)
{
	struct peer **bucket = bucket_of(d, from, len), *p = NULL;

	if (len <= sizeof(p->address) && (!is_full(d) || evict_one(d)))
		p = peer_make(d, from, len);
	if (!p) {
		d->loop->stats.udp.no_room++;
		return NULL;
	}
	p->hash_next = *bucket;
	*bucket = p;
	join_ages(p);
	d->peer_count++;
	d->loop->stats.opened++;
	if (!d->is_timing)
		peer_drop_idle(d);
	if (d->role->opened)
		d->role->opened(&p->conn);
	return p;
}

struct peer *peer_for(struct datagram *d, const struct sockaddr *from, socklen_t len)
{
	struct peer *p;

	if (d->is_connected)
		return d->connected;
	p = *bucket_of(d, from, len);
	while (p && !is_address(p, from, len))
		p = p->hash_next;
	return p ? p : add(d, from, len);
}

static void on_idle(struct io_op *op, const struct io_result *r)
{
	struct datagram *d = (struct datagram *)((char *)op - offsetof(struct datagram, idle));

	(void)r;
	d->is_timing = false;
	if (d->is_ended)
		datagram_maybe_free(d);
	else
		peer_drop_idle(d);
}

void peer_drop_idle(struct datagram *d)
{
	int64_t since_ns = loop_now_ns(d->loop) - d->opts.idle_ns;

	while (d->oldest && d->oldest->used_ns <= since_ns) {
		if (is_at_work(d->oldest)) {
			peer_touch(d->oldest);
			continue;
		}
		d->loop->stats.udp.peers_idle++;
		conn_end(&d->oldest->conn, CONN_LOCAL, 0);
	}
	if (!d->oldest)
		return;
	d->is_timing = true;
	d->idle.kind = IO_TIMER;
	d->idle.deadline_ns = d->oldest->used_ns + d->opts.idle_ns;
	d->idle.done = on_idle;
	loop_submit(d->loop, &d->idle);
}

/* What is being sent stays until it has left; the rest of the queue goes at once. */
void datagram_end(struct conn *c, enum conn_end end, int code)
{
	struct peer *p = peer_of(c);
	struct datagram *d = p->socket;

	c->flags |= CONN_CLOSING;
	datagram_drop_queue(p);
	if (p->address_len)
		leave_table(p);
	conn_count_end(&c->loop->stats, end);
	if (c->role->closed)
		c->role->closed(c, end, code);
	if (d->is_connected)
		datagram_end_socket(d);
	peer_maybe_free(p);
}

/* It cannot be paused; what comes from it while it owes too much is dropped in datagram.c. */
void datagram_settle(struct conn *c)
{
	struct peer *p = peer_of(c);

	if (c->flags & CONN_CLOSING)
		peer_maybe_free(p);
	else if (c->flags & CONN_FINISHING && !is_at_work(p))
		conn_end(c, CONN_LOCAL, 0);
}

void peer_maybe_free(struct peer *p)
{
	struct conn *c = &p->conn;
	struct datagram *d = p->socket;

	if (p->in_flight || (d->is_connected && !d->is_closed))
		return;
	c->flags |= CONN_GONE;
	if (c->held)
		return;
	if (d->is_connected)
		d->connected = NULL;
	d->alive--;
	conn_leave_loop(c);
	cache_put(&d->loop->peers, p);
	datagram_maybe_free(d);
}

bool datagram_peer_address(const struct conn *c, struct address *ret)
{
	const struct peer *p = peer_of(c);

	if (!(c->flags & CONN_DATAGRAM) || !p->address_len)
		return false;
	*ret = (struct address){ .len = p->address_len, .transport = TRANSPORT_UDP };
	memcpy(&ret->storage, &p->address, p->address_len);
	return true;
}
