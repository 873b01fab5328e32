/*
 * report_text.h - what the parts of the terminal's report share; see report_text.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_REPORT_TEXT_H
#define RW_LAB_REPORT_TEXT_H

#include "lab/compare.h"
#include "lab/table.h"

#define SIDE_MOST 8

struct page {
	const struct analysis *a;
	const struct dataset *d;
	unsigned width;
	bool colour;
	FILE *out;
	enum metric side[SIDE_MOST + 1]; /* beside the primary one; ends with METRICS */
};

void page_title(const struct page *p, const char *title, const char *more);

/* Cells of an effect: "-14.2 %", "[-15.9, -12.4]", "better (small)". */
void page_put_ratio(struct table *t, int column, const struct effect *e);
void page_put_interval(struct table *t, int column, const struct effect *e);
void page_put_verdict(struct table *t, int column, const struct effect *e);

const char *page_side_title(enum metric m);
int page_add_droppable(struct table *t, const char *title);
/* A metric of page.side: its column, and another with the verdict where the file gives a margin for
 * it. Putting moves *column behind them. */
void page_add_side(const struct page *p, struct table *t, enum metric m, const char *title);
void page_put_side(const struct page *p, struct table *t, int *column, enum metric m,
		   const char *text, const struct effect *e);

/* report_text_ranking.c */
void page_put_ranking(const struct page *p);
void page_put_why(const struct page *p);
/* report_text_taken.c; nothing when the kernel took everything as asked. */
void page_put_taken(const struct page *p);

#endif
