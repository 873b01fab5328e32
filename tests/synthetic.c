/*
 * synthetic.c - a dataset drawn from a plan; see synthetic.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define RUN_LENGTH_S 2.5
#define REQUESTS     5000 /* of a histogram */

const struct synthetic_plan synthetic_demo = {
	.name = "demo",
	.seed = 20240611,
	.blocks = 6,
	.factors = { { "node.backend",
		       { "epoll", "select", "poll", "io_uring" },
		       { 1, 1.25, 1.06, 0.80 } },
		     { "node.sched.policy", { "other", "fifo" }, { 1, 1 } },
		     { "node.pin", { "none", "core" }, { 1, 0.95 } } },
	.primary = METRIC_P50,
	.block_noise = 0.05,
	.run_noise = 0.01,
};

/* Value at the baseline, exponent of effects on times, and noise in units of run_noise. */
static const struct shape {
	double base, power, noise;
} shapes[METRICS] = {
	[METRIC_P50] = { 98e3, 1, 1 },		[METRIC_P90] = { 190e3, 1, 1.2 },
	[METRIC_P99] = { 420e3, 1, 2 },		[METRIC_P999] = { 1.3e6, 0.8, 5 },
	[METRIC_MEAN] = { 112e3, 1, 1.1 },	[METRIC_SERVICE_P50] = { 95e3, 1, 1 },
	[METRIC_SERVICE_P99] = { 400e3, 1, 2 }, [METRIC_LATENESS_P99] = { 9e3, 0, 8 },
	[METRIC_RATE] = { 20e3, 0, 0.05 },	[METRIC_CPU] = { 11.8e3, 0.6, 0.7 },
	[METRIC_SYSCALLS] = { 4.1, 2, 0.1 },	[METRIC_RUN_DELAY] = { 31e3, 4, 8 },
	[METRIC_SWITCHES] = { 1.02, 0, 1 },	[METRIC_PREEMPTIONS] = { 0.42, 3, 12 },
	[METRIC_MIGRATIONS] = { 7, 0, 30 },	[METRIC_FAULTS] = { 0.01, 0, 10 },
	[METRIC_SOFTIRQ] = { 12, 0, 3 },	[METRIC_STEAL] = { 0.3, 0, 40 },
	[METRIC_PRESSURE] = { 35, 0, 6 },	[METRIC_OTHERS] = { 9, 0, 10 },
};

static void *grab(size_t count, size_t size)
{
	void *p = calloc(count + 1, size);

	if (!p)
		abort();
	return p;
}

static double draw_normal(const struct random_key *key, uint64_t number)
{
	return sqrt(2 * random_exponential(key, 2 * number)) *
	       cos(2 * M_PI * random_unit(key, 2 * number + 1));
}

static bool label_has(const char *label, const char *part)
{
	return part && strstr(label, part);
}

static void make_factors(struct dataset *d, const struct synthetic_plan *plan)
{
	d->factors = grab(SYNTHETIC_FACTORS, sizeof(d->factors[0]));
	d->config_count = 1;
	for (const struct synthetic_factor *from = plan->factors;
	     from < plan->factors + SYNTHETIC_FACTORS && from->key; from++) {
		struct lab_factor *f = &d->factors[d->factor_count++];

		snprintf(f->key, sizeof(f->key), "%s", from->key);
		f->levels = grab(SYNTHETIC_LEVELS, sizeof(f->levels[0]));
		while (f->level_count < SYNTHETIC_LEVELS && from->levels[f->level_count]) {
			snprintf(f->levels[f->level_count], sizeof(f->levels[0]), "%s",
				 from->levels[f->level_count]);
			f->level_count++;
		}
		d->config_count *= f->level_count;
	}
}

static void explain(struct lab_config *c, const struct synthetic_plan *plan)
{
	c->possible = !label_has(c->label, plan->impossible);
	if (!c->possible)
		snprintf(c->why, sizeof(c->why), "SCHED_FIFO: needs CAP_SYS_NICE");
	else if (label_has(c->label, plan->vacuous))
		snprintf(c->why, sizeof(c->why), "one NUMA node, so every policy is the same here");
}

static void make_config(struct dataset *d, const struct synthetic_plan *plan, unsigned index)
{
	struct lab_config *c = &d->configs[index];
	unsigned rest = index;

	c->levels = grab(SYNTHETIC_FACTORS, sizeof(c->levels[0]));
	for (unsigned f = d->factor_count; f-- > 0;) {
		c->levels[f] = rest % d->factors[f].level_count;
		rest /= d->factors[f].level_count;
	}
	for (unsigned f = 0; f < d->factor_count; f++) {
		size_t len = strlen(c->label);

		snprintf(c->label + len, sizeof(c->label) - len, "%s%s", f ? " " : "",
			 d->factors[f].levels[c->levels[f]]);
	}
	explain(c, plan);
}

static double config_effect(const struct dataset *d, const struct synthetic_plan *plan,
			    unsigned config)
{
	double effect = 1;

	for (unsigned f = 0; f < d->factor_count; f++)
		if (plan->factors[f].effect[d->configs[config].levels[f]] > 0)
			effect *= plan->factors[f].effect[d->configs[config].levels[f]];
	return effect;
}

/* run->id keys the noise of the run, its block that of the block. */
static void measure(const struct dataset *d, const struct synthetic_plan *plan, struct lab_run *run,
		    double length_s)
{
	double effect = config_effect(d, plan, run->config);

	if (run->is_aa && plan->aa_effect > 0)
		effect *= plan->aa_effect;
	for (uint32_t m = 0; m < METRICS; m++) {
		const struct shape *s = &shapes[m];
		struct random_key of_run = random_key(plan->seed, 1, m, 0);
		struct random_key of_block = random_key(plan->seed, 2, 0, 0);
		double noise = plan->run_noise * s->noise * draw_normal(&of_run, run->id);

		if (s->power > 0)
			noise += plan->block_noise * draw_normal(&of_block, run->block);
		run->metric[m] = s->base * pow(effect, s->power) * exp(noise) *
				 (s->power > 0 ? 1 + plan->drift * run->started_s / length_s : 1);
	}
}

static void spoil(const struct dataset *d, const struct synthetic_plan *plan, struct lab_run *run)
{
	const char *label = d->configs[run->config].label;
	bool retried = label_has(label, plan->retried) && run->block == 0 && !run->attempt;

	run->usable = true;
	if (run->is_aa)
		return;
	if (label_has(label, plan->failing)) {
		run->failed = true;
		run->usable = false;
		for (int m = 0; m < METRICS; m++)
			run->metric[m] = NAN;
		snprintf(run->reasons, sizeof(run->reasons),
			 "node ended with status 3: io_uring_setup: Operation not permitted");
	} else if (label_has(label, plan->invalid) || retried) {
		run->validity = RUN_INVALID;
		run->usable = false;
		snprintf(run->reasons, sizeof(run->reasons),
			 "achieved 61 %% of the offered rate\nlateness p99 %u us; limit 100 us",
			 900 + run->id);
	} else if (run->id % 23 == 7) {
		run->validity = RUN_SUSPECT;
		snprintf(run->reasons, sizeof(run->reasons), "steal 0.8 %% of the machine");
	}
}

static void add_run(struct dataset *d, const struct synthetic_plan *plan, struct lab_run run,
		    double length_s)
{
	run.id = d->run_count + 1;
	run.started_s = d->run_count * RUN_LENGTH_S;
	snprintf(run.directory, sizeof(run.directory), "runs/%05u", run.id);
	measure(d, plan, &run, length_s);
	spoil(d, plan, &run);
	d->runs[d->run_count++] = run;
}

/* order[config_count] is the A/A run. Fisher and Yates. */
static void shuffle(unsigned *order, unsigned count, uint64_t seed, unsigned block)
{
	struct random_key key = random_key(seed, 3, block, 0);

	for (unsigned i = 0; i < count; i++)
		order[i] = i;
	for (unsigned i = count; i-- > 1;) {
		unsigned j = random_below(&key, i, i + 1), was = order[i];

		order[i] = order[j];
		order[j] = was;
	}
}

static void make_block(struct dataset *d, const struct synthetic_plan *plan, unsigned block,
		       unsigned *order, double length_s)
{
	unsigned position = 0;

	shuffle(order, d->config_count + 1, plan->seed, block);
	for (unsigned i = 0; i <= d->config_count; i++) {
		bool is_aa = order[i] == d->config_count;
		unsigned config = is_aa ? d->baseline : order[i];

		if (d->configs[config].possible)
			add_run(d, plan,
				(struct lab_run){ .config = config,
						  .block = block,
						  .position = position++,
						  .is_aa = is_aa },
				length_s);
	}
	for (unsigned c = 0; c < d->config_count && block == 0; c++)
		if (label_has(d->configs[c].label, plan->retried))
			add_run(d, plan,
				(struct lab_run){ .config = c,
						  .block = block,
						  .position = position++,
						  .attempt = 1 },
				length_s);
}

static void make_runs(struct dataset *d, const struct synthetic_plan *plan)
{
	unsigned blocks = plan->blocks_run ? plan->blocks_run : plan->blocks;
	size_t most = (size_t)blocks * (2 * d->config_count + 1);
	unsigned *order = grab(d->config_count + 1, sizeof(order[0]));

	d->runs = grab(most, sizeof(d->runs[0]));
	for (unsigned b = 0; b < blocks; b++)
		make_block(d, plan, b, order, blocks * (d->config_count + 1) * RUN_LENGTH_S);
	free(order);
}

/* A body that is exponential above 0.7 of the median, and one request in fifty 2.5 times slower. */
static void make_histogram(struct dataset *d, const struct synthetic_plan *plan, unsigned config)
{
	struct random_key key = random_key(plan->seed, 4, config, 0);
	double median = shapes[METRIC_P50].base * config_effect(d, plan, config);
	struct hist *h = hist_create();

	if (!h)
		abort();
	for (uint64_t i = 0; i < REQUESTS; i++) {
		double value = median * (0.7 + 0.43 * random_exponential(&key, 2 * i));

		hist_record(h, value * (random_unit(&key, 2 * i + 1) < 0.02 ? 2.5 : 1));
	}
	d->configs[config].response = h;
}

static void describe(struct dataset *d, const struct synthetic_plan *plan)
{
	snprintf(d->name, sizeof(d->name), "%s", plan->name);
	snprintf(d->file, sizeof(d->file), "%s.yaml", plan->name);
	snprintf(d->command, sizeof(d->command), "ringwalk sweep %s.yaml -o out --seed %llu",
		 plan->name, (unsigned long long)plan->seed);
	d->seed = plan->seed;
	d->primary = plan->primary;
	for (int m = 0; m < METRICS; m++)
		d->margin[m] = metric_infos[m].margin;
	d->settings =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "client.rate", "20k/s", "client.arrivals",
			  "exponential", "client.connections", "64", "client.duration", "2s",
			  "client.program", "compute 10us; reply 64B");
	d->environment =
		json_pack("{s:{s:s, s:s}, s:{s:s, s:i, s:[i,i]}, s:{s:s, s:s}, s:b}", "kernel",
			  "release", "6.18.0", "cmdline", "quiet <none> & \"x\"", "cpu", "model",
			  "Synthetic 3000", "count", 2, "online", 0, 1, "build", "compiler",
			  "gcc 12.2.0", "revision", "0123abc", "virtual", 1);
	d->excluded_count = 1;
	d->excluded = grab(1, sizeof(d->excluded[0]));
	snprintf(d->excluded[0].label, sizeof(d->excluded[0].label), "select fifo all");
	snprintf(d->excluded[0].why, sizeof(d->excluded[0].why),
		 "connections > 1000: select stops at FD_SETSIZE");
}

struct dataset *synthetic_create(const struct synthetic_plan *plan)
{
	struct dataset *d = grab(1, sizeof(*d));

	d->block_count = plan->blocks;
	describe(d, plan);
	make_factors(d, plan);
	d->configs = grab(d->config_count, sizeof(d->configs[0]));
	for (unsigned c = 0; c < d->config_count; c++)
		make_config(d, plan, c);
	make_runs(d, plan);
	for (unsigned c = 0; c < d->config_count && plan->with_histograms; c++)
		if (dataset_run(d, c, 0))
			make_histogram(d, plan, c);
	return d;
}

struct analysis *synthetic_analyse(const struct synthetic_plan *plan)
{
	struct analysis *a;

	if (analysis_create(synthetic_create(plan), &a, NULL) < 0)
		abort();
	return a;
}

void synthetic_discard(struct analysis *a)
{
	struct dataset *d = (struct dataset *)a->data;

	analysis_destroy(a);
	dataset_destroy(d);
}

unsigned synthetic_find(const struct dataset *d, const char *label)
{
	for (unsigned c = 0; c < d->config_count; c++)
		if (!strcmp(d->configs[c].label, label))
			return c;
	printf("no configuration \"%s\"\n", label);
	abort();
}

const struct level_effect *synthetic_level(const struct analysis *a, const char *level)
{
	for (unsigned i = 0; i < a->level_count; i++) {
		const struct level_effect *l = &a->levels[i];

		if (!strcmp(a->data->factors[l->factor].levels[l->level], level))
			return l;
	}
	printf("no level \"%s\"\n", level);
	abort();
}

void synthetic_lose_blocks(struct dataset *d, const char *label, unsigned blocks)
{
	unsigned config = synthetic_find(d, label);

	for (unsigned i = 0; i < d->run_count; i++)
		if (d->runs[i].config == config && d->runs[i].block < blocks)
			d->runs[i].usable = false;
}
