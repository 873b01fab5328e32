/*
 * value_zipf.c - Zipf's law over any number of ranks, without a table.
 *
 * The draw inverts the sum of i^-s. The first ranks are added one by one, the others by the formula
 * of Euler and Maclaurin, which is exact to 1e-11 of the sum from there on: an integral, whose
 * inverse says where to look, and a correction that decides between neighbours. Terms are taken
 * relative to the first rank, so that bounds far out lose no digits.
 *
 * In the part: a is s, b what one is worth, c the constant behind the formula, d the sum of the
 * first ranks, start the first rank, span the whole sum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>

#include "base/value_law.h"

#define HEAD	     16	  /* ranks that are added one by one */
#define RANKS_MAX    1e15 /* still apart as doubles, with room for the sum */
#define EXPONENT_MAX 100.0
#define SEARCH_MAX   64 /* ranks between guess and answer; usual is 0 or 1 */

static double term(const struct value_part *p, double rank)
{
	return pow(rank / p->start, -p->a);
}

static double last_rank(const struct value_part *p)
{
	return nearbyint(p->high / p->b);
}

/* The integral of term() from the first rank to this one. */
static double integral(const struct value_part *p, double rank)
{
	double log_ratio = log(rank / p->start), power = (1 - p->a) * log_ratio;

	if (fabs(power) < 1e-300)
		return p->start * log_ratio;
	return p->start * log_ratio * expm1(power) / power;
}

/* The rank up to which the integral is this much. */
static double integral_inverse(const struct value_part *p, double sum)
{
	double power = (1 - p->a) * sum / p->start;

	if (power <= -1)
		return INFINITY;
	if (fabs(power) < 1e-300)
		return p->start * exp(sum / p->start);
	return p->start * exp(log1p(power) / (1 - p->a));
}

/* The sum up to a rank behind the head, but for a constant. */
static double formula(const struct value_part *p, double rank)
{
	double s = p->a, square = rank * rank;
	double third = (s + 1) * (s + 2) / (60 * square);
	double fifth = (s + 3) * (s + 4) / (42 * square);

	return integral(p, rank) +
	       term(p, rank) * (0.5 - s / (12 * rank) * (1 - third * (1 - fifth)));
}

static double sum_to(const struct value_part *p, double rank)
{
	return p->c + formula(p, rank);
}

/* The rank among the first at which their sum reaches this. */
static double head_rank(const struct value_part *p, double sum)
{
	double rank = p->start, last = fmin(p->start + HEAD - 1, last_rank(p));

	for (double so_far = 1; so_far < sum && rank < last; so_far += term(p, rank))
		rank++;
	return rank;
}

static double tail_rank(const struct value_part *p, double sum)
{
	double first = p->start + HEAD, last = last_rank(p);
	double rank = floor(integral_inverse(p, sum - p->c) + 0.5);

	rank = fmin(fmax(rank, first), last);
	for (int i = 0; i < SEARCH_MAX && rank > first && sum_to(p, rank - 1) >= sum; i++)
		rank--;
	for (int i = 0; i < SEARCH_MAX && rank < last && sum_to(p, rank) < sum; i++)
		rank++;
	return rank;
}

double value_zipf_draw(const struct value_part *p, double u)
{
	double sum = u * p->span;

	return p->b * (sum <= p->d ? head_rank(p, sum) : tail_rank(p, sum));
}

/* Sets the sums for exponent s; p->start, high and b are there. */
static void prepare_sums(struct value_part *p, double s)
{
	double last = last_rank(p), end = fmin(p->start + HEAD - 1, last);

	p->a = s;
	p->d = 0;
	for (double rank = p->start; rank <= end; rank++)
		p->d += term(p, rank);
	p->c = p->d - formula(p, end);
	p->span = last > end ? sum_to(p, last) : p->d;
}

int value_zipf_prepare(struct value_part *p, struct err *err)
{
	double n = p->arg[0], s = p->arg[1];

	p->b = p->arg[2];
	if (n < 1 || n > RANKS_MAX)
		return err_set(err, -EINVAL, "n must be from 1 to %g", RANKS_MAX);
	if (s > EXPONENT_MAX)
		return err_set(err, -EINVAL, "s must be at most %g", EXPONENT_MAX);
	if (!(p->b > 0))
		return err_set(err, -EINVAL, "one must be above 0");
	p->start = fmax(1, ceil(p->low / p->b));
	p->low = p->start * p->b;
	p->high = fmin(n, floor(p->high / p->b)) * p->b;
	if (p->low > p->high)
		return err_set(err, -EINVAL, "zipf draws nothing within these bounds");
	/* The mean is the sum of i * i^-s, which is the sum of another exponent. */
	prepare_sums(p, s - 1);
	p->mean = p->low * p->span;
	prepare_sums(p, s);
	p->mean /= p->span;
	p->log_chance = log(p->span) - s * log(p->start);
	return 0;
}
