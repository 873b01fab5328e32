/*
 * wire.c - the parts of the message format that are not on the hottest path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/wire.h"

static const char *const fault_texts[WIRE_FAULTS] = {
	[WIRE_FINE] = "nothing is wrong",
	[WIRE_BAD_VERSION] = "not a message of version 1",
	[WIRE_BAD_TYPE] = "neither the request nor the reply that was expected",
	[WIRE_SHORT_LENGTH] = "message shorter than its head and body",
	[WIRE_LONG_MESSAGE] = "message longer than the limit",
	[WIRE_LONG_BODY] = "program longer than 4096 bytes",
	[WIRE_BAD_FLAGS] = "unknown flags",
	[WIRE_CUT_OPERATION] = "operation reaches over the end of the program",
	[WIRE_BAD_OPERATION] = "unknown operation",
	[WIRE_BAD_REPLY] = "reply size below 24 bytes or above the limit",
	[WIRE_NO_REPLY] = "program without a reply",
	[WIRE_OVER_LIMIT] = "asks for more time than the limit",
};

const char *wire_fault_text(enum wire_fault fault)
{
	return fault < WIRE_FAULTS ? fault_texts[fault] : "unknown fault";
}

void wire_get_hop(const uint8_t *p, struct wire_hop *ret)
{
	ret->queue_ns = wire_get64(p);
	ret->service_ns = wire_get64(p + 8);
	ret->storage_ns = wire_get64(p + 16);
	ret->forward_ns = wire_get64(p + 24);
}

uint32_t wire_put_operation(uint8_t *p, const struct wire_operation *op)
{
	p[0] = op->code;
	p[1] = op->flags;
	p[2] = WIRE_OPERATION;
	p[3] = 0;
	wire_put64(p + WIRE_OPERATION_HEAD, op->value);
	return WIRE_OPERATION;
}
