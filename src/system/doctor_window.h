/*
 * doctor_window.h - a short while in which the doctor watches: gaps in a spin, and who else ran.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_DOCTOR_WINDOW_H
#define RW_SYSTEM_DOCTOR_WINDOW_H

#include <stdint.h>

#include "base/err.h"
#include "system/doctor.h"

/* A thread that does nothing but read the clock sees when the CPU was taken away. */
#define SPIN_GAP_NS 20000 /* shorter ones are interrupts that every machine has */

struct spin {
	int64_t window_ns; /* how long it really took */
	unsigned gaps;	   /* longer than SPIN_GAP_NS */
	int64_t lost_ns;   /* in them */
	int64_t longest_ns;
};

/* now: a clock, read again and again until window_ns have passed. */
void spin_watch(int64_t (*now)(void *context), void *context, int64_t window_ns, struct spin *ret);

enum { PROCESS_NAME = 32, IRQ_NAME = 48 };

/* What another process used, or a device interrupted, within the window. */
struct process_use {
	int pid;
	uint64_t ticks;
	char name[PROCESS_NAME];
};

struct irq_use {
	int number;
	uint64_t planned; /* how often on planned CPUs */
	char name[IRQ_NAME];
};

struct doctor_window {
	struct spin spin;		 /* window_ns 0: not on this machine, so there was none */
	uint64_t all_ticks, steal_ticks; /* of all CPUs together */
	unsigned process_count;
	struct process_use *processes; /* who used the most comes first; this one is left out */
	unsigned irq_count;
	struct irq_use *irqs;
};

int doctor_window_watch(const struct doctor_request *r, struct doctor_window **ret,
			struct err *err);
void doctor_window_free(struct doctor_window *w); /* NULL is fine */

#endif
