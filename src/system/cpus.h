/*
 * cpus.h - the CPUs that are there, and those that a thread may run on. Lists of them: base/cpus.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_CPUS_H
#define RW_SYSTEM_CPUS_H

#include <sched.h>

/* Those of this machine that are switched on. */
void cpus_online(cpu_set_t *ret);

/*
 * Those that the cpuset of the calling thread allows, whatever the thread is bound to now. Asked of
 * the kernel by a mask of all CPUs, for cgroup files lie in too many places; and in a thread made
 * for it, because the kernel remembers the mask that was set last (since Linux 6.2) and goes back
 * to it when the cpuset widens. Where no thread can be made (SCHED_DEADLINE), what the caller is
 * bound to stands for the answer.
 */
void cpus_allowed(cpu_set_t *ret);

#endif
