/*
 * contract_beside.c - another backend of the same set-up, open and at work for as long as the suite
 * runs: what is shared with it must not show.
 *
 * Every few milliseconds it sends a byte to itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/contract.h"

#define PAUSE_NS (3 * MS)

static struct {
	pthread_t thread;
	sem_t is_open;
	atomic_bool stops;
	uint64_t received;
	bool sends;
	int failure;
} beside;

static void on_received(struct io_op *op, const struct io_result *r)
{
	if (r->res > 0)
		beside.received += (uint64_t)r->res;
	else if (!atomic_load(&beside.stops))
		beside.failure = r->res ? r->res : -EPIPE;
}

static void on_sent(struct io_op *op, const struct io_result *r)
{
	beside.sends = false;
	if (r->res != 1)
		beside.failure = r->res;
}

static void serve(struct backend *b, int fd[2])
{
	struct io_op recv = { .kind = IO_RECV, .fd = fd[0], .done = on_received };
	struct io_op send = { .kind = IO_SEND, .fd = fd[1], .buf = "x", .len = 1, .done = on_sent };
	struct io_result r;

	b->ops->submit(b, &recv);
	while (!atomic_load(&beside.stops) && !beside.failure) {
		if (!beside.sends)
			b->ops->submit(b, &send);
		beside.sends = true;
		if (b->ops->wait(b, PAUSE_NS) < 0)
			break;
		while (b->ops->next(b, &r))
			r.op->done(r.op, &r);
		usleep(PAUSE_NS / US);
	}
	b->ops->close(b);
}

static void *work(void *unused)
{
	struct backend *b = NULL;
	int fd[2];

	beside.failure = subject.ops->open(&b, subject.opts, NULL);
	if (!beside.failure && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
		abort();
	sem_post(&beside.is_open);
	if (beside.failure)
		return unused;
	serve(b, fd);
	close(fd[0]);
	close(fd[1]);
	return unused;
}

void beside_start(void)
{
	sem_init(&beside.is_open, 0, 0);
	if (pthread_create(&beside.thread, NULL, work, NULL))
		abort();
	sem_wait(&beside.is_open);
}

bool beside_stop(void)
{
	atomic_store(&beside.stops, true);
	pthread_join(beside.thread, NULL);
	if (beside.failure || !beside.received)
		printf("    beside: received %d bytes, failure %d\n", (int)beside.received,
		       beside.failure);
	return !beside.failure && beside.received;
}
