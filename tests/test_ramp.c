/*
 * test_ramp.c - rates that change: which holds when, how many requests that makes, where they lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/ramp.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/arrival.h"
#include "tests/test.h"

#define SEED  20260303
#define START (7 * SEC)

struct setup {
	struct value rate;
	struct ramp ramp;
	struct arrival_plan plan;
};

static void set_up(struct setup *s, const char *rate, int64_t step_ns, unsigned thread)
{
	struct err err = { 0 };

	*s = (struct setup){ 0 };
	if (value_parse(rate, VALUE_RATE, NULL, &s->rate, &err) ||
	    ramp_init(&s->ramp, &s->rate, step_ns, ramp_key(SEED, thread), &err))
		CU_FAIL_FATAL(err.text);
	s->plan = (struct arrival_plan){
		.law = ARRIVAL_CONSTANT,
		.period_ns = SEC / (long double)value_mean(&s->rate),
		.start_ns = START,
		.key = arrival_key(SEED, thread),
		.ramp = &s->ramp,
	};
}

/* How many arrivals lie in each of `count` steps; those behind are not looked at. */
static void count_steps(const struct setup *s, unsigned count, unsigned *ret)
{
	struct arrival a;

	memset(ret, 0, count * sizeof(*ret));
	for (arrival_begin(&a, &s->plan); !a.over; arrival_next(&a)) {
		uint64_t step = (a.due_ns - START) / s->ramp.step_ns;

		CU_ASSERT(a.due_ns >= a.last_ns);
		if (step >= count)
			return;
		ret[step]++;
	}
}

static void check_steps(const char *rate, int64_t step_ns, const unsigned *want, unsigned count)
{
	unsigned got[16];
	struct setup s;

	set_up(&s, rate, step_ns, 0);
	count_steps(&s, count, got);
	for (unsigned i = 0; i < count; i++)
		CHECK_INT(got[i], want[i]);
	value_finish(&s.rate);
}

#define STEPS(rate, step_ns, ...)                                     \
	check_steps(rate, step_ns, (const unsigned[]){ __VA_ARGS__ }, \
		    sizeof((const unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned))

static void test_each_step_has_its_rate_and_the_last_one_stays(void)
{
	STEPS("aseq:min=10:max=40:step=10", SEC, 10, 20, 30, 40, 40, 40);
	STEPS("aseq:min=10:max=30:step=-10", SEC, 30, 20, 10, 10);
	STEPS("gseq:min=100:max=1000:step=10", SEC, 100, 1000, 1000);
	STEPS("gseq:min=1:max=8:step=0.5", 2 * SEC, 16, 8, 4, 2, 2);
	STEPS("100", SEC, 100, 100);
	/* A pause in the middle, and one for ever. */
	STEPS("aseq:min=0:max=20:step=10", SEC, 0, 10, 20);
	STEPS("aseq:min=0:max=20:step=-10", SEC, 20, 10, 0, 0);
}

static void test_gaps_go_on_over_the_end_of_a_step(void)
{
	struct setup s;
	struct arrival a;

	/* 0.5, 1.5 and 2.5 a second: the integral is 1 at 1 1/3 s, 2 at 2 s. */
	set_up(&s, "aseq:min=0.5:max=2.5", SEC, 0);
	arrival_begin(&a, &s.plan);
	CHECK_INT(a.due_ns, START);
	arrival_next(&a);
	CHECK_INT(a.due_ns, START + SEC + 333333333);
	arrival_next(&a);
	CHECK_INT(a.due_ns, START + 2 * SEC);
	arrival_next(&a);
	CHECK_INT(a.due_ns, START + 2 * SEC + 400 * MS);
}

static void test_slow_rates_take_many_steps_for_a_request(void)
{
	struct setup s;
	struct arrival a;

	set_up(&s, "aseq:min=0.1:max=0.2:step=0.1", 10 * MS, 0);
	arrival_begin(&a, &s.plan);
	arrival_next(&a);
	/* 1 ms of a request in the first step, 2 ms in each of the others */
	CHECK_INT(a.due_ns, START + 10 * MS + (SEC - 1 * MS) * 5);
}

static void test_due_times_within_a_step_have_no_error_that_adds_up(void)
{
	struct setup s;
	struct arrival a;

	set_up(&s, "aseq:min=3:max=30000:step=29997", 100 * SEC, 0);
	arrival_begin(&a, &s.plan);
	for (unsigned i = 0; i < 300; i++, arrival_next(&a))
		CHECK_INT(a.due_ns, START + llrintl(i * (SEC / 3.0L)));
	CHECK_INT(a.due_ns, START + 100 * SEC);
	for (unsigned i = 0; i < 3000000; i++)
		arrival_next(&a);
	CHECK_INT(a.due_ns, START + 200 * SEC);
}

static void test_as_many_requests_as_the_steps_have(void)
{
	static const struct {
		const char *rate;
		int64_t step_ns;
		uint64_t requests; /* 0: refused */
	} rows[] = {
		{ "gseq:min=100:max=1000:step=10", SEC, 1100 },
		{ "gseq:min=100:max=1000", SEC, 2500 }, /* 100 200 400 800 1000 */
		{ "gseq:min=100:max=800:step=0.5", SEC, 1500 },
		{ "aseq:min=10:max=100:step=10", SEC, 550 },
		{ "aseq:min=10:max=100:step=-10", SEC, 550 },
		{ "aseq:min=10:max=100:step=10", 500 * MS, 275 },
		{ "aseq:min=10:max=100:step=10", 3 * SEC, 1650 },
		{ "aseq:min=0:max=0.5:step=0.5", SEC, 1 },
		{ "aseq:min=0.1:max=1:step=0.1", 2 * SEC, 11 },
		{ "100", SEC, 0 },
		{ "100", 0, 0 },
		{ "exp:100", SEC, 0 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };
		uint64_t got = 0;
		struct setup s;
		int rc;

		set_up(&s, rows[i].rate, rows[i].step_ns, 0);
		rc = ramp_requests(&s.ramp, &got, &err);
		CHECK_INT(rc, rows[i].requests ? 0 : -EINVAL);
		CHECK_INT(got, rows[i].requests);
		CU_ASSERT(!rc == !*err.text);
	}
}

/* The requests of -n auto are those that are due before the last step is over. */
static void test_the_requests_of_a_sequence_end_with_its_last_step(void)
{
	static const char *const rates[] = { "gseq:min=100:max=1000:step=10",
					     "aseq:min=10:max=100:step=-10",
					     "aseq:min=0.5:max=7:step=0.75" };

	for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct setup s;
		struct arrival a;
		int64_t end_ns;

		set_up(&s, rates[i], SEC, 0);
		CHECK_INT(ramp_requests(&s.ramp, &s.plan.requests, NULL), 0);
		for (arrival_begin(&a, &s.plan); !a.over;)
			arrival_next(&a);
		CHECK_INT(a.measured, s.plan.requests);
		end_ns = START + (int64_t)value_steps(s.ramp.rate) * SEC;
		CU_ASSERT(a.last_ns < end_ns);
		CU_ASSERT(a.due_ns >= end_ns);
	}
}

static void test_threads_share_a_sequence_and_nothing_else(void)
{
	unsigned first[4], second[4], want[] = { 10, 20, 30, 40 };
	struct setup a, b;

	set_up(&a, "aseq:min=10:max=100:step=10", SEC, 0);
	set_up(&b, "aseq:min=10:max=100:step=10", SEC, 1);
	count_steps(&a, 4, first);
	count_steps(&b, 4, second);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_INT(first[i], want[i]);
		CHECK_INT(second[i], want[i]);
	}
	/* Drawn rates are their own. */
	set_up(&a, "exp:100", SEC, 0);
	set_up(&b, "exp:100", SEC, 1);
	CU_ASSERT(ramp_rate(&a.ramp, 0) != ramp_rate(&b.ramp, 0));
	CU_ASSERT(ramp_rate(&a.ramp, 0) != ramp_rate(&a.ramp, 1));
}

static void test_threads_interleave_by_a_share_of_the_gap(void)
{
	struct setup s;
	struct arrival a;

	set_up(&s, "aseq:min=10:max=20:step=10", SEC, 0);
	s.plan.phase_ns = llrintl(s.plan.period_ns / 4);
	arrival_begin(&a, &s.plan);
	CHECK_INT(a.due_ns, START + 25 * MS);
	while (a.number < 10)
		arrival_next(&a);
	CHECK_NEAR(a.due_ns - START - SEC, 12.5e6, 2);
	CHECK_INT(arrival_gap_ns(&a), 50 * MS);
}

static void test_the_warm_up_has_the_first_rate(void)
{
	unsigned count[3] = { 0 }, early = 0;
	struct setup s;
	struct arrival a;

	set_up(&s, "aseq:min=10:max=30:step=10", SEC, 0);
	s.plan.warm_up_ns = 500 * MS;
	s.plan.duration_ns = 3 * SEC;
	for (arrival_begin(&a, &s.plan); !a.over; arrival_next(&a)) {
		early += !a.is_measured;
		if (a.is_measured)
			count[(a.due_ns - START - 500 * MS) / SEC]++;
	}
	CHECK_INT(early, 5);
	CHECK_INT(count[0], 10);
	CHECK_INT(count[1], 20);
	CHECK_INT(count[2], 30);
	CHECK_INT(arrival_window_ns(&a), 3 * SEC);
}

static void test_exponential_gaps_follow_the_rate(void)
{
	unsigned count[3];
	struct setup s;

	set_up(&s, "aseq:min=10k:max=30k:step=10k", SEC, 0);
	s.plan.law = ARRIVAL_EXPONENTIAL;
	count_steps(&s, 3, count);
	for (unsigned i = 0; i < 3; i++)
		CHECK_NEAR(count[i], 10000.0 * (i + 1), 5 * sqrt(10000.0 * (i + 1)));
}

static void test_a_column_begins_again_and_may_have_pauses(void)
{
	static const char text[] = "0\n5\n0\n10\n";
	static const unsigned want[] = { 0, 5, 0, 10, 0, 5, 0, 10 };
	char path[] = "/tmp/rw-ramp-XXXXXX", rate[64];
	int fd = mkstemp(path);
	uint64_t requests;
	unsigned got[8];
	struct setup s;

	CU_ASSERT_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	snprintf(rate, sizeof(rate), "file:%s", path);
	set_up(&s, rate, SEC, 0);
	count_steps(&s, 8, got);
	for (unsigned i = 0; i < 8; i++)
		CHECK_INT(got[i], want[i]);
	CHECK_INT(ramp_requests(&s.ramp, &requests, NULL), 0);
	CHECK_INT(requests, 15);
	value_finish(&s.rate);
	unlink(path);
}

static void test_a_rate_that_comes_to_nothing_ends_the_plan(void)
{
	struct setup s;
	struct arrival a;

	set_up(&s, "aseq:min=0:max=2:step=-1", SEC, 0);
	for (arrival_begin(&a, &s.plan); !a.over;)
		arrival_next(&a);
	CHECK_INT(a.number, 3);
	CHECK_INT(a.due_ns, START + 2 * SEC);
	CHECK_INT(arrival_window_ns(&a), 2 * SEC);
	CHECK_INT(arrival_gap_ns(&a), INT64_MAX);
	/* A law may draw rates so low that no clock lives to see a request. */
	set_up(&s, "exp:0.0000001", MS, 0);
	arrival_begin(&a, &s.plan);
	arrival_next(&a);
	CU_ASSERT(a.over);
}

static void test_rates_that_make_no_ramp_are_refused(void)
{
	static const struct {
		const char *rate;
		int64_t step_ns;
		const char *says;
	} rows[] = {
		{ "0", SEC, "a rate that is always 0 sends nothing" },
		{ "exp:10", 0, "a rate that changes needs the length of its steps: --rss=1" },
		{ "aseq:min=1:max=2", 0,
		  "a rate that changes needs the length of its steps: --rss=1" },
		{ "2G", SEC, "a rate of 2e+09 is too high: at most 1G" },
		{ "exp:10", INT64_MAX / 2, "these steps would take longer than 73 years" },
		{ "aseq:min=1:max=1M", 10000000 * SEC,
		  "these steps would take longer than 73 years" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };
		struct value rate;
		struct ramp ramp;

		CHECK_INT(value_parse(rows[i].rate, VALUE_RATE, NULL, &rate, NULL), 0);
		CHECK_INT(ramp_init(&ramp, &rate, rows[i].step_ns, ramp_key(SEED, 0), &err),
			  -EINVAL);
		CHECK_TEXT(err.text, rows[i].says);
	}
}

static CU_TestInfo tests[] = {
	{ "each step has its rate and the last one stays",
	  test_each_step_has_its_rate_and_the_last_one_stays },
	{ "gaps go on over the end of a step", test_gaps_go_on_over_the_end_of_a_step },
	{ "slow rates take many steps for a request",
	  test_slow_rates_take_many_steps_for_a_request },
	{ "due times within a step have no error that adds up",
	  test_due_times_within_a_step_have_no_error_that_adds_up },
	{ "as many requests as the steps have", test_as_many_requests_as_the_steps_have },
	{ "the requests of a sequence end with its last step",
	  test_the_requests_of_a_sequence_end_with_its_last_step },
	{ "threads share a sequence and nothing else",
	  test_threads_share_a_sequence_and_nothing_else },
	{ "threads interleave by a share of the gap",
	  test_threads_interleave_by_a_share_of_the_gap },
	{ "the warm-up has the first rate", test_the_warm_up_has_the_first_rate },
	{ "exponential gaps follow the rate", test_exponential_gaps_follow_the_rate },
	{ "a column begins again and may have pauses",
	  test_a_column_begins_again_and_may_have_pauses },
	{ "a rate that comes to nothing ends the plan",
	  test_a_rate_that_comes_to_nothing_ends_the_plan },
	{ "rates that make no ramp are refused", test_rates_that_make_no_ramp_are_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("ramp", tests);
}
