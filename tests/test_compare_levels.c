/*
 * test_compare_levels.c - what a level of a factor does, found in sweeps with known truth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/compare_levels.h"

#include "tests/synthetic.h"
#include "tests/test.h"

static void test_a_factor_is_known_better_than_a_configuration(void)
{
	struct analysis *a = synthetic_analyse(&synthetic_demo);
	const struct level_effect *l = synthetic_level(a, "core");
	const struct effect *one =
		&a->configs[synthetic_find(a->data, "epoll other core")].effect[METRIC_P50];

	CHECK_INT(a->level_count, 3 + 1 + 1);
	CHECK_INT(l->pairs, 8);
	CHECK_NEAR(l->effect[METRIC_P50].ratio, 0.95, 0.01);
	CHECK_INT(l->effect[METRIC_P50].says, SAYS_BETTER);
	CU_ASSERT(l->effect[METRIC_P50].high / l->effect[METRIC_P50].low < one->high / one->low);
	CHECK_NEAR(synthetic_level(a, "select")->effect[METRIC_P50].ratio, 1.25, 0.02);
	CHECK_INT(synthetic_level(a, "fifo")->effect[METRIC_P50].says, SAYS_SAME);
	synthetic_discard(a);
}

static void test_a_small_difference_is_called_small(void)
{
	struct synthetic_plan plan = synthetic_demo;

	plan.blocks = 12;
	plan.run_noise = 0.002;
	plan.factors[2].effect[1] = 0.99;
	struct analysis *a = synthetic_analyse(&plan);
	const struct effect *e = &synthetic_level(a, "core")->effect[METRIC_P50];

	CHECK_INT(e->says, SAYS_BETTER);
	CU_ASSERT(e->small);
	CU_ASSERT(!synthetic_level(a, "io_uring")->effect[METRIC_P50].small);
	synthetic_discard(a);
}

static void test_a_hole_in_the_data_is_not_an_effect(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	unsigned config = synthetic_find(d, "select fifo none");
	struct analysis *whole, *holed;

	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &whole, NULL), 0);
	((struct lab_run *)dataset_run(d, config, 2))->usable = false;
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &holed, NULL), 0);
	CHECK_NEAR(synthetic_level(holed, "fifo")->effect[METRIC_P50].ratio,
		   synthetic_level(whole, "fifo")->effect[METRIC_P50].ratio, 0.003);
	CHECK_NEAR(synthetic_level(holed, "select")->effect[METRIC_P50].sd,
		   synthetic_level(whole, "select")->effect[METRIC_P50].sd, 0.003);
	CHECK_INT(holed->configs[config].blocks_lost, 1);
	CHECK_INT(holed->configs[config].effect[METRIC_P50].n, 5);
	analysis_destroy(holed);
	synthetic_discard(whole);
}

static void test_a_block_with_few_pairs_is_left_out(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);
	struct analysis *a;

	synthetic_lose_blocks(d, "io_uring other core", 1);
	synthetic_lose_blocks(d, "io_uring fifo core", 1);
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	CHECK_INT(synthetic_level(a, "io_uring")->effect[METRIC_P50].n, 6); /* two pairs of four */
	synthetic_discard(a);

	d = synthetic_create(&synthetic_demo);
	synthetic_lose_blocks(d, "io_uring other core", 1);
	synthetic_lose_blocks(d, "io_uring fifo core", 1);
	synthetic_lose_blocks(d, "io_uring fifo none", 1);
	CU_ASSERT_EQUAL_FATAL(analysis_create(d, &a, NULL), 0);
	CHECK_INT(synthetic_level(a, "io_uring")->effect[METRIC_P50].n, 5);
	synthetic_discard(a);
}

static CU_TestInfo tests[] = {
	{ "a factor is known better than a configuration",
	  test_a_factor_is_known_better_than_a_configuration },
	{ "a small difference is called small", test_a_small_difference_is_called_small },
	{ "a hole in the data is not an effect", test_a_hole_in_the_data_is_not_an_effect },
	{ "a block with few pairs is left out", test_a_block_with_few_pairs_is_left_out },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("compare_levels", tests);
}
