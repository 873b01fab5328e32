/*
 * ramp.c - see ramp.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/ramp.h"

#include <errno.h>
#include <math.h>

#include "base/clock.h"

/* Beside the gaps of the arrivals (arrival.c). */
#define KEY_OPERATION_ARRIVALS 0
#define KEY_PARAMETER_RATE     1

#define RATE_MAX_PER_S 1e9	   /* one each nanosecond: times know no less */
#define FAR_NS	       (1LL << 61) /* 73 years: sums of such times do not overflow */
#define ROUNDING       1e-12	   /* of a sum of rates */

struct random_key ramp_key(uint64_t seed, unsigned thread)
{
	return random_key(seed, thread, KEY_OPERATION_ARRIVALS, KEY_PARAMETER_RATE);
}

int ramp_init(struct ramp *ret, const struct value *rate, int64_t step_ns, struct random_key key,
	      struct err *err)
{
	if (!(value_max(rate) > 0))
		return err_set(err, -EINVAL, "a rate that is always 0 sends nothing");
	if (!value_is_constant(rate) && step_ns <= 0)
		return err_set(err, -EINVAL,
			       "a rate that changes needs the length of its steps: --rss=1");
	if (value_max(rate) > RATE_MAX_PER_S && !isinf(value_max(rate)))
		return err_set(err, -EINVAL, "a rate of %g is too high: at most 1G",
			       value_max(rate));
	if (step_ns > FAR_NS / (int64_t)(value_steps(rate) + 4))
		return err_set(err, -EINVAL, "these steps would take longer than 73 years");
	*ret = (struct ramp){ .rate = rate, .step_ns = step_ns, .key = key };
	return 0;
}

double ramp_rate(const struct ramp *r, uint64_t step)
{
	return fmin(value_draw(r->rate, &r->key, step), RATE_MAX_PER_S);
}

/* The rate of this step is that of all after it. */
static bool is_last(const struct ramp *r, uint64_t step)
{
	uint64_t steps = value_steps(r->rate);

	if (value_is_constant(r->rate))
		return true;
	return steps && !value_repeats(r->rate) && step >= steps - 1;
}

int ramp_requests(const struct ramp *r, uint64_t *ret, struct err *err)
{
	uint64_t steps = value_steps(r->rate);
	double sum = value_mean(r->rate) * (double)steps * ((double)r->step_ns / SEC);

	if (!steps || !r->step_ns)
		return err_set(err, -EINVAL,
			       "only a rate that ends can say how many requests there are, as "
			       "aseq, gseq and file do with --rate-step=TIME (--rss)");
	if (!(sum < 1e18))
		return err_set(err, -EINVAL, "%g requests are too many", sum);
	*ret = (uint64_t)fmax(1, ceil(sum * (1 - ROUNDING)));
	return 0;
}

void ramp_begin(struct ramp_cursor *c, const struct ramp *r, int64_t start_ns, int64_t lead_ns)
{
	*c = (struct ramp_cursor){
		.ramp = r,
		.first_ns = start_ns + lead_ns,
		.step_ns = start_ns,
		.rate = ramp_rate(r, 0),
	};
}

static void next_step(struct ramp_cursor *c, int64_t end_ns)
{
	c->passed += (long double)c->rate * (end_ns - c->step_ns) / SEC;
	c->step_ns = end_ns;
	c->step++;
	c->rate = ramp_rate(c->ramp, c->step);
}

/* A time in the step on which the cursor stands. */
static bool reach_here(const struct ramp_cursor *c, long double count, int64_t *ret_ns)
{
	long double after = c->rate > 0 ? (count - c->passed) / c->rate * SEC : INFINITY;

	*ret_ns = c->step_ns;
	if (after > FAR_NS)
		return false;
	*ret_ns += llrintl(after);
	return true;
}

bool ramp_reach(struct ramp_cursor *c, long double count, int64_t *ret_ns)
{
	const struct ramp *r = c->ramp;

	for (unsigned i = 0; i < RAMP_IDLE_STEPS_MAX && c->step_ns < FAR_NS; i++) {
		int64_t end_ns = c->first_ns + r->step_ns * (int64_t)(c->step + 1);

		if (is_last(r, c->step) ||
		    count < c->passed + (long double)c->rate * (end_ns - c->step_ns) / SEC)
			return reach_here(c, count, ret_ns);
		next_step(c, end_ns);
	}
	*ret_ns = c->step_ns;
	return false;
}
