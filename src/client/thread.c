/*
 * thread.c - see thread.h. Where the time goes is load.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/thread.h"

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "engine/memory.h"

/* Queues are bounded by load.c, which looks at them before it appends. If the engine stopped
 * reading because of them, a node that waits for us to read would never empty them. */
#define NO_LIMIT UINT32_MAX

static int run_hook(const struct client_thread *t, struct err *err)
{
	const struct hooks *hooks = t->job->hooks;

	if (!hooks || !hooks->thread_started)
		return 0;
	return hooks->thread_started(hooks->context, THREAD_CLIENT, t->index, err);
}

static void list_memory(struct client_thread *t, struct memory *m)
{
	memory_add_stack(m);
	memory_add_loop(m, &t->loop);
}

static int say_ready(struct client_thread *t)
{
	const struct hooks *hooks = t->job->hooks;
	struct memory memory = { 0 };
	struct thread_parts parts;

	if (!hooks || !hooks->thread_ready)
		return 0;
	list_memory(t, &memory);
	parts = memory_parts(&memory, t->loop.backend);
	return hooks->thread_ready(hooks->context, THREAD_CLIENT, t->index, &parts, &t->err);
}

static void say_ending(struct client_thread *t)
{
	const struct hooks *hooks = t->job->hooks;
	struct memory memory = { 0 };
	struct thread_parts parts;

	if (!hooks || !hooks->thread_ending)
		return;
	list_memory(t, &memory);
	parts = memory_parts(&memory, t->loop.backend);
	hooks->thread_ending(hooks->context, THREAD_CLIENT, t->index, &parts);
}

static int prepare(struct client_thread *t)
{
	const struct loop_limits limits = {
		.message_max = t->plan.program->reply_size,
		.connections = 2 * t->plan.connections, /* old ones are closing still */
		.out_queue = NO_LIMIT,
		.in_flight = NO_LIMIT,
	};
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "rw-client-%u", t->index);
	pthread_setname_np(pthread_self(), name);
	rc = run_hook(t, &t->err);
	if (rc)
		return rc;
	/* Else every sleep is 50 us too long. Of no effect in real-time classes, which have none.
	 * */
	if (prctl(PR_SET_TIMERSLACK, 1UL))
		return err_sys(&t->err, -errno, "timer slack");
	rc = loop_init(&t->loop, t->job->backend, t->job->backend_opts, &limits, &t->err);
	if (!rc)
		rc = load_init(&t->load, &t->plan, &t->loop, &t->err);
	if (!rc)
		rc = say_ready(t);
	if (!rc)
		rc = client_connect(t);
	return rc;
}

/* Says how the preparation went and waits for the start. 0: there is none. */
static int64_t wait_at_gate(struct client_job *job, int rc)
{
	int64_t start_ns;

	pthread_mutex_lock(&job->lock);
	job->ready++;
	if (rc)
		job->is_cancelled = true;
	pthread_cond_broadcast(&job->changed);
	while (!job->start_ns && !job->is_cancelled)
		pthread_cond_wait(&job->changed, &job->lock);
	start_ns = job->is_cancelled ? 0 : job->start_ns;
	pthread_mutex_unlock(&job->lock);
	return start_ns;
}

static void run(struct client_thread *t, int64_t start_ns)
{
	struct load *l = &t->load;
	bool is_sending = true;
	int rc;

	task_read_self(&t->task_begin);
	load_begin(l, start_ns);
	usage_read(&t->begin);
	while ((rc = load_turn(l)) > 0) {
		if (is_sending && l->phase != LOAD_SENDING) {
			is_sending = false;
			t->idle_ns = l->pacer.idle_ns;
			usage_read(&t->end);
		}
		if (!t->interrupted && client_is_stopped(t->job)) {
			t->interrupted = true;
			load_stop(l);
		}
	}
	if (is_sending) {
		t->idle_ns = l->pacer.idle_ns;
		usage_read(&t->end);
	}
	task_read_self(&t->task_end);
	if (rc < 0)
		err_sys(&t->err, rc, "the %s backend", t->job->backend->group.name);
}

void *client_thread_main(void *thread)
{
	struct client_thread *t = thread;
	int64_t start_ns = wait_at_gate(t->job, prepare(t));

	if (start_ns)
		run(t, start_ns);
	if (start_ns)
		say_ending(t);
	if (t->loop.backend)
		t->backend_stats = t->loop.backend->stats;
	t->load.phase = LOAD_OVER;
	loop_finish(&t->loop);
	return NULL;
}
