/*
 * sched_explain.c - what sched_setattr(2) took, and what it means here when not what it seems.
 *
 * A remark does not make a run degraded: the setting is there. But who compares configurations
 * should know where it counts for less than its name says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "system/cgroup.h"
#include "system/kernel_file.h"
#include "tunables/autogroup.h"
#include "tunables/sched_kernel.h"

#define TIME_TEXT 32

/* Appends a remark to report->why. */
__attribute__((format(printf, 2, 3))) static void remark(struct verdict_report *report,
							 const char *format, ...)
{
	size_t len = strlen(report->why);
	va_list args;

	if (len)
		len += snprintf(report->why + len, sizeof(report->why) - len, "; ");
	if (len >= sizeof(report->why))
		return;
	va_start(args, format);
	vsnprintf(report->why + len, sizeof(report->why) - len, format, args);
	va_end(args);
}

static void explain_slice(const struct sched_opts *asked, const struct sched_opts *got,
			  struct verdict_report *report)
{
	char want[TIME_TEXT], have[TIME_TEXT];

	if (!got->slice_ns) {
		report->verdict = VERDICT_IGNORED;
		snprintf(report->why, sizeof(report->why),
			 "this kernel ignores slices (reads back 0; needs Linux 6.12)");
		return;
	}
	report->verdict = VERDICT_CLAMPED;
	snprintf(report->why, sizeof(report->why),
		 "EEVDF slice %s requested, the kernel uses %s (limits 100us to 100ms)",
		 units_format(UNIT_TIME, asked->slice_ns, want, sizeof(want)),
		 units_format(UNIT_TIME, got->slice_ns, have, sizeof(have)));
}

static void remark_session(pid_t tid, struct verdict_report *report)
{
	struct autogroup group;

	if (autogroup_read(tid, &group))
		remark(report,
		       "counts inside this session's autogroup only (%s): against other sessions "
		       "it changes nothing unless kernel.sched_autogroup_enabled=0",
		       group.name);
}

/* Version 1 of cgroups gives real-time threads a budget by group. */
static void remark_group(pid_t tid, struct verdict_report *report)
{
	struct cgroup_place place;
	char path[CGROUP_PATH + 32];
	int64_t runtime_us, period_us;

	if (!cgroup_find(tid, "cpu", &place) || place.version != 1 ||
	    !strcmp(place.folder, place.mount))
		return;
	snprintf(path, sizeof(path), "%s/cpu.rt_runtime_us", place.folder);
	runtime_us = kernel_file_number(path, -1);
	snprintf(path, sizeof(path), "%s/cpu.rt_period_us", place.folder);
	period_us = kernel_file_number(path, -1);
	if (runtime_us > 0 && period_us > 0)
		remark(report, "its cgroup may use %lld of every %lld us, then it is stopped",
		       (long long)runtime_us, (long long)period_us);
}

static void remark_realtime(pid_t tid, const struct sched_opts *got, struct verdict_report *report)
{
	int64_t runtime_us = kernel_file_number("/proc/sys/kernel/sched_rt_runtime_us", 0);

	if (runtime_us == -1 && sched_kernel_is(6, 12))
		remark(report,
		       "kernel.sched_rt_runtime_us=-1 does not give it all of a CPU: from Linux "
		       "6.12 on the fair server keeps 5 %% for others");
	if (got->priority > 1 && kernel_file_number("/sys/kernel/realtime", 0) == 1)
		remark(report,
		       "PREEMPT_RT: the timers of other threads run at FIFO 1, so what shares "
		       "this CPU may starve altogether");
	remark_group(tid, report);
}

static void explain_ext(struct verdict_report *report)
{
	char state[32], ops[64];

	kernel_file_read("/sys/kernel/sched_ext/state", state, sizeof(state));
	kernel_file_read("/sys/kernel/sched_ext/root/ops", ops, sizeof(ops));
	if (!strcmp(state, "enabled")) {
		remark(report, "the sched_ext scheduler is %s", *ops ? ops : "not named");
		return;
	}
	report->verdict = VERDICT_VACUOUS;
	remark(report, "no sched_ext scheduler is loaded: it runs as SCHED_OTHER");
}

/* Clamps speak to one governor only. */
static void explain_clamps(struct verdict_report *report)
{
	char governor[32];

	kernel_file_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor,
			 sizeof(governor));
	if (!strcmp(governor, "schedutil"))
		return;
	report->verdict = VERDICT_VACUOUS;
	remark(report,
	       "only the frequency governor schedutil listens to util-min and util-max, "
	       "and here is %s",
	       *governor ? governor : "none");
}

static void remark_policy(const struct target *t, const struct sched_opts *asked,
			  const struct sched_opts *got, struct verdict_report *report)
{
	const struct sched_policy *policy = &sched_policies[got->policy];

	if (asked->nice || got->policy == SCHED_CHOICE_IDLE)
		remark_session(t->tid, report);
	if (policy->takes_priority)
		remark_realtime(t->tid, got, report);
	if (policy->takes_reservation && !got->reclaim)
		remark(report, "stopped at its runtime even on an idle CPU (sched.reclaim)");
	if (got->policy == SCHED_CHOICE_EXT)
		explain_ext(report);
	if (asked->util_min || asked->util_max != 1024)
		explain_clamps(report);
}

void sched_explain(const struct target *t, const void *requested, const void *effective,
		   struct verdict_report *report)
{
	const struct sched_opts *asked = requested, *got = effective;

	if (asked->slice_ns && asked->slice_ns != got->slice_ns)
		explain_slice(asked, got, report);
	if (report->verdict == VERDICT_OK)
		remark_policy(t, asked, got, report);
}

void sched_ended(const struct target *t, const void *opts, struct verdict_report *report)
{
	unsigned count = sched_overrun_count();

	if (!((const struct sched_opts *)opts)->overrun)
		return;
	*report->why = '\0';
	if (count)
		remark(report, "the reservation is too small: overruns seen in this process: %u",
		       count);
	else
		remark(report, "no overrun was seen: the reservation was large enough");
}
