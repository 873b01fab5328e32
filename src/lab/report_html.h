/*
 * report_html.h - the sections of report.html, in the order of the page; see report_html.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_REPORT_HTML_H
#define RW_LAB_REPORT_HTML_H

#include "lab/compare.h"
#include "lab/svg.h"

struct sheet {
	const struct analysis *a;
	const struct dataset *d;
	FILE *out;
	unsigned *order; /* configurations: ranked ones by rank, then the others as in the file */
};

extern const char *const sheet_style[]; /* report_html_style.c: lines of CSS, then NULL */

/* A section's head and foot. lead: a sentence under the title, not escaped; NULL: none. */
void sheet_open(const struct sheet *s, const char *id, const char *title, const char *lead);
void sheet_close(const struct sheet *s);

/* Colour classes and shapes of the n-th member of a legend; they repeat after SHEET_SERIES. */
#define SHEET_SERIES 8
const char *sheet_series_class(unsigned n);
enum svg_mark sheet_series_mark(unsigned n);
void sheet_legend_open(const struct sheet *s);
void sheet_legend_entry(const struct sheet *s, const char *class, enum svg_mark mark,
			const char *text);
/* One whose swatch the caller draws, around (7, 7) in 14 by 14 pixels. */
void sheet_legend_open_entry(const struct sheet *s);
void sheet_legend_close_entry(const struct sheet *s, const char *text);
void sheet_legend_close(const struct sheet *s);

/* A value axis for a metric's runs at the left of a figure, with grid lines. */
void sheet_axis_left(const struct sheet *s, const struct svg_scale *y, enum metric m, double left,
		     double right);

/* report_html_card.c: the answer, and what it rests on. */
void sheet_put_card(const struct sheet *s);
/* report_html_forest.c: tables whose rows are intervals. */
void sheet_put_factors(const struct sheet *s);
void sheet_put_ranking(const struct sheet *s);
void sheet_put_why(const struct sheet *s);
void sheet_put_blocks(const struct sheet *s);
/* report_html_spectrum.c */
void sheet_put_spectrum(const struct sheet *s);
/* report_html_runs.c: figures with one mark a run. */
void sheet_put_sequence(const struct sheet *s);
void sheet_put_generator(const struct sheet *s);
/* report_html_tables.c */
void sheet_put_absent(const struct sheet *s);
void sheet_put_runs(const struct sheet *s);
void sheet_put_environment(const struct sheet *s);
void sheet_put_reproduce(const struct sheet *s);
/* report_html_taken.c */
void sheet_put_taken(const struct sheet *s);
/* report_html_method.c */
void sheet_put_method(const struct sheet *s);

#endif
