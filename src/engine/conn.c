/*
 * conn.c - a connection's life: open, send, pause, close. What it receives is in conn_input.c.
 *
 * Flags tell where it is; every operation in flight holds the struct, and the close, which the
 * backend completes last, frees it. So nothing here needs a reference count but conn_hold(), which
 * is for roles that answer later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/conn.h"

#include <errno.h>
#include <malloc.h>

#include "base/clock.h"
#include "engine/carry.h"
#include "engine/conn_private.h"
#include "engine/datagram_private.h"
#include "engine/guard.h"
#include "engine/tls_private.h"

/* So many connections make it worth while to give memory back when most of them have gone. */
#define CROWD 256

/*
 * A crowd that has left: malloc keeps its pages where something small lies above them, so it is
 * asked to give them back. Rare enough to cost nothing: once when three quarters have gone.
 */
static void return_memory(struct loop *loop)
{
	if (loop->conn_count > loop->conn_peak)
		loop->conn_peak = loop->conn_count;
	if (loop->conn_peak < CROWD || loop->conn_count > loop->conn_peak / 4)
		return;
	malloc_trim(0);
	loop->conn_peak = loop->conn_count;
}

static struct cache *memory_of(const struct conn *c)
{
	return c->flags & CONN_TLS ? &c->loop->tls->conns : &c->loop->conns;
}

void conn_leave_loop(struct conn *c)
{
	return_memory(c->loop);
	*c->linked = c->next;
	if (c->next)
		c->next->linked = c->linked;
	c->loop->conn_count--;
}

static void conn_free(struct conn *c)
{
	conn_leave_loop(c);
	cache_put(memory_of(c), c);
}

static void on_closed(struct io_op *op, const struct io_result *r)
{
	struct conn *c = (struct conn *)((char *)op - offsetof(struct conn, closing));

	(void)r;
	c->flags |= CONN_GONE;
	if (!c->held)
		conn_free(c);
}

static void leave_dirty_list(struct conn *c)
{
	struct conn **at = &c->loop->dirty;

	while (*at && *at != c)
		at = &(*at)->dirty_next;
	if (*at)
		*at = c->dirty_next;
	c->flags &= ~(CONN_DIRTY | CONN_LISTED);
}

/* The queue's memory goes back, but what the kernel is still reading only after the send. */
static void drop_queue(struct conn *c)
{
	if (c->sender)
		c->sender->orphans = c->out.head;
	else
		outqueue_free_chunks(c->out.head, &c->loop->chunks);
	carry_put(&c->loop->carries, c->carry);
	c->carry = NULL;
}

void conn_count_end(struct loop_stats *stats, enum conn_end end)
{
	stats->closed++;
	stats->faults += end == CONN_FAULT || end == CONN_CUT;
	stats->resets += end == CONN_LOST;
	stats->refused += end == CONN_REFUSED;
}

void conn_end(struct conn *c, enum conn_end end, int code)
{
	if (c->flags & CONN_CLOSING)
		return;
	if (c->flags & CONN_DATAGRAM) {
		datagram_end(c, end, code);
		return;
	}
	c->flags |= CONN_CLOSING;
	if (c->flags & CONN_LISTED)
		leave_dirty_list(c);
	drop_queue(c);
	conn_count_end(&c->loop->stats, end);
	if (c->role->closed)
		c->role->closed(c, end, code);
	if (c->flags & CONN_TLS)
		tls_end(c, end);
	c->closing = (struct io_op){ .kind = IO_CLOSE, .fd = c->recv.fd, .done = on_closed };
	loop_submit(c->loop, &c->closing);
}

void conn_close(struct conn *c)
{
	conn_end(c, CONN_LOCAL, 0);
}

void conn_fault(struct conn *c, enum wire_fault fault)
{
	conn_end(c, CONN_FAULT, fault);
}

/* The peer may have closed its side only: what it asked for before is still answered. */
void conn_finish(struct conn *c)
{
	if (c->flags & CONN_CLOSING)
		return;
	c->flags |= CONN_FINISHING;
	if (c->flags & CONN_READING && !(c->flags & CONN_CANCELLING)) {
		c->flags |= CONN_CANCELLING;
		loop_cancel(c->loop, &c->recv);
	}
	conn_settle(c);
}

void conn_end_finished(struct conn *c)
{
	conn_end(c, c->flags & CONN_PEER_DONE ? CONN_PEER_CLOSED : CONN_LOCAL, 0);
}

/* Nothing is owed any more. */
static bool is_finished(struct conn *c)
{
	bool owes = c->out.head || c->held;

	return c->flags & CONN_TLS ? tls_is_finished(c, owes) : !owes;
}

/* What reading may add to; answers add nothing to what is queued. */
static uint64_t owed(const struct conn *c)
{
	return c->role->accepts == WIRE_REQUEST ? c->out.bytes : 0;
}

static bool is_over_limit(const struct conn *c)
{
	return owed(c) > c->loop->limits.out_queue || c->held >= c->loop->limits.in_flight;
}

static bool is_at_ease(const struct conn *c)
{
	return owed(c) <= c->loop->limits.out_queue / 2 && c->held <= c->loop->limits.in_flight / 2;
}

static void pause_reading(struct conn *c)
{
	c->flags |= CONN_PAUSED;
	c->loop->stats.pauses++;
	if (c->flags & CONN_READING && !(c->flags & CONN_CANCELLING)) {
		c->flags |= CONN_CANCELLING;
		loop_cancel(c->loop, &c->recv);
	}
}

/* After anything that changed what is queued or held: pause, go on, or end. */
void conn_settle(struct conn *c)
{
	if (c->flags & CONN_DATAGRAM) {
		datagram_settle(c);
		return;
	}
	if (c->flags & CONN_CLOSING)
		return;
	if (c->flags & CONN_FINISHING) {
		if (is_finished(c))
			conn_end_finished(c);
		return;
	}
	if (!(c->flags & CONN_PAUSED)) {
		if (is_over_limit(c))
			pause_reading(c);
	} else if (is_at_ease(c) && !(c->flags & CONN_IN_INPUT)) {
		c->flags &= ~CONN_PAUSED;
		conn_read_on(c);
	}
}

bool conn_is_full(struct conn *c)
{
	bool full = c->flags & (CONN_CLOSING | CONN_FINISHING) ||
		    c->out.bytes > c->loop->limits.out_queue;

	if (full)
		c->flags |= CONN_TOLD_FULL;
	return full;
}

uint64_t conn_send_max(const struct conn *c)
{
	return c->flags & CONN_DATAGRAM ? DATAGRAM_MAX : UINT64_MAX;
}

bool conn_is_open(const struct conn *c)
{
	return !(c->flags & (CONN_CLOSING | CONN_CONNECTING));
}

const char *conn_reason(const struct conn *c)
{
	const char *reason = guard_reason(c);

	return reason ? reason : tls_reason(c);
}

void conn_hold(struct conn *c)
{
	c->held++;
}

void conn_release(struct conn *c)
{
	c->held--;
	if (c->flags & CONN_GONE && !(c->flags & CONN_DATAGRAM)) {
		if (!c->held)
			conn_free(c);
		return;
	}
	conn_settle(c);
}

static void mark_dirty(struct conn *c)
{
	if (c->flags & CONN_DIRTY)
		return;
	c->flags |= CONN_DIRTY;
	if (c->flags & (CONN_LISTED | CONN_IN_INPUT))
		return;
	conn_list_dirty(c);
}

void conn_list_dirty(struct conn *c)
{
	c->flags |= CONN_LISTED;
	c->dirty_next = c->loop->dirty;
	c->loop->dirty = c;
}

uint8_t *conn_append_more(struct conn *c, uint32_t len)
{
	uint8_t *at;

	if (c->flags & CONN_CLOSING)
		return NULL;
	if (c->flags & CONN_DATAGRAM)
		return datagram_append_more(c, len);
	at = outqueue_append(&c->out, &c->loop->chunks, len);
	if (!at) {
		conn_end(c, CONN_LOST, -ENOMEM);
		return NULL;
	}
	mark_dirty(c);
	return at;
}

uint8_t *conn_append(struct conn *c, uint32_t len)
{
	uint8_t *at;

	if (c->flags & CONN_DATAGRAM)
		return c->flags & CONN_CLOSING ? NULL : datagram_append(c, len);
	at = conn_append_more(c, len);
	c->loop->stats.messages_out += at != NULL;
	return at;
}

static void append_payload(struct conn *c, enum chunk_tail tail, uint64_t len)
{
	if (c->flags & CONN_CLOSING || !len)
		return;
	if (c->flags & CONN_DATAGRAM)
		datagram_append_payload(c, len);
	else if (!outqueue_append_payload(&c->out, &c->loop->chunks, tail, len))
		conn_end(c, CONN_LOST, -ENOMEM);
}

void conn_append_payload(struct conn *c, uint64_t len)
{
	append_payload(c, TAIL_ZEROS, len);
}

void conn_append_payload_zero_copy(struct conn *c, uint64_t len)
{
	append_payload(c, c->flags & CONN_BY_COPY ? TAIL_ZEROS : TAIL_ZEROS_UNCOPIED, len);
}

void conn_append_file(struct conn *c, int fd, uint64_t offset, uint64_t len)
{
	if (c->flags & CONN_BY_COPY)
		append_payload(c, TAIL_ZEROS, len);
	else if (!(c->flags & CONN_CLOSING) && len &&
		 !outqueue_append_file(&c->out, &c->loop->chunks, fd, offset, len))
		conn_end(c, CONN_LOST, -ENOMEM);
}

void conn_after_send(struct conn *c)
{
	if (c->flags & (CONN_PAUSED | CONN_FINISHING))
		conn_settle(c);
	if (c->flags & CONN_TOLD_FULL && c->out.bytes <= c->loop->limits.out_queue / 2 &&
	    conn_is_open(c)) {
		c->flags &= ~CONN_TOLD_FULL;
		if (c->role->drained)
			c->role->drained(c);
	}
}

static void on_sent(struct io_op *op, const struct io_result *r)
{
	struct sender *s = (struct sender *)op;
	struct conn *c = s->conn;
	struct loop *loop = c->loop;

	c->sender = NULL;
	if (c->flags & CONN_CLOSING) {
		outqueue_free_chunks(s->orphans, &loop->chunks);
		cache_put(&loop->senders, s);
		return;
	}
	cache_put(&loop->senders, s);
	/* Only a file that is too short sends nothing. */
	if (r->res <= 0) {
		conn_end(c, CONN_LOST, r->res ? r->res : -ENODATA);
		return;
	}
	loop->stats.bytes_out += r->res;
	outqueue_advance(&c->out, &loop->chunks, r->res);
	if (c->out.head)
		conn_flush(c);
	conn_after_send(c);
}

void conn_flush(struct conn *c)
{
	struct sender *s;

	if (c->flags & CONN_DATAGRAM) {
		datagram_flush(c);
		return;
	}
	c->flags &= ~CONN_DIRTY;
	if (c->sender || c->flags & (CONN_CLOSING | CONN_CONNECTING) || !c->out.head)
		return;
	if (c->flags & CONN_TLS) {
		tls_flush(c);
		return;
	}
	s = cache_get(&c->loop->senders);
	if (!s) {
		conn_end(c, CONN_LOST, -ENOMEM);
		return;
	}
	s->conn = c;
	s->orphans = NULL;
	s->op.state = 0;
	s->op.fd = c->recv.fd;
	s->op.flags = 0;
	s->op.done = on_sent;
	outqueue_fill(&c->out, s);
	c->sender = s;
	loop_submit(c->loop, &s->op);
}

void loop_flush(struct loop *loop)
{
	while (loop->dirty) {
		struct conn *c = loop->dirty;

		loop->dirty = c->dirty_next;
		c->flags &= ~CONN_LISTED;
		if (c->flags & CONN_DIRTY)
			conn_flush(c);
	}
	datagram_flush_loop(loop);
}

void conn_join_loop(struct conn *c, struct loop *loop)
{
	c->loop = loop;
	c->next = loop->all;
	c->linked = &loop->all;
	if (c->next)
		c->next->linked = &c->next;
	loop->all = c;
	loop->conn_count++;
}

struct conn *conn_create(struct loop *loop, int fd, struct cache *memory,
			 const struct conn_role *role, void *owner)
{
	struct conn *c = NULL;

	if (loop->conn_count < loop->limits.connections)
		c = cache_get(memory);
	if (!c) {
		loop->stats.refused++;
		loop_close_fd(loop, fd);
		return NULL;
	}
	memset(c, 0, memory->size);
	c->recv.fd = fd;
	c->role = role;
	c->owner = owner;
	conn_join_loop(c, loop);
	return c;
}

struct conn *conn_open(struct loop *loop, int fd, const struct conn_role *role, void *owner)
{
	struct conn *c = conn_create(loop, fd, &loop->conns, role, owner);

	if (!c)
		return NULL;
	loop->stats.opened++;
	conn_start_reading(c);
	return c;
}

static void on_connected(struct io_op *op, const struct io_result *r)
{
	struct conn *c = (struct conn *)op;

	if (c->flags & CONN_CLOSING)
		return;
	c->flags &= ~CONN_CONNECTING;
	if (r->res < 0) {
		conn_end(c, CONN_REFUSED, r->res);
		return;
	}
	c->loop->stats.opened++;
	conn_start_reading(c);
	if (c->role->opened)
		c->role->opened(c);
	if (!(c->flags & CONN_CLOSING) && c->out.head)
		conn_flush(c);
}

struct conn *conn_connect(struct loop *loop, int fd, const struct sockaddr *addr,
			  socklen_t addr_len, const struct conn_role *role, void *owner)
{
	struct conn *c = conn_create(loop, fd, &loop->conns, role, owner);

	if (!c)
		return NULL;
	c->flags |= CONN_CONNECTING;
	c->recv.kind = IO_CONNECT;
	c->recv.addr = addr;
	c->recv.addr_len = addr_len;
	c->recv.done = on_connected;
	loop_submit(loop, &c->recv);
	return c;
}

void conn_drop(struct conn *c)
{
	struct loop *loop = c->loop;

	if (c->flags & CONN_DATAGRAM) {
		datagram_drop_peer(c);
		return;
	}
	if (c->sender) {
		outqueue_free_chunks(c->sender->orphans, &loop->chunks);
		cache_put(&loop->senders, c->sender);
	}
	if (c->flags & CONN_TLS)
		tls_drop_out((struct tls_conn *)c);
	cache_put(memory_of(c), c);
}
