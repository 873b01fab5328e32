/*
 * machine.h - what the whole machine did beside a run: CPU time by kind, softirqs, pressure.
 *
 * One sample reads /proc/stat, softirqs, net/softnet_stat and pressure/; two make a change. What
 * this kernel does not say is MACHINE_UNKNOWN. Times of /proc/stat are counted in ticks (10 ms),
 * on most kernels by looking who runs when a tick comes, so shares of less than a second's window
 * are coarse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_MACHINE_H
#define RW_OBSERVE_MACHINE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#define MACHINE_UNKNOWN	 (-1)
#define MACHINE_SOFTIRQS 16
#define MACHINE_NAME	 12 /* of a softirq */

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
struct machine {
	int64_t at_ns; /* of a change: the window's length */
	unsigned cpus; /* highest number and one */
	struct cpu_time *cpu;
	int64_t interrupts, switches, forks;
	unsigned softirqs;
	char softirq_name[MACHINE_SOFTIRQS][MACHINE_NAME];
	uint64_t *softirq; /* by kind, then CPU: [kind * cpus + cpu] */
	int64_t softnet[SOFTNETS];
	int64_t some_us[PRESSURES], full_us[PRESSURES]; /* somebody waited; all waited */
};

int machine_sample_take(struct machine *ret); /* 0 or -ENOMEM */
int machine_between(const struct machine *from, const struct machine *to, struct machine *ret);
void machine_finish(struct machine *m);

/* Sum over these CPUs; NULL: all. */
struct cpu_time machine_cpu_time(const struct machine *m, const cpu_set_t *cpus);
/* A part of a cpu_time as a share of all its time; 0 when no tick has passed. */
double cpu_time_share(const struct cpu_time *t, uint64_t part);
uint64_t machine_softirq(const struct machine *m, unsigned kind); /* over all CPUs */

/* For tests: texts into *m, which machine_sample_take() has zeroed. 0 or -ENOMEM. */
int machine_parse_stat(const char *text, struct machine *m);
int machine_parse_softirqs(const char *text, struct machine *m);
void machine_parse_softnet(const char *text, struct machine *m);
void machine_parse_pressure(const char *text, int64_t *some_us, int64_t *full_us);

#endif
