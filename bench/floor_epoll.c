/*
 * floor_epoll.c - level-triggered epoll: wait, read once, send once, and no epoll_ctl per request.
 *
 * A short read has drained the socket; what has not been drained is told again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/floor.h"

#define EVENTS 256

static struct floor_conn conns[FLOOR_FDS];

static void watch(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		close(fd);
}

static void welcome(struct floor_server *s, int epoll_fd)
{
	int fd = floor_accept(s);

	if (fd < 0)
		return;
	conns[fd].have = 0;
	watch(epoll_fd, fd);
}

int floor_epoll(struct floor_server *s)
{
	struct epoll_event events[EVENTS];
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_fd < 0)
		return -errno;
	watch(epoll_fd, s->listen_fd);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == s->listen_fd)
				welcome(s, epoll_fd);
			else if (!floor_serve(s, fd, &conns[fd]))
				close(fd);
		}
	}
}
