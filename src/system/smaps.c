/*
 * smaps.c - see smaps.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/smaps.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* "Key:   12 kB". */
static bool take_kib(const char *line, const char *key, long *ret)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && line[len] == ':' &&
	       sscanf(line + len + 1, "%ld", ret) == 1;
}

long smaps_kib(const struct memory_range *range, const char *key)
{
	AUTO(auto_fclose) FILE *f = fopen("/proc/self/smaps", "re");
	uintptr_t begin = (uintptr_t)range->base, end = begin + range->len, from, to;
	long sum = -1, one, most = (long)(range->len / 1024);
	bool inside = false;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from < end && to > begin;
		else if (inside && take_kib(line, key, &one))
			sum = (sum < 0 ? 0 : sum) + one;
	}
	return sum < most ? sum : most;
}

long smaps_status_kib(const char *key)
{
	AUTO(auto_fclose) FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib;

	while (f && fgets(line, sizeof(line), f))
		if (take_kib(line, key, &kib))
			return kib;
	return -1;
}
