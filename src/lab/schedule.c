/*
 * schedule.c - the next run, from the runs that are complete.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/schedule.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lab/progress.h"

int schedule_init(struct schedule *s, const struct plan *plan, struct err *err)
{
	unsigned blocks = plan->experiment->blocks;

	*s = (struct schedule){ .plan = plan };
	s->slots = calloc((size_t)blocks * plan->slot_count + 1, sizeof(*s->slots));
	s->block_runs = calloc(blocks, sizeof(*s->block_runs));
	if (s->slots && s->block_runs)
		return 0;
	schedule_finish(s);
	return err_sys(err, -ENOMEM, "schedule");
}

void schedule_finish(struct schedule *s)
{
	free(s->slots);
	free(s->block_runs);
	*s = (struct schedule){ 0 };
}

static struct slot_state *slot_of(const struct schedule *s, unsigned block, unsigned position)
{
	return &s->slots[(size_t)block * s->plan->slot_count + position];
}

/* Where in its block the plan has this run; -1: nowhere. */
static int planned_position(const struct plan *plan, const struct lab_run *run)
{
	for (unsigned p = 0; p < plan->slot_count; p++) {
		const struct plan_slot *slot = plan_slot(plan, run->block, p);

		if (slot->config == run->config && slot->is_aa == run->is_aa)
			return (int)p;
	}
	return -1;
}

static void note_time(struct schedule *s, const struct stored_run *run)
{
	double expected_s = (double)s->plan->configs[run->run.config].expected_ns / SEC;

	if (run->run.failed || run->took_s < expected_s)
		return;
	s->overhead_s += run->took_s - expected_s;
	s->timed++;
}

int schedule_note(struct schedule *s, const struct stored_run *run, struct err *err)
{
	const struct lab_run *r = &run->run;
	int position = planned_position(s->plan, r);
	struct slot_state *slot;

	if (position < 0)
		return err_set(err, -EINVAL, "%s: not a run of this plan", r->directory);
	slot = slot_of(s, r->block, (unsigned)position);
	slot->attempts++;
	slot->is_invalid = !r->failed && r->validity == RUN_INVALID;
	s->block_runs[r->block]++;
	s->done++;
	if (r->id > s->last_id)
		s->last_id = r->id;
	note_time(s, run);
	return 0;
}

static void fill_next(const struct schedule *s, unsigned block, unsigned position,
		      struct schedule_next *ret)
{
	*ret = (struct schedule_next){
		.id = s->last_id + 1,
		.block = block,
		.position = s->block_runs[block],
		.attempt = slot_of(s, block, position)->attempts,
		.slot = *plan_slot(s->plan, block, position),
	};
}

/* The first run of a block that has had fewer than `attempts`, or was INVALID so far. */
static bool next_in_block(const struct schedule *s, unsigned block, struct schedule_next *ret)
{
	for (unsigned round = 0; round <= s->plan->experiment->repeat; round++) {
		for (unsigned p = 0; p < s->plan->slot_count; p++) {
			const struct slot_state *slot = slot_of(s, block, p);

			if (slot->attempts != round || (round && !slot->is_invalid))
				continue;
			fill_next(s, block, p, ret);
			return true;
		}
	}
	return false;
}

bool schedule_next(const struct schedule *s, struct schedule_next *ret)
{
	for (unsigned b = 0; b < s->plan->experiment->blocks; b++)
		if (next_in_block(s, b, ret))
			return true;
	return false;
}

/* Runs due in this slot as far as is known. */
static unsigned due(const struct schedule *s, const struct slot_state *slot)
{
	if (!slot->attempts)
		return 1;
	return slot->is_invalid && slot->attempts <= s->plan->experiment->repeat;
}

unsigned schedule_total(const struct schedule *s)
{
	size_t count = (size_t)s->plan->experiment->blocks * s->plan->slot_count;
	unsigned total = s->done;

	for (size_t i = 0; i < count; i++)
		total += due(s, &s->slots[i]);
	return total;
}

int64_t schedule_left_ns(const struct schedule *s)
{
	size_t count = (size_t)s->plan->experiment->blocks * s->plan->slot_count;
	int64_t overhead_ns =
		s->timed ? (int64_t)(s->overhead_s / s->timed * SEC) : PROGRESS_OVERHEAD_NS;
	int64_t left_ns = 0;

	for (size_t i = 0; i < count; i++)
		if (due(s, &s->slots[i]))
			left_ns += s->plan->configs[s->plan->slots[i].config].expected_ns +
				   overhead_ns;
	return left_ns;
}
