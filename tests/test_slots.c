/*
 * test_slots.c - the table of requests under way: order, reuse, and ids that a peer made up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/slots.h"

#include "base/random.h"
#include "tests/test.h"

#define SEED 99

static void test_slots_come_in_the_order_of_sending(void)
{
	struct slots s;
	struct slot *a, *b, *c;

	CHECK_INT(slots_init(&s, 3), 0);
	CU_ASSERT(!slots_oldest(&s));
	a = slots_take(&s);
	b = slots_take(&s);
	c = slots_take(&s);
	CU_ASSERT(!slots_take(&s));
	CHECK_INT(s.used, 3);
	slots_drop(&s, b);
	CU_ASSERT(slots_oldest(&s) == a);
	CU_ASSERT(slots_after(&s, a) == c);
	CU_ASSERT(!slots_after(&s, c));
	b = slots_take(&s);
	CU_ASSERT(slots_after(&s, c) == b);
	slots_finish(&s);
}

static void test_an_id_is_valid_until_its_slot_is_given_back(void)
{
	struct slots s;
	struct slot *slot;
	uint64_t id;

	slots_init(&s, 2);
	slot = slots_take(&s);
	id = slots_id(&s, slot);
	CU_ASSERT(slots_find(&s, id) == slot);
	CU_ASSERT(!slots_was_used(&s, id));
	slots_drop(&s, slot);
	CU_ASSERT(!slots_find(&s, id));
	CU_ASSERT(slots_was_used(&s, id));
	CU_ASSERT(slots_take(&s) == slot);
	CU_ASSERT(!slots_find(&s, id));
	CU_ASSERT(slots_id(&s, slot) != id);
	slots_finish(&s);
}

static void test_ids_that_were_never_given_out_find_nothing(void)
{
	struct slots s;
	uint64_t id;

	slots_init(&s, 8);
	id = slots_id(&s, slots_take(&s));
	for (uint64_t i = 0; i < 64; i++) {
		uint64_t strange = id ^ 1ULL << i;

		CU_ASSERT(!slots_find(&s, strange));
		CU_ASSERT(!slots_was_used(&s, strange));
	}
	CU_ASSERT(!slots_find(&s, 0));
	CU_ASSERT(!slots_find(&s, UINT64_MAX));
	slots_finish(&s);
}

/* Any order of taking and giving back keeps both lists whole. */
static void test_the_table_survives_any_order_of_use(void)
{
	struct random_key key = random_key(SEED, 0, 0, 0);
	struct slots s;
	uint64_t ids[50], count = 0;

	slots_init(&s, 50);
	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t at = random_below(&key, i, 50);

		if (at >= count && count < 50) {
			ids[count++] = slots_id(&s, slots_take(&s));
		} else if (at < count) {
			slots_drop(&s, slots_find(&s, ids[at]));
			ids[at] = ids[--count];
		}
		CU_ASSERT(s.used == count);
	}
	for (struct slot *slot = slots_oldest(&s); slot; slot = slots_after(&s, slot))
		count--;
	CHECK_INT(count, 0);
	slots_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "slots come in the order of sending", test_slots_come_in_the_order_of_sending },
	{ "an id is valid until its slot is given back",
	  test_an_id_is_valid_until_its_slot_is_given_back },
	{ "ids that were never given out find nothing",
	  test_ids_that_were_never_given_out_find_nothing },
	{ "the table survives any order of use", test_the_table_survives_any_order_of_use },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("slots", tests);
}
