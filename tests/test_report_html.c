/*
 * test_report_html.c - report.html in every case we could think of.
 *
 * check_html.py parses the same pages (`--print CASE`) as XML and looks at their structure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "lab/html.h"
#include "tests/report_cases.h"
#include "tests/test.h"

/* What html_text() makes of a text. */
static char *escaped(const char *text)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	html_text(out, text);
	fclose(out);
	return result;
}

static void check_labels(const char *name, const struct analysis *a, const char *page)
{
	for (unsigned c = 0; c < a->data->config_count; c++) {
		char *label = escaped(a->data->configs[c].label);

		if (!strstr(page, label)) {
			printf("\n    %s: nothing of \"%s\"", name, label);
			CU_FAIL("a configuration is missing");
		}
		free(label);
	}
}

static void test_every_configuration_is_on_the_page(void)
{
	for (const struct report_case *c = report_cases; c->name; c++) {
		struct analysis *a = report_case_analyse(c);
		char *page = report_case_html(a), *headline = escaped(a->headline);

		check_labels(c->name, a, page);
		free(headline);
		free(page);
		synthetic_discard(a);
	}
}

static void test_nothing_comes_from_elsewhere_and_nothing_runs(void)
{
	static const char *const never[] = { "<script", "http:",   "https:", "src=",	"url(",
					     "@import", "onload=", "<link",  "<iframe", "<object" };

	for (const struct report_case *c = report_cases; c->name; c++) {
		struct analysis *a = report_case_analyse(c);
		char *page = report_case_html(a);

		for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++)
			if (strstr(page, never[i])) {
				printf("\n    %s: %s", c->name, never[i]);
				CU_FAIL("not self-contained");
			}
		free(page);
		synthetic_discard(a);
	}
}

static void test_names_are_escaped(void)
{
	struct analysis *a = report_case_analyse(report_case_find("hostile"));
	char *page = report_case_html(a);

	CU_ASSERT(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;") != NULL);
	CU_ASSERT(strstr(page, "<title>&lt;script&gt;alert(&#39;name&#39;)") != NULL);
	CU_ASSERT(strstr(page, "a &amp; b") != NULL);
	CU_ASSERT(strstr(page, "caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd") != NULL);
	CU_ASSERT(!strstr(page, "a & b"));
	free(page);
	synthetic_discard(a);
}

static void test_sections_that_would_be_empty_are_not_there(void)
{
	struct analysis *a = report_case_analyse(report_case_find("no runs"));
	char *page = report_case_html(a);

	CU_ASSERT(!strstr(page, "id=\"ranking\"") && !strstr(page, "href=\"#ranking\""));
	CU_ASSERT(!strstr(page, "id=\"sequence\""));
	CU_ASSERT(strstr(page, "there are no runs") != NULL);
	free(page);
	synthetic_discard(a);
}

static void check_page(const char *name, const char *part)
{
	struct analysis *a = report_case_analyse(report_case_find(name));
	char *page = report_case_html(a);

	if (!strstr(page, part)) {
		printf("\n    %s: nothing of %s", name, part);
		CU_FAIL("not on the page");
	}
	free(page);
	synthetic_discard(a);
}

static void test_the_axis_says_which_side_is_better(void)
{
	check_page("demo", "\xe2\x97\x82 better</text>");
	check_page("throughput", "\xe2\x97\x82 worse</text>");
}

static void test_runs_that_do_not_count_are_hollow(void)
{
	check_page("mixed", "class=\"run invalid hollow\"");
	check_page("mixed", "class=\"run failed hollow\"");
	check_page("mixed", "class=\"run s1 hollow\"");
	check_page("mixed", "class=\"run s1\"");
}

static void test_a_suspicious_machine_is_marked(void)
{
	check_page("suspicious", "class=\"card careful\"");
	check_page("suspicious", ">suspicious</td>");
	check_page("demo", "class=\"card\"");
	check_page("nothing usable", "class=\"card silent\"");
}

static void test_runs_that_are_too_short_are_said_in_the_card(void)
{
	struct analysis *a = report_case_analyse(report_case_find("demo"));
	char *page;

	for (unsigned i = 0; i < a->data->run_count; i++)
		a->data->runs[i].requests = 5000 + i;
	page = report_case_html(a);
	CU_ASSERT(strstr(page, "<b>5000</b> in the run with the fewest<small>p99 rests on 50 of "
			       "them, 10000 ") != NULL);
	free(page);
	page = report_case_text(a, 200, false);
	CU_ASSERT(strstr(page, "\nrequests 5000 in the run with the fewest: p99 rests on 50 ") !=
		  NULL);
	free(page);
	synthetic_discard(a);
}

static void test_a_page_that_cannot_be_written_is_an_error(void)
{
	struct analysis *a = report_case_analyse(report_case_find("demo"));
	FILE *full = fopen("/dev/full", "we");
	struct err err = { 0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(full);
	CU_ASSERT(report_html(a, full, &err) < 0);
	CU_ASSERT(strstr(err.text, "writing the report") != NULL);
	fclose(full);
	synthetic_discard(a);
}

static CU_TestInfo tests[] = {
	{ "every configuration is on the page", test_every_configuration_is_on_the_page },
	{ "nothing comes from elsewhere and nothing runs",
	  test_nothing_comes_from_elsewhere_and_nothing_runs },
	{ "names are escaped", test_names_are_escaped },
	{ "sections that would be empty are not there",
	  test_sections_that_would_be_empty_are_not_there },
	{ "the axis says which side is better", test_the_axis_says_which_side_is_better },
	{ "runs that do not count are hollow", test_runs_that_do_not_count_are_hollow },
	{ "a suspicious machine is marked", test_a_suspicious_machine_is_marked },
	{ "runs that are too short are said in the card",
	  test_runs_that_are_too_short_are_said_in_the_card },
	{ "a page that cannot be written is an error",
	  test_a_page_that_cannot_be_written_is_an_error },
	CU_TEST_INFO_NULL,
};

static int print_case(const char *name)
{
	struct analysis *a = report_case_analyse(report_case_find(name));
	char *page = report_case_html(a);

	fputs(page, stdout);
	free(page);
	synthetic_discard(a);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--print"))
		return print_case(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (const struct report_case *c = report_cases; c->name; c++)
			puts(c->name);
		return 0;
	}
	return test_main("report as HTML", tests);
}
