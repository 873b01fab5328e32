/*
 * wire.c - the parts of the message format that are not on the hottest path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/wire.h"

static const char *const fault_texts[WIRE_FAULTS] = {
	[WIRE_FINE] = "nothing is wrong",
	[WIRE_BAD_VERSION] = "not a message of version 2",
	[WIRE_BAD_TYPE] = "neither the request nor the reply that was expected",
	[WIRE_SHORT_LENGTH] = "message shorter than its head and body",
	[WIRE_LONG_MESSAGE] = "message longer than the limit (--max-message)",
	[WIRE_LONG_BODY] = "program longer than 4096 bytes",
	[WIRE_BAD_FLAGS] = "unknown flags",
	[WIRE_CUT_OPERATION] = "operation reaches over the end of the program",
	[WIRE_BAD_OPERATION] = "unknown operation",
	[WIRE_BAD_REPLY] = "reply size below 24 bytes, or a second reply",
	[WIRE_NO_REPLY] = "program without a reply",
	[WIRE_LONG_REPLY] = "asks for a reply, or for a message to be forwarded, that is longer "
			    "than the limit (--max-message; 65507 bytes by UDP)",
	[WIRE_OVER_LIMIT] = "asks for more time, or more bytes of storage, than the limit "
			    "(--max-compute, --max-store, --max-load)",
	[WIRE_BAD_FORWARD] =
		"forward without destinations, with too many, or with a quorum above them",
	[WIRE_BAD_DESTINATION] = "forward to something that is no address",
	[WIRE_NO_DEVICE] = "asks for a storage device that is not there "
			   "(--storage gives devices)",
	[WIRE_BEYOND_DEVICE] = "reaches over the end of a storage device "
			       "(--max-storage-size, or size= of --storage)",
	[WIRE_ASKS_SECRET] = "the node asks for a secret (--secret-file)",
	[WIRE_NO_PROOF] = "asks for something before it has proved to know the secret",
	[WIRE_LATE_PROOF] = "does not prove in time that it knows the secret",
	[WIRE_BAD_PROOF] = "does not know the secret: its proof is wrong",
};

const char *const wire_status_names[] = { "ok", "error", "timeout", "refused", NULL };

const char *wire_fault_text(enum wire_fault fault)
{
	return fault < WIRE_FAULTS ? fault_texts[fault] : "unknown fault";
}

uint32_t wire_rare_len(enum wire_type type)
{
	static const uint8_t lens[WIRE_TYPES] = {
		[WIRE_CHALLENGE] = WIRE_RANDOM,
		[WIRE_PROOF] = WIRE_RANDOM + WIRE_MAC,
		[WIRE_WELCOME] = WIRE_MAC,
	};

	return type < WIRE_TYPES ? lens[type] : 0;
}

/* No padding: whoever is not trusted yet shall not make us count it. */
enum wire_fault wire_check_rare(const struct wire_head *head)
{
	uint32_t len = wire_rare_len(head->type);

	if (!len)
		return WIRE_BAD_TYPE;
	if (head->flags || head->hops || head->id || head->deadline_us)
		return WIRE_BAD_FLAGS;
	return head->body_len == len && head->length == WIRE_HEAD + len ? WIRE_FINE
									: WIRE_SHORT_LENGTH;
}

void wire_get_hop(const uint8_t *p, struct wire_hop *ret)
{
	ret->queue_ns = wire_get64(p);
	ret->service_ns = wire_get64(p + 8);
	ret->storage_ns = wire_get64(p + 16);
	ret->forward_ns = wire_get64(p + 24);
}

void wire_get_child(const uint8_t *p, struct wire_child *ret)
{
	*ret = (struct wire_child){
		.depth = p[0],
		.status = p[1],
		.tag = wire_get16(p + 2),
		.destination = wire_get16(p + 4),
		.attempts = wire_get16(p + 6),
		.elapsed_ns = wire_get64(p + 8),
		.waited_ns = wire_get64(p + 16),
	};
	wire_get_hop(p + 24, &ret->hop);
}

void wire_put_child(uint8_t *p, const struct wire_child *child)
{
	p[0] = child->depth;
	p[1] = child->status;
	wire_put16(p + 2, child->tag);
	wire_put16(p + 4, child->destination);
	wire_put16(p + 6, child->attempts);
	wire_put64(p + 8, child->elapsed_ns);
	wire_put64(p + 16, child->waited_ns);
	wire_put_hop(p + 24, &child->hop);
}

static void put_operation_head(uint8_t *p, uint8_t code, uint8_t flags, uint32_t len)
{
	p[0] = code;
	p[1] = flags;
	wire_put16(p + 2, len);
}

uint32_t wire_put_operation(uint8_t *p, const struct wire_operation *op)
{
	uint8_t *at = p + WIRE_OPERATION_HEAD;

	if (op->code == WIRE_LOAD || op->code == WIRE_STORE) {
		wire_put64(at, op->offset);
		wire_put64(at + 8, op->value);
		wire_put32(at + 16, op->device);
		at += 20;
	} else if (op->code == WIRE_SEND_REPLY) {
		wire_put32(at, (uint32_t)op->value);
		wire_put32(at + 4, op->device);
		at += 8;
	} else if (op->code != WIRE_JOIN) {
		wire_put64(at, op->value);
		at += 8;
	}
	put_operation_head(p, op->code, op->flags, (uint32_t)(at - p));
	return (uint32_t)(at - p);
}

/* What each operation looks like; a length of 0: it has any. */
static const struct form {
	uint8_t len, flags; /* flags: the first value that is none */
} forms[WIRE_CODES] = {
	[WIRE_COMPUTE] = { WIRE_OPERATION, COMPUTE_VARIANTS },
	[WIRE_SLEEP] = { WIRE_OPERATION, 1 },
	[WIRE_SEND_REPLY] = { WIRE_OPERATION, REPLY_VARIANTS },
	[WIRE_LOAD] = { WIRE_STORAGE, 1 },
	[WIRE_STORE] = { WIRE_STORAGE, WIRE_STORE_SYNC + 1 },
	[WIRE_FORWARD_TO] = { 0, WIRE_MEANWHILE + 1 },
	[WIRE_JOIN] = { WIRE_OPERATION_HEAD, 1 },
};

static void get_arguments(const uint8_t *at, struct wire_operation *ret)
{
	if (ret->len == WIRE_OPERATION)
		ret->value = wire_get64(at);
	if (ret->code == WIRE_SEND_REPLY) {
		ret->value = wire_get32(at);
		ret->device = wire_get32(at + 4);
	} else if (ret->code == WIRE_LOAD || ret->code == WIRE_STORE) {
		ret->offset = wire_get64(at);
		ret->value = wire_get64(at + 8);
		ret->device = wire_get32(at + 16);
	}
}

enum wire_fault wire_get_operation(const uint8_t *p, size_t left, struct wire_operation *ret)
{
	const struct form *form;
	uint32_t len;

	if (left < WIRE_OPERATION_HEAD)
		return WIRE_CUT_OPERATION;
	if (p[0] == 0 || p[0] >= WIRE_CODES)
		return WIRE_BAD_OPERATION;
	form = &forms[p[0]];
	len = wire_get16(p + 2);
	if (p[1] >= form->flags || len % 4 || (form->len ? len != form->len : len < WIRE_FORWARD))
		return WIRE_BAD_OPERATION;
	if (left < len)
		return WIRE_CUT_OPERATION;
	ret->code = p[0];
	ret->flags = p[1];
	ret->len = (uint16_t)len;
	get_arguments(p + WIRE_OPERATION_HEAD, ret);
	return WIRE_FINE;
}
