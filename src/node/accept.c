/*
 * accept.c - new connections: from a listening socket to the worker that serves them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/accept.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define PAUSE_MS 10 /* when descriptors are out, or every mailbox is full */

static void on_accepted(struct io_op *op, const struct io_result *r);

static bool is_closed(const struct acceptor *a)
{
	return atomic_load_explicit(&a->common->phase, memory_order_acquire) != PHASE_SERVING;
}

/* What is no descriptor but a place in one loop's table means nothing to another loop. */
static void refuse_direct(struct acceptor *a, int fd)
{
	atomic_fetch_add_explicit(&a->own->accept_errors, 1, memory_order_relaxed);
	speaker_say(&a->common->speaker, clock_now_ns(),
		    "accept: what %s keeps in a table of its own cannot be handed to other "
		    "workers (registered-files, --accept-mode=parent): connection dropped",
		    a->own->loop.ops->group.name);
	loop_close_fd(&a->own->loop, fd);
}

/* False: nobody can take it now. */
static bool give(struct acceptor *a, int fd)
{
	if (fd & BACKEND_DIRECT && a->worker_count > 1) {
		refuse_direct(a, fd);
		return true;
	}
	for (unsigned tries = 0; tries < a->worker_count; tries++) {
		unsigned index = a->turn++ % a->worker_count;
		struct worker *w = &a->workers[index];

		if (w == a->own) {
			worker_take(w, fd, a->transport);
			return true;
		}
		if (!atomic_load_explicit(&w->has_ended, memory_order_relaxed) &&
		    mailbox_put(&a->boxes[index], fd)) {
			worker_notify(w);
			return true;
		}
	}
	return false;
}

/* What another moment or another client can change; the rest is the socket itself. */
static bool is_passing(int code)
{
	static const int codes[] = { ECONNABORTED, EINTR,	 EAGAIN,     EPROTO,
				     ENETDOWN,	   ENOPROTOOPT,	 EHOSTDOWN,  ENONET,
				     EPERM,	   EHOSTUNREACH, ENETUNREACH };

	for (unsigned i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (code == -codes[i])
			return true;
	}
	return false;
}

static bool is_exhausted(int code)
{
	return code == -EMFILE || code == -ENFILE || code == -ENOBUFS || code == -ENOMEM;
}

static void say_exhausted(struct acceptor *a, int code)
{
	if (!atomic_exchange(&a->common->told_full, true))
		speaker_say(&a->common->speaker, clock_now_ns(),
			    "accept: %s: clients wait in the backlog until there is room again",
			    strerror(-code));
}

static void say_broken(struct acceptor *a, int code)
{
	speaker_say(&a->common->speaker, clock_now_ns(),
		    "accept: %s: nothing more is accepted on this socket", strerror(-code));
}

/* Counts and says it. True: try again. */
static bool survives(struct acceptor *a, int code)
{
	atomic_fetch_add_explicit(&a->workers->accept_errors, 1, memory_order_relaxed);
	if (is_exhausted(code))
		say_exhausted(a, code);
	else if (!is_passing(code))
		say_broken(a, code);
	return is_exhausted(code) || is_passing(code);
}

void acceptor_begin(struct acceptor *a)
{
	a->is_accepting = true;
	a->op.kind = IO_ACCEPT;
	a->op.fd = a->fd;
	a->op.done = on_accepted;
	loop_submit(&a->own->loop, &a->op);
}

static void on_pause_over(struct io_op *op, const struct io_result *r)
{
	struct acceptor *a = (struct acceptor *)((char *)op - offsetof(struct acceptor, pause));

	(void)r;
	a->is_pausing = false;
	if (!is_closed(a))
		acceptor_begin(a);
}

static void begin_pause(struct acceptor *a)
{
	a->is_pausing = true;
	a->pause.kind = IO_TIMER;
	a->pause.deadline_ns = loop_now_ns(&a->own->loop) + PAUSE_MS * MS;
	a->pause.done = on_pause_over;
	loop_submit(&a->own->loop, &a->pause);
}

static void on_accepted(struct io_op *op, const struct io_result *r)
{
	struct acceptor *a = (struct acceptor *)op;

	a->is_accepting = r->more;
	if (r->res >= 0)
		give(a, r->res);
	if (r->more || is_closed(a))
		return;
	if (r->res >= 0 || survives(a, r->res)) {
		if (is_exhausted(r->res))
			begin_pause(a);
		else
			acceptor_begin(a);
	}
}

void acceptor_end(struct acceptor *a)
{
	if (a->is_accepting)
		loop_cancel(&a->own->loop, &a->op);
	if (a->is_pausing)
		loop_cancel(&a->own->loop, &a->pause);
}

static void pause_thread(void)
{
	poll(NULL, 0, PAUSE_MS);
}

static void give_patiently(struct acceptor *a, int fd)
{
	while (!give(a, fd)) {
		if (is_closed(a)) {
			close(fd);
			return;
		}
		pause_thread();
	}
}

static void accept_until_closed(struct acceptor *a)
{
	for (;;) {
		int fd = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		int code = fd < 0 ? -errno : 0;

		if (fd >= 0)
			give_patiently(a, fd);
		if (is_closed(a))
			return;
		if (code && !survives(a, code))
			return;
		if (is_exhausted(code))
			pause_thread();
	}
}

static int prepare(struct acceptor *a, struct err *err)
{
	const struct hooks *hooks = &a->common->hooks;
	char name[16];

	snprintf(name, sizeof(name), "rw-accept-%u", a->index % 1000);
	pthread_setname_np(pthread_self(), name);
	return hooks_start_thread(hooks, THREAD_ACCEPTOR, a->index, err);
}

static void *run(void *arg)
{
	struct acceptor *a = arg;
	struct err err = { 0 };
	int result = prepare(a, &err);

	if (gate_pass(&a->common->gate, result, &err))
		accept_until_closed(a);
	return NULL;
}

int acceptor_start(struct acceptor *a, struct err *err)
{
	int code = pthread_create(&a->thread, NULL, run, a);

	if (code)
		return err_sys(err, -code, "acceptor %u: starting a thread", a->index);
	a->has_thread = true;
	return 0;
}

int acceptor_init(struct acceptor *a)
{
	if (a->own) {
		a->next = a->own->acceptors;
		a->own->acceptors = a;
	}
	if (a->own && a->worker_count == 1)
		return 0;
	a->boxes = aligned_alloc(_Alignof(struct mailbox), a->worker_count * sizeof(*a->boxes));
	if (!a->boxes)
		return -ENOMEM;
	memset(a->boxes, 0, a->worker_count * sizeof(*a->boxes));
	for (unsigned i = 0; i < a->worker_count; i++) {
		a->boxes[i].transport = a->transport;
		a->boxes[i].next = a->workers[i].boxes;
		a->workers[i].boxes = &a->boxes[i];
	}
	return 0;
}

void acceptor_finish(struct acceptor *a)
{
	int fd;

	for (unsigned i = 0; a->boxes && i < a->worker_count; i++) {
		while ((fd = mailbox_take(&a->boxes[i])) >= 0)
			close(fd);
	}
	free(a->boxes);
	a->boxes = NULL;
}
