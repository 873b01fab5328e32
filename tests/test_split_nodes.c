/*
 * test_split_nodes.c - where the time went on nodes that answer: a client's load on simulated ones,
 * whose durations are known because the test says how long they nap and how slow the net is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/load.h"
#include "tests/forward_world.h"
#include "tests/program_fixture.h"

static void check_parts(const double *part_ns, double network, double queue, double service,
			double storage, double forward)
{
	CHECK_NEAR(part_ns[SPLIT_NETWORK], network, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_QUEUE], queue, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_SERVICE], service, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_STORAGE], storage, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_FORWARD], forward, 1e-6);
}

/* A client's load on simulated nodes. */
struct rig {
	struct world world;
	struct program program;
	struct loop loop;
	struct load load;
};

#define DELAY (100 * US)

static void run_load(struct rig *r, const char *text, unsigned nodes, uint64_t requests,
		     double rate)
{
	const struct loop_limits limits = { .message_max = 4096,
					    .connections = 8,
					    .out_queue = UINT32_MAX,
					    .in_flight = UINT32_MAX };
	const struct sim_faults slow = { .delay_ns = DELAY };
	struct sim_opts sim;
	struct load_plan plan = {
		.connections = 1,
		.in_flight = 1000,
		.wait = WAIT_SLEEP,
		.drain_ns = 10 * SEC,
		.clock = load_clock_loop,
		.seed = SEED,
		/* The first ones find no connections between the nodes. */
		.arrivals = { .warm_up_ns = 150 * MS,
			      .period_ns = SEC / (long double)rate,
			      .requests = requests,
			      .key = arrival_key(SEED, 0) },
	};
	struct session *s;
	int rc = 1;

	world_init(&r->world);
	sim_net_set_faults(r->world.net, &slow);
	add_nodes(&r->world, nodes);
	sim = (struct sim_opts){ r->world.net };
	parse_well(text, "auto", &r->program);
	plan.program = &r->program;
	CHECK_INT(loop_init(&r->loop, &backend_sim, &sim, &limits, NULL), 0);
	CHECK_INT(load_init(&r->load, &plan, &r->loop, NULL), 0);
	s = &r->load.sessions[0];
	s->conn = conn_open(&r->loop, sim_connect(r->world.net, r->world.listeners[0]), &load_role,
			    s);
	load_session_opened(s);
	load_begin(&r->load, sim_net_now_ns(r->world.net) + 10 * MS);
	while (rc > 0) {
		step(&r->world, 0);
		rc = load_turn(&r->load);
	}
	CHECK_INT(r->load.tally.counts.done, requests);
	split_name(&r->load.tally.split, "A");
}

static void end_load(struct rig *r)
{
	loop_finish(&r->loop);
	load_finish(&r->load);
	program_finish(&r->program);
	world_finish(&r->world);
}

static void check_adds_up(const struct rig *r)
{
	const struct tally *t = &r->load.tally;
	struct split_view v;

	split_view(&t->split, 1, &v);
	CHECK_INT(t->split.answers, hist_count(t->response));
	CHECK_INT(t->split.ignored, 0);
	/* The histogram's own resolution; the bound to keep is 2 %. */
	CHECK_NEAR(v.response_ns / hist_mean(t->response), 1, 0.002);
}

/* One request now and then, so nobody waits for a turn: every duration is what the text says. */
static void test_naps_and_delays_of_a_tree_are_where_they_were(void)
{
	static struct rig r;
	struct split_view v;

	run_load(&r,
		 "sleep 1ms;forward 127.0.0.1:7001;sleep 3ms;forward 127.0.0.1:7002;sleep 2ms;"
		 "reply;reply;forward 127.0.0.1:7002;sleep 500us",
		 3, 20, 10);
	check_adds_up(&r);
	split_view(&r.load.tally.split, 1, &v);
	CHECK_NEAR(v.response_ns, 6.5 * MS + 8 * DELAY, 1);
	CHECK_NEAR(v.late_ns, 0, 1);
	check_parts(v.part_ns[0], 2 * DELAY, 0, 1 * MS, 0, 0);
	CHECK_TEXT(r.load.tally.split.hops[1].name, "127.0.0.1:7001");
	check_parts(v.part_ns[1], 2 * DELAY, 0, 3 * MS, 0, 0);
	CHECK_TEXT(r.load.tally.split.hops[2].name, "127.0.0.1:7002 (operation 4)");
	check_parts(v.part_ns[2], 2 * DELAY, 0, 2 * MS, 0, 0);
	check_parts(v.part_ns[3], 2 * DELAY, 0, 0.5 * MS, 0, 0);
	end_load(&r);
}

static void test_of_many_the_one_that_was_waited_for_counts(void)
{
	static const struct {
		const char *quorum;
		unsigned hop;
		int64_t service_ns;
	} rows[] = { { "quorum=1", 1, 1 * MS }, { "quorum=2", 2, 4 * MS } };
	static struct rig r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct split_view v;
		char text[256];

		snprintf(text, sizeof(text),
			 "forward 127.0.0.1:7001,branch,%s;sleep 1ms;reply;"
			 "forward 127.0.0.1:7002,branch;sleep 4ms",
			 rows[i].quorum);
		run_load(&r, text, 3, 20, 10);
		check_adds_up(&r);
		split_view(&r.load.tally.split, 1, &v);
		check_parts(v.part_ns[rows[i].hop], 2 * DELAY, 0, (double)rows[i].service_ns, 0, 0);
		check_parts(v.part_ns[3 - rows[i].hop], 0, 0, 0, 0, 0);
		end_load(&r);
	}
}

/* B takes 3.2 ms from the outside, of which A sleeps through one. */
static void test_what_happened_meanwhile_counts_once(void)
{
	const double scale = 2.2 / 3.2;
	static struct rig r;
	struct split_view v;

	run_load(&r, "forward 127.0.0.1:7001,meanwhile;sleep 3ms;reply;sleep 1ms;join", 2, 20, 10);
	check_adds_up(&r);
	split_view(&r.load.tally.split, 1, &v);
	check_parts(v.part_ns[0], 2 * DELAY, 0, 1 * MS, 0, 0);
	CHECK_NEAR(v.part_ns[1][SPLIT_SERVICE], 3 * MS * scale, 1);
	CHECK_NEAR(v.part_ns[1][SPLIT_NETWORK], 2 * DELAY * scale, 1);
	end_load(&r);
}

/* What the program draws, drawn again here. */
static void test_drawn_naps_have_the_mean_and_the_tail_that_was_drawn(void)
{
	const char *text = "forward 127.0.0.1:7001;sleep mix:0.97*exp:200us|0.03*const:50ms";
	struct random_key key = random_key(SEED, 0, 2, 2); /* operation 1, its amount */
	struct value value;
	double sum = 0;
	static struct rig r;
	struct split_view v;

	run_load(&r, text, 2, 2000, 10);
	check_adds_up(&r);
	CHECK_INT(value_parse(strstr(text, "mix"), VALUE_TIME, NULL, &value, NULL), 0);
	for (uint64_t i = 0; i < 2000; i++)
		sum += value_draw(&value, &key, i + 2);
	split_view(&r.load.tally.split, 1, &v);
	CHECK_NEAR(v.part_ns[1][SPLIT_SERVICE], sum / 2000, 1);
	CHECK_NEAR(v.response_ns, sum / 2000 + 4 * DELAY, 1);
	split_view(&r.load.tally.split, 0.01, &v);
	check_parts(v.part_ns[1], 2 * DELAY, 0, 50 * MS, 0, 0);
	end_load(&r);
}

/* Its requests are longer than a chunk of a connection's queue, and so are its replies. */
static void test_the_longest_program_arrives_whole(void)
{
	static char text[8192];
	static struct rig r;
	struct split_view v;

	strcpy(text, "sleep 1us");
	for (int i = 1; i < 340; i++)
		strcat(text, ";sleep 1us");
	run_load(&r, strcat(text, ";reply 4kB"), 1, 20, 10);
	check_adds_up(&r);
	split_view(&r.load.tally.split, 1, &v);
	check_parts(v.part_ns[0], 2 * DELAY, 0, 340 * US, 0, 0);
	end_load(&r);
}

static CU_TestInfo tests[] = {
	{ "the longest program arrives whole", test_the_longest_program_arrives_whole },
	{ "naps and delays of a tree are where they were",
	  test_naps_and_delays_of_a_tree_are_where_they_were },
	{ "of many, the one that was waited for counts",
	  test_of_many_the_one_that_was_waited_for_counts },
	{ "what happened meanwhile counts once", test_what_happened_meanwhile_counts_once },
	{ "drawn naps have the mean and the tail that was drawn",
	  test_drawn_naps_have_the_mean_and_the_tail_that_was_drawn },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("split_nodes", tests);
}
