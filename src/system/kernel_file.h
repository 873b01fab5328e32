/*
 * kernel_file.h - single lines of /proc and /sys, for those who explain what the kernel did.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_KERNEL_FILE_H
#define RW_SYSTEM_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first line without its end. False, and buf empty, when there is nothing to be read. */
bool kernel_file_read(const char *path, char *buf, size_t size);

/* The same as a number; `missing` when it is not there or none. */
int64_t kernel_file_number(const char *path, int64_t missing);

/* What stands behind key ("nr_throttled", "Cpus_allowed_list:") in the line that begins with it. */
bool kernel_file_line(const char *path, const char *key, char *buf, size_t size);

#endif
