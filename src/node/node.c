/*
 * node.c - the serving role: addresses to listening sockets, threads, start and stop.
 *
 * What is where: listen.c opens sockets, worker.c is a thread that serves, accept.c brings it
 * connections, program.c does what requests ask for. Here is who listens where (node.h has the
 * accept modes):
 *
 *	child	one listening socket per address and worker, one acceptor each
 *	shared	one listening socket per address, an acceptor per worker on it
 *	parent	one listening socket per address, one acceptor that serves all workers
 *
 * Stopping goes from the outside in: listening sockets, acceptors, workers. So nobody hands a
 * connection to a thread that is gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/accept.h"
#include "node/endpoint.h"
#include "node/listen.h"
#include "node/trust.h"

struct listener {
	int fd;
	struct worker *worker; /* whose it is; NULL: everybody's */
	const struct address *address;
};

struct node {
	struct common common;
	void *backend_opts;
	struct address *addresses;
	unsigned address_count;
	struct listener *listeners;
	unsigned listener_count;
	struct worker *workers;
	unsigned worker_count;
	unsigned started_count; /* of workers */
	struct acceptor *acceptors;
	unsigned acceptor_count;
	bool is_running;
};

static int out_of_memory(struct err *err)
{
	return err_sys(err, -ENOMEM, "node");
}

static int parse_address(const struct node *node, const char *text, struct address *ret,
			 struct err *err)
{
	struct address a;
	int result = address_parse(text, &a, err);

	if (result)
		return result;
	result = trust_check(&node->common, &a, err);
	if (result)
		return result;
	a.protocol = node->common.hooks.stream_protocol;
	*ret = a;
	return 0;
}

static int parse_addresses(struct node *node, struct err *err)
{
	const struct knob_list *list = &node->common.opts.bind;
	int count = list->count ? list->count : 1, result = 0;

	node->addresses = calloc(count, sizeof(*node->addresses));
	if (!node->addresses)
		return out_of_memory(err);
	for (int i = 0; i < count && !result; i++)
		result = parse_address(node, list->count ? knob_list_text(list, i) : "tcp://",
				       &node->addresses[i], err);
	node->address_count = count;
	return result;
}

static int open_listener(struct node *node, struct address *a, struct worker *worker,
			 bool reuseport, struct err *err)
{
	int fd = listen_open(&node->common, a, reuseport, err);

	if (fd < 0)
		return fd;
	node->listeners[node->listener_count++] = (struct listener){ fd, worker, a };
	return 0;
}

/* The last listeners, one a worker. */
static int report_port(const struct node *node, struct err *err)
{
	const struct hooks *hooks = &node->common.hooks;
	unsigned count = node->worker_count;
	int *fds, result;

	if (!hooks->port_opened)
		return 0;
	fds = calloc(count, sizeof(*fds));
	if (!fds)
		return out_of_memory(err);
	for (unsigned i = 0; i < count; i++)
		fds[i] = node->listeners[node->listener_count - count + i].fd;
	result = hooks->port_opened(hooks->context, fds, count, err);
	free(fds);
	return result;
}

static int listen_per_worker(struct node *node, struct address *a, struct err *err)
{
	int result = address_check_free(a, err);

	for (unsigned i = 0; i < node->worker_count && !result; i++)
		result = open_listener(node, a, &node->workers[i], true, err);
	return result || a->transport == TRANSPORT_UDP ? result : report_port(node, err);
}

static int listen_on(struct node *node, struct address *a, struct err *err)
{
	bool per_worker = node->common.opts.accept_mode == ACCEPT_CHILD && node->worker_count > 1;
	char buf[ADDRESS_TEXT];

	if (per_worker && a->storage.ss_family != AF_UNIX)
		return listen_per_worker(node, a, err);
	if (per_worker)
		speaker_say(&node->common.speaker, clock_now_ns(),
			    "%s: a unix socket cannot be listened on by each worker: accepted as "
			    "in mode shared",
			    address_format(a, buf, sizeof(buf)));
	return open_listener(node, a, NULL, false, err);
}

static int listen_everywhere(struct node *node, struct err *err)
{
	int result = 0;

	node->listeners =
		calloc((size_t)node->address_count * node->worker_count, sizeof(*node->listeners));
	if (!node->listeners)
		return out_of_memory(err);
	for (unsigned i = 0; i < node->address_count && !result; i++)
		result = listen_on(node, &node->addresses[i], err);
	return result;
}

static int add_acceptor(struct node *node, const struct listener *l, struct worker *workers,
			unsigned worker_count)
{
	struct acceptor *a = &node->acceptors[node->acceptor_count];

	a->common = &node->common;
	a->index = node->acceptor_count++;
	a->fd = l->fd;
	a->transport = l->address->transport;
	a->workers = workers;
	a->worker_count = worker_count;
	if (node->common.opts.accept_wait == ACCEPT_EVENT)
		a->own = workers;
	return acceptor_init(a);
}

static int add_acceptors(struct node *node, const struct listener *l)
{
	int result = 0;
	bool is_parents = node->common.opts.accept_mode == ACCEPT_PARENT;

	if (l->address->transport == TRANSPORT_UDP && (l->worker || is_parents))
		return endpoints_add(l->worker ? l->worker : node->workers, 1, l->fd);
	if (l->address->transport == TRANSPORT_UDP)
		return endpoints_add(node->workers, node->worker_count, l->fd);
	if (is_parents)
		return add_acceptor(node, l, node->workers, node->worker_count);
	if (l->worker)
		return add_acceptor(node, l, l->worker, 1);
	for (unsigned i = 0; i < node->worker_count && !result; i++)
		result = add_acceptor(node, l, &node->workers[i], 1);
	return result;
}

static int make_acceptors(struct node *node, struct err *err)
{
	int result = 0;

	node->acceptors =
		calloc((size_t)node->listener_count * node->worker_count, sizeof(*node->acceptors));
	if (!node->acceptors)
		return out_of_memory(err);
	for (unsigned i = 0; i < node->listener_count && !result; i++)
		result = add_acceptors(node, &node->listeners[i]);
	return result ? out_of_memory(err) : 0;
}

static int make_workers(struct node *node, struct err *err)
{
	size_t count = (size_t)node->common.opts.threads, size = count * sizeof(*node->workers);

	node->workers = aligned_alloc(_Alignof(struct worker), size);
	if (!node->workers)
		return out_of_memory(err);
	memset(node->workers, 0, size);
	node->worker_count = (unsigned)count;
	for (unsigned i = 0; i < count; i++)
		worker_init(&node->workers[i], &node->common, i);
	return 0;
}

static int copy_backend_opts(struct node *node, const void *opts, struct err *err)
{
	size_t size = node->common.backend->group.opts_size;

	if (!opts || !size)
		return 0;
	node->backend_opts = malloc(size);
	if (!node->backend_opts)
		return out_of_memory(err);
	memcpy(node->backend_opts, opts, size);
	node->common.backend_opts = node->backend_opts;
	return 0;
}

int node_check(const struct node_opts *opts, const struct backend_ops *backend, struct err *err)
{
	return storage_check(&opts->storage, backend, err);
}

static int open_storage(struct node *node, struct err *err)
{
	struct common *common = &node->common;
	const struct storage_env env = { common->backend, &common->hooks, &common->speaker,
					 node->worker_count };

	return storage_open(&common->storage, &common->opts.storage, &env, err);
}

static int prepare(struct node *node, const void *backend_opts, struct err *err)
{
	struct compute *compute = &node->common.compute;
	int result = copy_backend_opts(node, backend_opts, err);

	if (!result)
		result = trust_read_secret(&node->common, err);
	if (!result)
		result = parse_addresses(node, err);
	if (!result)
		result = trust_prepare(&node->common, node->addresses, node->address_count, err);
	node->common.opts.tls = NULL;
	node->common.opts.secret = NULL;
	if (!result)
		result = allow_parse(&node->common.opts.allow_forward, &node->common.allowed, err);
	if (!result)
		result = make_workers(node, err);
	if (!result)
		result = listen_everywhere(node, err);
	if (!result)
		result = make_acceptors(node, err);
	if (!result)
		result = open_storage(node, err);
	if (result)
		return result;
	compute_calibrate(compute);
	compute->plain = node->common.opts.computing.plain;
	if (node->common.opts.computing.loops_per_us > 0)
		compute->loops_per_ns = node->common.opts.computing.loops_per_us / 1000;
	return 0;
}

static void join_acceptors(struct node *node)
{
	for (unsigned i = 0; i < node->acceptor_count; i++) {
		if (node->acceptors[i].has_thread)
			pthread_join(node->acceptors[i].thread, NULL);
		node->acceptors[i].has_thread = false;
	}
}

static void join_workers(struct node *node)
{
	while (node->started_count)
		pthread_join(node->workers[--node->started_count].thread, NULL);
}

static int start_threads(struct node *node, struct err *err)
{
	unsigned count = 0;
	int result = 0;

	for (unsigned i = 0; i < node->worker_count && !result; i++) {
		result = worker_start(&node->workers[i], err);
		node->started_count += !result;
	}
	count = node->started_count;
	for (unsigned i = 0; i < node->acceptor_count && !result; i++) {
		if (node->acceptors[i].own)
			continue;
		result = acceptor_start(&node->acceptors[i], err);
		count += !result;
	}
	if (!result)
		result = gate_await(&node->common.gate, count, err);
	node->is_running = !result;
	gate_decide(&node->common.gate, !result, node->started_count + 1);
	if (result) {
		join_acceptors(node);
		join_workers(node);
	}
	return result;
}

int node_start(struct node **ret, const struct node_opts *opts, const struct backend_ops *backend,
	       const void *backend_opts, const struct hooks *hooks, struct err *err)
{
	struct node *node = calloc(1, sizeof(*node));
	int result;

	if (!node)
		return out_of_memory(err);
	node->common.opts = *opts;
	node->common.backend = backend;
	if (hooks)
		node->common.hooks = *hooks;
	gate_init(&node->common.gate);
	speaker_init(&node->common.speaker, &node->common.hooks);
	result = prepare(node, backend_opts, err);
	if (!result)
		result = start_threads(node, err);
	if (result) {
		node_destroy(node);
		return result;
	}
	*ret = node;
	return 0;
}

unsigned node_address_count(const struct node *node)
{
	return node->address_count;
}

const struct address *node_address(const struct node *node, unsigned index)
{
	return &node->addresses[index];
}

unsigned node_worker_count(const struct node *node)
{
	return node->worker_count;
}

static void add_stats(struct node_stats *sum, const struct node_stats *one)
{
	uint64_t sums[STATS_WORDS], words[STATS_WORDS];

	memcpy(sums, sum, sizeof(sums));
	memcpy(words, one, sizeof(words));
	for (unsigned i = 0; i < STATS_WORDS; i++)
		sums[i] += words[i];
	memcpy(sum, sums, sizeof(sums));
}

void node_stats(const struct node *node, int worker, struct node_stats *ret)
{
	struct node_stats one;

	*ret = (struct node_stats){ 0 };
	for (unsigned i = 0; i < node->worker_count; i++) {
		if (worker >= 0 && (unsigned)worker != i)
			continue;
		if (node->is_running)
			worker_ask_stats(&node->workers[i]);
		worker_stats(&node->workers[i], &one);
		add_stats(ret, &one);
	}
}

unsigned node_device_count(const struct node *node)
{
	return atomic_load_explicit(&node->common.storage.count, memory_order_acquire);
}

void node_device(const struct node *node, unsigned index, struct node_device *ret)
{
	const struct device *d = &node->common.storage.devices[index];

	*ret = (struct node_device){
		.path = d->opts.path,
		.size = d->opts.size,
		.loads = atomic_load(&d->loads),
		.stores = atomic_load(&d->stores),
		.sends = atomic_load(&d->sends),
		.loaded = atomic_load(&d->loaded),
		.stored = atomic_load(&d->stored),
		.sent = atomic_load(&d->sent),
		.syncs = atomic_load(&d->syncs),
		.errors = atomic_load(&d->errors),
	};
}

/* From here on clients are refused, and acceptors come back from accept(2). */
static void close_doors(struct node *node)
{
	atomic_store_explicit(&node->common.phase, PHASE_CLOSED, memory_order_release);
	for (unsigned i = 0; i < node->listener_count; i++) {
		address_remove(node->listeners[i].address);
		if (node->listeners[i].address->transport != TRANSPORT_UDP)
			shutdown(node->listeners[i].fd, SHUT_RDWR);
	}
	join_acceptors(node);
}

/* When no backend watches them any more. */
static void close_listeners(struct node *node)
{
	while (node->listener_count)
		close(node->listeners[--node->listener_count].fd);
}

static int first_failure(const struct node *node, struct err *err)
{
	for (unsigned i = 0; i < node->worker_count; i++) {
		if (node->workers[i].failure.code)
			return err_set(err, node->workers[i].failure.code, "%s",
				       node->workers[i].failure.text);
	}
	return 0;
}

int node_stop(struct node *node, struct err *err)
{
	if (node->is_running) {
		node->is_running = false;
		close_doors(node);
		atomic_store_explicit(&node->common.phase, PHASE_STOPPING, memory_order_release);
		for (unsigned i = 0; i < node->worker_count; i++)
			worker_notify(&node->workers[i]);
		gate_leave(&node->common.gate);
		join_workers(node);
		close_listeners(node);
		storage_stop(&node->common.storage);
		speaker_rest(&node->common.speaker);
	}
	return first_failure(node, err);
}

void node_destroy(struct node *node)
{
	if (!node)
		return;
	node_stop(node, NULL);
	for (unsigned i = 0; i < node->listener_count; i++)
		address_remove(node->listeners[i].address);
	close_listeners(node);
	for (unsigned i = 0; i < node->acceptor_count; i++)
		acceptor_finish(&node->acceptors[i]);
	storage_close(&node->common.storage);
	for (unsigned i = 0; i < node->worker_count; i++)
		endpoints_free(&node->workers[i]);
	free(node->acceptors);
	free(node->listeners);
	free(node->workers);
	free(node->addresses);
	free(node->backend_opts);
	trust_finish(&node->common);
	free(node);
}
