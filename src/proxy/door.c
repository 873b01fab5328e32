/*
 * door.c - new connections; and the relay as a whole.
 *
 * When the process has no descriptors left it pauses and tries again: those who wait stay in the
 * backlog.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "proxy/datagram.h"
#include "proxy/pair.h"

#define PAUSE_NS (10 * MS)

/* Free objects kept for reuse. */
#define KEEP_PAIRS   64
#define KEEP_SENDERS 256

/* At the end the backend is given so many milliseconds at most to close descriptors. */
#define CLOSE_TURNS 200

static void on_accepted(struct io_op *op, const struct io_result *r);

static void on_rest(struct io_op *op, const struct io_result *r)
{
	struct relay *relay = (struct relay *)((char *)op - offsetof(struct relay, rest));

	(void)r;
	relay->rest_is_due = false;
	speaker_rest(relay->speaker);
}

void relay_say(struct relay *r, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (speaker_say(r->speaker, relay_now_ns(r), "%s", text) || r->rest_is_due || r->is_closing)
		return;
	r->rest_is_due = true;
	r->rest = (struct io_op){ .kind = IO_TIMER, .done = on_rest };
	r->rest.deadline_ns = relay_now_ns(r) + SEC;
	loop_submit(r->loop, &r->rest);
}

void relay_say_exhausted(struct relay *r, const char *what, int code)
{
	if (r->told_full)
		return;
	r->told_full = true;
	relay_say(r, "%s: %s: said once", what, strerror(-code));
}

static void begin_accepting(struct door *d)
{
	d->op = (struct io_op){ .kind = IO_ACCEPT, .fd = d->fd, .done = on_accepted };
	loop_submit(d->relay->loop, &d->op);
}

static void on_pause_over(struct io_op *op, const struct io_result *r)
{
	struct door *d = (struct door *)((char *)op - offsetof(struct door, pause));

	(void)r;
	if (!d->relay->is_closing)
		begin_accepting(d);
}

static void pause_accepting(struct door *d)
{
	d->pause = (struct io_op){ .kind = IO_TIMER, .done = on_pause_over };
	d->pause.deadline_ns = relay_now_ns(d->relay) + PAUSE_NS;
	loop_submit(d->relay->loop, &d->pause);
}

/* False: not as it was asked for. */
static bool is_fit(struct relay *r, int fd)
{
	const struct sockets *s = &r->sockets;
	struct err err = { 0 };

	if (!s->check || !s->check(s->context, SOCKET_ACCEPTED, fd, &err))
		return true;
	relay_say(r, "accept: %s: connection dropped", err.text);
	return false;
}

static void take(struct relay *r, int fd)
{
	if (fd & BACKEND_DIRECT) {
		r->stats.turned_away++;
		relay_say(r,
			  "accept: what %s keeps in a table of its own has no half close and no "
			  "reset (registered-files): connection dropped",
			  r->loop->ops->group.name);
	} else if (r->is_closing || r->stats.open >= (uint64_t)r->opts->connections) {
		r->stats.turned_away++;
		relay_say(r,
			  "%" PRIu64 " connections are open, which is --max-connections: a new one "
			  "is closed",
			  r->stats.open);
	} else if (!is_fit(r, fd)) {
		r->stats.turned_away++;
	} else {
		pair_open(r, fd);
		return;
	}
	loop_close_fd(r->loop, fd);
}

static void on_accepted(struct io_op *op, const struct io_result *result)
{
	struct door *d = (struct door *)op;
	struct relay *r = d->relay;

	if (result->res >= 0)
		take(r, result->res);
	if (result->more || r->is_closing)
		return;
	if (result->res >= 0) {
		begin_accepting(d);
		return;
	}
	r->stats.accept_errors++;
	relay_say_exhausted(r, "accept", result->res);
	pause_accepting(d);
}

void door_open(struct door *d, struct relay *r, int fd)
{
	*d = (struct door){ .relay = r, .fd = fd };
	begin_accepting(d);
}

int relay_init(struct relay *r, struct loop *loop, const struct route *route,
	       const struct proxy_opts *opts, const struct sockets *sockets,
	       struct speaker *speaker)
{
	*r = (struct relay){ .loop = loop,
			     .route = route,
			     .opts = opts,
			     .sockets = *sockets,
			     .speaker = speaker,
			     .start_ns = loop_now_ns(loop) };
	line_pool_init(&r->lines);
	cache_init(&r->pairs, sizeof(struct pair), KEEP_PAIRS);
	cache_init(&r->senders, sizeof(struct pair_sender), KEEP_SENDERS);
	return route->is_udp ? datagrams_create(&r->datagrams, r) : 0;
}

void relay_open_door(struct relay *r, int fd)
{
	if (r->datagrams)
		datagrams_open_door(r->datagrams, fd);
	else
		door_open(&r->doors[r->door_count++], r, fd);
}

static void drop_pairs(struct relay *r)
{
	while (r->all) {
		struct pair *p = r->all;

		for (unsigned i = 0; i < PROXY_DIRECTIONS; i++) {
			if (p->ways[i].sender)
				cache_put(&r->senders, p->ways[i].sender);
			line_drop(&p->ways[i].line, &r->lines);
		}
		r->all = p->next;
		cache_put(&r->pairs, p);
	}
}

void relay_finish(struct relay *r)
{
	if (!r->loop)
		return;
	r->is_closing = true;
	for (struct pair *p = r->all, *next; p; p = next) {
		next = p->next;
		pair_close(p, false);
	}
	if (r->datagrams)
		datagrams_close(r->datagrams);
	for (int turn = 0; turn < CLOSE_TURNS; turn++) {
		if (!r->all && !(r->datagrams && datagrams_are_open(r->datagrams)))
			break;
		loop_turn(r->loop, MS);
	}
	loop_finish(r->loop);
	drop_pairs(r);
	datagrams_destroy(r->datagrams);
	cache_finish(&r->pairs);
	cache_finish(&r->senders);
	line_pool_finish(&r->lines);
	*r = (struct relay){ 0 };
}
