/*
 * synthetic.h - sweeps that never ran, with a known truth: what the statistics must find.
 *
 * A run's metric is its base value times the effects of the configuration's levels, times noise of
 * the block and of the run, times drift. Everything is drawn from one seed, so the same plan gives
 * the same dataset on every machine; what cannot be drawn (runs that are INVALID or fail, a vacuous
 * setting, an A/A pair that differs) is said in the plan.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_SYNTHETIC_H
#define RW_TESTS_SYNTHETIC_H

#include "lab/compare.h"

#define SYNTHETIC_FACTORS 4
#define SYNTHETIC_LEVELS  6

struct synthetic_factor {
	const char *key;
	const char *levels[SYNTHETIC_LEVELS]; /* the first is the baseline's */
	double effect[SYNTHETIC_LEVELS];      /* on all times: 0.86 is 14 % less; 0: none */
};

struct synthetic_plan {
	const char *name;
	uint64_t seed;
	unsigned blocks;
	unsigned blocks_run; /* 0: all */
	struct synthetic_factor factors[SYNTHETIC_FACTORS];
	enum metric primary;
	double block_noise, run_noise; /* standard deviations of logs */
	double drift;		       /* share over the whole sweep */
	double aa_effect;	       /* 0: none */
	/* Texts that are part of a label; NULL: none. */
	const char *invalid;	/* every run of these is INVALID */
	const char *retried;	/* the first attempt of block 0 is INVALID, the second is not */
	const char *failing;	/* every run of these fails */
	const char *impossible; /* never ran */
	const char *vacuous;
	bool with_histograms;
};

/* Never NULL: a test without memory is over. */
struct dataset *synthetic_create(const struct synthetic_plan *plan);
/* The analysis of a new dataset, which goes with it. */
struct analysis *synthetic_analyse(const struct synthetic_plan *plan);
void synthetic_discard(struct analysis *a);
/* Index of the configuration with that label; aborts when there is none. */
unsigned synthetic_find(const struct dataset *d, const char *label);

/* The effect of the level with that text. */
const struct level_effect *synthetic_level(const struct analysis *a, const char *level);
/* Takes a configuration's runs in the first blocks away, as if they had failed. */
void synthetic_lose_blocks(struct dataset *d, const char *label, unsigned blocks);

/* backend 4 x sched 2 x pin 2: io_uring 0.80, pinned 0.95; the size of the demo. */
extern const struct synthetic_plan synthetic_demo;

#endif
