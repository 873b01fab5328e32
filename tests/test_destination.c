/*
 * test_destination.c - addresses to the wire and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/destination.h"

#include <errno.h>

#include "tests/test.h"

static const char *const texts[] = {
	"127.0.0.1:7891", "10.0.0.1:1", "[::1]:65535",	  "[fd00::1:2]:80",
	"unix:/tmp/x",	  "unix:@name", "127.0.0.1:7892",
};
#define TEXTS (sizeof(texts) / sizeof(*texts))

static void test_an_address_comes_back_as_it_was(void)
{
	for (size_t i = 0; i < TEXTS; i++) {
		struct address a, back;
		struct wire_destination d;
		char text[ADDRESS_TEXT], before[ADDRESS_TEXT];

		CHECK_INT(address_parse(texts[i], &a, NULL), 0);
		a.transport = (uint8_t)(i % 3);
		address_format(&a, before, sizeof(before));
		CHECK_INT(address_to_wire(&a, &d), 0);
		CHECK_INT(address_from_wire(&d, &back), 0);
		CHECK_TEXT(address_format(&back, text, sizeof(text)), before);
		CHECK_INT(back.len, a.len);
		CHECK_INT(back.transport, i % 3);
		CHECK_INT(memcmp(&back.storage, &a.storage, a.len), 0);
	}
}

static void test_it_travels_through_the_bytes_of_a_forward(void)
{
	for (size_t i = 0; i < TEXTS; i++) {
		uint8_t bytes[WIRE_FORWARD + 4 + WIRE_DESTINATION_MAX + WIRE_OPERATION];
		struct wire_operation op = { .at = bytes };
		struct wire_destination d, got;
		struct wire_forward f = { .size = 100, .branches = 1 };
		struct wire_branch b;
		struct address a;
		uint32_t len = wire_put_forward(bytes, &f);

		CHECK_INT(address_parse(texts[i], &a, NULL), 0);
		CHECK_INT(address_to_wire(&a, &d), 0);
		len += wire_put_branch(bytes + len, WIRE_OPERATION, 1);
		len += wire_put_destination(bytes + len, &d);
		len += wire_put_operation(bytes + len,
					  &(struct wire_operation){ WIRE_SEND_REPLY, 0, 64 });
		wire_end_forward(bytes, len);
		op.len = (uint16_t)len;
		CHECK_INT(wire_check_forward(&op), WIRE_FINE);
		wire_get_forward(&op, &f);
		CU_ASSERT(wire_next_branch(&f, &b) && wire_next_destination(&b, &got));
		CU_ASSERT(wire_destination_equal(&d, &got));
		CHECK_INT(wire_destination_hash(&d), wire_destination_hash(&got));
	}
}

static void test_different_places_are_different(void)
{
	struct address a[TEXTS];
	struct wire_destination d[TEXTS], other;

	for (size_t i = 0; i < TEXTS; i++) {
		address_parse(texts[i], &a[i], NULL);
		address_to_wire(&a[i], &d[i]);
		for (size_t j = 0; j < i; j++) {
			CU_ASSERT(!wire_destination_equal(&d[i], &d[j]));
			CU_ASSERT(wire_destination_hash(&d[i]) != wire_destination_hash(&d[j]));
		}
		other = d[i];
		other.transport = TRANSPORT_TLS;
		CU_ASSERT(!wire_destination_equal(&d[i], &other));
	}
}

static void test_paths_that_are_none_are_refused(void)
{
	static const char longest[] =
		"/23456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789";
	static const struct {
		const char *path;
		uint16_t len;
		int result;
	} rows[] = {
		{ "/x", 2, 0 },	       { "/x\0y", 4, -EINVAL }, { "\0x", 2, 0 },
		{ "\0", 1, -EINVAL },  { longest, 107, 0 },	{ longest, 108, -EINVAL },
		{ "\0bstract", 8, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wire_destination d = { 0, FAMILY_UNIX, rows[i].len,
					      (const uint8_t *)rows[i].path };
		struct address a;

		CHECK_INT(address_from_wire(&d, &a), rows[i].result);
	}
}

static void test_an_unknown_family_does_not_travel(void)
{
	struct address a = { .storage.ss_family = AF_PACKET };
	struct wire_destination d;

	CHECK_INT(address_to_wire(&a, &d), -EAFNOSUPPORT);
}

static CU_TestInfo tests[] = {
	{ "an address comes back as it was", test_an_address_comes_back_as_it_was },
	{ "it travels through the bytes of a forward",
	  test_it_travels_through_the_bytes_of_a_forward },
	{ "different places are different", test_different_places_are_different },
	{ "paths that are none are refused", test_paths_that_are_none_are_refused },
	{ "an unknown family does not travel", test_an_unknown_family_does_not_travel },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("destination", tests);
}
