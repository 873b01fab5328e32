/*
 * kernel_file.h - one-line files of /proc and /sys, for those who explain what the kernel did.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_KERNEL_FILE_H
#define RW_SYSTEM_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The first line without its end. False, and buf empty, when there is nothing to be read. */
bool kernel_file_read(const char *path, char *buf, size_t size);

/* The same as a number; `missing` when it is not there or none. */
int64_t kernel_file_number(const char *path, int64_t missing);

/*
 * The group of a thread (0: the caller) under a version 1 controller ("cpu"): the path of its
 * folder under /sys/fs/cgroup. False when the controller is not mounted that way.
 */
bool kernel_file_cgroup_v1(pid_t tid, const char *controller, char *buf, size_t size);

/* Likewise for version 2; the root is "/sys/fs/cgroup". */
bool kernel_file_cgroup_v2(pid_t tid, char *buf, size_t size);

#endif
