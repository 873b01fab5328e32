/*
 * report_text_ranking.c - the ranking in the terminal: see report_text.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/number.h"
#include "lab/report_text.h"
#include "lab/why.h"

#define FACTORS_MOST 8	/* with a column each; more share one with the label */
#define RANKS_MOST   30 /* lines; the rest is in report.html */
#define WHY_LINES    10 /* likewise */

struct columns {
	int rank, levels, value, range, ratio, interval, verdict, side;
	bool by_factor; /* levels have a column each */
};

static void add_levels(const struct page *p, struct table *t, struct columns *c)
{
	unsigned varied = factors_varied(p->d);

	c->levels = (int)t->columns;
	c->by_factor = varied && varied <= FACTORS_MOST;
	for (unsigned f = 0; f < p->d->factor_count && c->by_factor; f++)
		if (p->d->factors[f].level_count > 1)
			table_add_column(t, factor_title(p->d, f), false);
	if (!c->by_factor)
		table_add_column(t, "configuration", false);
	for (unsigned i = c->levels; i < t->columns; i++)
		t->column[i].cuttable = true;
}

static void title_in_unit(const struct page *p, enum metric m, const char *name, char *buf,
			  size_t size)
{
	const char *unit = number_unit_of(p->a, m).name;

	snprintf(buf, size, "%s%s%s", name, *unit ? " " : "", unit);
}

static void add_columns(const struct page *p, struct table *t, struct columns *c)
{
	char title[TABLE_TEXT];

	c->rank = table_add_column(t, "# ", true);
	add_levels(p, t, c);
	title_in_unit(p, p->d->primary, metric_infos[p->d->primary].name, title, sizeof(title));
	c->value = table_add_column(t, title, true);
	c->range = page_add_droppable(t, "95 % range");
	c->ratio = table_add_column(t, "effect", true);
	c->interval = page_add_droppable(t, "95 % interval");
	c->verdict = table_add_column(t, "verdict", false);
	c->side = (int)t->columns;
	for (const enum metric *m = p->side; *m != METRICS; m++) {
		title_in_unit(p, *m, page_side_title(*m), title, sizeof(title));
		page_add_side(p, t, *m, title);
	}
}

static void put_levels(const struct page *p, struct table *t, const struct columns *c,
		       unsigned config)
{
	const struct lab_config *l = &p->d->configs[config];
	int column = c->levels;

	if (!c->by_factor)
		table_put(t, column, STYLE_PLAIN, "%.60s", l->label);
	for (unsigned f = 0; f < p->d->factor_count && c->by_factor; f++)
		if (p->d->factors[f].level_count > 1)
			table_put(t, column++, STYLE_PLAIN, "%.60s",
				  p->d->factors[f].levels[l->levels[f]]);
}

static void put_config(const struct page *p, struct table *t, const struct columns *c,
		       unsigned config)
{
	const struct config_summary *s = &p->a->configs[config];
	enum metric primary = p->d->primary;
	struct number_unit unit = number_unit_of(p->a, primary);
	char text[NUMBER_TEXT];
	int side = c->side;

	table_put(t, c->rank, STYLE_PLAIN, "%u%c", s->rank, s->in_best_set ? '*' : ' ');
	put_levels(p, t, c, config);
	table_put(t, c->value, STYLE_PLAIN, "%s", number_in(s->at[primary].value, unit, text));
	table_put(t, c->range, STYLE_DIM, "%s",
		  number_range_in(s->at[primary].low, s->at[primary].high, unit, text));
	if (config == p->d->baseline) {
		table_put(t, c->ratio, STYLE_DIM, "baseline");
	} else {
		page_put_ratio(t, c->ratio, &s->effect[primary]);
		page_put_interval(t, c->interval, &s->effect[primary]);
		page_put_verdict(t, c->verdict, &s->effect[primary]);
	}
	for (const enum metric *m = p->side; *m != METRICS; m++)
		page_put_side(p, t, &side, *m,
			      number_in(s->at[*m].value, number_unit_of(p->a, *m), text),
			      &s->effect[*m]);
}

static unsigned config_of_rank(const struct analysis *a, unsigned rank)
{
	unsigned c = 0;

	while (a->configs[c].rank != rank)
		c++;
	return c;
}

/* The first lines, and the baseline's in any case. */
static unsigned put_configs(const struct page *p, struct table *t, const struct columns *c)
{
	unsigned base_rank = p->a->configs[p->d->baseline].rank, hidden = 0;
	unsigned most = base_rank > RANKS_MOST ? RANKS_MOST - 1 : RANKS_MOST;

	for (unsigned rank = 1; rank <= p->a->ranked; rank++) {
		if ((rank <= most || rank == base_rank) && table_add_row(t))
			put_config(p, t, c, config_of_rank(p->a, rank));
		else
			hidden++;
	}
	return hidden;
}

/* What in the table needs a word. */
static void put_notes(const struct page *p, unsigned hidden)
{
	bool disagree = false, corrected = false;

	for (unsigned c = 0; c < p->d->config_count; c++) {
		const struct effect *e = &p->a->configs[c].effect[p->d->primary];

		disagree |= e->says != SAYS_NOTHING && e->methods_disagree;
		corrected |= e->says == SAYS_UNCLEAR && (e->low > 1 || e->high < 1);
	}
	if (hidden)
		fprintf(p->out, "  and %u more in report.html and runs.csv\n", hidden);
	if (disagree)
		fprintf(p->out, "  ? t and signed ranks disagree: look at the runs\n");
	if (corrected) {
		fprintf(p->out, "  ");
		table_wrap("an interval is for its own line; a verdict counts all comparisons with "
			   "the baseline (Holm, 5 %)",
			   2, 4, p->width, p->out);
	}
}

static void put_reasons(const struct page *p)
{
	unsigned lines = 0;

	for (unsigned rank = 1; rank <= p->a->ranked && lines < WHY_LINES; rank++) {
		unsigned config = config_of_rank(p->a, rank);
		char why[WHY_TEXT], text[WHY_TEXT + sizeof(p->d->configs[0].label) + 16];

		if (!*why_text(&p->a->configs[config], why))
			continue;
		snprintf(text, sizeof(text), "%-3u %s: %s", rank, p->d->configs[config].label, why);
		fputs("  ", p->out);
		table_wrap(text, 2, 6, p->width, p->out);
		lines++;
	}
}

void page_put_why(const struct page *p)
{
	if (!why_any(p->a))
		return;
	page_title(p, "WHY",
		   "counters that moved with the effect, over the baseline's: hints, not "
		   "causes");
	put_reasons(p);
}

void page_put_ranking(const struct page *p)
{
	struct table t = { 0 };
	struct columns c;
	unsigned hidden;
	char more[160];

	add_columns(p, &t, &c);
	hidden = put_configs(p, &t, &c);
	snprintf(more, sizeof(more), "by %s%s", metric_infos[p->d->primary].title,
		 p->a->best_set ? "; * cannot be told apart from the best" : "");
	page_title(p, "RANKING", more);
	table_print(&t, 2, p->width, p->colour, p->out);
	put_notes(p, hidden);
}
