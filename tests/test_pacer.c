/*
 * test_pacer.c - when to sleep, spin and send, in simulated time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/pacer.h"

#include "base/clock.h"
#include "tests/test.h"

static void test_decisions_by_mode_and_distance(void)
{
	static const struct {
		enum wait_mode mode;
		int64_t left_ns;
		enum pacer_action action;
		int64_t wait_ns;
	} rows[] = {
		{ WAIT_HYBRID, 1000 * US, PACER_SLEEP, 940 * US },
		{ WAIT_HYBRID, 60 * US + 1, PACER_SLEEP, 1 },
		{ WAIT_HYBRID, 60 * US, PACER_SPIN, 0 },
		{ WAIT_HYBRID, 1, PACER_SPIN, 0 },
		{ WAIT_HYBRID, 0, PACER_SEND, 0 },
		{ WAIT_HYBRID, -5, PACER_SEND, 0 },
		{ WAIT_SLEEP, 1000 * US, PACER_SLEEP, 1000 * US },
		{ WAIT_SLEEP, 1, PACER_SLEEP, 1 },
		{ WAIT_SLEEP, 0, PACER_SEND, 0 },
		{ WAIT_SPIN, 1000 * US, PACER_SPIN, 0 },
		{ WAIT_SPIN, 1, PACER_SPIN, 0 },
		{ WAIT_SPIN, 0, PACER_SEND, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pacer p = { .mode = rows[i].mode, .spin_ns = 60 * US };
		struct pacer_step step = pacer_decide(&p, SEC, SEC + rows[i].left_ns);

		CHECK_INT(step.action, rows[i].action);
		CHECK_INT(step.wait_ns, rows[i].wait_ns);
	}
}

/* A day of waiting on a clock that wakes up late by a varying time. */
static void test_it_never_sends_early_whatever_the_wake_ups_do(void)
{
	static const enum wait_mode modes[] = { WAIT_HYBRID, WAIT_SLEEP };

	for (unsigned m = 0; m < 2; m++) {
		struct pacer p = { .mode = modes[m], .spin_ns = 60 * US };
		int64_t now = SEC, latest = 0;

		for (int64_t due = SEC; due < 2 * SEC; due += 997 * US) {
			struct pacer_step step;

			while ((step = pacer_decide(&p, now, due)).action != PACER_SEND)
				now += step.action == PACER_SPIN
					       ? 300
					       : step.wait_ns + due / US % 50 * US;
			CU_ASSERT(now >= due);
			latest = now - due > latest ? now - due : latest;
		}
		CU_ASSERT(modes[m] == WAIT_HYBRID ? latest < 300 : latest > 40 * US);
	}
}

static void test_nothing_due_means_waiting_for_answers(void)
{
	struct pacer p = { .mode = WAIT_HYBRID, .spin_ns = 60 * US };
	struct pacer_step step = pacer_decide(&p, SEC, INT64_MAX);

	CHECK_INT(step.action, PACER_SLEEP);
	CU_ASSERT(step.wait_ns > 3600 * SEC);
}

static void test_only_idle_turns_count_as_spinning(void)
{
	struct pacer p = { 0 };

	pacer_count_turn(&p, 1000, true);
	CHECK_INT(p.idle_ns, 0);
	pacer_count_turn(&p, 1400, true);
	CHECK_INT(p.idle_ns, 400);
	pacer_count_turn(&p, 9000, false);
	CHECK_INT(p.idle_ns, 400);
	pacer_count_turn(&p, 9500, true);
	CHECK_INT(p.idle_ns, 900);
}

static void test_a_preempted_turn_does_not_count_as_a_long_spin(void)
{
	struct pacer p = { .last_turn_ns = SEC };

	pacer_count_turn(&p, SEC + 4 * MS, true);
	CU_ASSERT(p.idle_ns <= 10 * US);
}

static CU_TestInfo tests[] = {
	{ "decisions by mode and distance", test_decisions_by_mode_and_distance },
	{ "it never sends early, whatever the wake-ups do",
	  test_it_never_sends_early_whatever_the_wake_ups_do },
	{ "nothing due means waiting for answers", test_nothing_due_means_waiting_for_answers },
	{ "only idle turns count as spinning", test_only_idle_turns_count_as_spinning },
	{ "a preempted turn does not count as a long spin",
	  test_a_preempted_turn_does_not_count_as_a_long_spin },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("pacer", tests);
}
