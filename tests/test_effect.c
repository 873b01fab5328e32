/*
 * test_effect.c - one comparison at a time: differences of logs in, verdict out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/effect.h"

#include <math.h>

#include "tests/test.h"

#define ALIKE 0.02 /* margin */

static const struct metric_info lower = { .name = "time" };
static const struct metric_info higher = { .name = "rate", .higher_is_better = true };

/* As the only member of its family. */
static struct effect judged(const double *d, unsigned n, const struct metric_info *info)
{
	struct family family;
	struct effect e;

	effect_estimate(d, n, &e);
	CU_ASSERT_EQUAL_FATAL(family_init(&family, 1, NULL), 0);
	family.members[family.count++] = &e;
	family_judge(&family, info, ALIKE);
	family_finish(&family);
	return e;
}

struct row {
	const char *what;
	unsigned n;
	double d[10];
	enum outcome_verdict says;
	bool small, disagree;
};

static const struct row rows[] = {
	{ "less time", 5, { -0.2, -0.21, -0.19, -0.2, -0.22 }, SAYS_BETTER, false, false },
	{ "more time", 5, { 0.2, 0.21, 0.19, 0.2, 0.22 }, SAYS_WORSE, false, false },
	{ "a little less, surely", 4, { -0.01, -0.011, -0.009, -0.01 }, SAYS_BETTER, true, false },
	{ "about the same", 5, { 0.002, -0.003, 0.001, -0.002, 0.004 }, SAYS_SAME, false, false },
	{ "exactly the same", 3, { 0, 0, 0 }, SAYS_SAME, false, false },
	{ "the same step each time", 3, { 0.5, 0.5, 0.5 }, SAYS_WORSE, false, false },
	{ "all over the place", 5, { 0.3, -0.2, 0.1, -0.4, 0.25 }, SAYS_UNCLEAR, false, false },
	{ "two pairs", 2, { -0.2, -0.2 }, SAYS_NOTHING, false, false },
	{ "no pairs", 0, { 0 }, SAYS_NOTHING, false, false },
	{ "t is sure, ranks are not",
	  8,
	  { -0.1, 0, 0.7, 0.7, -0.1, 0.7, 0.7, 0.7 },
	  SAYS_UNCLEAR,
	  false,
	  true },
	{ "ten that agree",
	  10,
	  { -0.2, -0.21, -0.19, -0.2, -0.22, -0.18, -0.2, -0.21, -0.19, -0.2 },
	  SAYS_BETTER,
	  false,
	  false },
};

static void test_verdicts_by_rows(void)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct effect e = judged(rows[i].d, rows[i].n, &lower);

		if (e.says != rows[i].says)
			printf("\n    %s", rows[i].what);
		CHECK_TEXT(says_names[e.says], says_names[rows[i].says]);
		CHECK_INT(e.small, rows[i].small);
		CHECK_INT(e.methods_disagree, rows[i].disagree);
		CHECK_INT(e.n, rows[i].n);
	}
}

static void test_more_is_better_where_it_is(void)
{
	CHECK_INT(judged(rows[0].d, 5, &higher).says, SAYS_WORSE);
	CHECK_INT(judged(rows[1].d, 5, &higher).says, SAYS_BETTER);
}

static void test_estimates_are_ratios(void)
{
	struct effect e = judged(rows[1].d, 5, &lower);

	CHECK_NEAR(e.ratio, exp(0.204), 1e-12);
	CHECK_NEAR(e.sd, 0.0114018, 1e-6);
	CHECK_NEAR(e.low, exp(0.204 - 2.7764451 * 0.0114018 / sqrt(5)), 1e-6);
	CHECK_NEAR(e.low90, exp(0.204 - 2.1318468 * 0.0114018 / sqrt(5)), 1e-6);
	CHECK_NEAR(e.p, e.p_holm, 0);
	/* From 8 pairs on, the middle of the pairwise means. */
	CHECK_NEAR(judged(rows[9].d, 8, &lower).ratio, exp(0.35), 1e-12);
}

/* Mean 0.2, sd 0.5: half the effect is 0.1, and t(98) 0.5 / sqrt(99) is just below. */
static void test_blocks_needed_follow_the_spread(void)
{
	const double d[] = { 0.2 + 0.5, 0.2 - 0.5, 0.2 + 0.5, 0.2 - 0.5, 0.2, 0.2 };
	double s = 0.5 / sqrt(4 * 0.25 / 5), scaled[6];
	struct effect e;

	for (int i = 0; i < 6; i++)
		scaled[i] = 0.2 + (d[i] - 0.2) * s;
	e = judged(scaled, 6, &lower);
	CHECK_NEAR(e.sd, 0.5, 1e-12);
	CHECK_INT(e.says, SAYS_UNCLEAR);
	CHECK_INT(e.blocks_needed, 99);
	for (int i = 0; i < 6; i++)
		scaled[i] = (i % 2 ? 3 : -3) + 0.01 * i; /* more than anybody runs */
	CHECK_INT(judged(scaled, 6, &lower).blocks_needed, 0);
}

static void test_a_family_makes_p_larger(void)
{
	struct effect e[3];
	struct family family;

	CU_ASSERT_EQUAL_FATAL(family_init(&family, 3, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		effect_estimate(rows[9].d, 8, &e[i]);
		family.members[family.count++] = &e[i];
	}
	family_judge(&family, &lower, ALIKE);
	CHECK_NEAR(e[0].p_holm, 3 * e[0].p, 1e-12);
	CHECK_NEAR(e[2].p_holm, 3 * e[2].p, 1e-12);
	family_finish(&family);
}

static CU_TestInfo tests[] = {
	{ "verdicts by rows", test_verdicts_by_rows },
	{ "more is better where it is", test_more_is_better_where_it_is },
	{ "estimates are ratios", test_estimates_are_ratios },
	{ "blocks needed follow the spread", test_blocks_needed_follow_the_spread },
	{ "a family makes p larger", test_a_family_makes_p_larger },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("effect", tests);
}
