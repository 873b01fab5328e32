/*
 * test_timer_slack.c - slack where it counts, and where the kernel takes it and sleeps without.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sys/prctl.h>

#include "tests/tunable_test.h"

static void check_ignored(void)
{
	struct verdict_report report;

	CHECK_INT(tunable_test_apply("timer", "slack=1ms", &report), -EOPNOTSUPP);
	CHECK_INT(report.verdict, VERDICT_IGNORED);
	CU_ASSERT(strstr(report.why, "timer slack does not count for SCHED_") != NULL);
}

static void *apply_as_realtime(void *policy)
{
	struct verdict_report report;

	CHECK_INT(tunable_test_apply("sched", policy, &report), 0);
	check_ignored();
	return NULL;
}

static void test_slack_of_real_time_threads_is_ignored_and_said(void)
{
	if (!tunable_test_privileged()) {
		test_not_possible("needs CAP_SYS_NICE");
		return;
	}
	tunable_test_thread(apply_as_realtime, "policy=fifo");
	tunable_test_thread(apply_as_realtime, "policy=rr");
}

static void *apply_with_reservation(void *unused)
{
	struct verdict_report report;

	if (tunable_test_reserve("policy=deadline runtime=1ms deadline=10ms", &report))
		check_ignored();
	return unused;
}

static void test_slack_of_threads_with_a_reservation_is_ignored_and_said(void)
{
	tunable_test_thread(apply_with_reservation, NULL);
}

static void *apply_zero(void *arg)
{
	struct verdict_report report;
	int64_t start = prctl(PR_GET_TIMERSLACK);

	CHECK_INT(tunable_test_apply("timer", "slack=7us", &report), 0);
	/* The kernel takes 0 for "the default"; here it is "leave it", so nothing is lost. */
	CHECK_INT(tunable_test_apply("timer", "slack=0ns", &report), 0);
	CHECK_TEXT(report.requested, "");
	CHECK_TEXT(report.effective, "slack=7us");
	CHECK_INT(prctl(PR_GET_TIMERSLACK), 7000);
	prctl(PR_SET_TIMERSLACK, 0UL);
	CHECK_INT(prctl(PR_GET_TIMERSLACK), start);
	return NULL;
}

static void test_zero_leaves_what_is_there(void)
{
	tunable_test_thread(apply_zero, NULL);
}

struct other {
	pthread_barrier_t ready, done;
	pid_t tid;
	int64_t slack;
};

/* Past the tunable: 0, or -errno. */
static int give_slack(pid_t tid, const char *ns)
{
	char path[64];
	int fd, rc;

	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", tid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write(fd, ns, strlen(ns)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static void *wait_for_slack(void *arg)
{
	struct other *other = arg;

	other->tid = gettid();
	pthread_barrier_wait(&other->ready);
	pthread_barrier_wait(&other->done);
	other->slack = prctl(PR_GET_TIMERSLACK);
	return NULL;
}

static void test_another_thread_can_be_given_its_slack(void)
{
	const struct tunable *timer = tunable_find("timer");
	struct tunable_test_opts opts;
	struct target target = { .fd = -1 };
	struct verdict_report report;
	struct err err = { 0 };
	struct other other;
	pthread_t thread;
	int rc, past;

	pthread_barrier_init(&other.ready, NULL, 2);
	pthread_barrier_init(&other.done, NULL, 2);
	pthread_create(&thread, NULL, wait_for_slack, &other);
	pthread_barrier_wait(&other.ready);
	target.tid = other.tid;
	CHECK_INT(tunable_test_parse(timer, "slack=3us", &opts, &err), 0);
	past = give_slack(other.tid, "7000");
	rc = tunable_apply(timer, &target, &opts, &report, &err);
	pthread_barrier_wait(&other.done);
	pthread_join(thread, NULL);
	CHECK_INT(rc < 0, past < 0);
	if (past)
		test_not_possible("the slack of another thread: %s", strerror(-past));
	else
		CHECK_INT(other.slack, 3000);
}

static CU_TestInfo tests[] = {
	{ "no-op 10: slack of real-time threads is ignored and said",
	  test_slack_of_real_time_threads_is_ignored_and_said },
	{ "no-op 10: slack of threads with a reservation is ignored and said",
	  test_slack_of_threads_with_a_reservation_is_ignored_and_said },
	{ "no-op 10: zero leaves what is there", test_zero_leaves_what_is_there },
	{ "another thread can be given its slack", test_another_thread_can_be_given_its_slack },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("timer slack", tests);
}
