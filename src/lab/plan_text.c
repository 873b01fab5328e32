/*
 * plan_text.c - a plan for a person, before anything has run.
 *
 * What can be concluded is said in units of s, the standard deviation between equal runs, because
 * nobody knows it yet: measurement.md 2.4 (c), 2.6.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "lab/enough.h"
#include "lab/plan.h"
#include "lab/progress.h"
#include "lab/stats.h"

enum { LIST_MAX = 64, INTERVAL_MIN = 3 };

static unsigned count_possible(const struct plan *plan)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->config_count; i++)
		n += plan->configs[i].possible;
	return n;
}

static void write_factors(const struct experiment *x, FILE *out)
{
	for (unsigned i = 0; i < x->factor_count; i++) {
		const struct factor *f = &x->factors[i];

		fprintf(out, "  %-24s", f->key);
		for (unsigned j = 0; j < f->level_count; j++)
			fprintf(out, " %s%s%s", f->levels[j].text, j == f->baseline ? "*" : "",
				j + 1 < f->level_count ? "," : "");
		fputc('\n', out);
	}
}

static void write_settings(const struct experiment *x, FILE *out)
{
	for (unsigned i = 0; i < x->fixed.count; i++)
		fprintf(out, "  %s.%s: %s\n", role_names[x->fixed.items[i].role],
			x->fixed.items[i].key, x->fixed.items[i].text);
}

static void write_configs(const struct plan *plan, FILE *out)
{
	unsigned shown = plan->config_count < LIST_MAX ? plan->config_count : LIST_MAX;

	for (unsigned i = 0; i < shown; i++) {
		const struct plan_config *c = &plan->configs[i];

		fprintf(out, "  %3u  %s", i + 1, c->label);
		if (i == plan->baseline)
			fprintf(out, "  (baseline)");
		if (!c->possible)
			fprintf(out, "\n       not possible here: %s", c->why);
		else if (*c->why)
			fprintf(out, "\n       %s", c->why);
		fputc('\n', out);
	}
	if (shown < plan->config_count)
		fprintf(out, "  ... and %u more\n", plan->config_count - shown);
}

/* Each reason once, with how many it stands for and the first of them. */
static void write_excluded(const struct plan *plan, FILE *out)
{
	for (unsigned i = 0; i < plan->excluded_count; i++) {
		const struct lab_excluded *e = &plan->excluded[i];
		unsigned count = 0;
		bool first = true;

		for (unsigned j = 0; j < plan->excluded_count; j++) {
			bool same = !strcmp(plan->excluded[j].why, e->why);

			first = first && (j >= i || !same);
			count += same;
		}
		if (first)
			fprintf(out, "  %u excluded: %s: %s%s\n", count, e->why, e->label,
				count > 1 ? ", ..." : "");
	}
}

static void write_time(const struct plan *plan, FILE *out)
{
	unsigned blocks = plan->experiment->blocks;
	char text[32];

	progress_duration(plan_expected_ns(plan, PROGRESS_OVERHEAD_NS), text, sizeof(text));
	fprintf(out, "\n%u runs a block x %u blocks = %u runs, about %s\n", plan->slot_count,
		blocks, plan->slot_count * blocks, text);
	fprintf(out,
		"each block: every configuration once in a fresh random order, the baseline twice "
		"(A/A), the same workload; seed %" PRIu64 "\n",
		plan->seed);
}

/* Of those that run, the one with the fewest requests; *alike: all have so many. */
static const struct plan_config *fewest_requests(const struct plan *plan, bool *alike)
{
	const struct plan_config *fewest = NULL;

	*alike = true;
	for (unsigned i = 0; i < plan->config_count; i++) {
		const struct plan_config *c = &plan->configs[i];

		if (!c->possible)
			continue;
		*alike = *alike && (!fewest || c->requests == fewest->requests);
		if (!fewest || c->requests < fewest->requests)
			fewest = c;
	}
	return fewest;
}

static void write_requests(const struct plan *plan, FILE *out)
{
	bool alike;
	const struct plan_config *c = fewest_requests(plan, &alike);
	char few[ENOUGH_TEXT];

	if (!c ||
	    !*enough_text(c->requests, c->rate_hz, plan->experiment->primary, few, sizeof(few)))
		return;
	fprintf(out, "a run%s%s measures about %.0f request%s: %s\n", alike ? "" : " of ",
		alike ? "" : c->label, c->requests, c->requests > 1 ? "s" : "", few);
}

/* a has this level, b the baseline's, and they differ in nothing else. */
static bool is_pair(const struct plan *plan, unsigned i, unsigned j, unsigned factor,
		    unsigned level)
{
	const struct plan_config *a = &plan->configs[i], *b = &plan->configs[j];
	const struct experiment *x = plan->experiment;

	if (!a->possible || !b->possible || a->levels[factor] != level ||
	    b->levels[factor] != x->factors[factor].baseline)
		return false;
	for (unsigned f = 0; f < x->factor_count; f++)
		if (f != factor && a->levels[f] != b->levels[f])
			return false;
	return true;
}

/* Pairs of configurations that differ in this factor's level alone; the fewest of any level. */
static unsigned count_pairs(const struct plan *plan, unsigned factor)
{
	const struct experiment *x = plan->experiment;
	unsigned fewest = UINT32_MAX;

	for (unsigned level = 0; level < x->factors[factor].level_count; level++) {
		unsigned pairs = 0;

		for (unsigned i = 0; i < plan->config_count; i++)
			for (unsigned j = 0; j < plan->config_count; j++)
				pairs += is_pair(plan, i, j, factor, level);
		if (level != x->factors[factor].baseline && pairs < fewest)
			fewest = pairs;
	}
	return fewest;
}

/* Half width of the interval of a difference of two runs' means, in units of s. */
static double half_width(unsigned blocks, double tail, unsigned pairs)
{
	return stats_t_quantile(1 - tail, blocks - 1) * sqrt(2.0 / blocks / pairs);
}

static void write_power(const struct plan *plan, unsigned blocks, FILE *out)
{
	const struct experiment *x = plan->experiment;
	unsigned comparisons = count_possible(plan) - 1;

	fprintf(out, "  a configuration against the baseline: 95 %% interval +-%.2f s\n",
		half_width(blocks, 0.025, 1));
	if (comparisons > 1)
		fprintf(out, "  ... called better or worse (Holm over %u): beyond about %.2f s\n",
			comparisons, half_width(blocks, 0.025 / comparisons, 1));
	for (unsigned i = 0; i < x->factor_count; i++) {
		unsigned pairs = count_pairs(plan, i);

		if (pairs && pairs != UINT32_MAX)
			fprintf(out, "  a level of %s, over %u pair%s: +-%.2f s\n",
				x->factors[i].key, pairs, pairs > 1 ? "s" : "",
				half_width(blocks, 0.025, pairs));
	}
}

static void write_conclusions(const struct plan *plan, FILE *out)
{
	unsigned blocks = plan->experiment->blocks;

	if (blocks < INTERVAL_MIN) {
		fprintf(out,
			"\nWith %u block%s: a ranking only. No interval worth having and no "
			"verdict; use 5 blocks or more.\n",
			blocks, blocks > 1 ? "s" : "");
		return;
	}
	if (!plan->slot_count || count_possible(plan) < 2)
		return;
	fprintf(out, "\nWith %u blocks, when equal runs differ by s (standard deviation, in %%):\n",
		blocks);
	write_power(plan, blocks, out);
	fprintf(out, "  smallest p of an exact paired test: %.3g%s\n", ldexp(2, -(int)blocks),
		blocks < 6 ? ", so verdicts rest on Student's t of log ratios" : "");
	if (blocks < 6)
		fprintf(out,
			"  a 95 %% interval of a median does not exist (%.1f %% at most; from 6 "
			"blocks on)\n",
			100 * (1 - ldexp(2, -(int)blocks)));
}

void plan_write_text(const struct plan *plan, FILE *out)
{
	const struct experiment *x = plan->experiment;
	unsigned possible = count_possible(plan), impossible = plan->config_count - possible;

	fprintf(out, "%s: %u configurations", x->name, possible);
	if (plan->excluded_count || impossible)
		fprintf(out, " (%u combinations, %u excluded, %u not possible here)",
			plan->config_count + plan->excluded_count, plan->excluded_count,
			impossible);
	fprintf(out, "\n\nfactors (* baseline)\n");
	write_factors(x, out);
	if (x->fixed.count)
		fprintf(out, "\nin every run\n");
	write_settings(x, out);
	fprintf(out, "\nconfigurations\n");
	write_configs(plan, out);
	write_excluded(plan, out);
	if (!plan->configs[plan->baseline].possible)
		fprintf(out,
			"\nThe baseline is not possible here, so nothing can be compared: %s\n",
			plan->configs[plan->baseline].why);
	write_time(plan, out);
	write_requests(plan, out);
	write_conclusions(plan, out);
}
