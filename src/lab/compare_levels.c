/*
 * compare_levels.c - effects of factor levels from matched pairs of configurations.
 *
 * A pair are two configurations that differ in one factor only, one of them at the baseline's
 * level. The difference of a block is the mean over its pairs, so an effect rests on every run of
 * the sweep and is known far better than that of a single configuration (measurement.md 0, 4).
 *
 * When a block lacks some pairs, what the missing ones usually differ from the others by is put
 * back (mean of a pair over its blocks); otherwise a hole in the data would look like noise of
 * the block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/compare_levels.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lab/effect.h"
#include "lab/stats.h"

struct pair {
	unsigned config, partner;
	double mean; /* of its differences on the metric at hand; NaN: none */
};

struct pairs {
	unsigned count;
	struct pair *pair;
};

static bool is_partner(const struct dataset *d, const struct lab_config *c,
		       const struct lab_config *partner, unsigned factor)
{
	if (partner->levels[factor] != d->factors[factor].baseline)
		return false;
	for (unsigned f = 0; f < d->factor_count; f++)
		if (f != factor && c->levels[f] != partner->levels[f])
			return false;
	return true;
}

/* The configuration to compare c with, or config_count. */
static unsigned find_partner(const struct analysis *a, unsigned c, unsigned factor)
{
	const struct dataset *d = a->data;
	unsigned p = 0;

	while (p < d->config_count &&
	       !(a->configs[p].takes_part && is_partner(d, &d->configs[c], &d->configs[p], factor)))
		p++;
	return p;
}

static void find_pairs(const struct analysis *a, unsigned factor, unsigned level, struct pairs *ret)
{
	const struct dataset *d = a->data;

	ret->count = 0;
	for (unsigned c = 0; c < d->config_count; c++) {
		unsigned partner = d->config_count;

		if (a->configs[c].takes_part && d->configs[c].levels[factor] == level)
			partner = find_partner(a, c, factor);
		if (partner < d->config_count)
			ret->pair[ret->count++] = (struct pair){ c, partner, NAN };
	}
}

static double difference(const struct grid *g, enum metric m, const struct pair *p, unsigned block)
{
	return grid_at(g, m, p->config, block) - grid_at(g, m, p->partner, block);
}

/* Sets the mean of every pair; returns the mean of those, over *ret_known pairs. */
static double centre_pairs(const struct grid *g, enum metric m, struct pairs *pairs,
			   unsigned *ret_known)
{
	double sum = 0;

	*ret_known = 0;
	for (unsigned i = 0; i < pairs->count; i++) {
		struct pair *p = &pairs->pair[i];
		unsigned n = grid_differences(g, m, p->config, p->partner, g->scratch);

		p->mean = stats_mean(g->scratch, n);
		if (n) {
			sum += p->mean;
			(*ret_known)++;
		}
	}
	return sum / *ret_known;
}

/* One difference for every block that has at least half of the pairs, into g->scratch. */
static unsigned block_differences(const struct grid *g, enum metric m, struct pairs *pairs)
{
	unsigned known, n = 0;
	double centre = centre_pairs(g, m, pairs, &known);

	for (unsigned b = 0; b < g->blocks; b++) {
		unsigned present = 0;
		double sum = 0;

		for (unsigned i = 0; i < pairs->count; i++) {
			double d = difference(g, m, &pairs->pair[i], b) - pairs->pair[i].mean;

			if (!isnan(d)) {
				sum += d;
				present++;
			}
		}
		if (present && 2 * present >= known)
			g->scratch[n++] = centre + sum / present;
	}
	return n;
}

static int make_room(struct analysis *a, struct pairs *pairs, struct err *err)
{
	const struct dataset *d = a->data;
	size_t levels = 0;

	for (unsigned f = 0; f < d->factor_count; f++)
		levels += d->factors[f].level_count;
	a->levels = calloc(levels + 1, sizeof(a->levels[0]));
	pairs->pair = calloc(d->config_count + 1, sizeof(struct pair));
	if (a->levels && pairs->pair)
		return 0;
	return err_set(err, -ENOMEM, "no memory for the effects of %zu levels", levels);
}

static void judge_levels(struct analysis *a, struct family *family)
{
	for (int m = 0; m < METRICS; m++) {
		family->count = 0;
		for (unsigned i = 0; i < a->level_count; i++)
			if (a->levels[i].effect[m].n >= EFFECT_BLOCKS_MIN)
				family->members[family->count++] = &a->levels[i].effect[m];
		family_judge(family, &metric_infos[m], a->data->margin[m]);
	}
}

static void add_level(struct analysis *a, const struct grid *g, unsigned factor, unsigned level,
		      struct pairs *pairs)
{
	struct level_effect *l = &a->levels[a->level_count++];

	find_pairs(a, factor, level, pairs);
	*l = (struct level_effect){ .factor = factor, .level = level, .pairs = pairs->count };
	for (int m = 0; m < METRICS; m++)
		effect_estimate(g->scratch, block_differences(g, m, pairs), &l->effect[m]);
}

static void free_pairs(struct pairs *pairs)
{
	free(pairs->pair);
}

int compare_levels(struct analysis *a, const struct grid *g, struct err *err)
{
	AUTO(free_pairs) struct pairs pairs = { 0 };
	AUTO(family_finish) struct family family = { 0 };
	const struct dataset *d = a->data;
	int code = make_room(a, &pairs, err);

	if (code < 0)
		return code;
	for (unsigned f = 0; f < d->factor_count; f++)
		for (unsigned l = 0; l < d->factors[f].level_count; l++)
			if (l != d->factors[f].baseline)
				add_level(a, g, f, l, &pairs);
	code = family_init(&family, a->level_count, err);
	if (code < 0)
		return code;
	judge_levels(a, &family);
	return 0;
}
