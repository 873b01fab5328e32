/*
 * test_wire.c - the message format: what is written is read, and nonsense is named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/wire.h"

#include "tests/test.h"

static const struct wire_head request = {
	.length = 64,
	.version = WIRE_VERSION,
	.type = WIRE_REQUEST,
	.hops = 8,
	.id = 0x0123456789abcdef,
	.body_len = 12,
	.deadline_us = 77,
};

static enum wire_fault fault_of(const struct wire_head *head, uint32_t limit)
{
	uint8_t bytes[WIRE_HEAD];
	struct wire_head got;

	wire_put_head(bytes, head);
	return wire_get_head(bytes, limit, &got);
}

static void test_a_head_is_read_as_it_was_written(void)
{
	uint8_t bytes[WIRE_HEAD];
	struct wire_head got;

	wire_put_head(bytes, &request);
	CHECK_INT(wire_get_head(bytes, 64, &got), WIRE_FINE);
	CHECK_INT(got.length, 64);
	CHECK_INT(got.type, WIRE_REQUEST);
	CHECK_INT(got.hops, 8);
	CHECK_INT(got.id, 0x0123456789abcdef);
	CHECK_INT(got.body_len, 12);
	CHECK_INT(got.deadline_us, 77);
}

static void test_a_head_is_little_endian_whatever_the_machine(void)
{
	static const uint8_t want[WIRE_HEAD] = { 64,   0,    0,	   0,	 2,    1,    8,	   0,
						 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
						 12,   0,    0,	   0,	 77,   0,    0,	   0 };
	uint8_t bytes[WIRE_HEAD];

	wire_put_head(bytes, &request);
	CU_ASSERT(!memcmp(bytes, want, sizeof(want)));
}

static void test_every_fault_of_a_head_is_named(void)
{
	struct wire_head head = request;

	CHECK_INT(fault_of(&head, 63), WIRE_LONG_MESSAGE);
	head.version = 1;
	CHECK_INT(fault_of(&head, 64), WIRE_BAD_VERSION);
	head = request;
	head.type = 99;
	CHECK_INT(fault_of(&head, 64), WIRE_BAD_TYPE);
	head = request;
	head.flags = 1;
	CHECK_INT(fault_of(&head, 64), WIRE_BAD_FLAGS);
	head = request;
	head.length = 35;
	CHECK_INT(fault_of(&head, 64), WIRE_SHORT_LENGTH);
	head.length = 0;
	head.body_len = 0xffffffff; /* head + body would wrap around */
	CHECK_INT(fault_of(&head, 64), WIRE_LONG_BODY);
	head = request;
	head.length = 0xffffffff;
	CHECK_INT(fault_of(&head, 64U << 20), WIRE_LONG_MESSAGE);
}

static void test_a_program_is_walked_to_its_end(void)
{
	uint8_t body[64];
	uint32_t len = 0;
	struct wire_operation op;
	struct wire_program program;

	len += wire_put_operation(body + len,
				  &(struct wire_operation){ WIRE_COMPUTE, COMPUTE_CPU, 10000 });
	len += wire_put_operation(body + len, &(struct wire_operation){ WIRE_SEND_REPLY, 0, 64 });
	program = wire_program(body, len);
	CHECK_INT(wire_next_operation(&program, &op), WIRE_FINE);
	CHECK_INT(op.code, WIRE_COMPUTE);
	CHECK_INT(op.flags, COMPUTE_CPU);
	CHECK_INT(op.value, 10000);
	CHECK_INT(wire_next_operation(&program, &op), WIRE_FINE);
	CHECK_INT(op.code, WIRE_SEND_REPLY);
	CHECK_INT(op.value, 64);
	CHECK_INT(wire_next_operation(&program, &op), WIRE_FINE);
	CHECK_INT(op.code, 0);
}

static void test_operations_that_make_no_sense_are_faults(void)
{
	static const struct {
		uint8_t bytes[12];
		uint32_t len;
		enum wire_fault fault;
	} rows[] = {
		{ { 3, 0, 12 }, 11, WIRE_CUT_OPERATION },
		{ { 3, 0, 12 }, 3, WIRE_CUT_OPERATION },
		{ { 0, 0, 12 }, 12, WIRE_BAD_OPERATION },
		{ { 99, 0, 12 }, 12, WIRE_BAD_OPERATION },
		{ { 3, 0, 0 }, 12, WIRE_BAD_OPERATION }, /* a len of 0 would never end */
		{ { 3, 0, 12, 1 }, 12, WIRE_BAD_OPERATION },
		{ { 3, REPLY_VARIANTS, 12 }, 12, WIRE_BAD_OPERATION },
		{ { WIRE_LOAD, 0, 12 }, 12, WIRE_BAD_OPERATION },
		{ { WIRE_STORE, 2, 24 }, 24, WIRE_BAD_OPERATION },
		{ { WIRE_FORWARD_TO, 0, 20 }, 20, WIRE_BAD_OPERATION },
		{ { WIRE_JOIN, 0, 4 }, 3, WIRE_CUT_OPERATION },
		{ { 1, COMPUTE_VARIANTS, 12 }, 12, WIRE_BAD_OPERATION },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wire_program program = wire_program(rows[i].bytes, rows[i].len);
		struct wire_operation op;

		CHECK_INT(wire_next_operation(&program, &op), rows[i].fault);
	}
}

static void test_hop_records_keep_their_durations(void)
{
	struct wire_hop hop = { 1, 20000000000ULL, 3, 4 }, got;
	uint8_t bytes[WIRE_HOP];

	wire_put_hop(bytes, &hop);
	wire_get_hop(bytes, &got);
	CU_ASSERT(!memcmp(&hop, &got, sizeof(hop)));
}

static void test_loads_and_stores_keep_offsets_beyond_32_bits(void)
{
	static const struct wire_operation ops[] = {
		{ WIRE_STORE, WIRE_STORE_SYNC, 1ULL << 33, 5000000000ULL, 7 },
		{ WIRE_LOAD, 0, 1, WIRE_SEQUENTIAL, 15 },
		{ WIRE_JOIN, 0, 0 },
		{ WIRE_SEND_REPLY, REPLY_SENDFILE, 4096, 0, 3 },
	};
	struct wire_program program;
	struct wire_operation got;
	uint8_t body[128];
	uint32_t len = 0;

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		len += wire_put_operation(body + len, &ops[i]);
	CHECK_INT(len, 24 + 24 + 4 + 12);
	program = wire_program(body, len);
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		CHECK_INT(wire_next_operation(&program, &got), WIRE_FINE);
		CHECK_INT(got.code, ops[i].code);
		CHECK_INT(got.flags, ops[i].flags);
		CHECK_INT(got.value, ops[i].value);
		CHECK_INT(got.offset, ops[i].offset);
		CHECK_INT(got.device, ops[i].device);
	}
}

static void test_records_of_children_keep_everything(void)
{
	struct wire_child child = { 3, WIRE_TIMEOUT, 65535, 63, 2, 1ULL << 40, 5, { 1, 2, 3, 4 } };
	uint8_t bytes[WIRE_CHILD];
	struct wire_child got;

	wire_put_child(bytes, &child);
	wire_get_child(bytes, &got);
	CHECK_INT(got.depth, 3);
	CHECK_INT(got.status, WIRE_TIMEOUT);
	CHECK_INT(got.tag, 65535);
	CHECK_INT(got.destination, 63);
	CHECK_INT(got.attempts, 2);
	CHECK_INT(got.elapsed_ns, 1ULL << 40);
	CHECK_INT(got.waited_ns, 5);
	CU_ASSERT(!memcmp(&got.hop, &child.hop, sizeof(got.hop)));
}

static void test_every_fault_has_words(void)
{
	for (int fault = 0; fault < WIRE_FAULTS; fault++)
		CU_ASSERT(wire_fault_text(fault) && strlen(wire_fault_text(fault)) > 8);
}

static CU_TestInfo tests[] = {
	{ "a head is read as it was written", test_a_head_is_read_as_it_was_written },
	{ "a head is little-endian whatever the machine",
	  test_a_head_is_little_endian_whatever_the_machine },
	{ "every fault of a head is named", test_every_fault_of_a_head_is_named },
	{ "a program is walked to its end", test_a_program_is_walked_to_its_end },
	{ "operations that make no sense are faults",
	  test_operations_that_make_no_sense_are_faults },
	{ "hop records keep their durations", test_hop_records_keep_their_durations },
	{ "loads and stores keep offsets beyond 32 bits",
	  test_loads_and_stores_keep_offsets_beyond_32_bits },
	{ "records of children keep everything", test_records_of_children_keep_everything },
	{ "every fault has words", test_every_fault_has_words },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("wire", tests);
}
