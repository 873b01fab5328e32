/*
 * files.c - see files.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/files.h"

#include <errno.h>
#include <unistd.h>

/* More is a short count: the kernel stops there, too (read(2)), and a result has 31 bits. */
#define CALL_BYTES 0x7ffff000

static size_t limited(size_t len)
{
	return len < CALL_BYTES ? len : CALL_BYTES;
}

int file_call(const struct io_op *op)
{
	ssize_t n;

	do {
		if (op->kind == IO_READ)
			n = pread(op->fd, op->rbuf, limited(op->len), (off_t)op->offset);
		else if (op->kind == IO_WRITE)
			n = pwrite(op->fd, op->buf, limited(op->len), (off_t)op->offset);
		else
			n = fdatasync(op->fd);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}
