/*
 * test_probability.c - distribution functions and their inverses, against published values and
 * identities. test_value_gsl.c has the wide grid, where there is GSL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/probability.h"

#include <float.h>
#include <math.h>

#include "tests/test.h"

static void test_normal_quantiles_are_the_published_ones(void)
{
	CHECK_NEAR(probability_normal_at(0.5), 0, 1e-15);
	CHECK_NEAR(probability_normal_at(0.025), 1.959963984540054, 1e-14);
	CHECK_NEAR(probability_normal_at(0.975), -1.959963984540054, 1e-14);
	CHECK_NEAR(probability_normal_at(0.001), 3.090232306167814, 1e-14);
	CHECK_NEAR(probability_normal_at(1e-10), 6.361340902404056, 1e-13);
	CHECK_NEAR(probability_normal_above(1), 0.15865525393145705, 1e-15);
}

static void test_gamma_tails_have_their_closed_forms(void)
{
	struct probability_gamma one, half, four, large;

	probability_gamma_init(&one, 1);
	probability_gamma_init(&half, 0.5);
	probability_gamma_init(&four, 4);
	for (double x = 0.01; x < 500; x *= 1.3) {
		double poisson = exp(-x) * (1 + x + x * x / 2 + x * x * x / 6);

		CHECK_NEAR(probability_gamma_above(&one, x) / exp(-x), 1, 1e-13);
		CHECK_NEAR(probability_gamma_below(&one, x) / -expm1(-x), 1, 1e-13);
		CHECK_NEAR(probability_gamma_above(&half, x) / erfc(sqrt(x)), 1, 1e-13);
		CHECK_NEAR(probability_gamma_above(&four, x) / poisson, 1, 1e-13);
	}
	/* The median of a large shape is near shape - 1/3. */
	probability_gamma_init(&large, 1e6);
	CHECK_NEAR(probability_gamma_at(&large, 0.5, false), 1e6 - 1 / 3.0, 1e-6);
}

static void test_the_inverse_of_a_gamma_tail_leads_back(void)
{
	static const double shapes[] = { 0.001, 0.03, 0.5, 1, 1.7, 19.9, 20, 400, 1e5 };
	struct probability_gamma g;

	for (unsigned i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		probability_gamma_init(&g, shapes[i]);
		for (double p = 1e-280; p < 1; p *= p < 0.1 ? 1e7 : 1.19) {
			double upper = probability_gamma_at(&g, p, true);
			double lower = probability_gamma_at(&g, p, false);

			/* Small shapes put nearly all below the smallest whole double. */
			if (upper > DBL_MIN)
				CHECK_NEAR(probability_gamma_above(&g, upper) / p, 1, 1e-9);
			if (lower > DBL_MIN)
				CHECK_NEAR(probability_gamma_below(&g, lower) / p, 1, 1e-9);
		}
	}
}

static double root(const void *arg, double x)
{
	return *(const double *)arg * sqrt(x);
}

static double inverse_root(const void *arg, double x)
{
	return *(const double *)arg / sqrt(x);
}

static double logarithm(const void *arg, double x)
{
	return *(const double *)arg * log(x);
}

static void test_integrals_are_right_with_singular_ends(void)
{
	double two = 2;

	CHECK_NEAR(probability_integral(root, &two, 0, 4), 32 / 3.0, 1e-12);
	CHECK_NEAR(probability_integral(root, &two, 1, 4), 28 / 3.0, 1e-12);
	CHECK_NEAR(probability_integral(inverse_root, &two, 0, 1), 4, 1e-12);
	CHECK_NEAR(probability_integral(logarithm, &two, 0, 1), -2, 1e-12);
}

static CU_TestInfo tests[] = {
	{ "normal quantiles are the published ones", test_normal_quantiles_are_the_published_ones },
	{ "gamma tails have their closed forms", test_gamma_tails_have_their_closed_forms },
	{ "the inverse of a gamma tail leads back", test_the_inverse_of_a_gamma_tail_leads_back },
	{ "integrals are right with singular ends", test_integrals_are_right_with_singular_ends },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("probability", tests);
}
