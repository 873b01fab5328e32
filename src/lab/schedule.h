/*
 * schedule.h - which run comes next, given the plan and the runs that there are.
 *
 * Nothing but the complete runs counts, so a sweep that was killed goes on with the same function
 * that would have gone on without it. In a block: first the planned order, then those that were
 * INVALID again, in the same order, as often as the plan allows. A block is over before the next
 * one begins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_SCHEDULE_H
#define RW_LAB_SCHEDULE_H

#include "lab/store.h"

struct slot_state {
	unsigned attempts; /* complete runs */
	bool is_invalid;   /* the last of them */
};

struct schedule {
	const struct plan *plan;
	struct slot_state *slots; /* as in plan->slots */
	unsigned *block_runs;	  /* complete runs of each block, repeats too */
	unsigned done;
	unsigned last_id;
	double overhead_s; /* of the runs that were complete: time beside their own, added up */
	unsigned timed;	   /* how many that were */
};

struct schedule_next {
	unsigned id, block, position, attempt;
	struct plan_slot slot;
};

int schedule_init(struct schedule *s, const struct plan *plan, struct err *err);
void schedule_finish(struct schedule *s);

/* -EINVAL: the plan has no such run. */
int schedule_note(struct schedule *s, const struct stored_run *run, struct err *err);
/* False: the sweep is complete. */
bool schedule_next(const struct schedule *s, struct schedule_next *ret);

/* Known now: planned runs, repeats done and repeats due. */
unsigned schedule_total(const struct schedule *s);
/* What is still to come, from the measured time around a run. */
int64_t schedule_left_ns(const struct schedule *s);

#endif
