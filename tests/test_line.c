/*
 * test_line.c - the delay line: what is due, in which order, and whether its memory comes back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/random.h"
#include "proxy/line.h"
#include "tests/test.h"

#define SEED  20261122
#define TOTAL 200000

static uint8_t bytes[TOTAL];

static void test_an_empty_line_has_nothing_due(void)
{
	struct line line = { 0 };

	CHECK_INT(line_due(&line, INT64_MAX, 1000), 0);
	CHECK_INT(line_next_ns(&line), INT64_MAX);
	CHECK_INT(line_load(&line), 0);
}

static void test_pieces_are_due_at_their_time_and_never_overtake(void)
{
	struct line_pool pool;
	struct line line = { 0 };

	line_pool_init(&pool);
	CHECK_INT(line_push(&line, &pool, bytes, 10, 100), 0);
	CHECK_INT(line_push(&line, &pool, bytes, 20, 200), 0);
	CHECK_INT(line_push(&line, &pool, bytes, 30, 150), 0); /* not before the second */
	CHECK_INT(line_due(&line, 99, 1000), 0);
	CHECK_INT(line_due(&line, 100, 1000), 10);
	CHECK_INT(line_due(&line, 199, 1000), 10);
	CHECK_INT(line_due(&line, 200, 1000), 60);
	CHECK_INT(line_due(&line, 200, 35), 35);
	CHECK_INT(line_next_ns(&line), 100);
	line_take(&line, &pool, 4);
	CHECK_INT(line_next_ns(&line), 100);
	line_take(&line, &pool, 6);
	CHECK_INT(line_next_ns(&line), 200);
	line_take(&line, &pool, 50);
	CHECK_INT(line_load(&line), 0);
	/* What has left still counts: nothing may overtake it. */
	CHECK_INT(line_delay(&line, 50), 200);
	line_pool_finish(&pool);
}

static void test_bytes_come_out_as_they_went_in_however_they_are_cut(void)
{
	struct random_key key = random_key(SEED, 0, 0, 0);
	uint64_t number = 0, in = 0, out = 0;
	struct line_pool pool;
	struct line line = { 0 };

	line_pool_init(&pool);
	for (unsigned i = 0; i < TOTAL; i++)
		bytes[i] = (uint8_t)random_u64(&key, i);
	while (out < TOTAL) {
		uint64_t len = random_below(&key, number++, 9000), got;
		struct iovec parts[LINE_PARTS];
		unsigned count;

		len = len < TOTAL - in ? len : TOTAL - in;
		if (len)
			line_push(&line, &pool, bytes + in, (uint32_t)len, (int64_t)in);
		in += len;
		len = random_below(&key, number++, 12000);
		got = line_gather(&line, len, parts, &count);
		CU_ASSERT(got <= len && got <= line.bytes);
		CU_ASSERT(got == len || got == line.bytes);
		for (unsigned i = 0, at = 0; i < count; at += parts[i++].iov_len)
			CHECK_INT(memcmp(parts[i].iov_base, bytes + out + at, parts[i].iov_len), 0);
		line_take(&line, &pool, got);
		out += got;
		CHECK_INT(line.bytes, in - out);
	}
	CHECK_INT(pool.chunks.live, 0);
	CHECK_INT(pool.pieces.live, 0);
	line_pool_finish(&pool);
}

static void test_the_load_counts_records_so_that_single_bytes_are_bounded(void)
{
	struct line_pool pool;
	struct line line = { 0 };

	line_pool_init(&pool);
	for (int i = 0; i < 1000; i++)
		line_push(&line, &pool, bytes, 1, i);
	CHECK_INT(line.bytes, 1000);
	CHECK_INT(line_load(&line), 1000 + 1000 * sizeof(struct line_piece));
	line_drop(&line, &pool);
	CHECK_INT(line_load(&line), 0);
	/* Of the same time they share a record. */
	for (int i = 0; i < 1000; i++)
		line_push(&line, &pool, bytes, 1, 5000);
	CHECK_INT(line_load(&line), 1000 + sizeof(struct line_piece));
	line_drop(&line, &pool);
	CHECK_INT(pool.chunks.live + pool.pieces.live, 0);
	line_pool_finish(&pool);
}

static CU_TestInfo tests[] = {
	{ "an empty line has nothing due", test_an_empty_line_has_nothing_due },
	{ "pieces are due at their time and never overtake",
	  test_pieces_are_due_at_their_time_and_never_overtake },
	{ "bytes come out as they went in however they are cut",
	  test_bytes_come_out_as_they_went_in_however_they_are_cut },
	{ "the load counts records so that single bytes are bounded",
	  test_the_load_counts_records_so_that_single_bytes_are_bounded },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("line", tests);
}
