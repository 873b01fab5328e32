/*
 * reasons.h - why configurations are not in the ranking, and why runs are not VALID.
 *
 * Reports list both. Reasons carry numbers ("lateness p99 931 us"), so two are alike when they
 * differ in digits and units of time only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_REASONS_H
#define RW_LAB_REASONS_H

#include "lab/compare.h"

enum absence {
	ABSENT_EXCLUDED,   /* by a rule of the file */
	ABSENT_IMPOSSIBLE, /* on this machine */
	ABSENT_VACUOUS,	   /* ran, but is in effect another configuration */
	ABSENT_FAILED,	   /* in most blocks */
	ABSENT_INVALID,	   /* in most blocks */
	ABSENT_UNMEASURED, /* no number on the primary metric */
	ABSENT_WAITING,	   /* no run yet */
};
extern const char *const absence_names[]; /* "excluded", "not possible", ... */

struct absent {
	enum absence kind;
	const char *label, *why;
};

/* Walks 0 .. reasons_count() - 1; false: that one is ranked. */
unsigned reasons_count(const struct analysis *a);
bool reasons_absent(const struct analysis *a, unsigned index, struct absent *ret);

/* All of a run's reasons on one line, "; " between them. Returns buf. */
const char *reasons_line(const char *reasons, char *buf, size_t size);

bool reasons_alike(const char *x, const char *y);
/* The next of a run's reasons (one a line), its length in *len; NULL after the last. */
const char *reasons_next(const char *reasons, const char *last, size_t *len);

#endif
