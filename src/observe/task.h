/*
 * task.h - what the kernel counts about one thread, read from /proc without a privilege.
 *
 * Counters run from the thread's birth; who wants a window reads twice and subtracts (process.h).
 * What a kernel does not say is TASK_UNKNOWN and stays so through every sum: an unknown number of
 * migrations is never 0. The parsers take texts, so that the tests can feed them what no kernel
 * here writes; a text that is torn or hostile leaves its counters unknown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_TASK_H
#define RW_OBSERVE_TASK_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TASK_UNKNOWN (-1)
#define TASK_NAME    16 /* with its end: TASK_COMM_LEN */

enum task_counter {
	TASK_CPU_NS,
	TASK_RUN_DELAY_NS, /* runnable and not running */
	TASK_VOLUNTARY,	   /* switches because it waited for something */
	TASK_INVOLUNTARY,  /* switches because another was to run */
	TASK_MIGRATIONS,   /* to another CPU */
	TASK_MINOR_FAULTS,
	TASK_MAJOR_FAULTS, /* those that had to wait for a device */
	TASK_COUNTERS
};
extern const char *const task_counter_names[TASK_COUNTERS]; /* "run_delay_ns" */

struct task {
	pid_t tid;
	char name[TASK_NAME];
	uint64_t born; /* ticks since boot: a tid that comes again is another thread */
	int cpu;       /* where it ran last; TASK_UNKNOWN */
	bool has_cpus; /* `allowed` is known */
	cpu_set_t allowed;
	int64_t count[TASK_COUNTERS];
};

/* Nothing known yet. */
void task_init(struct task *t, pid_t tid);

/* Texts of /proc/PID/task/TID/: stat, schedstat, status, sched. False: not such a text. */
bool task_parse_stat(const char *text, struct task *t);
bool task_parse_schedstat(const char *text, struct task *t);
void task_parse_status(const char *text, struct task *t);
void task_parse_sched(const char *text, struct task *t);

/* False: the thread is gone. */
bool task_read(pid_t pid, pid_t tid, struct task *ret);
/* The calling thread. */
void task_read_self(struct task *ret);

/* to - from, or to itself when from is NULL (born in between); unknown if either is. */
void task_between(const struct task *from, const struct task *to, struct task *ret);
/* The sum, counter by counter; unknown if either is. */
void task_add(struct task *sum, const struct task *more);

#endif
