/*
 * test_stats.c - the statistics against GSL, published tables, and what they promise.
 *
 * The last group simulates: intervals must cover the truth as often as they say, and a family of
 * comparisons without any difference must stay quiet 95 times in 100.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/stats.h"

#include <math.h>

#include "base/random.h"
#include "tests/test.h"

#define SEED 20240611

struct distribution_row {
	double a, b, c, want;
};

/* I_x(a, b); the wanted values from GSL 2.7, gsl_cdf_beta_P(). */
static const struct distribution_row beta_rows[] = {
	{ 0.5, 0.5, 0.25, 0.33333333333333333 },
	{ 2, 3, 0.4, 0.5248 },
	{ 1, 1, 0.3, 0.3 },
	{ 5, 0.5, 0.999, 0.92228199210096673 },
	{ 100, 0.5, 0.99, 0.15677586542444 },
	{ 3, 3, 0, 0 },
	{ 3, 3, 1, 1 },
};

static void test_incomplete_beta_has_known_values(void)
{
	for (unsigned i = 0; i < sizeof(beta_rows) / sizeof(beta_rows[0]); i++) {
		const struct distribution_row *r = &beta_rows[i];

		CHECK_NEAR(stats_beta_inc(r->a, r->b, r->c), r->want, 1e-12);
	}
	CU_ASSERT(isnan(stats_beta_inc(1, 1, -0.1)));
	CU_ASSERT(isnan(stats_beta_inc(0, 1, 0.5)));
}

/* t quantiles as any textbook prints them: p, df, -, t. */
static const struct distribution_row quantile_rows[] = {
	{ 0.975, 1, 0, 12.706 },  { 0.975, 2, 0, 4.303 },  { 0.975, 4, 0, 2.776 },
	{ 0.975, 7, 0, 2.365 },	  { 0.95, 4, 0, 2.132 },   { 0.995, 9, 0, 3.250 },
	{ 0.9995, 3, 0, 12.924 }, { 0.975, 60, 0, 2.000 }, { 0.975, 120, 0, 1.980 },
};

static void test_t_quantiles_are_those_of_the_tables(void)
{
	for (unsigned i = 0; i < sizeof(quantile_rows) / sizeof(quantile_rows[0]); i++) {
		const struct distribution_row *r = &quantile_rows[i];

		CHECK_NEAR(stats_t_quantile(r->a, r->b), r->want, 5.01e-4);
		CHECK_NEAR(stats_t_quantile(1 - r->a, r->b), -r->want, 5.01e-4);
	}
	CHECK_NEAR(stats_t_quantile(0.5, 5), 0, 1e-15);
	CU_ASSERT(isnan(stats_t_quantile(1, 5)) && isnan(stats_t_quantile(0, 5)));
}

static void test_quantile_and_distribution_are_inverse(void)
{
	for (int df = 1; df < 200; df += 3)
		for (double p = 0.0005; p < 1; p += 0.0333)
			CHECK_NEAR(stats_t_cdf(stats_t_quantile(p, df), df), p, 1e-12);
	CHECK_NEAR(stats_t_cdf(INFINITY, 3), 1, 0);
	CHECK_NEAR(stats_t_cdf(-INFINITY, 3), 0, 0);
}

/* Student's own sleep data (Biometrika 1908, cited in every textbook): t = 4.0621, p = 0.002833. */
static const double sleep_data[] = { 1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4 };

static void test_students_sleep_data(void)
{
	struct interval i = stats_t_interval(sleep_data, 10, 0.95);

	CHECK_NEAR(i.low, 0.7001142, 1e-6);
	CHECK_NEAR(i.high, 2.4598858, 1e-6);
	CHECK_NEAR(stats_t_p(sleep_data, 10), 0.00283289, 1e-7);
	CHECK_NEAR(stats_t_p_above(sleep_data, 10), 0.00283289 / 2, 1e-7);
	CHECK_NEAR(stats_hodges_lehmann(sleep_data, 10), 1.3, 1e-12);
}

static void test_equal_values_give_a_point_and_a_sure_answer(void)
{
	const double same[] = { 0.5, 0.5, 0.5, 0.5 }, zero[] = { 0, 0, 0 };
	struct interval i = stats_t_interval(same, 4, 0.95);

	CHECK_NEAR(i.low, 0.5, 0);
	CHECK_NEAR(i.high, 0.5, 0);
	CHECK_NEAR(stats_t_p(same, 4), 0, 0);
	CHECK_NEAR(stats_t_p_above(same, 4), 0, 0);
	CHECK_NEAR(stats_t_p(zero, 3), 1, 0);
	CU_ASSERT(isnan(stats_t_p(same, 1)) && isnan(stats_t_interval(same, 1, 0.95).low));
}

/* The table of measurement.md 2.4 (c), n = 8 .. 20; the smallest attainable cuts below. */
static void test_signed_rank_cuts_are_those_of_the_table(void)
{
	static const int want[] = { 3, 5, 8, 10, 13, 17, 21, 25, 29, 34, 40, 46, 52 };

	for (unsigned n = 8; n <= 20; n++)
		CHECK_INT(stats_rank_cut(n, 0.025), want[n - 8]);
	CHECK_INT(stats_rank_cut(5, 0.025), -1);
	CHECK_INT(stats_rank_cut(6, 0.025), 0);
	CHECK_INT(stats_rank_cut(0, 0.025), -1);
	CHECK_INT(stats_rank_cut(61, 0.025), -1);
	CHECK_INT(stats_rank_cut(1, 1), 1);
}

static void test_rank_interval_is_the_test_turned_round(void)
{
	const double x[] = { -1, 2, 3, 4, 5, 6, 7, 8 };
	struct interval i = stats_rank_interval(x, 8, 0.95);
	double walsh[STATS_WALSH_MAX];

	CHECK_INT(stats_walsh(x, 8, walsh), 36);
	CHECK_NEAR(i.low, walsh[3], 0);
	CHECK_NEAR(i.high, walsh[32], 0);
	CHECK_NEAR(stats_hodges_lehmann(x, 8), 4.5, 1e-12);
	CU_ASSERT(isinf(stats_rank_interval(x, 5, 0.95).high));
}

/* Holm 1979: sorted .01 .02 .03 .04 times 4 3 2 1, never falling. */
static void test_holm_multiplies_by_what_is_left_and_never_falls(void)
{
	const double p[] = { 0.03, 0.01, NAN, 0.04, 0.02, 0.9 };
	const double want[] = { 0.09, 0.05, 0, 0.09, 0.08, 0.9 };
	double got[6];

	stats_holm(p, 6, got);
	for (int i = 0; i < 6; i++)
		if (i != 2)
			CHECK_NEAR(got[i], want[i], 1e-12);
	CU_ASSERT(isnan(got[2]));
	stats_holm(p, 0, got);
}

/* The endpoints of Benjamini and Hochberg 1995: at 5 % four are discoveries, Holm leaves three. */
static void test_false_discoveries_are_those_of_the_paper(void)
{
	const double p[] = { 0.0344, 0.0001, 0.7590, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278,
			     NAN,    0.0298, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 1.0000 };
	double got[16], holm[16];
	int discoveries = 0, certain = 0;

	stats_false_discovery(p, 16, got);
	stats_holm(p, 16, holm);
	for (int i = 0; i < 16; i++) {
		discoveries += got[i] < 0.05;
		certain += holm[i] < 0.05;
		CU_ASSERT(isnan(p[i]) ? isnan(got[i]) : got[i] >= p[i] && got[i] <= 1);
	}
	CHECK_INT(discoveries, 4);
	CHECK_INT(certain, 3);
	CHECK_NEAR(got[5], 0.0095 * 15 / 4, 1e-12);
	CHECK_NEAR(got[7], got[9], 1e-12); /* .0278 * 15 / 6 is more than .0298 * 15 / 7 */
	stats_false_discovery(p, 0, got);
}

static void test_a_trend_is_found_and_noise_is_not(void)
{
	double x[12], rising[12], zigzag[12], same[12], scratch[66];

	for (int i = 0; i < 12; i++) {
		x[i] = 10 * i;
		rising[i] = 0.5 * i + (i % 2 ? 0.1 : -0.1);
		zigzag[i] = i % 2 ? 1 + i % 3 : -1;
		same[i] = 7;
	}
	rising[11] = 100; /* one wild run changes neither the slope nor the verdict */
	CHECK_NEAR(stats_slope(x, rising, 12, scratch), 0.05, 0.004);
	CU_ASSERT(stats_trend_p(rising, 12) < 1e-4);
	CU_ASSERT(stats_trend_p(zigzag, 12) > 0.2);
	CHECK_NEAR(stats_trend_p(same, 12), 1, 0);
	CU_ASSERT(isnan(stats_trend_p(rising, 3)));
}

/* Box and Muller's, one of the pair. */
static double draw_normal(const struct random_key *key, uint64_t number)
{
	return sqrt(2 * random_exponential(key, 2 * number)) *
	       cos(2 * M_PI * random_unit(key, 2 * number + 1));
}

/* Normal, then skewed: exponential less its mean. Both have mean 0. */
static double draw_noise(const struct random_key *key, uint64_t number, bool skewed)
{
	return skewed ? random_exponential(key, number) - 1 : draw_normal(key, number);
}

static double coverage(unsigned n, bool skewed, unsigned trials)
{
	struct random_key key = random_key(SEED, n, skewed, 0);
	unsigned covered = 0;
	double x[STATS_RANK_MAX];

	for (unsigned i = 0; i < trials; i++) {
		for (unsigned j = 0; j < n; j++)
			x[j] = draw_noise(&key, i * n + j, false) +
			       (skewed ? draw_noise(&key, (1ULL << 40) + i * n + j, true) : 0);
		struct interval t = stats_t_interval(x, n, 0.95);

		covered += t.low <= 0 && t.high >= 0;
	}
	return (double)covered / trials;
}

static void test_paired_t_interval_covers_95_of_100(void)
{
	printf("\n    seed %d", SEED);
	for (unsigned n = 5; n <= 12; n++) {
		CHECK_NEAR(coverage(n, false, 4000), 0.95, 0.012);
		CHECK_NEAR(coverage(n, true, 4000), 0.95, 0.02);
	}
}

static void test_rank_interval_covers_95_of_100(void)
{
	struct random_key key = random_key(SEED, 99, 0, 0);
	unsigned covered = 0, trials = 4000;
	double x[8];

	for (unsigned i = 0; i < trials; i++) {
		for (unsigned j = 0; j < 8; j++)
			x[j] = draw_normal(&key, i * 8 + j);
		struct interval w = stats_rank_interval(x, 8, 0.95);

		covered += w.low <= 0 && w.high >= 0;
	}
	CHECK_NEAR((double)covered / trials, 0.961, 0.012);
}

/* 15 configurations like the baseline, 6 blocks: how often Holm lets any of them through. */
static void test_a_family_without_differences_stays_quiet(void)
{
	enum { FAMILY = 15, BLOCKS = 6, TRIALS = 2000 };
	struct random_key key = random_key(SEED, 7, 7, 7);
	unsigned alarms = 0;
	uint64_t number = 0;

	for (unsigned i = 0; i < TRIALS; i++) {
		double base[BLOCKS], d[BLOCKS], p[FAMILY], adjusted[FAMILY], least = 1;

		for (unsigned b = 0; b < BLOCKS; b++)
			base[b] = draw_normal(&key, number++);
		for (unsigned c = 0; c < FAMILY; c++) {
			for (unsigned b = 0; b < BLOCKS; b++)
				d[b] = draw_normal(&key, number++) - base[b];
			p[c] = stats_t_p(d, BLOCKS);
		}
		stats_holm(p, FAMILY, adjusted);
		for (unsigned c = 0; c < FAMILY; c++)
			least = fmin(least, adjusted[c]);
		alarms += least < 0.05;
	}
	printf("\n    seed %d, false alarms %.3f", SEED, (double)alarms / TRIALS);
	CU_ASSERT((double)alarms / TRIALS <= 0.05);
	CU_ASSERT(alarms > 0);
}

static CU_TestInfo tests[] = {
	{ "the incomplete beta function has known values", test_incomplete_beta_has_known_values },
	{ "t quantiles are those of the tables", test_t_quantiles_are_those_of_the_tables },
	{ "quantile and distribution are inverse", test_quantile_and_distribution_are_inverse },
	{ "Student's sleep data", test_students_sleep_data },
	{ "equal values give a point and a sure answer",
	  test_equal_values_give_a_point_and_a_sure_answer },
	{ "signed-rank cuts are those of the table", test_signed_rank_cuts_are_those_of_the_table },
	{ "the rank interval is the test turned round",
	  test_rank_interval_is_the_test_turned_round },
	{ "Holm multiplies by what is left and never falls",
	  test_holm_multiplies_by_what_is_left_and_never_falls },
	{ "false discoveries are those of the paper",
	  test_false_discoveries_are_those_of_the_paper },
	{ "a trend is found and noise is not", test_a_trend_is_found_and_noise_is_not },
	{ "the paired t interval covers 95 of 100", test_paired_t_interval_covers_95_of_100 },
	{ "the rank interval covers 95 of 100", test_rank_interval_covers_95_of_100 },
	{ "a family without differences stays quiet",
	  test_a_family_without_differences_stays_quiet },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("stats", tests);
}
