/*
 * sched_opts.h - the tunable "sched": policy, nice, priority, reservation and slice of one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_SCHED_OPTS_H
#define RW_TUNABLES_SCHED_OPTS_H

#include <stdbool.h>
#include <stdint.h>

enum sched_choice {
	SCHED_CHOICE_INHERIT, /* what the thread was born with */
	SCHED_CHOICE_OTHER,
	SCHED_CHOICE_BATCH,
	SCHED_CHOICE_IDLE,
	SCHED_CHOICE_FIFO,
	SCHED_CHOICE_RR,
	SCHED_CHOICE_DEADLINE,
	SCHED_CHOICE_EXT, /* whatever BPF program is loaded as a scheduler */
};

struct sched_opts {
	int policy; /* enum sched_choice */
	int64_t nice;
	int64_t priority;
	int64_t runtime_ns, deadline_ns, period_ns;
	int64_t slice_ns;
	bool reclaim, overrun;
	int64_t util_min, util_max; /* of 1024 */
};

/*
 * FIFO or RR: such a thread keeps its CPU as long as it likes, so whoever starts threads must leave
 * a CPU without one. (SCHED_DEADLINE is bounded by its reservation.) opts: a struct sched_opts.
 */
bool sched_is_realtime(const void *opts);

#endif
