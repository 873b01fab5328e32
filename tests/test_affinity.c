/*
 * test_affinity.c - what the kernel makes of masks: cpusets, threads that must not move.
 *
 * The cpuset is made here, below the one this process is in, and removed again; where that is not
 * possible the case says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "tests/tunable_test.h"

/* In a cpuset of CPU 1 alone. */
static void *pin_in_cpuset(void *cpuset)
{
	struct verdict_report report;

	if (!tunable_test_write(cpuset, "cpuset.cpus", "1") ||
	    !tunable_test_write(cpuset, "cpuset.mems", "0") ||
	    !tunable_test_write(cpuset, "tasks", "0")) {
		printf("\n    not possible here: cannot enter %s", (char *)cpuset);
		return NULL;
	}
	CHECK_INT(tunable_test_apply("pin", "cpus=0,1 spread=all", &report), -ERANGE);
	CHECK_INT(report.verdict, VERDICT_CLAMPED);
	CHECK_TEXT(report.effective, "cpus=1 spread=all");
	CHECK_TEXT(report.why, "cpus 0 not in this cpuset (allowed 1)");
	CHECK_INT(tunable_test_apply("pin", "cpus=0", &report), -EINVAL);
	CHECK_INT(report.verdict, VERDICT_UNSUPPORTED);
	CHECK_TEXT(report.why, "cpus 0 not in this cpuset (allowed 1)");
	CHECK_INT(tunable_test_apply("pin", "cpus=0,1000 spread=all", &report), -EINVAL);
	CU_ASSERT(strstr(report.why, "cpu 1000 does not exist (online") != NULL);
	CU_ASSERT(strstr(report.why, "; cpus 0 not in this cpuset (allowed 1)") != NULL);
	CHECK_INT(sched_getcpu(), 1);
	return NULL;
}

static void test_a_cpu_outside_the_cpuset_is_named(void)
{
	char cpuset[256];

	if (!tunable_test_group("cpuset", cpuset, sizeof(cpuset))) {
		printf("\n    not possible here: no version 1 cpuset can be made");
		return;
	}
	tunable_test_thread(pin_in_cpuset, cpuset);
	CHECK_INT(tunable_test_remove_group(cpuset), 0);
}

static void *pin_with_reservation(void *arg)
{
	struct verdict_report report;

	if (tunable_test_apply("sched", "policy=deadline runtime=1ms deadline=10ms", &report)) {
		printf("\n    not possible here: %s", report.why);
		return NULL;
	}
	CHECK_INT(tunable_test_apply("pin", "cpus=0", &report), -EBUSY);
	CHECK_INT(report.verdict, VERDICT_DENIED);
	CU_ASSERT(strstr(report.why, "pin it before the policy is set") != NULL);
	return NULL;
}

static void test_a_thread_with_a_reservation_cannot_be_pinned(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		printf("\n    not possible here: needs two CPUs");
	else
		tunable_test_thread(pin_with_reservation, NULL);
}

static void *pin_to_all(void *online)
{
	struct verdict_report report;
	char settings[300];

	snprintf(settings, sizeof(settings), "cpus=%s spread=all", (char *)online);
	CHECK_INT(tunable_test_apply("pin", settings, &report), 0);
	CHECK_INT(report.verdict, VERDICT_VACUOUS);
	CHECK_TEXT(report.why, "these are all CPUs of this machine: nothing is pinned");
	return NULL;
}

static void test_pinning_to_all_cpus_is_vacuous(void)
{
	char online[64];
	cpu_set_t mask;

	sched_getaffinity(0, sizeof(mask), &mask);
	kernel_file_read("/sys/devices/system/cpu/online", online, sizeof(online));
	if (CPU_COUNT(&mask) < sysconf(_SC_NPROCESSORS_ONLN))
		printf("\n    not possible here: this process may not run everywhere");
	else
		tunable_test_thread(pin_to_all, online);
}

static CU_TestInfo tests[] = {
	{ "a CPU outside the cpuset is named", test_a_cpu_outside_the_cpuset_is_named },
	{ "a thread with a reservation cannot be pinned",
	  test_a_thread_with_a_reservation_cannot_be_pinned },
	{ "pinning to all CPUs is vacuous", test_pinning_to_all_cpus_is_vacuous },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("affinity", tests);
}
