/*
 * datagram.c - a UDP socket's life, and what it receives.
 *
 * Everything in flight (receive, timer, burst, close) and every peer that is alive holds the
 * struct; whoever is the last to go frees it. A connected socket ends with its only peer and closes
 * its descriptor; a bound one ends with the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/datagram.h"

#include <errno.h>

#include "engine/datagram_private.h"

static void on_received(struct io_op *op, const struct io_result *r);

static void start_receiving(struct datagram *d)
{
	d->is_receiving = true;
	d->recv.kind = IO_RECVFROM;
	d->recv.batch = (uint32_t)d->opts.batch;
	d->recv.done = on_received;
	loop_submit(d->loop, &d->recv);
}

/* What comes back once and says nothing about the socket itself. */
static bool is_passing(int code)
{
	static const int codes[] = { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN,
				     ENETDOWN,	   ENOPROTOOPT,	 EPROTO,      EPERM,
				     EACCES,	   ENOBUFS,	 EMSGSIZE,    ECONNRESET };

	for (unsigned i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (code == -codes[i])
			return true;
	}
	return false;
}

static void on_error(struct datagram *d, int code)
{
	if (code == -ECANCELED)
		return;
	if (is_passing(code)) {
		datagram_refused(d, code);
		return;
	}
	d->is_stopped = true;
	if (d->connected)
		conn_end(&d->connected->conn, CONN_REFUSED, code);
	else if (d->failed)
		d->failed(d->owner, code);
}

/* The whole datagram is one message that the role accepts, or it is nothing. */
static bool is_message(const struct datagram *d, const uint8_t *data, size_t len,
		       struct wire_head *ret)
{
	return len >= WIRE_HEAD && !wire_get_head(data, conn_longest(d->role, d->loop), ret) &&
	       ret->type == d->role->accepts && ret->length == len;
}

static void take_datagram(struct datagram *d, const struct io_result *r, const uint8_t *data,
			  size_t len)
{
	const struct loop_limits *limits = &d->loop->limits;
	struct loop_stats *stats = &d->loop->stats;
	struct message m = { .received_ns = loop_now_ns(d->loop) };
	struct peer *p;

	stats->udp.in++;
	stats->bytes_in += len;
	if (!is_message(d, data, len, &m.head)) {
		stats->udp.malformed++;
		return;
	}
	p = peer_for(d, r->from, r->from_len);
	if (!p)
		return;
	if (p->conn.held >= limits->in_flight || p->conn.out.bytes > limits->out_queue ||
	    p->conn.flags & (CONN_FINISHING | CONN_CLOSING)) {
		stats->udp.over_limit++;
		return;
	}
	peer_touch(p);
	stats->messages_in++;
	m.body = data + WIRE_HEAD;
	d->role->message(&p->conn, &m);
}

static void take_result(struct datagram *d, const struct io_result *r)
{
	size_t len = (size_t)r->res, segment = r->segment ? r->segment : len;

	if (r->cut) {
		d->loop->stats.udp.in++;
		d->loop->stats.udp.cut++;
		return;
	}
	if (r->segment && len > segment)
		d->loop->stats.udp.glued++;
	if (!len)
		take_datagram(d, r, NULL, 0);
	for (size_t at = 0; at < len && !d->is_stopped; at += segment)
		take_datagram(d, r, r->data + at, segment < len - at ? segment : len - at);
}

static void on_received(struct io_op *op, const struct io_result *r)
{
	struct datagram *d = (struct datagram *)op;

	d->is_receiving = r->more;
	if (d->is_ended) {
		datagram_maybe_free(d);
		return;
	}
	if (r->res < 0)
		on_error(d, r->res);
	else if (!d->is_stopped)
		take_result(d, r);
	if (d->is_ended)
		return;
	if (!d->loop->ops->sends_with_wait && (!r->follows || d->queued >= d->opts.batch))
		datagram_send(d);
	if (!d->is_receiving && !d->is_stopped)
		start_receiving(d);
}

void datagram_stop(struct datagram *d)
{
	if (d->is_stopped)
		return;
	d->is_stopped = true;
	if (d->is_receiving)
		loop_cancel(d->loop, &d->recv);
}

static void on_closed(struct io_op *op, const struct io_result *r)
{
	struct datagram *d = (struct datagram *)((char *)op - offsetof(struct datagram, closing));

	(void)r;
	d->is_closed = true;
	if (d->connected)
		peer_maybe_free(d->connected);
	else
		datagram_maybe_free(d);
}

static void end_peers(struct datagram *d)
{
	while (d->oldest)
		conn_end(&d->oldest->conn, CONN_LOCAL, 0);
}

void datagram_end_socket(struct datagram *d)
{
	if (d->is_ended)
		return;
	if (!d->is_connected) {
		datagram_stop(d);
		end_peers(d);
		if (d->is_timing)
			loop_cancel(d->loop, &d->idle);
		d->is_ended = true;
		datagram_maybe_free(d);
		return;
	}
	d->is_stopped = d->is_ended = true;
	d->closing = (struct io_op){ .kind = IO_CLOSE, .fd = d->recv.fd, .done = on_closed };
	loop_submit(d->loop, &d->closing);
}

static void free_socket(struct datagram *d)
{
	*d->linked = d->next;
	if (d->next)
		d->next->linked = d->linked;
	free(d->scratch);
	free(d->table);
	free(d);
}

void datagram_maybe_free(struct datagram *d)
{
	if (!d->is_ended || d->is_receiving || d->is_timing || d->is_dirty || d->burst ||
	    d->alive || (d->is_connected && !d->is_closed))
		return;
	free_socket(d);
}

static struct datagram *create(struct loop *loop, int fd, const struct datagram_opts *opts,
			       const struct conn_role *role)
{
	struct datagram *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->recv.fd = fd;
	d->loop = loop;
	d->role = role;
	d->opts = *opts;
	d->may_segment = opts->gso;
	d->next = loop->datagrams;
	d->linked = &loop->datagrams;
	if (d->next)
		d->next->linked = &d->next;
	loop->datagrams = d;
	return d;
}

struct datagram *datagram_open(struct loop *loop, int fd, const struct datagram_opts *opts,
			       const struct conn_role *role, void *owner,
			       void (*failed)(void *owner, int code))
{
	struct datagram *d = create(loop, fd, opts, role);

	if (!d)
		return NULL;
	d->owner = owner;
	d->failed = failed;
	if (peer_open_table(d)) {
		free_socket(d);
		return NULL;
	}
	start_receiving(d);
	return d;
}

static void on_connected(struct io_op *op, const struct io_result *r)
{
	struct datagram *d = (struct datagram *)op;
	struct conn *c = &d->connected->conn;

	d->is_receiving = false;
	if (d->is_ended) {
		datagram_maybe_free(d);
		return;
	}
	c->flags &= ~CONN_CONNECTING;
	if (r->res < 0) {
		conn_end(c, CONN_REFUSED, r->res);
		return;
	}
	d->loop->stats.opened++;
	start_receiving(d);
	if (c->role->opened)
		c->role->opened(c);
}

struct conn *datagram_connect(struct loop *loop, int fd, const struct sockaddr *addr,
			      socklen_t addr_len, const struct datagram_opts *opts,
			      const struct conn_role *role, void *owner)
{
	struct datagram *d = create(loop, fd, opts, role);

	if (d)
		d->connected = peer_make(d, NULL, 0);
	if (!d || !d->connected) {
		if (d)
			free_socket(d);
		loop->stats.refused++;
		loop_close_fd(loop, fd);
		return NULL;
	}
	d->is_connected = d->is_receiving = true;
	d->connected->conn.owner = owner;
	d->connected->conn.flags |= CONN_CONNECTING;
	d->recv.kind = IO_CONNECT;
	d->recv.addr = addr;
	d->recv.addr_len = addr_len;
	d->recv.done = on_connected;
	loop_submit(loop, &d->recv);
	return &d->connected->conn;
}

void datagram_end_all(struct loop *loop)
{
	struct datagram *d, *next;

	for (d = loop->datagrams; d; d = next) {
		next = d->next;
		if (d->connected)
			conn_end(&d->connected->conn, CONN_LOCAL, 0);
		else
			datagram_end_socket(d);
	}
}

void datagram_drop_sockets(struct loop *loop)
{
	while (loop->datagrams) {
		struct datagram *d = loop->datagrams;

		if (d->burst)
			cache_put(d->burst->is_large ? &loop->bursts : &loop->small_bursts,
				  d->burst);
		free_socket(d);
	}
}

void datagram_stats_add(struct datagram_stats *sum, const struct datagram_stats *one)
{
	uint64_t sums[sizeof(*sum) / sizeof(uint64_t)], words[sizeof(*sum) / sizeof(uint64_t)];

	memcpy(sums, sum, sizeof(sums));
	memcpy(words, one, sizeof(words));
	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		sums[i] += words[i];
	memcpy(sum, sums, sizeof(sums));
}

void datagram_flush_loop(struct loop *loop)
{
	while (loop->dirty_datagrams) {
		struct datagram *d = loop->dirty_datagrams;

		loop->dirty_datagrams = d->dirty_next;
		d->is_dirty = false;
		if (d->is_ended)
			datagram_maybe_free(d);
		else
			datagram_send(d);
	}
}
