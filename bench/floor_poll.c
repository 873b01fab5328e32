/*
 * floor_poll.c - poll on a dense array; the last entry fills the place of one that ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <poll.h>
#include <unistd.h>

#include "bench/floor.h"

static struct floor_conn conns[FLOOR_FDS];
static struct pollfd watched[FLOOR_FDS];

int floor_poll(struct floor_server *s)
{
	int count = 1;

	watched[0] = (struct pollfd){ .fd = s->listen_fd, .events = POLLIN };
	for (;;) {
		int ready = poll(watched, (nfds_t)count, -1);

		for (int i = count - 1; i > 0 && ready > 0; i--) {
			int fd = watched[i].fd;

			if (!watched[i].revents)
				continue;
			ready--;
			if (floor_serve(s, fd, &conns[fd]))
				continue;
			close(fd);
			watched[i] = watched[--count];
		}
		if (watched[0].revents) {
			int fd = floor_accept(s);

			if (fd < 0)
				continue;
			conns[fd].have = 0;
			watched[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		}
	}
}
