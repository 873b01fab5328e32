/*
 * test_overdue.c - which requests have timed out, and are told so once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/overdue.h"
#include "tests/test.h"

static void test_one_is_found_once(void)
{
	struct overdue o;
	bool is_measured = false;

	CHECK_INT(overdue_init(&o), 0);
	overdue_add(&o, 7, true);
	overdue_add(&o, 7ULL << 32 | 7, false);
	CU_ASSERT(!overdue_take(&o, 8, &is_measured));
	CU_ASSERT(!overdue_take(&o, 0, &is_measured));
	CU_ASSERT(overdue_take(&o, 7, &is_measured));
	CU_ASSERT(is_measured);
	CU_ASSERT(!overdue_take(&o, 7, &is_measured));
	CU_ASSERT(overdue_take(&o, 7ULL << 32 | 7, &is_measured));
	CU_ASSERT(!is_measured);
	overdue_finish(&o);
}

static void test_the_oldest_are_forgotten_for_new_ones(void)
{
	const uint64_t count = 3 * OVERDUE_MAX;
	struct overdue o;
	bool is_measured;
	uint64_t found = 0;

	CHECK_INT(overdue_init(&o), 0);
	for (uint64_t id = 1; id <= count; id++) {
		overdue_add(&o, id << 32 | 1, id % 2);
		if (id % 7 == 0)
			CU_ASSERT(overdue_take(&o, id << 32 | 1, &is_measured));
	}
	for (uint64_t id = 1; id <= count; id++) {
		bool was_there = overdue_take(&o, id << 32 | 1, &is_measured);

		CU_ASSERT(was_there == (id > count - OVERDUE_MAX && id % 7 != 0));
		CU_ASSERT(!was_there || is_measured == id % 2);
		found += was_there;
	}
	CU_ASSERT(found > OVERDUE_MAX / 2);
	overdue_finish(&o);
}

static void test_without_memory_nothing_is_remembered(void)
{
	struct overdue o = { 0 };
	bool is_measured;

	overdue_add(&o, 7, true);
	CU_ASSERT(!overdue_take(&o, 7, &is_measured));
	overdue_finish(&o);
}

static CU_TestInfo tests[] = {
	{ "one is found once", test_one_is_found_once },
	{ "the oldest are forgotten for new ones", test_the_oldest_are_forgotten_for_new_ones },
	{ "without memory nothing is remembered", test_without_memory_nothing_is_remembered },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("overdue", tests);
}
