/*
 * test_value.c - draws: their moments, bounds and purity, and sequences. test_value_column.c has
 * the columns.
 *
 * Statistical bounds are five standard errors, so with the fixed seed a failure is a defect.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/value.h"

#include <math.h>

#include "base/probability.h"
#include "tests/test.h"

#define SEED  20260301
#define DRAWS 50000

static struct value number(const char *text)
{
	struct value v = { 0 };
	struct err err = { 0 };

	if (value_parse(text, VALUE_NUMBER, NULL, &v, &err))
		CU_FAIL_FATAL(err.text);
	return v;
}

static struct random_key key_of(unsigned parameter)
{
	return random_key(SEED, 1, 2, parameter);
}

/* NAN: not checked, because the estimate has no variance or the law no closed form. */
struct moments {
	const char *text;
	double mean, variance, skew;
};

static const struct moments moments[] = {
	{ "7", 7, 0, NAN },
	{ "unif:min=-2:max=4", 1, 3, 0 },
	{ "exp:10", 10, 100, 2 },
	{ "exp:10:min=100000", 100010, 100, 2 },
	/* between a and b: a + m - w / (e^(w/m) - 1), m^2 - w^2 e^(w/m) / (e^(w/m) - 1)^2 */
	{ "exp:1000:min=500:max=2000", 1069.1746248166976, 168151.43332321325, NAN },
	{ "norm:-5:std=2", -5, 4, 0 },
	/* half of a normal law */
	{ "norm:0:std=1:min=0", 0.7978845608028654, 0.3633802276324186, 0.9952717464311565 },
	/* both sides: mean 0, 1 - 2 phi(1) / (2 Phi(1) - 1) */
	{ "norm:0:std=1:min=-1:max=1", 0, 0.29112509477, 0 },
	{ "lognorm:100:std=50", 100, 2500, 1.625 },
	/* e^(mu + s^2/2), (e^(s^2) - 1) mean^2 */
	{ "lognorm:xavg=2:xstd=0.5", 8.372897488127265, 19.911718953833947, 1.750189655 },
	{ "lognorm:xval=2,xstd=0.5", 8.372897488127265, 19.911718953833947, 1.750189655 },
	{ "gamma:100:std=50", 100, 2500, 1 },
	{ "gamma:k=2.5:scale=4", 10, 40, 1.2649110640673518 },
	{ "gamma:k=0.25:scale=4", 1, 4, 4 },
	{ "gamma:k=10000:scale=1", 10000, 10000, 0.02 },
	{ "erlang:k=4:avg=100", 100, 2500, 1 },
	{ "erlang:k=9:scale=2", 18, 36, 2.0 / 3 },
	{ "pareto:alpha=5:xmin=4", 5, 5.0 / 3, NAN },
	/* bounded: 1/x^2 between 1 and 2, ln 4 and 2 - ln^2 4 */
	{ "pareto:alpha=1:xmin=1:max=2", 1.3862943611198906, 0.07818794433, NAN },
	{ "weibull:k=1:scale=3", 3, 9, 2 },
	{ "weibull:k=2:scale=1", 0.8862269254527580, 0.2146018366025517, 0.6311106578 },
	{ "zipf:n=3:s=1", 18.0 / 11, 6 / (11.0 / 6) - 324.0 / 121, NAN },
	{ "zipf:n=5:s=0", 3, 2, 0 },
	{ "zipf:n=1M:s=1.5", 765.6140892209231, NAN, NAN },
	{ "zipf:n=100:s=0:min=41:max=60:one=1", 50.5, 399.0 / 12, 0 },
	{ "mix:0.9*10|0.1*20", 11, 9, 8.0 / 3 },
	{ "mix:9*exp:10|1*exp:1000", 109, 188299, NAN },
	/* bounds of the whole: a half of the first is kept, a part of the other, or none */
	{ "mix:max=5:1*unif:min=0:max=10|1*unif:min=0:max=1", 7.0 / 6, NAN, NAN },
	{ "mix:max=5:1*unif:min=0:max=10|1*unif:min=0:max=5", 2.5, 25.0 / 12, 0 },
	{ "mix:min=5:1*unif:min=0:max=10|1*unif:min=0:max=5", 7.5, 25.0 / 12, 0 },
};

struct sample {
	double mean, variance, skew, fourth, low, high;
};

static struct sample sample_of(const struct value *v, const struct random_key *key)
{
	static double drawn[DRAWS];
	struct sample s = { .low = INFINITY, .high = -INFINITY };

	for (unsigned i = 0; i < DRAWS; i++) {
		drawn[i] = value_draw(v, key, i);
		s.mean += drawn[i];
		s.low = fmin(s.low, drawn[i]);
		s.high = fmax(s.high, drawn[i]);
	}
	s.mean /= DRAWS;
	for (unsigned i = 0; i < DRAWS; i++) {
		double off = drawn[i] - s.mean;

		s.variance += off * off / DRAWS;
		s.skew += off * off * off / DRAWS;
		s.fourth += off * off * off * off / DRAWS;
	}
	s.skew /= pow(s.variance, 1.5);
	return s;
}

static void check_moments(const struct moments *m, unsigned parameter)
{
	struct value v = number(m->text);
	struct random_key key = key_of(parameter);
	struct sample s = sample_of(&v, &key);
	double error = 5 * sqrt(s.variance / DRAWS);
	unsigned before = CU_get_number_of_failures();

	CHECK_NEAR(value_mean(&v), m->mean, 1e-10 * fabs(m->mean) + 1e-12);
	CHECK_NEAR(s.mean, m->mean, error + 1e-9 * fabs(m->mean));
	if (!isnan(m->variance))
		CHECK_NEAR(s.variance, m->variance,
			   5 * sqrt(fmax(0, s.fourth - s.variance * s.variance) / DRAWS) + 1e-9);
	/* The spread of a sample's skew depends on the sixth moment: a rough bound will do. */
	if (!isnan(m->skew))
		CHECK_NEAR(s.skew, m->skew, 0.02 + 0.05 * m->skew * m->skew);
	CU_ASSERT(s.low >= value_min(&v) && s.high <= value_max(&v));
	if (CU_get_number_of_failures() > before)
		printf("\n    ... of %s", m->text);
	value_finish(&v);
}

static void test_moments_are_those_of_the_laws(void)
{
	for (unsigned i = 0; i < sizeof(moments) / sizeof(*moments); i++)
		check_moments(&moments[i], i);
}

/* The mean of a truncated law against the average of draws at evenly spaced chances. */
static void test_means_of_truncated_laws_are_those_of_their_draws(void)
{
	static const char *const texts[] = {
		"norm:100:std=30:min=90",
		"norm:0:std=1:min=6",
		"norm:0:std=1:min=-3:max=-2.5",
		"lognorm:100:std=200:min=50:max=1000",
		"lognorm:100:std=50:max=20",
		"gamma:100:std=70:min=300",
		"gamma:k=2:scale=1:min=600",
		"gamma:k=0.3:scale=10:max=1",
		"erlang:k=3:avg=10:min=5:max=6",
		"weibull:k=0.5:scale=10:min=1",
		"weibull:k=3:scale=10:min=1:max=9",
		"pareto:alpha=2.5:xmin=1:min=7",
		"pareto:alpha=1.000001:xmin=1:max=100",
		"exp:10:min=1:max=1.0001",
		"exp:10:min=30:max=80",
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct value v = number(texts[i]);
		struct random_key key = key_of(i);
		struct sample s = sample_of(&v, &key);
		double error = 5 * sqrt(s.variance / DRAWS);

		if (fabs(s.mean - value_mean(&v)) > error)
			printf("\n    %s", texts[i]);
		CHECK_NEAR(s.mean, value_mean(&v), error);
		CU_ASSERT(s.low >= value_min(&v) && s.high <= value_max(&v));
	}
}

static void test_truncated_means_agree_with_closed_forms(void)
{
	/* lognorm: e^(mu + s^2/2) (Phi(b - s) - Phi(a - s)) / (Phi(b) - Phi(a)) */
	struct value v = number("lognorm:xavg=0:xstd=1:min=1:max=4");
	double b = log(4), above;

	above = probability_normal_above(-1) - probability_normal_above(b - 1);
	CHECK_NEAR(value_mean(&v), exp(0.5) * above / (0.5 - probability_normal_above(b)), 1e-12);
	/* gamma of shape 1 is exponential */
	v = number("gamma:k=1:scale=10:min=5:max=20");
	CHECK_NEAR(value_mean(&v), 15 - 15 / expm1(1.5), 1e-11);
	v = number("weibull:k=1:scale=10:min=5:max=20");
	CHECK_NEAR(value_mean(&v), 15 - 15 / expm1(1.5), 1e-11);
	/* norm: phi(a) / Q(a), far out */
	/* shape 2: the tail is (1 + x) e^-x, the mean above a is (a^2 + 2 a + 2) / (1 + a) */
	v = number("gamma:k=2:scale=1:min=600");
	CHECK_NEAR(value_mean(&v), 361202.0 / 601, 1e-9);
	v = number("norm:0:std=1:min=30");
	CHECK_NEAR(value_mean(&v), 30.033259667430148, 1e-10);
}

static void test_heavy_tails_have_no_mean_and_say_so(void)
{
	struct value v = number("pareto:alpha=1:xmin=1");

	CU_ASSERT(isinf(value_mean(&v)) && isinf(value_max(&v)));
	CHECK_NEAR(value_min(&v), 1, 0);
}

static void test_improbable_bounds_end(void)
{
	static const char *const texts[] = {
		"exp:10:min=100000:max=100001", "norm:0:std=1:min=35",
		"norm:0:std=1:min=20:max=20.1", "norm:0:std=1:max=-35",
		"gamma:k=2:scale=1:min=600",	"gamma:k=2:scale=1:max=1e-130",
		"weibull:k=2:scale=1:min=1e6",	"pareto:alpha=5:xmin=1:min=1e12",
		"zipf:n=1e15:s=5:min=1e12",	"lognorm:10:std=1:min=100",
		"mix:min=1000:1*exp:1|1*exp:2",
	};
	struct random_key key = key_of(0);

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct value v = number(texts[i]);

		for (uint64_t n = 0; n < 1000; n++) {
			double x = value_draw(&v, &key, n);

			CU_ASSERT(isfinite(x) && x >= value_min(&v) && x <= value_max(&v));
		}
		CU_ASSERT(value_mean(&v) >= value_min(&v) && value_mean(&v) <= value_max(&v));
	}
}

static void test_times_sizes_and_rates_are_not_negative(void)
{
	struct random_key key = key_of(0);
	struct value v;

	CHECK_INT(value_parse("norm:10:std=20", VALUE_TIME, "us", &v, NULL), 0);
	CHECK_NEAR(value_min(&v), 0, 0);
	/* avg + std phi(a) / (1 - Phi(a)), a = -1/2 */
	CHECK_NEAR(value_mean(&v), 20183.20867674067, 1e-7);
	for (uint64_t i = 0; i < 10000; i++)
		CU_ASSERT(value_draw(&v, &key, i) >= 0);
}

static void test_a_draw_depends_on_the_key_and_the_number_alone(void)
{
	static const char *const texts[] = { "unif:min=0:max=1", "exp:10",
					     "norm:0:std=1",	 "gamma:k=3:scale=1",
					     "zipf:n=1e9:s=0.5", "mix:1*exp:10|1*norm:0:std=1" };
	struct random_key key = key_of(0), other = key_of(1);

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct value v = number(texts[i]), copy = v;
		unsigned same_key = 0, same_number = 0;
		double forward[100];

		for (unsigned n = 0; n < 100; n++)
			forward[n] = value_draw(&v, &key, n);
		for (unsigned n = 100; n-- > 0;) {
			CU_ASSERT(value_draw(&copy, &key, n) == forward[n]);
			same_key += value_draw(&v, &other, n) == forward[n];
			same_number += n && forward[n - 1] == forward[n];
		}
		CHECK_INT(same_key, 0);
		CHECK_INT(same_number, 0);
	}
}

/* The choice of a mix and the draw are independent: each half has the whole law. */
static void test_the_choice_of_a_mix_does_not_tell_the_draw(void)
{
	struct value v = number("mix:1*unif:min=0:max=1|1*unif:min=10:max=11");
	struct random_key key = key_of(0);
	double sum[2] = { 0 }, squares[2] = { 0 };
	unsigned count[2] = { 0 };

	for (uint64_t i = 0; i < DRAWS; i++) {
		double x = value_draw(&v, &key, i);
		unsigned which = x >= 10;

		sum[which] += x - 10 * which;
		squares[which] += (x - 10 * which) * (x - 10 * which);
		count[which]++;
	}
	for (unsigned i = 0; i < 2; i++) {
		CHECK_NEAR(count[i], DRAWS / 2.0, 5 * sqrt(DRAWS / 4.0));
		CHECK_NEAR(sum[i] / count[i], 0.5, 5 * 0.289 / sqrt(DRAWS / 2.0));
		CHECK_NEAR(squares[i] / count[i], 1 / 3.0, 5 * 0.3 / sqrt(DRAWS / 2.0));
	}
}

static void test_zipf_has_the_chances_of_its_ranks(void)
{
	/* Both sides of the border between head and formula, and the ends. */
	static const double ranks[] = { 1, 2, 15, 16, 17, 18, 40, 999, 1000 };
	struct value v = number("zipf:n=1000:s=0.8");
	struct random_key key = key_of(3);
	unsigned count[1001] = { 0 };
	double sum = 0;

	for (unsigned i = 1; i <= 1000; i++)
		sum += pow(i, -0.8);
	for (uint64_t i = 0; i < DRAWS; i++)
		count[(unsigned)value_draw(&v, &key, i)]++;
	for (unsigned i = 0; i < sizeof(ranks) / sizeof(*ranks); i++) {
		double want = DRAWS * pow(ranks[i], -0.8) / sum;

		CHECK_NEAR(count[(unsigned)ranks[i]], want, 5 * sqrt(want));
	}
}

static void check_steps(const char *text, const double *want, unsigned count, double mean)
{
	struct value v = number(text);
	struct random_key key = key_of(0);

	CHECK_INT(value_steps(&v), count);
	for (unsigned i = 0; i < count; i++)
		CHECK_NEAR(value_draw(&v, &key, i), want[i], 1e-9);
	/* It stays. */
	CHECK_NEAR(value_draw(&v, &key, count), want[count - 1], 0);
	CHECK_NEAR(value_draw(&v, &key, UINT64_MAX), want[count - 1], 0);
	CHECK_NEAR(value_mean(&v), mean, 1e-9);
	CU_ASSERT(!value_is_constant(&v) || count == 1);
}

#define STEPS(text, mean, ...)                             \
	check_steps(text, (const double[]){ __VA_ARGS__ }, \
		    sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double), mean)

static void test_sequences_count_by_their_numbers_and_stay_at_the_end(void)
{
	STEPS("aseq:min=10:max=40:step=10", 25, 10, 20, 30, 40);
	STEPS("aseq:min=1:max=3", 2, 1, 2, 3);
	STEPS("aseq:min=10:max=35:step=10", 23.75, 10, 20, 30, 35);
	STEPS("aseq:min=10:max=40:step=-20", 70 / 3.0, 40, 20, 10);
	STEPS("aseq:min=0:max=1:step=0.1", 0.5, 0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1);
	STEPS("aseq:min=-1:max=1", 0, -1, 0, 1);
	STEPS("aseq:min=5:max=5", 5, 5);
	STEPS("gseq:min=100:max=1000:step=10", 550, 100, 1000);
	STEPS("gseq:min=1:max=10", 5, 1, 2, 4, 8, 10);
	STEPS("gseq:min=1:max=8:step=0.5", 3.75, 8, 4, 2, 1);
}

static CU_TestInfo tests[] = {
	{ "moments are those of the laws", test_moments_are_those_of_the_laws },
	{ "means of truncated laws are those of their draws",
	  test_means_of_truncated_laws_are_those_of_their_draws },
	{ "truncated means agree with closed forms", test_truncated_means_agree_with_closed_forms },
	{ "heavy tails have no mean and say so", test_heavy_tails_have_no_mean_and_say_so },
	{ "improbable bounds end", test_improbable_bounds_end },
	{ "times sizes and rates are not negative", test_times_sizes_and_rates_are_not_negative },
	{ "a draw depends on the key and the number alone",
	  test_a_draw_depends_on_the_key_and_the_number_alone },
	{ "the choice of a mix does not tell the draw",
	  test_the_choice_of_a_mix_does_not_tell_the_draw },
	{ "zipf has the chances of its ranks", test_zipf_has_the_chances_of_its_ranks },
	{ "sequences count by their numbers and stay at the end",
	  test_sequences_count_by_their_numbers_and_stay_at_the_end },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("values", tests);
}
