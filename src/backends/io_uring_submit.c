/*
 * io_uring_submit.c - operations become submission entries, and descriptors know what is in flight.
 *
 * Entries leave with the next wait(). They leave earlier when the queue is full, or when the bytes
 * of waiting sends exceed PENDING_MAX: each of those sends holds memory of the engine, and what
 * falls out of the cache before the kernel reads it costs more than a system call.
 *
 * The order of entries is the order of calls, and the kernel issues them in that order. So a
 * cancellation finds its target even if both leave together. IO_CLOSE is cancellations and, right
 * behind, the close; the number may have a new use before the cancelled ones have come back, so
 * they leave their descriptor's list at once and count down at the IO_CLOSE instead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "backends/io_uring_private.h"

#define PENDING_MAX (256 << 10)
#define SEND_MAX    (1 << 30) /* an entry's length has 32 bits; the rest is a short count */
#define TRIES	    1000

/* In ioprio; younger than liburing 2.3. */
#define RECVSEND_BUNDLE (1U << 4)

int uring_flush(struct uring *b)
{
	int ret;

	b->pending_bytes = 0;
	if (!b->opts.sqpoll || IO_URING_READ_ONCE(*b->ring.sq.kflags) & IORING_SQ_NEED_WAKEUP)
		b->base.stats.syscalls++;
	ret = io_uring_submit(&b->ring);
	return uring_passing(ret) ? 0 : ret;
}

/* A free entry. Out of kernel memory for long: the backend is broken, and wait() will say so. */
static struct io_uring_sqe *get_entry(struct uring *b)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);
	int ret = 0;

	for (int i = 0; !sqe && i < TRIES && !b->broken; i++) {
		ret = uring_flush(b);
		if (b->opts.sqpoll && !io_uring_sq_space_left(&b->ring)) {
			b->base.stats.syscalls++;
			io_uring_sqring_wait(&b->ring);
		}
		sqe = io_uring_get_sqe(&b->ring);
	}
	if (sqe)
		return sqe;
	if (!b->broken)
		b->broken = ret ? ret : -EBUSY;
	return &b->nowhere;
}

static uint64_t user_data(const struct io_op *op)
{
	return (uintptr_t)op | (op->kind == IO_ACCEPT ? MARK_ACCEPT : MARK_NONE);
}

static void prepare_accept(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	int flags = SOCK_NONBLOCK | (b->opts.registered_files ? 0 : SOCK_CLOEXEC);

	if (b->opts.registered_files)
		io_uring_prep_accept_direct(sqe, fd, NULL, NULL, flags,
					    IORING_FILE_INDEX_ALLOC - 1);
	else
		io_uring_prep_accept(sqe, fd, NULL, NULL, flags);
	if (b->opts.multishot_accept)
		sqe->ioprio |= IORING_ACCEPT_MULTISHOT;
}

static void select_buffer(struct uring *b, struct io_uring_sqe *sqe, uint16_t group)
{
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = group;
	if (b->opts.poll_first)
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

static void prepare_recv(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	io_uring_prep_recv(sqe, fd, NULL, 0, 0);
	if (b->opts.multishot_recv)
		sqe->ioprio |= IORING_RECV_MULTISHOT;
	if (b->opts.recv_bundle)
		sqe->ioprio |= RECVSEND_BUNDLE;
	select_buffer(b, sqe, b->stream_group);
}

/* Always multishot: a single shot would need a place for the sender's address per operation. */
static void prepare_recvfrom(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	io_uring_prep_recvmsg_multishot(sqe, fd, &b->datagram, 0);
	select_buffer(b, sqe, URING_GROUP);
}

static void prepare_copied(struct uring *b, struct io_uring_sqe *sqe, const struct io_op *op,
			   int fd, const void *buf, size_t len, int flags)
{
	if (len > SEND_MAX)
		len = SEND_MAX;
	io_uring_prep_send(sqe, fd, buf, len, MSG_WAITALL | MSG_NOSIGNAL | flags);
	if (op->generation == URING_SENDS_BY_THREAD)
		sqe->flags |= IOSQE_ASYNC;
	b->pending_bytes += len;
}

static void prepare_send(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	size_t len = op->len > SEND_MAX ? SEND_MAX : op->len;

	if (op->flags & IO_ZERO_COPY) {
		uring_prepare_zero_copy(sqe, op, fd, len);
		b->pending_bytes += len;
	} else {
		prepare_copied(b, sqe, op, fd, op->buf, len, 0);
	}
}

static void prepare_sendmsg(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	if (op->generation == URING_SENDS_BY_THREAD) {
		const struct iovec *part = uring_first_part(op->msg);

		prepare_copied(b, sqe, op, fd, part->iov_base, part->iov_len,
			       op->msg->msg_flags & MSG_MORE);
		return;
	}
	io_uring_prep_sendmsg(sqe, fd, op->msg,
			      MSG_WAITALL | MSG_NOSIGNAL | (op->msg->msg_flags & MSG_MORE));
	for (size_t i = 0; i < op->msg->msg_iovlen; i++)
		b->pending_bytes += op->msg->msg_iov[i].iov_len;
}

static void prepare_datagram(struct uring *b, struct io_uring_sqe *sqe, const struct msghdr *msg,
			     int fd)
{
	io_uring_prep_sendmsg(sqe, fd, msg, MSG_NOSIGNAL);
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		b->pending_bytes += msg->msg_iov[i].iov_len;
}

static void prepare_connect(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	io_uring_prep_connect(sqe, fd, op->addr, op->addr_len);
}

static void prepare_close(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	if (op->fd & BACKEND_DIRECT)
		io_uring_prep_close_direct(sqe, (unsigned)fd);
	else
		io_uring_prep_close(sqe, fd);
}

static void (*const prepare[])(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op,
			       int fd) = {
	[IO_ACCEPT] = prepare_accept,
	[IO_RECV] = prepare_recv,
	[IO_RECVFROM] = prepare_recvfrom,
	[IO_SEND] = prepare_send,
	[IO_SENDMSG] = prepare_sendmsg,
	[IO_CONNECT] = prepare_connect,
	[IO_SENDFILE] = uring_prepare_send_file,
	[IO_READ] = uring_prepare_file,
	[IO_WRITE] = uring_prepare_file,
	[IO_SYNC] = uring_prepare_file,
	[IO_CLOSE] = prepare_close,
};

/* One entry each: they leave together, and each comes back by itself. */
static void queue_datagrams(struct uring *b, struct io_op *op)
{
	for (uint32_t i = 0; i < op->count; i++) {
		struct io_uring_sqe *sqe = get_entry(b);

		prepare_datagram(b, sqe, &op->datagrams[i].msg_hdr, op->fd & ~BACKEND_DIRECT);
		if (op->fd & BACKEND_DIRECT)
			sqe->flags |= IOSQE_FIXED_FILE;
		io_uring_sqe_set_data64(sqe, user_data(op) | (uint64_t)i << INDEX_SHIFT);
	}
	if (b->pending_bytes > PENDING_MAX)
		uring_flush(b);
}

void uring_queue(struct uring *b, struct io_op *op)
{
	struct io_uring_sqe *sqe;

	if (op->kind == IO_SENDMMSG) {
		queue_datagrams(b, op);
		return;
	}
	sqe = b->polled.open ? uring_polled_entry(b, op) : NULL;

	if (!sqe)
		sqe = get_entry(b);
	prepare[op->kind](b, sqe, op, op->fd & ~BACKEND_DIRECT);
	if (op->fd & BACKEND_DIRECT && sqe->opcode != IORING_OP_CLOSE &&
	    sqe->opcode != IORING_OP_READ)
		sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, user_data(op));
	if (b->pending_bytes > PENDING_MAX)
		uring_flush(b);
}

/* Its success is told by the target's completion; only a failure makes a completion of its own. */
static void queue_end(struct uring *b, uint64_t data)
{
	struct io_uring_sqe *sqe = get_entry(b);

	io_uring_prep_cancel64(sqe, data, 0);
	io_uring_sqe_set_data64(sqe, TAG_CANCEL);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void uring_queue_end(struct uring *b, const struct io_op *op)
{
	queue_end(b, user_data(op));
}

static void queue_cancel(struct uring *b, struct io_op *op)
{
	uint64_t entries = op->kind == IO_SENDMMSG ? op->count : 1;

	if (op->state != OP_IN_FLIGHT)
		return;
	op->state = OP_CANCELLED;
	for (uint64_t i = 0; i < entries; i++)
		queue_end(b, user_data(op) | i << INDEX_SHIFT);
}

void uring_queue_cancel_all(struct uring *b)
{
	struct io_uring_sqe *sqe = get_entry(b);

	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	io_uring_sqe_set_data64(sqe, TAG_CANCEL_ALL);
	b->in_flight++;
}

/* Fires once a write to the eventfd; nobody needs to read it. */
void uring_queue_wake(struct uring *b)
{
	struct io_uring_sqe *sqe = get_entry(b);

	io_uring_prep_poll_multishot(sqe, b->wake_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, TAG_WAKE);
}

void uring_queue_blocking(struct uring *b)
{
	struct io_uring_sqe *sqe = get_entry(b);

	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, TAG_CANCEL); /* nobody looks at its completion */
	sqe->flags |= IOSQE_ASYNC;
}

static struct io_op **slot_of(struct uring *b, int fd)
{
	struct uring_slots *slots = fd & BACKEND_DIRECT ? &b->direct : &b->plain;
	size_t index = (size_t)(fd & ~BACKEND_DIRECT);

	return index < slots->count ? &slots->first[index] : NULL;
}

static void launch(struct uring *b, struct io_op **slot, struct io_op *op)
{
	op->state = OP_IN_FLIGHT;
	op->link = *slot;
	*slot = op;
	b->in_flight++;
	if (op->kind == IO_SENDMMSG) {
		b->in_flight += op->count - 1;
		op->left = op->count;
	}
	uring_queue(b, op);
}

void uring_launch(struct uring *b, struct io_op *op)
{
	launch(b, slot_of(b, op->fd), op);
}

static void unlink_op(struct uring *b, struct io_op *op)
{
	struct io_op **link = slot_of(b, op->fd);

	while (*link != op)
		link = &(*link)->link;
	*link = op->link;
}

void uring_unlaunch(struct uring *b, struct io_op *op)
{
	unlink_op(b, op);
	b->in_flight--;
}

void uring_finish(struct uring *b, struct io_op *op, int res)
{
	op->state = OP_FINISHED;
	op->generation = (uint16_t)-res;
	op->link = NULL;
	b->finished_count++;
	*b->finished_last = op;
	b->finished_last = &op->link;
}

/* The starved operations on fd, or only one of them, come back cancelled. */
static void cancel_starved(struct uring *b, int fd, const struct io_op *only)
{
	struct io_op **link = &b->starved_first, *op;

	while ((op = *link)) {
		if (op->fd != fd || (only && op != only)) {
			link = &op->link;
			continue;
		}
		*link = op->link;
		uring_finish(b, op, -ECANCELED);
	}
	b->starved_last = link;
}

static void launch_close(struct uring *b, struct io_op *op)
{
	struct io_op **slot = slot_of(b, op->fd), *other = *slot, *next;

	b->in_flight++;
	if (b->opts.napi.time_ns && !(op->fd & BACKEND_DIRECT))
		napi_census_add(&b->census, op->fd);
	if (b->starved_first)
		cancel_starved(b, op->fd, NULL);
	uring_cancel_line(b, op->fd, NULL);
	*slot = NULL;
	op->generation = 0;
	uring_wake_senders(b, op->fd, other);
	for (; other; other = next) {
		next = other->link;
		queue_cancel(b, other);
		other->state = OP_CLOSING;
		other->link = op;
		op->generation++;
	}
	uring_queue(b, op);
}

/* What a thread has begun with the descriptor has to end before its number is another's. */
static void submit_close(struct uring *b, struct io_op *op)
{
	unsigned begun = files_cancel_all(&b->files, op->fd, op);

	op->state = OP_IN_FLIGHT;
	if (begun)
		op->generation = (uint16_t)begun;
	else
		launch_close(b, op);
}

static void finish_file(struct backend *base, struct io_op *op)
{
	uring_finish(uring_of(base), op, op->result < 0 ? op->result : 0);
}

static void let_close(struct backend *base, struct io_op *close)
{
	launch_close(uring_of(base), close);
}

const struct files_calls uring_files_calls = { .finish = finish_file,
					       .let_close = let_close,
					       .nudge = uring_nudge };

static void submit_timer(struct uring *b, struct io_op *op)
{
	op->state = OP_IN_FLIGHT;
	if (timers_add(&b->timers, op) < 0)
		uring_finish(b, op, -ENOMEM);
}

static void submit_file(struct uring *b, struct io_op *op)
{
	struct io_op **slot = op->fd < 0 ? NULL : slot_of(b, op->fd);

	op->state = OP_IN_FLIGHT;
	if (b->base.files != FILES_OWN)
		files_submit(&b->files, op);
	else if (!slot || uring_refuses(op))
		uring_finish(b, op, op->fd < 0 ? -EBADF : slot ? -EINVAL : -ERANGE);
	else
		launch(b, slot, op);
}

void uring_submit(struct backend *base, struct io_op *op)
{
	struct uring *b = uring_of(base);
	struct io_op **slot;

	if (op->kind >= IO_READ && op->kind <= IO_TIMER) {
		if (op->kind == IO_TIMER)
			submit_timer(b, op);
		else
			submit_file(b, op);
		return;
	}
	slot = op->fd < 0 ? NULL : slot_of(b, op->fd);
	if (!slot) {
		uring_finish(b, op, op->fd < 0 ? -EBADF : -ERANGE);
	} else if (op->kind == IO_CLOSE) {
		submit_close(b, op);
	} else if (op->kind == IO_SENDFILE) {
		uring_submit_send_file(b, op);
	} else {
		if (op->kind == IO_SEND && op->flags & IO_ZERO_COPY)
			uring_begin_zero_copy(b, op);
		else if (op->kind == IO_SEND || op->kind == IO_SENDMSG)
			op->generation = URING_SENDS_AT_ONCE;
		launch(b, slot, op);
	}
}

void uring_cancel(struct backend *base, struct io_op *op)
{
	struct uring *b = uring_of(base);

	if (op->kind == IO_TIMER && op->state == OP_IN_FLIGHT) {
		timers_remove(&b->timers, op);
		uring_finish(b, op, -ECANCELED);
	} else if (op->state == OP_STARVED && op->kind == IO_SENDFILE) {
		uring_cancel_line(b, op->fd, op);
	} else if (op->state == OP_STARVED) {
		cancel_starved(b, op->fd, op);
	} else if (io_is_file(op->kind) && base->files != FILES_OWN) {
		if (op->state == OP_IN_FLIGHT)
			files_cancel(&b->files, op);
	} else if (op->kind != IO_TIMER && op->kind != IO_CLOSE) {
		queue_cancel(b, op);
	}
}

void uring_starve(struct uring *b, struct io_op *op)
{
	uring_unlaunch(b, op);
	op->state = OP_STARVED;
	op->link = NULL;
	*b->starved_last = op;
	b->starved_last = &op->link;
}

void uring_feed(struct uring *b)
{
	struct io_op *op;

	for (uint32_t i = 0; i <= b->buffers.count / 2 && (op = b->starved_first); i++) {
		b->starved_first = op->link;
		uring_launch(b, op);
	}
	if (!b->starved_first)
		b->starved_last = &b->starved_first;
}

static void count_down(struct uring *b, struct io_op *close)
{
	if (!--close->generation && close->state == OP_CLOSED)
		uring_finish(b, close, (int)(intptr_t)close->link);
}

void uring_land(struct uring *b, struct io_op *op)
{
	b->in_flight--;
	if (op->state == OP_CLOSING)
		count_down(b, op->link);
	else
		unlink_op(b, op);
	op->state = OP_IDLE;
}

bool uring_land_close(struct uring *b, struct io_op *op, int res)
{
	b->in_flight--;
	if (!op->generation) {
		op->state = OP_IDLE;
		return true;
	}
	op->state = OP_CLOSED;
	op->link = (struct io_op *)(intptr_t)res;
	return false;
}
