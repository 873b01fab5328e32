/*
 * random.h - counter-based random streams: the same draw whatever the threads do.
 *
 * A draw is a pure function of a key (seed, workload, operation, parameter) and a request number:
 * nothing is stored and nothing depends on the order of calls, so one recorded seed reproduces a
 * run. The function is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
 * 3", SC'11): the request number is the counter, the key is mixed from the four parts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_RANDOM_H
#define RW_BASE_RANDOM_H

#include <stdint.h>

struct random_key {
	uint32_t key[2];
	uint32_t high[2]; /* upper half of the counter */
};

struct random_key random_key(uint64_t seed, uint32_t workload, uint32_t operation,
			     uint32_t parameter);

/* The whole block of 128 bits; random_u64() is its first half. */
void random_block(const struct random_key *key, uint64_t number, uint32_t ret[4]);
uint64_t random_u64(const struct random_key *key, uint64_t number);

/* In (0, 1): never 0 and never 1, so that log() of it is finite. An odd multiple of 2^-53. */
double random_unit(const struct random_key *key, uint64_t number);

/* Without bias, in [0, bound). bound > 0. */
uint64_t random_below(const struct random_key *key, uint64_t number, uint64_t bound);

/* Exponential with mean 1. */
double random_exponential(const struct random_key *key, uint64_t number);

/* A seed from the kernel, for when none was given; to be printed and recorded. Below 2^48, so
 * that it is short to type and exact in JSON. */
uint64_t random_fresh_seed(void);

#endif
