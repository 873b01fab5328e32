/*
 * test_wire_forward.c - forwards on the wire: what is written is read, and nonsense is named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/wire.h"

#include "tests/test.h"

static const uint8_t ipv4[] = { 127, 0, 0, 1 };
static const uint8_t ipv6[16] = { [15] = 1 };

static const struct wire_destination places[] = {
	{ 0, FAMILY_IPV4, 7892, ipv4 },
	{ 1, FAMILY_IPV6, 7893, ipv6 },
	{ 0, FAMILY_UNIX, 6, (const uint8_t *)"/tmp/x" },
};

static uint32_t put_reply(uint8_t *p, uint64_t size)
{
	return wire_put_operation(p, &(struct wire_operation){ WIRE_SEND_REPLY, 0, size });
}

/* A branch to the first `destinations` of places, with a program that only replies. */
static uint32_t put_branch(uint8_t *p, unsigned destinations)
{
	uint32_t len = wire_put_branch(p, WIRE_OPERATION, destinations);

	for (unsigned i = 0; i < destinations; i++)
		len += wire_put_destination(p + len, &places[i]);
	return len + put_reply(p + len, 64);
}

static uint32_t put_forward(uint8_t *p, const struct wire_forward *f, unsigned destinations)
{
	uint32_t len = wire_put_forward(p, f);

	for (unsigned i = 0; i < f->branches; i++)
		len += put_branch(p + len, destinations);
	wire_end_forward(p, len);
	return len;
}

static const struct wire_forward usual = {
	.timeout_us = 500000,
	.size = 512,
	.key = 77,
	.tag = 9,
	.quorum = 2,
	.retries = 3,
	.branches = 1,
	.meanwhile = true,
};

static enum wire_fault fault_of(const uint8_t *body, uint32_t len)
{
	struct wire_program program = wire_program(body, len);
	struct wire_operation op;
	enum wire_fault fault = wire_next_operation(&program, &op);

	return fault ? fault : wire_check_forward(&op);
}

static void test_a_forward_is_read_as_it_was_written(void)
{
	struct wire_forward f;
	struct wire_branch b;
	struct wire_destination d;
	struct wire_operation op;
	struct wire_program program;
	uint8_t body[512];
	uint32_t len = put_forward(body, &usual, 3);

	program = wire_program(body, len);
	CHECK_INT(wire_next_operation(&program, &op), WIRE_FINE);
	CHECK_INT(op.code, WIRE_FORWARD_TO);
	CHECK_INT(op.len, len);
	CHECK_INT(wire_check_forward(&op), WIRE_FINE);
	wire_get_forward(&op, &f);
	CHECK_INT(f.timeout_us, 500000);
	CHECK_INT(f.size, 512);
	CHECK_INT(f.key, 77);
	CHECK_INT(f.tag, 9);
	CHECK_INT(f.quorum, 2);
	CHECK_INT(f.retries, 3);
	CU_ASSERT(f.meanwhile);
	CU_ASSERT(wire_next_branch(&f, &b));
	CHECK_INT(b.program_len, WIRE_OPERATION);
	CHECK_INT(b.program[0], WIRE_SEND_REPLY);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(wire_next_destination(&b, &d));
		CHECK_INT(d.transport, places[i].transport);
		CHECK_INT(d.family, places[i].family);
		CHECK_INT(d.port, places[i].port);
		CHECK_INT(d.address[0], places[i].address[0]);
	}
	CU_ASSERT(!wire_next_destination(&b, &d));
	CU_ASSERT(!wire_next_branch(&f, &b));
}

static void test_a_forward_inside_a_forward_is_checked_too(void)
{
	struct wire_forward inner = usual, outer = usual;
	uint8_t body[512];
	uint32_t at, program_len, len = wire_put_forward(body, &outer);

	outer.quorum = 1;
	len = wire_put_forward(body, &outer);
	at = len + wire_put_branch(body + len, 0, 1);
	at += wire_put_destination(body + at, &places[0]);
	program_len = put_forward(body + at, &inner, 2);
	program_len += put_reply(body + at + program_len, 64);
	wire_put_branch(body + len, program_len, 1);
	wire_end_forward(body, at + program_len);
	CHECK_INT(fault_of(body, at + program_len), WIRE_FINE);
	body[at + 21] = PICKS;
	CHECK_INT(fault_of(body, at + program_len), WIRE_BAD_FORWARD);
}

/* Forwards within each other, `depth` of them in all; returns the program's length. */
static uint32_t put_nested(uint8_t *p, unsigned depth)
{
	struct wire_forward f = usual;
	uint32_t len, head, begin;

	if (!depth)
		return put_reply(p, 64);
	f.size = WIRE_BODY_MAX;
	f.quorum = 1;
	head = len = wire_put_forward(p, &f);
	len += wire_put_branch(p + len, 0, 1);
	len += wire_put_destination(p + len, &places[0]);
	begin = len;
	len += put_nested(p + len, depth - 1);
	wire_put_branch(p + head, len - begin, 1);
	wire_end_forward(p, len);
	return len + put_reply(p + len, 64);
}

static void test_a_whole_program_is_checked_as_its_forwards_are(void)
{
	for (unsigned depth = 0; depth <= WIRE_DEPTH + 1; depth++) {
		uint8_t body[WIRE_BODY_MAX];
		uint32_t len = put_nested(body, depth);
		enum wire_fault want = depth > WIRE_DEPTH ? WIRE_BAD_FORWARD : WIRE_FINE;

		CHECK_INT(wire_check_program(wire_program(body, len)), want);
		if (depth)
			CHECK_INT(fault_of(body, len), want);
		for (uint32_t cut = 0; cut < len; cut++)
			CU_ASSERT(wire_check_program(wire_program(body, cut)) != WIRE_FINE);
	}
}

/* However much it asks for: what is too much only a receiver knows. */
static void test_a_form_says_nothing_of_limits(void)
{
	static const struct wire_operation ops[] = {
		{ WIRE_COMPUTE, 0, UINT64_MAX },
		{ WIRE_STORE, 0, UINT64_MAX, UINT64_MAX - 1, UINT32_MAX },
		{ WIRE_LOAD, 0, UINT64_MAX, 0, UINT32_MAX },
		{ WIRE_SEND_REPLY, REPLY_SENDFILE, UINT32_MAX, 0, UINT32_MAX },
	};
	uint8_t body[128];
	uint32_t len = 0;

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		len += wire_put_operation(body + len, &ops[i]);
	CHECK_INT(wire_check_program(wire_program(body, len)), WIRE_FINE);
	len += put_reply(body + len, 64);
	CHECK_INT(wire_check_program(wire_program(body, len)), WIRE_BAD_REPLY);
	len = put_reply(body, WIRE_HEAD - 1);
	CHECK_INT(wire_check_program(wire_program(body, len)), WIRE_BAD_REPLY);
}

/* The offsets are those of the head, the first branch and its first destination. */
static void test_every_broken_forward_is_a_fault(void)
{
	static const struct {
		unsigned at;
		uint8_t value;
		enum wire_fault fault;
	} rows[] = {
		{ 1, 2, WIRE_BAD_OPERATION },
		{ 2, 25, WIRE_BAD_OPERATION },
		{ 2, 20, WIRE_BAD_OPERATION },
		{ 2, 28, WIRE_CUT_OPERATION }, /* ends behind the branch's head */
		{ 2, 252, WIRE_BAD_FORWARD },  /* bytes behind the last branch */
		{ 8, 35, WIRE_FINE },	       /* 512 + 35: still room */
		{ 9, 0, WIRE_BAD_FORWARD },
		{ 18, 4, WIRE_BAD_FORWARD },
		{ 21, PICKS, WIRE_BAD_FORWARD },
		{ 21, PICK_RANDOM, WIRE_BAD_FORWARD }, /* a quorum of two from one */
		{ 22, 0, WIRE_BAD_FORWARD },
		{ 22, 2, WIRE_CUT_OPERATION },
		{ 23, 1, WIRE_BAD_FORWARD },
		{ 24, 10, WIRE_BAD_FORWARD },
		{ 24, 8, WIRE_CUT_OPERATION }, /* half a reply */
		{ 24, 0, WIRE_NO_REPLY },
		{ 26, 0, WIRE_BAD_FORWARD },
		{ 27, 1, WIRE_BAD_FORWARD },
		{ 28, 3, WIRE_BAD_DESTINATION },
		{ 29, 5, WIRE_BAD_DESTINATION },
	};
	uint8_t body[256] = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put_forward(body, &usual, 3);
		body[rows[i].at] = rows[i].value;
		CHECK_INT(fault_of(body, sizeof(body)), rows[i].fault);
	}
}

static void test_a_forward_that_is_cut_anywhere_is_a_fault(void)
{
	uint8_t body[256];
	uint32_t len = put_forward(body, &usual, 3);

	for (uint32_t cut = 1; cut < len; cut++)
		CHECK_INT(fault_of(body, cut), WIRE_CUT_OPERATION);
	for (uint32_t cut = WIRE_FORWARD; cut < len; cut += 4) {
		wire_end_forward(body, cut);
		CU_ASSERT(fault_of(body, cut) != WIRE_FINE);
	}
}

static void test_the_path_of_a_unix_socket_has_a_length_that_is_possible(void)
{
	static const struct {
		uint16_t len;
		enum wire_fault fault;
	} rows[] = { { 0, WIRE_BAD_DESTINATION },
		     { 1, WIRE_FINE },
		     { 108, WIRE_FINE },
		     { 109, WIRE_BAD_DESTINATION } };
	static const uint8_t path[108] = "/";
	struct wire_forward f = usual;

	f.quorum = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wire_destination d = { 0, FAMILY_UNIX, rows[i].len, path };
		uint8_t body[256] = { 0 };
		uint32_t len = wire_put_forward(body, &f);

		len += wire_put_branch(body + len, WIRE_OPERATION, 1);
		len += wire_put_destination(body + len, &d);
		len += put_reply(body + len, 64);
		wire_end_forward(body, len);
		CHECK_INT(fault_of(body, len), rows[i].fault);
	}
}

static CU_TestInfo tests[] = {
	{ "a forward is read as it was written", test_a_forward_is_read_as_it_was_written },
	{ "a forward inside a forward is checked too",
	  test_a_forward_inside_a_forward_is_checked_too },
	{ "a whole program is checked as its forwards are",
	  test_a_whole_program_is_checked_as_its_forwards_are },
	{ "a form says nothing of limits", test_a_form_says_nothing_of_limits },
	{ "every broken forward is a fault", test_every_broken_forward_is_a_fault },
	{ "a forward that is cut anywhere is a fault",
	  test_a_forward_that_is_cut_anywhere_is_a_fault },
	{ "the path of a unix socket has a length that is possible",
	  test_the_path_of_a_unix_socket_has_a_length_that_is_possible },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("wire_forward", tests);
}
