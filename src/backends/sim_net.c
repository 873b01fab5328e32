/*
 * sim_net.c - the simulated network: sim_net.h says what it is and what it leaves out.
 *
 * Memory is taken for every piece sent: this is for tests, not for measuring.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/sim_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_DEFAULT (64 << 10)
#define TAKE_MAX       (64 << 10)

uint64_t sim_draw_below(struct sim_net *net, uint64_t bound)
{
	return random_below(&net->key, net->draws++, bound);
}

bool sim_draw_fault(struct sim_net *net, double probability)
{
	return probability > 0 && random_unit(&net->key, net->draws++) < probability;
}

size_t sim_draw_shorter(struct sim_net *net, double probability, size_t len)
{
	return len > 1 && sim_draw_fault(net, probability) ? 1 + sim_draw_below(net, len - 1) : len;
}

struct sim_socket *sim_find(const struct sim_net *net, int fd)
{
	return fd >= 0 && fd < net->size ? net->sockets[fd] : NULL;
}

static int grow(struct sim_net *net)
{
	int size = net->size ? 2 * net->size : 64;
	struct sim_socket **sockets = reallocarray(net->sockets, size, sizeof(*sockets));

	if (!sockets)
		return -ENOMEM;
	memset(sockets + net->size, 0, (size - net->size) * sizeof(*sockets));
	net->sockets = sockets;
	net->size = size;
	return 0;
}

/* Gives a socket the lowest free descriptor. */
static int settle(struct sim_net *net, struct sim_socket *s)
{
	int fd = SIM_FD_FIRST;

	if (net->faults.max_fds && net->open >= (int)net->faults.max_fds)
		return -EMFILE;
	while (sim_find(net, fd))
		fd++;
	if (fd >= net->size && grow(net) < 0)
		return -ENOMEM;
	net->sockets[fd] = s;
	net->open++;
	return s->fd = fd;
}

static struct sim_socket *make(enum sim_kind kind)
{
	struct sim_socket *s = calloc(1, sizeof(*s));

	if (s) {
		s->kind = kind;
		s->fd = -1;
		s->to_fd = -1;
		s->connected_ns = INT64_MAX;
	}
	return s;
}

int sim_open(struct sim_net *net, enum sim_kind kind)
{
	struct sim_socket *s = make(kind);
	int fd = s ? settle(net, s) : -ENOMEM;

	if (fd < 0)
		free(s);
	return fd;
}

void sim_join(struct sim_socket *a, struct sim_socket *b)
{
	a->peer = b;
	b->peer = a;
}

static int64_t draw_arrival(struct sim_net *net, const struct sim_socket *to)
{
	int64_t ns = net->now_ns + net->faults.delay_ns;

	if (net->faults.jitter_ns > 0)
		ns += sim_draw_below(net, net->faults.jitter_ns + 1);
	return to->last && to->last->arrives_ns > ns ? to->last->arrives_ns : ns;
}

/* A piece at the end of what is on its way to `to`. NULL: memory is out. */
static struct sim_piece *push(struct sim_net *net, struct sim_socket *to, enum sim_piece_kind kind,
			      size_t len)
{
	struct sim_piece *piece = calloc(1, sizeof(*piece) + len);

	if (!piece)
		return NULL;
	piece->kind = kind;
	piece->len = len;
	piece->arrives_ns = draw_arrival(net, to);
	to->queued_bytes += len;
	if (to->first)
		to->last->next = piece;
	else
		to->first = piece;
	to->last = piece;
	return piece;
}

static void pop(struct sim_socket *s)
{
	struct sim_piece *piece = s->first;

	s->queued_bytes -= piece->len - piece->taken;
	s->first = piece->next;
	if (!s->first)
		s->last = NULL;
	free(piece);
}

void sim_drop(struct sim_net *net, struct sim_socket *s, enum sim_piece_kind last)
{
	while (s->first) {
		if (s->first->kind == SIM_CONNECTION)
			sim_drop(net, s->first->accepted, SIM_RESET);
		pop(s);
	}
	if (s->peer) {
		if (s->kind == SIM_STREAM && (last == SIM_RESET || !s->ended))
			push(net, s->peer, last, 0);
		s->peer->broken |= last == SIM_RESET;
		s->peer->peer = NULL;
	}
	if (s->fd >= 0) {
		net->sockets[s->fd] = NULL;
		net->open--;
	}
	sim_pages_free(s);
	free(s);
}

bool sim_readable(const struct sim_net *net, const struct sim_socket *s)
{
	return s->first && s->first->arrives_ns <= net->now_ns;
}

static uint64_t space(const struct sim_net *net, const struct sim_socket *to)
{
	uint64_t buffer = net->faults.buffer ? net->faults.buffer : BUFFER_DEFAULT;

	return to->queued_bytes < buffer ? buffer - to->queued_bytes : 0;
}

bool sim_writable(const struct sim_net *net, const struct sim_socket *s)
{
	if (s->kind == SIM_FRESH)
		return s->connected_ns <= net->now_ns;
	if (s->kind == SIM_DATAGRAM)
		return s->writable_ns <= net->now_ns;
	return !s->peer || space(net, s->peer) > 0;
}

/* Stream: all that has arrived, as far as there is room, up to an end. */
static size_t take_bytes(struct sim_net *net, struct sim_socket *s, uint8_t *buf, size_t size)
{
	size_t got = 0;

	while (got < size && sim_readable(net, s) && s->first->kind == SIM_DATA) {
		struct sim_piece *piece = s->first;
		uint32_t left = piece->len - piece->taken;
		uint32_t n = left < size - got ? left : size - got;

		memcpy(buf + got, piece->bytes + piece->taken, n);
		got += n;
		piece->taken += n;
		s->queued_bytes -= n;
		if (piece->taken == piece->len)
			pop(s);
	}
	return got;
}

static size_t arrived_bytes(const struct sim_net *net, const struct sim_socket *s)
{
	size_t len = 0;

	for (const struct sim_piece *p = s->first;
	     p && p->kind == SIM_DATA && p->arrives_ns <= net->now_ns; p = p->next)
		len += p->len - p->taken;
	return len;
}

static int take_datagram(struct sim_socket *s, void *buf, size_t size, int *ret_from_fd)
{
	struct sim_piece *piece = s->first;
	size_t n = piece->len < size ? piece->len : size;

	memcpy(buf, piece->bytes, n);
	s->was_cut = piece->cut || piece->len > size;
	*ret_from_fd = piece->from_fd;
	pop(s);
	return (int)n;
}

int sim_take(struct sim_net *net, struct sim_socket *s, void *buf, size_t size, bool faults,
	     int *ret_from_fd)
{
	size_t len;

	if (!sim_readable(net, s))
		return s->kind == SIM_FRESH ? -ENOTCONN : -EAGAIN;
	if (s->kind == SIM_DATAGRAM)
		return take_datagram(s, buf, size, ret_from_fd);
	if (s->first->kind == SIM_END)
		return 0;
	if (s->first->kind == SIM_RESET) {
		s->first->kind = SIM_END;
		return -ECONNRESET;
	}
	len = arrived_bytes(net, s);
	len = len < size ? len : size;
	len = len < TAKE_MAX ? len : TAKE_MAX;
	if (faults)
		len = sim_draw_shorter(net, net->faults.short_recv, len);
	return (int)take_bytes(net, s, buf, len);
}

/* Both ends learn of it: the sender by this call, the other by what arrives. */
static int break_off(struct sim_net *net, struct sim_socket *s)
{
	while (s->first)
		pop(s);
	s->peer->broken = s->broken = true;
	push(net, s->peer, SIM_RESET, 0);
	push(net, s, SIM_RESET, 0);
	s->peer->peer = NULL;
	s->peer = NULL;
	return -ECONNRESET;
}

static size_t total(const struct iovec *parts, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += parts[i].iov_len;
	return len;
}

static int copy_in(struct sim_net *net, struct sim_socket *to, const struct iovec *parts,
		   size_t len, int from_fd)
{
	struct sim_piece *piece = push(net, to, SIM_DATA, len);
	size_t at = 0;

	if (!piece)
		return -ENOMEM;
	piece->from_fd = from_fd;
	for (; at < len; parts++) {
		size_t n = parts->iov_len < len - at ? parts->iov_len : len - at;

		if (n)
			memcpy(piece->bytes + at, parts->iov_base, n);
		at += n;
	}
	return (int)len;
}

/* The last piece moves in front of the one before it, if that has not arrived. */
static void overtake(struct sim_net *net, struct sim_socket *to)
{
	struct sim_piece **at = &to->first, *piece = to->last, *before;

	while (*at && (*at)->next != piece)
		at = &(*at)->next;
	before = *at;
	if (!before || before->arrives_ns <= net->now_ns)
		return;
	piece->arrives_ns = before->arrives_ns;
	piece->next = before;
	before->next = NULL;
	*at = piece;
	to->last = before;
}

static struct sim_socket *datagram_target(const struct sim_net *net, const struct sim_socket *s,
					  int to_fd)
{
	if (to_fd < 0)
		to_fd = s->to_fd;
	return to_fd >= 0 ? sim_find(net, to_fd) : s->peer;
}

static int deliver_datagram(struct sim_net *net, struct sim_socket *to, const struct iovec *parts,
			    size_t len, int from_fd, bool faults)
{
	size_t cut_len = faults ? sim_draw_shorter(net, net->faults.cut, len) : len;
	int n;

	if (space(net, to) < len)
		return (int)len;
	n = copy_in(net, to, parts, cut_len, from_fd);
	if (n < 0)
		return n;
	to->last->cut = cut_len < len;
	if (faults && sim_draw_fault(net, net->faults.overtake))
		overtake(net, to);
	return (int)len;
}

static int give_datagram(struct sim_net *net, struct sim_socket *s, const struct iovec *parts,
			 size_t count, int to_fd, bool faults)
{
	struct sim_socket *to = datagram_target(net, s, to_fd);
	size_t len = total(parts, count);
	int n = (int)len;

	if (!to || to->kind != SIM_DATAGRAM)
		return -ECONNREFUSED;
	if (faults && s->writable_ns > net->now_ns)
		return -EAGAIN;
	s->writable_ns = net->now_ns + net->faults.gap_ns;
	if (faults && sim_draw_fault(net, net->faults.lose))
		return n;
	n = deliver_datagram(net, to, parts, len, s->fd, faults);
	if (n >= 0 && faults && sim_draw_fault(net, net->faults.duplicate))
		n = deliver_datagram(net, to, parts, len, s->fd, faults);
	return n;
}

int sim_give(struct sim_net *net, struct sim_socket *s, const struct iovec *parts, size_t count,
	     int to_fd, bool faults)
{
	size_t len = total(parts, count);

	if (s->kind == SIM_DATAGRAM)
		return give_datagram(net, s, parts, count, to_fd, faults);
	if (s->kind != SIM_STREAM)
		return -ENOTCONN;
	if (!s->peer || s->ended)
		return s->broken ? -ECONNRESET : -EPIPE;
	if (faults && sim_draw_fault(net, net->faults.reset))
		return break_off(net, s);
	if (!len)
		return 0;
	if (!space(net, s->peer))
		return -EAGAIN;
	len = len < space(net, s->peer) ? len : space(net, s->peer);
	if (faults)
		len = sim_draw_shorter(net, net->faults.short_send, len);
	return copy_in(net, s->peer, parts, len, s->fd);
}

int sim_accept(struct sim_net *net, struct sim_socket *listener)
{
	int fd;

	if (listener->kind != SIM_LISTENER)
		return -EINVAL;
	if (!sim_readable(net, listener))
		return -EAGAIN;
	fd = settle(net, listener->first->accepted);
	if (fd >= 0)
		pop(listener);
	return fd;
}

/* Both ends can send at once; the other gets its descriptor when it is accepted. */
static int connect_stream(struct sim_net *net, struct sim_socket *s, struct sim_socket *listener)
{
	struct sim_socket *other = make(SIM_STREAM);
	struct sim_piece *piece = other ? push(net, listener, SIM_CONNECTION, 0) : NULL;

	if (!piece) {
		free(other);
		return -ENOMEM;
	}
	piece->accepted = other;
	sim_join(s, other);
	s->connected_ns = piece->arrives_ns;
	return 0;
}

int sim_start_connect(struct sim_net *net, struct sim_socket *s, int listen_fd)
{
	struct sim_socket *listener = sim_find(net, listen_fd);

	if (s->kind == SIM_DATAGRAM) {
		s->to_fd = listen_fd;
		return 0;
	}
	if (s->kind != SIM_FRESH)
		return -EISCONN;
	if (listener && listener->kind == SIM_LISTENER) {
		s->connect_result = connect_stream(net, s, listener);
	} else {
		s->connect_result = -ECONNREFUSED;
		s->connected_ns = draw_arrival(net, s);
	}
	return -EINPROGRESS;
}

int sim_finish_connect(struct sim_socket *s)
{
	if (s->connect_result == 0)
		s->kind = SIM_STREAM;
	return s->connect_result;
}

int sim_end(struct sim_net *net, struct sim_socket *s)
{
	if (s->kind != SIM_STREAM)
		return -ENOTCONN;
	if (s->ended || !s->peer)
		return 0;
	s->ended = true;
	return push(net, s->peer, SIM_END, 0) ? 0 : -ENOMEM;
}

int64_t sim_next_arrival_ns(const struct sim_net *net)
{
	int64_t next_ns = INT64_MAX;

	for (int fd = 0; fd < net->size; fd++) {
		const struct sim_socket *s = net->sockets[fd];

		if (!s)
			continue;
		if (s->first && s->first->arrives_ns > net->now_ns &&
		    s->first->arrives_ns < next_ns)
			next_ns = s->first->arrives_ns;
		if (s->connected_ns > net->now_ns && s->connected_ns < next_ns)
			next_ns = s->connected_ns;
		if (s->out && s->writable_ns > net->now_ns && s->writable_ns < next_ns)
			next_ns = s->writable_ns;
	}
	return next_ns;
}
