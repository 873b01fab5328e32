/*
 * usage.h - what the generator itself cost, so that it can judge itself: CPU, waiting for a CPU,
 * and time the hypervisor took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_USAGE_H
#define RW_OBSERVE_USAGE_H

#include <stdint.h>

/* Of the calling thread, at one moment. */
struct usage {
	int64_t wall_ns, cpu_ns;
	int64_t run_delay_ns; /* runnable but not running; -1: this kernel does not say */
};

/* Between two moments; -1: not known. */
struct usage_shares {
	double busy; /* CPU without the idle part of spinning */
	double run_delay;
};

void usage_read(struct usage *u);
struct usage_shares usage_between(const struct usage *from, const struct usage *to,
				  int64_t idle_ns);

/* Clock ticks of all CPUs since boot, and how many of them were stolen; zeros: not known. */
struct machine_usage {
	uint64_t total, steal;
};
void machine_usage_read(struct machine_usage *u);
double machine_usage_steal(const struct machine_usage *from, const struct machine_usage *to);

#endif
