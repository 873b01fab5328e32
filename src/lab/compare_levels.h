/*
 * compare_levels.h - what one level of one factor does, over all settings of the others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_COMPARE_LEVELS_H
#define RW_LAB_COMPARE_LEVELS_H

#include "lab/compare.h"
#include "lab/grid.h"

/* Fills a->levels and a->level_count; a->configs must know who takes part. */
int compare_levels(struct analysis *a, const struct grid *g, struct err *err);

#endif
