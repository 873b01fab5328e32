/*
 * kernel_value.h - the value of a file of /proc or /sys: read, written, compared as it is meant.
 *
 * The kernel writes one value in several ways: a list of choices with the chosen one in brackets,
 * a mask with commas and leading zeros, numbers with tabs in between. What is compared here is what
 * was meant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_KERNEL_VALUE_H
#define RW_SYSTEM_KERNEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#define KERNEL_VALUE_MAX 4096 /* a page: more no file of one value has */

/* What stands there, without the end of its last line; a chosen word alone. 0 or -errno. */
int kernel_value_read(const char *path, char *buf, size_t size);

/* In one write, as the kernel wants it, with the end of a line: an empty value is one, too. */
int kernel_value_write(const char *path, const char *text);

/*
 * "always [madvise] never" and "none (voluntary) full" become their word, and the line of a
 * session's autogroup the number that it takes. In place.
 */
void kernel_value_choose(char *text);

/* Blanks at both ends go, all others become one space. In place. */
void kernel_value_tidy(char *text);

/* Word by word the same text, mask, list of numbers, or yes and no. */
bool kernel_value_same(const char *a, const char *b);

/* "/proc/sys/vm/swappiness" is "vm.swappiness"; what is no sysctl keeps its path. Returns buf. */
const char *kernel_path_name(const char *path, char *buf, size_t size);

#endif
