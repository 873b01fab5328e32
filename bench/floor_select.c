/*
 * floor_select.c - select on raw bitmaps, which the kernel takes beyond FD_SETSIZE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <sys/select.h>
#include <unistd.h>

#include "bench/floor.h"

#define WORD_BITS (sizeof(unsigned long) * CHAR_BIT)
#define WORDS	  (FLOOR_FDS / WORD_BITS)

static struct floor_conn conns[FLOOR_FDS];
static unsigned long watched[WORDS], ready[WORDS];
static int highest;

static void watch(int fd)
{
	conns[fd].have = 0;
	watched[(size_t)fd / WORD_BITS] |= 1UL << ((size_t)fd % WORD_BITS);
	highest = fd > highest ? fd : highest;
}

static void handle(struct floor_server *s, int fd)
{
	if (fd == s->listen_fd) {
		fd = floor_accept(s);
		if (fd >= 0)
			watch(fd);
	} else if (!floor_serve(s, fd, &conns[fd])) {
		watched[(size_t)fd / WORD_BITS] &= ~(1UL << ((size_t)fd % WORD_BITS));
		close(fd);
	}
}

int floor_select(struct floor_server *s)
{
	watch(s->listen_fd);
	for (;;) {
		size_t words = (size_t)highest / WORD_BITS + 1;

		memcpy(ready, watched, words * sizeof(ready[0]));
		if (select(highest + 1, (fd_set *)ready, NULL, NULL, NULL) < 0)
			continue;
		for (size_t i = 0; i < words; i++)
			for (; ready[i]; ready[i] &= ready[i] - 1)
				handle(s, (int)(i * WORD_BITS) + __builtin_ctzl(ready[i]));
	}
}
