/*
 * client.c - starts the threads, opens the gate, adds up what they counted: see client.h.
 *
 * Read load.h next for what a thread does, judge.h for what is said about the outcome.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/client.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/client_private.h"

/* From the gate's opening to the start: every thread must have woken up by then. */
#define START_AHEAD_NS	      (2 * MS)
#define START_AHEAD_THREAD_NS (100 * US)

static int check_opts(const struct client_opts *o, struct err *err)
{
	if (!o->outstanding && !(o->rate > 0))
		return err_set(err, -EINVAL, "an open loop needs a rate above 0");
	if (o->outstanding && o->outstanding * o->connections > o->in_flight)
		return err_set(
			err, -EINVAL,
			"%lld outstanding on each of %lld connections are more than the %lld "
			"requests a thread may have in flight",
			(long long)o->outstanding, (long long)o->connections,
			(long long)o->in_flight);
	if (o->sessions > 1 && o->session_requests)
		return err_set(err, -EINVAL,
			       "--num-sessions and --session-requests both say how long a session "
			       "is: leave one out");
	if (o->sessions > 1 && !o->requests)
		return err_set(err, -EINVAL,
			       "--num-sessions divides the requests of -n, which is not given; "
			       "--session-requests says how long a session is without it");
	return 0;
}

/* Of one session; 0: it lasts as long as the run. DistWalk rounds up, too. */
static uint64_t session_requests(const struct client *c)
{
	const struct client_opts *o = c->opts;

	if (o->sessions > 1)
		return (c->rates.requests + o->sessions - 1) / o->sessions;
	return o->session_requests;
}

/* Room for no more records than there can be; they are all touched before the start. */
static uint64_t record_room(const struct client *c, uint64_t requests)
{
	const struct client_opts *o = c->opts;
	double expected = o->rate * o->duration_ns / 1e9;

	if (requests && requests < (uint64_t)o->records)
		return requests;
	if (!o->duration_ns || o->outstanding || c->rates.has_ramp)
		return o->records;
	/* Drawn gaps: six standard deviations above the mean. */
	expected += 6 * sqrt(expected) + 1;
	return expected < o->records ? expected : o->records;
}

/* What no datagram could carry. */
static int check_sizes(const struct client *c, struct err *err)
{
	if (c->job.to.transport != TRANSPORT_UDP || c->program.request_size <= DATAGRAM_MAX)
		return 0;
	return err_set(err, -EINVAL,
		       "%s: a request of %u bytes does not fit into a datagram, which carries %d",
		       c->job.to_text, c->program.request_size, DATAGRAM_MAX);
}

/* Datagram sockets are never connected in the kernel's sense. */
static bool wants_check(const struct client *c)
{
	return c->job.hooks && c->job.hooks->wants_connections &&
	       c->job.to.transport != TRANSPORT_UDP;
}

static int make_plan(const struct client *c, struct client_thread *t, struct err *err)
{
	const struct client_opts *o = c->opts;
	struct load_plan plan = {
		.program = &c->program,
		.outstanding = o->outstanding,
		.connections = o->connections,
		.in_flight = o->in_flight,
		.wait = o->wait,
		.spin_ns = o->spin_ns,
		.timeout_ns = c->timeout_ns,
		.is_datagram = c->job.to.transport == TRANSPORT_UDP,
		.drain_ns = o->drain_ns,
		.thread = t->index,
		.seed = c->seed,
		.clock = load_clock_real,
		.session_requests = session_requests(c),
		.retries = o->retries,
		.retry_ns = o->retry_ns,
		.connect = client_connect_session,
		.check = wants_check(c) ? client_check_session : NULL,
		.sink = o->sink,
	};
	int rc = rates_plan(&c->rates, o, c->seed, t->index, &t->ramp, &plan.arrivals, err);

	if (o->sessions > 1)
		plan.arrivals.requests = plan.session_requests * o->sessions;
	plan.records = record_room(c, plan.arrivals.requests);
	t->plan = plan;
	return rc;
}

/* Without a port, the kernel chooses one: DistWalk's default is 0, too. */
static int parse_from(const char *text, struct client_job *job, struct err *err)
{
	char with_port[sizeof(((struct client_opts *)0)->from) + 2];
	bool has_port = strchr(text, ':') && !(strchr(text, ']') && !strstr(text, "]:"));
	int rc;

	snprintf(with_port, sizeof(with_port), "%s%s", text, has_port ? "" : ":0");
	rc = address_parse(with_port, &job->from, err);
	if (!rc && job->from.storage.ss_family != job->to.storage.ss_family)
		rc = err_set(err, -EINVAL, "%s is of another family than %s", text, job->to_text);
	return rc ? err_wrap(err, "--bind-addr"), -EINVAL : 0;
}

/* DistWalk does not check certificates unless told to, and so do we; but we say it. */
static void say_unverified(const struct client *c)
{
	const struct hooks *hooks = c->job.hooks;

	if (hooks && hooks->say)
		hooks->say(hooks->context,
			   "TLS: who the node is was not checked: --tls-verify does that, with "
			   "--tls-ca=FILE unless the system knows its authority");
}

static int prepare_tls(struct client *c, struct err *err)
{
	static const struct tls_opts none = { .max_version = TLS_1_3, .handshake_ns = 5 * SEC };
	const struct tls_opts *opts = c->opts->tls ? c->opts->tls : &none;
	struct tls_peer *peer = &c->job.tls;
	int rc;

	if (c->job.to.transport != TRANSPORT_TLS && opts->verify)
		return err_set(err, -EINVAL,
			       "--tls-verify: %s is not reached by TLS, so nobody's certificate "
			       "would be checked; --to=tls://... is",
			       c->job.to_text);
	if (c->job.to.transport != TRANSPORT_TLS)
		return 0;
	rc = address_host(c->opts->to, peer->host, sizeof(peer->host), err);
	if (!rc)
		rc = tls_context_create(&peer->context, opts, TLS_CLIENT, err);
	if (!rc && !opts->verify)
		say_unverified(c);
	return rc;
}

static int prepare_secret(struct client *c, struct err *err)
{
	const struct secret_opts *opts = c->opts->secret;
	int rc = opts ? secret_create(&c->job.secret, opts, err) : 0;

	if (rc || !c->job.secret || c->job.to.transport != TRANSPORT_UDP)
		return rc;
	return err_set(err, -EINVAL,
		       "%s: UDP has no connection on which the secret could be proved "
		       "(--secret-file, " SECRET_ENVIRONMENT "); use tcp:// or tls://",
		       c->job.to_text);
}

static struct program_setup program_setup(const struct client_opts *o)
{
	int64_t deadline_us = (o->timeout_ns + US - 1) / US;

	return (struct program_setup){
		.texts = &o->program,
		.request_size = o->request_size,
		.reply_size = o->reply_size,
		.deadline_us = deadline_us < UINT32_MAX ? (uint32_t)deadline_us : 0,
	};
}

int client_check(const struct client_opts *o, struct err *err)
{
	const struct program_setup setup = program_setup(o);
	struct program program = { 0 };
	struct rates rates = { 0 };
	int rc = check_opts(o, err);

	if (!rc)
		rc = rates_read(o, &rates, err);
	if (!rc)
		rc = program_parse(&setup, &program, err);
	rates_finish(&rates);
	program_finish(&program);
	return rc;
}

int client_print_program(const struct client_opts *o, FILE *out, struct err *err)
{
	const struct program_setup setup = program_setup(o);

	return program_print(&setup, out, err);
}

static int prepare(struct client *c, struct err *err)
{
	const struct client_opts *o = c->opts;
	const struct program_setup setup = program_setup(o);
	int rc = check_opts(o, err);

	if (!rc)
		rc = rates_read(o, &c->rates, err);
	if (!rc)
		rc = address_parse(o->to, &c->job.to, err);
	if (!rc)
		address_format(&c->job.to, c->job.to_text, sizeof(c->job.to_text));
	if (c->job.hooks)
		c->job.to.protocol = c->job.hooks->stream_protocol;
	if (!rc && *o->from)
		rc = parse_from(o->from, &c->job, err);
	if (!rc)
		rc = prepare_tls(c, err);
	if (!rc)
		rc = prepare_secret(c, err);
	if (!rc)
		rc = program_parse(&setup, &c->program, err);
	if (rc)
		return rc;
	if (check_sizes(c, err))
		return -EINVAL;
	c->timeout_ns = o->timeout_ns;
	if (!c->timeout_ns && c->job.to.transport == TRANSPORT_UDP)
		c->timeout_ns = CLIENT_UDP_TIMEOUT_NS;
	c->job.udp = o->udp;
	c->job.no_delay = o->no_delay;
	c->seed = o->seed ? (uint64_t)o->seed : random_fresh_seed();
	c->threads = calloc(o->threads, sizeof(*c->threads));
	if (!c->threads)
		return err_set(err, -ENOMEM, "no memory for %lld threads", (long long)o->threads);
	c->count = o->threads;
	for (unsigned i = 0; i < c->count && !rc; i++) {
		c->threads[i].job = &c->job;
		c->threads[i].index = i;
		rc = make_plan(c, &c->threads[i], err);
	}
	return rc;
}

static int start_threads(struct client *c, struct err *err)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct client_thread *t = &c->threads[i];
		int code = pthread_create(&t->id, NULL, client_thread_main, t);

		if (code)
			return err_sys(err, -code, "thread %u", i);
		t->is_started = true;
	}
	return 0;
}

/* Opens the gate when all have connected; cancels those that wait if one could not. */
static void open_gate(struct client *c, bool is_cancelled)
{
	struct client_job *job = &c->job;

	pthread_mutex_lock(&job->lock);
	job->is_cancelled |= is_cancelled;
	while (job->ready < c->count && !job->is_cancelled)
		pthread_cond_wait(&job->changed, &job->lock);
	host_sample_take(&c->observed_begin);
	machine_usage_read(&c->machine_begin);
	if (!job->is_cancelled)
		job->start_ns = clock_now_ns() + START_AHEAD_NS + c->count * START_AHEAD_THREAD_NS;
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

/* The first thread's error, if there is one. */
static int join_threads(struct client *c, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < c->count; i++) {
		struct client_thread *t = &c->threads[i];

		if (!t->is_started)
			continue;
		pthread_join(t->id, NULL);
		if (!t->err.code || rc)
			continue;
		rc = t->err.code;
		if (err)
			*err = t->err;
		err_wrap(err, "thread %u", i);
	}
	machine_usage_read(&c->machine_end);
	host_sample_take(&c->observed_end);
	return rc;
}

static void client_finish(struct client *c)
{
	for (unsigned i = 0; i < c->count; i++)
		load_finish(&c->threads[i].load);
	program_finish(&c->program);
	host_finish(&c->observed_begin);
	host_finish(&c->observed_end);
	free(c->threads);
	tls_context_destroy(c->job.tls.context);
	secret_destroy(c->job.secret);
	pthread_cond_destroy(&c->job.changed);
	pthread_mutex_destroy(&c->job.lock);
}

int client_run(const struct client_opts *opts, const struct backend_ops *backend,
	       const void *backend_opts, const struct hooks *hooks, const atomic_bool *stop,
	       struct client_result **ret, struct err *err)
{
	struct client c AUTO(client_finish) = {
		.opts = opts,
		.job = {
			.backend = backend,
			.backend_opts = backend_opts,
			.hooks = hooks,
			.stop = stop,
			.lock = PTHREAD_MUTEX_INITIALIZER,
			.changed = PTHREAD_COND_INITIALIZER,
		},
	};
	int rc = prepare(&c, err), started;

	if (rc)
		return rc;
	started = start_threads(&c, err);
	open_gate(&c, started);
	rc = join_threads(&c, started ? NULL : err);
	return started ? started : rc ? rc : client_make_result(&c, ret, err);
}
