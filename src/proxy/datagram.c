/*
 * datagram.c - the proxy over UDP: peers instead of connections, datagrams instead of pieces.
 *
 * A datagram's fate is decided as it comes: lost, held back, doubled, damaged, and when it is due.
 * From then on it is post.c's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/datagram.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "proxy/post.h"
#include "proxy/relay.h"

#define BUCKETS	   4096 /* of the hash table */
#define KEEP_FLOWS 64
#define PAUSE_NS   (10 * MS)

/* Forgotten peers whose datagrams are still under way, beyond the limit of those that are not: a
 * long delay and addresses that somebody makes up would hold memory without end. */
#define LEAVING_MAX 256

struct udp_door {
	struct io_op recv, pause;
	struct datagrams *owner;
	struct outlet out;
};

struct flow_way {
	struct bucket bucket;
	int64_t last_due_ns;
	uint64_t number; /* of the next datagram */
	uint64_t load, passed;
};

struct flow {
	struct io_op recv, closing;
	struct datagrams *owner;
	struct udp_door *door;
	struct flow *next, **linked;  /* in the hash table */
	struct flow *older, *newer;   /* by when it was heard of */
	struct sockaddr_storage peer; /* who it is, */
	socklen_t peer_len;
	struct outlet out; /* and its socket to the server */
	struct flow_way ways[PROXY_DIRECTIONS];
	int64_t opened_ns, heard_ns;
	uint64_t number;
	uint32_t packets, in_flight; /* what still points to it */
	bool is_closing;
};

struct datagrams {
	struct relay *relay;
	struct post post;
	struct cache flows;
	struct flow *table[BUCKETS];
	struct flow *oldest, *newest;
	struct udp_door doors[PROXY_BINDS];
	unsigned door_count;
	struct io_op timer; /* looks for idle flows */
	bool is_armed;
};

static void on_reply(struct io_op *op, const struct io_result *r);

static uint32_t hash(const struct sockaddr *from, socklen_t len)
{
	const uint8_t *at = (const uint8_t *)from;
	uint32_t sum = 2166136261U; /* FNV-1a */

	for (socklen_t i = 0; i < len; i++)
		sum = (sum ^ at[i]) * 16777619U;
	return sum % BUCKETS;
}

static void leave_ages(struct flow *f)
{
	struct datagrams *g = f->owner;

	*(f->older ? &f->older->newer : &g->oldest) = f->newer;
	*(f->newer ? &f->newer->older : &g->newest) = f->older;
}

static void join_ages(struct flow *f)
{
	struct datagrams *g = f->owner;

	f->newer = NULL;
	f->older = g->newest;
	*(g->newest ? &g->newest->newer : &g->oldest) = f;
	g->newest = f;
	f->heard_ns = relay_now_ns(g->relay);
}

static void flow_release(struct flow *f)
{
	if (!f->is_closing || f->in_flight || f->packets)
		return;
	f->owner->relay->stats.open--;
	cache_put(&f->owner->flows, f);
}

static void on_closed(struct io_op *op, const struct io_result *r)
{
	struct flow *f = (struct flow *)((char *)op - offsetof(struct flow, closing));

	(void)r;
	f->in_flight--;
	flow_release(f);
}

static void flow_close(struct flow *f)
{
	if (f->is_closing)
		return;
	f->is_closing = true;
	leave_ages(f);
	*f->linked = f->next;
	if (f->next)
		f->next->linked = f->linked;
	f->closing = (struct io_op){ .kind = IO_CLOSE, .fd = f->out.fd, .done = on_closed };
	f->in_flight++;
	loop_submit(f->owner->relay->loop, &f->closing);
	outlet_drop(&f->out);
}

static void on_idle(struct io_op *op, const struct io_result *r);

static void look_for_idle(struct datagrams *g)
{
	if (g->is_armed || !g->oldest)
		return;
	g->is_armed = true;
	g->timer = (struct io_op){ .kind = IO_TIMER, .done = on_idle };
	g->timer.deadline_ns = g->oldest->heard_ns + g->relay->opts->idle_ns;
	loop_submit(g->relay->loop, &g->timer);
}

static void on_idle(struct io_op *op, const struct io_result *r)
{
	struct datagrams *g = (struct datagrams *)((char *)op - offsetof(struct datagrams, timer));
	int64_t before_ns = relay_now_ns(g->relay) - g->relay->opts->idle_ns;

	(void)r;
	g->is_armed = false;
	while (g->oldest && g->oldest->heard_ns <= before_ns)
		flow_close(g->oldest);
	if (!g->relay->is_closing)
		look_for_idle(g);
}

static void start_reading(struct flow *f)
{
	f->recv = (struct io_op){ .kind = IO_RECVFROM, .fd = f->out.fd, .done = on_reply };
	f->in_flight++;
	loop_submit(f->owner->relay->loop, &f->recv);
}

static void flow_link(struct flow *f, const struct sockaddr *from, socklen_t len)
{
	struct flow **at = &f->owner->table[hash(from, len)];

	memcpy(&f->peer, from, len);
	f->peer_len = len;
	f->next = *at;
	f->linked = at;
	if (f->next)
		f->next->linked = &f->next;
	*at = f;
	join_ages(f);
}

static struct flow *flow_open(struct udp_door *d, const struct sockaddr *from, socklen_t len)
{
	struct relay *r = d->owner->relay;
	struct err err = { 0 };
	struct flow *f;
	int fd;

	if (r->stats.open >= (uint64_t)r->opts->connections + LEAVING_MAX) {
		r->stats.turned_away++;
		return NULL;
	}
	if (r->stats.open >= (uint64_t)r->opts->connections && d->owner->oldest)
		flow_close(d->owner->oldest);
	fd = r->sockets.open(r->sockets.context, &r->route->to, &err);
	if (fd < 0) {
		r->stats.turned_away++;
		relay_say_exhausted(r, err.text, fd);
		return NULL;
	}
	f = cache_get(&d->owner->flows);
	if (!f) {
		r->stats.turned_away++;
		loop_close_fd(r->loop, fd);
		return NULL;
	}
	memset(f, 0, sizeof(*f));
	f->owner = d->owner;
	f->door = d;
	f->number = r->stats.accepted++;
	f->opened_ns = relay_now_ns(r);
	r->stats.open++;
	outlet_init(&f->out, &d->owner->post, fd);
	flow_link(f, from, len);
	start_reading(f);
	look_for_idle(d->owner);
	return f;
}

static struct flow *flow_of(struct udp_door *d, const struct sockaddr *from, socklen_t len)
{
	for (struct flow *f = d->owner->table[hash(from, len)]; f; f = f->next) {
		if (f->door == d && f->peer_len == len && !memcmp(&f->peer, from, len)) {
			leave_ages(f);
			join_ages(f);
			return f;
		}
	}
	return flow_open(d, from, len);
}

/* What is to happen to one datagram: a set of kinds, and how long it is held back. */
struct fate {
	unsigned kinds;
	int64_t by_ns;
};

static bool has_begun(const struct flow *f, const struct fault *fault, int64_t now_ns)
{
	uint64_t passed = (fault->dir & DIR_FORTH ? f->ways[PROXY_FORTH].passed : 0) +
			  (fault->dir & DIR_BACK ? f->ways[PROXY_BACK].passed : 0);

	return now_ns - f->opened_ns >= fault->after_ns && passed >= (uint64_t)fault->after_bytes;
}

static struct random_key fault_key(const struct flow *f, enum proxy_direction d, unsigned what,
				   unsigned index)
{
	return random_key(f->owner->relay->route->seed, (uint32_t)f->number, what + d, index);
}

static struct fate draw_fate(struct flow *f, enum proxy_direction d, uint64_t number)
{
	struct relay *r = f->owner->relay;
	int64_t now_ns = relay_now_ns(r);
	struct fate fate = { 0 };

	for (unsigned i = 0; i < r->route->fault_count; i++) {
		const struct fault *fault = &r->route->faults[i];
		struct random_key key = fault_key(f, d, DRAW_DATAGRAM, i);

		if (!(fault->dir & 1U << d) || !has_begun(f, fault, now_ns) ||
		    !fault_is_open(fault, now_ns - r->start_ns) ||
		    (fault->prob < 1 && random_unit(&key, number) >= fault->prob))
			continue;
		fate.kinds |= 1U << fault->kind;
		fate.by_ns += fault->by_ns;
		r->stats.faults[fault->kind]++;
	}
	return fate;
}

static void damage(struct flow *f, enum proxy_direction d, uint64_t number, struct packet *p)
{
	struct random_key key = fault_key(f, d, DRAW_BIT, 0);
	struct iovec parts[LINE_PARTS];
	uint64_t bit, byte;
	unsigned count;

	if (!p->line.bytes)
		return;
	bit = random_below(&key, number, p->line.bytes * 8);
	byte = bit / 8;
	line_gather(&p->line, p->line.bytes, parts, &count);
	for (struct iovec *part = parts;; part++) {
		if (byte < part->iov_len) {
			((uint8_t *)part->iov_base)[byte] ^= (uint8_t)(1U << bit % 8);
			return;
		}
		byte -= part->iov_len;
	}
}

/* When a datagram of this length that comes now is due. */
static int64_t due_ns(struct flow *f, enum proxy_direction d, uint64_t number, uint32_t len,
		      int64_t by_ns)
{
	const struct route *route = f->owner->relay->route;
	const struct bucket_limit *limit = &route->ways[d].limit;
	struct flow_way *w = &f->ways[d];
	int64_t due = bucket_ready_ns(&w->bucket, limit, relay_now_ns(f->owner->relay), len);

	bucket_take(&w->bucket, limit, len);
	due += route_draw_ns(route, d, f->number, number);
	if (due < w->last_due_ns)
		due = w->last_due_ns;
	if (by_ns)
		return due + by_ns;
	return w->last_due_ns = due;
}

static void post_one(struct flow *f, enum proxy_direction d, struct packet *p, int64_t at_ns)
{
	p->flow = f;
	p->way = d;
	p->outlet = d == PROXY_FORTH ? &f->out : &f->door->out;
	f->ways[d].load += p->load;
	f->packets++;
	post_send(&f->owner->post, p, at_ns);
}

static void carry(struct flow *f, enum proxy_direction d, const uint8_t *data, uint32_t len)
{
	struct relay *r = f->owner->relay;
	struct proxy_way_stats *s = &r->stats.way[d];
	uint64_t number = f->ways[d].number++;
	struct fate fate = draw_fate(f, d, number);
	unsigned copies = fate.kinds & 1U << FAULT_DUPLICATE ? 2 : 1;
	int64_t at_ns;

	s->bytes_in += len;
	s->pieces++;
	if (fate.kinds & (1U << FAULT_LOSS | 1U << FAULT_BLACK_HOLE))
		return;
	at_ns = due_ns(f, d, number, len, fate.by_ns);
	s->delayed += at_ns > relay_now_ns(r);
	while (copies--) {
		struct packet *p = NULL;

		if (f->ways[d].load + len <= r->route->ways[d].buffer)
			p = post_packet(&f->owner->post, data, len);
		if (!p) {
			s->dropped++;
			continue;
		}
		if (fate.kinds & 1U << FAULT_CORRUPT)
			damage(f, d, number, p);
		post_one(f, d, p, at_ns);
	}
	post_run(&f->owner->post);
}

static void on_datagram(struct io_op *op, const struct io_result *r);

static void listen_on(struct udp_door *d)
{
	d->recv = (struct io_op){ .kind = IO_RECVFROM, .fd = d->out.fd, .done = on_datagram };
	loop_submit(d->owner->relay->loop, &d->recv);
}

static void on_pause_over(struct io_op *op, const struct io_result *r)
{
	struct udp_door *d = (struct udp_door *)((char *)op - offsetof(struct udp_door, pause));

	(void)r;
	if (!d->owner->relay->is_closing)
		listen_on(d);
}

static void on_datagram(struct io_op *op, const struct io_result *r)
{
	struct udp_door *d = (struct udp_door *)op;
	struct relay *relay = d->owner->relay;
	struct flow *f = NULL;

	if (r->res >= 0 && r->from && !relay->is_closing)
		f = flow_of(d, r->from, r->from_len);
	if (f)
		carry(f, PROXY_FORTH, r->data, (uint32_t)r->res);
	if (r->more || relay->is_closing)
		return;
	relay->stats.accept_errors += r->res < 0;
	d->pause = (struct io_op){ .kind = IO_TIMER, .done = on_pause_over };
	d->pause.deadline_ns = relay_now_ns(relay) + PAUSE_NS;
	loop_submit(relay->loop, &d->pause);
}

static void say_refused(struct flow *f, int code)
{
	char text[ADDRESS_TEXT + 8];
	struct relay *r = f->owner->relay;

	r->stats.refused++;
	relay_say(r, "peer %" PRIu64 ": %s: %s: datagram lost", f->number,
		  route_format_address(&r->route->to, text, sizeof(text)), strerror(-code));
}

static void on_reply(struct io_op *op, const struct io_result *r)
{
	struct flow *f = (struct flow *)op;

	if (r->res >= 0 && !f->is_closing) {
		leave_ages(f);
		join_ages(f);
		carry(f, PROXY_BACK, r->data, (uint32_t)r->res);
	} else if (r->res < 0 && !f->is_closing) {
		say_refused(f, r->res);
	}
	if (r->more)
		return;
	f->in_flight--;
	/* An ICMP error (udp(7)) is told once; any other would be told for ever. */
	if (!f->is_closing && (r->res >= 0 || r->res == -ECONNREFUSED))
		start_reading(f);
	else
		flow_close(f);
	flow_release(f);
}

static bool address_of(const struct packet *p, struct sockaddr **ret, socklen_t *ret_len)
{
	bool is_back = p->way == PROXY_BACK;

	*ret = is_back ? (struct sockaddr *)&p->flow->peer : NULL;
	*ret_len = is_back ? p->flow->peer_len : 0;
	return !p->flow->is_closing;
}

static void on_gone(struct packet *p, int result)
{
	struct flow *f = p->flow;
	struct proxy_way_stats *s = &f->owner->relay->stats.way[p->way];

	f->ways[p->way].load -= p->load;
	f->packets--;
	if (result >= 0) {
		f->ways[p->way].passed += (uint64_t)result;
		s->bytes_out += (uint64_t)result;
	} else {
		s->dropped++;
		if (result == -ECONNREFUSED)
			say_refused(f, result);
	}
	flow_release(f);
}

int datagrams_create(struct datagrams **ret, struct relay *r)
{
	struct datagrams *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->relay = r;
	g->post.address = address_of;
	g->post.gone = on_gone;
	post_init(&g->post, r->loop, &r->lines);
	cache_init(&g->flows, sizeof(struct flow), KEEP_FLOWS);
	*ret = g;
	return 0;
}

void datagrams_open_door(struct datagrams *g, int fd)
{
	struct udp_door *d = &g->doors[g->door_count++];

	d->owner = g;
	outlet_init(&d->out, &g->post, fd);
	listen_on(d);
}

void datagrams_close(struct datagrams *g)
{
	post_drop(&g->post);
	for (unsigned i = 0; i < g->door_count; i++)
		outlet_drop(&g->doors[i].out);
	while (g->oldest)
		flow_close(g->oldest);
}

bool datagrams_are_open(const struct datagrams *g)
{
	return g->relay->stats.open > 0;
}

void datagrams_destroy(struct datagrams *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < g->door_count; i++)
		outlet_finish(&g->doors[i].out);
	post_finish(&g->post);
	cache_finish(&g->flows);
	free(g);
}
