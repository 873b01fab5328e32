/*
 * test_report_text.c - the table a sweep ends with: two golden files, and what always holds.
 *
 * `test_report_text --write` writes the golden files anew; read the difference before committing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "tests/report_cases.h"
#include "tests/test.h"

static const struct golden {
	const char *path;
	unsigned width;
} goldens[] = { { "golden/report-120.txt", 120 }, { "golden/report-80.txt", 80 } };

static char *mixed_report(unsigned width)
{
	struct analysis *a = report_case_analyse(report_case_find("mixed"));
	char *text = report_case_text(a, width, false);

	synthetic_discard(a);
	return text;
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!f)
		return NULL;
	if (getdelim(&text, &size, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

/* Prints the first line that differs. */
static void show_difference(const char *got, const char *want)
{
	unsigned line = 1;

	while (*got && *want) {
		size_t got_len = strcspn(got, "\n"), want_len = strcspn(want, "\n");

		if (got_len != want_len || memcmp(got, want, got_len)) {
			printf("\n    line %u is  \"%.*s\"\n    it was    \"%.*s\"", line,
			       (int)got_len, got, (int)want_len, want);
			return;
		}
		got += got_len + !!got[got_len];
		want += want_len + !!want[want_len];
		line++;
	}
	printf("\n    one of them ends at line %u", line);
}

static void test_the_report_is_that_of_the_golden_files(void)
{
	for (unsigned i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		char *got = mixed_report(goldens[i].width), *want = read_file(goldens[i].path);

		CU_ASSERT_PTR_NOT_NULL(want);
		if (want && strcmp(got, want)) {
			printf("\n    %s:", goldens[i].path);
			show_difference(got, want);
			CU_FAIL("the report differs");
		}
		free(got);
		free(want);
	}
}

static unsigned columns(const char *line, size_t len)
{
	unsigned count = 0;

	for (size_t i = 0; i < len; i++)
		count += (line[i] & 0xc0) != 0x80;
	return count;
}

static void check_lines(const char *name, const char *text, unsigned width)
{
	for (unsigned number = 1; *text; number++) {
		size_t len = strcspn(text, "\n");

		if (columns(text, len) > width || (len && text[len - 1] == ' ')) {
			printf("\n    %s at %u, line %u: \"%.*s\"", name, width, number, (int)len,
			       text);
			CU_FAIL("too long, or blanks at the end");
		}
		text += len + 1;
	}
}

static void test_lines_fit_and_have_no_trailing_blanks(void)
{
	static const unsigned widths[] = { 72, 80, 99, 120, 200 };

	for (const struct report_case *c = report_cases; c->name; c++) {
		struct analysis *a = report_case_analyse(c);

		for (unsigned i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
			char *text = report_case_text(a, widths[i], false);

			check_lines(c->name, text, widths[i]);
			CU_ASSERT(!strstr(text, "nan") && !strstr(text, "inf"));
			free(text);
		}
		synthetic_discard(a);
	}
}

static void test_it_ends_with_the_answer(void)
{
	for (const struct report_case *c = report_cases; c->name; c++) {
		struct analysis *a = report_case_analyse(c);
		char *text = report_case_text(a, 2000, false);
		size_t len = strlen(text), answer = strlen(a->headline);

		CU_ASSERT(len > answer + 1 &&
			  !strncmp(text + len - 1 - answer, a->headline, answer));
		free(text);
		synthetic_discard(a);
	}
}

static void test_colour_only_when_asked(void)
{
	struct analysis *a = report_case_analyse(report_case_find("demo"));
	char *plain = report_case_text(a, 120, false), *coloured = report_case_text(a, 120, true);

	CU_ASSERT(!strchr(plain, '\033'));
	CU_ASSERT(strstr(coloured, "\033[32mbetter\033[0m") != NULL);
	CU_ASSERT(strstr(coloured, "\033[31mworse\033[0m") != NULL);
	free(plain);
	free(coloured);
	synthetic_discard(a);
}

static void test_a_long_ranking_is_cut_but_keeps_the_baseline(void)
{
	struct analysis *a = report_case_analyse(report_case_find("sixty"));
	char *text = report_case_text(a, 120, false);

	CU_ASSERT(strstr(text, "and 30 more in report.html and runs.csv") != NULL);
	CU_ASSERT(strstr(text, "baseline\n") || strstr(text, "baseline  "));
	free(text);
	synthetic_discard(a);
}

static void test_one_factor_needs_no_table_of_factors(void)
{
	struct analysis *a = report_case_analyse(report_case_find("one factor"));
	char *text = report_case_text(a, 120, false);

	CU_ASSERT(!strstr(text, "FACTORS") && strstr(text, "RANKING"));
	free(text);
	synthetic_discard(a);
}

static void test_narrow_terminals_lose_columns_from_the_right(void)
{
	char *wide = mixed_report(120), *narrow = mixed_report(80);

	CU_ASSERT(strstr(wide, "calls/req\n") && strstr(wide, "95 % range"));
	CU_ASSERT(!strstr(strstr(narrow, "RANKING"), "calls/req"));
	CU_ASSERT(strstr(strstr(narrow, "RANKING"), "verdict") != NULL);
	free(wide);
	free(narrow);
}

/* What a line of the table under this title begins and ends with is in it, as it stands there. */
static void check_table(const char *text, const char *title, const char *begins, const char *ends)
{
	const char *at = strstr(text, title), *line;
	bool found = false;

	for (line = at ? strchr(at, '\n') : NULL; line && line[1] != '\n';
	     line = strchr(line + 1, '\n')) {
		size_t len = strcspn(line + 1, "\n"), tail = strlen(ends);

		found |= len > tail && !strncmp(line + 1, begins, strlen(begins)) &&
			 !strncmp(line + 1 + len - tail, ends, tail);
	}
	if (!found)
		printf("\n    no line \"%s ... %s\" in\n%s", begins, ends, at ? at : text);
	CU_ASSERT(found);
}

static void test_what_the_file_gives_a_margin_for_has_a_column_and_a_verdict(void)
{
	struct analysis *a = report_case_analyse(report_case_find("margins"));
	char *text = report_case_text(a, 200, false);

	check_table(text, "FACTORS", "  factor ", "  p99  calls/req");
	check_table(text, "FACTORS", "  backend  select ",
		    " +14.8 %  worse      +143 %  worse        +105 %  worse   +26.2 %    +56.3 %");
	check_table(text, "RANKING", "   #   backend ",
		    "run-delay us           preemptions           p99 us  calls/req");
	check_table(text, "RANKING", "   1*  io_uring ",
		    "9.99  better          10.7  better          0.18  better      319       2.36");
	check_table(text, "RANKING", "   8   epoll ",
		    "11.8                  29.8                  0.40              418       4.09");
	free(text);
	synthetic_discard(a);
}

static CU_TestInfo tests[] = {
	{ "the report is that of the golden files", test_the_report_is_that_of_the_golden_files },
	{ "lines fit and have no trailing blanks", test_lines_fit_and_have_no_trailing_blanks },
	{ "it ends with the answer", test_it_ends_with_the_answer },
	{ "colour only when asked", test_colour_only_when_asked },
	{ "a long ranking is cut but keeps the baseline",
	  test_a_long_ranking_is_cut_but_keeps_the_baseline },
	{ "one factor needs no table of factors", test_one_factor_needs_no_table_of_factors },
	{ "what the file gives a margin for has a column and a verdict",
	  test_what_the_file_gives_a_margin_for_has_a_column_and_a_verdict },
	{ "narrow terminals lose columns from the right",
	  test_narrow_terminals_lose_columns_from_the_right },
	CU_TEST_INFO_NULL,
};

static int write_goldens(void)
{
	for (unsigned i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		char *text = mixed_report(goldens[i].width);
		FILE *f = fopen(goldens[i].path, "we");

		if (!f || fputs(text, f) < 0 || fclose(f)) {
			perror(goldens[i].path);
			return 1;
		}
		free(text);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--write"))
		return write_goldens();
	return test_main("report as text", tests);
}
