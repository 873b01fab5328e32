/*
 * io_uring_send.c - the sends that are more than one request: files, without a copy, and to peers
 * that have closed their half.
 *
 * IO_SENDFILE: a read into a buffer of the backend's, then a send that does not wait; when the
 * socket is full, the buffer goes back and a poll waits until it is not. So a buffer is held while
 * the file is read and never for as long as a peer likes: a few are enough for any number of peers,
 * and who finds none waits in a line. splice(2) through a pipe would copy nothing, but the kernel
 * hands each splice to a worker thread: for 4 KiB to 1 MiB in the page cache it took 1.8 to 4
 * times the CPU time and up to 5 times as long as this, which itself takes 0.9 to 1.4 times the CPU
 * time of sendfile(2) (Linux 6.18, loopback). Registered buffers gained nothing. To a peer that has
 * closed its half the poll is one that stays: another kind would be ready at once, over and over.
 *
 * IO_SEND with IO_ZERO_COPY: the kernel completes such a send twice, when the bytes are queued and
 * when the memory is free again; the second is the result. Before Linux 6.2 it does not tell
 * whether it had to copy; before 6.0, and on sockets other than TCP and UDP, there is none, and a
 * plain send takes its place. Each is found out by asking and remembered.
 *
 * IO_SEND and IO_SENDMSG to a full socket whose peer has closed its half: the kernel waits by a
 * poll, which looks at POLLRDHUP as well and is always ready there; after 128 vain tries it hands
 * the send to a thread (io-wq). There a gathered send to a non-blocking socket does not wait but
 * fails with EAGAIN, as sendmsg(2) would (Linux 6.18). Then its first part is given to such a
 * thread as a send, which waits whatever the socket is.
 *
 * io_op.generation tells where an operation is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>

#include "backends/io_uring_private.h"

/* Of a send without a copy: what the kernel is asked for, from the best down. */
enum { ZERO_COPY_REPORTED, ZERO_COPY_SILENT, ZERO_COPY_NONE };

/* Of a file sent: the buffer's number, or else. A poll STAYS until it ENDS. */
enum {
	SENDING = 1 << 15,
	POLLING = 1 << 14,
	POLL_STAYS = 1 << 13,
	POLL_ENDS = 1 << 12,
	BUFFER_MASK = POLL_ENDS - 1
};

/* Younger than the header of liburing 2.3. */
#define SEND_ZC_REPORT_USAGE (1U << 3)
#define NOTIF_USAGE_COPIED   (1U << 31)

int uring_send_open(struct uring_sender *s, struct err *err)
{
	void *memory = mmap(NULL, URING_SEND_BUFFERS * URING_SEND_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return err_sys(err, -errno, "%d buffers to send files from", URING_SEND_BUFFERS);
	s->memory = memory;
	for (s->free_count = 0; s->free_count < URING_SEND_BUFFERS; s->free_count++)
		s->free[s->free_count] = (uint8_t)(URING_SEND_BUFFERS - 1 - s->free_count);
	return 0;
}

void uring_send_close(struct uring_sender *s)
{
	if (s->memory)
		munmap(s->memory, URING_SEND_BUFFERS * URING_SEND_BYTES);
}

static unsigned buffer_of(const struct io_op *op)
{
	return op->generation & BUFFER_MASK;
}

static uint8_t *bytes_of(struct uring *b, const struct io_op *op)
{
	return b->sender.memory + (size_t)buffer_of(op) * URING_SEND_BYTES;
}

/* The one that came back last is warm. False: there is none. */
static bool take_buffer(struct uring *b, struct io_op *op)
{
	if (!b->sender.free_count)
		return false;
	op->generation = b->sender.free[--b->sender.free_count];
	return true;
}

static void give_buffer(struct uring *b, struct io_op *op)
{
	b->sender.free[b->sender.free_count++] = (uint8_t)buffer_of(op);
	op->generation = POLLING;
	if (b->sender.line.first) {
		struct io_op *next = op_queue_take(&b->sender.line);

		take_buffer(b, next);
		uring_launch(b, next);
	}
}

static void line_up(struct uring *b, struct io_op *op)
{
	op->state = OP_STARVED;
	op_queue_add(&b->sender.line, op);
}

void uring_submit_send_file(struct uring *b, struct io_op *op)
{
	if (take_buffer(b, op))
		uring_launch(b, op);
	else
		line_up(b, op);
}

void uring_cancel_line(struct uring *b, int fd, const struct io_op *only)
{
	struct io_op *op;

	while ((op = op_queue_take_on(&b->sender.line, fd, only)))
		uring_finish(b, op, -ECANCELED);
}

void uring_prepare_send_file(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd)
{
	size_t len = op->len < URING_SEND_BYTES ? op->len : URING_SEND_BYTES;

	if (op->generation & POLL_STAYS)
		io_uring_prep_poll_multishot(sqe, fd, POLLOUT);
	else if (op->generation & POLLING)
		io_uring_prep_poll_add(sqe, fd, POLLOUT);
	else if (op->generation & SENDING)
		io_uring_prep_send(sqe, fd, bytes_of(b, op), b->sender.lens[buffer_of(op)],
				   MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		io_uring_prep_read(sqe, op->file_fd, bytes_of(b, op), (unsigned)len, op->offset);
}

/* The socket is writable: reads again, for what was read is gone. */
static void read_again(struct uring *b, struct io_op *op)
{
	if (take_buffer(b, op)) {
		uring_queue(b, op);
	} else {
		uring_unlaunch(b, op);
		line_up(b, op);
	}
}

/* Whether there is a next step, which is begun then. *res: what came of this one. */
static bool step(struct uring *b, struct io_op *op, int *res)
{
	bool cancelled = op->state != OP_IN_FLIGHT;
	bool was_read = !(op->generation & (SENDING | POLLING));
	bool was_poll = op->generation & POLLING;
	bool goes_on = was_read ? *res > 0 : was_poll ? *res >= 0 : *res == -EAGAIN;

	if (goes_on && !cancelled && was_read) {
		b->sender.lens[buffer_of(op)] = (uint32_t)*res;
		op->generation |= SENDING;
		uring_queue(b, op);
		return true;
	}
	if (!was_poll)
		give_buffer(b, op);
	if (goes_on && cancelled)
		*res = -ECANCELED;
	else if (goes_on && was_poll)
		read_again(b, op);
	else if (goes_on)
		uring_queue(b, op);
	return goes_on && !cancelled;
}

/*
 * Whether the poll is not over, or another has begun. When the peer has closed its half a poll is
 * told of that (POLLRDHUP) at once, whatever it asks for. One that stays is told of it only once,
 * and then of what it asks for.
 */
static bool polls_on(struct uring *b, struct io_op *op, struct io_result *r)
{
	bool is_ready = r->res < 0 || r->res & (POLLOUT | POLLERR | POLLHUP);
	bool ends = op->generation & POLL_ENDS;

	if (r->more && is_ready && !ends) {
		op->generation |= POLL_ENDS;
		uring_queue_end(b, op);
	}
	if (r->more)
		return true;
	if (ends && op->state == OP_IN_FLIGHT)
		r->res = 0;
	if (ends || is_ready || op->state != OP_IN_FLIGHT)
		return false;
	op->generation = POLLING | POLL_STAYS;
	uring_queue(b, op);
	return true;
}

bool uring_take_send_file(struct uring *b, struct io_op *op, struct io_result *r)
{
	if (op->generation & POLLING && polls_on(b, op, r))
		return false;
	if (step(b, op, &r->res))
		return false;
	uring_land(b, op);
	return true;
}

void uring_begin_zero_copy(struct uring *b, struct io_op *op)
{
	op->generation = b->sender.zero_copy;
	b->base.stats.zero_copy++;
	b->base.stats.copied += op->generation == ZERO_COPY_NONE;
}

void uring_prepare_zero_copy(struct io_uring_sqe *sqe, struct io_op *op, int fd, size_t len)
{
	if (op->generation == ZERO_COPY_NONE)
		io_uring_prep_send(sqe, fd, op->buf, len, MSG_WAITALL | MSG_NOSIGNAL);
	else
		io_uring_prep_send_zc(sqe, fd, op->buf, len, MSG_WAITALL | MSG_NOSIGNAL,
				      op->generation == ZERO_COPY_REPORTED ? SEND_ZC_REPORT_USAGE
									   : 0);
}

/* If the kernel refused, asks for less. What it does not know at all it is not asked again. */
static bool ask_for_less(struct uring *b, struct io_op *op, int *ret_res)
{
	int res = *ret_res;

	if (op->generation == ZERO_COPY_NONE ||
	    (res != -EINVAL && res != -EOPNOTSUPP && res != -ENOMEM))
		return false;
	if (op->state != OP_IN_FLIGHT) {
		*ret_res = -ECANCELED;
		return false;
	}
	op->generation = res == -EINVAL ? op->generation + 1 : ZERO_COPY_NONE;
	if (res == -EINVAL && op->generation > b->sender.zero_copy)
		b->sender.zero_copy = (uint8_t)op->generation;
	b->base.stats.copied += op->generation == ZERO_COPY_NONE;
	uring_queue(b, op);
	return true;
}

bool uring_take_zero_copy(struct uring *b, struct io_op *op, unsigned flags, struct io_result *r)
{
	bool copied = false;

	if (flags & IORING_CQE_F_MORE) {
		op->result = r->res;
		return false;
	}
	if (flags & IORING_CQE_F_NOTIF) {
		copied = op->generation == ZERO_COPY_REPORTED &&
			 (unsigned)r->res == NOTIF_USAGE_COPIED;
		r->res = op->result;
	}
	if (ask_for_less(b, op, &r->res))
		return false;
	b->base.stats.copied += copied;
	uring_land(b, op);
	return true;
}

const struct iovec *uring_first_part(const struct msghdr *msg)
{
	const struct iovec *part = msg->msg_iov;

	for (size_t i = 1; i < msg->msg_iovlen && !part->iov_len; i++)
		part++;
	return part;
}

/*
 * A cancel misses a send on its way from one vain try to the next, or to a thread: it then waits
 * until the peer reads. A close would wait with it, but for this: an end of our half wakes one that
 * we have given to a thread, wherever it is, and what the socket has taken still leaves. (Of others
 * it is not known whether they wait, and what is said last must still leave.)
 */
void uring_wake_senders(struct uring *b, int fd, const struct io_op *first)
{
	bool sends = false;

	for (const struct io_op *op = first; op; op = op->link)
		sends |= op->kind == IO_SENDMSG && op->generation == URING_SENDS_BY_THREAD;
	if (!sends || fd & BACKEND_DIRECT)
		return;
	b->base.stats.syscalls++;
	shutdown(fd, SHUT_WR);
}

/* Part of a datagram would be another one. What is direct has been accepted. */
static bool is_stream(struct uring *b, int fd)
{
	socklen_t len = sizeof(int);
	int type = SOCK_STREAM;

	if (fd & BACKEND_DIRECT)
		return true;
	b->base.stats.syscalls++;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

bool uring_take_send(struct uring *b, struct io_op *op, struct io_result *r)
{
	/* First: when it is being closed, its number may be another's already. */
	if (op->state != OP_IN_FLIGHT) {
		r->res = -ECANCELED;
		return true;
	}
	if (op->generation == URING_SENDS_BY_THREAD || !is_stream(b, op->fd))
		return true;
	op->generation = URING_SENDS_BY_THREAD;
	b->base.stats.retries++;
	uring_queue(b, op);
	return false;
}
