/*
 * load_answer.c - what comes back, or does not: answers, failures, timeouts. See load.h.
 *
 * The peer is not trusted: an answer to nothing we asked for, on the wrong connection or for the
 * second time is counted and changes nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/load.h"

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

void load_answer(struct conn *c, const struct message *m)
{
	struct session *s = c->owner;
	struct load *l = s->load;
	struct slot *slot = slots_find(&l->slots, m->head.id);

	if (l->phase != LOAD_SENDING && l->phase != LOAD_DRAINING)
		return;
	if (!slot || slot->session != s) {
		on_stray(l, m->head.id);
		return;
	}
	tally_answered(&l->tally, slot, m);
	forget(l, slot);
	if (l->plan.outstanding)
		load_fill(s, l->plan.clock(l->loop));
	load_session_answered(s);
}

void load_fail_requests(struct session *s, int64_t now_ns)
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

void load_expire(struct load *l, int64_t now_ns)
{
	struct slot *slot;

	if (!l->plan.timeout_ns)
		return;
	while ((slot = slots_oldest(&l->slots)) && slot->sent_ns + l->plan.timeout_ns <= now_ns) {
		struct session *s = slot->session;

		tally_lost(&l->tally, slot, OUTCOME_TIMED_OUT, now_ns);
		forget(l, slot);
		if (l->plan.outstanding && s->conn)
			load_fill(s, l->plan.clock(l->loop));
		if (l->plan.outstanding && s->conn)
			conn_flush(s->conn);
		load_session_answered(s);
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
