/*
 * upstream_link.c - where links are found, opened when they are needed, and closed when not.
 *
 * A link stands in the list of its destination; while it is open and no attempt needs it, in the
 * list of idle ones, too, the longest unused first. (One that still connects is not closed: the
 * kernel may be about to read its address.) A destination lives as long as it has a link.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/guard.h"
#include "node/upstream_private.h"

void upstream_say(struct upstreams *u, enum upstream_trouble trouble, const char *fmt, ...)
{
	char sentence[512];
	va_list args;

	if (!u->opts.say)
		return;
	va_start(args, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	u->opts.say(u->opts.context, trouble, sentence);
}

static struct destination **bucket_of(const struct upstreams *u, uint32_t hash)
{
	return &u->buckets[hash & u->bucket_mask];
}

static struct destination *find_destination(const struct upstreams *u,
					    const struct wire_destination *to, uint32_t hash)
{
	struct destination *d = *bucket_of(u, hash);

	while (d && (d->hash != hash || !wire_destination_equal(&d->place, to)))
		d = d->next;
	return d;
}

uint64_t upstream_unanswered(const struct upstreams *u, const struct wire_destination *to)
{
	struct destination *d = find_destination(u, to, wire_destination_hash(to));
	uint64_t sum = 0;

	for (struct link *l = d ? d->links : NULL; l; l = l->next)
		sum += l->unanswered;
	return sum;
}

void upstream_leave_idle(struct link *l)
{
	struct upstreams *u = l->upstreams;

	if (!l->is_idle)
		return;
	l->is_idle = false;
	*(l->idle_previous ? &l->idle_previous->idle_next : &u->idle_first) = l->idle_next;
	*(l->idle_next ? &l->idle_next->idle_previous : &u->idle_last) = l->idle_previous;
}

static void arm_idle_timer(struct upstreams *u);

static void on_idle_timer(struct io_op *op, const struct io_result *r)
{
	struct upstreams *u =
		(struct upstreams *)((char *)op - offsetof(struct upstreams, idle_timer));
	int64_t now_ns = loop_now_ns(u->loop);

	(void)r;
	u->idle_runs = false;
	while (u->idle_first && u->idle_first->idle_since_ns + u->opts.idle_ns <= now_ns)
		conn_close(u->idle_first->conn);
	if (u->idle_first)
		arm_idle_timer(u);
}

static void arm_idle_timer(struct upstreams *u)
{
	if (u->idle_runs || u->is_ending)
		return;
	u->idle_runs = true;
	u->idle_timer.kind = IO_TIMER;
	u->idle_timer.done = on_idle_timer;
	u->idle_timer.deadline_ns = u->idle_first->idle_since_ns + u->opts.idle_ns;
	loop_submit(u->loop, &u->idle_timer);
}

void upstream_enter_idle(struct link *l)
{
	struct upstreams *u = l->upstreams;

	l->is_idle = true;
	l->idle_since_ns = loop_now_ns(u->loop);
	l->idle_next = NULL;
	l->idle_previous = u->idle_last;
	*(u->idle_last ? &u->idle_last->idle_next : &u->idle_first) = l;
	u->idle_last = l;
	arm_idle_timer(u);
}

static void remove_destination(struct upstreams *u, struct destination *d)
{
	struct destination **at = bucket_of(u, d->hash);

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	free(d);
}

static void leave_destination(struct link *l)
{
	struct destination *d = l->destination;
	struct link **at = &d->links;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	if (!d->links)
		remove_destination(l->upstreams, d);
}

/* NULL: can be reached. */
static const char *why_not(const struct upstreams *u, const struct wire_destination *to)
{
	if (to->transport == TRANSPORT_STREAM)
		return NULL;
	if (to->family == FAMILY_UNIX) /* a path is no name that a certificate could be for */
		return "on a unix socket there is neither TLS nor UDP";
	if (to->transport == TRANSPORT_UDP && u->opts.secret)
		return "UDP has no connection on which the secret could be proved";
	if (to->transport == TRANSPORT_TLS && !u->opts.tls)
		return "it asks for a transport that is not there";
	return NULL;
}

static int add_destination(struct upstreams *u, const struct wire_destination *to, uint32_t hash,
			   struct destination **ret)
{
	struct destination *d;
	struct address address;
	char text[ADDRESS_TEXT];

	if (address_from_wire(to, &address))
		return -EINVAL;
	if (!allow_permits(u->opts.allowed, &address)) {
		upstream_say(u, TROUBLE_NOT_ALLOWED,
			     "a forward to %s was refused: --allow-forward does not name it",
			     address_format(&address, text, sizeof(text)));
		return -EACCES;
	}
	if (why_not(u, to)) {
		upstream_say(u, TROUBLE_TRANSPORT, "a forward to %s failed: %s",
			     address_format(&address, text, sizeof(text)), why_not(u, to));
		return -EPROTONOSUPPORT;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->hash = hash;
	d->place = *to;
	d->place.address = d->bytes;
	memcpy(d->bytes, to->address, wire_destination_len(to));
	d->next = *bucket_of(u, hash);
	*bucket_of(u, hash) = d;
	*ret = d;
	return 0;
}

/* The limit is reached: what is unused for longest goes. */
static bool make_room(struct upstreams *u)
{
	if (u->link_count < u->opts.links)
		return true;
	if (u->idle_first)
		conn_close(u->idle_first->conn);
	if (u->link_count < u->opts.links)
		return true;
	upstream_say(
		u, TROUBLE_LINKS,
		"%u connections to other nodes are busy, which is --max-upstreams: forwards that "
		"need more fail",
		u->opts.links);
	return false;
}

/* The certificate has to be for the address: no other name of the node is known here. */
static struct conn *connect_tls(struct link *l, int fd)
{
	struct address plain = l->address;
	char text[ADDRESS_TEXT];
	struct err err;

	plain.transport = TRANSPORT_STREAM;
	l->peer.context = l->upstreams->opts.tls;
	if (address_host(address_format(&plain, text, sizeof(text)), l->peer.host,
			 sizeof(l->peer.host), &err))
		l->peer.host[0] = '\0';
	return conn_connect_tls(l->upstreams->loop, fd, &l->address, &l->peer, &upstream_role, l);
}

static struct conn *connect_link(struct link *l, int fd)
{
	const struct sockaddr *to = (const struct sockaddr *)&l->address.storage;
	struct upstreams *u = l->upstreams;
	struct conn *c;

	l->is_datagram = l->destination->place.transport == TRANSPORT_UDP;
	if (l->is_datagram)
		return datagram_connect(u->loop, fd, to, l->address.len, &u->opts.udp,
					&upstream_role, l);
	if (l->destination->place.transport == TRANSPORT_TLS)
		c = connect_tls(l, fd);
	else
		c = conn_connect(u->loop, fd, to, l->address.len, &upstream_role, l);
	return u->opts.secret ? guard_client(c, u->opts.secret) : c;
}

static int open_link(struct upstreams *u, struct destination *d, unsigned level, struct link **ret)
{
	struct link *l = calloc(1, sizeof(*l));
	int fd = l ? address_from_wire(&d->place, &l->address) : -ENOMEM;

	if (!fd)
		fd = u->opts.open_socket(u->opts.context, &l->address);
	if (fd >= 0) {
		l->upstreams = u;
		l->destination = d;
		l->level = level;
		l->conn = connect_link(l, fd);
		fd = l->conn ? 0 : -ENOBUFS;
	}
	if (fd < 0) {
		free(l);
		return fd;
	}
	l->next = d->links;
	d->links = l;
	u->link_count++;
	u->stats->opened++;
	u->stats->connections++;
	*ret = l;
	return 0;
}

/* The link of this level that is least busy; *ret_count: how many there are. */
static struct link *least_busy(const struct destination *d, unsigned level, uint32_t *ret_count)
{
	struct link *best = NULL;

	*ret_count = 0;
	for (struct link *l = d->links; l; l = l->next) {
		if (l->level != level)
			continue;
		++*ret_count;
		if (!best || l->unanswered < best->unanswered)
			best = l;
	}
	return best;
}

/* The destination stays without a link only when this fails; then it goes. */
int upstream_find_link(struct upstreams *u, const struct wire_destination *to, unsigned level,
		       struct link **ret)
{
	uint32_t count = 0, hash = wire_destination_hash(to);
	struct destination *d = find_destination(u, to, hash);
	struct link *best = d ? least_busy(d, level, &count) : NULL;
	int result = 0;

	if (best && (!best->first || count >= u->opts.per_destination)) {
		*ret = best;
		return 0;
	}
	if (!make_room(u))
		result = -ENOBUFS;
	d = find_destination(u, to, hash); /* what made room may have been its last link */
	if (!result && !d)
		result = add_destination(u, to, hash, &d);
	if (!result)
		result = open_link(u, d, level, ret);
	if (!result)
		return 0;
	if (best) {
		*ret = best;
		return 0;
	}
	if (d && !d->links)
		remove_destination(u, d);
	return result;
}

void upstream_remove_link(struct link *l)
{
	struct upstreams *u = l->upstreams;

	upstream_leave_idle(l);
	leave_destination(l);
	u->link_count--;
	u->stats->connections--;
}
