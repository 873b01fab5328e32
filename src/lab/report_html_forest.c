/*
 * report_html_forest.c - factor effects, ranking and single blocks, as tables with intervals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include "lab/effect.h"
#include "lab/forest.h"
#include "lab/html.h"
#include "lab/number.h"
#include "lab/report_html.h"
#include "lab/why.h"

/* Metrics told beside the primary one, in this order; the primary itself is skipped. */
static const enum metric sides[] = { METRIC_P50, METRIC_P99, METRIC_CPU, METRIC_SYSCALLS,
				     METRIC_RUN_DELAY };
#define SIDES	     (sizeof(sides) / sizeof(sides[0]))
#define PLOT	     250.0
#define WIDE_PLOT    560.0
#define FACTORS_MOST 6 /* with a column each; more share one with the label */

static const char *side_title(enum metric m)
{
	return m == METRIC_CPU	       ? "CPU/req"
	       : m == METRIC_SYSCALLS  ? "calls/req"
	       : m == METRIC_RUN_DELAY ? "delay/req"
				       : metric_infos[m].name;
}

static void put_head_cell(const struct sheet *s, const char *class, const char *text)
{
	fprintf(s->out, "<th class=\"%s\" scope=\"col\">", class);
	html_text(s->out, text);
	fputs("</th>", s->out);
}

static void put_unit_head(const struct sheet *s, const char *class, const char *name, enum metric m)
{
	char unit[NUMBER_TEXT];

	fprintf(s->out, "<th class=\"%s\" scope=\"col\">", class);
	html_text(s->out, name);
	fputs("<small>", s->out);
	snprintf(unit, sizeof(unit), " %s", number_unit_of(s->a, m).name);
	html_number(s->out, unit[1] ? unit : "");
	fputs("</small></th>", s->out);
}

static void put_effect_cells(const struct sheet *s, const struct effect *e)
{
	char ratio[NUMBER_TEXT], interval[NUMBER_TEXT];

	html_number_cell(s->out, "n", number_percent(e->ratio, ratio));
	html_number_cell(s->out, "n dim interval", number_interval(e->low, e->high, interval));
	fprintf(s->out, "<td class=\"says %s\">%s%s%s</td>", verdict_class(e->says),
		e->says == SAYS_NOTHING ? "\xe2\x80\x93" : says_names[e->says],
		e->small ? ", small" : "", e->methods_disagree ? " \xe2\x89\x88" : "");
}

static void put_effect_heads(const struct sheet *s, const struct forest *f)
{
	put_head_cell(s, "n", "effect");
	put_head_cell(s, "n interval", "95 % interval");
	put_head_cell(s, "says", "verdict");
	forest_head(f, s->out);
}

static void open_table(const struct sheet *s, const char *class)
{
	fprintf(s->out, "<div class=\"scroll\"><table class=\"%s\"><thead><tr>", class);
}

static void close_table(const struct sheet *s)
{
	fputs("</tbody></table></div>\n", s->out);
}

static void put_level(const struct sheet *s, const struct forest *f, const struct level_effect *l,
		      bool is_first)
{
	const struct lab_factor *factor = &s->d->factors[l->factor];
	const struct effect *e = &l->effect[s->d->primary];
	char text[NUMBER_TEXT];

	fprintf(s->out, "<tr%s>", is_first ? " class=\"group\"" : "");
	html_cell(s->out, "level", factor->key, is_first ? factor_title(s->d, l->factor) : "");
	html_cell(s->out, "level strong", NULL, factor->levels[l->level]);
	html_cell(s->out, "level dim against", NULL, factor->levels[factor->baseline]);
	put_effect_cells(s, e);
	forest_interval(f, e, s->out);
	for (unsigned i = 0; i < SIDES; i++)
		if (sides[i] != s->d->primary)
			html_number_cell(s->out, "n side dim",
					 number_percent(l->effect[sides[i]].ratio, text));
	fputs("</tr>\n", s->out);
}

static void put_factor_heads(const struct sheet *s, const struct forest *f)
{
	put_head_cell(s, "level", "factor");
	put_head_cell(s, "level", "level");
	put_head_cell(s, "level against", "against");
	put_effect_heads(s, f);
	for (unsigned i = 0; i < SIDES; i++)
		if (sides[i] != s->d->primary)
			put_head_cell(s, "n side", side_title(sides[i]));
}

void sheet_put_factors(const struct sheet *s)
{
	const struct analysis *a = s->a;
	enum metric m = s->d->primary;
	struct forest f;

	if (factors_varied(s->d) < 2 || !a->configs[s->d->baseline].takes_part)
		return;
	sheet_open(s, "factors", "What each factor does",
		   "One level against the baseline\xe2\x80\x99s, over all settings of the other "
		   "factors, paired by block. The shaded band is what counts as the same.");
	forest_begin(&f, m, s->d->margin[m], PLOT);
	for (unsigned i = 0; i < a->level_count; i++)
		forest_announce(&f, &a->levels[i].effect[m]);
	forest_fit(&f);
	open_table(s, "data");
	put_factor_heads(s, &f);
	fputs("</tr></thead>\n<tbody>\n", s->out);
	for (unsigned i = 0; i < a->level_count; i++)
		put_level(s, &f, &a->levels[i],
			  !i || a->levels[i].factor != a->levels[i - 1].factor);
	close_table(s);
	sheet_close(s);
}

/* 0: the label stands for all. */
static unsigned level_columns(const struct sheet *s)
{
	unsigned varied = factors_varied(s->d);

	return varied <= FACTORS_MOST ? varied : 0;
}

static void put_level_heads(const struct sheet *s)
{
	if (!level_columns(s))
		put_head_cell(s, "level", "configuration");
	for (unsigned f = 0; f < s->d->factor_count && level_columns(s); f++)
		if (s->d->factors[f].level_count > 1)
			put_head_cell(s, "level", factor_title(s->d, f));
}

static void put_level_cells(const struct sheet *s, unsigned config)
{
	const struct lab_config *c = &s->d->configs[config];

	if (!level_columns(s))
		html_cell(s->out, "level", c->label, c->label);
	for (unsigned f = 0; f < s->d->factor_count && level_columns(s); f++)
		if (s->d->factors[f].level_count > 1)
			html_cell(s->out, "level", c->label, s->d->factors[f].levels[c->levels[f]]);
}

static void put_value(const struct sheet *s, const struct estimate *e, enum metric m)
{
	struct number_unit unit = number_unit_of(s->a, m);
	char text[NUMBER_TEXT];

	fputs("<td class=\"n value\">", s->out);
	html_number(s->out, number_in(e->value, unit, text));
	fputs(" <small>", s->out);
	html_number(s->out, isfinite(e->low) ? number_range_in(e->low, e->high, unit, text) : "");
	fputs("</small></td>", s->out);
}

static void put_config(const struct sheet *s, const struct forest *f, unsigned config)
{
	const struct config_summary *c = &s->a->configs[config];
	bool is_baseline = config == s->d->baseline;
	enum metric m = s->d->primary;
	char text[NUMBER_TEXT];

	fprintf(s->out, "<tr%s><td class=\"n rank\">%u%s</td>",
		is_baseline ? " class=\"baseline\"" : "", c->rank,
		c->in_best_set ? "<b title=\"cannot be told apart from the best\">*</b>" : "");
	put_level_cells(s, config);
	put_value(s, &c->at[m], m);
	if (is_baseline) {
		fputs("<td></td><td class=\"interval\"></td>"
		      "<td class=\"says nothing\">baseline</td>",
		      s->out);
		forest_blank(f, true, s->out);
	} else {
		put_effect_cells(s, &c->effect[m]);
		forest_interval(f, &c->effect[m], s->out);
	}
	for (unsigned i = 0; i < SIDES; i++)
		if (sides[i] != m)
			html_number_cell(s->out, "n side",
					 number_in(c->at[sides[i]].value,
						   number_unit_of(s->a, sides[i]), text));
	fputs("</tr>\n", s->out);
}

/* Under the baseline: the same once more, which shows what the machine cannot tell apart. */
static void put_aa(const struct sheet *s, const struct forest *f)
{
	unsigned levels = level_columns(s) ? level_columns(s) : 1;
	const struct effect *e = &s->a->aa[s->d->primary];
	char ratio[NUMBER_TEXT], interval[NUMBER_TEXT];

	if (!e->n)
		return;
	fprintf(s->out,
		"<tr class=\"aa\"><td></td><td colspan=\"%u\">A/A: the baseline "
		"once more</td><td></td>",
		levels);
	html_number_cell(s->out, "n", number_percent(e->ratio, ratio));
	html_number_cell(s->out, "n interval", number_interval(e->low, e->high, interval));
	fprintf(s->out, "<td class=\"says worse\">%s</td>",
		s->a->aa_suspicious ? "suspicious" : "");
	forest_interval(f, e, s->out);
	for (unsigned i = 0; i < SIDES; i++)
		if (sides[i] != s->d->primary)
			fputs("<td class=\"side\"></td>", s->out);
	fputs("</tr>\n", s->out);
}

static void announce_configs(const struct sheet *s, struct forest *f, double width)
{
	enum metric m = s->d->primary;

	forest_begin(f, m, s->d->margin[m], width);
	for (unsigned i = 0; i < s->a->ranked; i++)
		forest_announce(f, &s->a->configs[s->order[i]].effect[m]);
	forest_announce(f, &s->a->aa[m]);
}

static void put_ranking_heads(const struct sheet *s, const struct forest *f)
{
	enum metric m = s->d->primary;

	put_head_cell(s, "n", "#");
	put_level_heads(s);
	put_unit_head(s, "n", metric_infos[m].name, m);
	put_effect_heads(s, f);
	for (unsigned i = 0; i < SIDES; i++)
		if (sides[i] != m)
			put_unit_head(s, "n side", side_title(sides[i]), sides[i]);
}

void sheet_put_ranking(const struct sheet *s)
{
	struct forest f;

	if (!s->a->ranked)
		return;
	sheet_open(s, "ranking", "Ranking",
		   "Ratios to the baseline, paired by block, with 95 % intervals. An asterisk "
		   "marks what cannot be told apart from the best. Verdicts count all comparisons "
		   "(Holm), single intervals do not.");
	announce_configs(s, &f, PLOT);
	forest_fit(&f);
	open_table(s, "data");
	put_ranking_heads(s, &f);
	fputs("</tr></thead>\n<tbody>\n", s->out);
	for (unsigned i = 0; i < s->a->ranked; i++) {
		put_config(s, &f, s->order[i]);
		if (s->order[i] == s->d->baseline)
			put_aa(s, &f);
	}
	close_table(s);
	sheet_close(s);
}

/* "run delay x0.32", and behind it the interval of the ratio. */
static void put_moved(const struct sheet *s, const struct moved *m)
{
	char text[WHY_TEXT], low[WHY_TEXT], high[WHY_TEXT];

	fputs("<td class=\"moved\">", s->out);
	html_printf(s->out, "%s \xc3\x97%s", metric_infos[m->metric].reason,
		    why_ratio(m, text) + strlen("x"));
	fputs(" <small>", s->out);
	html_printf(s->out, "[%s, %s]", why_number(m->effect.low, low),
		    why_number(m->effect.high, high));
	fputs("</small></td>", s->out);
}

static void put_why_row(const struct sheet *s, unsigned config)
{
	const struct config_summary *c = &s->a->configs[config];
	const struct effect *e = &c->effect[s->d->primary];
	char text[NUMBER_TEXT];

	fprintf(s->out, "<tr><td class=\"n rank\">%u</td>", c->rank);
	put_level_cells(s, config);
	html_number_cell(s->out, "n", number_percent(e->ratio, text));
	fprintf(s->out, "<td class=\"says %s\">%s</td>", verdict_class(e->says),
		says_names[e->says]);
	for (unsigned i = 0; i < c->moved_count; i++)
		put_moved(s, &c->moved[i]);
	for (unsigned i = c->moved_count; i < WHY_MOST; i++)
		fputs("<td></td>", s->out);
	fputs("</tr>\n", s->out);
}

void sheet_put_why(const struct sheet *s)
{
	static const char *const titles[WHY_MOST] = { "strongest", "second", "third" };

	if (!why_any(s->a))
		return;
	sheet_open(
		s, "why", "What moved with it",
		"Counters of the node and the machine that moved together with an effect: ratios "
		"to the baseline, with 95 % intervals, the strongest first. Correlation, a hint "
		"where to look; not a cause.");
	open_table(s, "data");
	put_head_cell(s, "n", "#");
	put_level_heads(s);
	put_head_cell(s, "n", "effect");
	put_head_cell(s, "says", "verdict");
	for (unsigned i = 0; i < WHY_MOST; i++)
		put_head_cell(s, "moved", titles[i]);
	fputs("</tr></thead>\n<tbody>\n", s->out);
	for (unsigned i = 0; i < s->a->ranked; i++)
		if (s->a->configs[s->order[i]].moved_count)
			put_why_row(s, s->order[i]);
	close_table(s);
	sheet_close(s);
}

/* run over the baseline's run of the same block; NaN when either is not there. */
static double block_ratio(const struct sheet *s, const struct lab_run *run, unsigned block)
{
	const struct lab_run *base = dataset_run(s->d, s->d->baseline, block);
	enum metric m = s->d->primary;

	return run && base ? exp(metric_log(m, run->metric[m]) - metric_log(m, base->metric[m]))
			   : NAN;
}

static const struct lab_run *run_of_row(const struct sheet *s, unsigned config, bool is_aa,
					unsigned block)
{
	return is_aa ? dataset_aa_run(s->d, block) : dataset_run(s->d, config, block);
}

static void put_block_marks(const struct sheet *s, const struct forest *f, unsigned config,
			    bool is_aa)
{
	for (unsigned b = 0; b < s->d->block_count; b++) {
		const struct lab_run *run = run_of_row(s, config, is_aa, b);
		double ratio = block_ratio(s, run, b);
		char tip[96], text[NUMBER_TEXT];

		if (!(ratio > 0) || !isfinite(ratio))
			continue;
		snprintf(tip, sizeof(tip), "block %u, run %u: %s", b + 1, run->id,
			 number_percent(ratio, text));
		forest_mark(f, ratio, "dot", tip, s->out);
	}
}

static void put_block_row(const struct sheet *s, const struct forest *f, unsigned config,
			  bool is_aa)
{
	const struct effect *e =
		is_aa ? &s->a->aa[s->d->primary] : &s->a->configs[config].effect[s->d->primary];
	unsigned levels = level_columns(s) ? level_columns(s) : 1;
	char text[NUMBER_TEXT];

	fprintf(s->out, "<tr%s>", is_aa ? " class=\"aa\"" : "");
	if (is_aa)
		fprintf(s->out, "<td colspan=\"%u\">A/A: the baseline once more</td>", levels);
	else
		put_level_cells(s, config);
	forest_open(f, "one dot a block, a line at the estimate", s->out);
	put_block_marks(s, f, config, is_aa);
	forest_close(f, e, s->out);
	snprintf(text, sizeof(text), "%u", e->n);
	html_number_cell(s->out, "n", text);
	html_number_cell(s->out, "n", isfinite(e->sd) ? number_share(e->sd, text) : "-");
	fputs("</tr>\n", s->out);
}

void sheet_put_blocks(const struct sheet *s)
{
	struct forest f;

	if (s->a->ranked < 2 || s->a->blocks < 2 || !s->a->configs[s->d->baseline].takes_part)
		return;
	sheet_open(s, "blocks", "Every block",
		   "Each dot is one run over the baseline\xe2\x80\x99s run of the same block. Dots "
		   "close together: a steady difference.");
	announce_configs(s, &f, WIDE_PLOT);
	for (unsigned i = 0; i < s->a->ranked; i++)
		for (unsigned b = 0; b < s->d->block_count; b++)
			forest_announce_ratio(&f,
					      block_ratio(s, dataset_run(s->d, s->order[i], b), b));
	forest_fit(&f);
	open_table(s, "data");
	put_level_heads(s);
	forest_head(&f, s->out);
	put_head_cell(s, "n", "pairs");
	put_head_cell(s, "n", "spread (sd)");
	fputs("</tr></thead>\n<tbody>\n", s->out);
	for (unsigned i = 0; i < s->a->ranked; i++)
		if (s->order[i] != s->d->baseline)
			put_block_row(s, &f, s->order[i], false);
	if (s->a->aa[s->d->primary].n)
		put_block_row(s, &f, s->d->baseline, true);
	close_table(s);
	sheet_close(s);
}
