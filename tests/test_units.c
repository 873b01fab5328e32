/*
 * test_units.c - numbers with units, by rows: what is read, what is refused and how it is written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/units.h"

#include <errno.h>
#include <math.h>

#include "tests/test.h"

/* text, code, value, how it is written again; for refusals the sentence instead. */
struct row {
	enum unit unit;
	const char *text, *bare;
	int code;
	int64_t value;
	const char *says;
};

static const struct row rows[] = {
	{ UNIT_TIME, "10us", NULL, 0, 10000, "10us" },
	{ UNIT_TIME, "1500us", NULL, 0, 1500000, "1.5ms" },
	{ UNIT_TIME, "1.5ms", NULL, 0, 1500000, "1.5ms" },
	{ UNIT_TIME, "1.50ms", NULL, 0, 1500000, "1.5ms" },
	{ UNIT_TIME, ".1us", NULL, 0, 100, "100ns" },
	{ UNIT_TIME, "0ns", NULL, 0, 0, "0ns" },
	{ UNIT_TIME, "0s", NULL, 0, 0, "0ns" },
	{ UNIT_TIME, "0010ms", NULL, 0, 10000000, "10ms" },
	{ UNIT_TIME, "7\u00b5s", NULL, 0, 7000, "7us" },
	{ UNIT_TIME, "7\u03bcs", NULL, 0, 7000, "7us" },
	{ UNIT_TIME, "60s", NULL, 0, 60000000000, "60s" },
	{ UNIT_TIME, "1.000000001s", NULL, 0, 1000000001, "1000000001ns" },
	{ UNIT_TIME, "1.000000001000s", NULL, 0, 1000000001, "1000000001ns" },
	{ UNIT_TIME, "2097152ns", NULL, 0, 2097152, "2097152ns" },
	{ UNIT_TIME, "9223372036854775807ns", NULL, 0, INT64_MAX, "9223372036854775807ns" },
	{ UNIT_TIME, "9223372036s", NULL, 0, 9223372036000000000, "9223372036s" },
	{ UNIT_TIME, "10", "us", 0, 10000, "10us" },
	{ UNIT_TIME, "10ms", "us", 0, 10000000, "10ms" },
	{ UNIT_TIME, "1.5k", "us", 0, 1500000, "1.5ms" },
	{ UNIT_TIME, "10m", "us", 0, 10000000000, "10s" },
	{ UNIT_TIME, "10", NULL, -EINVAL, 0, "\"10\" has no unit: try 10ms or 10s" },
	{ UNIT_TIME, "0", NULL, -EINVAL, 0, "\"0\" has no unit: try 0ms or 0s" },
	{ UNIT_TIME, "10k", NULL, -EINVAL, 0,
	  "\"10k\" has an unknown unit: try 10ms (units are ns, us, ms, s)" },
	{ UNIT_TIME, "10q", NULL, -EINVAL, 0,
	  "\"10q\" has an unknown unit: try 10ms (units are ns, us, ms, s)" },
	{ UNIT_TIME, "10sec", NULL, -EINVAL, 0,
	  "\"10sec\" has an unknown unit: try 10s (units are ns, us, ms, s)" },
	{ UNIT_TIME, "10usec", NULL, -EINVAL, 0,
	  "\"10usec\" has an unknown unit: try 10us (units are ns, us, ms, s)" },
	{ UNIT_TIME, "10 ms", NULL, -EINVAL, 0,
	  "\"10 ms\" has an unknown unit: try 10ms (units are ns, us, ms, s)" },
	{ UNIT_TIME, "1.5.2ms", NULL, -EINVAL, 0,
	  "\"1.5.2ms\" has an unknown unit: try 1.5ms (units are ns, us, ms, s)" },
	{ UNIT_TIME, "1.ms", NULL, -EINVAL, 0,
	  "\"1.ms\" has an unknown unit: try 1ms (units are ns, us, ms, s)" },
	{ UNIT_TIME, "", NULL, -EINVAL, 0, "\"\" is not a time: try 10ms" },
	{ UNIT_TIME, "soon", NULL, -EINVAL, 0, "\"soon\" is not a time: try 10ms" },
	{ UNIT_TIME, "ms", NULL, -EINVAL, 0, "\"ms\" is not a time: try 10ms" },
	{ UNIT_TIME, ".ms", NULL, -EINVAL, 0, "\".ms\" is not a time: try 10ms" },
	{ UNIT_TIME, "+1us", NULL, -EINVAL, 0, "\"+1us\" is not a time: try 10ms" },
	{ UNIT_TIME, "-1us", NULL, -EINVAL, 0, "\"-1us\" is negative: a time starts at 0" },
	{ UNIT_TIME, "1.5ns", NULL, -EINVAL, 0,
	  "\"1.5ns\" is not a whole number of ns: try 1ns or 2ns" },
	{ UNIT_TIME, "0.0000000001s", NULL, -EINVAL, 0,
	  "\"0.0000000001s\" is not a whole number of ns: try 0ns or 1ns" },
	{ UNIT_TIME, "9223372036854775808ns", NULL, -EINVAL, 0,
	  "\"9223372036854775808ns\" is too large: at most 9223372036854775807ns" },
	{ UNIT_TIME, "9223372037s", NULL, -EINVAL, 0,
	  "\"9223372037s\" is too large: at most 9223372036854775807ns" },
	{ UNIT_TIME, "99999999999999999999999s", NULL, -EINVAL, 0,
	  "\"99999999999999999999999s\" is too large: at most 9223372036854775807ns" },
	{ UNIT_TIME, "36893488147.419103233s", NULL, -EINVAL, 0, /* 2^65 + 1 ns */
	  "\"36893488147.419103233s\" is too large: at most 9223372036854775807ns" },

	{ UNIT_SIZE, "64B", NULL, 0, 64, "64B" },
	{ UNIT_SIZE, "64b", "B", 0, 64, "64B" },
	{ UNIT_SIZE, "10kb", "B", 0, 10000, "10kB" },
	{ UNIT_SIZE, "10Mb", "KiB", 0, 10000000, "10MB" },
	{ UNIT_SIZE, "10kib", "B", -EINVAL, 0,
	  "\"10kib\" has an unknown unit: try 10KiB (units are B, kB, MB, GB, KiB, MiB, GiB)" },
	{ UNIT_SIZE, "4KiB", NULL, 0, 4096, "4KiB" },
	{ UNIT_SIZE, "1kB", NULL, 0, 1000, "1kB" },
	{ UNIT_SIZE, "1536B", NULL, 0, 1536, "1.5KiB" },
	{ UNIT_SIZE, "1.5MiB", NULL, 0, 1572864, "1.5MiB" },
	{ UNIT_SIZE, "1572865B", NULL, 0, 1572865, "1572865B" },
	{ UNIT_SIZE, "1460B", NULL, 0, 1460, "1460B" },
	{ UNIT_SIZE, "65536B", NULL, 0, 65536, "64KiB" },
	{ UNIT_SIZE, "0.5GiB", NULL, 0, 536870912, "512MiB" },
	{ UNIT_SIZE, "1000000B", NULL, 0, 1000000, "1MB" },
	{ UNIT_SIZE, "0.25KiB", NULL, 0, 256, "256B" },
	{ UNIT_SIZE, "64", "B", 0, 64, "64B" },
	{ UNIT_SIZE, "4k", "B", 0, 4000, "4kB" },
	{ UNIT_SIZE, "64", NULL, -EINVAL, 0, "\"64\" has no unit: try 64KiB or 64B" },
	{ UNIT_SIZE, "4k", NULL, -EINVAL, 0,
	  "\"4k\" has an unknown unit: try 4kB (units are B, kB, MB, GB, KiB, MiB, GiB)" },
	{ UNIT_SIZE, "4Ki", NULL, -EINVAL, 0,
	  "\"4Ki\" has an unknown unit: try 4KiB (units are B, kB, MB, GB, KiB, MiB, GiB)" },
	{ UNIT_SIZE, "0.1KiB", NULL, -EINVAL, 0,
	  "\"0.1KiB\" is not a whole number of B: try 102B or 103B" },
	{ UNIT_SIZE, "8589934592GiB", NULL, -EINVAL, 0,
	  "\"8589934592GiB\" is too large: at most 9223372036854775807B" },

	{ UNIT_COUNT, "12", NULL, 0, 12, "12" },
	{ UNIT_COUNT, "4k", NULL, 0, 4000, "4k" },
	{ UNIT_COUNT, "4K", NULL, 0, 4000, "4k" },
	{ UNIT_COUNT, "1.5k", NULL, 0, 1500, "1.5k" },
	{ UNIT_COUNT, "4096", NULL, 0, 4096, "4096" },
	{ UNIT_COUNT, "2m", NULL, 0, 2000000, "2M" },
	{ UNIT_COUNT, "3G", NULL, 0, 3000000000, "3G" },
	{ UNIT_COUNT, "-20", NULL, 0, -20, "-20" },
	{ UNIT_COUNT, "-20k", NULL, 0, -20000, "-20k" },
	{ UNIT_COUNT, "-0", NULL, 0, 0, "0" },
	{ UNIT_COUNT, "-9223372036854775807", NULL, 0, -INT64_MAX, "-9223372036854775807" },
	{ UNIT_COUNT, "1.5", NULL, -EINVAL, 0, "\"1.5\" is not a whole number: try 1 or 2" },
	{ UNIT_COUNT, "12x", NULL, -EINVAL, 0, "\"12x\" is not a whole number: try 12" },
	{ UNIT_COUNT, "1kk", NULL, -EINVAL, 0, "\"1kk\" is not a whole number: try 1k" },
	{ UNIT_COUNT, "--1", NULL, -EINVAL, 0, "\"--1\" is not a whole number: try 10" },
	{ UNIT_COUNT, "", NULL, -EINVAL, 0, "\"\" is not a whole number: try 10" },
	{ UNIT_COUNT, "10G0", NULL, -EINVAL, 0, "\"10G0\" is not a whole number: try 10G" },
	{ UNIT_COUNT, "9223372037G", NULL, -EINVAL, 0,
	  "\"9223372037G\" is too large: at most 9223372036854775807" },
};

static void check_row(const struct row *row)
{
	struct err err = { 0 };
	int64_t value = 4711;
	char buf[64];

	CHECK_INT(units_parse(row->unit, row->text, row->bare, &value, &err), row->code);
	if (row->code) {
		CHECK_INT(value, 4711);
		CHECK_TEXT(err.text, row->says);
	} else {
		CHECK_INT(value, row->value);
		CHECK_TEXT(units_format(row->unit, value, buf, sizeof(buf)), row->says);
	}
}

static void test_whole_quantities_are_exact_or_refused(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

static void test_real_quantities_need_not_be_whole(void)
{
	static const struct {
		enum unit unit;
		const char *text, *bare;
		int code;
		double value;
		const char *says;
	} reals[] = {
		{ UNIT_TIME, "1.5ns", NULL, 0, 1.5, "1.5ns" },
		{ UNIT_TIME, "0.1us", NULL, 0, 100, "100ns" },
		{ UNIT_TIME, "1.005", "us", 0, 1005, "1005ns" },
		{ UNIT_TIME, "2.5e-3", "us", 0, 2.5, "2.5ns" },
		{ UNIT_TIME, "1E3us", NULL, 0, 1e6, "1ms" },
		{ UNIT_TIME, "10m", "us", 0, 1e10, "10s" },
		{ UNIT_COUNT, "-0.1", NULL, 0, -0.1, "-0.1" },
		{ UNIT_COUNT, "1e-300", NULL, 0, 1e-300, "1e-300" },
		{ UNIT_COUNT, "2", "k", 0, 2000, "2k" },
		{ UNIT_COUNT, "1.5k", NULL, 0, 1500, "1.5k" },
		{ UNIT_TIME, "10", NULL, -EINVAL, 0, "\"10\" has no unit: try 10ms or 10s" },
		{ UNIT_TIME, "1e", "us", -EINVAL, 0,
		  "\"1e\" has an unknown unit: try 1ms (units are ns, us, ms, s)" },
		{ UNIT_TIME, "-1ns", NULL, -EINVAL, 0, "\"-1ns\" is negative: a time starts at 0" },
		{ UNIT_COUNT, "x", NULL, -EINVAL, 0, "\"x\" is not a number: try 10" },
		{ UNIT_COUNT, "1e400", NULL, -EINVAL, 0, "\"1e400\" is too large: at most 9e+18" },
		{ UNIT_COUNT, "inf", NULL, -EINVAL, 0, "\"inf\" is not a number: try 10" },
	};

	for (size_t i = 0; i < sizeof(reals) / sizeof(*reals); i++) {
		struct err err = { 0 };
		double value = 4711, back;
		char buf[64];

		CHECK_INT(
			units_parse_real(reals[i].unit, reals[i].text, reals[i].bare, &value, &err),
			reals[i].code);
		CHECK_NEAR(value, reals[i].code ? 4711 : reals[i].value, 0);
		if (reals[i].code) {
			CHECK_TEXT(err.text, reals[i].says);
			continue;
		}
		units_format_real(reals[i].unit, value, buf, sizeof(buf));
		CHECK_TEXT(buf, reals[i].says);
		CHECK_INT(units_parse_real(reals[i].unit, buf, NULL, &back, NULL), 0);
		CU_ASSERT(back == value);
	}
}

static void test_what_is_written_reads_back(void)
{
	uint64_t x = 88172645463325252; /* xorshift64, Marsaglia 2003 */
	int64_t back;
	char buf[64];

	for (int i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		for (enum unit unit = UNIT_TIME; unit <= UNIT_COUNT; unit++) {
			int64_t value = (int64_t)(x >> (1 + i % 63)) / 1000 * (i % 3 ? 1000 : 1);

			units_format(unit, value, buf, sizeof(buf));
			back = -1;
			CHECK_INT(units_parse(unit, buf, NULL, &back, NULL), 0);
			CHECK_INT(back, value);
		}
	}
}

static void test_the_most_negative_number_can_be_written(void)
{
	char buf[64];

	CHECK_TEXT(units_format(UNIT_COUNT, INT64_MIN, buf, sizeof(buf)), "-9223372036854775808");
}

struct real_row {
	const char *text;
	int code;
	double value;
	const char *says;
};

static const struct real_row rates[] = {
	{ "20k", 0, 20000, "20k" },
	{ "20k/s", 0, 20000, "20k" },
	{ "20000", 0, 20000, "20k" },
	{ "20000/s", 0, 20000, "20k" },
	{ "0.5", 0, 0.5, "0.5" },
	{ "0", 0, 0, "0" },
	{ "1.1k", 0, 1100, "1.1k" },
	{ "1234", 0, 1234, "1234" },
	{ "0.3", 0, 0.3, "0.3" },
	{ "0.30000000000000004", 0, 0.1 + 0.2, "0.30000000000000004" },
	{ "2m", 0, 2e6, "2M" },
	{ "1000G", 0, 1e12, "1000G" },
	{ "1001G", -EINVAL, 0, "\"1001G\" is too large: at most 1000G" },
	{ "20kk", -EINVAL, 0, "\"20kk\" is not a rate: try 20k (units are k, M, G)" },
	{ "20k/m", -EINVAL, 0, "\"20k/m\" is not a rate: try 20k (units are k, M, G)" },
	{ "20k/", -EINVAL, 0, "\"20k/\" is not a rate: try 20k (units are k, M, G)" },
	{ "20hz", -EINVAL, 0, "\"20hz\" is not a rate: try 20 (units are k, M, G)" },
	{ "1e5", -EINVAL, 0, "\"1e5\" is not a rate: try 1 (units are k, M, G)" },
	{ "0x10", -EINVAL, 0, "\"0x10\" is not a rate: try 0 (units are k, M, G)" },
	{ "inf", -EINVAL, 0, "\"inf\" is not a rate: try 20k" },
	{ "nan", -EINVAL, 0, "\"nan\" is not a rate: try 20k" },
	{ "", -EINVAL, 0, "\"\" is not a rate: try 20k" },
	{ "-1", -EINVAL, 0, "\"-1\" is negative: a rate starts at 0" },
};

static const struct real_row shares[] = {
	{ "5%", 0, 0.05, "5%" },
	{ "0.05", 0, 0.05, "5%" },
	{ "100%", 0, 1, "100%" },
	{ "1", 0, 1, "100%" },
	{ "0", 0, 0, "0%" },
	{ "0.1%", 0, 0.001, "0.1%" },
	{ "0.07", 0, 0.07, "7%" },
	{ "29%", 0, 0.29, "29%" },
	{ "5", -EINVAL, 0, "\"5\" is more than 1: did you mean 5%?" },
	{ "101%", -EINVAL, 0, "\"101%\" is more than 1: at most 100%" },
	{ "101", -EINVAL, 0, "\"101\" is more than 1: at most 100%" },
	{ "5%%", -EINVAL, 0, "\"5%%\" is not a share: try 5%" },
	{ "5 %", -EINVAL, 0, "\"5 %\" is not a share: try 5%" },
	{ "half", -EINVAL, 0, "\"half\" is not a share: try 5%" },
	{ "-5%", -EINVAL, 0, "\"-5%\" is negative: a share starts at 0" },
};

static void check_real(const struct real_row *row,
		       int (*parse)(const char *, double *, struct err *),
		       const char *(*format)(double, char *, size_t))
{
	struct err err = { 0 };
	double value = 4711;
	char buf[64];

	CHECK_INT(parse(row->text, &value, &err), row->code);
	if (row->code) {
		CU_ASSERT(value == 4711);
		CHECK_TEXT(err.text, row->says);
	} else {
		CHECK_NEAR(value, row->value, 0);
		CHECK_TEXT(format(value, buf, sizeof(buf)), row->says);
	}
}

static void test_rates_and_shares_read_back_to_the_same_double(void)
{
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		check_real(&rates[i], units_parse_rate, units_format_rate);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		check_real(&shares[i], units_parse_share, units_format_share);
}

static void test_any_rate_survives_being_written(void)
{
	char buf[128];
	double back;

	for (double rate = 1e-9; rate < 1e12; rate *= 1.0123456789) {
		back = -1;
		CHECK_INT(units_parse_rate(units_format_rate(rate, buf, sizeof(buf)), &back, NULL),
			  0);
		CHECK_NEAR(back, rate, 0);
	}
}

static void test_people_get_three_digits(void)
{
	static const struct {
		double value;
		const char *time, *count;
	} human[] = {
		{ 0, "0 ns", "0" },
		{ 5, "5 ns", "5" },
		{ 0.25, "0.25 ns", "0.25" },
		{ 12.34, "12.3 ns", "12.3" },
		{ 999, "999 ns", "999" },
		{ 999.6, "1.00 us", "1.00 k" },
		{ 1234567, "1.23 ms", "1.23 M" },
		{ 45600, "45.6 us", "45.6 k" },
		{ 9996, "10.0 us", "10.0 k" },
		{ 99960, "100 us", "100 k" },
		{ 2.5e9, "2.50 s", "2.50 G" },
		{ 3600e9, "3600 s", "3600 G" },
		{ -1234, "-1.23 us", "-1.23 k" },
	};
	char buf[32];

	for (size_t i = 0; i < sizeof(human) / sizeof(*human); i++) {
		CHECK_TEXT(units_human_time(human[i].value, buf, sizeof(buf)), human[i].time);
		CHECK_TEXT(units_human_count(human[i].value, buf, sizeof(buf)), human[i].count);
	}
}

static void test_a_short_buffer_cuts_and_never_overflows(void)
{
	char buf[8] = "xxxxxxx";

	units_format(UNIT_TIME, 1234567, buf, 4);
	CHECK_TEXT(buf, "123");
	CHECK_INT(buf[4], 'x');
	units_human_time(1234567, buf, 4);
	CHECK_TEXT(buf, "1.2");
	CHECK_INT(buf[4], 'x');
}

static CU_TestInfo tests[] = {
	{ "whole quantities are exact or refused", test_whole_quantities_are_exact_or_refused },
	{ "real quantities need not be whole", test_real_quantities_need_not_be_whole },
	{ "what is written reads back", test_what_is_written_reads_back },
	{ "the most negative number can be written", test_the_most_negative_number_can_be_written },
	{ "rates and shares read back to the same double",
	  test_rates_and_shares_read_back_to_the_same_double },
	{ "any rate survives being written", test_any_rate_survives_being_written },
	{ "people get three digits", test_people_get_three_digits },
	{ "a short buffer cuts and never overflows", test_a_short_buffer_cuts_and_never_overflows },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("units", tests);
}
