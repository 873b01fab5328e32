/*
 * compare.c - a sweep's runs into an analysis: who takes part, effects, ranks, what the machine
 * can tell apart.
 *
 * Read compare.h for the rules. The parts: grid.c (runs as logs), effect.c (one comparison and a
 * family of them), compare_levels.c (factors), why.c (what moved with an effect), headline.c (the
 * sentence).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lab/compare_levels.h"
#include "lab/compare_ranks.h"
#include "lab/effect.h"
#include "lab/grid.h"
#include "lab/headline.h"
#include "lab/stats.h"
#include "lab/why.h"

#define DRIFT_RUNS_MIN 6 /* fewer runs of the baseline show no trend worth a word */

static void count_run(struct analysis *a, const struct lab_run *run)
{
	struct config_summary *c = &a->configs[run->config];
	enum run_status status = run_status(run);
	unsigned is_config = !run->is_aa;

	a->usable += run->usable;
	a->suspect += run->usable && status == RUN_IS_SUSPECT;
	a->invalid += status == RUN_IS_INVALID;
	a->failed += status == RUN_IS_FAILED;
	c->usable += is_config && run->usable;
	c->suspect += is_config && run->usable && status == RUN_IS_SUSPECT;
	c->invalid += is_config && status == RUN_IS_INVALID;
	c->failed += is_config && status == RUN_IS_FAILED;
}

/* Bits of what a block has of a configuration. */
enum { HAS_RUN = 1, HAS_USABLE = 2 };

static void count_blocks(struct analysis *a, unsigned char *seen)
{
	const struct dataset *d = a->data;

	for (unsigned i = 0; i < d->run_count; i++) {
		const struct lab_run *run = &d->runs[i];

		if (!run->is_aa)
			seen[(size_t)run->config * d->block_count + run->block] |=
				HAS_RUN | (run->usable ? HAS_USABLE : 0);
	}
	for (unsigned b = 0; b < d->block_count; b++) {
		bool any = false;

		for (unsigned c = 0; c < d->config_count; c++) {
			unsigned char was = seen[(size_t)c * d->block_count + b];

			any |= was != 0;
			a->configs[c].blocks_lost += was == HAS_RUN;
		}
		a->blocks += any;
	}
}

static int count_runs(struct analysis *a, struct err *err)
{
	const struct dataset *d = a->data;
	AUTO(auto_free)
	unsigned char *seen = calloc((size_t)d->config_count * d->block_count + 1, 1);

	if (!seen)
		return err_set(err, -ENOMEM, "no memory to count %u runs", d->run_count);
	for (unsigned i = 0; i < d->run_count; i++)
		count_run(a, &d->runs[i]);
	count_blocks(a, seen);
	for (unsigned c = 0; c < d->config_count; c++) {
		const struct lab_config *config = &d->configs[c];
		bool vacuous = config->why[0] && c != d->baseline;
		struct config_summary *s = &a->configs[c];

		s->takes_part = config->possible && !vacuous && s->usable > s->blocks_lost;
	}
	return 0;
}

/* Logs cannot say what a configuration does whose runs show 0: then the plain mean of the runs. */
static struct estimate mean_with_zeros(const struct dataset *d, unsigned config, enum metric m)
{
	unsigned n = 0, zeros = 0;
	double sum = 0;

	for (unsigned i = 0; i < d->run_count; i++) {
		const struct lab_run *run = &d->runs[i];

		if (!run->usable || run->is_aa || run->config != config || isnan(run->metric[m]))
			continue;
		sum += run->metric[m];
		zeros += isnan(metric_log(m, run->metric[m]));
		n++;
	}
	return (struct estimate){ zeros ? sum / n : NAN, NAN, NAN };
}

static struct estimate estimate(const struct dataset *d, const struct grid *g, unsigned config,
				enum metric m)
{
	struct estimate e = mean_with_zeros(d, config, m);
	struct interval i;
	unsigned n;

	if (!isnan(e.value))
		return e;
	n = grid_row(g, m, config, g->scratch);
	i = n >= EFFECT_BLOCKS_MIN ? stats_t_interval(g->scratch, n, 0.95)
				   : (struct interval){ NAN, NAN };
	return (struct estimate){ metric_exp(m, stats_mean(g->scratch, n)), metric_exp(m, i.low),
				  metric_exp(m, i.high) };
}

static void estimate_configs(struct analysis *a, const struct grid *g)
{
	const struct dataset *d = a->data;

	for (unsigned c = 0; c < d->config_count; c++) {
		for (int m = 0; m < METRICS; m++) {
			struct effect *e = &a->configs[c].effect[m];
			unsigned n = 0;

			a->configs[c].at[m] = estimate(d, g, c, m);
			if (c != d->baseline)
				n = grid_differences(g, m, c, d->baseline, g->scratch);
			effect_estimate(g->scratch, n, e);
		}
	}
}

static int judge_configs(struct analysis *a, struct err *err)
{
	AUTO(family_finish) struct family family;
	const struct dataset *d = a->data;
	int code = family_init(&family, d->config_count, err);

	if (code < 0)
		return code;
	for (int m = 0; m < METRICS && a->configs[d->baseline].takes_part; m++) {
		family.count = 0;
		for (unsigned c = 0; c < d->config_count; c++)
			if (a->configs[c].takes_part &&
			    a->configs[c].effect[m].n >= EFFECT_BLOCKS_MIN)
				family.members[family.count++] = &a->configs[c].effect[m];
		family_judge(&family, &metric_infos[m], d->margin[m]);
	}
	return 0;
}

static void compare_aa(struct analysis *a, const struct grid *g)
{
	const struct dataset *d = a->data;
	struct interval i;
	unsigned n;

	for (int m = 0; m < METRICS; m++) {
		n = grid_differences(g, m, g->rows - 1, d->baseline, g->scratch);
		effect_estimate(g->scratch, n, &a->aa[m]);
		a->resolution[m] = sqrt(a->aa[m].high / a->aa[m].low) - 1;
	}
	n = grid_differences(g, d->primary, g->rows - 1, d->baseline, g->scratch);
	i = n >= EFFECT_BLOCKS_MIN ? stats_t_interval(g->scratch, n, 0.99) : (struct interval){ 0 };
	a->aa_suspicious = i.low > 0 || i.high < 0 ||
			   fabs(log(a->aa[d->primary].ratio)) > log1p(d->margin[d->primary]);
}

static void find_drift(struct analysis *a, double *start, double *value, double *scratch)
{
	const struct dataset *d = a->data;
	unsigned n = 0;
	double length = 0;

	for (unsigned i = 0; i < d->run_count; i++) {
		const struct lab_run *run = &d->runs[i];
		double log = metric_log(d->primary, run->metric[d->primary]);

		length = fmax(length, run->started_s);
		if (!run->usable || run->config != d->baseline || isnan(log))
			continue;
		start[n] = run->started_s;
		value[n++] = log;
	}
	if (n < DRIFT_RUNS_MIN)
		return;
	a->drift_share = expm1(stats_slope(start, value, n, scratch) * length);
	a->drift_p = stats_trend_p(value, n);
}

static int compare_drift(struct analysis *a, struct err *err)
{
	/* As many as the baseline and its A/A twin can have usable runs. */
	size_t most = 2 * (size_t)a->data->block_count, pairs = most * most / 2;
	AUTO(auto_free) double *room = malloc((2 * most + pairs + 1) * sizeof(room[0]));

	a->drift_share = a->drift_p = NAN;
	if (!room)
		return err_set(err, -ENOMEM, "no memory to look for drift");
	find_drift(a, room, room + most, room + 2 * most);
	return 0;
}

int analysis_create(const struct dataset *d, struct analysis **ret, struct err *err)
{
	struct analysis *a = calloc(1, sizeof(*a));
	AUTO(grid_finish) struct grid g = { 0 };
	int code;

	if (a)
		a->configs = calloc(d->config_count + 1, sizeof(a->configs[0]));
	if (!a || !a->configs) {
		analysis_destroy(a);
		return err_set(err, -ENOMEM, "no memory to compare %u runs", d->run_count);
	}
	a->data = d;
	code = grid_init(&g, d, err);
	if (code == 0)
		code = count_runs(a, err);
	if (code < 0)
		goto fail;
	estimate_configs(a, &g);
	compare_aa(a, &g);
	code = judge_configs(a, err);
	if (code == 0)
		code = compare_levels(a, &g, err);
	if (code == 0)
		code = why_find(a, err);
	if (code == 0)
		code = compare_drift(a, err);
	if (code == 0)
		code = compare_ranks(a, &g, err);
	if (code < 0)
		goto fail;
	headline_write(a);
	*ret = a;
	return 0;
fail:
	analysis_destroy(a);
	return code;
}

void analysis_destroy(struct analysis *a)
{
	if (!a)
		return;
	free(a->configs);
	free(a->levels);
	free(a);
}
