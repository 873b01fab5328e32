/*
 * why.c - see why.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/why.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lab/effect.h"
#include "lab/stats.h"

#define FALSE_SHARE 0.05 /* of what is named, expected to be chance */

/* One counter of one configuration, in the family. */
struct candidate {
	unsigned config;
	struct moved moved;
	double margin;
};

struct search {
	struct analysis *a;
	const struct lab_run **runs; /* the usable ones, by configuration and block */
	double zero[METRICS];	     /* what stands for 0; NaN: no value above 0 was seen */
	double *differences;	     /* one a block */
	struct candidate *candidates;
	double *p, *adjusted;
	unsigned count;
};

static void search_finish(struct search *s)
{
	free(s->runs);
	free(s->differences);
	free(s->candidates);
	free(s->p);
	free(s->adjusted);
}

static int search_init(struct search *s, struct analysis *a, struct err *err)
{
	const struct dataset *d = a->data;
	size_t cells = (size_t)d->config_count * d->block_count + 1;
	size_t most = (size_t)d->config_count * METRICS + 1;

	*s = (struct search){ .a = a,
			      .runs = calloc(cells, sizeof(s->runs[0])),
			      .differences = calloc(d->block_count + 1, sizeof(double)),
			      .candidates = calloc(most, sizeof(s->candidates[0])),
			      .p = calloc(most, sizeof(double)),
			      .adjusted = calloc(most, sizeof(double)) };
	if (s->runs && s->differences && s->candidates && s->p && s->adjusted)
		return 0;
	return err_set(err, -ENOMEM, "no memory to look for reasons");
}

static void take_runs(struct search *s)
{
	const struct dataset *d = s->a->data;

	for (int m = 0; m < METRICS; m++)
		s->zero[m] = NAN;
	for (unsigned i = 0; i < d->run_count; i++) {
		const struct lab_run *run = &d->runs[i];

		if (!run->usable || run->is_aa)
			continue;
		s->runs[(size_t)run->config * d->block_count + run->block] = run;
		for (int m = 0; m < METRICS; m++)
			if (run->metric[m] > 0)
				s->zero[m] = fmin(s->zero[m], run->metric[m] / 2);
	}
}

static double value_log(const struct search *s, double value, enum metric m, bool *is_zero)
{
	*is_zero = value == 0;
	return log(*is_zero ? s->zero[m] : value);
}

/* Paired differences of logs; remembers on which side a 0 was replaced. */
static unsigned take_differences(const struct search *s, unsigned config, enum metric m,
				 struct moved *moved)
{
	const struct dataset *d = s->a->data;
	unsigned n = 0;

	for (unsigned b = 0; b < d->block_count; b++) {
		const struct lab_run *run = s->runs[(size_t)config * d->block_count + b];
		const struct lab_run *base = s->runs[(size_t)d->baseline * d->block_count + b];
		bool zero, base_zero;
		double difference;

		if (!run || !base)
			continue;
		difference = value_log(s, run->metric[m], m, &zero) -
			     value_log(s, base->metric[m], m, &base_zero);
		if (!isfinite(difference))
			continue;
		moved->at_most |= zero && !base_zero;
		moved->at_least |= base_zero && !zero;
		s->differences[n++] = difference;
	}
	return n;
}

static void add_candidate(struct search *s, unsigned config, enum metric m)
{
	struct candidate *c = &s->candidates[s->count];
	unsigned n;

	*c = (struct candidate){ .config = config, .margin = s->a->data->margin[m] };
	c->moved.metric = m;
	n = take_differences(s, config, m, &c->moved);
	effect_estimate(s->differences, n, &c->moved.effect);
	if (n < EFFECT_BLOCKS_MIN)
		return;
	s->p[s->count++] = c->moved.effect.p;
}

static bool has_effect(const struct analysis *a, unsigned config)
{
	enum outcome_verdict says = a->configs[config].effect[a->data->primary].says;

	return a->configs[config].takes_part && (says == SAYS_BETTER || says == SAYS_WORSE);
}

static void add_candidates(struct search *s)
{
	for (unsigned c = 0; c < s->a->data->config_count; c++)
		for (int m = 0; m < METRICS && has_effect(s->a, c); m++)
			if (metric_infos[m].reason && m != (int)s->a->data->primary)
				add_candidate(s, c, (enum metric)m);
}

static double strength(const struct moved *m)
{
	return fabs(log(m->effect.ratio));
}

/* Among those of its configuration, in order; the weakest falls out. */
static void keep(struct config_summary *c, const struct moved *moved)
{
	unsigned at = c->moved_count;

	while (at && strength(moved) > strength(&c->moved[at - 1])) {
		if (at < WHY_MOST)
			c->moved[at] = c->moved[at - 1];
		at--;
	}
	if (at == WHY_MOST)
		return;
	c->moved[at] = *moved;
	c->moved_count += c->moved_count < WHY_MOST;
}

static bool is_outside(const struct candidate *c)
{
	double edge = log1p(c->margin);

	return log(c->moved.effect.low) > edge || log(c->moved.effect.high) < -edge;
}

int why_find(struct analysis *a, struct err *err)
{
	AUTO(search_finish) struct search s;
	int code = search_init(&s, a, err);

	if (code < 0)
		return code;
	take_runs(&s);
	add_candidates(&s);
	stats_false_discovery(s.p, s.count, s.adjusted);
	for (unsigned i = 0; i < s.count; i++) {
		struct candidate *c = &s.candidates[i];

		c->moved.p_adjusted = s.adjusted[i];
		if (s.adjusted[i] < FALSE_SHARE && is_outside(c))
			keep(&a->configs[c->config], &c->moved);
	}
	return 0;
}

bool why_any(const struct analysis *a)
{
	for (unsigned c = 0; c < a->data->config_count; c++)
		if (a->configs[c].moved_count)
			return true;
	return false;
}

static const char *bound_of(const struct moved *m)
{
	return m->at_most && m->at_least ? "~" : m->at_most ? "<" : m->at_least ? ">" : "";
}

const char *why_number(double ratio, char *buf)
{
	int digits = ratio < 0.095 ? 3 : ratio < 9.95 ? 2 : ratio < 99.5 ? 1 : 0;

	snprintf(buf, WHY_TEXT, "%.*f", digits, ratio);
	return buf;
}

const char *why_ratio(const struct moved *m, char *buf)
{
	char number[WHY_TEXT];

	snprintf(buf, WHY_TEXT, "x%s%.60s", bound_of(m), why_number(m->effect.ratio, number));
	return buf;
}

const char *why_text(const struct config_summary *c, char *buf)
{
	char ratio[WHY_TEXT];
	size_t len = 0;

	*buf = '\0';
	for (unsigned i = 0; i < c->moved_count && len < WHY_TEXT; i++)
		len += (size_t)snprintf(buf + len, WHY_TEXT - len, "%s%s %s", i ? ", " : "",
					metric_infos[c->moved[i].metric].reason,
					why_ratio(&c->moved[i], ratio));
	return buf;
}
