/*
 * report_html_spectrum.c - response time by percentile: the baseline and the best few.
 *
 * The axis is 1/(1-p) on a log scale, as HdrHistogram's plotters draw it, so the tail has the room
 * it deserves. The requests of all usable runs are merged: this is a picture of the shapes, and
 * nothing is decided from it, because requests of one run are not independent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "lab/html.h"
#include "lab/report_html.h"

#define WIDTH  1104.0
#define HEIGHT 400.0
#define LEFT   76.0
#define RIGHT  (WIDTH - 16)
#define TOP    10.0
#define BOTTOM (HEIGHT - 46)
#define CURVES 5 /* the baseline and four more */
#define STEPS  240
#define BEYOND 10 /* requests beyond a percentile that is drawn */

struct spectrum {
	unsigned count;
	unsigned configs[CURVES]; /* the baseline first, if it has a histogram */
	struct svg_scale x, y;	  /* x: 1/(1-p) */
};

static const struct hist *histogram(const struct sheet *s, unsigned config)
{
	const struct hist *h = s->d->configs[config].response;

	return h && hist_count(h) > BEYOND ? h : NULL;
}

static void choose(const struct sheet *s, struct spectrum *p)
{
	p->count = 0;
	if (histogram(s, s->d->baseline))
		p->configs[p->count++] = s->d->baseline;
	for (unsigned i = 0; i < s->a->ranked && p->count < CURVES; i++)
		if (s->order[i] != s->d->baseline && histogram(s, s->order[i]))
			p->configs[p->count++] = s->order[i];
}

static double last_x(const struct hist *h)
{
	return (double)hist_count(h) / BEYOND;
}

static double value_at(const struct hist *h, double x)
{
	return hist_quantile(h, 1 - 1 / x);
}

static void fit(const struct sheet *s, struct spectrum *p)
{
	double x = 1, low = INFINITY, high = 0;

	for (unsigned i = 0; i < p->count; i++) {
		const struct hist *h = histogram(s, p->configs[i]);

		x = fmax(x, last_x(h));
		low = fmin(low, fmax(1, value_at(h, 1)));
		high = fmax(high, value_at(h, last_x(h)));
	}
	p->x = svg_scale(1, x, LEFT, RIGHT, true);
	p->y = svg_scale(low / 1.03, high * 1.03, BOTTOM, TOP, true);
}

static void put_axes(const struct sheet *s, const struct spectrum *p)
{
	static const struct {
		double x;
		const char *text;
	} ticks[] = { { 1, "0 %" },	  { 2, "50 %" },       { 4, "75 %" },
		      { 10, "90 %" },	  { 100, "99 %" },     { 1e3, "99.9 %" },
		      { 1e4, "99.99 %" }, { 1e5, "99.999 %" }, { 1e6, "99.9999 %" } };

	sheet_axis_left(s, &p->y, METRIC_P50, LEFT, RIGHT);
	for (unsigned i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		double at = svg_at(&p->x, ticks[i].x);

		if (ticks[i].x > p->x.to)
			break;
		svg_line(s->out, "grid", at, TOP, at, BOTTOM);
		svg_text(s->out, "tick middle", at, BOTTOM + 18, ticks[i].text);
	}
	svg_line(s->out, "axis", LEFT, BOTTOM, RIGHT, BOTTOM);
	svg_text(s->out, "tick middle", (LEFT + RIGHT) / 2, HEIGHT - 6,
		 "share of requests that were at least as fast");
}

static const char *class_of(const struct sheet *s, const struct spectrum *p, unsigned i)
{
	unsigned has_baseline = p->configs[0] == s->d->baseline;

	return p->configs[i] == s->d->baseline ? "reference" : sheet_series_class(i - has_baseline);
}

static void put_curve(const struct sheet *s, const struct spectrum *p, unsigned i)
{
	static const double marked[] = { 2, 10, 100, 1e3, 1e4 };
	const struct hist *h = histogram(s, p->configs[i]);
	char class[32];

	snprintf(class, sizeof(class), "curve %s", class_of(s, p, i));
	svg_path_open(s->out, class);
	for (unsigned step = 0; step <= STEPS; step++) {
		double x = pow(last_x(h), (double)step / STEPS);

		svg_path_point(s->out, svg_at(&p->x, x),
			       svg_at(&p->y, fmax(value_at(h, x), p->y.from)), !step);
	}
	svg_path_close(s->out);
	for (unsigned m = 0; m < sizeof(marked) / sizeof(marked[0]); m++)
		if (marked[m] <= last_x(h))
			svg_mark(s->out, class_of(s, p, i), sheet_series_mark(i),
				 svg_at(&p->x, marked[m]), svg_at(&p->y, value_at(h, marked[m])),
				 4.5, s->d->configs[p->configs[i]].label);
}

static void put_legend(const struct sheet *s, const struct spectrum *p)
{
	char text[320];

	sheet_legend_open(s);
	for (unsigned i = 0; i < p->count; i++) {
		const char *label = s->d->configs[p->configs[i]].label;

		if (p->configs[i] == s->d->baseline)
			snprintf(text, sizeof(text), "%s (baseline)", label);
		else
			snprintf(text, sizeof(text), "%u. %s", s->a->configs[p->configs[i]].rank,
				 label);
		sheet_legend_entry(s, class_of(s, p, i), sheet_series_mark(i), text);
	}
	sheet_legend_close(s);
}

void sheet_put_spectrum(const struct sheet *s)
{
	struct spectrum p;

	choose(s, &p);
	if (!p.count)
		return;
	fit(s, &p);
	sheet_open(s, "spectrum", "Response time by percentile",
		   "All usable runs merged, as far as ten requests lie beyond. A picture of the "
		   "shapes; verdicts come from runs, not from these curves.");
	put_legend(s, &p);
	fputs("<div class=\"scroll\">", s->out);
	svg_open(
		s->out, "figure", WIDTH, HEIGHT, "Response time by percentile",
		"One rising curve a configuration; lower is better, and the tail is at the right.");
	put_axes(s, &p);
	for (unsigned i = p.count; i-- > 0;)
		put_curve(s, &p, i);
	svg_close(s->out);
	fputs("</div>\n", s->out);
	sheet_close(s);
}
