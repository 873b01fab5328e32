/*
 * operation_reply.c - the reply: a head, what this hop and its children took, and as many bytes as
 * were asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "node/operation.h"
#include "node/records.h"
#include "node/transfer.h"

/* Padding up to here is cheaper as bytes behind the head than as a part of its own. */
#define INLINE_PADDING 512

static enum wire_fault check_reply(const struct program_host *h, const struct wire_operation *op,
				   struct demand *demand)
{
	enum wire_fault excess;
	struct device *d;

	if (op->value > demand->reply_max)
		return WIRE_LONG_REPLY;
	if (op->flags != REPLY_SENDFILE)
		return WIRE_FINE;
	excess = find_device(h, op->device, demand, &d);
	return excess || !d ? excess : device_check_send(d, op->value);
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

/* From the beginning of the file, as often as it takes. */
static void append_file(struct program_host *h, struct conn *c, uint32_t device, uint64_t len)
{
	struct device *d = &h->transfers->storage->devices[device];
	uint64_t end = atomic_load_explicit(&d->end, memory_order_relaxed);

	device_count(&d->sends, 1);
	device_count(&d->sent, len);
	for (uint64_t part; len; len -= part) {
		part = len < end ? len : end;
		conn_append_file(c, d->send_fd, 0, part);
	}
}

/* What stands behind the records: bytes that nobody looks at, on the way that was asked for. */
static void append_rest(struct program_host *h, struct conn *c, const struct wire_operation *op,
			uint64_t len)
{
	if (op->flags == REPLY_SENDFILE)
		append_file(h, c, op->device, len);
	else if (op->flags == REPLY_ZERO_COPY)
		conn_append_payload_zero_copy(c, len);
	else
		conn_append_payload(c, len);
}

/* It leaves with the batch. */
static void has_replied(struct program_host *h, const struct conn *c)
{
	h->replied_ns = loop_now_ns(h->loop);
	h->replied_to = c;
}

static bool append_reply(struct program_host *h, struct conn *c, const struct wire_operation *op,
			 const struct answer *answer)
{
	uint64_t size = op->value;
	const struct records *records = answer->records;
	bool has_hop = size >= WIRE_HEAD + WIRE_HOP;
	uint32_t filled = WIRE_HEAD + (has_hop ? WIRE_HOP : 0);
	uint32_t fit = records && has_hop ? records_that_fit(records, size - filled) : 0;
	uint64_t padding = size - filled - fit;
	bool is_inline = op->flags == REPLY_COPY && padding <= INLINE_PADDING && !fit;
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
		append_rest(h, c, op, padding);
	has_replied(h, c);
	h->stats.requests++;
	return conn_is_open(c);
}

void reply_refused(struct program_host *h, struct conn *c, uint64_t id)
{
	uint8_t *p = conn_append(c, WIRE_HEAD);

	if (!p)
		return;
	wire_put_head(p, &(struct wire_head){ .length = WIRE_HEAD,
					      .version = WIRE_VERSION,
					      .type = WIRE_REPLY,
					      .hops = WIRE_REFUSED,
					      .id = id });
	has_replied(h, c);
}

static enum step run_reply(struct run *r, const struct wire_operation *op)
{
	const struct answer answer = {
		.id = r->id,
		.status = r->status,
		.hop = { r->queue_ns, r->service_ns, r->storage_ns, r->forward_ns },
		.records = r->waiting ? r->waiting->records : NULL,
	};

	return append_reply(r->host, r->conn, op, &answer) ? STEP_DONE : STEP_CLOSED;
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
	struct demand demand = demand_of(h, c);
	struct wire_operation op;

	if (m->head.body_len != WIRE_OPERATION || m->body[0] != WIRE_SEND_REPLY || h->ready_first)
		return false;
	if (m->head.length > h->loop->limits.message_max || wire_next_operation(&program, &op) ||
	    op.value < WIRE_HEAD || check_reply(h, &op, &demand) || demand.wants_default)
		return false;
	h->stats.operations[WIRE_SEND_REPLY]++;
	append_reply(h, c, &op,
		     &(struct answer){ .id = m->head.id,
				       .hop.queue_ns = program_now_ns(h) - m->received_ns });
	return true;
}
