/*
 * test_compute.c - how exactly compute burns time, and how rarely it asks what time it is.
 *
 * A measurement is a row of computations of one length, timed as a whole, so that reading the
 * clock around them does not count. The machine may be busy: what was disturbed (the wall clock
 * went further than the thread's CPU clock) is thrown away, the median of the rest counts, and a
 * median that is off is measured again, because a bias of ours would be there every time.
 * clock_gettime() is wrapped by the linker to be counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "node/compute.h"
#include "node/node.h"
#include "tests/test.h"

#define MEASUREMENTS 31
#define TRIES	     400
#define REPEATS	     100
/* What is promised; under the thread sanitizer every read of a clock costs many times as much. */
#ifdef __SANITIZE_THREAD__
#define TOLERANCE 0.05
#else
#define TOLERANCE 0.01
#endif

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

static unsigned wall_reads, cpu_reads;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	if (id == CLOCK_MONOTONIC)
		wall_reads++;
	else
		cpu_reads++;
	return __real_clock_gettime(id, ret);
}

static struct compute compute;

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

struct span {
	int64_t wall_ns, cpu_ns;
};

static struct span measure(enum wire_compute variant, int64_t ns, int count)
{
	int64_t cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	int64_t wall_ns = clock_now_ns();

	for (int i = 0; i < count; i++)
		compute_run(&compute, variant, ns);
	wall_ns = clock_now_ns() - wall_ns;
	return (struct span){ wall_ns, clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns };
}

/* The median of relative errors, of undisturbed measurements as far as there are any. */
static double median_error(enum wire_compute variant, int64_t ns)
{
	int count = ns < 1 * MS ? (int)(500 * US / ns) : 1;
	double errors[MEASUREMENTS];
	int taken = 0;

	for (int i = 0; i < TRIES && taken < MEASUREMENTS; i++) {
		struct span s = measure(variant, ns, count);
		int64_t got_ns = variant == COMPUTE_CPU ? s.cpu_ns : s.wall_ns;

		if (s.wall_ns > s.cpu_ns + ns * count / 200)
			continue;
		errors[taken++] = (double)got_ns / (double)(ns * count) - 1;
	}
	qsort(errors, taken, sizeof(*errors), compare);
	return taken ? errors[taken / 2] : 1;
}

static void check_error(enum wire_compute variant, int64_t ns)
{
	double error = 1;

	for (int i = 0; i < REPEATS && (error > TOLERANCE || error < -TOLERANCE); i++)
		error = median_error(variant, ns);
	CHECK_NEAR(error, 0, TOLERANCE);
}

static const int64_t lengths_ns[] = { 10 * US, 100 * US, 1 * MS };

static void test_wall_time_is_right_to_a_hundredth(void)
{
	for (unsigned i = 0; i < 3; i++)
		check_error(COMPUTE_WALL, lengths_ns[i]);
}

static void test_cpu_time_is_right_to_a_hundredth(void)
{
	for (unsigned i = 0; i < 3; i++)
		check_error(COMPUTE_CPU, lengths_ns[i]);
}

static void test_the_time_returned_is_the_time_at_the_end(void)
{
	for (int variant = COMPUTE_WALL; variant < COMPUTE_VARIANTS; variant++) {
		int64_t before_ns = clock_now_ns();
		int64_t end_ns = compute_run(&compute, variant, 50 * US);

		CU_ASSERT(end_ns > before_ns);
		CU_ASSERT(end_ns <= clock_now_ns());
		if (variant == COMPUTE_WALL)
			CU_ASSERT(end_ns - before_ns >= 49 * US);
	}
}

static void test_nothing_to_compute_takes_no_time(void)
{
	for (int variant = COMPUTE_WALL; variant < COMPUTE_VARIANTS; variant++) {
		wall_reads = 0;
		compute_run(&compute, variant, 0);
		CU_ASSERT(wall_reads <= 3);
	}
}

/* True: at least one of some tries needed so few. */
static bool reads_at_most(enum wire_compute variant, int64_t ns, unsigned wall_max,
			  unsigned cpu_max)
{
	for (int i = 0; i < 50; i++) {
		wall_reads = cpu_reads = 0;
		compute_run(&compute, variant, ns);
		if (wall_reads <= wall_max && cpu_reads <= cpu_max)
			return true;
	}
	return false;
}

/* Preemption makes more reads, and so does a CPU that is faster than when it was calibrated. */
static void count_reads(enum wire_compute variant, int64_t ns, unsigned wall_max, unsigned cpu_max)
{
	bool fine = reads_at_most(variant, ns, wall_max, cpu_max);

	for (int i = 0; i < REPEATS && !fine; i++) {
		compute_calibrate(&compute);
		fine = reads_at_most(variant, ns, wall_max, cpu_max);
	}
	if (!fine)
		printf("\n    variant %d, %" PRId64 " ns: %u wall and %u cpu reads", variant, ns,
		       wall_reads, cpu_reads);
	CU_ASSERT(fine);
}

static void test_clocks_are_hardly_read(void)
{
	count_reads(COMPUTE_WALL, 10 * US, 170, 0);
	count_reads(COMPUTE_WALL, 1 * MS, 200, 0);
	count_reads(COMPUTE_WALL, 4 * MS, 300, 0);
	count_reads(COMPUTE_CPU, 10 * US, 170, 3);
	count_reads(COMPUTE_CPU, 1 * MS, 200, 4);
	count_reads(COMPUTE_LOOPS, 1 * MS, 1, 0);
}

static void test_loops_follow_the_number_that_was_set(void)
{
	struct compute half = compute;
	int64_t whole_ns, half_ns;
	bool fine = false;

	half.loops_per_ns /= 2;
	for (int i = 0; i < 20 && !fine; i++) {
		int64_t start_ns = clock_now_ns();

		whole_ns = compute_run(&compute, COMPUTE_LOOPS, 500 * US) - start_ns;
		start_ns = clock_now_ns();
		half_ns = compute_run(&half, COMPUTE_LOOPS, 500 * US) - start_ns;
		fine = half_ns > whole_ns * 0.4 && half_ns < whole_ns * 0.6;
	}
	CU_ASSERT(fine);
}

/* What --loops-per-usec=text makes of computing; what is written reads back. */
static struct computing computing_of(const char *text, const char *canonical)
{
	const struct knob *k = knob_find(&node_knobs, "loops-per-usec");
	struct node_opts opts = { 0 };
	struct err err = { 0 };
	char buf[64];

	CHECK_INT(knob_parse(k, text, &opts, &err), 0);
	knob_format(k, &opts, buf, sizeof(buf));
	CHECK_TEXT(buf, canonical);
	return opts.computing;
}

static void test_loops_per_usec_says_how_plain_computing_goes(void)
{
	const struct knob *k = knob_find(&node_knobs, "loops-per-usec");
	struct node_opts opts = { .computing.plain = COMPUTE_CPU };
	struct err err = { 0 };

	CHECK_INT(computing_of("no", "no").plain, COMPUTE_WALL);
	CHECK_INT(computing_of("-1", "-1").plain, COMPUTE_CPU);
	CHECK_INT(computing_of("0", "0").plain, COMPUTE_LOOPS);
	CHECK_INT(computing_of("1500", "1.5k").plain, COMPUTE_LOOPS);
	CHECK_NEAR(computing_of("1500", "1.5k").loops_per_us, 1500, 0);
	CHECK_INT(knob_parse(k, "-2", &opts, &err), -EINVAL);
	CHECK_INT(knob_parse(k, "many", &opts, &err), -EINVAL);
	CHECK_INT(opts.computing.plain, COMPUTE_CPU);
}

static void test_plain_computing_goes_as_the_node_was_told(void)
{
	struct compute told = compute;

	told.plain = COMPUTE_LOOPS;
	told.loops_per_ns = 0;
	wall_reads = 0;
	compute_run(&told, COMPUTE_WALL, 100 * MS);
	CHECK_INT(wall_reads, 1); /* at the end: no loops took no time */
	told.plain = COMPUTE_CPU;
	cpu_reads = 0;
	compute_run(&told, COMPUTE_WALL, 10 * US);
	CU_ASSERT(cpu_reads >= 2);
}

static CU_TestInfo tests[] = {
	{ "wall time is right to a hundredth", test_wall_time_is_right_to_a_hundredth },
	{ "cpu time is right to a hundredth", test_cpu_time_is_right_to_a_hundredth },
	{ "the time returned is the time at the end",
	  test_the_time_returned_is_the_time_at_the_end },
	{ "nothing to compute takes no time", test_nothing_to_compute_takes_no_time },
	{ "clocks are hardly read", test_clocks_are_hardly_read },
	{ "loops follow the number that was set", test_loops_follow_the_number_that_was_set },
	{ "loops per usec says how plain computing goes",
	  test_loops_per_usec_says_how_plain_computing_goes },
	{ "plain computing goes as the node was told",
	  test_plain_computing_goes_as_the_node_was_told },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	compute_calibrate(&compute);
	printf("%.3f loops per ns, wall clock %" PRId64 " ns, cpu clock %" PRId64 " ns\n",
	       compute.loops_per_ns, compute.wall_look_ns, compute.cpu_look_ns);
	return test_main("compute", tests);
}
