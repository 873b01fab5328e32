/*
 * tunable_contract_sched.c - the contract's rows for policies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tunable_contract.h"

/* kernel: policy, priority, nice. */
static const struct row rows[] = {
	{ "policy=other", 0, OK, "policy=other", NULL, NULL, "0 0 0" },
	{ "policy=other nice=5", 0, OK, "policy=other nice=5", NULL, NULL, "0 0 5", true },
	{ "nice=5", 0, OK, "policy=other nice=5", NULL, NULL, "0 0 5", true },
	{ "nice=-5", 0, OK, "policy=other nice=-5", NULL, NULL, "0 0 -5", true },
	{ "policy=batch", 0, OK, "policy=batch", NULL, NULL, "3 0 0" },
	{ "policy=idle", 0, OK, "policy=idle", NULL, NULL, "5 0 0", true },
	{ "policy=fifo", 0, OK, "policy=fifo priority=10", "policy=fifo priority=10", NULL,
	  "1 10 0", true },
	{ "policy=rr priority=20", 0, OK, "policy=rr priority=20", "policy=rr priority=20", NULL,
	  "2 20 0", true },
	{ "policy=deadline runtime=1ms deadline=10ms", 0, OK,
	  "policy=deadline runtime=1ms deadline=10ms period=10ms",
	  "policy=deadline runtime=1ms deadline=10ms period=10ms", NULL, "6 0 0 reset-on-fork",
	  true },
	{ "policy=deadline runtime=1ms deadline=5ms period=20ms", 0, OK,
	  "policy=deadline runtime=1ms deadline=5ms period=20ms",
	  "policy=deadline runtime=1ms deadline=5ms period=20ms", NULL, "6 0 0 reset-on-fork",
	  true },
	{ "policy=deadline runtime=1ms deadline=10ms reclaim=yes", 0, OK,
	  "policy=deadline runtime=1ms deadline=10ms period=10ms reclaim=yes",
	  "policy=deadline runtime=1ms deadline=10ms period=10ms reclaim=yes", "",
	  "6 0 0 reset-on-fork", true },
	{ "policy=deadline runtime=1ms deadline=10ms overrun=yes", 0, OK,
	  "policy=deadline runtime=1ms deadline=10ms period=10ms overrun=yes",
	  "policy=deadline runtime=1ms deadline=10ms period=10ms overrun=yes",
	  "stopped at its runtime even on an idle CPU (sched.reclaim)", "6 0 0 reset-on-fork",
	  true },
	{ "policy=fifo reclaim=yes", 0, UNSUPPORTED, NULL, "",
	  "sched.reclaim means nothing to policy fifo, only to deadline", "0 0 0" },
	{ "overrun=yes", 0, UNSUPPORTED, NULL, "", "sched.overrun means nothing to policy",
	  "0 0 0" },
	{ "util-min=100", 0, VACUOUS | OK | UNSUPPORTED, NULL, NULL, "util-m", "0 0 0" },
	{ "util-max=100", 0, VACUOUS | OK | UNSUPPORTED, NULL, NULL, "util-m", "0 0 0" },
	{ "util-min=100 util-max=50", 0, UNSUPPORTED, NULL, "",
	  "sched.util-min is above sched.util-max", "0 0 0" },
	{ "policy=ext", 0, VACUOUS | OK | UNSUPPORTED, NULL, NULL, "sched_ext" },
	{ "slice=3ms", 0, SLICED, "policy=other slice=3ms", NULL, NULL, "0 0 0" },
	{ "policy=batch slice=20ms", 0, SLICED, "policy=batch slice=20ms", NULL, NULL, "3 0 0" },
	{ "slice=50us", 0, CUT, "policy=other slice=50us", NULL, "slice", "0 0 0" },
	{ "slice=1s", 0, CUT, "policy=other slice=1s", NULL, "slice", "0 0 0" },
	{ "policy=other priority=10", 0, UNSUPPORTED, NULL, "",
	  "sched.priority means nothing to policy other, only to fifo and rr", "0 0 0" },
	{ "priority=10", 0, UNSUPPORTED, NULL, "", "nothing to policy inherit", "0 0 0" },
	{ "policy=fifo nice=5", 0, UNSUPPORTED, NULL, "",
	  "sched.nice means nothing to policy fifo, only to other and batch", "0 0 0" },
	{ "policy=idle nice=5", 0, UNSUPPORTED, NULL, "", "nothing to policy idle", "0 0 0" },
	{ "policy=rr slice=1ms", 0, UNSUPPORTED, NULL, "", "sched.slice means nothing", "0 0 0" },
	{ "policy=fifo runtime=1ms", 0, UNSUPPORTED, NULL, "", "sched.runtime means", "0 0 0" },
	{ "policy=deadline", 0, UNSUPPORTED, NULL, "",
	  "policy deadline needs sched.runtime and sched.deadline", "0 0 0" },
	{ "policy=deadline runtime=20ms deadline=10ms", 0, UNSUPPORTED, NULL, "",
	  "sched.runtime is longer than sched.deadline", "0 0 0" },
	{ "policy=deadline runtime=1ms deadline=10ms period=5ms", 0, UNSUPPORTED, NULL, "",
	  "sched.deadline is longer than sched.period", "0 0 0" },
	{ "policy=deadline runtime=1us deadline=10ms", 0, UNSUPPORTED, NULL, "",
	  "sched.runtime is 1024ns at least, not 1000ns", "0 0 0" },
	{ "policy=deadline runtime=20us deadline=50us", 0, UNSUPPORTED, NULL, "",
	  "period 50us; the kernel takes 100us to ", "0 0 0", true },
	{ 0 },
};

static const char *const nonsense[] = { "nice=-25",	 "nice=20",	    "priority=100",
					"policy=turbo",	 "runtime=10",	    "slice=-1ms",
					"priority=-1",	 "deadline=1xs",    "util-max=0",
					"util-min=1025", "reclaim=perhaps", NULL };

static int kernel_policy(const struct target *t, char *buf, size_t size)
{
	int policy = sched_getscheduler(0);
	struct sched_param param;

	sched_getparam(0, &param);
	return snprintf(buf, size, "%d %d %d%s", policy & ~SCHED_RESET_ON_FORK,
			param.sched_priority, getpriority(PRIO_PROCESS, 0),
			policy & SCHED_RESET_ON_FORK ? " reset-on-fork" : "");
}

/* "0 0 0" is what most rows leave. */
static const char *impossible(void)
{
	return tunable_test_nice_0() ? NULL : "it was started at another nice, and may not go to 0";
}

const struct suite suite_sched = {
	.name = "sched",
	.rows = rows,
	.nonsense = nonsense,
	.change = "nice=5",
	.kernel = kernel_policy,
	.impossible = impossible,
	.gone = { .tid = 0x3fffffff, .fd = -1 },
	.gone_code = -ESRCH,
};
