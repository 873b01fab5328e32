/*
 * poll.c - the backend on ppoll(2): a list of descriptors, handed over and searched at each wait.
 *
 * Costs grow with the number of descriptors that are watched, ready or not: with 16 busy among
 * 1024 it takes six times as long as epoll. That is what it is here to show. slot->place is
 * the place in the list, counted from 1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "backends/readiness.h"

#define LIST_FIRST 64

static const struct knob knobs[] = { { KNOB_BUSY_WAIT }, { KNOB_RECV_BUFFER }, { 0 } };

struct poller {
	struct readiness core;
	struct pollfd *list;
	int count, size;
};

static int add(struct poller *p, int fd, struct slot *slot)
{
	int size = p->size ? 2 * p->size : LIST_FIRST;
	struct pollfd *list;

	if (p->count == p->size) {
		list = reallocarray(p->list, size, sizeof(*list));
		if (!list)
			return -ENOMEM;
		p->list = list;
		p->size = size;
	}
	p->list[p->count] = (struct pollfd){ .fd = fd };
	slot->place = ++p->count;
	return 0;
}

/* The last one takes its place. */
static void drop(struct poller *p, struct slot *slot)
{
	struct pollfd last = p->list[--p->count];

	p->list[slot->place - 1] = last;
	p->core.slots[last.fd].place = slot->place;
	slot->place = 0;
}

static int poll_watch(struct readiness *r, int fd, struct slot *slot, unsigned wanted)
{
	struct poller *p = (struct poller *)r;
	int rc = wanted && !slot->place ? add(p, fd, slot) : 0;

	if (rc < 0)
		return rc;
	if (wanted)
		p->list[slot->place - 1].events =
			(wanted & WATCH_IN ? POLLIN : 0) | (wanted & WATCH_OUT ? POLLOUT : 0);
	else if (slot->place)
		drop(p, slot);
	return 0;
}

static int poll_sleep(struct readiness *r, int64_t timeout_ns)
{
	struct poller *p = (struct poller *)r;
	struct timespec timeout;
	int n = ppoll(p->list, p->count, readiness_timeout(timeout_ns, &timeout), NULL);

	r->backend.stats.syscalls++;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0, left = n; left; i++) {
		short events = p->list[i].revents;
		unsigned ready = 0;

		if (!events)
			continue;
		if (events & ~POLLOUT)
			ready |= WATCH_IN;
		if (events & ~POLLIN)
			ready |= WATCH_OUT;
		readiness_report(r, p->list[i].fd, ready);
		left--;
	}
	return n;
}

static int poll_setup(struct readiness *r, const void *opts, struct err *err)
{
	return 0;
}

static void poll_teardown(struct readiness *r)
{
	free(((struct poller *)r)->list);
}

static const struct readiness_ops io = {
	.size = sizeof(struct poller),
	.open = poll_setup,
	.close = poll_teardown,
	.watch = poll_watch,
	.wait = poll_sleep,
};

extern const struct backend_ops backend_poll;

static int poll_open(struct backend **ret, const void *opts, struct err *err)
{
	return readiness_open(ret, &backend_poll, &io, opts, err);
}

const struct backend_ops backend_poll = {
	.group = { .name = "poll",
		   .help = "ppoll(2)",
		   .knobs = knobs,
		   .opts_size = sizeof(struct readiness_opts) },
	.probe = readiness_probe,
	.open = poll_open,
	.close = readiness_close,
	.submit = readiness_submit,
	.cancel = readiness_cancel,
	.wait = readiness_wait,
	.next = readiness_next,
	.wake = readiness_wake,
	.memory = readiness_memory,
};
