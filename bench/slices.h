/*
 * slices.h - servers compared by short slices of load, each between two slices of a reference.
 *
 * On a shared or virtual machine the cost of the same request changes by a factor of two within
 * minutes. So absolute figures are worthless, and so are ratios of long runs. What works: all
 * servers stay up, and every slice of a variant stands between two slices of the reference. The
 * pair counts only when the two references agree within SLICES_AGREE; what is told is the median of
 * the ratios and its quartiles.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BENCH_SLICES_H
#define RW_BENCH_SLICES_H

#include "bench/load.h"

#define SLICES_SERVERS 16
#define SLICES_PAIRS   64
#define SLICES_AGREE   0.12

struct slices_plan {
	struct load_shape shape;
	int64_t slice_ns;
	int pairs; /* wanted of each variant, at most SLICES_PAIRS; tried up to four times as often
		    */
};

struct slices_result {
	int tried, accepted;
	double ratio, low,
		high;	/* median and quartiles of CPU time per request to the reference's */
	double cpu_ns;	/* median CPU time per request */
	double rate_hz; /* median requests per second */
};

/* servers[0] is the reference; all are open. results has count elements. */
int slices_run(const struct slices_plan *plan, struct load_server *servers, int count,
	       struct slices_result *results, struct err *err);

#endif
