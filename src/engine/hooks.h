/*
 * hooks.h - what a role tells the outside while it runs, so that it needs no knowledge of it.
 *
 * The engine and its roles never hear of tunables or of printing: whoever starts them passes
 * functions. All may be NULL. They are called from the role's threads, those with a thread_role
 * from that thread itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_HOOKS_H
#define RW_ENGINE_HOOKS_H

#include "backends/backend.h"
#include "base/err.h"
#include "base/kinds.h"
#include "base/verdict.h"

/* What a thread works with once it is ready. All of it is the thread's. */
struct thread_parts {
	struct backend *backend; /* NULL: none */
	const struct memory_range *ranges;
	unsigned range_count;
};

struct hooks {
	void *context;
	/*
	 * This thread has started and allocated nothing yet: the place for memory policy and
	 * affinity. A failure ends the start of the role with this error. Threads of storage
	 * are numbered behind the workers, so that pins given out in turn go to the workers first.
	 */
	int (*thread_started)(void *context, enum thread_role role, unsigned index,
			      struct err *err);
	/*
	 * It has its ring, its buffers, the threads it needs, and has served nothing yet: the place
	 * for its scheduling policy and for the kernel's threads behind its ring. Called after
	 * thread_started() of the same thread; a failure ends the start.
	 */
	int (*thread_ready)(void *context, enum thread_role role, unsigned index,
			    const struct thread_parts *parts, struct err *err);
	/* It will do nothing more, and everything is still there: the place to look once again. */
	void (*thread_ending)(void *context, enum thread_role role, unsigned index,
			      const struct thread_parts *parts);
	/*
	 * A socket is open. SOCKET_CONNECTED and SOCKET_ACCEPTED come only if wants_connections:
	 * such a call stands in the path of every connection, and its failure ends this one alone.
	 */
	int (*socket_opened)(void *context, enum socket_kind kind, int fd, struct err *err);
	bool wants_connections;
	/*
	 * What stream sockets are made with, each of the role's own (address.h); 0: the usual. One
	 * that could not be made so is TCP, and socket_opened() says why.
	 */
	int stream_protocol;
	/*
	 * These sockets share a port, one a worker in their order; all of them listen and nobody
	 * accepts yet. A failure ends the start.
	 */
	int (*port_opened)(void *context, const int *fds, unsigned count, struct err *err);
	/*
	 * What the role itself has told the kernel (a backlog), beside what the kernel made of it.
	 * A failure ends the start. Before the role serves.
	 */
	int (*told_kernel)(void *context, const char *subject, const struct verdict_report *report,
			   struct err *err);
	/* One sentence for a person, without a newline; rate-limited by the caller. */
	void (*say)(void *context, const char *sentence);
};

/* thread_started and thread_ready of a thread that has a stack only. A NULL hook does nothing. */
int hooks_start_thread(const struct hooks *h, enum thread_role role, unsigned index,
		       struct err *err);

#endif
