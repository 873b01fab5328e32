/*
 * stats_rank.c - intervals and tests from ranks: see stats.h.
 *
 * The signed-rank statistic T+ of n differences is the sum of a random subset of 1..n, so its
 * distribution is built by tossing one coin for each rank in turn: exact, and for n = 60 only
 * 1830 sums. The interval around the Hodges-Lehmann median is that test turned round.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/stats.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double sorted_median(const double *x, unsigned n)
{
	return n ? (x[(n - 1) / 2] + x[n / 2]) / 2 : NAN;
}

double stats_median(double *x, unsigned n)
{
	qsort(x, n, sizeof(x[0]), compare_doubles);
	return sorted_median(x, n);
}

int stats_rank_cut(unsigned n, double tail)
{
	double p[STATS_WALSH_MAX + 1] = { 1 }, sum = 0;
	int k = -1, most = 0;

	if (n == 0 || n > STATS_RANK_MAX)
		return -1;
	for (int rank = 1; rank <= (int)n; rank++) {
		most += rank;
		for (int s = most; s >= 0; s--)
			p[s] = (p[s] + (s >= rank ? p[s - rank] : 0)) / 2;
	}
	while (k < most && sum + p[k + 1] <= tail)
		sum += p[++k];
	return k;
}

unsigned stats_walsh(const double *x, unsigned n, double *walsh)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n && n <= STATS_RANK_MAX; i++)
		for (unsigned j = i; j < n; j++)
			walsh[count++] = (x[i] + x[j]) / 2;
	qsort(walsh, count, sizeof(walsh[0]), compare_doubles);
	return count;
}

double stats_hodges_lehmann(const double *x, unsigned n)
{
	double walsh[STATS_WALSH_MAX];
	unsigned count = stats_walsh(x, n, walsh);

	return sorted_median(walsh, count);
}

struct interval stats_rank_interval(const double *x, unsigned n, double confidence)
{
	int k = stats_rank_cut(n, (1 - confidence) / 2);
	double walsh[STATS_WALSH_MAX];
	unsigned count = stats_walsh(x, n, walsh);

	if (k < 0)
		return (struct interval){ -INFINITY, INFINITY };
	return (struct interval){ walsh[k], walsh[count - 1 - k] };
}

double stats_slope(const double *x, const double *y, unsigned n, double *scratch)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			if (x[i] != x[j])
				scratch[count++] = (y[j] - y[i]) / (x[j] - x[i]);
	return stats_median(scratch, count);
}

/* Sum over groups of equal values of t (t - 1) (2t + 5), the correction for ties. */
static double tie_term(const double *y, unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned before = 0, same = 1;

		for (unsigned j = 0; j < n; j++) {
			before += j < i && y[j] == y[i];
			same += j > i && y[j] == y[i];
		}
		if (!before)
			sum += same * (same - 1.0) * (2.0 * same + 5);
	}
	return sum;
}

double stats_trend_p(const double *y, unsigned n)
{
	double variance = (n * (n - 1.0) * (2.0 * n + 5) - tie_term(y, n)) / 18, z;
	int rises = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			rises += (y[j] > y[i]) - (y[j] < y[i]);
	if (n < 4)
		return NAN;
	if (variance <= 0)
		return 1;
	/* A step of S is 2, so its continuous neighbour begins 1 nearer to 0. */
	z = fmax(abs(rises) - 1, 0) / sqrt(variance);
	return 2 * stats_normal_cdf(-z);
}
