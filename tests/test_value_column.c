/*
 * test_value_column.c - values from a column of a CSV file: which lines count, which files are
 * refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/value.h"
#include "tests/test.h"

/* A file that is removed again. */
struct csv {
	char path[32];
};

static struct csv csv_write(const char *text, size_t len)
{
	struct csv csv = { "/tmp/rw-value-XXXXXX" };
	int fd = mkstemp(csv.path);

	CU_ASSERT_FATAL(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	close(fd);
	return csv;
}

static int csv_parse(const struct csv *csv, const char *options, enum value_kind kind,
		     const char *bare, struct value *v, struct err *err)
{
	char text[128];

	snprintf(text, sizeof(text), "file:%s%s", csv->path, options);
	return value_parse(text, kind, bare, v, err);
}

static void test_a_column_is_read_line_by_line_and_begins_again(void)
{
	static const char text[] =
		"name,time\n\"a, b\",\"1.5\"\r\n# 9,9\n\nb,2e1\nc,\nd , 7us \ne,3";
	static const double want[] = { 1500000, 20000000, 7000, 3000000, 1500000 };
	struct csv csv = csv_write(text, strlen(text));
	struct random_key key = { 0 };
	char again[VALUE_TEXT_MAX];
	struct value v, w;

	CHECK_INT(csv_parse(&csv, ":col=1:unit=ms", VALUE_TIME, "us", &v, NULL), 0);
	CHECK_INT(value_steps(&v), 4);
	/* the header, the comment and the empty cell */
	CHECK_INT(value_skipped_lines(&v), 3);
	value_finish(&v);
	CHECK_INT(csv_parse(&csv, ",col=1,unit=ms,skip=1", VALUE_TIME, "us", &v, NULL), 0);
	CHECK_INT(value_skipped_lines(&v), 2);
	CHECK_INT(value_parse(value_format(&v, again, sizeof(again)), VALUE_TIME, NULL, &w, NULL),
		  0);
	for (unsigned i = 0; i < 5; i++) {
		CHECK_NEAR(value_draw(&v, &key, i), want[i], 1e-6);
		CU_ASSERT(value_draw(&w, &key, i) == value_draw(&v, &key, i));
	}
	CHECK_NEAR(value_mean(&v), (1500000 + 20000000 + 7000 + 3000000) / 4.0, 1e-6);
	CHECK_NEAR(value_min(&v), 7000, 0);
	CHECK_NEAR(value_max(&v), 20000000, 0);
	value_finish(&v);
	value_finish(&w);
	unlink(csv.path);
}

static void test_columns_are_told_apart_as_asked(void)
{
	static const struct {
		const char *options, *text;
		enum value_kind kind;
		double second; /* number 1 */
	} rows[] = {
		{ "", "1\n2\n", VALUE_NUMBER, 2 },
		{ ":sep=,", "1,x\n-2,y", VALUE_NUMBER, -2 },
		{ ":sep=,:col=1", "x,1\ny,2", VALUE_NUMBER, 2 },
		{ ",sep=:,col=1", "x:1\ny:2", VALUE_NUMBER, 2 },
		{ ":sep=;:col=2", "x;y;1\nx;y;2.5e1\n", VALUE_NUMBER, 25 },
		{ ":sep=tab:col=1", "x\t1\ny\t2", VALUE_NUMBER, 2 },
		{ ":sep=space:col=1", "  x   1\ny\t 2", VALUE_NUMBER, 2 },
		{ ":col=1:sep=|", "x|1\ny|2", VALUE_NUMBER, 2 },
		{ ":unit=k", "1\n2", VALUE_RATE, 2000 },
		{ ":unit=k", "1\n2", VALUE_NUMBER, 2000 },
		{ ":unit=KiB", "1\n2", VALUE_SIZE, 2048 },
		{ "", "10us\n2ms", VALUE_TIME, 2000000 },
		{ "",
		  "\xef\xbb\xbf"
		  "1\n2\n3",
		  VALUE_NUMBER, 2 },
	};
	struct random_key key = { 0 };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct csv csv = csv_write(rows[i].text, strlen(rows[i].text));
		struct err err = { 0 };
		struct value v;

		CHECK_INT(csv_parse(&csv, rows[i].options, rows[i].kind, NULL, &v, &err), 0);
		CHECK_TEXT(err.text, "");
		CHECK_NEAR(value_draw(&v, &key, 1), rows[i].second, 0);
		value_finish(&v);
		unlink(csv.path);
	}
}

static void test_a_line_may_have_any_length(void)
{
	size_t len = 3000000;
	char *text = malloc(len + 8);
	struct random_key key = { 0 };
	struct csv csv;
	struct value v;

	memset(text, 'x', len);
	memcpy(text + 100, ",42,", 4);
	memcpy(text + len, ",43\n7,44", 8);
	csv = csv_write(text, len + 8);
	CHECK_INT(csv_parse(&csv, ":col=1", VALUE_NUMBER, NULL, &v, NULL), 0);
	CHECK_NEAR(value_draw(&v, &key, 0), 42, 0);
	CHECK_NEAR(value_draw(&v, &key, 1), 44, 0);
	value_finish(&v);
	unlink(csv.path);
	free(text);
}

static void test_columns_without_numbers_are_refused_with_file_and_line(void)
{
	static const struct {
		const char *options, *text, *says;
	} rows[] = {
		{ "", "", "has no lines" },
		{ "", "\n\n", "has no lines" },
		{ ":skip=5", "1\n2\n", "has no lines" },
		{ "", "\nname\nx", "has no number in column 0: line 2: \"name\" is not a time" },
		{ ":col=3", "1,2\n", "has no number in column 3: line 1: its last column is 1" },
		{ "", "1\n", "has no number in column 0: line 1: \"1\" has no unit" },
		{ ":unit=us", "-1\n", "column 0: line 1: \"-1\" is negative" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct csv csv = csv_write(rows[i].text, strlen(rows[i].text));
		struct err err = { 0 };
		struct value v = { 0 };

		CHECK_INT(csv_parse(&csv, rows[i].options, VALUE_TIME, NULL, &v, &err), -EINVAL);
		CU_ASSERT(strstr(err.text, csv.path) && !v.column);
		if (!strstr(err.text, rows[i].says))
			CHECK_TEXT(err.text, rows[i].says);
		unlink(csv.path);
	}
}

static void test_files_that_are_no_columns_are_refused(void)
{
	struct err err = { 0 };
	struct value v = { 0 };
	size_t len = 2 * (VALUE_ROWS_MAX + 1);
	char *text = malloc(len);
	struct csv csv;

	CHECK_INT(value_parse("file:/tmp", VALUE_NUMBER, NULL, &v, &err), -EISDIR);
	CHECK_TEXT(err.text, "\"file:/tmp\": cannot read \"/tmp\": Is a directory");
	for (size_t i = 0; i < len; i += 2)
		memcpy(text + i, "1\n", 2);
	csv = csv_write(text, len);
	CHECK_INT(csv_parse(&csv, "", VALUE_NUMBER, NULL, &v, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "has more than 4000000 numbers") != NULL);
	unlink(csv.path);
	csv = csv_write(text, len - 2);
	CHECK_INT(csv_parse(&csv, "", VALUE_NUMBER, NULL, &v, &err), 0);
	CHECK_INT(value_steps(&v), VALUE_ROWS_MAX);
	value_finish(&v);
	unlink(csv.path);
	free(text);
}

static CU_TestInfo tests[] = {
	{ "a column is read line by line and begins again",
	  test_a_column_is_read_line_by_line_and_begins_again },
	{ "columns are told apart as asked", test_columns_are_told_apart_as_asked },
	{ "a line may have any length", test_a_line_may_have_any_length },
	{ "columns without numbers are refused with file and line",
	  test_columns_without_numbers_are_refused_with_file_and_line },
	{ "files that are no columns are refused", test_files_that_are_no_columns_are_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("columns of values", tests);
}
