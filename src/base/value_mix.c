/*
 * value_mix.c - one of several laws for each draw: "mix:0.9*exp:10us|0.1*exp:1ms".
 *
 * Bounds of the whole stand before the first law. They tighten the bounds of each, and a law weighs
 * the less the more of it they cut off: what is drawn is the mix, truncated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/value_text.h"

static const char usage[] = "mix:[min=MIN:][max=MAX:]WEIGHT*LAW|WEIGHT*LAW...";

static int read_bounds(const struct value_reader *r, char **text, struct value *v, struct err *err)
{
	static const char *const names[] = { "min=", "max=" };

	for (;;) {
		int which = !strncmp(*text, names[1], 4);
		char *token;
		int rc;

		if (strncmp(*text, names[which], 4))
			return 0;
		if (v->is_bounded[which])
			return err_set(err, -EINVAL, "%.3s is given twice", names[which]);
		token = value_text_next(text) + 4;
		rc = value_read_number(r, VALUE_QUANTITY, token, &v->bounds[which], err);
		if (rc) {
			err_wrap(err, "%.3s", names[which]);
			return rc;
		}
		v->is_bounded[which] = true;
		if (!*text)
			return err_set(err, -EINVAL, "no law; it is %s", usage);
	}
}

static int read_weighted(const struct value_reader *r, char *text, struct value_part *ret,
			 struct err *err)
{
	char *star = strchr(text, '*');
	double weight = 0;
	int rc;

	if (!star)
		return err_set(err, -EINVAL, "\"%.40s\" has no weight; it is %s", text, usage);
	*star = '\0';
	rc = value_read_number(r, VALUE_SHAPE, text, &weight, err);
	if (!rc && !(weight > 0))
		rc = err_set(err, -EINVAL, "a weight must be above 0");
	rc = rc ? rc : value_read_part(r, star + 1, ret, err);
	if (!rc && ret->law->step)
		rc = err_set(err, -EINVAL, "a mix is of laws and constants, not of %s",
			     ret->law->name);
	ret->weight = weight;
	return rc;
}

static int read_parts(const struct value_reader *r, char *text, struct value *v, struct err *err)
{
	char *end;
	int rc = 0;

	for (; !rc && text; text = end) {
		end = strchr(text, '|');
		if (end)
			*end++ = '\0';
		if (v->count == VALUE_PARTS_MAX)
			return err_set(err, -EINVAL, "more than %d laws in a mix", VALUE_PARTS_MAX);
		rc = read_weighted(r, text, &v->parts[v->count], err);
		v->count++;
	}
	return rc;
}

static bool is_outside(const struct value *v, double x)
{
	return (v->is_bounded[0] && x < v->bounds[0]) || (v->is_bounded[1] && x > v->bounds[1]);
}

/* The chance that a draw of a part is kept. Changes what is drawn, and not how it is written. */
static double cut_part(const struct value *v, struct value_part *p)
{
	struct value_part cut = *p;
	double kept;

	if (p->low == p->high)
		return is_outside(v, p->low) ? 0 : 1;
	cut.low = v->is_bounded[0] ? fmax(p->low, v->bounds[0]) : p->low;
	cut.high = v->is_bounded[1] ? fmin(p->high, v->bounds[1]) : p->high;
	if (cut.low == p->low && cut.high == p->high)
		return 1;
	if (cut.low > cut.high || cut.law->prepare(&cut, NULL))
		return 0;
	kept = exp(cut.log_chance - p->log_chance);
	*p = cut;
	return kept;
}

static int set_shares(struct value *v, struct err *err)
{
	double shares[VALUE_PARTS_MAX], sum = 0, so_far = 0;
	int last = -1;

	for (unsigned i = 0; i < v->count; i++) {
		shares[i] = v->parts[i].weight * cut_part(v, &v->parts[i]);
		sum += shares[i];
		last = shares[i] > 0 ? (int)i : last;
	}
	if (last < 0)
		return err_set(err, -EINVAL, "mix draws nothing within these bounds");
	v->low = INFINITY;
	v->high = -INFINITY;
	for (unsigned i = 0; i < v->count; i++) {
		struct value_part *p = &v->parts[i];

		so_far += shares[i] / sum;
		p->share_end = (int)i >= last ? INFINITY : so_far;
		if (!(shares[i] > 0))
			continue;
		v->low = fmin(v->low, p->low);
		v->high = fmax(v->high, p->high);
		v->mean += shares[i] / sum * p->mean;
	}
	return 0;
}

int value_read_mix(const struct value_reader *r, char *text, struct value *v, struct err *err)
{
	int rc = read_bounds(r, &text, v, err);

	rc = rc ? rc : read_parts(r, text, v, err);
	if (!rc && v->is_bounded[0] && v->is_bounded[1] && v->bounds[0] > v->bounds[1])
		rc = err_set(err, -EINVAL, "min is above max: no number is within these bounds");
	return rc ? rc : set_shares(v, err);
}
