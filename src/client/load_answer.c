/*
 * load_answer.c - what comes back: answers, lost connections, timeouts. See load.h.
 *
 * The peer is not trusted: an answer to nothing we asked for, on the wrong connection or for the
 * second time is counted and changes nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "client/load.h"

void load_session_opened(struct session *s)
{
	struct load *l = s->load;

	s->is_open = true;
	s->place = l->open_count;
	l->open[l->open_count++] = s;
}

static void on_opened(struct conn *c)
{
	load_session_opened(c->owner);
}

static void forget(struct load *l, struct slot *slot)
{
	slot->session->in_flight--;
	slots_drop(&l->slots, slot);
}

static void on_stray(struct load *l, uint64_t id)
{
	if (slots_was_used(&l->slots, id))
		tally_late(&l->tally);
	else
		l->tally.strays++;
}

static void on_message(struct conn *c, const struct message *m)
{
	struct session *s = c->owner;
	struct load *l = s->load;
	struct slot *slot = slots_find(&l->slots, m->head.id);
	struct wire_hop hop;
	bool has_hop = m->head.body_len >= WIRE_HOP;

	if (l->phase != LOAD_SENDING && l->phase != LOAD_DRAINING)
		return;
	if (!slot || slot->session != s) {
		on_stray(l, m->head.id);
		return;
	}
	if (has_hop)
		wire_get_hop(m->body, &hop);
	tally_answered(&l->tally, slot, m->head.hops, m->received_ns, has_hop ? &hop : NULL);
	forget(l, slot);
	if (l->plan.outstanding)
		load_fill(s, l->plan.clock(l->loop));
}

static void fail_requests(struct session *s, int64_t now_ns)
{
	struct load *l = s->load;
	struct slot *slot = slots_oldest(&l->slots), *after;

	for (; slot && s->in_flight; slot = after) {
		after = slots_after(&l->slots, slot);
		if (slot->session != s)
			continue;
		tally_lost(&l->tally, slot, OUTCOME_FAILED, now_ns);
		forget(l, slot);
	}
}

static void describe_end(enum conn_end end, int code, char *buf, size_t size)
{
	if (end == CONN_PEER_CLOSED)
		snprintf(buf, size, "closed by the node");
	else if (end == CONN_CUT)
		snprintf(buf, size, "closed by the node in the middle of an answer");
	else if (end == CONN_FAULT)
		snprintf(buf, size, "the answer is no reply: %s", wire_fault_text(code));
	else
		snprintf(buf, size, "%s", strerror(-code));
}

static void leave_open(struct session *s)
{
	struct load *l = s->load;
	struct session *last = l->open[--l->open_count];

	s->is_open = false;
	l->open[s->place] = last;
	last->place = s->place;
}

static void on_closed(struct conn *c, enum conn_end end, int code)
{
	struct session *s = c->owner;
	struct load *l = s->load;

	s->conn = NULL;
	if (!s->is_open) {
		if (!l->refused)
			l->refused = code;
		return;
	}
	leave_open(s);
	if (l->phase == LOAD_OVER)
		return;
	if (!l->lost++)
		describe_end(end, code, l->lost_text, sizeof(l->lost_text));
	fail_requests(s, loop_now_ns(l->loop));
}

const struct conn_role load_role = {
	.accepts = WIRE_REPLY,
	.opened = on_opened,
	.message = on_message,
	.closed = on_closed,
};

void load_expire(struct load *l, int64_t now_ns)
{
	struct slot *slot;

	if (!l->plan.timeout_ns)
		return;
	while ((slot = slots_oldest(&l->slots)) && slot->sent_ns + l->plan.timeout_ns <= now_ns) {
		struct session *s = slot->session;

		tally_lost(&l->tally, slot, OUTCOME_TIMED_OUT, now_ns);
		forget(l, slot);
		if (!l->plan.outstanding || !s->conn)
			continue;
		load_fill(s, l->plan.clock(l->loop));
		if (s->conn)
			conn_flush(s->conn);
	}
}

void load_give_up(struct load *l, int64_t now_ns)
{
	struct slot *slot;

	while ((slot = slots_oldest(&l->slots))) {
		tally_lost(&l->tally, slot, OUTCOME_UNANSWERED, now_ns);
		forget(l, slot);
	}
}
