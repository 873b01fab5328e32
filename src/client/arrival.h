/*
 * arrival.h - when requests are due: computed ahead, whatever the answers do.
 *
 * A plan says everything; a cursor walks it. Two cursors on one plan give the same times, because
 * gaps come from counter-based streams (base/random.h): one is used for sending, another to look
 * what has come due meanwhile.
 *
 *	constant	start + phase + i * period, computed from i: no error adds up
 *	exponential	the running sum of gaps with mean period; the first request comes after a
 *			gap, too
 *
 *	gaps		the running sum of gaps drawn from a value (-p unif:..., -p file:...), the
 *			first request at the start: gap number i comes after request i
 *
 * With a ramp (ramp.h) the rate changes from step to step, and both laws follow its integral; the
 * ramp begins behind the warm-up, which has its first rate.
 *
 * Arrivals in the first warm_up_ns are part of the same stream and marked as not measured. The plan
 * ends after `requests` measured arrivals or after duration_ns of measured time, whichever is
 * first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_ARRIVAL_H
#define RW_CLIENT_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "client/client.h"
#include "client/ramp.h"

struct arrival_plan {
	enum arrival_law law;
	long double period_ns; /* the mean gap; 64 bits of mantissa: exact over any run */
	int64_t start_ns;      /* of the warm-up */
	int64_t phase_ns;      /* constant gaps: so that threads interleave */
	int64_t warm_up_ns;
	int64_t duration_ns;   /* of the measured part; 0: no bound */
	uint64_t requests;     /* measured; 0: no bound */
	struct random_key key; /* of the gaps */
	/* NULL: always period_ns. Else that is a mean gap, of which phase_ns is a part. */
	const struct ramp *ramp;
	/* NULL: as the law says. Else gaps, of kind VALUE_TIME and with a mean above 0; no ramp. */
	const struct value *gaps;
};

struct arrival {
	const struct arrival_plan *plan;
	int64_t due_ns;		 /* of this one; if over: of the one that would have come next */
	int64_t last_ns;	 /* due time of the one before this */
	uint64_t number;	 /* of this one, from 0, warm-up included */
	uint64_t measured;	 /* how many of those before this one belong to the measured part */
	bool is_measured;	 /* does this one */
	bool over;		 /* there is none left */
	struct ramp_cursor ramp; /* where it is */
	long double passed;	 /* until due_ns: of a ramp the integral; the sum of gaps in ns */
};

/* The key of the gaps of one thread, drawn or exponential. */
struct random_key arrival_key(uint64_t seed, unsigned thread);

/* The cursor stands on the first arrival. */
void arrival_begin(struct arrival *a, const struct arrival_plan *plan);
void arrival_next(struct arrival *a);

/* The mean gap at this arrival: what rate is in force. */
int64_t arrival_gap_ns(const struct arrival *a);

/* From the start of the measured part until the plan's end; only when over. */
int64_t arrival_window_ns(const struct arrival *a);

#endif
