/*
 * report_html.c - report.html: one file, no scripts, nothing from elsewhere.
 *
 * From the answer down to every single run: the card, what each factor does, the ranking, every
 * block, the spectrum of percentiles, the runs in the order they ran, the generator's health, what
 * the kernel made of the settings, what is left out, the environment, how to do it again, and how
 * it was computed. Readable on paper and in the dark. report_html.h lists the sections and their
 * files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/report_html.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lab/html.h"
#include "lab/number.h"

static const char *const series_classes[SHEET_SERIES] = { "s0", "s1", "s2", "s3",
							  "s4", "s5", "s6", "s7" };
/* Seven shapes and eight colours: their pairs repeat only after 56. */
static const enum svg_mark series_marks[] = { MARK_CIRCLE, MARK_SQUARE, MARK_TRIANGLE, MARK_DIAMOND,
					      MARK_DOWN,   MARK_PLUS,	MARK_CROSS };

const char *sheet_series_class(unsigned n)
{
	return series_classes[n % SHEET_SERIES];
}

enum svg_mark sheet_series_mark(unsigned n)
{
	return series_marks[n % (sizeof(series_marks) / sizeof(series_marks[0]))];
}

void sheet_open(const struct sheet *s, const char *id, const char *title, const char *lead)
{
	fprintf(s->out, "<section id=\"%s\"><h2>%s</h2>\n", id, title);
	if (lead)
		fprintf(s->out, "<p class=\"lead\">%s</p>\n", lead);
}

void sheet_close(const struct sheet *s)
{
	fputs("</section>\n", s->out);
}

void sheet_legend_open(const struct sheet *s)
{
	fputs("<ul class=\"legend\">", s->out);
}

void sheet_legend_open_entry(const struct sheet *s)
{
	fputs("<li>", s->out);
	svg_open(s->out, "swatch", 14, 14, NULL, NULL);
}

void sheet_legend_close_entry(const struct sheet *s, const char *text)
{
	svg_close(s->out);
	html_text(s->out, text);
	fputs("</li>", s->out);
}

void sheet_legend_entry(const struct sheet *s, const char *class, enum svg_mark mark,
			const char *text)
{
	sheet_legend_open_entry(s);
	svg_mark(s->out, class, mark, 7, 7, 4.5, NULL);
	sheet_legend_close_entry(s, text);
}

void sheet_legend_close(const struct sheet *s)
{
	fputs("</ul>\n", s->out);
}

void sheet_axis_left(const struct sheet *s, const struct svg_scale *y, enum metric m, double left,
		     double right)
{
	double ticks[SVG_TICKS];
	unsigned count = svg_ticks(y, 24, ticks);
	char text[NUMBER_TEXT * 2];

	for (unsigned i = 0; i < count; i++) {
		struct number_unit unit = number_unit_for(m, ticks[i]);
		double at = svg_at(y, ticks[i]);

		svg_line(s->out, "grid", left, at, right, at);
		snprintf(text, sizeof(text), "%g%s%s", ticks[i] / unit.divisor,
			 *unit.name == '/' ? "" : " ", unit.name);
		fprintf(s->out, "<text class=\"tick end\" x=\"%.1f\" y=\"%.1f\">", left - 8,
			at + 4);
		html_number(s->out, text);
		fputs("</text>", s->out);
	}
}

static void put_head(const struct sheet *s)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>",
	      s->out);
	html_text(s->out, s->d->name);
	fputs(" \xe2\x80\x93 Ringwalk sweep</title>\n<style>\n", s->out);
	for (const char *const *line = sheet_style; *line; line++)
		fprintf(s->out, "%s\n", *line);
	fputs("</style>\n</head>\n<body>\n<main>\n", s->out);
}

static void put_sections(const struct sheet *s)
{
	sheet_put_card(s);
	sheet_put_factors(s);
	sheet_put_ranking(s);
	sheet_put_why(s);
	sheet_put_blocks(s);
	sheet_put_spectrum(s);
	sheet_put_sequence(s);
	sheet_put_generator(s);
	sheet_put_taken(s);
	sheet_put_absent(s);
	sheet_put_runs(s);
	sheet_put_environment(s);
	sheet_put_reproduce(s);
	sheet_put_method(s);
}

/* Ranked configurations first, by rank. */
static void put_in_order(const struct analysis *a, unsigned *order)
{
	unsigned rest = a->ranked;

	for (unsigned c = 0; c < a->data->config_count; c++)
		order[a->configs[c].rank ? a->configs[c].rank - 1 : rest++] = c;
}

int report_html(const struct analysis *a, FILE *out, struct err *err)
{
	AUTO(auto_free)
	unsigned *order = calloc(a->data->config_count + 1, sizeof(order[0]));
	struct sheet s = { .a = a, .d = a->data, .out = out, .order = order };

	if (!order)
		return err_set(err, -ENOMEM, "no memory for the report of %u configurations",
			       a->data->config_count);
	put_in_order(a, order);
	put_head(&s);
	put_sections(&s);
	fputs("</main>\n</body>\n</html>\n", out);
	if (fflush(out) || ferror(out))
		return err_sys(err, errno ? -errno : -EIO, "writing the report");
	return 0;
}
