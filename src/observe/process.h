/*
 * process.h - all threads of a process at one moment, and what they did between two.
 *
 * From inside or outside: it only reads /proc, so who is observed pays nothing for it. The kernel's
 * threads behind a ring (iou-sqp-..., iou-wrk-...) are threads of the process that owns the ring,
 * so they are in here. A thread that was born and ended between two samples was never seen, and one
 * that has ended took its counters along: `ended` says how many of the first sample are gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_PROCESS_H
#define RW_OBSERVE_PROCESS_H

#include "observe/task.h"

struct process_sample {
	int64_t at_ns;
	unsigned count;
	struct task *tasks;
};

/* 0; -ESRCH: there is no such process, -ENOMEM. On failure there is nothing to finish. */
int process_sample_take(pid_t pid, struct process_sample *ret);
void process_sample_finish(struct process_sample *s); /* zeroed is fine */

struct process_change {
	int64_t window_ns;
	unsigned count, ended;
	struct task *tasks; /* counters: what was added; the rest as at the end */
	struct task total;
	cpu_set_t cpus; /* where its threads may run, all together */
};

int process_between(const struct process_sample *from, const struct process_sample *to,
		    struct process_change *ret);
/* The same of single threads: tasks from[i] and to[i] are one thread. */
int process_of_tasks(const struct task *from, const struct task *to, unsigned count,
		     int64_t window_ns, struct process_change *ret);
void process_change_finish(struct process_change *c); /* zeroed is fine */

/*
 * Where those of its threads may run that do its work: a main thread that only waits is not pinned
 * with the others, and counting its CPUs would bring in what goes on elsewhere.
 */
cpu_set_t process_working_cpus(const struct process_change *c);

#endif
