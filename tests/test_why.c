/*
 * test_why.c - counters that move with an effect are named, those that do not are not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/why.h"

#include "tests/synthetic.h"
#include "tests/test.h"

#define SWEEPS 40

static const struct config_summary *config_of(const struct analysis *a, const char *label)
{
	return &a->configs[synthetic_find(a->data, label)];
}

static void test_the_strongest_come_first(void)
{
	struct analysis *a = synthetic_analyse(&synthetic_demo);
	const struct config_summary *c = config_of(a, "io_uring other core");

	CHECK_INT(c->moved_count, WHY_MOST);
	CHECK_INT(c->moved[0].metric, METRIC_RUN_DELAY);
	CHECK_NEAR(c->moved[0].effect.ratio, 0.33, 0.05); /* (0.80 * 0.95)^4 */
	CHECK_INT(c->moved[1].metric, METRIC_PREEMPTIONS);
	CHECK_INT(c->moved[2].metric, METRIC_SYSCALLS);
	for (unsigned i = 0; i < c->moved_count; i++)
		CU_ASSERT(c->moved[i].effect.high < 1 && c->moved[i].p_adjusted < 0.05);
	CHECK_INT(config_of(a, "select other none")->moved[0].metric, METRIC_RUN_DELAY);
	CU_ASSERT(config_of(a, "select other none")->moved[0].effect.ratio > 2);
	synthetic_discard(a);
}

static void test_without_an_effect_nothing_is_explained(void)
{
	struct analysis *a = synthetic_analyse(&synthetic_demo);
	char text[WHY_TEXT];

	for (unsigned c = 0; c < a->data->config_count; c++) {
		enum outcome_verdict says = a->configs[c].effect[METRIC_P50].says;

		if (says == SAYS_BETTER || says == SAYS_WORSE)
			continue;
		CHECK_INT(a->configs[c].moved_count, 0);
		CHECK_TEXT(why_text(&a->configs[c], text), "");
	}
	CHECK_INT(a->configs[a->data->baseline].moved_count, 0);
	synthetic_discard(a);
}

/* What is compared needs no explanation by itself. */
static void test_the_primary_metric_is_no_reason(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.primary = METRIC_RUN_DELAY;
	struct analysis *a = synthetic_analyse(&plan);
	const struct config_summary *c = config_of(a, "io_uring other core");

	CHECK_INT(c->effect[METRIC_RUN_DELAY].says, SAYS_BETTER);
	for (unsigned i = 0; i < c->moved_count; i++)
		CU_ASSERT(c->moved[i].metric != METRIC_RUN_DELAY);
	CU_ASSERT(c->moved_count > 0);
	synthetic_discard(a);
}

static void test_two_blocks_explain_nothing(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 2;
	struct analysis *a = synthetic_analyse(&plan);

	CU_ASSERT(!why_any(a));
	synthetic_discard(a);
}

/* Six of the counters have no effect in truth; the steadiest have the narrowest margins. */
static bool is_noise(enum metric m)
{
	return m == METRIC_SWITCHES || m == METRIC_MIGRATIONS || m == METRIC_FAULTS ||
	       m == METRIC_SOFTIRQ || m == METRIC_STEAL || m == METRIC_PRESSURE ||
	       m == METRIC_OTHERS;
}

static void test_noise_is_seldom_named(void)
{
	unsigned named = 0, noise = 0;

	for (unsigned i = 0; i < SWEEPS; i++) {
		struct synthetic_plan plan = synthetic_demo;
		struct analysis *a;

		plan.seed = 1000 + i;
		a = synthetic_analyse(&plan);
		for (unsigned c = 0; c < a->data->config_count; c++) {
			for (unsigned k = 0; k < a->configs[c].moved_count; k++) {
				named++;
				noise += is_noise(a->configs[c].moved[k].metric);
			}
		}
		synthetic_discard(a);
	}
	printf("\n    seeds 1000 to %u: %u named, %u of them noise ", 1000 + SWEEPS - 1, named,
	       noise);
	CU_ASSERT(named > SWEEPS);
	CU_ASSERT(noise < named / 20);
}

/* What is set in every usable run of a configuration. */
static void set_all(struct dataset *d, const char *label, enum metric m, double value)
{
	unsigned config = synthetic_find(d, label);

	for (unsigned i = 0; i < d->run_count; i++)
		if (d->runs[i].config == config && !d->runs[i].is_aa)
			d->runs[i].metric[m] = value;
}

static struct analysis *analyse(struct dataset *d)
{
	struct analysis *a = NULL;

	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	return a;
}

static void test_a_counter_that_came_down_to_zero_is_named(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	const struct moved *m;
	struct analysis *a;

	set_all(d, "io_uring other none", METRIC_PREEMPTIONS, 0);
	a = analyse(d);
	m = &config_of(a, "io_uring other none")->moved[0];
	CHECK_INT(m->metric, METRIC_PREEMPTIONS);
	CHECK_NEAR(m->effect.ratio, 0.01 / 0.43, 0.01); /* 0.01 a request is nothing */
	CHECK_NEAR(config_of(a, "io_uring other none")->at[METRIC_PREEMPTIONS].value, 0, 1e-9);
	synthetic_discard(a);
}

static void test_a_counter_that_rose_from_zero_is_named(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	const struct moved *m;
	struct analysis *a;

	set_all(d, "epoll other none", METRIC_MIGRATIONS, 0);
	a = analyse(d);
	m = &config_of(a, "select other none")->moved[0];
	CHECK_INT(m->metric, METRIC_MIGRATIONS);
	CHECK_NEAR(m->effect.ratio, 8, 2); /* 7 a second against 0, and 1 is nothing */
	synthetic_discard(a);
}

/* Ten times nothing is still nothing. */
static void test_a_counter_that_is_nearly_zero_is_not_named(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	struct analysis *a;

	set_all(d, "epoll other none", METRIC_RUN_DELAY, 2);
	set_all(d, "select other none", METRIC_RUN_DELAY, 40);
	a = analyse(d);
	for (unsigned i = 0; i < config_of(a, "select other none")->moved_count; i++)
		CU_ASSERT(config_of(a, "select other none")->moved[i].metric != METRIC_RUN_DELAY);
	synthetic_discard(a);
}

static void test_what_is_not_known_or_always_zero_is_not_named(void)
{
	static const enum metric gone[] = { METRIC_RUN_DELAY, METRIC_CYCLES };
	struct dataset *d = synthetic_create(&synthetic_demo);
	struct analysis *a;

	for (unsigned i = 0; i < d->run_count; i++) {
		d->runs[i].metric[METRIC_RUN_DELAY] = 0;
		d->runs[i].metric[METRIC_CYCLES] = 0.0 / 0.0;
	}
	a = analyse(d);
	CU_ASSERT(why_any(a));
	for (unsigned c = 0; c < d->config_count; c++)
		for (unsigned i = 0; i < a->configs[c].moved_count; i++)
			for (unsigned g = 0; g < 2; g++)
				CU_ASSERT(a->configs[c].moved[i].metric != gone[g]);
	synthetic_discard(a);
}

static CU_TestInfo tests[] = {
	{ "the strongest come first", test_the_strongest_come_first },
	{ "without an effect nothing is explained", test_without_an_effect_nothing_is_explained },
	{ "the primary metric is no reason", test_the_primary_metric_is_no_reason },
	{ "two blocks explain nothing", test_two_blocks_explain_nothing },
	{ "noise is seldom named", test_noise_is_seldom_named },
	{ "a counter that came down to zero is named",
	  test_a_counter_that_came_down_to_zero_is_named },
	{ "a counter that rose from zero is named", test_a_counter_that_rose_from_zero_is_named },
	{ "a counter that is nearly zero is not named",
	  test_a_counter_that_is_nearly_zero_is_not_named },
	{ "what is not known or always zero is not named",
	  test_what_is_not_known_or_always_zero_is_not_named },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("why", tests);
}
