/*
 * sched_refuse.c - why sched_setattr(2) refused, in words.
 *
 * The system call has one code for many causes; the sentences come from looking at what it looked
 * at: capabilities, limits, groups, affinity (sched(7), getrlimit(2), and the kernel's
 * Documentation/scheduler/sched-deadline.rst). How much of the CPUs is reserved already cannot be
 * asked; how much more would be taken can be tried, and is.
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
#include "system/cgroup.h"
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
static bool group_without_runtime(pid_t tid, char *name, size_t size)
{
	struct cgroup_place place;
	char path[CGROUP_PATH + 32];

	if (!cgroup_find(tid, "cpu", &place) || place.version != 1)
		return false;
	snprintf(name, size, "%s", place.folder);
	snprintf(path, sizeof(path), "%s/cpu.rt_runtime_us", place.folder);
	return kernel_file_number(path, -1) == 0;
}

static int refuse_realtime(pid_t tid, const struct sched_opts *o, int code, struct err *err)
{
	const char *title = sched_policies[o->policy].title;
	char group[CGROUP_PATH];

	if (!have_cap_sys_nice())
		return err_set(err, code,
			       "%s refused: needs CAP_SYS_NICE or RLIMIT_RTPRIO >= %d (now %lu). "
			       "Try sudo, setcap cap_sys_nice+ep, or limits.conf rtprio",
			       title, (int)o->priority, limit_of(RLIMIT_RTPRIO));
	if (group_without_runtime(tid, group, sizeof(group)))
		return err_set(err, code,
			       "%s refused although CAP_SYS_NICE is held: the task is in cpu "
			       "cgroup %s with cpu.rt_runtime_us=0 (CONFIG_RT_GROUP_SCHED). Give "
			       "the group runtime (cgroup.rt-runtime) or move to the root group",
			       title, group);
	return err_set(err, code,
		       "%s refused although CAP_SYS_NICE is held: a container's user namespace "
		       "or a security module forbids it",
		       title);
}

/* The CPUs a thread may run on, as the kernel writes them: "0,2-3". */
static void list_cpus(pid_t tid, char *buf, size_t size)
{
	static const char key[] = "Cpus_allowed_list:";
	char path[64] = "/proc/thread-self/status";

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/status", tid);
	kernel_file_line(path, key, buf, size);
}

static int count_cpus(pid_t tid)
{
	cpu_set_t mask;

	CPU_ZERO(&mask);
	sched_getaffinity(tid, sizeof(mask), &mask);
	return CPU_COUNT(&mask);
}

static int refuse_deadline(pid_t tid, int code, struct err *err)
{
	char own[64], online[64];

	if (!have_cap_sys_nice())
		return err_set(err, code,
			       "SCHED_DEADLINE refused: needs CAP_SYS_NICE (no limit stands in "
			       "for it). Try sudo or setcap cap_sys_nice+ep");
	list_cpus(tid, own, sizeof(own));
	kernel_file_read("/sys/devices/system/cpu/online", online, sizeof(online));
	if (strcmp(own, online))
		return err_set(err, code,
			       "SCHED_DEADLINE refused: the thread may run on cpu %s only, but its "
			       "root domain has more (online %s). Unpin it, or give the process "
			       "these CPUs as a root domain: cgroup.cpus=%s cgroup.partition=root",
			       own, online, own);
	return err_set(err, code,
		       "SCHED_DEADLINE refused although CAP_SYS_NICE is held: a container's user "
		       "namespace or a security module forbids it");
}

/*
 * The share of a CPU that would still be admitted with this period, in 1/1000, found by halving.
 * The thread then has again what it had; -1 when that is itself a reservation, which may not be let
 * go of.
 */
static int measure_left(pid_t tid, const struct sched_opts *o, const struct sched_kernel_attr *now)
{
	struct sched_kernel_attr back = *now, trial = {
		.policy = SCHED_DEADLINE,
		.flags = SCHED_KERNEL_RESET_ON_FORK,
		.deadline_ns = (uint64_t)o->deadline_ns,
		.period_ns = (uint64_t)o->period_ns,
	};
	int low = 0, high = 1000;

	if (now->policy == SCHED_DEADLINE)
		return -1;
	while (high - low > 1) {
		int middle = (low + high) / 2;

		trial.runtime_ns = (uint64_t)(o->period_ns / 1000 * middle);
		if (trial.runtime_ns > trial.deadline_ns || sched_attr_set(tid, &trial))
			high = middle;
		else
			low = middle;
	}
	/* What a thread had reserved is free only a while after it let go: so let go of little. */
	trial.runtime_ns = RUNTIME_MIN_NS;
	sched_attr_set(tid, &trial);
	sched_attr_set(tid, &back);
	return low;
}

static int refuse_admission(pid_t tid, const struct sched_opts *o,
			    const struct sched_kernel_attr *now, int code, struct err *err)
{
	int64_t runtime = kernel_file_number("/proc/sys/kernel/sched_rt_runtime_us", 950000);
	int64_t period = kernel_file_number("/proc/sys/kernel/sched_rt_period_us", 1000000);
	double limit = runtime < 0 ? 1.0 : (double)runtime / (double)period;
	double fair = sched_kernel_is(6, 12) ? 0.05 : 0;
	int cpus = count_cpus(tid), left = measure_left(tid, o, now);
	char rest[64] = "not so much is";

	if (left >= 0)
		snprintf(rest, sizeof(rest), "%.3f (for one thread) are", left / 1000.0);
	return err_set(err, code,
		       "SCHED_DEADLINE refused by admission control: asks for %.3f CPUs, %s left "
		       "of %.3f (%d CPUs x %.2f%s)",
		       (double)o->runtime_ns / (double)o->period_ns, rest, cpus * (limit - fair),
		       cpus, limit - fair, fair > 0 ? ", 0.05 are the fair server's" : "");
}

static int refuse_values(const struct sched_opts *o, int code, struct err *err)
{
	int64_t low = kernel_file_number("/proc/sys/kernel/sched_deadline_period_min_us", 100);
	int64_t high = kernel_file_number("/proc/sys/kernel/sched_deadline_period_max_us", 4194304);
	char period[TIME_TEXT], from[TIME_TEXT], to[TIME_TEXT];

	if (o->policy == SCHED_CHOICE_EXT)
		return err_set(err, -EOPNOTSUPP,
			       "SCHED_EXT refused: this kernel has no sched_ext (needs Linux 6.12 "
			       "built with CONFIG_SCHED_CLASS_EXT)");
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
		return refuse_admission(tid, opts, now, code, err);
	case -EOPNOTSUPP:
		return err_set(err, code,
			       "sched.util-min and util-max refused: this kernel is built without "
			       "them (CONFIG_UCLAMP_TASK)");
	case -EINVAL:
		return refuse_values(opts, code, err);
	default:
		return err_sys(err, code, "%s refused for thread %d", policy->title, tid);
	}
}
