/*
 * hog.c - see hog.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hog/hog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "engine/gate.h"

/* How long it takes at most until a busy thread sees that it is to stop. */
#define LOOK_NS	   (200 * US)
#define NAP_NS	   (1 * MS)
#define CACHE_LINE 64

struct hog_thread {
	struct hog *hog;
	unsigned index;
	pthread_t id;
	bool is_started;
	unsigned char *memory;
	size_t place; /* in it */
	uint64_t value;
	atomic_uint_fast64_t rounds;
	atomic_int_fast64_t cpu_ns;
};

struct hog {
	struct hog_opts opts;
	struct hooks hooks;
	struct gate gate;
	atomic_bool stop;
	atomic_uint over;
	struct hog_thread *threads;
};

static bool is_stopped(const struct hog *h)
{
	return atomic_load_explicit(&h->stop, memory_order_relaxed);
}

/* A few microseconds of what hogs do. The value is kept, so that none of it can be left out. */
static void burn(struct hog_thread *t)
{
	const size_t size = (size_t)t->hog->opts.memory;

	for (int i = 0; i < 1000; i++) {
		t->value = t->value * 6364136223846793005ULL + 1442695040888963407ULL;
		if (!t->memory)
			continue;
		t->memory[t->place] = (unsigned char)t->value;
		t->place = t->place + CACHE_LINE < size ? t->place + CACHE_LINE : 0;
	}
	*(volatile uint64_t *)&t->value = t->value;
}

static void keep_count(struct hog_thread *t)
{
	atomic_store_explicit(&t->cpu_ns, clock_read_ns(CLOCK_THREAD_CPUTIME_ID),
			      memory_order_relaxed);
}

static void be_busy(struct hog_thread *t, int64_t until_ns)
{
	int64_t look_ns = 0, now_ns;

	while ((now_ns = clock_now_ns()) < until_ns) {
		if (now_ns >= look_ns) {
			if (is_stopped(t->hog))
				return;
			keep_count(t);
			look_ns = now_ns + LOOK_NS;
		}
		burn(t);
	}
}

static void sleep_until(const struct hog *h, int64_t until_ns)
{
	int64_t now_ns;

	while (!is_stopped(h) && (now_ns = clock_now_ns()) < until_ns) {
		int64_t wake_ns = until_ns - now_ns < NAP_NS ? until_ns : now_ns + NAP_NS;
		struct timespec at = clock_timespec(wake_ns);

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
}

/* Periods count from the start, so that being late once does not move those that follow. */
static void serve(struct hog_thread *t)
{
	const struct hog_opts *o = &t->hog->opts;
	int64_t start_ns = clock_now_ns(), end_ns = start_ns + o->duration_ns;

	while (!is_stopped(t->hog) && start_ns < end_ns) {
		be_busy(t, start_ns + (int64_t)(o->busy * (double)o->period_ns));
		keep_count(t);
		start_ns += o->period_ns;
		sleep_until(t->hog, start_ns < end_ns ? start_ns : end_ns);
		atomic_fetch_add_explicit(&t->rounds, 1, memory_order_relaxed);
	}
}

static int take_memory(struct hog_thread *t, struct err *err)
{
	void *memory;

	if (!t->hog->opts.memory)
		return 0;
	memory = mmap(NULL, (size_t)t->hog->opts.memory, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return err_sys(err, -errno, "--memory: %lld bytes for thread %u",
			       (long long)t->hog->opts.memory, t->index);
	t->memory = memory;
	return 0;
}

static int prepare(struct hog_thread *t, struct err *err)
{
	const struct hooks *hooks = &t->hog->hooks;
	struct memory_range range = { .what = "memory" };
	struct thread_parts parts = { .ranges = &range };
	char name[16];
	int rc = 0;

	snprintf(name, sizeof(name), "rw-hog-%u", t->index % 1000);
	pthread_setname_np(pthread_self(), name);
	if (hooks->thread_started)
		rc = hooks->thread_started(hooks->context, THREAD_HOG, t->index, err);
	if (!rc)
		rc = take_memory(t, err);
	range.base = t->memory;
	range.len = t->memory ? (unsigned long)t->hog->opts.memory : 0;
	parts.range_count = t->memory != NULL;
	if (!rc && hooks->thread_ready)
		rc = hooks->thread_ready(hooks->context, THREAD_HOG, t->index, &parts, err);
	return rc;
}

static void *run(void *arg)
{
	struct hog_thread *t = arg;
	struct err err = { 0 };
	int rc = prepare(t, &err);

	if (gate_pass(&t->hog->gate, rc, &err))
		serve(t);
	atomic_fetch_add(&t->hog->over, 1);
	return NULL;
}

/* Signals are the process's business. */
static int start_thread(struct hog *h, unsigned i, struct err *err)
{
	struct hog_thread *t = &h->threads[i];
	sigset_t all, was;
	int code;

	t->hog = h;
	t->index = i;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	code = pthread_create(&t->id, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	t->is_started = !code;
	return code ? err_sys(err, -code, "hog %u: starting a thread", i) : 0;
}

static int start_threads(struct hog *h, struct err *err)
{
	const unsigned count = hog_threads(h);
	unsigned started = 0;
	int rc = 0;

	while (started < count && !rc)
		rc = start_thread(h, started++, err);
	if (rc)
		started--;
	else
		rc = gate_await(&h->gate, started, err);
	gate_decide(&h->gate, !rc, started);
	return rc;
}

int hog_start(struct hog **ret, const struct hog_opts *opts, const struct hooks *hooks,
	      struct err *err)
{
	struct hog *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return err_sys(err, -ENOMEM, "hog");
	h->opts = *opts;
	if (hooks)
		h->hooks = *hooks;
	gate_init(&h->gate);
	h->threads = calloc(opts->threads ? (size_t)opts->threads : 1, sizeof(*h->threads));
	rc = h->threads ? start_threads(h, err) : err_sys(err, -ENOMEM, "hog");
	if (rc) {
		hog_destroy(h);
		return rc;
	}
	*ret = h;
	return 0;
}

void hog_stop(struct hog *h)
{
	atomic_store(&h->stop, true);
	for (unsigned i = 0; h->threads && i < hog_threads(h); i++) {
		if (h->threads[i].is_started)
			pthread_join(h->threads[i].id, NULL);
		h->threads[i].is_started = false;
	}
}

void hog_destroy(struct hog *h)
{
	if (!h)
		return;
	hog_stop(h);
	for (unsigned i = 0; h->threads && i < hog_threads(h); i++)
		if (h->threads[i].memory)
			munmap(h->threads[i].memory, (size_t)h->opts.memory);
	free(h->threads);
	free(h);
}

unsigned hog_threads(const struct hog *h)
{
	return (unsigned)h->opts.threads;
}

bool hog_is_over(const struct hog *h)
{
	return atomic_load(&h->over) == hog_threads(h);
}

void hog_stats(const struct hog *h, unsigned thread, struct hog_stats *ret)
{
	const struct hog_thread *t = &h->threads[thread];

	ret->cpu_ns = atomic_load_explicit(&t->cpu_ns, memory_order_relaxed);
	ret->rounds = atomic_load_explicit(&t->rounds, memory_order_relaxed);
}
