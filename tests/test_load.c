/*
 * test_load.c - one client thread's sending in simulated time: exact latencies, counts that add up
 * whatever the net does, and an end that does not depend on the node.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/load_rig.h"

static void test_a_known_delay_is_the_response_time(void)
{
	const struct sim_faults faults = { .delay_ns = 500 * US };
	struct load_plan plan = plan_of(100, 50);
	struct rig rig = { .responder.hop = { .queue_ns = 7000, .service_ns = 9000 } };
	const struct tally *t = &rig.load.tally;

	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(t->counts.done, 50);
	CHECK_INT(hist_min(t->response), MS);
	CHECK_INT(hist_max(t->response), MS);
	CHECK_INT(hist_max(t->service), MS);
	CHECK_INT(hist_max(t->lateness), 0);
	CHECK_INT(hist_min(t->queue), 7000);
	CHECK_INT(hist_max(t->node_service), 9000);
	CHECK_INT(t->last_sent_ns, rig.start_ns + 490 * MS);
	CHECK_INT(sim_net_now_ns(rig.net), rig.start_ns + 491 * MS);
	CHECK_INT(rig.load.window_ns, 500 * MS);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_slow_answers_do_not_slow_the_schedule(void)
{
	const struct sim_faults faults = { .delay_ns = 400 * MS };
	struct load_plan plan = plan_of(1000, 500);
	struct rig rig = { 0 };

	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.done, 500);
	CHECK_INT(hist_max(rig.load.tally.lateness), 0);
	CHECK_INT(hist_min(rig.load.tally.response), 800 * MS);
	close_rig(&rig);
}

static void test_requests_go_round_the_connections(void)
{
	struct load_plan plan = plan_of(1000, 12);
	struct rig rig = { .no_responder = true };

	plan.connections = 4;
	plan.drain_ns = 0;
	open_rig(&rig, &plan, &no_faults);
	CU_ASSERT(run_until(&rig, SEC));
	for (unsigned i = 0; i < 4; i++) {
		uint8_t buf[1024];

		CHECK_INT(sim_read(rig.net, rig.peers[i], buf, sizeof(buf)), 3 * 128);
	}
	CHECK_INT(rig.load.tally.counts.unanswered, 12);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_the_warm_up_is_counted_apart(void)
{
	const struct sim_faults faults = { .delay_ns = 500 * US };
	struct load_plan plan = plan_of(100, 30);
	struct rig rig = { 0 };

	plan.arrivals.warm_up_ns = 100 * MS;
	plan.records = 100;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.warm_up.done, 10);
	CHECK_INT(rig.load.tally.counts.done, 30);
	CHECK_INT(rig.load.tally.record_count, 30);
	CHECK_INT(rig.load.tally.records[0].intended_ns, 0);
	CHECK_INT(rig.load.tally.records[29].end_ns, 291 * MS);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_a_closed_loop_keeps_so_many_under_way(void)
{
	const struct sim_faults faults = { .delay_ns = 500 * US };
	struct load_plan plan = plan_of(1, 0);
	struct rig rig = { 0 };

	plan.connections = 2;
	plan.outstanding = 3;
	plan.arrivals.duration_ns = 100 * MS;
	open_rig(&rig, &plan, &faults);
	while (rig.load.tally.counts.done < 60) {
		load_turn(&rig.load);
		loop_turn(&rig.responder.loop, 0);
		CU_ASSERT(rig.load.slots.used <= 6);
	}
	CHECK_INT(rig.load.slots.used, 6);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	/* One round of six each millisecond. */
	CHECK_INT(rig.load.tally.counts.done, 600);
	CHECK_INT(hist_max(rig.load.tally.response), MS);
	CHECK_INT(rig.load.window_ns, 100 * MS);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_a_closed_loop_ends_after_its_number(void)
{
	const struct sim_faults faults = { .delay_ns = 500 * US };
	struct load_plan plan = plan_of(1, 17);
	struct rig rig = { 0 };

	plan.outstanding = 4;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.planned, 17);
	CHECK_INT(rig.load.tally.counts.done, 17);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_a_node_that_does_not_read_gets_what_fits_and_the_rest_is_censored(void)
{
	const struct sim_faults faults = { .buffer = 64 << 10 };
	struct load_plan plan = plan_of(100000, 0);
	struct rig rig = { .no_responder = true };

	plan.arrivals.duration_ns = SEC;
	plan.in_flight = 60000;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	/* 64 KiB on the way and 256 KiB in the queue, at 128 bytes each, and one over. */
	CHECK_NEAR(rig.load.tally.counts.sent, (64 + 256) * 8, 8);
	CHECK_INT(rig.load.tally.counts.planned, 100000);
	CU_ASSERT(sim_net_now_ns(rig.net) - rig.start_ns < 2200 * MS);
	/* Nobody was answered, so all have waited for the whole drain at least. */
	CU_ASSERT(hist_min(rig.load.tally.response) >= SEC);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_sending_waits_for_slots_and_goes_on_late(void)
{
	const struct sim_faults faults = { .delay_ns = 5 * MS };
	struct load_plan plan = plan_of(1000, 100);
	struct rig rig = { 0 };

	plan.in_flight = 5;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	/* 5 every 10 ms instead of 10: half before the end, the rest in its grace of 100 ms. */
	CHECK_INT(rig.load.tally.counts.planned, 100);
	CHECK_INT(rig.load.tally.counts.sent, 100);
	CU_ASSERT(hist_max(rig.load.tally.lateness) >= 90 * MS);
	CHECK_INT(hist_max(rig.load.tally.service), 10 * MS);
	CHECK_INT(hist_max(rig.load.tally.response), hist_max(rig.load.tally.lateness) + 10 * MS);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_the_end_comes_after_the_last_due_time_however_late_it_is(void)
{
	const struct sim_faults faults = { .delay_ns = 5 * MS };
	struct load_plan plan = plan_of(1000, 1000);
	struct rig rig = { 0 };

	plan.in_flight = 5;
	plan.arrivals.law = ARRIVAL_EXPONENTIAL;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.planned, 1000);
	CHECK_NEAR(rig.load.tally.counts.sent, 550, 40);
	CU_ASSERT(rig.load.tally.counts.censored > 400);
	CHECK_NEAR(sim_net_now_ns(rig.net) - rig.start_ns, rig.load.window_ns + 100e6, 30e6);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_a_stopped_run_keeps_what_there_is(void)
{
	const struct sim_faults faults = { .delay_ns = 5 * MS };
	struct load_plan plan = plan_of(1000, 100000);
	struct rig rig = { 0 };

	open_rig(&rig, &plan, &faults);
	CU_ASSERT(!run_until(&rig, 50 * MS));
	load_stop(&rig.load);
	CU_ASSERT(run_until(&rig, 200 * MS));
	CHECK_NEAR(rig.load.tally.counts.done, 51, 1);
	CHECK_INT(rig.load.tally.counts.censored, 0);
	CU_ASSERT(rig.load.ended_early);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_records_beyond_the_limit_are_counted(void)
{
	struct load_plan plan = plan_of(1000, 30);
	struct rig rig = { 0 };

	plan.records = 20;
	open_rig(&rig, &plan, &no_faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.record_count, 20);
	CHECK_INT(rig.load.tally.records_lost, 10);
	for (int i = 0; i < 20; i++) {
		CHECK_INT(rig.load.tally.records[i].id, i);
		CHECK_INT(rig.load.tally.records[i].intended_ns, i * MS);
		CHECK_INT(rig.load.tally.records[i].outcome, OUTCOME_DONE);
	}
	close_rig(&rig);
}

/* Short counts, jitter, resets, timeouts, few slots, both loops: many seeded runs, one rule. */
static void test_counts_add_up_whatever_happens(void)
{
	struct random_key key = random_key(SEED, 9, 9, 9);

	for (uint64_t i = 0; i < 60; i++) {
		const struct sim_faults faults = {
			.short_send = random_unit(&key, 10 * i),
			.short_recv = random_unit(&key, 10 * i + 1),
			.reset = i % 3 ? 0.02 * random_unit(&key, 10 * i + 2) : 0,
			.delay_ns = random_below(&key, 10 * i + 3, 4 * MS),
			.jitter_ns = random_below(&key, 10 * i + 4, 4 * MS),
			.buffer = 100 + random_below(&key, 10 * i + 5, 2000),
		};
		struct load_plan plan = plan_of(2000, 150);
		struct rig rig = { .responder.manner =
					   i % 5 == 4 ? RESPONDER_REPEATS : RESPONDER_ANSWERS };

		plan.connections = 1 + random_below(&key, 10 * i + 6, 5);
		plan.in_flight = 20 + random_below(&key, 10 * i + 7, 40);
		plan.timeout_ns = i % 2 ? 4 * MS : 0;
		plan.outstanding = i % 4 == 3 ? 4 : 0;
		plan.arrivals.law = i % 2;
		plan.arrivals.warm_up_ns = 5 * MS;
		plan.records = 100;
		open_rig(&rig, &plan, &faults);
		CU_ASSERT(run_until(&rig, 10 * SEC));
		check_counts(&rig.load);
		if (!rig.load.ended_early)
			CHECK_INT(rig.load.tally.counts.planned, 150);
		close_rig(&rig);
	}
}

static CU_TestInfo tests[] = {
	{ "a known delay is the response time", test_a_known_delay_is_the_response_time },
	{ "slow answers do not slow the schedule", test_slow_answers_do_not_slow_the_schedule },
	{ "requests go round the connections", test_requests_go_round_the_connections },
	{ "the warm-up is counted apart", test_the_warm_up_is_counted_apart },
	{ "a closed loop keeps so many under way", test_a_closed_loop_keeps_so_many_under_way },
	{ "a closed loop ends after its number", test_a_closed_loop_ends_after_its_number },
	{ "a node that does not read gets what fits, and the rest is censored",
	  test_a_node_that_does_not_read_gets_what_fits_and_the_rest_is_censored },
	{ "sending waits for slots and goes on late",
	  test_sending_waits_for_slots_and_goes_on_late },
	{ "the end comes after the last due time, however late it is",
	  test_the_end_comes_after_the_last_due_time_however_late_it_is },
	{ "a stopped run keeps what there is", test_a_stopped_run_keeps_what_there_is },
	{ "records beyond the limit are counted", test_records_beyond_the_limit_are_counted },
	{ "counts add up whatever happens", test_counts_add_up_whatever_happens },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("load", tests);
}
