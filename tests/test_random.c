/*
 * test_random.c - the generator against its published answers, and draws against their laws.
 *
 * The statistical limits are five standard deviations of what is measured, and the seed is fixed,
 * so a failure means that the generator changed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

#include "tests/test.h"

#define SEED  20240517
#define DRAWS 100000

static struct random_key stream(uint32_t parameter)
{
	return random_key(SEED, 1, 2, parameter);
}

/* Known answers of philox4x32-10 that come with Random123 (kat_vectors): counter, key, result. */
static void test_the_published_answers_come_out(void)
{
	static const struct {
		uint32_t counter[4], key[2], result[4];
	} rows[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
		  { 0xffffffff, 0xffffffff },
		  { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
		  { 0xa4093822, 0x299f31d0 },
		  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct random_key key = { { rows[i].key[0], rows[i].key[1] },
					  { rows[i].counter[2], rows[i].counter[3] } };
		uint64_t number = (uint64_t)rows[i].counter[1] << 32 | rows[i].counter[0];
		uint32_t x[4];

		random_block(&key, number, x);
		for (int j = 0; j < 4; j++)
			CHECK_INT(x[j], rows[i].result[j]);
		CU_ASSERT(random_u64(&key, number) ==
			  ((uint64_t)rows[i].result[1] << 32 | rows[i].result[0]));
	}
}

static void test_a_draw_depends_on_its_key_and_number_only(void)
{
	struct random_key a = stream(3), b = stream(3);
	uint64_t first = random_u64(&a, 41);

	random_u64(&a, 42);
	random_below(&a, 1, 7);
	CU_ASSERT(random_u64(&a, 41) == first);
	CU_ASSERT(random_u64(&b, 41) == first);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void test_every_part_of_the_key_makes_another_stream(void)
{
	static uint64_t seen[16 * 16 * 16 * 4];
	size_t count = 0;

	for (uint32_t seed = 0; seed < 4; seed++)
		for (uint32_t w = 0; w < 16; w++)
			for (uint32_t o = 0; o < 16; o++)
				for (uint32_t p = 0; p < 16; p++) {
					struct random_key key =
						random_key(seed ? 1ULL << (20 * seed) : 0, w, o, p);

					seen[count++] = random_u64(&key, 0);
				}
	qsort(seen, count, sizeof(*seen), compare_u64);
	for (size_t i = 1; i < count; i++)
		CU_ASSERT(seen[i] != seen[i - 1]);
}

static void test_unit_draws_are_uniform_and_never_an_end(void)
{
	struct random_key key = stream(1);
	double sum = 0, squares = 0, x;
	int tenth[10] = { 0 };

	for (uint64_t i = 0; i < DRAWS; i++) {
		x = random_unit(&key, i);
		CU_ASSERT_FATAL(x > 0 && x < 1);
		sum += x;
		squares += x * x;
		tenth[(int)(x * 10)]++;
	}
	CHECK_NEAR(sum / DRAWS, 0.5, 5 * sqrt(1.0 / 12 / DRAWS));
	CHECK_NEAR(squares / DRAWS, 1.0 / 3, 5 * sqrt(4.0 / 45 / DRAWS));
	for (int i = 0; i < 10; i++)
		CHECK_NEAR(tenth[i], DRAWS / 10.0, 5 * sqrt(0.09 * DRAWS));
}

static void test_neighbours_do_not_know_each_other(void)
{
	struct random_key key = stream(2), other = stream(3);
	double along = 0, across = 0;

	for (uint64_t i = 0; i < DRAWS; i++) {
		along += (random_unit(&key, i) - 0.5) * (random_unit(&key, i + 1) - 0.5);
		across += (random_unit(&key, i) - 0.5) * (random_unit(&other, i) - 0.5);
	}
	CHECK_NEAR(along / DRAWS * 12, 0, 5 / sqrt(DRAWS));
	CHECK_NEAR(across / DRAWS * 12, 0, 5 / sqrt(DRAWS));
}

static void test_every_bit_is_set_half_of_the_time(void)
{
	struct random_key key = stream(4);
	int set[64] = { 0 };

	for (uint64_t i = 0; i < DRAWS; i++)
		for (int bit = 0; bit < 64; bit++)
			set[bit] += random_u64(&key, i) >> bit & 1;
	for (int bit = 0; bit < 64; bit++)
		CHECK_NEAR(set[bit], DRAWS / 2.0, 5 * sqrt(DRAWS / 4.0));
}

static void test_below_is_even_and_below(void)
{
	struct random_key key = stream(5);
	int count[6] = { 0 };

	for (uint64_t i = 0; i < DRAWS; i++) {
		uint64_t x = random_below(&key, i, 6);

		CU_ASSERT_FATAL(x < 6);
		count[x]++;
		CHECK_INT(random_below(&key, i, 1), 0);
	}
	for (int i = 0; i < 6; i++)
		CHECK_NEAR(count[i], DRAWS / 6.0, 5 * sqrt(DRAWS * 5 / 36.0));
}

/* With a bound of 3/4 of the range plain remainders would give the lowest third twice the chance.
 */
static void test_below_has_no_bias_where_a_remainder_would(void)
{
	const uint64_t bound = 3ULL << 62;
	struct random_key key = stream(6);
	int low = 0;

	for (uint64_t i = 0; i < DRAWS; i++) {
		uint64_t x = random_below(&key, i, bound);

		CU_ASSERT_FATAL(x < bound);
		low += x < 1ULL << 62;
	}
	CHECK_NEAR(low, DRAWS / 3.0, 5 * sqrt(DRAWS * 2 / 9.0));
}

static void test_exponential_draws_have_mean_and_deviation_one(void)
{
	struct random_key key = stream(7);
	double sum = 0, squares = 0, x;
	int above = 0;

	for (uint64_t i = 0; i < DRAWS; i++) {
		x = random_exponential(&key, i);
		CU_ASSERT_FATAL(x > 0 && x < 37);
		sum += x;
		squares += x * x;
		above += x > 3;
	}
	CHECK_NEAR(sum / DRAWS, 1, 5 / sqrt(DRAWS));
	CHECK_NEAR(squares / DRAWS, 2, 5 * sqrt(20.0 / DRAWS));
	CHECK_NEAR(above, DRAWS * exp(-3), 5 * sqrt(DRAWS * exp(-3)));
}

static void test_a_fresh_seed_is_another_one_and_short(void)
{
	uint64_t a = random_fresh_seed(), b = random_fresh_seed();

	CU_ASSERT(a != b);
	CU_ASSERT(a < 1ULL << 48 && b < 1ULL << 48);
}

static CU_TestInfo tests[] = {
	{ "the published answers come out", test_the_published_answers_come_out },
	{ "a draw depends on its key and number only",
	  test_a_draw_depends_on_its_key_and_number_only },
	{ "every part of the key makes another stream",
	  test_every_part_of_the_key_makes_another_stream },
	{ "unit draws are uniform and never an end", test_unit_draws_are_uniform_and_never_an_end },
	{ "neighbours do not know each other", test_neighbours_do_not_know_each_other },
	{ "every bit is set half of the time", test_every_bit_is_set_half_of_the_time },
	{ "below is even and below", test_below_is_even_and_below },
	{ "below has no bias where a remainder would",
	  test_below_has_no_bias_where_a_remainder_would },
	{ "exponential draws have mean and deviation one",
	  test_exponential_draws_have_mean_and_deviation_one },
	{ "a fresh seed is another one and short", test_a_fresh_seed_is_another_one_and_short },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("random", tests);
}
