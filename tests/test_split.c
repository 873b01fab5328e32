/*
 * test_split.c - where the time went: what records are believed, tails, and real nodes whose
 * durations are known because time is simulated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/split.h"

#include <math.h>

#include "client/load.h"
#include "client/split_text.h"
#include "tests/forward_world.h"
#include "tests/program_fixture.h"

/* The tag of each hop is the number of its forward's text. */
#define TREE "forward :1,:2;sleep 1us;forward :3;reply;reply;forward :1"

/* A node's records, by hand. */
struct told {
	uint8_t bytes[WIRE_BODY_MAX];
	uint32_t len;
};

static void tell_self(struct told *t, uint64_t queue, uint64_t service, uint64_t storage,
		      uint64_t forward)
{
	wire_put_hop(t->bytes, &(struct wire_hop){ queue, service, storage, forward });
	t->len = WIRE_HOP;
}

static void tell_child(struct told *t, const struct wire_child *child)
{
	wire_put_child(t->bytes + t->len, child);
	t->len += WIRE_CHILD;
}

static void begin_split(struct split *s, const char *text)
{
	struct program p;

	parse_well(text, "auto", &p);
	CHECK_INT(split_init(s, &p), 0);
	program_finish(&p);
	split_name(s, "here");
}

static struct split_view view_one(struct split *s, int64_t late_ns, int64_t service_ns,
				  const struct told *t)
{
	const struct split_answer a = {
		.late_ns = late_ns, .service_ns = service_ns, .records = t->bytes, .len = t->len
	};
	struct split_view v;

	split_add(s, &a);
	split_view(s, 1, &v);
	CHECK_NEAR(v.response_ns, s->response_ns / (double)s->answers, 1e-6);
	return v;
}

static void check_parts(const double *part_ns, double network, double queue, double service,
			double storage, double forward)
{
	CHECK_NEAR(part_ns[SPLIT_NETWORK], network, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_QUEUE], queue, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_SERVICE], service, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_STORAGE], storage, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_FORWARD], forward, 1e-6);
}

static void test_what_a_node_does_not_tell_is_the_networks(void)
{
	struct told t = { .len = 0 };
	struct split_view v;
	struct split s;

	begin_split(&s, "reply");
	v = view_one(&s, 50, 1000, &t);
	CHECK_NEAR(v.late_ns, 50, 0);
	check_parts(v.part_ns[0], 1000, 0, 0, 0, 0);
	split_finish(&s);
	begin_split(&s, "reply");
	tell_self(&t, 100, 200, 300, 0);
	v = view_one(&s, 0, 1000, &t);
	check_parts(v.part_ns[0], 400, 100, 200, 300, 0);
	CHECK_INT(s.ignored, 0);
	split_finish(&s);
}

/* The first forward was waited for half of its time, and its child for half of that. */
static void test_children_count_as_much_as_they_were_waited_for(void)
{
	struct told t;
	struct split_view v;
	struct split s;

	begin_split(&s, TREE);
	CHECK_INT(s.hop_count, 5);
	tell_self(&t, 10, 20, 0, 700);
	tell_child(&t, &(struct wire_child){ 1, 0, 0, 1, 1, 1000, 500, { 100, 200, 300, 400 } });
	tell_child(&t, &(struct wire_child){ 2, 0, 2, 0, 1, 600, 300, { 0, 400, 0, 0 } });
	tell_child(&t, &(struct wire_child){ 1, 0, 5, 0, 1, 150, 150, { 0, 0, 50, 0 } });
	v = view_one(&s, 0, 1000, &t);
	CHECK_INT(s.ignored, 0);
	/* 50 of its waiting, and 100 of the first child's at half, are told by nobody. */
	check_parts(v.part_ns[0], 270, 10, 20, 0, 50);
	check_parts(v.part_ns[1], 0, 0, 0, 0, 0);
	check_parts(v.part_ns[2], 0, 50, 100, 150, 50);
	check_parts(v.part_ns[3], 50, 0, 100, 0, 0);
	check_parts(v.part_ns[4], 100, 0, 0, 50, 0);
	split_finish(&s);
}

/* Each row: one record behind the node's own, that cannot be true, and one below it. */
static void test_records_that_cannot_be_true_are_left_out_and_counted(void)
{
	static const struct {
		const char *what;
		struct wire_child child;
		unsigned ignored;
	} rows[] = {
		{ "no depth", { 0, 0, 0, 0, 1, 100, 100, { 0 } }, 2 },
		{ "too deep", { 2, 0, 2, 0, 1, 100, 100, { 0 } }, 2 },
		{ "much too deep", { 255, 0, 2, 0, 1, 100, 100, { 0 } }, 2 },
		{ "unknown forward", { 1, 0, 9, 0, 1, 100, 100, { 0 } }, 2 },
		{ "unknown destination", { 1, 0, 0, 2, 1, 100, 100, { 0 } }, 2 },
		{ "of another depth", { 1, 0, 2, 0, 1, 100, 100, { 0 } }, 2 },
		{ "longer than its parent waited", { 1, 0, 0, 0, 1, 501, 501, { 0 } }, 2 },
		{ "waited longer than it took", { 1, 0, 0, 0, 1, 100, 101, { 0 } }, 2 },
		{ "more than it took", { 1, 0, 0, 0, 1, 100, 100, { 0, 2000, 0, 0 } }, 2 },
		{ "overflow", { 1, 0, 0, 0, 1, 100, 100, { UINT64_MAX, 1, UINT64_MAX, 1 } }, 2 },
		{ "took for ever",
		  { 1, 0, 0, 0, 1, 1ULL << 63, 100, { 1ULL << 63, 1ULL << 63, 0, 0 } },
		  2 },
		{ "nothing wrong", { 1, 0, 0, 0, 1, 100, 100, { 0, 0, 0, 60 } }, 0 },
		{ "a child that took longer", { 1, 0, 0, 0, 1, 100, 100, { 0, 0, 0, 49 } }, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct split_view v;
		struct told t;
		struct split s;

		begin_split(&s, TREE);
		tell_self(&t, 0, 0, 0, 500);
		tell_child(&t, &rows[i].child);
		tell_child(&t, &(struct wire_child){ 2, 0, 2, 0, 1, 50, 50, { 0 } });
		v = view_one(&s, 0, 1000, &t);
		if (s.ignored != rows[i].ignored)
			printf("\n    %s", rows[i].what);
		CHECK_INT(s.ignored, rows[i].ignored);
		CHECK_NEAR(v.response_ns, 1000, 1e-6);
		split_finish(&s);
	}
}

static void test_a_node_that_claims_more_than_the_response_is_not_believed(void)
{
	struct split_view v;
	struct told t;
	struct split s;

	begin_split(&s, TREE);
	tell_self(&t, 0, 3000, 0, 500);
	tell_child(&t, &(struct wire_child){ 1, 0, 0, 0, 1, 100, 100, { 0 } });
	v = view_one(&s, 0, 1000, &t);
	check_parts(v.part_ns[0], 1000, 0, 0, 0, 0);
	CHECK_INT(s.ignored, 1);
	t.len = WIRE_HOP + WIRE_CHILD - 1; /* cut in the middle of a record */
	tell_self(&t, 0, 0, 0, 500);
	t.len = WIRE_HOP + WIRE_CHILD - 1;
	view_one(&s, 0, 1000, &t);
	CHECK_INT(s.ignored, 1);
	split_finish(&s);
}

struct dice {
	struct random_key key;
	uint64_t at;
};

static uint64_t roll(struct dice *d, uint64_t bound)
{
	return random_below(&d->key, d->at++, bound);
}

static void tell_anything(struct told *t, struct dice *d)
{
	struct wire_child child = { .depth = (uint8_t)roll(d, 4), .tag = (uint16_t)roll(d, 7) };

	child.destination = (uint16_t)roll(d, 3);
	child.elapsed_ns = roll(d, 500) << roll(d, 30);
	child.waited_ns = roll(d, child.elapsed_ns + 2);
	child.hop.queue_ns = roll(d, 200);
	child.hop.forward_ns = roll(d, 400);
	tell_child(t, &child);
}

/* Records at random: the parts still add up, and nothing is less than nothing. */
static void test_whatever_is_told_the_parts_add_up(void)
{
	struct dice dice = { random_key(SEED, 0, 0, 0), 0 };
	struct split_view v;
	struct split s;

	begin_split(&s, TREE);
	for (unsigned i = 0; i < 20000; i++) {
		struct told t = { .len = 0 };

		tell_self(&t, roll(&dice, 100), 0, 0, 900);
		for (unsigned k = 0; k < 5; k++)
			tell_anything(&t, &dice);
		t.len -= 3 * (uint32_t)roll(&dice, 2);
		split_add(&s, &(struct split_answer){
				      .service_ns = 1000, .records = t.bytes, .len = t.len });
	}
	CU_ASSERT(s.ignored > 20000 && s.ignored < 99000);
	split_view(&s, 1, &v);
	CHECK_NEAR(v.response_ns, 1000, 1e-6);
	for (unsigned hop = 0; hop < s.hop_count; hop++)
		CU_ASSERT(v.part_ns[hop][SPLIT_FORWARD] > -1e-6);
	split_finish(&s);
}

/* 2000 answers, 20 of them slow because of storage: both halves in a split of their own. */
static void test_the_slowest_of_all_threads_are_told_apart(void)
{
	struct split s, other;
	struct split_view v;
	struct told t;

	begin_split(&s, TREE);
	begin_split(&other, TREE);
	for (int i = 0; i < 2000; i++) {
		bool is_slow = i % 100 == 99;
		int64_t service_ns = is_slow ? 1000000 : 100000 + i;

		tell_self(&t, 0, 20000, is_slow ? 900000 : 0, 0);
		split_add(i % 2 ? &s : &other, &(struct split_answer){ .service_ns = service_ns,
								       .records = t.bytes,
								       .len = t.len });
	}
	split_merge(&s, &other);
	split_view(&s, split_slow_share(&s), &v);
	CHECK_NEAR(v.answers, 20, 1e-9);
	CHECK_NEAR(v.response_ns, 1000000, 1e-3);
	check_parts(v.part_ns[0], 80000, 0, 20000, 900000, 0);
	split_view(&s, 1, &v);
	CHECK_NEAR(v.answers, 2000, 0);
	CHECK_NEAR(v.part_ns[0][SPLIT_STORAGE], 9000, 1e-6);
	split_finish(&s);
	split_finish(&other);
}

/* Every 1/16 octave its own; times below 1 us and above an hour have their buckets, too. */
static void test_the_boundary_lies_within_a_sixteenth_of_an_octave(void)
{
	static const int64_t times[] = {
		0, 1, 1023, 1024, 5000, 1000000, 999999999, INT64_MAX / 2
	};
	const struct told t = { .len = 0 };

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct split s;
		struct split_view v;

		begin_split(&s, "reply");
		view_one(&s, 0, times[i], &t);
		if (times[i] >= 1024 && times[i] < 1000000000) {
			view_one(&s, 0, times[i] + times[i] / 15 + 1, &t);
			split_view(&s, 0.5, &v);
			CHECK_NEAR(v.response_ns, times[i] + times[i] / 15 + 1, 1e-3);
		}
		split_finish(&s);
	}
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

static void test_the_sentence_names_the_largest_part_of_the_slowest(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct split s;
	struct told t;

	begin_split(&s, TREE);
	for (int i = 0; i < 2000; i++) {
		uint64_t storage = i % 100 ? 0 : 610000;

		tell_self(&t, 0, 0, 0, 90000 + storage);
		tell_child(&t, &(struct wire_child){ 1,
						     0,
						     0,
						     1,
						     1,
						     90000 + storage,
						     90000 + storage,
						     { 0, 90000, storage, 0 } });
		split_add(&s, &(struct split_answer){ .service_ns = i % 100 ? 100000 : 1000000,
						      .records = t.bytes,
						      .len = t.len });
	}
	split_write_text(&s, out);
	fclose(out);
	CU_ASSERT(strstr(text, "slowest 1 %: 61 % waiting for storage on :2\n") != NULL);
	CU_ASSERT(strstr(text, "  service on :2") != NULL);
	CU_ASSERT(strstr(text, "  service on :3") == NULL);
	CU_ASSERT(strstr(text, "  response ") != NULL);
	if (!strstr(text, "slowest 1 %: 61"))
		printf("\n%s", text);
	free(text);
	split_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "what a node does not tell is the network's",
	  test_what_a_node_does_not_tell_is_the_networks },
	{ "children count as much as they were waited for",
	  test_children_count_as_much_as_they_were_waited_for },
	{ "records that cannot be true are left out and counted",
	  test_records_that_cannot_be_true_are_left_out_and_counted },
	{ "a node that claims more than the response is not believed",
	  test_a_node_that_claims_more_than_the_response_is_not_believed },
	{ "whatever is told, the parts add up", test_whatever_is_told_the_parts_add_up },
	{ "the slowest of all threads are told apart",
	  test_the_slowest_of_all_threads_are_told_apart },
	{ "the boundary lies within a sixteenth of an octave",
	  test_the_boundary_lies_within_a_sixteenth_of_an_octave },
	{ "naps and delays of a tree are where they were",
	  test_naps_and_delays_of_a_tree_are_where_they_were },
	{ "of many, the one that was waited for counts",
	  test_of_many_the_one_that_was_waited_for_counts },
	{ "what happened meanwhile counts once", test_what_happened_meanwhile_counts_once },
	{ "drawn naps have the mean and the tail that was drawn",
	  test_drawn_naps_have_the_mean_and_the_tail_that_was_drawn },
	{ "the sentence names the largest part of the slowest",
	  test_the_sentence_names_the_largest_part_of_the_slowest },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("split", tests);
}
