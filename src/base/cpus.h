/*
 * cpus.h - lists of CPUs, as people and the kernel write them: "0,2-5". Of memory nodes as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_CPUS_H
#define RW_BASE_CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* CPUs in an order, each as often as it was named. */
struct cpu_order {
	unsigned count;
	unsigned short cpus[CPU_SETSIZE];
};

/*
 * "3,1", "2-5", "0-6:2" (every second one); nothing is a list of none. True: that is all of the
 * text. Else what comes behind the first mistake is left out, and so are CPUs that no cpu_set_t has
 * room for.
 */
bool cpu_order_read(const char *text, struct cpu_order *ret);
bool cpus_read(const char *text, cpu_set_t *ret);

/*
 * In the order given, runs of neighbours as first-last: for ascending lists that is how the kernel
 * writes them (cpuset(7)). -E2BIG when it does not fit; buf then has its beginning.
 */
int cpu_order_write(const struct cpu_order *order, char *buf, size_t size);
/* Ascending. */
int cpus_write(const cpu_set_t *cpus, char *buf, size_t size);

/* What is in a and not in b. Returns how many. */
int cpus_minus(const cpu_set_t *a, const cpu_set_t *b, cpu_set_t *ret);

#endif
