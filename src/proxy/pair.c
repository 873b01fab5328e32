/*
 * pair.c - a connection's life: open, connect, ends, close.
 *
 * The connection to the server is opened when a packet sent with the client's would be there, after
 * the delay forth; what the client sends meanwhile is under way already. If the server refuses, the
 * client is reset after the delay back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/pair.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

static void on_received(struct io_op *op, const struct io_result *r);

static void pair_free(struct pair *p)
{
	struct relay *r = p->relay;

	for (unsigned i = 0; i < PROXY_DIRECTIONS; i++)
		line_drop(&p->ways[i].line, &r->lines);
	*p->linked = p->next;
	if (p->next)
		p->next->linked = p->linked;
	r->stats.open--;
	cache_put(&r->pairs, p);
}

void pair_submit(struct pair *p, struct io_op *op)
{
	p->in_flight++;
	loop_submit(p->relay->loop, op);
}

void pair_release(struct pair *p)
{
	p->in_flight--;
	if (p->is_closing && !p->in_flight)
		pair_free(p);
}

static void on_closed(struct io_op *op, const struct io_result *r)
{
	struct pair_side *side =
		(struct pair_side *)((char *)op - offsetof(struct pair_side, closing));

	(void)r;
	pair_release(side->pair);
}

static void close_side(struct pair *p, struct pair_side *side, bool is_reset)
{
	const struct sockets *sockets = &p->relay->sockets;

	if (side->fd < 0)
		return;
	if (is_reset)
		sockets->abort(sockets->context, side->fd);
	side->closing = (struct io_op){ .kind = IO_CLOSE, .fd = side->fd, .done = on_closed };
	side->fd = -1;
	pair_submit(p, &side->closing);
}

void pair_close(struct pair *p, bool is_reset)
{
	struct loop *loop = p->relay->loop;

	if (p->is_closing)
		return;
	p->is_closing = true;
	p->in_flight++; /* until all is submitted */
	for (unsigned i = 0; i < PROXY_DIRECTIONS; i++) {
		if (p->ways[i].is_armed)
			loop_cancel(loop, &p->ways[i].timer);
		close_side(p, &p->sides[i], is_reset);
	}
	if (p->waits_to_connect)
		loop_cancel(loop, &p->connect);
	if (p->has_event)
		loop_cancel(loop, &p->event);
	pair_release(p);
}

void pair_start_reading(struct pair_side *side)
{
	if (side->is_reading || side->has_ended || side->fd < 0)
		return;
	side->is_reading = true;
	side->is_cancelling = false;
	side->recv = (struct io_op){ .kind = IO_RECV, .fd = side->fd, .done = on_received };
	pair_submit(side->pair, &side->recv);
}

/* What peers do is no news: they reset, they leave. */
static bool is_usual(int code)
{
	return code == -ECONNRESET || code == -EPIPE || code == -ETIMEDOUT || code == -ENOTCONN;
}

static void say_loss(const struct pair *p, unsigned index, int code)
{
	const char *name = index ? "the server's side" : "the client's side";

	if (code == -ERANGE)
		relay_say(p->relay,
			  "connection %" PRIu64 ": %s: %s cannot watch descriptor %d: reset",
			  p->number, name, p->relay->loop->ops->group.name, p->sides[index].fd);
	else if (!is_usual(code))
		relay_say(p->relay, "connection %" PRIu64 ": %s: %s: reset", p->number, name,
			  strerror(-code));
}

void pair_lose_side(struct pair *p, unsigned index, int code)
{
	struct pair_side *side = &p->sides[index];

	if (side->is_dead || p->is_closing)
		return;
	say_loss(p, index, code);
	side->is_dead = true;
	if (p->is_silent || p->sides[!index].is_dead) {
		pair_close(p, true);
		return;
	}
	pair_cut_way(&p->ways[!index]);
	pair_end_way(&p->ways[index], END_RST);
}

static void end_side(struct pair_side *side, int code)
{
	struct pair *p = side->pair;
	unsigned index = side == &p->sides[1];

	side->has_ended = true;
	if (code < 0)
		pair_lose_side(p, index, code);
	else if (p->is_silent)
		pair_close(p, false);
	else
		pair_end_way(&p->ways[index], END_FIN);
}

static void on_received(struct io_op *op, const struct io_result *r)
{
	struct pair_side *side = (struct pair_side *)op;
	struct pair *p = side->pair;

	if (!r->more)
		side->is_reading = false;
	if (p->is_closing)
		; /* nobody wants it any more */
	else if (r->res > 0)
		pair_take(side, r->data, (uint32_t)r->res);
	else if (r->res != -ECANCELED)
		end_side(side, r->res);
	if (r->more)
		return;
	if (!p->is_closing && !side->is_paused)
		pair_start_reading(side);
	pair_release(p);
}

static void refuse_client(struct pair *p, int code, const char *why)
{
	char text[ADDRESS_TEXT + 8];

	p->relay->stats.refused++;
	relay_say(p->relay, "connection %" PRIu64 ": %s%s%s: the client is reset", p->number,
		  why ? why : route_format_address(&p->relay->route->to, text, sizeof(text)),
		  why ? "" : ": ", why ? "" : strerror(-code));
	p->sides[1].is_dead = p->sides[1].has_ended = true;
	pair_cut_way(&p->ways[PROXY_FORTH]);
	pair_end_way(&p->ways[PROXY_BACK], END_RST);
}

/* 0, or what is wrong with a connection that is there. */
static int check_server(const struct pair *p, struct err *err)
{
	const struct sockets *s = &p->relay->sockets;

	return s->check ? s->check(s->context, SOCKET_CONNECTED, p->sides[1].fd, err) : 0;
}

static void on_connected(struct io_op *op, const struct io_result *r)
{
	struct pair *p = (struct pair *)((char *)op - offsetof(struct pair, connect));
	struct err err = { 0 };

	if (!p->is_closing && r->res < 0) {
		refuse_client(p, r->res, NULL);
	} else if (!p->is_closing && check_server(p, &err)) {
		refuse_client(p, err.code, err.text);
	} else if (!p->is_closing) {
		p->is_connected = true;
		pair_start_reading(&p->sides[1]);
		pair_pump(&p->ways[PROXY_FORTH]);
	}
	pair_release(p);
}

static void start_connect(struct pair *p)
{
	const struct relay *r = p->relay;
	const struct address *to = &r->route->to;
	struct err err = { 0 };
	int fd = r->sockets.open(r->sockets.context, to, &err);

	if (fd < 0) {
		refuse_client(p, fd, err.text);
		return;
	}
	p->sides[1].fd = fd;
	p->connect = (struct io_op){ .kind = IO_CONNECT, .fd = fd, .done = on_connected };
	p->connect.addr = (const struct sockaddr *)&to->storage;
	p->connect.addr_len = to->len;
	pair_submit(p, &p->connect);
}

static void on_time_to_connect(struct io_op *op, const struct io_result *r)
{
	struct pair *p = (struct pair *)((char *)op - offsetof(struct pair, connect));

	(void)r;
	p->waits_to_connect = false;
	if (!p->is_closing)
		start_connect(p);
	pair_release(p);
}

/* The connection itself is the first piece forth: nothing is there before it. */
static void connect_later(struct pair *p)
{
	struct pair_way *w = &p->ways[PROXY_FORTH];
	int64_t now_ns = relay_now_ns(p->relay), due_ns;

	due_ns = line_delay(&w->line, now_ns + route_draw_ns(p->relay->route, PROXY_FORTH,
							     p->number, w->drawn++));
	if (due_ns <= now_ns) {
		start_connect(p);
		return;
	}
	p->waits_to_connect = true;
	p->connect = (struct io_op){ .kind = IO_TIMER, .done = on_time_to_connect };
	p->connect.deadline_ns = due_ns;
	pair_submit(p, &p->connect);
}

static struct pair *create(struct relay *r, int fd)
{
	struct pair *p = cache_get(&r->pairs);

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->relay = r;
	p->number = r->stats.accepted++;
	p->opened_ns = relay_now_ns(r);
	for (unsigned i = 0; i < PROXY_DIRECTIONS; i++) {
		p->sides[i].pair = p->ways[i].pair = p;
		p->sides[i].fd = i ? -1 : fd;
	}
	p->next = r->all;
	p->linked = &r->all;
	if (p->next)
		p->next->linked = &p->next;
	r->all = p;
	r->stats.open++;
	return p;
}

void pair_open(struct relay *r, int fd)
{
	struct pair *p = create(r, fd);

	if (!p) {
		r->stats.turned_away++;
		loop_close_fd(r->loop, fd);
		return;
	}
	pair_draw_faults(p);
	if (pair_has_fault(p, FAULT_REFUSE)) {
		pair_close(p, true);
		return;
	}
	p->is_silent = pair_has_fault(p, FAULT_SILENCE);
	p->in_flight++; /* a fault may close it right now */
	pair_start_reading(&p->sides[0]);
	if (p->is_silent)
		p->ways[PROXY_FORTH].is_cut = true;
	else
		connect_later(p);
	pair_check_faults(p);
	pair_release(p);
}
