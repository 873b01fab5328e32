/*
 * stats.c - distributions, and intervals of a mean: see stats.h. Ranks are in stats_rank.c.
 *
 * Student's distribution comes from the incomplete beta function, and that from its continued
 * fraction (DLMF 8.17.22), evaluated from the front by Lentz's method. Quantiles are Newton's steps
 * on the distribution function: as exact as that, and no approximation to remember.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/stats.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define FRACTION_STEPS 10000 /* enough for a and b up to 10^6; usual is 20 */
#define FRACTION_ERROR 1e-16
#define QUANTILE_STEPS 1000   /* usual is 10; a tail of 10^-300 needs hundreds */
#define FRACTION_TINY  1e-300 /* stands in for a zero denominator */

/* The m-th coefficient of the continued fraction, m >= 1. */
static double fraction_term(double a, double b, double x, int m)
{
	int half = m / 2;

	if (m % 2)
		return -(a + half) * (a + b + half) * x / ((a + m - 1) * (a + m));
	return half * (b - half) * x / ((a + m - 1) * (a + m));
}

static double away_from_zero(double v)
{
	return fabs(v) < FRACTION_TINY ? FRACTION_TINY : v;
}

/* 1 / (1 + d1 / (1 + d2 / (1 + ...))), converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
	double numerator = 1, denominator = 0, value = 1;

	for (int m = 1; m < FRACTION_STEPS; m++) {
		double d = fraction_term(a, b, x, m), step;

		denominator = 1 / away_from_zero(1 + d * denominator);
		numerator = away_from_zero(1 + d / numerator);
		step = numerator * denominator;
		value *= step;
		if (fabs(step - 1) < FRACTION_ERROR)
			break;
	}
	return 1 / value;
}

/* y is 1 - x, given apart because near x = 1 the subtraction would lose its digits. */
static double beta_inc(double a, double b, double x, double y)
{
	double front;

	if (!(x >= 0 && y >= 0 && a > 0 && b > 0))
		return NAN;
	if (x == 0 || y == 0)
		return x == 0 ? 0 : 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, y) / b;
}

double stats_beta_inc(double a, double b, double x)
{
	return beta_inc(a, b, x, 1 - x);
}

double stats_normal_cdf(double z)
{
	return erfc(-z / M_SQRT2) / 2;
}

/* P(T > t) for t >= 0. */
static double t_tail(double t, double df)
{
	double square = t * t;

	if (isinf(t))
		return 0;
	return beta_inc(df / 2, 0.5, df / (df + square), square / (df + square)) / 2;
}

double stats_t_cdf(double t, double df)
{
	if (isnan(t) || !(df > 0))
		return NAN;
	return t < 0 ? t_tail(-t, df) : 1 - t_tail(t, df);
}

/* Minus the slope of t_tail. */
static double t_density(double t, double df)
{
	double log_front = lgamma((df + 1) / 2) - lgamma(df / 2) - log(M_PI * df) / 2;

	return exp(log_front - (df + 1) / 2 * log1p(t * t / df));
}

/*
 * Where the tail passes p, for p in (0, 0.5]. It is convex, so Newton's steps from 0 come nearer
 * from the left and never pass; the last one is too small to make a difference.
 */
static double t_tail_inverse(double p, double df)
{
	double x = 0;

	for (int i = 0; i < QUANTILE_STEPS; i++) {
		double step = (t_tail(x, df) - p) / t_density(x, df);

		if (!(x + step > x))
			break;
		x += step;
	}
	return x;
}

double stats_t_quantile(double p, double df)
{
	if (!(p > 0 && p < 1 && df > 0))
		return NAN;
	return p < 0.5 ? -t_tail_inverse(p, df) : t_tail_inverse(1 - p, df);
}

double stats_mean(const double *x, unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / n : NAN;
}

double stats_sd(const double *x, unsigned n)
{
	double mean = stats_mean(x, n), sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return n > 1 ? sqrt(sum / (n - 1)) : NAN;
}

struct interval stats_t_interval(const double *x, unsigned n, double confidence)
{
	double mean = stats_mean(x, n), half;

	if (n < 2)
		return (struct interval){ NAN, NAN };
	half = stats_t_quantile(0.5 + confidence / 2, n - 1) * stats_sd(x, n) / sqrt(n);
	return (struct interval){ mean - half, mean + half };
}

/* Mean over its standard error; infinite for equal values that are not 0, 0 for zeros. */
static double t_statistic(const double *x, unsigned n)
{
	double mean = stats_mean(x, n), error = stats_sd(x, n) / sqrt(n);

	if (error == 0)
		return mean == 0 ? 0 : copysign(INFINITY, mean);
	return mean / error;
}

double stats_t_p(const double *x, unsigned n)
{
	return n < 2 ? NAN : 2 * t_tail(fabs(t_statistic(x, n)), n - 1);
}

double stats_t_p_above(const double *x, unsigned n)
{
	return n < 2 ? NAN : stats_t_cdf(-t_statistic(x, n), n - 1);
}

static int compare_p(const void *a, const void *b)
{
	const double *x = *(const double *const *)a, *y = *(const double *const *)b;

	return (*x > *y) - (*x < *y);
}

/* Pointers to the values that are there, in order; returns how many. */
static unsigned order_p(const double *p, unsigned n, const double **order, double *adjusted)
{
	unsigned members = 0;

	for (unsigned i = 0; i < n; i++) {
		adjusted[i] = NAN;
		if (!isnan(p[i]))
			order[members++] = &p[i];
	}
	qsort(order, members, sizeof(order[0]), compare_p);
	return members;
}

void stats_holm(const double *p, unsigned n, double *adjusted)
{
	const double *order[n ? n : 1];
	unsigned members = order_p(p, n, order, adjusted);
	double most = 0;

	for (unsigned i = 0; i < members; i++) {
		most = fmax(most, (members - i) * *order[i]);
		adjusted[order[i] - p] = fmin(most, 1);
	}
}

void stats_false_discovery(const double *p, unsigned n, double *adjusted)
{
	const double *order[n ? n : 1];
	unsigned members = order_p(p, n, order, adjusted);
	double least = 1;

	for (unsigned i = members; i-- > 0;) {
		least = fmin(least, *order[i] * members / (i + 1));
		adjusted[order[i] - p] = least;
	}
}
