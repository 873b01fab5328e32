/*
 * stats.h - the statistics a sweep needs, as pure functions.
 *
 * Everything here works on what the caller gives it: no state, no allocation, no clock. The
 * methods and the reasons for them are in docs/METHOD.md; GSL is the oracle of the tests and is
 * not linked. Two families of intervals, both for n paired differences:
 *
 *	stats_t_*	the mean, Student's t; honest from n = 3 for all shapes of noise we tried
 *	stats_rank_*	the Hodges-Lehmann median, exact signed-rank distribution; from n = 8,
 *			when the steps between attainable confidences are fine enough for 95 %
 *
 * A probability that a function cannot work with (0 or 1 for a quantile, n too small) gives NaN,
 * and NaN in gives NaN out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_STATS_H
#define RW_LAB_STATS_H

#include <stdbool.h>

#define STATS_RANK_MIN	8  /* fewest differences for a signed-rank interval here */
#define STATS_RANK_MAX	60 /* most: its exact distribution is tabulated up to here */
#define STATS_WALSH_MAX (STATS_RANK_MAX * (STATS_RANK_MAX + 1) / 2)

struct interval {
	double low, high;
};

/* Regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1]. */
double stats_beta_inc(double a, double b, double x);

double stats_normal_cdf(double z);
double stats_t_cdf(double t, double df);
double stats_t_quantile(double p, double df);

double stats_mean(const double *x, unsigned n);
double stats_sd(const double *x, unsigned n); /* divides by n - 1 */

/* Of the mean of x, two-sided. n >= 2. When all x are equal the interval is that point. */
struct interval stats_t_interval(const double *x, unsigned n, double confidence);
/* That the mean is 0. Two-sided; one-sided: small when the mean is above 0. */
double stats_t_p(const double *x, unsigned n);
double stats_t_p_above(const double *x, unsigned n);

/*
 * Largest k with P(T+ <= k) <= tail for the signed-rank statistic T+ of n differences, exact;
 * -1 when even P(T+ = 0) is more, or n is 0 or above STATS_RANK_MAX.
 */
int stats_rank_cut(unsigned n, double tail);
/* Sorted means of all pairs i <= j into walsh[STATS_WALSH_MAX]; returns how many. n <= 60. */
unsigned stats_walsh(const double *x, unsigned n, double *walsh);
double stats_hodges_lehmann(const double *x, unsigned n);
/* Of the Hodges-Lehmann median, at least this confidence; infinite when n is too small for it. */
struct interval stats_rank_interval(const double *x, unsigned n, double confidence);

/* Holm's adjustment: adjusted[i] belongs to p[i]. NaN: not in the family, stays NaN. */
void stats_holm(const double *p, unsigned n, double *adjusted);

/*
 * Benjamini and Hochberg's adjustment, likewise: calling what is below q a discovery, the expected
 * share of false ones among them is at most q (independent or positively dependent p).
 */
void stats_false_discovery(const double *p, unsigned n, double *adjusted);

/* Theil and Sen's slope of y over x (median of the slopes of all pairs); scratch: n(n-1)/2. */
double stats_slope(const double *x, const double *y, unsigned n, double *scratch);
/* Mann and Kendall: that y, in this order, has no trend. Two-sided. n >= 4. */
double stats_trend_p(const double *y, unsigned n);

/* Of values that the call may reorder. */
double stats_median(double *x, unsigned n);

#endif
