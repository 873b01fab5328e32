/*
 * forest.c - rows of a forest plot; see forest.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/forest.h"

#include <math.h>
#include <string.h>

#include "lab/html.h"
#include "lab/number.h"

#define EDGE	    14.0 /* room for a mark at the ends */
#define ROW	    24.0
#define HEAD	    36.0
#define CLIP	    1.6 /* whiskers are shown to so many times the furthest point */
#define FACTORS	    8.0 /* a scale that goes further is labelled with factors */
#define NARROWEST   0.01
#define MARK_RADIUS 4.0
#define DOT_RADIUS  3.2
#define LABEL	    50.0	  /* width of a tick's text */
#define TICK_GAP    (1.5 * LABEL) /* at an edge the text stands to one side */

const char *verdict_class(enum outcome_verdict says)
{
	return says == SAYS_NOTHING ? "nothing" : says_names[says];
}

void forest_begin(struct forest *f, enum metric m, double margin, double width)
{
	double least = fmax(1.5 * log1p(margin), NARROWEST);

	*f = (struct forest){ .width = width,
			      .margin = margin,
			      .lower_is_better = !metric_infos[m].higher_is_better,
			      .left.point = least,
			      .right.point = least };
}

void forest_announce_ratio(struct forest *f, double ratio)
{
	if (!(ratio > 0) || !isfinite(ratio))
		return;
	f->left.point = fmax(f->left.point, -log(ratio));
	f->right.point = fmax(f->right.point, log(ratio));
}

void forest_announce(struct forest *f, const struct effect *e)
{
	forest_announce_ratio(f, e->ratio);
	if (isfinite(e->low) && isfinite(e->high)) {
		f->left.whisker = fmax(f->left.whisker, -log(e->low));
		f->right.whisker = fmax(f->right.whisker, log(e->high));
	}
}

/* One wild interval must not squeeze the others: it is cut, and every point is shown. */
void forest_fit(struct forest *f)
{
	double widest = CLIP * fmax(f->left.point, f->right.point);
	double left = fmax(f->left.point, fmin(f->left.whisker, widest));
	double right = fmax(f->right.point, fmin(f->right.whisker, widest));

	f->x = svg_scale(exp(-1.03 * left), exp(1.03 * right), EDGE, f->width - EDGE, true);
	f->tick_count = svg_ticks(&f->x, TICK_GAP, f->ticks);
}

/* Percent, or factors where the scale is so wide that percent would need four digits. */
static const char *tick_text(const struct forest *f, double ratio, char *buf)
{
	double percent = round(1e4 * (ratio - 1)) / 100;

	if (f->x.to > FACTORS)
		snprintf(buf, NUMBER_TEXT, "\xc3\x97 %g", ratio);
	else
		snprintf(buf, NUMBER_TEXT, percent == 0 ? "0" : "%+g %%", percent);
	return buf;
}

/* A label at the edge stays inside. */
static const char *anchor_at(const struct forest *f, double x)
{
	return x < LABEL / 2 ? "start" : x > f->width - LABEL / 2 ? "end" : "middle";
}

void forest_head(const struct forest *f, FILE *out)
{
	const char *left = f->lower_is_better ? "better" : "worse";
	const char *right = f->lower_is_better ? "worse" : "better";
	char text[NUMBER_TEXT];

	fputs("<th class=\"plot\" scope=\"col\">", out);
	svg_open(out, "forest", f->width, HEAD, NULL, NULL);
	fputs("<title>ratio to the baseline; better on the ", out);
	fprintf(out, "%s</title>", f->lower_is_better ? "left" : "right");
	fprintf(out, "<text class=\"side start\" x=\"%.1f\" y=\"12\">\xe2\x97\x82 %s</text>", EDGE,
		left);
	fprintf(out, "<text class=\"side end\" x=\"%.1f\" y=\"12\">%s \xe2\x96\xb8</text>",
		f->width - EDGE, right);
	for (unsigned i = 0; i < f->tick_count; i++) {
		double x = svg_at(&f->x, f->ticks[i]);

		fprintf(out, "<text class=\"tick %s\" x=\"%.1f\" y=\"%.1f\">", anchor_at(f, x), x,
			HEAD - 7);
		html_number(out, tick_text(f, f->ticks[i], text));
		fputs("</text>", out);
		svg_line(out, "grid", svg_at(&f->x, f->ticks[i]), HEAD - 4,
			 svg_at(&f->x, f->ticks[i]), HEAD);
	}
	svg_close(out);
	fputs("</th>", out);
}

static void put_ground(const struct forest *f, FILE *out)
{
	double from = svg_at(&f->x, 1 / (1 + f->margin)), to = svg_at(&f->x, 1 + f->margin);

	svg_rect(out, "band", from, 0, to - from, ROW);
	for (unsigned i = 0; i < f->tick_count; i++)
		svg_line(out, "grid", svg_at(&f->x, f->ticks[i]), 0, svg_at(&f->x, f->ticks[i]),
			 ROW);
	svg_line(out, "unity", svg_at(&f->x, 1), 0, svg_at(&f->x, 1), ROW);
}

void forest_open(const struct forest *f, const char *title, FILE *out)
{
	fputs("<td class=\"plot\">", out);
	svg_open(out, "forest", f->width, ROW, title, NULL);
	put_ground(f, out);
}

static void close_cell(FILE *out)
{
	svg_close(out);
	fputs("</td>", out);
}

/* Where a ratio is drawn; *beyond: -1 left of the scale, 1 right of it. */
static double place(const struct forest *f, double ratio, int *beyond)
{
	*beyond = ratio < f->x.from ? -1 : ratio > f->x.to ? 1 : 0;
	return *beyond < 0 ? f->x.low : *beyond > 0 ? f->x.high : svg_at(&f->x, ratio);
}

static void put_end(const char *class, double x, int beyond, FILE *out)
{
	if (beyond)
		svg_mark(out, class, beyond < 0 ? MARK_LEFT : MARK_RIGHT, x, ROW / 2, 4, NULL);
	else
		svg_line(out, class, x, ROW / 2 - 4, x, ROW / 2 + 4);
}

static void put_whisker(const struct forest *f, const struct effect *e, FILE *out)
{
	int low_beyond, high_beyond;
	double low = place(f, e->low, &low_beyond), high = place(f, e->high, &high_beyond);
	char class[32];

	snprintf(class, sizeof(class), "whisker %s", verdict_class(e->says));
	svg_line(out, class, low, ROW / 2, high, ROW / 2);
	put_end(class, low, low_beyond, out);
	put_end(class, high, high_beyond, out);
}

static enum svg_mark verdict_mark(enum outcome_verdict says)
{
	return says == SAYS_SAME ? MARK_SQUARE : says == SAYS_NOTHING ? MARK_DIAMOND : MARK_CIRCLE;
}

void forest_interval(const struct forest *f, const struct effect *e, FILE *out)
{
	char title[96], ratio[NUMBER_TEXT], interval[NUMBER_TEXT], class[32];
	int beyond;
	double x;

	if (!isfinite(e->ratio)) {
		forest_blank(f, false, out);
		return;
	}
	snprintf(title, sizeof(title), "%s %s, %u blocks", number_percent(e->ratio, ratio),
		 number_interval(e->low, e->high, interval), e->n);
	forest_open(f, title, out);
	if (isfinite(e->low) && isfinite(e->high))
		put_whisker(f, e, out);
	x = place(f, e->ratio, &beyond);
	snprintf(class, sizeof(class), "point %s", verdict_class(e->says));
	svg_mark(out, class, verdict_mark(e->says), x, ROW / 2, MARK_RADIUS, NULL);
	close_cell(out);
}

void forest_blank(const struct forest *f, bool is_baseline, FILE *out)
{
	forest_open(f, is_baseline ? "the baseline itself" : "no ratio", out);
	if (is_baseline)
		svg_mark(out, "point baseline", MARK_DIAMOND, svg_at(&f->x, 1), ROW / 2,
			 MARK_RADIUS, NULL);
	close_cell(out);
}

void forest_mark(const struct forest *f, double ratio, const char *class, const char *tip,
		 FILE *out)
{
	int beyond;
	double x = place(f, ratio, &beyond);

	svg_mark(out, class, beyond ? (beyond < 0 ? MARK_LEFT : MARK_RIGHT) : MARK_CIRCLE, x,
		 ROW / 2, DOT_RADIUS, tip);
}

void forest_close(const struct forest *f, const struct effect *e, FILE *out)
{
	int beyond;
	double x = place(f, e->ratio, &beyond);

	if (isfinite(e->ratio))
		svg_line(out, "estimate", x, 3, x, ROW - 3);
	close_cell(out);
}
