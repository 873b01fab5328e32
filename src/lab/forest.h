/*
 * forest.h - a column of intervals: one small figure a table row, all on one scale.
 *
 * So a forest plot is a table: its labels are text in cells and cannot overlap, however many rows
 * there are, and a screen reader reads it row by row. The figures have no gaps between them, and
 * band and grid run through the column.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_FOREST_H
#define RW_LAB_FOREST_H

#include "lab/compare.h"
#include "lab/svg.h"

struct forest {
	struct svg_scale x; /* ratios, as logs */
	double width;	    /* of the column, pixels */
	double margin;	    /* half width of the band */
	bool lower_is_better;
	unsigned tick_count;
	double ticks[SVG_TICKS];
	struct {
		double point, whisker; /* furthest from 1, as logs, while rows are announced */
	} left, right;
};

/* Of the style sheet: "better", ..., "nothing". */
const char *verdict_class(enum outcome_verdict says);

/* Begin, announce every row that will be drawn, then fit. */
void forest_begin(struct forest *f, enum metric m, double margin, double width);
void forest_announce(struct forest *f, const struct effect *e);
void forest_announce_ratio(struct forest *f, double ratio);
void forest_fit(struct forest *f);

/* The head cell: which side is better, and the ticks. */
void forest_head(const struct forest *f, FILE *out);
/* A cell with an interval; beyond the edges it ends in an arrow. */
void forest_interval(const struct forest *f, const struct effect *e, FILE *out);
/* A cell for the baseline itself, or for what has no effect: the grid only. */
void forest_blank(const struct forest *f, bool is_baseline, FILE *out);

/* A cell with a mark for each run: open, marks, close with the estimate. */
void forest_open(const struct forest *f, const char *title, FILE *out);
void forest_mark(const struct forest *f, double ratio, const char *class, const char *tip,
		 FILE *out);
void forest_close(const struct forest *f, const struct effect *e, FILE *out);

#endif
