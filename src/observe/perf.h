/*
 * perf.h - counters of perf_event_open(2) for the threads of a process, from outside.
 *
 * Hardware counters exist only where the machine has a PMU and shows it to us; most virtual ones do
 * not. Two software events stand beside them, for kernels whose /proc does not say the same.
 *
 * A trap: without a privilege the kernel lets a user count only what happens outside itself, and
 * there software events like context switches never happen, so their count is 0 and looks like a
 * measurement. Here they are asked for with the kernel included or not at all; hardware events may
 * leave it out, and then say so (user_only).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_PERF_H
#define RW_OBSERVE_PERF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum perf_event {
	PERF_CYCLES,
	PERF_INSTRUCTIONS,
	PERF_CACHE_MISSES,
	PERF_BRANCH_MISSES,
	PERF_MIGRATIONS,
	PERF_SWITCHES,
	PERF_EVENTS
};
extern const char *const perf_event_names[PERF_EVENTS]; /* "cache_misses" */
bool perf_event_is_hardware(enum perf_event e);

/* One event of one thread, the threads it makes included, from now on. A descriptor or -errno. */
int perf_event_start(enum perf_event e, pid_t tid, bool user_only);
/* So far; scaled up when the counter had to be shared with others. -errno. */
int64_t perf_event_read(int fd);
/* Why -errno came from perf_event_start(), as a sentence. Returns buf. */
const char *perf_event_refusal(enum perf_event e, int code, char *buf, size_t size);

#define PERF_THREADS 256
#define PERF_WHY     160

/* Some events of many threads. Zeroed: nothing is counted. */
struct perf_session {
	struct perf_counts {
		bool wanted, user_only;
		unsigned count;
		int fds[PERF_THREADS];
		char why[PERF_WHY]; /* not counted, because; empty: counted */
	} event[PERF_EVENTS];
};

/* Counts a wanted event of these threads; one that no thread lets us count gets its reason. */
void perf_session_start(struct perf_session *s, enum perf_event e, const pid_t *tids,
			unsigned count);
/* Sum over the threads; -1: not counted. */
int64_t perf_session_read(const struct perf_session *s, enum perf_event e);
void perf_session_finish(struct perf_session *s);

#endif
