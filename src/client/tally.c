/*
 * tally.c - see tally.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the counts of an outcome stand; done and censored included, so that there is one table. */
static const size_t count_offsets[] = {
	[OUTCOME_DONE] = offsetof(struct client_counts, done),
	[OUTCOME_FAILED] = offsetof(struct client_counts, failed),
	[OUTCOME_TIMED_OUT] = offsetof(struct client_counts, timed_out),
	[OUTCOME_UNANSWERED] = offsetof(struct client_counts, unanswered),
	[OUTCOME_CENSORED] = offsetof(struct client_counts, censored),
};

static struct client_counts *counts_of(struct tally *t, bool is_measured)
{
	return is_measured ? &t->counts : &t->warm_up;
}

static void count(struct tally *t, bool is_measured, enum outcome outcome)
{
	++*(uint64_t *)((char *)counts_of(t, is_measured) + count_offsets[outcome]);
}

int tally_init(struct tally *t, const struct program *p, uint32_t thread, uint64_t record_max)
{
	*t = (struct tally){ .thread = thread, .record_max = record_max };
	t->response = hist_create();
	t->service = hist_create();
	t->lateness = hist_create();
	t->queue = hist_create();
	t->node_service = hist_create();
	t->connect = hist_create();
	if (split_init(&t->split, p))
		return -ENOMEM;
	if (record_max) {
		t->records = malloc(record_max * sizeof(*t->records));
		if (!t->records)
			return -ENOMEM;
		/* Touched now, so that no page is missing while requests are timed. */
		memset(t->records, 0, record_max * sizeof(*t->records));
	}
	return t->response && t->service && t->lateness && t->queue && t->node_service && t->connect
		       ? 0
		       : -ENOMEM;
}

void tally_finish(struct tally *t)
{
	hist_destroy(t->response);
	hist_destroy(t->service);
	hist_destroy(t->lateness);
	hist_destroy(t->queue);
	hist_destroy(t->node_service);
	hist_destroy(t->connect);
	split_finish(&t->split);
	free(t->records);
	*t = (struct tally){ 0 };
}

static uint32_t add_record(struct tally *t, int64_t intended_ns, int64_t sent_ns, uint64_t id,
			   uint32_t session, enum outcome outcome)
{
	if (t->record_count == t->record_max) {
		t->records_lost += t->record_max != 0;
		return TALLY_NO_RECORD;
	}
	t->records[t->record_count] = (struct client_record){
		.intended_ns = intended_ns - t->start_ns,
		.sent_ns = sent_ns ? sent_ns - t->start_ns : 0,
		.id = id,
		.thread = t->thread,
		.session = session,
		.outcome = outcome,
	};
	return t->record_count++;
}

void tally_sent(struct tally *t, struct slot *slot)
{
	struct client_counts *c = counts_of(t, slot->is_measured);
	uint64_t id = c->planned++;

	c->sent++;
	slot->record = TALLY_NO_RECORD;
	if (!slot->is_measured)
		return;
	t->last_sent_ns = slot->sent_ns;
	if (!t->is_closed_loop)
		hist_record(t->lateness, slot->sent_ns - slot->intended_ns);
	if (t->record_max)
		slot->record = add_record(t, slot->intended_ns, slot->sent_ns, id,
					  slot->session_number, OUTCOME_UNANSWERED);
}

static void end_record(struct tally *t, const struct slot *slot, enum outcome outcome,
		       enum wire_status status, int64_t end_ns)
{
	struct client_record *r;

	if (slot->record == TALLY_NO_RECORD)
		return;
	r = &t->records[slot->record];
	r->outcome = outcome;
	r->status = status;
	r->end_ns = end_ns ? end_ns - t->start_ns : 0;
}

/* What the node says it took, in numbers that fit; a hostile one may say anything. */
static int64_t bounded(uint64_t ns)
{
	return ns < INT64_MAX ? (int64_t)ns : INT64_MAX;
}

/* What the node says of itself, and what its records say of the others. */
static void add_records(struct tally *t, const struct slot *slot, const struct message *m,
			int64_t now_ns)
{
	const struct split_answer answer = {
		.late_ns = slot->sent_ns - slot->intended_ns,
		.service_ns = now_ns - slot->sent_ns,
		.records = m->body,
		.len = m->head.body_len,
		.is_cut = m->head.flags & WIRE_RECORDS_CUT,
	};
	struct wire_hop hop;

	split_add(&t->split, &answer);
	if (m->head.body_len < WIRE_HOP)
		return;
	wire_get_hop(m->body, &hop);
	hist_record(t->queue, bounded(hop.queue_ns));
	hist_record(t->node_service, bounded(hop.service_ns));
}

void tally_answered(struct tally *t, const struct slot *slot, const struct message *m,
		    int64_t now_ns)
{
	enum wire_status status = m->head.hops < WIRE_STATUSES ? m->head.hops : WIRE_ERROR;
	enum outcome outcome = status == WIRE_OK ? OUTCOME_DONE : OUTCOME_FAILED;

	count(t, slot->is_measured, outcome);
	if (outcome == OUTCOME_FAILED)
		counts_of(t, slot->is_measured)->status[status]++;
	if (!slot->is_measured)
		return;
	end_record(t, slot, outcome, status, now_ns);
	if (outcome != OUTCOME_DONE)
		return;
	t->last_done_ns = now_ns;
	hist_record(t->response, now_ns - slot->intended_ns);
	hist_record(t->service, now_ns - slot->sent_ns);
	add_records(t, slot, m, now_ns);
}

void tally_lost(struct tally *t, const struct slot *slot, enum outcome outcome, int64_t now_ns)
{
	count(t, slot->is_measured, outcome);
	if (!slot->is_measured)
		return;
	end_record(t, slot, outcome, WIRE_OK, outcome == OUTCOME_UNANSWERED ? 0 : now_ns);
	if (outcome != OUTCOME_FAILED)
		hist_record(t->response, now_ns - slot->intended_ns);
}

void tally_censored(struct tally *t, int64_t intended_ns, bool is_measured, int64_t now_ns)
{
	struct client_counts *c = counts_of(t, is_measured);
	uint64_t id = c->planned++;

	c->censored++;
	if (!is_measured)
		return;
	hist_record(t->response, now_ns - intended_ns);
	if (t->record_max)
		add_record(t, intended_ns, 0, id, 0, OUTCOME_CENSORED);
}

void tally_connected(struct tally *t, int64_t ns)
{
	hist_record(t->connect, ns);
}

void tally_skipped(struct tally *t, unsigned operations, bool is_measured)
{
	counts_of(t, is_measured)->skipped_operations += operations;
}

/* To which part the request belonged is not known any more. */
void tally_late(struct tally *t)
{
	if (t->counts.late < t->counts.timed_out)
		t->counts.late++;
	else if (t->warm_up.late < t->warm_up.timed_out)
		t->warm_up.late++;
	else
		t->strays++;
}

void tally_late_datagram(struct tally *t, bool is_measured)
{
	counts_of(t, is_measured)->late++;
}

void tally_duplicate(struct tally *t, bool is_measured)
{
	counts_of(t, is_measured)->duplicates++;
}

void tally_refused(struct tally *t, const struct slot *slot)
{
	counts_of(t, slot->is_measured)->refused++;
}

static void add_counts(struct client_counts *into, const struct client_counts *from)
{
	into->planned += from->planned;
	into->sent += from->sent;
	into->censored += from->censored;
	into->done += from->done;
	into->failed += from->failed;
	for (unsigned i = 0; i < WIRE_STATUSES; i++)
		into->status[i] += from->status[i];
	into->timed_out += from->timed_out;
	into->unanswered += from->unanswered;
	into->late += from->late;
	into->duplicates += from->duplicates;
	into->refused += from->refused;
	into->skipped_operations += from->skipped_operations;
}

void tally_add(struct client_result *into, const struct tally *t)
{
	add_counts(&into->counts, &t->counts);
	add_counts(&into->warm_up, &t->warm_up);
	hist_merge(into->response, t->response);
	hist_merge(into->service, t->service);
	hist_merge(into->lateness, t->lateness);
	hist_merge(into->queue, t->queue);
	hist_merge(into->node_service, t->node_service);
	hist_merge(into->connect, t->connect);
	split_merge(&into->split, &t->split);
}
