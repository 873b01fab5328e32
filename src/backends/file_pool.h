/*
 * file_pool.h - threads that carry out file operations for FILES_THREAD: one for each device.
 *
 * A blocking read then holds up its device and nobody else. Several backends, each in a thread of
 * its own, share a pool: whoever opened them sets backend->pool, and op->device says which thread
 * (one that is not there: -ENODEV). Operations go there and come back without locks, in order. A
 * backend has so many in the pool at a time (files.h); what is more waits in the backend.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_FILE_POOL_H
#define RW_BACKENDS_FILE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct file_pool;

/* What is called in each of its threads; all may be NULL. */
struct file_pool_hooks {
	void *context;
	/*
	 * The thread of a device has started and done nothing yet: the place for affinity and
	 * scheduling. A failure ends file_pool_open() with this error.
	 */
	int (*thread_started)(void *context, unsigned device, struct err *err);
	/* Asked once, before the thread starts: it polls for work and never sleeps. */
	bool (*polls)(void *context, unsigned device);
};

struct file_pool_opts {
	unsigned count; /* devices, at least one */
	struct file_pool_hooks hooks;
};

/* Returns when all threads have started. */
int file_pool_open(struct file_pool **ret, const struct file_pool_opts *opts, struct err *err);
/* Every backend that used it has been closed. NULL is fine. */
void file_pool_close(struct file_pool *pool);
unsigned file_pool_count(const struct file_pool *pool);

/* files.c alone: place goes to the thread of a device. Any thread. */
struct file_place;
void file_pool_put(struct file_pool *pool, unsigned device, struct file_place *place);

#endif
