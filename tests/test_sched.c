/*
 * test_sched.c - what the kernel refuses of scheduling, and whether the sentence names the cause.
 *
 * Causes are provoked: by a child without rights, by a cpu group without real-time runtime, by
 * pinning, by asking for more reservations than there are CPUs. Where a cause cannot be provoked
 * the case says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "base/clock.h"
#include "tests/tunable_test.h"
#include "tunables/sched_opts.h"

#define THREADS_MAX 64

/* One if the settings are not refused with these words, and a line about it. */
static unsigned not_denied(const char *settings, const char *words)
{
	struct verdict_report report;
	int rc = tunable_test_apply("sched", settings, &report);

	if (rc && report.verdict == VERDICT_DENIED && strstr(report.why, words))
		return 0;
	printf("\n    %s: %d, %s: \"%s\", not \"%s\"", settings, rc, verdict_names[report.verdict],
	       report.why, words);
	return 1;
}

static unsigned refused_as_nobody(void)
{
	struct verdict_report report;
	unsigned failed = 0;

	failed += not_denied("policy=fifo",
			     "SCHED_FIFO refused: needs CAP_SYS_NICE or RLIMIT_RTPRIO >= 10 "
			     "(now 0). Try sudo");
	failed += not_denied("policy=rr priority=20",
			     "SCHED_RR refused: needs CAP_SYS_NICE or RLIMIT_RTPRIO >= 20");
	failed += not_denied("policy=deadline runtime=1ms deadline=10ms",
			     "SCHED_DEADLINE refused: needs CAP_SYS_NICE (no limit");
	failed += not_denied("nice=-5", "nice -5 refused: the thread has 0, and less needs "
					"CAP_SYS_NICE or RLIMIT_NICE >= 25 (now 0)");
	failed += tunable_test_apply("sched", "policy=batch nice=3", &report) != 0;
	failed += not_denied("policy=other", "nice 0 refused: the thread has 3");
	failed += tunable_test_apply("sched", "policy=idle", &report) != 0;
	failed += not_denied("policy=batch", "leaving SCHED_IDLE refused: needs CAP_SYS_NICE");
	return failed;
}

static void test_without_rights_the_refusal_names_the_right(void)
{
	tunable_test_as_nobody(refused_as_nobody);
}

static void *apply_deadline_pinned(void *arg)
{
	struct verdict_report report;
	char pin[32], words[100];

	snprintf(pin, sizeof(pin), "cpus=%d", sched_getcpu());
	CHECK_INT(tunable_test_apply("pin", pin, &report), 0);
	snprintf(words, sizeof(words),
		 "the thread may run on cpu %s only, but its root domain has more", pin + 5);
	CHECK_INT(not_denied("policy=deadline runtime=1ms deadline=10ms", words), 0);
	return NULL;
}

static void test_a_pinned_thread_is_refused_a_reservation(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || !tunable_test_privileged())
		printf("\n    not possible here: needs two CPUs and CAP_SYS_NICE");
	else
		tunable_test_thread(apply_deadline_pinned, NULL);
}

static void *overrun(void *arg)
{
	struct verdict_report report;
	int64_t end;

	if (tunable_test_apply("sched", "policy=deadline runtime=1ms deadline=10ms overrun=yes",
			       &report)) {
		printf("\n    not possible here: %s", report.why);
		return NULL;
	}
	tunable_test_ended("sched", "overrun=yes", &report);
	CHECK_TEXT(report.why, "no overrun: the reservation was large enough");
	end = clock_now_ns() + 60 * MS;
	while (clock_now_ns() < end)
		;
	tunable_test_ended("sched", "overrun=yes", &report);
	CU_ASSERT(strstr(report.why, "the reservation is too small: ") != NULL);
	return NULL;
}

static void test_a_reservation_that_is_too_small_is_counted_and_does_not_kill(void)
{
	tunable_test_process(overrun, NULL);
}

static void *count_beside_an_alarm(void *arg)
{
	const struct rlimit alarm = { .rlim_cur = 1000000, .rlim_max = 2000000 };
	const char *settings = "policy=deadline runtime=1ms deadline=10ms overrun=yes";

	CHECK_INT(setrlimit(RLIMIT_RTTIME, &alarm), 0);
	CHECK_INT(not_denied(settings, "sched.overrun refused: SIGXCPU is the alarm of a limit"),
		  0);
	return NULL;
}

static void test_overruns_are_not_counted_where_the_signal_is_an_alarm(void)
{
	tunable_test_process(count_beside_an_alarm, NULL);
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

static void *ask_policy(void *ret)
{
	*(int *)ret = sched_getscheduler(0);
	return NULL;
}

static void *make_thread_with_reservation(void *arg)
{
	struct verdict_report report;
	int policy = -1;

	if (tunable_test_apply("sched", "policy=deadline runtime=1ms deadline=10ms", &report)) {
		printf("\n    not possible here: %s", report.why);
		return NULL;
	}
	tunable_test_thread(ask_policy, &policy);
	CHECK_INT(policy, SCHED_OTHER);
	return NULL;
}

static void test_a_thread_with_a_reservation_can_make_threads_without(void)
{
	tunable_test_thread(make_thread_with_reservation, NULL);
}

/* Threads that hold a reservation of a whole CPU each until told to go. */
struct crowd {
	pthread_barrier_t asked, go;
	struct verdict_report report; /* of the last one */
	int rc;
};

/* The sum names what would still be admitted: a little less than that is. */
static void take_what_is_left(const char *why)
{
	struct verdict_report report;
	char settings[100];
	double left = 0;

	CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
	if (sscanf(why, "SCHED_DEADLINE refused by admission control: asks for 1.000 CPUs, %lf",
		   &left) != 1 ||
	    left < 0.1)
		return; /* others hold the rest */
	snprintf(settings, sizeof(settings), "policy=deadline runtime=%dus deadline=10ms",
		 (int)((left - 0.05) * 10000));
	if (tunable_test_apply("sched", settings, &report))
		printf("\n    %s: %s (before: %s)", settings, report.why, why);
	CHECK_INT(report.verdict, VERDICT_OK);
}

static void *hold_a_cpu(void *arg)
{
	struct crowd *crowd = arg;

	crowd->rc = tunable_test_apply("sched", "policy=deadline runtime=10ms deadline=10ms",
				       &crowd->report);
	if (crowd->rc)
		take_what_is_left(crowd->report.why);
	pthread_barrier_wait(&crowd->asked);
	pthread_barrier_wait(&crowd->go);
	return NULL;
}

/* What is said to be left is not enough, and less than there is in all. */
static void check_sum(const char *why)
{
	double asked = 0, left = 2, limit = 0;

	if (sscanf(why,
		   "SCHED_DEADLINE refused by admission control: asks for %lf CPUs, %lf (for one "
		   "thread) are left of %lf (",
		   &asked, &left, &limit) != 3)
		printf("\n    %s", why);
	CHECK_NEAR(asked, 1.0, 0.0005);
	CU_ASSERT(left < 1.0 && left < limit);
}

static void fill_the_machine(unsigned most)
{
	pthread_t threads[THREADS_MAX];
	struct crowd crowds[THREADS_MAX];
	unsigned count = 0, i;

	do {
		pthread_barrier_init(&crowds[count].asked, NULL, 2);
		pthread_barrier_init(&crowds[count].go, NULL, 2);
		pthread_create(&threads[count], NULL, hold_a_cpu, &crowds[count]);
		pthread_barrier_wait(&crowds[count].asked);
	} while (!crowds[count++].rc && count < most);
	CHECK_INT(crowds[count - 1].rc, -EBUSY);
	CHECK_INT(crowds[count - 1].report.verdict, VERDICT_DENIED);
	check_sum(crowds[count - 1].report.why);
	for (i = 0; i < count; i++) {
		pthread_barrier_wait(&crowds[i].go);
		pthread_join(threads[i], NULL);
	}
}

static void test_more_reservations_than_cpus_are_refused_with_what_is_left(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (online >= THREADS_MAX || !tunable_test_privileged())
		printf("\n    not possible here: needs CAP_SYS_NICE and few CPUs");
	else
		fill_the_machine((unsigned)online + 1);
}

static void *apply_fifo_in_group(void *group)
{
	if (!tunable_test_write(group, "tasks", "0")) {
		printf("\n    not possible here: cannot enter %s", (char *)group);
		return NULL;
	}
	CHECK_INT(not_denied("policy=fifo",
			     "although CAP_SYS_NICE is held: the task is in cpu cgroup "),
		  0);
	CHECK_INT(not_denied("policy=rr", "with cpu.rt_runtime_us=0 (CONFIG_RT_GROUP_SCHED)"), 0);
	return NULL;
}

static void test_a_group_without_realtime_runtime_is_named(void)
{
	char group[256], path[300];

	if (!tunable_test_privileged() || !tunable_test_group("cpu", group, sizeof(group))) {
		printf("\n    not possible here: no version 1 cpu group can be made");
		return;
	}
	snprintf(path, sizeof(path), "%s/cpu.rt_runtime_us", group);
	if (kernel_file_number(path, -1) == 0)
		tunable_test_thread(apply_fifo_in_group, group);
	else
		printf("\n    not possible here: groups have real-time runtime of their own");
	CHECK_INT(tunable_test_remove_group(group), 0);
}

static void *apply_nice(void *arg)
{
	struct verdict_report report;
	char autogroup[64];
	bool on = kernel_file_number("/proc/sys/kernel/sched_autogroup_enabled", 0) == 1 &&
		  kernel_file_read("/proc/self/autogroup", autogroup, sizeof(autogroup));

	CHECK_INT(tunable_test_apply("sched", "policy=batch", &report), 0);
	CHECK_TEXT(report.why, "");
	CHECK_INT(tunable_test_apply("sched", "nice=5", &report), 0);
	CHECK_INT(report.verdict, VERDICT_OK);
	if (*report.why) {
		CU_ASSERT(on);
		autogroup[strcspn(autogroup, " ")] = '\0';
		CU_ASSERT(strstr(report.why, autogroup) != NULL);
		CU_ASSERT(strstr(report.why, "sched_autogroup_enabled=0") != NULL);
	}
	return NULL;
}

static void test_nice_under_autogroup_is_ok_with_a_remark(void)
{
	tunable_test_thread(apply_nice, NULL);
}

static void *apply_slices(void *slices_work)
{
	struct verdict_report report;

	tunable_test_apply("sched", "slice=3ms", &report);
	*(bool *)slices_work = report.verdict == VERDICT_OK;
	/* twice: what was clamped before is clamped again, not ignored */
	tunable_test_apply("sched", "slice=50us", &report);
	CHECK_INT(tunable_test_apply("sched", "slice=50us", &report),
		  *(bool *)slices_work ? -ERANGE : -EOPNOTSUPP);
	if (*(bool *)slices_work) {
		CHECK_TEXT(report.why, "EEVDF slice 50us requested, the kernel uses 100us "
				       "(limits 100us to 100ms)");
	} else {
		CHECK_TEXT(report.why,
			   "this kernel ignores slices (reads back 0; needs Linux 6.12)");
	}
	return NULL;
}

static void test_a_slice_out_of_range_is_clamped_and_the_limits_named(void)
{
	bool slices_work;

	tunable_test_thread(apply_slices, &slices_work);
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
	{ "a pinned thread is refused a reservation",
	  test_a_pinned_thread_is_refused_a_reservation },
	{ "a thread with a reservation can make threads without",
	  test_a_thread_with_a_reservation_can_make_threads_without },
	{ "more reservations than CPUs are refused with what is left",
	  test_more_reservations_than_cpus_are_refused_with_what_is_left },
	{ "a group without realtime runtime is named",
	  test_a_group_without_realtime_runtime_is_named },
	{ "a reservation that is too small is counted and does not kill",
	  test_a_reservation_that_is_too_small_is_counted_and_does_not_kill },
	{ "overruns are not counted where the signal is an alarm",
	  test_overruns_are_not_counted_where_the_signal_is_an_alarm },
	{ "sched_ext says which scheduler, or that there is none",
	  test_sched_ext_says_which_scheduler_or_that_there_is_none },
	{ "nice under autogroup is ok with a remark",
	  test_nice_under_autogroup_is_ok_with_a_remark },
	{ "no-op 6: a slice out of range is clamped and the limits named",
	  test_a_slice_out_of_range_is_clamped_and_the_limits_named },
	{ "only fifo and rr are realtime", test_only_fifo_and_rr_are_realtime },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("sched", tests);
}
