/*
 * readiness.c - submit, cancel and wait for the backends that only know readiness.
 *
 * readiness.h says how and why; the calls that move bytes are in readiness_serve.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/readiness.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/readiness_private.h"

#define SLOTS_FIRST 256

/*
 * Results in a batch. What is sent at once comes back at once, so a caller who goes on sending
 * would otherwise never see a timer again.
 */
#define BATCH_MAX 4096

/* What a thread of the pool adds to wake_fd; wake() adds 1, and never so many at a time. */
#define NUDGE (1ULL << 32)

static struct readiness *of(struct backend *b)
{
	return (struct readiness *)b;
}

/* Fresh pages are zero and cost nothing before they are used; realloc() would touch them all. */
static int grow(struct readiness *r, int fd)
{
	int count = r->slot_count ? r->slot_count : SLOTS_FIRST;
	struct slot *slots;

	while (count <= fd)
		count *= 2;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	if (r->slots)
		memcpy(slots, r->slots, r->slot_count * sizeof(*slots));
	free(r->slots);
	r->slots = slots;
	r->slot_count = count;
	return 0;
}

/* Makes sure that fd has a slot and can be watched. */
static int prepare(struct readiness *r, int fd)
{
	if (fd < 0)
		return -EBADF;
	if (r->fd_limit && fd >= r->fd_limit)
		return -ERANGE;
	return fd < r->slot_count ? 0 : grow(r, fd);
}

/* Watches one direction more. Edges are asked for once, both directions at a time. */
static int watch_more(struct readiness *r, int fd, struct slot *s, unsigned direction)
{
	unsigned wanted = r->edges ? WATCH_IN | WATCH_OUT : s->watched | direction;
	int rc;

	if (s->watched & direction)
		return 0;
	rc = r->io->watch(r, fd, s, wanted);
	if (rc == 0)
		s->watched = wanted;
	return rc;
}

/* A listener that blocks would hold up everything in the accept that finds nobody. */
static void set_nonblocking(struct readiness *r, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	r->backend.stats.syscalls++;
	if (flags < 0 || flags & O_NONBLOCK)
		return;
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	r->backend.stats.syscalls++;
}

static void submit_in(struct readiness *r, struct slot *s, struct io_op *op)
{
	int rc;

	assert(!s->in);
	if (op->kind == IO_ACCEPT)
		set_nonblocking(r, op->fd);
	s->in = op;
	rc = op->kind == IO_RECVFROM && op->batch > 1 ? readiness_prepare_pack(r) : 0;
	if (rc == 0)
		rc = watch_more(r, op->fd, s, WATCH_IN);
	if (rc < 0) {
		s->in = NULL;
		op_finish(r, op, rc);
	} else if (s->ready & WATCH_IN && !(s->flags & SLOT_QUEUED)) {
		slot_queue_add(r, &r->later, op->fd);
	}
}

static void submit_out(struct readiness *r, struct slot *s, struct io_op *op)
{
	int rc;

	assert(!s->out);
	if (op->kind == IO_SEND && op->flags & IO_ZERO_COPY) {
		r->backend.stats.zero_copy++;
		r->backend.stats.copied++;
	}
	if (!(s->flags & SLOT_FULL) && op_try_out(r, s, op))
		return;
	s->out = op;
	rc = watch_more(r, op->fd, s, WATCH_OUT);
	if (rc < 0) {
		s->out = NULL;
		op_finish(r, op, rc);
	}
}

/* If its next result has been taken already, that one becomes the last. */
static void cancel_in(struct readiness *r, struct slot *s)
{
	struct io_op *op = s->in;

	s->in = NULL;
	readiness_drop_pack(r, op);
	if (!r->has_first || r->first.op != op) {
		op_finish(r, op, -ECANCELED);
		return;
	}
	r->first.more = false;
	op->state = OP_AWAY;
}

static void cancel_out(struct readiness *r, struct slot *s)
{
	struct io_op *op = s->out;

	s->out = NULL;
	op_finish(r, op, -ECANCELED);
}

/*
 * The descriptor is closed when this is read: until then its number cannot be another's. A thread
 * that has begun something with it has to end that first.
 */
static void submit_close(struct readiness *r, struct io_op *op)
{
	struct slot *s = op->fd >= 0 && op->fd < r->slot_count ? &r->slots[op->fd] : NULL;
	unsigned begun;

	if (s && s->in)
		cancel_in(r, s);
	if (s && s->out)
		cancel_out(r, s);
	begun = files_cancel_all(&r->files, op->fd, op);
	if (begun)
		op->generation = (uint16_t)begun;
	else
		op_finish(r, op, 0);
}

void readiness_submit(struct backend *b, struct io_op *op)
{
	struct readiness *r = of(b);
	int rc;

	op->state = OP_WAITS;
	if (io_is_file(op->kind)) {
		files_submit(&r->files, op);
		return;
	}
	if (op->kind == IO_CLOSE) {
		submit_close(r, op);
		return;
	}
	rc = op->kind == IO_TIMER ? timers_add(&r->timers, op) : prepare(r, op->fd);
	if (rc < 0)
		op_finish(r, op, rc);
	else if (op->kind <= IO_RECVFROM)
		submit_in(r, &r->slots[op->fd], op);
	else if (op->kind <= IO_CONNECT)
		submit_out(r, &r->slots[op->fd], op);
}

void readiness_cancel(struct backend *b, struct io_op *op)
{
	struct readiness *r = of(b);

	if (op->state != OP_WAITS)
		return;
	if (op->kind == IO_TIMER) {
		timers_remove(&r->timers, op);
		op_finish(r, op, -ECANCELED);
	} else if (io_is_file(op->kind)) {
		files_cancel(&r->files, op);
	} else if (r->slots[op->fd].in == op) {
		cancel_in(r, &r->slots[op->fd]);
	} else {
		cancel_out(r, &r->slots[op->fd]);
	}
}

/* Stays awake for the busy time, then sleeps for what is left, which may be nothing. */
static int pause_for(struct readiness *r, int64_t timeout_ns)
{
	int64_t start_ns, spent_ns = 0, spin_ns = r->busy_wait_ns;
	int rc = 0;

	if (!spin_ns || !timeout_ns)
		return r->io->wait(r, timeout_ns);
	if (timeout_ns > 0 && timeout_ns < spin_ns)
		spin_ns = timeout_ns;
	start_ns = clock_now_ns();
	while (rc == 0 && spent_ns < spin_ns) {
		rc = r->io->wait(r, 0);
		spent_ns = clock_now_ns() - start_ns;
	}
	if (rc || (timeout_ns > 0 && spent_ns >= timeout_ns))
		return rc;
	return r->io->wait(r, timeout_ns < 0 ? -1 : timeout_ns - spent_ns);
}

/*
 * wake_fd is watched like any descriptor, but emptied here: a wake is no result. What threads of
 * the pool add to it ends no wait, and is told from wakes by its size.
 */
static bool take_wake(struct readiness *r)
{
	struct slot *s = &r->slots[r->wake_fd];
	uint64_t count;

	if (!(s->ready & WATCH_IN))
		return false;
	s->ready = 0;
	r->backend.stats.syscalls++;
	return read(r->wake_fd, &count, sizeof(count)) > 0 && count % NUDGE;
}

/* One visit to the kernel and what follows from it. */
static int look(struct readiness *r, int64_t timeout_ns, bool *woken)
{
	struct backend *b = &r->backend;
	struct io_op *op;
	int rc = pause_for(r, timeout_ns);

	if (rc < 0)
		return rc;
	b->now_ns = clock_now_ns();
	*woken |= take_wake(r);
	files_collect(&r->files);
	while ((op = timers_take(&r->timers, b->now_ns)))
		op_finish(r, op, 0);
	if (!r->has_first)
		r->has_first = readiness_take(r, &r->first);
	return 0;
}

static void end_batch(struct readiness *r)
{
	backend_count_batch(&r->backend.stats, r->results);
	r->backend.stats.completions += r->results;
	r->results = 0;
	slot_queue_move(r, &r->batch, &r->later);
}

static int64_t time_until(int64_t until_ns, int64_t now_ns)
{
	if (until_ns == INT64_MAX)
		return -1;
	return until_ns > now_ns ? until_ns - now_ns : 0;
}

int readiness_wait(struct backend *b, int64_t timeout_ns)
{
	struct readiness *r = of(b);
	int64_t now_ns = 0, until_ns, end_ns = timeout_ns < 0 ? INT64_MAX : 0;
	bool woken = false;
	int rc;

	end_batch(r);
	files_collect(&r->files);
	if (timeout_ns > 0 || r->timers.count)
		now_ns = clock_now_ns();
	if (timeout_ns > 0 && __builtin_add_overflow(now_ns, timeout_ns, &end_ns))
		end_ns = INT64_MAX;
	if (!r->has_first)
		r->has_first = readiness_take(r, &r->first);
	b->stats.waits++;
	do {
		until_ns = timers_next_ns(&r->timers);
		until_ns = r->has_first ? 0 : until_ns < end_ns ? until_ns : end_ns;
		rc = look(r, time_until(until_ns, now_ns), &woken);
		if (rc < 0)
			return rc;
		now_ns = b->now_ns;
	} while (!r->has_first && !woken && now_ns < end_ns);
	b->stats.wakeups += r->has_first;
	return r->has_first;
}

bool readiness_next(struct backend *b, struct io_result *ret)
{
	struct readiness *r = of(b);

	if (r->has_first) {
		*ret = r->first;
		r->has_first = false;
	} else if (r->results == BATCH_MAX || !readiness_take(r, ret)) {
		return false;
	}
	r->results++;
	return true;
}

/* It can only fail when 2^64 - 2 wakes are pending, which is a wake all the same. */
static void add_to_wake(struct backend *b, uint64_t count)
{
	int was = errno;

	if (write(of(b)->wake_fd, &count, sizeof(count)) < 0)
		errno = was;
}

void readiness_wake(struct backend *b)
{
	add_to_wake(b, 1);
}

static void nudge(struct backend *b)
{
	add_to_wake(b, NUDGE);
}

static void finish_file(struct backend *b, struct io_op *op)
{
	op_finish(of(b), op, op->result < 0 ? op->result : 0);
}

static void let_close(struct backend *b, struct io_op *close)
{
	op_finish(of(b), close, 0);
}

static const struct files_calls files_calls = { .finish = finish_file,
						.let_close = let_close,
						.nudge = nudge };

int readiness_probe(struct err *why)
{
	return 0;
}

/* What a broken stream has left pending was ours and is dropped. */
static void unblock_sigpipe(struct readiness *r)
{
	const struct timespec at_once = { 0 };
	sigset_t set;

	if (!r->quiet || r->was_quiet)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigtimedwait(&set, NULL, &at_once);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void readiness_close(struct backend *b)
{
	struct readiness *r = of(b);

	if (!r)
		return;
	files_finish(&r->files);
	r->io->close(r);
	unblock_sigpipe(r);
	if (r->wake_fd >= 0)
		close(r->wake_fd);
	timers_finish(&r->timers);
	readiness_free_pack(r);
	if (r->buffer)
		munmap(r->buffer, r->buffer_size);
	free(r->slots);
	free(r);
}

unsigned readiness_memory(struct backend *b, struct memory_range *ret, unsigned room)
{
	const struct readiness *r = of(b);
	unsigned count = 0;

	if (count < room)
		ret[count++] = (struct memory_range){ "receive buffer", r->buffer, r->buffer_size };
	if (r->pack && count < room)
		ret[count++] = readiness_pack_memory(r);
	return count;
}

static int open_wake(struct readiness *r, struct err *err)
{
	const char *name = r->backend.ops->group.name;
	int rc;

	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->wake_fd < 0)
		return err_sys(err, -errno, "%s: eventfd", name);
	rc = prepare(r, r->wake_fd);
	if (rc == -ERANGE)
		return err_set(err, rc,
			       "%s: cannot watch descriptor %d; it stops at %d, so open it before "
			       "the connections",
			       name, r->wake_fd, r->fd_limit - 1);
	if (rc < 0)
		return err_sys(err, rc, "%s: table of descriptors", name);
	r->wake_op.kind = IO_RECV;
	r->slots[r->wake_fd].in = &r->wake_op;
	rc = watch_more(r, r->wake_fd, &r->slots[r->wake_fd], WATCH_IN);
	return rc < 0 ? err_sys(err, rc, "%s: watching an eventfd", name) : 0;
}

/* Pages of its own, so that where they are can be chosen and counted. */
static uint8_t *open_buffer(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int open_parts(struct readiness *r, const struct readiness_opts *opts, struct err *err)
{
	const char *name = r->backend.ops->group.name;
	int rc;

	r->busy_wait_ns = opts->busy_wait_ns;
	r->buffer_size = opts->recv_buffer;
	r->buffer = open_buffer(r->buffer_size);
	if (!r->buffer)
		return err_sys(err, -ENOMEM, "%s: receive buffer", name);
	r->backend.datagram_max = readiness_datagram_max(r);
	rc = r->io->open(r, opts, err);
	if (rc < 0)
		return rc;
	rc = open_wake(r, err);
	if (rc == 0)
		r->backend.now_ns = clock_now_ns();
	return rc;
}

int readiness_open(struct backend **ret, const struct backend_ops *ops,
		   const struct readiness_ops *io, const void *opts, struct err *err)
{
	struct readiness *r = calloc(1, io->size);
	int rc;

	if (!r)
		return err_sys(err, -ENOMEM, "%s", ops->group.name);
	r->backend.ops = ops;
	r->io = io;
	r->wake_fd = -1;
	r->batch = r->later = (struct slot_queue){ -1, -1 };
	files_init(&r->files, &r->backend, &files_calls);
	rc = open_parts(r, opts, err);
	if (rc < 0)
		readiness_close(&r->backend);
	else
		*ret = &r->backend;
	return rc;
}
