/*
 * epoll_busy_poll.h - how long the kernel polls the device before an epoll_wait(2) sleeps.
 *
 * The C library's headers are older than these ioctls (Linux 6.9), so they are defined here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_EPOLL_BUSY_POLL_H
#define RW_BACKENDS_EPOLL_BUSY_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define EPOLL_BUSY_POLL_BUDGET "8" /* the kernel's own */

struct epoll_busy_poll {
	int64_t time_ns; /* whole microseconds; 0: not at all */
	int64_t budget;	 /* packets at a time; 0: the kernel's own */
	bool prefer;	 /* the device's interrupts are left off between polls */
};

int epoll_busy_poll_set(int epoll_fd, const struct epoll_busy_poll *p, struct err *err);
/* 0, or -errno: -ENOTTY before Linux 6.9. */
int epoll_busy_poll_get(int epoll_fd, struct epoll_busy_poll *ret);

#endif
