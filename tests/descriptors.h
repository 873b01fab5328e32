/*
 * descriptors.h - many descriptors for a test: a login has 1024, and more if it asks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_DESCRIPTORS_H
#define RW_TESTS_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "tests/test.h"

/* May the process have so many, if need be after raising its soft limit? If not it is skipped. */
static inline bool descriptors_reach(rlim_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < count && limit.rlim_max >= count) {
		limit.rlim_cur = count;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur < count)
		test_not_possible("RLIMIT_NOFILE is %ju, needed are %ju", (uintmax_t)limit.rlim_max,
				  (uintmax_t)count);
	return limit.rlim_cur >= count;
}

#endif
