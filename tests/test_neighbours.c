/*
 * test_neighbours.c - who else was there, over a whole sweep: the sentence, and where it stands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/neighbours.h"

#include <stdlib.h>

#include "tests/report_cases.h"
#include "tests/test.h"

static void disturb(struct lab_run *r, double share, const char *by)
{
	r->foreign.share = share;
	r->foreign.limit = 0.02;
	strcpy(r->foreign.by, by);
}

static void test_runs_that_had_their_cpus_to_themselves_need_no_words(void)
{
	struct lab_run runs[3] = { { .usable = true }, { .usable = true }, { .usable = false } };
	struct dataset d = { .runs = runs, .run_count = 3 };
	char text[NEIGHBOURS_TEXT];

	CHECK_TEXT(neighbours_text(&d, text, sizeof(text)), "");
	disturb(&runs[0], 0.02, "make");
	disturb(&runs[2], 0.5, "make"); /* does not count, whatever it had beside it */
	CHECK_TEXT(neighbours_text(&d, text, sizeof(text)), "");
}

static void test_the_sentence_has_how_many_how_much_and_who(void)
{
	struct lab_run runs[5] = { { .usable = true },
				   { .usable = true },
				   { .usable = true },
				   { .usable = true },
				   { .usable = false } };
	struct dataset d = { .runs = runs, .run_count = 5 };
	char text[NEIGHBOURS_TEXT];

	disturb(&runs[0], 0.05, "");
	disturb(&runs[1], 0.3, "stress");
	disturb(&runs[2], 0.12, "make");
	disturb(&runs[4], 0.9, "stress");
	CHECK_TEXT(neighbours_text(&d, text, sizeof(text)),
		   "in 3 of 4 usable runs somebody who is no part of them used their CPUs, 5.0 % "
		   "to 30.0 % of them, most often stress: response times are of both; `ringwalk "
		   "doctor` says who is there and what to do");
	disturb(&runs[3], 0.04, "make");
	CU_ASSERT(strstr(neighbours_text(&d, text, sizeof(text)), "most often make:") != NULL);
	for (int i = 0; i < 5; i++)
		strcpy(runs[i].foreign.by, "");
	CU_ASSERT(strstr(neighbours_text(&d, text, sizeof(text)), "30.0 % of them: resp") != NULL);
}

static void test_the_table_has_a_line_of_it(void)
{
	struct analysis *a = report_case_analyse(report_case_find("mixed"));
	char *text = report_case_text(a, 120, false);
	struct dataset *d = (struct dataset *)a->data;

	CU_ASSERT(strstr(text, "\nothers   ") == NULL);
	free(text);
	for (unsigned i = 0; i < d->run_count; i++)
		disturb(&d->runs[i], 0.25, "make");
	text = report_case_text(a, 120, false);
	CU_ASSERT(strstr(text, "\nothers   in ") != NULL);
	CU_ASSERT(strstr(text, "make") != NULL);
	free(text);
	synthetic_discard(a);
}

static CU_TestInfo tests[] = {
	{ "runs that had their CPUs to themselves need no words",
	  test_runs_that_had_their_cpus_to_themselves_need_no_words },
	{ "the sentence has how many, how much and who",
	  test_the_sentence_has_how_many_how_much_and_who },
	{ "the table has a line of it", test_the_table_has_a_line_of_it },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("neighbours", tests);
}
