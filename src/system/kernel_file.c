/*
 * kernel_file.c - one-line files of /proc and /sys, and the groups a thread is in: cgroups(7).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/kernel_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

bool kernel_file_read(const char *path, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *file = fopen(path, "re");

	*buf = '\0';
	if (!file || !fgets(buf, (int)size, file))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return *buf != '\0';
}

int64_t kernel_file_number(const char *path, int64_t missing)
{
	char text[32], *end;
	int64_t number;

	if (!kernel_file_read(path, text, sizeof(text)))
		return missing;
	number = strtoll(text, &end, 10);
	return *end ? missing : number;
}

/* Is `word` one of the words of the comma-separated list? */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *at;

	for (at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, word, len) && (at[len] == ',' || !at[len]))
			return true;
	return false;
}

/*
 * Lines are "number:controllers:/path"; version 2 has number 0 and no controllers. A version 1
 * hierarchy is mounted in a folder with the name of its controllers.
 */
static bool find_cgroup(pid_t tid, const char *controller, char *buf, size_t size)
{
	char path[64] = "/proc/thread-self/cgroup", line[512];
	AUTO(auto_fclose) FILE *file = NULL;

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/cgroup", tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		char *at = line, *controllers;

		strsep(&at, ":");
		controllers = strsep(&at, ":");
		if (!at || (controller ? !list_has(controllers, controller) : *controllers))
			continue;
		at[strcspn(at, "\n")] = '\0';
		snprintf(buf, size, "/sys/fs/cgroup/%s%s", controllers,
			 strcmp(at, "/") ? at + !*controllers : "");
		return true;
	}
	return false;
}

bool kernel_file_cgroup_v1(pid_t tid, const char *controller, char *buf, size_t size)
{
	return find_cgroup(tid, controller, buf, size);
}

bool kernel_file_cgroup_v2(pid_t tid, char *buf, size_t size)
{
	return find_cgroup(tid, NULL, buf, size);
}
