/*
 * compute.c - burns time without spending it in clock system calls.
 *
 * burn() is a chain of multiplications, each waiting for the one before, so that its speed depends
 * on the CPU's clock and on nothing around it: not on alignment, the cache or wide units.
 * A calibration that has become wrong costs little: slices are 1/128 of the request, so a CPU at
 * half the speed overshoots by 1/128 of it, and a faster one looks at the clock more often.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/compute.h"

#include <stdlib.h>

#include "base/clock.h"

#define SHARE	     128
#define SLICE_MIN_NS 100
#define SLICE_MAX_NS (20 * US)

/* Calibration: so many measurements of so many loops, about 100 us each. */
#define ROUNDS	    201
#define ROUND_LOOPS 100000
#define LOOKS	    32

static __attribute__((noinline)) void burn(uint64_t loops)
{
	uint64_t x = loops;

	while (loops--) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		__asm__ volatile("" : "+r"(x));
	}
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static int64_t measure_look(clockid_t id)
{
	double costs[LOOKS];

	for (unsigned i = 0; i < LOOKS; i++) {
		int64_t start_ns = clock_now_ns();

		for (unsigned n = 0; n < LOOKS; n++)
			clock_read_ns(id);
		costs[i] = (double)(clock_now_ns() - start_ns) / (LOOKS + 1);
	}
	return (int64_t)median(costs, LOOKS);
}

void compute_calibrate(struct compute *c)
{
	double speeds[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		int64_t start_ns = clock_now_ns();

		burn(ROUND_LOOPS);
		speeds[i] = (double)ROUND_LOOPS / (double)(clock_now_ns() - start_ns);
	}
	c->plain = COMPUTE_WALL;
	c->speed = median(speeds, ROUNDS);
	c->loops_per_ns = c->speed;
	c->wall_look_ns = measure_look(CLOCK_MONOTONIC);
	c->cpu_look_ns = measure_look(CLOCK_THREAD_CPUTIME_ID);
}

/* Burns until end_ns, now_ns being the time; returns the time. */
static int64_t burn_until(const struct compute *c, int64_t now_ns, int64_t end_ns)
{
	int64_t slice_ns = (end_ns - now_ns) / SHARE;

	slice_ns = slice_ns < SLICE_MIN_NS ? SLICE_MIN_NS : slice_ns;
	slice_ns = slice_ns > SLICE_MAX_NS ? SLICE_MAX_NS : slice_ns;
	while (now_ns + c->wall_look_ns / 2 < end_ns) {
		int64_t left_ns = end_ns - now_ns;
		int64_t burn_ns = (left_ns < slice_ns ? left_ns : slice_ns) - c->wall_look_ns;

		if (burn_ns > 0)
			burn((uint64_t)((double)burn_ns * c->speed));
		now_ns = clock_now_ns();
	}
	return now_ns;
}

/*
 * As long as nothing preempts the thread, its CPU time is wall time: burn what is missing by the
 * wall clock, ask the CPU clock once, and go on with what preemption took. Reading the CPU clock
 * is work of this thread too and counts; the second reading is foreseen to cost what the first did,
 * the wall clock's with it. What is missing below that price is noise between the two clocks.
 */
static int64_t burn_cpu(const struct compute *c, int64_t ns)
{
	int64_t start_ns = clock_now_ns();
	int64_t end_cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
	int64_t now_ns = clock_now_ns();
	int64_t look_ns = now_ns - start_ns + c->wall_look_ns, left_ns = ns - look_ns;

	if (look_ns > 2 * c->cpu_look_ns)
		look_ns = c->cpu_look_ns;
	end_cpu_ns -= look_ns;
	do {
		now_ns = burn_until(c, now_ns, now_ns + left_ns - look_ns);
		left_ns = end_cpu_ns - clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		now_ns = clock_now_ns();
	} while (left_ns > look_ns);
	return now_ns;
}

int64_t compute_run(const struct compute *c, enum wire_compute variant, int64_t ns)
{
	int64_t now_ns;

	switch (variant == COMPUTE_WALL ? c->plain : variant) {
	case COMPUTE_CPU:
		return burn_cpu(c, ns);
	case COMPUTE_LOOPS:
		burn((uint64_t)((double)ns * c->loops_per_ns));
		return clock_now_ns();
	default:
		now_ns = clock_now_ns();
		return burn_until(c, now_ns, now_ns + ns);
	}
}
