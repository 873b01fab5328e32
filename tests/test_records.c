/*
 * test_records.c - records of children: what is kept, what is cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/records.h"
#include "tests/test.h"

static const struct wire_child child = { .depth = 1, .tag = 5, .elapsed_ns = 9 };

/* Records of these depths behind a node's own; returns the length of the body. */
static uint32_t put_body(uint8_t *p, const uint8_t *depths, unsigned count)
{
	memset(p, 0, WIRE_HOP);
	for (unsigned i = 0; i < count; i++)
		wire_put_child(p + WIRE_HOP + i * WIRE_CHILD,
			       &(struct wire_child){ .depth = depths[i], .tag = (uint16_t)i });
	return WIRE_HOP + count * WIRE_CHILD;
}

static void test_children_come_one_deeper_behind_their_parent(void)
{
	static const struct {
		uint8_t depths[5];
		unsigned count, kept;
	} rows[] = {
		{ { 0 }, 0, 0 },
		{ { 1 }, 1, 1 },
		{ { 1, 1, 1 }, 3, 3 },
		{ { 1, 2, 3, 1, 2 }, 5, 5 },
		{ { 1, 2, 1, 3, 1 }, 5, 3 },
		{ { 2 }, 1, 0 },
		{ { 0 }, 1, 0 },
		{ { 1, 0, 1 }, 3, 1 },
		{ { 255 }, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct records r;
		uint8_t body[WIRE_HOP + 5 * WIRE_CHILD];
		uint32_t len = put_body(body, rows[i].depths, rows[i].count);
		struct wire_child got;

		r.len = 0;
		r.is_cut = false;
		records_add(&r, &child, body, len, 0);
		CHECK_INT(r.len, (1 + rows[i].kept) * WIRE_CHILD);
		CHECK_INT(r.is_cut, rows[i].kept < rows[i].count);
		wire_get_child(r.bytes, &got);
		CHECK_INT(got.depth, 1);
		CHECK_INT(got.tag, 5);
		for (unsigned j = 0; j < rows[i].kept; j++) {
			wire_get_child(r.bytes + (1 + j) * WIRE_CHILD, &got);
			CHECK_INT(got.depth, rows[i].depths[j] + 1);
			CHECK_INT(got.tag, j);
		}
	}
}

static void test_the_deepest_is_as_deep_as_forwards_go(void)
{
	static struct records r;
	uint8_t depths[WIRE_DEPTH + 1], body[WIRE_HOP + (WIRE_DEPTH + 1) * WIRE_CHILD];

	for (unsigned i = 0; i <= WIRE_DEPTH; i++)
		depths[i] = (uint8_t)(i + 1);
	records_add(&r, &child, body, put_body(body, depths, WIRE_DEPTH + 1), 0);
	CHECK_INT(r.len, WIRE_DEPTH * WIRE_CHILD);
	CHECK_INT(r.bytes[r.len - WIRE_CHILD], WIRE_DEPTH);
	CU_ASSERT(r.is_cut);
}

static void test_no_more_than_fits_is_kept(void)
{
	static struct records r;
	uint8_t body[WIRE_HOP + 5 * WIRE_CHILD], depths[5] = { 1, 1, 1, 1, 1 };
	uint32_t len = put_body(body, depths, 5);

	for (unsigned i = 0; i < 20; i++) {
		records_add(&r, &child, body, len, 0);
		CHECK_INT(r.is_cut, (i + 1) * 6 * WIRE_CHILD > RECORDS_BYTES);
	}
	CHECK_INT(r.len, RECORDS_BYTES);
	CHECK_INT(RECORDS_BYTES % WIRE_CHILD, 0);
}

static void test_what_was_cut_before_stays_cut(void)
{
	static struct records r;

	records_add(&r, &child, NULL, 0, WIRE_RECORDS_CUT);
	records_add(&r, &child, NULL, 0, 0);
	CU_ASSERT(r.is_cut);
	CHECK_INT(r.len, 2 * WIRE_CHILD);
}

static void test_only_whole_records_fit(void)
{
	struct records r = { .len = 3 * WIRE_CHILD };
	static const struct {
		uint64_t room;
		unsigned fit;
	} rows[] = { { 0, 0 },	 { 55, 0 },  { 56, 1 },	 { 111, 1 },
		     { 167, 2 }, { 168, 3 }, { 169, 3 }, { UINT64_MAX, 3 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_INT(records_that_fit(&r, rows[i].room), rows[i].fit * WIRE_CHILD);
}

static CU_TestInfo tests[] = {
	{ "children come one deeper behind their parent",
	  test_children_come_one_deeper_behind_their_parent },
	{ "the deepest is as deep as forwards go", test_the_deepest_is_as_deep_as_forwards_go },
	{ "no more than fits is kept", test_no_more_than_fits_is_kept },
	{ "what was cut before stays cut", test_what_was_cut_before_stays_cut },
	{ "only whole records fit", test_only_whole_records_fit },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("records", tests);
}
