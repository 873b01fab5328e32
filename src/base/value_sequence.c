/*
 * value_sequence.c - arithmetic and geometric sequences: the number is the index.
 *
 * Each step is computed from its number, so no error adds up. In the part: a is where it starts, b
 * the step; beyond the last step it stays at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>

#include "base/value_law.h"

#define STEPS_MAX 1e12
#define ROUNDING  1e-9 /* of a step: "0.1 by 0.1 to 1" has ten steps and not eleven */

static double clamp(const struct value_part *p, double x)
{
	return fmin(fmax(x, p->low), p->high);
}

/* steps: between start and end, as a real number. */
static int set_steps(struct value_part *p, double steps, struct err *err)
{
	if (steps > STEPS_MAX)
		return err_set(err, -EINVAL, "step is so small that there would be %.3g of them",
			       steps);
	p->steps = 1 + (uint64_t)ceil(fmax(0, steps - ROUNDING));
	return 0;
}

int value_arithmetic_prepare(struct value_part *p, struct err *err)
{
	double step = p->arg[2], inner;
	int rc;

	if (step == 0)
		return err_set(err, -EINVAL, "step must not be 0");
	p->a = step > 0 ? p->low : p->high;
	p->b = step;
	rc = set_steps(p, (p->high - p->low) / fabs(step), err);
	if (rc)
		return rc;
	/* All but the last are evenly spaced; the last is cut off at the end. */
	inner = (double)p->steps - 1;
	p->mean = (inner * (p->a + step * (inner - 1) / 2) + (step > 0 ? p->high : p->low)) /
		  (double)p->steps;
	return 0;
}

double value_arithmetic_step(const struct value_part *p, uint64_t number)
{
	if (number >= p->steps - 1)
		return p->b > 0 ? p->high : p->low;
	return clamp(p, p->a + p->b * (double)number);
}

int value_geometric_prepare(struct value_part *p, struct err *err)
{
	double ratio = p->arg[2], inner, sum;
	int rc;

	if (!(ratio > 0) || ratio == 1)
		return err_set(err, -EINVAL, "step must be above 0 and not 1: it multiplies");
	if (!(p->low > 0))
		return err_set(err, -EINVAL, "min must be above 0: from there nothing grows");
	p->a = ratio > 1 ? p->low : p->high;
	p->b = ratio;
	rc = set_steps(p, log(p->high / p->low) / fabs(log(ratio)), err);
	if (rc)
		return rc;
	inner = (double)p->steps - 1;
	sum = p->a * expm1(inner * log(ratio)) / (ratio - 1);
	p->mean = (sum + (ratio > 1 ? p->high : p->low)) / (double)p->steps;
	return 0;
}

double value_geometric_step(const struct value_part *p, uint64_t number)
{
	if (number >= p->steps - 1)
		return p->b > 1 ? p->high : p->low;
	return clamp(p, p->a * pow(p->b, (double)number));
}
