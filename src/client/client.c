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
#include "client/arrival_text.h"
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
	if (o->sessions > 1 && (!o->requests || o->session_requests))
		return err_set(err, -EINVAL,
			       "--num-sessions divides the requests of -n: give both, or say with "
			       "--session-requests alone how long a session is");
	return 0;
}

/* The period as given is exact, also when the rate has no finite number of digits. */
static long double period_ns(const struct client_opts *o)
{
	enum arrival_law law;
	int64_t ns;

	if (*o->period && !arrival_parse_period(o->period, &law, &ns, NULL))
		return ns;
	return SEC / (long double)o->rate;
}

/* Of one session; 0: it lasts as long as the run. DistWalk rounds up, too. */
static int64_t session_requests(const struct client_opts *o)
{
	if (o->sessions > 1)
		return (o->requests + o->sessions - 1) / o->sessions;
	return o->session_requests;
}

/* Measured, of each thread; 0: the duration decides. */
static int64_t request_limit(const struct client_opts *o)
{
	if (o->sessions > 1)
		return session_requests(o) * o->sessions;
	return o->requests || o->duration_ns ? o->requests : 1;
}

/* Room for no more records than there can be; they are all touched before the start. */
static uint64_t record_room(const struct client_opts *o)
{
	double expected = o->rate * o->duration_ns / 1e9;

	if (request_limit(o) && request_limit(o) < o->records)
		return request_limit(o);
	/* Exponential gaps: six standard deviations above the mean. */
	expected += 6 * sqrt(expected) + 1;
	return o->duration_ns && !o->outstanding && expected < o->records ? expected : o->records;
}

static struct load_plan make_plan(const struct client *c, unsigned thread)
{
	const struct client_opts *o = c->opts;
	struct load_plan plan = {
		.program = &c->program,
		.outstanding = o->outstanding,
		.connections = o->connections,
		.in_flight = o->in_flight,
		.wait = o->wait,
		.spin_ns = o->spin_ns,
		.timeout_ns = o->timeout_ns,
		.drain_ns = o->drain_ns,
		.records = record_room(o),
		.thread = thread,
		.clock = load_clock_real,
		.session_requests = session_requests(o),
		.retries = o->retries,
		.retry_ns = o->retry_ns,
		.connect = client_connect_session,
		.sink = o->sink,
		.arrivals = {
			.law = o->arrivals,
			.warm_up_ns = o->warm_up_ns,
			.duration_ns = o->duration_ns,
			.requests = request_limit(o),
			.key = arrival_key(c->seed, thread),
		},
	};

	if (!o->outstanding)
		plan.arrivals.period_ns = period_ns(o);
	if (o->arrivals == ARRIVAL_CONSTANT && o->staggered)
		plan.arrivals.phase_ns = plan.arrivals.period_ns * thread / c->count;
	program_keys(&c->program, c->seed, thread, &plan.keys);
	return plan;
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

	if (c->job.to.transport != TRANSPORT_TLS)
		return 0;
	rc = address_host(c->opts->to, peer->host, sizeof(peer->host), err);
	if (!rc)
		rc = tls_context_create(&peer->context, opts, TLS_CLIENT, err);
	if (!rc && !opts->verify)
		say_unverified(c);
	return rc;
}

static int prepare(struct client *c, struct err *err)
{
	const struct client_opts *o = c->opts;
	int64_t deadline_us = (o->timeout_ns + US - 1) / US;
	int rc = check_opts(o, err);

	if (!rc)
		rc = address_parse(o->to, &c->job.to, err);
	if (!rc)
		address_format(&c->job.to, c->job.to_text, sizeof(c->job.to_text));
	if (!rc && *o->from)
		rc = parse_from(o->from, &c->job, err);
	if (!rc)
		rc = prepare_tls(c, err);
	if (!rc)
		rc = program_parse(&o->program, o->request_size, o->reply_size,
				   deadline_us < UINT32_MAX ? deadline_us : 0, &c->program, err);
	if (rc)
		return rc;
	c->job.no_delay = o->no_delay;
	c->seed = o->seed ? (uint64_t)o->seed : random_fresh_seed();
	c->threads = calloc(o->threads, sizeof(*c->threads));
	if (!c->threads)
		return err_set(err, -ENOMEM, "no memory for %lld threads", (long long)o->threads);
	c->count = o->threads;
	for (unsigned i = 0; i < c->count; i++) {
		c->threads[i].job = &c->job;
		c->threads[i].index = i;
		c->threads[i].plan = make_plan(c, i);
	}
	return 0;
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
	return rc;
}

static void client_finish(struct client *c)
{
	for (unsigned i = 0; i < c->count; i++)
		load_finish(&c->threads[i].load);
	free(c->threads);
	tls_context_destroy(c->job.tls.context);
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
