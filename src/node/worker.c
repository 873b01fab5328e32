/*
 * worker.c - one thread that serves.
 *
 * Its life: hook, loop, gate; then turns until the phase says stop; then drain: connections of
 * clients close when what they owe is sent, and after opts.drain_ns at the latest; those to other
 * nodes are needed until then. Last it waits for the others (gate.h), because they may still be
 * about to wake this loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/knob.h"
#include "engine/guard.h"
#include "engine/memory.h"
#include "node/accept.h"
#include "node/endpoint.h"

static struct worker *worker_of(const struct conn *c)
{
	return (struct worker *)((char *)c->loop - offsetof(struct worker, loop));
}

/* Of the whole node. One about another node is another sentence; there are 64 at most. */
static void say_once(void *context, enum upstream_trouble trouble, const char *sentence)
{
	struct worker *w = context;
	unsigned long long bit = 1ULL << (word_hash(sentence) >> 58);

	if (atomic_fetch_or(&w->common->told, bit) & bit)
		return;
	if (!speaker_say(&w->common->speaker, loop_now_ns(&w->loop), "%s", sentence))
		worker_say_rest_later(w);
}

static void on_message(struct conn *c, const struct message *m)
{
	program_run(&worker_of(c)->host, c, m);
}

static void on_refused(struct conn *c, const struct message *m, enum wire_fault why)
{
	struct worker *w = worker_of(c);

	w->stats.faults[why]++;
	worker_say_refused(w, c, m, why);
}

static void on_end(struct conn *c, enum conn_end end, int code)
{
	struct worker *w = worker_of(c);

	w->stats.connections--;
	if (end == CONN_FAULT)
		w->stats.faults[code]++;
	if (end != CONN_PEER_CLOSED && end != CONN_LOCAL)
		worker_say_end(w, c, end, code);
	program_drop_waiting(&w->host, c);
}

static void on_closed(struct conn *c, enum conn_end end, int code)
{
	atomic_fetch_sub_explicit(&worker_of(c)->common->connections, 1, memory_order_relaxed);
	on_end(c, end, code);
}

/* Connections to other nodes have a role of their own (upstream.c). */
static const struct conn_role role = {
	.accepts = WIRE_REQUEST,
	.takes_long = true,
	.message = on_message,
	.closed = on_closed,
};

/* These do not count for --max-connections: --udp.peers bounds them. */
static void on_peer(struct conn *c)
{
	worker_of(c)->stats.connections++;
}

const struct conn_role worker_datagram_role = {
	.accepts = WIRE_REQUEST,
	.takes_long = true,
	.opened = on_peer,
	.message = on_message,
	.closed = on_end,
};

/* The limit is the node's, not the worker's: the kernel does not spread evenly. */
static bool is_one_too_many(struct worker *w)
{
	struct common *common = w->common;

	if (atomic_fetch_add_explicit(&common->connections, 1, memory_order_relaxed) <
	    common->opts.connections)
		return false;
	atomic_fetch_sub_explicit(&common->connections, 1, memory_order_relaxed);
	w->loop.stats.refused++;
	if (!speaker_say(&common->speaker, loop_now_ns(&w->loop),
			 "%" PRId64 " connections are open, which is --max-connections: a new one "
			 "is refused",
			 common->opts.connections))
		worker_say_rest_later(w);
	return true;
}

/* A crowd that connects and does not go on. */
static void say_crowded(struct worker *w)
{
	if (!tls_is_crowded(&w->loop, w->common->tls))
		return;
	if (!speaker_say(&w->common->speaker, loop_now_ns(&w->loop),
			 "as many TLS handshakes as --tls-max-handshakes allows are unfinished: a "
			 "new connection is refused"))
		worker_say_rest_later(w);
}

static struct conn *open_conn(struct worker *w, int fd, enum transport transport)
{
	const struct secret *secret = w->common->secret;
	struct conn *c;

	if (transport == TRANSPORT_TLS) {
		say_crowded(w);
		c = conn_open_tls(&w->loop, fd, w->common->tls, &role, NULL);
	} else {
		c = conn_open(&w->loop, fd, &role, NULL);
	}
	return secret ? guard_node(c, secret) : c;
}

/* False: not as it was asked for. */
static bool is_fit(struct worker *w, int fd)
{
	struct err err = { 0 };

	if (!w->common->hooks.wants_connections || !worker_check_accepted(w, fd, &err))
		return true;
	atomic_fetch_add_explicit(&w->accept_errors, 1, memory_order_relaxed);
	if (!speaker_say(&w->common->speaker, loop_now_ns(&w->loop), "%s: connection dropped",
			 err.text))
		worker_say_rest_later(w);
	return false;
}

void worker_take(struct worker *w, int fd, enum transport transport)
{
	if (w->draining || !is_fit(w, fd) || is_one_too_many(w)) {
		loop_close_fd(&w->loop, fd);
		return;
	}
	if (!open_conn(w, fd, transport)) {
		atomic_fetch_sub_explicit(&w->common->connections, 1, memory_order_relaxed);
		return;
	}
	w->stats.accepted++;
	w->stats.connections++;
}

void worker_notify(struct worker *w)
{
	atomic_store_explicit(&w->has_mail, true, memory_order_release);
	loop_wake(&w->loop);
}

static void take_mail(struct worker *w)
{
	int fd;

	if (!atomic_load_explicit(&w->has_mail, memory_order_relaxed))
		return;
	atomic_exchange_explicit(&w->has_mail, false, memory_order_acquire);
	for (struct mailbox *box = w->boxes; box; box = box->next) {
		while ((fd = mailbox_take(box)) >= 0)
			worker_take(w, fd, box->transport);
	}
	if (atomic_exchange_explicit(&w->wants_stats, false, memory_order_acquire))
		worker_publish(w);
}

/* One turn, with all that belongs to it. */
static int turn(struct worker *w, int64_t timeout_ns)
{
	int result = loop_turn(&w->loop, program_is_ready(&w->host) ? 0 : timeout_ns);

	if (program_is_ready(&w->host))
		program_run_ready(&w->host);
	take_mail(w);
	return result;
}

static int serve(struct worker *w)
{
	struct acceptor *a;
	int result = 0;

	for (a = w->acceptors; a; a = a->next)
		acceptor_begin(a);
	while (!result &&
	       atomic_load_explicit(&w->common->phase, memory_order_relaxed) != PHASE_STOPPING)
		result = turn(w, -1);
	return result;
}

/* Requests in progress end; what comes now is not begun any more. */
static int drain(struct worker *w)
{
	int64_t end_ns = clock_now_ns() + w->common->opts.drain_ns;
	int result = 0;

	w->draining = true;
	for (struct acceptor *a = w->acceptors; a; a = a->next)
		acceptor_end(a);
	for (struct endpoint *e = w->endpoints; e; e = e->next)
		endpoint_end(e);
	if (w->rest_is_due)
		loop_cancel(&w->loop, &w->rest);
	transfers_hurry(&w->transfers);
	for (struct conn *c = w->loop.all, *next; c; c = next) {
		next = c->next; /* a datagram peer may be gone at once */
		if (c->role == &role || c->role == &worker_datagram_role)
			conn_finish(c);
		else if (guard_waits_for_client(c))
			conn_close(c);
	}
	while (!result && w->stats.connections) {
		int64_t left_ns = end_ns - clock_now_ns();

		if (left_ns <= 0)
			break;
		result = turn(w, left_ns);
	}
	return result;
}

static int open_upstream(void *context, struct address *a)
{
	struct worker *w = context;
	struct err err = { 0 };
	int fd, result;

	a->protocol = w->common->hooks.stream_protocol;
	fd = address_socket(a, &err);
	result = fd < 0 ? 0 : worker_prepare_upstream(w, a, fd, &err);
	if (result) {
		close(fd);
		fd = result;
	}
	if (fd < 0)
		say_once(w, TROUBLE_SOCKET, err.text);
	return fd;
}

static int check_upstream(void *context, int fd)
{
	struct worker *w = context;
	struct err err = { 0 };
	int result = worker_check_upstream(w, fd, &err);

	if (result)
		say_once(w, TROUBLE_SOCKET, err.text);
	return result;
}

static int prepare_forwards(struct worker *w)
{
	const struct node_opts *opts = &w->common->opts;
	const struct upstream_opts upstream = {
		.attempts = (uint32_t)opts->forwards,
		.links = (uint32_t)opts->upstreams,
		.per_destination = (uint32_t)opts->forward_connections,
		.idle_ns = opts->forward_idle_ns,
		.allowed = &w->common->allowed,
		.tls = w->common->forward_tls,
		.secret = w->common->secret,
		.udp = opts->udp,
		.context = w,
		.open_socket = open_upstream,
		.check_socket = w->common->hooks.wants_connections ? check_upstream : NULL,
		.say = say_once,
	};
	int result = forwards_init(&w->forwards, &w->loop, &upstream, w->index + 1);

	w->host.forwards = &w->forwards;
	w->host.hops_max = (uint8_t)opts->hops;
	return result;
}

/* What it works with, in the words of its user. */
static void list_memory(struct worker *w, struct memory *m)
{
	memory_add(m, "worker", w, sizeof(*w));
	memory_add_stack(m);
	memory_add_loop(m, &w->loop);
	memory_add(m, "loads", w->transfers.memory, w->transfers.memory_size);
}

static int say_ready(struct worker *w, struct err *err)
{
	const struct hooks *hooks = &w->common->hooks;
	struct memory memory = { 0 };
	struct thread_parts parts;

	if (!hooks->thread_ready)
		return 0;
	list_memory(w, &memory);
	parts = memory_parts(&memory, w->loop.backend);
	return hooks->thread_ready(hooks->context, THREAD_WORKER, w->index, &parts, err);
}

static void say_ending(struct worker *w)
{
	const struct hooks *hooks = &w->common->hooks;
	struct memory memory = { 0 };
	struct thread_parts parts;

	if (!hooks->thread_ending)
		return;
	list_memory(w, &memory);
	parts = memory_parts(&memory, w->loop.backend);
	hooks->thread_ending(hooks->context, THREAD_WORKER, w->index, &parts);
}

static int prepare(struct worker *w, struct err *err)
{
	struct common *common = w->common;
	const struct node_opts *opts = &common->opts;
	const struct loop_limits limits = {
		.message_max = (uint32_t)opts->message_max,
		.connections = (uint32_t)(opts->connections + opts->upstreams),
		.out_queue = (uint32_t)opts->out_queue,
		.in_flight = (uint32_t)opts->in_flight,
	};
	char name[16];
	int result = 0;

	snprintf(name, sizeof(name), "rw-worker-%u", w->index % 1000);
	pthread_setname_np(pthread_self(), name);
	if (common->hooks.thread_started)
		result = common->hooks.thread_started(common->hooks.context, THREAD_WORKER,
						      w->index, err);
	if (!result)
		result = loop_init(&w->loop, common->backend, common->backend_opts, &limits, err);
	if (!result)
		program_host_init(&w->host, &w->loop, &common->compute, (uint64_t)opts->message_max,
				  (uint64_t)opts->compute_max_ns);
	w->host.clock = clock_now_ns;
	w->host.refused = on_refused;
	if (!result && prepare_forwards(w))
		result = err_sys(err, -ENOMEM, "worker %u: forwards", w->index);
	if (!result)
		result = transfers_init(&w->transfers, &common->storage, &w->host, err);
	for (struct endpoint *e = w->endpoints; e && !result; e = e->next)
		result = endpoint_begin(e, err);
	return result ? result : say_ready(w, err);
}

static void fail(struct worker *w, int code)
{
	err_sys(&w->failure, code, "worker %u: %s", w->index, w->common->backend->group.name);
	atomic_store(&w->has_ended, true);
	speaker_say(&w->common->speaker, clock_now_ns(), "%s: this worker has ended",
		    w->failure.text);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct err err = { 0 };
	int result = prepare(w, &err);

	if (gate_pass(&w->common->gate, result, &err)) {
		result = serve(w);
		if (!result)
			result = drain(w);
		if (result)
			fail(w, result);
		say_ending(w);
		gate_leave(&w->common->gate);
	}
	worker_publish(w); /* the backend's counters go with it */
	forwards_end(&w->forwards);
	loop_finish(&w->loop);
	program_host_finish(&w->host);
	forwards_finish(&w->forwards);
	transfers_finish(&w->transfers);
	worker_publish(w);
	return NULL;
}

void worker_init(struct worker *w, struct common *common, unsigned index)
{
	w->common = common;
	w->index = index;
}

int worker_start(struct worker *w, struct err *err)
{
	int code = pthread_create(&w->thread, NULL, run, w);

	return code ? err_sys(err, -code, "worker %u: starting a thread", w->index) : 0;
}
