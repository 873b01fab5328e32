/*
 * test_progress.c - the bar for every width, the line, and how often they are written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lab/progress.h"
#include "tests/test.h"

static const struct progress middle = {
	.block = 2,
	.blocks = 5,
	.done = 31,
	.total = 85,
	.left_ns = 51500 * MS,
	.label = "epoll other split",
	.p50_ns = 21300,
	.verdict = "VALID",
	.reason = "",
};

static void test_the_bar_fits_its_width(void)
{
	static const struct {
		unsigned width;
		const char *line;
	} rows[] = {
		{ 200,
		  "[=======>            ] block 2/5  run 31/85  0:52 left  epoll other split  p50 "
		  "21.3 us  VALID" },
		{ 78, "[=>   ] block 2/5  run 31/85  0:52 left  epoll other split  p50 21.3 us  "
		      "VALID" },
		{ 77, "block 2/5  run 31/85  0:52 left  epoll other split  p50 21.3 us  VALID" },
		{ 40, "block 2/5  run 31/85  0:52 left  epoll o" },
		{ 1, "b" },
		{ 0, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char line[PROGRESS_LINE];

		CHECK_TEXT(progress_bar(&middle, rows[i].width, line, sizeof(line)), rows[i].line);
		CU_ASSERT(strlen(line) <= rows[i].width);
	}
}

static void test_before_the_first_run_there_is_nothing_to_show_of_it(void)
{
	struct progress p = {
		.block = 1, .blocks = 5, .total = 85, .left_ns = 3723 * SEC, .p50_ns = NAN
	};
	char line[PROGRESS_LINE];

	CHECK_TEXT(progress_bar(&p, 100, line, sizeof(line)),
		   "[>                   ] block 1/5  run 0/85  1:02:03 left");
}

static void test_trouble_and_the_second_label_are_shown(void)
{
	struct progress p = middle;
	char line[PROGRESS_LINE];

	p.invalid = 2;
	p.failed = 1;
	p.is_aa = true;
	p.p50_ns = NAN;
	p.verdict = "FAILED";
	p.reason = "node: exit status 3";
	CHECK_TEXT(progress_bar(&p, 84, line, sizeof(line)),
		   "block 2/5  run 31/85  0:52 left  2 INVALID, 1 failed  epoll other split (A/A)  "
		   "FAILE");
	CHECK_TEXT(progress_line(&p, line, sizeof(line)),
		   "run 31/85  block 2/5  epoll other split (A/A)  FAILED: node: exit status 3");
}

/* The first reason, and as much of it as fits a line. */
static void test_a_line_has_one_short_reason(void)
{
	static const struct {
		const char *reason, *end;
	} rows[] = {
		{ "", "VALID" },
		{ "sent too late", "VALID: sent too late" },
		{ "sent too late\nlost", "VALID: sent too late ..." },
		{ "1234567890123456789012345678901234567890"
		  "123456789012345678901234567890123456789éx",
		  "VALID: 1234567890123456789012345678901234567890"
		  "123456789012345678901234567890123456789é ..." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct progress p = middle;
		char line[PROGRESS_LINE], want[PROGRESS_LINE];

		p.reason = rows[i].reason;
		snprintf(want, sizeof(want),
			 "run 31/85  block 2/5  epoll other split  p50 21.3 us  %s", rows[i].end);
		CHECK_TEXT(progress_line(&p, line, sizeof(line)), want);
	}
}

/* Columns are characters: the two bytes of "µ" and "é" are one column, and never cut apart. */
static void test_width_counts_characters(void)
{
	struct progress p = middle;
	char line[PROGRESS_LINE];

	p.label = "é";
	CHECK_TEXT(progress_bar(&p, 34, line, sizeof(line)), "block 2/5  run 31/85  0:52 left  é");
	CHECK_TEXT(progress_bar(&p, 33, line, sizeof(line)), "block 2/5  run 31/85  0:52 left  ");
}

static void test_durations_are_written_for_people(void)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "0 s" },
		{ 48 * SEC, "48 s" },
		{ 59600 * MS, "1 min 00 s" },
		{ 81 * SEC, "1 min 21 s" },
		{ 7500 * SEC, "2 h 05 min" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[32];

		CHECK_TEXT(progress_duration(rows[i].ns, text, sizeof(text)), rows[i].text);
	}
}

/* Writes the same progress at these times; the caller frees what came out. */
static char *write_at(bool is_terminal, const struct progress *first, const struct progress *second,
		      const int64_t *times_ns, int count)
{
	struct progress_writer w = { .is_terminal = is_terminal };
	char *text = NULL;
	size_t len;

	w.out = open_memstream(&text, &len);
	for (int i = 0; i < count; i++)
		progress_write(&w, i ? second : first, times_ns[i]);
	fclose(w.out);
	return text;
}

static int count_in(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void test_a_terminal_is_repainted_at_most_ten_times_a_second(void)
{
	int64_t times_ns[100];
	char *text;

	for (int i = 0; i < 100; i++)
		times_ns[i] = SEC + i * 10 * MS;
	text = write_at(true, &middle, &middle, times_ns, 100);
	CHECK_INT(count_in(text, "\r\033[K"), 10);
	free(text);
}

static void test_without_a_terminal_there_is_one_line_a_run(void)
{
	static const int64_t times_ns[] = { SEC, 2 * SEC, 3 * SEC };
	struct progress next = middle;
	char *text;

	next.done++;
	text = write_at(false, &middle, &next, times_ns, 3);
	CHECK_TEXT(text, "run 31/85  block 2/5  epoll other split  p50 21.3 us  VALID\n"
			 "run 32/85  block 2/5  epoll other split  p50 21.3 us  VALID\n");
	free(text);
}

static void test_a_finished_run_is_shown_at_once(void)
{
	static const int64_t times_ns[] = { SEC, SEC + 1 };
	struct progress next = middle;
	char *text;

	next.done++;
	text = write_at(true, &middle, &next, times_ns, 2);
	CHECK_INT(count_in(text, "\r\033[K"), 2);
	free(text);
}

static CU_TestInfo tests[] = {
	{ "the bar fits its width", test_the_bar_fits_its_width },
	{ "before the first run there is nothing to show of it",
	  test_before_the_first_run_there_is_nothing_to_show_of_it },
	{ "trouble and the second label are shown", test_trouble_and_the_second_label_are_shown },
	{ "a line has one short reason", test_a_line_has_one_short_reason },
	{ "width counts characters", test_width_counts_characters },
	{ "durations are written for people", test_durations_are_written_for_people },
	{ "a terminal is repainted at most ten times a second",
	  test_a_terminal_is_repainted_at_most_ten_times_a_second },
	{ "without a terminal there is one line a run",
	  test_without_a_terminal_there_is_one_line_a_run },
	{ "a finished run is shown at once", test_a_finished_run_is_shown_at_once },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("progress", tests);
}
