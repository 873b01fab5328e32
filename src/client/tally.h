/*
 * tally.h - what one client thread counted: sent, answered, lost, and how long it took.
 *
 * One writer, no lock; the threads' tallies are added up when they have ended. Everything that can
 * end a request is one function here, so that the counts add up by construction:
 *
 *	planned = sent + censored
 *	sent    = done + failed + timed_out + unanswered + (still under way)
 *
 * Only done requests have a service time. The response histogram also counts the requests that
 * timed out, stayed unanswered or were never sent, with the time they had waited: a lower bound,
 * but leaving them out would make a node look faster by losing its slowest requests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_TALLY_H
#define RW_CLIENT_TALLY_H

#include "client/client.h"
#include "client/slots.h"
#include "client/split.h"
#include "engine/conn.h"

#define TALLY_NO_RECORD UINT32_MAX

struct tally {
	struct client_counts counts, warm_up;
	struct hist *response, *service, *lateness, *queue, *node_service, *connect;
	struct split split; /* of the response times of done requests */
	struct client_record *records;
	uint64_t record_max, record_count, records_lost;
	uint64_t strays;      /* answers to nothing that was asked */
	uint64_t cut_draws;   /* values that a law without an end drew beyond a limit */
	int64_t start_ns;     /* of the measured part; records are relative to it */
	int64_t last_sent_ns; /* of the measured part */
	int64_t last_done_ns;
	uint32_t thread;
	bool is_closed_loop; /* requests are not due, so they are not late */
};

int tally_init(struct tally *t, const struct program *p, uint32_t thread, uint64_t record_max);
void tally_finish(struct tally *t);

/* slot has its times and whether it is measured; gets its record. */
void tally_sent(struct tally *t, struct slot *slot);
/* Answered by m, which was read at now_ns. */
void tally_answered(struct tally *t, const struct slot *slot, const struct message *m,
		    int64_t now_ns);
/* OUTCOME_FAILED (connection broke), OUTCOME_TIMED_OUT or OUTCOME_UNANSWERED. */
void tally_lost(struct tally *t, const struct slot *slot, enum outcome outcome, int64_t now_ns);
/* Due, but not sent by the end. */
void tally_censored(struct tally *t, int64_t intended_ns, bool is_measured, int64_t now_ns);

/* A connection was opened; it took so long. */
void tally_connected(struct tally *t, int64_t ns);
void tally_skipped(struct tally *t, unsigned operations, bool is_measured);
void tally_late(struct tally *t);
/* Over UDP it is known. */
void tally_late_datagram(struct tally *t, bool is_measured);
void tally_duplicate(struct tally *t, bool is_measured);
/* Besides tally_lost(): the peer's machine refused it. */
void tally_refused(struct tally *t, const struct slot *slot);

/* Adds counts and histograms; records are moved by client.c, thread by thread. */
void tally_add(struct client_result *into, const struct tally *t);

#endif
