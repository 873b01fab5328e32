/*
 * test_value_gsl.c - distribution functions, their inverses, and draws, against GSL.
 *
 * Built only where Meson found GSL, which is licensed otherwise and never linked into the program.
 * Draws are judged by the largest distance between their distribution and the law's (Kolmogorov and
 * Smirnov), whose distribution is known: 1.95 / sqrt(n) is passed once in a thousand samples.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "base/probability.h"
#include "base/value.h"
#include "tests/test.h"

#define SEED  20260302
#define DRAWS 20000

static void test_the_normal_law_agrees_with_gsl(void)
{
	for (double p = 1e-300; p < 0.5; p *= 3.7) {
		double z = gsl_cdf_ugaussian_Qinv(p);

		CHECK_NEAR(probability_normal_at(p) / z, 1, 1e-14);
		CHECK_NEAR(probability_normal_above(z) / gsl_cdf_ugaussian_Q(z), 1, 1e-12);
	}
	for (double p = 0.0005; p < 1; p += 0.00173)
		CHECK_NEAR(probability_normal_at(p), gsl_cdf_ugaussian_Qinv(p), 1e-14);
}

/* Both tails, each relative to itself where it is the small one. */
static void check_gamma(double shape, double x)
{
	struct probability_gamma g;
	double below = gsl_cdf_gamma_P(x, shape, 1), above = gsl_cdf_gamma_Q(x, shape, 1);

	probability_gamma_init(&g, shape);
	if (below < 0.5 && below > 1e-290)
		CHECK_NEAR(probability_gamma_below(&g, x) / below, 1, 1e-10);
	if (above < 0.5 && above > 1e-290)
		CHECK_NEAR(probability_gamma_above(&g, x) / above, 1, 1e-10);
	if (below > 1e-290 && below < 0.5)
		CHECK_NEAR(probability_gamma_at(&g, below, false) / x, 1, 1e-9);
	if (above > 1e-290 && above < 0.5)
		CHECK_NEAR(probability_gamma_at(&g, above, true) / x, 1, 1e-9);
}

static void test_the_gamma_law_and_its_inverse_agree_with_gsl(void)
{
	for (double shape = 0.002; shape < 5000; shape *= 1.7)
		for (double ratio = 1e-6; ratio < 50; ratio *= 1.9)
			check_gamma(shape, shape * ratio);
}

static double cdf_exp(double x)
{
	return gsl_cdf_exponential_P(x, 10);
}

static double cdf_normal(double x)
{
	return gsl_cdf_gaussian_P(x - 50, 10);
}

static double cdf_lognormal(double x)
{
	return gsl_cdf_lognormal_P(x, 2, 0.75);
}

static double cdf_gamma(double x)
{
	return gsl_cdf_gamma_P(x, 2.5, 4);
}

static double cdf_small_gamma(double x)
{
	return gsl_cdf_gamma_P(x, 0.2, 4);
}

static double cdf_erlang(double x)
{
	return gsl_cdf_gamma_P(x, 5, 3);
}

static double cdf_pareto(double x)
{
	return gsl_cdf_pareto_P(x, 1.5, 2);
}

static double cdf_weibull(double x)
{
	return gsl_cdf_weibull_P(x, 10, 0.7);
}

static double cdf_uniform(double x)
{
	return gsl_cdf_flat_P(x, -3, 9);
}

static double cdf_mix(double x)
{
	return 0.75 * gsl_cdf_exponential_P(x, 10) + 0.25 * gsl_cdf_gaussian_P(x - 50, 10);
}

/* Bounds, when there are any: the law between them is what lies there, made 1. */
static const struct law {
	const char *text;
	double (*cdf)(double x);
	double min, max;
} laws[] = {
	{ "unif:min=-3:max=9", cdf_uniform, -INFINITY, INFINITY },
	{ "exp:10", cdf_exp, -INFINITY, INFINITY },
	{ "exp:10:min=3:max=17", cdf_exp, 3, 17 },
	{ "norm:50:std=10", cdf_normal, -INFINITY, INFINITY },
	{ "norm:50:std=10:min=55", cdf_normal, 55, INFINITY },
	{ "norm:50:std=10:max=45", cdf_normal, -INFINITY, 45 },
	{ "norm:50:std=10:min=30:max=65", cdf_normal, 30, 65 },
	{ "lognorm:xavg=2:xstd=0.75", cdf_lognormal, -INFINITY, INFINITY },
	{ "lognorm:xavg=2:xstd=0.75:min=5:max=20", cdf_lognormal, 5, 20 },
	{ "gamma:k=2.5:scale=4", cdf_gamma, -INFINITY, INFINITY },
	{ "gamma:k=2.5:scale=4:min=15", cdf_gamma, 15, INFINITY },
	{ "gamma:k=2.5:scale=4:max=6", cdf_gamma, -INFINITY, 6 },
	{ "gamma:k=0.2:scale=4", cdf_small_gamma, -INFINITY, INFINITY },
	{ "erlang:k=5:scale=3", cdf_erlang, -INFINITY, INFINITY },
	{ "pareto:alpha=1.5:xmin=2", cdf_pareto, -INFINITY, INFINITY },
	{ "pareto:alpha=1.5:xmin=2:min=4:max=9", cdf_pareto, 4, 9 },
	{ "weibull:k=0.7:scale=10", cdf_weibull, -INFINITY, INFINITY },
	{ "weibull:k=0.7:scale=10:min=5:max=50", cdf_weibull, 5, 50 },
	{ "mix:3*exp:10|1*norm:50:std=10", cdf_mix, -INFINITY, INFINITY },
	{ "mix:min=4:max=60:3*exp:10|1*norm:50:std=10", cdf_mix, 4, 60 },
};

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double distance(const struct law *law, double *sorted)
{
	double from = isinf(law->min) ? 0 : law->cdf(law->min);
	double to = isinf(law->max) ? 1 : law->cdf(law->max), most = 0;

	for (unsigned i = 0; i < DRAWS; i++) {
		double chance = (law->cdf(sorted[i]) - from) / (to - from);

		most = fmax(most, chance - (double)i / DRAWS);
		most = fmax(most, (i + 1.0) / DRAWS - chance);
	}
	return most;
}

static void test_draws_are_distributed_as_gsl_says(void)
{
	static double drawn[DRAWS];

	for (unsigned i = 0; i < sizeof(laws) / sizeof(*laws); i++) {
		struct random_key key = random_key(SEED, 0, 0, i);
		double most;
		struct value v;

		CHECK_INT(value_parse(laws[i].text, VALUE_NUMBER, NULL, &v, NULL), 0);
		for (unsigned n = 0; n < DRAWS; n++)
			drawn[n] = value_draw(&v, &key, n);
		qsort(drawn, DRAWS, sizeof(*drawn), compare);
		most = distance(&laws[i], drawn);
		if (most > 1.95 / sqrt(DRAWS))
			printf("\n    %s is %g away", laws[i].text, most);
		CU_ASSERT(most <= 1.95 / sqrt(DRAWS));
	}
}

static CU_TestInfo tests[] = {
	{ "the normal law agrees with GSL", test_the_normal_law_agrees_with_gsl },
	{ "the gamma law and its inverse agree with GSL",
	  test_the_gamma_law_and_its_inverse_agree_with_gsl },
	{ "draws are distributed as GSL says", test_draws_are_distributed_as_gsl_says },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("values against GSL", tests);
}
