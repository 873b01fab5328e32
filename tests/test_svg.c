/*
 * test_svg.c - scales and their ticks by rows; marks as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/svg.h"

#include <math.h>
#include <stdlib.h>

#include "tests/test.h"

static void test_values_lie_where_they_should(void)
{
	struct svg_scale linear = svg_scale(10, 20, 0, 100, false);
	struct svg_scale upwards = svg_scale(1, 100, 200, 0, true);

	CHECK_NEAR(svg_at(&linear, 10), 0, 1e-9);
	CHECK_NEAR(svg_at(&linear, 15), 50, 1e-9);
	CHECK_NEAR(svg_at(&upwards, 10), 100, 1e-9);
	CHECK_NEAR(svg_at(&upwards, 100), 0, 1e-9);
}

static void test_no_scale_is_empty(void)
{
	static const double rows[][2] = { { 5, 5 },	   { 0, 0 },	       { NAN, 3 },
					  { INFINITY, 0 }, { -INFINITY, NAN }, { 3, 1 } };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int is_log = 0; is_log < 2; is_log++) {
			struct svg_scale s = svg_scale(rows[i][0], rows[i][1], 0, 100, is_log);

			CU_ASSERT(isfinite(s.from) && isfinite(s.to) && s.from < s.to);
			CU_ASSERT(!is_log || s.from > 0);
			CU_ASSERT(isfinite(svg_at(&s, (s.from + s.to) / 2)));
		}
	}
}

struct tick_row {
	double from, to;
	bool is_log;
	double width, gap;
	unsigned count;
	double ticks[8];
};

static const struct tick_row tick_rows[] = {
	{ 0, 10, false, 100, 20, 6, { 0, 2, 4, 6, 8, 10 } },
	{ 0, 10, false, 100, 45, 3, { 0, 5, 10 } },
	{ 0.5, 102.5, false, 1000, 190, 5, { 20, 40, 60, 80, 100 } },
	{ 1, 1000, true, 300, 60, 4, { 1, 10, 100, 1000 } },
	{ 1, 100, true, 300, 40, 7, { 1, 2, 5, 10, 20, 50, 100 } },
	{ 0.8, 1.25, true, 280, 44, 5, { 0.8, 0.9, 1, 1.1, 1.2 } },
	{ 0.7, 1.4, true, 260, 44, 4, { 0.8, 1, 1.2, 1.4 } },
};

static void test_ticks_are_round_and_not_crowded(void)
{
	for (unsigned i = 0; i < sizeof(tick_rows) / sizeof(tick_rows[0]); i++) {
		const struct tick_row *r = &tick_rows[i];
		struct svg_scale s = svg_scale(r->from, r->to, 0, r->width, r->is_log);
		double ticks[SVG_TICKS];
		unsigned count = svg_ticks(&s, r->gap, ticks);

		for (unsigned j = 1; j < count; j++)
			CU_ASSERT(svg_at(&s, ticks[j]) - svg_at(&s, ticks[j - 1]) >= r->gap);
		CHECK_INT(count, r->count);
		for (unsigned j = 0; j < count && j < r->count; j++)
			CHECK_NEAR(ticks[j], r->ticks[j], 1e-9);
	}
}

/* Whatever the range, there are ticks, and they fit their array. */
static void test_there_are_always_some_ticks(void)
{
	double ticks[SVG_TICKS];

	for (double from = 1e-3; from < 1e12; from *= 7.3)
		for (double ratio = 1.001; ratio < 1e9; ratio *= 2.7) {
			struct svg_scale s = svg_scale(from, from * ratio, 0, 400, true);
			unsigned count = svg_ticks(&s, 30, ticks);

			CU_ASSERT(count >= 2 && count <= 14);
		}
}

static void test_marks_have_titles_and_texts_are_escaped(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	svg_open(out, "figure", 100, 50, "a < b", NULL);
	svg_mark(out, "dot", MARK_CIRCLE, 1, 2, 3, "run \"1\"");
	svg_mark(out, "dot", MARK_SQUARE, 1, 2, 3, NULL);
	svg_text(out, "tick end", 4, 5, "<5>");
	svg_close(out);
	fclose(out);
	CHECK_TEXT(text, "<svg class=\"figure\" width=\"100\" height=\"50\" viewBox=\"0 0 100 50\" "
			 "role=\"img\"><title>a &lt; b</title><circle class=\"dot\" cx=\"1.0\" "
			 "cy=\"2.0\" r=\"3.0\"><title>run &quot;1&quot;</title></circle><path "
			 "class=\"dot\" d=\"M-.85-.85h1.7v1.7h-1.7z\" transform=\"translate(1.0 "
			 "2.0) scale(3.0)\" vector-effect=\"non-scaling-stroke\"/><text "
			 "class=\"tick end\" x=\"4.0\" y=\"5.0\">&lt;5&gt;</text></svg>");
	free(text);
}

static CU_TestInfo tests[] = {
	{ "values lie where they should", test_values_lie_where_they_should },
	{ "no scale is empty", test_no_scale_is_empty },
	{ "ticks are round and not crowded", test_ticks_are_round_and_not_crowded },
	{ "there are always some ticks", test_there_are_always_some_ticks },
	{ "marks have titles and texts are escaped", test_marks_have_titles_and_texts_are_escaped },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("svg", tests);
}
