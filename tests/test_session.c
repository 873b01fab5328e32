/*
 * test_session.c - connections that are replaced, lost and tried again, in simulated time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "tests/load_rig.h"

/* What a sink was told. */
struct told {
	unsigned opened, ended;
	int64_t connect_ns;
	uint64_t records, of_others;
};

static void on_session_opened(void *context, uint32_t thread, uint32_t session, int64_t ns)
{
	struct told *told = context;

	CHECK_INT(thread, 0);
	CHECK_INT(session, told->opened++);
	told->connect_ns = ns;
}

static void on_session_ended(void *context, uint32_t thread, uint32_t session,
			     const struct client_record *records, uint64_t count)
{
	struct told *told = context;

	(void)thread;
	told->ended++;
	told->records += count;
	for (uint64_t i = 0; i < count; i++)
		told->of_others += records[i].session != session;
}

/* A listener that answers, and one that refuses. */
static struct street {
	struct rig rig;
	int listener, closed;
	unsigned refusals; /* of the next connects */
	unsigned connects;
	int error; /* what connect itself fails with */
	struct told told;
	struct client_sink sink;
} street;

static int connect_in_sim(struct session *s, struct err *err)
{
	static struct sockaddr_storage address;
	socklen_t len;
	int fd;

	street.connects++;
	if (street.error)
		return err_set(err, street.error, "no more descriptors");
	fd = sim_socket(street.rig.net);
	sim_address(street.refusals ? street.closed : street.listener, &address, &len);
	street.refusals -= street.refusals > 0;
	s->conn =
		conn_connect(&street.rig.loop, fd, (struct sockaddr *)&address, len, &load_role, s);
	return s->conn ? 0 : -ENOMEM;
}

static void on_accepted(struct io_op *op, const struct io_result *result)
{
	if (result->res >= 0)
		responder_adopt(&street.rig.responder, result->res);
}

static void turn(void)
{
	CHECK_INT(loop_turn(&street.rig.loop, MS), 0);
	CHECK_INT(loop_turn(&street.rig.responder.loop, 0), 0);
}

static void open_street(struct load_plan *plan, const struct sim_faults *faults)
{
	const struct loop_limits limits = {
		.message_max = 512,
		.connections = 8,
		.out_queue = UINT32_MAX,
		.in_flight = UINT32_MAX,
	};
	struct rig *rig = &street.rig;
	struct sim_opts opts;

	rig->net = sim_net_create(SEED, faults);
	opts = (struct sim_opts){ rig->net };
	street.listener = sim_listen(rig->net);
	street.closed = sim_socket(rig->net);
	make_program(&rig->program);
	plan->program = &rig->program;
	plan->connect = connect_in_sim;
	plan->sink = &street.sink;
	street.sink = (struct client_sink){ &street.told, on_session_opened, on_session_ended };
	CHECK_INT(loop_init(&rig->loop, &backend_sim, &opts, &limits, NULL), 0);
	CHECK_INT(load_init(&rig->load, plan, &rig->loop, NULL), 0);
	responder_init(&rig->responder, &backend_sim, &opts);
	rig->responder.accept =
		(struct io_op){ .kind = IO_ACCEPT, .fd = street.listener, .done = on_accepted };
	loop_submit(&rig->responder.loop, &rig->responder.accept);
	for (uint32_t i = 0; i < plan->connections; i++)
		CHECK_INT(load_session_connect(&rig->load.sessions[i], NULL), 0);
	while (rig->load.open_count < plan->connections && rig->load.alive) {
		turn();
		load_session_retry(&rig->load, sim_net_now_ns(rig->net));
	}
	rig->start_ns = sim_net_now_ns(rig->net) + 10 * MS;
	load_begin(&rig->load, rig->start_ns);
}

static void close_street(void)
{
	close_rig(&street.rig);
	street = (struct street){ 0 };
}

static void test_sessions_divide_the_requests(void)
{
	struct load_plan plan = plan_of(1000, 30);
	struct load *l = &street.rig.load;

	plan.session_requests = 10;
	plan.records = 100;
	open_street(&plan, &no_faults);
	CU_ASSERT(run_until(&street.rig, SEC));
	CHECK_INT(l->tally.counts.done, 30);
	CHECK_INT(l->session_count, 3);
	CHECK_INT(l->lost, 0);
	CHECK_INT(street.connects, 3);
	CHECK_INT(street.told.opened, 3);
	CHECK_INT(street.told.ended, 3);
	CHECK_INT(street.told.records, 30);
	CHECK_INT(street.told.of_others, 0);
	CHECK_INT(hist_count(l->tally.connect), 3);
	check_counts(l);
	close_street();
}

/* Connecting takes two delays; answers another two. The schedule does not wait for them. */
static void test_what_is_due_between_two_sessions_gets_late_and_is_sent(void)
{
	const struct sim_faults faults = { .delay_ns = 5 * MS };
	struct load_plan plan = plan_of(1000, 100);
	struct load *l = &street.rig.load;

	plan.session_requests = 50;
	open_street(&plan, &faults);
	CU_ASSERT(run_until(&street.rig, 10 * SEC));
	CHECK_INT(l->tally.counts.done, 100);
	CHECK_INT(l->session_count, 2);
	CHECK_INT(l->window_ns, 100 * MS);
	CU_ASSERT(hist_max(l->tally.lateness) >= 10 * MS);
	CU_ASSERT(hist_max(l->tally.response) >= 20 * MS);
	CHECK_INT(hist_min(l->tally.response), 10 * MS);
	CHECK_INT(street.told.connect_ns, hist_max(l->tally.connect));
	check_counts(l);
	close_street();
}

static void test_a_closed_loop_goes_on_in_the_next_session(void)
{
	const struct sim_faults faults = { .delay_ns = MS };
	struct load_plan plan = plan_of(1000, 40);
	struct load *l = &street.rig.load;

	plan.outstanding = 3;
	plan.connections = 2;
	plan.session_requests = 7;
	open_street(&plan, &faults);
	CU_ASSERT(run_until(&street.rig, 10 * SEC));
	CHECK_INT(l->tally.counts.done, 40);
	CHECK_INT(l->session_count, 6);
	CHECK_INT(l->lost, 0);
	check_counts(l);
	close_street();
}

static void test_a_refused_connection_is_tried_again(void)
{
	struct load_plan plan = plan_of(1000, 10);
	struct load *l = &street.rig.load;

	plan.retries = 3;
	plan.retry_ns = 200 * MS;
	street.refusals = 3;
	open_street(&plan, &no_faults);
	CHECK_INT(street.connects, 4);
	CU_ASSERT(street.rig.start_ns >= 3 * 200 * MS);
	CU_ASSERT(run_until(&street.rig, SEC));
	CHECK_INT(l->tally.counts.done, 10);
	CHECK_INT(l->refused, 0);
	close_street();
}

static void test_a_connection_that_is_refused_too_often_is_an_error(void)
{
	struct load_plan plan = plan_of(1000, 10);
	struct load *l = &street.rig.load;

	plan.retries = 2;
	plan.retry_ns = MS;
	street.refusals = 3;
	open_street(&plan, &no_faults);
	CHECK_INT(street.connects, 3);
	CHECK_INT(l->alive, 0);
	CHECK_INT(l->refused, -ECONNREFUSED);
	close_street();
}

static void test_a_lost_connection_is_opened_again_when_retries_are_allowed(void)
{
	struct load_plan plan = plan_of(1000, 100);
	struct load *l = &street.rig.load;

	plan.retries = 5;
	plan.retry_ns = 3 * MS;
	street.rig.responder.close_after = 20;
	open_street(&plan, &no_faults);
	CU_ASSERT(!run_until(&street.rig, 25 * MS));
	street.rig.responder.close_after = 0;
	CU_ASSERT(run_until(&street.rig, 10 * SEC));
	CU_ASSERT(l->lost >= 1);
	CHECK_INT(l->tally.counts.sent, 100);
	CHECK_INT(l->tally.counts.done + l->tally.counts.failed, 100);
	CU_ASSERT(l->tally.counts.failed >= 1);
	CU_ASSERT(l->session_count >= 2);
	check_counts(l);
	close_street();
}

/* One connection is lost and rests, the other one's requests are never answered. */
static void test_draining_sleeps_though_a_connection_waits_to_be_tried_again(void)
{
	struct load_plan plan = plan_of(1000, 3);
	struct load *l = &street.rig.load;
	unsigned turns = 0;

	plan.connections = 2;
	plan.retries = 5;
	plan.retry_ns = 100 * MS;
	street.rig.responder.manner = RESPONDER_SILENT;
	street.rig.responder.close_after = 2;
	open_street(&plan, &no_faults);
	while (turns < 1000 && load_turn(l) > 0) {
		CHECK_INT(loop_turn(&street.rig.responder.loop, 0), 0);
		if (street.rig.responder.seen >= 2)
			street.rig.responder.close_after = 0;
		turns++;
	}
	CHECK_INT(l->phase, LOAD_OVER);
	CHECK_INT(l->resting, 1);
	CHECK_INT(l->tally.counts.failed, 1);
	CHECK_INT(l->tally.counts.unanswered, 2);
	CU_ASSERT(turns < 100);
	check_counts(l);
	close_street();
}

static void test_the_load_ends_when_no_connection_can_be_opened_any_more(void)
{
	struct load_plan plan = plan_of(1000, 100);
	struct load *l = &street.rig.load;

	plan.session_requests = 10;
	plan.records = 100;
	open_street(&plan, &no_faults);
	street.error = -EMFILE;
	CU_ASSERT(run_until(&street.rig, SEC));
	CHECK_INT(l->tally.counts.done, 10);
	CHECK_INT(l->lost, 1);
	CHECK_TEXT(l->lost_text, "no more descriptors");
	CHECK_INT(l->tally.counts.planned, l->tally.counts.sent + l->tally.counts.censored);
	check_counts(l);
	close_street();
}

static CU_TestInfo tests[] = {
	{ "sessions divide the requests", test_sessions_divide_the_requests },
	{ "what is due between two sessions gets late and is sent",
	  test_what_is_due_between_two_sessions_gets_late_and_is_sent },
	{ "a closed loop goes on in the next session",
	  test_a_closed_loop_goes_on_in_the_next_session },
	{ "a refused connection is tried again", test_a_refused_connection_is_tried_again },
	{ "a connection that is refused too often is an error",
	  test_a_connection_that_is_refused_too_often_is_an_error },
	{ "a lost connection is opened again when retries are allowed",
	  test_a_lost_connection_is_opened_again_when_retries_are_allowed },
	{ "draining sleeps though a connection waits to be tried again",
	  test_draining_sleeps_though_a_connection_waits_to_be_tried_again },
	{ "the load ends when no connection can be opened any more",
	  test_the_load_ends_when_no_connection_can_be_opened_any_more },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("session", tests);
}
