/*
 * forward_body.h - programs with forwards in them, put together piece by piece.
 *
 * A destination is a port of 127.0.0.1, by tcp if nothing else is said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_FORWARD_BODY_H
#define RW_TESTS_FORWARD_BODY_H

#include <sys/socket.h>

#include "engine/wire.h"
#include "tests/test.h"

#define BODY_ROOM  (16 * WIRE_BODY_MAX)
#define REPLY_SIZE 512

struct body {
	uint32_t len;
	uint8_t bytes[BODY_ROOM];
};

struct branch {
	uint16_t ports[WIRE_FAN_OUT + 1];
	unsigned count;
	const struct body *program;
	uint8_t transports[WIRE_FAN_OUT + 1];
};

static const uint8_t here[] = { 127, 0, 0, 1 };

static inline void add_operation(struct body *b, unsigned code, uint64_t value)
{
	b->len += wire_put_operation(b->bytes + b->len,
				     &(struct wire_operation){ .code = code, .value = value });
}

static inline void add_reply(struct body *b, uint64_t size)
{
	add_operation(b, WIRE_SEND_REPLY, size);
}

static inline uint32_t put_one_branch(uint8_t *p, const struct branch *branch)
{
	uint32_t len = wire_put_branch(p, branch->program->len, branch->count);

	for (unsigned i = 0; i < branch->count; i++)
		len += wire_put_destination(
			p + len, &(struct wire_destination){ .transport = branch->transports[i],
							     .family = FAMILY_IPV4,
							     .port = branch->ports[i],
							     .address = here });
	memcpy(p + len, branch->program->bytes, branch->program->len);
	return len + branch->program->len;
}

/* f says what the zeroed members would not: size 0 is as small as can be; branches are counted. */
static inline void add_branches(struct body *b, struct wire_forward f,
				const struct branch *branches, unsigned count)
{
	uint8_t *p = b->bytes + b->len;
	uint32_t len = WIRE_FORWARD;

	f.branches = (uint8_t)count;
	for (unsigned i = 0; i < count; i++) {
		if (f.size < WIRE_HEAD + branches[i].program->len)
			f.size = WIRE_HEAD + branches[i].program->len;
		len += put_one_branch(p + len, &branches[i]);
	}
	wire_put_forward(p, &f);
	wire_end_forward(p, len);
	b->len += len;
}

/* The same program to one or several ports; 0 ends the list. */
static inline void add_forward(struct body *b, struct wire_forward f, const struct body *program,
			       const uint16_t *ports)
{
	struct branch branch = { .program = program };

	while (ports[branch.count]) {
		branch.ports[branch.count] = ports[branch.count];
		branch.count++;
	}
	add_branches(b, f, &branch, 1);
}

/* "sleep, then reply", for sub-programs. */
static inline struct body nap_then_reply(int64_t nap_ns)
{
	struct body b = { 0 };

	if (nap_ns)
		add_operation(&b, WIRE_SLEEP, (uint64_t)nap_ns);
	add_reply(&b, REPLY_SIZE);
	return b;
}

/* A program that forwards `program` and replies. */
static inline struct body forward_then_reply(struct wire_forward f, const struct body *program,
					     const uint16_t *ports)
{
	struct body b = { 0 };

	add_forward(&b, f, program, ports);
	add_reply(&b, REPLY_SIZE);
	return b;
}

/* A request with this body; head says what else it is, hops 0 as many as there may be. */
static inline void send_body(int fd, struct wire_head head, const struct body *body)
{
	uint8_t bytes[WIRE_HEAD + WIRE_BODY_MAX];

	head.length = WIRE_HEAD + body->len;
	head.version = WIRE_VERSION;
	head.type = WIRE_REQUEST;
	head.hops = head.hops ? head.hops : WIRE_HOPS;
	head.body_len = body->len;
	wire_put_head(bytes, &head);
	memcpy(bytes + WIRE_HEAD, body->bytes, body->len);
	CHECK_INT(send(fd, bytes, head.length, MSG_NOSIGNAL), head.length);
}

#define PORTS(...) ((const uint16_t[]){ __VA_ARGS__, 0 })

#endif
