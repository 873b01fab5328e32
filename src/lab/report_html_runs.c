/*
 * report_html_runs.c - figures with one mark a run, in the order the runs ran: what drifts, what
 * sticks out, and how well the generator did.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/html.h"
#include "lab/number.h"
#include "lab/reasons.h"
#include "lab/report_html.h"

#define WIDTH	   1104.0
#define HEIGHT	   330.0
#define LEFT	   76.0
#define RIGHT	   (WIDTH - 16)
#define TOP	   26.0
#define BOTTOM	   (HEIGHT - 44)
#define MISSING	   (BOTTOM - 7) /* runs without a number stand here */
#define MANY	   300		/* runs, from which on marks are smaller */
#define LABEL_GAP  58.0		/* between the names of blocks */
#define KINDS_MOST 12		/* of reasons */

struct run_figure {
	const struct sheet *s;
	enum metric m;
	struct svg_scale x, y; /* x: number of the run */
	double radius;
	bool has_values;
};

static void fit(struct run_figure *f)
{
	const struct dataset *d = f->s->d;
	double low = INFINITY, high = 0;
	unsigned last = 1;

	for (unsigned i = 0; i < d->run_count; i++) {
		double value = d->runs[i].metric[f->m];

		last = d->runs[i].id > last ? d->runs[i].id : last;
		if (!(value > 0) || !isfinite(value))
			continue;
		low = fmin(low, value);
		high = fmax(high, value);
	}
	f->has_values = low <= high;
	f->x = svg_scale(0.5, last + 0.5, LEFT + 8, RIGHT - 8, false);
	f->y = svg_scale(low / 1.02, high * 1.02, BOTTOM - 20, TOP, true);
	f->radius = d->run_count > MANY ? 3 : 4;
}

/* The gaps between blocks, and their names where there is room. */
static void put_blocks(const struct run_figure *f)
{
	const struct dataset *d = f->s->d;
	double named = -LABEL_GAP;
	char text[32];

	for (unsigned i = 0; i < d->run_count; i++) {
		double at = svg_at(&f->x, d->runs[i].id - 0.5);

		if (i && d->runs[i].block == d->runs[i - 1].block)
			continue;
		svg_line(f->s->out, "grid", at, TOP - 8, at, BOTTOM);
		if (at - named < LABEL_GAP || at > RIGHT - LABEL_GAP)
			continue;
		snprintf(text, sizeof(text), "block %u", d->runs[i].block + 1);
		svg_text(f->s->out, "tick start", at + 4, TOP - 10, text);
		named = at;
	}
}

static void put_axes(const struct run_figure *f)
{
	FILE *out = f->s->out;
	double ticks[SVG_TICKS];
	unsigned count = svg_ticks(&f->x, 46, ticks);
	char text[32];

	put_blocks(f);
	if (f->has_values)
		sheet_axis_left(f->s, &f->y, f->m, LEFT, RIGHT);
	svg_line(out, "axis", LEFT, BOTTOM, RIGHT, BOTTOM);
	for (unsigned i = 0; i < count; i++) {
		if (ticks[i] < 1 || ticks[i] != round(ticks[i]))
			continue;
		snprintf(text, sizeof(text), "%.0f", ticks[i]);
		svg_text(out, "tick middle", svg_at(&f->x, ticks[i]), BOTTOM + 18, text);
	}
	svg_text(out, "tick middle", (LEFT + RIGHT) / 2, HEIGHT - 6, "number of the run");
}

static void put_run(const struct run_figure *f, const struct lab_run *run, const char *class,
		    enum svg_mark mark)
{
	double value = run->metric[f->m], x = svg_at(&f->x, run->id);
	bool missing = !(value > 0) || !isfinite(value);
	double y = missing ? MISSING : svg_at(&f->y, value);
	char tip[512], classes[64], text[NUMBER_TEXT];

	snprintf(tip, sizeof(tip), "run %u, block %u, %s%s: %s, %s", run->id, run->block + 1,
		 f->s->d->configs[run->config].label, run->is_aa ? " (A/A)" : "",
		 isfinite(value) ? number_human(f->m, value, text) : "no number",
		 run_status_names[run_status(run)]);
	snprintf(classes, sizeof(classes), "run %s%s", class, run->usable ? "" : " hollow");
	svg_mark(f->s->out, classes, missing ? MARK_CROSS : mark, x, y, f->radius, tip);
	if (run->is_aa && !missing)
		svg_mark(f->s->out, "ring", MARK_CIRCLE, x, y, f->radius + 3.5, NULL);
}

static void open_figure(const struct run_figure *f, const char *title, const char *description)
{
	fputs("<div class=\"scroll\">", f->s->out);
	svg_open(f->s->out, "figure", WIDTH, HEIGHT, title, description);
	put_axes(f);
}

static void close_figure(const struct run_figure *f)
{
	svg_close(f->s->out);
	fputs("</div>\n", f->s->out);
}

/* How far the levels of a factor are apart on the primary metric. */
static double spread(const struct analysis *a, unsigned factor)
{
	double least = 0, most = 0;

	for (unsigned i = 0; i < a->level_count; i++) {
		double effect = log(a->levels[i].effect[a->data->primary].ratio);

		if (a->levels[i].factor != factor || !isfinite(effect))
			continue;
		least = fmin(least, effect);
		most = fmax(most, effect);
	}
	return most - least;
}

/* The one that separates the runs most, or the first that varies. */
static unsigned colouring_factor(const struct analysis *a)
{
	unsigned best = 0;
	double widest = -1;

	for (unsigned f = 0; f < a->data->factor_count; f++) {
		double width = a->data->factors[f].level_count > 1 ? spread(a, f) : -1;

		if (width > widest) {
			widest = width;
			best = f;
		}
	}
	return best;
}

static void put_sequence_legend(const struct sheet *s, unsigned factor)
{
	sheet_legend_open(s);
	for (unsigned l = 0; s->d->factor_count && l < s->d->factors[factor].level_count; l++)
		sheet_legend_entry(s, sheet_series_class(l), sheet_series_mark(l),
				   s->d->factors[factor].levels[l]);
	sheet_legend_open_entry(s);
	svg_mark(s->out, "reference", MARK_CIRCLE, 7, 7, 2.6, NULL);
	svg_mark(s->out, "ring", MARK_CIRCLE, 7, 7, 6, NULL);
	sheet_legend_close_entry(s, "A/A run of the baseline");
	sheet_legend_entry(s, "run hollow reference", MARK_SQUARE, "hollow: not usable");
	sheet_legend_entry(s, "run hollow reference", MARK_CROSS,
			   "no number: failed, or too few requests for it");
	sheet_legend_close(s);
}

void sheet_put_sequence(const struct sheet *s)
{
	struct run_figure f = { .s = s, .m = s->d->primary };
	unsigned factor = colouring_factor(s->a);

	if (!s->d->run_count)
		return;
	sheet_open(s, "sequence", "Runs in the order they ran", NULL);
	fputs("<p class=\"lead\">", s->out);
	html_printf(s->out,
		    "The %s of every run. A slope or a step that all colours share is the "
		    "machine, not a configuration.",
		    metric_infos[f.m].title);
	fputs("</p>\n", s->out);
	fit(&f);
	put_sequence_legend(s, factor);
	open_figure(&f, "Runs in the order they ran",
		    "One mark a run; colour and shape are a level.");
	for (unsigned i = 0; i < s->d->run_count; i++) {
		unsigned level =
			s->d->factor_count ? s->d->configs[s->d->runs[i].config].levels[factor] : 0;

		put_run(&f, &s->d->runs[i], sheet_series_class(level), sheet_series_mark(level));
	}
	close_figure(&f);
	sheet_close(s);
}

static const struct status_look {
	const char *class, *text;
	enum svg_mark mark;
} status_looks[] = {
	[RUN_IS_VALID] = { "valid", "valid", MARK_CIRCLE },
	[RUN_IS_SUSPECT] = { "suspect", "suspect", MARK_TRIANGLE },
	[RUN_IS_INVALID] = { "invalid", "invalid", MARK_DIAMOND },
	[RUN_IS_FAILED] = { "failed", "failed, or no number", MARK_CROSS },
};

/* A kind of reason: runs whose reasons differ in numbers only. */
struct kind {
	const char *text;
	size_t len;
	unsigned runs;
	enum run_status worst;
};

static void count_reason(struct kind *kinds, unsigned *count, const char *reason, size_t len,
			 enum run_status status)
{
	char text[512], other[512];

	snprintf(text, sizeof(text), "%.*s", (int)len, reason);
	for (unsigned i = 0; i < *count; i++) {
		snprintf(other, sizeof(other), "%.*s", (int)kinds[i].len, kinds[i].text);
		if (!reasons_alike(text, other))
			continue;
		kinds[i].runs++;
		kinds[i].worst = status > kinds[i].worst ? status : kinds[i].worst;
		return;
	}
	if (*count < KINDS_MOST)
		kinds[(*count)++] = (struct kind){ reason, len, 1, status };
}

static int compare_kinds(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;

	return (x->runs < y->runs) - (x->runs > y->runs);
}

static unsigned gather_kinds(const struct dataset *d, struct kind *kinds)
{
	unsigned count = 0;

	for (unsigned i = 0; i < d->run_count; i++) {
		const char *reason = NULL;
		size_t len;

		while ((reason = reasons_next(d->runs[i].reasons, reason, &len)))
			count_reason(kinds, &count, reason, len, run_status(&d->runs[i]));
	}
	qsort(kinds, count, sizeof(kinds[0]), compare_kinds);
	return count;
}

static void put_reasons(const struct sheet *s)
{
	struct kind kinds[KINDS_MOST];
	unsigned count = gather_kinds(s->d, kinds);

	if (!count) {
		fputs("<p>No run was doubted.</p>\n", s->out);
		return;
	}
	fputs("<div class=\"scroll\"><table class=\"plain\"><thead><tr><th class=\"n\">runs</th>"
	      "<th>at worst</th><th>reason (of the first)</th></tr></thead>\n<tbody>\n",
	      s->out);
	for (unsigned i = 0; i < count; i++) {
		fprintf(s->out, "<tr><td class=\"n\">%u</td><td class=\"k\">%s</td><td>",
			kinds[i].runs, run_status_names[kinds[i].worst]);
		html_printf(s->out, "%.*s", (int)kinds[i].len, kinds[i].text);
		fputs("</td></tr>\n", s->out);
	}
	fputs("</tbody></table></div>\n", s->out);
}

void sheet_put_generator(const struct sheet *s)
{
	struct run_figure f = { .s = s, .m = METRIC_LATENESS_P99 };

	if (!s->d->run_count)
		return;
	sheet_open(s, "generator", "Could the generator be trusted",
		   "How late it sent, at the 99th percentile of each run. What it was late by is "
		   "in the response times, so a run in which it was too late is marked, and not "
		   "used when invalid.");
	fit(&f);
	sheet_legend_open(s);
	for (unsigned i = 0; i < sizeof(status_looks) / sizeof(status_looks[0]); i++) {
		char classes[32];

		snprintf(classes, sizeof(classes), "run %s%s", status_looks[i].class,
			 i >= RUN_IS_INVALID ? " hollow" : "");
		sheet_legend_entry(s, classes, status_looks[i].mark, status_looks[i].text);
	}
	sheet_legend_close(s);
	open_figure(&f, "Lateness of the generator",
		    "One mark a run; colour and shape are its status.");
	for (unsigned i = 0; i < s->d->run_count; i++) {
		const struct status_look *look = &status_looks[run_status(&s->d->runs[i])];

		put_run(&f, &s->d->runs[i], look->class, look->mark);
	}
	close_figure(&f);
	put_reasons(s);
	sheet_close(s);
}
