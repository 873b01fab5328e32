/*
 * doctor_memory.c - the doctor on memory: what moves, joins, swaps or reclaims pages meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/doctor_checks.h"
#include "system/machine.h"

static void look_at_balancing(const struct doctor *d, struct finding *f)
{
	int64_t on = machine_number(d->root, "/proc/sys/kernel/numa_balancing", -1);
	bool has_nodes = machine_has(d->root, "/sys/devices/system/node/node1");

	if (on < 0)
		finding_absent(d, f, "/proc/sys/kernel");
	else if (!on)
		finding_say(f, SEVERITY_OK, "off");
	else
		finding_say(f, has_nodes ? SEVERITY_WARN : SEVERITY_OK, "on (%lld)%s",
			    (long long)on, has_nodes ? "" : ", with one node: nothing to balance");
}

static void look_at_thp(const struct doctor *d, struct finding *f)
{
	char text[64];

	if (!machine_read(d->root, "/sys/kernel/mm/transparent_hugepage/enabled", text,
			  sizeof(text)))
		finding_absent(d, f, "/sys/kernel/mm");
	else
		finding_say(f, strstr(text, "[always]") ? SEVERITY_NOTE : SEVERITY_OK, "%s", text);
}

/* Of /proc/meminfo, in MiB; -1: there is no such line. */
static int64_t meminfo_mib(const char *root, const char *key)
{
	char text[64];

	if (!machine_find(root, "/proc/meminfo", key, text, sizeof(text)))
		return -1;
	return strtoll(text, NULL, 10) / 1024;
}

static void look_at_swap(const struct doctor *d, struct finding *f)
{
	int64_t all = meminfo_mib(d->root, "SwapTotal"), left = meminfo_mib(d->root, "SwapFree");

	if (all < 0 || left < 0)
		finding_unknown(f, "no /proc/meminfo");
	else if (!all)
		finding_say(f, SEVERITY_OK, "no swap");
	else
		finding_say(f, all > left ? SEVERITY_WARN : SEVERITY_OK, "%lld of %lld MiB in use",
			    (long long)(all - left), (long long)all);
}

static void look_at_memory(const struct doctor *d, struct finding *f)
{
	int64_t all = meminfo_mib(d->root, "MemTotal");
	int64_t left = meminfo_mib(d->root, "MemAvailable");
	double avg10 = 0;
	char line[128];

	if (all <= 0 || left < 0) {
		finding_unknown(f, "no /proc/meminfo");
		return;
	}
	if (machine_find(d->root, "/proc/pressure/memory", "some", line, sizeof(line)))
		sscanf(line, "avg10=%lf", &avg10);
	finding_say(f,
		    avg10 >= 5			   ? SEVERITY_BAD
		    : left < all / 10 || avg10 > 0 ? SEVERITY_WARN
						   : SEVERITY_OK,
		    "%lld of %lld MiB available; tasks waited for memory %.1f %% of the last 10 s",
		    (long long)left, (long long)all, avg10);
}

const struct doctor_check doctor_memory_checks[] = {
	{ "numa-balancing", "it unmaps pages to see who uses them, and moves them and threads",
	  "sysctl -w kernel.numa_balancing=0", look_at_balancing },
	{ "thp", "huge pages come and go in the background, and faults become long",
	  "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", look_at_thp },
	{ "swap", "a page that must come from disk costs milliseconds", "swapoff -a",
	  look_at_swap },
	{ "memory", "reclaim runs inside of whatever asks for memory next",
	  "stop what fills it; drop caches: echo 1 > /proc/sys/vm/drop_caches", look_at_memory },
	{ 0 },
};
