/*
 * arrival.c - see arrival.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/arrival.h"

#include <math.h>

#include "base/clock.h"

/* The part of a stream's key that says what is drawn; what programs draw is in program_write.c. */
#define KEY_OPERATION_ARRIVALS 0
#define KEY_PARAMETER_GAP      0

#define FAR_NS (1LL << 61) /* 73 years: sums of such times do not overflow */

struct random_key arrival_key(uint64_t seed, unsigned thread)
{
	return random_key(seed, thread, KEY_OPERATION_ARRIVALS, KEY_PARAMETER_GAP);
}

static int64_t exponential_gap(const struct arrival_plan *plan, uint64_t number)
{
	return llrint((double)plan->period_ns * random_exponential(&plan->key, number));
}

/* How much of a gap constant arrivals are put off by, so that threads interleave. */
static long double phase_share(const struct arrival_plan *plan)
{
	return plan->period_ns > 0 ? plan->phase_ns / plan->period_ns : 0;
}

/* Sets due_ns. False: the rate is 0 from then on. */
static bool follow_ramp(struct arrival *a)
{
	const struct arrival_plan *plan = a->plan;

	if (plan->law == ARRIVAL_EXPONENTIAL)
		a->passed += random_exponential(&plan->key, a->number);
	else
		a->passed = a->number + phase_share(plan);
	return ramp_reach(&a->ramp, a->passed, &a->due_ns);
}

/* The same for gaps: they may add up to more than a time can be. */
static bool follow_gaps(struct arrival *a)
{
	const struct arrival_plan *plan = a->plan;

	if (a->number)
		a->passed += value_draw(plan->gaps, &plan->key, a->number - 1);
	a->due_ns = a->last_ns;
	if (a->passed > FAR_NS)
		return false;
	a->due_ns = plan->start_ns + plan->phase_ns + llrintl(a->passed);
	return true;
}

static int64_t due_time(const struct arrival *a)
{
	const struct arrival_plan *plan = a->plan;

	if (plan->law == ARRIVAL_EXPONENTIAL)
		return a->last_ns + exponential_gap(plan, a->number);
	return plan->start_ns + plan->phase_ns + llrintl(plan->period_ns * a->number);
}

static int64_t measured_start(const struct arrival_plan *plan)
{
	return plan->start_ns + plan->warm_up_ns;
}

static bool is_over(const struct arrival *a)
{
	const struct arrival_plan *plan = a->plan;

	if (plan->requests && a->measured >= plan->requests)
		return true;
	return plan->duration_ns && a->due_ns >= measured_start(plan) + plan->duration_ns;
}

static void settle(struct arrival *a)
{
	bool comes = true;

	if (a->plan->ramp)
		comes = follow_ramp(a);
	else if (a->plan->gaps)
		comes = follow_gaps(a);
	else
		a->due_ns = due_time(a);
	a->is_measured = a->due_ns >= measured_start(a->plan);
	a->over = !comes || is_over(a);
}

void arrival_begin(struct arrival *a, const struct arrival_plan *plan)
{
	*a = (struct arrival){ .plan = plan, .last_ns = plan->start_ns };
	if (plan->ramp)
		ramp_begin(&a->ramp, plan->ramp, plan->start_ns, plan->warm_up_ns);
	settle(a);
}

void arrival_next(struct arrival *a)
{
	a->measured += a->is_measured;
	a->last_ns = a->due_ns;
	a->number++;
	settle(a);
}

int64_t arrival_gap_ns(const struct arrival *a)
{
	long double gap = a->plan->period_ns;

	if (a->plan->ramp)
		gap = a->ramp.rate > 0 ? SEC / (long double)a->ramp.rate : INFINITY;
	else if (a->plan->gaps)
		gap = value_mean(a->plan->gaps);
	return gap < INT64_MAX ? llrintl(gap) : INT64_MAX;
}

/* The phase as a time, at the rate that is in force. */
static int64_t phase_ns(const struct arrival *a)
{
	if (!a->plan->ramp || !(a->ramp.rate > 0))
		return a->plan->phase_ns;
	return llrintl(phase_share(a->plan) * SEC / a->ramp.rate);
}

int64_t arrival_window_ns(const struct arrival *a)
{
	const struct arrival_plan *plan = a->plan;
	int64_t window = a->due_ns - phase_ns(a) - measured_start(plan);

	return plan->duration_ns && window > plan->duration_ns ? plan->duration_ns : window;
}
