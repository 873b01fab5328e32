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

#endif
