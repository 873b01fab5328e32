/*
 * timer_slack.c - the tunable "timer": how much later than asked a thread's sleep may end.
 *
 * The kernel joins wake-ups that lie within a thread's slack (50 us unless inherited otherwise) to
 * save power, prctl(2). Two of its habits are silent: 0 means "back to the default" and not "none",
 * so here 0 is "leave it" and 1ns the least; and threads of FIFO, RR and DEADLINE sleep without
 * slack whatever is set (newer kernels drop the call, older ones keep a number that does not
 * count). So it is applied after the policy, when it is known whether it counts.
 *
 * The client gives its threads 1 ns before any tunable is applied (client/thread.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "system/kernel_file.h"
#include "tunables/sched_kernel.h"
#include "tunables/tunable.h"

struct timer_opts {
	int64_t slack_ns;
};

static const struct knob knobs[] = {
	{ .name = "slack",
	  .type = &knob_time,
	  KNOB_FIELD(struct timer_opts, slack_ns, int64_t),
	  .max = 1000000000,
	  .def = "0ns",
	  .help = "how much later a sleep may end; 0: as it is (1ns in a client, else 50us)",
	  .read_back = "prctl(PR_GET_TIMERSLACK), /proc/PID/timerslack_ns" },
	{ 0 },
};

static bool is_default(const void *opts)
{
	return !((const struct timer_opts *)opts)->slack_ns;
}

static bool is_self(pid_t tid)
{
	return !tid || tid == gettid();
}

/* Of another thread; asking needs CAP_SYS_NICE as setting does. */
static int write_slack(pid_t tid, int64_t slack_ns)
{
	char path[64];
	FILE *file;
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", tid);
	file = fopen(path, "we");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	rc = fprintf(file, "%lld", (long long)slack_ns) < 0 ? -EIO : 0;
	return fclose(file) && !rc ? -errno : rc;
}

static int64_t read_slack(pid_t tid)
{
	char path[64];

	if (is_self(tid))
		return prctl(PR_GET_TIMERSLACK);
	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", tid);
	return kernel_file_number(path, -1);
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	int64_t slack_ns = ((const struct timer_opts *)opts)->slack_ns;
	int rc;

	if (is_self(t->tid))
		rc = prctl(PR_SET_TIMERSLACK, (unsigned long)slack_ns) ? -errno : 0;
	else
		rc = write_slack(t->tid, slack_ns);
	return rc ? err_sys(err, rc, "cannot set the timer slack of thread %d", t->tid) : 0;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	int64_t slack_ns = read_slack(t->tid);

	if (slack_ns < 0)
		return err_set(err, -ESRCH, "cannot ask for the timer slack of thread %d", t->tid);
	*(struct timer_opts *)opts = (struct timer_opts){ .slack_ns = slack_ns };
	return 0;
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	const struct sched_policy *policy = sched_policy_of(t->tid);

	if (!policy || !(policy->takes_priority || policy->takes_reservation))
		return;
	report->verdict = VERDICT_IGNORED;
	snprintf(report->why, sizeof(report->why),
		 "timer slack does not count for %s: such threads sleep without any",
		 policy->title);
}

const struct tunable tunable_timer = {
	.group = { .name = "timer",
		   .help = "how exact threads sleep",
		   .knobs = knobs,
		   .opts_size = sizeof(struct timer_opts) },
	.scope = SCOPE_THREAD,
	.moment = MOMENT_READY,
	.own_groups = 1U << THREAD_ACCEPTOR | 1U << THREAD_STORAGE,
	.is_default = is_default,
	.apply = apply,
	.read_back = read_back,
	.explain = explain,
};
