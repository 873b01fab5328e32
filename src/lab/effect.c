/*
 * effect.c - intervals and verdicts of one comparison; see effect.h and compare.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/effect.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "lab/stats.h"

#define ALPHA	    0.05
#define BLOCKS_MOST 10000 /* nobody runs more; "cannot tell" is the better advice */

const char *const says_names[] = { "-", "better", "worse", "same", "unclear" };

static bool excludes_zero(struct interval i)
{
	return i.low > 0 || i.high < 0;
}

static bool use_ranks(unsigned n)
{
	return n >= STATS_RANK_MIN && n <= STATS_RANK_MAX;
}

static struct interval interval_of(const double *d, unsigned n, double confidence)
{
	return use_ranks(n) ? stats_rank_interval(d, n, confidence)
			    : stats_t_interval(d, n, confidence);
}

void effect_estimate(const double *d, unsigned n, struct effect *ret)
{
	struct interval wide = { NAN, NAN }, narrow = { NAN, NAN };

	*ret = (struct effect){ .n = n, .sd = NAN, .p = NAN, .p_holm = NAN };
	ret->ratio = exp(use_ranks(n) ? stats_hodges_lehmann(d, n) : stats_mean(d, n));
	if (n >= EFFECT_BLOCKS_MIN) {
		wide = interval_of(d, n, 0.95);
		narrow = interval_of(d, n, 0.90);
		ret->sd = stats_sd(d, n);
		ret->p = stats_t_p(d, n);
	}
	ret->low = exp(wide.low);
	ret->high = exp(wide.high);
	ret->low90 = exp(narrow.low);
	ret->high90 = exp(narrow.high);
	ret->methods_disagree =
		use_ranks(n) && excludes_zero(wide) != excludes_zero(stats_t_interval(d, n, 0.95));
}

static bool half_width_fits(double n, double sd, double want)
{
	return stats_t_quantile(0.975, n - 1) * sd / sqrt(n) <= want;
}

/*
 * Blocks until the interval's half width is down to the margin, or to half of the effect seen if
 * that is more. At least one more than there are; 0: too many.
 */
static unsigned blocks_needed(const struct effect *e, double margin)
{
	double want = fmax(log1p(margin), fabs(log(e->ratio)) / 2);
	unsigned low = e->n, high = BLOCKS_MOST;

	if (!half_width_fits(high, e->sd, want))
		return 0;
	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (half_width_fits(middle, e->sd, want))
			high = middle;
		else
			low = middle;
	}
	return high;
}

/* The margin is taken in logs, so that swapping the two sides does not change the verdict. */
static void judge(struct effect *e, const struct metric_info *info, double margin)
{
	double edge = log1p(margin);
	bool within = log(e->low90) >= -edge && log(e->high90) <= edge;
	bool apart = e->low > 1 || e->high < 1;

	e->says = SAYS_NOTHING;
	if (e->n < EFFECT_BLOCKS_MIN)
		return;
	if (e->p_holm < ALPHA && apart) {
		e->small = within;
		e->says = (e->ratio > 1) == info->higher_is_better ? SAYS_BETTER : SAYS_WORSE;
	} else if (within) {
		e->says = SAYS_SAME;
	} else {
		e->says = SAYS_UNCLEAR;
		e->blocks_needed = blocks_needed(e, margin);
	}
}

int family_init(struct family *f, unsigned most, struct err *err)
{
	*f = (struct family){ .members = calloc(most + 1, sizeof(f->members[0])),
			      .p = calloc(most + 1, sizeof(f->p[0])),
			      .adjusted = calloc(most + 1, sizeof(f->adjusted[0])) };
	if (f->members && f->p && f->adjusted)
		return 0;
	family_finish(f);
	return err_set(err, -ENOMEM, "no memory for %u comparisons", most);
}

void family_finish(struct family *f)
{
	free(f->members);
	free(f->p);
	free(f->adjusted);
}

void family_judge(struct family *f, const struct metric_info *info, double margin)
{
	for (unsigned i = 0; i < f->count; i++)
		f->p[i] = f->members[i]->p;
	stats_holm(f->p, f->count, f->adjusted);
	for (unsigned i = 0; i < f->count; i++) {
		f->members[i]->p_holm = f->adjusted[i];
		judge(f->members[i], info, margin);
	}
}
