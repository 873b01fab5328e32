/*
 * report_text.c - the table a sweep ends with.
 *
 * What was run, what the machine can tell apart, what each factor does, the ranking, what is left
 * out and why, and last the answer, because that is where the eye is when a sweep ends. Everything
 * is computed elsewhere; here it is only laid out. The ranking is in report_text_ranking.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/report_text.h"

#include <math.h>
#include <string.h>

#include "lab/enough.h"
#include "lab/load_text.h"
#include "lab/neighbours.h"
#include "lab/number.h"
#include "lab/reasons.h"

#define WIDTH_MIN    40
#define HEAD	     9	/* columns of the words before the lines at the top */
#define REASONS_MOST 10 /* lines of what is left out */

static const enum table_style verdict_styles[] = {
	[SAYS_NOTHING] = STYLE_DIM, [SAYS_BETTER] = STYLE_GOOD, [SAYS_WORSE] = STYLE_BAD,
	[SAYS_SAME] = STYLE_PLAIN,  [SAYS_UNCLEAR] = STYLE_DIM,
};

/* What the primary metric costs elsewhere: three columns are enough beside p50, which stands beside
 * all others. */
static const enum metric costs[] = { METRIC_P50, METRIC_P99, METRIC_CPU, METRIC_SYSCALLS };
#define COSTS (sizeof(costs) / sizeof(*costs))

/* In front of them, for columns leave from the right, what the file gives a margin for: that is
 * asked for. */
static void choose_side(struct page *p)
{
	const struct dataset *d = p->d;
	unsigned count = 0;

	for (int m = 0; m < METRICS && count < SIDE_MOST - COSTS; m++)
		if (d->margin_given[m] && (enum metric)m != d->primary)
			p->side[count++] = (enum metric)m;
	for (size_t i = 0; i < COSTS; i++)
		if (costs[i] != d->primary && !d->margin_given[costs[i]])
			p->side[count++] = costs[i];
	p->side[count] = METRICS;
}

const char *page_side_title(enum metric m)
{
	return m == METRIC_CPU	      ? "CPU/req"
	       : m == METRIC_SYSCALLS ? "calls/req"
				      : metric_infos[m].name;
}

int page_add_droppable(struct table *t, const char *title)
{
	int column = table_add_column(t, title, true);

	if (column >= 0)
		t->column[column].droppable = true;
	return column;
}

void page_put_ratio(struct table *t, int column, const struct effect *e)
{
	char text[NUMBER_TEXT];

	table_put(t, column, STYLE_PLAIN, "%s", number_percent(e->ratio, text));
}

void page_add_side(const struct page *p, struct table *t, enum metric m, const char *title)
{
	int verdict;

	page_add_droppable(t, title);
	if (!p->d->margin_given[m])
		return;
	verdict = page_add_droppable(t, "");
	if (verdict >= 0)
		t->column[verdict].right = false;
}

void page_put_side(const struct page *p, struct table *t, int *column, enum metric m,
		   const char *text, const struct effect *e)
{
	table_put(t, (*column)++, STYLE_PLAIN, "%s", text);
	if (p->d->margin_given[m])
		table_put(t, (*column)++, verdict_styles[e->says], "%s",
			  e->says == SAYS_NOTHING ? "" : says_names[e->says]);
}

void page_put_interval(struct table *t, int column, const struct effect *e)
{
	char text[NUMBER_TEXT];

	table_put(t, column, STYLE_PLAIN, "%s", number_interval(e->low, e->high, text));
}

/* A question mark where the two methods disagree. */
void page_put_verdict(struct table *t, int column, const struct effect *e)
{
	table_put(t, column, verdict_styles[e->says], "%s%s%s", says_names[e->says],
		  e->small ? " (small)" : "", e->methods_disagree ? " ?" : "");
}

void page_title(const struct page *p, const char *title, const char *more)
{
	fprintf(p->out, "\n%s%s%s%s", table_style_on(STYLE_BOLD, p->colour), title,
		table_style_off(STYLE_BOLD, p->colour), *more ? " " : "");
	table_wrap(more, strlen(title) + 1, 2, p->width, p->out);
}

static void put_line(const struct page *p, const char *head, const char *text)
{
	fprintf(p->out, "%s%s%s%*s", table_style_on(STYLE_DIM, p->colour), head,
		table_style_off(STYLE_DIM, p->colour), HEAD - (int)strlen(head), "");
	table_wrap(text, HEAD, HEAD, p->width, p->out);
}

static void put_sweep(const struct page *p)
{
	const struct analysis *a = p->a;
	char text[512];

	snprintf(text, sizeof(text),
		 "%s: %u configurations x %u blocks, with A/A; %u runs: %u valid, %u suspect, "
		 "%u invalid, %u failed",
		 p->d->name, p->d->config_count, p->d->block_count, p->d->run_count,
		 a->usable - a->suspect, a->suspect, a->invalid, a->failed);
	put_line(p, "sweep", text);
}

static void put_aa(const struct page *p)
{
	enum metric m = p->d->primary, second = *p->side;
	const struct effect *e = &p->a->aa[m];
	char ratio[NUMBER_TEXT], interval[NUMBER_TEXT], share[NUMBER_TEXT], more[NUMBER_TEXT];
	char text[512];

	if (isnan(p->a->resolution[m])) {
		put_line(p, "A/A", "too few pairs to say what this machine can tell apart");
		return;
	}
	snprintf(text, sizeof(text),
		 "%sthe baseline against itself: %s %s %s; two configurations can be told apart "
		 "when they differ by about %s (%s: %s)",
		 p->a->aa_suspicious ? "SUSPICIOUS, " : "", metric_infos[m].title,
		 number_percent(e->ratio, ratio), number_interval(e->low, e->high, interval),
		 number_share(p->a->resolution[m], share), metric_infos[second].title,
		 number_share(p->a->resolution[second], more));
	put_line(p, "A/A", text);
}

static void put_drift(const struct page *p)
{
	bool seen = p->a->drift_p < 0.01;
	char share[NUMBER_TEXT], chance[NUMBER_TEXT], text[256];

	if (isnan(p->a->drift_share))
		return;
	snprintf(text, sizeof(text), "%s: the baseline's %s changed by %s over the sweep (p %s)%s",
		 seen ? "SEEN" : "none seen", metric_infos[p->d->primary].title,
		 number_percent(1 + p->a->drift_share, share), number_p(p->a->drift_p, chance),
		 seen ? "; pairing by block cancels it where it is slow" : "");
	put_line(p, "drift", text);
}

/* Nothing when there are enough of them. */
static void put_requests(const struct page *p)
{
	const struct lab_run *r = enough_fewest(p->d);
	char few[ENOUGH_TEXT], text[ENOUGH_TEXT + 64];

	if (!r ||
	    !*enough_text(r->requests, r->metric[METRIC_RATE], p->d->primary, few, sizeof(few)))
		return;
	snprintf(text, sizeof(text), "%.0f in the run with the fewest: %s", r->requests, few);
	put_line(p, "requests", text);
}

/* Nothing when the runs had their CPUs to themselves. */
static void put_others(const struct page *p)
{
	char text[NEIGHBOURS_TEXT];

	if (*neighbours_text(p->d, text, sizeof(text)))
		put_line(p, "others", text);
}

static void put_head(const struct page *p)
{
	char load[512];

	put_sweep(p);
	if (*load_text(p->d->settings, load, sizeof(load)))
		put_line(p, "load", load);
	if (p->a->usable) {
		put_aa(p);
		put_drift(p);
		put_requests(p);
		put_others(p);
	}
}

static void put_level(const struct page *p, struct table *t, const struct level_effect *l,
		      bool is_first)
{
	const struct lab_factor *f = &p->d->factors[l->factor];
	const struct effect *e = &l->effect[p->d->primary];
	char text[NUMBER_TEXT];
	int column = 0;

	if (is_first)
		table_put(t, column, STYLE_PLAIN, "%s", factor_title(p->d, l->factor));
	table_put(t, ++column, STYLE_PLAIN, "%.60s", f->levels[l->level]);
	table_put(t, ++column, STYLE_DIM, "%.60s", f->levels[f->baseline]);
	page_put_ratio(t, ++column, e);
	page_put_interval(t, ++column, e);
	page_put_verdict(t, ++column, e);
	column++;
	for (const enum metric *m = p->side; *m != METRICS; m++)
		page_put_side(p, t, &column, *m, number_percent(l->effect[*m].ratio, text),
			      &l->effect[*m]);
}

/* With one factor the ranking says the same. */
static void put_factors(const struct page *p)
{
	struct table t = { 0 };
	char more[160];

	if (factors_varied(p->d) < 2 || !p->a->configs[p->d->baseline].takes_part)
		return;
	table_add_column(&t, "factor", false);
	t.column[table_add_column(&t, "level", false)].cuttable = true;
	t.column[table_add_column(&t, "against", false)].cuttable = true;
	table_add_column(&t, metric_infos[p->d->primary].name, true);
	page_add_droppable(&t, "95 % interval");
	table_add_column(&t, "verdict", false);
	for (const enum metric *m = p->side; *m != METRICS; m++)
		page_add_side(p, &t, *m, page_side_title(*m));
	for (unsigned i = 0; i < p->a->level_count && table_add_row(&t); i++)
		put_level(p, &t, &p->a->levels[i],
			  !i || p->a->levels[i - 1].factor != p->a->levels[i].factor);
	snprintf(more, sizeof(more), "%s of a level, over all settings of the others",
		 metric_infos[p->d->primary].title);
	page_title(p, "FACTORS", more);
	table_print(&t, 2, p->width, p->colour, p->out);
}

static void put_unclear(const struct page *p)
{
	unsigned count = 0, least = 0, most = 0, hopeless = 0;
	char text[256];

	for (unsigned c = 0; c < p->d->config_count; c++) {
		const struct effect *e = &p->a->configs[c].effect[p->d->primary];

		if (e->says != SAYS_UNCLEAR)
			continue;
		count++;
		hopeless += !e->blocks_needed;
		if (e->blocks_needed && (!least || e->blocks_needed < least))
			least = e->blocks_needed;
		most = e->blocks_needed > most ? e->blocks_needed : most;
	}
	if (!count)
		return;
	snprintf(text, sizeof(text), "%u configuration%s; %u%s%.0u blocks in all might tell", count,
		 count > 1 ? "s" : "", least, most > least ? " to " : "", most > least ? most : 0);
	if (hopeless == count)
		snprintf(text, sizeof(text), "%u configuration%s, too unsteady for more blocks",
			 count, count > 1 ? "s" : "");
	put_line(p, "unclear", text);
}

/* Configurations that are absent for one reason, on one line. */
struct group {
	struct absent first;
	unsigned count;
};

static void gather(struct group *groups, unsigned *count, const struct absent *absent)
{
	for (unsigned i = 0; i < *count; i++)
		if (groups[i].first.kind == absent->kind &&
		    reasons_alike(groups[i].first.why, absent->why)) {
			groups[i].count++;
			return;
		}
	if (*count < REASONS_MOST)
		groups[(*count)++] = (struct group){ .first = *absent, .count = 1 };
}

static void put_group(const struct page *p, const struct group *g)
{
	char text[1024], why[600];
	size_t len;

	len = snprintf(text, sizeof(text), "%s: %s", absence_names[g->first.kind], g->first.label);
	if (g->count > 1)
		len += snprintf(text + len, sizeof(text) - len, " and %u more", g->count - 1);
	snprintf(text + len, sizeof(text) - len, ": %s",
		 reasons_line(g->first.why, why, sizeof(why)));
	fprintf(p->out, "  ");
	table_wrap(text, 2, 4, p->width, p->out);
}

static void put_absent(const struct page *p)
{
	struct group groups[REASONS_MOST];
	struct absent absent;
	unsigned count = 0;

	for (unsigned i = 0; i < reasons_count(p->a); i++)
		if (reasons_absent(p->a, i, &absent))
			gather(groups, &count, &absent);
	if (count)
		page_title(p, "LEFT OUT", "");
	for (unsigned i = 0; i < count; i++)
		put_group(p, &groups[i]);
}

void report_text(const struct analysis *a, unsigned width, bool colour, FILE *out)
{
	struct page p = { .a = a,
			  .d = a->data,
			  .width = width < WIDTH_MIN ? WIDTH_MIN : width,
			  .colour = colour,
			  .out = out };

	choose_side(&p);
	put_head(&p);
	if (a->ranked) {
		put_factors(&p);
		page_put_ranking(&p);
		put_unclear(&p);
		page_put_why(&p);
	}
	page_put_taken(&p);
	put_absent(&p);
	fprintf(out, "\n%s", table_style_on(STYLE_BOLD, colour));
	table_wrap(a->headline, 0, 0, p.width, out);
	fprintf(out, "%s", table_style_off(STYLE_BOLD, colour));
}
