/*
 * test_enough.c - how many requests a percentile takes, and how few a sweep's runs have.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/enough.h"
#include "tests/test.h"

static void test_a_percentile_is_firm_with_a_hundred_requests_beyond_it(void)
{
	static const struct {
		double requests, per_s;
		enum metric primary;
		const char *want;
	} rows[] = {
		{ 10000, 1000, METRIC_CPU, "" },
		{ 9999, 0, METRIC_CPU, "p99 rests on 99 of them, 10000 would make it firm" },
		{ 5000, 10000, METRIC_CPU,
		  "p99 rests on 50 of them, 10000 (1.00 s) would make it firm" },
		{ 1000, 0, METRIC_P99, "p99 rests on 10 of them, 10000 would make it firm" },
		{ 999, 100, METRIC_P50,
		  "too few for a p99, which takes 1000 (10.0 s), or 10000 (100 s) to be firm" },
		{ 20000, 0, METRIC_P999, "p999 rests on 20 of them, 100000 would make it firm" },
		{ 99999, 0, METRIC_P99, "" },
		{ 5000, 0, METRIC_LATENESS_P99,
		  "p99 rests on 50 of them, 10000 would make it firm; lateness_p99 rests on 50 of "
		  "them, 10000 would make it firm" },
		{ 1, 0, METRIC_RATE,
		  "too few for a p50, which takes 20, or 200 to be firm; too few for a p99, which "
		  "takes 1000, or 10000 to be firm" },
		{ 0, 100, METRIC_P99, "" },
	};
	char text[ENOUGH_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_TEXT(enough_text(rows[i].requests, rows[i].per_s, rows[i].primary, text,
				       sizeof(text)),
			   rows[i].want);
}

static void test_the_longest_sentence_fits(void)
{
	char text[ENOUGH_TEXT];
	const char *end = "to be firm";

	enough_text(1, 1e-6, METRIC_SERVICE_P99, text, sizeof(text));
	CU_ASSERT(strlen(text) > strlen(end) && !strcmp(text + strlen(text) - strlen(end), end));
}

static void test_the_usable_run_with_the_fewest_requests_counts(void)
{
	struct lab_run runs[] = { { .usable = true, .requests = 500 },
				  { .usable = false, .requests = 3 },
				  { .usable = true, .requests = 400 },
				  { .usable = true } };
	struct dataset d = { .runs = runs, .run_count = 4 },
		       none = { .runs = runs + 3, .run_count = 1 };

	CU_ASSERT_PTR_EQUAL(enough_fewest(&d), &runs[2]);
	CU_ASSERT_PTR_NULL(enough_fewest(&none));
}

static CU_TestInfo tests[] = {
	{ "a percentile is firm with a hundred requests beyond it",
	  test_a_percentile_is_firm_with_a_hundred_requests_beyond_it },
	{ "the longest sentence fits", test_the_longest_sentence_fits },
	{ "the usable run with the fewest requests counts",
	  test_the_usable_run_with_the_fewest_requests_counts },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("enough", tests);
}
