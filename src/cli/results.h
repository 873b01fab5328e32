/*
 * results.h - what is shown of a sweep's folder, by `sweep` at its end and by `report`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_RESULTS_H
#define RW_CLI_RESULTS_H

#include <stdio.h>

#include "base/err.h"

/*
 * The table to out; DIR/runs.csv, DIR/verdict.json and DIR/report.html. Returns EXIT_VALID,
 * EXIT_CHECK when a run has failed, or is INVALID and no repeat counts in its place, or -errno.
 */
int results_show(const char *folder, FILE *out, struct err *err);

#endif
