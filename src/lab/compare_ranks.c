/*
 * compare_ranks.c - ranks on the primary metric, and the best set.
 *
 * The order is that of the ratios to the baseline, because a block's common part cancels in them;
 * without a usable baseline it is that of the values. The best of many looks better than it is, so
 * the answer is a set: all that a one-sided paired test (Holm, 5 %) does not reject against it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/compare_ranks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lab/effect.h"
#include "lab/stats.h"

struct entry {
	unsigned config;
	double score; /* log; lower is better */
};

static double score(const struct analysis *a, unsigned c)
{
	const struct dataset *d = a->data;
	double log_ratio = log(a->configs[c].at[d->primary].value);

	if (a->configs[d->baseline].takes_part && !isnan(log_ratio))
		log_ratio = c == d->baseline ? 0 : log(a->configs[c].effect[d->primary].ratio);
	return metric_infos[d->primary].higher_is_better ? -log_ratio : log_ratio;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	return (x->config > y->config) - (x->config < y->config);
}

/* That the entry is not worse than the best: small when it is. */
static double p_not_worse(const struct analysis *a, const struct grid *g, unsigned config)
{
	enum metric m = a->data->primary;
	unsigned n = grid_differences(g, m, config, a->best, g->scratch);

	if (n < EFFECT_BLOCKS_MIN)
		return 1;
	for (unsigned i = 0; metric_infos[m].higher_is_better && i < n; i++)
		g->scratch[i] = -g->scratch[i];
	return stats_t_p_above(g->scratch, n);
}

/* entries[0] is the best. p and adjusted: one number an entry. */
static void find_best_set(struct analysis *a, const struct grid *g, const struct entry *entries,
			  double *p, double *adjusted)
{
	for (unsigned i = 0; i < a->ranked; i++)
		p[i] = i ? p_not_worse(a, g, entries[i].config) : NAN;
	stats_holm(p, a->ranked, adjusted);
	for (unsigned i = 0; i < a->ranked; i++) {
		if (i && adjusted[i] < 0.05)
			continue;
		a->configs[entries[i].config].in_best_set = true;
		a->best_set++;
	}
}

int compare_ranks(struct analysis *a, const struct grid *g, struct err *err)
{
	const struct dataset *d = a->data;
	AUTO(auto_free) struct entry *entries = calloc(d->config_count + 1, sizeof(*entries));
	AUTO(auto_free) double *p = calloc(2 * (size_t)d->config_count + 1, sizeof(*p));

	if (!entries || !p)
		return err_set(err, -ENOMEM, "no memory to rank %u configurations",
			       d->config_count);
	for (unsigned c = 0; c < d->config_count; c++)
		if (a->configs[c].takes_part && !isnan(score(a, c)))
			entries[a->ranked++] = (struct entry){ .config = c, .score = score(a, c) };
	qsort(entries, a->ranked, sizeof(entries[0]), compare_entries);
	for (unsigned i = 0; i < a->ranked; i++)
		a->configs[entries[i].config].rank = i + 1;
	if (!a->ranked)
		return 0;
	a->best = entries[0].config;
	if (a->blocks >= EFFECT_BLOCKS_MIN)
		find_best_set(a, g, entries, p, p + d->config_count);
	return 0;
}
