/*
 * memory_opts.h - the tunable "memory": what its files share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_MEMORY_OPTS_H
#define RW_TUNABLES_MEMORY_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tunables/tunable.h"

enum memory_lock { LOCK_NO, LOCK_CURRENT, LOCK_ALL, LOCK_ONFAULT };

enum memory_huge { HUGE_DEFAULT, HUGE_ADVISE, HUGE_NEVER, HUGE_COLLAPSE, HUGE_HUGETLB };

struct memory_opts {
	int lock; /* enum memory_lock */
	bool prefault;
	int64_t stack_prefault_bytes;
	int huge_pages; /* enum memory_huge */
	int64_t oom_score_adj;
};

/* The tunable's settle(): what is done to ranges, and not to the process. */
int memory_settle(const struct target *t, const void *opts, const struct memory_range *ranges,
		  unsigned count, bool at_end, struct verdict_report *report, struct err *err);

/*
 * memory_huge.c: makes the range (whole huge pages) of huge pages in the given way. 0, or -errno
 * and why not. The sentence is the caller's to finish.
 */
int memory_make_huge(const struct memory_range *range, enum memory_huge how, struct err *err);
/* Bytes of a huge page; 0: the kernel has none of that kind. */
unsigned long memory_huge_page_bytes(enum memory_huge how);
/* KiB of the range that are in huge pages now. */
long memory_huge_kib(const struct memory_range *range, enum memory_huge how);

#endif
