/*
 * placement_kernel.c - the kernel's threads behind a backend get their own CPUs and policy.
 *
 * A ring's polling thread (SQPOLL) is there once the ring is; it inherits the CPUs and the policy
 * of the thread that made the ring at that moment. So what nobody set is noted, too: it may share
 * the one CPU of the thread that it is to relieve.
 *
 * The threads for work that blocks (io-wq) come when there is such work and go when there is none,
 * each with what its ring's thread has at that moment. If settings are asked for them, a thread of
 * this file looks for new ones every LOOK_NS; one that lives shorter, or before it is found, has
 * what it inherited. (io_uring.iowq-cpus has no such gap; it is the kernel's own.) The count in the
 * report says how many were found.
 *
 * A polling thread that several threads share (io_uring.sqpoll-share), and the io-wq threads behind
 * it, are placed once, as number 0 of their kind, whoever comes first. What would depend on who
 * does was refused before (placement_shared.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "lab/placement.h"

#define LOOK_NS	    (50 * MS)
#define THREADS_MAX 256 /* of one backend that are told apart */

/* Threads that were there when last looked. */
struct seen {
	pid_t tids[THREADS_MAX];
	unsigned count;
};

/* A thread whose io-wq threads are looked for. */
struct ring {
	struct ring *next;
	const struct backend_ops *ops;
	pid_t maker;
	unsigned index; /* of its thread */
	struct seen own;
	bool has_failed; /* and that has been said */
};

struct placement_kernel {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool stops;
	struct ring *first;
	struct seen shared; /* by all rings: found for each of them */
};

static bool is_for(const struct tunable *tn, enum thread_role role)
{
	return tn->scope == SCOPE_THREAD && tn->own_groups & 1U << role;
}

static int apply_own(struct placement *p, const struct target *t, const char *subject,
		     struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; p->tunables[i] && !rc; i++)
		if (is_for(p->tunables[i], t->role))
			rc = placement_apply(p, i, placement_opts(p, i, t->role), t, subject, err);
	return rc;
}

/* What is there, as tunable_apply() tells it when nothing is asked for. */
static void look_at(const struct tunable *tn, const struct target *t, struct verdict_report *ret)
{
	char nothing[TUNABLE_OPTS_MAX] __attribute__((aligned(16)));
	struct err err = { 0 };

	knob_defaults(&tn->group, nothing);
	tunable_apply(tn, t, nothing, ret, &err);
}

/* Of several that share it, all have the same; which of them was first is chance. */
static void say_inherited(struct verdict_report *report, const struct target *maker, bool is_shared)
{
	const char *kind = thread_role_names[maker->role];

	if (is_shared)
		snprintf(report->why, sizeof(report->why),
			 "not asked for: inherited from the first %s of those that share it", kind);
	else
		snprintf(report->why, sizeof(report->why),
			 "not asked for: inherited from %s %u, which made it", kind, maker->index);
}

/* Settings that nobody asked for: the polling thread's, beside those of who made it. */
static void note_inherited(struct placement *p, const struct target *t, const struct target *maker,
			   bool is_shared, const char *subject)
{
	for (unsigned i = 0; p->tunables[i]; i++) {
		const struct tunable *tn = p->tunables[i];
		struct verdict_report report, of_maker;

		if (!is_for(tn, t->role) || placement_opts(p, i, t->role))
			continue;
		look_at(tn, t, &report);
		look_at(tn, maker, &of_maker);
		snprintf(report.name, sizeof(report.name), "%s.%s", thread_role_names[t->role],
			 tn->group.name);
		if (!strcmp(report.effective, of_maker.effective))
			say_inherited(&report, maker, is_shared);
		placement_report(p, subject, &report);
	}
}

static bool is_realtime(pid_t tid)
{
	int policy = sched_getscheduler(tid) & ~SCHED_RESET_ON_FORK;

	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int priority_of(pid_t tid)
{
	struct sched_param param = { 0 };

	sched_getparam(tid, &param);
	return param.sched_priority;
}

/* It polls without a pause while there is work, and then for io_uring.sqpoll-idle. */
static bool locks_out(pid_t tid)
{
	cpu_set_t cpus, own;

	return is_realtime(tid) && priority_of(0) <= priority_of(tid) &&
	       !sched_getaffinity(tid, sizeof(cpus), &cpus) &&
	       !sched_getaffinity(0, sizeof(own), &own) && CPU_COUNT(&cpus) == 1 &&
	       CPU_EQUAL(&cpus, &own);
}

static int refuse_lockout(struct placement *p, const struct target *maker, const char *subject,
			  struct err *err)
{
	struct verdict_report report = { .name = "sqpoll.sched", .verdict = VERDICT_DENIED };

	snprintf(report.why, sizeof(report.why),
		 "a real-time thread that polls, on the one CPU of %s %u, which could not run "
		 "while it does; give it another CPU (sqpoll.pin.cpus, io_uring.sqpoll-cpu)",
		 thread_role_names[maker->role], maker->index);
	err_set(err, -EPERM, "%s", report.why);
	return placement_conclude(p, subject, &report, -EPERM, err);
}

static int place(struct placement *p, const struct target *t, const struct target *maker,
		 bool is_shared, const char *subject, struct err *err)
{
	int rc = apply_own(p, t, subject, err);

	if (!rc)
		note_inherited(p, t, maker, is_shared, subject);
	return rc;
}

/* Who comes later waits until it is done. */
static int place_once(struct placement *p, const struct target *t, const struct target *maker,
		      const char *subject, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&p->shared_lock);
	if (p->shared_tid != t->tid) {
		rc = place(p, t, maker, true, subject, err);
		p->shared_tid = t->tid;
	}
	pthread_mutex_unlock(&p->shared_lock);
	return rc;
}

static int place_sqpoll(struct placement *p, const struct backend_thread *found,
			const struct target *maker, struct err *err)
{
	const struct target t = { .tid = found->tid,
				  .fd = -1,
				  .index = found->is_shared ? 0 : maker->index,
				  .role = THREAD_SQPOLL,
				  .journal = maker->journal,
				  .no_journal = maker->no_journal };
	char subject[32];
	int rc = found->is_shared ? placement_check_shared(p, found, maker, err) : 0;

	if (rc)
		return rc;
	snprintf(subject, sizeof(subject), "%s %u", thread_role_names[t.role], t.index);
	rc = found->is_shared ? place_once(p, &t, maker, subject, err)
			      : place(p, &t, maker, false, subject, err);
	return rc || !locks_out(t.tid) ? rc : refuse_lockout(p, maker, subject, err);
}

static bool was_seen(const struct seen *s, pid_t tid)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->tids[i] == tid)
			return true;
	return false;
}

/* They come when the role has started, so what fails ends nothing: it is said and reported. */
static void apply_to_worker(struct placement *p, struct ring *r, const struct target *t,
			    const char *subject)
{
	struct err err = { 0 };

	if (apply_own(p, t, subject, &err) == 0 || r->has_failed)
		return;
	r->has_failed = true;
	if (p->say)
		p->say(p->say_context, err.text);
}

static void note_seen(struct seen *s, const struct backend_thread *found, unsigned count,
		      bool is_shared)
{
	s->count = 0;
	for (unsigned i = 0; i < count; i++)
		if (found[i].is_shared == is_shared)
			s->tids[s->count++] = found[i].tid;
}

static void look_for_new(struct placement *p, struct ring *r)
{
	struct target t = { .fd = -1, .role = THREAD_IOWQ, .journal = p->journal };
	struct backend_thread found[THREADS_MAX];
	unsigned count = r->ops->kernel_threads(r->maker, found, THREADS_MAX);
	char subject[32];

	for (unsigned i = 0; i < count; i++) {
		bool is_shared = found[i].is_shared;

		t.tid = found[i].tid;
		t.index = is_shared ? 0 : r->index;
		snprintf(subject, sizeof(subject), "%s %u", thread_role_names[t.role], t.index);
		if (found[i].role == THREAD_IOWQ &&
		    !was_seen(is_shared ? &p->kernel->shared : &r->own, t.tid))
			apply_to_worker(p, r, &t, subject);
	}
	note_seen(&r->own, found, count, false);
	note_seen(&p->kernel->shared, found, count, true);
}

static void *keep_looking(void *context)
{
	struct placement *p = context;
	struct placement_kernel *k = p->kernel;
	struct timespec until;

	pthread_setname_np(pthread_self(), "rw-iowq-look");
	pthread_mutex_lock(&k->lock);
	while (!k->stops) {
		for (struct ring *r = k->first; r; r = r->next)
			look_for_new(p, r);
		until = clock_timespec(clock_now_ns() + LOOK_NS);
		pthread_cond_clockwait(&k->changed, &k->lock, CLOCK_MONOTONIC, &until);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

static bool wants_iowq(const struct placement *p)
{
	for (unsigned i = 0; p->tunables[i]; i++)
		if (is_for(p->tunables[i], THREAD_IOWQ) && placement_opts(p, i, THREAD_IOWQ))
			return true;
	return false;
}

/* Signals are the process's business: one that this thread took would end it. */
static int start_looking(struct placement *p)
{
	sigset_t all, was;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	code = pthread_create(&p->kernel->thread, NULL, keep_looking, p);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return code;
}

int placement_kernel_begin(struct placement *p, struct err *err)
{
	struct placement_kernel *k;
	int code;

	if (!wants_iowq(p))
		return 0;
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_sys(err, -ENOMEM, "looking for io-wq threads");
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->changed, NULL);
	p->kernel = k;
	code = start_looking(p);
	if (!code)
		return 0;
	p->kernel = NULL;
	free(k);
	return err_sys(err, -code, "a thread that looks for io-wq threads");
}

static int watch(struct placement_kernel *k, const struct backend_ops *ops, unsigned index,
		 struct err *err)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return err_sys(err, -ENOMEM, "looking for io-wq threads");
	r->ops = ops;
	r->maker = gettid();
	r->index = index;
	pthread_mutex_lock(&k->lock);
	r->next = k->first;
	k->first = r;
	pthread_mutex_unlock(&k->lock);
	pthread_cond_signal(&k->changed);
	return 0;
}

int placement_kernel_ready(struct placement *p, struct backend *b, const struct target *maker,
			   struct err *err)
{
	struct backend_thread found[THREADS_MAX];
	unsigned count;
	int rc = 0;

	if (!b->ops->kernel_threads)
		return 0;
	count = b->ops->kernel_threads(gettid(), found, THREADS_MAX);
	for (unsigned i = 0; i < count && !rc; i++)
		if (found[i].role == THREAD_SQPOLL)
			rc = place_sqpoll(p, &found[i], maker, err);
	return rc || !p->kernel ? rc : watch(p->kernel, b->ops, maker->index, err);
}

/* Those of the last moments are found still. */
void placement_kernel_ending(struct placement *p)
{
	struct placement_kernel *k = p->kernel;
	struct ring **at, *r;
	pid_t self = gettid();

	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	for (at = &k->first; *at && (*at)->maker != self; at = &(*at)->next)
		;
	r = *at;
	if (r) {
		look_for_new(p, r);
		*at = r->next;
	}
	pthread_mutex_unlock(&k->lock);
	free(r);
}

void placement_kernel_finish(struct placement *p)
{
	struct placement_kernel *k = p->kernel;

	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->stops = true;
	pthread_mutex_unlock(&k->lock);
	pthread_cond_signal(&k->changed);
	pthread_join(k->thread, NULL);
	for (struct ring *r = k->first, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	free(k);
	p->kernel = NULL;
}
