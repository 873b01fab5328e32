/*
 * test_timers.c - the heap of timers against the plainest thing that is right: a sorted list.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/timers.h"
#include "tests/test.h"

#define SEED 5
#define OPS  1000

static struct io_op ops[OPS];

/* xorshift64*: this file must not depend on what is tested elsewhere. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1DULL;
}

static void test_empty(void)
{
	struct timers t = { 0 };

	CU_ASSERT_PTR_NULL(timers_take(&t, INT64_MAX));
	CHECK_INT(timers_next_ns(&t), INT64_MAX);
	timers_finish(&t);
}

static void test_order(void)
{
	struct timers t = { 0 };
	uint64_t state = SEED;
	int64_t last_ns = 0;
	struct io_op *op;
	int taken = 0;

	for (int i = 0; i < OPS; i++) {
		ops[i].deadline_ns = draw(&state) % 300;
		CHECK_INT(timers_add(&t, &ops[i]), 0);
	}
	while ((op = timers_take(&t, INT64_MAX))) {
		CU_ASSERT(op->deadline_ns >= last_ns);
		last_ns = op->deadline_ns;
		taken++;
	}
	CHECK_INT(taken, OPS);
	timers_finish(&t);
}

static void test_not_early(void)
{
	struct timers t = { 0 };

	ops[0].deadline_ns = 100;
	timers_add(&t, &ops[0]);
	CHECK_INT(timers_next_ns(&t), 100);
	CU_ASSERT_PTR_NULL(timers_take(&t, 99));
	CU_ASSERT_PTR_EQUAL(timers_take(&t, 100), &ops[0]);
	CU_ASSERT_PTR_NULL(timers_take(&t, 100));
	timers_finish(&t);
}

static int64_t earliest(const bool *in)
{
	int64_t ns = INT64_MAX;

	for (int i = 0; i < OPS; i++)
		if (in[i] && ops[i].deadline_ns < ns)
			ns = ops[i].deadline_ns;
	return ns;
}

static void test_against_a_list(void)
{
	struct timers t = { 0 };
	static bool in[OPS];
	uint64_t state = SEED;
	uint32_t count = 0;

	for (int step = 0; step < 20000; step++) {
		int i = draw(&state) % OPS;

		if (in[i]) {
			timers_remove(&t, &ops[i]);
		} else {
			ops[i].deadline_ns = draw(&state) % 10000;
			timers_add(&t, &ops[i]);
		}
		in[i] = !in[i];
		count += in[i] ? 1 : -1;
		CHECK_INT(t.count, count);
		if (step % 16 == 0)
			CHECK_INT(timers_next_ns(&t), earliest(in));
	}
	while (count--) {
		struct io_op *op = timers_take(&t, INT64_MAX);

		CHECK_INT(op->deadline_ns, earliest(in));
		in[op - ops] = false;
	}
	timers_finish(&t);
}

static void test_growth(void)
{
	struct timers t = { 0 };

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < OPS; i++)
			timers_add(&t, &ops[i]);
		for (int i = 0; i < OPS; i++)
			timers_remove(&t, &ops[i]);
	}
	CHECK_INT(t.size, 1024);
	timers_finish(&t);
}

static CU_TestInfo tests[] = {
	{ "no timers: none is due", test_empty },
	{ "timers come in the order of their deadlines (seed 5)", test_order },
	{ "a timer is not due before its deadline", test_not_early },
	{ "adding and removing at random keeps the earliest first (seed 5)", test_against_a_list },
	{ "the array grows with the timers, not with time", test_growth },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("timers", tests);
}
