/*
 * watcher.h - a small process that does one thing when the one that started it is gone.
 *
 * It sleeps in one system call until then, in a session of its own and deaf to every signal that
 * can be refused, so that what ends its owner (Ctrl-C, a closed terminal, SIGKILL to the owner or
 * to its process group) does not end it. It keeps the descriptor it is given and no other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_WATCHER_H
#define RW_SYSTEM_WATCHER_H

#include <sys/types.h>

#include "base/err.h"

struct watcher {
	pid_t pid; /* 0: none */
};

/* wake(fd, context) is called in the watcher when this process is gone. */
int watcher_start(struct watcher *w, int fd, void (*wake)(int fd, const void *context),
		  const void *context, struct err *err);

/* Ends it without a wake. A zeroed one is fine. */
void watcher_end(struct watcher *w);

#endif
