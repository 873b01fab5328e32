/*
 * loop.c - the inner loop: submit, wait, complete. Sole caller of backend_ops.
 *
 * Read conn.c next: nearly every operation that comes back here is a connection's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/loop.h"

#include <errno.h>
#include <string.h>

#include "engine/carry.h"
#include "engine/conn.h"
#include "engine/conn_private.h"
#include "engine/datagram_private.h"
#include "engine/guard.h"
#include "engine/tls_private.h"

/*
 * Where sends leave with the wait, so many results are handled before they go: larger batches keep
 * the kernel idle and fall out of the cache (1.3 times slower at 1024 connections a batch).
 */
#define BATCH_MAX 64

/* At the end of a loop the backend is given so many milliseconds at most to close descriptors. */
#define CLOSE_TURNS 200

/* Free objects kept for reuse; what a burst needed beyond goes back to malloc. */
#define KEEP_CONNS   64
#define KEEP_CHUNKS  1024
#define KEEP_SENDERS 1024
#define KEEP_CARRIES 16

/* Holds what is kept above for a loop that is busy; used pages exist, no others. */
#define POOL_BYTES (2 * POOL_ALIGNMENT)

int loop_init(struct loop *loop, const struct backend_ops *ops, const void *opts,
	      const struct loop_limits *limits, struct err *err)
{
	struct pool *pool = &loop->pool;

	*loop = (struct loop){ .ops = ops, .limits = *limits };
	if (pool_open(pool, POOL_BYTES))
		return err_sys(err, -ENOMEM, "memory of messages");
	cache_init_in(&loop->conns, pool, sizeof(struct conn), KEEP_CONNS);
	cache_init_in(&loop->chunks, pool, sizeof(struct chunk), KEEP_CHUNKS);
	cache_init_in(&loop->senders, pool, sizeof(struct sender), KEEP_SENDERS);
	cache_init_in(&loop->carries, pool, sizeof(struct carry) + CARRY_BYTES, KEEP_CARRIES);
	datagram_init_loop(loop);
	return ops->open(&loop->backend, opts, err);
}

static bool all_gone(const struct loop *loop)
{
	for (const struct conn *c = loop->all; c; c = c->next) {
		if (!(c->flags & CONN_GONE))
			return false;
	}
	return true;
}

static void drop_conns(struct loop *loop)
{
	if (!loop->backend)
		return;
	datagram_end_all(loop);
	for (struct conn *c = loop->all; c; c = c->next)
		conn_end(c, CONN_LOCAL, 0);
	/* The first turn is for descriptors that no connection stands for: loop_close_fd(). */
	for (int turn = 0; turn < CLOSE_TURNS && (!turn || !all_gone(loop)); turn++)
		loop_turn(loop, turn ? MS : 0);
	loop->ops->close(loop->backend);
	loop->backend = NULL;
	while (loop->all) {
		struct conn *c = loop->all;

		loop->all = c->next;
		conn_drop(c);
	}
	datagram_drop_sockets(loop);
	loop->conn_count = 0;
}

void loop_finish(struct loop *loop)
{
	if (!loop->ops)
		return;
	drop_conns(loop);
	cache_finish(&loop->conns);
	cache_finish(&loop->chunks);
	cache_finish(&loop->senders);
	cache_finish(&loop->carries);
	tls_loop_finish(loop->tls);
	guard_finish(loop->guard);
	datagram_finish_loop(loop);
	pool_close(&loop->pool);
}

int loop_turn(struct loop *loop, int64_t timeout_ns)
{
	const struct backend_ops *ops = loop->ops;
	struct backend *backend = loop->backend;
	unsigned left = ops->sends_with_wait ? BATCH_MAX : UINT32_MAX;
	struct io_result r;
	int result;

	loop_flush(loop);
	result = ops->wait(backend, timeout_ns);
	if (result < 0)
		return result;
	while (left-- && ops->next(backend, &r))
		r.op->done(r.op, &r);
	loop_flush(loop);
	return 0;
}

static void on_fd_closed(struct io_op *op, const struct io_result *r)
{
	(void)r;
	free(op);
}

void loop_close_fd(struct loop *loop, int fd)
{
	struct io_op *op = calloc(1, sizeof(*op));

	if (!op)
		return; /* the descriptor leaks until the backend closes: better than closing it
			   unseen */
	op->kind = IO_CLOSE;
	op->fd = fd;
	op->done = on_fd_closed;
	loop_submit(loop, op);
}
