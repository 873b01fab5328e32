/*
 * io_uring_private.h - what the files of the io_uring backend share.
 *
 *	io_uring.c		open, close
 *	io_uring_knobs.c	what can be set, what cannot go together
 *	io_uring_kernel.c	what liburing 2.3 has no words for; the kernel's threads
 *	io_uring_read_back.c	what the kernel has of what was asked for
 *	io_uring_share.c	one polling thread for the rings of several threads
 *	io_uring_probe.c	can this machine run it
 *	io_uring_submit.c	operations to submission entries; descriptors and what is in flight
 *	io_uring_send.c		sends that are more than one request: files, without a copy
 *	io_uring_files.c	reading and writing files, registered memory, polling
 *	io_uring_wait.c		completions to results, waiting
 *	io_uring_buffers.c	where received bytes lie
 *	io_uring_memory.c	what is mapped, for who places and counts it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_IO_URING_PRIVATE_H
#define RW_BACKENDS_IO_URING_PRIVATE_H

#include <liburing.h>
#include <stdatomic.h>

#include "backends/files.h"
#include "backends/io_uring_buffers.h"
#include "backends/napi.h"
#include "backends/timers.h"

#define URING_MIN_WAIT_COUNT "8"    /* the knob's default */
#define URING_SQPOLL_IDLE    "10ms" /* likewise */
#define URING_CPUS_TEXT	     128

struct uring_napi {
	int64_t time_ns; /* whole microseconds; 0: none */
	bool prefer;
};

struct uring_opts {
	int64_t entries, cq_entries;
	bool multishot_accept, multishot_recv, poll_first;
	int64_t buffers, buffer_size_bytes;
	bool registered_files, registered_ring;
	bool coop_taskrun, single_issuer, defer_taskrun;
	bool sqpoll, sqpoll_share;
	int64_t sqpoll_idle_ns, sqpoll_cpu;
	int64_t busy_wait_ns;
	bool iopoll, hybrid_iopoll;
	bool incremental_buffers, recv_bundle, no_sqarray;
	int64_t min_wait_ns, min_wait_count;
	struct uring_napi napi;
	char iowq_cpus[URING_CPUS_TEXT];
	int64_t iowq_bounded, iowq_unbounded;
};

/* io_op.state */
enum uring_state {
	OP_IDLE,
	OP_IN_FLIGHT,
	OP_CANCELLED, /* the kernel was asked to end it */
	OP_CLOSING,   /* so, by an IO_CLOSE, which io_op.link points to */
	OP_CLOSED,   /* an IO_CLOSE that is done and waits for those; its result is in io_op.link */
	OP_STARVED,  /* found no buffer: in a list until the next wait() */
	OP_FINISHED, /* in a list of results that the kernel has no part in */
};

/*
 * user_data is the operation's address with a mark in the low bits, so that close() need not look
 * at operations; what is not an operation has a tag below every address. Above the address stands
 * which of its datagrams an IO_SENDMMSG's entry is for.
 */
enum uring_tag { TAG_CANCEL, TAG_WAKE, TAG_CANCEL_ALL, TAGS };
enum uring_mark {
	MARK_NONE,
	MARK_ACCEPT, /* its result is a descriptor */
	MARK_MASK = 7,
};
_Static_assert(_Alignof(struct io_op) > MARK_MASK, "marks fit below");
#define INDEX_SHIFT 56
_Static_assert(BACKEND_DATAGRAMS <= 256, "indices fit above");

static inline struct io_op *uring_op_of(uint64_t user_data)
{
	return (struct io_op *)(uintptr_t)(user_data & ((1ULL << INDEX_SHIFT) - 1) &
					   ~(uint64_t)MARK_MASK);
}

/*
 * Per descriptor the operations in flight on it, linked by io_op.link: one pointer for an idle
 * connection, and IO_CLOSE knows whom to cancel. The tables are mapped once for every possible
 * descriptor; only used pages exist.
 */
struct uring_slots {
	struct io_op **first;
	size_t count;
};

/* What files are sent from; the kernel holds a buffer while it reads one. */
#define URING_SEND_BUFFERS 16
#define URING_SEND_BYTES   65536
struct uring_sender {
	uint8_t *memory;
	struct op_queue line; /* IO_SENDFILE that found no buffer free; OP_STARVED */
	uint32_t lens[URING_SEND_BUFFERS];
	uint8_t free[URING_SEND_BUFFERS];
	uint8_t free_count;
	uint8_t zero_copy; /* what the kernel is asked for first */
};

/* The ring for iopoll=yes. */
struct uring_polled {
	struct io_uring ring;
	bool open, was_used;
	uint32_t count; /* operations in it */
};

/* Of a receive into several buffers: those whose bytes next() has not told of yet. */
struct uring_bundle {
	uint64_t user_data;
	uint32_t left_bytes; /* 0: none */
	uint32_t flags;	     /* of the completion, for the last of them */
	int buffer;	     /* the next one */
};

/* Among rings that share a polling thread; of them the lock of io_uring_share.c. */
struct uring_share {
	struct uring *next;
	pid_t maker;	  /* who opened this ring */
	bool is_attached; /* the kernel was asked for the thread of another ring */
	bool has_mates;	  /* there is, or was, another ring to share it with */
	bool has_failed;  /* the kernel made one for this ring alone; the ring's thread's */
};

#define URING_REGIONS 16

struct uring {
	struct backend base;
	struct io_uring ring;
	struct uring_opts opts;
	struct uring_buffers buffers;
	struct uring_buffers pieces; /* incremental_buffers: for streams */
	struct uring_bundle bundle;  /* recv_bundle */
	bool has_bundled;	     /* a receive filled more than one buffer */
	uint16_t stream_group;	     /* where they receive into */
	struct uring_slots plain, direct;
	struct timers timers;
	struct files files;
	struct uring_sender sender;
	struct uring_polled polled;
	struct iovec regions[URING_REGIONS]; /* registered memory */
	unsigned region_count;
	uint32_t timers_left; /* that next() hands out in this turn at most */
	uint64_t in_flight;   /* operations the kernel has, or will have with the next wait */

	struct io_op *finished_first, **finished_last;
	uint32_t finished_count, finished_left; /* that next() hands out in this turn at most */
	struct io_op *starved_first, **starved_last;

	/* wait() looks one result ahead, to know whether there is one. */
	struct io_result ahead; /* op NULL: none */
	bool ahead_accepts;
	int ahead_buffer, lent_buffer; /* -1: none */
	unsigned cq_end;	       /* next() goes no further in this turn */
	uint64_t handed;	       /* results of this turn */

	struct napi_census census; /* of descriptors that have been closed; napi */

	size_t pending_bytes;	  /* in sends the kernel does not know of yet */
	_Atomic pid_t sqpoll_tid; /* the polling thread; 0: none, or not known yet */
	struct uring_share share;
	bool has_read_back; /* once: the kernel's threads may have been moved since */
	int broken;	    /* -errno that wait() returns from now on */

	int wake_fd;
	atomic_bool wake_asked; /* by wake(), until a wait() has returned for it */
	bool woken;

	struct msghdr datagram; /* what multishot recvmsg takes its sizes from */
	struct io_uring_sqe nowhere;
};

static inline struct uring *uring_of(struct backend *base)
{
	return (struct uring *)base;
}

static inline bool uring_repeats(const struct io_op *op)
{
	return op->kind == IO_ACCEPT || op->kind == IO_RECV || op->kind == IO_RECVFROM;
}

/* What io_uring_enter() returns when all is well, or will be the next time. */
static inline bool uring_passing(int ret)
{
	return ret >= 0 || ret == -ETIME || ret == -EINTR || ret == -EAGAIN || ret == -EBUSY;
}

/* io_uring_submit.c */
void uring_submit(struct backend *base, struct io_op *op);
void uring_cancel(struct backend *base, struct io_op *op);
void uring_queue(struct uring *b, struct io_op *op); /* (again) to the kernel */
int uring_flush(struct uring *b);		     /* to the kernel now, without waiting */
/* Into the kernel and the list of its descriptor; and out of both, without a result. */
void uring_launch(struct uring *b, struct io_op *op);
void uring_unlaunch(struct uring *b, struct io_op *op);
/* The operation comes back with res, 0 or -errno; a file operation with op->result instead of 0. */
void uring_finish(struct uring *b, struct io_op *op, int res);
void uring_queue_wake(struct uring *b);
void uring_queue_blocking(struct uring *b); /* nothing, done by a thread for blocking work */
void uring_queue_end(struct uring *b, const struct io_op *op); /* of what stays */
void uring_queue_cancel_all(struct uring *b);		       /* counts as one in flight */
/* The kernel had no buffer for op and ended it: queued again by uring_feed(). */
void uring_starve(struct uring *b, struct io_op *op);
/* Queues some of those: half the buffers are for them, the others for who did not have to wait. */
void uring_feed(struct uring *b);
/* The kernel is done with op: forgets it, and finishes the IO_CLOSE that waited for it. */
void uring_land(struct uring *b, struct io_op *op);
/* The kernel has closed. False: operations on the descriptor are still to come back before. */
bool uring_land_close(struct uring *b, struct io_op *op, int res);

extern const struct files_calls uring_files_calls;

/* io_uring_send.c; take_: the next step is begun (false), or *r is the result. */
int uring_send_open(struct uring_sender *s, struct err *err);
void uring_send_close(struct uring_sender *s);
void uring_submit_send_file(struct uring *b, struct io_op *op);
void uring_prepare_send_file(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd);
bool uring_take_send_file(struct uring *b, struct io_op *op, struct io_result *r);
/* Those that wait for a buffer and are on fd, or `only` one, come back cancelled. */
void uring_cancel_line(struct uring *b, int fd, const struct io_op *only);

/* io_op.generation of IO_SEND and IO_SENDMSG with a copy: who sends it, see io_uring_send.c. */
enum { URING_SENDS_AT_ONCE, URING_SENDS_BY_THREAD };
/* Of one that came back with -EAGAIN. False: it is tried again. */
bool uring_take_send(struct uring *b, struct io_op *op, struct io_result *r);
/* Before fd is closed: what a thread of the kernel's sends to it must not wait any more. */
void uring_wake_senders(struct uring *b, int fd, const struct io_op *first);
const struct iovec *uring_first_part(const struct msghdr *msg); /* that has bytes */
void uring_begin_zero_copy(struct uring *b, struct io_op *op);
void uring_prepare_zero_copy(struct io_uring_sqe *sqe, struct io_op *op, int fd, size_t len);
bool uring_take_zero_copy(struct uring *b, struct io_op *op, unsigned flags, struct io_result *r);

/* io_uring_files.c */
bool uring_refuses(const struct io_op *op); /* what the kernel would take for something else */
void uring_prepare_file(struct uring *b, struct io_uring_sqe *sqe, struct io_op *op, int fd);
int uring_register_buffer(struct backend *base, void *memory, size_t len, struct err *err);
int uring_check_file(struct backend *base, int fd, struct err *err);
int uring_polled_open(struct uring *b, struct err *err);
void uring_polled_close(struct uring *b);
/* An entry of the polled ring if op belongs there; NULL: it does not. */
struct io_uring_sqe *uring_polled_entry(struct uring *b, const struct io_op *op);
/* look: the devices are asked; else only what they have said before is taken. */
bool uring_take_polled(struct uring *b, bool look, struct io_result *ret);

/* io_uring_wait.c */
int uring_enter(struct uring *b, int64_t timeout_ns); /* INT64_MAX: for ever */
int uring_wait(struct backend *base, int64_t timeout_ns);
bool uring_next(struct backend *base, struct io_result *ret);
void uring_wake(struct backend *base);
void uring_nudge(struct backend *base);

/* io_uring_memory.c */
unsigned uring_memory(struct backend *base, struct memory_range *ret, unsigned room);

/* io_uring_probe.c */
int uring_probe(struct err *why);

/* io_uring_knobs.c: 0, or -EINVAL when the knobs contradict each other. */
extern const struct knob uring_knobs[];
int uring_check(const struct uring_opts *o, struct err *err);

/* io_uring_kernel.c */
int uring_kernel_open(struct uring *b, struct err *err);   /* what is set when the ring is there */
pid_t uring_sqpoll_of(int ring_fd);			   /* "SqThread: TID" of a ring; 0: none */
int uring_napi_swap(int ring_fd, struct uring_napi *napi); /* sets it; gives what was there */
/* For what a thread of the kernel does when it first runs: on a busy machine that can be late. */
#define URING_AWAIT_TURNS 8000
void uring_pause(void); /* half a millisecond */
/* Waits until one thread does blocking work for `maker`; its tid, or 0: there is none in time. */
pid_t uring_await_worker(pid_t maker);
unsigned uring_kernel_threads(pid_t maker, struct backend_thread *ret, unsigned max);
/* Submits and waits for min_wait_count completions a while, then for one; INT64_MAX: for ever. */
int uring_gather(struct uring *b, int64_t timeout_ns);

/* io_uring_share.c */
bool uring_shares(const struct uring_opts *o);
/* Makes b's ring, attached to another's polling thread if there is its descriptor (else -1). */
typedef int uring_make(struct uring *b, int attach_fd, struct err *err);
/* Makes b's ring, the first of those that share or attached; close: before the ring is closed. */
int uring_share_open(struct uring *b, uring_make *make, struct err *err);
void uring_share_close(struct uring *b);
bool uring_share_is_alone(struct uring *b); /* nobody has shared with it so far */
bool uring_share_failed(struct uring *b);   /* its polling thread is not that of the others */
/* Says which of `count` polling threads are shared, and adds the one that `maker` uses. */
unsigned uring_share_threads(pid_t maker, struct backend_thread *ret, unsigned count, unsigned max);

/* io_uring_read_back.c */
int uring_read_back(struct backend *base, void *opts, struct verdict_report *report,
		    struct err *err);

#endif
