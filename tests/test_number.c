/*
 * test_number.c - measured values as text, by rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/number.h"

#include <math.h>

#include "tests/test.h"

struct row {
	double value;
	const char *want;
};
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void check_rows(const char *(*format)(double, char *), const struct row *rows, size_t count)
{
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < count; i++)
		CHECK_TEXT(format(rows[i].value, text), rows[i].want);
}

static const struct row plain_rows[] = {
	{ 0, "0.00" },	  { 9.994, "9.99" },	 { 9.996, "10.0" },    { 99.94, "99.9" },
	{ 99.96, "100" }, { -3.14159, "-3.14" }, { 123456, "123456" }, { 1e15, "1e+15" },
	{ NAN, "-" },	  { INFINITY, "-" },
};
static const struct row percent_rows[] = {
	{ 1, "0.0 %" },	      { 0.858, "-14.2 %" }, { 1.0004, "0.0 %" }, { 0.9996, "0.0 %" },
	{ 1.0006, "+0.1 %" }, { 3.5, "+250 %" },    { NAN, "-" },
};
static const struct row share_rows[] = {
	{ 0.0123, "1.2 %" },
	{ 0, "0.0 %" },
	{ 1.5, "150 %" },
	{ NAN, "-" },
};
static const struct row p_rows[] = {
	{ 0.0004, "<0.001" }, { 0.0123, "0.012" }, { 0.5, "0.50" }, { 1, "1.00" }, { NAN, "-" },
};

static void test_three_digits_are_enough(void)
{
	check_rows(number_plain, plain_rows, COUNT(plain_rows));
}

static void test_ratios_are_percent_with_a_sign(void)
{
	check_rows(number_percent, percent_rows, COUNT(percent_rows));
	check_rows(number_share, share_rows, COUNT(share_rows));
}

static void test_p_values_are_not_overdone(void)
{
	check_rows(number_p, p_rows, COUNT(p_rows));
}

static const struct unit_row {
	enum metric m;
	double value;
	const char *want;
} unit_rows[] = {
	{ METRIC_P50, 950, "950 ns" },	    { METRIC_P50, 98300, "98.3 us" },
	{ METRIC_P99, 1.5e6, "1.50 ms" },   { METRIC_P99, 2e9, "2.00 s" },
	{ METRIC_RATE, 20000, "20.0 k/s" }, { METRIC_RATE, 5, "5.00/s" },
	{ METRIC_SYSCALLS, 4.1, "4.10" },   { METRIC_P50, NAN, "-" },
};

static void test_values_have_the_unit_that_fits(void)
{
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < COUNT(unit_rows); i++)
		CHECK_TEXT(number_human(unit_rows[i].m, unit_rows[i].value, text),
			   unit_rows[i].want);
}

static void test_intervals_and_ranges(void)
{
	struct number_unit us = number_unit_for(METRIC_P50, 50e3);
	char text[NUMBER_TEXT];

	CHECK_TEXT(number_interval(0.841, 0.876, text), "[-15.9, -12.4]");
	CHECK_TEXT(number_interval(0.9999, 3.5, text), "[0.0, +250]");
	CHECK_TEXT(number_interval(NAN, 1, text), "-");
	CHECK_TEXT(number_interval(0, INFINITY, text), "-");
	CHECK_TEXT(number_range_in(71.2e3, 106.8e3, us, text), "71.2-107");
	CHECK_TEXT(number_range_in(NAN, NAN, us, text), "-");
	CHECK_TEXT(number_interval(1e-300, 1e300, text), "[-100, +1.0e+302]");
}

static void test_a_column_without_values_has_no_unit(void)
{
	struct config_summary configs[2];
	struct dataset data = { .config_count = 2 };
	struct analysis a = { .data = &data, .configs = configs };

	configs[0].at[METRIC_P99].value = configs[1].at[METRIC_P99].value = NAN;
	CHECK_TEXT(number_unit_of(&a, METRIC_P99).name, "");
	configs[1].at[METRIC_P99].value = 2e6;
	CHECK_TEXT(number_unit_of(&a, METRIC_P99).name, "ms");
}

static CU_TestInfo tests[] = {
	{ "three digits are enough", test_three_digits_are_enough },
	{ "ratios are per cent with a sign", test_ratios_are_percent_with_a_sign },
	{ "p values are not overdone", test_p_values_are_not_overdone },
	{ "values have the unit that fits", test_values_have_the_unit_that_fits },
	{ "intervals and ranges", test_intervals_and_ranges },
	{ "a column without values has no unit", test_a_column_without_values_has_no_unit },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("number", tests);
}
