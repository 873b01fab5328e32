/*
 * load_answer.c - what comes back, or does not: answers, failures, timeouts. See load.h.
 *
 * The peer is not trusted: an answer to nothing we asked for, on the wrong connection or for the
 * second time is counted and changes nothing else.
 *
 * The clock is read for each answer. The batch's time is when the kernel was last asked what is
 * there; what came after that, while the batch was handled or somebody else had the CPU, is read
 * with it, and would seem to have taken less time than it did. An answer that is read after its
 * request's timeout is late, whether or not somebody has looked for timeouts since: else a client
 * that was kept from its CPU would take for done what it had given up.
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
	bool is_measured = loop_now_ns(l->loop) >= l->measured_ns;

	if (!slots_was_used(&l->slots, id))
		l->tally.strays++;
	else if (!l->plan.is_datagram)
		tally_late(&l->tally);
	else if (overdue_take(&l->overdue, id, &is_measured))
		tally_late_datagram(&l->tally, is_measured);
	else
		tally_duplicate(&l->tally, is_measured);
}

static bool is_overdue(const struct load *l, const struct slot *slot, int64_t now_ns)
{
	return l->plan.timeout_ns && slot->sent_ns + l->plan.timeout_ns <= now_ns;
}

static void time_out(struct load *l, struct slot *slot, int64_t now_ns)
{
	tally_lost(&l->tally, slot, OUTCOME_TIMED_OUT, now_ns);
	overdue_add(&l->overdue, slots_id(&l->slots, slot), slot->is_measured);
	forget(l, slot);
}

void load_answer(struct conn *c, const struct message *m)
{
	struct session *s = c->owner;
	struct load *l = s->load;
	struct slot *slot = slots_find(&l->slots, m->head.id);
	int64_t now_ns;

	if (l->phase != LOAD_SENDING && l->phase != LOAD_DRAINING)
		return;
	if (!slot || slot->session != s) {
		on_stray(l, m->head.id);
		return;
	}
	now_ns = l->plan.clock(l->loop);
	if (is_overdue(l, slot, now_ns)) {
		time_out(l, slot, now_ns);
		on_stray(l, m->head.id);
	} else {
		tally_answered(&l->tally, slot, m, now_ns);
		forget(l, slot);
	}
	if (l->plan.outstanding)
		load_fill(s, now_ns);
	load_session_answered(s);
}

static void fail_requests(struct session *s, int64_t now_ns, bool refused)
{
	struct load *l = s->load;
	struct slot *slot = slots_oldest(&l->slots), *after;

	for (; slot && s->in_flight; slot = after) {
		after = slots_after(&l->slots, slot);
		if (slot->session != s)
			continue;
		tally_lost(&l->tally, slot, OUTCOME_FAILED, now_ns);
		if (refused)
			tally_refused(&l->tally, slot);
		forget(l, slot);
	}
}

void load_fail_requests(struct session *s, int64_t now_ns)
{
	fail_requests(s, now_ns, false);
}

/* Which of them it was about is not known; it is the same for all. */
void load_refused(struct conn *c, int code)
{
	struct session *s = c->owner;
	struct load *l = s->load;

	(void)code;
	if (l->phase != LOAD_SENDING && l->phase != LOAD_DRAINING)
		return;
	fail_requests(s, loop_now_ns(l->loop), true);
	if (l->plan.outstanding)
		load_fill(s, l->plan.clock(l->loop));
	load_session_answered(s);
}

void load_expire(struct load *l, int64_t now_ns)
{
	struct slot *slot;

	while ((slot = slots_oldest(&l->slots)) && is_overdue(l, slot, now_ns)) {
		struct session *s = slot->session;

		time_out(l, slot, now_ns);
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
