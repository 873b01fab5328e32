/*
 * host.h - what the whole machine did beside a run: CPU time by kind, softirqs, pressure.
 *
 * One sample reads /proc/stat, softirqs, net/softnet_stat and pressure/; two make a change. What
 * this kernel does not say is HOST_UNKNOWN. Times of /proc/stat are counted in ticks (10 ms),
 * on most kernels by looking who runs when a tick comes, so shares of less than a second's window
 * are coarse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_HOST_H
#define RW_OBSERVE_HOST_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#define HOST_UNKNOWN  (-1)
#define HOST_SOFTIRQS 16
#define HOST_NAME     12 /* of a softirq */

/* Of one CPU, in ticks. */
struct cpu_time {
	bool is_there;
	uint64_t busy; /* programs and the kernel for them: user, nice, system */
	uint64_t idle, irq, softirq, steal;
};

enum pressure { PRESSURE_CPU, PRESSURE_IO, PRESSURE_MEMORY, PRESSURES };
extern const char *const pressure_names[PRESSURES];

enum softnet { SOFTNET_PROCESSED, SOFTNET_DROPPED, SOFTNET_SQUEEZED, SOFTNETS };
extern const char *const softnet_names[SOFTNETS];

/* Counters since boot in a sample, what was added in a change. Zeroed is fine to finish. */
struct host {
	int64_t at_ns; /* of a change: the window's length */
	unsigned cpus; /* highest number and one */
	struct cpu_time *cpu;
	int64_t interrupts, switches, forks;
	unsigned softirqs;
	char softirq_name[HOST_SOFTIRQS][HOST_NAME];
	uint64_t *softirq; /* by kind, then CPU: [kind * cpus + cpu] */
	int64_t softnet[SOFTNETS];
	int64_t some_us[PRESSURES], full_us[PRESSURES]; /* somebody waited; all waited */
};

int host_sample_take(struct host *ret); /* 0 or -ENOMEM */
int host_between(const struct host *from, const struct host *to, struct host *ret);
void host_finish(struct host *m);

/* Sum over these CPUs; NULL: all. */
struct cpu_time host_cpu_time(const struct host *m, const cpu_set_t *cpus);
/* A part of a cpu_time as a share of all its time; 0 when no tick has passed. */
double cpu_time_share(const struct cpu_time *t, uint64_t part);
uint64_t host_softirq(const struct host *m, unsigned kind); /* over all CPUs */

/* For tests: texts into *m, which host_sample_take() has zeroed. 0 or -ENOMEM. */
int host_parse_stat(const char *text, struct host *m);
int host_parse_softirqs(const char *text, struct host *m);
void host_parse_softnet(const char *text, struct host *m);
void host_parse_pressure(const char *text, int64_t *some_us, int64_t *full_us);

#endif
