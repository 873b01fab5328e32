/*
 * describe.h - what was observed, for programs (JSON) and for people (one line).
 *
 * What is not known is null in JSON and not mentioned in the line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_DESCRIBE_H
#define RW_OBSERVE_DESCRIBE_H

#include <jansson.h>

#include "observe/host.h"
#include "observe/process.h"

#define DESCRIBE_TEXT 320

/* {"window_ns", "cpus", "threads_ended", "cpu_ns", "run_delay_ns", ...}: all threads together. */
json_t *describe_process(const struct process_change *c);
/* One object a thread: its name, where it ran last, its counters. */
json_t *describe_threads(const struct process_change *c);
/* Shares of all CPUs and of each, softirqs by kind, softnet, pressure as shares of the window. */
json_t *describe_machine(const struct host *change);

/*
 * "run delay 2.1 us, switches 0.98 and preemptions 0.01 a request, softirq 12 %". Only what is
 * worth a word; "" when nothing is. Returns buf, which has DESCRIBE_TEXT bytes.
 */
const char *describe_text(const struct process_change *c, const struct host *change,
			  double requests, char *buf);

#endif
