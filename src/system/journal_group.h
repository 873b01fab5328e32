/*
 * journal_group.h - what is particular about control groups when changes to them are taken back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_JOURNAL_GROUP_H
#define RW_SYSTEM_JOURNAL_GROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Of a group: behind it there is room for the names of its lists of tasks, and of its parent's. */
#define JOURNAL_GROUP_PATH_MAX (PATH_MAX - 32)

/* Moves the tasks of a group into its parent and removes it. 0 also when it is gone already. */
int journal_group_remove(const char *path, struct err *err);

/* Is it a cgroup.subtree_control, which is written "+cpuset -memory" and reads "cpu cpuset"? */
bool journal_group_is_control(const char *path);
/* What must be written so that `now` becomes `wanted`. */
void journal_group_control_change(const char *now, const char *wanted, char *buf, size_t size);
/* What `now` becomes when `change` is written. */
void journal_group_control_result(const char *now, const char *change, char *buf, size_t size);

#endif
