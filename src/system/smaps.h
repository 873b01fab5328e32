/*
 * smaps.h - what the kernel says of this process's memory: /proc/self/smaps and /proc/self/status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_SMAPS_H
#define RW_SYSTEM_SMAPS_H

#include "base/kinds.h"

/*
 * The sum of a line ("AnonHugePages", "Private_Hugetlb") over the mappings that the range lies in,
 * in KiB, at most the range's size: mappings may be larger. -1: the kernel does not say.
 */
long smaps_kib(const struct memory_range *range, const char *key);

/* A line of status in KiB: "VmLck", "VmSize". -1: it is not there. */
long smaps_status_kib(const char *key);

#endif
