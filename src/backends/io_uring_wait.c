/*
 * io_uring_wait.c - completions become results, and one system call a turn submits and waits.
 *
 * An operation that repeats (accept, receive) is one multishot request. When the kernel ends it
 * early (no F_MORE: the completion queue was full) it is queued again here, and nobody above hears
 * of it; so a single shot is the same thing ended after every completion. When buffers ran out it
 * is queued again before the next wait, but no more of them than can find one: a thousand that
 * are told over and over that there is none would cost more than their data.
 *
 * The lent buffer goes back to the ring with the next call of next() or wait(), so the ring holds
 * only what this turn's results stand in. Results that the kernel adds while a turn is being
 * handled belong to the next one (cq_end), and so do timers that were late when they were set
 * (timers_left) and what was carried out when it was submitted (finished_left): nothing is kept
 * waiting by a stream of something else.
 *
 * wait() may be woken by completions that are no results (cancellations, buffers out). It goes on
 * waiting then; to know, it takes the first result itself and keeps it in `ahead`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backends/io_uring_private.h"
#include "base/clock.h"

/* In what says which buffer is lent: it is one of pieces, and full. */
#define LENT_PIECE (1 << 16)

/* Of a completion; younger than liburing 2.3. */
#define CQE_BUFFER_GOES_ON (1U << 4)

static void give_back(struct uring *b)
{
	if (b->lent_buffer < 0)
		return;
	if (b->lent_buffer & LENT_PIECE)
		uring_buffers_return(&b->pieces, b->lent_buffer & ~LENT_PIECE);
	else
		uring_buffers_return(&b->buffers, b->lent_buffer);
	b->lent_buffer = -1;
}

/* UDP_GRO: how long each of the datagrams is that lie here together; 0: it is one. */
static uint16_t segment_of(struct uring *b, struct io_uring_recvmsg_out *out)
{
	struct cmsghdr *c = io_uring_recvmsg_cmsg_firsthdr(out, &b->datagram);
	int segment = 0;

	if (c && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
		memcpy(&segment, CMSG_DATA(c), sizeof(segment));
	return (uint16_t)segment;
}

/* Where in the buffer the datagram and its sender lie; longer ones were cut, as recvfrom(2) does.
 */
static void fill_datagram(struct uring *b, uint8_t *buffer, struct io_result *r)
{
	struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(buffer, r->res, &b->datagram);

	if (!out)
		return;
	r->data = io_uring_recvmsg_payload(out, &b->datagram);
	r->from = out->namelen ? io_uring_recvmsg_name(out) : NULL;
	r->from_len = out->namelen;
	r->segment = out->controllen ? segment_of(b, out) : 0;
	r->cut = out->flags & MSG_TRUNC;
	r->res = (int32_t)io_uring_recvmsg_payload_length(out, r->res, &b->datagram);
}

/* The kernel has ended an operation that its owner has not: queued again unless that is the end. */
static bool goes_on(const struct io_op *op, int res)
{
	if (!uring_repeats(op) || op->state != OP_IN_FLIGHT)
		return false;
	return res == -ENOBUFS || res > 0 || (res == 0 && op->kind != IO_RECV);
}

/* One of an IO_SENDMMSG's datagrams is done. True: it was the last one. */
static bool take_datagram(struct uring *b, const struct io_uring_cqe *cqe, struct io_result *r)
{
	struct io_op *op = r->op;
	struct mmsghdr *m = &op->datagrams[cqe->user_data >> INDEX_SHIFT];

	m->msg_len = cqe->res < 0 ? 0 : (unsigned)cqe->res;
	m->msg_hdr.msg_flags = cqe->res < 0 ? -cqe->res : 0;
	if (--op->left) {
		b->in_flight--;
		return false;
	}
	r->res = (int32_t)op->count;
	for (uint32_t i = 0; i < op->count && op->state != OP_IN_FLIGHT; i++) {
		if (!op->datagrams[i].msg_len && op->datagrams[i].msg_hdr.msg_flags == ECANCELED)
			r->res = -ECANCELED;
	}
	uring_land(b, op);
	return true;
}

/*
 * Bytes of a stream. What of an incremental buffer has been read is given back with its last piece.
 * Should the kernel count other than this does, bytes would be taken for others: an end instead.
 */
static const uint8_t *fill_stream(struct uring *b, const struct io_uring_cqe *cqe, int *ret_buffer)
{
	const uint8_t *data;
	bool last;

	if (!b->pieces.ring)
		return cqe->res > 0 ? uring_buffers_at(&b->buffers, *ret_buffer) : NULL;
	if (cqe->res <= 0) {
		*ret_buffer = -1;
		return NULL;
	}
	data = uring_buffers_take_piece(&b->pieces, *ret_buffer, (uint32_t)cqe->res, &last);
	if (last == !!(cqe->flags & CQE_BUFFER_GOES_ON))
		b->broken = -EPROTO;
	*ret_buffer = last ? *ret_buffer | LENT_PIECE : -1;
	return data;
}

/* True when cqe is a result for the engine; *ret_buffer is the buffer it stands in, or -1. */
static bool result_of(struct uring *b, const struct io_uring_cqe *cqe, struct io_result *r,
		      int *ret_buffer)
{
	struct io_op *op = uring_op_of(cqe->user_data);
	bool no_buffer = cqe->res == -ENOBUFS && uring_repeats(op);

	*r = (struct io_result){ .op = op,
				 .res = cqe->res,
				 .more = cqe->flags & IORING_CQE_F_MORE };
	*ret_buffer = -1;
	/* What a thread of the kernel's is at is interrupted by a cancel, or finds no way out. */
	if ((r->res == -EINTR && op->state == OP_CANCELLED) ||
	    ((r->res == -EINTR || r->res == -EPIPE) && op->state == OP_CLOSING))
		r->res = -ECANCELED;
	if (op->kind == IO_SENDMMSG)
		return take_datagram(b, cqe, r);
	if (cqe->flags & IORING_CQE_F_BUFFER)
		*ret_buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
	if (*ret_buffer >= 0 && op->kind == IO_RECVFROM)
		fill_datagram(b, uring_buffers_at(&b->buffers, *ret_buffer), r);
	else if (*ret_buffer >= 0)
		r->data = fill_stream(b, cqe, ret_buffer);
	if (op->kind == IO_ACCEPT && r->res >= 0 && b->opts.registered_files)
		r->res |= BACKEND_DIRECT;
	b->base.stats.retries += no_buffer;
	if (op->kind == IO_SENDFILE)
		return uring_take_send_file(b, op, r);
	if (op->kind == IO_SEND && op->flags & IO_ZERO_COPY)
		return uring_take_zero_copy(b, op, cqe->flags, r);
	if (r->more)
		return true;
	if (op->kind == IO_CLOSE)
		return uring_land_close(b, op, cqe->res);
	if (cqe->res == -EAGAIN && (op->kind == IO_SEND || op->kind == IO_SENDMSG) &&
	    !uring_take_send(b, op, r))
		return false;
	if (goes_on(op, cqe->res)) {
		if (no_buffer)
			uring_starve(b, op);
		else
			uring_queue(b, op);
		r->more = true;
		return !no_buffer;
	}
	if (no_buffer)
		r->res = -ECANCELED;
	uring_land(b, op);
	return true;
}

static void take_tag(struct uring *b, const struct io_uring_cqe *cqe)
{
	if (cqe->user_data != TAG_WAKE)
		return;
	/* Or a nudge: not to be told. */
	b->woken |= atomic_load(&b->wake_asked);
	if (!(cqe->flags & IORING_CQE_F_MORE))
		uring_queue_wake(b);
}

/* The bundle's next buffer as a completion of its own; what ends the receive is in the last one. */
static void take_part(struct uring *b, struct io_uring_cqe *ret)
{
	struct uring_bundle *s = &b->bundle;
	uint32_t len = s->left_bytes;

	if (len > b->buffers.size_bytes)
		len = b->buffers.size_bytes;
	s->left_bytes -= len;
	*ret = (struct io_uring_cqe){ .user_data = s->user_data,
				      .res = (int32_t)len,
				      .flags = s->left_bytes
						       ? IORING_CQE_F_BUFFER | IORING_CQE_F_MORE
						       : s->flags };
	ret->flags |= (uint32_t)s->buffer << IORING_CQE_BUFFER_SHIFT;
	s->buffer = b->buffers.followers[s->buffer];
}

static void begin_bundle(struct uring *b, struct io_uring_cqe *first)
{
	b->bundle = (struct uring_bundle){
		.user_data = first->user_data,
		.left_bytes = (uint32_t)first->res,
		.flags = first->flags & ((1U << IORING_CQE_BUFFER_SHIFT) - 1),
		.buffer = (int)(first->flags >> IORING_CQE_BUFFER_SHIFT),
	};
	b->has_bundled = true;
	take_part(b, first);
}

/* Up to cq_end. */
static bool next_completion(struct uring *b, struct io_uring_cqe *ret)
{
	struct io_uring_cq *cq = &b->ring.cq;

	if (b->bundle.left_bytes) {
		take_part(b, ret);
		return true;
	}
	if (*cq->khead == b->cq_end)
		return false;
	*ret = cq->cqes[*cq->khead & cq->ring_mask];
	io_uring_cq_advance(&b->ring, 1);
	if (b->opts.recv_bundle && ret->flags & IORING_CQE_F_BUFFER &&
	    ret->res > (int)b->buffers.size_bytes)
		begin_bundle(b, ret);
	return true;
}

/* The next result of the kernel. *ret is untouched when there is none. */
static bool take(struct uring *b, struct io_result *ret, int *ret_buffer)
{
	struct io_uring_cqe cqe;
	struct io_result r;

	while (next_completion(b, &cqe)) {
		if (cqe.user_data < TAGS)
			take_tag(b, &cqe);
		else if (result_of(b, &cqe, &r, ret_buffer)) {
			*ret = r;
			return true;
		}
	}
	return false;
}

static bool take_finished(struct uring *b, struct io_result *r)
{
	struct io_op *op = b->finished_first;

	if (!op || !b->finished_left)
		return false;
	b->finished_left--;
	b->finished_count--;
	b->finished_first = op->link;
	if (!op->link)
		b->finished_last = &b->finished_first;
	op->state = OP_IDLE;
	*r = (struct io_result){ .op = op, .res = -(int32_t)op->generation };
	if (io_is_file(op->kind) && !r->res)
		r->res = op->result;
	return true;
}

static bool take_timer(struct uring *b, struct io_result *r)
{
	struct io_op *op;

	if (!b->timers_left)
		return false;
	op = timers_take(&b->timers, b->base.now_ns);
	if (!op)
		return false;
	b->timers_left--;
	op->state = OP_IDLE;
	*r = (struct io_result){ .op = op };
	return true;
}

bool uring_next(struct backend *base, struct io_result *ret)
{
	struct uring *b = uring_of(base);

	give_back(b);
	if (b->ahead.op) {
		*ret = b->ahead;
		b->lent_buffer = b->ahead_buffer;
		b->ahead.op = NULL;
	} else if (!take_finished(b, ret) && !take_timer(b, ret) &&
		   !take(b, ret, &b->lent_buffer) && !uring_take_polled(b, false, ret)) {
		return false;
	}
	b->handed++;
	base->stats.completions++;
	return true;
}

static bool timer_is_due(const struct uring *b)
{
	return timers_next_ns(&b->timers) <= b->base.now_ns;
}

static bool has_result(struct uring *b)
{
	files_collect(&b->files);
	if (b->ahead.op || b->finished_first || timer_is_due(b))
		return true;
	if (!take(b, &b->ahead, &b->ahead_buffer) && !uring_take_polled(b, true, &b->ahead)) {
		/* There may have been a nudge. */
		files_collect(&b->files);
		return b->finished_first;
	}
	b->ahead_accepts = b->ahead.op->kind == IO_ACCEPT;
	return true;
}

/* One system call: submits, and waits for a completion at most timeout_ns. */
int uring_enter(struct uring *b, int64_t timeout_ns)
{
	struct __kernel_timespec ts = { timeout_ns / SEC, timeout_ns % SEC };
	struct io_uring_cqe *cqe;
	int ret;

	if (timeout_ns <= 0 && b->opts.sqpoll && !io_uring_cq_has_overflow(&b->ring))
		return uring_flush(b);
	b->pending_bytes = 0;
	b->base.stats.syscalls++;
	if (timeout_ns <= 0)
		ret = io_uring_submit_and_get_events(&b->ring);
	else if (b->opts.min_wait_ns)
		ret = uring_gather(b, timeout_ns);
	else if (timeout_ns == INT64_MAX)
		ret = io_uring_submit_and_wait(&b->ring, 1);
	else
		ret = io_uring_submit_and_wait_timeout(&b->ring, &cqe, 1, &ts, NULL);
	return uring_passing(ret) ? 0 : ret;
}

/* When to give up: the end of the timeout or the next timer. */
static int64_t give_up_ns(const struct uring *b, int64_t now_ns, int64_t timeout_ns)
{
	int64_t timer_ns = timers_next_ns(&b->timers);
	int64_t end_ns;

	if (timeout_ns < 0 || __builtin_add_overflow(now_ns, timeout_ns, &end_ns))
		return timer_ns;
	return end_ns < timer_ns ? end_ns : timer_ns;
}

/* Enters the kernel until there is a result, a wake(), or nothing left to wait for. */
static int wait_until(struct uring *b, int64_t now_ns, int64_t end_ns)
{
	int64_t poll_until_ns = b->opts.busy_wait_ns ? now_ns + b->opts.busy_wait_ns : 0;
	int64_t timeout_ns;
	int ret;

	b->base.stats.waits++;
	do {
		uring_feed(b);
		timeout_ns = end_ns == INT64_MAX ? INT64_MAX : end_ns - now_ns;
		if (now_ns < poll_until_ns || b->starved_first || b->polled.count)
			timeout_ns = 0;
		ret = uring_enter(b, timeout_ns);
		b->base.now_ns = now_ns = clock_now_ns();
		b->cq_end = io_uring_smp_load_acquire(b->ring.cq.ktail);
		if (has_result(b)) {
			b->base.stats.wakeups++;
			return 1;
		}
	} while (!ret && !b->woken && now_ns < end_ns);
	return ret;
}

/*
 * Completions of an earlier turn are still unread. What was submitted leaves, but the kernel makes
 * no more of them: they would only grow old, and hold buffers, before they are read.
 */
static int pass_on(struct uring *b)
{
	int ret = 0;

	/* Where completions come unasked the queue may never run empty, and who found no buffer
	 * would wait for ever. */
	if (!b->opts.defer_taskrun)
		uring_feed(b);
	if (io_uring_sq_ready(&b->ring)) {
		b->base.stats.waits++;
		b->base.stats.wakeups++;
		ret = uring_flush(b);
	}
	b->base.now_ns = clock_now_ns();
	return ret ? ret : 1;
}

int uring_wait(struct backend *base, int64_t timeout_ns)
{
	struct uring *b = uring_of(base);
	int64_t now_ns = base->now_ns, end_ns;
	int ret;

	give_back(b);
	backend_count_batch(&base->stats, b->handed);
	b->handed = 0;
	if (b->broken)
		return b->broken;
	b->cq_end = io_uring_smp_load_acquire(b->ring.cq.ktail);
	if (has_result(b) || b->woken)
		timeout_ns = 0;
	if (b->ahead.op) {
		ret = pass_on(b);
	} else {
		if (timeout_ns > 0 || b->timers.count || b->opts.busy_wait_ns)
			now_ns = clock_now_ns();
		end_ns = timeout_ns ? give_up_ns(b, now_ns, timeout_ns) : now_ns;
		ret = wait_until(b, now_ns, end_ns);
	}
	b->timers_left = b->timers.count;
	b->finished_left = b->finished_count;
	if (b->woken) {
		b->woken = false;
		/* Reads what a wake() that found it set has written: its caller's news is
		 * seen now. */
		(void)atomic_exchange(&b->wake_asked, false);
	}
	return ret;
}

void uring_nudge(struct backend *base)
{
	int was = errno;

	(void)!eventfd_write(uring_of(base)->wake_fd, 1);
	errno = was;
}

void uring_wake(struct backend *base)
{
	struct uring *b = uring_of(base);
	int was = errno;

	if (!atomic_exchange(&b->wake_asked, true))
		(void)!eventfd_write(b->wake_fd, 1);
	errno = was;
}
