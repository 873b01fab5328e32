/*
 * probability.c - see probability.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/probability.h"

#include <math.h>

#define STIRLING_MIN   20     /* from this shape on four terms of Stirling's series are exact */
#define SUM_STEPS      100000 /* enough for shapes up to 10^8; usual is 20 */
#define NORMAL_FAR     1e-5
#define SUM_ERROR      1e-17
#define FRACTION_ERROR 1e-16
#define FRACTION_TINY  1e-300 /* stands in for a zero denominator */
#define INVERSE_STEPS  100    /* usual is 4 */
#define INVERSE_ERROR  1e-8   /* the step after this one would be its square */
#define LOG_STEP_MAX   3.0    /* of x in one step of the inverse */
#define INTEGRAL_RANGE 6.0    /* beyond, the nodes are nearer to the ends than 1e-270 */
#define INTEGRAL_STEPS 192    /* in each direction */

double probability_normal_above(double z)
{
	return erfc(z / M_SQRT2) / 2;
}

static double normal_density(double z)
{
	return exp(-z * z / 2) / sqrt(2 * M_PI);
}

/* Abramowitz and Stegun 26.2.23: within 4.5e-4, for tails up to a half. */
static double normal_near(double tail)
{
	double t = sqrt(-2 * log(tail));

	return t - (2.515517 + t * (0.802853 + t * 0.010328)) /
			   (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

/* Four terms of the Taylor series of the inverse around z: the error becomes its fifth power. */
static double normal_refine(double z, double tail)
{
	double d = (probability_normal_above(z) - tail) / normal_density(z);
	double square = z * z;

	return z +
	       d * (1 + d * (z / 2 + d * ((1 + 2 * square) / 6 + d * z * (7 + 6 * square) / 24)));
}

double probability_normal_at(double tail)
{
	double small = tail < 0.5 ? tail : 1 - tail;
	double z = normal_refine(normal_near(small), small);

	/* The series is about to end where the tail bends more. */
	if (small < NORMAL_FAR)
		z = normal_refine(z, small);
	return tail < 0.5 ? z : -z;
}

void probability_gamma_init(struct probability_gamma *g, double shape)
{
	double square = shape * shape;
	int sign;

	g->shape = shape;
	if (shape < STIRLING_MIN)
		g->log_front = lgamma_r(shape + 1, &sign);
	else
		g->log_front = log(2 * M_PI * shape) / 2 +
			       (1 - (1 - (2 - 1.5 / square) / (7 * square)) / (30 * square)) /
				       (12 * shape);
}

/* The logarithm of x^a e^-x / Gamma(a + 1); for large a what would cancel is left out. */
static double gamma_front(const struct probability_gamma *g, double x)
{
	double a = g->shape, off = (x - a) / a;

	if (a < STIRLING_MIN)
		return a * log(x) - x - g->log_front;
	/* Near -1 the difference has lost what log1p() would need. */
	return a * ((off < -0.5 ? log(x / a) : log1p(off)) - off) - g->log_front;
}

/* DLMF 8.7.1. */
static double gamma_sum(double a, double x)
{
	double term = 1, sum = 1;

	for (int n = 1; n < SUM_STEPS && term > sum * SUM_ERROR; n++) {
		term *= x / (a + n);
		sum += term;
	}
	return sum;
}

static double away_from_zero(double v)
{
	return fabs(v) < FRACTION_TINY ? FRACTION_TINY : v;
}

/* DLMF 8.9.2, from the front by Lentz's method. */
static double gamma_fraction(double a, double x)
{
	double b = x + 1 - a, numerator = 1 / FRACTION_TINY, denominator = 1 / away_from_zero(b);
	double value = denominator, step;

	for (int n = 1; n < SUM_STEPS; n++) {
		double term = -n * (n - a);

		b += 2;
		denominator = 1 / away_from_zero(term * denominator + b);
		numerator = away_from_zero(b + term / numerator);
		step = denominator * numerator;
		value *= step;
		if (fabs(step - 1) < FRACTION_ERROR)
			break;
	}
	return value;
}

double probability_gamma_below(const struct probability_gamma *g, double x)
{
	if (x <= 0)
		return 0;
	if (x < g->shape + 1)
		return exp(gamma_front(g, x)) * gamma_sum(g->shape, x);
	return 1 - probability_gamma_above(g, x);
}

double probability_gamma_above(const struct probability_gamma *g, double x)
{
	if (isinf(x))
		return 0;
	if (x < g->shape + 1)
		return 1 - probability_gamma_below(g, x);
	return exp(gamma_front(g, x)) * g->shape * gamma_fraction(g->shape, x);
}

/* Wilson and Hilferty's cube; where that fails, near 0, the first term of the sum. */
static double gamma_near(const struct probability_gamma *g, double p, bool is_upper)
{
	double a = g->shape, z = probability_normal_at(is_upper ? p : 1 - p);
	double root = 1 - 1 / (9 * a) + z / (3 * sqrt(a));
	int sign;

	if (root > 0.3)
		return a * root * root * root;
	return exp((log(is_upper ? 1 - p : p) + lgamma_r(a + 1, &sign)) / a);
}

/*
 * The logarithm of a tail and the tail over x times the density. The small tail is taken apart, so
 * that it does not vanish far out; where a guess is on the wrong side the other will do.
 */
static double gamma_log_tail(const struct probability_gamma *g, double x, bool is_upper,
			     double *ret_ratio)
{
	double a = g->shape, front = gamma_front(g, x), tail;

	if (is_upper == (x < a + 1)) {
		tail = is_upper ? probability_gamma_above(g, x) : probability_gamma_below(g, x);
		*ret_ratio = tail / (a * exp(front));
		return log(tail);
	}
	*ret_ratio = is_upper ? gamma_fraction(a, x) : gamma_sum(a, x) / a;
	return front + log(a * *ret_ratio);
}

/*
 * Newton's steps for the logarithm of the tail over the logarithm of x. Both tails are concave
 * there, whatever the shape, so the steps come from one side and cannot miss.
 */
double probability_gamma_at(const struct probability_gamma *g, double p, bool is_upper)
{
	bool upper = p > 0.5 ? !is_upper : is_upper;
	double small = p > 0.5 ? 1 - p : p, x = gamma_near(g, small, upper), log_small = log(small);

	for (int i = 0; i < INVERSE_STEPS && x > 0; i++) {
		double ratio, step = gamma_log_tail(g, x, upper, &ratio) - log_small;

		step = fmax(-LOG_STEP_MAX, fmin(LOG_STEP_MAX, (upper ? step : -step) * ratio));
		x *= exp(step);
		if (fabs(step) < INVERSE_ERROR)
			break;
	}
	return x;
}

double probability_integral(double (*f)(const void *arg, double x), const void *arg, double from,
			    double to)
{
	double width = to - from, gap = INTEGRAL_RANGE / INTEGRAL_STEPS, sum = 0;

	for (int i = -INTEGRAL_STEPS; i <= INTEGRAL_STEPS; i++) {
		double t = i * gap, power = exp(-M_PI * sinh(t));
		double near = 1 / (1 + power), far = power / (1 + power);
		double weight = M_PI * cosh(t) * near * far;

		if (weight > 0)
			sum += weight * f(arg, i < 0 ? from + width * near : to - width * far);
	}
	return sum * gap * width;
}
