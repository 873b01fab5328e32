/*
 * result_text.h - a result for people: the verdict first, then counts, rates and percentiles.
 *
 * A percentile is printed only if at least 10 samples lie beyond it, and marked with ~ when there
 * are fewer than 100: what a handful of requests did says little about the next run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_RESULT_TEXT_H
#define RW_CLIENT_RESULT_TEXT_H

#include <stdio.h>

#include "client/client.h"

#define PERCENTILE_SAMPLES_LEAST 10
#define PERCENTILE_SAMPLES_SURE	 100

/* 50, 90, 99, 99.9; ends with 0. Both writers use it. */
extern const double result_percentiles[];
/* How many of the values lie beyond the percentile, by rank. */
uint64_t result_samples_beyond(const struct hist *h, double percentile);
/* UDP: requests that no answer came to, neither in time nor late. */
uint64_t result_lost(const struct client_result *r);

int result_write_text(const struct client_result *r, FILE *out, struct err *err);

#endif
