/*
 * slices.c - rounds of reference, variant, reference, variant, ... reference.
 *
 * Neighbouring variants share a reference slice. The order of the variants turns by one each
 * round, so that none is always the neighbour of the same other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/slices.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define TRIES 4
#define KEPT  (TRIES * SLICES_PAIRS)

struct series {
	double ratio[SLICES_PAIRS];
	double cpu_ns[KEPT], rate_hz[KEPT]; /* of every slice */
	int accepted, tried;
};

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the values. Quantiles lie between neighbours (Hyndman and Fan, type 7). */
static double quantile(double *values, int count, double share)
{
	double place = share * (count - 1);
	int low = (int)floor(place);

	if (!count)
		return NAN;
	qsort(values, (size_t)count, sizeof(*values), ascending);
	if (low + 1 >= count)
		return values[count - 1];
	return values[low] + (place - low) * (values[low + 1] - values[low]);
}

/* One slice. Returns the CPU time per request in *ret. */
static int measure(const struct slices_plan *plan, struct load_server *server, struct series *s,
		   double *ret, struct err *err)
{
	struct load_slice slice;
	int code = load_run(server, &plan->shape, plan->slice_ns, &slice, err);

	if (code < 0)
		return code;
	*ret = (double)slice.cpu_ns / (double)slice.requests;
	if (s->tried < KEPT) {
		s->cpu_ns[s->tried] = *ret;
		s->rate_hz[s->tried++] = (double)slice.requests * 1e9 / (double)slice.wall_ns;
	}
	return 0;
}

static bool agree(double a, double b)
{
	return fabs(a - b) <= SLICES_AGREE * fmin(a, b);
}

/* Every variant once; *reference is the slice before, and becomes the one behind. */
static int play_round(const struct slices_plan *plan, struct load_server *servers, int count,
		      int turn, struct series *all, double *reference, struct err *err)
{
	double before, cpu_ns;
	int code;

	for (int i = 0; i < count - 1; i++) {
		int which = 1 + (i + turn) % (count - 1);
		struct series *s = &all[which];

		if (s->accepted == plan->pairs)
			continue;
		before = *reference;
		code = measure(plan, &servers[which], s, &cpu_ns, err);
		if (!code)
			code = measure(plan, &servers[0], &all[0], reference, err);
		if (code < 0)
			return code;
		if (agree(before, *reference))
			s->ratio[s->accepted++] = cpu_ns / ((before + *reference) / 2);
	}
	return 0;
}

static void sum_up(struct series *s, struct slices_result *r)
{
	r->tried = s->tried;
	r->accepted = s->accepted;
	r->ratio = quantile(s->ratio, s->accepted, 0.5);
	r->low = quantile(s->ratio, s->accepted, 0.25);
	r->high = quantile(s->ratio, s->accepted, 0.75);
	r->cpu_ns = quantile(s->cpu_ns, s->tried, 0.5);
	r->rate_hz = quantile(s->rate_hz, s->tried, 0.5);
}

int slices_run(const struct slices_plan *plan, struct load_server *servers, int count,
	       struct slices_result *results, struct err *err)
{
	struct series *all = calloc((size_t)count, sizeof(*all));
	double reference;
	int code;

	if (!all)
		return err_set(err, -ENOMEM, "no memory for %d series", count);
	code = measure(plan, &servers[0], &all[0], &reference, err); /* warms up, too */
	if (!code)
		code = measure(plan, &servers[0], &all[0], &reference, err);
	for (int turn = 0; turn < TRIES * plan->pairs && !code; turn++)
		code = play_round(plan, servers, count, turn, all, &reference, err);
	for (int i = 0; i < count && !code; i++)
		sum_up(&all[i], &results[i]);
	free(all);
	return code;
}
