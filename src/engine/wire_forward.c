/*
 * wire_forward.c - forwards on the wire: branches, destinations, and the programs inside them.
 *
 * wire_check_next() looks at everything once, so that the readers behind it need not. A forward
 * stands in a body of at most WIRE_BODY_MAX bytes, and WIRE_DEPTH bounds the recursion.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/wire.h"

#define BRANCH_HEAD	 4
#define DESTINATION_HEAD 4
#define TRANSPORTS	 3 /* enum transport of address.h */
#define PATH_MAX_BYTES	 108

uint32_t wire_put_forward(uint8_t *p, const struct wire_forward *f)
{
	p[0] = WIRE_FORWARD_TO;
	p[1] = f->meanwhile ? WIRE_MEANWHILE : 0;
	wire_put16(p + 2, WIRE_FORWARD);
	wire_put32(p + 4, f->timeout_us);
	wire_put32(p + 8, f->size);
	wire_put32(p + 12, f->key);
	wire_put16(p + 16, f->tag);
	wire_put16(p + 18, f->quorum);
	p[20] = f->retries;
	p[21] = f->pick;
	p[22] = f->branches;
	p[23] = 0;
	return WIRE_FORWARD;
}

uint32_t wire_put_branch(uint8_t *p, uint32_t program_len, unsigned destinations)
{
	wire_put16(p, program_len);
	p[2] = (uint8_t)destinations;
	p[3] = 0;
	return BRANCH_HEAD;
}

/* Bytes of the address itself; 0: it is none. */
static uint32_t address_len(unsigned family, uint32_t port)
{
	switch (family) {
	case FAMILY_IPV4:
		return 4;
	case FAMILY_IPV6:
		return 16;
	case FAMILY_UNIX:
		return port <= PATH_MAX_BYTES ? port : 0;
	default:
		return 0;
	}
}

static uint32_t padded(uint32_t len)
{
	return (len + 3) & ~3U;
}

uint32_t wire_put_destination(uint8_t *p, const struct wire_destination *d)
{
	uint32_t len = address_len(d->family, d->port);

	p[0] = d->transport;
	p[1] = d->family;
	wire_put16(p + 2, d->port);
	memset(p + DESTINATION_HEAD, 0, padded(len));
	memcpy(p + DESTINATION_HEAD, d->address, len);
	return DESTINATION_HEAD + padded(len);
}

void wire_end_forward(uint8_t *p, uint32_t len)
{
	wire_put16(p + 2, len);
}

void wire_get_forward(const struct wire_operation *op, struct wire_forward *ret)
{
	const uint8_t *p = op->at;

	*ret = (struct wire_forward){
		.timeout_us = wire_get32(p + 4),
		.size = wire_get32(p + 8),
		.key = wire_get32(p + 12),
		.tag = wire_get16(p + 16),
		.quorum = wire_get16(p + 18),
		.retries = p[20],
		.pick = p[21],
		.branches = p[22],
		.meanwhile = op->flags & WIRE_MEANWHILE,
		.at = p + WIRE_FORWARD,
		.end = p + op->len,
	};
}

bool wire_next_destination(struct wire_branch *b, struct wire_destination *ret)
{
	const uint8_t *p = b->at;

	if (p == b->program)
		return false;
	*ret = (struct wire_destination){
		.transport = p[0],
		.family = p[1],
		.port = wire_get16(p + 2),
		.address = p + DESTINATION_HEAD,
	};
	b->at = ret->address + padded(address_len(ret->family, ret->port));
	return true;
}

bool wire_next_branch(struct wire_forward *f, struct wire_branch *ret)
{
	struct wire_destination ignored;
	struct wire_branch walk;

	if (f->at == f->end)
		return false;
	*ret = (struct wire_branch){
		.program_len = wire_get16(f->at),
		.destinations = f->at[2],
		.at = f->at + BRANCH_HEAD,
	};
	walk = *ret;
	for (unsigned i = 0; i < ret->destinations; i++)
		wire_next_destination(&walk, &ignored);
	ret->program = walk.at;
	f->at = ret->program + ret->program_len;
	return true;
}

/* Moves *p behind one destination. */
static enum wire_fault check_destination(const uint8_t **p, const uint8_t *end)
{
	uint32_t len;

	if (end - *p < DESTINATION_HEAD)
		return WIRE_CUT_OPERATION;
	len = address_len((*p)[1], wire_get16(*p + 2));
	if (!len || (*p)[0] >= TRANSPORTS)
		return WIRE_BAD_DESTINATION;
	if (end - *p < (ptrdiff_t)(DESTINATION_HEAD + padded(len)))
		return WIRE_CUT_OPERATION;
	*p += DESTINATION_HEAD + padded(len);
	return WIRE_FINE;
}

static enum wire_fault check_forward(const struct wire_operation *op, unsigned depth);

enum wire_fault wire_check_next(struct wire_check *check, struct wire_operation *ret)
{
	enum wire_fault fault = wire_next_operation(&check->program, ret);

	if (fault)
		return fault;
	switch (ret->code) {
	case 0:
		return check->has_reply ? WIRE_FINE : WIRE_NO_REPLY;
	case WIRE_SEND_REPLY:
		if (check->has_reply || ret->value < WIRE_HEAD)
			return WIRE_BAD_REPLY;
		check->has_reply = true;
		return WIRE_FINE;
	case WIRE_FORWARD_TO:
		return check_forward(ret, check->depth);
	default:
		return WIRE_FINE;
	}
}

static enum wire_fault check_program(struct wire_program program, unsigned depth)
{
	struct wire_check check = { .program = program, .depth = depth };
	struct wire_operation op;
	enum wire_fault fault;

	do {
		fault = wire_check_next(&check, &op);
	} while (!fault && op.code);
	return fault;
}

/* Moves *p behind one branch and adds its destinations. */
static enum wire_fault check_branch(const uint8_t **p, const struct wire_forward *f, unsigned depth,
				    unsigned *destinations)
{
	enum wire_fault fault = WIRE_FINE;
	uint32_t program_len;
	unsigned count;

	if (f->end - *p < BRANCH_HEAD)
		return WIRE_CUT_OPERATION;
	program_len = wire_get16(*p);
	count = (*p)[2];
	if (!count || (*p)[3] || program_len % 4 || f->size < WIRE_HEAD + program_len)
		return WIRE_BAD_FORWARD;
	*p += BRANCH_HEAD;
	for (unsigned i = 0; i < count && !fault; i++)
		fault = check_destination(p, f->end);
	if (fault)
		return fault;
	if (f->end - *p < (ptrdiff_t)program_len)
		return WIRE_CUT_OPERATION;
	*destinations += count;
	*p += program_len;
	return check_program(wire_program(*p - program_len, program_len), depth + 1);
}

static enum wire_fault check_forward(const struct wire_operation *op, unsigned depth)
{
	unsigned destinations = 0;
	struct wire_forward f;
	enum wire_fault fault;
	const uint8_t *p;

	wire_get_forward(op, &f);
	if (depth >= WIRE_DEPTH || f.pick >= PICKS || !f.branches || op->at[23])
		return WIRE_BAD_FORWARD;
	if (f.pick != PICK_ALL && (f.branches != 1 || f.quorum > 1))
		return WIRE_BAD_FORWARD;
	p = f.at;
	for (unsigned i = 0; i < f.branches; i++) {
		fault = check_branch(&p, &f, depth, &destinations);
		if (fault)
			return fault;
	}
	if (p != f.end || destinations > WIRE_FAN_OUT || f.quorum > destinations)
		return WIRE_BAD_FORWARD;
	return WIRE_FINE;
}

enum wire_fault wire_check_forward(const struct wire_operation *op)
{
	return check_forward(op, 0);
}

enum wire_fault wire_check_program(struct wire_program program)
{
	return check_program(program, 0);
}
