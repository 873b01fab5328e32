/*
 * test_file_pool.c - threads for storage devices: starting, sharing, order, going away.
 *
 * What an operation may expect of them is the contract's (contract_file.c). Here several backends,
 * each in its own thread, use one pool: the thread sanitizer has something to look at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/file_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/files.h"
#include "base/cleanup.h"
#include "tests/test.h"

struct started {
	atomic_uint devices; /* a bit each */
	unsigned fails;	     /* which; others: none */
	pthread_t threads[4];
};

static int on_started(void *context, unsigned device, struct err *err)
{
	struct started *s = context;

	s->threads[device] = pthread_self();
	atomic_fetch_or(&s->devices, 1U << device);
	return device == s->fails ? err_set(err, -EPERM, "device %u may not", device) : 0;
}

static void test_each_device_has_a_thread(void)
{
	struct started s = { .fails = 9 };
	struct file_pool_opts opts = { .count = 4, .hooks = { &s, on_started } };
	struct file_pool *pool = NULL;
	struct err err = { 0 };

	CHECK_INT(file_pool_open(&pool, &opts, &err), 0);
	CHECK_INT(atomic_load(&s.devices), 15);
	CHECK_INT(file_pool_count(pool), 4);
	for (int i = 1; i < 4; i++)
		CU_ASSERT(!pthread_equal(s.threads[0], s.threads[i]));
	file_pool_close(pool);
	file_pool_close(NULL);
}

static void test_a_hook_that_fails_ends_the_start(void)
{
	struct started s = { .fails = 2 };
	struct file_pool_opts opts = { .count = 4, .hooks = { &s, on_started } };
	struct file_pool *pool = NULL;
	struct err err = { 0 };

	CHECK_INT(file_pool_open(&pool, &opts, &err), -EPERM);
	CHECK_TEXT(err.text, "device 2 may not");
	CHECK_INT(atomic_load(&s.devices), 7);
	CU_ASSERT(!pool);
}

struct seen {
	struct io_op op;
	int results, res;
	struct worker *worker;
	uint8_t byte;
};

enum { OPS = 300 };

struct worker {
	const struct backend_ops *ops;
	struct backend *backend;
	struct file_pool *pool;
	struct seen seen[OPS];
	int fd, left, last;
	bool ordered; /* results come in the order of submission, as long as it is one device */
};

static void see(struct io_op *op, const struct io_result *r)
{
	struct seen *s = (struct seen *)op;
	struct worker *w = s->worker;
	int number = (int)(s - w->seen);

	s->results++;
	s->res = r->res;
	w->ordered &= number == w->last + 1;
	w->last = number;
	w->left--;
}

static void open_worker(struct worker *w)
{
	void *opts AUTO(auto_free) = calloc(1, w->ops->group.opts_size);
	struct err err = { 0 };

	knob_defaults(&w->ops->group, opts);
	if (w->ops->open(&w->backend, opts, &err) < 0)
		abort();
	w->backend->files = FILES_THREAD;
	w->backend->pool = w->pool;
	w->ordered = true;
	w->last = -1;
	w->left = 0;
}

static void submit(struct worker *w, int number, enum io_kind kind, unsigned device)
{
	struct seen *s = &w->seen[number];

	*s = (struct seen){ .op = { .kind = kind,
				    .fd = w->fd,
				    .device = (uint16_t)device,
				    .offset = (uint64_t)number,
				    .len = 1,
				    .done = see },
			    .worker = w,
			    .byte = (uint8_t)(number * 7) };
	s->op.rbuf = &s->byte;
	w->left++;
	w->ops->submit(w->backend, &s->op);
}

static void turns(struct worker *w)
{
	struct io_result r;

	while (w->left) {
		w->ops->wait(w->backend, -1);
		while (w->ops->next(w->backend, &r))
			r.op->done(r.op, &r);
	}
}

static int file_of(uint64_t size)
{
	const char *folder = getenv("TMPDIR");
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/ringwalk-XXXXXX", folder ? folder : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || unlink(path) < 0 || ftruncate(fd, (off_t)size) < 0)
		abort();
	return fd;
}

/* Writes, reads back, and on the way takes some back. */
static void *work(void *argument)
{
	struct worker *w = argument;

	open_worker(w);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < OPS; i++)
			submit(w, i, IO_WRITE, (unsigned)i % 2);
		turns(w);
		for (int i = 0; i < OPS; i++)
			submit(w, i, IO_READ, (unsigned)i % 2);
		for (int i = 0; i < OPS; i += 10)
			w->ops->cancel(w->backend, &w->seen[i].op);
		turns(w);
		for (int i = 0; i < OPS; i++)
			if (w->seen[i].results != 1 ||
			    (w->seen[i].res != 1 && (i % 10 || w->seen[i].res != -ECANCELED)) ||
			    w->seen[i].byte != (uint8_t)(i * 7))
				abort();
	}
	for (int i = 0; i < OPS; i++)
		submit(w, i, IO_READ, (unsigned)i % 2);
	w->ops->close(w->backend);
	return NULL;
}

static void test_backends_share_a_pool(void)
{
	enum { WORKERS = 8 };
	struct worker *w AUTO(auto_free) = calloc(WORKERS, sizeof(*w));
	pthread_t threads[WORKERS];
	struct file_pool *pool = NULL;
	struct err err = { 0 };
	int count = 0;

	CHECK_INT(file_pool_open(&pool, &(struct file_pool_opts){ .count = 2 }, &err), 0);
	while (backends[count])
		count++;
	for (int i = 0; i < WORKERS; i++) {
		w[i].ops = backends[i % count];
		if (w[i].ops->probe(&err) < 0)
			w[i].ops = backends[0];
		w[i].pool = pool;
		w[i].fd = file_of(OPS);
		CHECK_INT(pthread_create(&threads[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
		close(w[i].fd);
	}
	file_pool_close(pool);
}

static bool polls(void *context, unsigned device)
{
	(void)context;
	(void)device;
	return true;
}

/* More than there are places, so some wait in the backend. */
static void check_order(bool is_polled)
{
	struct worker *w AUTO(auto_free) = calloc(1, sizeof(*w));
	struct file_pool_opts opts = { .count = 2, .hooks.polls = is_polled ? polls : NULL };
	struct err err = { 0 };

	CU_ASSERT(OPS > 2 * FILES_DEPTH);
	CHECK_INT(file_pool_open(&w->pool, &opts, &err), 0);
	w->ops = backend_find("poll", &err);
	w->fd = file_of(OPS);
	open_worker(w);
	for (int i = 0; i < OPS; i++)
		submit(w, i, i % 3 ? IO_WRITE : IO_SYNC, 1);
	turns(w);
	CU_ASSERT(w->ordered);
	for (int i = 0; i < OPS; i++)
		CHECK_INT(w->seen[i].res, i % 3 ? 1 : 0);
	w->ops->close(w->backend);
	file_pool_close(w->pool);
	close(w->fd);
}

static void test_a_device_keeps_the_order(void)
{
	check_order(false);
	check_order(true);
}

/* All of one backend are finished although a thousand of another stand in line before them. */
static void test_nobody_is_buried(void)
{
	struct worker *w AUTO(auto_free) = calloc(2, sizeof(*w));
	struct file_pool *pool = NULL;
	struct err err = { 0 };

	CHECK_INT(file_pool_open(&pool, &(struct file_pool_opts){ .count = 1 }, &err), 0);
	for (int i = 0; i < 2; i++) {
		w[i].ops = backend_find("epoll", &err);
		w[i].pool = pool;
		w[i].fd = file_of(OPS);
		open_worker(&w[i]);
	}
	for (int i = 0; i < OPS; i++)
		submit(&w[0], i, IO_READ, 0);
	submit(&w[1], 0, IO_READ, 0);
	turns(&w[1]);
	CHECK_INT(w[1].seen[0].res, 1);
	/* Nobody has asked for those that wait in the other backend. */
	CHECK_INT(w[0].left, OPS);
	turns(&w[0]);
	for (int i = 0; i < 2; i++) {
		w[i].ops->close(w[i].backend);
		close(w[i].fd);
	}
	file_pool_close(pool);
}

static CU_TestInfo tests[] = {
	{ "each device has a thread, which begins with the hook", test_each_device_has_a_thread },
	{ "a hook that fails ends the start", test_a_hook_that_fails_ends_the_start },
	{ "backends in several threads share a pool", test_backends_share_a_pool },
	{ "a device carries out in the order of submission", test_a_device_keeps_the_order },
	{ "no backend's operations bury another's", test_nobody_is_buried },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("file_pool", tests);
}
