/*
 * test_schedule.c - the order of runs and repeats, and that it depends on the complete runs alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "lab/schedule.h"
#include "tests/lab_fake.h"
#include "tests/test.h"

#define RUNS_MAX 200

static const char text[] = "client: {duration: 1s}\n"
			   "factors: {node.threads: [1, 2, 3]}\n"
			   "blocks: 3\nseed: 7\ninvalid: {repeat: 2}\n";

/* What a sweep does, without running anything: is_invalid decides over every run. */
struct play {
	struct plan *plan;
	struct stored_run runs[RUNS_MAX];
	unsigned count;
};

static struct stored_run outcome_of(const struct schedule_next *n, bool is_invalid)
{
	return (struct stored_run){ .run = { .id = n->id,
					     .config = n->slot.config,
					     .is_aa = n->slot.is_aa,
					     .block = n->block,
					     .position = n->position,
					     .attempt = n->attempt,
					     .validity = is_invalid ? RUN_INVALID : RUN_VALID },
				    .took_s = 1.5 };
}

static void play(struct play *p, unsigned limit, bool (*is_invalid)(const struct schedule_next *n))
{
	struct schedule s;
	struct schedule_next n;

	CHECK_INT(schedule_init(&s, p->plan, NULL), 0);
	for (unsigned i = 0; i < p->count; i++)
		schedule_note(&s, &p->runs[i], NULL);
	while (p->count < limit && schedule_next(&s, &n)) {
		p->runs[p->count] = outcome_of(&n, is_invalid(&n));
		schedule_note(&s, &p->runs[p->count++], NULL);
	}
	schedule_finish(&s);
}

static bool never(const struct schedule_next *n)
{
	return false;
}

static bool always(const struct schedule_next *n)
{
	return true;
}

/* Config 1 is INVALID the first time in each block. */
static bool once(const struct schedule_next *n)
{
	return n->slot.config == 1 && n->attempt == 0;
}

static bool sometimes(const struct schedule_next *n)
{
	struct random_key key = random_key(5, n->block, n->slot.config, n->slot.is_aa);

	return random_below(&key, n->attempt, 3) == 0;
}

static void test_without_trouble_the_plan_is_followed(void)
{
	struct play p = { .plan = fake_plan(text) };

	CU_ASSERT_FATAL(p.plan != NULL);
	play(&p, RUNS_MAX, never);
	CHECK_INT(p.count, 12);
	for (unsigned i = 0; i < p.count; i++) {
		const struct plan_slot *slot = plan_slot(p.plan, i / 4, i % 4);

		CHECK_INT(p.runs[i].run.id, i + 1);
		CHECK_INT(p.runs[i].run.block, i / 4);
		CHECK_INT(p.runs[i].run.position, i % 4);
		CHECK_INT(p.runs[i].run.config, slot->config);
		CHECK_INT(p.runs[i].run.is_aa, slot->is_aa);
	}
	plan_destroy(p.plan);
}

static void test_an_invalid_run_is_repeated_at_the_end_of_its_block(void)
{
	struct play p = { .plan = fake_plan(text) };

	CU_ASSERT_FATAL(p.plan != NULL);
	play(&p, RUNS_MAX, once);
	CHECK_INT(p.count, 15);
	for (unsigned b = 0; b < 3; b++) {
		const struct lab_run *last = &p.runs[b * 5 + 4].run;

		CHECK_INT(last->config, 1);
		CHECK_INT(last->attempt, 1);
		CHECK_INT(last->block, b);
		CHECK_INT(last->position, 4);
	}
	plan_destroy(p.plan);
}

static void test_repeats_have_a_limit(void)
{
	struct play p = { .plan = fake_plan(text) };

	CU_ASSERT_FATAL(p.plan != NULL);
	play(&p, RUNS_MAX, always);
	CHECK_INT(p.count, 3 * 4 * 3);
	/* Round by round: nobody is tried a third time before all have been a second time. */
	for (unsigned i = 0; i < p.count; i++)
		CHECK_INT(p.runs[i].run.attempt, i % 12 / 4);
	plan_destroy(p.plan);
}

static void test_a_failed_run_is_not_repeated(void)
{
	struct plan *plan = fake_plan(text);
	struct schedule_next n;
	struct stored_run run;
	struct schedule s;

	CU_ASSERT_FATAL(plan != NULL);
	schedule_init(&s, plan, NULL);
	for (int i = 0; i < 12; i++) {
		CU_ASSERT(schedule_next(&s, &n));
		run = outcome_of(&n, true);
		run.run.failed = true;
		schedule_note(&s, &run, NULL);
	}
	CU_ASSERT(!schedule_next(&s, &n));
	schedule_finish(&s);
	plan_destroy(plan);
}

/* The point of it all: stopped anywhere and begun again, the same runs come out. */
static void test_a_stop_anywhere_changes_nothing(void)
{
	struct play whole = { .plan = fake_plan(text) };

	CU_ASSERT_FATAL(whole.plan != NULL);
	play(&whole, RUNS_MAX, sometimes);
	CU_ASSERT(whole.count > 12);
	for (unsigned stop = 0; stop <= whole.count; stop++) {
		struct play parts = { .plan = whole.plan };

		play(&parts, stop, sometimes);
		CHECK_INT(parts.count, stop);
		play(&parts, RUNS_MAX, sometimes);
		CHECK_INT(parts.count, whole.count);
		CU_ASSERT(!memcmp(parts.runs, whole.runs, sizeof(parts.runs)));
	}
	plan_destroy(whole.plan);
}

static void test_what_is_left_is_counted_from_measured_times(void)
{
	struct plan *plan = fake_plan(text);
	struct schedule_next n;
	struct schedule s;
	struct stored_run run;

	CU_ASSERT_FATAL(plan != NULL);
	schedule_init(&s, plan, NULL);
	CHECK_INT(schedule_total(&s), 12);
	CHECK_INT(schedule_left_ns(&s), 12 * 1100 * MS);
	schedule_next(&s, &n);
	run = outcome_of(&n, false); /* took 1.5 s, 0.5 s more than expected */
	schedule_note(&s, &run, NULL);
	CHECK_INT(schedule_total(&s), 12);
	CHECK_INT(schedule_left_ns(&s), 11 * 1500 * MS);
	schedule_next(&s, &n);
	run = outcome_of(&n, true);
	schedule_note(&s, &run, NULL);
	CHECK_INT(schedule_total(&s), 13);
	CHECK_INT(schedule_left_ns(&s), 11 * 1500 * MS);
	schedule_finish(&s);
	plan_destroy(plan);
}

static CU_TestInfo tests[] = {
	{ "without trouble the plan is followed", test_without_trouble_the_plan_is_followed },
	{ "an invalid run is repeated at the end of its block",
	  test_an_invalid_run_is_repeated_at_the_end_of_its_block },
	{ "repeats have a limit", test_repeats_have_a_limit },
	{ "a failed run is not repeated", test_a_failed_run_is_not_repeated },
	{ "a stop anywhere changes nothing", test_a_stop_anywhere_changes_nothing },
	{ "what is left is counted from measured times",
	  test_what_is_left_is_counted_from_measured_times },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("schedule", tests);
}
