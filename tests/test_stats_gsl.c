/*
 * test_stats_gsl.c - the distributions over a wide grid, against GSL.
 *
 * Built only where Meson found GSL, which is licensed otherwise and never linked into the program;
 * test_stats.c has the same functions against published values everywhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/stats.h"

#include <gsl/gsl_cdf.h>

#include "tests/test.h"

static void test_distributions_agree_with_gsl(void)
{
	for (double df = 1; df < 1000; df *= 1.37)
		for (double t = -40; t < 40; t += 0.37)
			CHECK_NEAR(stats_t_cdf(t, df), gsl_cdf_tdist_P(t, df), 1e-12);
	for (double a = 0.3; a < 300; a *= 2.1)
		for (double b = 0.3; b < 300; b *= 2.1)
			for (double x = 0.01; x < 1; x += 0.049)
				CHECK_NEAR(stats_beta_inc(a, b, x), gsl_cdf_beta_P(x, a, b), 1e-11);
	for (double p = 0.001; p < 1; p += 0.0173)
		CHECK_NEAR(stats_t_quantile(p, 4), gsl_cdf_tdist_Pinv(p, 4), 1e-8);
}

static CU_TestInfo tests[] = {
	{ "distributions agree with GSL", test_distributions_agree_with_gsl },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("stats against GSL", tests);
}
