/*
 * test_bucket.c - the token bucket: never more than burst + rate * t, and never less for long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/random.h"
#include "proxy/bucket.h"
#include "tests/test.h"

#define SEED 20261122

static void test_no_rate_is_no_limit(void)
{
	const struct bucket_limit limit = { 0, 1500 };
	struct bucket b = { 0 };

	bucket_take(&b, &limit, 1 << 30);
	CHECK_INT(bucket_ready_ns(&b, &limit, 7, 1 << 30), 7);
}

static void test_the_burst_passes_at_once_and_the_rest_at_the_rate(void)
{
	const struct bucket_limit limit = { 1000, 100 }; /* a byte a millisecond */
	struct bucket b = { 0 };

	CHECK_INT(bucket_ready_ns(&b, &limit, 5 * SEC, 100), 5 * SEC);
	bucket_take(&b, &limit, 100);
	CHECK_INT(bucket_ready_ns(&b, &limit, 5 * SEC, 1), 5 * SEC + MS);
	CHECK_INT(bucket_ready_ns(&b, &limit, 5 * SEC, 100), 5 * SEC + 100 * MS);
	CHECK_INT(bucket_ready_ns(&b, &limit, 5 * SEC + 50 * MS, 100), 5 * SEC + 100 * MS);
}

static void test_rounding_is_upwards_and_does_not_add_up(void)
{
	const struct bucket_limit limit = { 3, 1 }; /* a third of a second a byte */
	struct bucket b = { 0 };
	int64_t now_ns = 0;

	for (int i = 1; i <= 3000; i++) {
		now_ns = bucket_ready_ns(&b, &limit, now_ns, 1);
		bucket_take(&b, &limit, 1);
		CHECK_INT(now_ns, ((i - 1) * SEC + 2) / 3);
	}
}

static void test_a_pause_saves_no_more_than_the_burst(void)
{
	const struct bucket_limit limit = { 1000, 100 };
	struct bucket b = { 0 };

	bucket_take(&b, &limit, 100);
	CHECK_INT(bucket_ready_ns(&b, &limit, 3600 * SEC, 100), 3600 * SEC);
	bucket_take(&b, &limit, 100);
	CHECK_INT(bucket_ready_ns(&b, &limit, 3600 * SEC, 1), 3600 * SEC + MS);
}

static void test_more_than_the_burst_waits_for_a_full_bucket_and_leaves_a_debt(void)
{
	const struct bucket_limit limit = { 1000, 100 };
	struct bucket b = { 0 };

	CHECK_INT(bucket_ready_ns(&b, &limit, SEC, 400), SEC);
	bucket_take(&b, &limit, 400);
	CHECK_INT(bucket_ready_ns(&b, &limit, SEC, 400), SEC + 400 * MS);
	CHECK_INT(bucket_ready_ns(&b, &limit, SEC, 1), SEC + 301 * MS);
}

static void test_a_burst_of_more_than_a_second_is_there_at_once(void)
{
	const struct bucket_limit limit = { 1000, 5000 };
	struct bucket b = { 0 };

	CHECK_INT(bucket_ready_ns(&b, &limit, 0, 2500), 0);
	bucket_take(&b, &limit, 2500);
	CHECK_INT(bucket_ready_ns(&b, &limit, 0, 2500), 0);
	bucket_take(&b, &limit, 2500);
	CHECK_INT(bucket_ready_ns(&b, &limit, 0, 100), 100 * MS);
}

static void test_bytes_that_did_not_pass_are_given_back(void)
{
	const struct bucket_limit limit = { 1000, 100 };
	struct bucket b = { 0 };

	bucket_ready_ns(&b, &limit, 0, 100);
	bucket_take(&b, &limit, 100);
	bucket_take(&b, &limit, -40);
	CHECK_INT(bucket_ready_ns(&b, &limit, 0, 40), 0);
	CHECK_INT(bucket_ready_ns(&b, &limit, 0, 41), MS);
}

static void test_in_any_time_no_more_passes_than_promised(void)
{
	static const int64_t rates[] = { 1, 7, 1000, 1234567, 125000000, BUCKET_RATE_MAX };
	struct random_key key = random_key(SEED, 0, 0, 0);

	for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct bucket_limit limit = { rates[i], 1 + rates[i] / 500 };
		struct bucket b = { 0 };
		int64_t now_ns = SEC;
		double passed = 0;

		for (unsigned n = 0; n < 20000; n++) {
			int64_t len = 1 + (int64_t)random_below(&key, n, (uint64_t)limit.burst);

			now_ns = bucket_ready_ns(&b, &limit, now_ns, len);
			bucket_take(&b, &limit, len);
			passed += (double)len;
			CU_ASSERT(passed <=
				  (double)limit.burst +
					  (double)rates[i] * (double)(now_ns - SEC) / 1e9 +
					  1e-6 * passed);
		}
		/* And no less: it was always asked for at once. */
		CU_ASSERT(passed >= (double)rates[i] * (double)(now_ns - SEC) / 1e9 * 0.999999);
	}
}

static CU_TestInfo tests[] = {
	{ "no rate is no limit", test_no_rate_is_no_limit },
	{ "the burst passes at once and the rest at the rate",
	  test_the_burst_passes_at_once_and_the_rest_at_the_rate },
	{ "rounding is upwards and does not add up", test_rounding_is_upwards_and_does_not_add_up },
	{ "a pause saves no more than the burst", test_a_pause_saves_no_more_than_the_burst },
	{ "more than the burst waits for a full bucket and leaves a debt",
	  test_more_than_the_burst_waits_for_a_full_bucket_and_leaves_a_debt },
	{ "a burst of more than a second is there at once",
	  test_a_burst_of_more_than_a_second_is_there_at_once },
	{ "bytes that did not pass are given back", test_bytes_that_did_not_pass_are_given_back },
	{ "in any time no more passes than promised",
	  test_in_any_time_no_more_passes_than_promised },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("bucket", tests);
}
