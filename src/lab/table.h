/*
 * table.h - a table of text that fits a width: columns leave from the right, then texts are cut.
 *
 * Fixed size, so that printing cannot run out of memory: what does not fit into it is for the HTML
 * report and runs.csv. Widths are counted in characters, so UTF-8 stays aligned.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_TABLE_H
#define RW_LAB_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

#define TABLE_COLUMNS 20
#define TABLE_ROWS    40
#define TABLE_TEXT    64

enum table_style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_DIM, STYLE_BOLD };

struct table {
	unsigned columns, rows;
	struct table_column {
		char title[TABLE_TEXT];
		bool right;	/* numbers */
		bool droppable; /* may leave when the width is small */
		bool cuttable;	/* its texts may be cut */
	} column[TABLE_COLUMNS];
	char text[TABLE_ROWS][TABLE_COLUMNS][TABLE_TEXT];
	enum table_style style[TABLE_ROWS][TABLE_COLUMNS];
};

/* Adds a column; its index, or -1 when there is no room. */
int table_add_column(struct table *t, const char *title, bool right);
/* Text of a cell of the last row; beyond the table's size it is dropped. column -1: dropped. */
void table_put(struct table *t, int column, enum table_style style, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
bool table_add_row(struct table *t); /* false: full */

/* indent: blanks before each line. Without trailing blanks. */
void table_print(const struct table *t, unsigned indent, unsigned width, bool colour, FILE *out);

/*
 * A paragraph at most width wide. The first line begins in this column, which is where the caller
 * has written up to; those after it begin with indent blanks.
 */
void table_wrap(const char *text, unsigned column, unsigned indent, unsigned width, FILE *out);

const char *table_style_on(enum table_style style, bool colour);
const char *table_style_off(enum table_style style, bool colour);

#endif
