/*
 * pair_move.c - a connection's bytes: into the line as they come, out of it as they are due.
 *
 * pair_pump() is all that sends. It asks in turn what may hold the first byte up: a send in flight,
 * a connection that is not there yet, a black hole, its due time, the gap between fragments, the
 * rate; and then sends, or sets the timer for when that is over. Whoever changes one of these calls
 * it again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>

#include "proxy/pair.h"

#define SEND_MAX ((uint64_t)LINE_CHUNK * LINE_PARTS)

static const struct way *config(const struct pair_way *w)
{
	return &w->pair->relay->route->ways[pair_way_index(w)];
}

static struct proxy_way_stats *stats(const struct pair_way *w)
{
	return &w->pair->relay->stats.way[pair_way_index(w)];
}

/* Where it leads. */
static struct pair_side *sink(const struct pair_way *w)
{
	return &w->pair->sides[!pair_way_index(w)];
}

static struct pair_side *source(const struct pair_way *w)
{
	return &w->pair->sides[pair_way_index(w)];
}

static int64_t draw_due_ns(struct pair_way *w)
{
	struct pair *p = w->pair;

	return relay_now_ns(p->relay) +
	       route_draw_ns(p->relay->route, pair_way_index(w), p->number, w->drawn++);
}

static void pause_reading(struct pair_side *side)
{
	if (side->is_paused)
		return;
	side->is_paused = true;
	stats(&side->pair->ways[side == &side->pair->sides[1]])->pauses++;
	if (side->is_reading && !side->is_cancelling) {
		side->is_cancelling = true;
		loop_cancel(side->pair->relay->loop, &side->recv);
	}
}

static void resume_reading(struct pair_side *side)
{
	if (!side->is_paused)
		return;
	side->is_paused = false;
	pair_start_reading(side);
}

void pair_take(struct pair_side *side, const uint8_t *data, uint32_t len)
{
	struct pair *p = side->pair;
	struct pair_way *w = &p->ways[side == &p->sides[1]];
	struct proxy_way_stats *s = stats(w);
	int64_t due_ns;

	s->bytes_in += len;
	if (w->is_cut)
		return;
	due_ns = line_delay(&w->line, draw_due_ns(w));
	s->pieces++;
	s->delayed += due_ns > relay_now_ns(p->relay);
	if (line_push(&w->line, &p->relay->lines, data, len, due_ns) < 0) {
		relay_say_exhausted(p->relay, "bytes under way", -ENOMEM);
		pair_close(p, true);
		return;
	}
	pair_pump(w);
	if (!p->is_closing && line_load(&w->line) > config(w)->buffer)
		pause_reading(side);
}

/* What came behind a cut is not read for its own sake: the side's end must be seen. */
void pair_cut_way(struct pair_way *w)
{
	w->is_cut = true;
	if (!w->sender)
		line_drop(&w->line, &w->pair->relay->lines);
	resume_reading(source(w));
}

static void on_timer(struct io_op *op, const struct io_result *r)
{
	struct pair_way *w = (struct pair_way *)op;
	struct pair *p = w->pair;

	(void)r;
	w->is_armed = false;
	if (!p->is_closing)
		pair_pump(w);
	pair_release(p);
}

static void come_back(struct pair_way *w, int64_t at_ns)
{
	if (w->is_armed || at_ns == INT64_MAX)
		return;
	w->is_armed = true;
	w->timer = (struct io_op){ .kind = IO_TIMER, .done = on_timer };
	w->timer.deadline_ns = at_ns;
	pair_submit(w->pair, &w->timer);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What one send may take, whatever is due. */
static uint64_t send_max(const struct way *way)
{
	uint64_t max = SEND_MAX;

	if (way->frag)
		max = least(max, (uint64_t)way->frag);
	return way->limit.rate ? least(max, (uint64_t)way->limit.burst) : max;
}

/* How many bytes may leave now; 0: not before *ret_until_ns. */
static uint64_t allowed(struct pair_way *w, int64_t now_ns, int64_t *ret_until_ns)
{
	const struct way *way = config(w);
	uint64_t len = line_due(&w->line, now_ns, send_max(way));

	*ret_until_ns = len ? w->gap_until_ns : line_next_ns(&w->line);
	if (!len || (way->frag && w->gap_until_ns > now_ns))
		return 0;
	len = least(len, pair_fault_budget(w));
	if (!way->limit.rate)
		return len;
	*ret_until_ns = bucket_ready_ns(&w->bucket, &way->limit, now_ns, (int64_t)len);
	return *ret_until_ns > now_ns ? 0 : len;
}

static void on_sent(struct io_op *op, const struct io_result *r)
{
	struct pair_sender *s = (struct pair_sender *)op;
	struct pair_way *w = s->way;
	struct pair *p = w->pair;
	uint64_t sent = r->res > 0 ? (uint64_t)r->res : 0;

	w->sender = NULL;
	bucket_take(&w->bucket, &config(w)->limit, (int64_t)sent - (int64_t)s->len);
	cache_put(&p->relay->senders, s);
	w->passed += sent;
	stats(w)->bytes_out += sent;
	if (!p->is_closing) {
		line_take(&w->line, &p->relay->lines, sent);
		if (w->is_cut)
			line_drop(&w->line, &p->relay->lines);
		if (r->res < 0)
			pair_lose_side(p, !pair_way_index(w), r->res);
		else
			pair_check_faults(p);
	}
	if (!p->is_closing && line_load(&w->line) <= config(w)->buffer / 2)
		resume_reading(source(w));
	if (!p->is_closing)
		pair_pump(w);
	/* A fault that counts both directions may have held the other one. */
	if (!p->is_closing && p->armed)
		pair_pump(&p->ways[!pair_way_index(w)]);
	pair_release(p);
}

static void send_bytes(struct pair_way *w, uint64_t len)
{
	struct pair *p = w->pair;
	struct pair_sender *s = cache_get(&p->relay->senders);
	const struct way *way = config(w);
	unsigned count;

	if (!s) {
		relay_say_exhausted(p->relay, "a send", -ENOMEM);
		pair_close(p, true);
		return;
	}
	s->way = w;
	s->len = line_gather(&w->line, len, s->parts, &count);
	s->op = (struct io_op){ .kind = count > 1 ? IO_SENDMSG : IO_SEND, .fd = sink(w)->fd };
	s->op.done = on_sent;
	s->msg = (struct msghdr){ .msg_iov = s->parts, .msg_iovlen = count };
	if (count > 1) {
		s->op.msg = &s->msg;
	} else {
		s->op.buf = s->parts[0].iov_base;
		s->op.len = s->parts[0].iov_len;
	}
	w->sender = s;
	w->gap_until_ns = relay_now_ns(p->relay) + way->frag_gap_ns;
	bucket_take(&w->bucket, &way->limit, (int64_t)s->len);
	pair_submit(p, &s->op);
}

/* The line is empty and its side has ended. */
static void pass_end_on(struct pair_way *w)
{
	struct pair *p = w->pair;
	const struct sockets *sockets = &p->relay->sockets;

	if (w->end == END_RST) {
		p->relay->stats.resets++;
		pair_close(p, true);
		return;
	}
	w->is_finished = true;
	if (p->ways[0].is_finished && p->ways[1].is_finished) {
		pair_close(p, false);
		return;
	}
	sockets->end(sockets->context, sink(w)->fd);
	pair_pump(&p->ways[!pair_way_index(w)]); /* it may be hopeless now */
}

/* Both have gone and nothing will ever pass: nobody waits for this pair any more. */
static bool is_hopeless(const struct pair *p, int64_t held_until_ns)
{
	return held_until_ns == INT64_MAX && p->ways[0].end && p->ways[1].end;
}

/* The server's side takes bytes when it is connected, and a reset at any time. */
static bool leads_somewhere(const struct pair_way *w)
{
	return pair_way_index(w) == PROXY_BACK || w->pair->is_connected || w->end == END_RST;
}

void pair_pump(struct pair_way *w)
{
	struct pair *p = w->pair;
	int64_t now_ns = relay_now_ns(p->relay), until_ns;
	uint64_t len;

	if (w->sender || !leads_somewhere(w) || (w->is_finished && w->end != END_RST))
		return;
	if (!w->line.bytes && !w->end)
		return;
	until_ns = pair_held_until_ns(w);
	if (until_ns) {
		if (is_hopeless(p, until_ns))
			pair_close(p, false);
		else if (until_ns == INT64_MAX && p->ways[!pair_way_index(w)].end && !w->is_cut)
			pair_cut_way(w); /* else its side's end is never seen behind a full line */
		else
			come_back(w, until_ns);
		return;
	}
	if (w->line.bytes && (w->end != END_RST || p->is_connected)) {
		len = allowed(w, now_ns, &until_ns);
		if (len) {
			send_bytes(w, len);
			return;
		}
	} else {
		until_ns = w->end_due_ns;
		if (until_ns <= now_ns) {
			pass_end_on(w);
			return;
		}
	}
	if (until_ns > now_ns)
		come_back(w, until_ns);
}

void pair_end_way(struct pair_way *w, enum pair_end end)
{
	struct pair *p = w->pair;

	if (w->end >= end)
		return;
	w->end = end;
	w->end_due_ns = line_delay(&w->line, draw_due_ns(w));
	pair_pump(w);
	if (!p->is_closing)
		pair_pump(&p->ways[!pair_way_index(w)]);
}
