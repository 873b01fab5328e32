/*
 * hooks.h - what a role tells the outside while it runs, so that it needs no knowledge of it.
 *
 * The engine and its roles never hear of tunables or of printing: whoever starts them passes
 * functions. All may be NULL. They are called from the role's threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_HOOKS_H
#define RW_ENGINE_HOOKS_H

#include "base/err.h"

enum thread_role { THREAD_ACCEPTOR, THREAD_WORKER, THREAD_CLIENT, THREAD_STORAGE };
extern const char *const thread_role_names[];

struct hooks {
	void *context;
	/*
	 * This thread has started and allocated nothing yet: the place for affinity, scheduling,
	 * memory policy. A failure ends the start of the role with this error. Threads of storage
	 * are numbered behind the workers, so that pins given out in turn go to the workers first.
	 */
	int (*thread_started)(void *context, enum thread_role role, unsigned index,
			      struct err *err);
	/* A listening or connecting socket is open, nothing has happened on it yet. */
	int (*socket_opened)(void *context, int fd, struct err *err);
	/* One sentence for a person, without a newline; rate-limited by the caller. */
	void (*say)(void *context, const char *sentence);
};

#endif
