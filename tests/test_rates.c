/*
 * test_rates.c - what -r, -p, --rss and -n mean together, by rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/rates.h"

#include <errno.h>

#include "base/clock.h"
#include "tests/test.h"

struct setting {
	const char *key, *text;
};

static void set_all(struct client_opts *o, const struct setting *settings, struct knob_set *set)
{
	*set = (struct knob_set){ 0 };
	knob_set_add(set, &client_knobs, o);
	for (; settings->key; settings++)
		CHECK_INT(knob_set_assign(set, settings->key, settings->text, KNOB_ARGUMENT, NULL),
			  0);
}

static const struct {
	struct setting settings[5];
	double period_ns;
	uint64_t requests;
	int law;
	bool has_ramp, has_gaps;
} good[] = {
	{ { { 0 } }, 1e8, 1, ARRIVAL_CONSTANT, false, false },
	{ { { "rate", "1k" } }, 1e6, 1, ARRIVAL_CONSTANT, false, false },
	{ { { "rate", "1k" }, { "duration", "1s" } }, 1e6, 0, ARRIVAL_CONSTANT, 0, 0 },
	{ { { "rate", "0.5" }, { "requests", "7" } }, 2e9, 7, ARRIVAL_CONSTANT, 0, 0 },
	{ { { "period", "250" } }, 250e3, 1, ARRIVAL_CONSTANT, false, false },
	{ { { "period", "exp:1ms" } }, 1e6, 1, ARRIVAL_EXPONENTIAL, false, false },
	{ { { "period", "exp:1ms" }, { "rate", "10" } }, 1e8, 1, ARRIVAL_CONSTANT, 0, 0 },
	{ { { "arrivals", "exponential" }, { "rate", "10" } },
	  1e8,
	  1,
	  ARRIVAL_EXPONENTIAL,
	  false,
	  false },
	{ { { "period", "unif:min=1ms,max=3ms" } }, 2e6, 1, ARRIVAL_CONSTANT, 0, true },
	{ { { "period", "exp:1000:max=5000" } }, 0, 1, ARRIVAL_CONSTANT, false, true },
	{ { { "rate", "aseq:min=10:max=100:step=10" }, { "rss", "1" } },
	  0,
	  550,
	  ARRIVAL_CONSTANT,
	  true,
	  false },
	{ { { "rate", "gseq:min=100:max=1000:step=10" }, { "rss", "1" }, { "requests", "auto" } },
	  0,
	  1100,
	  ARRIVAL_CONSTANT,
	  true,
	  false },
	{ { { "rate", "aseq:min=10:max=20:step=10" }, { "rss", "2" }, { "requests", "5" } },
	  0,
	  5,
	  ARRIVAL_CONSTANT,
	  true,
	  false },
	{ { { "rate", "aseq:min=1:max=2" }, { "rss", "1" }, { "rate", "10" } },
	  1e8,
	  1,
	  ARRIVAL_CONSTANT,
	  false,
	  false },
};

static void test_rates_and_periods_become_plans(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct client_opts o;
		struct knob_set set;
		struct rates r;

		set_all(&o, good[i].settings, &set);
		CHECK_INT(rates_read(&o, &r, NULL), 0);
		if (good[i].period_ns > 0)
			CHECK_NEAR((double)r.period_ns, good[i].period_ns, 1e-9);
		CHECK_INT(r.requests, good[i].requests);
		CHECK_INT(r.law, good[i].law);
		CHECK_INT(r.has_ramp, good[i].has_ramp);
		CHECK_INT(r.has_gaps, good[i].has_gaps);
		rates_finish(&r);
	}
}

static void test_what_does_not_go_together_is_refused(void)
{
	static const struct {
		struct setting settings[4];
		const char *words;
	} rows[] = {
		{ { { "rate", "aseq:min=10:max=100" } }, "--rate-step says when" },
		{ { { "requests", "auto" } }, "counts the steps of a rate that changes" },
		{ { { "requests", "auto" }, { "rate", "exp:100" }, { "rss", "1" } }, "-n auto" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };
		struct client_opts o;
		struct knob_set set;
		struct rates r;

		set_all(&o, rows[i].settings, &set);
		CHECK_INT(rates_read(&o, &r, &err), -EINVAL);
		CU_ASSERT(strstr(err.text, rows[i].words) != NULL);
		if (!strstr(err.text, rows[i].words))
			printf("\n    %s\n", err.text);
	}
}

static void test_texts_that_are_no_rate_or_period_are_refused(void)
{
	static const struct setting rows[] = {
		{ "rate", "0" },	   { "rate", "-1" },	{ "rate", "aseq:min=10" },
		{ "rate", "file:/none" },  { "period", "0" },	{ "period", "pois:1ms" },
		{ "period", "10parsecs" }, { "requests", "x" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct knob_set set = { 0 };
		struct client_opts o;
		struct err err = { 0 };

		knob_set_add(&set, &client_knobs, &o);
		CU_ASSERT(knob_set_assign(&set, rows[i].key, rows[i].text, KNOB_ARGUMENT, &err) <
			  0);
		CU_ASSERT(*err.text != '\0');
	}
}

static void test_threads_walk_the_same_ramp_a_part_of_a_gap_apart(void)
{
	static const struct setting settings[] = {
		{ "rate", "aseq:min=10:max=20:step=10" }, { "rss", "1" }, { "threads", "2" }, { 0 }
	};
	struct client_opts o;
	struct knob_set set;
	struct rates r;
	struct ramp ramps[2];
	struct arrival_plan plans[2];

	set_all(&o, settings, &set);
	CHECK_INT(rates_read(&o, &r, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct arrival a;
		unsigned first_second = 0;

		CHECK_INT(rates_plan(&r, &o, 1, i, &ramps[i], &plans[i], NULL), 0);
		for (arrival_begin(&a, &plans[i]); !a.over; arrival_next(&a))
			first_second += a.due_ns < SEC;
		CHECK_INT(first_second, 10);
		CHECK_INT(a.number, 30);
	}
	CHECK_INT(plans[0].phase_ns, 0);
	CU_ASSERT(plans[1].phase_ns > 0);
	rates_finish(&r);
}

static CU_TestInfo tests[] = {
	{ "rates and periods become plans", test_rates_and_periods_become_plans },
	{ "what does not go together is refused", test_what_does_not_go_together_is_refused },
	{ "texts that are no rate or period are refused",
	  test_texts_that_are_no_rate_or_period_are_refused },
	{ "threads walk the same ramp, a part of a gap apart",
	  test_threads_walk_the_same_ramp_a_part_of_a_gap_apart },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("rates", tests);
}
