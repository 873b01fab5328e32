/*
 * autogroup.h - the session's group of the scheduler: sched(7), "The autogroup feature".
 *
 * With kernel.sched_autogroup_enabled=1 every session is a group of its own, and nice and
 * SCHED_IDLE decide between the threads of one session only. Two processes that are to be told
 * apart by nice must be in the same one, or autogroup must be off.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_AUTOGROUP_H
#define RW_TUNABLES_AUTOGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct autogroup {
	char name[32]; /* "/autogroup-150" */
	int nice;
};

/*
 * Of thread tid (0: the caller). False when none counts for it: off, not built, or the thread is in
 * a cpu cgroup below the topmost, where the cgroup counts.
 */
bool autogroup_read(pid_t tid, struct autogroup *ret);

#endif
