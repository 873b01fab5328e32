/*
 * effect.h - from paired differences of logs to an effect with interval and verdict.
 *
 * The rules are those at the head of compare.h. Estimating needs one comparison, judging needs all
 * of its family, because Holm's correction counts them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_EFFECT_H
#define RW_LAB_EFFECT_H

#include "lab/compare.h"

#define EFFECT_BLOCKS_MIN 3 /* fewer pairs: a ratio, but no interval and no verdict */

/* Everything but p_holm, says, small and blocks_needed. */
void effect_estimate(const double *differences, unsigned n, struct effect *ret);

/* The comparisons on one metric that are made together. */
struct family {
	unsigned count;
	struct effect **members;
	double *p, *adjusted;
};

int family_init(struct family *f, unsigned most, struct err *err);
void family_finish(struct family *f);
/* Holm's p and the verdict of every member. */
void family_judge(struct family *f, const struct metric_info *info, double margin);

#endif
