/*
 * arrival.c - see arrival.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/arrival.h"

#include <math.h>

/* The part of a stream's key that says what is drawn; skips have theirs in program_text.c. */
#define KEY_OPERATION_ARRIVALS 0
#define KEY_PARAMETER_GAP      0

struct random_key arrival_key(uint64_t seed, unsigned thread)
{
	return random_key(seed, thread, KEY_OPERATION_ARRIVALS, KEY_PARAMETER_GAP);
}

static int64_t exponential_gap(const struct arrival_plan *plan, uint64_t number)
{
	return llrint((double)plan->period_ns * random_exponential(&plan->key, number));
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
	a->due_ns = due_time(a);
	a->is_measured = a->due_ns >= measured_start(a->plan);
	a->over = is_over(a);
}

void arrival_begin(struct arrival *a, const struct arrival_plan *plan)
{
	*a = (struct arrival){ .plan = plan, .last_ns = plan->start_ns };
	settle(a);
}

void arrival_next(struct arrival *a)
{
	a->measured += a->is_measured;
	a->last_ns = a->due_ns;
	a->number++;
	settle(a);
}

int64_t arrival_window_ns(const struct arrival *a)
{
	const struct arrival_plan *plan = a->plan;
	int64_t window = a->due_ns - plan->phase_ns - measured_start(plan);

	return plan->duration_ns && window > plan->duration_ns ? plan->duration_ns : window;
}
