/*
 * runq.bpf.h - latencies in buckets, for the kernel's side of runq.h and for ours.
 *
 * Sixteen buckets for each doubling, so that a value is known to 1 part in 16; below 16 ns each
 * nanosecond has its own. Nothing here is called: the BPF program cannot.
 *
 * SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 */
#ifndef RW_OBSERVE_RUNQ_BPF_H
#define RW_OBSERVE_RUNQ_BPF_H

#define RUNQ_STEPS_LOG2 4
#define RUNQ_STEPS	(1 << RUNQ_STEPS_LOG2)
#define RUNQ_OCTAVES	36 /* longest: 2^40 ns, a quarter of an hour; longer ones count as it */
#define RUNQ_BUCKETS	(RUNQ_STEPS * (RUNQ_OCTAVES + 1))

/* Number of the highest bit that is set; 0 for 0. */
static inline __attribute__((always_inline)) unsigned int runq_log2(unsigned long long value)
{
	unsigned int log = 0;

	for (unsigned int step = 32; step; step /= 2) {
		if (value >> step) {
			value >>= step;
			log += step;
		}
	}
	return log;
}

static inline __attribute__((always_inline)) unsigned int runq_bucket(unsigned long long ns)
{
	unsigned int log = runq_log2(ns), bucket;

	if (ns < RUNQ_STEPS)
		return (unsigned int)ns;
	bucket = (log - RUNQ_STEPS_LOG2 + 1) * RUNQ_STEPS +
		 (unsigned int)((ns >> (log - RUNQ_STEPS_LOG2)) & (RUNQ_STEPS - 1));
	return bucket < RUNQ_BUCKETS ? bucket : RUNQ_BUCKETS - 1;
}

/* Smallest value that falls into a bucket. */
static inline unsigned long long runq_bucket_from(unsigned int bucket)
{
	unsigned int octave = bucket / RUNQ_STEPS;
	unsigned long long step = bucket % RUNQ_STEPS;

	return octave ? (RUNQ_STEPS + step) << (octave - 1) : step;
}

#endif
