/*
 * cgroup.h - where a thread's control group lies: cgroups(7), versions 1 and 2, and both at once.
 *
 * A controller (cpu, cpuset) is either in a version 1 hierarchy of its own or in the one of version
 * 2, and on the same machine one can be here and the other there. Which, is what /proc/PID/cgroup
 * says; where that is mounted, and from which group downwards (a container sees but a part), what
 * /proc/PID/mountinfo says. Nothing is assumed about names of folders.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_CGROUP_H
#define RW_SYSTEM_CGROUP_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define CGROUP_PATH 256

struct cgroup_place {
	int version;		  /* 1 or 2 */
	char mount[CGROUP_PATH];  /* folder of the topmost group that can be seen */
	char folder[CGROUP_PATH]; /* of the thread's group; the same at the top */
};

/* Of thread tid (0: the caller). False: this controller is in no hierarchy that is mounted here. */
bool cgroup_find(pid_t tid, const char *controller, struct cgroup_place *ret);

/*
 * The same from the text of the two files. A version 2 hierarchy is taken to have every controller
 * that no version 1 hierarchy has: cgroup_find() looks.
 */
bool cgroup_parse(FILE *cgroups, FILE *mounts, const char *controller, struct cgroup_place *ret);

/* Is the word in the file, between blanks? "cpu" of cgroup.controllers. */
bool cgroup_file_has(const char *folder, const char *file, const char *word);

/* A word in a list with this character between its words. */
bool cgroup_list_has(const char *list, char between, const char *word);

#endif
