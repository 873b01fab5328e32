/*
 * test_limits.c - limits that stand in the way are named with what was wanted and what there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "tests/tunable_test.h"

static void cap_hard(int resource, rlim_t value)
{
	const struct rlimit limit = { value, value };

	setrlimit(resource, &limit);
}

/* One if the settings are not refused with these words. */
static unsigned not_refused(const char *settings, const char *words)
{
	struct verdict_report report;
	int rc = tunable_test_apply("limits", settings, &report);

	if (rc == -EPERM && report.verdict == VERDICT_DENIED && strstr(report.why, words))
		return 0;
	printf("\n    %s: %d: \"%s\", not \"%s\"", settings, rc, report.why, words);
	return 1;
}

static unsigned raise_as_nobody(void)
{
	struct verdict_report report;
	struct rlimit limit;
	unsigned failed = 0;

	cap_hard(RLIMIT_NOFILE, 200);
	cap_hard(RLIMIT_MEMLOCK, 65536);
	failed += not_refused("nofile=1000", "limits.nofile: hard limit 200, 1k wanted: raising "
					     "it needs CAP_SYS_RESOURCE");
	failed += not_refused("memlock=unlimited",
			      "limits.memlock: hard limit 64KiB, unlimited wanted");
	failed += not_refused("rtprio=10", "limits.rtprio: hard limit 0, 10 wanted");
	failed += not_refused("nice=-5", "limits.nice: hard limit 20, -5 wanted");
	/* the first is possible, the second not: neither is left changed */
	failed += not_refused("nofile=100 memlock=1MiB", "hard limit 64KiB, 1MiB wanted");
	getrlimit(RLIMIT_NOFILE, &limit);
	failed += limit.rlim_cur != 200;
	/* down and up again needs no rights, because the hard limit stays */
	failed += tunable_test_apply("limits", "nofile=100", &report) != 0;
	failed += tunable_test_apply("limits", "nofile=200", &report) != 0;
	return failed;
}

static void test_a_hard_limit_in_the_way_is_named(void)
{
	tunable_test_as_nobody(raise_as_nobody);
}

static void *raise_both(void *arg)
{
	struct verdict_report report;
	struct rlimit limit;

	cap_hard(RLIMIT_NOFILE, 200);
	limit = (struct rlimit){ 250, 250 };
	if (setrlimit(RLIMIT_NOFILE, &limit)) {
		test_not_possible("a hard limit cannot be raised: %s", strerror(errno));
		return NULL;
	}
	CHECK_INT(tunable_test_apply("limits", "nofile=300", &report), 0);
	getrlimit(RLIMIT_NOFILE, &limit);
	CHECK_INT(limit.rlim_cur, 300);
	CHECK_INT(limit.rlim_max, 300);
	return NULL;
}

static void test_with_the_right_both_limits_are_raised(void)
{
	tunable_test_process(raise_both, NULL);
}

static void *keep_the_hard_one(void *arg)
{
	struct verdict_report report;
	struct rlimit before, after;

	getrlimit(RLIMIT_NOFILE, &before);
	CHECK_INT(tunable_test_apply("limits", "nofile=50", &report), 0);
	getrlimit(RLIMIT_NOFILE, &after);
	CHECK_INT(after.rlim_cur, 50);
	CHECK_INT(after.rlim_max, before.rlim_max);
	return NULL;
}

static void test_lowering_leaves_the_hard_limit(void)
{
	tunable_test_process(keep_the_hard_one, NULL);
}

static CU_TestInfo tests[] = {
	{ "a hard limit in the way is named", test_a_hard_limit_in_the_way_is_named },
	{ "with the right both limits are raised", test_with_the_right_both_limits_are_raised },
	{ "lowering leaves the hard limit", test_lowering_leaves_the_hard_limit },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("limits", tests);
}
