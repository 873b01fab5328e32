/*
 * sched_explain.c - why sched_setattr(2) refused, or did less than it seems.
 *
 * The system call has one code for many causes; the sentences come from looking at what it looked
 * at: capabilities, limits, groups, affinity (sched(7), getrlimit(2), and the kernel's
 * Documentation/scheduler/sched-deadline.rst).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/units.h"
#include "system/kernel_file.h"
#include "tunables/sched_kernel.h"

#define TIME_TEXT 32

static bool have_cap_sys_nice(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return !syscall(SYS_capget, &head, data) && data[0].effective & 1U << CAP_SYS_NICE;
}

static unsigned long limit_of(int resource)
{
	struct rlimit limit = { 0 };

	getrlimit(resource, &limit);
	return limit.rlim_cur;
}

/* A version 1 cpu group without real-time runtime takes no FIFO or RR thread, root's or not. */
static bool group_without_runtime(pid_t tid, char *group, size_t size)
{
	char path[320];

	if (!kernel_file_cgroup_v1(tid, "cpu", group, size))
		return false;
	snprintf(path, sizeof(path), "%s/cpu.rt_runtime_us", group);
	return kernel_file_number(path, -1) == 0;
}

static int refuse_realtime(pid_t tid, const struct sched_opts *o, int code, struct err *err)
{
	const char *title = sched_policies[o->policy].title;
	char group[256];

	if (!have_cap_sys_nice())
		return err_set(err, code,
			       "%s refused: needs CAP_SYS_NICE or RLIMIT_RTPRIO >= %d (now %lu). "
			       "Try sudo, setcap cap_sys_nice+ep, or limits.conf rtprio",
			       title, (int)o->priority, limit_of(RLIMIT_RTPRIO));
	if (group_without_runtime(tid, group, sizeof(group)))
		return err_set(err, code,
			       "%s refused although CAP_SYS_NICE is held: the task is in cpu "
			       "cgroup %s with cpu.rt_runtime_us=0 (CONFIG_RT_GROUP_SCHED). Give "
			       "the group runtime or move to the root group",
			       title, group);
	return err_set(err, code,
		       "%s refused although CAP_SYS_NICE is held: a container's user namespace "
		       "or a security module forbids it",
		       title);
}

/* CPUs the thread may run on, and how many there are online. */
static int cpus_of(pid_t tid, int *ret_online)
{
	cpu_set_t mask;

	CPU_ZERO(&mask);
	sched_getaffinity(tid, sizeof(mask), &mask);
	*ret_online = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return CPU_COUNT(&mask);
}

static int refuse_deadline(pid_t tid, int code, struct err *err)
{
	int online, own = cpus_of(tid, &online);

	if (!have_cap_sys_nice())
		return err_set(err, code,
			       "SCHED_DEADLINE refused: needs CAP_SYS_NICE (no limit stands in "
			       "for it). Try sudo or setcap cap_sys_nice+ep");
	if (own < online)
		return err_set(err, code,
			       "SCHED_DEADLINE refused: the thread may run on %d of %d CPUs only, "
			       "and it must have the whole root domain. Unpin it, or make a "
			       "cpuset partition of these CPUs",
			       own, online);
	return err_set(err, code,
		       "SCHED_DEADLINE refused although CAP_SYS_NICE is held: a container's user "
		       "namespace or a security module forbids it");
}

/* How much the others hold cannot be asked; what there is in all can. */
static int refuse_admission(pid_t tid, const struct sched_opts *o, int code, struct err *err)
{
	int64_t runtime = kernel_file_number("/proc/sys/kernel/sched_rt_runtime_us", 950000);
	int64_t period = kernel_file_number("/proc/sys/kernel/sched_rt_period_us", 1000000);
	int online, own = cpus_of(tid, &online);

	return err_set(err, code,
		       "SCHED_DEADLINE refused by admission control: asks for %.3f CPUs, and so "
		       "much is not left of %d x %.2f (from Linux 6.12 on 0.05 less a CPU, for the "
		       "fair server)",
		       (double)o->runtime_ns / (double)o->period_ns, own,
		       runtime < 0 ? 1.0 : (double)runtime / (double)period);
}

static int refuse_values(const struct sched_opts *o, int code, struct err *err)
{
	int64_t low = kernel_file_number("/proc/sys/kernel/sched_deadline_period_min_us", 100);
	int64_t high = kernel_file_number("/proc/sys/kernel/sched_deadline_period_max_us", 4194304);
	char period[TIME_TEXT], from[TIME_TEXT], to[TIME_TEXT];

	if (!sched_policies[o->policy].takes_reservation)
		return err_sys(err, code, "%s refused", sched_policies[o->policy].title);
	return err_set(err, code,
		       "SCHED_DEADLINE refused: period %s; the kernel takes %s to %s "
		       "(kernel.sched_deadline_period_min_us, _max_us)",
		       units_format(UNIT_TIME, o->period_ns, period, sizeof(period)),
		       units_format(UNIT_TIME, low * 1000, from, sizeof(from)),
		       units_format(UNIT_TIME, high * 1000, to, sizeof(to)));
}

static int refuse_fair(const struct sched_opts *o, const struct sched_kernel_attr *now, int code,
		       struct err *err)
{
	unsigned long limit = limit_of(RLIMIT_NICE);

	if (now->policy == SCHED_IDLE)
		return err_set(err, code,
			       "leaving SCHED_IDLE refused: needs CAP_SYS_NICE or RLIMIT_NICE >= "
			       "%d (now %lu)",
			       20 - (int)o->nice, limit);
	return err_set(err, code,
		       "nice %d refused: the thread has %d, and less needs CAP_SYS_NICE or "
		       "RLIMIT_NICE >= %d (now %lu). Try sudo, setcap cap_sys_nice+ep, or "
		       "limits.conf nice",
		       (int)o->nice, now->nice, 20 - (int)o->nice, limit);
}

int sched_refusal(pid_t tid, const struct sched_opts *opts, const struct sched_kernel_attr *now,
		  int code, struct err *err)
{
	const struct sched_policy *policy = &sched_policies[opts->policy];

	switch (code) {
	case -EPERM:
		if (policy->takes_priority)
			return refuse_realtime(tid, opts, code, err);
		if (policy->takes_reservation)
			return refuse_deadline(tid, code, err);
		return refuse_fair(opts, now, code, err);
	case -EBUSY:
		return refuse_admission(tid, opts, code, err);
	case -EINVAL:
		return refuse_values(opts, code, err);
	default:
		return err_sys(err, code, "%s refused for thread %d", policy->title, tid);
	}
}

/* Autogroup is for threads outside of any cpu group of their own: sched(7). */
static bool in_own_cpu_group(pid_t tid)
{
	char group[256], path[320], *slash;

	if (kernel_file_cgroup_v1(tid, "cpu", group, sizeof(group)))
		return strchr(group + strlen("/sys/fs/cgroup/"), '/') != NULL;
	if (!kernel_file_cgroup_v2(tid, group, sizeof(group)))
		return false;
	/* The nearest folder upwards with the controller is the group; the root has none. */
	while ((slash = strrchr(group, '/')) && slash != group) {
		snprintf(path, sizeof(path), "%s/cpu.weight", group);
		if (!access(path, F_OK))
			return true;
		*slash = '\0';
	}
	return false;
}

/* "/autogroup-7 nice 0"; empty when the thread is in none. */
static bool read_autogroup(pid_t tid, char *buf, size_t size)
{
	char path[64] = "/proc/self/autogroup";

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/autogroup", tid);
	if (kernel_file_number("/proc/sys/kernel/sched_autogroup_enabled", 0) != 1 ||
	    in_own_cpu_group(tid) || !kernel_file_read(path, buf, size))
		return false;
	buf[strcspn(buf, " ")] = '\0';
	return true;
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

void sched_explain(const struct target *t, const void *requested, const void *effective,
		   struct verdict_report *report)
{
	const struct sched_opts *asked = requested, *got = effective;
	char autogroup[64];

	if (asked->slice_ns && asked->slice_ns != got->slice_ns)
		explain_slice(asked, got, report);
	if (report->verdict == VERDICT_OK && (asked->nice || asked->policy == SCHED_CHOICE_IDLE) &&
	    read_autogroup(t->tid, autogroup, sizeof(autogroup)))
		snprintf(report->why, sizeof(report->why),
			 "counts inside this session's autogroup only (%s): against other sessions "
			 "it changes nothing unless kernel.sched_autogroup_enabled=0",
			 autogroup);
}
