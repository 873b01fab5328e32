/*
 * test_numa.c - where pages are after a policy was set: no-ops 12 to 15 of the kernel, provoked.
 *
 * Most of it needs two memory nodes, which a guest has (tests/guest); with one it is skipped. Each
 * case has a thread of its own, as a policy is a thread's. One node alone: test_numa_one.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "system/page_census.h"
#include "tests/possible.h"
#include "tests/tunable_test.h"

#define PAGES 64

/* Whether the kernel knows mode 5 or 6, asked of it. */
static bool knows(int mode)
{
	unsigned long nodes[16] = { 1 };
	bool known = !syscall(SYS_set_mempolicy, mode, nodes, 1025UL);

	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
	return known;
}

static struct memory_range fresh(unsigned pages)
{
	size_t len = pages * (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_FATAL(p != MAP_FAILED);
	madvise(p, len, MADV_NOHUGEPAGE);
	return (struct memory_range){ "test", p, len };
}

static void touch(const struct memory_range *r)
{
	memset(r->base, 1, r->len);
}

/* Pages on nodes 0 and 1, of each step-th one, asked past the tunable's own count. */
static void ask(const struct memory_range *r, unsigned step, unsigned on[2])
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	on[0] = on[1] = 0;
	for (size_t at = 0; at < r->len; at += step * page) {
		int node = -1;

		syscall(SYS_get_mempolicy, &node, NULL, 0UL, (char *)r->base + at,
			(unsigned long)(MPOL_F_NODE | MPOL_F_ADDR));
		if (node == 0 || node == 1)
			on[node]++;
	}
}

/* "64 0". */
static const char *where(const struct memory_range *r, char *buf, size_t size)
{
	unsigned on[2];

	ask(r, 1, on);
	snprintf(buf, size, "%u %u", on[0], on[1]);
	return buf;
}

static int settle(const char *settings, const struct memory_range *ranges, unsigned count,
		  bool at_end, struct verdict_report *report)
{
	const struct tunable *tn = tunable_find("numa");
	const struct target self = { .fd = -1 };
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(tn, settings, &opts, &err), 0);
	return tunable_settle(tn, &self, &opts, ranges, count, at_end, report, &err);
}

static long bind_range(const struct memory_range *r, int mode, unsigned long mask, unsigned flags)
{
	unsigned long nodes[16] = { mask };

	return syscall(SYS_mbind, r->base, r->len, (unsigned long)mode, nodes, 1025UL, flags);
}

/* Touched on node 0; then both ways to have it on node 1. */
static void *run_no_op_12(void *arg)
{
	struct verdict_report report;
	struct memory_range r = fresh(PAGES);
	char text[32];

	bind_range(&r, MPOL_BIND, 1, 0);
	touch(&r);
	CHECK_INT(bind_range(&r, MPOL_BIND, 2, 0), 0);
	CHECK_TEXT(where(&r, text, sizeof(text)), "64 0");

	tunable_test_apply("numa", "policy=bind nodes=1", &report);
	CHECK_INT(settle("policy=bind nodes=1", &r, 1, true, &report), -EOPNOTSUPP);
	CHECK_INT(report.verdict, VERDICT_IGNORED);
	CU_ASSERT(strstr(report.why, "64 of 64 pages on node 0, expected node 1: ") != NULL);

	CHECK_INT(settle("policy=bind nodes=1", &r, 1, false, &report), 0);
	CHECK_INT(report.verdict, VERDICT_OK);
	CU_ASSERT(strstr(report.why, "64 of 64 pages on node 1") != NULL);
	CHECK_TEXT(report.effective, "policy=bind nodes=1");
	CHECK_TEXT(where(&r, text, sizeof(text)), "0 64");
	munmap(r.base, r.len);
	return NULL;
}

static void test_no_op_12_mbind_leaves_pages_that_were_touched_before(void)
{
	if (possible_two_nodes())
		tunable_test_thread(run_no_op_12, NULL);
}

/* Half of all pages, and half of those that large buffers begin with. */
static void check_even(const struct memory_range *r)
{
	unsigned on[2];

	ask(r, 1, on);
	CU_ASSERT(on[0] >= 30 && on[1] >= 30 && on[0] + on[1] == PAGES);
	ask(r, 4, on);
	CU_ASSERT(on[0] >= 6 && on[1] >= 6 && on[0] + on[1] == PAGES / 4);
}

static void *run_no_op_13(void *arg)
{
	struct verdict_report report;
	struct memory_range r = fresh(PAGES);
	char text[32];

	bind_range(&r, MPOL_BIND, 1, 0);
	touch(&r);
	CHECK_INT(bind_range(&r, MPOL_INTERLEAVE, 3, MPOL_MF_MOVE), 0);
	CHECK_TEXT(where(&r, text, sizeof(text)), "64 0");

	tunable_test_apply("numa", "policy=interleave nodes=0-1", &report);
	CHECK_INT(settle("policy=interleave nodes=0-1", &r, 1, true, &report), -ERANGE);
	CHECK_INT(report.verdict, VERDICT_CLAMPED);
	CHECK_TEXT(report.why, "64 pages on node 0: not in proportion");

	CHECK_INT(settle("policy=interleave nodes=0-1", &r, 1, false, &report), 0);
	CHECK_INT(report.verdict, VERDICT_OK);
	check_even(&r);
	munmap(r.base, r.len);
	return NULL;
}

static void test_no_op_13_interleave_with_move_does_not_spread(void)
{
	if (possible_two_nodes())
		tunable_test_thread(run_no_op_13, NULL);
}

/* Node 1023 does not exist anywhere; node 0 does. */
static void *run_no_op_14(void *arg)
{
	unsigned long asked[16] = { [0] = 1, [15] = 1UL << 63 }, got[16] = { 0 };
	struct verdict_report report;
	int mode;

	if (syscall(SYS_set_mempolicy, MPOL_BIND, asked, 1025UL)) {
		test_not_possible("set_mempolicy: %s", strerror(errno));
		return NULL;
	}
	CHECK_INT(syscall(SYS_get_mempolicy, &mode, got, 1025UL, NULL, 0UL), 0);
	CHECK_INT(got[0], 1);
	CHECK_INT(got[15], 0);
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);

	CHECK_INT(tunable_test_apply("numa", "policy=bind nodes=0,1023", &report), -ENODEV);
	CHECK_INT(report.verdict, VERDICT_UNSUPPORTED);
	CU_ASSERT(strstr(report.why, "node 1023 does not exist on this machine") != NULL);
	CHECK_INT(syscall(SYS_get_mempolicy, &mode, NULL, 0UL, NULL, 0UL), 0);
	CHECK_INT(mode, MPOL_DEFAULT);
	return NULL;
}

static void test_no_op_14_the_kernel_drops_nodes_that_do_not_exist(void)
{
	tunable_test_thread(run_no_op_14, NULL);
}

/* The stack: touched by who made this thread, and by what it has called so far. */
static void *run_no_op_15(void *arg)
{
	struct verdict_report report;
	pthread_attr_t attr;
	struct memory_range r = { .what = "stack" };
	const struct target self = { .fd = -1 };

	CHECK_INT(pthread_getattr_np(pthread_self(), &attr), 0);
	pthread_attr_getstack(&attr, &r.base, &r.len);
	pthread_attr_destroy(&attr);
	(void)self;
	tunable_test_apply("numa", "policy=bind nodes=1", &report);
	if (settle("policy=bind nodes=1", &r, 1, true, &report)) {
		CU_ASSERT(strstr(report.why, "expected node 1: ") != NULL);
		CU_ASSERT(strstr(report.why, "(stack ") != NULL);
	} else {
		CU_FAIL("the stack was on node 1 already");
	}
	CHECK_INT(settle("policy=bind nodes=1", &r, 1, false, &report), 0);
	CU_ASSERT(strstr(report.why, " pages on node 1; memory on node 1, CPU on node 0") != NULL);
	return NULL;
}

static void *run_on_node_0(void *fn)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	tunable_test_thread((void *(*)(void *))(uintptr_t)fn, NULL);
	return NULL;
}

static void test_no_op_15_the_stack_was_touched_before_the_policy(void)
{
	if (possible_two_nodes())
		tunable_test_thread(run_on_node_0, (void *)(uintptr_t)run_no_op_15);
}

static void *run_late(void *arg)
{
	struct verdict_report report;
	struct memory_range r = fresh(PAGES);

	tunable_test_apply("numa", "policy=bind nodes=1", &report);
	CHECK_INT(settle("policy=bind nodes=1", &r, 1, false, &report), 0);
	CU_ASSERT(strstr(report.why, "0 of 0 pages on node 1") == report.why);
	touch(&r);
	CHECK_INT(settle("policy=bind nodes=1", &r, 1, true, &report), 0);
	CU_ASSERT(strstr(report.why, "64 of 64 pages on node 1") != NULL);
	munmap(r.base, r.len);
	return NULL;
}

static void test_pages_touched_later_follow_the_rule_of_their_range(void)
{
	if (possible_two_nodes())
		tunable_test_thread(run_late, NULL);
}

static void *run_weighted(void *arg)
{
	struct verdict_report report;
	struct memory_range r = fresh(PAGES);
	unsigned sum = nodes_weight(0) + nodes_weight(1);
	char want[64];

	if (!knows(6)) {
		tunable_test_apply("numa", "policy=weighted-interleave nodes=0-1", &report);
		CHECK_TEXT(report.why, "numa.policy=weighted-interleave needs Linux 6.9");
		return NULL;
	}
	touch(&r);
	tunable_test_apply("numa", "policy=weighted-interleave nodes=0-1", &report);
	CHECK_INT(settle("policy=weighted-interleave nodes=0-1", &r, 1, false, &report), 0);
	snprintf(want, sizeof(want), "(weights %u:%u)", nodes_weight(0), nodes_weight(1));
	CU_ASSERT(strstr(report.why, want) != NULL);
	CU_ASSERT(sum > 0);
	munmap(r.base, r.len);
	return NULL;
}

static void test_weighted_interleave_goes_by_the_machine_s_weights(void)
{
	if (possible_two_nodes())
		tunable_test_thread(run_weighted, NULL);
}

static void *run_home(void *arg)
{
	const char *const settings = "policy=preferred-many nodes=0-1 home-node=1";
	struct verdict_report report;
	struct memory_range r = fresh(PAGES);
	char text[32];

	if (!knows(5)) {
		tunable_test_apply("numa", settings, &report);
		CHECK_TEXT(report.why, "numa.policy=preferred-many needs Linux 5.15");
		return NULL;
	}
	tunable_test_apply("numa", settings, &report);
	CHECK_INT(settle(settings, &r, 1, false, &report), 0);
	touch(&r);
	CHECK_INT(settle(settings, &r, 1, true, &report), 0);
	CHECK_TEXT(report.effective, settings);
	CHECK_TEXT(where(&r, text, sizeof(text)), "0 64");
	munmap(r.base, r.len);
	return NULL;
}

static void test_a_home_node_comes_first_among_several(void)
{
	if (possible_two_nodes())
		tunable_test_thread(run_home, NULL);
}

static void *run_migrate(void *arg)
{
	struct verdict_report report;
	struct memory_range others = fresh(PAGES), mine = fresh(1);
	char text[32];

	bind_range(&others, MPOL_BIND, 1, 0);
	touch(&others);
	bind_range(&others, MPOL_DEFAULT, 0, 0);
	tunable_test_apply("numa", "policy=bind nodes=1 migrate=yes", &report);
	CHECK_INT(settle("policy=bind nodes=1 migrate=yes", &mine, 1, false, &report), 0);
	CHECK_TEXT(where(&others, text, sizeof(text)), "0 64");
	munmap(others.base, others.len);
	munmap(mine.base, mine.len);
	return NULL;
}

static void test_migrate_takes_what_the_process_had_before(void)
{
	if (possible_two_nodes())
		tunable_test_thread(run_migrate, NULL);
}

static CU_TestInfo tests[] = {
	{ "no-op 12: mbind leaves pages that were touched before",
	  test_no_op_12_mbind_leaves_pages_that_were_touched_before },
	{ "no-op 13: interleave with move does not spread",
	  test_no_op_13_interleave_with_move_does_not_spread },
	{ "no-op 14: the kernel drops nodes that do not exist",
	  test_no_op_14_the_kernel_drops_nodes_that_do_not_exist },
	{ "no-op 15: the stack was touched before the policy",
	  test_no_op_15_the_stack_was_touched_before_the_policy },
	{ "pages touched later follow the rule of their range",
	  test_pages_touched_later_follow_the_rule_of_their_range },
	{ "weighted-interleave goes by the machine's weights",
	  test_weighted_interleave_goes_by_the_machine_s_weights },
	{ "a home node comes first among several", test_a_home_node_comes_first_among_several },
	{ "migrate takes what the process had before",
	  test_migrate_takes_what_the_process_had_before },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("numa", tests);
}
