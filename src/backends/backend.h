/*
 * backend.h - the contract between the request engine and the kernel's I/O interfaces.
 *
 * The engine hands over operations and gets them back finished; it never hears of readiness.
 * io_uring works like that by itself. For select, poll and epoll, readiness.c waits until an
 * operation can go ahead, makes the call, and hands the operation back, so all backends look the
 * same from above. Built the other way round io_uring gains nothing.
 *
 * One turn of the engine's loop:
 *
 *	ops->wait(b, timeout_ns);			kernel: submit what is new, wait
 *	while (ops->next(b, &r))			one finished operation after the other
 *		r.op->done(r.op, &r);			may submit and cancel
 *
 * The rules, which tests/test_backend_contract.c checks for every backend:
 *  1. submit() never blocks, never fails and never calls back. What fails comes back from next()
 *     with a negative result.
 *  2. An operation and the memory it points to belong to the backend from submit() until its last
 *     completion: the one with more == false. IO_ACCEPT, IO_RECV and IO_RECVFROM go on completing
 *     (more == true) until they fail, end or are cancelled; the others complete once.
 *     A cancelled operation comes back exactly once more with more == false: with -ECANCELED, or
 *     with its own result if that came first.
 *  3. Bytes of IO_RECV and IO_RECVFROM are lent: `data` is valid until the following call of
 *     next(), wait() or close(). So an idle connection owns no buffer: readiness backends read
 *     into one hot buffer, io_uring picks one of a ring and gives it back.
 *  4. A short count is a success. IO_SEND and IO_SENDMSG may send less than asked; the engine
 *     submits the rest. At most one send per descriptor is in flight.
 *  5. The end of the stream is an IO_RECV result of 0 with more == false; a reset is -ECONNRESET.
 *     When buffers run out, a backend retries by itself: the engine never sees -ENOBUFS.
 *  6. IO_CLOSE cancels what is in flight on the descriptor; those come back first, the close last.
 *     A descriptor that a backend has seen is closed only so, and nothing about it is remembered.
 *  7. IO_ACCEPT that fails (-EMFILE, -ENFILE, -ECONNABORTED ...) comes back with more == false; the
 *     engine submits it again, after a pause if descriptors ran out. Accepted descriptors are
 *     non-blocking and close-on-exec.
 *  8. IO_TIMER comes back (result 0) at or after its deadline, never before; timers that are due
 *     come in the order of their deadlines.
 *  9. wait() returns at once when something finished is still unread, when timeout_ns is 0, or when
 *     wake() was called since the last wait(); else not before something finishes or the time is
 *over.
 * 10. A backend and its operations belong to the thread that opened it. Only wake() may be called
 *     from other threads and from signal handlers.
 * 11. A descriptor the backend cannot watch (select: FD_SETSIZE and above) makes its operations
 *     come back with -ERANGE.
 * 12. close() takes a backend with operations in flight; they never come back. It returns when
 *     nobody touches their memory any more.
 * 13. IO_READ, IO_WRITE and IO_SYNC are for files, any number at a time on one descriptor; their
 *     order is nobody's promise. A short count is a success, 0 the end of the file. Wherever they
 *     are carried out (enum backend_files) all rules hold, with two exceptions that a user asks
 *     for: FILES_INLINE blocks in submit(), and what a thread of a pool has begun cannot be
 *     interrupted: cancelled, it comes back with its own result, and an IO_CLOSE waits for it.
 * 14. IO_SENDFILE is a send: at most one send of any kind per descriptor is in flight. It may send
 *     less than asked; 0 says that the file ends at or before `offset`. It needs a connected
 *     stream that does not block. file_fd stays open until the operation comes back.
 * 15. IO_SEND with IO_ZERO_COPY comes back when the memory may be written again, which can be as
 *     late as the peer's acknowledgement. What cannot avoid the copy (a backend, a socket) sends
 *     as usual, and stats.copied counts it.
 *
 * Datagrams, besides: IO_RECVFROM gives each with its sender and says when it was cut off at
 * backend.datagram_max; with UDP_GRO set on the socket one result may be several datagrams of one
 * sender (`segment`). What was received together and not read yet is lost when the operation is
 * cancelled. IO_SENDMMSG comes back with the number of datagrams that are done, from the first on,
 * at least one; the engine submits the rest. A done one that the kernel refused has msg_len 0 and
 * the errno in msg_hdr.msg_flags. If cancelled, which ones have left is not known.
 *
 * Which file to read next: readiness.h (one side), io_uring.c (the other), sim.h (no kernel),
 * files.h (how files fit in).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_BACKEND_H
#define RW_BACKENDS_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/kinds.h"
#include "base/knob.h"
#include "base/verdict.h"

enum io_kind {
	IO_ACCEPT,   /* multishot; result: the new descriptor */
	IO_RECV,     /* multishot; result: bytes lent at `data`, 0 at the end of the stream */
	IO_RECVFROM, /* multishot; one datagram each, sender in `from`; batch */
	IO_SEND,     /* buf, len; result: bytes taken */
	IO_SENDMSG,  /* msg (gathered, or a datagram with its address); result: bytes taken.
			MSG_MORE in msg_flags: the rest of the segment follows at once */
	IO_SENDMMSG, /* datagrams, count; result: how many are done */
	IO_SENDFILE, /* file_fd, offset, len; result: bytes taken, 0 at the end of the file */
	IO_CONNECT,  /* addr, addr_len on a non-blocking socket; result 0 */
	IO_READ,     /* rbuf, len, offset; result: bytes read, 0 at the end of the file */
	IO_WRITE,    /* buf, len, offset; result: bytes written */
	IO_SYNC,     /* fdatasync(2); result 0 */
	IO_TIMER,    /* deadline_ns, on the backend's clock (now_ns); no descriptor */
	IO_CLOSE,
};

static inline bool io_is_file(uint8_t kind)
{
	return kind >= IO_READ && kind <= IO_SYNC;
}

/* io_op.flags */
enum {
	IO_ZERO_COPY = 1, /* IO_SEND */
};

/*
 * Set in a descriptor that is none: IO_ACCEPT's result is then a place in a table that only the
 * backend knows (io_uring.registered-files=yes). Good for operations, not for system calls.
 */
#define BACKEND_DIRECT (1 << 30)

/* Datagrams of one IO_SENDMMSG, and of one system call that receives. */
#define BACKEND_DATAGRAMS 64

struct io_op;
struct io_result;

/* Owned by the engine, embedded in what it belongs to. */
struct io_op {
	uint8_t kind;	     /* enum io_kind */
	uint8_t state;	     /* the backend's; 0 before the first submit */
	uint16_t generation; /* the backend's */
	int fd;
	uint16_t flags;	 /* IO_ZERO_COPY; read for IO_SEND only */
	uint16_t device; /* file operations: the thread of the pool that carries it out */
	union {
		int file_fd;	/* IO_SENDFILE */
		int32_t result; /* the backend's, of a file operation in flight */
	};
	union {
		struct {
			union {
				const void *buf; /* IO_SEND, IO_WRITE */
				void *rbuf;	 /* IO_READ */
			};
			size_t len;	 /* and IO_SENDFILE */
			uint64_t offset; /* IO_READ, IO_WRITE, IO_SENDFILE: in the file */
		};
		const struct msghdr *msg; /* IO_SENDMSG; with its iovecs valid until completion */
		struct {
			struct mmsghdr *datagrams; /* IO_SENDMMSG; valid like msg */
			uint32_t count;		   /* of them, 1 to BACKEND_DATAGRAMS */
			uint32_t left;		   /* the backend's */
		};
		uint32_t batch; /* IO_RECVFROM: so many datagrams may one system call take, at most
				   BACKEND_DATAGRAMS; 0: 1. io_uring does not ask. */
		struct {
			const struct sockaddr *addr; /* IO_CONNECT */
			socklen_t addr_len;
		};
		int64_t deadline_ns; /* IO_TIMER */
	};
	void (*done)(struct io_op *op, const struct io_result *r); /* called by the engine only */
	struct io_op *link; /* the backend's, while the operation is in flight */
};

struct io_result {
	struct io_op *op;
	int32_t res;		     /* bytes, descriptor, 0, or -errno */
	bool more;		     /* the operation stays in flight and will complete again */
	const uint8_t *data;	     /* IO_RECV, IO_RECVFROM with res > 0: lent */
	const struct sockaddr *from; /* IO_RECVFROM: lent */
	socklen_t from_len;
	uint16_t segment; /* IO_RECVFROM: not 0: datagrams of so many bytes each, the last one may
			     be shorter */
	bool cut;	  /* IO_RECVFROM: the datagram was longer than the buffer */
	bool follows;	  /* IO_RECVFROM: another one, that came with it, comes in this batch */
};

/* Counted by every backend, single writer; read by others only as a snapshot. */
#define BACKEND_BATCHES 16
struct backend_stats {
	uint64_t syscalls;    /* every system call the backend made */
	uint64_t waits;	      /* calls of wait() that entered the kernel */
	uint64_t wakeups;     /* of those, the ones that returned with something */
	uint64_t completions; /* results handed out by next() */
	uint64_t retries;     /* io_uring: buffers ran out, or a send to a peer that has closed its
				 half; others: spurious readiness */
	uint64_t zero_copy;   /* sends that were asked to copy nothing */
	uint64_t copied;      /* of those, the ones whose bytes were copied all the same */
	uint64_t batch[BACKEND_BATCHES]; /* batches of 2^i .. 2^(i+1)-1 results per wait */
};

/* Where IO_READ, IO_WRITE and IO_SYNC are carried out. */
enum backend_files {
	FILES_OWN,    /* as the backend does it best: io_uring in the kernel, others as INLINE */
	FILES_INLINE, /* by a call in submit(), which blocks for as long as it takes */
	FILES_THREAD, /* by the thread of op->device in `pool` (file_pool.h) */
};

struct file_pool;

struct backend {
	const struct backend_ops *ops;
	int64_t now_ns; /* CLOCK_MONOTONIC (or simulated) at open and at the end of each wait() */
	uint32_t datagram_max; /* bytes; IO_RECVFROM cuts off what is longer */
	struct backend_stats stats;

	/*
	 * Set by who opened the backend, after open() and before the first file operation; constant
	 * then. The pool, which several backends may share, must outlive the backend.
	 */
	enum backend_files files;
	struct file_pool *pool; /* FILES_THREAD */
};

/* A thread of the kernel that works for a backend: its tid is one of this process. */
struct backend_thread {
	enum thread_role role; /* THREAD_SQPOLL, THREAD_IOWQ */
	pid_t tid;
	bool is_shared; /* it works for other threads of this process, too, if there are any */
	bool is_bound;	/* is_shared: the backend was told its CPU */
};

struct backend_ops {
	/* name, help, options. opts_size bytes of defaults are made by knob_defaults(). */
	struct knob_group group;

	/*
	 * Sends leave with the next wait() (io_uring), so the engine should hand over the sends of
	 * a whole batch at its end, one per connection. Otherwise a send is tried in submit(), and
	 * the engine should submit it while the connection's data is still in the cache.
	 */
	bool sends_with_wait;

	/* FILES_OWN is more than FILES_INLINE: file operations go on while the loop does. */
	bool has_files;

	/* 0, or -errno and why this machine cannot run it. */
	int (*probe)(struct err *why);

	/* opts as filled by group.knobs. What the kernel refuses is an error that says so. */
	int (*open)(struct backend **ret, const void *opts, struct err *err);
	void (*close)(struct backend *b); /* NULL is fine */

	void (*submit)(struct backend *b, struct io_op *op);
	/* op must be in flight. */
	void (*cancel)(struct backend *b, struct io_op *op);

	/*
	 * Passes to the kernel what was submitted, waits, sets now_ns. A negative timeout: for
	 * ever. Returns 1 if next() has something, 0 if not, -errno if the backend itself is
	 * broken.
	 */
	int (*wait)(struct backend *b, int64_t timeout_ns);

	/*
	 * Fills *ret with the next finished operation; false when there is none left in this batch.
	 * A batch may end while there is more, so that wait() asks the kernel in between.
	 */
	bool (*next)(struct backend *b, struct io_result *ret);

	/* Makes the current or the next wait() return. Any thread, any signal handler. */
	void (*wake)(struct backend *b);

	/*
	 * Optional (NULL: nothing to gain): later reads and writes inside [base, base + len) are
	 * cheaper. The memory must outlive the backend. 0, or -errno: they are as before.
	 */
	int (*register_buffer)(struct backend *b, void *base, size_t len, struct err *err);

	/*
	 * Optional (NULL: any file will do): whether file operations on fd can be carried out as
	 * the backend was set up (io_uring.iopoll). 0, or -errno and why not. Takes as long as one
	 * read; for the time before the first operation.
	 */
	int (*check_file)(struct backend *b, int fd, struct err *err);

	/*
	 * Optional (NULL: nothing of it reaches the kernel, or it cannot be asked): puts what the
	 * kernel has into opts, which holds what open() was given. Whoever knows more than the
	 * comparison of the two will tell puts a verdict and a sentence into *report. Called when
	 * the backend is open (by a plan more than once, for several threads that are yet to come),
	 * and again at its end, when it is known what the sockets were; in its own thread, by
	 * backend_read_back().
	 */
	int (*read_back)(struct backend *b, void *opts, struct verdict_report *report,
			 struct err *err);

	/*
	 * Optional (NULL: there never are any): the kernel's threads that work at this moment for
	 * what the thread `maker` of this process has opened, at most max of them. Returns how
	 * many; those of what has just been closed may be among them. One that works for several
	 * threads is found for each of them. Any thread, any time.
	 */
	unsigned (*kernel_threads)(pid_t maker, struct backend_thread *ret, unsigned max);

	/*
	 * Optional (NULL: nothing worth naming): the memory it has mapped and uses again and again,
	 * at most `room` ranges. Returns how many. Constant while nothing is in flight.
	 */
	unsigned (*memory)(struct backend *b, struct memory_range *ret, unsigned room);
};

/* Of any backend's options. */
#define BACKEND_OPTS_MAX 1024

/*
 * read_back.c - what b was asked for beside what the kernel has; *ret is always filled in. 0 when
 * that is ok or vacuous; else -errno, and err says why. b was opened with `requested`.
 */
int backend_read_back(struct backend *b, const void *requested, struct verdict_report *ret,
		      struct err *err);

/* registry.c - the one place that names every backend; ends with NULL. sim is not in this list. */
extern const struct backend_ops *const backends[];
const struct backend_ops *backend_find(const char *name, struct err *err);

/* Adds one batch of n results to the stats (used by the backends). */
static inline void backend_count_batch(struct backend_stats *s, uint64_t n)
{
	if (n)
		s->batch[n >= 1U << 15 ? 15 : 63 - __builtin_clzll(n)]++;
}

#endif
