/*
 * test_hist.c - the histogram against sorted arrays, its percentile text against HdrHistogram's.
 *
 * What is marked "upstream" was written by hdr-histogram-js 3.0.1 (the HdrHistogram project), with
 * lowest 1, highest 60 s, 3 digits, and is kept as it came.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/hist.h"

#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/random.h"
#include "tests/test.h"

#define SEED   777
#define VALUES 20000

static void auto_hist(struct hist **h)
{
	hist_destroy(*h);
}

static struct hist *filled(const int64_t *values, size_t count)
{
	struct hist *h = hist_create();

	CU_ASSERT_FATAL(h != NULL);
	for (size_t i = 0; i < count; i++)
		hist_record(h, values[i]);
	return h;
}

static void test_edges_fall_where_hdrhistogram_puts_them(void)
{
	static const struct {
		int64_t value;
		uint32_t index;
		int64_t low, high;
	} rows[] = {
		{ 0, 0, 0, 0 },
		{ 1, 1, 1, 1 },
		{ 1023, 1023, 1023, 1023 },
		{ 1024, 1024, 1024, 1024 },
		{ 2047, 2047, 2047, 2047 },
		{ 2048, 2048, 2048, 2049 },
		{ 2049, 2048, 2048, 2049 },
		{ 2050, 2049, 2050, 2051 },
		{ 4095, 3071, 4094, 4095 },
		{ 4096, 3072, 4096, 4099 },
		{ 10000, 4322, 10000, 10007 },
		{ 1000000000, 21363, 999817216, 1000341503 },
		{ HIST_MAX_NS, 27388, 59995324416, 60028878847 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_INT(hist_index((uint64_t)rows[i].value), rows[i].index);
		CHECK_INT(hist_counter_low(rows[i].index), rows[i].low);
		CHECK_INT(hist_counter_high(rows[i].index), rows[i].high);
	}
	CHECK_INT(hist_counter_high(HIST_COUNTERS - 1), 68719476735);
	CHECK_INT(hist_counter_high(55295), INT64_MAX);
}

static void test_counters_meet_without_gap_and_hold_a_thousandth(void)
{
	for (uint32_t i = 0; i + 1 < HIST_COUNTERS; i++) {
		int64_t low = hist_counter_low(i), high = hist_counter_high(i);

		CHECK_INT(hist_counter_low(i + 1), high + 1);
		CU_ASSERT((high - low) * 1000 <= low);
		CHECK_INT(hist_index((uint64_t)low), i);
		CHECK_INT(hist_index((uint64_t)high), i);
	}
}

static void test_an_empty_histogram_is_all_zeros(void)
{
	AUTO(auto_hist) struct hist *h = filled(NULL, 0);
	struct hist_iter it = hist_iter(h);

	CHECK_INT(hist_count(h), 0);
	CHECK_INT(hist_min(h), 0);
	CHECK_INT(hist_max(h), 0);
	CHECK_INT(hist_quantile(h, 0.5), 0);
	CHECK_NEAR(hist_mean(h), 0, 0);
	CHECK_NEAR(hist_stddev(h), 0, 0);
	CHECK_INT(hist_next(&it), 0);
	CHECK_INT(hist_next(&it), 0);
}

static void test_minimum_maximum_and_count_are_exact(void)
{
	const int64_t values[] = { 1234567, 7654321, 999999 };
	AUTO(auto_hist) struct hist *h = filled(values, 3);

	CHECK_INT(hist_min(h), 999999);
	CHECK_INT(hist_max(h), 7654321);
	CHECK_INT(hist_count(h), 3);
	CHECK_INT(hist_quantile(h, 1), 7654321);
	hist_reset(h);
	CHECK_INT(hist_count(h), 0);
	CHECK_INT(hist_min(h), 0);
	hist_record(h, -5);
	CHECK_INT(hist_min(h), 0);
	CHECK_INT(hist_max(h), 0);
	CHECK_INT(hist_count(h), 1);
}

static void test_more_than_sixty_seconds_is_over_and_not_lost(void)
{
	const int64_t values[] = { 5, HIST_MAX_NS, HIST_MAX_NS + 1, 100000000000, INT64_MAX };
	AUTO(auto_hist) struct hist *h = filled(values, 5);
	struct hist_iter it = hist_iter(h);

	CHECK_INT(hist_count(h), 5);
	CHECK_INT(hist_over(h), 3);
	CHECK_INT(hist_max(h), INT64_MAX);
	CHECK_INT(hist_quantile(h, 0.4), 60028878847);
	CHECK_INT(hist_quantile(h, 0.6), INT64_MAX);
	hist_next(&it);
	hist_next(&it);
	CHECK_INT(hist_next(&it), 1);
	CHECK_INT(it.low_ns, HIST_MAX_NS + 1);
	CHECK_INT(it.high_ns, INT64_MAX);
	CHECK_INT(it.count, 3);
	CHECK_INT(it.below, 2);
	CHECK_INT(hist_next(&it), 0);
}

/* Log-uniform: as many values between 1 and 10 ns as between 1 and 10 s. */
static void draw(int64_t *values, uint32_t parameter)
{
	struct random_key key = random_key(SEED, 0, 0, parameter);

	for (uint64_t i = 0; i < VALUES; i++)
		values[i] = (int64_t)exp(random_unit(&key, i) * log(5e10));
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void test_quantiles_are_within_a_thousandth_of_a_sorted_array(void)
{
	static int64_t values[VALUES];
	AUTO(auto_hist) struct hist *h = NULL;

	draw(values, 1);
	h = filled(values, VALUES);
	qsort(values, VALUES, sizeof(*values), compare);
	for (size_t rank = 1; rank <= VALUES; rank += 11) {
		int64_t want = values[rank - 1], got = hist_quantile(h, (double)rank / VALUES);

		CU_ASSERT(got >= want && (double)(got - want) <= 0.001 * (double)want);
	}
	CHECK_INT(hist_quantile(h, 1), values[VALUES - 1]);
	CHECK_INT(hist_quantile(h, 2), values[VALUES - 1]);
	CHECK_INT(hist_quantile(h, 0), hist_quantile(h, 1.0 / VALUES));
	CHECK_INT(hist_quantile(h, -1), hist_quantile(h, 0));
}

static void test_a_quantile_takes_the_rank_that_is_meant(void)
{
	AUTO(auto_hist) struct hist *h = filled(NULL, 0);

	for (int64_t i = 1; i <= 100; i++)
		hist_record(h, i);
	/* 0.07 x 100 and 0.29 x 100 are not whole in binary. */
	for (int64_t i = 1; i <= 100; i++)
		CHECK_INT(hist_quantile(h, (double)i / 100), i);
	CHECK_INT(hist_quantile(h, 0.291), 30);
}

static void test_mean_and_deviation_agree_with_the_values(void)
{
	static int64_t values[VALUES];
	AUTO(auto_hist) struct hist *h = NULL;
	double sum = 0, squares = 0;

	draw(values, 2);
	h = filled(values, VALUES);
	for (size_t i = 0; i < VALUES; i++)
		sum += (double)values[i];
	for (size_t i = 0; i < VALUES; i++)
		squares += pow((double)values[i] - sum / VALUES, 2);
	CHECK_NEAR(hist_mean(h), sum / VALUES, sum / VALUES / 1000);
	CHECK_NEAR(hist_stddev(h), sqrt(squares / VALUES), sqrt(squares / VALUES) / 1000);
}

static void test_merging_is_recording_everything_in_one(void)
{
	static int64_t values[2][VALUES];
	AUTO(auto_hist) struct hist *a = NULL;
	AUTO(auto_hist) struct hist *b = NULL;
	AUTO(auto_hist) struct hist *all = NULL;

	draw(values[0], 3);
	draw(values[1], 4);
	values[1][7] = HIST_MAX_NS * 2;
	a = filled(values[0], VALUES);
	b = filled(values[1], VALUES);
	all = filled(values[0], VALUES);
	for (size_t i = 0; i < VALUES; i++)
		hist_record(all, values[1][i]);
	hist_merge(a, b);
	CU_ASSERT(!memcmp(a, all, sizeof(*a)));
	hist_reset(b);
	hist_merge(a, b);
	CU_ASSERT(!memcmp(a, all, sizeof(*a)));
	hist_merge(b, a);
	CU_ASSERT(!memcmp(b, all, sizeof(*a)));
}

static void test_the_iterator_sees_every_value_once(void)
{
	static int64_t values[VALUES];
	AUTO(auto_hist) struct hist *h = NULL;
	struct hist_iter it;
	uint64_t count = 0;
	int64_t last = -1;

	draw(values, 5);
	h = filled(values, VALUES);
	for (it = hist_iter(h); hist_next(&it);) {
		CHECK_INT(it.below, count);
		CU_ASSERT(it.low_ns > last && it.high_ns >= it.low_ns);
		last = it.high_ns;
		count += it.count;
	}
	CHECK_INT(count, VALUES);
}

/* Upstream: 6 x 1000, 3 x 2500, 1 x 70000, divided by 1000. */
static const char upstream_hgrm[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n"
				    "\n"
				    "       1.000 0.000000000000          6           1.00\n"
				    "       1.000 0.100000000000          6           1.11\n"
				    "       1.000 0.200000000000          6           1.25\n"
				    "       1.000 0.300000000000          6           1.43\n"
				    "       1.000 0.400000000000          6           1.67\n"
				    "       1.000 0.500000000000          6           2.00\n"
				    "       1.000 0.550000000000          6           2.22\n"
				    "       1.000 0.600000000000          6           2.50\n"
				    "       2.501 0.650000000000          9           2.86\n"
				    "       2.501 0.700000000000          9           3.33\n"
				    "       2.501 0.750000000000          9           4.00\n"
				    "       2.501 0.775000000000          9           4.44\n"
				    "       2.501 0.800000000000          9           5.00\n"
				    "       2.501 0.825000000000          9           5.71\n"
				    "       2.501 0.850000000000          9           6.67\n"
				    "       2.501 0.875000000000          9           8.00\n"
				    "       2.501 0.887500000000          9           8.89\n"
				    "       2.501 0.900000000000          9          10.00\n"
				    "      70.015 0.912500000000         10          11.43\n"
				    "      70.015 1.000000000000         10\n"
				    "#[Mean    =        8.349, StdDeviation   =       20.556]\n"
				    "#[Max     =       70.000, Total count    =           10]\n"
				    "#[Buckets =           26, SubBuckets     =         2048]\n";

/* What is written to a FILE, at most size bytes. */
static FILE *open_text(char *buf, size_t size)
{
	FILE *out = fmemopen(buf, size, "w");

	CU_ASSERT_FATAL(out != NULL);
	return out;
}

static void test_the_percentile_text_is_the_upstream_one(void)
{
	AUTO(auto_hist) struct hist *h = hist_create();
	char text[4096];
	FILE *out;

	hist_record_n(h, 1000, 6);
	hist_record_n(h, 2500, 3);
	hist_record_n(h, 70000, 1);
	out = open_text(text, sizeof(text));
	CHECK_INT(hist_write_hgrm(h, out, 1000, NULL), 0);
	fclose(out);
	CHECK_TEXT(text, upstream_hgrm);
}

static void test_the_percentile_text_ends_whatever_the_counts(void)
{
	AUTO(auto_hist) struct hist *h = hist_create();
	static char text[1 << 16];
	FILE *out = open_text(text, sizeof(text));

	CHECK_INT(hist_write_hgrm(h, out, 1000, NULL), 0);
	fclose(out);
	CU_ASSERT(strstr(text, "Total count    =            0]") != NULL);

	hist_record_n(h, 1, 1ULL << 62);
	hist_record(h, HIST_MAX_NS * 3);
	out = open_text(text, sizeof(text));
	CHECK_INT(hist_write_hgrm(h, out, 1000, NULL), 0);
	fclose(out);
	CU_ASSERT(strstr(text, "180000000.000 1.000000000000 4611686018427387905\n") != NULL);
}

static CU_TestInfo tests[] = {
	{ "edges fall where HdrHistogram puts them", test_edges_fall_where_hdrhistogram_puts_them },
	{ "counters meet without gap and hold a thousandth",
	  test_counters_meet_without_gap_and_hold_a_thousandth },
	{ "an empty histogram is all zeros", test_an_empty_histogram_is_all_zeros },
	{ "minimum, maximum and count are exact", test_minimum_maximum_and_count_are_exact },
	{ "more than sixty seconds is over and not lost",
	  test_more_than_sixty_seconds_is_over_and_not_lost },
	{ "quantiles are within a thousandth of a sorted array",
	  test_quantiles_are_within_a_thousandth_of_a_sorted_array },
	{ "a quantile takes the rank that is meant", test_a_quantile_takes_the_rank_that_is_meant },
	{ "mean and deviation agree with the values",
	  test_mean_and_deviation_agree_with_the_values },
	{ "merging is recording everything in one", test_merging_is_recording_everything_in_one },
	{ "the iterator sees every value once", test_the_iterator_sees_every_value_once },
	{ "the percentile text is the upstream one", test_the_percentile_text_is_the_upstream_one },
	{ "the percentile text ends whatever the counts",
	  test_the_percentile_text_ends_whatever_the_counts },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("hist", tests);
}
