/*
 * value_bound.c - laws within bounds: exact truncation, means, draws by inversion.
 *
 * A uniform number becomes a chance between those of the two bounds, and that becomes the value:
 * one step, no rejection. Chances are counted from the side on which they are small, so that the
 * far tail has as many digits as the middle. Laws with a hazard need no chance at all: beyond a
 * bound the hazard starts anew like an exponential law, so bounds of any improbability work.
 *
 * Means of truncated laws are integrated once, here: over the chance for laws with an inverse, over
 * the hazard for the others; where a closed form keeps its digits it is used instead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <float.h>
#include <math.h>

#include "base/probability.h"
#include "base/value_law.h"

#define CHANCE_MIN    1e-280  /* below, its neighbours are no different doubles any more */
#define HAZARD_MAX    745     /* exp(-this) is the smallest double */
#define UNIT_SMALLEST 0x1p-53 /* of random_unit() */

static double clamp(const struct value_part *p, double x)
{
	return fmin(fmax(x, p->low), p->high);
}

double value_bound_draw(const struct value_part *p, double u)
{
	return clamp(p, p->law->at(p, p->start + u * p->span, p->is_upper));
}

double value_hazard_draw(const struct value_part *p, double u)
{
	double more = p->span < 1 ? log1p(-u * p->span) : log(u);

	return clamp(p, p->law->at_hazard(p, p->start - more));
}

/* One side of the median, in chances counted from that side. */
struct piece {
	const struct value_part *part;
	bool is_upper;
	double from, to;
};

static double piece_at(const void *arg, double chance)
{
	const struct piece *piece = arg;
	const struct value_part *p = piece->part;

	/* Next to an open end chances vanish, and what they weigh did so before. */
	return clamp(p, p->law->at(p, fmax(chance, DBL_MIN), piece->is_upper));
}

static struct piece piece_of(const struct value_part *p, bool is_upper)
{
	double near = is_upper ? p->low : p->high, far = is_upper ? p->high : p->low;

	return (struct piece){ .part = p,
			       .is_upper = is_upper,
			       .from = p->law->chance(p, far, is_upper),
			       .to = fmin(p->law->chance(p, near, is_upper), 0.5) };
}

static double mean_over_chance(const struct value_part *p)
{
	struct piece pieces[2] = { piece_of(p, false), piece_of(p, true) };
	double sum = 0, chance = 0;

	for (int i = 0; i < 2; i++) {
		struct piece *piece = &pieces[i];

		if (piece->to <= piece->from)
			continue;
		sum += probability_integral(piece_at, piece, piece->from, piece->to);
		chance += piece->to - piece->from;
	}
	return clamp(p, sum / chance);
}

static double at_more_hazard(const void *arg, double more)
{
	const struct value_part *p = arg;

	return p->law->at_hazard(p, p->start + more) * exp(-more);
}

/* p->start and p->span are set. hazard_width: from one bound to the other. */
static double mean_over_hazard(const struct value_part *p, double hazard_width)
{
	double to = fmin(hazard_width, HAZARD_MAX);

	return clamp(p, probability_integral(at_more_hazard, p, 0, to) / p->span);
}

static int prepare_hazard(struct value_part *p, struct err *err)
{
	double width;

	p->start = p->law->hazard(p, p->low);
	if (!isfinite(p->start))
		return err_set(err, -EINVAL, "min is out of all proportion");
	width = p->law->hazard(p, p->high) - p->start;
	p->span = -expm1(-width);
	p->log_chance = log(p->span) - p->start;
	return 0;
}

static int prepare_chance(struct value_part *p, struct err *err)
{
	double below = p->law->chance(p, p->low, false), above = p->law->chance(p, p->high, true);
	double middle, end;

	/* An open end must be the one where chances come near 0, for there they can be told apart.
	 */
	p->is_upper = isinf(p->high) ? !isinf(p->low) : below > 0.5;
	p->start = p->is_upper ? above : below;
	middle = p->is_upper ? p->low : p->high;
	end = p->law->chance(p, middle, p->is_upper);
	p->span = end - p->start;
	p->log_chance = log(p->span);
	if (p->span >= CHANCE_MIN)
		return 0;
	return err_set(err, -EINVAL, "%s is within these bounds with a chance below %g: widen them",
		       p->law->name, CHANCE_MIN);
}

static double bounded_mean(const struct value_part *p)
{
	if (p->law->at)
		return mean_over_chance(p);
	return mean_over_hazard(p, p->law->hazard(p, p->high) - p->start);
}

/* The least and greatest draws that there can be are numbers. */
static int check_extremes(const struct value_part *p, struct err *err)
{
	double first = p->law->draw(p, UNIT_SMALLEST), last = p->law->draw(p, 1 - UNIT_SMALLEST);

	if (isfinite(first) && isfinite(last))
		return 0;
	return err_set(err, -EINVAL, "%s would draw numbers that are too large: give it a max",
		       p->law->name);
}

int value_bound_prepare(struct value_part *p, struct err *err)
{
	const struct value_law *law = p->law;
	bool is_bounded;
	int rc;

	p->low = fmax(p->low, law->support_low);
	is_bounded = p->low > law->support_low || !isinf(p->high);
	if (p->low >= p->high)
		return err_set(err, -EINVAL, "%s draws nothing within these bounds", law->name);
	rc = law->hazard ? prepare_hazard(p, err) : prepare_chance(p, err);
	rc = rc ? rc : check_extremes(p, err);
	if (rc)
		return rc;
	if (law->mean)
		p->mean = law->mean(p);
	else if (is_bounded)
		p->mean = bounded_mean(p);
	return 0;
}
