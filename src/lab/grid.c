/*
 * grid.c - runs into a table of logarithms; see grid.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/grid.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static double *cell(const struct grid *g, enum metric m, unsigned row, unsigned block)
{
	return &g->log[((size_t)m * g->rows + row) * g->blocks + block];
}

double grid_at(const struct grid *g, enum metric m, unsigned row, unsigned block)
{
	return *cell(g, m, row, block);
}

static void fill_in(struct grid *g, const struct lab_run *run)
{
	unsigned row = run->is_aa ? g->rows - 1 : run->config;

	for (int m = 0; m < METRICS; m++)
		*cell(g, m, row, run->block) = metric_log((enum metric)m, run->metric[m]);
}

int grid_init(struct grid *g, const struct dataset *d, struct err *err)
{
	size_t cells;

	*g = (struct grid){ .rows = d->config_count + 1, .blocks = d->block_count };
	cells = (size_t)METRICS * g->rows * g->blocks;
	g->log = malloc((cells + 1) * sizeof(g->log[0]));
	g->scratch = malloc((g->blocks + 1) * sizeof(g->scratch[0]));
	if (!g->log || !g->scratch) {
		grid_finish(g);
		return err_set(err, -ENOMEM, "no memory to compare %u runs", d->run_count);
	}
	for (size_t i = 0; i < cells; i++)
		g->log[i] = NAN;
	for (unsigned i = 0; i < d->run_count; i++)
		if (d->runs[i].usable)
			fill_in(g, &d->runs[i]);
	return 0;
}

void grid_finish(struct grid *g)
{
	free(g->log);
	free(g->scratch);
}

unsigned grid_row(const struct grid *g, enum metric m, unsigned row, double *out)
{
	unsigned n = 0;

	for (unsigned b = 0; b < g->blocks; b++)
		if (!isnan(grid_at(g, m, row, b)))
			out[n++] = grid_at(g, m, row, b);
	return n;
}

unsigned grid_differences(const struct grid *g, enum metric m, unsigned row, unsigned base,
			  double *out)
{
	unsigned n = 0;

	for (unsigned b = 0; b < g->blocks; b++) {
		double d = grid_at(g, m, row, b) - grid_at(g, m, base, b);

		if (!isnan(d))
			out[n++] = d;
	}
	return n;
}
