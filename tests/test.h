/*
 * test.h - a test file is a table of sentences and one line of main.
 *
 *	static CU_TestInfo tests[] = {
 *		{ "a peer's close is a result of zero", test_peer_close_is_a_result_of_zero },
 *		CU_TEST_INFO_NULL,
 *	};
 *	int main(void) { return test_main("backend", tests); }
 *
 * What a machine may lack is said by the test that needs it, and by nobody else; it may go on to
 * clean up, and what fails all the same is a failure:
 *
 *	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
 *		test_not_possible("one CPU");
 *
 * Its line then ends with "skipped: one CPU". Whether something is lacking must be asked past the
 * code that the test is about (a system call, a file of /proc), else a mistake there would skip its
 * own test. Where a part of a test is lacking, and the rest runs: test_not_tried().
 *
 * One suite for many subjects may have tests that say nothing of this one, on any machine:
 *
 *	if (!subject.ops->has_files)
 *		test_does_not_apply("the backend has no files");
 *
 * It counts as nothing at all, unless it fails.
 *
 * Exit status 0: all passed or some were skipped, 1: some failed, 77: nothing was possible here, or
 * the program was not (return test_skip(why)). The last line is "N passed, N failed, N skipped",
 * which ./dev test adds up; tests/counts.py lists the reasons.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_TEST_H
#define RW_TESTS_TEST_H

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

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

/* Of the test that runs; shared with the processes that it makes. */
struct test_skipped {
	bool is_skipped, does_not_apply;
	char why[256]; /* one line; of the first of both */
};

/* One in a program of several files: weak. */
extern struct test_skipped *test_skipped;
__attribute__((weak)) struct test_skipped *test_skipped;

/* The first reason counts. */
__attribute__((format(printf, 2, 3))) static inline void test_leave_out(bool *how, const char *why,
									...)
{
	va_list args;

	if (test_skipped->is_skipped || test_skipped->does_not_apply)
		return;
	va_start(args, why);
	vsnprintf(test_skipped->why, sizeof(test_skipped->why), why, args);
	va_end(args);
	for (char *at = test_skipped->why; *at; at++)
		if (*at == '\n')
			*at = ' ';
	*how = true;
}

/* The running test counts as skipped, or does not count; unless it fails. As printf(). */
#define test_not_possible(...)	 test_leave_out(&test_skipped->is_skipped, __VA_ARGS__)
#define test_does_not_apply(...) test_leave_out(&test_skipped->does_not_apply, __VA_ARGS__)

/* Says which part of the running test is left out and why; the rest of it counts. */
__attribute__((format(printf, 1, 2))) static inline void test_not_tried(const char *what, ...)
{
	va_list args;

	printf("\n    not tried: ");
	va_start(args, what);
	vprintf(what, args);
	va_end(args);
}

struct test_counts {
	unsigned passed, failed, skipped;
};

/* CUnit's handlers have no argument of the caller's. */
extern struct test_counts test_counts;
__attribute__((weak)) struct test_counts test_counts;

static inline void test_show_suite(const CU_pSuite suite)
{
	printf("\nSuite: %s", suite->pName);
}

/* Written out at once: what a child leaves in the buffer would come twice. */
static inline void test_begin(const CU_pTest test, const CU_pSuite suite)
{
	(void)suite;
	*test_skipped = (struct test_skipped){ 0 };
	printf("\n  Test: %s ...", test->pName);
	fflush(stdout);
}

static inline void test_end(const CU_pTest test, const CU_pSuite suite,
			    const CU_pFailureRecord failures)
{
	unsigned number = 0;

	(void)test;
	(void)suite;
	if (failures) {
		test_counts.failed++;
		printf(" FAILED");
	} else if (test_skipped->is_skipped) {
		test_counts.skipped++;
		printf(" skipped: %s", test_skipped->why);
	} else if (test_skipped->does_not_apply) {
		printf(" does not apply: %s", test_skipped->why);
	} else {
		test_counts.passed++;
		printf(" passed");
	}
	for (const CU_FailureRecord *f = failures; f; f = f->pNext)
		printf("\n    %u. %s:%u  - %s", ++number, f->strFileName, f->uiLineNumber,
		       f->strCondition);
}

/* For several tables in one program; ends with CU_SUITE_INFO_NULL. */
static inline int test_main_suites(CU_SuiteInfo *suites)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_skipped = mmap(NULL, sizeof(*test_skipped), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (test_skipped == MAP_FAILED || CU_initialize_registry() != CUE_SUCCESS ||
	    CU_register_suites(suites) != CUE_SUCCESS)
		return 1;
	CU_set_suite_start_handler(test_show_suite);
	CU_set_test_start_handler(test_begin);
	CU_set_test_complete_handler(test_end);
	CU_run_all_tests();
	CU_cleanup_registry();
	printf("\n%u passed, %u failed, %u skipped\n", test_counts.passed, test_counts.failed,
	       test_counts.skipped);
	if (!test_counts.failed && !test_counts.passed && test_counts.skipped)
		return TEST_SKIP;
	return test_counts.failed || !test_counts.passed;
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
