/*
 * files.h - file operations for the backends that do not carry them out by themselves.
 *
 * FILES_INLINE is a call. FILES_THREAD hands the operation to the thread of its device
 * (file_pool.h) and gets it back:
 *
 *	submit ─► place ─► the device's stack ─► thread ─► done ─► collect ─► finish()
 *	   └────► waiting (no place is free) ───────────────────────┘ passed on by collect
 *
 * Both stacks are of places and without locks: many push, one takes all and turns them round. A
 * backend has FILES_DEPTH places, so that is how long its part of all queues is, and none can bury
 * the others' operations. An operation that its thread has not begun is taken back by one exchange,
 * wherever the place is; the place comes back empty later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_FILES_H
#define RW_BACKENDS_FILES_H

#include <stdatomic.h>

#include "backends/backend.h"
#include "backends/op_queue.h"

#define FILES_DEPTH 128

struct files;

struct file_place {
	struct file_place *link; /* in a stack, or the next that is free */
	struct files *from;
	_Atomic(struct io_op *) op; /* not begun; it is of who exchanges it for NULL */
	struct io_op *begun;	    /* what the thread has exchanged, and done when it is back */
	struct io_op *close;	    /* an IO_CLOSE that waits for it */
	int fd;			    /* the operation's; -1: none */
};

/* Zero is an empty one. */
struct file_stack {
	_Atomic(struct file_place *) top;
};

/* True: it was empty, and who takes has to be told. Any thread. */
static inline bool file_stack_push(struct file_stack *s, struct file_place *p)
{
	struct file_place *top = atomic_load_explicit(&s->top, memory_order_relaxed);

	do
		p->link = top;
	while (!atomic_compare_exchange_weak_explicit(&s->top, &top, p, memory_order_release,
						      memory_order_relaxed));
	return !top;
}

/* All of them, linked in the order of their pushes. */
static inline struct file_place *file_stack_take(struct file_stack *s)
{
	struct file_place *p = atomic_exchange_explicit(&s->top, NULL, memory_order_acquire);
	struct file_place *first = NULL;

	while (p) {
		struct file_place *next = p->link;

		p->link = first;
		first = p;
		p = next;
	}
	return first;
}

static inline bool file_stack_has(const struct file_stack *s)
{
	return atomic_load_explicit(&s->top, memory_order_relaxed);
}

/* What a backend does for its struct files; in the backend's thread, except nudge(). */
struct files_calls {
	/* op is done: op->result is its result. */
	void (*finish)(struct backend *b, struct io_op *op);
	/* The last operation that an IO_CLOSE waited for has been finished. */
	void (*let_close)(struct backend *b, struct io_op *close);
	/* Any thread: makes wait() collect, which is not to return for that alone. */
	void (*nudge)(struct backend *b);
};

struct files {
	struct backend *backend;
	const struct files_calls *calls;
	struct op_queue waiting;
	struct file_place *free;
	uint32_t away; /* places that are not free */
	struct file_place places[FILES_DEPTH];

	/* All that other threads write. */
	struct file_stack done;
	atomic_uint returning; /* threads that may still touch this */
};

/* Makes the call for an IO_READ, IO_WRITE or IO_SYNC, which may block. A count, 0 or -errno. */
int file_call(const struct io_op *op);

void files_init(struct files *f, struct backend *b, const struct files_calls *calls);
/*
 * Takes back what was not begun and waits until no thread has anything of f, which takes as long as
 * the calls they are in. Tells nobody and looks at no operation.
 */
void files_finish(struct files *f);

/* For FILES_INLINE and FILES_THREAD. */
void files_submit(struct files *f, struct io_op *op);
/* op is in flight. */
void files_cancel(struct files *f, struct io_op *op);
/* Takes back what is in flight on fd. So many have begun; if any, let_close() follows the last. */
unsigned files_cancel_all(struct files *f, int fd, struct io_op *close);

void files_collect_done(struct files *f);

/* Finishes what the threads are done with. For wait(), which calls it often. */
static inline void files_collect(struct files *f)
{
	if (f->away && file_stack_has(&f->done))
		files_collect_done(f);
}

/* The thread of a device: carries out what is in the place and gives it back. */
void file_place_serve(struct file_place *p);

#endif
