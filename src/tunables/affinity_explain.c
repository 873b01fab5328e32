/*
 * affinity_explain.c - why a thread could not be pinned, or is pinned to less than was asked for.
 *
 * The kernel drops CPUs that are absent or outside the thread's cpuset without a word as long as
 * one is left. The read-back finds that; the sentences here name the CPUs and the cause, and say
 * what a place or a strategy cannot mean on this machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system/cpus.h"
#include "system/machine.h"
#include "tunables/affinity.h"

/* Says which of the asked CPUs cannot be had, and why. */
static void name_missing(const cpu_set_t *asked, char *buf, size_t size)
{
	char absent_text[64], online_text[64], outside_text[64], allowed_text[64];
	cpu_set_t online, absent, present, allowed, outside;
	size_t len = 0;
	int count;

	cpus_online(&online);
	cpus_allowed(&allowed);
	count = cpus_minus(asked, &online, &absent);
	cpus_minus(asked, &absent, &present);
	cpus_write(&absent, absent_text, sizeof(absent_text));
	cpus_write(&online, online_text, sizeof(online_text));
	cpus_write(&allowed, allowed_text, sizeof(allowed_text));
	*buf = '\0';
	if (count)
		len = snprintf(buf, size,
			       count > 1 ? "cpus %s do not exist (online %s)"
					 : "cpu %s does not exist (online %s)",
			       absent_text, online_text);
	if (cpus_minus(&present, &allowed, &outside) && len < size) {
		cpus_write(&outside, outside_text, sizeof(outside_text));
		snprintf(buf + len, size - len, "%scpus %s not in this cpuset (allowed %s)",
			 len ? "; " : "", outside_text, allowed_text);
	}
}

int pin_refuse(pid_t tid, const cpu_set_t *asked, int code, struct err *err)
{
	char why[256];

	switch (code) {
	case -EINVAL:
		name_missing(asked, why, sizeof(why));
		return err_set(err, -ENODEV, "%s", why);
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

/* "at=core:1 -> cpus=2-3": what was written, and what it means here. */
static void describe(const struct pin_opts *asked, const struct pin_opts *got,
		     struct verdict_report *report)
{
	char *buf = report->requested;
	size_t size = sizeof(report->requested), len = 0;

	if (!*asked->at && !asked->strategy)
		return;
	if (*asked->at)
		len = (size_t)snprintf(buf, size, "at=%s ", asked->at);
	if (asked->strategy && len < size)
		len += snprintf(buf + len, size - len, "strategy=%s ",
				pin_strategy_names[asked->strategy]);
	if (*asked->avoid && len < size)
		len += snprintf(buf + len, size - len, "avoid=%s ", asked->avoid);
	if (len < size)
		snprintf(buf + len, size - len, "-> cpus=%s", asked->cpus);
	snprintf(report->effective, sizeof(report->effective), "cpus=%s", got->cpus);
}

static bool names_cache_or_core(const struct pin_opts *o)
{
	return o->strategy || strstr(o->at, "l3:") || strstr(o->at, "l2:") ||
	       strstr(o->at, "core:") || strstr(o->at, "strand:");
}

/* Caches and siblings can be what a hypervisor made up, and everything can be what a user did. */
static const char *doubt(const struct topology *t, const struct pin_opts *o)
{
	if (!topology_is_real(t))
		return "by the topology that HWLOC_XMLFILE or HWLOC_SYNTHETIC describes";
	if (names_cache_or_core(o) && machine_is_virtual(""))
		return "caches and cores are as the hypervisor shows them";
	return NULL;
}

static void remark_topology(const struct pin_opts *o, struct verdict_report *report)
{
	const char *vacuous, *remark;
	struct topology *t = NULL;

	if (topology_open(&t, NULL, NULL) < 0)
		return;
	vacuous = o->strategy ? pin_vacuous(t, (enum pin_strategy)o->strategy) : NULL;
	remark = doubt(t, o);
	if (vacuous)
		report->verdict = VERDICT_VACUOUS;
	snprintf(report->why, sizeof(report->why), "%s%s%s", vacuous ? vacuous : "",
		 vacuous && remark ? "; " : "", remark ? remark : "");
	topology_close(t);
}

void pin_explain(const struct target *t, const void *requested, const void *effective,
		 struct verdict_report *report)
{
	const struct pin_opts *asked = requested, *got = effective;
	cpu_set_t want, have, online;

	cpus_read(asked->cpus, &want);
	cpus_read(got->cpus, &have);
	cpus_online(&online);
	describe(asked, got, report);
	if (!CPU_EQUAL(&want, &have)) {
		report->verdict = VERDICT_CLAMPED;
		name_missing(&want, report->why, sizeof(report->why));
		return;
	}
	/* Places and strategies are no CPUs to the kernel: what they came to is all there is. */
	report->verdict = VERDICT_OK;
	*report->why = '\0';
	if (CPU_EQUAL(&have, &online)) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "these are all CPUs of this machine: nothing is pinned");
	} else if (asked->strategy || *asked->at) {
		remark_topology(asked, report);
	}
}

void pin_look_again(const struct target *t, const struct pin_opts *resolved,
		    struct verdict_report *report)
{
	cpu_set_t want, have, allowed;
	char now[PIN_TEXT];

	cpus_read(resolved->cpus, &want);
	CPU_ZERO(&have);
	sched_getaffinity(t->tid, sizeof(have), &have);
	cpus_allowed(&allowed);
	CPU_AND(&want, &want, &allowed);
	if (CPU_EQUAL(&want, &have))
		return;
	cpus_write(&have, now, sizeof(now));
	report->verdict = VERDICT_CLAMPED;
	snprintf(report->effective, sizeof(report->effective), "cpus=%s", now);
	snprintf(report->why, sizeof(report->why),
		 "pinned to cpus %.50s at the start, on cpus %.50s at the end: somebody moved it, "
		 "or its cpuset, and that takes pins away",
		 resolved->cpus, now);
}
