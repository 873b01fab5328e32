/*
 * compare_ranks.h - the order of the configurations, and which cannot be told from the best.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_COMPARE_RANKS_H
#define RW_LAB_COMPARE_RANKS_H

#include "lab/compare.h"
#include "lab/grid.h"

/* Fills rank and in_best_set of a->configs, and a->ranked, best, best_set. */
int compare_ranks(struct analysis *a, const struct grid *g, struct err *err);

#endif
