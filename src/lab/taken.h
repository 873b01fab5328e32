/*
 * taken.h - what the kernel made of the settings of a sweep: requested beside effective.
 *
 * Every run says for each tunable what was asked for, what the kernel has, and a verdict
 * (base/verdict.h). Here the same answer of many threads and runs becomes one entry, so that a
 * report can show all of it: that a slice was clamped in eight configurations is one line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_TAKEN_H
#define RW_LAB_TAKEN_H

#include <jansson.h>

#include "base/verdict.h"
#include "lab/experiment.h"

#define TAKEN_MAX 256 /* different answers in a sweep; the rest is in the runs' run.json */

struct taken {
	enum role role;
	struct verdict_report report;
	unsigned runs, configs; /* that said so */
	unsigned last_run;
	uint64_t seen[CONFIGS_MAX / 64]; /* configurations, as bits */
};

/* Zero is empty. */
struct taken_list {
	unsigned count;
	struct taken *items;
	unsigned dropped; /* beyond TAKEN_MAX */
};

/*
 * Adds what a run's run.json says. Runs come one after the other, those of a configuration in any
 * order. *ret_worst gets the worst verdict of the run. 0 or -ENOMEM.
 */
int taken_add(struct taken_list *list, unsigned run, unsigned config, const json_t *json,
	      enum verdict *ret_worst);
void taken_finish(struct taken_list *list);

/* Is it anything but ok? */
bool taken_is_short(const struct taken *t);
/* How many of them are. */
unsigned taken_short_count(const struct taken_list *list);

#endif
