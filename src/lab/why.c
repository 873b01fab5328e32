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
	struct candidate *candidates;
	double *p, *adjusted;
	unsigned count;
};

static void search_finish(struct search *s)
{
	free(s->candidates);
	free(s->p);
	free(s->adjusted);
}

static int search_init(struct search *s, struct analysis *a, struct err *err)
{
	size_t most = (size_t)a->data->config_count * METRICS + 1;

	*s = (struct search){ .a = a,
			      .candidates = calloc(most, sizeof(s->candidates[0])),
			      .p = calloc(most, sizeof(double)),
			      .adjusted = calloc(most, sizeof(double)) };
	if (s->candidates && s->p && s->adjusted)
		return 0;
	return err_set(err, -ENOMEM, "no memory to look for reasons");
}

static void add_candidate(struct search *s, unsigned config, enum metric m)
{
	const struct dataset *d = s->a->data;
	const struct effect *e = &s->a->configs[config].effect[m];

	if (e->n < EFFECT_BLOCKS_MIN)
		return;
	s->candidates[s->count] = (struct candidate){
		.config = config,
		.margin = d->margin[m],
		.moved = { .metric = m, .effect = *e },
	};
	s->p[s->count++] = e->p;
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

const char *why_number(double ratio, char *buf)
{
	int digits = ratio < 0.095 ? 3 : ratio < 9.95 ? 2 : ratio < 99.5 ? 1 : 0;

	snprintf(buf, WHY_TEXT, "%.*f", digits, ratio);
	return buf;
}

const char *why_ratio(const struct moved *m, char *buf)
{
	char number[WHY_TEXT];

	snprintf(buf, WHY_TEXT, "x%.60s", why_number(m->effect.ratio, number));
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
