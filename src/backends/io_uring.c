/*
 * io_uring.c - the way in and out of the io_uring backend.
 *
 * Set-ups that are known not to go together are refused in words before the kernel is asked
 * (io_uring_knobs.c); what the kernel refuses is told with its own answer. Nothing asked for is
 * left out silently.
 *
 * On the way out everything in flight is cancelled and waited for: a ring that dies with requests
 * on a listening socket keeps it bound for a while, and a restart would find the port taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/io_uring_private.h"
#include "base/clock.h"

#define PLAIN_MAX   (1 << 22)
#define DIRECT_MAX  (1 << 18)
#define CLOSE_TURNS 100
#define CLOSE_NS    (10 * MS)

/* What the kernel puts in front of a datagram: sizes, the sender, one control message. */
#define DATAGRAM_HEAD                                                                      \
	(uint32_t)(sizeof(struct io_uring_recvmsg_out) + sizeof(struct sockaddr_storage) + \
		   CMSG_SPACE(sizeof(int)))

/* Younger than liburing 2.3. */
#define SETUP_NO_SQARRAY (1U << 16)

static unsigned setup_flags(const struct uring_opts *o)
{
	unsigned flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;

	flags |= o->coop_taskrun ? IORING_SETUP_COOP_TASKRUN : 0;
	flags |= o->single_issuer ? IORING_SETUP_SINGLE_ISSUER : 0;
	flags |= o->defer_taskrun ? IORING_SETUP_DEFER_TASKRUN : 0;
	flags |= o->sqpoll ? IORING_SETUP_SQPOLL : 0;
	flags |= o->no_sqarray ? SETUP_NO_SQARRAY : 0;
	return flags | (o->sqpoll_cpu >= 0 ? IORING_SETUP_SQ_AFF : 0);
}

/*
 * As io_uring_queue_init_params(), but without the array of indices: the kernel takes the entries
 * in their order then. Where the array would lie is the ring's own head, and there liburing 2.3
 * fills it in when it makes a ring.
 */
static int make_without_array(unsigned entries, struct io_uring *ring,
			      struct io_uring_params *params)
{
	int fd = (int)syscall(SYS_io_uring_setup, entries, params), ret;

	if (fd < 0)
		return -errno;
	ret = io_uring_queue_mmap(fd, params, ring);
	ring->features = params->features;
	if (ret)
		close(fd);
	return ret;
}

static int make_ring(const struct uring_opts *o, struct io_uring *ring,
		     struct io_uring_params *params)
{
	return o->no_sqarray ? make_without_array((unsigned)o->entries, ring, params)
			     : io_uring_queue_init_params((unsigned)o->entries, ring, params);
}

/* Whether it is the polling thread's CPU that the kernel refuses: tried without it. */
static bool is_cpu_at_fault(const struct uring *b, struct io_uring_params params)
{
	struct io_uring ring;

	if (b->opts.sqpoll_cpu < 0)
		return false;
	params.flags &= ~IORING_SETUP_SQ_AFF;
	if (make_ring(&b->opts, &ring, &params))
		return false;
	io_uring_queue_exit(&ring);
	return true;
}

static int make(struct uring *b, int attach_fd, struct err *err)
{
	const struct uring_opts *o = &b->opts;
	struct io_uring_params params = { .flags = setup_flags(o),
					  .cq_entries = (unsigned)o->cq_entries,
					  .sq_thread_idle = (unsigned)(o->sqpoll_idle_ns / MS) };
	struct err why = { 0 };
	int ret;

	if (o->sqpoll_cpu >= 0)
		params.sq_thread_cpu = (unsigned)o->sqpoll_cpu;
	if (attach_fd >= 0) {
		params.flags |= IORING_SETUP_ATTACH_WQ;
		params.wq_fd = (unsigned)attach_fd;
	}
	ret = make_ring(o, &b->ring, &params);
	if (!ret)
		return 0;
	if (uring_probe(&why))
		return err_set(err, why.code, "%s", why.text);
	if (ret == -EINVAL && is_cpu_at_fault(b, params))
		return err_set(err, -ENODEV,
			       "io_uring.sqpoll-cpu=%d: this CPU does not exist, or is not in this "
			       "cpuset",
			       (int)o->sqpoll_cpu);
	return err_sys(err, ret, "io_uring_setup(%d entries, %d completions%s%s%s%s%s%s%s)",
		       (int)o->entries, (int)o->cq_entries, o->coop_taskrun ? ", coop-taskrun" : "",
		       o->single_issuer ? ", single-issuer" : "",
		       o->defer_taskrun ? ", defer-taskrun (Linux 6.1)" : "",
		       o->sqpoll ? ", sqpoll" : "", attach_fd >= 0 ? ", sqpoll-share" : "",
		       o->sqpoll_cpu >= 0 ? ", sqpoll-cpu" : "",
		       o->no_sqarray ? ", no-sqarray (Linux 6.6)" : "");
}

static int open_slots(struct uring_slots *s, size_t count, struct err *err)
{
	void *table = mmap(NULL, count * sizeof(*s->first), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (table == MAP_FAILED)
		return err_sys(err, -errno, "a table of %zu descriptors", count);
	*s = (struct uring_slots){ table, count };
	return 0;
}

static void close_slots(struct uring_slots *s)
{
	if (s->first)
		munmap(s->first, s->count * sizeof(*s->first));
}

/* Room for every descriptor the process may ever have. */
static int open_tables(struct uring *b, struct err *err)
{
	struct rlimit files = { 1024, 1024 };
	size_t direct;
	int ret;

	getrlimit(RLIMIT_NOFILE, &files);
	ret = open_slots(&b->plain, files.rlim_max < PLAIN_MAX ? files.rlim_max : PLAIN_MAX, err);
	if (ret || !b->opts.registered_files)
		return ret;
	direct = files.rlim_cur < DIRECT_MAX ? files.rlim_cur : DIRECT_MAX;
	ret = open_slots(&b->direct, direct, err);
	if (ret)
		return ret;
	ret = io_uring_register_files_sparse(&b->ring, (unsigned)direct);
	return ret ? err_sys(err, ret, "registering a table of %zu files", direct) : 0;
}

/* A datagram needs a buffer of its own, so incremental ones are for streams only. */
static int open_buffers(struct uring *b, struct err *err)
{
	const struct uring_opts *o = &b->opts;
	const struct uring_buffers_setup whole = { URING_GROUP, (uint32_t)o->buffers,
						   (uint32_t)o->buffer_size_bytes, false,
						   o->recv_bundle };
	struct uring_buffers_setup pieces = whole;
	int ret = uring_buffers_open(&b->buffers, &b->ring, &whole, err);

	if (ret || !o->incremental_buffers)
		return ret;
	pieces.group = b->stream_group = URING_GROUP_PIECES;
	pieces.incremental = true;
	return uring_buffers_open(&b->pieces, &b->ring, &pieces, err);
}

static int open_parts(struct uring *b, struct err *err)
{
	int ret = uring_kernel_open(b, err);

	if (!ret)
		ret = open_tables(b, err);
	if (!ret)
		ret = open_buffers(b, err);
	if (!ret)
		ret = uring_send_open(&b->sender, err);
	if (!ret)
		ret = uring_polled_open(b, err);
	if (ret)
		return ret;
	if (b->opts.registered_ring) {
		ret = io_uring_register_ring_fd(&b->ring);
		if (ret < 0)
			return err_sys(err, ret, "registering the ring's descriptor");
	}
	b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->wake_fd < 0)
		return err_sys(err, -errno, "eventfd");
	uring_queue_wake(b);
	return 0;
}

static void release(struct uring *b)
{
	if (b->direct.first)
		io_uring_unregister_files(&b->ring);
	uring_buffers_close(&b->buffers, &b->ring);
	uring_buffers_close(&b->pieces, &b->ring);
	uring_polled_close(b);
	uring_send_close(&b->sender);
	uring_share_close(b);
	io_uring_queue_exit(&b->ring);
	if (b->wake_fd >= 0)
		close(b->wake_fd);
	close_slots(&b->plain);
	close_slots(&b->direct);
	timers_finish(&b->timers);
	free(b);
}

extern const struct backend_ops backend_io_uring;

static int open_backend(struct backend **ret, const void *opts, struct err *err)
{
	struct uring *b;
	int code = uring_check(opts, err);

	if (code)
		return code;
	b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(err, -ENOMEM, "io_uring: out of memory");
	b->opts = *(const struct uring_opts *)opts;
	code = uring_share_open(b, make, err);
	if (code) {
		free(b);
		return code;
	}
	b->base.now_ns = clock_now_ns();
	files_init(&b->files, &b->base, &uring_files_calls);
	b->finished_last = &b->finished_first;
	b->starved_last = &b->starved_first;
	b->lent_buffer = b->ahead_buffer = b->wake_fd = -1;
	b->datagram.msg_namelen = sizeof(struct sockaddr_storage);
	b->datagram.msg_controllen = CMSG_SPACE(sizeof(int)); /* UDP_GRO's */
	b->base.datagram_max = (uint32_t)b->opts.buffer_size_bytes - DATAGRAM_HEAD;
	code = open_parts(b, err);
	if (code) {
		release(b);
		return code;
	}
	b->base.ops = &backend_io_uring;
	*ret = &b->base;
	return 0;
}

/* A result nobody will hear of; an accepted connection would be left open. */
static void drop(bool accepts, int res)
{
	if (accepts && res >= 0 && !(res & BACKEND_DIRECT))
		close(res);
}

static void drop_completions(struct uring *b)
{
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;

	io_uring_for_each_cqe(&b->ring, head, cqe)
	{
		count++;
		if (cqe->user_data < TAG_CANCEL_ALL)
			continue;
		b->in_flight -= !(cqe->flags & IORING_CQE_F_MORE);
		if (cqe->user_data >= TAGS && !b->opts.registered_files)
			drop((cqe->user_data & MARK_MASK) == MARK_ACCEPT, cqe->res);
	}
	io_uring_cq_advance(&b->ring, count);
}

static void cancel_all(struct uring *b)
{
	uring_queue_cancel_all(b);
	for (int i = 0; i < CLOSE_TURNS && b->in_flight; i++) {
		if (uring_enter(b, CLOSE_NS) < 0)
			break;
		drop_completions(b);
	}
}

/* Does not look at operations: whoever owned them may be gone. */
static void close_backend(struct backend *base)
{
	struct uring *b = uring_of(base);

	if (!b)
		return;
	files_finish(&b->files);
	if (b->ahead.op)
		drop(b->ahead_accepts, b->ahead.res);
	b->in_flight -= b->bundle.left_bytes && !(b->bundle.flags & IORING_CQE_F_MORE);
	cancel_all(b);
	/* What the polling thread does next, it does after it has let go of what was cancelled. */
	if (b->opts.sqpoll)
		cancel_all(b);
	release(b);
}

const struct backend_ops backend_io_uring = {
	.group = { .name = "io_uring",
		   .help = "io_uring: submission and completion queues shared with the kernel",
		   .knobs = uring_knobs,
		   .opts_size = sizeof(struct uring_opts) },
	.sends_with_wait = true,
	.has_files = true,
	.probe = uring_probe,
	.open = open_backend,
	.close = close_backend,
	.submit = uring_submit,
	.cancel = uring_cancel,
	.wait = uring_wait,
	.next = uring_next,
	.wake = uring_wake,
	.register_buffer = uring_register_buffer,
	.check_file = uring_check_file,
	.read_back = uring_read_back,
	.kernel_threads = uring_kernel_threads,
	.memory = uring_memory,
};
