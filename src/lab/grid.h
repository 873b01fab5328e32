/*
 * grid.h - the usable runs of a sweep as logarithms, by metric, configuration and block.
 *
 * What the comparison computes with: a difference of two cells of one block is the log of a ratio.
 * The baseline's A/A runs stand in one more row after the configurations. A cell without a usable
 * run, or whose value has no logarithm, is NaN.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_GRID_H
#define RW_LAB_GRID_H

#include "lab/dataset.h"

struct grid {
	unsigned rows, blocks; /* rows: configurations and one for A/A */
	double *log;	       /* by metric, row, block */
	double *scratch;       /* one number a block, for the caller's differences */
};

int grid_init(struct grid *g, const struct dataset *d, struct err *err);
void grid_finish(struct grid *g);

double grid_at(const struct grid *g, enum metric m, unsigned row, unsigned block);
/* Values of a row that are there, into out[blocks]; returns how many. */
unsigned grid_row(const struct grid *g, enum metric m, unsigned row, double *out);
/* row - base in the blocks that have both. */
unsigned grid_differences(const struct grid *g, enum metric m, unsigned row, unsigned base,
			  double *out);

#endif
