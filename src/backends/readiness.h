/*
 * readiness.h - completions made out of readiness: what select, poll and epoll share.
 *
 * A file that implements one of them (epoll.c is the one to read) only watches descriptors and
 * reports which are ready; the operations are handled here.
 *
 *	submit	a send or a connect is tried at once; what would block, and all that receives, is
 *		put into the descriptor's slot and the descriptor is watched
 *	wait	the implementation reports ready descriptors, which are queued
 *	next	makes the call for the first of the queue: received bytes go into the one buffer of
 *		the backend, so an idle connection owns none, and are lent until the next call
 *
 * What keeps it fast (performance is why it looks like this):
 *  - A descriptor stays watched until an event comes that nobody wants; then it is disarmed. So a
 *    request costs a receive and a send, and the wait that many requests share, nothing else.
 *  - Nothing is read in order to see -EAGAIN: a receive that does not fill the buffer has drained
 *    the socket. A listener, or a datagram socket without a batch, gives no such hint: up to
 *    SERVE_MAX are taken from one event, and the call that finds nothing more is the price (one for
 *    each burst, counted in stats.retries; a wait for each would be dearer).
 *  - Writing is watched only after a send was short, and until then no send is tried again.
 *
 * Two kinds of reports. If they are states (level, one-shot, poll, select), what was reported is
 * used up by one try, as it is reported again while it is true. If they are edges, it stays true
 * until a call shows the contrary, and a descriptor that is still ready goes into the next batch.
 *
 * Files are always ready: they are read and written by a call in submit(), or by a thread
 * (files.h), which adds to the eventfd that wake() writes to. Sent to a socket they are like any
 * other send.
 *
 * A batch is what one wait() found. It ends: what becomes ready later, or stays ready, waits for
 * the next wait(), which asks the kernel in between. So no descriptor and no late timer can keep
 * the others waiting.
 *
 * Limits, by design: two operations of one direction on one descriptor are a mistake of the caller
 * (assert). A stream on which ancillary data or urgent bytes arrive may be read short without being
 * drained; with edges the rest then comes with the next arrival.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_READINESS_H
#define RW_BACKENDS_READINESS_H

#include <sys/socket.h>

#include "backends/files.h"
#include "backends/op_queue.h"
#include "backends/timers.h"
#include "base/clock.h"

enum {
	WATCH_IN = 1,
	WATCH_OUT = 2,
	WATCH_END = 4, /* reported with WATCH_IN, by edges only: there is an end behind the data */
};

/* What is known of a descriptor; 32 bytes each, in a table with the descriptor as the index. */
struct slot {
	struct io_op *in;  /* IO_ACCEPT, IO_RECV, IO_RECVFROM that waits */
	struct io_op *out; /* IO_SEND, IO_SENDMSG, IO_SENDMMSG, IO_CONNECT that waits */
	int32_t next;	   /* in a queue of ready descriptors */
	int32_t sent;	   /* by the send whose completion is not read yet */
	int32_t place;	   /* the implementation's */
	uint8_t watched;   /* WATCH_IN, WATCH_OUT: the kernel has been asked for */
	uint8_t ready;	   /* WATCH_*: reported and not used up */
	uint8_t flags;	   /* SLOT_* */
	uint8_t own;	   /* the implementation's */
};

enum {
	SLOT_QUEUED = 1,
	SLOT_FULL = 2,	/* the last send was short: wait before the next */
	SLOT_RESET = 4, /* a send met the reset, which therefore no receive will see */
};

struct slot_queue {
	int first, last; /* -1: empty */
};

struct readiness;

/* What an implementation has to do. */
struct readiness_ops {
	size_t size; /* of its state, which begins with a struct readiness */

	/*
	 * Sets edges and fd_limit, where they are not zero, and gets ready for watch(). After a
	 * failure close() is called.
	 */
	int (*open)(struct readiness *r, const void *opts, struct err *err);
	void (*close)(struct readiness *r);

	/*
	 * From now on `wanted` is to be reported (WATCH_IN, WATCH_OUT; 0: forgets the descriptor,
	 * which is about to be closed). slot->watched is what it was; the caller changes it.
	 * 0, or -errno.
	 */
	int (*watch)(struct readiness *r, int fd, struct slot *slot, unsigned wanted);

	/*
	 * Waits and calls readiness_report() for what is ready. Negative timeout: for ever. Counts
	 * its system calls. Returns how many it reported, 0 when interrupted, or -errno.
	 */
	int (*wait)(struct readiness *r, int64_t timeout_ns);
};

/* First member of an implementation's state. */
struct readiness {
	struct backend backend;
	const struct readiness_ops *io;
	bool edges;   /* reports are edges */
	int fd_limit; /* descriptors from here on cannot be watched; 0: none */
	int64_t busy_wait_ns;

	struct slot *slots;
	int slot_count;
	struct slot_queue batch, later; /* ready: in this batch, in the next one */
	struct op_queue done;		/* finished, not yet read */
	struct timers timers;
	uint64_t results; /* handed out since the last wait */
	uint32_t served;  /* results in a row from the first of the batch */

	bool has_first; /* wait() has taken the first result to see whether there is one */
	struct io_result first;

	struct files files;
	bool quiet;	/* SIGPIPE is blocked in this thread, */
	bool was_quiet; /* and was before */
	int wake_fd;
	struct io_op wake_op; /* keeps wake_fd watched; never completes */

	uint8_t *buffer;
	size_t buffer_size;
	struct sockaddr_storage from;
	struct pack *pack; /* datagrams that came together; NULL: nobody has asked for them */
};

/* First member of each implementation's options, and its two knobs. */
struct readiness_opts {
	int64_t busy_wait_ns;
	int64_t recv_buffer;
};

#define KNOB_BUSY_WAIT                                                                     \
	.name = "busy-wait", .type = &knob_time,                                           \
	KNOB_FIELD(struct readiness_opts, busy_wait_ns, int64_t), .max = SEC, .def = "0s", \
	.help = "how long to poll before going to sleep; 0s: not at all"

#define KNOB_RECV_BUFFER                                                                     \
	.name = "recv-buffer", .type = &knob_size,                                           \
	KNOB_FIELD(struct readiness_opts, recv_buffer, int64_t), .min = 64, .max = 16 << 20, \
	.def = "64KiB", .help = "size of the one buffer that everything is received into"

/* For the implementations' open(). opts begin with a struct readiness_opts. */
int readiness_open(struct backend **ret, const struct backend_ops *ops,
		   const struct readiness_ops *io, const void *opts, struct err *err);

/* Members of struct backend_ops. close() frees r. */
int readiness_probe(struct err *why);
void readiness_close(struct backend *b);
void readiness_submit(struct backend *b, struct io_op *op);
void readiness_cancel(struct backend *b, struct io_op *op);
int readiness_wait(struct backend *b, int64_t timeout_ns);
bool readiness_next(struct backend *b, struct io_result *ret);
void readiness_wake(struct backend *b);
unsigned readiness_memory(struct backend *b, struct memory_range *ret, unsigned room);

static inline void slot_queue_add(struct readiness *r, struct slot_queue *q, int fd)
{
	r->slots[fd].flags |= SLOT_QUEUED;
	r->slots[fd].next = -1;
	if (q->first < 0)
		q->first = fd;
	else
		r->slots[q->last].next = fd;
	q->last = fd;
}

/* For calls that take a timespec, and NULL for "without end". */
static inline struct timespec *readiness_timeout(int64_t timeout_ns, struct timespec *buf)
{
	if (timeout_ns < 0)
		return NULL;
	*buf = clock_timespec(timeout_ns);
	return buf;
}

/* For io->wait(): fd, which is watched, is ready for `ready` (WATCH_*). */
static inline void readiness_report(struct readiness *r, int fd, unsigned ready)
{
	struct slot *s = &r->slots[fd];

	if (ready & WATCH_OUT)
		s->flags &= ~SLOT_FULL;
	/* An edge of an arrival says, too, that the socket is writable: no news. */
	if (r->edges && !s->out)
		ready &= ~WATCH_OUT;
	s->ready |= ready;
	if (!(s->flags & SLOT_QUEUED))
		slot_queue_add(r, &r->batch, fd);
}

#endif
