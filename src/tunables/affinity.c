/*
 * affinity.c - the tunable "pin": the CPUs a thread may run on, sched_setaffinity(2).
 *
 * A list is handed out one CPU per thread, in its order and round again, or whole to every thread.
 * The kernel drops CPUs that are absent or outside the thread's cpuset without a word as long as
 * one is left; the read-back finds that, and the sentences here name the CPUs and the cause. Which
 * CPUs a cpuset allows is asked of the kernel, by a mask of all CPUs that is taken back at once:
 * cgroup files lie in too many places.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "system/kernel_file.h"
#include "tunables/tunable.h"

enum spread { SPREAD_EACH, SPREAD_ALL };
static const char *const spread_names[] = { "each", "all", NULL };

struct pin_opts {
	char cpus[128];
	int spread; /* enum spread */
};

static const struct knob knobs[] = {
	{ .name = "cpus",
	  .type = &knob_cpus,
	  KNOB_FIELD(struct pin_opts, cpus, char[128]),
	  .def = "",
	  .help = "CPUs to run on; none: wherever the kernel likes",
	  .read_back = "sched_getaffinity(2)" },
	{ .name = "spread",
	  .type = &knob_enum,
	  KNOB_FIELD(struct pin_opts, spread, int),
	  .choices = spread_names,
	  .def = "each",
	  .help = "one CPU of the list to each thread in turn, or all of them to all" },
	{ 0 },
};

/*
 * Lists as knob_cpus keeps them and as the kernel writes them: "0,2-5". Returns their number; cpus
 * has room for CPU_SETSIZE.
 */
static unsigned list_read(const char *text, unsigned short *cpus)
{
	unsigned count = 0;

	while (*text && count < CPU_SETSIZE) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		while (first <= last && count < CPU_SETSIZE)
			cpus[count++] = (unsigned short)first++;
		text = end + (*end == ',');
		if (*end && *end != ',')
			break;
	}
	return count;
}

static void mask_read(const char *text, cpu_set_t *ret)
{
	unsigned short cpus[CPU_SETSIZE];
	unsigned count = list_read(text, cpus);

	CPU_ZERO(ret);
	while (count--)
		CPU_SET(cpus[count], ret);
}

/* Ascending, runs as first-last. -E2BIG when it does not fit. */
static int mask_write(const cpu_set_t *mask, char *buf, size_t size)
{
	int cpu = 0, first;
	size_t len = 0;

	*buf = '\0';
	while (cpu < CPU_SETSIZE && len < size) {
		first = cpu;
		while (cpu < CPU_SETSIZE && CPU_ISSET(cpu, mask))
			cpu++;
		if (cpu > first)
			len += snprintf(buf + len, size - len, "%s%d", len ? "," : "", first);
		if (cpu > first + 1 && len < size)
			len += snprintf(buf + len, size - len, "-%d", cpu - 1);
		cpu++;
	}
	return len < size ? 0 : -E2BIG;
}

/* What is in a and not in b. Returns how many. */
static int mask_minus(const cpu_set_t *a, const cpu_set_t *b, cpu_set_t *ret)
{
	CPU_XOR(ret, a, b);
	CPU_AND(ret, ret, a);
	return CPU_COUNT(ret);
}

static void mask_online(cpu_set_t *ret)
{
	char text[1024];

	kernel_file_read("/sys/devices/system/cpu/online", text, sizeof(text));
	mask_read(text, ret);
}

/* What the cpuset allows the thread. Its own mask is back in place afterwards. */
static void mask_allowed(pid_t tid, cpu_set_t *ret)
{
	cpu_set_t own, all;

	memset(&all, 0xff, sizeof(all));
	sched_getaffinity(tid, sizeof(own), &own);
	sched_setaffinity(tid, sizeof(all), &all);
	sched_getaffinity(tid, sizeof(*ret), ret);
	sched_setaffinity(tid, sizeof(own), &own);
}

/* Says which of the asked CPUs cannot be had, and why. */
static void name_missing(pid_t tid, const cpu_set_t *asked, char *buf, size_t size)
{
	char absent_text[64], online_text[64], outside_text[64], allowed_text[64];
	cpu_set_t online, absent, present, allowed, outside;
	size_t len = 0;
	int count;

	mask_online(&online);
	mask_allowed(tid, &allowed);
	count = mask_minus(asked, &online, &absent);
	mask_minus(asked, &absent, &present);
	mask_write(&absent, absent_text, sizeof(absent_text));
	mask_write(&online, online_text, sizeof(online_text));
	mask_write(&allowed, allowed_text, sizeof(allowed_text));
	*buf = '\0';
	if (count)
		len = snprintf(buf, size,
			       count > 1 ? "cpus %s do not exist (online %s)"
					 : "cpu %s does not exist (online %s)",
			       absent_text, online_text);
	if (mask_minus(&present, &allowed, &outside) && len < size) {
		mask_write(&outside, outside_text, sizeof(outside_text));
		snprintf(buf + len, size - len, "%scpus %s not in this cpuset (allowed %s)",
			 len ? "; " : "", outside_text, allowed_text);
	}
}

static int refuse(pid_t tid, const cpu_set_t *asked, int code, struct err *err)
{
	char why[256];

	switch (code) {
	case -EINVAL:
		name_missing(tid, asked, why, sizeof(why));
		return err_set(err, code, "%s", why);
	case -EPERM:
		return err_set(err, code, "thread %d belongs to another user: needs CAP_SYS_NICE",
			       tid);
	case -EBUSY:
		return err_set(err, code,
			       "a SCHED_DEADLINE thread cannot be moved: "
			       "pin it before the policy is set");
	default:
		return err_sys(err, code, "cannot pin thread %d", tid);
	}
}

static bool is_default(const void *opts)
{
	return !*((const struct pin_opts *)opts)->cpus;
}

/* One CPU of the list, or the whole of it in the order of the read-back. */
static int resolve(const struct target *t, void *opts, struct err *err)
{
	unsigned short cpus[CPU_SETSIZE];
	struct pin_opts *o = opts;
	cpu_set_t mask;

	if (o->spread == SPREAD_EACH) {
		unsigned count = list_read(o->cpus, cpus);

		snprintf(o->cpus, sizeof(o->cpus), "%u", cpus[t->index % count]);
	} else {
		mask_read(o->cpus, &mask);
		mask_write(&mask, o->cpus, sizeof(o->cpus));
	}
	o->spread = SPREAD_ALL;
	return 0;
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	cpu_set_t mask;

	mask_read(((const struct pin_opts *)opts)->cpus, &mask);
	if (sched_setaffinity(t->tid, sizeof(mask), &mask))
		return refuse(t->tid, &mask, -errno, err);
	return 0;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	struct pin_opts *o = opts;
	cpu_set_t mask;

	if (sched_getaffinity(t->tid, sizeof(mask), &mask))
		return err_sys(err, -errno, "cannot ask for the CPUs of thread %d", t->tid);
	memset(o, 0, sizeof(*o));
	o->spread = SPREAD_ALL;
	if (mask_write(&mask, o->cpus, sizeof(o->cpus)))
		return err_set(err, -E2BIG, "the list of CPUs of thread %d is too long", t->tid);
	return 0;
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	cpu_set_t asked, got, online;

	mask_read(((const struct pin_opts *)requested)->cpus, &asked);
	mask_read(((const struct pin_opts *)effective)->cpus, &got);
	mask_online(&online);
	if (!CPU_EQUAL(&asked, &got)) {
		report->verdict = VERDICT_CLAMPED;
		name_missing(t->tid, &asked, report->why, sizeof(report->why));
	} else if (CPU_EQUAL(&got, &online)) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "these are all CPUs of this machine: nothing is pinned");
	}
}

const struct tunable tunable_pin = {
	.group = { .name = "pin",
		   .help = "which CPUs threads run on",
		   .knobs = knobs,
		   .opts_size = sizeof(struct pin_opts) },
	.scope = SCOPE_THREAD,
	.moment = MOMENT_STARTED,
	.own_groups = TUNABLE_OWN_GROUPS,
	.is_default = is_default,
	.resolve = resolve,
	.apply = apply,
	.read_back = read_back,
	.explain = explain,
};
