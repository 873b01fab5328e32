/*
 * clock.h - nanoseconds on clocks that never step back.
 *
 * All times in Ringwalk are int64_t nanoseconds; instants are on CLOCK_MONOTONIC unless a name
 * says otherwise. Reading costs about 22 ns (vDSO), so the data path reads once a batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_CLOCK_H
#define RW_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define US  1000LL
#define MS  1000000LL
#define SEC 1000000000LL

static inline int64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static inline int64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

static inline struct timespec clock_timespec(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / SEC, .tv_nsec = ns % SEC };
}

#endif
