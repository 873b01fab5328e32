/*
 * test_load_answer.c - what comes back to a client thread, in simulated time: late, wrong, made up,
 * or not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/load_rig.h"

static void test_a_late_answer_is_not_an_answer(void)
{
	const struct sim_faults faults = { .delay_ns = 5 * MS };
	struct load_plan plan = plan_of(1000, 100);
	struct rig rig = { 0 };

	plan.timeout_ns = 4 * MS;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.timed_out, 100);
	CHECK_INT(rig.load.tally.counts.done, 0);
	CU_ASSERT(rig.load.tally.counts.late >= 90);
	CHECK_INT(rig.load.tally.strays, 0);
	CHECK_INT(hist_min(rig.load.tally.response), 4 * MS);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_a_silent_node_leaves_requests_unanswered_until_the_drain_ends(void)
{
	struct load_plan plan = plan_of(1000, 100);
	struct rig rig = { .responder.manner = RESPONDER_SILENT };

	plan.drain_ns = 250 * MS;
	open_rig(&rig, &plan, &no_faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.unanswered, 100);
	CHECK_INT(sim_net_now_ns(rig.net) - rig.start_ns, (99 + 250) * MS);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_error_answers_are_failures(void)
{
	struct load_plan plan = plan_of(1000, 100);
	struct rig rig = { .responder.manner = RESPONDER_FAILS };

	open_rig(&rig, &plan, &no_faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.failed, 100);
	CHECK_INT(rig.load.tally.counts.status[WIRE_ERROR], rig.load.tally.counts.failed);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_made_up_and_repeated_answers_change_nothing(void)
{
	static const enum responder_manner manners[] = { RESPONDER_LIES, RESPONDER_REPEATS };

	for (unsigned i = 0; i < 2; i++) {
		struct load_plan plan = plan_of(1000, 100);
		struct rig rig = { .responder.manner = manners[i] };

		open_rig(&rig, &plan, &no_faults);
		CU_ASSERT(run_until(&rig, 10 * SEC));
		CHECK_INT(rig.load.tally.strays, 100);
		CHECK_INT(rig.load.tally.counts.done, i ? 100 : 0);
		CHECK_INT(rig.load.lost, 0);
		check_counts(&rig.load);
		close_rig(&rig);
	}
}

static void test_an_answer_on_another_connection_is_a_stray(void)
{
	struct load_plan plan = plan_of(1000, 3);
	struct rig rig = { .no_responder = true };
	uint8_t request[2][128], reply[WIRE_HEAD];
	struct wire_head head = { .length = WIRE_HEAD,
				  .version = WIRE_VERSION,
				  .type = WIRE_REPLY };

	plan.connections = 2;
	plan.drain_ns = 10 * MS;
	open_rig(&rig, &plan, &no_faults);
	CU_ASSERT(!run_until(&rig, 2 * MS));
	for (unsigned i = 0; i < 2; i++)
		CHECK_INT(sim_read(rig.net, rig.peers[i], request[i], 128), 128);
	head.id = wire_get64(request[0] + 8);
	wire_put_head(reply, &head);
	sim_write(rig.net, rig.peers[1], reply, sizeof(reply));
	CU_ASSERT(run_until(&rig, SEC));
	CHECK_INT(rig.load.tally.strays, 1);
	CHECK_INT(rig.load.tally.counts.unanswered, 3);
	close_rig(&rig);
}

static void test_nonsense_ends_the_connection_and_the_run_when_it_was_the_last(void)
{
	struct load_plan plan = plan_of(1000, 1000);
	struct rig rig = { .responder.manner = RESPONDER_BABBLES };

	plan.connections = 3;
	open_rig(&rig, &plan, &no_faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.lost, 3);
	CHECK_INT(rig.load.tally.counts.failed, 3);
	CU_ASSERT(rig.load.ended_early);
	CU_ASSERT(sim_net_now_ns(rig.net) - rig.start_ns < 10 * MS);
	CU_ASSERT(strstr(rig.load.lost_text, "not a message") != NULL);
	check_counts(&rig.load);
	close_rig(&rig);
}

static void test_a_lost_connection_fails_its_requests_and_the_others_go_on(void)
{
	const struct sim_faults faults = { .delay_ns = 5 * MS };
	struct load_plan plan = plan_of(1000, 200);
	struct rig rig = { .responder.close_after = 100 };

	plan.connections = 4;
	open_rig(&rig, &plan, &faults);
	while (rig.responder.seen < 100) {
		load_turn(&rig.load);
		loop_turn(&rig.responder.loop, 0);
	}
	rig.responder.close_after = 0;
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.lost, 1);
	CU_ASSERT(rig.load.tally.counts.failed >= 1 && rig.load.tally.counts.failed <= 4);
	CHECK_INT(rig.load.tally.counts.done, 200 - rig.load.tally.counts.failed);
	CU_ASSERT(*rig.load.lost_text);
	check_counts(&rig.load);
	close_rig(&rig);
}

/* The batch was begun a millisecond ago. */
static int64_t clock_of_a_busy_client(const struct loop *loop)
{
	return loop_now_ns(loop) + MS;
}

static void test_an_answer_takes_until_it_is_read(void)
{
	const struct sim_faults faults = { .delay_ns = 5 * MS };
	struct load_plan plan = plan_of(100, 10);
	struct rig rig = { 0 };

	plan.clock = clock_of_a_busy_client;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.done, 10);
	CHECK_INT(hist_min(rig.load.tally.service), 10 * MS);
	CHECK_INT(hist_max(rig.load.tally.service), 10 * MS);
	close_rig(&rig);
}

static uint64_t answers_seen;

/* Answers are handled a millisecond after the batch was begun. */
static int64_t clock_of_a_batch(const struct loop *loop)
{
	bool is_answer = loop->stats.messages_in != answers_seen;

	answers_seen = loop->stats.messages_in;
	return loop_now_ns(loop) + (is_answer ? MS : 0);
}

/* By the batch's time half a millisecond is left, so nobody has looked for timeouts. */
static void test_an_answer_that_is_read_after_its_timeout_is_late(void)
{
	const struct sim_faults faults = { .delay_ns = 5 * MS };
	struct load_plan plan = plan_of(100, 10);
	struct rig rig = { 0 };

	answers_seen = 0;
	plan.clock = clock_of_a_batch;
	plan.timeout_ns = 10 * MS + MS / 2;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.timed_out, 10);
	CHECK_INT(rig.load.tally.counts.late, 10);
	CHECK_INT(rig.load.tally.strays, 0);
	CHECK_INT(hist_min(rig.load.tally.response), 11 * MS);
	check_counts(&rig.load);
	close_rig(&rig);
}

static CU_TestInfo tests[] = {
	{ "an answer takes until it is read", test_an_answer_takes_until_it_is_read },
	{ "an answer that is read after its timeout is late",
	  test_an_answer_that_is_read_after_its_timeout_is_late },
	{ "a late answer is not an answer", test_a_late_answer_is_not_an_answer },
	{ "a silent node leaves requests unanswered until the drain ends",
	  test_a_silent_node_leaves_requests_unanswered_until_the_drain_ends },
	{ "error answers are failures", test_error_answers_are_failures },
	{ "made-up and repeated answers change nothing",
	  test_made_up_and_repeated_answers_change_nothing },
	{ "an answer on another connection is a stray",
	  test_an_answer_on_another_connection_is_a_stray },
	{ "nonsense ends the connection, and the run when it was the last",
	  test_nonsense_ends_the_connection_and_the_run_when_it_was_the_last },
	{ "a lost connection fails its requests and the others go on",
	  test_a_lost_connection_fails_its_requests_and_the_others_go_on },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("load_answer", tests);
}
