/*
 * number.h - measured values as people read them: one unit a column, three digits, percent.
 *
 * A column of times in which every line has its own unit cannot be compared by eye; so a unit is
 * chosen for many values at once. What is not there (NaN) is "-".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_NUMBER_H
#define RW_LAB_NUMBER_H

#include "lab/compare.h"

#define NUMBER_TEXT 32 /* every text below fits */

struct number_unit {
	double divisor;
	const char *name; /* "us"; "" for plain numbers */
};

/* The unit in which `typical` has one to three digits before the point. */
struct number_unit number_unit_for(enum metric m, double typical);
/* The one for a metric's column: by the geometric mean of all configurations; "": no values. */
struct number_unit number_unit_of(const struct analysis *a, enum metric m);

/* All write into buf, which has NUMBER_TEXT bytes, and return it. */
const char *number_plain(double value, char *buf); /* "98.3" */
const char *number_in(double value, struct number_unit unit, char *buf);
const char *number_human(enum metric m, double value, char *buf); /* "98.3 us" */
const char *number_percent(double ratio, char *buf);		  /* 0.858 is "-14.2 %" */
const char *number_share(double share, char *buf);		  /* 0.012 is "1.2 %" */
const char *number_interval(double low, double high, char *buf);  /* "[-15.9, -12.4]" */
const char *number_range_in(double low, double high, struct number_unit unit, char *buf);
const char *number_p(double p, char *buf); /* "0.012", "<0.001" */

#endif
