/*
 * test_usage.c - what the generator cost: shares from two readings, and readings that move.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/usage.h"

#include "base/clock.h"
#include "tests/test.h"

static void test_spinning_does_not_count_as_work(void)
{
	const struct usage from = { .wall_ns = SEC, .cpu_ns = 5 * SEC, .run_delay_ns = 100 };
	const struct usage to = { .wall_ns = 2 * SEC,
				  .cpu_ns = 5 * SEC + 900 * MS,
				  .run_delay_ns = 100 + 20 * MS };
	struct usage_shares s = usage_between(&from, &to, 700 * MS);

	CHECK_NEAR(s.busy, 0.2, 1e-9);
	CHECK_NEAR(s.run_delay, 0.02, 1e-9);
	CHECK_NEAR(usage_between(&from, &to, SEC).busy, 0, 0);
}

static void test_what_is_not_known_is_not_a_number(void)
{
	const struct usage from = { .run_delay_ns = -1 }, to = { .wall_ns = SEC };

	CHECK_NEAR(usage_between(&from, &to, 0).run_delay, -1, 0);
	CHECK_NEAR(usage_between(&to, &to, 0).busy, 0, 0);
}

static void test_a_busy_thread_is_seen_to_be_busy(void)
{
	struct usage from, to;

	usage_read(&from);
	do
		usage_read(&to);
	while (to.cpu_ns - from.cpu_ns < 5 * MS);
	CU_ASSERT(to.wall_ns - from.wall_ns >= 5 * MS);
	CU_ASSERT(usage_between(&from, &to, 0).busy > 0);
	CU_ASSERT(to.run_delay_ns >= from.run_delay_ns);
}

static void test_stolen_time_is_a_share_of_all_cpus(void)
{
	const struct machine_usage from = { .total = 1000, .steal = 10 };
	const struct machine_usage to = { .total = 2000, .steal = 35 };
	struct machine_usage now;

	CHECK_NEAR(machine_usage_steal(&from, &to), 0.025, 1e-9);
	CHECK_NEAR(machine_usage_steal(&to, &from), 0, 0);
	machine_usage_read(&now);
	CU_ASSERT(now.total > now.steal);
}

static CU_TestInfo tests[] = {
	{ "spinning does not count as work", test_spinning_does_not_count_as_work },
	{ "what is not known is not a number", test_what_is_not_known_is_not_a_number },
	{ "a busy thread is seen to be busy", test_a_busy_thread_is_seen_to_be_busy },
	{ "stolen time is a share of all CPUs", test_stolen_time_is_a_share_of_all_cpus },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("usage", tests);
}
