/*
 * svg.c - figures as text; see svg.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/svg.h"

#include <math.h>

#include "lab/html.h"

#define WIDE 12.0 /* ratio from which a log scale has ticks by decade */

struct svg_scale svg_scale(double from, double to, double low, double high, bool is_log)
{
	struct svg_scale s = { from, to, low, high, is_log };

	if (!isfinite(from) || !isfinite(to) || (is_log && (from <= 0 || to <= 0)))
		s.from = s.to = 1;
	if (s.from > s.to) {
		s.from = to;
		s.to = from;
	}
	if (s.to - s.from > 1e-9 * fabs(s.to))
		return s;
	s.to = s.to == 0 ? 1 : s.to + 0.1 * fabs(s.to);
	s.from = s.from == 0 ? -1 : s.from - 0.1 * fabs(s.from);
	return s;
}

double svg_at(const struct svg_scale *s, double value)
{
	double share = (value - s->from) / (s->to - s->from);

	if (s->is_log)
		share = log(value / s->from) / log(s->to / s->from);
	return s->low + share * (s->high - s->low);
}

/* Adds a value if it is in the scale; false: too near to the one before, or too many. */
static bool add_tick(const struct svg_scale *s, double gap, double value, double *ticks,
		     unsigned *count)
{
	double slack = 1e-9 * (s->to - s->from);

	if (value < s->from - slack || value > s->to + slack)
		return true;
	if (*count == SVG_TICKS ||
	    (*count && fabs(svg_at(s, value) - svg_at(s, ticks[*count - 1])) < gap))
		return false;
	ticks[(*count)++] = value;
	return true;
}

static bool ticks_by_step(const struct svg_scale *s, double gap, double step, double *ticks,
			  unsigned *count)
{
	*count = 0;
	if ((s->to - s->from) / step > 2 * SVG_TICKS)
		return false;
	for (double k = ceil(s->from / step - 1e-9); k * step <= s->to * (1 + 1e-9); k++)
		if (!add_tick(s, gap, k * step, ticks, count))
			return false;
	return true;
}

static bool ticks_by_decade(const struct svg_scale *s, double gap, const double *factors,
			    unsigned factor_count, double *ticks, unsigned *count)
{
	*count = 0;
	for (double decade = floor(log10(s->from)); pow(10, decade) <= s->to; decade++)
		for (unsigned i = 0; i < factor_count; i++)
			if (!add_tick(s, gap, pow(10, decade) * factors[i], ticks, count))
				return false;
	return true;
}

unsigned svg_ticks(const struct svg_scale *s, double gap, double *ticks)
{
	static const double factors[] = { 1, 2, 5 };
	double base = pow(10, floor(log10((s->to - s->from) / SVG_TICKS)));
	unsigned count;

	if (s->is_log && s->to / s->from > WIDE) {
		if (!ticks_by_decade(s, gap, factors, 3, ticks, &count))
			ticks_by_decade(s, gap, factors, 1, ticks, &count);
		return count;
	}
	for (unsigned i = 0; i < 12; i++, base *= i % 3 ? 1 : 10)
		if (ticks_by_step(s, gap, base * factors[i % 3], ticks, &count))
			break;
	return count;
}

void svg_open(FILE *out, const char *class, double width, double height, const char *title,
	      const char *description)
{
	fprintf(out,
		"<svg class=\"%s\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
		"role=\"img\">",
		class, width, height, width, height);
	if (title) {
		fputs("<title>", out);
		html_text(out, title);
		fputs("</title>", out);
	}
	if (description) {
		fputs("<desc>", out);
		html_text(out, description);
		fputs("</desc>", out);
	}
}

void svg_close(FILE *out)
{
	fputs("</svg>", out);
}

void svg_line(FILE *out, const char *class, double x1, double y1, double x2, double y2)
{
	fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", class,
		x1, y1, x2, y2);
}

void svg_rect(FILE *out, const char *class, double x, double y, double width, double height)
{
	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
		class, x, y, width, height);
}

void svg_text(FILE *out, const char *class, double x, double y, const char *text)
{
	fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	html_text(out, text);
	fputs("</text>", out);
}

/* Corners in units of the radius, as a path around the origin; drawn by `M x y` and these. */
static const char *const mark_paths[MARKS] = {
	[MARK_SQUARE] = "M-.85-.85h1.7v1.7h-1.7z",
	[MARK_TRIANGLE] = "M0-1.15L1.05.75h-2.1z",
	[MARK_DIAMOND] = "M0-1.2L1.2 0 0 1.2-1.2 0z",
	[MARK_DOWN] = "M0 1.15L1.05-.75h-2.1z",
	[MARK_PLUS] = "M-1.1-.35h.75v-.75h.7v.75h.75v.7h-.75v.75h-.7v-.75h-.75z",
	[MARK_CROSS] = "M-.75-1L0-.25.75-1 1-.75.25 0 1 .75.75 1 0 .25-.75 1-1 .75-.25 0-1-.75z",
	[MARK_LEFT] = "M-1 0L.6-.9v1.8z",
	[MARK_RIGHT] = "M1 0L-.6-.9v1.8z",
};

void svg_mark(FILE *out, const char *class, enum svg_mark mark, double x, double y, double radius,
	      const char *tip)
{
	if (mark == MARK_CIRCLE)
		fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", class, x, y,
			radius);
	else
		fprintf(out,
			"<path class=\"%s\" d=\"%s\" "
			"transform=\"translate(%.1f %.1f) scale(%.1f)\" "
			"vector-effect=\"non-scaling-stroke\"",
			class, mark_paths[mark], x, y, radius);
	if (!tip) {
		fputs("/>", out);
		return;
	}
	fputs("><title>", out);
	html_text(out, tip);
	fprintf(out, "</title></%s>", mark == MARK_CIRCLE ? "circle" : "path");
}

void svg_path_open(FILE *out, const char *class)
{
	fprintf(out, "<path class=\"%s\" d=\"", class);
}

void svg_path_point(FILE *out, double x, double y, bool is_first)
{
	fprintf(out, "%c%.1f %.1f", is_first ? 'M' : 'L', x, y);
}

void svg_path_close(FILE *out)
{
	fputs("\"/>", out);
}
