/*
 * report_cases.h - sweeps that put reports to the test: large, odd, broken and empty ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_REPORT_CASES_H
#define RW_TESTS_REPORT_CASES_H

#include "tests/synthetic.h"

struct report_case {
	const char *name;
	void (*change)(struct synthetic_plan *plan); /* of the demo's plan; NULL: none */
	void (*damage)(struct dataset *d);	     /* after it was made; NULL: none */
};

extern const struct report_case report_cases[];		      /* ends with a case without a name */
const struct report_case *report_case_find(const char *name); /* aborts when there is none */

/* To be given to synthetic_discard(). */
struct analysis *report_case_analyse(const struct report_case *c);

/* What the reports write, as texts to be freed. */
char *report_case_text(const struct analysis *a, unsigned width, bool colour);
char *report_case_html(const struct analysis *a);

#endif
