/*
 * ramp.h - rates that change over time, as pure functions.
 *
 * The rate is a value (base/value.h): its number 0 holds from the start, number k from k steps on.
 * A sequence stays at its end, a column begins again, a law is drawn anew for each step. A thread
 * has its own key and shares nothing with others: all walk a sequence alike.
 *
 * Requests are placed by the integral of the rate: the i-th is due when the integral is i. So a
 * step has rate x seconds of them, what is left of a gap at the end of a step goes on in the next,
 * and rates far below one request a step work. Exponential gaps are those of the same integral,
 * which makes a Poisson process with this rate. Within a step a due time is computed from the
 * step's beginning, so no error adds up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_RAMP_H
#define RW_CLIENT_RAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/value.h"

/* After so many steps without a request there will be none. A column's zeros are fewer. */
#define RAMP_IDLE_STEPS_MAX 5000000

struct ramp {
	const struct value *rate; /* of kind VALUE_RATE; outlives the ramp */
	int64_t step_ns;	  /* 0: the rate is constant */
	struct random_key key;
};

/* The key of the rates of one thread. */
struct random_key ramp_key(uint64_t seed, unsigned thread);
/* -EINVAL: a rate that changes without a step, a step without end, a rate that is always 0. */
int ramp_init(struct ramp *ret, const struct value *rate, int64_t step_ns, struct random_key key,
	      struct err *err);

/* Of a step; per second, from 0 to 10^9. */
double ramp_rate(const struct ramp *r, uint64_t step);

/*
 * -n auto: how many requests all steps of a sequence or column have, which is the sum of rate x
 * seconds, rounded up. -EINVAL: the rate has no end.
 */
int ramp_requests(const struct ramp *r, uint64_t *ret, struct err *err);

/* Walks a ramp. May be copied. */
struct ramp_cursor {
	const struct ramp *ramp;
	int64_t first_ns; /* when step 1 would begin if there were no step 0 */
	int64_t step_ns;  /* beginning of this step */
	uint64_t step;
	double rate;	    /* of this step */
	long double passed; /* the integral of the rate until its beginning */
};

/* lead_ns: the first step begins so much earlier than the ramp, at start_ns (warm-up). */
void ramp_begin(struct ramp_cursor *c, const struct ramp *r, int64_t start_ns, int64_t lead_ns);
/*
 * When the integral is `count`, which must not be less than the time before. False: never; *ret_ns
 * is then when that was certain.
 */
bool ramp_reach(struct ramp_cursor *c, long double count, int64_t *ret_ns);

#endif
