/*
 * test_sched.c - what the kernel refuses of scheduling, and whether the sentence names the cause.
 *
 * Causes are provoked: by a child without rights, by a cpu group without real-time runtime, by
 * values the kernel makes fit. Where a cause cannot be provoked the case is skipped. Reservations:
 * test_sched_deadline.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "base/clock.h"
#include "system/journal.h"
#include "tests/tunable_test.h"
#include "tunables/autogroup.h"
#include "tunables/sched_opts.h"

static unsigned refused_as_nobody(void)
{
	struct verdict_report report;
	unsigned failed = 0;

	failed += tunable_test_not_denied(
		"sched", "policy=fifo",
		"SCHED_FIFO refused: needs CAP_SYS_NICE or RLIMIT_RTPRIO >= 10 "
		"(now 0). Try sudo");
	failed += tunable_test_not_denied(
		"sched", "policy=rr priority=20",
		"SCHED_RR refused: needs CAP_SYS_NICE or RLIMIT_RTPRIO >= 20");
	failed += tunable_test_not_denied("sched", "policy=deadline runtime=1ms deadline=10ms",
					  "SCHED_DEADLINE refused: needs CAP_SYS_NICE (no limit");
	failed += tunable_test_not_denied("sched", "nice=-5",
					  "nice -5 refused: the thread has 0, and less needs "
					  "CAP_SYS_NICE or RLIMIT_NICE >= 25 (now 0)");
	failed += tunable_test_apply("sched", "policy=batch nice=3", &report) != 0;
	failed += tunable_test_not_denied("sched", "policy=other",
					  "nice 0 refused: the thread has 3");
	failed += tunable_test_apply("sched", "policy=idle", &report) != 0;
	failed += tunable_test_not_denied("sched", "policy=batch",
					  "leaving SCHED_IDLE refused: needs CAP_SYS_NICE");
	return failed;
}

static void test_without_rights_the_refusal_names_the_right(void)
{
	tunable_test_as_nobody(refused_as_nobody);
}

static void *apply_ext(void *arg)
{
	struct verdict_report report;
	int rc = tunable_test_apply("sched", "policy=ext", &report);

	if (access("/sys/kernel/sched_ext", F_OK)) {
		CHECK_INT(rc, -EOPNOTSUPP);
		CU_ASSERT(strstr(report.why, "this kernel has no sched_ext") != NULL);
	} else {
		CU_ASSERT(strstr(report.why, "sched_ext scheduler") != NULL);
	}
	return NULL;
}

static void test_sched_ext_says_which_scheduler_or_that_there_is_none(void)
{
	tunable_test_thread(apply_ext, NULL);
}

static void *apply_fifo_in_group(void *group)
{
	if (!tunable_test_write(group, "tasks", "0")) {
		test_not_possible("cannot enter %s", (char *)group);
		return NULL;
	}
	CHECK_INT(tunable_test_not_denied(
			  "sched", "policy=fifo",
			  "although CAP_SYS_NICE is held: the task is in cpu cgroup "),
		  0);
	CHECK_INT(tunable_test_not_denied("sched", "policy=rr",
					  "with cpu.rt_runtime_us=0 (CONFIG_RT_GROUP_SCHED)"),
		  0);
	return NULL;
}

static void test_a_group_without_realtime_runtime_is_named(void)
{
	char group[256], path[300];

	if (!tunable_test_privileged() || !tunable_test_group("cpu", group, sizeof(group))) {
		test_not_possible("no version 1 cpu group can be made");
		return;
	}
	snprintf(path, sizeof(path), "%s/cpu.rt_runtime_us", group);
	if (kernel_file_number(path, -1) == 0)
		tunable_test_thread(apply_fifo_in_group, group);
	else
		test_not_possible("groups have real-time runtime of their own");
	CHECK_INT(tunable_test_remove_group(group), 0);
}

static void *apply_nice(void *arg)
{
	struct verdict_report report;
	struct autogroup group;
	bool on = autogroup_read(0, &group);

	CHECK_INT(tunable_test_apply("sched", "policy=batch", &report), 0);
	CHECK_TEXT(report.why, "");
	CHECK_INT(tunable_test_apply("sched", "nice=5", &report), 0);
	CHECK_INT(report.verdict, VERDICT_OK);
	CHECK_INT(*report.why != '\0', on);
	if (on) {
		CU_ASSERT(strstr(report.why, group.name) != NULL);
		CU_ASSERT(strstr(report.why, "sched_autogroup_enabled=0") != NULL);
	}
	return NULL;
}

static void test_nice_under_autogroup_is_ok_with_a_remark(void)
{
	tunable_test_thread(apply_nice, NULL);
}

/* Provoked first: the kernel takes -25 and makes it -20. */
static void *clamp_nice(void *arg)
{
	const struct knob *nice = knob_find(&tunable_find("sched")->group, "nice");
	struct tunable_test_opts opts;
	struct err err = { 0 };
	int before = getpriority(PRIO_PROCESS, 0);

	CHECK_INT(setpriority(PRIO_PROCESS, 0, -25), 0);
	CHECK_INT(getpriority(PRIO_PROCESS, 0), -20);
	CHECK_INT(setpriority(PRIO_PROCESS, 0, before), 0);
	CHECK_INT(knob_parse(nice, "-25", &opts, &err), -EINVAL);
	if (!strstr(err.text, "-20"))
		printf("\n    %s", err.text);
	CU_ASSERT(strstr(err.text, "-20") != NULL);
	return NULL;
}

static void test_nice_out_of_range_does_not_reach_the_kernel(void)
{
	if (tunable_test_privileged())
		tunable_test_process(clamp_nice, NULL);
	else
		test_not_possible("needs CAP_SYS_NICE");
}

#define DUEL_MS 2500

/* A thread that never rests, and the CPU time that another one on its CPU gets all the same: the
 * kernel keeps 50 ms of a second for those that are not real-time; on a busy machine they are many.
 */
struct rivals {
	pthread_barrier_t begin;
	pthread_t other;
	int cpu;
	int64_t other_ns;
	bool is_over;
	struct verdict_report report;
};

static int64_t thread_cpu_ns(pthread_t thread)
{
	struct timespec ts = { 0 };
	clockid_t clock;

	CHECK_INT(pthread_getcpuclockid(thread, &clock), 0);
	CHECK_INT(clock_gettime(clock, &ts), 0);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void *spin_as_fifo(void *arg)
{
	struct rivals *r = arg;
	int64_t before_ns, end_ns;
	char pin[32];

	snprintf(pin, sizeof(pin), "cpus=%d", r->cpu);
	tunable_test_apply("pin", pin, &r->report);
	pthread_barrier_wait(&r->begin);
	CHECK_INT(tunable_test_apply("sched", "policy=fifo", &r->report), 0);
	before_ns = thread_cpu_ns(r->other);
	end_ns = clock_now_ns() + DUEL_MS * MS;
	while (clock_now_ns() < end_ns)
		;
	r->other_ns = thread_cpu_ns(r->other) - before_ns;
	__atomic_store_n(&r->is_over, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *spin_as_other(void *arg)
{
	struct rivals *r = arg;
	struct verdict_report report;
	char pin[32];

	snprintf(pin, sizeof(pin), "cpus=%d", r->cpu);
	tunable_test_apply("pin", pin, &report);
	CHECK_INT(setpriority(PRIO_PROCESS, 0, -20), 0);
	pthread_barrier_wait(&r->begin);
	while (!__atomic_load_n(&r->is_over, __ATOMIC_SEQ_CST))
		;
	return NULL;
}

static void compete(struct rivals *r)
{
	pthread_t fifo;

	pthread_barrier_init(&r->begin, NULL, 2);
	r->cpu = sched_getcpu();
	pthread_create(&r->other, NULL, spin_as_other, r);
	pthread_create(&fifo, NULL, spin_as_fifo, r);
	pthread_join(fifo, NULL);
	pthread_join(r->other, NULL);
}

/* In a process of its own, whose journal puts the throttle back. */
static void *compete_without_throttle(void *arg)
{
	static const char path[] = "/proc/sys/kernel/sched_rt_runtime_us";
	struct rivals r = { .cpu = 0 };
	struct journal *j = NULL;
	struct err err = { 0 };
	char effective[32];
	bool fair = false;
	int rc;

	if (access(path, W_OK)) {
		test_not_possible("%s: %s", path, strerror(errno));
		return NULL;
	}
	CHECK_INT(journal_open(&j, "test", &err), 0);
	rc = j ? journal_write(j, path, "-1", effective, sizeof(effective), &err) : -EIO;
	if (rc == -EBUSY)
		test_not_possible("%s", err.text); /* another ringwalk holds it */
	else
		CHECK_TEXT(err.text, "");
	if (rc) {
		journal_close(j);
		return NULL;
	}
	compete(&r);
	journal_close(j);
	fair = strstr(r.report.why, "sched_rt_runtime_us=-1 does not give it all of a CPU") != NULL;
	printf("\n    the other thread got %.1f ms of %d", (double)r.other_ns / MS, DUEL_MS);
	CHECK_INT(r.other_ns > MS, fair);
	return NULL;
}

static void test_what_real_time_does_not_get_of_a_cpu_is_said(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || !tunable_test_privileged())
		test_not_possible("needs two CPUs and CAP_SYS_NICE");
	else if (kernel_file_number("/sys/kernel/realtime", 0) == 1)
		test_not_possible("PREEMPT_RT starves the rest");
	else
		tunable_test_process(compete_without_throttle, NULL);
}

/* Past the tunable: who does not know slices reads back 0. */
static void *ask_slices(void *slices_work)
{
	struct tunable_test_attr attr = { .size = sizeof(attr), .runtime_ns = 3 * MS }, now = { 0 };

	CHECK_INT(syscall(SYS_sched_setattr, 0, &attr, 0), 0);
	CHECK_INT(syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0), 0);
	*(bool *)slices_work = now.runtime_ns == 3 * MS;
	return NULL;
}

static bool slices_work(void)
{
	bool work = false;

	tunable_test_thread(ask_slices, &work);
	return work;
}

static void *clamp_slice(void *arg)
{
	struct verdict_report report;

	/* twice: what was clamped before is clamped again, not ignored */
	tunable_test_apply("sched", "slice=50us", &report);
	CHECK_INT(tunable_test_apply("sched", "slice=50us", &report), -ERANGE);
	CHECK_TEXT(report.why, "EEVDF slice 50us requested, the kernel uses 100us "
			       "(limits 100us to 100ms)");
	return NULL;
}

static void test_a_slice_out_of_range_is_clamped_and_the_limits_named(void)
{
	if (slices_work())
		tunable_test_thread(clamp_slice, NULL);
	else
		test_not_possible("this kernel ignores slices");
}

static void *ignore_slice(void *arg)
{
	struct verdict_report report;

	CHECK_INT(tunable_test_apply("sched", "slice=3ms", &report), -EOPNOTSUPP);
	CHECK_INT(report.verdict, VERDICT_IGNORED);
	CHECK_TEXT(report.why, "this kernel ignores slices (reads back 0; needs Linux 6.12)");
	return NULL;
}

static void test_a_kernel_that_ignores_slices_is_named(void)
{
	if (slices_work())
		test_not_possible("this kernel knows slices");
	else
		tunable_test_thread(ignore_slice, NULL);
}

static void test_only_fifo_and_rr_are_realtime(void)
{
	static const struct {
		const char *settings;
		bool realtime;
	} rows[] = { { "policy=inherit", false },
		     { "policy=other", false },
		     { "policy=batch", false },
		     { "policy=idle", false },
		     { "policy=fifo", true },
		     { "policy=rr", true },
		     { "policy=deadline runtime=1ms deadline=10ms", false } };
	struct tunable_test_opts opts;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_INT(tunable_test_parse(tunable_find("sched"), rows[i].settings, &opts, &err),
			  0);
		CHECK_INT(sched_is_realtime(&opts), rows[i].realtime);
	}
}

static CU_TestInfo tests[] = {
	{ "without rights the refusal names the right",
	  test_without_rights_the_refusal_names_the_right },
	{ "a group without realtime runtime is named",
	  test_a_group_without_realtime_runtime_is_named },
	{ "sched_ext says which scheduler, or that there is none",
	  test_sched_ext_says_which_scheduler_or_that_there_is_none },
	{ "nice under autogroup is ok with a remark",
	  test_nice_under_autogroup_is_ok_with_a_remark },
	{ "no-op 5: nice out of range does not reach the kernel, which would clamp it",
	  test_nice_out_of_range_does_not_reach_the_kernel },
	{ "no-op 9: what real time does not get of a CPU is said",
	  test_what_real_time_does_not_get_of_a_cpu_is_said },
	{ "no-op 7: a kernel that ignores slices is named",
	  test_a_kernel_that_ignores_slices_is_named },
	{ "no-op 6: a slice out of range is clamped and the limits named",
	  test_a_slice_out_of_range_is_clamped_and_the_limits_named },
	{ "only fifo and rr are realtime", test_only_fifo_and_rr_are_realtime },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	if (!tunable_test_nice_0())
		return test_skip("it was started at another nice, and may not go to 0");
	return test_main("sched", tests);
}
