/*
 * test_load_datagram.c - a client thread over UDP, in simulated time: what is lost, late, doubled
 * and refused, and that all of it adds up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/load_rig.h"

static struct load_plan datagram_plan(double rate, uint64_t requests)
{
	struct load_plan plan = plan_of(rate, requests);

	plan.is_datagram = true;
	plan.connections = 2;
	plan.timeout_ns = 50 * MS;
	return plan;
}

/* Every answer that came is one of these. */
static void check_answers(const struct rig *rig)
{
	const struct client_counts *c = &rig->load.tally.counts;

	CHECK_INT(rig->loop.stats.messages_in, c->done + c->failed - c->refused + c->late +
						       c->duplicates + rig->load.tally.strays);
	CHECK_INT(rig->load.tally.strays, 0);
	CHECK_INT(rig->load.lost, 0);
	check_counts(&rig->load);
}

static void test_lost_requests_time_out(void)
{
	const struct sim_faults faults = { .lose = 0.1, .delay_ns = 100 * US };
	struct load_plan plan = datagram_plan(5000, 2000);
	struct rig rig = { 0 };

	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.sent, 2000);
	CHECK_NEAR(rig.load.tally.counts.timed_out, 2000 * 0.19, 2000 * 0.04);
	CHECK_INT(rig.load.tally.counts.done + rig.load.tally.counts.timed_out, 2000);
	CHECK_INT(rig.load.tally.counts.late, 0);
	CHECK_INT(rig.load.tally.counts.duplicates, 0);
	check_answers(&rig);
	close_rig(&rig);
}

static void test_doubled_answers_are_duplicates(void)
{
	const struct sim_faults faults = { .duplicate = 0.2, .delay_ns = 100 * US };
	struct load_plan plan = datagram_plan(5000, 2000);
	struct rig rig = { 0 };

	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.done, 2000);
	CHECK_NEAR(rig.load.tally.counts.duplicates, 2000 * 0.44, 2000 * 0.06);
	check_answers(&rig);
	close_rig(&rig);
}

static void test_late_answers_are_late_once_and_then_duplicates(void)
{
	const struct sim_faults faults = { .duplicate = 1, .delay_ns = 20 * MS };
	struct load_plan plan = datagram_plan(1000, 200);
	struct rig rig = { 0 };

	plan.timeout_ns = 30 * MS;
	open_rig(&rig, &plan, &faults);
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_INT(rig.load.tally.counts.timed_out, 200);
	CU_ASSERT(rig.load.tally.counts.late >= 180);
	CU_ASSERT(rig.load.tally.counts.duplicates >= 3 * 180);
	check_answers(&rig);
	close_rig(&rig);
}

static void test_a_closed_loop_survives_everything_at_once(void)
{
	const struct sim_faults faults = { .lose = 0.1,
					   .duplicate = 0.1,
					   .overtake = 0.3,
					   .cut = 0.05,
					   .delay_ns = 200 * US,
					   .jitter_ns = 400 * US };
	uint64_t done[2], late[2];

	for (int i = 0; i < 2; i++) {
		struct load_plan plan = datagram_plan(1000, 3000);
		struct rig rig = { 0 };

		plan.outstanding = 8;
		plan.timeout_ns = MS;
		open_rig(&rig, &plan, &faults);
		CU_ASSERT(run_until(&rig, 60 * SEC));
		CHECK_INT(rig.load.tally.counts.sent, 3000);
		done[i] = rig.load.tally.counts.done;
		late[i] = rig.load.tally.counts.late;
		CU_ASSERT(done[i] > 1500 && done[i] < 3000);
		CU_ASSERT(late[i] > 0);
		check_answers(&rig);
		close_rig(&rig);
	}
	CHECK_INT(done[0], done[1]);
	CHECK_INT(late[0], late[1]);
}

static void test_refused_requests_fail_and_others_go_on(void)
{
	struct load_plan plan = datagram_plan(1000, 100);
	struct rig rig = { 0 };

	open_rig(&rig, &plan, &no_faults);
	CU_ASSERT(!run_until(&rig, 50 * MS));
	/* The node is gone: nobody has that descriptor any more. */
	loop_finish(&rig.responder.loop);
	for (int fd = 3; fd < 8; fd++) {
		if (fd != rig.load.sessions[0].conn->recv.fd &&
		    fd != rig.load.sessions[1].conn->recv.fd)
			sim_close(rig.net, fd);
	}
	rig.no_responder = true;
	CU_ASSERT(run_until(&rig, 10 * SEC));
	CHECK_NEAR(rig.load.tally.counts.refused, 50, 3);
	CHECK_INT(rig.load.tally.counts.failed, rig.load.tally.counts.refused);
	CHECK_INT(rig.load.tally.counts.done + rig.load.tally.counts.failed, 100);
	check_answers(&rig);
	rig.responder.loop = (struct loop){ 0 };
	close_rig(&rig);
}

static CU_TestInfo tests[] = {
	{ "lost requests time out", test_lost_requests_time_out },
	{ "doubled answers are duplicates", test_doubled_answers_are_duplicates },
	{ "late answers are late once, and then duplicates",
	  test_late_answers_are_late_once_and_then_duplicates },
	{ "a closed loop survives everything at once",
	  test_a_closed_loop_survives_everything_at_once },
	{ "refused requests fail, and others go on", test_refused_requests_fail_and_others_go_on },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("load_datagram", tests);
}
