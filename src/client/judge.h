/*
 * judge.h - is this run to be believed: VALID, SUSPECT or INVALID, with a sentence for each reason.
 *
 * A pure function of numbers. A generator that could not do what it was told to, or that disturbed
 * what it measured, makes numbers that look like any others; so it says so itself. The thresholds
 * are a table in judge.c; docs/METHOD.md explains them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_JUDGE_H
#define RW_CLIENT_JUDGE_H

#include "client/client.h"

struct judge_facts {
	bool is_closed_loop; /* has no schedule: rates and lateness are not judged */
	struct client_counts counts;
	double offered_rate, sent_rate;
	int64_t lateness_p99_ns, service_p50_ns;
	double busy_share;	/* of the busiest thread, spinning apart */
	double run_delay_share; /* negative: not known */
	double steal_share;
	uint64_t strays;
	unsigned connections, connections_lost;
	const char *lost_text; /* how the first one was lost */
	bool is_interrupted;
};

struct judgement {
	enum validity validity;
	unsigned count;
	char reasons[CLIENT_REASONS][160];
};

void judge_run(const struct judge_facts *f, struct judgement *ret);

/* A share as a reason has it, "12.3%": for people, so not exact. Returns buf, 16 bytes at least. */
const char *judge_percent(double share, char *buf, size_t size);

#endif
