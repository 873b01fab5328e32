/*
 * test_engine_random.c - a connection over seeded random cuts: nothing lost, nothing out of order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine_fixture.h"

/* The peer's view of one random run: every reply in order, of the size asked for. */
struct reader {
	uint8_t head[WIRE_HEAD];
	uint32_t have;
	uint64_t skip, next_id;
	const uint32_t *sizes;
};

static void take_bytes(struct reader *r, const uint8_t *p, int len)
{
	struct wire_head head;

	while (len > 0) {
		if (r->skip) {
			uint64_t n = r->skip < (uint64_t)len ? r->skip : (uint64_t)len;

			r->skip -= n;
			p += n;
			len -= n;
			continue;
		}
		r->head[r->have++] = *p++;
		len--;
		if (r->have < WIRE_HEAD)
			continue;
		CHECK_INT(wire_get_head(r->head, UINT32_MAX, &head), WIRE_FINE);
		CHECK_INT(head.id, r->next_id);
		CHECK_INT(head.length, r->sizes[r->next_id]);
		r->skip = head.length - WIRE_HEAD;
		r->have = 0;
		r->next_id++;
	}
}

static void random_run(uint64_t seed, bool late_reader)
{
	enum { COUNT = 300 };
	static const struct sim_faults faults = { .short_send = 0.5,
						  .short_recv = 0.5,
						  .buffer = 9000 };
	struct random_key key = random_key(seed, 0, 0, 0);
	static uint8_t bytes[COUNT * 9000], buf[50000];
	static uint32_t sizes[COUNT];
	struct reader r = { .sizes = sizes };
	size_t len = 0, at = 0;
	struct fixture f;

	setup(&f, &faults, seed);
	for (int i = 0; i < COUNT; i++) {
		sizes[i] = WIRE_HEAD + random_below(&key, 3 * i, 20000);
		len += make_request(bytes + len, i, 36 + random_below(&key, 3 * i + 1, 8000),
				    sizes[i]);
	}
	for (int turn = 0; (r.next_id < COUNT || r.skip) && turn < 100000; turn++) {
		int n = at < len ? sim_write(f.net, f.peer, bytes + at, len - at) : 0;

		at += n > 0 ? n : 0;
		turns(&f, 1);
		if (late_reader && random_below(&key, 1000000 + turn, 8))
			continue;
		n = sim_read(f.net, f.peer, buf, 1 + random_below(&key, 500000 + turn, 50000));
		take_bytes(&r, buf, n);
	}
	turns(&f, 2); /* the last send has come back */
	CHECK_INT(r.next_id, COUNT);
	CHECK_INT(f.messages, COUNT);
	CHECK_INT(f.loop.chunks.live, 0);
	CHECK_INT(f.loop.carries.live, 0);
	teardown(&f);
}

static void test_random_cuts_lose_and_reorder_nothing(void)
{
	printf("seeds 1 to 20 ");
	for (uint64_t seed = 1; seed <= 20; seed++)
		random_run(seed, seed & 1);
}

static CU_TestInfo tests[] = {
	{ "random cuts lose and reorder nothing", test_random_cuts_lose_and_reorder_nothing },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("engine, random", tests);
}
