/*
 * worker_say.c - sentences of a worker about those it serves: who did what, and what came of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/units.h"
#include "node/worker.h"

static void on_rest(struct io_op *op, const struct io_result *r)
{
	struct worker *w = (struct worker *)((char *)op - offsetof(struct worker, rest));

	(void)r;
	w->rest_is_due = false;
	speaker_rest(&w->common->speaker);
}

void worker_say_rest_later(struct worker *w)
{
	if (w->rest_is_due)
		return;
	w->rest_is_due = true;
	w->rest.kind = IO_TIMER;
	w->rest.done = on_rest;
	w->rest.deadline_ns = loop_now_ns(&w->loop) + SEC;
	loop_submit(&w->loop, &w->rest);
}

/* Unix sockets have no address on the peer's side, but a process. */
static const char *format_peer(int fd, char *buf, size_t size)
{
	struct address a = { .len = sizeof(a.storage) };
	struct ucred who;
	socklen_t who_len = sizeof(who);

	if (getpeername(fd, (struct sockaddr *)&a.storage, &a.len))
		snprintf(buf, size, errno == ENOTCONN ? "a client that is gone" : "a client");
	else if (a.storage.ss_family != AF_UNIX)
		address_format(&a, buf, size);
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len))
		snprintf(buf, size, "a client");
	else
		snprintf(buf, size, "process %d", (int)who.pid);
	return buf;
}

static void format_end(const struct conn *c, enum conn_end end, int code, char *buf, size_t size)
{
	const char *reason = conn_reason(c);

	if (reason)
		snprintf(buf, size, "%s", reason);
	else if (end == CONN_FAULT)
		snprintf(buf, size, "%s", wire_fault_text((enum wire_fault)code));
	else if (end == CONN_CUT)
		snprintf(buf, size, "ended in the middle of a message");
	else if (code == -ERANGE)
		snprintf(buf, size, "%s cannot watch descriptor %d", c->loop->ops->group.name,
			 c->recv.fd);
	else
		snprintf(buf, size, "%s", strerror(-code));
}

static void say_of_peer(struct worker *w, const struct conn *c, const char *what,
			const char *consequence)
{
	char peer[ADDRESS_TEXT];
	struct address a;

	if (datagram_peer_address(c, &a))
		address_format(&a, peer, sizeof(peer));
	else
		format_peer(c->recv.fd, peer, sizeof(peer));
	if (!speaker_say(&w->common->speaker, loop_now_ns(&w->loop), "%s: %s: %s", peer, what,
			 consequence))
		worker_say_rest_later(w);
}

void worker_say_end(struct worker *w, const struct conn *c, enum conn_end end, int code)
{
	char what[400];

	format_end(c, end, code, what, sizeof(what));
	say_of_peer(w, c, what, "connection dropped");
}

static void say_refusal(struct worker *w, const struct conn *c, const struct message *m,
			enum wire_fault why)
{
	char what[400], limit[32];

	if (why == WIRE_LONG_MESSAGE)
		snprintf(what, sizeof(what), "message of %u bytes, limit %s (--max-message)",
			 m->head.length,
			 units_format(UNIT_SIZE, w->loop.limits.message_max, limit, sizeof(limit)));
	else
		snprintf(what, sizeof(what), "%s", wire_fault_text(why));
	say_of_peer(w, c, what, "request refused");
}

/* Of conn.tag: a connection is told of each kind once. */
static uint16_t bit_of(enum wire_fault why)
{
	return (uint16_t)(1U << why % 16);
}

/* A flood of refusals must not cost more than other requests do: the speaker would be asked, with a
 * sentence in hand, for each peer that UDP makes up. */
static bool may_say_refusal(struct worker *w)
{
	int64_t now_ns = loop_now_ns(&w->loop);

	if (now_ns - w->refusals_since_ns >= SEC) {
		w->refusals_since_ns = now_ns;
		w->refusals_said = 0;
	}
	return w->refusals_said < SPEAKER_SENTENCES;
}

void worker_say_refused(struct worker *w, struct conn *c, const struct message *m,
			enum wire_fault why)
{
	if (c->tag & bit_of(why) || !may_say_refusal(w))
		return;
	c->tag |= bit_of(why);
	w->refusals_said++;
	say_refusal(w, c, m, why);
}
