/*
 * report_cases.c - see report_cases.h. Every case is the demo's plan with one thing changed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/report_cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Something of everything: what the golden files show. */
static void mixed(struct synthetic_plan *p)
{
	p->with_histograms = true;
	p->impossible = "select fifo";
	p->failing = "poll fifo core";
	p->invalid = "select other core";
	p->retried = "io_uring fifo";
	p->vacuous = "poll other core";
	p->run_noise = 0.015;
}

static void sixty(struct synthetic_plan *p)
{
	p->with_histograms = true;
	p->factors[1] = (struct synthetic_factor){ "node.sched.policy",
						   { "other", "fifo:20", "deadline:2ms/10ms" },
						   { 1, 0.93, 0.97 } };
	p->factors[2] = (struct synthetic_factor){
		"node.affinity.cpus",
		{ "none", "core", "numa", "all but the first two, which the client has", "spread" },
		{ 1, 0.95, 1, 0.99, 1.02 }
	};
	p->blocks = 8;
	p->primary = METRIC_P99;
}

static void hostile(struct synthetic_plan *p)
{
	p->with_histograms = true;
	p->name = "<script>alert('name')</script>";
	p->factors[2] = (struct synthetic_factor){ "client.<b>bold",
						   { "a & b", "<script>alert(1)</script>",
						     "\"quoted\" 'text'", "caf\xc3\xa9 \xff\x01" },
						   { 0 } };
}

static void one_factor(struct synthetic_plan *p)
{
	p->factors[1].key = NULL;
}

static void four_factors(struct synthetic_plan *p)
{
	p->factors[3] = (struct synthetic_factor){ "node.nodelay", { "yes", "no" }, { 0 } };
}

static void one_block(struct synthetic_plan *p)
{
	p->blocks = 1;
}

static void two_blocks(struct synthetic_plan *p)
{
	p->blocks = 2;
}

static void unfinished(struct synthetic_plan *p)
{
	p->blocks = 8;
	p->blocks_run = 4;
}

static void noisy(struct synthetic_plan *p)
{
	p->run_noise = 0.08;
	p->blocks = 10;
	p->primary = METRIC_P99;
}

static void suspicious(struct synthetic_plan *p)
{
	p->aa_effect = 1.1;
}

static void no_baseline(struct synthetic_plan *p)
{
	p->failing = "epoll other none";
}

static void throughput(struct synthetic_plan *p)
{
	p->primary = METRIC_RATE;
}

static void all_failing(struct synthetic_plan *p)
{
	p->failing = " ";
}

static void nothing_usable(struct dataset *d)
{
	for (unsigned i = 0; i < d->run_count; i++) {
		d->runs[i].usable = false;
		d->runs[i].validity = RUN_INVALID;
	}
}

static void no_runs(struct dataset *d)
{
	d->run_count = 0;
}

static void no_numbers(struct dataset *d)
{
	for (unsigned i = 0; i < d->run_count; i++)
		for (int m = 0; m < METRICS; m++)
			d->runs[i].metric[m] = NAN;
}

static void zeros(struct dataset *d)
{
	for (unsigned i = 0; i < d->run_count; i++)
		d->runs[i].metric[METRIC_SYSCALLS] = d->runs[i].metric[METRIC_LATENESS_P99] = 0;
}

static void one_wild_run(struct dataset *d)
{
	d->runs[20].metric[METRIC_P50] *= 1000;
}

static void nothing_recorded(struct dataset *d)
{
	json_decref(d->environment);
	json_decref(d->settings);
	d->environment = d->settings = NULL;
	d->command[0] = d->file[0] = '\0';
}

/* The primary metric has its columns already. */
static void with_margins(struct dataset *d)
{
	d->margin_given[METRIC_P50] = d->margin_given[METRIC_CPU] = true;
	d->margin_given[METRIC_RUN_DELAY] = d->margin_given[METRIC_PREEMPTIONS] = true;
}

const struct report_case report_cases[] = {
	{ "demo", NULL, NULL },
	{ "mixed", mixed, NULL },
	{ "sixty", sixty, NULL },
	{ "hostile", hostile, NULL },
	{ "margins", NULL, with_margins },
	{ "one factor", one_factor, NULL },
	{ "four factors", four_factors, NULL },
	{ "one block", one_block, NULL },
	{ "two blocks", two_blocks, NULL },
	{ "unfinished", unfinished, NULL },
	{ "noisy", noisy, NULL },
	{ "suspicious", suspicious, NULL },
	{ "no baseline", no_baseline, NULL },
	{ "throughput", throughput, NULL },
	{ "all failing", all_failing, NULL },
	{ "nothing usable", NULL, nothing_usable },
	{ "no runs", NULL, no_runs },
	{ "no numbers", NULL, no_numbers },
	{ "zeros", NULL, zeros },
	{ "one wild run", NULL, one_wild_run },
	{ "nothing recorded", NULL, nothing_recorded },
	{ NULL, NULL, NULL },
};

const struct report_case *report_case_find(const char *name)
{
	for (const struct report_case *c = report_cases; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	abort();
}

struct analysis *report_case_analyse(const struct report_case *c)
{
	struct synthetic_plan plan = synthetic_demo;
	struct analysis *a;
	struct dataset *d;

	if (c->change)
		c->change(&plan);
	d = synthetic_create(&plan);
	if (c->damage)
		c->damage(d);
	if (analysis_create(d, &a, NULL) < 0)
		abort();
	return a;
}

char *report_case_text(const struct analysis *a, unsigned width, bool colour)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	report_text(a, width, colour, out);
	fclose(out);
	return text;
}

char *report_case_html(const struct analysis *a)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out || report_html(a, out, NULL) < 0)
		abort();
	fclose(out);
	return text;
}
