/*
 * operation_reply.c - the reply: a head, what this hop and its children took, and as many bytes as
 * were asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "node/operation.h"
#include "node/records.h"

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
	const struct records *records; /* of children; NULL: none */
};

/* They may be longer than what can be appended at once. */
static bool append_records(struct conn *c, const uint8_t *from, uint32_t len)
{
	while (len) {
		uint32_t part = len < CHUNK_BYTES ? len : CHUNK_BYTES;
		uint8_t *p = conn_append_more(c, part);

		if (!p)
			return false;
		memcpy(p, from, part);
		from += part;
		len -= part;
	}
	return true;
}

static bool append_reply(struct program_host *h, struct conn *c, uint64_t size,
			 const struct answer *answer)
{
	const struct records *records = answer->records;
	bool has_hop = size >= WIRE_HEAD + WIRE_HOP;
	uint32_t filled = WIRE_HEAD + (has_hop ? WIRE_HOP : 0);
	uint32_t fit = records && has_hop ? records_that_fit(records, size - filled) : 0;
	uint64_t padding = size - filled - fit;
	bool is_inline = padding <= INLINE_PADDING && !fit;
	uint8_t *p = conn_append(c, is_inline ? (uint32_t)size : filled);

	if (!p)
		return false;
	wire_put_head(p, &(struct wire_head){
				 .length = (uint32_t)size,
				 .version = WIRE_VERSION,
				 .type = WIRE_REPLY,
				 .hops = answer->status,
				 .flags = records && (records->is_cut || fit < records->len)
						  ? WIRE_RECORDS_CUT
						  : 0,
				 .id = answer->id,
				 .body_len = filled - WIRE_HEAD + fit,
			 });
	if (has_hop)
		wire_put_hop(p + WIRE_HEAD, &answer->hop);
	if (fit && !append_records(c, records->bytes, fit))
		return false;
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
		.records = r->waiting ? r->waiting->records : NULL,
	};

	return append_reply(r->host, r->conn, op->value, &answer) ? STEP_DONE : STEP_CLOSED;
}

const struct operation operation_reply = {
	.name = "reply",
	.class = OPERATION_IMMEDIATE,
	.check = check_reply,
	.run = run_reply,
	.joins = true,
};

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
