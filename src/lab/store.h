/*
 * store.h - a sweep's folder, read: its runs, and all of it as a dataset.
 *
 *	plan.json	what was planned, before the first run
 *	sweep.yaml	the experiment file, for people
 *	runs/00042/	a complete run: run.json, node.json, client.json, logs, histograms.hlog
 *	runs/00043.tmp/	a torn one; nobody reads it
 *	resumed-00043.json	before run 43 the sweep went on although the machine had changed
 *	runs.csv	a line a run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_STORE_H
#define RW_LAB_STORE_H

#include "lab/plan.h"
#include "lab/taken.h"

struct stored_run {
	struct lab_run run; /* all but `usable` */
	bool impossible;
	double took_s;
};

struct stored_runs {
	unsigned count;
	struct stored_run *items; /* by id */
	struct taken_list taken;
	unsigned torn; /* folders that are no complete runs; not counted above */
};

/* -EINVAL when a run is not of this plan. A folder that cannot be read as a run is torn. */
int store_read_runs(const char *folder, const struct plan *plan, struct stored_runs *ret,
		    struct err *err);
void stored_runs_finish(struct stored_runs *runs);

/* "FOLDER/plan.json". Returns buf. */
const char *store_plan_path(const char *folder, char *buf, size_t size);

/*
 * with_histograms: fills configs[].response, which takes 216 KiB and some reading for each.
 * ret_torn may be NULL.
 */
int store_load(const char *folder, bool with_histograms, struct dataset **ret, unsigned *ret_torn,
	       struct err *err);

#endif
