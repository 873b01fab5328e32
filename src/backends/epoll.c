/*
 * epoll.c - the backend on epoll(7): level, edge or one-shot.
 *
 * Only what is ready costs, however many descriptors are watched. The triggers compared:
 *  - level: a descriptor stays armed; what is still ready is reported again.
 *  - edge: armed once for everything, news only; readiness.h remembers what is still ready.
 *  - oneshot: a report disarms, so each event costs an epoll_ctl more. For comparison.
 *
 * With exclusive=yes a listener that several epoll instances watch wakes one of them, not all.
 * The kernel takes EPOLLEXCLUSIVE neither with EPOLLONESHOT nor with EPOLLRDHUP, and only when a
 * descriptor is added (epoll_ctl(2)); a listener has one direction, so it is never modified.
 *
 * Two ways not to sleep: busy-wait asks again and again whether something is ready, and the packets
 * are still brought by the device's interrupt; with busy-poll the kernel, inside the wait, takes
 * them from the device itself. The first spares a wake-up and works anywhere, the second an
 * interrupt as well, and works for sockets of one receive queue (napi.h).
 *
 * Left out: one instance for the threads of a role together. Each thread owns its connections
 * (backend.h, rule 10), and an instance gives its events to whichever thread waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "backends/epoll_busy_poll.h"
#include "backends/napi.h"
#include "backends/readiness.h"

enum trigger { TRIGGER_LEVEL, TRIGGER_EDGE, TRIGGER_ONESHOT };
static const char *const trigger_names[] = { "level", "edge", "oneshot", NULL };

struct epoll_opts {
	struct readiness_opts shared;
	int trigger;
	bool exclusive;
	int64_t events;
	struct epoll_busy_poll busy_poll;
};

static const struct knob knobs[] = {
	{ .name = "trigger",
	  .type = &knob_enum,
	  KNOB_FIELD(struct epoll_opts, trigger, int),
	  .choices = trigger_names,
	  .def = "level",
	  .help = "how descriptors are armed" },
	{ .name = "exclusive",
	  .type = &knob_bool,
	  KNOB_FIELD(struct epoll_opts, exclusive, bool),
	  .def = "no",
	  .help = "a connection wakes one of the threads that share a listener, not all" },
	{ .name = "events",
	  .type = &knob_int,
	  KNOB_FIELD(struct epoll_opts, events, int64_t),
	  .min = 1,
	  .max = 65536,
	  .def = "256",
	  .help = "how many events a wait takes at most" },
	{ .name = "busy-poll",
	  .type = &knob_time,
	  KNOB_FIELD(struct epoll_opts, busy_poll.time_ns, int64_t),
	  .max = SEC,
	  .def = "0ns",
	  .help = "how long a wait polls the device before it sleeps (Linux 6.9); 0ns: not at all",
	  .read_back = "EPIOCGPARAMS, ioctl_epoll(2); SO_INCOMING_NAPI_ID of the sockets" },
	{ .name = "busy-poll-budget",
	  .type = &knob_int,
	  KNOB_FIELD(struct epoll_opts, busy_poll.budget, int64_t),
	  .min = 1,
	  .max = UINT16_MAX,
	  .def = EPOLL_BUSY_POLL_BUDGET,
	  .help = "packets that busy-poll takes at a time; more than 64 need CAP_NET_ADMIN",
	  .read_back = "EPIOCGPARAMS, ioctl_epoll(2)" },
	{ .name = "prefer-busy-poll",
	  .type = &knob_bool,
	  KNOB_FIELD(struct epoll_opts, busy_poll.prefer, bool),
	  .def = "no",
	  .help = "the device's interrupts stay off while it is busy-polled often enough",
	  .read_back = "EPIOCGPARAMS, ioctl_epoll(2)" },
	{ KNOB_BUSY_WAIT },
	{ KNOB_RECV_BUFFER },
	{ 0 },
};

struct epoll {
	struct readiness core;
	int fd;
	int trigger;
	bool exclusive;
	bool no_pwait2; /* the kernel is older than 5.11 */
	bool busy_polls, has_read_back;
	int size;
	struct epoll_event *events;
	/* busy_polls: of descriptors that are watched no more (again, if one was for a while). */
	struct napi_census census;
};

static int control(struct epoll *e, int fd, int what, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	e->core.backend.stats.syscalls++;
	return epoll_ctl(e->fd, what, fd, &event) < 0 ? -errno : 0;
}

static uint32_t events_of(const struct epoll *e, unsigned wanted)
{
	uint32_t events = 0;

	if (wanted & WATCH_IN)
		events |= EPOLLIN;
	if (wanted & WATCH_OUT)
		events |= EPOLLOUT;
	if (e->trigger == TRIGGER_EDGE)
		events |= EPOLLET;
	if (e->trigger == TRIGGER_ONESHOT)
		events |= EPOLLONESHOT;
	return events;
}

/* slot->own: the descriptor has been added. */
static int epoll_watch(struct readiness *r, int fd, struct slot *slot, unsigned wanted)
{
	struct epoll *e = (struct epoll *)r;
	int what = slot->own ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	uint32_t events = events_of(e, wanted);
	int rc;

	if (e->exclusive && slot->in && slot->in->kind == IO_ACCEPT)
		events |= EPOLLEXCLUSIVE;
	else if (e->trigger == TRIGGER_EDGE)
		events |= EPOLLRDHUP;
	if (!wanted && e->busy_polls)
		napi_census_add(&e->census, fd);
	rc = control(e, fd, wanted ? what : EPOLL_CTL_DEL, events);
	if (rc == 0)
		slot->own = wanted != 0;
	return rc;
}

static int wait_ms(struct epoll *e, int64_t timeout_ns)
{
	int64_t timeout_ms = timeout_ns < 0 ? -1 : timeout_ns / MS + (timeout_ns % MS != 0);

	if (timeout_ms > INT_MAX)
		timeout_ms = INT_MAX;
	e->core.backend.stats.syscalls++;
	return epoll_wait(e->fd, e->events, e->size, (int)timeout_ms);
}

/* Without an end, or at once, the older call does the same and is cheaper. */
static int wait_ns(struct epoll *e, int64_t timeout_ns)
{
	struct timespec timeout;

	if (timeout_ns <= 0 || e->no_pwait2)
		return wait_ms(e, timeout_ns);
	timeout = clock_timespec(timeout_ns);
	e->core.backend.stats.syscalls++;
	return epoll_pwait2(e->fd, e->events, e->size, &timeout, NULL);
}

static int epoll_sleep(struct readiness *r, int64_t timeout_ns)
{
	struct epoll *e = (struct epoll *)r;
	bool oneshot = e->trigger == TRIGGER_ONESHOT;
	int n = wait_ns(e, timeout_ns);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint32_t events = e->events[i].events;
		int fd = e->events[i].data.fd;
		unsigned ready = 0;

		if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			ready |= WATCH_IN;
		if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			ready |= WATCH_OUT;
		if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			ready |= WATCH_END;
		if (oneshot)
			r->slots[fd].watched = 0;
		readiness_report(r, fd, ready);
	}
	return n;
}

static int refuse_combination(const struct epoll_opts *o, struct err *err)
{
	const struct epoll_busy_poll *p = &o->busy_poll;

	if (p->time_ns % US)
		return err_set(err, -EINVAL,
			       "epoll.busy-poll: the kernel takes whole microseconds");
	if (!p->time_ns && (p->prefer || p->budget != atoi(EPOLL_BUSY_POLL_BUDGET)))
		return err_set(err, -EINVAL,
			       "epoll.prefer-busy-poll and epoll.busy-poll-budget say how to "
			       "busy-poll; epoll.busy-poll=50us or the like must say how long");
	if (o->exclusive && o->trigger == TRIGGER_ONESHOT)
		return err_set(err, -EINVAL,
			       "epoll: exclusive=yes does not go with trigger=oneshot, as the "
			       "kernel refuses EPOLLEXCLUSIVE with EPOLLONESHOT; use "
			       "trigger=level or trigger=edge");
	return 0;
}

/* An impossible size: the answer of a kernel that knows the call is another. */
static bool lacks_pwait2(int fd)
{
	struct timespec timeout = { 0 };

	return epoll_pwait2(fd, NULL, 0, &timeout, NULL) < 0 && errno != EINVAL;
}

static int epoll_setup(struct readiness *r, const void *opts, struct err *err)
{
	struct epoll *e = (struct epoll *)r;
	const struct epoll_opts *o = opts;
	int rc = refuse_combination(o, err);

	e->fd = -1;
	if (rc)
		return rc;
	r->edges = o->trigger == TRIGGER_EDGE;
	e->trigger = o->trigger;
	e->exclusive = o->exclusive;
	e->size = (int)o->events;
	e->events = calloc(e->size, sizeof(*e->events));
	if (!e->events)
		return err_sys(err, -ENOMEM, "epoll: events");
	e->fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->fd < 0)
		return err_sys(err, -errno, "epoll: epoll_create1");
	e->no_pwait2 = lacks_pwait2(e->fd);
	e->busy_polls = o->busy_poll.time_ns > 0;
	return e->busy_polls ? epoll_busy_poll_set(e->fd, &o->busy_poll, err) : 0;
}

/* Those of before and those that are there. */
static void take_census(const struct epoll *e, struct napi_census *ret)
{
	const struct readiness *r = &e->core;

	*ret = e->census;
	for (int fd = 0; fd < r->slot_count; fd++)
		if (r->slots[fd].own)
			napi_census_add(ret, fd);
}

static int epoll_read_back(struct backend *b, void *opts, struct verdict_report *report,
			   struct err *err)
{
	struct epoll *e = (struct epoll *)b;
	struct epoll_opts *o = opts;
	struct napi_census census;
	int rc;

	if (e->no_pwait2)
		snprintf(report->why, sizeof(report->why),
			 "epoll_pwait2(2) is missing here (Linux 5.11): waits end on whole "
			 "milliseconds");
	if (!e->busy_polls)
		return 0;
	rc = epoll_busy_poll_get(e->fd, &o->busy_poll);
	if (rc)
		return err_sys(err, rc, "epoll: asking for the busy-poll parameters");
	take_census(e, &census);
	if (e->has_read_back)
		napi_census_judge(&census, "epoll.busy-poll", true, report);
	e->has_read_back = true;
	return 0;
}

static void epoll_teardown(struct readiness *r)
{
	struct epoll *e = (struct epoll *)r;

	if (e->fd >= 0)
		close(e->fd);
	free(e->events);
}

static const struct readiness_ops io = {
	.size = sizeof(struct epoll),
	.open = epoll_setup,
	.close = epoll_teardown,
	.watch = epoll_watch,
	.wait = epoll_sleep,
};

extern const struct backend_ops backend_epoll;

static int epoll_open(struct backend **ret, const void *opts, struct err *err)
{
	return readiness_open(ret, &backend_epoll, &io, opts, err);
}

const struct backend_ops backend_epoll = {
	.group = { .name = "epoll",
		   .help = "epoll(7)",
		   .knobs = knobs,
		   .opts_size = sizeof(struct epoll_opts) },
	.probe = readiness_probe,
	.open = epoll_open,
	.close = readiness_close,
	.submit = readiness_submit,
	.cancel = readiness_cancel,
	.wait = readiness_wait,
	.next = readiness_next,
	.wake = readiness_wake,
	.read_back = epoll_read_back,
	.memory = readiness_memory,
};
