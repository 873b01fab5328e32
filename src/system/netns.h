/*
 * netns.h - a private network namespace: its settings go away with the last process inside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_NETNS_H
#define RW_SYSTEM_NETNS_H

#include "base/err.h"

/*
 * Moves the calling process, which has one thread yet, and all it will start into a new network
 * namespace with nothing but a loopback device that is up. /sys shows that namespace's devices; the
 * control groups, debugfs and the like below it stay. -EPERM: needs CAP_SYS_ADMIN.
 */
int netns_enter(struct err *err);

/* One that is kept open for processes to enter; without any of them it ends with netns_close(). */
struct netns {
	int net, mounts; /* -1: none */
	int root;	 /* in these mounts, of who made it: not theirs in a chroot */
};
#define NETNS_NONE         \
	{                  \
		-1, -1, -1 \
	}

/*
 * Makes one without entering it: a child does, which calls inside(context) there and ends. What
 * inside returns is returned here, with its err. Memory it is to fill must be shared.
 */
int netns_open(struct netns *ret, int (*inside)(void *context, struct err *err), void *context,
	       struct err *err);
void netns_close(struct netns *ns);

/*
 * Moves the calling thread there (the others stay); it stays in its folder. To be called
 * between fork and exec, too. 0 or -errno.
 */
int netns_join(const struct netns *ns);

#endif
