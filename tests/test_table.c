/*
 * test_table.c - tables and paragraphs of text at different widths.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/table.h"

#include <stdlib.h>

#include "tests/test.h"

static void fill(struct table *t)
{
	*t = (struct table){ 0 };
	t->column[table_add_column(t, "name", false)].cuttable = true;
	table_add_column(t, "n", true);
	t->column[table_add_column(t, "more", true)].droppable = true;
	table_add_row(t);
	table_put(t, 0, STYLE_PLAIN, "%s", "caf\xc3\xa9");
	table_put(t, 1, STYLE_GOOD, "%d", 7);
	table_add_row(t);
	table_put(t, 0, STYLE_PLAIN, "%s", "quite a long name");
	table_put(t, 1, STYLE_PLAIN, "%d", 12345);
	table_put(t, 2, STYLE_PLAIN, "%s", "x");
}

static void check(unsigned width, bool colour, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct table t;

	fill(&t);
	table_print(&t, 1, width, colour, out);
	fclose(out);
	CHECK_TEXT(text, want);
	free(text);
}

static void test_columns_are_aligned_in_characters(void)
{
	check(80, false,
	      " name                   n  more\n"
	      " caf\xc3\xa9                   7\n"
	      " quite a long name  12345     x\n");
}

static void test_droppable_columns_leave_first(void)
{
	check(27, false,
	      " name                   n\n"
	      " caf\xc3\xa9                   7\n"
	      " quite a long name  12345\n");
}

static void test_then_texts_are_cut(void)
{
	check(18, false,
	      " name            n\n"
	      " caf\xc3\xa9            7\n"
	      " quite a l~  12345\n");
	/* Not below six characters, whatever the width. */
	check(5, false,
	      " name        n\n"
	      " caf\xc3\xa9        7\n"
	      " quite~  12345\n");
}

static void test_colour_does_not_count_as_width(void)
{
	check(27, true,
	      " \033[2mname\033[0m                   \033[2mn\033[0m\n"
	      " caf\xc3\xa9                   \033[32m7\033[0m\n"
	      " quite a long name  12345\n");
}

static void test_a_full_table_takes_no_more(void)
{
	struct table t = { 0 };

	for (int i = 0; i < TABLE_COLUMNS; i++)
		CHECK_INT(table_add_column(&t, "c", false), i);
	CHECK_INT(table_add_column(&t, "c", false), -1);
	for (int i = 0; i < TABLE_ROWS; i++)
		CU_ASSERT(table_add_row(&t));
	CU_ASSERT(!table_add_row(&t));
	table_put(&t, -1, STYLE_PLAIN, "dropped");
	table_put(&t, TABLE_COLUMNS, STYLE_BAD, "dropped");
	CHECK_INT(t.style[0][0], STYLE_PLAIN); /* what stands behind the last cell */
}

static void check_wrap(const char *text, unsigned column, unsigned indent, unsigned width,
		       const char *want)
{
	char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	table_wrap(text, column, indent, width, out);
	fclose(out);
	CHECK_TEXT(got, want);
	free(got);
}

static void test_paragraphs_break_at_blanks(void)
{
	check_wrap("one two three four", 0, 0, 9, "one two\nthree\nfour\n");
	check_wrap("one two three four", 4, 2, 9, "one\n  two\n  three\n  four\n");
	check_wrap("by 4 to 48 %. So", 0, 0, 11, "by 4 to\n48 %. So\n");
	check_wrap("one\ntwo  three", 0, 0, 80, "one two three\n");
	check_wrap("unbreakable words", 0, 2, 5, "unbreakable\n  words\n");
	check_wrap("\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4", 0, 0, 6,
		   "\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\n");
	check_wrap("", 0, 0, 10, "\n");
}

static CU_TestInfo tests[] = {
	{ "columns are aligned in characters", test_columns_are_aligned_in_characters },
	{ "droppable columns leave first", test_droppable_columns_leave_first },
	{ "then texts are cut", test_then_texts_are_cut },
	{ "colour does not count as width", test_colour_does_not_count_as_width },
	{ "a full table takes no more", test_a_full_table_takes_no_more },
	{ "paragraphs break at blanks", test_paragraphs_break_at_blanks },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("table", tests);
}
