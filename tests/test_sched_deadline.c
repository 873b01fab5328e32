/*
 * test_sched_deadline.c - reservations of the CPU: pinned ones, too many, and too small ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "base/clock.h"
#include "tests/tunable_test.h"

#define THREADS_MAX 64

static void *apply_deadline_pinned(void *arg)
{
	struct verdict_report report;
	char pin[32], words[100];

	snprintf(pin, sizeof(pin), "cpus=%d", sched_getcpu());
	CHECK_INT(tunable_test_apply("pin", pin, &report), 0);
	snprintf(words, sizeof(words),
		 "the thread may run on cpu %s only, but its root domain has more", pin + 5);
	CHECK_INT(tunable_test_not_denied("sched", "policy=deadline runtime=1ms deadline=10ms",
					  words),
		  0);
	return NULL;
}

static void test_a_pinned_thread_is_refused_a_reservation(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || !tunable_test_privileged())
		test_not_possible("needs two CPUs and CAP_SYS_NICE");
	else
		tunable_test_thread(apply_deadline_pinned, NULL);
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

	if (!tunable_test_reserve("policy=deadline runtime=1ms deadline=10ms", &report))
		return NULL;
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
		test_not_possible("needs CAP_SYS_NICE and few CPUs");
	else
		fill_the_machine((unsigned)online + 1);
}

/* The time that a hypervisor takes away counts as used: 40 ms are a little until the first look. */
static void *overrun(void *arg)
{
	struct verdict_report report;
	int64_t end;

	if (!tunable_test_reserve("policy=deadline runtime=40ms deadline=400ms overrun=yes",
				  &report))
		return NULL;
	tunable_test_ended("sched", "overrun=yes", &report);
	CHECK_TEXT(report.why, "no overrun was seen: the reservation was large enough");
	end = clock_now_ns() + SEC;
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
	CHECK_INT(tunable_test_not_denied("sched", settings,
					  "sched.overrun refused: SIGXCPU is the alarm of a limit"),
		  0);
	return NULL;
}

static void test_overruns_are_not_counted_where_the_signal_is_an_alarm(void)
{
	tunable_test_process(count_beside_an_alarm, NULL);
}

static CU_TestInfo tests[] = {
	{ "a pinned thread is refused a reservation",
	  test_a_pinned_thread_is_refused_a_reservation },
	{ "a thread with a reservation can make threads without",
	  test_a_thread_with_a_reservation_can_make_threads_without },
	{ "more reservations than CPUs are refused with what is left",
	  test_more_reservations_than_cpus_are_refused_with_what_is_left },
	{ "a reservation that is too small is counted and does not kill",
	  test_a_reservation_that_is_too_small_is_counted_and_does_not_kill },
	{ "overruns are not counted where the signal is an alarm",
	  test_overruns_are_not_counted_where_the_signal_is_an_alarm },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("sched deadline", tests);
}
