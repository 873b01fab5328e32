/*
 * sched_kernel.h - what sched.c shares with the explanations: the kernel's structure, and policies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_SCHED_KERNEL_H
#define RW_TUNABLES_SCHED_KERNEL_H

#include <sys/types.h>

#include "base/err.h"
#include "tunables/sched_opts.h"
#include "tunables/tunable.h"

/* struct sched_attr of sched_setattr(2) as of Linux 5.3; the C library has none. */
struct sched_kernel_attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
	uint32_t util_min, util_max;
};

/* What a policy is called by users, in sched(7) and by number; which knobs it listens to. */
struct sched_policy {
	const char *name, *title;
	int number; /* -1: inherit */
	bool takes_nice, takes_priority, takes_reservation, takes_slice;
};
/* By enum sched_choice. */
extern const struct sched_policy sched_policies[];

/* The tunable's explain(). */
void sched_explain(const struct target *t, const void *requested, const void *effective,
		   struct verdict_report *report);

/* Why sched_setattr(2) refused with `code`; returns code. now: what the thread has. */
int sched_refusal(pid_t tid, const struct sched_opts *opts, const struct sched_kernel_attr *now,
		  int code, struct err *err);

#endif
