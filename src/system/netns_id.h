/*
 * netns_id.h - which network namespace this is, among all there were since the boot, and whether
 * another is still there.
 *
 * The number of its inode is not enough: a new namespace gets that of one that is gone. The
 * kernel's own number for it (SO_NETNS_COOKIE, Linux 5.14) never comes again. From Linux 6.18 on it
 * is part of the namespace's file handle, and a handle can be opened as long as there is anything
 * to enter: a process inside, a descriptor, a mount, wherever those are. Before 6.18 nobody can
 * tell for certain, for a namespace may be held by what cannot be seen from here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_NETNS_ID_H
#define RW_SYSTEM_NETNS_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct netns_id {
	uint64_t inode;
	uint64_t cookie; /* 0: not known */
};

/* Of the calling thread. */
struct netns_id netns_id_own(void);

/* Where a cookie is not known the inodes decide. */
bool netns_id_same(const struct netns_id *a, const struct netns_id *b);

enum netns_life {
	NETNS_LIVES,
	NETNS_GONE,    /* for certain: nobody can be in it or enter it any more */
	NETNS_UNKNOWN, /* err says why */
};
enum netns_life netns_id_life(const struct netns_id *id, struct err *err);

#endif
