/*
 * test_affinity.c - what the kernel makes of masks: cpusets, threads that must not move.
 *
 * The cpuset is made here, below the one this process is in, and removed again; where that is not
 * possible the case is skipped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "tests/tunable_test.h"

static void *pin_to_absent(void *arg)
{
	struct verdict_report report;
	char own[64], settings[128];

	(void)arg;
	snprintf(own, sizeof(own), "%d", sched_getcpu());
	snprintf(settings, sizeof(settings), "cpus=%s,%d spread=all", own, CPU_SETSIZE - 1);
	CHECK_INT(tunable_test_apply("pin", settings, &report), -ERANGE);
	CHECK_INT(report.verdict, VERDICT_CLAMPED);
	snprintf(settings, sizeof(settings), "cpus=%s spread=all", own);
	CHECK_TEXT(report.effective, settings);
	snprintf(settings, sizeof(settings), "cpu %d does not exist (online ", CPU_SETSIZE - 1);
	CU_ASSERT(strstr(report.why, settings) == report.why);
	return NULL;
}

static void test_no_op_1_a_mask_with_absent_cpus_shrinks(void)
{
	if (sysconf(_SC_NPROCESSORS_CONF) >= CPU_SETSIZE)
		test_not_possible("every CPU exists");
	else
		tunable_test_thread(pin_to_absent, NULL);
}

/* In a cpuset of CPU 1 alone. */
static void *pin_in_cpuset(void *cpuset)
{
	struct verdict_report report;

	if (!tunable_test_write(cpuset, "cpuset.cpus", "1") ||
	    !tunable_test_write(cpuset, "cpuset.mems", "0") ||
	    !tunable_test_write(cpuset, "tasks", "0")) {
		test_not_possible("cannot enter %s", (char *)cpuset);
		return NULL;
	}
	CHECK_INT(tunable_test_apply("pin", "cpus=0,1 spread=all", &report), -ERANGE);
	CHECK_INT(report.verdict, VERDICT_CLAMPED);
	CHECK_TEXT(report.effective, "cpus=1 spread=all");
	CHECK_TEXT(report.why, "cpus 0 not in this cpuset (allowed 1)");
	CHECK_INT(tunable_test_apply("pin", "cpus=0", &report), -ENODEV);
	CHECK_INT(report.verdict, VERDICT_UNSUPPORTED);
	CHECK_TEXT(report.why, "cpus 0 not in this cpuset (allowed 1)");
	CHECK_INT(tunable_test_apply("pin", "cpus=0,1000 spread=all", &report), -ENODEV);
	CU_ASSERT(strstr(report.why, "cpu 1000 does not exist (online") != NULL);
	CU_ASSERT(strstr(report.why, "; cpus 0 not in this cpuset (allowed 1)") != NULL);
	CHECK_INT(sched_getcpu(), 1);
	return NULL;
}

static void test_no_op_2_a_cpuset_shrinks_a_mask(void)
{
	char cpuset[256];

	if (!tunable_test_group("cpuset", cpuset, sizeof(cpuset))) {
		test_not_possible("no version 1 cpuset can be made");
		return;
	}
	tunable_test_thread(pin_in_cpuset, cpuset);
	CHECK_INT(tunable_test_remove_group(cpuset), 0);
}

/* A group below the root's, for processes: version 2 takes no single threads. */
static bool make_cpuset_v2(char *path, size_t size, bool *ret_switched_on)
{
	static const char root[] = "/sys/fs/cgroup";
	char line[256] = "";

	if (!kernel_file_read("/sys/fs/cgroup/cgroup.controllers", line, sizeof(line)) ||
	    !strstr(line, "cpuset"))
		return false;
	kernel_file_read("/sys/fs/cgroup/cgroup.subtree_control", line, sizeof(line));
	*ret_switched_on = !strstr(line, "cpuset");
	if (*ret_switched_on && !tunable_test_write(root, "cgroup.subtree_control", "+cpuset"))
		return false;
	snprintf(path, size, "%s/ringwalk-test-%d", root, getpid());
	return !mkdir(path, 0755);
}

static void *pin_in_cpuset_v2(void *cpuset)
{
	struct verdict_report report;

	if (!tunable_test_write(cpuset, "cpuset.cpus", "1") ||
	    !tunable_test_write(cpuset, "cgroup.procs", "0")) {
		test_not_possible("cannot enter %s", (char *)cpuset);
		return NULL;
	}
	CHECK_INT(tunable_test_apply("pin", "cpus=0,1 spread=all", &report), -ERANGE);
	CHECK_INT(report.verdict, VERDICT_CLAMPED);
	CHECK_TEXT(report.why, "cpus 0 not in this cpuset (allowed 1)");
	return NULL;
}

static void test_no_op_2_a_cpuset_of_version_2_does_too(void)
{
	bool switched_on = false;
	char cpuset[256];

	if (make_cpuset_v2(cpuset, sizeof(cpuset), &switched_on)) {
		tunable_test_process(pin_in_cpuset_v2, cpuset);
		CHECK_INT(tunable_test_remove_group(cpuset), 0);
	} else {
		test_not_possible("no version 2 cpuset can be made");
	}
	if (switched_on)
		tunable_test_write("/sys/fs/cgroup", "cgroup.subtree_control", "-cpuset");
}

/* What the tunable says at the end of a thread that was pinned with these settings. */
static enum verdict look_at_end(const char *settings, struct verdict_report *report)
{
	const struct tunable *pin = tunable_find("pin");
	const struct target self = { .fd = -1 };
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(pin, settings, &opts, &err), 0);
	pin->ended(&self, &opts, report);
	return report->verdict;
}

struct cpuset_trip {
	char folder[256], home[256];
};

static bool enter(const char *folder)
{
	return tunable_test_write(folder, "tasks", "0");
}

/*
 * Pinned to 1, moved into a cpuset of 0 alone, and back. Since Linux 6.2 the kernel remembers the
 * pin when it comes back; before, the thread has all CPUs then. Either is what must be said.
 */
static void *leave_with_pin(void *arg)
{
	const struct cpuset_trip *trip = arg;
	struct verdict_report report;
	cpu_set_t mask;

	CHECK_INT(tunable_test_apply("pin", "cpus=1", &report), 0);
	CU_ASSERT_FATAL(enter(trip->folder));
	CHECK_INT(look_at_end("cpus=1", &report), VERDICT_CLAMPED);
	CHECK_TEXT(report.requested, "cpus=1 spread=all");
	CHECK_TEXT(report.effective, "cpus=0");
	CHECK_TEXT(report.why,
		   "pinned to cpus 1 at the start, on cpus 0 at the end: somebody moved "
		   "it, or its cpuset, and that takes pins away");
	CU_ASSERT_FATAL(enter(trip->home));
	sched_getaffinity(0, sizeof(mask), &mask);
	report.verdict = VERDICT_OK;
	CHECK_INT(look_at_end("cpus=1", &report),
		  CPU_COUNT(&mask) == 1 ? VERDICT_OK : VERDICT_CLAMPED);
	return NULL;
}

/* What the cpuset cut off comes back with it: the mask is no longer what was reported. */
static void *leave_with_less(void *arg)
{
	const struct cpuset_trip *trip = arg;
	struct verdict_report report;

	CU_ASSERT_FATAL(enter(trip->folder));
	CHECK_INT(tunable_test_apply("pin", "cpus=0,1 spread=all", &report), -ERANGE);
	CHECK_TEXT(report.effective, "cpus=0 spread=all");
	CU_ASSERT_FATAL(enter(trip->home));
	CHECK_INT(tunable_test_apply("pin", "cpus=", &report), 0);
	CHECK_TEXT(report.effective, "cpus=0-1 spread=all");
	return NULL;
}

static void test_no_op_3_leaving_a_cpuset_resets_the_mask(void)
{
	struct cpuset_trip trip;

	if (sysconf(_SC_NPROCESSORS_ONLN) != 2 ||
	    !tunable_test_group("cpuset", trip.folder, sizeof(trip.folder))) {
		test_not_possible("no version 1 cpuset, or not two CPUs");
		return;
	}
	snprintf(trip.home, sizeof(trip.home), "%s", trip.folder);
	*strrchr(trip.home, '/') = '\0';
	if (tunable_test_write(trip.folder, "cpuset.cpus", "0") &&
	    tunable_test_write(trip.folder, "cpuset.mems", "0")) {
		tunable_test_thread(leave_with_pin, &trip);
		tunable_test_thread(leave_with_less, &trip);
	} else {
		test_not_possible("%s takes no CPU", trip.folder);
	}
	CHECK_INT(tunable_test_remove_group(trip.folder), 0);
}

static void *stay(void *arg)
{
	struct verdict_report report;
	char settings[64];

	(void)arg;
	snprintf(settings, sizeof(settings), "cpus=%d", sched_getcpu());
	CHECK_INT(tunable_test_apply("pin", settings, &report), 0);
	look_at_end(settings, &report);
	CU_ASSERT(report.verdict != VERDICT_CLAMPED);
	snprintf(settings, sizeof(settings), "at=pu:%d", sched_getcpu());
	look_at_end(settings, &report);
	CU_ASSERT(report.verdict != VERDICT_CLAMPED);
	return NULL;
}

static void test_a_thread_that_stayed_has_nothing_to_report(void)
{
	tunable_test_thread(stay, NULL);
}

static void *pin_with_reservation(void *arg)
{
	struct verdict_report report;

	if (!tunable_test_reserve("policy=deadline runtime=1ms deadline=10ms", &report))
		return NULL;
	CHECK_INT(tunable_test_apply("pin", "cpus=0", &report), -EBUSY);
	CHECK_INT(report.verdict, VERDICT_DENIED);
	CU_ASSERT(strstr(report.why, "pin it before the policy is set") != NULL);
	return NULL;
}

static void test_a_thread_with_a_reservation_cannot_be_pinned(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		test_not_possible("needs two CPUs");
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
		test_not_possible("this process may not run everywhere");
	else
		tunable_test_thread(pin_to_all, online);
}

static CU_TestInfo tests[] = {
	{ "no-op 1: a mask with absent CPUs shrinks",
	  test_no_op_1_a_mask_with_absent_cpus_shrinks },
	{ "no-op 2: a cpuset shrinks a mask", test_no_op_2_a_cpuset_shrinks_a_mask },
	{ "no-op 2: a cpuset of version 2 does, too", test_no_op_2_a_cpuset_of_version_2_does_too },
	{ "no-op 3: leaving a cpuset resets the mask",
	  test_no_op_3_leaving_a_cpuset_resets_the_mask },
	{ "a thread that stayed where it was pinned has nothing to report at its end",
	  test_a_thread_that_stayed_has_nothing_to_report },
	{ "a thread with a reservation cannot be pinned",
	  test_a_thread_with_a_reservation_cannot_be_pinned },
	{ "pinning to all CPUs is vacuous", test_pinning_to_all_cpus_is_vacuous },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("affinity", tests);
}
