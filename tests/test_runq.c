/*
 * test_runq.c - waits for a CPU in buckets, and the kernel's program against schedstat's sum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/runq.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "observe/runq.bpf.h"
#include "observe/task.h"
#include "tests/possible.h"

#define NOBODY	65534
#define WORK_NS (60 * MS)

static void test_buckets_follow_each_other_without_a_hole(void)
{
	for (unsigned i = 0; i < RUNQ_BUCKETS; i++) {
		unsigned long long from = runq_bucket_from(i), next = runq_bucket_from(i + 1);

		CU_ASSERT(next > from);
		CHECK_INT(runq_bucket(from), i);
		CHECK_INT(runq_bucket(next - 1), i);
		CU_ASSERT(i < RUNQ_STEPS || (next - from) * RUNQ_STEPS <= from);
	}
	CHECK_INT(runq_bucket(0), 0);
	CHECK_INT(runq_bucket(UINT64_MAX), RUNQ_BUCKETS - 1);
	CU_ASSERT(runq_bucket_from(RUNQ_BUCKETS - 1) > 600ULL * SEC);
}

/* Works and rests in turn, so that it is woken, preempted and put back. */
static void work_and_rest(void)
{
	const struct timespec rest = { .tv_nsec = 100 * US };
	int64_t end_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) + WORK_NS;

	for (int64_t now; (now = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID)) < end_ns;) {
		while (clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) < now + 300 * US)
			;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
	}
}

/* Two that want all of every CPU the caller may have, so that there is something to wait for. */
static void start_hogs(pid_t pids[2])
{
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		while (pids[i] == 0)
			;
	}
}

static void end_hogs(const pid_t pids[2])
{
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

/* All that was seen until now: how many waits, and how long they are together. */
struct waits {
	double count, sum_ns;
};

static struct waits waits_now(const struct runq *r)
{
	struct hist *h = hist_create();
	struct waits w;

	runq_read(r, h);
	w.count = (double)hist_count(h);
	w.sum_ns = w.count > 0 ? hist_mean(h) * w.count : 0;
	hist_destroy(h);
	return w;
}

/* What schedstat says of a time within that of the waits, and of one around it. */
struct bounds {
	struct task within, around;
	struct waits waits;
};

static void watch(const struct runq *r, struct bounds *ret)
{
	struct task from[2], to[2];
	struct waits before, after;
	pid_t hogs[2];

	start_hogs(hogs);
	task_read_self(&from[0]);
	before = waits_now(r);
	task_read_self(&from[1]);
	work_and_rest();
	task_read_self(&to[1]);
	after = waits_now(r);
	task_read_self(&to[0]);
	end_hogs(hogs);
	task_between(&from[1], &to[1], &ret->within);
	task_between(&from[0], &to[0], &ret->around);
	ret->waits = (struct waits){ after.count - before.count, after.sum_ns - before.sum_ns };
}

/* Whether the kernel says of what types it is built. */
static bool has_types(void)
{
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		return true;
	test_not_possible("no /sys/kernel/btf/vmlinux");
	return false;
}

/*
 * Two ways to the same number. Both see the waits of this process and not those of the hogs, which
 * wait as long as it does. However long it waits between two looks on a busy machine, one way's
 * time lies within the other's; the buckets, and when a wait begins, leave some difference.
 */
static void test_single_waits_add_up_to_run_delay(void)
{
	struct runq *r = NULL;
	struct err err = { 0 };
	struct bounds b;
	double least_ns, most_ns;
	int rc = runq_start(getpid(), &r, &err);

	if (rc == -ENOSYS)
		test_not_possible("%s", err.text);
	else if (rc && possible_bpf(BPF_PROG_TYPE_TRACEPOINT) && has_types())
		CHECK_TEXT(err.text, "");
	if (rc)
		return;
	watch(r, &b);
	runq_stop(r);
	least_ns = (double)b.within.count[TASK_RUN_DELAY_NS];
	most_ns = (double)b.around.count[TASK_RUN_DELAY_NS];
	printf("\n    %.0f waits of %.2f ms together; schedstat says %.2f to %.2f ms ",
	       b.waits.count, b.waits.sum_ns / MS, least_ns / MS, most_ns / MS);
	CU_ASSERT(b.waits.count >= (double)b.within.count[TASK_VOLUNTARY]);
	CU_ASSERT(b.waits.sum_ns >= 0.85 * least_ns - 5 * MS);
	CU_ASSERT(b.waits.sum_ns <= 1.15 * most_ns + 5 * MS);
}

static void test_a_refusal_says_what_is_missing(void)
{
	struct err err = { 0 };
	struct runq *r = NULL;
	int status, rc;
	pid_t pid = fork();

	if (pid == 0) {
		if (!getuid() &&
		    (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))) {
			test_not_possible("privileges stay");
			_exit(0);
		}
		rc = runq_start(getpid(), &r, &err);
		runq_stop(r);
		if (rc == -ENOSYS)
			_exit(!strstr(err.text, "./dev build --bpf"));
		_exit(rc < 0 && !strstr(err.text, "CAP_BPF") && !strstr(err.text, "btf"));
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	runq_stop(NULL);
}

static CU_TestInfo tests[] = {
	{ "buckets follow each other without a hole",
	  test_buckets_follow_each_other_without_a_hole },
	{ "single waits add up to run delay", test_single_waits_add_up_to_run_delay },
	{ "a refusal says what is missing", test_a_refusal_says_what_is_missing },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("run queue", tests);
}
