/*
 * sim.c - a backend on simulated sockets, as sim.h promises it.
 *
 * Ready is what can be done at net->now_ns; all operations of a turn happen at that instant. Only
 * when a wait finds nothing to do the time jumps: to the next arrival, timer or end of the
 * timeout. Backends that share a net take turns: a wait returns 0 early when another backend has
 * something to do, or would be jumped over.
 *
 * A wait without a timeout in a net where nothing will ever happen can only be ended by wake().
 * It gives other threads ten real seconds to call it, then says -EDEADLK: a test that fails is
 * better than one that hangs.
 *
 * Sockets are searched for something to do from the lowest descriptor up, once in a batch, so the
 * order is the same in each run and nobody is served twice before all were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/sim.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "backends/op_queue.h"
#include "backends/sim_net.h"
#include "backends/timers.h"
#include "base/clock.h"

#define RECV_BUFFER (64 << 10)
#define PATIENCE_S  10
/* Connections or datagrams from one socket in a batch, and results in all. */
#define SERVE_MAX 16
#define BATCH_MAX 4096

enum { OP_AWAY, OP_WAITS, OP_DONE }; /* io_op.state */

struct sim {
	struct backend backend;
	struct sim_net *net;
	bool owns_net;
	struct sim *next; /* in net->backends */
	struct op_queue done;
	struct timers timers;
	struct timers late; /* file operations, and sends whose memory is still needed */
	int64_t device_ns[SIM_DEVICES]; /* when the device is free again */
	int cursor, served;		/* the socket to look at next; how often it was served */
	uint64_t results;		/* handed out since the last wait */
	sem_t wakes;
	struct sockaddr_storage from;
	uint8_t buffer[RECV_BUFFER];
	uint8_t file_bytes[RECV_BUFFER]; /* on their way from a file to a socket */
	uint8_t segments[RECV_BUFFER];	 /* datagrams that were handed over as one (UDP_SEGMENT) */
};

static struct sim *of(struct backend *b)
{
	return (struct sim *)b;
}

static void finish(struct sim *sim, struct io_op *op, int res)
{
	op->state = OP_DONE;
	op->generation = res < 0 ? -res : 0;
	op_queue_add(&sim->done, op);
}

static bool can_serve(const struct sim *sim, const struct sim_socket *s)
{
	return s && s->owner == sim &&
	       ((s->in && sim_readable(sim->net, s)) || (s->out && sim_writable(sim->net, s)));
}

static bool has_work(const struct sim *sim)
{
	if (sim->done.first || timers_next_ns(&sim->timers) <= sim->net->now_ns ||
	    timers_next_ns(&sim->late) <= sim->net->now_ns)
		return true;
	for (int fd = 0; fd < sim->net->size; fd++)
		if (can_serve(sim, sim->net->sockets[fd]))
			return true;
	return false;
}

/* As much of the file as one call of the kernel's would take. */
static int give_file(struct sim *sim, struct sim_socket *s, const struct io_op *op)
{
	struct sim_socket *file = sim_find(sim->net, op->file_fd);
	struct iovec part = { sim->file_bytes, 0 };
	size_t len = op->len < sizeof(sim->file_bytes) ? op->len : sizeof(sim->file_bytes);
	int n = file ? sim_pages_read(file, sim->file_bytes, len, op->offset) : -EBADF;

	if (n <= 0)
		return n;
	part.iov_len = n;
	return sim_give(sim->net, s, &part, 1, -1, true);
}

static int give(struct sim *sim, struct sim_socket *s, const struct io_op *op)
{
	struct iovec whole = { (void *)op->buf, op->len };

	if (op->kind == IO_SENDFILE)
		return give_file(sim, s, op);
	if (op->kind == IO_SEND)
		return sim_give(sim->net, s, &whole, 1, -1, true);
	if (op->kind == IO_SENDMMSG)
		return sim_give_many(sim->net, s, op);
	return sim_give_message(sim->net, s, op->msg);
}

static void finish_at(struct sim *sim, struct io_op *op, int64_t end_ns)
{
	if (timers_add_at(&sim->late, op, end_ns) < 0)
		finish(sim, op, -ENOMEM);
}

/* False: has to wait. */
static bool try_out(struct sim *sim, struct sim_socket *s, struct io_op *op)
{
	int n;

	if (op->kind == IO_CONNECT && !sim_writable(sim->net, s))
		return false;
	n = op->kind == IO_CONNECT ? sim_finish_connect(s) : give(sim, s, op);
	if (n == -EAGAIN)
		return false;
	s->sent = n;
	if (n > 0 && op->kind == IO_SEND && op->flags & IO_ZERO_COPY && s->kind == SIM_STREAM) {
		sim->backend.stats.zero_copy++;
		finish_at(sim, op, s->peer->last->arrives_ns);
	} else {
		finish(sim, op, n);
	}
	return true;
}

static void submit_out(struct sim *sim, struct sim_socket *s, struct io_op *op)
{
	int rc = -EINPROGRESS;

	assert(!s->out);
	if (op->kind == IO_CONNECT)
		rc = sim_start_connect(sim->net, s, sim_address_fd(op->addr));
	if (rc != -EINPROGRESS)
		finish(sim, op, rc);
	else if (!try_out(sim, s, op))
		s->out = op;
}

static void cancel_socket(struct sim *sim, struct sim_socket *s)
{
	if (s->in)
		finish(sim, s->in, -ECANCELED);
	if (s->out)
		finish(sim, s->out, -ECANCELED);
	s->in = s->out = NULL;
}

/* Its time has come. What a zero-copy send has sent is in its socket. */
static void finish_late(struct sim *sim, struct io_op *op)
{
	if (!io_is_file(op->kind)) {
		finish(sim, op, 0);
		return;
	}
	op->result = sim_file_call(sim->net, op);
	finish(sim, op, op->result < 0 ? op->result : 0);
}

static void submit_file(struct sim *sim, struct io_op *op)
{
	int64_t end_ns = sim_file_end_ns(sim->net, &sim->backend, sim->device_ns, op);

	if (end_ns < 0)
		finish(sim, op, (int)end_ns);
	else if (sim->backend.files == FILES_INLINE)
		finish_late(sim, op);
	else
		finish_at(sim, op, end_ns);
}

/* A send has happened, and only its memory is not given back yet. */
static void cancel_late(struct sim *sim, struct io_op *op)
{
	timers_remove(&sim->late, op);
	finish(sim, op, io_is_file(op->kind) ? -ECANCELED : 0);
}

static void cancel_all_late(struct sim *sim, int fd)
{
	struct io_op *op;

	while ((op = timers_find(&sim->late, fd)))
		cancel_late(sim, op);
}

static void sim_submit(struct backend *b, struct io_op *op)
{
	struct sim *sim = of(b);
	struct sim_socket *s = op->kind == IO_TIMER ? NULL : sim_find(sim->net, op->fd);
	int rc = op->kind == IO_TIMER ? timers_add(&sim->timers, op) : 0;

	op->state = OP_WAITS;
	if (s)
		s->owner = sim;
	if (rc < 0)
		finish(sim, op, rc);
	else if (op->kind == IO_TIMER)
		return;
	else if (io_is_file(op->kind))
		submit_file(sim, op);
	else if (!s)
		finish(sim, op, -EBADF);
	else if (op->kind == IO_CLOSE) {
		cancel_all_late(sim, op->fd);
		cancel_socket(sim, s);
		finish(sim, op, 0);
	} else if (op->kind <= IO_RECVFROM) {
		assert(!s->in);
		s->in = op;
	} else {
		submit_out(sim, s, op);
	}
}

static void sim_cancel(struct backend *b, struct io_op *op)
{
	struct sim *sim = of(b);
	struct sim_socket *s;

	if (op->state != OP_WAITS)
		return;
	if (op->kind == IO_TIMER) {
		timers_remove(&sim->timers, op);
	} else {
		s = sim_find(sim->net, op->fd);
		if (s && s->in == op) {
			s->in = NULL;
		} else if (s && s->out == op) {
			s->out = NULL;
		} else {
			cancel_late(sim, op);
			return;
		}
	}
	finish(sim, op, -ECANCELED);
}

/* IO_CLOSE closes when it is read, so that until then the number is not another socket's. */
static void take_done(struct sim *sim, struct io_result *ret)
{
	struct io_op *op = op_queue_take(&sim->done);
	int32_t res = -op->generation;
	struct sim_socket *s = op->kind == IO_TIMER ? NULL : sim_find(sim->net, op->fd);

	op->state = OP_AWAY;
	if (res == 0 && op->kind == IO_CLOSE)
		sim_drop(sim->net, s, s->resets ? SIM_RESET : SIM_END);
	if (res == 0 && op->kind >= IO_SEND && op->kind <= IO_SENDFILE)
		res = s->sent;
	if (res == 0 && io_is_file(op->kind))
		res = op->result;
	*ret = (struct io_result){ .op = op, .res = res };
}

static void serve_in(struct sim *sim, struct sim_socket *s, struct io_result *ret)
{
	struct io_op *op = s->in;
	int n, from_fd = -1;

	if (op->kind == IO_ACCEPT)
		n = sim_accept(sim->net, s);
	else
		n = sim_take(sim->net, s, sim->buffer, sizeof(sim->buffer), true, &from_fd);
	*ret = (struct io_result){ .op = op, .res = n };
	ret->more = n > 0 || (n == 0 && op->kind == IO_RECVFROM);
	if (!ret->more) {
		s->in = NULL;
		op->state = OP_AWAY;
	}
	if (op->kind != IO_ACCEPT && n > 0)
		ret->data = sim->buffer;
	if (op->kind == IO_RECVFROM && n >= 0) {
		sim_address(from_fd, &sim->from, &ret->from_len);
		ret->from = (struct sockaddr *)&sim->from;
		ret->cut = s->was_cut;
		ret->follows =
			op->batch > 1 && sim->served < SERVE_MAX && sim_readable(sim->net, s);
	}
}

/* True: *ret is filled. False: a send may have been finished. */
static bool serve(struct sim *sim, struct sim_socket *s, struct io_result *ret)
{
	struct io_op *out = s->out;

	if (out && sim_writable(sim->net, s)) {
		s->out = NULL;
		if (!try_out(sim, s, out))
			s->out = out;
	}
	if (!s->in || !sim_readable(sim->net, s) ||
	    sim->served++ >= (s->in->kind == IO_RECV ? 1 : SERVE_MAX))
		return false;
	serve_in(sim, s, ret);
	return true;
}

static bool take(struct sim *sim, struct io_result *ret)
{
	for (;;) {
		struct sim_socket *s;

		if (sim->done.first) {
			take_done(sim, ret);
			return true;
		}
		if (sim->cursor >= sim->net->size)
			return false;
		s = sim->net->sockets[sim->cursor];
		if (s && s->owner == sim && serve(sim, s, ret))
			return true;
		sim->cursor++;
		sim->served = 0;
	}
}

static bool sim_next(struct backend *b, struct io_result *ret)
{
	struct sim *sim = of(b);
	bool found = sim->results < BATCH_MAX && take(sim, ret);

	sim->results += found;
	return found;
}

/* Whether another backend of the net has to have its turn now. */
static bool others_have_work(const struct sim *sim)
{
	for (const struct sim *other = sim->net->backends; other; other = other->next)
		if (other != sim && has_work(other))
			return true;
	return false;
}

static int64_t next_event_ns(const struct sim *sim)
{
	int64_t next_ns = sim_next_arrival_ns(sim->net);

	for (const struct sim *any = sim->net->backends; any; any = any->next) {
		if (timers_next_ns(&any->timers) < next_ns)
			next_ns = timers_next_ns(&any->timers);
		if (timers_next_ns(&any->late) < next_ns)
			next_ns = timers_next_ns(&any->late);
	}
	return next_ns;
}

static bool take_wakes(struct sim *sim)
{
	bool woken = false;

	while (sem_trywait(&sim->wakes) == 0)
		woken = true;
	return woken;
}

static int wait_for_wake(struct sim *sim)
{
	struct timespec end;
	int rc;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	do
		rc = sem_timedwait(&sim->wakes, &end);
	while (rc < 0 && errno == EINTR);
	take_wakes(sim);
	return rc < 0 ? -EDEADLK : 0;
}

static void begin_batch(struct sim *sim)
{
	struct io_op *op;

	sim->backend.now_ns = sim->net->now_ns;
	sim->cursor = sim->served = 0;
	while ((op = timers_take(&sim->timers, sim->net->now_ns)))
		finish(sim, op, 0);
	while ((op = timers_take(&sim->late, sim->net->now_ns)))
		finish_late(sim, op);
}

static int sim_wait(struct backend *b, int64_t timeout_ns)
{
	struct sim *sim = of(b);
	struct sim_net *net = sim->net;
	int64_t end_ns, next_ns;

	if (timeout_ns < 0 || __builtin_add_overflow(net->now_ns, timeout_ns, &end_ns))
		end_ns = INT64_MAX;
	backend_count_batch(&b->stats, sim->results);
	b->stats.completions += sim->results;
	sim->results = 0;
	b->stats.waits++;
	for (;;) {
		begin_batch(sim);
		if (has_work(sim)) {
			b->stats.wakeups++;
			take_wakes(sim);
			return 1;
		}
		if (take_wakes(sim) || others_have_work(sim) || net->now_ns >= end_ns)
			return 0;
		next_ns = next_event_ns(sim);
		if (next_ns == INT64_MAX && end_ns == INT64_MAX)
			return wait_for_wake(sim);
		net->now_ns = next_ns < end_ns ? next_ns : end_ns;
	}
}

static void sim_wake(struct backend *b)
{
	sem_post(&of(b)->wakes);
}

static int sim_probe(struct err *why)
{
	return 0;
}

static void sim_backend_close(struct backend *b)
{
	struct sim *sim = of(b), **at;

	if (!sim)
		return;
	for (int fd = 0; fd < sim->net->size; fd++) {
		struct sim_socket *s = sim->net->sockets[fd];

		if (s && s->owner == sim) {
			s->owner = NULL;
			s->in = s->out = NULL;
		}
	}
	for (at = &sim->net->backends; *at != sim;)
		at = &(*at)->next;
	*at = sim->next;
	if (sim->owns_net)
		sim_net_destroy(sim->net);
	timers_finish(&sim->timers);
	timers_finish(&sim->late);
	sem_destroy(&sim->wakes);
	free(sim);
}

extern const struct backend_ops backend_sim;

static int sim_backend_open(struct backend **ret, const void *opts, struct err *err)
{
	const struct sim_opts *o = opts;
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		return err_sys(err, -ENOMEM, "sim");
	sim->owns_net = !o->net;
	sim->net = o->net ? o->net : sim_net_create(1, &(struct sim_faults){ 0 });
	if (!sim->net) {
		free(sim);
		return err_sys(err, -ENOMEM, "sim");
	}
	sim->next = sim->net->backends;
	sim->net->backends = sim;
	sim->backend.ops = &backend_sim;
	sim->backend.datagram_max = RECV_BUFFER;
	sim->backend.now_ns = sim->net->now_ns;
	sem_init(&sim->wakes, 0, 0);
	*ret = &sim->backend;
	return 0;
}

const struct backend_ops backend_sim = {
	.group = { .name = "sim",
		   .help = "simulated sockets and time",
		   .opts_size = sizeof(struct sim_opts) },
	.has_files = true,
	.probe = sim_probe,
	.open = sim_backend_open,
	.close = sim_backend_close,
	.submit = sim_submit,
	.cancel = sim_cancel,
	.wait = sim_wait,
	.next = sim_next,
	.wake = sim_wake,
};
