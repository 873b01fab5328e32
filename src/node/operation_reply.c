/*
 * operation_reply.c - the reply: a head, what this hop took, and as many bytes as were asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "node/operation.h"

/* Padding up to here is cheaper as bytes behind the head than as a part of its own. */
#define INLINE_PADDING 512

static enum wire_fault check_reply(const struct program_host *h, const struct wire_operation *op,
				   struct demand *demand)
{
	if (op->flags != REPLY_COPY)
		return WIRE_BAD_OPERATION;
	if (op->value < WIRE_HEAD || op->value > h->reply_max || demand->replies++)
		return WIRE_BAD_REPLY;
	return WIRE_FINE;
}

/* What a reply says besides its size. */
struct answer {
	uint64_t id;
	enum wire_status status;
	struct wire_hop hop;
};

static bool append_reply(struct program_host *h, struct conn *c, uint64_t size,
			 const struct answer *answer)
{
	bool has_hop = size >= WIRE_HEAD + WIRE_HOP;
	uint32_t filled = WIRE_HEAD + (has_hop ? WIRE_HOP : 0);
	uint64_t padding = size - filled;
	bool is_inline = padding <= INLINE_PADDING;
	uint8_t *p = conn_append(c, is_inline ? (uint32_t)size : filled);

	if (!p)
		return false;
	wire_put_head(p, &(struct wire_head){
				 .length = (uint32_t)size,
				 .version = WIRE_VERSION,
				 .type = WIRE_REPLY,
				 .hops = answer->status,
				 .id = answer->id,
				 .body_len = filled - WIRE_HEAD,
			 });
	if (has_hop)
		wire_put_hop(p + WIRE_HEAD, &answer->hop);
	if (is_inline)
		memset(p + filled, 0, padding);
	else
		conn_append_payload(c, padding);
	h->replied_ns = loop_now_ns(h->loop);
	h->replied_to = c;
	h->stats.requests++;
	return true;
}

static enum step run_reply(struct run *r, const struct wire_operation *op)
{
	const struct answer answer = {
		.id = r->id,
		.status = r->status,
		.hop = { r->queue_ns, r->service_ns, r->storage_ns, r->forward_ns },
	};

	return append_reply(r->host, r->conn, op->value, &answer) ? STEP_DONE : STEP_CLOSED;
}

const struct operation operation_reply = { "reply", OPERATION_IMMEDIATE, check_reply, run_reply,
					   NULL };

/* Most requests of a benchmark ask for nothing but a reply: no need for all that follows. */
bool reply_at_once(struct program_host *h, struct conn *c, const struct message *m)
{
	struct wire_program program = wire_program(m->body, m->head.body_len);
	struct demand demand = { 0 };
	struct wire_operation op;

	if (m->head.body_len != WIRE_OPERATION || m->body[0] != WIRE_SEND_REPLY || h->ready_first)
		return false;
	if (wire_next_operation(&program, &op) || check_reply(h, &op, &demand))
		return false;
	h->stats.operations[WIRE_SEND_REPLY]++;
	append_reply(h, c, op.value,
		     &(struct answer){ .id = m->head.id,
				       .hop.queue_ns = program_now_ns(h) - m->received_ns });
	return true;
}
