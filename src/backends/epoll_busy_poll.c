/*
 * epoll_busy_poll.c - see epoll_busy_poll.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/epoll_busy_poll.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "base/clock.h"

#define EPOLL_IOC_TYPE 0x8A
#define BUDGET_FREE    64 /* NAPI_POLL_WEIGHT: what anybody may ask for */

/* As the kernel has it; ioctl(2) numbers contain its size. */
struct params {
	uint32_t busy_poll_us;
	uint16_t budget;
	uint8_t prefer;
	uint8_t pad; /* must be 0 */
};
#define SET_PARAMS _IOW(EPOLL_IOC_TYPE, 1, struct params)
#define GET_PARAMS _IOR(EPOLL_IOC_TYPE, 2, struct params)

static int refuse(int code, const struct epoll_busy_poll *p, struct err *err)
{
	if (code == -ENOTTY)
		return err_set(err, -EOPNOTSUPP,
			       "epoll.busy-poll: this kernel's epoll instances have no busy-poll "
			       "parameters: Linux 6.9 or later is needed");
	if (code == -EPERM)
		return err_set(err, code,
			       "epoll.busy-poll-budget=%d: more than %d needs CAP_NET_ADMIN",
			       (int)p->budget, BUDGET_FREE);
	return err_sys(err, code, "epoll.busy-poll");
}

int epoll_busy_poll_set(int epoll_fd, const struct epoll_busy_poll *p, struct err *err)
{
	const struct params params = { .busy_poll_us = (uint32_t)(p->time_ns / US),
				       .budget = (uint16_t)p->budget,
				       .prefer = p->prefer };

	return ioctl(epoll_fd, SET_PARAMS, &params) ? refuse(-errno, p, err) : 0;
}

int epoll_busy_poll_get(int epoll_fd, struct epoll_busy_poll *ret)
{
	struct params params = { 0 };

	if (ioctl(epoll_fd, GET_PARAMS, &params))
		return -errno;
	*ret = (struct epoll_busy_poll){ (int64_t)params.busy_poll_us * US, params.budget,
					 params.prefer };
	return 0;
}
