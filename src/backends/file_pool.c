/*
 * file_pool.c - the threads: take what is there, carry it out, give it back, sleep.
 *
 * A thread takes all that has come at once and serves it in order. It sleeps on a semaphore that
 * is posted by whoever finds its stack empty, so a busy device costs its backends no system call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/file_pool.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "backends/files.h"

struct device {
	struct file_stack stack;
	sem_t news;
	atomic_bool stop;
	bool polls;
	pthread_t thread;
	struct file_pool *pool;
	sem_t started;
	int start_code; /* what thread_started() said */
	struct err start_err;
} __attribute__((aligned(64)));

struct file_pool {
	struct file_pool_opts opts;
	unsigned running; /* threads to be joined */
	struct device *devices;
};

/* A semaphore may be posted for what polling has found. */
static void wait_for_news(struct device *d)
{
	if (d->polls) {
		while (!file_stack_has(&d->stack) && !atomic_load(&d->stop))
			;
		sem_trywait(&d->news);
		return;
	}
	while (sem_wait(&d->news) < 0 && errno == EINTR)
		;
}

static void serve_all(struct device *d)
{
	struct file_place *p = file_stack_take(&d->stack), *next;

	for (; p; p = next) {
		next = p->link;
		file_place_serve(p);
	}
}

static void *run(void *argument)
{
	struct device *d = argument;
	const struct file_pool_hooks *hooks = &d->pool->opts.hooks;
	unsigned number = (unsigned)(d - d->pool->devices);

	if (hooks->thread_started)
		d->start_code = hooks->thread_started(hooks->context, number, &d->start_err);
	sem_post(&d->started);
	while (d->start_code >= 0 && !atomic_load(&d->stop)) {
		wait_for_news(d);
		serve_all(d);
	}
	return NULL;
}

/* Signals are the process's business, not the pool's. */
static int start(struct device *d, struct err *err)
{
	const struct file_pool_hooks *hooks = &d->pool->opts.hooks;
	sigset_t all, was;
	int rc;

	if (hooks->polls)
		d->polls = hooks->polls(hooks->context, (unsigned)(d - d->pool->devices));
	sem_init(&d->news, 0, 0);
	sem_init(&d->started, 0, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	rc = pthread_create(&d->thread, NULL, run, d);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (rc)
		return err_sys(err, -rc, "starting the thread of a storage device");
	d->pool->running++;
	while (sem_wait(&d->started) < 0 && errno == EINTR)
		;
	if (d->start_code < 0)
		return err_set(err, d->start_code, "%s", d->start_err.text);
	return 0;
}

int file_pool_open(struct file_pool **ret, const struct file_pool_opts *opts, struct err *err)
{
	struct file_pool *pool = calloc(1, sizeof(*pool));
	int rc = 0;

	if (pool)
		pool->devices = aligned_alloc(64, opts->count * sizeof(struct device));
	if (!pool || !pool->devices) {
		free(pool);
		return err_sys(err, -ENOMEM, "a pool of %u storage threads", opts->count);
	}
	pool->opts = *opts;
	for (unsigned i = 0; i < opts->count && rc >= 0; i++) {
		pool->devices[i] = (struct device){ .pool = pool };
		rc = start(&pool->devices[i], err);
	}
	if (rc < 0)
		file_pool_close(pool);
	else
		*ret = pool;
	return rc;
}

void file_pool_close(struct file_pool *pool)
{
	if (!pool)
		return;
	for (unsigned i = 0; i < pool->running; i++) {
		atomic_store(&pool->devices[i].stop, true);
		sem_post(&pool->devices[i].news);
		pthread_join(pool->devices[i].thread, NULL);
		sem_destroy(&pool->devices[i].news);
		sem_destroy(&pool->devices[i].started);
	}
	free(pool->devices);
	free(pool);
}

unsigned file_pool_count(const struct file_pool *pool)
{
	return pool->opts.count;
}

void file_pool_put(struct file_pool *pool, unsigned device, struct file_place *place)
{
	struct device *d = &pool->devices[device];

	if (file_stack_push(&d->stack, place))
		sem_post(&d->news);
}
