/*
 * hog.h - the role beside: threads that want the CPU (or the memory) that a node has.
 *
 * What a kernel knob is worth shows when somebody else wants the same thing. A hog is that
 * somebody, known and repeatable: each thread is busy for a share of each period, and sleeps for
 * the rest of it. Busy is arithmetic, or with `memory` a walk over that much memory of the thread's
 * own, a cache line at a time. Threads take tunables like those of other roles, so that the
 * neighbour's policy, place or group can be a factor, too.
 *
 * It ends by itself after `duration`: a forgotten hog is a broken machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_HOG_HOG_H
#define RW_HOG_HOG_H

#include "base/knob.h"
#include "engine/hooks.h"

#define HOG_THREADS_MAX 256

struct hog_opts {
	int64_t threads; /* 0: nobody */
	double busy;	 /* share of each period */
	int64_t period_ns;
	int64_t memory; /* bytes a thread walks over; 0: arithmetic */
	int64_t duration_ns;
};

extern const struct knob_group hog_knobs;

struct hog;

/* What one thread has done so far; read by anybody. */
struct hog_stats {
	int64_t cpu_ns;	 /* of the thread's clock; 0 before it began */
	uint64_t rounds; /* periods that are over */
};

/* Returns when every thread has begun, or none is left. hooks is copied; its context outlives. */
int hog_start(struct hog **ret, const struct hog_opts *opts, const struct hooks *hooks,
	      struct err *err);
/* Ends the threads within about a millisecond and waits for them. Idempotent. */
void hog_stop(struct hog *h);
void hog_destroy(struct hog *h); /* NULL is fine */

unsigned hog_threads(const struct hog *h);
/* True when every thread has come to the end of its duration. */
bool hog_is_over(const struct hog *h);
void hog_stats(const struct hog *h, unsigned thread, struct hog_stats *ret);

#endif
