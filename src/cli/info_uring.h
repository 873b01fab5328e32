/*
 * info_uring.h - a line about this kernel's io_uring.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_INFO_URING_H
#define RW_CLI_INFO_URING_H

#include <stddef.h>

/* "63 operations, single-mmap, nodrop"; empty when no ring can be made. Returns buf. */
const char *io_uring_describe(char *buf, size_t size);

#endif
