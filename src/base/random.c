/*
 * random.c - Philox4x32-10: ten rounds of multiply and mix turn a counter into random bits.
 *
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11, section 3.3;
 * the constants are from there. Each block of 128 bits costs about 20 multiplications.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/random.h"

#include <math.h>
#include <sys/random.h>

#include "base/clock.h"

/* One step of an S-box pair: both products, the high halves crossed with key and counter. */
static void philox_round(uint32_t x[4], uint32_t key0, uint32_t key1)
{
	uint64_t a = 0xD2511F53ULL * x[0];
	uint64_t b = 0xCD9E8D57ULL * x[2];

	x[0] = (uint32_t)(b >> 32) ^ x[1] ^ key0;
	x[2] = (uint32_t)(a >> 32) ^ x[3] ^ key1;
	x[1] = (uint32_t)b;
	x[3] = (uint32_t)a;
}

void random_block(const struct random_key *key, uint64_t number, uint32_t ret[4])
{
	uint32_t key0 = key->key[0], key1 = key->key[1];

	ret[0] = (uint32_t)number;
	ret[1] = (uint32_t)(number >> 32);
	ret[2] = key->high[0];
	ret[3] = key->high[1];
	for (int round = 0; round < 10; round++) {
		philox_round(ret, key0, key1);
		key0 += 0x9E3779B9; /* golden ratio */
		key1 += 0xBB67AE85; /* sqrt(3) - 1 */
	}
}

struct random_key random_key(uint64_t seed, uint32_t workload, uint32_t operation,
			     uint32_t parameter)
{
	/* The parts are 160 bits, key and upper counter 128: so the function itself mixes them.
	 * Two streams then share a block with a chance of 2^-128 times their number squared. */
	struct random_key mixer = { { (uint32_t)seed, (uint32_t)(seed >> 32) }, { parameter, 0 } };
	uint32_t x[4];

	random_block(&mixer, (uint64_t)operation << 32 | workload, x);
	return (struct random_key){ { x[0], x[1] }, { x[2], x[3] } };
}

uint64_t random_u64(const struct random_key *key, uint64_t number)
{
	uint32_t x[4];

	random_block(key, number, x);
	return (uint64_t)x[1] << 32 | x[0];
}

double random_unit(const struct random_key *key, uint64_t number)
{
	/* 52 bits and a half: with 53 the largest would round to 1. */
	return ((double)(random_u64(key, number) >> 12) + 0.5) * 0x1p-52;
}

uint64_t random_below(const struct random_key *key, uint64_t number, uint64_t bound)
{
	/* The lowest 2^64 % bound values are left out, so that the rest divides evenly. */
	uint64_t skipped = -bound % bound;
	struct random_key next = *key;
	uint64_t x;

	/* A value that is left out is drawn again, from a stream beside this one. */
	while ((x = random_u64(&next, number)) < skipped)
		next.high[1]++;
	return x % bound;
}

double random_exponential(const struct random_key *key, uint64_t number)
{
	return -log(random_unit(key, number));
}

uint64_t random_fresh_seed(void)
{
	uint64_t seed;

	/* Any number will do, as long as it is another one next time. */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)clock_read_ns(CLOCK_REALTIME) << 16;
	return seed >> 16;
}
