/*
 * test_arrival.c - intended times: exact, seeded, independent of each other, and ending where they
 * should.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/arrival.h"

#include <math.h>

#include "base/clock.h"
#include "client/arrival_text.h"
#include "tests/test.h"

#define SEED 20240607

static struct arrival_plan plan_of(enum arrival_law law, double rate)
{
	return (struct arrival_plan){
		.law = law,
		.period_ns = SEC / (long double)rate,
		.start_ns = 7 * SEC,
		.key = arrival_key(SEED, 0),
	};
}

static void advance(struct arrival *a, uint64_t count)
{
	while (count--)
		arrival_next(a);
}

static void test_constant_gaps_do_not_drift(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 3);
	struct arrival a;

	arrival_begin(&a, &plan);
	CHECK_INT(a.due_ns, 7 * SEC);
	advance(&a, 1);
	CHECK_INT(a.due_ns, 7 * SEC + 333333333);
	advance(&a, 1);
	CHECK_INT(a.due_ns, 7 * SEC + 666666667);
	advance(&a, 3 * 100000 - 2);
	CHECK_INT(a.due_ns, 7 * SEC + 100000 * SEC);
}

static void test_a_period_given_in_time_is_exact_for_years(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 1);
	struct arrival a;

	plan.period_ns = 100 * US + 1;
	arrival_begin(&a, &plan);
	a.number = 1000ULL * 1000 * 1000 * 1000 - 1;
	arrival_next(&a);
	CHECK_INT(a.due_ns, 7 * SEC + (100 * US + 1) * 1000 * 1000 * 1000 * 1000);
}

static void test_threads_with_constant_gaps_interleave(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 1000);
	struct arrival a;

	plan.phase_ns = MS / 4;
	arrival_begin(&a, &plan);
	CHECK_INT(a.due_ns, 7 * SEC + 250 * US);
	advance(&a, 10);
	CHECK_INT(a.due_ns, 7 * SEC + 10 * MS + 250 * US);
}

static void test_exponential_gaps_have_the_mean_and_the_spread_of_their_law(void)
{
	const unsigned count = 200000;
	struct arrival_plan plan = plan_of(ARRIVAL_EXPONENTIAL, 10000);
	double squares = 0, mean;
	struct arrival a;

	arrival_begin(&a, &plan);
	for (unsigned i = 0; i < count; i++) {
		double gap = a.due_ns - a.last_ns;

		CU_ASSERT(gap >= 0);
		squares += gap * gap;
		arrival_next(&a);
	}
	mean = (double)(a.last_ns - plan.start_ns) / count;
	/* Standard error of the mean: 100 us / sqrt(200000) = 0.22 us. */
	CHECK_NEAR(mean, 100e3, 1e3);
	CHECK_NEAR(sqrt(squares / count - mean * mean), 100e3, 1.5e3);
}

static void test_two_cursors_on_one_plan_see_the_same_times(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_EXPONENTIAL, 1000);
	struct arrival a, b;

	arrival_begin(&a, &plan);
	arrival_begin(&b, &plan);
	for (unsigned i = 0; i < 1000; i++, arrival_next(&a), arrival_next(&b))
		CU_ASSERT(a.due_ns == b.due_ns);
}

static void test_threads_and_seeds_have_streams_of_their_own(void)
{
	struct arrival_plan plans[3] = {
		plan_of(ARRIVAL_EXPONENTIAL, 1000),
		plan_of(ARRIVAL_EXPONENTIAL, 1000),
		plan_of(ARRIVAL_EXPONENTIAL, 1000),
	};
	struct arrival a[3];
	unsigned same = 0;

	plans[1].key = arrival_key(SEED, 1);
	plans[2].key = arrival_key(SEED + 1, 0);
	for (unsigned i = 0; i < 3; i++)
		arrival_begin(&a[i], &plans[i]);
	for (unsigned i = 0; i < 1000; i++) {
		same += a[0].due_ns - a[0].last_ns == a[1].due_ns - a[1].last_ns;
		same += a[0].due_ns - a[0].last_ns == a[2].due_ns - a[2].last_ns;
		for (unsigned j = 0; j < 3; j++)
			arrival_next(&a[j]);
	}
	CU_ASSERT(same < 5);
}

static void test_the_warm_up_is_part_of_the_stream_and_not_measured(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 10);
	struct arrival a;

	plan.warm_up_ns = 250 * MS;
	plan.requests = 4;
	arrival_begin(&a, &plan);
	advance(&a, 2);
	CU_ASSERT(!a.is_measured);
	advance(&a, 1);
	CU_ASSERT(a.is_measured);
	CHECK_INT(a.due_ns, 7 * SEC + 300 * MS);
	CHECK_INT(a.measured, 0);
	advance(&a, 3);
	CU_ASSERT(!a.over);
	advance(&a, 1);
	CU_ASSERT(a.over);
	CHECK_INT(a.measured, 4);
	CHECK_INT(a.last_ns, 7 * SEC + 600 * MS);
}

static void test_a_duration_bounds_the_measured_part(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 10);
	struct arrival a;

	plan.warm_up_ns = 200 * MS;
	plan.duration_ns = SEC;
	arrival_begin(&a, &plan);
	while (!a.over)
		arrival_next(&a);
	CHECK_INT(a.measured, 10);
	CHECK_INT(a.number, 12);
	CHECK_INT(arrival_window_ns(&a), SEC);
}

static void test_the_window_of_a_counted_plan_ends_where_the_next_request_would_be(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 10);
	struct arrival a;

	plan.phase_ns = 50 * MS;
	plan.requests = 5;
	arrival_begin(&a, &plan);
	while (!a.over)
		arrival_next(&a);
	CHECK_INT(arrival_window_ns(&a), 500 * MS);
}

/* A ramp that does not rise is the plan without one. */
static void test_a_constant_ramp_changes_nothing(void)
{
	struct arrival_plan plain = plan_of(ARRIVAL_CONSTANT, 3), ramped = plain;
	struct value rate;
	struct ramp ramp;
	struct arrival a, b;

	CHECK_INT(value_parse("3", VALUE_RATE, NULL, &rate, NULL), 0);
	CHECK_INT(ramp_init(&ramp, &rate, SEC, ramp_key(SEED, 0), NULL), 0);
	plain.phase_ns = ramped.phase_ns = 100 * MS;
	plain.warm_up_ns = ramped.warm_up_ns = 10 * SEC;
	plain.requests = ramped.requests = 1000;
	ramped.ramp = &ramp;
	arrival_begin(&a, &plain);
	for (arrival_begin(&b, &ramped); !b.over; arrival_next(&a), arrival_next(&b)) {
		CHECK_NEAR(b.due_ns, a.due_ns, 1);
		CHECK_INT(b.is_measured, a.is_measured);
	}
	CHECK_INT(a.over, 1);
	CHECK_NEAR(arrival_window_ns(&b), arrival_window_ns(&a), 1);
	CHECK_INT(arrival_gap_ns(&b), arrival_gap_ns(&a));
}

static void test_gaps_come_from_a_value_one_after_the_other(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 1);
	struct value gaps;
	struct arrival a;

	CHECK_INT(value_parse("aseq:min=1.5ns:max=4ms:step=1ms", VALUE_TIME, NULL, &gaps, NULL), 0);
	plan.gaps = &gaps;
	plan.phase_ns = 10;
	arrival_begin(&a, &plan);
	CHECK_INT(a.due_ns, 7 * SEC + 10);
	advance(&a, 1);
	CHECK_INT(a.due_ns, 7 * SEC + 12);
	/* Half nanoseconds are kept until they are whole ones. */
	advance(&a, 1);
	CHECK_INT(a.due_ns, 7 * SEC + 10 + MS + 3);
	advance(&a, 3);
	CHECK_INT(a.due_ns, 7 * SEC + 10 + 6 * MS + 4 * MS + 6);
	advance(&a, 2);
	CHECK_INT(a.due_ns, 7 * SEC + 10 + 6 * MS + 12 * MS + 6);
}

static void test_drawn_gaps_have_the_mean_of_their_law(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 1);
	struct value gaps;
	struct arrival a;

	CHECK_INT(value_parse("unif:min=10us,max=30us", VALUE_TIME, "us", &gaps, NULL), 0);
	plan.gaps = &gaps;
	plan.duration_ns = 2 * SEC;
	for (arrival_begin(&a, &plan); !a.over; arrival_next(&a))
		CU_ASSERT(!a.number || (a.due_ns - a.last_ns >= 10 * US - 1 &&
					a.due_ns - a.last_ns <= 30 * US + 1));
	CHECK_NEAR(a.measured, 100000, 5 * 5.8 / 20 * sqrt(100000));
	CHECK_INT(arrival_gap_ns(&a), 20 * US);
}

static void test_gaps_beyond_all_times_end_the_plan(void)
{
	struct arrival_plan plan = plan_of(ARRIVAL_CONSTANT, 1);
	struct value gaps;
	struct arrival a;

	CHECK_INT(value_parse("pareto:alpha=0.1:xmin=1s", VALUE_TIME, NULL, &gaps, NULL), 0);
	plan.gaps = &gaps;
	arrival_begin(&a, &plan);
	for (unsigned i = 0; i < 1000 && !a.over; i++)
		arrival_next(&a);
	CU_ASSERT(a.over && a.due_ns == a.last_ns);
}

static void test_periods_are_read_as_people_write_them(void)
{
	static const struct {
		const char *text;
		enum arrival_law law;
		int64_t ns; /* 0: refused */
	} rows[] = {
		{ "100ms", ARRIVAL_CONSTANT, 100 * MS },
		{ "100", ARRIVAL_CONSTANT, 100 * US },
		{ "2.5us", ARRIVAL_CONSTANT, 2500 },
		{ "exp:100us", ARRIVAL_EXPONENTIAL, 100 * US },
		{ "exp:1000", ARRIVAL_EXPONENTIAL, MS },
		{ "0", ARRIVAL_CONSTANT, 0 },
		{ "-5us", ARRIVAL_CONSTANT, 0 },
		{ "10x", ARRIVAL_CONSTANT, 0 },
		{ "exp:", ARRIVAL_CONSTANT, 0 },
		{ "exp:100us:min=10us", ARRIVAL_CONSTANT, 0 },
		{ "unif:min=1us:max=2us", ARRIVAL_CONSTANT, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum arrival_law law = ARRIVAL_CONSTANT;
		struct err err = { 0 };
		int64_t ns = -1;
		int rc = arrival_parse_period(rows[i].text, &law, &ns, &err);

		CHECK_INT(rc, rows[i].ns ? 0 : -22);
		CHECK_INT(ns, rows[i].ns ? rows[i].ns : -1);
		CHECK_INT(law, rows[i].law);
		CU_ASSERT(!rc == !*err.text);
	}
}

static CU_TestInfo tests[] = {
	{ "constant gaps do not drift", test_constant_gaps_do_not_drift },
	{ "a period given in time is exact for years",
	  test_a_period_given_in_time_is_exact_for_years },
	{ "threads with constant gaps interleave", test_threads_with_constant_gaps_interleave },
	{ "exponential gaps have the mean and the spread of their law",
	  test_exponential_gaps_have_the_mean_and_the_spread_of_their_law },
	{ "two cursors on one plan see the same times",
	  test_two_cursors_on_one_plan_see_the_same_times },
	{ "threads and seeds have streams of their own",
	  test_threads_and_seeds_have_streams_of_their_own },
	{ "the warm-up is part of the stream and not measured",
	  test_the_warm_up_is_part_of_the_stream_and_not_measured },
	{ "a duration bounds the measured part", test_a_duration_bounds_the_measured_part },
	{ "the window of a counted plan ends where the next request would be",
	  test_the_window_of_a_counted_plan_ends_where_the_next_request_would_be },
	{ "a constant ramp changes nothing", test_a_constant_ramp_changes_nothing },
	{ "gaps come from a value, one after the other",
	  test_gaps_come_from_a_value_one_after_the_other },
	{ "drawn gaps have the mean of their law", test_drawn_gaps_have_the_mean_of_their_law },
	{ "gaps beyond all times end the plan", test_gaps_beyond_all_times_end_the_plan },
	{ "periods are read as people write them", test_periods_are_read_as_people_write_them },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("arrival", tests);
}
