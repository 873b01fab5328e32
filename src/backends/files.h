/*
 * files.h - file operations for the backends that cannot carry them out by themselves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_FILES_H
#define RW_BACKENDS_FILES_H

#include "backends/backend.h"

/* Makes the call for an IO_READ, IO_WRITE or IO_SYNC, which may block. A count, 0 or -errno. */
int file_call(const struct io_op *op);

#endif
