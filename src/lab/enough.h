/*
 * enough.h - whether a run has so many requests that its percentiles mean something.
 *
 * A percentile exists when at least 10 requests lie beyond it and is firm from 100 on
 * (client/result_text.h). The ones asked for are p50 and p99, which every report shows, and the
 * primary metric, if it is one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_ENOUGH_H
#define RW_LAB_ENOUGH_H

#include <stddef.h>

#include "lab/dataset.h"

#define ENOUGH_TEXT 400

/*
 * What a run of so many requests is too short for: "p99 rests on 50 of them, 10000 (1 s) would make
 * it firm"; "" for enough, and for requests of 0, which are unknown. per_s: at which rate, for the
 * time in brackets; 0: unknown. Returns buf.
 */
const char *enough_text(double requests, double per_s, enum metric primary, char *buf, size_t size);

/* The usable run with the fewest requests; NULL when there is none that tells. */
const struct lab_run *enough_fewest(const struct dataset *d);

#endif
