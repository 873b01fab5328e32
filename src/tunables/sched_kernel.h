/*
 * sched_kernel.h - sched_setattr(2) as the kernel has it, and what the files of "sched" share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_SCHED_KERNEL_H
#define RW_TUNABLES_SCHED_KERNEL_H

#include <sys/types.h>

#include "base/err.h"
#include "tunables/sched_opts.h"
#include "tunables/tunable.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif
#define SCHED_KERNEL_EXT 7
#define RUNTIME_MIN_NS	 1024 /* of SCHED_DEADLINE: the kernel's scale, 2^10 */

#define SCHED_KERNEL_RESET_ON_FORK 0x01
#define SCHED_KERNEL_RECLAIM	   0x02
#define SCHED_KERNEL_OVERRUN	   0x04
#define SCHED_KERNEL_UTIL_MIN	   0x20
#define SCHED_KERNEL_UTIL_MAX	   0x40

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

/* tid 0: the caller. 0 or -errno. */
int sched_attr_get(pid_t tid, struct sched_kernel_attr *ret);
int sched_attr_set(pid_t tid, struct sched_kernel_attr *attr);

/* What a policy is called by users, in sched(7) and by number; which knobs it listens to. */
struct sched_policy {
	const char *name, *title;
	int number; /* -1: inherit */
	bool takes_nice, takes_priority, takes_reservation, takes_slice;
};
/* By enum sched_choice. */
extern const struct sched_policy sched_policies[];

/* enum sched_choice of the kernel's number; -EOPNOTSUPP: not known here. */
int sched_choice_of(uint32_t number);
/* What the thread has; NULL when it cannot be asked or is not known here. */
const struct sched_policy *sched_policy_of(pid_t tid);

/* Is the kernel at least that new? For what cannot be asked in any other way. */
bool sched_kernel_is(unsigned major, unsigned minor);

/* The tunable's explain() and ended(). */
void sched_explain(const struct target *t, const void *requested, const void *effective,
		   struct verdict_report *report);
void sched_ended(const struct target *t, const void *opts, struct verdict_report *report);

/* Why sched_setattr(2) refused with `code`; returns code. now: what the thread has. */
int sched_refusal(pid_t tid, const struct sched_opts *opts, const struct sched_kernel_attr *now,
		  int code, struct err *err);

/*
 * From here on SIGXCPU is counted and does not kill. -EBUSY when it has another meaning already. It
 * stays so: a thread may overrun until its very end.
 */
int sched_overrun_watch(struct err *err);
/* Of all threads of this process; several at once may count as one. */
unsigned sched_overrun_count(void);

#endif
