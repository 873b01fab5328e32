/*
 * probability.h - distribution functions and their inverses, for drawing values (base/value.h).
 *
 * Tails are given from the side on which they are small, because 1 - tail has no digits left.
 * Everything is pure and may be called by any thread. Accurate to about 1e-13 of the result; the
 * tests compare with GSL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_PROBABILITY_H
#define RW_BASE_PROBABILITY_H

#include <stdbool.h>

/* P(Z > z) of the standard normal law, and the z that has this tail, in (0, 1). */
double probability_normal_above(double z);
double probability_normal_at(double tail);

/* The gamma law with this shape and scale 1. Made ready once, then only read. */
struct probability_gamma {
	double shape;
	double log_front; /* of the constant in front of the density */
};
void probability_gamma_init(struct probability_gamma *g, double shape);
double probability_gamma_below(const struct probability_gamma *g, double x);
double probability_gamma_above(const struct probability_gamma *g, double x);
/* The x with P(X <= x) = p, or with P(X > x) = p when is_upper. p in (0, 1). */
double probability_gamma_at(const struct probability_gamma *g, double p, bool is_upper);

/*
 * The integral of f between two finite points, by double-exponential quadrature: f may be singular
 * at both, without being infinite in between. Points next to `from` are exact when it is 0.
 */
double probability_integral(double (*f)(const void *arg, double x), const void *arg, double from,
			    double to);

#endif
