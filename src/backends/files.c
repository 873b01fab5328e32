/*
 * files.c - see files.h.
 *
 * An operation in flight is in a place, of which its `generation` is the number, or in `waiting`
 * (NOWHERE).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/files.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "backends/file_pool.h"

/* More is a short count: the kernel stops there, too (read(2)), and a result has 31 bits. */
#define CALL_BYTES 0x7ffff000
#define NOWHERE	   UINT16_MAX

static size_t limited(size_t len)
{
	return len < CALL_BYTES ? len : CALL_BYTES;
}

int file_call(const struct io_op *op)
{
	ssize_t n;

	do {
		if (op->kind == IO_READ)
			n = pread(op->fd, op->rbuf, limited(op->len), (off_t)op->offset);
		else if (op->kind == IO_WRITE)
			n = pwrite(op->fd, op->buf, limited(op->len), (off_t)op->offset);
		else
			n = fdatasync(op->fd);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

static void free_place(struct files *f, struct file_place *p)
{
	p->fd = -1;
	p->link = f->free;
	f->free = p;
	f->away--;
}

void files_init(struct files *f, struct backend *b, const struct files_calls *calls)
{
	f->backend = b;
	f->calls = calls;
	f->away = FILES_DEPTH;
	for (unsigned i = FILES_DEPTH; i--;) {
		f->places[i].from = f;
		free_place(f, &f->places[i]);
	}
}

static void finish(struct files *f, struct io_op *op, int result)
{
	op->result = result;
	f->calls->finish(f->backend, op);
}

/* A place is free. */
static void pass_on(struct files *f, struct io_op *op)
{
	struct file_place *p = f->free;

	f->free = p->link;
	f->away++;
	op->generation = (uint16_t)(p - f->places);
	atomic_store_explicit(&p->op, op, memory_order_relaxed);
	p->begun = p->close = NULL;
	p->fd = op->fd;
	file_pool_put(f->backend->pool, op->device, p);
}

void files_submit(struct files *f, struct io_op *op)
{
	struct backend *b = f->backend;

	if (b->files != FILES_THREAD) {
		b->stats.syscalls++;
		finish(f, op, file_call(op));
	} else if (op->device >= file_pool_count(b->pool)) {
		finish(f, op, -ENODEV);
	} else if (f->free) {
		pass_on(f, op);
	} else {
		op->generation = NOWHERE;
		op_queue_add(&f->waiting, op);
	}
}

/* The place comes back when its turn comes: it is not free yet. */
static bool take_back(struct files *f, struct file_place *p)
{
	struct io_op *op = atomic_exchange_explicit(&p->op, NULL, memory_order_acq_rel);

	if (op) {
		p->fd = -1;
		finish(f, op, -ECANCELED);
	}
	return op;
}

/* The waiting operations on fd, or only one of them, come back cancelled. */
static void cancel_waiting(struct files *f, int fd, const struct io_op *only)
{
	struct io_op *op;

	while ((op = op_queue_take_on(&f->waiting, fd, only)))
		finish(f, op, -ECANCELED);
}

void files_cancel(struct files *f, struct io_op *op)
{
	if (op->generation == NOWHERE)
		cancel_waiting(f, op->fd, op);
	else
		take_back(f, &f->places[op->generation]);
}

unsigned files_cancel_all(struct files *f, int fd, struct io_op *close)
{
	unsigned begun = 0;

	if (!f->away || fd < 0)
		return 0;
	cancel_waiting(f, fd, NULL);
	for (struct file_place *p = f->places; p < f->places + FILES_DEPTH; p++) {
		if (p->fd != fd || take_back(f, p))
			continue;
		p->close = close;
		begun++;
	}
	return begun;
}

static void land(struct files *f, struct file_place *p)
{
	struct io_op *op = p->begun, *close = p->close;

	free_place(f, p);
	if (op)
		f->calls->finish(f->backend, op);
	if (close && !--close->generation)
		f->calls->let_close(f->backend, close);
}

void files_collect_done(struct files *f)
{
	struct file_place *p = file_stack_take(&f->done), *next;

	for (; p; p = next) {
		next = p->link;
		land(f, p);
	}
	while (f->free && f->waiting.first)
		pass_on(f, op_queue_take(&f->waiting));
}

void file_place_serve(struct file_place *p)
{
	struct files *f = p->from;
	struct io_op *op = atomic_exchange_explicit(&p->op, NULL, memory_order_acq_rel);

	if (op)
		op->result = file_call(op);
	p->begun = op;
	/* The backend is still touched when the place has gone back: files_finish() waits. */
	atomic_fetch_add(&f->returning, 1);
	/* Who finds it empty nudges for all who come until it is collected. */
	if (file_stack_push(&f->done, p))
		f->calls->nudge(f->backend);
	atomic_fetch_sub(&f->returning, 1);
}

void files_finish(struct files *f)
{
	unsigned left = f->away;

	for (struct file_place *p = f->places; left && p < f->places + FILES_DEPTH; p++)
		atomic_store(&p->op, NULL);
	while (left) {
		for (struct file_place *p = file_stack_take(&f->done); p; p = p->link)
			left--;
		if (left)
			sched_yield();
	}
	while (atomic_load(&f->returning))
		sched_yield();
}
