/*
 * compute.h - burns time without spending it in clock system calls.
 *
 * Three variants, because they answer different questions:
 *  wall	until so much time has passed, preempted or not: a service time as a client sees it
 *  cpu		until the thread has used so much CPU: work that takes longer when it is preempted
 *  loops	a fixed number of calibrated loops: work that takes longer on a slower CPU
 *
 * The inner loop is arithmetic that the compiler cannot remove, calibrated in loops per us. wall
 * and cpu run it in slices sized from the calibration and look at the clock about every 1/128 of
 * the request and at least every 20 us; the last slice is what is left. Error <= 1 % at 10 us and
 * above when not preempted (tests/test_compute.c measures it). The thread's CPU clock is a system
 * call, so cpu paces itself by the wall clock (vDSO) and asks the CPU clock only at both ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_COMPUTE_H
#define RW_NODE_COMPUTE_H

#include <stdint.h>

#include "engine/wire.h"

struct compute {
	enum wire_compute plain; /* how `wall` is done, which is what a program that says
				  * nothing asks for */
	double loops_per_ns;	 /* what `loops` counts with; may be set to another machine's */
	double speed;		 /* loops per ns here: sizes the slices */
	int64_t wall_look_ns, cpu_look_ns; /* price of reading each clock */
};

/* Takes about 20 ms; the median of many short measurements, so that a disturbed one does not count.
 */
void compute_calibrate(struct compute *c);

/* Returns CLOCK_MONOTONIC at the end, so that the caller need not read it again. */
int64_t compute_run(const struct compute *c, enum wire_compute variant, int64_t ns);

#endif
