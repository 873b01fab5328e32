/*
 * test.h - a test file is a table of sentences and one line of main.
 *
 *	static CU_TestInfo tests[] = {
 *		{ "a peer's close is a result of zero", test_peer_close_is_a_result_of_zero },
 *		CU_TEST_INFO_NULL,
 *	};
 *	int main(void) { return test_main("backend", tests); }
 *
 * Exit status 0: all passed, 1: some failed, 77: not possible here (return TEST_SKIP with a reason
 * printed). The last line is "N passed, N failed, N skipped", which ./dev test adds up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_TEST_H
#define RW_TESTS_TEST_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TEST_SKIP 77

/* Like CU_ASSERT, but says what was there and what was wanted. */
#define CHECK_INT(got, want)                                                                       \
	do {                                                                                       \
		int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                            \
		if (got_ != want_)                                                                 \
			printf("\n    %s:%d: %s is %" PRId64 ", not %" PRId64, __FILE__, __LINE__, \
			       #got, got_, want_);                                                 \
		CU_ASSERT(got_ == want_);                                                          \
	} while (0)

#define CHECK_TEXT(got, want) CU_ASSERT(test_text_is(__FILE__, __LINE__, (got), (want)))

/* NULL is a text that is never right. */
static inline int test_text_is(const char *file, int line, const char *got, const char *want)
{
	int same = got && want && !strcmp(got, want);

	if (!same)
		printf("\n    %s:%d: \"%s\", not \"%s\"", file, line, got ? got : "(null)",
		       want ? want : "(null)");
	return same;
}

#define CHECK_NEAR(got, want, tolerance)                                                      \
	do {                                                                                  \
		double got_ = (got), want_ = (want), off_ = got_ - want_;                     \
		if (off_ > (tolerance) || off_ < -(tolerance) || off_ != off_)                \
			printf("\n    %s:%d: %s is %.9g, not %.9g", __FILE__, __LINE__, #got, \
			       got_, want_);                                                  \
		CU_ASSERT(off_ <= (tolerance) && off_ >= -(tolerance));                       \
	} while (0)

/* For several tables in one program; ends with CU_SUITE_INFO_NULL. */
static inline int test_main_suites(CU_SuiteInfo *suites)
{
	unsigned failed, run;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	run = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	printf("%u passed, %u failed, 0 skipped\n", run - failed, failed);
	return failed || !run;
}

static inline int test_main(const char *name, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = { { .pName = name, .pTests = tests }, CU_SUITE_INFO_NULL };

	return test_main_suites(suites);
}

static inline int test_skip(const char *why)
{
	printf("skipped: %s\n0 passed, 0 failed, 1 skipped\n", why);
	return TEST_SKIP;
}

#endif
