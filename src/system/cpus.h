/*
 * cpus.h - sets of CPUs and the texts that people and the kernel write for them: "0,2-5".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_CPUS_H
#define RW_SYSTEM_CPUS_H

#include <sched.h>
#include <stddef.h>

/* CPUs in an order, each as often as it was named. */
struct cpu_order {
	unsigned count;
	unsigned short cpus[CPU_SETSIZE];
};

/* As knob_cpus and the kernel write them. What comes behind a text that is none is left out. */
void cpu_order_read(const char *text, struct cpu_order *ret);

void cpus_read(const char *text, cpu_set_t *ret);

/* Ascending, runs as first-last. -E2BIG when it does not fit; buf then has its beginning. */
int cpus_write(const cpu_set_t *cpus, char *buf, size_t size);

/* In the order given, runs of neighbours as first-last. */
int cpu_order_write(const struct cpu_order *order, char *buf, size_t size);

/* What is in a and not in b. Returns how many. */
int cpus_minus(const cpu_set_t *a, const cpu_set_t *b, cpu_set_t *ret);

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
