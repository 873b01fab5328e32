/*
 * readiness_serve.c - the calls that move bytes, made for descriptors that are ready.
 *
 * readiness_take() is what next() comes down to: finished operations first, then the first
 * descriptor of the batch, which is served until it has nothing more to give in this batch and
 * then leaves the queue with its watching put right.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/readiness_private.h"

/* Connections or datagrams from one descriptor before the others have their turn. */
#define SERVE_MAX 16

static size_t message_len(const struct msghdr *msg)
{
	size_t len = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	return len;
}

/* sendfile(2) has no MSG_NOSIGNAL; in the thread of the backend nobody wants the signal. */
static void block_sigpipe(struct readiness *r)
{
	sigset_t set, was;

	r->quiet = true;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, &was);
	r->was_quiet = sigismember(&was, SIGPIPE);
}

static ssize_t call_sendfile(struct readiness *r, const struct io_op *op)
{
	off_t offset = (off_t)op->offset;

	if (!r->quiet)
		block_sigpipe(r);
	return sendfile(op->fd, op->file_fd, &offset, op->len);
}

static ssize_t call_out(struct readiness *r, const struct io_op *op)
{
	int n;

	switch (op->kind) {
	case IO_SEND:
		return send(op->fd, op->buf, op->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	case IO_SENDMSG:
		return sendmsg(op->fd, op->msg,
			       MSG_NOSIGNAL | MSG_DONTWAIT | (op->msg->msg_flags & MSG_MORE));
	case IO_SENDMMSG:
		n = readiness_send_many(r, op);
		errno = n < 0 ? -n : 0;
		r->backend.stats.syscalls--; /* it has counted its own */
		return n;
	case IO_SENDFILE:
		return call_sendfile(r, op);
	default:
		return connect(op->fd, op->addr, op->addr_len);
	}
}

/* Less than this shows that the socket is full. A file may only have ended. */
static size_t asked(const struct io_op *op)
{
	if (op->kind == IO_SENDFILE)
		return 0;
	if (op->kind == IO_SENDMMSG)
		return op->count;
	return op->kind == IO_SEND ? op->len : message_len(op->msg);
}

/* Until then no send is tried again. */
static void expect_space(struct slot *s)
{
	s->flags |= SLOT_FULL;
	s->ready &= ~WATCH_OUT;
}

bool op_try_out(struct readiness *r, struct slot *s, struct io_op *op)
{
	ssize_t n;

	do {
		n = call_out(r, op);
		r->backend.stats.syscalls++;
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno == EINPROGRESS || (errno == EAGAIN && op->kind != IO_CONNECT)) {
			expect_space(s);
			return false;
		}
		if (errno == ECONNRESET)
			s->flags |= SLOT_RESET;
		op_finish(r, op, -errno);
		return true;
	}
	if (op->kind != IO_CONNECT) {
		s->sent = (int32_t)n;
		if ((size_t)n < asked(op))
			expect_space(s);
	}
	op_finish(r, op, 0);
	return true;
}

static void finish_connect(struct readiness *r, struct slot *s)
{
	struct io_op *op = s->out;
	socklen_t len = sizeof(int);
	int error = 0;

	r->backend.stats.syscalls++;
	if (getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	s->out = NULL;
	op_finish(r, op, -error);
}

static void serve_out(struct readiness *r, struct slot *s)
{
	struct io_op *op = s->out;

	if (op->kind == IO_CONNECT) {
		finish_connect(r, s);
	} else if (op_try_out(r, s, op)) {
		s->out = NULL;
	} else {
		r->backend.stats.retries++;
	}
}

static ssize_t call_in(struct readiness *r, const struct io_op *op)
{
	if (op->kind == IO_ACCEPT)
		return accept4(op->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return recv(op->fd, r->buffer, r->buffer_size, MSG_DONTWAIT);
}

/*
 * Whether there may be more to receive after n. A state is reported again; an edge is not, and
 * the end of the stream may have come with the same edge as its last bytes.
 */
static bool drained(const struct readiness *r, const struct slot *s, const struct io_op *op,
		    ssize_t n)
{
	if (op->kind != IO_RECV)
		return false;
	if (!r->edges)
		return true;
	return n > 0 && (size_t)n < r->buffer_size && !(s->ready & WATCH_END);
}

/* False: there was nothing, against all expectation. */
static bool serve_in(struct readiness *r, struct slot *s, struct io_result *ret)
{
	struct io_op *op = s->in;
	bool lent = op->kind != IO_ACCEPT, more;
	ssize_t n;

	do {
		n = call_in(r, op);
		r->backend.stats.syscalls++;
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		r->backend.stats.retries++;
		s->ready &= ~WATCH_IN;
		return false;
	}
	more = n > 0 || (n == 0 && op->kind == IO_ACCEPT);
	if (drained(r, s, op, n) || (!more && !r->edges))
		s->ready &= ~WATCH_IN;
	if (n < 0)
		n = -errno;
	else if (n == 0 && !more && s->flags & SLOT_RESET)
		n = -ECONNRESET;
	if (!more) {
		s->in = NULL;
		op->state = OP_AWAY;
	}
	*ret = (struct io_result){ .op = op, .res = (int32_t)n, .more = more };
	if (lent && n > 0)
		ret->data = r->buffer;
	return true;
}

/* False as above. */
static bool serve_datagrams(struct readiness *r, struct slot *s, struct io_result *ret)
{
	struct io_op *op = s->in;
	bool is_drained;
	int n = readiness_receive(r, op, &is_drained, ret);

	if (n == -EAGAIN) {
		r->backend.stats.retries++;
		s->ready &= ~WATCH_IN;
		return false;
	}
	if (is_drained || (n < 0 && !r->edges))
		s->ready &= ~WATCH_IN;
	if (n < 0) {
		s->in = NULL;
		op->state = OP_AWAY;
		*ret = (struct io_result){ .op = op, .res = n };
	} else {
		r->served += (uint32_t)n - 1;
	}
	return true;
}

/* The operations that wait end with an error: the descriptor cannot be watched any more. */
static void give_up(struct readiness *r, struct slot *s, int error)
{
	if (s->in) {
		op_finish(r, s->in, error);
		s->in = NULL;
	}
	if (s->out) {
		op_finish(r, s->out, error);
		s->out = NULL;
	}
}

/* States: what was reported and nobody wants is watched no longer; what waits is watched. */
static void watch_right(struct readiness *r, int fd, struct slot *s)
{
	unsigned wanted = (s->in ? WATCH_IN : 0) | (s->out ? WATCH_OUT : 0);
	unsigned unwanted = s->ready & ~wanted;
	unsigned watch = (s->watched & ~unwanted) | wanted;
	int rc;

	s->ready = 0;
	if (watch == s->watched)
		return;
	rc = r->io->watch(r, fd, s, watch);
	s->watched = rc < 0 ? 0 : watch;
	if (rc < 0)
		give_up(r, s, rc);
}

/* The first of the batch has had its turn. */
static void leave_batch(struct readiness *r, int fd, struct slot *s)
{
	unsigned wanted = (s->in ? WATCH_IN : 0) | (s->out ? WATCH_OUT : 0);

	slot_queue_remove_first(r, &r->batch);
	r->served = 0;
	if (!r->edges)
		watch_right(r, fd, s);
	else if (s->ready & wanted)
		slot_queue_add(r, &r->later, fd);
}

static bool serve_first(struct readiness *r, struct io_result *ret)
{
	int fd = r->batch.first;
	struct slot *s = &r->slots[fd];
	bool found = false;

	if (s->ready & WATCH_IN && s->in && r->served < (s->in->kind == IO_RECV ? 1 : SERVE_MAX)) {
		r->served++;
		found = s->in->kind == IO_RECVFROM ? serve_datagrams(r, s, ret)
						   : serve_in(r, s, ret);
	}
	if (found && s->ready & (WATCH_IN | WATCH_OUT))
		return true;
	if (s->ready & WATCH_OUT && s->out)
		serve_out(r, s);
	leave_batch(r, fd, s);
	return found;
}

int slot_close(struct readiness *r, int fd)
{
	struct slot *s = fd >= 0 && fd < r->slot_count ? &r->slots[fd] : NULL;

	if (s) {
		if (s->watched || s->own)
			r->io->watch(r, fd, s, 0);
		*s = (struct slot){ .next = s->next, .flags = s->flags & SLOT_QUEUED };
	}
	r->backend.stats.syscalls++;
	/* After EINTR the descriptor is closed on Linux, too: close(2). */
	return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

static void take_done(struct readiness *r, struct io_result *ret)
{
	struct io_op *op = op_queue_take(&r->done);
	int32_t res = -op->generation;

	op->state = OP_AWAY;
	if (op->kind == IO_CLOSE)
		res = slot_close(r, op->fd);
	else if (res == 0 && io_is_file(op->kind))
		res = op->result;
	else if (res == 0 && op->kind >= IO_SEND && op->kind <= IO_SENDFILE)
		res = r->slots[op->fd].sent;
	*ret = (struct io_result){ .op = op, .res = res };
}

bool readiness_take(struct readiness *r, struct io_result *ret)
{
	for (;;) {
		if (r->done.first) {
			take_done(r, ret);
			return true;
		}
		if (readiness_unpack(r, ret))
			return true;
		if (r->batch.first < 0)
			return false;
		if (serve_first(r, ret))
			return true;
	}
}
