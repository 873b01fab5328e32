/*
 * value_column.h - the numbers of one column of a CSV file, for "file:" (base/value.h).
 *
 * Every line whose cell is a number counts; headers, comments and other lines are left out and
 * counted. Quotes around cells are taken off. The file is read a character at a time, so a line may
 * have any length; numbers and bytes have limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_VALUE_COLUMN_H
#define RW_BASE_VALUE_COLUMN_H

#include <stdio.h>

#include "base/value.h"

#define VALUE_BYTES_MAX (1ULL << 30) /* of the file */

struct value_column {
	char path[1024];
	char separator; /* ' ': blanks and tabs, any number of them */
	unsigned index;
	char unit[8]; /* of a cell without one; "": none */
	uint64_t skip;

	double *rows;
	uint64_t count, skipped;
	double low, high, mean;
};

/* Path, separator, index, unit and skip are set. Fills in the rest. */
int value_column_fill(struct value_column *c, enum value_kind kind, FILE *in, struct err *err);
/* "file:trace.csv:sep=tab:col=2:unit=us:skip=1". */
void value_column_format(const struct value_column *c, char *buf, size_t size);
void value_column_destroy(struct value_column *c);

#endif
