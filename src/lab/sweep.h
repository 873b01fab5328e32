/*
 * sweep.h - a plan carried out, run by run, so that nothing complete is ever lost.
 *
 * The order of things for a caller:
 *
 *	experiment_load(file, &parts, &x, err)			complaints with line and column
 *	plan_create(x, &parts, program, command, &plan, err)	to go on: plan_load(DIR/plan.json)
 *	plan_write_text(plan, out)				`ringwalk plan` ends here
 *	sweep_run(plan, &opts, &result, err)
 *	store_load(DIR, true, &dataset, NULL, err)		and on to lab/compare.h
 *
 * The folders of complete runs are the only state. A sweep that was killed at any moment goes on
 * with `resume`, and only the run that was torn is run again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_SWEEP_H
#define RW_LAB_SWEEP_H

#include <signal.h>

#include "lab/plan.h"
#include "lab/progress.h"

struct sweep_opts {
	const char *folder;
	const char *program; /* ringwalk itself: /proc/self/exe, resolved */
	bool resume;	     /* go on with what is in the folder; else it must be new or empty */
	bool force;	     /* resume although machine, kernel or program have changed */
	const volatile sig_atomic_t *stop;
	/* Both may be NULL. progress: at the start, a few times a second, after every run. */
	void (*progress)(void *context, const struct progress *p);
	void (*say)(void *context, const char *sentence);
	void *context;
};

struct sweep_result {
	unsigned complete, valid, suspect, invalid, failed; /* runs, those found at resume too */
	unsigned torn;					    /* folders thrown away at resume */
};

/*
 * 0: all runs of the plan are there (some may have failed), and runs.csv is written. -EINTR: *stop
 * was set; the run under way is dropped, everything complete is kept, and err says how to go on.
 * -EOPNOTSUPP: the baseline is not possible here. -ESTALE: resumed under other conditions.
 * -EBUSY: another process is at it. *ret is filled also on failure.
 */
int sweep_run(const struct plan *plan, const struct sweep_opts *opts, struct sweep_result *ret,
	      struct err *err);

#endif
