/*
 * test_numa_one.c - on a machine with one memory node every policy is vacuous, and this is said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/possible.h"
#include "tests/tunable_test.h"

#define PAGES 64

static struct memory_range touched(void)
{
	size_t len = PAGES * (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_FATAL(p != MAP_FAILED);
	madvise(p, len, MADV_NOHUGEPAGE);
	memset(p, 1, len);
	return (struct memory_range){ "test", p, len };
}

static void *run_one_node(void *unused)
{
	static const char settings[] = "policy=interleave nodes=0";
	const struct tunable *tn = tunable_find("numa");
	const struct target self = { .fd = -1 };
	struct memory_range r = touched();
	struct verdict_report report;
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_apply("numa", settings, &report), 0);
	CHECK_INT(report.verdict, VERDICT_VACUOUS);
	CHECK_INT(tunable_test_parse(tn, settings, &opts, &err), 0);
	CHECK_INT(tunable_settle(tn, &self, &opts, &r, 1, false, &report, &err), 0);
	CHECK_INT(report.verdict, VERDICT_VACUOUS);
	CHECK_TEXT(report.why, "this machine has one memory node: 64 of 64 pages are there "
			       "whatever the policy says");
	CHECK_TEXT(report.requested, settings);
	CHECK_TEXT(report.effective, settings);
	munmap(r.base, r.len);
	return unused;
}

static void test_one_node_makes_every_policy_vacuous(void)
{
	char list[64] = "";

	kernel_file_read("/sys/devices/system/node/has_memory", list, sizeof(list));
	if (!possible_node(0))
		test_not_possible("this kernel knows no memory nodes");
	else if (strcmp(list, "0") != 0)
		test_not_possible("there are several memory nodes: %s", list);
	else
		tunable_test_thread(run_one_node, NULL);
}

static CU_TestInfo tests[] = {
	{ "one node makes every policy vacuous", test_one_node_makes_every_policy_vacuous },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("numa, one node", tests);
}
