/*
 * upstream.c - the attempts that travel on a worker's connections to other nodes.
 *
 * When a link goes while something is begun (memory ran out), who is told of it could be in the
 * middle of something: it is kept in `lost` and told by a timer that is due at once.
 *
 * upstream_link.c finds and opens the links.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/upstream_private.h"

uint64_t upstream_id(const struct upstreams *u, const struct attempt *a)
{
	return (uint64_t)a->generation << 32 | (uint32_t)(a - u->table);
}

static struct attempt *find_attempt(const struct upstreams *u, uint64_t id, bool *ret_was_used)
{
	uint32_t index = (uint32_t)id, generation = id >> 32;
	struct attempt *a = index < u->used ? &u->table[index] : NULL;

	*ret_was_used = a && generation < a->generation;
	return a && a->owner && a->generation == generation ? a : NULL;
}

static struct attempt *take_slot(struct upstreams *u)
{
	struct attempt *a = u->free;

	if (a)
		u->free = a->next;
	else if (u->used < u->opts.attempts)
		a = &u->table[u->used++];
	return a;
}

static void ring_add(struct link *l, struct attempt *a)
{
	struct attempt *first = l->first;

	if (!first) {
		l->first = a->next = a->previous = a;
		return;
	}
	a->next = first;
	a->previous = first->previous;
	first->previous->next = a;
	first->previous = a;
}

static void ring_remove(struct link *l, struct attempt *a)
{
	struct attempt *next = a->next == l->first ? NULL : a->next;

	if (l->unwritten == a)
		l->unwritten = next;
	if (l->first == a)
		l->first = next;
	a->next->previous = a->previous;
	a->previous->next = a->next;
}

void upstream_drop(struct upstreams *u, struct attempt *a)
{
	struct link *l = a->link;

	ring_remove(l, a);
	if (l->is_datagram && a->is_written)
		l->unanswered--;
	a->owner = NULL;
	a->generation++;
	a->next = u->free;
	u->free = a;
	if (!l->first && l->conn && l->is_open)
		upstream_enter_idle(l);
}

/* As a client does it (client.c). */
static void say_unchecked(const struct link *l)
{
	struct tls_info info;

	if (tls_describe(l->conn, &info) && !info.is_verified)
		upstream_say(l->upstreams, TROUBLE_UNCHECKED,
			     "forwards by TLS: who the other nodes are is not checked: "
			     "--forward-tls-verify does that, with --tls-ca=FILE unless the "
			     "system knows their authority");
}

static void write_attempt(struct link *l, struct attempt *a)
{
	a->is_written = true;
	l->unanswered++;
	l->upstreams->stats->attempts++;
	l->upstreams->events->write(a, l->conn);
}

/* Those that wait for room, while there is some. */
static void write_waiting(struct link *l)
{
	struct upstreams *u = l->upstreams;
	struct attempt *a;

	u->is_beginning = true;
	while (l->conn && (a = l->unwritten) && !conn_is_full(l->conn)) {
		l->unwritten = a->next == l->first ? NULL : a->next;
		write_attempt(l, a);
	}
	u->is_beginning = false;
}

static void on_drained(struct conn *c)
{
	write_waiting(c->owner);
}

static void on_opened(struct conn *c)
{
	struct link *l = c->owner;
	const struct upstream_opts *opts = &l->upstreams->opts;

	if (opts->check_socket && !l->is_datagram &&
	    opts->check_socket(opts->context, c->recv.fd)) {
		conn_close(c);
		return;
	}
	l->is_open = true;
	say_unchecked(l);
	write_waiting(l);
	if (l->conn && !l->first)
		upstream_enter_idle(l);
}

static void on_message(struct conn *c, const struct message *m)
{
	struct link *l = c->owner;
	struct upstreams *u = l->upstreams;
	bool was_used;
	struct attempt *a = find_attempt(u, m->head.id, &was_used);

	if (l->unanswered && !l->is_datagram)
		l->unanswered--;
	if (!a || a->link != l || !a->is_written) {
		u->stats->late += was_used;
		u->stats->strays += !was_used;
		return;
	}
	u->stats->answers++;
	u->events->answered(a, m);
}

/* Those that begin meanwhile stand behind the others and are not meant. */
static void on_refused(struct conn *c, int code)
{
	struct link *l = c->owner;
	struct upstreams *u = l->upstreams;
	uint32_t refusals = ++u->refusals;
	struct attempt *a;

	(void)code;
	while ((a = l->first) && a->is_written && a->refusals != refusals)
		u->events->lost(a);
}

static void tell_lost(struct link *l)
{
	while (l->first)
		l->upstreams->events->lost(l->first);
	free(l);
}

static void on_lost_timer(struct io_op *op, const struct io_result *r)
{
	struct upstreams *u =
		(struct upstreams *)((char *)op - offsetof(struct upstreams, lost_timer));
	struct link *l;

	(void)r;
	u->lost_runs = false;
	while ((l = u->lost)) {
		u->lost = l->next;
		tell_lost(l);
	}
}

static void tell_lost_later(struct link *l)
{
	struct upstreams *u = l->upstreams;

	l->next = u->lost;
	u->lost = l;
	if (u->lost_runs || u->is_ending)
		return;
	u->lost_runs = true;
	u->lost_timer.kind = IO_TIMER;
	u->lost_timer.done = on_lost_timer;
	u->lost_timer.deadline_ns = loop_now_ns(u->loop);
	loop_submit(u->loop, &u->lost_timer);
}

/* An idle link may end as it likes; one that had something to do is a forward that failed. */
static void say_why_closed(struct link *l, struct conn *c, enum conn_end end, int code)
{
	const char *reason = conn_reason(c);
	enum upstream_trouble trouble = reason ? TROUBLE_PEER : TROUBLE_LOST;
	char text[ADDRESS_TEXT];

	if (!reason && (!l->first || end == CONN_LOCAL || l->upstreams->is_ending))
		return;
	if (!reason && end == CONN_FAULT)
		reason = wire_fault_text(code);
	if (!reason && (end == CONN_PEER_CLOSED || end == CONN_CUT))
		reason = "that node closed the connection; its own output may say why";
	upstream_say(l->upstreams, trouble, "a forward to %s failed: %s",
		     address_format(&l->address, text, sizeof(text)),
		     reason ? reason : strerror(-code));
}

static void on_closed(struct conn *c, enum conn_end end, int code)
{
	struct link *l = c->owner;
	struct upstreams *u = l->upstreams;

	say_why_closed(l, c, end, code);
	l->conn = NULL;
	upstream_remove_link(l);
	if (u->is_beginning || u->is_ending)
		tell_lost_later(l);
	else
		tell_lost(l);
}

const struct conn_role upstream_role = {
	.accepts = WIRE_REPLY,
	.opened = on_opened,
	.message = on_message,
	.drained = on_drained,
	.refused = on_refused,
	.closed = on_closed,
};

static int begin(struct upstreams *u, const struct wire_destination *to, unsigned level,
		 struct attempt **ret)
{
	struct attempt *a = take_slot(u);
	struct link *l;
	int result;

	if (!a) {
		upstream_say(u, TROUBLE_ATTEMPTS,
			     "%u forwards of a worker are unanswered (--max-forwards): more fail",
			     u->opts.attempts);
		return -ENOBUFS;
	}
	result = upstream_find_link(u, to, level, &l);
	if (result) {
		a->next = u->free;
		u->free = a;
		return result;
	}
	upstream_leave_idle(l);
	a->link = l;
	a->is_written = false;
	a->refusals = u->refusals;
	ring_add(l, a);
	*ret = a;
	return 0;
}

/* A datagram connection takes nothing before it is open, and a guarded one shall not. */
static bool must_wait(const struct link *l)
{
	bool may_queue = l->is_open || !(l->is_datagram || l->upstreams->opts.secret);

	return l->unwritten || !may_queue || conn_is_full(l->conn);
}

int upstream_begin(struct upstreams *u, const struct wire_destination *to, unsigned level,
		   void *owner, uint16_t place, struct attempt **ret)
{
	bool was_beginning = u->is_beginning;
	struct attempt *a = NULL;
	int result;

	u->is_beginning = true;
	result = u->is_ending ? -ESHUTDOWN : begin(u, to, level, &a);
	if (!result) {
		a->owner = owner;
		a->place = place;
		*ret = a;
		if (must_wait(a->link))
			a->link->unwritten = a->link->unwritten ? a->link->unwritten : a;
		else
			write_attempt(a->link, a);
	}
	u->is_beginning = was_beginning;
	return result;
}

int upstreams_init(struct upstreams *u, struct loop *loop, const struct upstream_opts *opts,
		   const struct attempt_events *events, struct forward_stats *stats)
{
	uint32_t size = 16;

	while (size < opts->links)
		size *= 2;
	*u = (struct upstreams){ .loop = loop, .opts = *opts, .events = events, .stats = stats };
	u->bucket_mask = size - 1;
	u->buckets = calloc(size, sizeof(struct destination *));
	u->table = calloc(opts->attempts, sizeof(*u->table));
	if (u->buckets && u->table)
		return 0;
	upstreams_finish(u);
	return -ENOMEM;
}

void upstreams_end(struct upstreams *u)
{
	u->is_ending = true;
}

void upstreams_finish(struct upstreams *u)
{
	struct link *l;

	while ((l = u->lost)) {
		u->lost = l->next;
		free(l);
	}
	free(u->buckets);
	free(u->table);
	u->buckets = NULL;
	u->table = NULL;
}
