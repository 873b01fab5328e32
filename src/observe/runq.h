/*
 * runq.h - how long the threads of a process waited for a CPU, each single time, by eBPF.
 *
 * schedstat has the sum of the same waits (task.h), for nothing; a sum hides whether all were
 * short or one was long. This costs at every wake-up and switch of the machine, so it is there
 * when it is asked for: on two virtual CPUs with Linux 6.18, a ping-pong over pipes took 0.5 us
 * more than its 2.5 us for those observed, and 0.15 us more for others. It is built when libbpf,
 * clang and bpftool are there (runq_bpf.c), else runq_none.c says that it was not. Whether this
 * kernel takes the program is found by loading it; `bpftool feature` says "not available" of some
 * that work.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_RUNQ_H
#define RW_OBSERVE_RUNQ_H

#include <sys/types.h>

#include "base/err.h"
#include "base/hist.h"

struct runq;

/* From now on. -errno with why not. */
int runq_start(pid_t pid, struct runq **ret, struct err *err);
/* Adds what was seen so far, each bucket by its middle: right to 1 part in 32. */
void runq_read(const struct runq *r, struct hist *ret);
void runq_stop(struct runq *r); /* NULL is fine */

#endif
