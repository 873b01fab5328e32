/*
 * harness_sample.c - a test program with one test of each end, for test_harness.py to look at.
 *
 * An argument is the only test that is run; "all" skips the program as a whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

static void test_good(void)
{
	CHECK_INT(1, 1);
}

static void test_bad(void)
{
	CHECK_INT(1, 2);
}

static void test_skips(void)
{
	test_not_possible("%d CPUs are needed,\nthere is %s", 2, "one");
	test_not_possible("another reason");
}

static void test_skips_and_is_bad(void)
{
	test_not_possible("no matter");
	CHECK_TEXT("is", "was");
}

static void *skip_in_thread(void *unused)
{
	test_not_possible("said by a thread");
	return unused;
}

static void test_skips_in_a_thread(void)
{
	pthread_t thread;

	CHECK_INT(pthread_create(&thread, NULL, skip_in_thread, NULL), 0);
	pthread_join(thread, NULL);
}

static void test_skips_in_a_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		test_not_possible("said by a child");
		_exit(0);
	}
	CHECK_INT(waitpid(pid, NULL, 0), pid);
}

static void test_leaves_a_part_out(void)
{
	CHECK_INT(1, 1);
	test_not_tried("row %d: no such knob", 7);
}

static void test_is_of_others(void)
{
	test_does_not_apply("%s is no device", "this");
	test_not_possible("no device");
}

static void test_is_of_others_and_is_bad(void)
{
	test_does_not_apply("no matter");
	CHECK_INT(1, 2);
}

static CU_TestInfo tests[] = {
	{ "it is good", test_good },
	{ "it is bad", test_bad },
	{ "it skips", test_skips },
	{ "it skips and is bad", test_skips_and_is_bad },
	{ "it skips in a thread", test_skips_in_a_thread },
	{ "it skips in a child", test_skips_in_a_child },
	{ "it leaves a part out", test_leaves_a_part_out },
	{ "it is of others", test_is_of_others },
	{ "it is of others and is bad", test_is_of_others_and_is_bad },
	{ "it is good again", test_good },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	CU_TestInfo one[] = { CU_TEST_INFO_NULL, CU_TEST_INFO_NULL };

	if (argc == 1)
		return test_main("sample", tests);
	if (!strcmp(argv[1], "all"))
		return test_skip("there is no such machine");
	for (size_t i = 0; tests[i].pName; i++)
		if (!strcmp(tests[i].pName, argv[1]))
			*one = tests[i];
	return test_main("one", one);
}
