/*
 * wire.h - messages on the wire: versioned, length-prefixed, little-endian, checked before use.
 *
 *	head, 24 bytes			u32 length	whole message, head included
 *					u8  version	1
 *					u8  type	1 request, 2 reply
 *					u8  hops	request: forwards still allowed
 *					    status	reply: enum wire_status
 *					u8  flags	0
 *					u64 id		the sender's, copied into the reply
 *					u32 body_len	operations, or hop records
 *					u32 deadline_us	request: time left, 0: none; reply: 0
 *	body, body_len bytes		request: operations; reply: one record a hop
 *	padding up to length		ignored, never stored
 *
 *	operation, len bytes		u8 code, u8 flags, u16 len, arguments
 *	  compute, 12			u64 ns; flags: enum wire_compute
 *	  sleep, 12			u64 ns
 *	  reply, 12			u64 size of the whole reply in bytes
 *	hop record, 32 bytes		u64 queue_ns, service_ns, storage_ns, forward_ns
 *
 * Drawn constants only, no code. Durations, not instants: no clock has to agree with another. A
 * reply too small for its hop records (below 56 bytes) carries none; below 24 bytes there is no
 *reply. The decoder never reads beyond what it was given and believes nothing: tests/fuzz_wire.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_WIRE_H
#define RW_ENGINE_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_VERSION	    1
#define WIRE_HEAD	    24
#define WIRE_HOP	    32
#define WIRE_OPERATION	    12 /* any of them */
#define WIRE_OPERATION_HEAD 4
#define WIRE_HOPS	    8	  /* default hop budget of a request */
#define WIRE_BODY_MAX	    4096U /* longest program; a message may be longer by padding */

enum wire_type { WIRE_REQUEST = 1, WIRE_REPLY = 2 };
enum wire_status { WIRE_OK, WIRE_ERROR, WIRE_TIMEOUT, WIRE_REFUSED, WIRE_STATUSES };
enum wire_code { WIRE_COMPUTE = 1, WIRE_SLEEP = 2, WIRE_SEND_REPLY = 3, WIRE_CODES };
enum wire_compute { COMPUTE_WALL, COMPUTE_CPU, COMPUTE_LOOPS, COMPUTE_VARIANTS };

/* What can be wrong with a message; wire_fault_text() says it in words. */
enum wire_fault {
	WIRE_FINE,
	WIRE_BAD_VERSION,
	WIRE_BAD_TYPE,
	WIRE_SHORT_LENGTH, /* length below the head's, or below head + body */
	WIRE_LONG_MESSAGE, /* above the receiver's limit */
	WIRE_LONG_BODY,	   /* above WIRE_BODY_MAX */
	WIRE_BAD_FLAGS,
	WIRE_CUT_OPERATION, /* an operation reaches over the end of the body */
	WIRE_BAD_OPERATION, /* unknown code, wrong len, unknown flags */
	WIRE_BAD_REPLY,	    /* reply size below the head's or above the limit */
	WIRE_NO_REPLY,	    /* the program ends without a reply */
	WIRE_OVER_LIMIT,    /* asks for more than the receiver allows (compute time, ...) */
	WIRE_FAULTS
};

struct wire_head {
	uint32_t length;
	uint8_t version, type;
	uint8_t hops; /* request: hops; reply: status */
	uint8_t flags;
	uint64_t id;
	uint32_t body_len;
	uint32_t deadline_us;
};

struct wire_hop {
	uint64_t queue_ns, service_ns, storage_ns, forward_ns;
};

struct wire_operation {
	uint8_t code, flags;
	uint64_t value; /* ns, or bytes */
};

/* What is left of a program; wire_next_operation() walks it. */
struct wire_program {
	const uint8_t *at, *end;
};

const char *wire_fault_text(enum wire_fault fault);

static inline uint32_t wire_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t wire_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void wire_put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void wire_put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* p has WIRE_HEAD bytes. Checks everything that the head alone can tell. */
static inline enum wire_fault wire_get_head(const uint8_t *p, uint32_t length_max,
					    struct wire_head *ret)
{
	ret->length = wire_get32(p);
	ret->version = p[4];
	ret->type = p[5];
	ret->hops = p[6];
	ret->flags = p[7];
	ret->id = wire_get64(p + 8);
	ret->body_len = wire_get32(p + 16);
	ret->deadline_us = wire_get32(p + 20);
	if (ret->version != WIRE_VERSION)
		return WIRE_BAD_VERSION;
	if (ret->type != WIRE_REQUEST && ret->type != WIRE_REPLY)
		return WIRE_BAD_TYPE;
	if (ret->flags)
		return WIRE_BAD_FLAGS;
	if (ret->length > length_max)
		return WIRE_LONG_MESSAGE;
	if (ret->body_len > WIRE_BODY_MAX)
		return WIRE_LONG_BODY;
	if (ret->length < WIRE_HEAD + ret->body_len)
		return WIRE_SHORT_LENGTH;
	return WIRE_FINE;
}

/* What can be told of less than a head: nonsense is not waited for. */
static inline enum wire_fault wire_check_beginning(const uint8_t *p, uint32_t len)
{
	if (len > 4 && p[4] != WIRE_VERSION)
		return WIRE_BAD_VERSION;
	if (len >= 4 && wire_get32(p) < WIRE_HEAD)
		return WIRE_SHORT_LENGTH;
	return WIRE_FINE;
}

/* p has room for WIRE_HEAD bytes. */
static inline void wire_put_head(uint8_t *p, const struct wire_head *head)
{
	wire_put32(p, head->length);
	p[4] = head->version;
	p[5] = head->type;
	p[6] = head->hops;
	p[7] = head->flags;
	wire_put64(p + 8, head->id);
	wire_put32(p + 16, head->body_len);
	wire_put32(p + 20, head->deadline_us);
}

/* p has room for WIRE_HOP bytes. */
static inline void wire_put_hop(uint8_t *p, const struct wire_hop *hop)
{
	wire_put64(p, hop->queue_ns);
	wire_put64(p + 8, hop->service_ns);
	wire_put64(p + 16, hop->storage_ns);
	wire_put64(p + 24, hop->forward_ns);
}

void wire_get_hop(const uint8_t *p, struct wire_hop *ret);

/* Appends one operation at p (room for 12 bytes). Returns the bytes written. */
uint32_t wire_put_operation(uint8_t *p, const struct wire_operation *op);

static inline struct wire_program wire_program(const uint8_t *body, uint32_t body_len)
{
	return (struct wire_program){ body, body + body_len };
}

/* WIRE_FINE with *ret filled; ret->code is 0 at the end of the program. */
static inline enum wire_fault wire_next_operation(struct wire_program *program,
						  struct wire_operation *ret)
{
	const uint8_t *p = program->at;
	size_t left = program->end - p;

	*ret = (struct wire_operation){ 0 };
	if (!left)
		return WIRE_FINE;
	if (left < WIRE_OPERATION_HEAD)
		return WIRE_CUT_OPERATION;
	if (p[0] == 0 || p[0] >= WIRE_CODES || (p[2] | p[3] << 8) != WIRE_OPERATION)
		return WIRE_BAD_OPERATION;
	if (left < WIRE_OPERATION)
		return WIRE_CUT_OPERATION;
	if (p[1] >= (p[0] == WIRE_COMPUTE ? COMPUTE_VARIANTS : 1))
		return WIRE_BAD_OPERATION;
	ret->code = p[0];
	ret->flags = p[1];
	ret->value = wire_get64(p + WIRE_OPERATION_HEAD);
	program->at = p + WIRE_OPERATION;
	return WIRE_FINE;
}

#endif
