/*
 * autogroup.c - which autogroup a thread is in, and whether that counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tunables/autogroup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "system/cgroup.h"
#include "system/kernel_file.h"

/*
 * Autogroup is for threads in the topmost cpu group. In version 2 the group is the nearest one
 * upwards that has the controller; the topmost has none of its files.
 */
static bool in_cpu_group(pid_t tid)
{
	struct cgroup_place place;
	char path[CGROUP_PATH + 32], *slash;

	if (!cgroup_find(tid, "cpu", &place))
		return false;
	if (place.version == 1)
		return strcmp(place.folder, place.mount) != 0;
	do {
		snprintf(path, sizeof(path), "%s/cpu.weight", place.folder);
		if (!access(path, F_OK))
			return true;
		slash = strrchr(place.folder, '/');
		*slash = '\0';
	} while (strlen(place.folder) >= strlen(place.mount));
	return false;
}

bool autogroup_read(pid_t tid, struct autogroup *ret)
{
	char path[64] = "/proc/self/autogroup", line[64];

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/autogroup", tid);
	return kernel_file_number("/proc/sys/kernel/sched_autogroup_enabled", 0) == 1 &&
	       kernel_file_read(path, line, sizeof(line)) &&
	       sscanf(line, "%31s nice %d", ret->name, &ret->nice) == 2 && !in_cpu_group(tid);
}
