/*
 * test_headline.c - the answer in a sentence: what it says of each kind of sweep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/headline.h"

#include <math.h>

#include "tests/synthetic.h"
#include "tests/test.h"

static bool says(const struct analysis *a, const char *part)
{
	bool found = strstr(a->headline, part);

	if (!found)
		printf("\n    \"%s\" does not say \"%s\"", a->headline, part);
	return found;
}

static void check_says(const struct synthetic_plan *plan, const char *part)
{
	struct analysis *a = synthetic_analyse(plan);

	CU_ASSERT(says(a, part));
	synthetic_discard(a);
}

/* Of a dataset that the caller has damaged. */
static void check_damaged(struct dataset *d, const char *part)
{
	struct analysis *a;

	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	CU_ASSERT(says(a, part));
	synthetic_discard(a);
}

static void scale(struct dataset *d, const char *label, enum metric m, double factor)
{
	unsigned config = synthetic_find(d, label);

	for (unsigned i = 0; i < d->run_count; i++)
		if (d->runs[i].config == config)
			d->runs[i].metric[m] *= factor;
}

static void test_a_winner_has_its_size_its_interval_and_its_peers(void)
{
	struct analysis *a = synthetic_analyse(&synthetic_demo);

	CU_ASSERT(says(a, " core has the lowest p50 response: 24 % below the baseline (epoll "
			  "other none), 95 % interval 2"));
	CU_ASSERT(says(a, "1 of the 15 others cannot be told apart from it."));
	synthetic_discard(a);
}

static void test_throughput_is_best_when_highest(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);

	d->primary = METRIC_RATE;
	scale(d, "poll other none", METRIC_RATE, 1.3);
	check_damaged(d,
		      "poll other none has the highest throughput: 30 % above the baseline (epoll "
		      "other none), 95 % interval 30 to 30 %. No other configuration comes up to "
		      "it.");
}

static void test_large_ratios_are_told_in_times(void)
{
	struct synthetic_plan plan = synthetic_demo;
	struct dataset *d = synthetic_create(&plan);

	d->primary = METRIC_RATE;
	scale(d, "poll other none", METRIC_RATE, 12);
	check_damaged(d, "poll other none has the highest throughput: 12 times the baseline (epoll "
			 "other none), 95 % interval 12 to 12 times.");
	plan.aa_effect = 70;
	check_says(&plan, "Careful: the baseline differs from itself by a factor of 70, 95 %");
}

static void test_who_has_too_few_pairs_is_counted(void)
{
	struct dataset *d;
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 3;
	plan.run_noise = 0.1;
	d = synthetic_create(&plan);
	synthetic_lose_blocks(d, "io_uring other none", 1);
	check_damaged(d, " 1 has too few pairs of runs for a verdict.");
}

static void test_a_small_win_is_said_to_be_small(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.run_noise = 0.001;
	plan.blocks = 12;
	plan.factors[0].effect[3] = 1;
	plan.factors[2].effect[1] = 0.99;
	check_says(&plan, "That is less than the 2 % that count as a difference here.");
}

static void test_nothing_may_beat_the_baseline(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.factors[0].effect[3] = 1.1;
	plan.factors[2].effect[1] = 1.3;
	plan.factors[1].effect[1] = 1.2;
	check_says(&plan,
		   "Nothing beats the baseline (epoll other none): no configuration has a lower "
		   "p50 response. Of the 15 others 15 are worse.");
}

static void test_without_a_winner_the_verdicts_are_counted(void)
{
	struct synthetic_plan plan = synthetic_demo;

	for (unsigned f = 0; f < 3; f++)
		for (unsigned l = 0; l < SYNTHETIC_LEVELS; l++)
			plan.factors[f].effect[l] = 1;
	plan.run_noise = 0.03;
	struct analysis *a = synthetic_analyse(&plan);

	CU_ASSERT(says(a, "No configuration can be shown to beat the baseline on p50 response. The "
			  "lowest seen is that of"));
	CU_ASSERT(says(a, " are unclear."));
	CU_ASSERT(says(a, " blocks might tell."));
	synthetic_discard(a);
}

static void test_the_best_seen_may_be_too_unsteady(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	unsigned config = synthetic_find(d, "poll other none");

	for (unsigned i = 0; i < d->run_count; i++)
		if (d->runs[i].config == config)
			d->runs[i].metric[METRIC_P50] *= d->runs[i].block % 2 ? 1.2 : 0.2;
	check_damaged(d, "poll other none looked better still, but too unsteadily for a verdict.");
}

static void test_an_aa_pair_that_differs_is_a_warning(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.aa_effect = 1.08;
	check_says(&plan, "Careful: the baseline differs from itself by ");
	check_says(&plan,
		   "so a difference of that size means nothing on this machine today. io_uring");
	plan.aa_effect = 1.4;
	check_says(&plan, "no more than the baseline differs from itself, so there is no winner.");
}

static void test_two_blocks_are_a_ranking_only(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 2;
	check_says(&plan,
		   "Ranking only: 2 blocks are too few for verdicts (3 at least, 8 are better). "
		   "The lowest p50 response was that of io_uring");
	plan.blocks = 1;
	check_says(&plan, "Ranking only: 1 block is too few");
}

static void test_an_unfinished_sweep_says_so(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 8;
	plan.blocks_run = 4;
	check_says(&plan, " So far 4 of 8 blocks were run.");
}

static void test_nothing_usable_is_said_with_a_reason(void)
{
	struct synthetic_plan plan = synthetic_demo;
	struct dataset *d;

	plan.invalid = " ";
	d = synthetic_create(&plan);
	for (unsigned i = 0; i < d->run_count; i++)
		d->runs[i].usable = false;
	check_damaged(d,
		      "Nothing can be said: none of the 102 runs is usable (96 invalid, 0 failed). "
		      "For example run 1 (select other none): achieved 61 % of the offered rate; "
		      "lateness p99 901 us; limit 100 us.");
}

static void test_no_runs_at_all(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);

	d->run_count = 0;
	check_damaged(d, "Nothing can be said yet: there are no runs.");
}

static void test_without_a_baseline_the_others_are_still_named(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.failing = "epoll other none";
	check_says(&plan,
		   "No comparison: the baseline (epoll other none) has no usable run in most "
		   "blocks. Among the others io_uring");
	check_says(&plan, "io_uring_setup: Operation not permitted.");
}

static void test_a_baseline_alone_has_nothing_to_be_compared_with(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.factors[2].key = NULL;
	plan.factors[1].key = NULL;
	plan.failing = "l";
	struct dataset *d = synthetic_create(&plan);

	for (unsigned i = 0; i < d->run_count; i++)
		d->runs[i].usable = d->runs[i].config == d->baseline && !d->runs[i].is_aa;
	for (unsigned i = 0; i < d->run_count; i++)
		d->runs[i].metric[METRIC_P50] = 1e5;
	check_damaged(d, "Only the baseline (epoll) has usable runs in most blocks");
}

static void test_a_metric_without_samples_is_named(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);

	d->primary = METRIC_P999;
	for (unsigned i = 0; i < d->run_count; i++)
		d->runs[i].metric[METRIC_P999] = NAN;
	check_damaged(d,
		      "Nothing can be said about p99.9 response: no run has enough samples for it. "
		      "Longer runs would tell, or another primary metric.");
}

static void test_endless_labels_are_cut(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);

	for (unsigned c = 0; c < d->config_count; c++) {
		size_t len = strlen(d->configs[c].label);

		memset(d->configs[c].label + len, 'x', sizeof(d->configs[c].label) - 1 - len);
	}
	check_damaged(d, "xxx... has the lowest p50 response: 24 % below the baseline (epoll other "
			 "nonexxx");
}

static CU_TestInfo tests[] = {
	{ "a winner has its size, its interval and its peers",
	  test_a_winner_has_its_size_its_interval_and_its_peers },
	{ "throughput is best when highest", test_throughput_is_best_when_highest },
	{ "large ratios are told in times", test_large_ratios_are_told_in_times },
	{ "who has too few pairs is counted", test_who_has_too_few_pairs_is_counted },
	{ "a small win is said to be small", test_a_small_win_is_said_to_be_small },
	{ "nothing may beat the baseline", test_nothing_may_beat_the_baseline },
	{ "without a winner the verdicts are counted",
	  test_without_a_winner_the_verdicts_are_counted },
	{ "the best seen may be too unsteady", test_the_best_seen_may_be_too_unsteady },
	{ "an A/A pair that differs is a warning", test_an_aa_pair_that_differs_is_a_warning },
	{ "two blocks are a ranking only", test_two_blocks_are_a_ranking_only },
	{ "an unfinished sweep says so", test_an_unfinished_sweep_says_so },
	{ "nothing usable is said with a reason", test_nothing_usable_is_said_with_a_reason },
	{ "no runs at all", test_no_runs_at_all },
	{ "without a baseline the others are still named",
	  test_without_a_baseline_the_others_are_still_named },
	{ "a baseline alone has nothing to be compared with",
	  test_a_baseline_alone_has_nothing_to_be_compared_with },
	{ "a metric without samples is named", test_a_metric_without_samples_is_named },
	{ "endless labels are cut", test_endless_labels_are_cut },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("headline", tests);
}
