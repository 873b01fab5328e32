/*
 * test_compare.c - the comparison against sweeps whose truth is known.
 *
 * Each of the four verdicts is provoked, and each reason to give none. What the headline makes of
 * them is in test_headline.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/compare.h"

#include <math.h>

#include "lab/stats.h"
#include "tests/synthetic.h"
#include "tests/test.h"

static const struct effect *effect_of(const struct analysis *a, const char *label, enum metric m)
{
	return &a->configs[synthetic_find(a->data, label)].effect[m];
}

static void test_the_truth_is_within_the_intervals(void)
{
	struct analysis *a = synthetic_analyse(&synthetic_demo);
	const struct effect *e = effect_of(a, "io_uring other core", METRIC_P50);

	printf("\n    seed %" PRIu64, synthetic_demo.seed);
	CHECK_INT(e->n, 6);
	CHECK_NEAR(e->ratio, 0.80 * 0.95, 0.02);
	CU_ASSERT(e->low < 0.76 && e->high > 0.76);
	CU_ASSERT(e->low < e->low90 && e->high90 < e->high);
	CHECK_INT(e->says, SAYS_BETTER);
	CHECK_INT(effect_of(a, "select other none", METRIC_P50)->says, SAYS_WORSE);
	CHECK_INT(effect_of(a, "epoll fifo none", METRIC_RATE)->says, SAYS_SAME);
	CHECK_INT(a->usable, 6 * 17);
	CHECK_INT(a->ranked, 16);
	CHECK_INT(a->blocks, 6);
	CHECK_NEAR(a->configs[a->data->baseline].at[METRIC_P50].value, 98e3, 8e3);
	synthetic_discard(a);
}

static void test_the_best_is_named_with_its_peers(void)
{
	struct analysis *a = synthetic_analyse(&synthetic_demo);
	const char *best = a->data->configs[a->best].label;

	CU_ASSERT(!strncmp(best, "io_uring", 8) && strstr(best, "core"));
	CHECK_INT(a->configs[a->best].rank, 1);
	CHECK_INT(a->best_set, 2); /* fifo does nothing, so its twin is in */
	CU_ASSERT(a->configs[synthetic_find(a->data, "io_uring fifo core")].in_best_set);
	CU_ASSERT(a->configs[synthetic_find(a->data, "io_uring other core")].in_best_set);
	synthetic_discard(a);
}

/* 16 configurations like the baseline. */
static const struct synthetic_plan no_truth = {
	.name = "nothing",
	.seed = 77,
	.blocks = 6,
	.factors = { { "a", { "0", "1", "2", "3" }, { 0 } },
		     { "b", { "0", "1", "2", "3" }, { 0 } } },
	.primary = METRIC_P99,
	.block_noise = 0.05,
	.run_noise = 0.02,
};

static void test_noise_has_no_winner(void)
{
	struct synthetic_plan plan = no_truth;
	unsigned alarms = 0;

	for (plan.seed = 100; plan.seed < 140; plan.seed++) {
		struct analysis *a = synthetic_analyse(&plan);
		bool alarm = false;

		for (unsigned c = 0; c < a->data->config_count; c++) {
			enum outcome_verdict verdict = a->configs[c].effect[METRIC_P99].says;

			alarm |= verdict == SAYS_BETTER || verdict == SAYS_WORSE;
		}
		alarms += alarm;
		synthetic_discard(a);
	}
	printf("\n    seeds 100 to 139, false alarms %u", alarms);
	CU_ASSERT(alarms <= 4);
}

static void test_unclear_says_how_many_blocks_might_tell(void)
{
	struct analysis *a = synthetic_analyse(&no_truth);
	unsigned unclear = 0;

	for (unsigned c = 0; c < a->data->config_count; c++) {
		const struct effect *e = &a->configs[c].effect[METRIC_P99];

		if (e->says != SAYS_UNCLEAR)
			continue;
		unclear++;
		CU_ASSERT(e->blocks_needed > 6 && e->blocks_needed < 60);
	}
	CU_ASSERT(unclear > 0);
	synthetic_discard(a);
}

static void test_more_blocks_turn_unclear_into_same(void)
{
	struct synthetic_plan plan = no_truth;
	unsigned unclear = 0;

	plan.blocks = 24;
	struct analysis *a = synthetic_analyse(&plan);

	for (unsigned c = 0; c < a->data->config_count; c++)
		unclear += a->configs[c].effect[METRIC_P99].says == SAYS_UNCLEAR;
	CHECK_INT(unclear, 0);
	CU_ASSERT(!a->aa_suspicious);
	CU_ASSERT(a->resolution[METRIC_P99] > 0.005 && a->resolution[METRIC_P99] < 0.05);
	synthetic_discard(a);
}

static void test_swapping_the_sides_swaps_the_verdict(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	unsigned other = synthetic_find(d, "io_uring other none");
	struct analysis *a, *b;

	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	double ratio = a->configs[other].effect[METRIC_P50].ratio;

	d->baseline = other;
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &b, NULL), 0);
	CHECK_NEAR(b->configs[0].effect[METRIC_P50].ratio * ratio, 1, 1e-9);
	CHECK_INT(b->configs[0].effect[METRIC_P50].says, SAYS_WORSE);
	analysis_destroy(a);
	analysis_destroy(b);
	dataset_destroy(d);
}

static void test_an_aa_pair_that_differs_is_suspicious(void)
{
	struct synthetic_plan plan = synthetic_demo;
	struct analysis *a = synthetic_analyse(&plan);

	CU_ASSERT(!a->aa_suspicious);
	synthetic_discard(a);

	plan.aa_effect = 1.08;
	a = synthetic_analyse(&plan);
	CU_ASSERT(a->aa_suspicious);
	synthetic_discard(a);

	plan.aa_effect = 1.01; /* less than the margin, but surely there */
	plan.run_noise = 0.001;
	a = synthetic_analyse(&plan);
	CU_ASSERT(a->aa_suspicious);
	synthetic_discard(a);
}

/* Difference or noise: nobody can tell, and beyond the margin it matters. */
static void test_an_aa_pair_beyond_the_margin_is_suspicious(void)
{
	struct synthetic_plan plan = synthetic_demo;
	unsigned beyond = 0;

	plan.run_noise = 0.04;
	for (plan.seed = 1; plan.seed < 10; plan.seed++) {
		struct analysis *a = synthetic_analyse(&plan);

		if (fabs(log(a->aa[METRIC_P50].ratio)) > log(1.02)) {
			CU_ASSERT(a->aa_suspicious);
			beyond++;
		}
		synthetic_discard(a);
	}
	CU_ASSERT(beyond > 0);
}

static void test_two_blocks_rank_but_do_not_judge(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 2;
	struct analysis *a = synthetic_analyse(&plan);
	const struct effect *e = effect_of(a, "io_uring other core", METRIC_P50);

	CHECK_INT(e->says, SAYS_NOTHING);
	CU_ASSERT(isnan(e->low) && isnan(e->p));
	CHECK_INT(a->ranked, 16);
	CHECK_INT(a->best_set, 0);
	synthetic_discard(a);
}

static void test_an_unfinished_sweep_says_so(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 8;
	plan.blocks_run = 4;
	struct analysis *a = synthetic_analyse(&plan);

	CHECK_INT(a->blocks, 4);
	CHECK_INT(a->ranked, 16);
	synthetic_discard(a);
}

static void test_what_fails_or_is_invalid_never_wins(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.failing = "io_uring fifo";
	plan.invalid = "io_uring other";
	struct analysis *a = synthetic_analyse(&plan);
	const struct config_summary *failed =
		&a->configs[synthetic_find(a->data, "io_uring fifo core")];

	CHECK_INT(failed->rank, 0);
	CHECK_INT(failed->failed, 6);
	CHECK_INT(failed->blocks_lost, 6);
	CHECK_INT(a->configs[synthetic_find(a->data, "io_uring other none")].invalid, 6);
	CHECK_INT(a->ranked, 12);
	CU_ASSERT(strncmp(a->data->configs[a->best].label, "io_uring", 8));
	CHECK_INT(synthetic_level(a, "io_uring")->pairs, 0);
	CHECK_INT(synthetic_level(a, "io_uring")->effect[METRIC_P50].says, SAYS_NOTHING);
	CHECK_INT(a->failed, 12);
	CHECK_INT(a->invalid, 12);
	synthetic_discard(a);
}

static void test_a_repeated_run_counts_once(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.retried = "io_uring other";
	struct analysis *a = synthetic_analyse(&plan);
	const struct config_summary *c =
		&a->configs[synthetic_find(a->data, "io_uring other core")];

	CHECK_INT(c->usable, 6);
	CHECK_INT(c->invalid, 1);
	CHECK_INT(c->blocks_lost, 0);
	CU_ASSERT(c->rank > 0);
	synthetic_discard(a);
}

static void test_vacuous_and_impossible_stand_aside(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.impossible = "fifo";
	plan.vacuous = "core";
	struct analysis *a = synthetic_analyse(&plan);

	CHECK_INT(a->ranked, 4);
	CHECK_INT(synthetic_level(a, "fifo")->pairs, 0);
	CHECK_INT(synthetic_level(a, "core")->pairs, 0);
	CHECK_INT(synthetic_level(a, "io_uring")->pairs, 1);
	CHECK_INT(effect_of(a, "io_uring other core", METRIC_P50)->says, SAYS_NOTHING);
	synthetic_discard(a);
}

static void test_without_a_baseline_the_others_are_still_ranked(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.failing = "epoll other none";
	struct analysis *a = synthetic_analyse(&plan);

	CHECK_INT(a->ranked, 15);
	CHECK_INT(effect_of(a, "io_uring other core", METRIC_P50)->says, SAYS_NOTHING);
	synthetic_discard(a);
}

static void test_a_metric_that_is_not_there_ranks_nobody(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	struct analysis *a;

	for (unsigned i = 0; i < d->run_count; i++)
		d->runs[i].metric[METRIC_P50] = NAN;
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	CHECK_INT(a->ranked, 0);
	synthetic_discard(a);
}

static void test_one_wild_run_makes_the_methods_disagree(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 12;
	struct dataset *d = synthetic_create(&plan);
	unsigned config = synthetic_find(d, "io_uring other none");
	struct lab_run *wild = (struct lab_run *)dataset_run(d, config, 3);
	struct analysis *a;

	wild->metric[METRIC_P50] *= 20;
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	const struct effect *e = &a->configs[config].effect[METRIC_P50];

	CU_ASSERT(e->methods_disagree);
	CHECK_INT(e->says, SAYS_UNCLEAR);
	CHECK_NEAR(e->ratio, 0.8, 0.03); /* ranks do not mind one run in twelve */
	CU_ASSERT(!effect_of(a, "poll other none", METRIC_P50)->methods_disagree);
	synthetic_discard(a);
}

static void test_half_of_the_blocks_are_too_few_to_take_part(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	struct analysis *a;

	synthetic_lose_blocks(d, "io_uring other core", 3);
	synthetic_lose_blocks(d, "io_uring fifo core", 2);
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	CHECK_INT(a->configs[synthetic_find(d, "io_uring other core")].rank, 0);
	CHECK_INT(a->configs[synthetic_find(d, "io_uring fifo core")].rank, 1);
	synthetic_discard(a);
}

/* One-sided p that a configuration is not worse than the best, by itself. */
static double p_against_best(const struct analysis *a, unsigned config)
{
	double d[8];

	for (unsigned b = 0; b < 8; b++)
		d[b] = log(dataset_run(a->data, config, b)->metric[METRIC_P99] /
			   dataset_run(a->data, a->best, b)->metric[METRIC_P99]);
	return stats_t_p_above(d, 8);
}

static void test_the_best_set_counts_its_comparisons(void)
{
	struct synthetic_plan plan = no_truth;
	unsigned saved = 0;

	plan.blocks = 8;
	struct analysis *a = synthetic_analyse(&plan);

	for (unsigned c = 0; c < a->data->config_count; c++)
		saved += c != a->best && a->configs[c].in_best_set && p_against_best(a, c) < 0.05;
	CU_ASSERT(saved > 0);
	synthetic_discard(a);
}

static void test_drift_is_seen_and_cancelled_by_the_blocks(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 12;
	plan.block_noise = 0.003;
	plan.drift = 0.15;
	struct analysis *a = synthetic_analyse(&plan);

	CHECK_NEAR(a->drift_share, 0.15, 0.03);
	CU_ASSERT(a->drift_p < 0.001);
	CHECK_NEAR(synthetic_level(a, "io_uring")->effect[METRIC_P50].ratio, 0.8, 0.01);
	synthetic_discard(a);
}

static void test_higher_is_better_for_throughput(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	unsigned config = synthetic_find(d, "poll other none");
	struct analysis *a;

	d->primary = METRIC_RATE;
	for (unsigned i = 0; i < d->run_count; i++)
		if (d->runs[i].config == config)
			d->runs[i].metric[METRIC_RATE] *= 1.3;
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	CHECK_INT(a->best, config);
	CHECK_INT(a->configs[config].effect[METRIC_RATE].says, SAYS_BETTER);
	synthetic_discard(a);
}

static void test_zeros_have_a_value_but_no_ratio(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	unsigned config = synthetic_find(d, "io_uring other none");
	struct analysis *a;

	for (unsigned i = 0; i < d->run_count; i++)
		if (d->runs[i].config == config)
			d->runs[i].metric[METRIC_SYSCALLS] = i % 2;
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	CU_ASSERT(isfinite(a->configs[config].at[METRIC_SYSCALLS].value));
	CU_ASSERT(a->configs[config].at[METRIC_SYSCALLS].value < 1);
	CU_ASSERT(a->configs[config].effect[METRIC_SYSCALLS].n < 6);
	synthetic_discard(a);
}

static CU_TestInfo tests[] = {
	{ "the truth is within the intervals", test_the_truth_is_within_the_intervals },
	{ "the best is named with its peers", test_the_best_is_named_with_its_peers },
	{ "noise has no winner", test_noise_has_no_winner },
	{ "unclear says how many blocks might tell", test_unclear_says_how_many_blocks_might_tell },
	{ "more blocks turn unclear into same", test_more_blocks_turn_unclear_into_same },
	{ "swapping the sides swaps the verdict", test_swapping_the_sides_swaps_the_verdict },
	{ "an A/A pair that differs is suspicious", test_an_aa_pair_that_differs_is_suspicious },
	{ "an A/A pair beyond the margin is suspicious",
	  test_an_aa_pair_beyond_the_margin_is_suspicious },
	{ "two blocks rank but do not judge", test_two_blocks_rank_but_do_not_judge },
	{ "an unfinished sweep says so", test_an_unfinished_sweep_says_so },
	{ "what fails or is INVALID never wins", test_what_fails_or_is_invalid_never_wins },
	{ "a repeated run counts once", test_a_repeated_run_counts_once },
	{ "vacuous and impossible stand aside", test_vacuous_and_impossible_stand_aside },
	{ "without a baseline the others are still ranked",
	  test_without_a_baseline_the_others_are_still_ranked },
	{ "a metric that is not there ranks nobody", test_a_metric_that_is_not_there_ranks_nobody },
	{ "one wild run makes the methods disagree", test_one_wild_run_makes_the_methods_disagree },
	{ "half of the blocks are too few to take part",
	  test_half_of_the_blocks_are_too_few_to_take_part },
	{ "the best set counts its comparisons", test_the_best_set_counts_its_comparisons },
	{ "drift is seen and cancelled by the blocks",
	  test_drift_is_seen_and_cancelled_by_the_blocks },
	{ "higher is better for throughput", test_higher_is_better_for_throughput },
	{ "zeros have a value but no ratio", test_zeros_have_a_value_but_no_ratio },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("compare", tests);
}
