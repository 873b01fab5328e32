/*
 * census.h - which processes of the machine used its CPUs in a while.
 *
 * One look reads /proc/PID/stat of every process there is, which takes some microseconds each; two
 * looks give what was used in between. Times are the kernel's ticks (10 ms), scaled by it to what
 * the scheduler counted, so they are exact but for a tick. What ended before the second look took
 * its time along; what began after the first used all of its time in between. Other containers'
 * processes are not to be seen, nor are the kernel's own threads from inside of one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_CENSUS_H
#define RW_OBSERVE_CENSUS_H

#include <stdbool.h>

#include "observe/task.h"

struct census_process {
	pid_t pid, parent;
	char name[TASK_NAME]; /* what is not ASCII is a question mark */
	uint64_t born;	      /* ticks since boot: a pid that comes again is another process */
	uint64_t ticks;	      /* of all its threads; in a change: what was added */
	bool is_kernel;	      /* a thread of the kernel */
};

/* Zeroed: nobody was looked at. */
struct census {
	unsigned count;
	struct census_process *processes; /* by pid */
};

int census_take(struct census *ret); /* 0 or -ENOMEM */
/* Those who used any. 0 or -ENOMEM. */
int census_between(const struct census *from, const struct census *to, struct census *ret);
void census_finish(struct census *c);

/* A text of /proc/PID/stat. False: it is none. */
bool census_parse(const char *text, struct census_process *ret);

#endif
