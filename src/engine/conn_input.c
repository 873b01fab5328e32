/*
 * conn_input.c - received bytes to messages, where they lie.
 *
 * The fast path is parse(): messages that lie whole in the lent bytes go to the role without a
 * copy. A message cut at the end is kept in c->carry: its head and body first, then its padding is
 * only counted (c->skip), and it is delivered when the last byte has come. While reading is paused,
 * what still arrives is kept unparsed (CONN_RAW); that is bounded by what a backend can lend before
 * a cancelled receive has come back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "engine/carry.h"
#include "engine/conn_private.h"
#include "engine/tls_private.h"

static void on_received(struct io_op *op, const struct io_result *r);

static bool is_stopped(const struct conn *c)
{
	return c->flags & (CONN_PAUSED | CONN_CLOSING);
}

/* Keeps bytes for after the pause, or the beginning of a message. */
static void keep(struct conn *c, const uint8_t *data, uint32_t len)
{
	struct carry *old = c->carry;
	uint32_t had = old ? old->len : 0;

	if (c->flags & CONN_CLOSING || !len)
		return;
	if (!old || had + len > old->size) {
		c->carry = carry_get(&c->loop->carries, had + len);
		if (!c->carry) {
			c->carry = old;
			conn_end(c, CONN_LOST, -ENOMEM);
			return;
		}
		if (old)
			carry_add(c->carry, old->bytes, had);
		carry_put(&c->loop->carries, old);
	}
	carry_add(c->carry, data, len);
}

static enum wire_fault type_fault(const struct conn *c, const struct wire_head *head)
{
	bool is_asked = head->type == WIRE_CHALLENGE && c->role->accepts == WIRE_REPLY;

	return is_asked ? WIRE_ASKS_SECRET : WIRE_BAD_TYPE;
}

static bool head_is_fine(struct conn *c, const uint8_t *data, struct wire_head *head)
{
	enum wire_fault fault = wire_get_head(data, conn_longest(c->role, c->loop), head);

	if (!fault && head->type != c->role->accepts)
		fault = type_fault(c, head);
	if (fault)
		conn_fault(c, fault);
	return !fault;
}

static bool beginning_is_fine(struct conn *c, const uint8_t *data, uint32_t len)
{
	enum wire_fault fault = wire_check_beginning(data, len);

	if (fault)
		conn_fault(c, fault);
	return !fault;
}

static void deliver(struct conn *c, const struct wire_head *head, const uint8_t *data)
{
	struct message m = {
		.head = *head,
		.body = data + WIRE_HEAD,
		.received_ns = loop_now_ns(c->loop),
	};

	c->loop->stats.messages_in++;
	c->role->message(c, &m);
	if (!(c->flags & CONN_CLOSING) && (c->held || c->out.bytes > c->loop->limits.out_queue))
		conn_settle(c);
}

/* Messages that are whole; what is left over is kept. */
static void parse(struct conn *c, const uint8_t *data, uint32_t len)
{
	struct wire_head head;

	while (len >= WIRE_HEAD && !is_stopped(c)) {
		if (!head_is_fine(c, data, &head))
			return;
		if (head.length > len)
			break;
		deliver(c, &head, data);
		data += head.length;
		len -= head.length;
	}
	if (!len || c->flags & CONN_CLOSING)
		return;
	if (c->flags & CONN_PAUSED) {
		c->flags |= CONN_RAW;
		keep(c, data, len);
		return;
	}
	if (len < WIRE_HEAD && !beginning_is_fine(c, data, len))
		return;
	if (len >= WIRE_HEAD && len > WIRE_HEAD + head.body_len) {
		c->skip = head.length - len;
		len = WIRE_HEAD + head.body_len;
	}
	keep(c, data, len);
}

/* Adds to the kept beginning what it lacks of `whole` bytes; returns the bytes taken. */
static uint32_t fill_up(struct conn *c, const uint8_t *data, uint32_t len, uint32_t whole)
{
	uint32_t lacks = whole > c->carry->len ? whole - c->carry->len : 0;
	uint32_t take = lacks < len ? lacks : len;

	carry_add(c->carry, data, take);
	return take;
}

static void deliver_kept(struct conn *c, const struct wire_head *head)
{
	struct carry *k = c->carry;

	c->carry = NULL;
	deliver(c, head, k->bytes);
	carry_put(&c->loop->carries, k);
}

static uint32_t skip_padding(struct conn *c, uint32_t len)
{
	uint32_t take = c->skip < len ? c->skip : len;

	c->skip -= take;
	return take;
}

/* Goes on with a message whose beginning is kept. Returns the bytes used. */
static uint32_t complete(struct conn *c, const uint8_t *data, uint32_t len)
{
	struct wire_head head;
	uint32_t used = 0;

	if (c->skip) {
		used = skip_padding(c, len);
	} else {
		used = fill_up(c, data, len, WIRE_HEAD);
		if (c->carry->len < WIRE_HEAD) {
			beginning_is_fine(c, c->carry->bytes, c->carry->len);
			return len;
		}
		if (!head_is_fine(c, c->carry->bytes, &head))
			return len;
		used += fill_up(c, data + used, len - used, WIRE_HEAD + head.body_len);
		if (c->carry->len < WIRE_HEAD + head.body_len)
			return len;
		c->skip = head.length - WIRE_HEAD - head.body_len;
		used += skip_padding(c, len - used);
	}
	if (c->skip)
		return len;
	wire_get_head(c->carry->bytes, UINT32_MAX, &head);
	deliver_kept(c, &head);
	return used;
}

void conn_input(struct conn *c, const uint8_t *data, uint32_t len)
{
	if (c->carry && !(c->flags & CONN_RAW)) {
		uint32_t used = complete(c, data, len);

		data += used;
		len -= used;
	}
	if (!len || c->flags & CONN_CLOSING)
		return;
	if (c->flags & CONN_PAUSED) {
		c->flags |= CONN_RAW;
		keep(c, data, len);
		return;
	}
	parse(c, data, len);
}

/* Answers go out while the request's cache lines are warm, or with the batch. */
static void end_input(struct conn *c)
{
	c->flags &= ~CONN_IN_INPUT;
	if (c->flags & CONN_DIRTY && !(c->flags & CONN_CLOSING)) {
		if (!c->loop->ops->sends_with_wait)
			conn_flush(c);
		else if (!(c->flags & CONN_LISTED))
			conn_list_dirty(c);
	}
	if (c->flags & (CONN_PAUSED | CONN_FINISHING))
		conn_settle(c);
}

void conn_start_reading(struct conn *c)
{
	c->flags |= CONN_READING;
	c->recv.kind = IO_RECV;
	c->recv.done = on_received;
	loop_submit(c->loop, &c->recv);
}

void conn_end_of_stream(struct conn *c)
{
	if (c->carry && !(c->flags & CONN_RAW)) {
		conn_end(c, CONN_CUT, 0);
		return;
	}
	c->flags |= CONN_PEER_DONE;
	if (!(c->flags & CONN_RAW)) {
		c->flags |= CONN_FINISHING;
		conn_settle(c);
	}
}

static void on_error(struct conn *c, int code)
{
	if (c->flags & CONN_TLS && tls_has_parted(c))
		conn_end_finished(c);
	else
		conn_end(c, code == -ERANGE ? CONN_REFUSED : CONN_LOST, code);
}

static void on_received(struct io_op *op, const struct io_result *r)
{
	struct conn *c = (struct conn *)op;

	if (!r->more)
		c->flags &= ~(CONN_READING | CONN_CANCELLING);
	if (c->flags & CONN_CLOSING)
		return;
	if (r->res > 0) {
		c->loop->stats.bytes_in += r->res;
		if (c->flags & CONN_FINISHING)
			return;
		c->flags |= CONN_IN_INPUT;
		if (c->flags & CONN_TLS)
			tls_input(c, r->data, r->res);
		else
			conn_input(c, r->data, r->res);
		end_input(c);
	} else if (r->res == 0) {
		if (c->flags & CONN_TLS)
			tls_end_of_stream(c);
		else
			conn_end_of_stream(c);
		return;
	} else if (r->res != -ECANCELED) {
		on_error(c, r->res);
		return;
	}
	if (!(c->flags & (CONN_READING | CONN_PAUSED | CONN_CLOSING | CONN_FINISHING)))
		conn_start_reading(c);
}

/* The pause is over: first what was kept, then the socket, unless that pauses again. */
void conn_read_on(struct conn *c)
{
	if (c->flags & CONN_RAW) {
		struct carry *k = c->carry;

		c->flags &= ~CONN_RAW;
		c->carry = NULL;
		c->flags |= CONN_IN_INPUT;
		parse(c, k->bytes, k->len);
		end_input(c);
		carry_put(&c->loop->carries, k);
	}
	if (is_stopped(c))
		return;
	if (c->flags & CONN_PEER_DONE)
		conn_end_of_stream(c);
	else if (!(c->flags & CONN_READING))
		conn_start_reading(c);
}
