/*
 * memory.h - which memory a thread works with, as ranges for who places, faults in and counts it.
 *
 * Made once when a thread is ready and once at its end, for hooks.h. Listed is what has pages of
 * its own: the stack with the thread's variables, the loop's messages, the backend's rings and
 * buffers, and what a role adds. What malloc gave besides (tables of descriptors, what a burst took
 * beyond the pool) shares its pages with others: it is placed by the thread's own policy, as this
 * thread touches it first, but nobody counts it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_MEMORY_H
#define RW_ENGINE_MEMORY_H

#include <stddef.h>

#include "base/kinds.h"
#include "engine/hooks.h"

struct loop;

#define MEMORY_RANGES 16

struct memory {
	unsigned count;
	struct memory_range ranges[MEMORY_RANGES];
};

/* Whole pages: those that hold any of it. Nothing, if base is NULL or it is full. */
void memory_add(struct memory *m, const char *what, const void *base, size_t len);
/* The calling thread's. */
void memory_add_stack(struct memory *m);
/* Messages, and what the backend lists. */
void memory_add_loop(struct memory *m, const struct loop *loop);

/* Of these ranges; they are lent. */
struct thread_parts memory_parts(const struct memory *m, struct backend *backend);

#endif
