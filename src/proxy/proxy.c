/*
 * proxy.c - the role in between: addresses to sockets, its thread, start and stop.
 *
 * The relay and all its connections belong to the thread. What others may read is a copy of the
 * counters, which the thread makes when it is asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/proxy.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/memory.h"
#include "proxy/relay.h"

#define ANSWER_NS (100 * MS) /* so long is waited for the thread's counters */

enum phase { PHASE_STARTING, PHASE_SERVING, PHASE_ENDED };

struct proxy {
	struct proxy_opts opts;
	const struct backend_ops *backend;
	void *backend_opts;
	struct hooks hooks;
	struct speaker speaker;
	struct route route;
	struct address addresses[PROXY_BINDS];
	int fds[PROXY_BINDS];
	unsigned count;
	pthread_t thread;
	bool has_thread;

	/* The thread's. */
	struct loop loop;
	struct relay relay;

	/* Between threads. */
	atomic_bool stops, wants_stats;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum phase phase;	  /* from here on under the lock */
	struct proxy_stats stats; /* a copy */
	uint64_t copies;
	struct err failure;
};

static int open_door(struct proxy *p, const struct address *a, struct err *err)
{
	struct address *bound = &p->addresses[p->count];
	int fd = sockets_listen(a, (int)p->opts.backlog, &p->hooks, bound, err);

	if (fd < 0)
		return fd;
	p->fds[p->count++] = fd;
	return 0;
}

static int prepare(struct proxy *p, const void *backend_opts, struct err *err)
{
	size_t size = p->backend->group.opts_size;
	int result = route_init(&p->route, &p->opts, err);

	if (!result && backend_opts && size) {
		p->backend_opts = malloc(size);
		if (!p->backend_opts)
			return err_sys(err, -ENOMEM, "proxy");
		memcpy(p->backend_opts, backend_opts, size);
	}
	for (unsigned i = 0; i < p->route.bind_count && !result; i++)
		result = open_door(p, &p->route.bind[i], err);
	return result;
}

static void enter(struct proxy *p, enum phase phase, const struct err *failure)
{
	pthread_mutex_lock(&p->lock);
	p->phase = phase;
	p->stats = p->relay.stats;
	if (failure && failure->code)
		p->failure = *failure;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static void publish(struct proxy *p)
{
	pthread_mutex_lock(&p->lock);
	p->stats = p->relay.stats;
	p->copies++;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static int say_ready(struct proxy *p, struct err *err)
{
	struct memory memory = { 0 };
	struct thread_parts parts;

	if (!p->hooks.thread_ready)
		return 0;
	memory_add_stack(&memory);
	memory_add_loop(&memory, &p->loop);
	parts = memory_parts(&memory, p->loop.backend);
	return p->hooks.thread_ready(p->hooks.context, THREAD_WORKER, 0, &parts, err);
}

static int set_up(struct proxy *p, struct err *err)
{
	const struct loop_limits none = { 0 }; /* of messages, which this loop has none of */
	const struct sockets sockets = sockets_of_kernel(&p->hooks);
	int result = 0;

	pthread_setname_np(pthread_self(), "rw-proxy");
	if (p->hooks.thread_started)
		result = p->hooks.thread_started(p->hooks.context, THREAD_WORKER, 0, err);
	if (!result)
		result = loop_init(&p->loop, p->backend, p->backend_opts, &none, err);
	if (result)
		return result;
	result = relay_init(&p->relay, &p->loop, &p->route, &p->opts, &sockets, &p->speaker);
	if (result)
		return err_sys(err, result, "proxy");
	for (unsigned i = 0; i < p->count; i++)
		relay_open_door(&p->relay, p->fds[i]);
	return say_ready(p, err);
}

static int serve(struct proxy *p)
{
	int result = 0;

	while (!result && !atomic_load_explicit(&p->stops, memory_order_acquire)) {
		result = loop_turn(&p->loop, -1);
		if (atomic_exchange_explicit(&p->wants_stats, false, memory_order_acquire))
			publish(p);
	}
	return result;
}

/* The loop may be woken until it is told to stop: so long it stays. */
static void wait_for_stop(struct proxy *p)
{
	pthread_mutex_lock(&p->lock);
	while (!atomic_load(&p->stops))
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

static void *run(void *arg)
{
	struct proxy *p = arg;
	struct err err = { 0 };
	int result = set_up(p, &err);

	if (!result) {
		enter(p, PHASE_SERVING, NULL);
		result = serve(p);
		if (result) {
			err_sys(&err, result, "proxy: %s", p->backend->group.name);
			speaker_say(&p->speaker, clock_now_ns(), "%s: the proxy has ended",
				    err.text);
		}
	}
	enter(p, PHASE_ENDED, &err);
	wait_for_stop(p);
	if (p->relay.loop)
		relay_finish(&p->relay);
	else
		loop_finish(&p->loop);
	return NULL;
}

static int start_thread(struct proxy *p, struct err *err)
{
	int code = pthread_create(&p->thread, NULL, run, p);

	if (code)
		return err_sys(err, -code, "proxy: starting a thread");
	p->has_thread = true;
	pthread_mutex_lock(&p->lock);
	while (p->phase == PHASE_STARTING)
		pthread_cond_wait(&p->changed, &p->lock);
	code = p->phase == PHASE_SERVING ? 0 : p->failure.code;
	if (code && err)
		*err = p->failure;
	pthread_mutex_unlock(&p->lock);
	return code;
}

int proxy_start(struct proxy **ret, const struct proxy_opts *opts,
		const struct backend_ops *backend, const void *backend_opts,
		const struct hooks *hooks, struct err *err)
{
	struct proxy *p = calloc(1, sizeof(*p));
	int result;

	if (!p)
		return err_sys(err, -ENOMEM, "proxy");
	p->opts = *opts;
	p->backend = backend;
	if (hooks)
		p->hooks = *hooks;
	speaker_init(&p->speaker, &p->hooks);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	result = prepare(p, backend_opts, err);
	if (!result)
		result = start_thread(p, err);
	if (result) {
		proxy_destroy(p);
		return result;
	}
	*ret = p;
	return 0;
}

unsigned proxy_address_count(const struct proxy *proxy)
{
	return proxy->count;
}

const struct address *proxy_address(const struct proxy *proxy, unsigned index)
{
	return &proxy->addresses[index];
}

uint64_t proxy_seed(const struct proxy *proxy)
{
	return proxy->route.seed;
}

void proxy_stats(struct proxy *proxy, struct proxy_stats *ret)
{
	struct timespec end = clock_timespec(clock_read_ns(CLOCK_REALTIME) + ANSWER_NS);
	uint64_t before;

	pthread_mutex_lock(&proxy->lock);
	before = proxy->copies;
	if (proxy->phase == PHASE_SERVING && proxy->has_thread) {
		atomic_store_explicit(&proxy->wants_stats, true, memory_order_release);
		loop_wake(&proxy->loop);
	}
	while (proxy->phase == PHASE_SERVING && proxy->has_thread && proxy->copies == before) {
		if (pthread_cond_timedwait(&proxy->changed, &proxy->lock, &end))
			break;
	}
	*ret = proxy->stats;
	pthread_mutex_unlock(&proxy->lock);
}

static void ask_to_stop(struct proxy *p)
{
	pthread_mutex_lock(&p->lock);
	atomic_store_explicit(&p->stops, true, memory_order_release);
	if (p->phase == PHASE_SERVING)
		loop_wake(&p->loop);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

/* When no backend watches them any more. */
static void close_doors(struct proxy *p)
{
	while (p->count) {
		address_remove(&p->addresses[--p->count]);
		close(p->fds[p->count]);
	}
}

int proxy_stop(struct proxy *p, struct err *err)
{
	if (p->has_thread) {
		ask_to_stop(p);
		pthread_join(p->thread, NULL);
		p->has_thread = false;
		close_doors(p);
		speaker_rest(&p->speaker);
	}
	return p->failure.code ? err_set(err, p->failure.code, "%s", p->failure.text) : 0;
}

void proxy_destroy(struct proxy *p)
{
	if (!p)
		return;
	proxy_stop(p, NULL);
	close_doors(p);
	route_finish(&p->route);
	free(p->backend_opts);
	free(p);
}
